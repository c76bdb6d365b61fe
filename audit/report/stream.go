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

// Write writes the document as Marshal gives it.
func (r Report) Write(w io.Writer) error {
	out := &firstError{w: w}
	separator := "{\n  "
	for _, m := range r.topMembers() {
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
		for i := 0; i < m.value.Len() && out.err == nil; i++ {
			out.text(between)
			out.value(m.item(i), "    ")
			between = ",\n    "
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
	raw, err := json.MarshalIndent(v, prefix, "  ")
	if err != nil {
		f.err = err
		return
	}
	_, f.err = f.w.Write(EscapeHidden(raw))
}

// Digest is the id that the report must have: "sha256:" and the hex digest of the document as Marshal writes it, without
// id and execution. White space and the choice of escapes do not count.
func (r Report) Digest() (string, error) {
	sum := newDigester()
	for _, m := range r.topMembers() {
		if !sum.begin(m.key) {
			continue
		}
		if !m.listed() {
			if err := sum.value(m.value.Interface()); err != nil {
				return "", err
			}
			continue
		}
		separator := "["
		for i := range m.value.Len() {
			sum.text(separator)
			separator = ","
			if err := sum.value(m.item(i)); err != nil {
				return "", err
			}
		}
		if m.value.Len() == 0 {
			sum.text("[")
		}
		sum.text("]")
	}
	return sum.end(), nil
}

// value adds a value in canonical form. What encoding/json writes is that but for escapes, so that texts with some alone are read.
func (d *digester) value(v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return err
	}
	for len(raw) > 0 {
		quote := bytes.IndexByte(raw, '"')
		if quote < 0 {
			d.sum.Write(raw)
			return nil
		}
		length, escaped := textLength(raw[quote:])
		if !escaped {
			d.sum.Write(raw[:quote+length])
			raw = raw[quote+length:]
			continue
		}
		var text string
		if err := json.Unmarshal(raw[quote:quote+length], &text); err != nil {
			return err
		}
		d.sum.Write(raw[:quote])
		d.sum.Write(quoteLeast(nil, text))
		raw = raw[quote+length:]
	}
	return nil
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
