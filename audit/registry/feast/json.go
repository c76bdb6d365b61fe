package feast

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/featureaudit/featureaudit/audit/registry"
)

// foreignEnum is where the numbers begin that stand for enumerated names of JSON that are not listed.
const foreignEnum = 1 << 24

// enumName is the name of an enumerated value, those of JSON that are not listed among them.
func (r *reader) enumName(enum string, number uint64) string {
	if i := number - foreignEnum; number >= foreignEnum && i < uint64(len(r.enumWords)) {
		return r.enumWords[i]
	}
	return enumName(enum, number)
}

// LooksLikeDump says whether the top-level keys of a JSON object are those of `feast registry-dump`.
func LooksLikeDump(keys []string) bool {
	for _, key := range []string{"featureViews", "feature_views", "dataSources", "data_sources", "onDemandFeatureViews", "featureServices", "streamFeatureViews", "entities"} {
		if slices.Contains(keys, key) {
			return true
		}
	}
	return false
}

// DecodeJSON reads the JSON of `feast registry-dump`, or of a Registry as protobuf writes it. Names may be in camelCase
// or snake_case and enumerated values names or numbers.
func DecodeJSON(data []byte) (registry.Definitions, error) {
	if len(data) > maxBytes {
		return registry.Definitions{}, fmt.Errorf("the dump has %d bytes: expected at most %d", len(data), maxBytes)
	}
	var top map[string]any
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	if err := dec.Decode(&top); err != nil {
		return registry.Definitions{}, jsonError(data, err)
	}
	if dec.More() {
		return registry.Definitions{}, errors.New("something follows the JSON object: expected the output of one feast registry-dump")
	}
	r, err := newReader()
	if err != nil {
		return registry.Definitions{}, err
	}
	c := &content{reader: r}
	project, err := c.dump(top)
	if err != nil {
		return registry.Definitions{}, err
	}
	d := c.definitions()
	d.Unsaid = c.unsaidIn(top)
	if project != "" {
		d.Project = project
	}
	return d, nil
}

// wrapped are infrastructure objects as the registry holds them: registry-dump writes only the table inside of each.
// What is no table that is known here is left out: it follows from the views.
func wrapped(list []any) []any {
	var out []any
	for _, element := range list {
		table, _ := element.(map[string]any)
		for _, kind := range []struct{ key, table string }{
			{"infraObjectClassType", ""}, {"infra_object_class_type", ""}, {"path", "sqliteTable"}, {"region", "dynamodbTable"}, {"project", "datastoreTable"},
		} {
			if table[kind.key] == nil {
				continue
			}
			if kind.table != "" {
				table = map[string]any{kind.table: table}
			}
			out = append(out, table)
			break
		}
	}
	return out
}

// unsaidIn are the kinds of objects that registry-dump leaves out, where the dump has none of them: a Registry as
// protobuf writes it may.
func (c *content) unsaidIn(top map[string]any) []string {
	unsaid := []string{"project", "request feature view", "validation reference"}
	for key := range top {
		if f := c.schema["Registry"].byName[key]; f != nil && f.kind == kindMessage {
			unsaid = slices.DeleteFunc(unsaid, func(what string) bool { return what == objects()[f.msg.name].what })
		}
	}
	return unsaid
}

// jsonError adds the line to a syntax error.
func jsonError(data []byte, err error) error {
	var syntax *json.SyntaxError
	if !errors.As(err, &syntax) {
		return fmt.Errorf("not valid JSON: %w", err)
	}
	at := min(int(syntax.Offset), len(data))
	return fmt.Errorf("line %d: not valid JSON: %w", 1+bytes.Count(data[:at], []byte("\n")), err)
}

