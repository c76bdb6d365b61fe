package audit_test

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/featureaudit/featureaudit/audit"
	"github.com/featureaudit/featureaudit/audit/engine/duckdb"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/fixtures"
)

// TestARangeTellsOfACheckWhatItTellsOfAll audits a range with one check at a time and with all: what each says does not depend on which others
// are selected, though rows outside of the range are read for some of them only. Of 24,000 rows by 400 writers a sample is taken, which has other rows where it
// is of the range alone.
func TestARangeTellsOfACheckWhatItTellsOfAll(t *testing.T) {
	dir := t.TempDir()
	query := "COPY (SELECT TIMESTAMP '2026-11-01 00:00:00' + to_days(d::INT) + to_seconds(i * 40) AS event_time, " +
		"TIMESTAMPTZ '2026-11-01 00:01:00+00' + to_days(d::INT) + to_seconds(i * 40) + to_seconds(i % 7) AS ingested_at, d * 2000 + i AS id, 'u' || (i * 7919 + d * 31) % 400 AS user, " +
		"'2026-11-' || printf('%02d', 1 + d) AS dt FROM range(2000) t(i), range(12) u(d)) TO '" + filepath.Join(dir, "data") + "' (FORMAT parquet, PARTITION_BY (dt))"
	if _, err := duckdb.RunSQL(t.Context(), 1, 0, query); err != nil {
		t.Fatal(err)
	}
	view := model.View{Name: "v", Path: filepath.Join(dir, "data", "**", "*.parquet"), EventTime: model.TimeColumn{Column: "event_time"}, IngestedAt: model.TimeColumn{Column: "ingested_at"},
		Key: []string{"id"}, Entity: []string{"user"}, TTL: model.TTL{Duration: 72 * time.Hour, Explicit: true},
		TimePartition: model.TimePartition{Columns: []string{"dt"}, Grain: model.GrainDay, Of: model.OfEventTime}}
	look := func(checks ...string) audit.Audit {
		done, err := audit.Run(t.Context(), audit.Options{Views: []model.View{view}, SelectChecks: checks, AsOf: time.Date(2026, 11, 13, 0, 0, 0, 0, time.UTC), AsOfGiven: true,
			RangeFrom: "2026-11-09", RangeTo: "2026-11-10", Threads: 2, TempDir: t.TempDir(), Adapters: realAdapters(), Log: zerolog.Nop()})
		if err != nil {
			t.Fatal(err)
		}
		return done
	}
	for _, want := range look().Report.Results {
		if want.View == "" {
			continue
		}
		got := resultOf(t, look(want.Check).Report, want.Check)
		// these name other checks, or rest on mixed-zones being looked at
		for _, r := range []*string{&got.ExplainedBy, &want.ExplainedBy, &got.ZoneCertainty, &want.ZoneCertainty} {
			*r = ""
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s alone:\n%+v\nwith all others:\n%+v", want.Check, got, want)
		}
	}
}

// emptyDay is a view of three days with ten rows each, of a fourth whose file has none, and of a fifth that lies after noon of the fourth.
func emptyDay(t *testing.T) model.View {
	t.Helper()
	dir := t.TempDir()
	for day, rows := range map[int]int{1: 10, 2: 10, 3: 10, 4: 0, 5: 10} {
		columns := []fixtures.Column{{Name: "event_time", Type: fixtures.NaiveType, Values: []any{}}, {Name: "id", Type: fixtures.Int64Type, Values: []any{}}}
		for i := range rows {
			columns[0].Values = append(columns[0].Values, time.Date(2026, 11, day, 1, i, 7, 0, time.UTC))
			columns[1].Values = append(columns[1].Values, 100*day+i)
		}
		path := filepath.Join(dir, fmt.Sprintf("dt=2026-11-%02d", day), "a.parquet")
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := fixtures.Write(path, fixtures.Table{Columns: columns}, fixtures.Options{}); err != nil {
			t.Fatal(err)
		}
	}
	return model.View{Name: "v", Path: dir, EventTime: model.TimeColumn{Column: "event_time"}, Key: []string{"id"}, Zone: "UTC", TTL: model.TTL{Duration: 72 * time.Hour, Explicit: true},
		TimePartition: model.TimePartition{Columns: []string{"dt"}, Grain: model.GrainDay, Of: model.OfEventTime}}
}

// rangesSayWhy holds the newest event of a range, and the note that says why there is none, to what is known of the rows of emptyDay.
func rangesSayWhy(t *testing.T, view model.View, adapters audit.Adapters) {
	t.Helper()
	const unread = " outside of it were not read: none of the selected checks rests on them, and ages and newest events are not told"
	for _, test := range []struct {
		name, from, to string
		checks         []string
		newest         string
		notes          []string
	}{
		{"a range with rows", "2026-11-03", "2026-11-04", []string{"null-event-time"}, "",
			[]string{"the rows of 2 files outside of the range were not read: none of the selected checks rests on them, and ages and newest events are not told"}},
		{"a range without rows", "2026-11-04", "2026-11-04", []string{"null-event-time"}, "", []string{"the range has no row that can be read, and the rows of 3 files" + unread}},
		{"a range after as_of", "2026-11-05", "2026-11-05", []string{"null-event-time"}, "", []string{"the range has no row that can be read, and the rows of 3 files" + unread}},
		{"a range without rows, and a check of the whole view", "2026-11-04", "2026-11-04", []string{"null-event-time", "stale-view"}, "2026-11-03T01:09:07Z", nil},
		{"a check that wants no rows", "2026-11-03", "2026-11-03", []string{"schema-drift"}, "", nil},
		{"no range", "", "", []string{"null-event-time"}, "2026-11-03T01:09:07Z", nil},
	} {
		done, err := audit.Run(t.Context(), audit.Options{Views: []model.View{view}, SelectChecks: test.checks, AsOf: time.Date(2026, 11, 4, 12, 0, 0, 0, time.UTC), AsOfGiven: true,
			RangeFrom: test.from, RangeTo: test.to, Threads: 2, TempDir: t.TempDir(), Adapters: adapters, Log: zerolog.Nop()})
		if err != nil {
			t.Fatalf("%s: %v", test.name, err)
		}
		got := done.Report.Views[0]
		notes := slices.DeleteFunc(slices.Clone(got.Notes), func(note string) bool { return !strings.Contains(note, "not read") })
		if textOf(got.NewestEventTime) != test.newest || !slices.Equal(notes, test.notes) {
			t.Errorf("%s: the newest event is %q, and the notes are %q; want %q and %q", test.name, textOf(got.NewestEventTime), got.Notes, test.newest, test.notes)
		}
	}
}

// TestARangeSaysWhyNoNewestEventIsTold: where rows outside of the range are not read no age is told, and a note says so, also where the range has no rows.
func TestARangeSaysWhyNoNewestEventIsTold(t *testing.T) {
	rangesSayWhy(t, emptyDay(t), realAdapters())
}
