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

// reproduced are the checks whose rows SQL gives.
var reproduced = []string{"duplicate-keys", "future-rows", "misfiled-rows", "mixed-zones", "null-event-time", "null-keys", "shifted-twins", "source-lag",
	"stale-entities", "stale-rows"}

// notReproduced are the stores for whose rows there is no SQL, by case and check, with the words that say why.
var notReproduced = map[string]string{
	"null-event-time/bad_names_of_an_undeclared_zone null-event-time": `SQL does not read every text of column event_time as format "%Y-%m-%d %H:%M:%S %Z" does`,
}

// estimated says that a count is an estimate, and so is which rows are meant.
func estimated(check string) bool { return check == "mixed-zones" }

// reproduce runs the SQL of a result where the paths of its view start, and gives its rows as FILE:NUMBER.
func reproduce(t *testing.T, r report.Result) []string {
	t.Helper()
	_, query, found := strings.Cut(r.Reproduce, "SET TimeZone = 'UTC';\n")
	if !found {
		t.Fatalf("%s: no SQL that sets its time zone: %s", r.Check, r.Reproduce)
	}
	file, number := "filename", "file_row_number"
	if strings.Contains(query, "AS audited_row") {
		number = "audited_row"
	}
	if strings.Contains(query, "filename = 'audited_file'") {
		file = "audited_file"
	}
	db, err := duckdb.RunSQL(t.Context(), 2, 1<<30, fmt.Sprintf("SELECT coalesce(string_agg(%s || ':' || %s, chr(31) ORDER BY %s, %s), ''), max(hash(r))::VARCHAR FROM (%s) AS r",
		file, number, file, number, strings.TrimSuffix(query, ";")))
	if err != nil {
		t.Errorf("%s: %v\n%s", r.Check, err, r.Reproduce)
		return nil
	}
	if db[0] == "" {
		return nil
	}
	return strings.Split(db[0], "\x1f")
}

// holdsRows compares the rows that the SQL of a result gives with the count; it says whether there was SQL.
func holdsRows(t *testing.T, r report.Result) bool {
	t.Helper()
	if !slices.Contains(reproduced, r.Check) || r.RowsBad == 0 || (r.Outcome != report.Fail && r.Outcome != report.Warn) {
		return false
	}
	switch {
	case r.Unit != "rows" && r.Unit != "entities":
		return false
	case (r.Reproduce == "") == (r.ReproduceMissing == ""):
		t.Errorf("%s: want SQL, or why there is none: %q and %q", r.Check, r.Reproduce, r.ReproduceMissing)
		return false
	case r.Reproduce == "":
		return false
	}
	rows := reproduce(t, r)
	n := int64(len(rows))
	switch {
	case len(slices.Compact(slices.Clone(rows))) != len(rows):
		t.Errorf("%s: a row comes twice", r.Check)
	case estimated(r.Check):
		if off := max(n, r.RowsBad) - min(n, r.RowsBad); 20*off > r.RowsBad {
			t.Errorf("%s: the SQL gives %d rows, the audit estimated %d", r.Check, n, r.RowsBad)
		}
	case n != r.RowsBad:
		t.Errorf("%s: the SQL gives %d rows, the audit counted %d\n%s", r.Check, n, r.RowsBad, r.Reproduce)
	}
	return true
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
			o := audit.Options{BadRows: true, Views: []model.View{store.View}, AsOf: store.AsOf, AsOfGiven: true, SelectChecks: reproduced, Threads: 2, TempDir: t.TempDir(),
				Adapters: realAdapters(), Log: zerolog.Nop()}
			audited, err := audit.Run(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			holds(t, audited.Report)
			for _, r := range audited.Report.Results {
				holdsRows(t, r)
			}
		})
	}
}

