//go:build trino

package trino_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/featureaudit/featureaudit/audit/engine"
	"github.com/featureaudit/featureaudit/audit/engine/trino"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/kept"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/store/local"
)

// aNight looks at a store with kept facts, and commits what it learnt. It gives what the cluster was asked, too.
func (s store) aNight(t *testing.T, dir, table string) (facts.Evidence, trino.Spent) {
	t.Helper()
	return s.aNightOn(t, openCluster(t, nil), dir, table)
}

// aNightOn is aNight on a cluster of one's own.
func (s store) aNightOn(t *testing.T, cluster *trino.Cluster, dir, table string) (facts.Evidence, trino.Spent) {
	t.Helper()
	if err := kept.Prepare(dir, time.Now()); err != nil {
		t.Fatal(err)
	}
	open, err := kept.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()
	found := s.looked(trino.Collector{Cluster: cluster, Store: local.New(), Facts: trino.Facts{Kept: open}}, table)
	if err := open.Commit(kept.Note{}); err != nil {
		t.Fatal(err)
	}
	return found, cluster.Spent()
}

// sameAsPlain holds a look with kept facts to one that has all rows counted.
func (s store) sameAsPlain(t *testing.T, found facts.Evidence, table string) {
	t.Helper()
	plain := s.looked(trino.Collector{Cluster: openCluster(t, nil), Store: local.New()}, table)
	found.Collection.KnownFiles, found.Collection.KnownRows, found.Collection.ReadBecause = 0, 0, nil
	for _, of := range []struct {
		what      string
		got, want any
	}{{"slices", found.Collection.Slices, plain.Collection.Slices}, {"lags", found.Collection.Lags, plain.Collection.Lags}, {"events", found.Collection.Events, plain.Collection.Events},
		{"entities", found.Collection.Entities, plain.Collection.Entities}, {"keys", found.Collection.Keys, plain.Collection.Keys},
		{"problems of files", found.Collection.Unread, plain.Collection.Unread}, {"failures", found.Failures, plain.Failures}} {
		if !reflect.DeepEqual(of.got, of.want) {
			t.Errorf("%s with kept facts are\n%+v\nwant\n%+v", of.what, of.got, of.want)
		}
	}
}

// addDay copies a file into a partition of its own, whose rows come from the file's times.
func (s store) addDay(t *testing.T, day, from string) (size int64) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(s.dir, "data", "dt="+from, "a.parquet"))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(s.dir, "data", "dt="+day, "b.parquet")
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, raw, 0o644); err != nil {
		t.Fatal(err)
	}
	return int64(len(raw))
}

// TestANightAsksOfNewFilesAlone counts what the cluster reads: of the profile the files that are new, of keys and entities nothing where nothing is.
func TestANightAsksOfNewFilesAlone(t *testing.T) {
	s, db := newStore(t, days), openDatabase(t)
	s.view.TimePartition = model.TimePartition{Columns: []string{"dt"}, Grain: model.GrainDay, Of: model.OfEventTime}
	table, dir := s.declare(db, "features", "timestamp", true), filepath.Join(t.TempDir(), "facts")
	steps := func(spent trino.Spent) map[string]int64 {
		read := map[string]int64{}
		for _, scan := range spent.Scans {
			read[scan.Step] = scan.ReadBytes
		}
		return read
	}
	found, spent := s.aNight(t, dir, table)
	s.sameAsPlain(t, found, table)
	if read := steps(spent); found.Collection.KnownFiles != 0 || read["profile"] == 0 || read["keys"] == 0 || read["entities"] == 0 {
		t.Errorf("the first night knew %d files and read %v, want none, and all of the three", found.Collection.KnownFiles, read)
	}
	found, spent = s.aNight(t, dir, table)
	s.sameAsPlain(t, found, table)
	if read := steps(spent); found.Collection.KnownFiles != 3 || found.Collection.KnownRows != 30 || len(read) != 0 {
		t.Errorf("with nothing new %d files and %d rows were known, and read was %v; want 3, 30 and nothing", found.Collection.KnownFiles, found.Collection.KnownRows, read)
	}
	size := s.addDay(t, "2026-11-06", "2026-11-07")
	_, name, _ := strings.Cut(table, ".default.")
	create(t, db, "CALL features.system.sync_partition_metadata('default', '"+name+"', 'FULL')")
	found, spent = s.aNight(t, dir, table)
	s.sameAsPlain(t, found, table)
	if read := steps(spent); found.Collection.KnownFiles != 3 || read["profile"] == 0 || read["profile"] > size || found.Collection.Keys.RepeatedKeys != 10 {
		t.Errorf("%d files were known, the profile read %d bytes, and %d keys repeat; want 3, those of the new file (%d), and 10", found.Collection.KnownFiles, read["profile"],
			found.Collection.Keys.RepeatedKeys, size)
	}
}

