//go:build trino

package trino_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/featureaudit/featureaudit/audit/check"
	"github.com/featureaudit/featureaudit/audit/engine"
	"github.com/featureaudit/featureaudit/audit/look"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/store/local"
	"github.com/featureaudit/featureaudit/fixtures"
	"github.com/featureaudit/featureaudit/fixtures/deltatable"
)

// handmade is a Delta table that another writer than Trino wrote, which the cluster is told of.
type handmade struct {
	*deltatable.Table
	stored fixtures.Type
	view   model.View
	// mapped says that files have other names of the columns, and their numbers.
	mapped bool
}

// The files of a handmade table, whose names have blanks and signs; the last one has the keys of the one before.
var handmadeFiles = []string{"dt=2026-11-06/a.parquet", "dt=2026-11-07/b 1%.parquet", "dt=2026-11-08/c+=ä.parquet", "dt=2026-11-08/d.parquet"}

// byHand writes forty rows in four files, some of them deleted.
func byHand(t *testing.T, o deltatable.Options, timeType string, stored fixtures.Type, deleted map[string]deltatable.File) handmade {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "a table")
	o.Schema = []map[string]any{deltatable.Field("id", "string"), deltatable.Field("user", "long"), deltatable.Field("event_time", timeType), deltatable.Field("ingested_at", timeType), deltatable.Field("dt", "string")}
	o.Partitions = []string{"dt"}
	h := handmade{stored: stored, view: newStore(t, days).view, mapped: o.Settings["delta.columnMapping.mode"] != ""}
	if h.mapped {
		for i, field := range o.Schema {
			field["metadata"] = map[string]any{"delta.columnMapping.id": i + 1, "delta.columnMapping.physicalName": fmt.Sprintf("col-%d", i+1)}
		}
	}
	table, err := deltatable.New(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	h.Table = table
	var files []deltatable.File
	for _, path := range handmadeFiles {
		files = append(files, h.file(t, path, deleted[path]))
	}
	if err := table.Commit(files); err != nil {
		t.Fatal(err)
	}
	name, db := fmt.Sprintf("by_hand_%d_%d", os.Getpid(), tables.Add(1)), openDatabase(t)
	create(t, db, fmt.Sprintf("CALL delta.system.register_table('default', '%s', 'local://%s')", name, dir))
	t.Cleanup(func() {
		_, _ = db.ExecContext(context.Background(), "CALL delta.system.unregister_table('default', '"+name+"')")
	})
	h.view.Path, h.view.Root, h.view.Table.Trino = "", "", "delta.default."+name
	return h
}

// file has ten rows of the day that its path names.
func (h handmade) file(t *testing.T, path string, file deltatable.File) deltatable.File {
	t.Helper()
	text := strings.TrimPrefix(filepath.Dir(path), "dt=")
	day, err := time.Parse(time.DateOnly, text)
	if err != nil {
		t.Fatal(err)
	}
	var ids, users, events, arrived []any
	for n := range 10 {
		at := day.Add(time.Hour + time.Duration(n)*97*time.Second)
		ids, users = append(ids, fmt.Sprintf("%s-%d", text, n)), append(users, int64(n))
		events, arrived = append(events, at.Add(123*time.Millisecond)), append(arrived, at.Add(time.Minute))
	}
	file.Path, file.Values = path, map[string]any{"dt": text}
	file.Rows = fixtures.Table{Columns: []fixtures.Column{{Name: "id", Type: fixtures.TextType, Values: ids}, {Name: "user", Type: fixtures.Int64Type, Values: users},
		{Name: "event_time", Type: h.stored, Values: events}, {Name: "ingested_at", Type: h.stored, Values: arrived}}}
	if !h.mapped {
		return file
	}
	numbers := map[string]int32{}
	for i := range file.Rows.Columns {
		file.Rows.Columns[i].Name = fmt.Sprintf("col-%d", i+1)
		numbers[file.Rows.Columns[i].Name] = int32(i + 1)
	}
	file.Values = map[string]any{"col-5": text}
	abs := filepath.Join(h.Dir, filepath.FromSlash(path))
	if err := fixtures.Write(abs, file.Rows, fixtures.Options{}); err != nil {
		t.Fatal(err)
	}
	if err := fixtures.SetFieldIDs(abs, numbers); err != nil {
		t.Fatal(err)
	}
	return file
}

