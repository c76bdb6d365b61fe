package check

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/featureaudit/featureaudit/audit/document"
	"github.com/featureaudit/featureaudit/audit/engine"
	"github.com/featureaudit/featureaudit/audit/evidence"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/internal/facttables"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/times"
	"github.com/featureaudit/featureaudit/sql"
)

func viewChecks() []string {
	var ids []string
	for _, c := range Catalogue() {
		if c.Scope == ScopeView {
			ids = append(ids, c.ID)
		}
	}
	return ids
}

func TestHealthyStorePassesEveryCheck(t *testing.T) {
	results := healthy(dailyView()).judge(t)
	if len(results) != len(viewChecks()) {
		t.Fatalf("%d results for %d checks", len(results), len(viewChecks()))
	}
	for id, r := range results {
		if r.Outcome != report.Pass || r.RowsBad != 0 || r.View != "clicks" || r.Owner != "growth" || r.Message == "" {
			t.Errorf(`%s: got %+v, want r.Outcome == report.Pass && r.RowsBad == 0 && r.View == "clicks" && r.Owner == "growth" && r.Message != ""`, id, r)
		}
	}
}

func TestExactlyOneResultForEachSelectedCheck(t *testing.T) {
	s := healthy(dailyView())
	s.Selected = func(id string) bool { return id == "stale-view" || id == "null-keys" }
	got, err := JudgeView(t.Context(), openJudge(t), s.Input)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Results) != 2 || got.Results[0].Check != "null-keys" || got.Results[1].Check != "stale-view" {
		t.Errorf("got %+v", got.Results)
	}
}

// brokenJudge stands for an engine that fails or is gone; everything else here runs in the real one.
type brokenJudge struct{ load, query func() error }

func (j brokenJudge) Load(context.Context, []engine.Table) error { return j.load() }

func (j brokenJudge) Query(context.Context, string, map[string]any) ([]engine.Row, error) {
	return nil, j.query()
}

func TestFailureOfOneQueryIsItsOwnError(t *testing.T) {
	fine := func() error { return nil }
	for name, test := range map[string]struct {
		judge  brokenJudge
		reason string
	}{
		"query": {brokenJudge{fine, func() error { return errors.New("disk is gone") }}, "query null-keys: disk is gone"},
		"load":  {brokenJudge{func() error { return errors.New("no memory") }, fine}, "load the facts of view clicks: no memory"},
		"panic": {brokenJudge{fine, func() error { panic("boom") }}, "null-keys panicked: boom; this is a bug of featureaudit, please report it"},
		"empty": {brokenJudge{fine, fine}, "query null-keys: it gave no row, where its contract is at least one"},
	} {
		s := healthy(dailyView())
		s.Collection.Slices[0].KeyNull = 1 // what is sound asks no engine
		got, err := JudgeView(t.Context(), test.judge, s.Input)
		if err != nil || len(got.Results) != len(viewChecks()) {
			t.Fatalf("%s: %d results, %v", name, len(got.Results), err)
		}
		for _, r := range got.Results {
			switch r.Check {
			case "null-keys":
				if r.Outcome != report.Error || r.Reason != test.reason || r.Retryable {
					t.Errorf("%s: got %+v, want r.Outcome == report.Error && r.Reason == test.reason && !r.Retryable", name, r)
				}
			case "ttl-unset":
				if r.Outcome != report.Pass {
					t.Errorf("%s: ttl-unset is %s", name, r.Outcome)
				}
			}
		}
	}
}

func TestInterruptGivesErrorsThatATryMayCure(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	got, err := JudgeView(ctx, openJudge(t), healthy(dailyView()).Input)
	if !errors.Is(err, context.Canceled) || len(got.Results) != len(viewChecks()) {
		t.Fatalf("%d results, %v", len(got.Results), err)
	}
	for _, r := range got.Results {
		if r.Outcome != report.Error || !r.Retryable {
			t.Errorf("%s: %s, retryable %v", r.Check, r.Outcome, r.Retryable)
		}
	}
}

