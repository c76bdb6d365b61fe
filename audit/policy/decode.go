package policy

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/featureaudit/featureaudit/audit/model"
)

const (
	// maxBytes bounds a file before it is parsed; maxNodes bounds what aliases may expand it to.
	maxBytes = 16 << 20
	maxNodes = 2_000_000
	// maxProblems keeps the errors of a file that is something else altogether readable.
	maxProblems = 200
	// maxMergeDepth bounds merges of merges, which may even be written as a circle.
	maxMergeDepth = 16
)

// problem is one thing wrong with a file, at its place.
type problem struct {
	file      string
	line, col int
	text      string
}

// Error puts the place first, as compilers do; a flag has no line.
func (p problem) Error() string {
	switch {
	case p.line == 0:
		return p.file + ": " + p.text
	case p.col == 0:
		return fmt.Sprintf("%s:%d: %s", p.file, p.line, p.text)
	}
	return fmt.Sprintf("%s:%d:%d: %s", p.file, p.line, p.col, p.text)
}

// decoder walks one document and collects everything that is wrong with it.
type decoder struct {
	// name is what errors call the document, label what origins call it.
	name, label string
	// flag says that the document is the value of a flag: it has no lines worth naming.
	flag   bool
	checks []string
	// parameters are the keys of each check of a view, by its id.
	parameters map[string][]string
	problems   []problem
	nodes      int
	full       bool
}

// cursor is a value being read: where it stands, and what it is called.
type cursor struct {
	d *decoder
	// node is the value with aliases followed; at is the node whose line its origin names.
	node, at *yaml.Node
	// key is the dotted config key that origins know it by; name and scope are for messages: name in `view "x"`.
	key, name, scope string
	// origins collects where values come from; nil where nobody asks.
	origins model.Origins
}

// entry is one key of a map, merges already flattened.
type entry struct {
	name       string
	key, value *yaml.Node
}

var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)

// parseDocument reads the single document of data; nil means that a problem was recorded.
func (d *decoder) parseDocument(data []byte, hint string) *yaml.Node {
	if len(data) > maxBytes {
		d.add(0, 0, fmt.Sprintf("%d bytes: expected at most %d; split the definitions over several files", len(data), maxBytes))
		return nil
	}
	var doc, second yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(data))
	err := dec.Decode(&doc)
	if errors.Is(err, io.EOF) {
		d.add(0, 0, "the file is empty: "+hint)
		return nil
	}
	if err != nil {
		d.addSyntax(data, err)
		return nil
	}
	switch err := dec.Decode(&second); {
	case err == nil:
		d.add(second.Line, second.Column, "a second YAML document begins here: expected one; remove the --- or move it to a file of its own")
		return nil
	case !errors.Is(err, io.EOF):
		d.addSyntax(data, err)
		return nil
	}
	root := doc.Content[0]
	if isNull(root) {
		d.add(0, 0, "the file is empty: "+hint)
		return nil
	}
	if root = follow(root); root.Kind != yaml.MappingNode {
		d.add(root.Line, root.Column, "found "+describe(root)+", "+hint)
		return nil
	}
	return root
}

// addSyntax records an error of the YAML library.
func (d *decoder) addSyntax(data []byte, err error) {
	line, text := SyntaxError(data, err)
	d.add(line, 0, "not valid YAML: "+text)
}

// SyntaxError is where and why data is no YAML, from the error of the YAML library, which states the line in its text (0
// where it does not) and calls a tab any character but that.
func SyntaxError(data []byte, err error) (line int, text string) {
	text = err.Error()
	if m := yamlLine.FindStringSubmatch(text); m != nil {
		line, _ = strconv.Atoi(m[1]) // no line at all leaves 0
		text = text[len(m[0]):]
	}
	number := 0
	for content := range strings.Lines(string(data)) {
		number++
		body := strings.TrimLeft(content, " \t")
		indent := content[:len(content)-len(body)]
		if strings.Contains(indent, "\t") && strings.TrimSpace(body) != "" && body[0] != '#' && (line == 0 || number >= line-1 && number <= line+1) {
			return number, "a tab indents this line, expected spaces: YAML takes no other"
		}
	}
	return line, text
}

