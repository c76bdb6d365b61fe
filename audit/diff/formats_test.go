package diff_test

import (
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/featureaudit/featureaudit/audit/registry"
	"github.com/featureaudit/featureaudit/audit/registry/feast"
)

// asJSON is a message as protobuf writes it in JSON, enumerated values as numbers.
func asJSON(m *message, raw []byte) any {
	if m.name == "Duration" || m.name == "Timestamp" {
		return timeAsJSON(m, raw)
	}
	out := map[string]any{}
	for len(raw) > 0 {
		num, typ, n := protowire.ConsumeTag(raw)
		size := protowire.ConsumeFieldValue(num, typ, raw[n:])
		value := raw[n : n+size]
		raw = raw[n+size:]
		f := m.fields[slices.IndexFunc(m.fields, func(f *field) bool { return f.number == num })]
		if f.isMap {
			entry := asJSON(f.msg, must(protowire.ConsumeBytes(value))).(map[string]any)
			all, _ := out[f.name].(map[string]any)
			if all == nil {
				all = map[string]any{}
			}
			all[entry["key"].(string)] = entry["value"]
			out[f.name] = all
			continue
		}
		v := valueAsJSON(f, value)
		if f.repeated {
			list, _ := out[f.name].([]any)
			v = append(list, v)
		}
		out[f.name] = v
	}
	return out
}

func must(raw []byte, _ int) []byte { return raw }

func valueAsJSON(f *field, value []byte) any {
	switch f.kind {
	case kindMessage:
		return asJSON(f.msg, must(protowire.ConsumeBytes(value)))
	case kindString:
		return string(must(protowire.ConsumeBytes(value)))
	case kindBytes:
		return base64.StdEncoding.EncodeToString(must(protowire.ConsumeBytes(value)))
	case kindFloat:
		n, _ := protowire.ConsumeFixed32(value)
		return math.Float32frombits(n)
	case kindBool:
		n, _ := protowire.ConsumeVarint(value)
		return n != 0
	}
	n, _ := protowire.ConsumeVarint(value)
	return n
}

func timeAsJSON(m *message, raw []byte) string {
	var seconds, nanos int64
	for len(raw) > 0 {
		num, _, n := protowire.ConsumeTag(raw)
		v, size := protowire.ConsumeVarint(raw[n:])
		raw = raw[n+size:]
		if num == 1 {
			seconds = int64(v)
		} else {
			nanos = int64(v)
		}
	}
	if m.name == "Timestamp" {
		return time.Unix(seconds, nanos).UTC().Format(time.RFC3339Nano)
	}
	return strconv.FormatFloat(float64(seconds)+float64(nanos)/1e9, 'f', -1, 64) + "s"
}

func fromJSON(t *testing.T, s schema, raw []byte) registry.Definitions {
	t.Helper()
	text, err := json.Marshal(asJSON(s["Registry"], raw))
	if err != nil {
		t.Fatal(err)
	}
	d, err := feast.DecodeJSON(text)
	if err != nil {
		t.Fatal(err)
	}
	if len(d.UnknownFields) > 0 {
		t.Fatalf("unknown fields %+v", d.UnknownFields)
	}
	return d
}

// tables are the tables of the SQL registry, by the field of the Registry that they hold.
var tables = map[string][3]string{
	"projects": {"projects", "project_id", "project_proto"}, "entities": {"entities", "entity_name", "entity_proto"},
	"data_sources": {"data_sources", "data_source_name", "data_source_proto"}, "feature_views": {"feature_views", "feature_view_name", "feature_view_proto"},
	"stream_feature_views":    {"stream_feature_views", "feature_view_name", "feature_view_proto"},
	"on_demand_feature_views": {"on_demand_feature_views", "feature_view_name", "feature_view_proto"},
	"label_views":             {"label_views", "feature_view_name", "feature_view_proto"},
	"feature_services":        {"feature_services", "feature_service_name", "feature_service_proto"},
	"saved_datasets":          {"saved_datasets", "saved_dataset_name", "saved_dataset_proto"},
	"validation_references":   {"validation_references", "validation_reference_name", "validation_reference_proto"},
	"permissions":             {"permissions", "permission_name", "permission_proto"}, "infra": {"managed_infra", "infra_name", "infra_proto"},
}

// fromSQL writes a registry as rows, as Feast's SQL registry does, and reads it.
func fromSQL(t *testing.T, s schema, raw []byte) registry.Definitions {
	t.Helper()
	path := filepath.Join(t.TempDir(), "registry.sqlite")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	run := func(query string, args ...any) {
		if _, err := db.Exec(query, args...); err != nil {
			t.Fatal(query, err)
		}
	}
	db.SetMaxOpenConns(1)
	run("PRAGMA synchronous = OFF")
	run("BEGIN")
	for _, table := range tables {
		columns := table[1] + " TEXT, project_id TEXT"
		if table[1] == "project_id" {
			columns = "project_id TEXT"
		}
		run("CREATE TABLE " + table[0] + " (" + columns + ", " + table[2] + " BLOB)")
	}
	for rest := raw; len(rest) > 0; {
		num, typ, n := protowire.ConsumeTag(rest)
		size := protowire.ConsumeFieldValue(num, typ, rest[n:])
		value := rest[n : n+size]
		rest = rest[n+size:]
		f := s["Registry"].fields[slices.IndexFunc(s["Registry"].fields, func(f *field) bool { return f.number == num })]
		table, ok := tables[f.name]
		switch {
		case !ok:
		case table[1] == "project_id":
			run("INSERT INTO "+table[0]+" VALUES ('shop', ?)", must(protowire.ConsumeBytes(value)))
		default:
			run("INSERT INTO "+table[0]+" VALUES ('x', 'shop', ?)", must(protowire.ConsumeBytes(value)))
		}
	}
	run("COMMIT")
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	d, err := feast.DecodeSQLite(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestEachFormatSaysTheSame: one registry as bytes, as JSON and as rows differs in nothing, and a change in it is the
// same finding in each. What a format cannot hold is not said there.
func TestEachFormatSaysTheSame(t *testing.T) {
	s := readSchema(t)
	for v := range variants {
		var places []place
		b := full{schema: s, variant: v, places: &places}
		raw := b.registry()
		base, inJSON, inSQL := decoded(t, raw), fromJSON(t, s, raw), fromSQL(t, s, raw)
		for format, d := range map[string]registry.Definitions{"JSON": inJSON, "SQL": inSQL} {
			older := base
			if format == "SQL" {
				older = without(base, "FeatureTableSpec") // gone before there was an SQL registry
			}
			if got := said(older, d); len(got) > 0 {
				t.Errorf("variant %d: %s differs: %q", v, format, got)
			}
		}
		b.places = nil
		for i, p := range places {
			if (i+v)%(3*variants) != 0 {
				continue
			}
			b.mutate = p.id
			raw := b.registry()
			want := said(base, decoded(t, raw))
			if got := said(inJSON, fromJSON(t, s, raw)); !slices.Equal(got, want) {
				t.Errorf("variant %d: %s: JSON says %q, bytes %q", v, p.id, got, want)
			}
			if (i+v)%(12*variants) != 0 || strings.Contains(p.id, "FeatureTable") || strings.Contains(p.id, "RequestFeatureView") {
				continue
			}
			want = slices.DeleteFunc(want, func(text string) bool { return strings.HasPrefix(text, "FeatureTableSpec") })
			if got := said(inSQL, fromSQL(t, s, raw)); !slices.Equal(got, want) {
				t.Errorf("variant %d: %s: SQL says %q, bytes %q", v, p.id, got, want)
			}
		}
	}
}
