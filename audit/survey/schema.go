package survey

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/featureaudit/featureaudit/audit/facts"
)

// node is one element with its children.
type node struct {
	element
	kids []node
	leaf int
	// stored is the name in the file, where a table knows the column by another; unknown says that the table has it no more.
	stored  string
	unknown bool
}

// treeOf builds the schema's tree; leaves are numbered in file order.
func treeOf(elements []element) (node, error) {
	b := builder{elements: elements}
	root, err := b.next(0)
	if err == nil && b.at != len(elements) {
		return node{}, fmt.Errorf("a schema of %d nodes of which %d belong to its root", len(elements), b.at)
	}
	return root, err
}

type builder struct {
	elements []element
	at       int
	leaves   int
}

// maxDepth of a schema keeps a wrong one from exhausting the stack.
const maxDepth = 200

func (b *builder) next(depth int) (node, error) {
	if b.at >= len(b.elements) || depth > maxDepth {
		return node{}, fmt.Errorf("a schema that ends too early or nests more than %d levels", maxDepth)
	}
	n := node{element: b.elements[b.at], leaf: -1}
	b.at++
	if n.physical != none {
		if n.physical < 0 || int(n.physical) >= len(physicalNames) {
			return node{}, fmt.Errorf("column %q of unknown physical type %d", n.name, n.physical)
		}
		n.leaf = b.leaves
		b.leaves++
		return n, nil
	}
	for range n.children {
		kid, err := b.next(depth + 1)
		if err != nil {
			return node{}, err
		}
		n.kids = append(n.kids, kid)
	}
	return n, nil
}

// described is a column with the number of its leaf, -1 where it is nested.
type described struct {
	facts.Column
	leaf int
}

// columnsOf lists top-level columns, and below structs their leaves.
func columnsOf(root node, createdBy string) []described {
	var columns []described
	unsafe := unsafeNames(root.kids)
	for i, top := range root.kids {
		if top.unknown {
			continue
		}
		first := len(columns)
		columns = append(columns, columnOf(top, top.name, top.name, createdBy))
		columns[first].StoredName, columns[first].StoredPath = top.stored, top.stored
		if isStruct(top) {
			columns = appendLeaves(columns, top, columns[first].Column, createdBy)
		}
		for j := first; unsafe && j < len(columns); j++ {
			columns[j].Position = int32(i + 1)
		}
	}
	return columns
}

// unsafeNames says whether a query could miss a column that it names: two differ in the case of letters only, one is empty,
// or holds a NUL byte, or a table knows them by other names.
func unsafeNames(columns []node) bool {
	known := map[string]bool{}
	for _, c := range columns {
		name := strings.ToLower(c.name)
		if known[name] || name == "" || strings.ContainsRune(name, 0) || c.stored != "" || c.unknown {
			return true
		}
		known[name] = true
	}
	return false
}

func appendLeaves(columns []described, parent node, of facts.Column, createdBy string) []described {
	for _, kid := range parent.kids {
		at, stored := of.Path+"."+kid.name, ""
		if of.StoredName != "" {
			stored = of.StoredPath + "." + cmp.Or(kid.stored, kid.name)
		}
		switch {
		case kid.repetition == repetitionRepeated, kid.unknown:
		case kid.physical != none:
			c := columnOf(kid, of.Name, at, createdBy)
			c.StoredName, c.StoredPath = of.StoredName, stored
			// A leaf below an optional struct can be NULL whatever it says itself.
			c.Optional = c.Optional || parent.repetition == repetitionOptional
			columns = append(columns, c)
		case isStruct(kid):
			columns = appendLeaves(columns, kid, facts.Column{Name: of.Name, Path: at, StoredName: of.StoredName, StoredPath: stored}, createdBy)
		}
	}
	return columns
}

func isStruct(n node) bool {
	return n.physical == none && n.repetition != repetitionRepeated && kindOf(n) == "struct"
}

// kindOf tells groups apart.
func kindOf(n node) string {
	switch {
	case n.logical == "list", n.logical == "" && n.converted == 3:
		return "list"
	case n.logical == "map", n.logical == "" && (n.converted == 1 || n.converted == 2):
		return "map"
	}
	return "struct"
}

func columnOf(n node, name, path, createdBy string) described {
	c := facts.Column{Name: name, Path: path, Optional: n.repetition == repetitionOptional}
	switch {
	case n.repetition == repetitionRepeated:
		c.Physical, c.Logical, c.Nested, c.Raw = "GROUP", "list", true, rawBelow(n, createdBy)
		c.TypeText = "LIST<" + textOf(n, createdBy) + ">"
		return described{c, -1}
	case n.physical == none:
		c.Physical, c.Logical, c.Nested, c.Raw = "GROUP", kindOf(n), true, rawBelow(n, createdBy)
		c.TypeText = textOf(n, createdBy)
		return described{c, -1}
	}
	typed(&c, n.element, createdBy)
	c.TypeText = leafText(c)
	c.Raw = isRaw(c)
	return described{c, n.leaf}
}

// engineDigits are those of the widest decimal that engines have.
const engineDigits = 38

// isRaw says whether an engine may give other values of a leaf than the file holds: it makes wide decimals doubles, cuts
// times of day to microseconds, and takes a month for 30 days.
func isRaw(c facts.Column) bool {
	return c.Logical == "decimal" && c.Precision > engineDigits || c.Logical == "time" && c.Unit == "ns" || c.Logical == "interval"
}