func TestUnmetNeeds(t *testing.T) {
	for _, test := range []struct {
		check, reason string
		change        func(*model.View)
	}{
		{"stale-rows", "no ttl is defined: stale-rows needs one", func(v *model.View) { v.TTL = model.TTL{} }},
		{"stale-rows", "ttl is never (static): stale-rows has nothing to judge", func(v *model.View) { v.TTL = model.TTL{Never: "static"} }},
		{"stale-entities", "the ttl is negative (-1s): stale-entities needs one above 0", func(v *model.View) { v.TTL.Duration = -time.Second }},
		{"stale-entities", "no entity is defined: stale-entities needs one", func(v *model.View) { v.Entity = nil }},
		{"null-event-time", "no event_time is defined: null-event-time needs one", func(v *model.View) { v.EventTime = model.TimeColumn{} }},
		{"source-lag", "no ingested_at is defined: source-lag needs one", func(v *model.View) { v.IngestedAt = model.TimeColumn{} }},
		{"source-lag", "no max_lag and no ttl is defined: source-lag needs one", func(v *model.View) { v.TTL = model.TTL{} }},
		{"stale-view", "no max_age and no ttl is defined: stale-view needs one", func(v *model.View) { v.TTL = model.TTL{} }},
		{"duplicate-keys", "no key is defined, and no entity with an event_time to stand in for it: duplicate-keys needs one",
			func(v *model.View) { v.Key, v.Entity = nil, nil }},
		{"missing-partitions", "no time_partition is defined: missing-partitions needs one", func(v *model.View) { v.TimePartition = model.TimePartition{} }},
		{"misfiled-rows", "no time_partition is defined: misfiled-rows needs one", func(v *model.View) { v.TimePartition = model.TimePartition{} }},
		{"stale-rows", "one file holds all history: without time partitions, stale-rows needs a reference (ingested_at or as_of)",
			func(v *model.View) { v.TimePartition = model.TimePartition{} }},
		{"null-keys", "turned off in the config at featureaudit.yaml:20", func(v *model.View) {
			v.Checks = map[string]model.CheckPolicy{"null-keys": {Severity: "off"}}
			v.Origins["checks.null-keys"] = model.Written("featureaudit.yaml:20")
		}},
		{"future-rows", "the push source has no files", func(v *model.View) { v.NoFiles = "the push source has no files" }},
	} {
		v := dailyView()
		test.change(&v)
		r := healthy(v).of(t, test.check)
		if r.Outcome != report.NotApplicable || r.Reason != test.reason {
			t.Errorf("%s: %s, %q; want %q", test.check, r.Outcome, r.Reason, test.reason)
		}
	}
}

func TestDefinitionIsJudgedWithoutFiles(t *testing.T) {
	v := dailyView()
	v.NoFiles = "the push source has no files"
	v.TTL = model.TTL{OnWire: "absent"}
	r := newStore(v).of(t, "ttl-unset")
	expect(t, r, report.Fail, 1, 1, "the ttl is not set (featureaudit.yaml:9), so that features never expire")
}

func TestPathThatMatchesNothingIsNoPass(t *testing.T) {
	s := newStore(dailyView())
	for id, r := range s.judge(t) {
		if strings.HasPrefix(id, "ttl-") {
			continue
		}
		want := `no file matches path "clicks/**/*.parquet" (featureaudit.yaml:4): correct the path, or remove the view`
		if r.Outcome != report.Error || !r.Retryable || r.Reason != want {
			t.Errorf("%s: got %s %q, want r.Outcome == report.Error && r.Retryable && r.Reason == %+v", id, r.Outcome, r.Reason, want)
		}
	}
}

func TestColumnThatIsNowhere(t *testing.T) {
	v := dailyView()
	v.EventTime.Column = "ts"
	r := healthy(v).of(t, "null-event-time")
	want := `column "ts" is declared and none of the files has it (dt=2026-11-01/part-00000.parquet, dt=2026-11-02/part-00001.parquet, ` +
		`dt=2026-11-03/part-00002.parquet and 6 more): correct its name in the definition, or the files`
	if r.Outcome != report.Error || r.Reason != want || r.Retryable {
		t.Errorf("got %s %q, want r.Outcome == report.Error && r.Reason == %+v && !r.Retryable", r.Outcome, r.Reason, want)
	}
}

func TestColumnThatSomeFilesLack(t *testing.T) {
	s := healthy(dailyView())
	s.Survey.Schemas = append(s.Survey.Schemas, facts.Schema{ID: 1, Columns: roleColumns()[1:]})
	s.Survey.Files[4].Schema = 1
	r := s.of(t, "null-event-time")
	want := `passes on 8 of 9 files: column "event_time" is declared and 1 file does not have it (dt=2026-11-05/part-00004.parquet): ` +
		`correct its name in the definition, or the files`
	if r.Outcome != report.Error || r.Reason != want {
		t.Errorf("got %s %q, want r.Outcome == report.Error && r.Reason == %+v", r.Outcome, r.Reason, want)
	}
	s.Collection.Slices[0].EventNull = 3
	if r := s.of(t, "null-event-time"); r.Outcome != report.Fail {
		t.Errorf("what was found is still found: %s %q", r.Outcome, r.Message)
	}
}

func TestColumnInThePathIsThere(t *testing.T) {
	s := healthy(dailyView())
	s.View.Source.Column = "feed"
	for i := range s.Survey.Files {
		f := &s.Survey.Files[i]
		f.Path = "feed=batch/" + f.Path
		f.Values = facts.PathValues(f.Path)
	}
	if r := s.of(t, "null-event-time"); r.Outcome != report.Pass {
		t.Errorf("got %s %q, want r.Outcome == report.Pass", r.Outcome, r.Reason)
	}
}

func TestRoleThatTheScanCouldNotRead(t *testing.T) {
	s := healthy(dailyView())
	s.Collection.RoleProblems = map[string]string{"key": "a.parquet has click_id as text, b.parquet as boolean"}
	s.Collection.Keys = nil
	for id, r := range s.judge(t) {
		want := report.Pass
		if id == "duplicate-keys" || id == "null-keys" || id == "shifted-twins" {
			want = report.Error
		}
		if r.Outcome != want {
			t.Errorf("%s: got %s %q, want %+v", id, r.Outcome, r.Reason, want)
		}
	}
}