var inMillis = fixtures.Type{Kind: fixtures.Timestamp, Unit: "ms", UTC: true}

// TestATableOfDeltaIsReadAsItWasListed: what is written while the table is looked at does not count, and an older version is read where it
// is asked for.
func TestATableOfDeltaIsReadAsItWasListed(t *testing.T) {
	b, w := newBoth(t), look.Window{AsOf: time.Date(2026, 11, 10, 0, 0, 0, 0, time.UTC)}
	h := byHand(t, deltatable.Options{Reader: 3, Features: []string{"deletionVectors"}}, "timestamp", inMillis, nil)
	view, first := h.view, h.Version
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(h.Commit([]deltatable.File{h.file(t, handmadeFiles[0], deltatable.File{Deleted: []int64{2, 4, 6}, Store: "u"}), h.file(t, "dt=2026-11-09/e.parquet", deltatable.File{})}, handmadeFiles[3]))
	rows := func(view model.View, between func()) (int64, []string) {
		t.Helper()
		l := look.Looker{Store: local.New(), Collector: b.cluster, Room: engine.Room{Workers: 2, Runs: 64 << 20, TempDir: t.TempDir()}, Place: b.cluster.Cluster.Place}
		footers := footersOf(t, l, view, w)
		between()
		found, err := l.Rows(t.Context(), footers, check.WantsOf(footers.View, footers.Survey, func(string) bool { return true }))
		if err != nil || len(found.Failures) > 0 {
			t.Fatal(err, found.Failures)
		}
		return rowsOf(found)
	}
	// 40 rows, less three that are deleted and ten of a file that is gone, and ten new ones; then ten more while they are looked at
	if n, unread := rows(view, func() {
		must(h.Commit([]deltatable.File{h.file(t, "dt=2026-11-09/f.parquet", deltatable.File{})}))
	}); n != 37 || len(unread) != 0 {
		t.Errorf("%d rows, unread %q; want 37 and none", n, unread)
	}
	view.Table.Version = &first
	if n, unread := rows(view, func() {}); n != 40 || len(unread) != 0 {
		t.Errorf("%d rows of the first version, unread %q; want 40 and none", n, unread)
	}
	b.same(t, view, w)
	view.Table.Version = nil
	if n, unread := rows(view, func() {}); n != 47 || len(unread) != 0 {
		t.Errorf("%d rows, unread %q; want 47 and none", n, unread)
	}
}

// mapped are the options of a table whose files have other names of the columns, found by these or by their numbers.
func mapped(mode string) deltatable.Options {
	return deltatable.Options{Reader: 3, Features: []string{"deletionVectors", "columnMapping"}, Settings: map[string]string{"delta.columnMapping.mode": mode}}
}

