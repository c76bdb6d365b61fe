package report

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// member is one member of the document's top level: its value in canonical form, without white space.
type member struct {
	key   string
	value []byte
}

// walker reads a document token by token, and writes each value down in canonical form. encoding/json alone would let the
// last of two equal keys win, match names whatever their case, and take null for nothing.
type walker struct {
	dec *json.Decoder
	// quote appends a string in quotes; the form of a digest decides what it escapes.
	quote func(dst []byte, s string) []byte
	out   []byte
	path  []step
	names map[reflect.Type]map[string]reflect.Type
}

// step is a key, or where there is none a place in a list.
type step struct {
	key   string
	index int
}

// membersOf reads the top level of a document by the shape of Report. An error names the place.
func membersOf(raw []byte, quote func(dst []byte, s string) []byte) ([]member, error) {
	w := walker{dec: json.NewDecoder(bytes.NewReader(raw)), quote: quote, names: map[reflect.Type]map[string]reflect.Type{}}
	w.dec.UseNumber()
	token, err := w.dec.Token()
	if err != nil {
		return nil, err
	}
	if token != json.Delim('{') {
		return nil, fmt.Errorf("it is no JSON object")
	}
	var members []member
	err = w.members(reflect.TypeFor[Report](), func(key string, t reflect.Type) error {
		w.out = nil
		err := w.value(t)
		members = append(members, member{key, w.out})
		return err
	})
	return members, err
}

// members reads an object whose brace was read, and checks its keys; read reads the value of each.
func (w *walker) members(t reflect.Type, read func(key string, t reflect.Type) error) error {
	seen := map[string]bool{}
	for w.dec.More() {
		token, err := w.dec.Token()
		if err != nil {
			return err
		}
		key := token.(string)
		if seen[key] {
			return w.wrong("the key %.64q stands twice", key)
		}
		seen[key] = true
		of, err := w.typeOf(t, key)
		if err != nil {
			return err
		}
		w.path = append(w.path, step{key: key})
		if err := read(key, of); err != nil {
			return err
		}
		w.path = w.path[:len(w.path)-1]
	}
	for _, key := range needed(t) {
		if !seen[key] {
			return w.wrong("it has no %q", key)
		}
	}
	_, err := w.dec.Token()
	return err
}

// typeOf is the type of a member's value; nil for one that this version does not know.
func (w *walker) typeOf(t reflect.Type, key string) (reflect.Type, error) {
	if t == nil || t.Kind() == reflect.Interface {
		return nil, nil
	}
	if t.Kind() == reflect.Map {
		return t.Elem(), nil
	}
	fields := w.names[t]
	if fields == nil {
		fields = map[string]reflect.Type{}
		for i := range t.NumField() {
			if name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ","); name != "-" {
				fields[name] = t.Field(i).Type
			}
		}
		w.names[t] = fields
	}
	if of, known := fields[key]; known {
		return of, nil
	}
	for i := range t.NumField() {
		if name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ","); name != "-" && strings.EqualFold(name, key) {
			return nil, w.wrong("it has the key %.64q, expected %q: names are told apart by case", key, name)
		}
	}
	return nil, nil
}

// value reads one value of a type; nil stands for any.
func (w *walker) value(t reflect.Type) error {
	token, err := w.dec.Token()
	if err != nil {
		return err
	}
	anything := t == nil || t.Kind() == reflect.Interface
	if token == nil {
		if !anything && t.Kind() != reflect.Pointer {
			return w.wrong("found null, expected %s", wordOf(t))
		}
		w.out = append(w.out, "null"...)
		return nil
	}
	if !anything && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch v := token.(type) {
	case json.Delim:
		if v == '[' {
			return w.list(t, anything)
		}
		return w.object(t, anything)
	case string:
		if !anything && t.Kind() != reflect.String {
			return w.wrong("found the text %.40q, expected %s", v, wordOf(t))
		}
		w.out = w.quote(w.out, v)
	case bool:
		if !anything && t.Kind() != reflect.Bool {
			return w.wrong("found %t, expected %s", v, wordOf(t))
		}
		w.out = strconv.AppendBool(w.out, v)
	case json.Number:
		if err := w.number(t, anything, v.String()); err != nil {
			return err
		}
		w.out = append(w.out, v...)
	}
	return nil
}

