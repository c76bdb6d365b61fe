package policy

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/featureaudit/featureaudit/audit/model"
)

func day0(text string) time.Time {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		panic(err)
	}
	return t
}

func ptr[T any](v T) *T { return &v }

func mustLoad(t *testing.T, path string) *File {
	t.Helper()
	f, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s:\n got %+v\nwant %+v", what, got, want)
	}
}

// viewOf finds a view by name.
func viewOf(t *testing.T, views []model.View, name string) model.View {
	t.Helper()
	i := slices.IndexFunc(views, func(v model.View) bool { return v.Name == name })
	if i < 0 {
		t.Fatalf("no view %s", name)
	}
	return views[i]
}

func TestDesignExample(t *testing.T) {
	p, err := mustLoad(t, "testdata/design.yaml").Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := filepath.Abs("testdata")
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "project", p.Project, "growth")
	equal(t, "dir", p.Dir, dir)
	equal(t, "definitions", p.Definitions, []DefinitionRef{
		{Ref: "features/", Origin: "design.yaml:4"},
		{Ref: "feature_repo/data/registry.db", Root: "feature_repo", Origin: "design.yaml:5"},
	})
	want := []model.View{
		{
			Name: "events", Project: "growth", Owner: "platform", Path: "events/**/*.parquet", Root: dir,
			TTL: model.TTL{OnWire: "absent"}, Tolerance: 5 * time.Minute,
			TimePartition: model.TimePartition{
				Columns: []string{"year", "month", "day", "hour"}, Grain: model.GrainHour, Zone: "UTC", Of: model.OfIngestedAt,
				Expected: model.ExpectAll, CompleteAfter: time.Hour,
			},
			Origins: model.ParseOrigins(map[string]string{
				"name": "design.yaml:28", "owner": "design.yaml:7", "path": "design.yaml:29", "reference": "default",
				"time_partition.column": "design.yaml:30", "time_partition.complete_after": "design.yaml:30", "time_partition.expected": "default",
				"time_partition.grain": "design.yaml:30", "time_partition.of": "design.yaml:30", "time_partition.zone": "default (design.yaml:8)",
				"tolerance": "default", "ttl": "default", "zone": "default",
			}),
		},
		{
			Name: "transactions", Project: "growth", Owner: "fraud", Path: "data/transactions/**/*.parquet", Root: dir,
			EventTime: model.TimeColumn{Column: "event_time"}, IngestedAt: model.TimeColumn{Column: "ingested_at"},
			Source: model.SourceColumn{Column: "source"},
			Sources: []model.SourcePolicy{
				{Name: "batch", MaxAge: 30 * time.Hour, MaxLag: 28 * time.Hour},
				{Name: "streaming", Zone: "device", MaxAge: 10 * time.Minute, MaxLag: 2 * time.Minute},
			},
			Entity: []string{"user_id"}, Key: []string{"transaction_id"}, OncePer: []string{"source"}, Measures: []string{"amount"},
			TTL: model.TTL{Duration: 24 * time.Hour, OnWire: "set", Explicit: true}, MaxAge: 6 * time.Hour, Tolerance: 5 * time.Minute,
			Zones: []string{"America/Los_Angeles", "Asia/Tokyo"},
			TimePartition: model.TimePartition{
				Columns: []string{"dt"}, Grain: model.GrainDay, Zone: "UTC", Of: model.OfEventTime, Expected: model.ExpectAll,
			},
			Checks: map[string]model.CheckPolicy{"stale-rows": {Severity: "warn", MaxFraction: ptr(0.001)}},
			Origins: model.ParseOrigins(map[string]string{
				"name": "design.yaml:10", "owner": "design.yaml:11", "path": "design.yaml:12", "event_time": "design.yaml:13",
				"ingested_at": "design.yaml:14", "source": "design.yaml:15", "sources.streaming": "design.yaml:17",
				"sources.streaming.zone": "design.yaml:17", "sources.streaming.max_age": "design.yaml:17", "sources.streaming.max_lag": "design.yaml:17",
				"sources.batch": "design.yaml:18", "sources.batch.max_age": "design.yaml:18", "sources.batch.max_lag": "design.yaml:18",
				"entity": "design.yaml:19", "key": "design.yaml:20", "once_per": "design.yaml:21", "measures": "design.yaml:22", "ttl": "design.yaml:23",
				"max_age": "design.yaml:24", "zones": "design.yaml:25", "checks.stale-rows": "design.yaml:26",
				"checks.stale-rows.severity": "design.yaml:26", "checks.stale-rows.max_fraction": "design.yaml:26",
				"time_partition.column": "default (design.yaml:8)", "time_partition.grain": "default (design.yaml:8)",
				"time_partition.zone": "default (design.yaml:8)", "time_partition.of": "default (design.yaml:8)",
				"time_partition.expected": "default", "time_partition.complete_after": "default",
				"tolerance": "default", "zone": "default", "reference": "default",
			}),
		},
	}
	for i := range want {
		equal(t, "view "+want[i].Name, p.Views[i], want[i])
	}
	equal(t, "suppressions", p.Suppressions, []model.Suppression{
		{Check: "ttl-unset", View: "zipcodes", Reason: "static reference data", Owner: "geo", Until: day0("2027-01-01"), Origin: "design.yaml:32"},
		{
			Check: "stale-rows", View: "events", RangeFrom: "2026-11-01", RangeTo: "2026-11-03", Reason: "feed outage", Until: day0("2027-01-01"),
			Origin: "design.yaml:33",
		},
	})
	equal(t, "notes", p.Notes, []string{
		`design.yaml:28: view "events" declares no event_time: nothing that depends on time can be judged`,
		`design.yaml:32: the suppression of ttl-unset names view "zipcodes", which is not known.`,
	})
}