func TestFailureOfAStepBeforeJudging(t *testing.T) {
	s := healthy(dailyView())
	s.Failures = []facts.Failure{{Lost: facts.Everything, Reason: "the temporary folder is full", Retryable: true}}
	for id, r := range s.judge(t) {
		want := report.Error
		if strings.HasPrefix(id, "ttl-") {
			want = report.Pass
		}
		if r.Outcome != want || r.Retryable != (want == report.Error) {
			t.Errorf("%s: %s, retryable %v", id, r.Outcome, r.Retryable)
		}
	}
}

func unreadStore(kind facts.ProblemKind) *store {
	s := healthy(dailyView())
	s.file(3, 0, func(f *facts.File, _ *facts.Slice) {
		f.Schema, f.Problem = -1, &facts.Problem{Kind: kind, Message: "12 bytes, where a Parquet file ends in its footer"}
	})
	return s
}

func TestUnreadFilesTakeThePassAway(t *testing.T) {
	for _, test := range []struct {
		kind      facts.ProblemKind
		retryable bool
	}{{facts.ProblemTruncated, false}, {facts.ProblemPermission, true}} {
		for id, r := range unreadStore(test.kind).judge(t) {
			switch id {
			case "unreadable-file":
				expect(t, r, report.Error, 1, 10,
					"1 of 10 files could not be read (dt=2026-11-04/part-00009.parquet: 12 bytes, where a Parquet file ends in its footer)")
			case "ttl-unset", "ttl-absurd", "missing-partitions":
				if r.Outcome != report.Pass {
					t.Errorf("%s: got %s %q, want r.Outcome == report.Pass", id, r.Outcome, r.Message)
				}
				continue
			default:
				if r.Outcome != report.Error || r.Reason != "passes on 9 of 10 files (unread: dt=2026-11-04/part-00009.parquet)" || r.ExplainedBy != "unreadable-file" {
					t.Errorf("%s: %s %q, explained by %q", id, r.Outcome, r.Reason, r.ExplainedBy)
				}
			}
			if r.Retryable != test.retryable {
				t.Errorf("%s: %s, retryable %v", test.kind, id, r.Retryable)
			}
		}
	}
}

func TestEnoughFoundFailsInSpiteOfUnreadFiles(t *testing.T) {
	s := unreadStore(facts.ProblemTruncated)
	s.Collection.Slices[1].KeyNull = 5
	r := s.of(t, "null-keys")
	expect(t, r, report.Fail, 5, 9000, "5 of 9,000 rows (0.06 %) have a NULL in the key (click_id) in partition dt=2026-11-02 of source batch; "+
		"judged on 9 of 10 files (unread: dt=2026-11-04/part-00009.parquet)")
}

func TestRowsUnreadByTheScanMatterToRowChecksOnly(t *testing.T) {
	s := healthy(dailyView())
	s.Collection.Unread[2] = facts.Problem{Kind: facts.ProblemChanged, Message: "it changed while it was read"}
	results := s.judge(t)
	for id, want := range map[string]report.Outcome{"null-keys": report.Error, "schema-drift": report.Pass, "thin-partitions": report.Pass, "unreadable-file": report.Error} {
		if results[id].Outcome != want {
			t.Errorf("%s: got %s %q, want %+v", id, results[id].Outcome, results[id].Message, want)
		}
	}
}

func TestFileLeftOutOfAnOpenPartitionIsNoError(t *testing.T) {
	s := healthy(dailyView())
	s.days("2026-11-10", 1)
	s.file(9, 0, func(f *facts.File, _ *facts.Slice) {
		f.Problem = &facts.Problem{Kind: facts.ProblemOpenChanged, Message: "it changed twice"}
	})
	results := s.judge(t)
	for _, id := range []string{"unreadable-file", "null-keys", "schema-drift"} {
		if results[id].Outcome != report.Pass {
			t.Errorf("%s: got %s %q, want results[id].Outcome == report.Pass", id, results[id].Outcome, results[id].Message)
		}
	}
	r, err := document.Build(document.Input{Catalogue: Reported(), AsOf: s.AsOf, Views: s.described()})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"dt=2026-11-10/part-00009.parquet of an open partition changed during the run, was not at rest when it was read once more, and was left out"}
	if !reflect.DeepEqual(r.Views[0].Notes, want) || r.Views[0].FilesUnread != 0 {
		t.Errorf("got %+v, want reflect.DeepEqual(r.Views[0].Notes, %+v) && r.Views[0].FilesUnread == 0", r.Views[0], want)
	}
}

