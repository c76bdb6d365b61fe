package check

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/featureaudit/featureaudit/audit/document"
	"github.com/featureaudit/featureaudit/audit/engine/duckdb"
	"github.com/featureaudit/featureaudit/audit/evidence"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/times"
)

const (
	second = 1_000_000
	minute = 60 * second
	hour   = 60 * minute
	day    = 24 * hour
)

// asOf is midnight after the partitions dt=2026-11-01 to dt=2026-11-09.
var asOf = at("2026-11-10T00:00:00Z")

func at(text string) times.Instant {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return times.Instant(t.UnixMicro())
}

var sharedJudge = sync.OnceValues(func() (*duckdb.Judge, error) {
	return duckdb.OpenJudge(context.Background(), duckdb.Config{Threads: 2})
})

func openJudge(t *testing.T) *duckdb.Judge {
	t.Helper()
	j, err := sharedJudge()
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// store builds the facts of one view by hand.
type store struct{ evidence.Input }

// dailyView has every role, a ttl of 2 days, and daily partitions of event time.
func dailyView() model.View {
	return model.View{Name: "clicks", Owner: "growth", Path: "clicks/**/*.parquet", EventTime: model.TimeColumn{Column: "event_time"},
		IngestedAt: model.TimeColumn{Column: "ingested_at"}, Source: model.SourceColumn{Column: "source"}, Entity: []string{"user_id"},
		Key: []string{"click_id"}, TTL: model.TTL{Duration: 48 * time.Hour, OnWire: "set", Explicit: true}, Tolerance: model.DefaultTolerance,
		TimePartition: model.TimePartition{Columns: []string{"dt"}, Grain: model.GrainDay, Of: model.OfEventTime, Expected: model.ExpectAll},
		Origins:       model.ParseOrigins(map[string]string{"ttl": "featureaudit.yaml:9", "path": "featureaudit.yaml:4"})}
}

func column(name, physical, logical, text string) facts.Column {
	return facts.Column{Name: name, Path: name, Physical: physical, Logical: logical, TypeText: text}
}

func roleColumns() []facts.Column {
	event := column("event_time", "INT64", "timestamp", "TIMESTAMP(us, UTC)")
	event.AdjustedToUTC = true
	return []facts.Column{event, column("ingested_at", "INT64", "timestamp", "TIMESTAMP(us, UTC)"), column("source", "BYTE_ARRAY", "string", "STRING"),
		column("user_id", "INT64", "", "INT64"), column("click_id", "BYTE_ARRAY", "string", "STRING"), column("amount", "DOUBLE", "", "DOUBLE")}
}

func newStore(v model.View) *store {
	s := &store{evidence.Input{Evidence: facts.Evidence{View: v}, Terms: evidence.Terms{AsOf: asOf}}}
	s.Survey.Schemas = []facts.Schema{{ID: 0, Columns: roleColumns(), Writer: "parquet-cpp-arrow"}}
	s.Collection.Lags = map[facts.Population]*facts.LagHistogram{}
	s.Collection.Events = map[facts.Population]*facts.EventHistogram{}
	s.Collection.Unread = map[int32]facts.Problem{}
	s.Collection.Entities = &facts.Entities{Judged: 10, OldestNewest: asOf - hour}
	s.Collection.Keys = &facts.Duplicates{ByPlace: map[facts.Population]*facts.DuplicatePlace{}}
	return s
}

// days adds n daily partitions, present and expected; those at or after as_of are open or after it.
func (s *store) days(first string, n int) {
	start := at(first + "T00:00:00Z")
	for i := range n {
		from := start + times.Instant(i)*day
		s.Survey.Partitions = append(s.Survey.Partitions, facts.Partition{ID: int32(len(s.Survey.Partitions)),
			Value: "dt=" + time.UnixMicro(int64(from)).UTC().Format(time.DateOnly), Start: from, End: from + day, Present: true, Expected: from+day <= s.AsOf,
			Open: from+day > s.AsOf, AfterAsOf: from > s.AsOf, InRange: true})
	}
}

// file adds a file of one partition (or -1) with its only slice, whose rows are all well: the newest an hour before the
// end of the partition.
func (s *store) file(partition int32, rows int64, change func(*facts.File, *facts.Slice)) {
	id := int32(len(s.Survey.Files))
	end, folder := s.AsOf, ""
	if partition >= 0 {
		end, folder = s.Survey.Partitions[partition].End, s.Survey.Partitions[partition].Value+"/"
	}
	f := facts.File{ID: id, Path: fmt.Sprintf("%spart-%05d.parquet", folder, id), Size: 1000, ModTime: min(end, s.AsOf), Partition: partition,
		Values: facts.PathValues(folder), Rows: rows, Writer: "parquet-cpp-arrow"}
	slice := facts.NewSlice(id, "batch")
	slice.Rows = rows
	if rows > 0 {
		slice.EventMin, slice.EventMax = end-23*hour, end-hour
		slice.NewestKnown = min(end-hour, s.AsOf)
	}
	slice.LagRows = rows
	if change != nil {
		change(&f, &slice)
	}
	s.Survey.Files = append(s.Survey.Files, f)
	if partition >= 0 {
		s.Survey.Partitions[partition].Files++
		if f.Problem == nil {
			s.Survey.Partitions[partition].Rows += f.Rows
		}
	}
	if f.Problem == nil && s.Collection.Unread[id].Kind == "" && f.Rows > 0 {
		s.Collection.Slices = append(s.Collection.Slices, slice)
	}
}

// healthy is a store of nine full days, up to as_of, without a fault.
func healthy(v model.View) *store {
	if v.Checks == nil { // nine days are too few for thick-partitions to know what is usual of a weekday
		most := int64(2000)
		v.Checks = map[string]model.CheckPolicy{"thick-partitions": {MaxRows: &most}}
	}
	s := newStore(v)
	s.days("2026-11-01", 9)
	for i := range int32(9) {
		s.file(i, 1000, nil)
		s.lags(i, "batch", 0, 1000)
	}
	s.Collection.Keys.RowsTotal = 9000
	s.Since = &facts.Since{Last: asOf - day, Closed: []string{s.Survey.Partitions[0].Identity}}
	return s
}

// lags adds rows of a partition and source to its lag histogram: most within a minute of their event, fewer and fewer up
// to five, as read from a writer whose clock stands east of UTC by so many seconds.
func (s *store) lags(partition int32, source string, east, rows int64) {
	population := facts.Population{Partition: partition, Source: source, Writer: "parquet-cpp-arrow"}
	h := s.Collection.Lags[population]
	if h == nil {
		h = facts.NewLagHistogram()
		s.Collection.Lags[population] = h
	}
	for i := range rows {
		lag := (i%30+i%7*i%300-east)*second + second/2
		h.Merge(&facts.LagHistogram{Counts: map[int32]int64{facts.LagBin(times.Span(lag)): 1}, Rows: 1, Min: times.Span(lag), Max: times.Span(lag)})
	}
}

func (s *store) judge(t *testing.T) map[string]report.Result {
	t.Helper()
	got, err := JudgeView(t.Context(), openJudge(t), s.Input)
	if err != nil {
		t.Fatal(err)
	}
	byCheck := map[string]report.Result{}
	for _, r := range got.Results {
		byCheck[r.Check] = r
	}
	return byCheck
}

// of judges one check only.
func (s *store) of(t *testing.T, id string) report.Result {
	t.Helper()
	s.Selected = func(check string) bool { return check == id }
	r, found := s.judge(t)[id]
	if !found {
		t.Fatalf("no result of %s", id)
	}
	return r
}

// expect compares the parts of a result that say what was concluded.
func expect(t *testing.T, r report.Result, outcome report.Outcome, bad, total int64, message string) {
	t.Helper()
	if r.Outcome != outcome || r.RowsBad != bad || r.RowsTotal != total || r.Message != message {
		t.Errorf("%s: got %s, %d of %d: %q\nwant %s, %d of %d: %q", r.Check, r.Outcome, r.RowsBad, r.RowsTotal, r.Message, outcome, bad, total, message)
	}
}

// described is what a report says of the view beside these results.
func (s *store) described(results ...report.Result) []report.View {
	return []report.View{document.View(evidence.NewIndex(s.Input), results, nil, nil)}
}