func TestEveryKey(t *testing.T) {
	f := mustLoad(t, "testdata/rich.yaml")
	p, err := f.Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	a := viewOf(t, p.Views, "a")
	origins := a.Origins
	a.Origins = nil
	equal(t, "a", a, model.View{
		Name: "a", Project: "growth", Path: "/data/a", Root: f.Dir,
		EventTime:  model.TimeColumn{Column: "ts", Unit: "ms", Zone: "Asia/Kolkata"},
		IngestedAt: model.TimeColumn{Column: "created", Format: "%Y-%m-%d", Zone: "UTC"},
		Source:     model.SourceColumn{PathSegment: 2},
		Sources: []model.SourcePolicy{
			{
				Name: "batch", Path: "b/*.parquet", EventTime: model.TimeColumn{Column: "t"}, IngestedAt: model.TimeColumn{Column: "i"},
				Zone: "device", MaxAge: 24 * time.Hour, MaxLag: 2 * time.Hour, Until: day0("2026-12-31"),
			},
			{Name: "streaming"},
		},
		Entity: []string{"user_id"}, Key: []string{"a.b", "c"}, OncePer: []string{"source", "partition"}, Measures: []string{"amount"},
		Payload: []string{"x", "y"}, Sensitive: []string{"email"},
		TTL:    model.TTL{Never: "static reference data", OnWire: "absent", Explicit: true},
		MaxAge: 24 * time.Hour, MaxLag: 36 * time.Hour, Tolerance: 0, Zone: "Europe/Berlin", Zones: []string{"Asia/Tokyo"},
		Reference: model.ReferenceIngestedAt,
		TimePartition: model.TimePartition{
			Columns: []string{"year", "month"}, Grain: model.GrainMonth, Zone: "Europe/Berlin", Of: model.OfSnapshot, Expected: model.ExpectAny, ExpectedBy: "region",
		},
		Checks: map[string]model.CheckPolicy{
			"stale-rows": {Severity: "off", MaxFraction: ptr(0.5), MinRows: ptr(int64(10))},
		},
	})
	for key, want := range map[string]string{
		"event_time": "rich.yaml:12", "event_time.unit": "rich.yaml:12", "event_time.zone": "rich.yaml:7", "tolerance": "rich.yaml:27",
		"sources.batch.until": "rich.yaml:16", "sources.streaming": "rich.yaml:17",
		"time_partition.complete_after": "rich.yaml:31", "source": "rich.yaml:14",
	} {
		equal(t, "origin of "+key, origins[key].String(), want)
	}
	b := viewOf(t, p.Views, "b")
	equal(t, "b.ttl", b.TTL, model.TTL{OnWire: "absent"})
	equal(t, "b.entity", b.Entity, []string{})
	equal(t, "b.key through the merge", b.Key, []string{"a.b", "c"})
	equal(t, "b.ttl origin", b.Origins["ttl"].String(), "rich.yaml:36")
	equal(t, "b.key origin", b.Origins["key"].String(), "rich.yaml:19")
	equal(t, "c.ttl", viewOf(t, p.Views, "c").TTL, model.TTL{OnWire: "zero", Explicit: true})
	equal(t, "d.ttl", viewOf(t, p.Views, "d").TTL, model.TTL{Duration: -time.Hour, OnWire: "set", Explicit: true})
	equal(t, "suppression", p.Suppressions[0], model.Suppression{
		Check: "stale-rows", View: "a", Source: "batch", RangeFrom: "2026-11", RangeTo: "2026-12", Reason: "outage", Owner: "geo",
		Until: day0("2027-01-01"), Origin: "rich.yaml:41",
	})
	equal(t, "consumers", p.Consumers, []model.Consumer{
		{Name: "churn-model", Origin: "rich.yaml:44", Views: []model.ConsumerView{
			{View: "web_impressions", MaxAge: 24 * time.Hour, Lookback: 7 * 24 * time.Hour, Accept: []string{"pass"}},
		}},
		{Name: "other", Owner: "ml", Origin: "rich.yaml:45", Views: []model.ConsumerView{
			{View: "a", Accept: []string{"pass", "warn"}}, {View: "b", Accept: []string{"pass"}},
		}},
	})
}