// TestReproduceGivesTheRowsThatWereCounted runs the SQL of every result of all planted stores.
func TestReproduceGivesTheRowsThatWereCounted(t *testing.T) {
	ran, missed := map[string]int{}, map[string]bool{}
	for _, c := range readCases(t) {
		t.Run(c.Name, func(t *testing.T) {
			dir := t.TempDir()
			if err := c.Write(dir); err != nil {
				t.Fatal(err)
			}
			t.Chdir(dir)
			for _, r := range auditStore(t, dir, c.AsOf, c.Range).Results {
				if holdsRows(t, r) {
					ran[r.Check]++
				}
				if r.ReproduceMissing == "" {
					continue
				}
				name := c.Name + " " + r.Check
				missed[name] = true
				if why := notReproduced[name]; why == "" || !strings.Contains(r.ReproduceMissing, why) {
					t.Errorf("%s has no SQL: %s", name, r.ReproduceMissing)
				}
			}
		})
	}
	for _, check := range reproduced {
		if ran[check] < 2 {
			t.Errorf("%s: its SQL ran for %d stores only", check, ran[check])
		}
	}
	for name := range notReproduced {
		if !missed[name] {
			t.Errorf("%s has SQL, and stands in the list of those that have none", name)
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
		// sql says that there must be SQL; else it may be absent.
		sql bool
	}{
		{"nanoseconds in UTC", "null-event-time", []fixtures.Column{columnOf("event_time", timestamp("ns", true), int64(math.MaxInt64), at*1_000_000)}, 1, true},
		{"milliseconds that no microseconds hold", "null-event-time", []fixtures.Column{columnOf("event_time", timestamp("ms", false), int64(math.MaxInt64), at)}, 1, false},
		{"milliseconds long before", "null-event-time", []fixtures.Column{columnOf("event_time", timestamp("ms", true), int64(math.MinInt64), at)}, 1, false},
		{"text that is RFC 3339 or not", "null-event-time", []fixtures.Column{columnOf("event_time", fixtures.TextType, day+"T10:00:00Z", day+" 10:00:00.5+05:30",
			day+"t10:00:00,123456789-0800", day+" 10:00:00+01", day+"T10:00:00", day+"T10:00:00z", nil, "", "n/a", day, day+"T24:00:00Z", day+"T10:00:60Z", day+"T10:00Z",
			"2026-02-30T10:00:00Z", day+"T10:00:00+25:00", day+"T10:00:00+01:60", day+"T10:00:00.Z", " "+day+"T10:00:00Z", day+"T10:00:00Z\n", "1970-01-01T00:00:00Z")}, 14, true},
		{"text that expired by its offset", "stale-rows", []fixtures.Column{columnOf("event_time", fixtures.TextType, "2026-10-31T12:01:29.999999Z", "2026-10-31T12:01:30Z",
			"2026-10-31T17:31:29+05:30", "2026-10-31T17:31:30+05:30", "2026-10-31T04:01:29-0800", "2026-10-31T04:01:30-08", "2026-10-31T12:01:29,9999999", "2026-10-31T12:01:30")}, 4, true},
		{"text in a key", "duplicate-keys", []fixtures.Column{columnOf("event_time", fixtures.TextType, day+"T10:00:00Z", day+"T11:00:00+01:00", day+"T10:00:00", "n/a", "n/a")}, 2, false},
		{"nanoseconds of text in a key", "duplicate-keys", []fixtures.Column{columnOf("event_time", fixtures.TextType, day+"T10:00:00.123456789Z", day+"T11:00:00.123456789+01:00",
			day+"T10:00:00.123456780Z", day+"T10:00:00.123456Z", day+"T10:00:00.12345678Z")}, 2, false},
		{"nanoseconds in a key", "duplicate-keys", []fixtures.Column{columnOf("event_time", timestamp("ns", false), at*1_000_000, at*1_000_000+1, at*1_000_000)}, 1, true},
		{"nanoseconds in UTC in a key", "duplicate-keys", []fixtures.Column{columnOf("event_time", timestamp("ns", true), at*1_000_000, at*1_000_000+1, at*1_000_000)}, 1, false},
		{"a column of nothing but NULLs", "null-event-time", []fixtures.Column{columnOf("event_time", fixtures.Type{Kind: fixtures.Nothing}, nil, nil)}, 2, false},
		{"an own partition column in other letters", "misfiled-rows", []fixtures.Column{columnOf("event_time", timestamp("ms", true), at, at),
			columnOf("DT", fixtures.TextType, day, after)}, 1, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			t.Chdir(dir)
			writeFile(t, filepath.Join(dir, "dt="+day, "a.parquet"), fixtures.Options{}, c.columns...)
			got := resultOf(t, auditView(t, model.View{Path: "**/*.parquet", Root: dir, Key: []string{"event_time"}, TTL: model.TTL{Duration: 24 * time.Hour}}, c.check), c.check)
			if got.RowsBad != c.bad || c.sql && got.Reproduce == "" {
				t.Fatalf("%d rows, SQL %q (%s); want %d rows, SQL %v", got.RowsBad, got.Reproduce, got.ReproduceMissing, c.bad, c.sql)
			}
			if got.Reproduce != "" {
				if rows := reproduce(t, got); int64(len(rows)) != c.bad {
					t.Errorf("the SQL gives the rows %v, want %d", rows, c.bad)
				}
			}
		})
	}
}
