package survey

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
)

// lacked are the columns with a role that some files of tables may lack, by the names that the view has for them, with a column of a file that
// has it; nil where none has.
type lacked map[string]*facts.Column

// lackedOf looks for the columns with a role in schemas.
func lackedOf(schemas []facts.Schema, roles Roles) lacked {
	l := lacked{}
	for _, name := range roles.Filled {
		l[name] = nil
	}
	for _, s := range schemas {
		l.learn(s)
	}
	return l
}

// lackedBy looks for them in what the footers gave, without those of views that are no tables.
func lackedBy(files []facts.File, read []packed, roles Roles) lacked {
	l := lackedOf(nil, roles)
	if !slices.ContainsFunc(files, func(f facts.File) bool { return f.Table != nil }) {
		return l
	}
	for i := range read {
		l.learn(read[i].schema)
	}
	return l
}

func (l lacked) learn(s facts.Schema) {
	for name, known := range l {
		if c := s.Lookup(name); c != nil && !c.Absent && (known == nil || known.Logical == nullType) {
			found := *c
			l[name] = &found
		}
	}
}

// fill adds the columns with a role to the schema of a table's file that lacks them, since they were added to the table after it was written:
// all its rows read as what the table says, which is NULL where it says nothing.
func (l lacked) fill(s *facts.Schema, f facts.File) {
	if f.Table == nil || s.Columns == nil {
		return
	}
	var added []facts.Column
	for name, known := range l {
		if name == "" || f.Says(name) || s.Lookup(name) != nil || name == model.CommitColumn {
			continue
		}
		if c, has := absentColumn(f.Table, name, known); has {
			added = append(added, c)
		}
	}
	slices.SortFunc(added, func(a, b facts.Column) int { return strings.Compare(a.Path, b.Path) })
	s.Columns = append(added, s.Columns...)
}

// absentColumn is a column of a table as a file reads that lacks it; false where it is none of the table's, or its type is not known. Known is the
// column in a file that has it, or nil.
func absentColumn(t *facts.Table, name string, known *facts.Column) (facts.Column, bool) {
	of, has := tableColumn(t, name)
	if !has && (len(t.Columns) > 0 || known == nil) || has && of.NotRead != "" || known != nil && known.Nested {
		return facts.Column{}, false
	}
	if of.Default != "" {
		c, read := filledColumn(of)
		if known != nil && c.Logical == "time" && known.Logical == "time" {
			c.AdjustedToUTC, c.TypeText = known.AdjustedToUTC, known.TypeText // of no meaning in the table
		}
		return c, read
	}
	c := facts.Column{Name: name, Path: name, Physical: "INT32", Logical: nullType, TypeText: "NULL"}
	if typed, plain := typedColumn(of); plain {
		c = typed
	}
	if known != nil {
		c = *known
	}
	if has && len(of.Fields) > 0 {
		return facts.Column{}, false
	}
	c.Name, _, _ = strings.Cut(name, ".")
	c.Path, c.StoredName, c.StoredPath, c.Position = name, "", "", 0
	c.Optional, c.Absent, c.Min, c.Max, c.HasBounds = true, true, 0, 0, false
	return c, true
}

// tableColumn finds a column of a table, or a field of a struct, by the name that a definition has for it.
func tableColumn(t *facts.Table, name string) (facts.TableColumn, bool) {
	if t == nil {
		return facts.TableColumn{}, false
	}
	columns, rest := t.Columns, name
	for {
		at := slices.IndexFunc(columns, func(c facts.TableColumn) bool { return c.Name == rest })
		if at >= 0 {
			c := columns[at]
			c.Name = name
			return c, true
		}
		at = slices.IndexFunc(columns, func(c facts.TableColumn) bool { return strings.HasPrefix(rest, c.Name+".") && len(c.Fields) > 0 })
		if at < 0 {
			return facts.TableColumn{}, false
		}
		columns, rest = columns[at].Fields, rest[len(columns[at].Name)+1:]
	}
}