func TestDigest(t *testing.T) {
	f, err := Parse("f.yaml", []byte("version: 1\n"))
	if err != nil {
		t.Fatal(err)
	}
	// printf 'version: 1\n' | sha256sum
	equal(t, "digest", f.Digest, "sha256:09bfcc6a14b83e2192b8673677725c84883ee9cd0c70e45c9ec09daa8f2b2847")
}

func TestLoadErrors(t *testing.T) {
	dir := t.TempDir()
	missing := filepath.Join(dir, "featureaudit.yaml")
	_, err := Load(missing)
	want := missing + `: file does not exist: "featureaudit init PATH" writes a starter, --config FILE names another, --path GLOB audits without one`
	if err == nil || err.Error() != want || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v\nwant %s", err, want)
	}
	_, err = Load(dir)
	want = dir + ": a folder, expected a config file: name the file in it, such as " + missing
	if err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
	if err := os.WriteFile(missing, []byte("version: 1\nview: {}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err = Load(missing); err == nil || !strings.HasPrefix(err.Error(), missing+":2:1: unknown key \"view\"") {
		t.Errorf("the error does not begin with the path as given: %v", err)
	}
}

func TestParseViews(t *testing.T) {
	const text = `
project: p
defaults: {owner: fraud, time_partition: {column: dt}}
views:
  b: {path: b/*.parquet, ttl: 0}
  a: {owner: geo}
`
	views, err := ParseViews("features/x.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "views", views, []model.View{
		{
			Name: "a", Project: "p", Owner: "geo", TimePartition: model.TimePartition{Columns: []string{"dt"}},
			Origins: model.ParseOrigins(map[string]string{"name": "features/x.yaml:6", "owner": "features/x.yaml:6", "time_partition.column": "default (features/x.yaml:3)"}),
		},
		{
			Name: "b", Project: "p", Owner: "fraud", Path: "b/*.parquet", TTL: model.TTL{OnWire: "zero", Explicit: true},
			TimePartition: model.TimePartition{Columns: []string{"dt"}},
			Origins: model.ParseOrigins(map[string]string{
				"name": "features/x.yaml:5", "owner": "features/x.yaml:3", "path": "features/x.yaml:5", "ttl": "features/x.yaml:5",
				"time_partition.column": "default (features/x.yaml:3)",
			}),
		},
	})
	for text, want := range map[string]string{
		"views: {}\nsuppress: []\n": `v.yaml:2:1: unknown key "suppress" at the top level: known keys: version, project, defaults, views`,
		"project: p\n":              `v.yaml:1:1: "views" is missing: expected a map with "views:", such as {views: {transactions: {path: data/transactions/**/*.parquet}}}`,
		"":                          `v.yaml: the file is empty: expected a map with "views:", such as {views: {transactions: {path: data/transactions/**/*.parquet}}}`,
		"version: 3\nviews: {}\n":   `v.yaml:1:10: version at the top level: found the number 3, expected 1, the only version that this program reads`,
	} {
		if _, err := ParseViews("v.yaml", []byte(text)); err == nil || err.Error() != want {
			t.Errorf("got %v\nwant %s", err, want)
		}
	}
}