func TestNoRowsIsNoPass(t *testing.T) {
	s := newStore(dailyView())
	s.days("2026-11-08", 2)
	s.file(0, 0, nil)
	s.file(1, 0, nil)
	s.Collection.Entities = &facts.Entities{OldestNewest: times.None}
	s.Collection.Keys = nil
	results := s.judge(t)
	for id, reason := range map[string]string{"null-event-time": "no rows in 2 files", "null-keys": "no rows in 2 files", "future-rows": "no rows in 2 files",
		"misfiled-rows": "no rows in 2 files", "duplicate-keys": "no row has a whole key", "mixed-encoding": "no file holds a row",
		"stale-entities": "no entity has a row at or before as_of", "source-lag": "no row has both an event time and an ingest time",
		"stale-rows": "no row with an event time and a reference instant (partition_end) in 2 files"} {
		if r := results[id]; r.Outcome != report.NotApplicable || r.Reason != reason {
			t.Errorf("%s: got %s %q, want r.Outcome == report.NotApplicable && r.Reason == reason", id, r.Outcome, r.Reason)
		}
	}
	expect(t, results["stale-view"], report.Fail, 1, 1, "the view has no event time at or before as_of; the limit is 2d")
	expect(t, results["empty-partitions"], report.Warn, 2, 2, "2 of 2 partitions (100 %) hold no row in 2 partitions from dt=2026-11-08 to dt=2026-11-09")
}

func TestRangeNarrowsWhatIsJudged(t *testing.T) {
	s := healthy(dailyView())
	s.Narrowed = true
	for i := range s.Survey.Partitions {
		s.Survey.Partitions[i].InRange = i == 2
		s.Collection.Slices[i].KeyNull = 1
	}
	results := s.judge(t)
	expect(t, results["null-keys"], report.Fail, 1, 1000, "1 of 1,000 rows (0.10 %) have a NULL in the key (click_id) in partition dt=2026-11-03 of source batch")
	expect(t, results["missing-partitions"], report.Pass, 0, 1, "1 of 1 partitions are there")
	for _, id := range []string{"stale-view", "stale-entities"} {
		want := "--range without --as-of judges past partitions: " + id + " needs the instant to judge from"
		if r := results[id]; r.Outcome != report.NotApplicable || r.Reason != want {
			t.Errorf("%s: got %s %q, want r.Outcome == report.NotApplicable && r.Reason == %+v", id, r.Outcome, r.Reason, want)
		}
	}
	s.AsOfGiven = true
	if r := s.of(t, "stale-view"); r.Outcome != report.Pass {
		t.Errorf("got %s %q, want r.Outcome == report.Pass", r.Outcome, r.Reason)
	}
}

func TestSeverityOverride(t *testing.T) {
	for _, test := range []struct {
		severity string
		want     report.Outcome
	}{{"", report.Fail}, {"error", report.Fail}, {"warn", report.Warn}, {"off", report.NotApplicable}} {
		s := healthy(dailyView())
		s.View.Checks = map[string]model.CheckPolicy{"null-keys": {Severity: test.severity}}
		s.Collection.Slices[0].KeyNull = 1
		if r := s.of(t, "null-keys"); r.Outcome != test.want {
			t.Errorf("got %q: %s, want %+v", test.severity, r.Outcome, test.want)
		}
	}
}

func TestFindingsAreTheWorstAndCapped(t *testing.T) {
	s := newStore(dailyView())
	s.days("2026-10-01", 30)
	for i := range int32(30) {
		s.file(i, 1000, func(_ *facts.File, slice *facts.Slice) { slice.KeyNull = int64(i) + 1 })
	}
	r := s.of(t, "null-keys")
	if len(r.Findings) != 20 || r.FindingsTotal != 30 || r.RowsBad != 465 || r.FirstPartition != "dt=2026-10-01" || r.LastPartition != "dt=2026-10-30" {
		t.Fatalf("%d of %d findings, %d bad, %s..%s", len(r.Findings), r.FindingsTotal, r.RowsBad, r.FirstPartition, r.LastPartition)
	}
	for i, f := range r.Findings {
		if f.RowsBad != int64(30-i) {
			t.Errorf("finding %d has %d", i, f.RowsBad)
		}
	}
	worst := r.Findings[0]
	want := report.Finding{Subject: report.Subject{Partition: "dt=2026-10-30", Source: "batch"}, RowsTotal: 1000, RowsBad: 30,
		Message: "30 of 1,000 rows (3.0 %) have a NULL in the key (click_id)", Measures: map[string]any{"null_keys": 30.0},
		Fingerprint: Fingerprint("null-keys", "clicks", report.Subject{Partition: "dt=2026-10-30", Source: "batch"})}
	if !reflect.DeepEqual(worst, want) {
		t.Errorf("got %+v\nwant %+v", worst, want)
	}
}

func TestFingerprintIsOfTheSubjectAlone(t *testing.T) {
	subject := report.Subject{Partition: "dt=2026-11-01", Source: "batch"}
	if got := Fingerprint("null-keys", "clicks", subject); got != "94dcb803d10580d1" {
		t.Errorf("the fingerprint changed: %s; readers keep it across versions", got)
	}
	if Fingerprint("a", "b", report.Subject{Partition: "c"}) == Fingerprint("a", "b", report.Subject{Source: "c"}) {
		t.Error("a partition and a source of one name share a fingerprint")
	}
}

func fraction(limit float64, minRows int64) map[string]model.CheckPolicy {
	policy := model.CheckPolicy{MaxFraction: &limit}
	if minRows > 0 {
		policy.MinRows = &minRows
	}
	return map[string]model.CheckPolicy{"null-keys": policy}
}