// filledColumn is a column that a table reads as another value than NULL where a file lacks it: false of fields of structs, which are NULL where
// the struct is, and where the value is none of the type.
func filledColumn(of facts.TableColumn) (facts.Column, bool) {
	c, plain := typedColumn(of)
	if !plain || strings.Contains(of.Name, ".") || of.Default == "" {
		return facts.Column{}, false
	}
	text, err := fillOf(c, of.Default)
	if err != nil {
		return facts.Column{}, false
	}
	c.Absent, c.Filled, c.Fill = true, true, text
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && (c.Physical == "INT32" || c.Physical == "INT64") && c.Logical == "" {
		c.Min, c.Max, c.HasBounds = n, n, true
		c.EpochUnit, _ = EpochUnit(n, n)
	}
	return c, true
}

var (
	decimalType = regexp.MustCompile(`^decimal\((\d+), *(\d+)\)$`)
	fixedType   = regexp.MustCompile(`^fixed\[(\d+)\]$`)
)

// icebergTypes are the columns that files hold for Iceberg's types.
var icebergTypes = map[string]facts.Column{
	"boolean":        {Physical: "BOOLEAN"},
	"int":            {Physical: "INT32", Width: 32},
	"long":           {Physical: "INT64", Width: 64},
	"float":          {Physical: "FLOAT"},
	"double":         {Physical: "DOUBLE"},
	"date":           {Physical: "INT32", Logical: "date", Width: 32},
	"time":           {Physical: "INT64", Logical: "time", Unit: "us", Width: 64},
	"timestamp":      {Physical: "INT64", Logical: "timestamp", Unit: "us", Width: 64},
	"timestamptz":    {Physical: "INT64", Logical: "timestamp", Unit: "us", Width: 64, AdjustedToUTC: true},
	"timestamp_ns":   {Physical: "INT64", Logical: "timestamp", Unit: "ns", Width: 64},
	"timestamptz_ns": {Physical: "INT64", Logical: "timestamp", Unit: "ns", Width: 64, AdjustedToUTC: true},
	"string":         {Physical: "BYTE_ARRAY", Logical: "string"},
	"uuid":           {Physical: "FIXED_LEN_BYTE_ARRAY", Logical: "uuid", Width: 16},
	"binary":         {Physical: "BYTE_ARRAY"},
}

// typedColumn is a column of a table by its type, as files hold it; false where that is not known, or is no plain one.
func typedColumn(of facts.TableColumn) (facts.Column, bool) {
	c, known := icebergTypes[of.Type]
	if m := decimalType.FindStringSubmatch(of.Type); m != nil {
		precision, _ := strconv.Atoi(m[1])
		scale, _ := strconv.Atoi(m[2])
		c, known = facts.Column{Physical: "FIXED_LEN_BYTE_ARRAY", Logical: "decimal", Precision: int32(precision), Scale: int32(scale)}, precision <= engineDigits
	}
	if m := fixedType.FindStringSubmatch(of.Type); m != nil {
		width, _ := strconv.Atoi(m[1])
		c, known = facts.Column{Physical: "FIXED_LEN_BYTE_ARRAY", Width: int32(width)}, true
	}
	c.Name, c.Path, c.Optional, c.TypeText = of.Name, of.Name, true, leafText(c)
	return c, known
}

