package feast

import (
	"bytes"
	"cmp"
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/featureaudit/featureaudit/audit/registry"
	"github.com/featureaudit/featureaudit/audit/words"
)

//go:embed ledger.txt
var ledgerTable string

// The tables of the ledger.
const (
	tableJudged      = "judged"
	tableBookkeeping = "bookkeeping"
	tableNoted       = "noted"
)

// line is what the ledger makes of a field.
type line struct {
	table string
	// what is the rule of a judged field, the reason of bookkeeping.
	what string
	// all gives the rule to everything below, names only to the names below.
	all, names bool
}

// ledger holds the line of each field, by message and name.
type ledger map[string]map[string]line

// newLedger reads the table. An error is a mistake in the table.
func newLedger() (ledger, error) {
	l := ledger{}
	var current map[string]line
	for i, text := range strings.Split(ledgerTable, "\n") {
		words := strings.Fields(text)
		switch {
		case len(words) == 0 || strings.HasPrefix(words[0], "#"):
		case len(words) == 1:
			current = map[string]line{}
			l[words[0]] = current
		case current == nil || current[words[0]] != (line{}):
			return nil, fmt.Errorf("ledger.txt:%d: %q: expected a message, or a field that stands once: NAME TABLE WHAT", i+1, text)
		default:
			entry := line{table: words[1], what: strings.Join(words[2:], " ")}
			if entry.table == tableJudged {
				entry.what, entry.all = strings.CutSuffix(entry.what, " all")
				entry.what, entry.names = strings.CutSuffix(entry.what, " names")
			}
			current[words[0]] = entry
		}
	}
	return l, nil
}

// parts are the rules whose fields are kept as parts of something larger; the fields of other rules have places of
// their own.
var parts = map[string]string{
	"transformation-changed": registry.PartTransformation, "aggregation-changed": registry.PartAggregation,
	"inputs-changed": registry.PartInputs, "service-logging-changed": registry.PartLogging,
	"service-precompute-changed": registry.PartPrecompute,
}

// collector gathers the fields of an object that have no place of their own.
type collector struct {
	*content
	fields []registry.Field
	// takes narrows what is gathered; nil takes everything.
	takes func(m *message, f *field) bool
}

// fieldsOf are the fields of an object, by their paths.
func (c *content) fieldsOf(msg string, raw []byte) ([]registry.Field, error) {
	k := collector{content: c}
	err := k.message(c.schema[msg], raw, "", 1, line{})
	return k.fields, err
}

// group is all that a message says of one field.
type group struct {
	field  *field
	values []value
}

// groups sorts a message's known fields by number; of a field that stands alone the last value counts.
func (r *reader) groups(m *message, data []byte) []group { return r.groupsBut(m, data, false) }

// groupsBut leaves out, where it is asked to, what has a place of its own.
func (r *reader) groupsBut(m *message, data []byte, placed bool) []group {
	var list []group
	for len(data) > 0 {
		num, typ, n := protowire.ConsumeTag(data)
		size := protowire.ConsumeFieldValue(num, typ, data[max(n, 0):])
		if n < 0 || size < 0 {
			return list // walk has told
		}
		raw := data[n : n+size]
		data = data[n+size:]
		f := m.fields[num]
		if f == nil || (typ != f.wireType() && (typ != protowire.BytesType || !f.packable())) || placed && f.hasPlace() {
			continue
		}
		i := slices.IndexFunc(list, func(g group) bool { return g.field == f })
		if i < 0 {
			i = len(list)
			list = append(list, group{field: f})
		}
		if !f.repeated {
			list[i].values = list[i].values[:0]
		}
		list[i].values = appendValues(list[i].values, f, typ, raw)
	}
	slices.SortStableFunc(list, func(a, b group) int { return int(a.field.number) - int(b.field.number) })
	return list
}