func (d *decoder) add(line, col int, text string) {
	if len(d.problems) >= maxProblems {
		d.full = true
		return
	}
	if d.flag {
		line, col = 0, 0
	}
	p := problem{d.name, line, col, text}
	// Through aliases and merges the same value is read more than once.
	if !slices.Contains(d.problems, p) {
		d.problems = append(d.problems, p)
	}
}

// err joins the problems in the order of the file.
func (d *decoder) err() error {
	slices.SortStableFunc(d.problems, func(a, b problem) int {
		return cmp.Or(cmp.Compare(a.line, b.line), cmp.Compare(a.col, b.col))
	})
	errs := make([]error, 0, len(d.problems)+1)
	for _, p := range d.problems {
		errs = append(errs, p)
	}
	if d.full {
		errs = append(errs, fmt.Errorf("%s: more than %d problems: the rest is not listed", d.name, maxProblems))
	}
	return errors.Join(errs...)
}

// spend counts a node that is read and says whether there is budget left.
func (d *decoder) spend(n *yaml.Node) bool {
	d.nodes++
	if d.nodes == maxNodes+1 {
		d.add(n.Line, n.Column, fmt.Sprintf("aliases expand the file to more than %d values: write fewer of them", maxNodes))
	}
	return d.nodes <= maxNodes && !d.full
}

func (d *decoder) origin(n *yaml.Node) string {
	if d.flag {
		return d.label
	}
	return d.label + ":" + strconv.Itoa(n.Line)
}

// fail records that the cursor's value is not what was expected.
func (c cursor) fail(text string) {
	c.d.add(c.node.Line, c.node.Column, c.name+" "+c.scope+": "+text)
}

// expected records the usual complaint: what was found, and what was expected.
func (c cursor) expected(what string) {
	c.fail("found " + describe(c.node) + ", expected " + what)
}

// mark remembers where the value of the cursor's key comes from.
func (c cursor) mark() {
	if c.origins != nil {
		c.origins[c.key] = model.Written(c.d.origin(c.at))
	}
}

// child is the cursor of a key below this one.
func (c cursor) child(e entry, scope string) cursor {
	key := e.name
	if c.key != "" {
		key = c.key + "." + e.name
	}
	return cursor{d: c.d, node: follow(e.value), at: e.key, key: key, name: e.name, scope: scope, origins: c.origins}
}

// element is the cursor of one element of a list: same key, own place.
func (c cursor) element(n *yaml.Node) cursor {
	c.node = follow(n)
	return c
}

// isMap says whether the value is a map; otherwise it complains with what was expected.
func (c cursor) isMap(expected string) bool {
	if c.node.Kind == yaml.MappingNode {
		return true
	}
	c.expected(expected)
	return false
}

// entries flattens a map: its own keys first, then those of merges (<<) that it does not set, nearest first.
func (c cursor) entries() []entry {
	var list []entry
	index := map[string]bool{}
	c.collect(c.node, 0, index, &list)
	return list
}

func (c cursor) collect(n *yaml.Node, depth int, index map[string]bool, list *[]entry) {
	own := map[string]int{}
	var merges []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := follow(n.Content[i]), n.Content[i+1]
		if !c.d.spend(k) {
			return
		}
		if k.ShortTag() == "!!merge" {
			merges = append(merges, v)
			continue
		}
		if k.Kind != yaml.ScalarNode || isNull(k) {
			c.d.add(k.Line, k.Column, "found "+describe(k)+" as a key "+c.scope+", expected a name")
			continue
		}
		if line, twice := own[k.Value]; twice {
			c.d.add(k.Line, k.Column, fmt.Sprintf("key %q is written twice %s, first in line %d: keep one", k.Value, c.scope, line))
			continue
		}
		own[k.Value] = k.Line
		if !index[k.Value] {
			index[k.Value] = true
			*list = append(*list, entry{k.Value, k, v})
		}
	}
	for _, m := range merges {
		c.merge(m, depth+1, index, list)
	}
}