func TestResolveDefinitions(t *testing.T) {
	const text = `version: 1
project: growth
defaults: {owner: platform, ttl: 7d, tolerance: 1m, time_partition: {column: dt}}
views:
  stats: {ttl: 2d, sources: {batch: {path: b/*.parquet}}}
  moved: {path: new/*.parquet}
  pushed: {path: "data/[p]ushed/**"}
`
	f, err := Parse("f.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	f.setDir("/conf")
	defs := []model.View{
		{
			Name: "stats", Project: "feast", Kind: model.KindFeatureView, Path: "data/stats.parquet", Root: "/repo", EventTime: model.TimeColumn{Column: "event_timestamp"},
			TTL: model.TTL{OnWire: "absent"}, Entity: []string{"driver_id"}, Owner: "ignored, since no origin names it",
			Origins: model.ParseOrigins(map[string]string{"path": "registry.db", "event_time": "registry.db", "entity": "registry.db", "tags": "registry.db"}),
		},
		{
			Name: "zero", Kind: model.KindStreamView, Path: "z", Root: "/repo", TTL: model.TTL{OnWire: "zero", Explicit: true},
			Origins: model.ParseOrigins(map[string]string{"path": "registry.db", "ttl": "registry.db"}),
		},
		{Name: "moved", Path: "old", Root: "/repo", Origins: model.ParseOrigins(map[string]string{"path": "registry.db"})},
		{Name: "pushed", NoFiles: "push source", Root: "/repo"},
		{Name: "request", NoFiles: "request source", Root: "/repo", Kind: model.KindOnDemandView},
	}
	p, err := f.Resolve(defs)
	if err != nil {
		t.Fatal(err)
	}
	var order []string
	for _, v := range p.Views {
		order = append(order, v.Name)
	}
	equal(t, "order", order, []string{"moved", "pushed", "request", "stats", "zero"})

	stats := viewOf(t, p.Views, "stats")
	equal(t, "stats", []any{stats.Project, stats.Kind, stats.Path, stats.Root, stats.EventTime.Column, stats.Owner, stats.TTL.Duration, stats.Tolerance},
		[]any{"feast", model.KindFeatureView, "data/stats.parquet", "/repo", "event_timestamp", "platform", 48 * time.Hour, time.Minute})
	equal(t, "a source's path keeps its folder", stats.Sources[0].Path, "/conf/b/*.parquet")
	for key, want := range map[string]string{
		"path": "registry.db", "tags": "registry.db", "ttl": "f.yaml:5", "owner": "f.yaml:3", "time_partition.column": "default (f.yaml:3)",
	} {
		equal(t, "origin of "+key, stats.Origins[key].String(), want)
	}
	zero := viewOf(t, p.Views, "zero")
	equal(t, "a ttl of 0 in a registry is not healed by a default", zero.TTL, model.TTL{OnWire: "zero", Explicit: true})
	moved := viewOf(t, p.Views, "moved")
	equal(t, "a path moves with its folder", []string{moved.Path, moved.Root}, []string{"new/*.parquet", "/conf"})
	pushed := viewOf(t, p.Views, "pushed")
	equal(t, "a path gives files to a view that had none", []string{pushed.NoFiles, pushed.Path}, []string{"", "data/[p]ushed/**"})
	equal(t, "none", viewOf(t, p.Views, "request").NoFiles, "request source")
	// What is resolved must not share memory with what it came from.
	stats.Entity[0] = "changed"
	equal(t, "definition", defs[0].Entity, []string{"driver_id"})
}

func TestResolveErrors(t *testing.T) {
	const text = `version: 1
views:
  driver_stat:
    ttl: 1h
  b:
    path: b
    event_time: {zone: UTC}
    reference: ingested_at
    once_per: [source]
    sources:
      batch: {ingested_at: {unit: s}}
  c:
    sources: {x: {path: p}, y: {max_age: 1h}}
`
	f, err := Parse("f.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.Resolve([]model.View{
		{Name: "driver_stats", Path: "d", Origins: model.ParseOrigins(map[string]string{"path": "one.db"})},
		{Name: "driver_stats", Path: "d", Origins: model.ParseOrigins(map[string]string{"path": "two.db"})},
	})
	if err == nil {
		t.Fatal("no error")
	}
	equal(t, "errors", strings.Split(err.Error(), "\n"), []string{
		`two.db: view "driver_stats" is defined here and in one.db: audit them with a config each, or rename one`,
		`f.yaml:7: view "b": event_time has a zone but no column: add "column: NAME" to it`,
		`f.yaml:11: view "b": sources.batch.ingested_at has a unit but no column: add "column: NAME" to it`,
		`f.yaml:8: view "b": reference is ingested_at, but no ingested_at column is declared: add one or choose another reference`,
		`f.yaml:9: view "b": once_per names source, but nothing says where a row's source comes from: add "source: COLUMN"`,
		`f.yaml:11: view "b": source "batch" has no path of its own, and nothing says where a row's source comes from: add "source: COLUMN"`,
		`f.yaml:13: view "c": source "y" has no path of its own, and nothing says where a row's source comes from: add "source: COLUMN"`,
		`f.yaml:3: view "driver_stat": no path says where its files are: no definition has a view of that name; did you mean "driver_stats"? write one, such as "path: data/driver_stat/**/*.parquet"`,
	})
}

