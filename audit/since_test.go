package audit_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/featureaudit/featureaudit/audit"
	"github.com/featureaudit/featureaudit/audit/kept"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/fixtures"
)

// nights is a store of daily partitions that is looked at night after night with one folder of facts.
type nights struct {
	t           *testing.T
	dir, folder string
	view        model.View
	from, to    string
}

func newNights(t *testing.T) *nights {
	t.Helper()
	n := &nights{t: t, dir: t.TempDir(), folder: filepath.Join(t.TempDir(), "facts")}
	n.view = model.View{Name: "v", Root: n.dir, Path: "**/*.parquet", EventTime: model.TimeColumn{Column: "event_time"},
		TimePartition: model.TimePartition{Columns: []string{"dt"}, Grain: model.GrainDay, Of: model.OfEventTime, CompleteAfter: 6 * time.Hour}}
	for day := 1; day <= 5; day++ {
		n.write(day, "a", 10)
	}
	return n
}

func (n *nights) path(day int, name string) string {
	return filepath.Join(n.dir, fmt.Sprintf("dt=2026-11-%02d", day), name+".parquet")
}

// write puts a file with so many rows in the partition of a day of November.
func (n *nights) write(day int, name string, rows int) {
	n.t.Helper()
	if err := os.MkdirAll(filepath.Dir(n.path(day, name)), 0o755); err != nil {
		n.t.Fatal(err)
	}
	times := make([]any, rows)
	for i := range times {
		times[i] = time.Date(2026, 11, day, 1, 0, i, 0, time.UTC)
	}
	writeFile(n.t, n.path(day, name), fixtures.Options{}, columnOf("event_time", fixtures.AwareType, times...))
}

// look audits as of an hour of a day, and gives the result of rewritten-partitions.
func (n *nights) look(day, hour int) report.Result {
	n.t.Helper()
	return resultOf(n.t, n.audit(day, hour), "rewritten-partitions")
}

func (n *nights) audit(day, hour int) report.Report {
	n.t.Helper()
	if err := kept.Prepare(n.folder, time.Now()); err != nil {
		n.t.Fatal(err)
	}
	dir, err := kept.Open(n.t.Context(), n.folder)
	if err != nil {
		n.t.Fatal(err)
	}
	done, err := audit.Run(n.t.Context(), audit.Options{Views: []model.View{n.view}, AsOf: time.Date(2026, 11, day, hour, 0, 0, 0, time.UTC), AsOfGiven: true,
		RangeFrom: n.from, RangeTo: n.to, Threads: 2, TempDir: n.t.TempDir(), Adapters: realAdapters(), Log: zerolog.Nop(), Facts: dir})
	if err != nil || done.FactsErr != nil {
		n.t.Fatal(err, done.FactsErr)
	}
	if err := dir.Close(); err != nil {
		n.t.Fatal(err)
	}
	return done.Report
}

// expect holds a result to its outcome, its counts and the message of each finding.
func (n *nights) expect(what string, r report.Result, outcome report.Outcome, bad, total int64, messages ...string) {
	n.t.Helper()
	if r.Outcome != outcome || r.RowsBad != bad || r.RowsTotal != total {
		n.t.Errorf("%s: %s, %d of %d; want %s, %d of %d (%s)", what, r.Outcome, r.RowsBad, r.RowsTotal, outcome, bad, total, r.Message)
	}
	var got []string
	for _, f := range r.Findings {
		got = append(got, f.Subject.Partition+" "+f.Message)
	}
	if strings.Join(got, "\n") != strings.Join(messages, "\n") {
		n.t.Errorf("%s: findings\n%s\nwant\n%s", what, strings.Join(got, "\n"), strings.Join(messages, "\n"))
	}
}

func TestRewrittenPartitions(t *testing.T) {
	n := newNights(t)
	n.expect("the first night", n.look(6, 12), report.NotApplicable, 0, 0)
	n.expect("a night without change", n.look(6, 12), report.Pass, 0, 5)
	n.write(6, "a", 10)
	n.expect("a new partition", n.look(7, 12), report.Pass, 0, 5)

	n.write(2, "a", 4)
	n.write(3, "late", 7)
	if err := os.RemoveAll(filepath.Dir(n.path(4, "a"))); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	if err := os.Chtimes(n.path(5, "a"), now, now); err != nil { // touched, and the same
		t.Fatal(err)
	}
	n.write(7, "a", 10)
	want := []string{
		"dt=2026-11-02 1 file is changed: 4 rows where there were 10; first seen as of 2026-11-08T12:00:00Z",
		"dt=2026-11-03 1 file is new: 17 rows where there were 10; first seen as of 2026-11-08T12:00:00Z",
		"dt=2026-11-04 1 file is gone: 0 rows where there were 10; first seen as of 2026-11-08T12:00:00Z",
	}
	n.expect("a stray backfill", n.look(8, 12), report.Warn, 3, 6, want...)
	n.expect("the same run again", n.look(8, 12), report.Warn, 3, 7, want...)
	n.write(8, "a", 10)
	n.expect("the next night", n.look(9, 12), report.Warn, 3, 7, want...)
	n.expect("a run that looks back at the first night", n.look(6, 12), report.Pass, 0, 4)
	n.expect("six days later", n.look(14, 12), report.Warn, 3, 8, want...)
	n.expect("a week later", n.look(15, 12), report.Pass, 0, 7)
}