// dump rewrites each object as protobuf and reads that.
func (c *content) dump(top map[string]any) (project string, err error) {
	known := objects()
	project, _ = top["project"].(string)
	delete(top, "project")
	for _, key := range slices.Sorted(maps.Keys(top)) {
		f := c.schema["Registry"].byName[key]
		if f == nil {
			c.unknown = append(c.unknown, unknownJSON(key, top[key]))
			c.in(len(c.unknown)-1, "the dump", "", "")
			continue
		}
		if f.kind != kindMessage || known[f.msg.name].read == nil {
			continue // version ids, times and the history of versions
		}
		list, ok := top[key].([]any)
		switch {
		case ok && f.name == "infra": // Feast writes its objects alone
			list = []any{map[string]any{"infraObjects": wrapped(list)}}
		case !ok && f.name == "infra" && top[key] != nil:
			list = []any{top[key]}
		case !ok:
			continue
		}
		for i, element := range list {
			if err := c.dumped(known[f.msg.name], f.msg, element, project); err != nil {
				return "", fmt.Errorf("%s[%d]: %w", key, i, err)
			}
		}
	}
	return project, nil
}

func (c *content) dumped(o object, m *message, element any, project string) error {
	mark := len(c.unknown)
	raw, err := c.encode(m, element, 1)
	if err != nil {
		return err
	}
	foreign := slices.Clone(c.unknown[mark:])
	c.unknown = c.unknown[:mark]
	views := len(c.views)
	if err := o.read(c, raw, project); err != nil {
		return err
	}
	view := ""
	if len(c.views) > views {
		view = c.views[views].Name
	}
	mark = len(c.unknown)
	c.unknown = append(c.unknown, foreign...)
	c.in(mark, o.what, nameIn(element), view)
	return nil
}

// nameIn is the name of an object {spec: {name}} or {name}.
func nameIn(element any) string {
	o, _ := element.(map[string]any)
	if spec, ok := o["spec"].(map[string]any); ok {
		o = spec
	}
	name, _ := o["name"].(string)
	return name
}

func unknownJSON(key string, v any) registry.UnknownField {
	raw, err := json.Marshal(v)
	if err != nil { // what was decoded can be encoded
		raw = nil
	}
	return registry.UnknownField{Path: key, Field: key, Bytes: len(raw), Digest: registry.ShortDigest(raw)}
}

// encode writes a JSON object as the message it stands for. Keys that the message does not have go to the ledger.
func (c *content) encode(m *message, v any, depth int) ([]byte, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("objects nested more than %d deep", maxDepth)
	}
	switch m.name {
	case "Duration":
		if text, ok := v.(string); ok {
			return encodeDuration(text)
		}
	case "Timestamp":
		if text, ok := v.(string); ok {
			return encodeTimestamp(text)
		}
	case "StringValue":
		if text, ok := v.(string); ok {
			return protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), text), nil
		}
	}
	o, ok := v.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("found %s, expected an object (%s)", describe(v), m.name)
	}
	var out []byte
	for _, key := range slices.Sorted(maps.Keys(o)) {
		f := m.byName[key]
		if f == nil {
			if len(c.unknown) >= maxUnknown {
				return nil, errTooManyUnknown
			}
			c.unknown = append(c.unknown, unknownJSON(key, o[key]))
			continue
		}
		mark := len(c.unknown)
		var err error
		if out, err = c.encodeField(out, f, o[key], depth); err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
		c.under(mark, f.name)
	}
	return out, nil
}

func (c *content) encodeField(out []byte, f *field, v any, depth int) ([]byte, error) {
	switch {
	case v == nil:
		return out, nil
	case f.isMap:
		return c.encodeMap(out, f, v, depth)
	case !f.repeated:
		return c.encodeOne(out, f, v, depth)
	}
	list, ok := v.([]any)
	if !ok {
		return nil, fmt.Errorf("found %s, expected a list", describe(v))
	}
	for i, element := range list {
		var err error
		if out, err = c.encodeOne(out, f, element, depth); err != nil {
			return nil, fmt.Errorf("[%d]: %w", i, err)
		}
	}
	return out, nil
}

func (c *content) encodeMap(out []byte, f *field, v any, depth int) ([]byte, error) {
	o, ok := v.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("found %s, expected an object", describe(v))
	}
	for _, key := range slices.Sorted(maps.Keys(o)) {
		entry := protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), key)
		entry, err := c.encodeField(entry, f.msg.fields[2], o[key], depth+1)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
		out = protowire.AppendBytes(protowire.AppendTag(out, f.number, protowire.BytesType), entry)
	}
	return out, nil
}

