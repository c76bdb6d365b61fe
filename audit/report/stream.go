package report

import (
	"bytes"
	"encoding/json"
	"io"
	"reflect"
	"strings"
)

// A document of 5,000 views has 110,000 results: 60 MB of JSON, and more as values in memory. So it is written, and its id computed, one
// item of its lists at a time.

// topMember is a member of the document's top level as it is written.
type topMember struct {
	key   string
	value reflect.Value
}

// topMembers are those that Marshal writes, in their order.
func (r Report) topMembers() []topMember {
	v := reflect.ValueOf(r.filledApart())
	members := make([]topMember, 0, v.NumField())
	for i := range v.NumField() {
		name, options, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		field := v.Field(i)
		if options == "omitempty" && (field.IsZero() || field.Kind() == reflect.Slice && field.Len() == 0) {
			continue
		}
		members = append(members, topMember{name, field})
	}
	return members
}

// listed says that a member is a list of objects, whose items are written one by one.
func (m topMember) listed() bool {
	return m.value.Kind() == reflect.Slice && m.value.Type().Elem().Kind() == reflect.Struct
}

// item is one of a list, without nil lists and maps where the schema demands a value.
func (m topMember) item(i int) any {
	switch item := m.value.Index(i).Interface().(type) {
	case View:
		return item.filled()
	case Result:
		return item.filled()
	default:
		return item
	}
}

// Of a list of at least severalItems many are made at once, in portions of portionItems: they are small then, and few are in memory. A list of
// few may have one that is all of the document.
const (
	severalItems = 1000
	portionItems = 32
)

// eachInOrder makes something of each item of a list, of many on several processors, and has it taken in the order of the list. It ends
// with the first error.
func (m topMember) eachInOrder(of func(item any) ([]byte, error), take func(made []byte) error) error {
	if m.value.Len() < severalItems {
		return m.eachOf(0, m.value.Len(), of, take)
	}
	stop := make(chan struct{})
	defer close(stop)
	for made := range m.portions(of, stop) {
		p := <-made
		for _, raw := range p.made {
			if p.err == nil {
				p.err = take(raw)
			}
		}
		if p.err != nil {
			return p.err // a full disk needs no more portions
		}
	}
	return nil
}

func (m topMember) eachOf(from, to int, of func(item any) ([]byte, error), take func(made []byte) error) error {
	for i := from; i < to; i++ {
		raw, err := of(m.item(i))
		if err != nil {
			return err
		}
		if err := take(raw); err != nil {
			return err
		}
	}
	return nil
}

// portion is what was made of some items.
type portion struct {
	made [][]byte
	err  error
}

// portions makes all portions until it is stopped. Three at most are made or wait while another is taken.
func (m topMember) portions(of func(item any) ([]byte, error), stop <-chan struct{}) <-chan chan portion {
	all := make(chan chan portion, 1)
	go func() {
		defer close(all)
		for from := 0; from < m.value.Len(); from += portionItems {
			made := make(chan portion, 1)
			go func() {
				var p portion
				p.err = m.eachOf(from, min(from+portionItems, m.value.Len()), of, func(raw []byte) error {
					p.made = append(p.made, raw)
					return nil
				})
				made <- p
			}()
			select {
			case all <- made:
			case <-stop:
				return
			}
		}
	}()
	return all
}

// Write writes the document as Marshal gives it.
func (r Report) Write(w io.Writer) error { return writeMembers(w, r.topMembers()) }

func writeMembers(w io.Writer, members []topMember) error {
	out := &firstError{w: w}
	separator := "{\n  "
	for _, m := range members {
		out.text(separator + `"` + m.key + `": `)
		separator = ",\n  "
		if !m.listed() {
			out.value(m.value.Interface(), "  ")
			continue
		}
		if m.value.Len() == 0 {
			out.text("[]")
			continue
		}
		between := "[\n    "
		err := m.eachInOrder(func(item any) ([]byte, error) { return indented(item, "    ") }, func(made []byte) error {
			out.text(between)
			out.bytes(made)
			between = ",\n    "
			return out.err
		})
		if out.err == nil {
			out.err = err
		}
		out.text("\n  ]")
	}
	out.text("\n}\n")
	return out.err
}

// firstError writes until something fails, and remembers what.
type firstError struct {
	w   io.Writer
	err error
}

func (f *firstError) text(s string) {
	if f.err == nil {
		_, f.err = io.WriteString(f.w, s)
	}
}

// value writes a value as indented JSON whose further lines begin with the prefix.
func (f *firstError) value(v any, prefix string) {
	if f.err != nil {
		return
	}
	raw, err := indented(v, prefix)
	if err != nil {
		f.err = err
		return
	}
	f.bytes(raw)
}

func (f *firstError) bytes(raw []byte) {
	if f.err == nil {
		_, f.err = f.w.Write(raw)
	}
}

func indented(v any, prefix string) ([]byte, error) {
	raw, err := json.MarshalIndent(v, prefix, "  ")
	return EscapeHidden(raw), err
}

// Digest is the id that the report must have: "sha256:" and the hex digest of the document as Marshal writes it, without
// id and execution. White space and the choice of escapes do not count.
func (r Report) Digest() (string, error) { return digestOfMembers(r.topMembers()) }

func digestOfMembers(members []topMember) (string, error) {
	sum := newDigester()
	for _, m := range members {
		if !sum.begin(m.key) {
			continue
		}
		if !m.listed() {
			raw, err := canonicalOf(m.value.Interface())
			if err != nil {
				return "", err
			}
			sum.sum.Write(raw)
			continue
		}
		separator := "["
		err := m.eachInOrder(canonicalOf, func(made []byte) error {
			sum.text(separator)
			separator = ","
			sum.sum.Write(made)
			return nil
		})
		if err != nil {
			return "", err
		}
		if m.value.Len() == 0 {
			sum.text("[")
		}
		sum.text("]")
	}
	return sum.end(), nil
}

// canonicalOf is a value in canonical form. What encoding/json writes is that but for escapes, so that texts with some alone are read.
func canonicalOf(v any) ([]byte, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	if bytes.IndexByte(raw, '\\') < 0 {
		return raw, nil
	}
	made := make([]byte, 0, len(raw))
	for len(raw) > 0 {
		quote := bytes.IndexByte(raw, '"')
		if quote < 0 {
			return append(made, raw...), nil
		}
		length, escaped := textLength(raw[quote:])
		if !escaped {
			made = append(made, raw[:quote+length]...)
			raw = raw[quote+length:]
			continue
		}
		var text string
		if err := json.Unmarshal(raw[quote:quote+length], &text); err != nil {
			return nil, err
		}
		made = quoteLeast(append(made, raw[:quote]...), text)
		raw = raw[quote+length:]
	}
	return made, nil
}

// textLength is how many bytes a text of valid JSON has, quotes included, and whether it has escapes.
func textLength(raw []byte) (length int, escaped bool) {
	for i := 1; i < len(raw); i++ {
		switch raw[i] {
		case '"':
			return i + 1, escaped
		case '\\':
			escaped = true
			i++
		}
	}
	return len(raw), escaped
}