// fillOf reads a value as Iceberg writes it in JSON, and gives it as people read it. Its error says that it is none of the column's type.
func fillOf(c facts.Column, value string) (string, error) {
	var text string
	quoted := json.Unmarshal([]byte(value), &text) == nil
	bits := 64
	if c.Physical == "INT32" || c.Physical == "FLOAT" {
		bits = 32
	}
	switch {
	case c.Physical == "BOOLEAN":
		b, err := strconv.ParseBool(value)
		return strconv.FormatBool(b), err
	case c.Physical == "FLOAT", c.Physical == "DOUBLE":
		n, err := strconv.ParseFloat(value, bits)
		return strconv.FormatFloat(n+0, 'g', -1, bits), err
	case (c.Physical == "INT32" || c.Physical == "INT64") && c.Logical == "":
		n, err := strconv.ParseInt(value, 10, bits)
		return strconv.FormatInt(n, 10), err
	case !quoted:
		return "", fmt.Errorf("%s is no text", value)
	case c.Logical == "decimal":
		return decimalFill(c, text)
	case c.Logical == "timestamp" && c.AdjustedToUTC:
		at, err := time.Parse(time.RFC3339Nano, text)
		return at.UTC().Format(fillTime), err
	case c.Logical == "timestamp":
		at, err := time.Parse("2006-01-02T15:04:05.999999999", text)
		return at.Format(fillTime), err
	case c.Logical == "date":
		at, err := time.Parse(time.DateOnly, text)
		return at.Format(time.DateOnly), err
	case c.Logical == "time":
		at, err := time.Parse("15:04:05.999999999", text)
		return at.Format("15:04:05.999999999"), err
	case c.Logical == "string":
		return text, nil
	case c.Logical == "uuid":
		raw, err := hex.DecodeString(strings.ReplaceAll(text, "-", ""))
		if err != nil || len(raw) != 16 {
			return "", fmt.Errorf("%q is no UUID", text)
		}
		return fmt.Sprintf("%x-%x-%x-%x-%x", raw[:4], raw[4:6], raw[6:8], raw[8:10], raw[10:]), nil
	}
	raw, err := hex.DecodeString(text)
	if err == nil && c.Physical == "FIXED_LEN_BYTE_ARRAY" && len(raw) != int(c.Width) {
		err = fmt.Errorf("%q has %d bytes and the type %d", text, len(raw), c.Width)
	}
	return strings.ToLower(text), err
}

// fillTime is how times are written that files lack.
const fillTime = "2006-01-02 15:04:05.999999999"

// plainDecimal is a decimal without an exponent.
var plainDecimal = regexp.MustCompile(`^-?(\d+)(?:\.(\d+))?$`)

// decimalFill is a decimal of a column's scale.
func decimalFill(c facts.Column, text string) (string, error) {
	m := plainDecimal.FindStringSubmatch(text)
	if m == nil || len(m[2]) > int(c.Scale) || len(strings.TrimLeft(m[1], "0"))+int(c.Scale) > int(c.Precision) {
		return "", fmt.Errorf("%q is no decimal of %d digits, %d of them after the point", text, c.Precision, c.Scale)
	}
	return text, nil
}

// filled are the values of a column that a file lacks, in so many rows, as Values gives those of others.
func filled(c facts.Column, rows int, numbers bool) facts.Values {
	out := facts.Values{Null: slices.Repeat([]bool{!c.Filled}, rows)}
	if numbers {
		out.Ints = slices.Repeat([]int64{filledNanos(c) / 1000}, rows)
		return out
	}
	out.Texts = slices.Repeat([]string{filledText(c)}, rows)
	return out
}

// filledText is the value of such a column as render writes that of others.
func filledText(c facts.Column) string {
	switch {
	case !c.Filled:
		return ""
	case c.Logical == "timestamp":
		return timestampText(strconv.FormatInt(filledNanos(c), 10))
	case c.Logical == "time":
		at, err := time.Parse("15:04:05.999999999", c.Fill)
		if err != nil {
			return c.Fill
		}
		return at.Format("15:04:05.999999999")
	case c.Logical == "date":
		at, err := time.Parse(time.DateOnly, c.Fill)
		if err != nil {
			return c.Fill
		}
		return strconv.FormatInt(at.Unix()/86_400, 10)
	case c.Logical == "decimal":
		whole, fraction, _ := strings.Cut(c.Fill, ".")
		n, _ := new(big.Int).SetString(whole+fraction, 10)
		return decimalText(n, len(fraction))
	case c.Physical == "FLOAT", c.Physical == "DOUBLE":
		n, _ := strconv.ParseFloat(c.Fill, 64)
		if c.Physical == "FLOAT" {
			n, _ = strconv.ParseFloat(c.Fill, 32)
		}
		return doubleText(n)
	case c.Logical == "string":
		return hex.EncodeToString([]byte(c.Fill))
	case c.Logical == "uuid":
		return strings.ReplaceAll(c.Fill, "-", "")
	}
	return c.Fill
}

// filledNanos is a time that a file lacks, in nanoseconds since 1970; 0 without one.
func filledNanos(c facts.Column) int64 {
	at, err := time.Parse(fillTime, c.Fill)
	if !c.Filled || err != nil {
		return 0
	}
	return at.UnixNano()
}