// rawBelow says whether some leaf of a nested column is raw, or a time whose nanoseconds the engine cuts off.
func rawBelow(n node, createdBy string) bool {
	if n.physical == none {
		return slices.ContainsFunc(n.kids, func(kid node) bool { return rawBelow(kid, createdBy) })
	}
	c := facts.Column{}
	typed(&c, n.element, createdBy)
	return isRaw(c) || Truncated(c)
}

// convertedTypes are the older annotations, by their numbers in the format.
var convertedTypes = map[int32]facts.Column{
	0: {Logical: "string"}, 4: {Logical: "enum"}, 5: {Logical: "decimal"}, 6: {Logical: "date"},
	7: {Logical: "time", Unit: "ms", AdjustedToUTC: true}, 8: {Logical: "time", Unit: "us", AdjustedToUTC: true},
	9: {Logical: "timestamp", Unit: "ms", AdjustedToUTC: true}, 10: {Logical: "timestamp", Unit: "us", AdjustedToUTC: true},
	11: {Logical: "int", Width: 8, Unsigned: true}, 12: {Logical: "int", Width: 16, Unsigned: true},
	13: {Logical: "int", Width: 32, Unsigned: true}, 14: {Logical: "int", Width: 64, Unsigned: true},
	15: {Logical: "int", Width: 8}, 16: {Logical: "int", Width: 16}, 17: {Logical: "int", Width: 32}, 18: {Logical: "int", Width: 64},
	19: {Logical: "json"}, 20: {Logical: "bson"}, 21: {Logical: "interval"},
}

// typed fills in the type of a leaf.
func typed(c *facts.Column, e element, createdBy string) {
	c.Physical = physicalNames[e.physical]
	c.Logical, c.Unit, c.AdjustedToUTC = e.logical, e.unit, e.utc
	switch {
	case e.logical == "int":
		c.Width, c.Unsigned = e.width, !e.signed
	case e.logical == "" && e.converted != none:
		old := convertedTypes[e.converted]
		c.Logical, c.Unit, c.AdjustedToUTC, c.Width, c.Unsigned = old.Logical, old.Unit, old.AdjustedToUTC, old.Width, old.Unsigned
		if strings.HasPrefix(createdBy, "DuckDB") {
			// The format reads these annotations as instants, but DuckDB wrote its naive times so.
			c.AdjustedToUTC = false
		}
	}
	if c.Logical == "decimal" {
		c.Precision, c.Scale = e.precision, e.scale
	}
	switch {
	case c.Width != 0:
	case e.physical == physicalFixed:
		c.Width = e.length
	case e.physical == physicalInt32:
		c.Width = 32
	case e.physical == physicalInt64:
		c.Width = 64
	}
}

// textOf names the type of any node without its name.
func textOf(n node, createdBy string) string {
	if n.physical != none {
		c := facts.Column{}
		typed(&c, n.element, createdBy)
		return leafText(c)
	}
	switch kind := kindOf(n); {
	case kind == "list" && len(n.kids) == 1:
		return "LIST<" + textOf(itemOf(n), createdBy) + ">"
	case kind == "map" && len(n.kids) == 1 && len(n.kids[0].kids) == 2:
		return "MAP<" + textOf(n.kids[0].kids[0], createdBy) + ", " + textOf(n.kids[0].kids[1], createdBy) + ">"
	}
	fields := make([]string, len(n.kids))
	for i, kid := range n.kids {
		text := textOf(kid, createdBy)
		if kid.repetition == repetitionRepeated {
			text = "LIST<" + text + ">"
		}
		fields[i] = kid.name + ": " + text
	}
	return "STRUCT<" + strings.Join(fields, ", ") + ">"
}

// itemOf is a list's item: below the middle level of three, by the format's rules for older lists.
func itemOf(list node) node {
	middle := list.kids[0]
	if len(middle.kids) == 1 && middle.name != "array" && middle.name != list.name+"_tuple" {
		return middle.kids[0]
	}
	return middle
}

func leafText(c facts.Column) string {
	switch c.Logical {
	case "timestamp", "time":
		name := strings.ToUpper(c.Logical)
		if c.AdjustedToUTC {
			return name + "(" + c.Unit + ", UTC)"
		}
		return name + "(" + c.Unit + ")"
	case "decimal":
		return fmt.Sprintf("DECIMAL(%d,%d)", c.Precision, c.Scale)
	case "int":
		if c.Unsigned {
			return "UINT" + strconv.Itoa(int(c.Width))
		}
		return "INT" + strconv.Itoa(int(c.Width))
	case "":
	default:
		return strings.ToUpper(c.Logical)
	}
	switch c.Physical {
	case "FIXED_LEN_BYTE_ARRAY":
		return fmt.Sprintf("FIXED(%d)", c.Width)
	case "BYTE_ARRAY":
		return "BYTES"
	}
	return c.Physical
}

// writerOf is the short name of a writer: what stands before its version.
func writerOf(createdBy string) string {
	name, _, _ := strings.Cut(createdBy, "(")
	if before, _, ok := strings.Cut(name, " version "); ok {
		name = before
	}
	name = strings.TrimSpace(name)
	if i := strings.LastIndexByte(name, ' '); i > 0 && i+1 < len(name) && strings.ContainsAny(name[i+1:i+2], "v0123456789") {
		name = name[:i]
	}
	return name
}

// isInt96Aware says that INT96 values are instants: parquet-mr and what is built on it (Spark, Hive) normalise to UTC.
func isInt96Aware(f footer) bool {
	return f.spark || strings.Contains(f.createdBy, "parquet-mr") || strings.Contains(strings.ToLower(f.createdBy), "spark")
}