func TestMaxFractionIsJudgedForEachSubject(t *testing.T) {
	s := healthy(dailyView())
	s.View.Checks = fraction(0.01, 0)
	s.Collection.Slices[0].KeyNull = 10
	expect(t, s.of(t, "null-keys"), report.Pass, 10, 9000, "10 of 9,000 rows (0.11 %) have a NULL in the key (click_id), within max_fraction 0.01")
	s.Collection.Slices[0].KeyNull = 11
	r := s.of(t, "null-keys")
	expect(t, r, report.Fail, 11, 9000, "11 of 9,000 rows (0.12 %) have a NULL in the key (click_id) in partition dt=2026-11-01 of source batch")
	if r.FindingsTotal != 1 {
		t.Errorf("%d findings", r.FindingsTotal)
	}
}

func TestSmallSubjectsAreJudgedTogether(t *testing.T) {
	s := newStore(dailyView())
	s.View.Checks = fraction(0.1, 0)
	s.days("2026-11-01", 9)
	for i := range int32(9) {
		s.file(i, 20, func(_ *facts.File, slice *facts.Slice) { slice.KeyNull = 2 })
	}
	expect(t, s.of(t, "null-keys"), report.Pass, 18, 180, "18 of 180 rows (10.0 %) have a NULL in the key (click_id), within max_fraction 0.1")
	s.Collection.Slices[4].KeyNull = 3
	r := s.of(t, "null-keys")
	expect(t, r, report.Fail, 19, 180, "19 of 180 rows (10.6 %) have a NULL in the key (click_id) in 9 partitions from dt=2026-11-01 to dt=2026-11-09 of source batch")
	if len(r.Findings) != 1 || r.Findings[0].Subject != (report.Subject{Source: "batch"}) ||
		r.Findings[0].Message != "19 of 180 rows (10.6 %) have a NULL in the key (click_id), in 9 partitions too small to be judged alone" {
		t.Errorf(`got %+v, want len(r.Findings) == 1 && r.Findings[0].Subject == (report.Subject{Source: "batch"}) && `+
			`r.Findings[0].Message == "19 of 180 rows (10.6 %%) have a NULL in the key (click_id), in 9 partitions too small to be judged alone"`, r.Findings)
	}
	s.View.Checks = fraction(0.1, 20)
	if r := s.of(t, "null-keys"); r.FindingsTotal != 1 || r.Findings[0].Subject.Partition != "dt=2026-11-05" {
		t.Errorf("with min_rows 20 each day is judged alone: %+v", r.Findings)
	}
}

func TestSuppression(t *testing.T) {
	until := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	for name, test := range map[string]struct {
		suppression model.Suppression
		outcome     report.Outcome
		used        int
	}{
		"all":           {model.Suppression{Check: "null-keys", View: "clicks", Until: until}, report.Suppressed, 1},
		"range":         {model.Suppression{Check: "null-keys", View: "clicks", RangeFrom: "2026-11-02", RangeTo: "2026-11-03"}, report.Suppressed, 1},
		"partly":        {model.Suppression{Check: "null-keys", View: "clicks", RangeFrom: "2026-11-03", RangeTo: "2026-11-09"}, report.Fail, 1},
		"other range":   {model.Suppression{Check: "null-keys", View: "clicks", RangeFrom: "2026-11-04", RangeTo: "2026-11-09"}, report.Fail, 0},
		"source":        {model.Suppression{Check: "null-keys", View: "clicks", Source: "batch"}, report.Suppressed, 1},
		"other source":  {model.Suppression{Check: "null-keys", View: "clicks", Source: "streaming"}, report.Fail, 0},
		"other view":    {model.Suppression{Check: "null-keys", View: "users"}, report.Fail, 0},
		"other check":   {model.Suppression{Check: "stale-rows", View: "clicks"}, report.Fail, 0},
		"expired today": {model.Suppression{Check: "null-keys", View: "clicks", Until: time.UnixMicro(int64(asOf))}, report.Fail, 0},
		"just enough":   {model.Suppression{Check: "null-keys", View: "clicks", MaxRows: 3}, report.Suppressed, 1},
		"one too many":  {model.Suppression{Check: "null-keys", View: "clicks", MaxRows: 2, Origin: "f.yaml:9"}, report.Fail, 1},
	} {
		s := healthy(dailyView())
		s.Collection.Slices[1].KeyNull, s.Collection.Slices[2].KeyNull = 2, 1
		test.suppression.Reason, test.suppression.Owner = "known", "ada"
		s.Suppressions = []model.Suppression{test.suppression}
		s.Selected = func(id string) bool { return id == "null-keys" }
		got, err := JudgeView(t.Context(), openJudge(t), s.Input)
		if err != nil {
			t.Fatal(err)
		}
		r := got.Results[0]
		// Of one source's two partitions, with 2 and 1 bad rows, what is not suppressed is what is said.
		bad, accepted := int64(3), int64(0)
		switch {
		case name == "partly":
			bad, accepted = 2, 1
		case test.outcome == report.Suppressed:
			accepted = 2
		}
		if r.Outcome != test.outcome || len(got.Used) != test.used || r.RowsBad != bad || r.FindingsTotal != 2 || r.FindingsSuppressed != accepted {
			t.Errorf("%s: %s, used %v, %+v", name, r.Outcome, got.Used, r)
		}
		if name == "all" && r.SuppressedBy != "known (owner ada, until 2027-01-01T00:00:00Z)" {
			t.Errorf("suppressed by %q", r.SuppressedBy)
		}
		if name == "partly" && r.Message != "2 of 9,000 rows (0.02 %) have a NULL in the key (click_id) in partition dt=2026-11-02 of source batch; 1 of 2 findings suppressed (1 row)" {
			t.Errorf("message %q", r.Message)
		}
		if name == "partly" && (r.RowsSuppressed != 1 || r.FirstPartition != "dt=2026-11-02" || r.LastPartition != "dt=2026-11-02" || r.Measures["null_keys"] != int64(2)) {
			t.Errorf("what is left: %+v", r)
		}
		if name == "one too many" && !strings.HasSuffix(r.Message, "; the suppression at f.yaml:9 accepts up to 2 rows (known), and found 3") {
			t.Errorf("message %q", r.Message)
		}
		if name == "partly" && (r.Findings[0].Suppressed || !r.Findings[1].Suppressed) {
			t.Errorf("what decides comes first: %+v", r.Findings)
		}
	}
}

