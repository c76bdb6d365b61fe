package feast

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

//go:embed schema.txt
var table string

// kind is how the value of a field is read.
type kind int

const (
	kindMessage kind = iota + 1
	kindString
	kindBytes
	kindBool
	kindInt
	kindEnum
	kindFloat
)

// field is one known field of a message.
type field struct {
	number   protowire.Number
	name     string
	kind     kind
	repeated bool
	// isMap says that msg is a map's entry: key 1, value 2.
	isMap bool
	// msg is the message of a kindMessage, enum the name of a kindEnum's values.
	msg  *message
	enum string
	// placed says that the ledger has nothing to gather from the field.
	placed bool
}

// wireType is how the field stands on the wire when it is written alone.
func (f field) wireType() protowire.Type {
	switch f.kind {
	case kindBool, kindInt, kindEnum:
		return protowire.VarintType
	case kindFloat:
		return protowire.Fixed32Type
	default:
		return protowire.BytesType
	}
}

// packable says whether several values may stand in one length-delimited field.
func (f field) packable() bool { return f.repeated && f.wireType() != protowire.BytesType }

// message is one message type.
type message struct {
	name   string
	fields map[protowire.Number]*field
	// byName finds a field by its lowerCamelCase and its snake_case name, and by the names of older releases.
	byName map[string]*field
}

// schema holds the message types of a registry.
type schema map[string]*message

// aliases are the names that fields had in older releases, by message.
var aliases = map[string]map[string]string{
	"DataSource":                 {"event_timestamp_column": "timestamp_field"},
	"DataSource.BigQueryOptions": {"table_ref": "table"},
	"DataSource.FileOptions":     {"file_url": "uri"},
	"DataSource.KafkaOptions":    {"bootstrap_servers": "kafka_bootstrap_servers"},
	"EntitySpecV2":               {"labels": "tags"},
	"FeatureSpecV2":              {"labels": "tags"},
	"FeatureViewSpec":            {"input": "batch_source"},
	"OnDemandFeatureViewSpec":    {"inputs": "sources"},
}

// newSchema reads the table. An error is a mistake in the table.
func newSchema() (schema, error) {
	s := schema{}
	var current *message
	for i, line := range strings.Split(table, "\n") {
		words := strings.Fields(line)
		switch {
		case len(words) == 0 || words[0] == "#":
		case len(words) == 1:
			current = s.message(words[0])
		case current == nil || len(words) < 3:
			return nil, fmt.Errorf("schema.txt:%d: %q: expected a message or NUMBER NAME TYPE", i+1, line)
		default:
			if err := s.add(current, words); err != nil {
				return nil, fmt.Errorf("schema.txt:%d: %w", i+1, err)
			}
		}
	}
	return s, nil
}

func (s schema) message(name string) *message {
	if m, ok := s[name]; ok {
		return m
	}
	m := &message{name: name, fields: map[protowire.Number]*field{}, byName: map[string]*field{}}
	s[name] = m
	return m
}

func (s schema) add(m *message, words []string) error {
	number, err := strconv.ParseInt(words[0], 10, 32)
	if err != nil || !protowire.Number(number).IsValid() {
		return fmt.Errorf("%q is no field number", words[0])
	}
	f := &field{number: protowire.Number(number), name: words[1]}
	typ := words[2]
	if rest, ok := strings.CutPrefix(typ, "[]"); ok {
		f.repeated, typ = true, rest
	}
	if typ == "map" {
		f.repeated, f.isMap, f.kind = true, true, kindMessage
		f.msg = s.mapEntry(words[3:])
	} else {
		s.setType(f, append([]string{typ}, words[3:]...))
	}
	if m.fields[f.number] != nil {
		return fmt.Errorf("field %d of %s stands twice", f.number, m.name)
	}
	m.fields[f.number] = f
	for _, name := range append([]string{f.name}, olderNames(m.name, f.name)...) {
		m.byName[name], m.byName[camel(name)] = f, f
	}
	return nil
}

func (s schema) setType(f *field, words []string) {
	switch words[0] {
	case "string":
		f.kind = kindString
	case "bytes":
		f.kind = kindBytes
	case "bool":
		f.kind = kindBool
	case "int32", "int64":
		f.kind = kindInt
	case "float":
		f.kind = kindFloat
	case "enum":
		f.kind, f.enum = kindEnum, words[1]
	default:
		f.kind, f.msg = kindMessage, s.message(words[0])
	}
}

// mapEntry is the message that a map field repeats.
func (s schema) mapEntry(value []string) *message {
	name := "map " + strings.Join(value, " ")
	if m, ok := s[name]; ok {
		return m
	}
	m := s.message(name)
	key := &field{number: 1, name: "key", kind: kindString}
	val := &field{number: 2, name: "value"}
	s.setType(val, value)
	m.fields[1], m.fields[2] = key, val
	m.byName["key"], m.byName["value"] = key, val
	return m
}

func olderNames(msg, name string) []string {
	var names []string
	for old, now := range aliases[msg] {
		if now == name {
			names = append(names, old)
		}
	}
	return names
}

// camel is the name that protobuf's JSON gives a field.
func camel(name string) string {
	parts := strings.Split(name, "_")
	for i, p := range parts {
		if i > 0 && p != "" {
			parts[i] = strings.ToUpper(p[:1]) + p[1:]
		}
	}
	return strings.Join(parts, "")
}