func (c cursor) merge(v *yaml.Node, depth int, index map[string]bool, list *[]entry) {
	n := follow(v)
	if depth > maxMergeDepth {
		c.d.add(v.Line, v.Column, fmt.Sprintf("more than %d merges (<<) of merges %s: the anchors refer to each other", maxMergeDepth, c.scope))
		return
	}
	switch n.Kind {
	case yaml.MappingNode:
		c.collect(n, depth, index, list)
	case yaml.SequenceNode:
		for _, element := range n.Content {
			if !c.d.spend(element) {
				return
			}
			if follow(element).Kind != yaml.MappingNode {
				c.d.add(element.Line, element.Column, "found "+describe(follow(element))+" in a merge (<<) "+c.scope+", expected a map")
				continue
			}
			c.merge(element, depth, index, list)
		}
	default:
		c.d.add(v.Line, v.Column, "found "+describe(n)+" as a merge (<<) "+c.scope+", expected a map or a list of maps")
	}
}

// readMap reads the keys of a map by their table. The scope is how messages call the place: `in view "x"`.
func readMap[T any](c cursor, keys []key[T], t *T) {
	for _, e := range c.entries() {
		i := slices.IndexFunc(keys, func(k key[T]) bool { return k.name == e.name })
		if i < 0 {
			c.unknown(e, names(keys))
			continue
		}
		keys[i].read(c.child(e, c.scope), t)
	}
}

func (c cursor) unknown(e entry, known []string) {
	c.d.add(e.key.Line, e.key.Column, fmt.Sprintf("unknown key %q %s: %sknown keys: %s", e.name, c.scope, DidYouMean(e.name, known), strings.Join(known, ", ")))
}

// DidYouMean is `did you mean "WORD"? ` with the known word that is nearest to one that was written, or "" where none is near.
func DidYouMean(word string, known []string) string {
	if best := Nearest(word, known); best != "" {
		return fmt.Sprintf("did you mean %q? ", best)
	}
	return ""
}

// Nearest is the known word with the fewest edits, if these are few for its length; the first of equals, and "" for none.
func Nearest(word string, known []string) string {
	best, limit := "", max(1, min(len(word), 60)/3)+1
	if len(word) > 200 {
		return "" // no typo, and the edits of a whole text would take long to count
	}
	for _, k := range known {
		if n := edits(strings.ToLower(word), strings.ToLower(k)); n < limit {
			best, limit = k, n
		}
	}
	return best
}

// edits counts the bytes to add, drop, change or swap with their neighbour between two words.
func edits(a, b string) int {
	var before []int
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		next := make([]int, len(b)+1)
		next[0] = i
		for j := 1; j <= len(b); j++ {
			cost := row[j-1]
			if a[i-1] != b[j-1] {
				cost++
			}
			next[j] = min(cost, row[j]+1, next[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				next[j] = min(next[j], before[j-2]+1)
			}
		}
		before, row = row, next
	}
	return row[len(b)]
}

// follow resolves aliases. An alias of an alias cannot be written, but costs nothing to stand.
func follow(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode && n.Alias != nil {
		n = n.Alias
	}
	return n
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

// describe says what a value is, for "found ...".
func describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a map"
	case yaml.SequenceNode:
		return "a list"
	case yaml.ScalarNode:
		return describeScalar(n)
	}
	return "no value"
}

func describeScalar(n *yaml.Node) string {
	switch tag := n.ShortTag(); tag {
	case "!!null":
		return "nothing"
	case "!!int", "!!float":
		return "the number " + shorten(n.Value)
	case "!!bool":
		return "the boolean " + shorten(n.Value)
	case "!!str", "!!timestamp":
		return strconv.Quote(shorten(n.Value))
	default:
		return "a value tagged " + shorten(tag)
	}
}

// shorten keeps a message readable whatever was written.
func shorten(text string) string {
	const most = 80
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "..."
	}
	return text
}
