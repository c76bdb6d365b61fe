package diff_test

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

// full writes a registry in which every message stands and every field of it, but of several fields that exclude each
// other (the options of a source by its type) one: which, variant says.
type full struct {
	schema  schema
	variant int
	// mutate is the place whose value is another one; chains of "Message.field" name the places.
	mutate string
	// reversed writes the fields of each message in the opposite order, doubled each field that stands alone twice.
	reversed, doubled bool
	// places collects the leaves that were written.
	places *[]place
}

// place is one leaf of the full registry.
type place struct {
	chain []step
	id    string
}

type step struct{ message, field string }

// exclusive are the fields of which one stands.
var exclusive = map[string][]string{
	"DataSource": {"file_options", "bigquery_options", "kafka_options", "kinesis_options", "redshift_options", "custom_options", "request_data_options",
		"snowflake_options", "push_options", "trino_options", "spark_options", "athena_options"},
	"FileFormat":              {"parquet_format", "delta_format"},
	"TableFormat":             {"iceberg_format", "delta_format", "hudi_format"},
	"StreamFormat":            {"avro_format", "proto_format", "json_format"},
	"FeatureTransformationV2": {"user_defined_function", "substrait_transformation"},
	"OnDemandSource":          {"feature_view_projection", "request_data_source", "feature_view"},
	"LoggingConfig": {"file_destination", "bigquery_destination", "redshift_destination", "snowflake_destination", "custom_destination",
		"athena_destination", "couchbase_columnar_destination"},
	"SavedDatasetStorage": {"file_storage", "bigquery_storage", "redshift_storage", "snowflake_storage", "trino_storage", "spark_storage",
		"custom_storage", "athena_storage"},
	"Policy":      {"role_based_policy", "group_based_policy", "namespace_based_policy", "combined_group_namespace_policy"},
	"InfraObject": {"sqlite_table", "dynamodb_table", "datastore_table", "custom_infra"},
}

const variants = 12

// sourceTypes are the numbers of the types in the order of a source's options.
var sourceTypes = []uint64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}

func (b full) registry() []byte { return b.message(b.schema["Registry"], nil) }

func (b full) message(m *message, chain []step) []byte {
	fields := slices.Clone(m.fields)
	slices.SortFunc(fields, func(x, y *field) int { return int(x.number) - int(y.number) })
	if b.reversed {
		slices.Reverse(fields)
	}
	var out []byte
	for _, f := range fields {
		if list := exclusive[m.name]; slices.Contains(list, f.name) && list[b.variant%len(list)] != f.name {
			continue
		}
		out = append(out, b.field(m, f, append(slices.Clone(chain), step{m.name, f.name}))...)
	}
	return out
}

func (b full) field(m *message, f *field, chain []step) []byte {
	if f.isMap {
		return b.entry(f, chain)
	}
	if f.kind == kindMessage {
		if b.inside(chain, f.msg.name) {
			return nil
		}
		body := b.message(f.msg, chain)
		return b.twice(f, body, body[:0])
	}
	n, text := b.leaf(m, f, chain)
	if f.wireType() == protowire.BytesType {
		return b.twice(f, []byte(text), []byte("before"))
	}
	tag := protowire.AppendTag(nil, f.number, f.wireType())
	if f.kind == kindFloat {
		return protowire.AppendFixed32(tag, uint32(n)<<16)
	}
	if b.reversed && f.packable() {
		return protowire.AppendBytes(protowire.AppendTag(nil, f.number, protowire.BytesType), protowire.AppendVarint(nil, n))
	}
	value := protowire.AppendVarint(slices.Clone(tag), n)
	if b.doubled && !f.repeated {
		return append(protowire.AppendVarint(slices.Clone(tag), n+1), value...)
	}
	return value
}

// inside says whether a message would stand in itself.
func (b full) inside(chain []step, name string) bool {
	for _, s := range chain {
		if s.message == name {
			return true
		}
	}
	return len(chain) > 14
}

// twice writes bytes, after others where a field that stands alone is doubled: of a text the last counts, and messages
// become one.
func (b full) twice(f *field, body, first []byte) []byte {
	tag := protowire.AppendTag(nil, f.number, protowire.BytesType)
	out := protowire.AppendBytes(slices.Clone(tag), body)
	if !b.doubled || f.repeated {
		return out
	}
	if f.kind == kindMessage && len(body) > 0 { // its first field apart from the others
		_, _, n := protowire.ConsumeField(body)
		if n > 0 && n < len(body) {
			return append(protowire.AppendBytes(slices.Clone(tag), body[:n]), protowire.AppendBytes(slices.Clone(tag), body[n:])...)
		}
		return out
	}
	return append(protowire.AppendBytes(slices.Clone(tag), first), out...)
}

func (b full) entry(f *field, chain []step) []byte {
	value := f.msg.named("value")
	entries := make([][]byte, 2)
	for i, key := range []string{"k1", "k2"} {
		if i == 1 && value.kind == kindMessage {
			return entries[0]
		}
		entry := protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), key)
		at := append(slices.Clone(chain), step{f.msg.name, key})
		switch {
		case value.kind == kindMessage && b.inside(chain, value.msg.name):
		case value.kind == kindMessage:
			entry = protowire.AppendBytes(protowire.AppendTag(entry, 2, protowire.BytesType), b.message(value.msg, at))
		case value.kind == kindEnum:
			n, _ := b.leaf(f.msg, value, at)
			entry = protowire.AppendVarint(protowire.AppendTag(entry, 2, protowire.VarintType), n)
		default:
			_, text := b.leaf(f.msg, value, at)
			entry = protowire.AppendString(protowire.AppendTag(entry, 2, protowire.BytesType), text)
		}
		entries[i] = protowire.AppendBytes(protowire.AppendTag(nil, f.number, protowire.BytesType), entry)
	}
	if b.reversed {
		slices.Reverse(entries)
	}
	return slices.Concat(entries...)
}

