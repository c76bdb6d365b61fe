// Package keyed reads definitions that are written in YAML or JSON without losing a key: what the reader of a format
// judges, it reads itself; all other known keys are noted by path, and unknown ones are named with their line and the
// nearest known key.
package keyed

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/featureaudit/featureaudit/audit/policy"
	"github.com/featureaudit/featureaudit/audit/registry"
)

// Parse reads one document. Of a key that stands twice in a map the last counts; twice says so, one note for each.
func Parse(file string, data []byte) (root *yaml.Node, twice []string, err error) {
	var document yaml.Node
	if err := yaml.Unmarshal(data, &document); err != nil {
		return nil, nil, fmt.Errorf("%s: not valid YAML: %s", file, strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if len(document.Content) == 0 {
		return &yaml.Node{Kind: yaml.MappingNode}, nil, nil
	}
	if n := expanded(document.Content[0], map[*yaml.Node]int{}); n > maxValues {
		return nil, nil, fmt.Errorf("%s: its anchors hold themselves or stand for more than %d values: write out what they stand for", file, maxValues)
	}
	lastCounts(document.Content[0], file, &twice)
	return document.Content[0], twice, nil
}

// maxValues is how many values a document may have once its anchors are written out.
const maxValues = 5_000_000

// expanded counts the values below a node with each alias taken for what it stands for, up to one more than maxValues;
// what holds itself has that many.
func expanded(n *yaml.Node, known map[*yaml.Node]int) int {
	if n.Kind == yaml.AliasNode {
		return expanded(n.Alias, known)
	}
	if count, ok := known[n]; ok {
		return count
	}
	known[n] = maxValues + 1 // while it is counted, it is met again only inside itself
	count := 1
	for _, child := range n.Content {
		count = min(count+expanded(child, known), maxValues+1)
	}
	known[n] = count
	return count
}

// lastCounts removes all but the last of equal keys.
func lastCounts(n *yaml.Node, file string, twice *[]string) {
	for _, child := range n.Content {
		lastCounts(child, file, twice)
	}
	if n.Kind != yaml.MappingNode {
		return
	}
	last := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		last[n.Content[i].Value] = i
	}
	kept := n.Content[:0]
	for i := 0; i+1 < len(n.Content); i += 2 {
		if key := n.Content[i]; last[key.Value] != i && key.Value != "<<" {
			*twice = append(*twice, fmt.Sprintf("%s:%d: the key %q stands twice in one map: the last one counts", file, key.Line, key.Value))
			continue
		}
		kept = append(kept, n.Content[i], n.Content[i+1])
	}
	n.Content = kept
}

// Value is what stands under a key of a map, nil where the map has no such key.
func Value(n *yaml.Node, key string) *yaml.Node {
	n = Resolve(n)
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	merges := false
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return Resolve(n.Content[i+1])
		}
		merges = merges || n.Content[i].Value == "<<"
	}
	if merges {
		for _, pair := range Pairs(n) {
			if pair[0].Value == key {
				return Resolve(pair[1])
			}
		}
	}
	return nil
}

// Pairs are the keys and values of a map, with those that it merges (<<) behind its own, which win; none for all else.
func Pairs(n *yaml.Node) [][2]*yaml.Node { return pairs(n, map[*yaml.Node]bool{}) }

// pairs leaves out what was merged already: it adds nothing, and may hold itself.
func pairs(n *yaml.Node, seen map[*yaml.Node]bool) [][2]*yaml.Node {
	n = Resolve(n)
	if n == nil || n.Kind != yaml.MappingNode || seen[n] {
		return nil
	}
	seen[n] = true
	all := make([][2]*yaml.Node, 0, len(n.Content)/2)
	var merged []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		if key, value := n.Content[i], n.Content[i+1]; key.Value == "<<" {
			if list := List(value); list != nil {
				merged = append(merged, list...)
			} else {
				merged = append(merged, value)
			}
		} else {
			all = append(all, [2]*yaml.Node{key, value})
		}
	}
	for _, from := range merged {
		for _, pair := range pairs(from, seen) {
			if !slices.ContainsFunc(all, func(own [2]*yaml.Node) bool { return own[0].Value == pair[0].Value }) {
				all = append(all, pair)
			}
		}
	}
	return all
}