func TestSuppressionNotes(t *testing.T) {
	f, err := Parse("f.yaml", []byte("version: 1\nviews: {events: {path: e, event_time: t}}\nsuppress:\n  - {check: x, view: event, reason: r}\n  - {check: x, reason: r}\n"))
	if err != nil {
		t.Fatal(err)
	}
	p, err := f.Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "notes", p.Notes, []string{`f.yaml:4: the suppression of x names view "event", which is not known. Did you mean "events"?`})
}

func TestHostileFiles(t *testing.T) {
	var bomb strings.Builder
	bomb.WriteString("version: 1\ndefaults:\n  checks: &c0 {a: &m0 {p: 1}}\nviews:\n")
	// Each merge lists the one before ten times: 10^12 maps, if they were all expanded.
	bomb.WriteString("  v0: &v0 {path: x}\n")
	for i := 1; i <= 12; i++ {
		fmt.Fprintf(&bomb, "  v%d: &v%d\n    <<: [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*v%d, ", i-1), 10), ", "))
	}
	_, err := Parse("f.yaml", []byte(bomb.String()))
	if err == nil || !strings.Contains(err.Error(), "aliases expand the file to more than 2000000 values: write fewer of them") {
		t.Errorf("an alias bomb: %v", err)
	}
	_, err = Parse("f.yaml", []byte(strings.Repeat("#", maxBytes+1)))
	equal(t, "too large", fmt.Sprint(err), "f.yaml: 16777217 bytes: expected at most 16777216; split the definitions over several files")
	var many strings.Builder
	many.WriteString("version: 1\n")
	for i := range 300 {
		fmt.Fprintf(&many, "bad%d: 1\n", i)
	}
	_, err = Parse("f.yaml", []byte(many.String()))
	lines := strings.Split(fmt.Sprint(err), "\n")
	if len(lines) != maxProblems+1 || lines[maxProblems] != "f.yaml: more than 200 problems: the rest is not listed" {
		t.Errorf("%d lines, the last: %s", len(lines), lines[len(lines)-1])
	}
}

func FuzzParse(f *testing.F) {
	for _, name := range []string{"testdata/design.yaml", "testdata/rich.yaml"} {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte("version: 1\nviews: {a: &a {<<: *a, path: x}}"))
	f.Add([]byte("version: 1\nviews: {a: {ttl: {never: x}, sources: {s: {until: 2026-01-01}}}}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := Parse("f.yaml", data)
		if (file == nil) == (err == nil) {
			t.Fatalf("file %v, error %v", file, err)
		}
		if err != nil {
			return
		}
		p, err := file.Resolve(nil)
		if err == nil && len(p.Views) != len(file.Views) {
			t.Fatalf("%d views of %d", len(p.Views), len(file.Views))
		}
	})
}