// appendValues reads a value, or several that are packed.
func appendValues(list []value, f *field, typ protowire.Type, raw []byte) []value {
	switch typ {
	case protowire.VarintType:
		n, _ := protowire.ConsumeVarint(raw)
		return append(list, value{num: n})
	case protowire.Fixed32Type:
		n, _ := protowire.ConsumeFixed32(raw)
		return append(list, value{num: uint64(n)})
	}
	body, _ := protowire.ConsumeBytes(raw)
	if !f.packable() {
		return append(list, value{raw: body})
	}
	for len(body) > 0 {
		n, size := protowire.ConsumeVarint(body)
		if size < 0 {
			return list
		}
		list = append(list, value{num: n})
		body = body[size:]
	}
	return list
}

// message gathers from a message by the ledger; over is the line that holds for everything here.
func (k *collector) message(m *message, raw []byte, path string, depth int, over line) error {
	if depth > maxDepth {
		return fmt.Errorf("messages nested more than %d deep", maxDepth)
	}
	if over.table == "" && !k.keeps(m, raw) {
		return nil
	}
	for _, g := range k.groupsBut(m, raw, over.table == "") {
		own := k.ledger[m.name][g.field.name]
		if own.table == tableBookkeeping && (g.field.name != "body" || hasText(m, raw)) {
			continue
		}
		now := over
		if now.table == "" || now.what == "inputs-changed" && own.table == tableNoted && describes(g.field) {
			now = k.effective(own, g.field)
		}
		if m.name == "DataSource" {
			now = k.ofSource(g.field, raw, path, now)
		}
		if g.field.name == "data_source_class_type" && k.knownClass(raw, string(g.values[0].raw)) {
			continue
		}
		if now.table == tableJudged && now.what == "" || k.takes != nil && !k.takes(m, g.field) {
			continue
		}
		if err := k.group(m, g, join(path, g.field.name), depth, now, own); err != nil {
			return err
		}
	}
	return nil
}

// keeps says whether a message has any field that has no place of its own, or one that may hold such fields.
func (k *collector) keeps(m *message, raw []byte) bool {
	for len(raw) > 0 {
		num, typ, n := protowire.ConsumeTag(raw)
		size := protowire.ConsumeFieldValue(num, typ, raw[max(n, 0):])
		if n < 0 || size < 0 {
			return false // walk has told
		}
		raw = raw[n+size:]
		if f := m.fields[num]; f != nil && !f.hasPlace() {
			return true
		}
	}
	return false
}

// hasPlace says whether the ledger has nothing to gather from the field. The class of a source depends on its type.
func (f *field) hasPlace() bool { return f.placed && f.name != "data_source_class_type" }

// place marks the fields that have a place of their own, or none because they are bookkeeping.
func (r *reader) place() {
	for _, m := range r.schema {
		for _, f := range m.fields {
			own := r.ledger[m.name][f.name]
			below := f.kind == kindMessage && !f.isMap && !isLeaf(f.msg) && !own.all && !own.names
			f.placed = own.table == tableBookkeeping && f.name != "body" || own.table == tableJudged && parts[own.what] == "" && !below
		}
	}
}

// effective is the line that holds below a field: none where each field below has its own.
func (k *collector) effective(own line, f *field) line {
	if own.table == tableNoted || parts[own.what] != "" {
		return own
	}
	if f.kind == kindMessage && !f.isMap && !isLeaf(f.msg) && !own.all && !own.names {
		return line{}
	}
	return line{table: tableJudged} // it has a place of its own
}

// ofSource is the line that holds for a source's field where its place decides.
func (k *collector) ofSource(f *field, raw []byte, path string, now line) line {
	switch {
	case f.name == "batch_source" && path == "spec.source":
		return line{} // the source behind a label view's push source is the view's own
	case f.name == "data_source_class_type" && k.takes == nil && k.sourceType(raw) != customSource:
		return line{table: tableNoted} // only a custom source is loaded by its class
	}
	return now
}

