package policy

import (
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/featureaudit/featureaudit/audit/model"
)

func TestFromFlags(t *testing.T) {
	p, err := FromFlags(RunFlags{
		Dir: "/w", Path: "store/transactions/**/*.parquet", EventTime: "event_time", IngestedAt: "ingested_at", Key: []string{"transaction_id"},
		Entity: []string{"user_id", "region"}, TTL: "24h",
		Set: []string{
			"source=source", "sources.streaming.max_age=10m", "time_partition={column: dt, grain: hour}", "time_partition.grain=day",
			"checks.stale-rows.severity=off", "event_time.zone=device", "max_age=1h", "max_age=6h",
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "digest", len(p.Digest), len("sha256:")+64)
	equal(t, "dir", p.Dir, "/w")
	equal(t, "views", p.Views, []model.View{{
		Name: "transactions", Path: "store/transactions/**/*.parquet", Root: "/w",
		EventTime: model.TimeColumn{Column: "event_time", Zone: "device"}, IngestedAt: model.TimeColumn{Column: "ingested_at"},
		Source: model.SourceColumn{Column: "source"}, Sources: []model.SourcePolicy{{Name: "streaming", MaxAge: 10 * time.Minute}},
		Key: []string{"transaction_id"}, Entity: []string{"user_id", "region"},
		TTL: model.TTL{Duration: 24 * time.Hour, OnWire: "set", Explicit: true}, MaxAge: 6 * time.Hour, Tolerance: 5 * time.Minute,
		TimePartition: model.TimePartition{Columns: []string{"dt"}, Grain: model.GrainDay, Of: model.OfEventTime, Expected: model.ExpectAll},
		Checks:        map[string]model.CheckPolicy{"stale-rows": {Severity: "off"}},
		Origins: model.ParseOrigins(map[string]string{
			"name": "flag --path", "path": "flag --path", "event_time": "flag --event-time", "ingested_at": "flag --ingested-at", "key": "flag --key",
			"entity": "flag --entity", "ttl": "flag --ttl", "source": "flag --set", "sources.streaming": "flag --set",
			"sources.streaming.max_age": "flag --set", "time_partition.column": "flag --set", "time_partition.grain": "flag --set",
			"checks.stale-rows": "flag --set", "checks.stale-rows.severity": "flag --set", "event_time.zone": "flag --set", "max_age": "flag --set",
			"tolerance": "default", "zone": "default", "reference": "default", "time_partition.of": "default", "time_partition.expected": "default",
			"time_partition.zone": "default", "time_partition.complete_after": "default",
		}),
	}})
	elsewhere, err := FromFlags(RunFlags{Dir: "/elsewhere", Path: "store/transactions/**/*.parquet"})
	if err != nil {
		t.Fatal(err)
	}
	here, err := FromFlags(RunFlags{Dir: "/w", Path: "store/transactions/**/*.parquet", Name: "other"})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "name", []string{here.Views[0].Name, here.Views[0].Origins["name"].String()}, []string{"other", "flag --name"})
	if here.Digest == elsewhere.Digest {
		t.Error("another name has the same digest")
	}
}

func TestFromFlagsErrors(t *testing.T) {
	cases := []struct {
		flags RunFlags
		want  string
	}{
		{RunFlags{}, `--path is empty: expected a path or glob such as "data/transactions/**/*.parquet"`},
		{RunFlags{Path: "a/[b"}, `--path: path in the view: found "a/[b", expected a path or glob such as "data/transactions/**/*.parquet": a [ or { in it has no end`},
		{RunFlags{Path: "a", TTL: "86400"}, `--ttl: ttl in the view: duration "86400": a number without a unit: write 86400s for seconds, 86400h for hours or 86400d for days`},
		{RunFlags{Path: "a", Key: []string{"k", "k"}}, `--key: key in the view: "k" is listed twice: list each column once`},
		{RunFlags{Path: "a", EventTime: "t", Set: []string{"event_time=x"}}, `--event-time and --set event_time=x both set event_time: keep one`},
		{RunFlags{Path: "a", EventTime: "t", Set: []string{"event_time={column: x, zone: UTC}"}}, `--event-time and --set event_time={column: x, zone: UTC} both set event_time: keep one`},
		{RunFlags{Path: "a", TTL: "1h", Set: []string{"ttl.never=x"}}, `--ttl and --set ttl.never=x both set ttl: keep one`},
		{RunFlags{Path: "a", Set: []string{"path=b"}}, `--path and --set path=b both set path: keep one`},
		{RunFlags{Path: "a", Set: []string{"max_age"}}, `--set max_age: expected KEY=VALUE, such as max_age=6h or sources.streaming.max_age=10m`},
		{RunFlags{Path: "a", Set: []string{"=1"}}, `--set =1: expected KEY=VALUE, such as max_age=6h or sources.streaming.max_age=10m`},
		{RunFlags{Path: "a", Set: []string{"max_age="}}, `--set max_age=: found no value: give it one, or leave the flag out`},
		{RunFlags{Path: "a", Set: []string{"ttl= "}}, `--set ttl= : found no value: give it one, or leave the flag out`},
		{RunFlags{Path: "a", Set: []string{"max_age=null"}}, `--set max_age=null: max_age in the view: found nothing, expected a duration such as "90s", "24h", "7d" or "P1D"`},
		{RunFlags{Path: "a", Set: []string{"zones=[UTC"}}, `--set zones=[UTC: the value is not valid YAML: did not find expected ',' or ']': put it in quotes, as in KEY='"VALUE"'`},
		{RunFlags{Path: "a", Set: []string{"max_age.x=1h"}}, `--set max_age.x=1h: max_age in the view: found a map, expected a duration such as "90s", "24h", "7d" or "P1D"`},
		{RunFlags{Path: "a", Set: []string{"sources.s.max_agee=1h"}}, `--set sources.s.max_agee=1h: unknown key "max_agee" in sources.s of the view: did you mean "max_age"? ` +
			`known keys: path, event_time, ingested_at, zone, max_age, max_lag, until`},
		{RunFlags{Path: "a", Set: []string{"checks.stale-row.severity=off"}}, `--set checks.stale-row.severity=off: unknown check "stale-row" in the view: did you mean "stale-rows"? "featureaudit checks" lists them`},
		{RunFlags{Path: "a", Set: []string{"checks.duplicate-keys.max_franction=0.4"}}, `--set checks.duplicate-keys.max_franction=0.4: unknown key "max_franction" in ` +
			`checks.duplicate-keys of the view: did you mean "max_fraction"? known keys: severity, max_fraction, min_rows; "severity: off" turns the check off`},
		{RunFlags{Path: "a", Set: []string{"reference=ingested_at"}}, `flag --set: view "a": reference is ingested_at, but no ingested_at column is declared: add one or choose another reference`},
	}
	for _, c := range cases {
		c.flags.Dir = "/w"
		_, err := FromFlags(c.flags, testOptions)
		if err == nil || err.Error() != c.want {
			t.Errorf("got  %v\nwant %s", err, c.want)
		}
	}
}

func TestViewName(t *testing.T) {
	for glob, want := range map[string]string{
		"store/transactions/**/*.parquet":  "transactions",
		"store/**/*.parquet":               "store",
		"store/transactions":               "transactions",
		"store/transactions/":              "transactions",
		"store/tx.parquet":                 "tx",
		"*.parquet":                        "view",
		"/":                                "view",
		"../**":                            "view",
		"store/tx/dt=2026-11-03/*.parquet": "tx",
		"store/tx/2026/11/03/*.parquet":    "tx",
		"s3://bucket/tx/**":                "tx",
		"store/{a,b}/*.parquet":            "store",
		filepath.Join("/", "data", "v1.2", "*.parquet"): "v1.2",
	} {
		equal(t, glob, viewName(glob), want)
	}
}

// examples has a value for every dotted key that a view can have, with the sources and checks named s and c.
var examples = map[string]string{
	"owner": "fraud", "path": "p/*.parquet", "source": "source", "source.path_segment": "1", "entity": "[e]", "writer": "[w]", "key": "[k]", "once_per": "[partition]",
	"measures": "[m]", "payload": "[p]", "sensitive": "[q]", "ttl": "24h", "ttl.never": "static", "max_age": "1h", "max_lag": "2h",
	"table": "lake.features.tx", "table.trino": "lake.features.tx", "table.format": "delta", "table.version": "12", "table.as_of": "2026-11-03T06:00:00Z", "table.branch": "audit",
	"table.name": "shop.transactions", "table.warehouse": "lake", "table.relocated": "true",
	"tolerance": "3m", "rewrites": "3d", "zone": "UTC", "zones": "[UTC]", "reference": "as_of",
	"event_time": "t", "event_time.column": "t", "event_time.zone": "UTC", "event_time.unit": "ms", "event_time.format": "rfc3339",
	"ingested_at": "t", "ingested_at.column": "t", "ingested_at.zone": "UTC", "ingested_at.unit": "ms", "ingested_at.format": "rfc3339", "ingested_at.commit": "true",
	"time_partition.column": "dt", "time_partition.grain": "day", "time_partition.zone": "Asia/Tokyo", "time_partition.of": "snapshot",
	"time_partition.expected": "any", "time_partition.expected_by": "region", "time_partition.complete_after": "1h",
	"sources.s.path": "s/*.parquet", "sources.s.zone": "device", "sources.s.max_age": "1h", "sources.s.max_lag": "1h", "sources.s.until": "2027-01-01",
	"sources.s.event_time": "t", "sources.s.event_time.column": "t", "sources.s.event_time.zone": "UTC", "sources.s.event_time.unit": "ms",
	"sources.s.event_time.format": "rfc3339", "sources.s.ingested_at": "t", "sources.s.ingested_at.column": "t", "sources.s.ingested_at.zone": "UTC",
	"sources.s.ingested_at.unit": "ms", "sources.s.ingested_at.format": "rfc3339", "sources.s.ingested_at.commit": "true",
	"checks.c.severity": "warn", "checks.c.max_fraction": "0.5", "checks.c.min_rows": "7", "checks.c.max_rows": "9", "checks.c.max_ratio": "2.5",
}

// TestParity asks of every key in the JSON Schema that --set reaches it, that it survives the merge, and that there is
// no other.
func TestParity(t *testing.T) {
	var root map[string]any
	if err := json.Unmarshal(ConfigSchema(ParseOptions{Parameters: map[string][]string{"c": {"severity", "max_fraction", "min_rows", "max_rows", "max_ratio"}}}), &root); err != nil {
		t.Fatal(err)
	}
	inSchema := map[string]bool{}
	schemaKeys(root, root["$defs"].(map[string]any)["view"], "", inSchema)
	delete(inSchema, "sources")
	delete(inSchema, "checks")
	delete(inSchema, "time_partition") // only maps
	delete(inSchema, "checks.c")
	equal(t, "keys of the schema", slices.Sorted(maps.Keys(inSchema)), slices.Sorted(maps.Keys(examples)))

	for _, key := range slices.Sorted(maps.Keys(examples)) {
		set := key + "=" + examples[key]
		flags := RunFlags{Dir: "/w", Path: "a", Set: []string{set}}
		if key == "path" {
			continue // it is the flag --path itself
		}
		// Columns that the values lean on.
		if strings.HasPrefix(key, "event_time.") || strings.HasPrefix(key, "sources.s.event_time.") {
			flags.Set = append(flags.Set, strings.SplitN(key, ".", 2)[0]+"=x")
			if strings.HasPrefix(key, "sources") {
				flags.Set = []string{set, "event_time=x"}
			} else if key == "event_time.column" {
				flags.Set = []string{set}
			}
		}
		if strings.Contains(key, "ingested_at.") && !strings.HasSuffix(key, ".column") && !strings.HasSuffix(key, ".commit") {
			flags.Set = []string{set, "ingested_at=x"}
		}
		if strings.HasPrefix(key, "sources") {
			flags.Set = append(flags.Set, "source=s")
		}
		p, err := FromFlags(flags)
		if err != nil {
			t.Errorf("%s: %v", set, err)
			continue
		}
		origin := key
		for _, short := range []string{".column", ".trino", ".never", ".path_segment", ".commit"} {
			if !strings.HasPrefix(key, "time_partition") {
				origin = strings.TrimSuffix(origin, short)
			}
		}
		if got := p.Views[0].Origins[origin].String(); got != "flag --set" {
			t.Errorf("%s: the origin of %s is %q", set, origin, got)
		}
		plain, err := FromFlags(RunFlags{Dir: "/w", Path: "a", Set: flags.Set[1:]})
		if err != nil {
			t.Errorf("%s: %v", flags.Set[1:], err)
			continue
		}
		before, after := plain.Views[0], p.Views[0]
		before.Origins, after.Origins = nil, nil
		if fmt.Sprintf("%+v", before) == fmt.Sprintf("%+v", after) {
			t.Errorf("%s changes nothing in the view", set)
		}
	}
}

// TestFlagsAreKeys says which key each flag of its own is short for.
func TestFlagsAreKeys(t *testing.T) {
	f := RunFlags{Path: "p", EventTime: "e", IngestedAt: "i", Key: []string{"k"}, Entity: []string{"n"}, TTL: "1h"}
	for _, s := range f.shorthands() {
		equal(t, s.flag, "--"+strings.ReplaceAll(s.key, "_", "-"), s.flag)
		if _, known := examples[s.key]; !known {
			t.Errorf("%s sets %s, which is no key", s.flag, s.key)
		}
	}
	equal(t, "flags", len(f.shorthands()), 6)
}

// schemaKeys lists the dotted keys that a schema allows; free names are s in sources and c in checks.
func schemaKeys(root map[string]any, node any, prefix string, into map[string]bool) {
	n, ok := node.(map[string]any)
	if !ok {
		return
	}
	if ref, ok := n["$ref"].(string); ok {
		schemaKeys(root, root["$defs"].(map[string]any)[strings.TrimPrefix(ref, "#/$defs/")], prefix, into)
	}
	if list, ok := n["oneOf"].([]any); ok {
		for _, option := range list {
			schemaKeys(root, option, prefix, into)
		}
	}
	properties, _ := n["properties"].(map[string]any)
	for name, property := range properties {
		into[prefix+name] = true
		schemaKeys(root, property, prefix+name+".", into)
	}
	if free, ok := n["additionalProperties"].(map[string]any); ok && free["properties"] != nil {
		name := map[string]string{"sources.": "s.", "checks.": "c."}[prefix]
		schemaKeys(root, free, prefix+name, into)
	}
}
