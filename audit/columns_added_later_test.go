package audit_test

import (
	"encoding/json"
	"fmt"
	"math/big"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/fixtures"
	"github.com/featureaudit/featureaudit/fixtures/deltatable"
	"github.com/featureaudit/featureaudit/fixtures/icebergtable"
)

// addedLater are the rows before a column was added, and after: two, and three with the first value, another and NULL.
func addedLater(name string, of fixtures.Type, first, other any) (before, after fixtures.Table) {
	at := time.Date(2026, 11, 3, 7, 0, 0, 0, time.UTC)
	column := func(from, rows int) []fixtures.Column {
		users, times := make([]any, rows), make([]any, rows)
		for i := range rows {
			users[i], times[i] = from+i, at.Add(time.Duration(from+i)*97*time.Second)
		}
		return []fixtures.Column{{Name: "user", Type: fixtures.Int64Type, Values: users}, {Name: "at", Type: fixtures.AwareType, Values: times}}
	}
	return fixtures.Table{Columns: column(0, 2)}, fixtures.Table{Columns: append(column(2, 3), fixtures.Column{Name: name, Type: of, Values: []any{first, other, nil}})}
}

// judgedLater audits a table with a column in the role of the key and of the entity.
func judgedLater(t *testing.T, dir, name string) (asKey, asEntity map[string]report.Result) {
	t.Helper()
	store := fixtures.Random{AsOf: time.Date(2026, 11, 4, 0, 0, 0, 0, time.UTC)}
	view := model.View{Name: "v", Path: dir, Root: dir, EventTime: model.TimeColumn{Column: "at"}, TTL: model.TTL{Duration: 24 * time.Hour}}
	byID := func(v model.View) map[string]report.Result {
		found := map[string]report.Result{}
		for _, r := range auditRandom(t, store, v) {
			found[r.Check] = r
		}
		return found
	}
	key, entity := view, view
	key.Key, key.Entity = []string{name}, []string{"user"}
	entity.Key, entity.Entity = []string{"user"}, []string{name}
	return byID(key), byID(entity)
}