func (w *walker) number(t reflect.Type, anything bool, text string) error {
	if !anything {
		switch t.Kind() {
		case reflect.Int, reflect.Int64:
			if _, err := strconv.ParseInt(text, 10, 64); err != nil {
				return w.wrong("found %.40s, expected a whole number of 64 bits", text)
			}
			return nil
		case reflect.Float64:
		default:
			return w.wrong("found the number %.40s, expected %s", text, wordOf(t))
		}
	}
	if n, err := strconv.ParseFloat(text, 64); err != nil || math.IsInf(n, 0) {
		return w.wrong("found %.40s, which is beyond the numbers that can be read", text)
	}
	return nil
}

func (w *walker) list(t reflect.Type, anything bool) error {
	var of reflect.Type
	if !anything {
		if t.Kind() != reflect.Slice {
			return w.wrong("found a list, expected %s", wordOf(t))
		}
		of = t.Elem()
	}
	w.out = append(w.out, '[')
	w.path = append(w.path, step{})
	for i := 0; w.dec.More(); i++ {
		if i > 0 {
			w.out = append(w.out, ',')
		}
		w.path[len(w.path)-1].index = i
		if err := w.value(of); err != nil {
			return err
		}
	}
	w.path = w.path[:len(w.path)-1]
	w.out = append(w.out, ']')
	_, err := w.dec.Token()
	return err
}

func (w *walker) object(t reflect.Type, anything bool) error {
	if !anything && t.Kind() != reflect.Struct && t.Kind() != reflect.Map {
		return w.wrong("found an object, expected %s", wordOf(t))
	}
	w.out = append(w.out, '{')
	first := true
	err := w.members(t, func(key string, of reflect.Type) error {
		if !first {
			w.out = append(w.out, ',')
		}
		first = false
		w.out = append(w.quote(w.out, key), ':')
		return w.value(of)
	})
	w.out = append(w.out, '}')
	return err
}

// wrong is an error that begins with its place, as results[3].outcome.
func (w *walker) wrong(format string, args ...any) error {
	var place strings.Builder
	for _, s := range w.path {
		switch {
		case s.key == "":
			fmt.Fprintf(&place, "[%d]", s.index)
		case !plainKey(s.key):
			fmt.Fprintf(&place, "[%.64q]", s.key)
		case place.Len() > 0:
			place.WriteString("." + s.key)
		default:
			place.WriteString(s.key)
		}
	}
	return misplaced(place.String(), format, args...)
}

func plainKey(key string) bool {
	return len(key) <= 64 && strings.IndexFunc(key, func(r rune) bool {
		return r != '_' && r != '-' && !(r >= 'a' && r <= 'z') && !(r >= 'A' && r <= 'Z') && !(r >= '0' && r <= '9')
	}) < 0
}

func misplaced(place, format string, args ...any) error {
	if place == "" {
		place = "top level"
	}
	return fmt.Errorf("%s: %s", place, fmt.Sprintf(format, args...))
}

// wordOf says in words what a type is written as.
func wordOf(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Pointer:
		return wordOf(t.Elem()) + " or null"
	case reflect.String:
		return "a text"
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int64:
		return "a whole number"
	case reflect.Float64:
		return "a number"
	case reflect.Slice:
		return "a list"
	}
	return "an object"
}

// needed are the keys without which a document cannot be judged. Others may be missing: releases add some.
func needed(t reflect.Type) []string {
	switch t {
	case reflect.TypeFor[Report]():
		return []string{"schema", "id", "as_of", "status", "selection", "summary", "views", "results"}
	case reflect.TypeFor[Selection]():
		return []string{"views", "checks"}
	case reflect.TypeFor[Summary]():
		return []string{"outcome", "pass", "warn", "fail", "suppressed", "not_applicable", "error", "views", "files", "rows", "bytes"}
	case reflect.TypeFor[View]():
		return []string{"name", "outcome", "definition", "files", "rows", "bytes"}
	case reflect.TypeFor[Result]():
		return []string{"check", "view", "outcome", "severity", "evidence", "rows_total", "rows_bad", "message", "findings", "findings_total"}
	case reflect.TypeFor[Finding]():
		return []string{"subject", "rows_total", "rows_bad"}
	case reflect.TypeFor[History]():
		return []string{"runs", "states"}
	case reflect.TypeFor[States]():
		return []string{"new", "worse", "continuing", "better", "resolved"}
	case reflect.TypeFor[Resolved]():
		return []string{"fingerprint", "subject", "rows_bad"}
	case reflect.TypeFor[Consumer]():
		return []string{"name", "outcome", "views"}
	case reflect.TypeFor[ConsumerView]():
		return []string{"view", "outcome"}
	case reflect.TypeFor[Correction]():
		return []string{"view", "file", "evidence"}
	}
	return nil
}