// TestOpenPartitionsAreNotRewritten has late files come before the partition is complete, and after.
func TestOpenPartitionsAreNotRewritten(t *testing.T) {
	n := newNights(t)
	n.look(6, 5) // the fifth is complete at six
	n.write(5, "late", 3)
	n.expect("a file that came in time", n.look(6, 7), report.Pass, 0, 4)
	n.write(5, "later", 2)
	n.expect("a file that came too late", n.look(6, 8), report.Warn, 1, 5, "dt=2026-11-05 1 file is new: 15 rows where there were 13; first seen as of 2026-11-06T08:00:00Z")
}

// TestRewritesByDesign has a writer that rewrites its last three days each night.
func TestRewritesByDesign(t *testing.T) {
	n := newNights(t)
	n.view.Rewrites = 3 * 24 * time.Hour
	n.look(6, 12)
	n.write(2, "a", 9) // its partition ended three and a half days before
	n.write(3, "a", 9)
	r := n.look(6, 12)
	n.expect("two days of which one is by design", r, report.Warn, 1, 5, "dt=2026-11-02 1 file is changed: 9 rows where there were 10; first seen as of 2026-11-06T12:00:00Z")
	if r.Measures["by_design"] != int64(1) || r.Measures["rows_before"] != int64(10) || r.Measures["rows_after"] != int64(9) || !r.Advisory {
		t.Errorf("measures are %v, advisory %v", r.Measures, r.Advisory)
	}
}

// TestTwoChangesOfOneNight has a run made again after more was changed: both are told of, from the rows before the first.
func TestTwoChangesOfOneNight(t *testing.T) {
	n := newNights(t)
	n.look(6, 12)
	n.write(2, "a", 9)
	n.look(6, 12)
	n.write(2, "a", 7)
	n.write(2, "b", 1)
	n.expect("a run made again", n.look(6, 12), report.Warn, 1, 5, "dt=2026-11-02 2 files are changed, 1 file is new: 8 rows where there were 10; first seen as of 2026-11-06T12:00:00Z")
}

// TestRewrittenWithinARange judges the partitions of the range alone, and remembers all.
func TestRewrittenWithinARange(t *testing.T) {
	n := newNights(t)
	n.look(6, 12)
	n.write(2, "a", 9)
	n.write(4, "a", 9)
	n.from, n.to = "2026-11-04", "2026-11-05"
	n.expect("a range", n.look(6, 12), report.Warn, 1, 2, "dt=2026-11-04 1 file is changed: 9 rows where there were 10; first seen as of 2026-11-06T12:00:00Z")
	n.from, n.to = "", ""
	if r := n.look(6, 12); r.RowsBad != 2 {
		t.Errorf("%d partitions are rewritten, want the 2 that changed: %s", r.RowsBad, r.Message)
	}
}

// TestGoneWithinARange judges a partition of the range that is gone altogether, also where no calendar asks for it, and none beside the range.
func TestGoneWithinARange(t *testing.T) {
	for _, expected := range []model.Expected{model.ExpectAll, model.ExpectWeekdays, model.ExpectAny} {
		n := newNights(t)
		n.view.TimePartition.Expected = expected
		n.look(6, 12)
		for _, day := range []int{1, 3, 5} {
			if err := os.RemoveAll(filepath.Dir(n.path(day, "a"))); err != nil {
				t.Fatal(err)
			}
		}
		for _, test := range []struct {
			from, to   string
			bad, total int64
			messages   []string
		}{
			{"2026-11-02", "2026-11-04", 1, 3, []string{"dt=2026-11-03 1 file is gone: 0 rows where there were 10; first seen as of 2026-11-06T12:00:00Z"}},
			{"2026-11-05", "2026-11-05", 1, 1, []string{"dt=2026-11-05 1 file is gone: 0 rows where there were 10; first seen as of 2026-11-06T12:00:00Z"}},
			{"2026-11-02", "2026-11-02", 0, 1, nil},
		} {
			n.from, n.to = test.from, test.to
			outcome := report.Warn
			if test.bad == 0 {
				outcome = report.Pass
			}
			n.expect(fmt.Sprintf("%s, range %s..%s", expected, test.from, test.to), n.look(6, 12), outcome, test.bad, test.total, test.messages...)
		}
	}
}

