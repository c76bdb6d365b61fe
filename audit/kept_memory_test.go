package audit_test

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/featureaudit/featureaudit/audit/kept"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/times"
)

// TestAMemoryThatLostAPack takes one pack of looks away at a time, as a rule of a bucket does that deletes what is old: no file is taken
// for new that a lost pack knew.
func TestAMemoryThatLostAPack(t *testing.T) {
	for lost := range 3 {
		n := newNights(t)
		n.look(6, 12)
		n.write(6, "a", 10)
		n.look(7, 12)
		n.write(7, "a", 10)
		n.look(8, 12)
		packs, err := filepath.Glob(filepath.Join(n.folder, "looks", "*"))
		if err != nil || len(packs) != 3 {
			t.Fatalf("%d packs of looks, %v; want 3", len(packs), err)
		}
		if err := os.RemoveAll(packs[lost]); err != nil {
			t.Fatal(err)
		}
		r := n.look(8, 12)
		if len(r.Findings) > 0 {
			t.Errorf("without pack %d: %s: %s", lost, r.Outcome, r.Message)
		}
		if named := filepath.Base(packs[lost]); lost < 2 && (r.Outcome != report.NotApplicable || !strings.Contains(r.Reason, "the pack "+named+", which it adds to, is gone")) {
			t.Errorf("without pack %d: %s, %q; want its name", lost, r.Outcome, r.Reason)
		}
		n.write(3, "a", 4)
		if lost < 2 {
			n.expect("the night after", n.look(8, 12), report.Warn, 1, 7, "dt=2026-11-03 1 file is changed: 4 rows where there were 10; first seen as of 2026-11-08T12:00:00Z")
		}
	}
}

