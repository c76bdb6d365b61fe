package feast

import (
	"bytes"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

func nested(n protowire.Number, body []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(nil, n, protowire.BytesType), body)
}

// TestHostileRegistries: each ends in an error that says what is wrong.
func TestHostileRegistries(t *testing.T) {
	name := protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), "v")
	deep := []byte{}
	for range 100 {
		deep = nested(26, deep) // a data source in a data source
	}
	for _, c := range []struct {
		name, want string
		data       []byte
	}{
		{"no bytes", "0 bytes", nil},
		{"text", "Registry", []byte("hello world, this is text")},
		{"only unknown fields", "none of its fields is there", nested(9000, []byte("x"))},
		{"a view without a name", "feature view 1: it has no name", nested(6, nested(1, nil))},
		{"a cut message", "feature view 1", nested(6, []byte{0x0a, 0x7f})},
		{"nested too deep", "nested more than 48 deep", nested(6, nested(1, append(bytes.Clone(name), nested(7, deep)...)))},
		{"text that is not UTF-8", "its text is not UTF-8", nested(6, nested(1, nested(1, []byte{0xff})))},
		{"a feature without a name", "features: one has no name", nested(6, nested(1, append(bytes.Clone(name), nested(4, nil)...)))},
		{"unknown fields without end", "more than 20,000 unknown fields", bytes.Repeat(nested(9000, nil), 20_001)},
	} {
		_, err := Decode(c.data)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.name, err, c.want)
		}
	}
}

// TestHostileDumps: the same for JSON, with the place.
func TestHostileDumps(t *testing.T) {
	for text, want := range map[string]string{
		"{\n\"featureViews\": [}":                                                        "line 2: not valid JSON",
		`{"featureViews": [3]}`:                                                          "featureViews[0]: found the number 3, expected an object (FeatureView)",
		`{"featureViews": [{"spec": {"name": "a", "ttl": "1h"}}]}`:                       `featureViews[0]: spec: ttl: duration "1h": expected seconds such as "86400s"`,
		`{"featureViews": [{"spec": {"name": "a", "ttl": "99999999999999999999999s"}}]}`: "more seconds than 64 bits hold",
		`{"featureViews": [{"spec": {"name": 3}}]}`:                                      "name: found the number 3, expected text",
		`{"featureViews": []} {}`:                                                        "something follows the JSON object",
	} {
		if _, err := DecodeJSON([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one with %q", text, err, want)
		}
	}
}

// TestDumpKeepsWhatItDoesNotKnow: unknown keys of JSON are in the ledger by their path, and unknown types keep their names.
func TestDumpKeepsWhatItDoesNotKnow(t *testing.T) {
	d, err := DecodeJSON([]byte(`{"project": "p", "novelty": 1, "featureViews": [{"spec": {"name": "a", "ttl": "0.500s", "maxAge": "1d",
		"batch_source": {"type": 1, "newKey": {}, "fileOptions": {"uri": "x"}}, "features": [{"name": "f", "valueType": "QUATERNION"}]}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, u := range d.UnknownFields {
		got = append(got, u.Path)
	}
	want := "novelty in the dump|spec.batch_source.newKey in feature view a|spec.maxAge in feature view a"
	if text := strings.Join(got, "|"); text != want {
		t.Errorf("unknown fields %s, want %s", text, want)
	}
	v := d.Views[0]
	if typ, _ := v.Features.Type("f"); typ != "QUATERNION" || *v.TTLSeconds != 0.5 || v.Path != "x" || v.BatchSource.Type != "BATCH_FILE" || v.Project != "p" {
		t.Errorf("view %+v", v)
	}
}

// TestSchemaIsWellFormed: every message of the table is reached by name and has fields, or is known to be empty.
func TestSchemaIsWellFormed(t *testing.T) {
	s, err := newSchema()
	if err != nil {
		t.Fatal(err)
	}
	empty := map[string]bool{"FileFormat.ParquetFormat": true, "DataSource.PushOptions": true}
	for name, m := range s {
		if len(m.fields) == 0 && !empty[name] {
			t.Errorf("message %s has no field", name)
		}
		for _, f := range m.fields {
			if f.kind == kindMessage && s[f.msg.name] == nil {
				t.Errorf("%s.%s: message %s is not in the table", name, f.name, f.msg.name)
			}
		}
	}
	for _, key := range []string{"ttl", "batchSource", "batch_source", "input", "entityColumns"} {
		if s["FeatureViewSpec"].byName[key] == nil {
			t.Errorf("FeatureViewSpec has no field %s", key)
		}
	}
}

// TestOldestLayouts: a view of 0.10 (no entity columns, no registered sources) and a feature table of 0.8.
func TestOldestLayouts(t *testing.T) {
	str := func(n protowire.Number, s string) []byte { return nested(n, []byte(s)) }
	num := func(n protowire.Number, v uint64) []byte {
		return protowire.AppendVarint(protowire.AppendTag(nil, n, protowire.VarintType), v)
	}
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	source := join(num(1, 1), str(3, "event_timestamp"), str(5, "created"), nested(11, str(2, "data/x.parquet")))
	registryBytes := join(
		nested(1, nested(1, join(str(1, "driver"), num(2, 4), str(4, "driver_id"), str(9, "p")))),
		nested(1, nested(1, join(str(1, "bare"), str(9, "p")))), // an entity without a join key: its name is one
		nested(6, nested(1, join(str(1, "stats"), str(2, "p"), str(3, "driver"), str(3, "bare"), nested(6, num(1, 3600)), nested(7, source)))),
		nested(2, nested(1, join(str(1, "table"), str(9, "p"), str(3, "driver"), nested(4, str(1, "f")), nested(6, num(1, 60)), nested(7, source)))),
		str(3, "1"),
	)
	d, err := Decode(registryBytes)
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Views) != 2 || len(d.UnknownFields) != 0 || d.Project != "p" {
		t.Fatalf("%d views, project %q, unknown %v", len(d.Views), d.Project, d.UnknownFields)
	}
	stats, table := d.Views[0], d.Views[1]
	if *stats.TTLSeconds != 3600 || strings.Join(stats.JoinKeys, ",") != "driver_id,bare" || stats.EventTime != "event_timestamp" || stats.IngestedAt != "created" || stats.Path != "data/x.parquet" {
		t.Errorf("view %+v", stats)
	}
	if *table.TTLSeconds != 60 || strings.Join(table.JoinKeys, ",") != "driver_id" || table.Features[0].Name != "f" {
		t.Errorf("feature table %+v", table)
	}
}
