package audit_test

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/featureaudit/featureaudit/audit"
	"github.com/featureaudit/featureaudit/audit/engine/duckdb"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/fixtures"
)

// reproduced are the checks of rows whose rows SQL gives.
var reproduced = []string{"duplicate-keys", "future-rows", "misfiled-rows", "null-event-time", "null-keys", "source-lag", "stale-rows"}

// reproduce runs the SQL of a result where the paths of its view start, and counts its rows.
func reproduce(t *testing.T, dir string, r report.Result) string {
	t.Helper()
	_, query, found := strings.Cut(r.Reproduce, "SET TimeZone = 'UTC';\n")
	if !found {
		t.Fatalf("%s: no SQL that begins with its time zone: %s", r.Check, r.Reproduce)
	}
	db, err := duckdb.RunSQL(t.Context(), 2, 1<<30, fmt.Sprintf("SELECT count(*)::VARCHAR FROM (%s)", strings.TrimSuffix(query, ";")))
	if err != nil {
		t.Errorf("%s of %s: %v\n%s", r.Check, dir, err, r.Reproduce)
		return ""
	}
	return db[0]
}

// TestReproduceOnRandomStores does the same on hostile stores: where there is SQL, it is right.
func TestReproduceOnRandomStores(t *testing.T) {
	const stores = 12
	for seed := range uint64(stores) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			dir := t.TempDir()
			store, err := fixtures.RandomStore(dir, seed)
			if err != nil {
				t.Fatal(err)
			}
			t.Chdir(dir)
			o := audit.Options{Views: []model.View{store.View}, AsOf: store.AsOf, AsOfGiven: true, SelectChecks: reproduced, Threads: 2, TempDir: t.TempDir(),
				Adapters: realAdapters(), Log: zerolog.Nop()}
			audited, err := audit.Run(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			holds(t, audited.Report)
			for _, r := range audited.Report.Results {
				if r.Unit != "rows" || r.RowsBad == 0 || r.Reproduce == "" {
					continue
				}
				if got := reproduce(t, dir, r); got != fmt.Sprint(r.RowsBad) {
					t.Errorf("%s: the SQL gives %s rows, the audit counted %d\n%s", r.Check, got, r.RowsBad, r.Reproduce)
				}
			}
		})
	}
}

// TestReproduceGivesTheRowsThatWereCounted runs the SQL of every result of the stores that are planted for checks of rows.
func TestReproduceGivesTheRowsThatWereCounted(t *testing.T) {
	ran := map[string]int{}
	for _, c := range fixtures.Cases() {
		if !slices.Contains(reproduced, c.Check()) {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			dir := t.TempDir()
			if err := c.Write(dir); err != nil {
				t.Fatal(err)
			}
			t.Chdir(dir)
			for _, r := range auditStore(t, dir, c.AsOf, c.Range).Results {
				if !slices.Contains(reproduced, r.Check) || r.Unit != "rows" || r.RowsBad == 0 {
					continue
				}
				if r.Reproduce == "" {
					t.Logf("%s: no SQL", r.Check)
					continue
				}
				ran[r.Check]++
				if got := reproduce(t, dir, r); got != fmt.Sprint(r.RowsBad) {
					t.Errorf("%s: the SQL gives %s rows, the audit counted %d\n%s", r.Check, got, r.RowsBad, r.Reproduce)
				}
			}
		})
	}
	for _, check := range reproduced {
		if ran[check] < 2 {
			t.Errorf("%s: its SQL ran for %d stores only", check, ran[check])
		}
	}
}