// TestADeltaTableOfAnotherWriter: names that the log encodes, deleted rows, and times as writers have them.
func TestADeltaTableOfAnotherWriter(t *testing.T) {
	vectors := map[string]deltatable.File{"dt=2026-11-07/b 1%.parquet": {Deleted: []int64{0, 9}, Store: "u"}, "dt=2026-11-08/d.parquet": {Deleted: []int64{1, 2, 3, 4, 5, 6}, Store: "u"}}
	for name, of := range map[string]struct {
		options  deltatable.Options
		timeType string
		stored   fixtures.Type
		deleted  map[string]deltatable.File
		rows     int64
		told     bool
	}{
		"instants in milliseconds":          {timeType: "timestamp", stored: inMillis, rows: 40, told: true},
		"deletion vectors":                  {options: deltatable.Options{Reader: 3, Features: []string{"deletionVectors"}}, timeType: "timestamp", stored: inMillis, deleted: vectors, rows: 32, told: true},
		"mapped by name":                    {options: mapped("name"), timeType: "timestamp", stored: inMillis, deleted: vectors, rows: 32, told: true},
		"mapped by number":                  {options: mapped("id"), timeType: "timestamp", stored: inMillis, deleted: vectors, rows: 32, told: true},
		"local times in microseconds":       {options: deltatable.Options{Reader: 3, Features: []string{"timestampNtz", "deletionVectors"}}, timeType: "timestamp_ntz", stored: fixtures.NaiveType, deleted: vectors, rows: 32, told: true},
		"instants in microseconds":          {timeType: "timestamp", stored: fixtures.AwareType, rows: 40},
		"instants in nanoseconds of 96 bit": {timeType: "timestamp", stored: fixtures.Int96Type, rows: 40},
	} {
		t.Run(name, func(t *testing.T) {
			b, w := newBoth(t), look.Window{AsOf: time.Date(2026, 11, 10, 0, 0, 0, 0, time.UTC)}
			view := byHand(t, of.options, of.timeType, of.stored, of.deleted).view
			l := look.Looker{Store: local.New(), Collector: b.cluster, Room: engine.Room{Workers: 2, Runs: 64 << 20, TempDir: t.TempDir()}, Place: b.cluster.Cluster.Place}
			footers := footersOf(t, l, view, w)
			found, err := l.Rows(t.Context(), footers, check.WantsOf(footers.View, footers.Survey, func(string) bool { return true }))
			if err != nil || len(found.Failures) > 0 {
				t.Fatal(err, found.Failures)
			}
			if !of.told {
				if got := found.Collection.RoleProblems["event_time"]; !strings.Contains(got, "Trino shows times of Delta tables in milliseconds") {
					t.Errorf("the problem of event_time is %q, want one that says that Trino shows milliseconds", got)
				}
				for check, result := range b.results(t, b.cluster, view, w) {
					if slices.Contains([]string{"stale-rows", "stale-entities", "future-rows", "misfiled-rows", "source-lag", "mixed-zones", "shifted-twins", "null-event-time", "duplicate-keys"}, check) &&
						!strings.Contains(result, `"outcome":"not_applicable"`) {
						t.Errorf("without times, %s is %s", check, result)
					}
				}
				return
			}
			if rows, unread := rowsOf(found); rows != of.rows || len(unread) != 0 {
				t.Errorf("%d rows, unread %q; want %d and none", rows, unread, of.rows)
			}
			told := b.same(t, view, w)
			if told[report.Pass]+told[report.Fail]+told[report.Warn] < 8 {
				t.Errorf("outcomes %v: too few tell anything", told)
			}
		})
	}
}

// TestAVectorInsideOfTheLog: Trino reads deletion vectors in files of their own, and refuses those that the log itself holds. The file is
// named, its rows do not count, and no check passes for want of them.
func TestAVectorInsideOfTheLog(t *testing.T) {
	b, w := newBoth(t), look.Window{AsOf: time.Date(2026, 11, 10, 0, 0, 0, 0, time.UTC)}
	view := byHand(t, deltatable.Options{Reader: 3, Features: []string{"deletionVectors"}}, "timestamp", inMillis,
		map[string]deltatable.File{"dt=2026-11-07/b 1%.parquet": {Deleted: []int64{0, 9}, Store: "i"}}).view
	want, got := b.results(t, b.duck, view, w), b.results(t, b.cluster, view, w)
	for check, by := range want {
		var duck, cluster report.Result
		if err := errors.Join(json.Unmarshal([]byte(by), &duck), json.Unmarshal([]byte(got[check]), &cluster)); err != nil {
			t.Fatal(err)
		}
		if duck.RowsTotal == 38 && cluster.Outcome == report.Pass {
			t.Errorf("%s passes without the rows of the file", check)
		}
	}
	var unread report.Result
	if err := json.Unmarshal([]byte(got["unreadable-file"]), &unread); err != nil {
		t.Fatal(err)
	}
	if message := unread.Message; unread.RowsBad != 1 || !strings.Contains(message, "dt=2026-11-07/b 1%.parquet") || !strings.Contains(message, "Unsupported storage type for deletion vector: i") {
		t.Errorf("unreadable-file says %q, want the file, and what Trino says", message)
	}
}