// TestTouchedAndCompacted looks at files that were only touched, copied with a new time or moved to another partition's folder of the same
// day, and at a compaction, which this check cannot tell from a rewrite, and says so by the rows.
func TestTouchedAndCompacted(t *testing.T) {
	n := newNights(t)
	n.write(2, "b", 5)
	n.look(6, 12)
	for day := 1; day <= 5; day++ {
		now := time.Now().Add(time.Duration(day) * time.Second)
		if err := os.Chtimes(n.path(day, "a"), now, now); err != nil {
			t.Fatal(err)
		}
	}
	n.write(3, "a", 10) // the same rows once more, under a new time
	n.expect("touched", n.look(6, 12), report.Pass, 0, 5)
	if err := errors.Join(os.Remove(n.path(2, "a")), os.Remove(n.path(2, "b"))); err != nil {
		t.Fatal(err)
	}
	n.write(2, "whole", 15)
	n.expect("compacted", n.look(6, 12), report.Warn, 1, 5,
		"dt=2026-11-02 2 files are gone, 1 file is new: 15 rows, as many as before; first seen as of 2026-11-06T12:00:00Z")
}

// TestRewritesAtItsBorder has a partition that ended exactly so long before as rewrites says, and a microsecond longer.
func TestRewritesAtItsBorder(t *testing.T) {
	for _, test := range []struct {
		rewrites time.Duration
		bad      int64
	}{{108*time.Hour + time.Microsecond, 0}, {108 * time.Hour, 1}, {107 * time.Hour, 1}} {
		n := newNights(t)
		n.view.Rewrites = test.rewrites
		n.look(6, 12)
		n.write(1, "a", 9) // its partition ended 108 hours before
		if r := n.look(6, 12); r.RowsBad != test.bad || r.Measures["by_design"] != 1-test.bad {
			t.Errorf("rewrites %v: %d are told of and %v are by design, want %d and %d", test.rewrites, r.RowsBad, r.Measures["by_design"], test.bad, 1-test.bad)
		}
	}
}

// TestThinPartitionSaysWhatItHad tells a gutted partition from one that was never whole.
func TestThinPartitionSaysWhatItHad(t *testing.T) {
	n := newNights(t)
	for day := 1; day <= 8; day++ {
		n.write(day, "a", 30)
	}
	n.write(9, "a", 20)
	n.look(10, 12)
	n.write(9, "a", 1)
	r := resultOf(t, n.audit(10, 12), "thin-partitions")
	want := "1 row, where the median of 8 earlier partitions is 30; it had 20 when it was looked at before"
	if r.RowsBad != 1 || r.Findings[0].Message != want || r.Findings[0].Measures["since_rows"] != int64(20) {
		t.Errorf("%d thin, %+v; want %q", r.RowsBad, r.Findings, want)
	}
}

// TestDamagedMemory never takes what is lost for a change, and begins anew.
func TestDamagedMemory(t *testing.T) {
	n := newNights(t)
	n.look(6, 12)
	n.write(2, "a", 9)
	packs, err := filepath.Glob(filepath.Join(n.folder, "looks", "*", "seen.parquet"))
	if err != nil || len(packs) != 1 {
		t.Fatalf("%d packs of looks, %v; want 1", len(packs), err)
	}
	raw, err := os.ReadFile(packs[0])
	if err != nil {
		t.Fatal(err)
	}
	raw[len(raw)/2] ^= 1
	if err := os.WriteFile(packs[0], raw, 0o600); err != nil {
		t.Fatal(err)
	}
	if r := n.look(6, 12); r.Outcome != report.NotApplicable || !strings.Contains(r.Reason, "cannot be read") {
		t.Errorf("a damaged memory: %s %q", r.Outcome, r.Reason)
	}
	n.expect("the run after it", n.look(6, 12), report.Pass, 0, 5)
}

// TestManyNightsAreOnePack lives through more nights than packs are kept apart.
func TestManyNightsAreOnePack(t *testing.T) {
	n := newNights(t)
	for hour := range 30 {
		n.write(1, "a", 11+hour)
		n.look(6+hour/24, hour%24)
	}
	n.expect("the last", n.look(7, 6), report.Warn, 1, 5, "dt=2026-11-01 29 files are changed: 40 rows where there were 11; first seen as of 2026-11-06T01:00:00Z")
	packs, err := filepath.Glob(filepath.Join(n.folder, "looks", "*"))
	if err != nil || len(packs) > 26 {
		t.Errorf("%d packs of looks after 31 nights, %v", len(packs), err)
	}
}

// TestPartitionsThatCameAfterAreNotRewritten has a pipeline that was two days behind at the last look, and a look from far ahead: what came after
// the newest partition is new, and what was there before is still compared.
func TestPartitionsThatCameAfterAreNotRewritten(t *testing.T) {
	n := newNights(t)
	n.expect("two days behind", n.look(8, 12), report.NotApplicable, 0, 0)
	for day := 6; day <= 8; day++ {
		n.write(day, "a", 10)
	}
	n.expect("the days that were late", n.look(9, 12), report.Pass, 0, 5)
	n.look(30, 12) // by mistake
	n.write(9, "a", 10)
	n.write(10, "a", 10)
	n.expect("after a look from far ahead", n.look(11, 12), report.Pass, 0, 8)
	n.write(10, "late", 5)
	n.expect("a late file", n.look(12, 12), report.Warn, 1, 10, "dt=2026-11-10 1 file is new: 15 rows where there were 10; first seen as of 2026-11-12T12:00:00Z")
}