// TestReproduceIsRightOrAbsent has rows that SQL reads in another way than the audit, or that DuckDB cannot read at all.
func TestReproduceIsRightOrAbsent(t *testing.T) {
	timestamp := func(unit string, utc bool) fixtures.Type {
		return fixtures.Type{Kind: fixtures.Timestamp, Unit: unit, UTC: utc}
	}
	at := hostileDay.UnixMilli()
	day, after := hostileDay.Format(time.DateOnly), hostileDay.AddDate(0, 0, 1).Format(time.DateOnly)
	for _, c := range []struct {
		name    string
		check   string
		columns []fixtures.Column
		bad     int64
		sql     bool
	}{
		{"nanoseconds in UTC", "null-event-time", []fixtures.Column{columnOf("event_time", timestamp("ns", true), int64(math.MaxInt64), at*1_000_000)}, 1, true},
		{"milliseconds that no microseconds hold", "null-event-time", []fixtures.Column{columnOf("event_time", timestamp("ms", false), int64(math.MaxInt64), at)}, 1, false},
		{"milliseconds long before", "null-event-time", []fixtures.Column{columnOf("event_time", timestamp("ms", true), int64(math.MinInt64), at)}, 1, false},
		{"text that is RFC 3339 or not", "null-event-time", []fixtures.Column{columnOf("event_time", fixtures.TextType, day+"T10:00:00Z", day+" 10:00:00.5+05:30",
			day+"t10:00:00,123456789-0800", day+" 10:00:00+01", day+"T10:00:00", day+"T10:00:00z", nil, "", "n/a", day, day+"T24:00:00Z", day+"T10:00:60Z", day+"T10:00Z",
			"2026-02-30T10:00:00Z", day+"T10:00:00+25:00", day+"T10:00:00+01:60", day+"T10:00:00.Z", " "+day+"T10:00:00Z", day+"T10:00:00Z\n", "1970-01-01T00:00:00Z")}, 14, true},
		{"text that expired by its offset", "stale-rows", []fixtures.Column{columnOf("event_time", fixtures.TextType, "2026-10-31T12:01:29.999999Z", "2026-10-31T12:01:30Z",
			"2026-10-31T17:31:29+05:30", "2026-10-31T17:31:30+05:30", "2026-10-31T04:01:29-0800", "2026-10-31T04:01:30-08", "2026-10-31T12:01:29,9999999", "2026-10-31T12:01:30")}, 4, true},
		{"text in a key", "duplicate-keys", []fixtures.Column{columnOf("event_time", fixtures.TextType, day+"T10:00:00Z", day+"T11:00:00+01:00", day+"T10:00:00", "n/a", "n/a")}, 2, true},
		{"nanoseconds of text in a key", "duplicate-keys", []fixtures.Column{columnOf("event_time", fixtures.TextType, day+"T10:00:00.123456789Z", day+"T11:00:00.123456789+01:00",
			day+"T10:00:00.123456780Z", day+"T10:00:00.123456Z", day+"T10:00:00.12345678Z")}, 2, true},
		{"nanoseconds in a key", "duplicate-keys", []fixtures.Column{columnOf("event_time", timestamp("ns", false), at*1_000_000, at*1_000_000+1, at*1_000_000)}, 1, true},
		{"nanoseconds in UTC in a key", "duplicate-keys", []fixtures.Column{columnOf("event_time", timestamp("ns", true), at*1_000_000, at*1_000_000+1, at*1_000_000)}, 1, false},
		{"a column of nothing but NULLs", "null-event-time", []fixtures.Column{columnOf("event_time", fixtures.Type{Kind: fixtures.Nothing}, nil, nil)}, 2, true},
		{"an own partition column in other letters", "misfiled-rows", []fixtures.Column{columnOf("event_time", timestamp("ms", true), at, at),
			columnOf("DT", fixtures.TextType, day, after)}, 1, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			t.Chdir(dir)
			writeFile(t, filepath.Join(dir, "dt="+day, "a.parquet"), fixtures.Options{}, c.columns...)
			got := resultOf(t, auditView(t, model.View{Path: "**/*.parquet", Root: dir, Key: []string{"event_time"}, TTL: model.TTL{Duration: 24 * time.Hour}}, c.check), c.check)
			if got.RowsBad != c.bad || (got.Reproduce != "") != c.sql {
				t.Fatalf("%d rows, SQL %q; want %d rows, SQL %v", got.RowsBad, got.Reproduce, c.bad, c.sql)
			}
			if c.sql {
				if rows := reproduce(t, dir, got); rows != fmt.Sprint(c.bad) {
					t.Errorf("the SQL gives %s rows, want %d", rows, c.bad)
				}
			}
		})
	}
}