// TestAColumnThatNoRoleReadsChangesNothing: a file with a column more comes, and of those that are known no row is read for it.
func TestAColumnThatNoRoleReadsChangesNothing(t *testing.T) {
	s := newStore(t, days+"-- late/b.parquet --\n    "+plainColumns+" | note text\n10x late-{i} | {i} | 2026-11-09T03:00:00Z +97s | 2026-11-09T03:01:00Z +97s | 1.00 | new\n")
	db := openDatabase(t)
	table, dir := s.declare(db, "features", "timestamp", true), filepath.Join(t.TempDir(), "facts")
	s.aNight(t, dir, table)
	if err := os.Rename(filepath.Join(s.dir, "late", "b.parquet"), filepath.Join(s.dir, "data", "dt=2026-11-09", "b.parquet")); err != nil {
		t.Fatal(err)
	}
	create(t, db, "ALTER TABLE "+table+" ADD COLUMN note varchar")
	found, _ := s.aNight(t, dir, table)
	s.sameAsPlain(t, found, table)
	if rows, unread := rowsOf(found); found.Collection.KnownFiles != 3 || rows != 40 || len(unread) != 0 {
		t.Errorf("%d files were known, of %d rows, unread %q; failures %+v; want 3 of 40", found.Collection.KnownFiles, rows, unread, found.Failures)
	}
}

// TestANightSeesWhatTheTableShows: a file that the table shows no more, and one that the view's path does not list, are told as without facts.
func TestANightSeesWhatTheTableShows(t *testing.T) {
	s, db := newStore(t, days), openDatabase(t)
	table, dir := s.declare(db, "features", "timestamp", true), filepath.Join(t.TempDir(), "facts")
	s.aNight(t, dir, table)
	s.addDay(t, "2026-11-06", "2026-11-07")
	path := filepath.Join(s.dir, "data", "dt=2026-11-07")
	if err := os.Rename(filepath.Join(s.dir, "data", "dt=2026-11-06", "b.parquet"), filepath.Join(path, "b.pq")); err != nil {
		t.Fatal(err)
	}
	found, _ := s.aNight(t, dir, table)
	s.sameAsPlain(t, found, table)
	if len(found.Failures) != 1 || !strings.Contains(found.Failures[0].Reason, "has 1 files that the view's path") {
		t.Errorf("failures %+v, want one for the file that the path does not list", found.Failures)
	}
	if err := os.Remove(filepath.Join(path, "b.pq")); err != nil {
		t.Fatal(err)
	}
	// the same table, whose partitions nobody registered
	var text string
	if err := db.QueryRowContext(t.Context(), "SHOW CREATE TABLE "+table).Scan(&text); err != nil {
		t.Fatal(err)
	}
	create(t, db, "DROP TABLE "+table, text)
	found, _ = s.aNight(t, dir, table)
	s.sameAsPlain(t, found, table)
	if len(found.Collection.Unread) != 3 {
		t.Errorf("%d files are named that the table does not show, want 3", len(found.Collection.Unread))
	}
}

// TestFactsOfEnginesDoNotMix: what DuckDB counted is not known to Trino, nor the other way round.
func TestFactsOfEnginesDoNotMix(t *testing.T) {
	s, db := newStore(t, days), openDatabase(t)
	table, dir := s.declare(db, "features", "timestamp", true), filepath.Join(t.TempDir(), "facts")
	b := newBoth(t)
	look := func(byTrino bool) int64 {
		if err := kept.Prepare(dir, time.Now()); err != nil {
			t.Fatal(err)
		}
		open, err := kept.Open(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		defer open.Close()
		var collector engine.Collector
		duck := b.duck
		if duck.Kept = open; !byTrino {
			collector = duck
		} else {
			collector = trino.Collector{Cluster: b.cluster.Cluster, Store: local.New(), Facts: trino.Facts{Kept: open}}
		}
		found := s.lookedBy(collector, table)
		if err := open.Commit(kept.Note{}); err != nil {
			t.Fatal(err)
		}
		return found.Collection.KnownFiles
	}
	for i, step := range []struct {
		byTrino bool
		known   int64
	}{{false, 0}, {true, 0}, {false, 3}, {true, 3}} {
		if known := look(step.byTrino); known != step.known {
			t.Errorf("look %d (by Trino: %v) knew %d files, want %d", i+1, step.byTrino, known, step.known)
		}
	}
}

// TestDamagedAnswersAreNotUsed flips a byte of each table of a pack: the look is that of a run without facts.
func TestDamagedAnswersAreNotUsed(t *testing.T) {
	s, db := newStore(t, days), openDatabase(t)
	table, dir := s.declare(db, "features", "timestamp", true), filepath.Join(t.TempDir(), "facts")
	s.aNight(t, dir, table)
	for _, name := range []string{"answers", "slices", "covered", "files"} {
		packs, err := filepath.Glob(filepath.Join(dir, "packs", "*", name+".parquet"))
		if err != nil || len(packs) == 0 {
			t.Fatalf("no pack has %s: %v", name, err)
		}
		path := packs[len(packs)-1]
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		raw[len(raw)/2] ^= 1
		if err := os.WriteFile(path, raw, fs.FileMode(0o600)); err != nil {
			t.Fatal(err)
		}
		found, _ := s.aNight(t, dir, table)
		s.sameAsPlain(t, found, table)
		if found.Collection.KnownFiles != 0 {
			t.Errorf("with a damaged table of %s %d files were known, want none", name, found.Collection.KnownFiles)
		}
		if found, _ = s.aNight(t, dir, table); found.Collection.KnownFiles != 3 {
			t.Errorf("a night after a damaged table of %s %d files were known, want 3", name, found.Collection.KnownFiles)
		}
	}
}