// Text is a scalar's text, empty for all else.
func Text(n *yaml.Node) string {
	if n = Resolve(n); n == nil || n.Kind != yaml.ScalarNode || n.ShortTag() == "!!null" {
		return ""
	}
	return n.Value
}

// IsNull says whether a key is there and set to null.
func IsNull(n *yaml.Node) bool {
	return n != nil && n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null"
}

// List are the elements of a list, none for all else.
func List(n *yaml.Node) []*yaml.Node {
	if n = Resolve(n); n == nil || n.Kind != yaml.SequenceNode {
		return nil
	}
	return n.Content
}

// Resolve follows an alias to what it stands for.
func Resolve(n *yaml.Node) *yaml.Node {
	for range 100 {
		if n == nil || n.Kind != yaml.AliasNode {
			return n
		}
		n = n.Alias
	}
	return n
}

// shape is what is known of the keys of one kind of map.
type shape map[string]known

// known is a key: judged by its reader, noted, or bookkeeping that nobody notes; in is the shape of what is below.
type known struct {
	judged, bookkeeping bool
	in                  string
	// named says that a map holds elements by their names, as a list holds them in order.
	named bool
}

// Shapes are the known keys of a format.
type Shapes map[string]shape

// ParseShapes reads shapes, one a line: `NAME: KEY ...`, where KEY! is judged by its reader, KEY- is bookkeeping, KEY>SHAPE
// holds maps of that shape (KEY>>SHAPE may hold them by name), KEY alone is noted, and * stands for any
// other key. Indented lines go on.
func ParseShapes(text string) Shapes {
	shapes := Shapes{}
	var current shape
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		if name, ok := strings.CutSuffix(words[0], ":"); ok {
			current = shape{}
			shapes[name] = current
			words = words[1:]
		}
		for _, word := range words {
			var k known
			word, k.in, _ = strings.Cut(word, ">")
			k.in, k.named = strings.CutPrefix(k.in, ">")
			word, k.judged = strings.CutSuffix(word, "!")
			word, k.bookkeeping = strings.CutSuffix(word, "-")
			current[word] = k
		}
	}
	return shapes
}

// Ledger is what a walk found beside what is judged.
type Ledger struct {
	Noted   []registry.Field
	Unknown []registry.UnknownField
}

// Walk notes what stands in a map of the named shape. where names the map in words, for unknown keys; a key whose value
// has a shape is gone into, but those in without, which their reader walks itself.
func (s Shapes) Walk(n *yaml.Node, name, file, where string, without ...string) Ledger {
	w := walk{shapes: s, file: file, where: where}
	w.mapping(n, s[name], "", without, 0)
	return w.ledger
}

// Below adds what the walk of a part found, under the part's path.
func (l *Ledger) Below(at string, part Ledger) {
	l.Unknown = append(l.Unknown, part.Unknown...)
	for _, field := range part.Noted {
		field.Path = at + "." + field.Path
		l.Noted = append(l.Noted, field)
	}
}

// Into gives what a walk found to its view, and the unknown keys to those of the whole as well, with the view's name.
func (l Ledger) Into(v *registry.View, unknown *[]registry.UnknownField) {
	for _, u := range l.Unknown {
		u.View = v.Name
		*unknown = append(*unknown, u)
	}
	v.Fields = append(v.Fields, l.Noted...)
}

type walk struct {
	shapes      Shapes
	file, where string
	ledger      Ledger
}

// maxDepth ends a walk into aliases that hold themselves.
const maxDepth = 60

