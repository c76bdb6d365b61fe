package yamldef_test

import (
	"strings"
	"testing"

	"github.com/featureaudit/featureaudit/audit/diff"
	"github.com/featureaudit/featureaudit/audit/policy"
	"github.com/featureaudit/featureaudit/audit/registry"
	"github.com/featureaudit/featureaudit/audit/registry/yamldef"
)

// keys are every key of a view, each with another value and what the change is called.
var keys = []struct{ line, other, want string }{
	{"owner: fraud", "owner: growth", "owner"},
	{"path: a/*.parquet", "path: b/*.parquet", "path"},
	{"event_time: {column: ts, unit: ms}", "event_time: {column: ts, unit: us}", "settings.event_time.unit"},
	{"event_time: {column: ts, unit: ms}", "event_time: {column: ts2, unit: ms}", "event_time"},
	{"ingested_at: {column: at, zone: Asia/Tokyo}", "ingested_at: {column: at, zone: UTC}", "settings.ingested_at.zone"},
	{"ingested_at: {column: at, zone: Asia/Tokyo}", "ingested_at: {column: at2, zone: Asia/Tokyo}", "ingested_at"},
	{"source: {path_segment: 1}", "source: {path_segment: 2}", "settings.source"},
	{"sources: {batch: {max_age: 30h, max_lag: 28h, zone: device, until: 2027-01-01}}", "sources: {batch: {max_age: 31h, max_lag: 28h, zone: device, until: 2027-01-01}}", "settings.sources.batch.max_age"},
	{"sources: {batch: {max_age: 30h, max_lag: 28h, zone: device, until: 2027-01-01}}", "sources: {batch: {max_age: 30h, max_lag: 28h, zone: device, until: 2027-01-02}}", "settings.sources.batch.until"},
	{"entity: [id]", "entity: [id2]", "join_keys"},
	{"key: [k]", "key: [k2]", "key"},
	{"once_per: [source]", "once_per: [partition]", "settings.once_per"},
	{"measures: [m]", "measures: [m2]", "settings.measures"},
	{"payload: [p]", "payload: [p2]", "settings.payload"},
	{"sensitive: [s]", "sensitive: [s2]", "settings.sensitive"},
	{"ttl: 24h", "ttl: 48h", "ttl"},
	{"max_age: 6h", "max_age: 7h", "max_age"},
	{"max_lag: 1h", "max_lag: 2h", "max_lag"},
	{"tolerance: 5m", "tolerance: 6m", "settings.tolerance"},
	{"zone: UTC", "zone: device", "settings.zone"},
	{"zones: [Asia/Tokyo]", "zones: [Asia/Kolkata]", "settings.zones"},
	{"reference: as_of", "reference: ingested_at", "settings.reference"},
	{"time_partition: {column: dt, grain: day, of: snapshot}", "time_partition: {column: dt, grain: day, of: event_time}", "settings.time_partition.of"},
	{"time_partition: {column: dt, grain: day, of: snapshot}", "time_partition: {column: dt, grain: day, of: snapshot, expected_by: view}", "settings.time_partition.expected_by"},
	{"checks: {stale-rows: {severity: warn, max_fraction: 0.1}}", "checks: {stale-rows: {severity: warn, max_fraction: 0.2}}", "settings.checks.stale-rows.max_fraction"},
}

func view(replace, with string) string {
	seen := map[string]bool{}
	text := "views:\n  a:\n"
	for _, k := range keys {
		line := k.line
		if seen[line] {
			continue
		}
		seen[line] = true
		if line == replace {
			line = with
		}
		text += "    " + line + "\n"
	}
	return text
}

func decode(t *testing.T, text string) registry.Definitions {
	t.Helper()
	d, err := yamldef.Decode([]yamldef.File{{Name: "v.yaml", Data: []byte(text)}}, policy.ParseOptions{})
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return d
}

// TestNoKeyIsLost: whichever key of a view changes, the comparison shows that key and nothing else, at its line.
func TestNoKeyIsLost(t *testing.T) {
	before := decode(t, view("", ""))
	for _, k := range keys {
		changes := diff.Compute(before, decode(t, view(k.line, k.other)))
		if len(changes) != 1 || changes[0].Path() != k.want {
			t.Errorf("%s -> %s: %+v, want one change of %s", k.line, k.other, changes, k.want)
			continue
		}
		if l := changes[0].Location; l == nil || l.File != "v.yaml" || l.Line < 3 {
			t.Errorf("%s: location %+v", k.line, l)
		}
		// The same key taken away is a change too. (A source that nothing declares has no paths to split.)
		if strings.HasPrefix(k.line, "source:") {
			continue
		}
		name, _, _ := strings.Cut(k.line, ":")
		if removed := diff.Compute(before, decode(t, view(k.line, "# "+name))); len(removed) == 0 {
			t.Errorf("%s taken away is no change", name)
		}
	}
}