// classes are the classes of the sources that are known by their type: some writers leave them out.
var classes = map[string]string{
	"BATCH_FILE": "FileSource", "BATCH_BIGQUERY": "BigQuerySource", "STREAM_KAFKA": "KafkaSource", "STREAM_KINESIS": "KinesisSource",
	"BATCH_REDSHIFT": "RedshiftSource", "REQUEST_SOURCE": "RequestSource", "BATCH_SNOWFLAKE": "SnowflakeSource", "PUSH_SOURCE": "PushSource",
	"BATCH_TRINO": "TrinoSource", "BATCH_SPARK": "SparkSource", "BATCH_ATHENA": "AthenaSource", "BATCH_ICEBERG": "IcebergSource",
}

// knownClass says whether a source's class is the one of its type.
func (k *collector) knownClass(source []byte, class string) bool {
	expected := classes[enumName("SourceType", k.sourceType(source))]
	return expected != "" && class[strings.LastIndexByte(class, '.')+1:] == expected
}

// customSource is the number of CUSTOM_SOURCE.
const customSource = 6

func (k *collector) sourceType(raw []byte) uint64 {
	for _, g := range k.groups(k.schema["DataSource"], raw) {
		if g.field.name == "type" {
			return g.values[0].num
		}
	}
	return 0
}

// details are the settings of a source that decide which rows are read and have no place of their own.
func (c *content) details(raw []byte, s registry.DataSource, depth int) (map[string]string, error) {
	k := collector{content: c, takes: func(m *message, f *field) bool {
		switch m.name {
		case "DataSource":
			return c.ledger[m.name][f.name].what == "source-changed" && f.name != "type" && f.name != "date_partition_column"
		case "DataSource.FileOptions":
			return f.name != "uri"
		case "DataSource.SparkOptions":
			return f.name != "path"
		}
		return c.ledger[m.name][f.name].table != tableNoted
	}}
	if err := k.message(c.schema["DataSource"], raw, "", depth, line{table: tableJudged, what: "source-changed"}); err != nil {
		return nil, err
	}
	custom := s.Type == enumName("SourceType", customSource)
	var details map[string]string
	for _, f := range k.fields {
		if f.Path == "data_source_class_type" && !custom || f.Path == "custom_options.configuration.name" && f.Text == s.Name {
			continue
		}
		if details == nil {
			details = map[string]string{}
		}
		details[f.Path] = f.Value()
	}
	return details, nil
}