// TestAMemoryThatIsPutTogetherMeanwhile has a run open the folder before another puts all packs of looks into one, and remember what it
// saw after that: nothing is lost, and nothing is called damaged.
func TestAMemoryThatIsPutTogetherMeanwhile(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "facts")
	if err := kept.Prepare(folder, time.Now()); err != nil {
		t.Fatal(err)
	}
	open := func() *kept.Dir {
		t.Helper()
		d, err := kept.Open(t.Context(), folder)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	look := func(d *kept.Dir, view string, at int) {
		t.Helper()
		d.Looks().Remember(view, times.Instant(at), []kept.Seen{{Path: view, Size: int64(at)}}, nil)
		if err := d.Looks().Commit("test", times.Instant(at)); err != nil {
			t.Fatal(err)
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
	}
	at := 0
	var slow []*kept.Dir
	for round := range 3 {
		for range 23 {
			at++
			look(open(), "v", at)
		}
		slow = append(slow, open())
		for range 3 { // one of them puts all together
			at++
			look(open(), "w", at)
		}
		if packs, err := filepath.Glob(filepath.Join(folder, "looks", "*")); err != nil || len(packs) > 24 {
			t.Fatalf("round %d: %d packs, %v", round, len(packs), err)
		}
	}
	for i, d := range slow { // those that began long ago end now
		look(d, "slow"+string(rune('a'+i)), at)
	}
	d := open()
	defer d.Close()
	for _, view := range []string{"v", "w", "slowa", "slowb", "slowc"} {
		if known, err := d.Looks().Known(view); err != nil || len(known.Files) != 1 {
			t.Errorf("view %s: %d files, %v; want 1", view, len(known.Files), err)
		}
	}
	if len(d.NotUsed()) > 0 {
		t.Errorf("not used: %q", d.NotUsed())
	}
}

// TestASourceOfItsOwnPathIsNoRewrite gives a source files of its own in the definition: they come to the view, and nobody rewrote anything.
func TestASourceOfItsOwnPathIsNoRewrite(t *testing.T) {
	n := newNights(t)
	n.view.Path = "dt=*/a.parquet"
	n.look(6, 12)
	n.write(2, "b", 5)
	n.view.Sources = []model.SourcePolicy{{Name: "late", Path: "dt=*/b.parquet"}}
	if r := n.look(6, 12); r.Outcome != report.NotApplicable {
		t.Errorf("the first look with another definition: %s: %s %v", r.Outcome, r.Message, r.Findings)
	}
	n.write(3, "b", 5)
	n.expect("the next", n.look(6, 12), report.Warn, 1, 5, "dt=2026-11-03 1 file is new: 15 rows where there were 10; first seen as of 2026-11-06T12:00:00Z")
}

// TestAListAloneIsAPack has a view's path written in another way, with every file known: the new pack holds a list and no file, and the runs
// after it know all still.
func TestAListAloneIsAPack(t *testing.T) {
	db := openEngine(t)
	w := keptWorld(t, db)
	w.views[0].Path = "*/*.parquet"
	w.sameWith("another path of the same files", keptDays)
	w.sameWith("the next run", keptDays)
	w.views[0].Path = "**/*.parquet"
	w.sameWith("the first path again", keptDays)
	if packs, err := filepath.Glob(filepath.Join(w.facts, "packs", "*")); err != nil || len(packs) != 2 || w.notUsed > 0 {
		t.Errorf("%d packs, %v, of which %d were not used; want 2", len(packs), err, w.notUsed)
	}
	if _, err := kept.Local(w.facts).Prune(t.Context(), time.Now().Add(-time.Hour), time.Now(), "test"); err != nil {
		t.Fatal(err)
	}
	w.sameWith("after pruning", keptDays)
}

// TestTheMemoryOfAnotherRelease lets a future release remember something in the same folder: it is left as it is, and ours goes on beside it.
func TestTheMemoryOfAnotherRelease(t *testing.T) {
	n := newNights(t)
	n.look(6, 12)
	packs, err := filepath.Glob(filepath.Join(n.folder, "looks", "*", "manifest.json"))
	if err != nil || len(packs) != 1 {
		t.Fatalf("%d packs of looks, %v; want 1", len(packs), err)
	}
	raw, err := os.ReadFile(packs[0])
	if err != nil {
		t.Fatal(err)
	}
	var sealed struct{ Manifest json.RawMessage }
	if err := json.Unmarshal(raw, &sealed); err != nil {
		t.Fatal(err)
	}
	future := strings.Replace(string(sealed.Manifest), kept.Format, kept.Format+"9", 1)
	theirs := filepath.Join(n.folder, "looks", "000009-0a0b0c0d")
	text := fmt.Sprintf(`{"manifest":%s,"digest":"sha256:%x"}`, future, sha256.Sum256([]byte(future)))
	if err := errors.Join(os.Mkdir(theirs, 0o700), os.WriteFile(filepath.Join(theirs, "manifest.json"), []byte(text), 0o600)); err != nil {
		t.Fatal(err)
	}
	n.write(2, "a", 4)
	n.expect("beside another release", n.look(6, 12), report.Warn, 1, 5, "dt=2026-11-02 1 file is changed: 4 rows where there were 10; first seen as of 2026-11-06T12:00:00Z")
	for hour := range 30 { // packs are put together meanwhile
		n.write(1, "a", 11+hour)
		n.look(7+hour/24, hour%24)
	}
	if _, err := os.Stat(theirs); err != nil {
		t.Errorf("what another release wrote is gone: %v", err)
	}
}

// TestAMovedConfigRemembers names the same files from another folder.
func TestAMovedConfigRemembers(t *testing.T) {
	n := newNights(t)
	n.look(6, 12)
	n.view.Root, n.view.Path = filepath.Join(n.dir, "conf"), "../**/*.parquet"
	n.write(2, "a", 4)
	n.expect("from another folder", n.look(6, 12), report.Warn, 1, 5, "dt=2026-11-02 1 file is changed: 4 rows where there were 10; first seen as of 2026-11-06T12:00:00Z")
}
