package audit_test

import (
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/featureaudit/featureaudit/audit"
	"github.com/featureaudit/featureaudit/audit/engine/duckdb"
	"github.com/featureaudit/featureaudit/audit/model"
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