// TestDefaultsOfColumnsAddedLater reads the default of an Iceberg column of each type in files that lack it: it equals what other files hold.
func TestDefaultsOfColumnsAddedLater(t *testing.T) {
	at := time.Date(2026, 11, 3, 7, 8, 9, 123456000, time.UTC)
	huge, _ := new(big.Int).SetString("12345678901234567890123456780000000001", 10)
	for kind, of := range map[string]struct {
		of             fixtures.Type
		value, another any
		text           any
	}{
		"boolean":        {fixtures.BoolType, true, false, true},
		"int":            {fixtures.Int32Type, -7, 7, -7},
		"long":           {fixtures.Int64Type, 1<<60 + 1, 1 << 60, 1<<60 + 1},
		"float":          {fixtures.Type{Kind: fixtures.Float, Width: 32}, 0.5, 0.25, 0.5},
		"double":         {fixtures.FloatType, 0.1, 0.2, 0.1},
		"decimal(18,4)":  {fixtures.DecimalType(18, 4), 15000, 15001, "1.5000"},
		"decimal(38,10)": {fixtures.Type{Kind: fixtures.Decimal, Precision: 38, Scale: 10}, huge, 1, "1234567890123456789012345678.0000000001"},
		"date":           {fixtures.DateType, at, at.AddDate(0, 0, 1), "2026-11-03"},
		"time":           {fixtures.Type{Kind: fixtures.Time, Unit: "us"}, 25689123456, 1, "07:08:09.123456"},
		"timestamp":      {fixtures.NaiveType, at, at.Add(time.Microsecond), "2026-11-03T07:08:09.123456"},
		"timestamptz":    {fixtures.AwareType, at, at.Add(time.Microsecond), "2026-11-03T07:08:09.123456+00:00"},
		"timestamp_ns":   {fixtures.Type{Kind: fixtures.Timestamp, Unit: "ns"}, at.Add(789), at.Add(788), "2026-11-03T07:08:09.123456789"},
		"timestamptz_ns": {fixtures.Type{Kind: fixtures.Timestamp, Unit: "ns", UTC: true}, at.Add(789), at.Add(788), "2026-11-03T07:08:09.123456789+00:00"},
		"string":         {fixtures.TextType, "it's\x00 ✓", "its", "it's\x00 ✓"},
		"uuid":           {fixtures.Type{Kind: fixtures.UUID}, "0123456789abcdef", "0123456789abcdeg", "30313233-3435-3637-3839-616263646566"},
		"fixed[4]":       {fixtures.Type{Kind: fixtures.Fixed, Width: 4}, "\x00\x01\x02\xff", "\x00\x01\x02\xfe", "000102ff"},
		"binary":         {fixtures.Type{Kind: fixtures.Bytes}, "\x00\xff", "", "00ff"},
	} {
		t.Run(kind, func(t *testing.T) {
			fields := []icebergtable.Field{{ID: 1, Name: "user", Type: "long"}, {ID: 2, Name: "at", Type: "timestamptz"}}
			table, err := icebergtable.New(t.TempDir(), icebergtable.Options{Format: 3, Fields: fields})
			if err != nil {
				t.Fatal(err)
			}
			before, after := addedLater("c", of.of, of.value, of.another)
			for i, rows := range []fixtures.Table{before, after} {
				if i == 1 {
					err = table.SetFields(append(fields, icebergtable.Field{ID: 3, Name: "c", Type: kind, Default: of.text}))
				}
				if err == nil {
					err = table.Commit(icebergtable.Change{Add: []icebergtable.File{{Path: fmt.Sprintf("data/%d.parquet", i), Rows: rows}}})
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			key, entity := judgedLater(t, table.Dir, "c")
			// Of five rows three have the default and one is NULL: two entities.
			if r := key["duplicate-keys"]; r.Outcome != report.Fail || r.RowsBad != 2 || r.RowsTotal != 4 {
				t.Errorf("%s: %d of %d, %s", r.Outcome, r.RowsBad, r.RowsTotal, r.Message)
			}
			if r := key["null-keys"]; r.Outcome != report.Fail || r.RowsBad != 1 || r.RowsTotal != 5 {
				t.Errorf("%s: %d of %d, %s", r.Outcome, r.RowsBad, r.RowsTotal, r.Message)
			}
			if r := entity["stale-entities"]; r.Outcome != report.Pass || r.RowsTotal != 2 {
				t.Errorf("%s: %d of %d, %s", r.Outcome, r.RowsBad, r.RowsTotal, r.Message)
			}
		})
	}
}

// TestColumnsAddedLaterAreNull reads a column that a table got later as NULL in the files before, which lack it.
func TestColumnsAddedLaterAreNull(t *testing.T) {
	before, after := addedLater("c", fixtures.TextType, "a", "a")
	written := func(t *testing.T, dir string, rows fixtures.Table, name string) string {
		if err := fixtures.Write(filepath.Join(dir, name), rows, fixtures.Options{}); err != nil {
			t.Fatal(err)
		}
		return name
	}
	for format, table := range map[string]func(t *testing.T, dir string) error{
		"Iceberg": func(t *testing.T, dir string) error {
			fields := []icebergtable.Field{{ID: 1, Name: "user", Type: "long"}, {ID: 2, Name: "at", Type: "timestamptz"}, {ID: 3, Name: "c", Type: "string"}}
			it, err := icebergtable.New(dir, icebergtable.Options{Fields: fields})
			if err != nil {
				return err
			}
			return it.Commit(icebergtable.Change{Add: []icebergtable.File{{Path: "0.parquet", Rows: before}, {Path: "1.parquet", Rows: after}}})
		},
		"Delta": func(t *testing.T, dir string) error {
			schema := []map[string]any{deltatable.Field("user", "long"), deltatable.Field("at", "timestamp"), deltatable.Field("c", "string")}
			dt, err := deltatable.New(dir, deltatable.Options{Schema: schema})
			if err != nil {
				return err
			}
			return dt.Commit([]deltatable.File{{Path: written(t, dir, before, "0.parquet")}, {Path: written(t, dir, after, "1.parquet")}})
		},
	} {
		t.Run(format, func(t *testing.T) {
			dir := t.TempDir()
			if err := table(t, dir); err != nil {
				t.Fatal(err)
			}
			key, entity := judgedLater(t, dir, "c")
			if r := key["null-keys"]; r.Outcome != report.Fail || r.RowsBad != 3 || r.RowsTotal != 5 {
				t.Errorf("%s: %d of %d, %s", r.Outcome, r.RowsBad, r.RowsTotal, r.Message)
			}
			if r := key["duplicate-keys"]; r.RowsBad != 1 || r.RowsTotal != 2 {
				t.Errorf("%s: %d of %d, %s", r.Outcome, r.RowsBad, r.RowsTotal, r.Message)
			}
			if r := entity["stale-entities"]; r.Outcome != report.Pass || r.RowsTotal != 1 {
				t.Errorf("%s: %d of %d, %s", r.Outcome, r.RowsBad, r.RowsTotal, r.Message)
			}
		})
	}
}

// TestDefaultsOfSensitiveColumnsStay within the program: no query of a report has one.
func TestDefaultsOfSensitiveColumnsStay(t *testing.T) {
	fields := []icebergtable.Field{{ID: 1, Name: "user", Type: "long"}, {ID: 2, Name: "at", Type: "timestamptz"}}
	table, err := icebergtable.New(t.TempDir(), icebergtable.Options{Format: 3, Fields: fields})
	if err != nil {
		t.Fatal(err)
	}
	before, after := addedLater("c", fixtures.TextType, "nobody@example.com", "a")
	if err := table.Commit(icebergtable.Change{Add: []icebergtable.File{{Path: "0.parquet", Rows: before}}}); err != nil {
		t.Fatal(err)
	}
	if err := table.SetFields(append(fields, icebergtable.Field{ID: 3, Name: "c", Type: "string", Default: "nobody@example.com"})); err != nil {
		t.Fatal(err)
	}
	if err := table.Commit(icebergtable.Change{Add: []icebergtable.File{{Path: "1.parquet", Rows: after}}}); err != nil {
		t.Fatal(err)
	}
	store := fixtures.Random{AsOf: time.Date(2026, 11, 4, 0, 0, 0, 0, time.UTC)}
	for role, view := range map[string]model.View{"key": {Key: []string{"c"}}, "entity": {Key: []string{"user"}, Entity: []string{"c"}}, "source": {Key: []string{"user"}, Source: model.SourceColumn{Column: "c"}},
		"payload": {Key: []string{"at"}, Payload: []string{"c"}}} {
		view.Name, view.Path, view.Root, view.EventTime, view.Sensitive = "v", table.Dir, table.Dir, model.TimeColumn{Column: "at"}, []string{"c"}
		text, err := json.Marshal(auditRandom(t, store, view))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "nobody") {
			t.Errorf("as the %s: %s", role, text)
		}
	}
}