func TestPartitionRanges(t *testing.T) {
	for _, test := range []struct {
		partition, from, to string
		want                bool
	}{
		{"dt=2026-11-03", "2026-11-03", "2026-11-03", true},
		{"dt=2026-11-03", "2026-11-04", "", false},
		{"dt=2026-11-03", "", "2026-11-02", false},
		{"year=2026/month=11/day=03/hour=07", "2026-11-03", "2026-11-03", true},
		{"year=2026/month=11/day=03/hour=07", "2026-11-03T08", "2026-11-04", false},
		{"2026/11/03", "2026-11-01", "2026-11-30", true},
		{"dt=20261103", "2026-11-03", "2026-11-03", true},
		{"month=2026-11", "2026-11-03", "2026-11-03", true},
		{"dt=2026-11-03", "dt=2026-11-01", "dt=2026-11-05", true},
		{"dt=__HIVE_DEFAULT_PARTITION__", "2026-11-01", "2026-11-30", false},
		{"dt=2026-11-03%2000%3A00%3A00", "2026-11-03", "2026-11-03", true},
		{"dt=2026-11-03%2007%3A00%3A00", "2026-11-03T07", "2026-11-03T07", true},
		{"dt=2026-11-03%2007%3A00%3A00", "2026-11-03T08", "2026-11-03", false},
	} {
		if got := (partitionDates{}).within(test.from, test.to)(test.partition); got != test.want {
			t.Errorf("%s in %s..%s: %v", test.partition, test.from, test.to, got)
		}
	}
}

func TestRunChecks(t *testing.T) {
	in := RunInput{AsOf: asOf, Suppressions: []model.Suppression{
		{Check: "null-keys", View: "clicks", Reason: "known", Origin: "featureaudit.yaml:30"},
		{Check: "stale-view", View: "clicks", Reason: "feed outage", Origin: "featureaudit.yaml:31"},
		{Check: "null-keys", View: "users", Reason: "not audited", Origin: "featureaudit.yaml:32"},
		{Check: "future-rows", View: "clicks", Reason: "clock", Origin: "featureaudit.yaml:33", Until: time.UnixMicro(int64(asOf))},
		{Check: "stale-rows", View: "clicks", Reason: "unseen", Origin: "featureaudit.yaml:34"},
	}, Results: []report.Result{{Check: "null-keys", View: "clicks", Outcome: report.Suppressed}, {Check: "stale-view", View: "clicks", Outcome: report.Pass},
		{Check: "future-rows", View: "clicks", Outcome: report.Fail}, {Check: "stale-rows", View: "clicks", Outcome: report.Error}}, Used: map[int]bool{0: true}}
	results := JudgeRun(in)
	if len(results) != 3 || results[0].Check != "consumer-contract" || results[0].Outcome != report.NotApplicable {
		t.Fatalf("%d results, of them %+v", len(results), results[0])
	}
	results = results[1:]
	expect(t, results[0], report.Warn, 1, 5, "1 of 5 suppressions (20.0 %) are past their date")
	expect(t, results[1], report.Warn, 1, 2, "1 of 2 suppressions (50.0 %) match no finding")
	if got := results[0].Findings[0]; got.Subject.Object != "featureaudit.yaml:33" || got.Message != "the suppression of future-rows in view clicks ended on 2026-11-10T00:00:00Z (clock)" {
		t.Errorf(`got %+v, want got.Subject.Object == "featureaudit.yaml:33" && got.Message == "the suppression of future-rows in view clicks ended on 2026-11-10T00:00:00Z (clock)"`, got)
	}
	if got := results[1].Findings[0]; got.Subject.Object != "featureaudit.yaml:31" {
		t.Errorf(`got %+v, want got.Subject.Object == "featureaudit.yaml:31"`, got)
	}
	in.Suppressions = nil
	for _, r := range JudgeRun(in) {
		if r.Outcome != report.NotApplicable || r.View != "" {
			t.Errorf(`got %+v, want r.Outcome == report.NotApplicable && r.View == ""`, r)
		}
	}
	// A view that nothing defines is none that was not audited, whatever the range.
	in.Views = []model.View{{Name: "clicks"}}
	in.Suppressions = []model.Suppression{{Check: "null-keys", View: "clikcs", Reason: "typo", Origin: "featureaudit.yaml:35"},
		{Check: "view-removed", View: "gone", Reason: "retired", Origin: "featureaudit.yaml:36"}}
	for _, in.HasRange = range []bool{false, true} {
		r := JudgeRun(in)[2]
		const said = `the suppression of null-keys names the view "clikcs", which no definition has: did you mean "clicks"?`
		expect(t, r, report.Warn, 1, 1, "1 of 1 suppression (100 %) match no finding; "+said)
		if got := r.Findings[0].Message; got != said {
			t.Error(got)
		}
	}
	in.Suppressions = nil
	if r := JudgeRun(in)[2]; r.Outcome != report.NotApplicable || !strings.HasPrefix(r.Reason, "--range") {
		t.Errorf(`got %+v, want r.Outcome == report.NotApplicable && strings.HasPrefix(r.Reason, "--range")`, r)
	}
}