// describes says whether a field tells people of an object, and readers nothing.
func describes(f *field) bool {
	return f.name == "description" || f.name == "tags" || f.name == "owner"
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// isLeaf says whether a message is one value.
func isLeaf(m *message) bool {
	return m.name == "Duration" || m.name == "Timestamp" || m.name == "StringValue"
}

func hasText(m *message, raw []byte) bool {
	f := m.byName["body_text"]
	if f == nil {
		return true
	}
	found := false
	for len(raw) > 0 {
		num, typ, n := protowire.ConsumeTag(raw)
		size := protowire.ConsumeFieldValue(num, typ, raw[max(n, 0):])
		if n < 0 || size < 0 {
			return found
		}
		if num == f.number {
			body, _ := protowire.ConsumeBytes(raw[n : n+size])
			found = len(body) > 0
		}
		raw = raw[n+size:]
	}
	return found
}

func (k *collector) group(m *message, g group, path string, depth int, now, own line) error {
	part := parts[now.what]
	f := g.field
	switch {
	case f.isMap:
		return k.entries(g, path, depth, now)
	case f.kind == kindMessage && !isLeaf(f.msg):
		return k.elements(g, path, depth, now, own)
	case f.repeated:
		texts := make([]string, len(g.values))
		for i, v := range g.values {
			texts[i] = k.scalar(f, v)
		}
		if f.name != "partition_by" { // elsewhere the order means nothing
			slices.Sort(texts)
		}
		k.fields = append(k.fields, registry.TextField(path, part, strings.Join(texts, ", ")))
		return nil
	}
	v := g.values[0]
	switch {
	case m.name == "DataSource.CustomSourceOptions":
		k.configuration(path, part, v.raw)
	case f.kind == kindBytes && (len(v.raw) == 0 || f.name == "body" || !printable(v.raw)):
		if len(v.raw) > 0 {
			k.fields = append(k.fields, registry.BytesField(path, part, v.raw))
		}
	default:
		if text := k.scalar(f, v); text != "" && !zero(f, v) {
			k.fields = append(k.fields, registry.TextField(path, part, text))
		}
	}
	return nil
}

func zero(f *field, v value) bool {
	return v.num == 0 && (f.kind == kindBool || f.kind == kindInt || f.kind == kindFloat || f.kind == kindEnum)
}

func printable(raw []byte) bool { return utf8.Valid(raw) && bytes.IndexByte(raw, 0) < 0 }

// scalar is a value in words.
func (k *collector) scalar(f *field, v value) string {
	switch f.kind {
	case kindMessage:
		return k.leaf(f.msg, v.raw)
	case kindBool:
		return strconv.FormatBool(v.num != 0)
	case kindInt:
		return strconv.FormatInt(int64(v.num), 10)
	case kindEnum:
		return k.enumName(f.enum, v.num)
	case kindFloat:
		return strconv.FormatFloat(float64(math.Float32frombits(uint32(v.num))), 'g', -1, 32)
	default:
	}
	if f.name == "body_text" { // releases differ in how they end the source text
		return strings.TrimSpace(strings.ReplaceAll(string(v.raw), "\r\n", "\n"))
	}
	if f.name == "data_source_class_type" {
		return k.text(v.raw)
	}
	return string(v.raw)
}

// leaf is a message that is one value, in words; a time or duration of 0 is "".
func (k *collector) leaf(m *message, raw []byte) string {
	if m.name == "StringValue" {
		for _, g := range k.groups(m, raw) {
			return string(g.values[0].raw)
		}
		return ""
	}
	var seconds, nanos int64
	for _, g := range k.groups(m, raw) {
		if g.field.name == "seconds" {
			seconds = int64(g.values[0].num)
		} else {
			nanos = int64(int32(g.values[0].num))
		}
	}
	if m.name == "Timestamp" {
		return time.Unix(seconds, nanos).UTC().Format(time.RFC3339Nano)
	}
	length := float64(seconds) + float64(nanos)/1e9
	if length == 0 {
		return ""
	}
	return words.Exact(registry.Seconds(&length))
}

// entries gathers a map; its order means nothing.
func (k *collector) entries(g group, path string, depth int, now line) error {
	values := map[string]value{}
	for _, v := range g.values {
		var key string
		var val value
		for _, inner := range k.groups(g.field.msg, v.raw) {
			if inner.field.name == "key" {
				key = string(inner.values[0].raw)
			} else {
				val = inner.values[0]
			}
		}
		values[key] = val
	}
	f := g.field.msg.byName["value"]
	for _, key := range slices.Sorted(maps.Keys(values)) {
		at := path + "[" + key + "]"
		if f.kind == kindMessage {
			before := len(k.fields)
			if err := k.message(f.msg, values[key].raw, at, depth+1, now); err != nil {
				return err
			}
			if len(k.fields) == before {
				k.fields = append(k.fields, registry.TextField(at, parts[now.what], "set"))
			}
			continue
		}
		k.fields = append(k.fields, registry.TextField(at, parts[now.what], k.scalar(f, values[key])))
	}
	return nil
}

// elements gathers a message, or several by their names. One that holds nothing is there all the same.
func (k *collector) elements(g group, path string, depth int, now, own line) error {
	if own.names {
		k.fields = append(k.fields, registry.TextField(path, parts[now.what], strings.Join(k.names(g), ", ")))
		return nil
	}
	seen := map[string]int{}
	for i, v := range g.values {
		at := path
		if now.table == "" && !k.keeps(g.field.msg, v.raw) && g.field.name != "feature_transformation" {
			continue
		}
		if g.field.repeated {
			key := k.nameOf(g.field.msg, v.raw, i)
			if seen[key]++; seen[key] > 1 {
				key += "#" + strconv.Itoa(seen[key])
			}
			at += "[" + key + "]"
		}
		before := len(k.fields)
		if err := k.message(g.field.msg, v.raw, at, depth+1, now); err != nil {
			return err
		}
		if len(k.fields) == before && choice(g.field) && (now.table != "" || own.what == "fields" && g.field.name == "feature_transformation") {
			k.fields = append(k.fields, registry.TextField(at, parts[cmp.Or(now.what, "transformation-changed")], "set"))
		}
	}
	return nil
}

// choice says whether a message means something by being there: the format of a file or stream, a destination.
func choice(f *field) bool {
	for _, end := range []string{"_format", "_destination", "_policy", "_transformation"} {
		if strings.HasSuffix(f.name, end) && f.name != "file_format" && f.name != "message_format" && f.name != "record_format" && f.name != "table_format" {
			return true
		}
	}
	return f.repeated
}

func (k *collector) names(g group) []string {
	var list []string
	for i, v := range g.values {
		list = append(list, k.nameOf(g.field.msg, v.raw, i))
	}
	slices.Sort(list)
	return list
}

// nameOf is what an element of a list is known by: its name, what it aggregates, or its place.
func (k *collector) nameOf(m *message, raw []byte, place int) string {
	texts := map[string]string{}
	for _, g := range k.groups(m, raw) {
		switch {
		case g.field.kind == kindString:
			texts[g.field.name] = string(g.values[0].raw)
		case m.name == "InfraObject" && g.field.kind == kindMessage, g.field.name == "spec":
			if name := k.nameOf(g.field.msg, g.values[0].raw, place); !strings.HasPrefix(name, "#") {
				return name
			}
		}
	}
	for _, key := range []string{"name", "feature_view_name"} {
		if texts[key] != "" {
			return texts[key]
		}
	}
	if m.name == "Aggregation" {
		return texts["function"] + "(" + texts["column"] + ")"
	}
	return "#" + strconv.Itoa(place+1)
}

// configuration gathers what a custom source is configured by: usually JSON.
func (k *collector) configuration(path, part string, raw []byte) {
	if len(raw) == 0 {
		return
	}
	var object map[string]any
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if err := dec.Decode(&object); err != nil || dec.More() {
		if printable(raw) {
			k.fields = append(k.fields, registry.TextField(path, part, string(raw)))
			return
		}
		k.fields = append(k.fields, registry.BytesField(path, part, raw))
		return
	}
	for _, key := range slices.Sorted(maps.Keys(object)) {
		text, isText := object[key].(string)
		if !isText {
			canonical, err := json.Marshal(object[key]) // what was decoded can be encoded
			if err != nil || object[key] == nil {
				continue
			}
			text = string(canonical)
		}
		if text != "" {
			k.fields = append(k.fields, registry.TextField(join(path, key), part, text))
		}
	}
}

// The two places in which releases keep a transformation: the older one is the copy where both are written.
const (
	oldFunction = "spec.user_defined_function."
	newFunction = "spec.feature_transformation.user_defined_function."
)

// settled brings a transformation to one place, whichever release wrote it.
func settled(fields []registry.Field) []registry.Field {
	current := map[string]string{}
	for _, f := range fields {
		if name, ok := strings.CutPrefix(f.Path, newFunction); ok {
			current[name] = f.Value()
		}
	}
	out := fields[:0]
	for _, f := range fields {
		name, old := strings.CutPrefix(f.Path, oldFunction)
		switch {
		case old && len(current) == 0:
			f.Path = newFunction + name
		case old && (name == "body" || current[name] == f.Value()):
			continue
		}
		out = append(out, f)
	}
	return out
}
