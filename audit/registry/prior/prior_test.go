package prior_test

import (
	"strings"
	"testing"

	"github.com/featureaudit/featureaudit/audit/diff"
	"github.com/featureaudit/featureaudit/audit/registry"
	"github.com/featureaudit/featureaudit/audit/registry/prior"
	"github.com/featureaudit/featureaudit/audit/report"
)

// judged is a report of one view, by which a definition was judged.
func judged(t *testing.T, change func(*report.ViewDefinition, *report.Report)) registry.Definitions {
	t.Helper()
	age, ttl := 600.0, 86400.0
	decided := map[string]string{}
	for _, key := range []string{"zone", "reference", "tolerance", "source", "sources.batch", "writer", "once_per", "measures", "time_partition.column", "time_partition.grain",
		"time_partition.zone", "time_partition.of", "time_partition.expected", "time_partition.expected_by", "time_partition.complete_after"} {
		decided[key] = "featureaudit.yaml:7"
	}
	r := report.Report{
		Schema: report.Schema, AsOf: "2026-11-23T00:00:00Z", Status: report.Complete, Catalogue: []string{},
		Definitions: []report.Definition{{Source: "r.db", Kind: "feast", FeatureServices: []report.FeatureService{{Name: "model", Views: []string{"a"}}}}},
		Views: []report.View{{Name: "a", Outcome: report.NotApplicable, Definition: report.ViewDefinition{
			Path: "a/*.parquet", EventTime: "ts", TTLSeconds: &ttl, Zone: "UTC", Reference: "as_of", ToleranceSecs: 300, Source: "s",
			Sources: map[string]report.Source{"batch": {Zone: "UTC", MaxAgeSeconds: &age, MaxLagSeconds: &age, Until: "2027-01-01"}},
			Writer:  []string{"w"}, OncePer: []string{"source"}, Measures: []string{"m"},
			TimePartition: &report.TimePartition{Columns: []string{"dt"}, Grain: "day", Zone: "UTC", Of: "event_time", Expected: "all", ExpectedBy: "source", CompleteAfterSeconds: 60},
			Origins:       decided,
		}}},
	}
	change(&r.Views[0].Definition, &r)
	r.Summary = r.Summarise()
	id, err := r.Digest()
	if err != nil {
		t.Fatal(err)
	}
	r.ID = id
	raw, err := r.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	d, err := prior.DecodeReport(raw)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestReportsAreComparedInWhatTheyWereJudgedBy changes each key of a definition once: two reports that were judged by other
// zones, sources or partitions are no "no policy change".
func TestReportsAreComparedInWhatTheyWereJudgedBy(t *testing.T) {
	same := func(*report.ViewDefinition, *report.Report) {}
	later := 1200.0
	source := func(change func(*report.Source)) func(*report.ViewDefinition) {
		return func(d *report.ViewDefinition) {
			s := d.Sources["batch"]
			change(&s)
			d.Sources["batch"] = s
		}
	}
	for want, change := range map[string]func(*report.ViewDefinition){
		"":                                    func(d *report.ViewDefinition) {},
		"settings.zone":                       func(d *report.ViewDefinition) { d.Zone = "Asia/Kolkata" },
		"settings.reference":                  func(d *report.ViewDefinition) { d.Reference = "ingested_at" },
		"settings.tolerance":                  func(d *report.ViewDefinition) { d.ToleranceSecs = 3000 },
		"settings.source":                     func(d *report.ViewDefinition) { d.Source = "s2" },
		"settings.sources.batch":              func(d *report.ViewDefinition) { d.Sources = map[string]report.Source{"batch2": d.Sources["batch"]} },
		"settings.sources.batch.max_age":      source(func(s *report.Source) { s.MaxAgeSeconds = &later }),
		"settings.sources.batch.max_lag":      source(func(s *report.Source) { s.MaxLagSeconds = nil }),
		"settings.sources.batch.zone":         source(func(s *report.Source) { s.Zone = "device" }),
		"settings.sources.batch.until":        source(func(s *report.Source) { s.Until = "" }),
		"settings.writer":                     func(d *report.ViewDefinition) { d.Writer = nil },
		"settings.once_per":                   func(d *report.ViewDefinition) { d.OncePer = nil },
		"settings.measures":                   func(d *report.ViewDefinition) { d.Measures = []string{"m", "n"} },
		"settings.time_partition.column":      func(d *report.ViewDefinition) { d.TimePartition.Columns = []string{"day"} },
		"settings.time_partition.grain":       func(d *report.ViewDefinition) { d.TimePartition.Grain = "hour" },
		"settings.time_partition.zone":        func(d *report.ViewDefinition) { d.TimePartition.Zone = "Asia/Tokyo" },
		"settings.time_partition.of":          func(d *report.ViewDefinition) { d.TimePartition.Of = "snapshot" },
		"settings.time_partition.expected":    func(d *report.ViewDefinition) { d.TimePartition.Expected = "any" },
		"settings.time_partition.expected_by": func(d *report.ViewDefinition) { d.TimePartition.ExpectedBy = "view" },
		"settings.time_partition.complete_after": func(d *report.ViewDefinition) {
			d.TimePartition.CompleteAfterSeconds = 3600
		},
	} {
		changes := diff.Compute(judged(t, same), judged(t, func(d *report.ViewDefinition, _ *report.Report) { change(d) }))
		var got []string
		for _, c := range changes {
			got = append(got, c.Path())
		}
		if !strings.HasPrefix(strings.Join(got, " "), want) || (want == "") != (len(got) == 0) {
			t.Errorf("%q: changes %q", want, got)
		}
	}
}

// TestWhatNobodyDecidedIsNoPolicy: what was inferred from the files may be another a day later.
func TestWhatNobodyDecidedIsNoPolicy(t *testing.T) {
	inferred := func(grain string) registry.Definitions {
		return judged(t, func(d *report.ViewDefinition, _ *report.Report) {
			d.TimePartition.Grain, d.Zone = grain, grain
			d.Origins["time_partition.grain"], d.Origins["zone"] = "inferred from paths", "default"
		})
	}
	if changes := diff.Compute(inferred("day"), inferred("hour")); len(changes) != 0 {
		t.Errorf("changes %+v", changes)
	}
}

// TestFeatureServicesOfReports: a service that is gone from the definitions of the newer report is said.
func TestFeatureServicesOfReports(t *testing.T) {
	gone := judged(t, func(_ *report.ViewDefinition, r *report.Report) { r.Definitions[0].FeatureServices = nil })
	changes := diff.Compute(judged(t, func(*report.ViewDefinition, *report.Report) {}), gone)
	if len(changes) != 1 || changes[0].Object != diff.Service || changes[0].Name != "model" {
		t.Errorf("changes %+v, want the service that is gone", changes)
	}
}