func TestContracts(t *testing.T) {
	in := RunInput{AsOf: asOf, Views: []model.View{{Name: "clicks", TTL: model.TTL{Duration: 24 * time.Hour}}, {Name: "zip", TTL: model.TTL{Never: "static"}}},
		Consumers: []model.Consumer{{Name: "churn", Origin: "featureaudit.yaml:40", Views: []model.ConsumerView{
			{View: "clicks", MaxAge: 24 * time.Hour}, {View: "clicks", MaxAge: 25 * time.Hour}, {View: "click"}, {View: "zip", MaxAge: 9000 * time.Hour}, {View: "clicks"}}}}}
	r := JudgeRun(in)[0]
	expect(t, r, report.Fail, 2, 5, "2 of 5 contracts (40.0 %) name no known view, or are looser than its ttl")
	for i, want := range []string{`consumer churn (featureaudit.yaml:40) names the view "click", which no definition has: did you mean "clicks"?`,
		"consumer churn (featureaudit.yaml:40) takes clicks up to 1d 1h old, and its ttl is 1d"} {
		if got := r.Findings[i].Message; got != want {
			t.Errorf("finding %d: %s, want %s", i, got, want)
		}
	}
}

func TestCleanRun(t *testing.T) {
	day := func(date string) times.Instant {
		d, err := time.Parse(time.DateOnly, date)
		if err != nil {
			t.Fatal(err)
		}
		return times.Instant(d.UnixMicro())
	}
	planted := func(bad ...int32) *store {
		s := newStore(dailyView())
		s.days("2026-10-01", 30)
		for i := range int32(30) {
			s.file(i, 1000, func(_ *facts.File, slice *facts.Slice) {
				if slices.Contains(bad, i) {
					slice.EventNull = 1
				}
			})
		}
		return s
	}
	for name, test := range map[string]struct {
		input    evidence.Input
		from, to string
	}{
		"all clean":             {planted().Input, "2026-10-01", "2026-10-31"},
		"a bad day within":      {planted(9).Input, "2026-10-11", "2026-10-31"},
		"the newest day is bad": {planted(4, 29).Input, "2026-10-06", "2026-10-30"},
		"a check that was left out": {func() evidence.Input {
			in := planted().Input
			in.Selected = func(id string) bool { return id != "null-event-time" }
			return in
		}(), "", ""},
		"a step that failed": {func() evidence.Input {
			in := planted().Input
			in.Failures = []facts.Failure{{Lost: facts.WantKeys, Reason: "no memory", Retryable: true}}
			return in
		}(), "", ""},
		"accepted": {func() evidence.Input {
			in := planted(9).Input
			in.Suppressions = []model.Suppression{{Check: "null-event-time", View: in.View.Name, Reason: "known"}}
			return in
		}(), "2026-10-01", "2026-10-31"},
	} {
		got, err := JudgeView(t.Context(), openJudge(t), test.input)
		if err != nil {
			t.Fatal(err)
		}
		if test.from == "" {
			if got.Clean != nil {
				t.Errorf("%s: %+v is said to be clean", name, *got.Clean)
			}
			continue
		}
		if want := (document.CleanRun{Start: day(test.from), End: day(test.to)}); got.Clean == nil || *got.Clean != want {
			t.Errorf("%s: %+v, want %+v", name, got.Clean, want)
		}
	}
}