// digestOf is the id of a document with these members: SHA-256 of it as compact JSON without id and execution, its keys
// in their order, its numbers as written, its strings with no more escapes than JSON demands.
func digestOf(members []member) string {
	sum := newDigester()
	for _, m := range members {
		if sum.begin(m.key) {
			sum.sum.Write(m.value)
		}
	}
	return sum.end()
}

// digester computes an id, a member at a time.
type digester struct {
	sum       hash.Hash
	separator string
}

func newDigester() *digester { return &digester{sum: sha256.New(), separator: "{"} }

// begin begins a member, whose value follows; false says that it does not count.
func (d *digester) begin(key string) bool {
	if key == "id" || key == "execution" {
		return false
	}
	d.text(d.separator)
	d.separator = ","
	d.sum.Write(append(quoteLeast(nil, key), ':'))
	return true
}

func (d *digester) text(s string) { d.sum.Write([]byte(s)) }

func (d *digester) end() string {
	if d.separator == "{" {
		d.text("{")
	}
	d.text("}")
	return "sha256:" + hex.EncodeToString(d.sum.Sum(nil))
}

// quoteLeast escapes what JSON demands and no more.
func quoteLeast(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c >= ' ':
			dst = append(dst, c)
		case c == '\b':
			dst = append(dst, `\b`...)
		case c == '\f':
			dst = append(dst, `\f`...)
		case c == '\n':
			dst = append(dst, `\n`...)
		case c == '\r':
			dst = append(dst, `\r`...)
		case c == '\t':
			dst = append(dst, `\t`...)
		default:
			dst = fmt.Appendf(dst, `\u%04x`, c)
		}
	}
	return append(dst, '"')
}

// emptyExecution is what stood in for execution in the digest of releases before catalogue.
const emptyExecution = `{"started_at":"","finished_at":"","elapsed_seconds":0,"peak_memory_bytes":0,"host":"","scheduler":{}}`

// formerDigest is the id that releases before catalogue gave a document: of its indented text, with an empty id and
// execution in their places.
func formerDigest(raw []byte) (string, error) {
	members, err := membersOf(raw, func(dst []byte, s string) []byte {
		quoted, _ := json.Marshal(s) // a string has a form
		return append(dst, quoted...)
	})
	if err != nil {
		return "", err
	}
	compact := []byte("{")
	for i, m := range members {
		if i > 0 {
			compact = append(compact, ',')
		}
		switch m.key {
		case "id":
			m.value = []byte(`""`)
		case "execution":
			m.value = []byte(emptyExecution)
		}
		compact = append(fmt.Appendf(compact, "%q:", m.key), m.value...)
	}
	var text bytes.Buffer
	if err := json.Indent(&text, append(compact, '}'), "", "  "); err != nil {
		return "", err
	}
	text.WriteByte('\n')
	sum := sha256.Sum256(text.Bytes())
	return "sha256:" + hex.EncodeToString(sum[:]), nil
}

// exact turns the numbers of measures into int64 where they are whole, as the audit has them, else into float64.
func exact(value any) any {
	switch v := value.(type) {
	case json.Number:
		if whole, err := strconv.ParseInt(v.String(), 10, 64); err == nil {
			return whole
		}
		number, _ := v.Float64() // the walker read it
		return number
	case []any:
		for i := range v {
			v[i] = exact(v[i])
		}
	case map[string]any:
		for key := range v {
			v[key] = exact(v[key])
		}
	}
	return value
}

// sortedNames are names once each, sorted.
func sortedNames(names []string) []string {
	names = slices.Clone(names)
	slices.Sort(names)
	return slices.Compact(names)
}