func (c *content) encodeOne(out []byte, f *field, v any, depth int) ([]byte, error) {
	out = protowire.AppendTag(out, f.number, f.wireType())
	switch f.kind {
	case kindMessage:
		inner, err := c.encode(f.msg, v, depth+1)
		return protowire.AppendBytes(out, inner), err
	case kindString, kindBytes:
		text, ok := v.(string)
		if !ok {
			return nil, fmt.Errorf("found %s, expected text", describe(v))
		}
		if f.kind == kindBytes { // registry-dump writes the source text in place of a function's body
			if raw, err := base64.StdEncoding.DecodeString(text); err == nil {
				return protowire.AppendBytes(out, raw), nil
			}
		}
		return protowire.AppendString(out, text), nil
	case kindBool:
		b, ok := v.(bool)
		if !ok {
			return nil, fmt.Errorf("found %s, expected true or false", describe(v))
		}
		return protowire.AppendVarint(out, protowire.EncodeBool(b)), nil
	case kindEnum:
		if name, ok := v.(string); ok {
			return protowire.AppendVarint(out, c.enumOf(f.enum, name)), nil
		}
	case kindFloat:
		n, err := strconv.ParseFloat(fmt.Sprint(v), 32)
		if err != nil {
			return nil, fmt.Errorf("found %s, expected a number", describe(v))
		}
		return protowire.AppendFixed32(out, math.Float32bits(float32(n))), nil
	default:
	}
	n, err := strconv.ParseInt(fmt.Sprint(v), 10, 64)
	if err != nil {
		return nil, fmt.Errorf("found %s, expected a whole number", describe(v))
	}
	return protowire.AppendVarint(out, uint64(n)), nil
}

// enumOf is the number of an enumerated name, a made-up one where it is not listed.
func (c *content) enumOf(enum, name string) uint64 {
	if n, ok := enumNumber(enum, name); ok {
		return uint64(n)
	}
	i := slices.Index(c.enumWords, name)
	if i < 0 {
		i = len(c.enumWords)
		c.enumWords = append(c.enumWords, name)
	}
	return uint64(foreignEnum + i)
}

// encodeDuration reads protobuf's JSON form of a Duration: decimal seconds and an s.
func encodeDuration(text string) ([]byte, error) {
	number, ok := strings.CutSuffix(text, "s")
	r, isNumber := new(big.Rat).SetString(number)
	if !ok || !isNumber || len(text) > 40 || strings.ContainsAny(number, "eE/_xXoOpP") {
		return nil, fmt.Errorf(`duration %q: expected seconds such as "86400s"`, text)
	}
	nanos := new(big.Int).Quo(new(big.Int).Mul(r.Num(), big.NewInt(1e9)), r.Denom())
	seconds, rest := new(big.Int).QuoRem(nanos, big.NewInt(1e9), new(big.Int))
	if !seconds.IsInt64() {
		return nil, fmt.Errorf("duration %q: more seconds than 64 bits hold", text)
	}
	return encodeSeconds(seconds.Int64(), rest.Int64()), nil
}

func encodeTimestamp(text string) ([]byte, error) {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return nil, fmt.Errorf(`time %q: expected RFC 3339 such as "2026-11-23T00:00:00Z"`, text)
	}
	return encodeSeconds(t.Unix(), int64(t.Nanosecond())), nil
}

func encodeSeconds(seconds, nanos int64) []byte {
	var out []byte
	if seconds != 0 {
		out = protowire.AppendVarint(protowire.AppendTag(out, 1, protowire.VarintType), uint64(seconds))
	}
	if nanos != 0 {
		out = protowire.AppendVarint(protowire.AppendTag(out, 2, protowire.VarintType), uint64(nanos))
	}
	return out
}

func describe(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case string:
		return "the text " + strconv.Quote(clip(v))
	case json.Number:
		return "the number " + v.String()
	case bool:
		return strconv.FormatBool(v)
	case []any:
		return "a list"
	}
	return "an object"
}

func clip(s string) string {
	if len(s) <= 60 {
		return s
	}
	return strings.ToValidUTF8(s[:60], "") + "..."
}