func TestDeterminism(t *testing.T) {
	build := func(reverse bool) []byte {
		s := newStore(dailyView())
		s.days("2026-10-01", 30)
		for i := range int32(30) {
			s.file(i, 1000, func(_ *facts.File, slice *facts.Slice) { slice.KeyNull, slice.Stale, slice.MisfiledBefore = 1, 2, 3 })
		}
		for i := range int32(30) {
			s.Collection.Keys.ByPlace[facts.Population{Partition: i, Source: "batch"}] = &facts.DuplicatePlace{Surplus: 1, Keys: 1}
			h := facts.NewLagHistogram()
			h.Counts[i], h.Rows, h.Max = 10, 10, times.Span(int64(i)*second)
			s.Collection.Lags[facts.Population{Partition: i, Source: fmt.Sprintf("s%d", i%3)}] = h
		}
		if reverse {
			for i, j := 0, len(s.Collection.Slices)-1; i < j; i, j = i+1, j-1 {
				s.Collection.Slices[i], s.Collection.Slices[j] = s.Collection.Slices[j], s.Collection.Slices[i]
			}
		}
		got, err := JudgeView(t.Context(), openJudge(t), s.Input)
		if err != nil {
			t.Fatal(err)
		}
		r, err := document.Build(document.Input{Catalogue: Reported(), AsOf: s.AsOf, Status: report.Complete, Views: []report.View{got.View}, Results: got.Results})
		if err != nil {
			t.Fatal(err)
		}
		raw, err := r.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	first := build(false)
	for range 3 {
		if string(build(false)) != string(first) || string(build(true)) != string(first) {
			t.Fatal("the same facts gave another report")
		}
	}
	if !json.Valid(first) {
		t.Error("no JSON")
	}
}

func TestManyFiles(t *testing.T) {
	s := newStore(dailyView())
	s.days("2024-02-15", 1000)
	for i := range int32(100_000) {
		s.file(i%1000, 1000, nil)
	}
	for i := range s.Collection.Slices {
		other := s.Collection.Slices[i]
		other.Source = "streaming"
		other.KeyNull = 1
		s.Collection.Slices = append(s.Collection.Slices, other)
	}
	r := s.judge(t)["null-keys"]
	if r.RowsBad != 100_000 || r.RowsTotal != 200_000_000 || r.FindingsTotal != 1000 {
		t.Errorf("%d of %d in %d findings", r.RowsBad, r.RowsTotal, r.FindingsTotal)
	}
}

// lateJudge is interrupted by a signal that comes while it answers its last question.
type lateJudge struct {
	engine.Judge
	cancel func()
}

func (j lateJudge) Query(ctx context.Context, text string, params map[string]any) ([]engine.Row, error) {
	rows, err := j.Judge.Query(ctx, text, params)
	j.cancel()
	return rows, err
}

// TestInterruptAfterTheLastCheckTakesNothingBack has a context that is done when all is judged, and one that is done before.
func TestInterruptAfterTheLastCheckTakesNothingBack(t *testing.T) {
	for only, complete := range map[string]bool{"stale-view": true, "": false} {
		ctx, cancel := context.WithCancelCause(t.Context())
		s := healthy(dailyView())
		for i := range s.Collection.Slices { // what is sound asks no engine
			s.Collection.Slices[i].KeyNull, s.Collection.Slices[i].NewestKnown = 1, asOf-100*day
		}
		s.Selected = func(id string) bool { return only == "" || id == only }
		got, err := JudgeView(ctx, lateJudge{openJudge(t), func() { cancel(errors.New("SIGTERM")) }}, s.Input)
		if (err == nil) != complete {
			t.Errorf("%q: %v with %d results", only, err, len(got.Results))
		}
		if complete && (len(got.Results) != 1 || got.Results[0].Outcome != report.Fail) {
			t.Errorf("%q: got %+v, want !complete || len(got.Results) == 1 && got.Results[0].Outcome == report.Fail", only, got.Results)
		}
		cancel(nil)
	}
}

// TestManyFactsAreJudgedAsFew judges a store of more facts than are loaded at once, each check on the columns that it names, and the same
// facts in tables that hold all: the rows of every query are the same.
func TestManyFactsAreJudgedAsFew(t *testing.T) {
	s := newStore(dailyView())
	s.days("2019-01-01", facttables.ManyRows+1)
	for i := range int32(facttables.ManyRows + 1) {
		s.file(i, 1000, func(_ *facts.File, slice *facts.Slice) {
			slice.KeyNull, slice.EventNull, slice.MisfiledBefore, slice.Stale, slice.FutureIngested, slice.LagOver = int64(i%5), int64(i%3), int64(i%7), int64(i%4), int64(i%6), int64(i%2)
		})
	}
	b := newViewEvidence(s.Input)
	if !facttables.AreLarge(b.Index) {
		t.Fatalf("%d slices are few, want many", len(s.Collection.Slices))
	}
	judge := openJudge(t)
	found := 0
	for _, c := range Catalogue() {
		if !c.Query {
			continue
		}
		text, err := sql.Check(c.ID)
		if err != nil {
			t.Fatal(err)
		}
		params := map[string]any{}
		if c.params != nil {
			params = c.params(b)
		}
		if err := judge.Load(t.Context(), facttables.Of(b.Index)); err != nil {
			t.Fatal(err)
		}
		want, err := judge.Query(t.Context(), text, params)
		if err != nil {
			t.Fatal(err)
		}
		if err := judge.Load(t.Context(), facttables.NamedBy(text, b.Index)); err != nil {
			t.Fatal(err)
		}
		got, err := judge.Query(t.Context(), text, params)
		if err != nil {
			t.Fatalf("%s: %v", c.ID, err)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %d rows on the columns that it names, want the %d that it has on all", c.ID, len(got), len(want))
		}
		found += len(got)
	}
	if found < 5*facttables.ManyRows {
		t.Errorf("%d rows of all queries, want those of more than %d partitions from most of them", found, facttables.ManyRows)
	}
}