// leaf is the value of one leaf, another one at the place that is mutated.
func (b full) leaf(m *message, f *field, chain []step) (n uint64, text string) {
	id := idOf(chain)
	if b.places != nil {
		*b.places = append(*b.places, place{chain, id})
	}
	other := id == b.mutate
	n, text = 1, f.name
	switch {
	case m.name == "EntitySpecV2" && f.name == "name", f.name == "entities" && m.name != "Registry":
		text = "user"
	case m.name == "EntitySpecV2" && f.name == "join_key":
		text = "user_id"
	case m.name == "FeatureSpecV2" && f.name == "name" && chain[len(chain)-2].field == "entity_columns":
		text = "user_id"
	case m.name == "DataSource" && f.name == "type":
		n = sourceTypes[b.variant%len(sourceTypes)]
	case f.name == "name":
		text = m.name
	case f.name == "feature_view_name":
		text = "FeatureViewSpec"
	case f.name == "project", m.name == "ProjectSpec" && f.name == "name":
		text = "shop"
	case f.name == "configuration":
		text = `{"table": "orders", "schema": "public"}`
	case f.name == "nanos":
		n = 0
	case f.name == "seconds":
		n = 1000
		if len(chain) > 1 && chain[len(chain)-2].field == "end_time" {
			n = 2000
		}
	}
	if other {
		n, text = n+1, text+"2"
		if f.name == "configuration" {
			text = `{"table": "orders2", "schema": "public"}`
		}
		if f.kind == kindBool {
			n = 0
		}
		if f.name == "nanos" {
			n = 500_000_000
		}
	}
	return n, text
}

func idOf(chain []step) string {
	id := ""
	for _, s := range chain {
		id += "/" + s.message + "." + s.field
	}
	return id
}

// The kinds of values of a field.
const (
	kindMessage = iota + 1
	kindString
	kindBytes
	kindBool
	kindInt
	kindEnum
	kindFloat
)

type field struct {
	number          protowire.Number
	name            string
	kind            int
	repeated, isMap bool
	msg             *message
}

func (f field) wireType() protowire.Type {
	switch f.kind {
	case kindBool, kindInt, kindEnum:
		return protowire.VarintType
	case kindFloat:
		return protowire.Fixed32Type
	}
	return protowire.BytesType
}

func (f field) packable() bool { return f.repeated && f.wireType() != protowire.BytesType }

type message struct {
	name   string
	fields []*field
}

func (m message) named(name string) *field {
	i := slices.IndexFunc(m.fields, func(f *field) bool { return f.name == name })
	if i < 0 {
		return nil
	}
	return m.fields[i]
}

type schema map[string]*message

func (s schema) message(name string) *message {
	if s[name] == nil {
		s[name] = &message{name: name}
	}
	return s[name]
}

// readTable reads a table of messages: each line of a field goes to take.
func readTable(t *testing.T, name string, take func(message string, words []string)) {
	t.Helper()
	raw, err := os.ReadFile("../registry/feast/" + name)
	if err != nil {
		t.Fatal(err)
	}
	current := ""
	for _, line := range strings.Split(string(raw), "\n") {
		words := strings.Fields(line)
		switch {
		case len(words) == 0 || strings.HasPrefix(words[0], "#"):
		case len(words) == 1:
			current = words[0]
		default:
			take(current, words)
		}
	}
}

// readSchema reads the fields that the reader knows, apart from the reader.
func readSchema(t *testing.T) schema {
	t.Helper()
	s := schema{}
	kinds := map[string]int{"string": kindString, "bytes": kindBytes, "bool": kindBool, "int32": kindInt, "int64": kindInt, "float": kindFloat, "enum": kindEnum}
	var typed func(f *field, words []string)
	typed = func(f *field, words []string) {
		typ, repeated := strings.CutPrefix(words[0], "[]")
		f.repeated = f.repeated || repeated
		if typ == "map" {
			f.repeated, f.isMap, f.kind = true, true, kindMessage
			f.msg = s.message(fmt.Sprint("map ", words[1:]))
			value := &field{number: 2, name: "value"}
			typed(value, words[1:])
			f.msg.fields = []*field{{number: 1, name: "key", kind: kindString}, value}
			return
		}
		if f.kind = kinds[typ]; f.kind == 0 {
			f.kind, f.msg = kindMessage, s.message(typ)
		}
	}
	readTable(t, "schema.txt", func(name string, words []string) {
		number, err := strconv.Atoi(words[0])
		if err != nil {
			t.Fatal(err)
		}
		f := &field{number: protowire.Number(number), name: words[1]}
		typed(f, words[2:])
		m := s.message(name)
		m.fields = append(m.fields, f)
	})
	return s
}

// line is what the ledger makes of a field.
type line struct {
	table, what string
	all, names  bool
}

type ledger map[string]map[string]line

func readLedger(t *testing.T) ledger {
	t.Helper()
	l := ledger{}
	readTable(t, "ledger.txt", func(name string, words []string) {
		if l[name] == nil {
			l[name] = map[string]line{}
		}
		if _, twice := l[name][words[0]]; twice {
			t.Errorf("%s.%s stands twice in the ledger", name, words[0])
		}
		own := line{table: words[1], what: strings.Join(words[2:], " ")}
		if own.table == judged {
			own.what, own.all = strings.CutSuffix(own.what, " all")
			own.what, own.names = strings.CutSuffix(own.what, " names")
		}
		l[name][words[0]] = own
	})
	return l
}

// The tables of the ledger.
const (
	judged      = "judged"
	bookkeeping = "bookkeeping"
	noted       = "noted"
)