func (w *walk) mapping(n *yaml.Node, of shape, path string, without []string, depth int) {
	if n = Resolve(n); n == nil || n.Kind != yaml.MappingNode || depth > maxDepth {
		return
	}
	for _, pair := range Pairs(n) {
		key, value := pair[0], Resolve(pair[1])
		k, ok := of[key.Value]
		if _, open := of["*"]; open && !ok {
			k, ok = known{}, true // any key may stand here
		}
		at := strings.TrimPrefix(path+"."+key.Value, ".")
		switch {
		case !ok:
			w.unknown(key, value, of, at)
		case k.in != "" && !slices.Contains(without, key.Value):
			w.nested(value, k, at, depth)
		case k.in != "" || k.judged || k.bookkeeping:
		default:
			w.ledger.Noted = append(w.ledger.Noted, registry.TextField(at, "", Canonical(value)))
		}
	}
}

// nested goes into a map, or into each map of a list, which is named by what names it.
func (w *walk) nested(value *yaml.Node, k known, at string, depth int) {
	switch {
	case value.Kind == yaml.MappingNode && k.named:
		for _, pair := range Pairs(value) {
			w.mapping(pair[1], w.shapes[k.in], at+"["+pair[0].Value+"]", nil, depth+1)
		}
	case value.Kind == yaml.MappingNode:
		w.mapping(value, w.shapes[k.in], at, nil, depth+1)
	case value.Kind == yaml.SequenceNode:
		for i, element := range value.Content {
			name := cmp.Or(Text(Value(element, "name")), Text(Value(element, "property")), fmt.Sprint(i))
			if Resolve(element).Kind == yaml.MappingNode {
				w.mapping(element, w.shapes[k.in], at+"["+name+"]", nil, depth+1)
			} else if !k.judged {
				w.ledger.Noted = append(w.ledger.Noted, registry.TextField(at+"["+name+"]", "", Canonical(element)))
			}
		}
	case !k.judged && !IsNull(value):
		w.ledger.Noted = append(w.ledger.Noted, registry.TextField(at, "", Canonical(value)))
	}
}

func (w *walk) unknown(key, value *yaml.Node, of shape, at string) {
	text := Canonical(value)
	w.ledger.Unknown = append(w.ledger.Unknown, registry.UnknownField{
		Path: at + " in " + w.where, Field: key.Value, Bytes: len(text), Digest: registry.ShortDigest([]byte(text)),
		Near: policy.Nearest(key.Value, slices.Sorted(maps.Keys(of))), Location: &registry.Location{File: w.file, Line: key.Line},
	})
}

// Canonical writes a value in one way however it was laid out: maps by their keys, comments and styles left out.
func Canonical(n *yaml.Node) string {
	var b strings.Builder
	canonical(&b, n, 0)
	return b.String()
}

func canonical(b *strings.Builder, n *yaml.Node, depth int) {
	n = Resolve(n)
	switch {
	case n == nil || depth > maxDepth:
	case n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null":
		b.WriteString("null")
	case n.Kind == yaml.ScalarNode:
		b.WriteString(n.Value)
	case n.Kind == yaml.SequenceNode:
		b.WriteByte('[')
		for i, element := range n.Content {
			if i > 0 {
				b.WriteString(", ")
			}
			canonical(b, element, depth+1)
		}
		b.WriteByte(']')
	case n.Kind == yaml.MappingNode:
		canonicalMap(b, n, depth)
	}
}

func canonicalMap(b *strings.Builder, n *yaml.Node, depth int) {
	pairs := Pairs(n)
	slices.SortStableFunc(pairs, func(a, b [2]*yaml.Node) int { return strings.Compare(a[0].Value, b[0].Value) })
	b.WriteByte('{')
	for i, pair := range pairs {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(pair[0].Value + ": ")
		canonical(b, pair[1], depth+1)
	}
	b.WriteByte('}')
}
