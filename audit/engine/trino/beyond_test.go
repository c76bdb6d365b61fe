//go:build trino

package trino_test

import (
	"encoding/json"
	"fmt"
	"math/big"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/featureaudit/featureaudit/audit/engine"
	"github.com/featureaudit/featureaudit/audit/look"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/fixtures"
)

// TestWhatTrinoDoesNotRead: decimals of more than 38 digits, times of day and intervals are no key and no entity on Trino, and as payload they leave the
// class of repeats open. Nothing passes for it, each reason says what to do, and all else is what DuckDB says.
func TestWhatTrinoDoesNotRead(t *testing.T) {
	huge, _ := new(big.Int).SetString("12345678901234567890123456789012345678901234", 10)
	at := func(minute int) time.Time { return time.Date(2026, 11, 8, 1, 7+minute, 0, 0, time.UTC) }
	db, b := openDatabase(t), newBoth(t)
	for name, of := range map[string]struct {
		kind   fixtures.Type
		values []any
		reason string
	}{
		"decimals of 50 digits": {fixtures.Type{Kind: fixtures.Decimal, Precision: 50, Scale: 8}, []any{huge, huge, huge}, "Trino has no decimals of more than 38 digits; run this with --engine duckdb"},
		"times of day":          {fixtures.Type{Kind: fixtures.Time, Unit: "us"}, []any{1, 1, 2}, "which Trino does not read; run this with --engine duckdb"},
		"intervals":             {fixtures.Type{Kind: fixtures.Interval}, []any{"aaaabbbbcccc", "aaaabbbbcccc", "aaaabbbbdddd"}, "which Trino does not read; run this with --engine duckdb"},
	} {
		t.Run(name, func(t *testing.T) {
			view, w := written(t, fixtures.Column{Name: "id", Type: fixtures.TextType, Values: []any{"a", "a", "b"}}, fixtures.Column{Name: "user", Type: fixtures.Int64Type, Values: []any{1, 1, 2}},
				fixtures.Column{Name: "event_time", Type: fixtures.NaiveType, Values: []any{at(0), at(0), at(1)}}, fixtures.Column{Name: "ingested_at", Type: fixtures.NaiveType, Values: []any{at(1), at(2), at(3)}},
				fixtures.Column{Name: "x", Type: of.kind, Values: of.values})
			table, _ := hive(t, db, view, w)
			view.Table.Trino = "features." + table
			for _, role := range []struct {
				name   string
				change func(*model.View)
				// silent are the checks that say nothing on Trino and something on DuckDB, and open says that the class of the repeated key is.
				silent []string
				open   bool
			}{
				{"key", func(v *model.View) { v.Key = []string{"x"} }, []string{"duplicate-keys", "null-keys", "shifted-twins"}, false},
				{"entity", func(v *model.View) { v.Entity = []string{"x"} }, []string{"shifted-twins", "stale-entities"}, true},
				{"payload", func(*model.View) {}, []string{"shifted-twins"}, true},
			} {
				view := view
				role.change(&view)
				var silent []string
				for check, by := range b.pairs(t, view, w) {
					got, want := by[0], by[1]
					switch {
					case check == "duplicate-keys" && role.open:
						if got.Outcome != report.Fail || got.RowsBad != 1 || fmt.Sprint(got.Measures["unknown_keys"], got.Measures["replay_keys"]) != "1 0" {
							t.Errorf("%s: of repeats is told %+v, want one key of unknown class", role.name, got)
						}
					case got.Outcome != report.NotApplicable:
						if !reflect.DeepEqual(got, want) {
							t.Errorf("%s: %s is\n%+v\nby Trino, and by DuckDB\n%+v", role.name, check, got, want)
						}
					case want.Outcome != report.NotApplicable:
						if silent = append(silent, check); !strings.HasSuffix(got.Reason, of.reason) {
							t.Errorf("%s: %s is not applicable for %q, want %q", role.name, check, got.Reason, of.reason)
						}
					}
				}
				if slices.Sort(silent); !slices.Equal(silent, role.silent) {
					t.Errorf("%s: %q are silent, want %q", role.name, silent, role.silent)
				}
			}
		})
	}
}

// pairs are the results of a view by the cluster and by DuckDB, by check.
func (b both) pairs(t *testing.T, view model.View, w look.Window) map[string][2]report.Result {
	t.Helper()
	pairs := map[string][2]report.Result{}
	for i, collector := range []engine.Collector{b.cluster, b.duck} {
		for check, raw := range b.results(t, collector, view, w) {
			pair := pairs[check]
			if err := json.Unmarshal([]byte(raw), &pair[i]); err != nil {
				t.Fatal(err)
			}
			pairs[check] = pair
		}
	}
	return pairs
}
