package history_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/featureaudit/featureaudit/audit/engine/duckdb"
	"github.com/featureaudit/featureaudit/audit/history"
	"github.com/featureaudit/featureaudit/audit/report"
)

var first = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

// night is the report of the n-th night: one view with one check that finds so many rows in each partition.
func night(n int, outcome report.Outcome, found map[string]int64) report.Report {
	asOf := first.AddDate(0, 0, n)
	age := 3600.0
	r := report.Report{Schema: report.Schema, AsOf: asOf.Format(time.RFC3339), Status: report.Complete, ConfigDigest: "sha256:c", Catalogue: []string{"null-keys"},
		Views:     []report.View{{Name: "v", Project: "p", Owner: "o", Outcome: outcome, Files: 3, Rows: int64(100 + n), Bytes: 7, AgeSeconds: &age}},
		Execution: report.Execution{FinishedAt: asOf.Add(time.Minute).Format(time.RFC3339)}}
	res := report.Result{Check: "null-keys", View: "v", Owner: "o", Outcome: outcome, Severity: report.SeverityError, Evidence: report.Certain, Unit: "rows", RowsTotal: 1000,
		Measures: map[string]any{"null_keys": int64(n)}}
	for _, name := range slices.Sorted(maps.Keys(found)) {
		f := report.Finding{Subject: report.Subject{Partition: name}, RowsTotal: 50, RowsBad: found[name], Fingerprint: "fp-" + name, Message: "m"}
		res.Every = append(res.Every, f)
		if len(res.Findings) < 20 {
			res.Findings = append(res.Findings, f)
		}
		if res.Fingerprints == nil {
			res.Fingerprints = map[string]int64{}
		}
		res.Fingerprints[f.Fingerprint] = f.RowsBad
		res.RowsBad += f.RowsBad
		res.FindingsTotal++
	}
	r.Results = []report.Result{res}
	r.Summary = r.Summarise()
	return r
}

func keep(t *testing.T, dir string, r report.Report) {
	t.Helper()
	rows, err := history.Rows(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := history.Write(context.Background(), dir, rows, time.Now()); err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, dir string) *history.Past {
	t.Helper()
	past, err := history.Open(context.Background(), dir)
	if err != nil {
		t.Fatal(err)
	}
	return past
}

// compared is a report held against a history; it must still be one that the strict parse takes.
func compared(t *testing.T, dir string, r report.Report) report.Result {
	t.Helper()
	told, err := open(t, dir).Compare(r)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := told.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := report.Parse(raw); err != nil {
		t.Fatal(err)
	}
	return told.Results[0]
}

// query asks DuckDB, which knows nothing of this package.
func query(t *testing.T, sql string) []string {
	t.Helper()
	db, err := duckdb.Open(duckdb.Config{Threads: 1, MemoryLimit: 256 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var lines []string
	err = db.Select(context.Background(), "SELECT COLUMNS(*)::VARCHAR FROM ("+sql+")", func(row []*string) bool {
		cells := make([]string, len(row))
		for i, cell := range row {
			cells[i] = "NULL"
			if cell != nil {
				cells[i] = *cell
			}
		}
		lines = append(lines, strings.Join(cells, "|"))
		return true
	})
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return lines
}

func files(t *testing.T, dir string) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // nobody has written yet, or a file was renamed meanwhile
		}
		if err == nil && !d.IsDir() {
			name, _ := filepath.Rel(dir, path) // it lies below
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestAnotherEngineReadsTheHistory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "o'brien [x] ünï", "h")
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	many := map[string]int64{}
	for i := range 30 {
		many[fmt.Sprintf("dt=%02d", i)] = int64(i + 1)
	}
	keep(t, dir, night(0, report.Fail, many))
	keep(t, dir, night(1, report.Pass, nil))
	keep(t, dir, night(2, report.Fail, map[string]int64{"dt='; DROP TABLE x; --\x00\u202e\n": 5}))
	from := "FROM read_parquet('" + strings.NewReplacer("'", "''", "[", "[[]").Replace(dir) + "/**')"
	if got, want := query(t, "SELECT kind, count(*), sum(rows_bad) "+from+" GROUP BY kind ORDER BY kind"), []string{"finding|31|470", "result|3|470"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := query(t, "SELECT date, view, check_id, outcome, findings, view_rows, looked, strftime(as_of AT TIME ZONE 'UTC', '%H:%M'), project, owner, measures "+from+
		" WHERE kind = 'result' AND date >= DATE '2026-11-02' ORDER BY date"),
		[]string{`2026-11-02|v|null-keys|pass|0|101|true|00:00|p|o|{"null_keys":1}`, `2026-11-03|v|null-keys|fail|1|102|true|00:00|p|o|{"null_keys":2}`}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := query(t, "SELECT fingerprint, \"partition\", rows_bad, rows_total, suppressed, subject_known "+from+" WHERE kind = 'finding' AND date = DATE '2026-11-01' ORDER BY rows_bad DESC LIMIT 2"),
		[]string{"fp-dt=29|dt=29|30|50|false|true", "fp-dt=28|dt=28|29|50|false|true"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestRerunTakesThePlaceOfItsPredecessor(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "h")
	keep(t, dir, night(0, report.Fail, map[string]int64{"a": 1, "b": 2}))
	keep(t, dir, night(0, report.Fail, map[string]int64{"a": 7}))
	other := night(0, report.Fail, map[string]int64{"c": 9})
	other.ConfigDigest = "sha256:other"
	keep(t, dir, other)
	part := night(0, report.Fail, map[string]int64{"a": 7})
	part.Selection.Views = []string{"v"}
	keep(t, dir, part)
	if got, want := query(t, "SELECT count(DISTINCT run), list(rows_bad ORDER BY rows_bad)::VARCHAR FROM read_parquet('"+dir+"/**') WHERE kind = 'finding'"),
		[]string{"3|[7, 7, 9]"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestFindingsThroughTime(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "h")
	at := func(n int) string { return first.AddDate(0, 0, n).Format(time.RFC3339) }
	nights := []struct {
		outcome report.Outcome
		found   map[string]int64
		state   report.State
		since   string
		states  report.States
		// findings are "partition state since seen last".
		findings []string
		resolved []string
	}{
		{report.Fail, map[string]int64{"a": 5, "b": 5}, report.StateNew, at(0), report.States{New: 2}, []string{"a new 0 1 []", "b new 0 1 []"}, nil},
		{report.Fail, map[string]int64{"a": 5, "b": 6, "c": 1}, report.StateNew, at(0), report.States{New: 1, Worse: 1, Continuing: 1},
			[]string{"a continuing 0 2 [5]", "b worse 0 2 [5]", "c new 1 1 [0]"}, nil},
		{report.Error, nil, report.StateNew, at(2), report.States{}, nil, nil}, // nobody could look: nothing is resolved
		{report.Fail, map[string]int64{"b": 2}, report.StateBetter, at(0), report.States{Better: 1, Resolved: 2}, []string{"b better 0 3 [5 6]"}, []string{"a 5 0..1 seen 2", "c 1 1..1 seen 1"}},
		{report.Pass, nil, report.StateResolved, at(4), report.States{Resolved: 1}, nil, []string{"b 2 0..3 seen 3"}},
		{report.Pass, nil, "", "", report.States{}, nil, nil},
		{report.Fail, map[string]int64{"b": 9}, report.StateNew, at(6), report.States{New: 1}, []string{"b new 6 4 [5 6 2 0 0]"}, nil},
		{report.NotApplicable, nil, "", "", report.States{}, nil, nil},
		{report.Fail, map[string]int64{"b": 9}, report.StateContinuing, at(6), report.States{Continuing: 1}, []string{"b continuing 6 5 [5 6 2 0 0 9]"}, nil},
	}
	day := func(instant string) int {
		parsed, err := time.Parse(time.RFC3339, instant)
		if err != nil {
			t.Fatal(err)
		}
		return int(parsed.Sub(first).Hours() / 24)
	}
	for n, want := range nights {
		r := night(n, want.outcome, want.found)
		res := compared(t, dir, r)
		states := report.States{}
		if res.States != nil {
			states = *res.States
		}
		if res.State != want.state || res.Since != want.since || states != want.states {
			t.Errorf("night %d: %q since %s %+v, want %q since %s %+v", n, res.State, res.Since, states, want.state, want.since, want.states)
		}
		var findings, resolved []string
		for _, f := range res.Findings {
			findings = append(findings, fmt.Sprintf("%s %s %d %d %v", f.Subject.Partition, f.State, day(f.Since), f.Seen, f.LastRowsBad))
		}
		for _, f := range res.Resolved {
			resolved = append(resolved, fmt.Sprintf("%s %d %d..%d seen %d", f.Subject.Partition, f.RowsBad, day(f.Since), day(f.LastSeen), f.Seen))
		}
		if !slices.Equal(findings, want.findings) || !slices.Equal(resolved, want.resolved) {
			t.Errorf("night %d: found %q, resolved %q; want %q, %q", n, findings, resolved, want.findings, want.resolved)
		}
		keep(t, dir, r)
	}
	// an audit of an earlier instant is compared with what was earlier than that alone
	if res := compared(t, dir, night(1, report.Fail, map[string]int64{"a": 4})); res.State != report.StateBetter || res.Findings[0].Seen != 2 || res.States.Resolved != 1 {
		t.Errorf("the second night audited again: %s %+v", res.State, res.States)
	}
	// what another range, project, check or view says is not compared
	for name, change := range map[string]func(r *report.Report){
		"range":   func(r *report.Report) { r.Range = "2026-11-01..2026-11-02" },
		"project": func(r *report.Report) { r.Views[0].Project = "q" },
		"view":    func(r *report.Report) { r.Views[0].Name, r.Results[0].View = "w", "w" },
		"check":   func(r *report.Report) { r.Results[0].Check, r.Catalogue = "null-rows", []string{"null-rows"} },
	} {
		r := night(9, report.Fail, map[string]int64{"b": 9})
		change(&r)
		if res := compared(t, dir, r); res.State != report.StateNew || res.Findings[0].Seen != 1 {
			t.Errorf("another %s: %s, seen %d times", name, res.State, res.Findings[0].Seen)
		}
	}
}

func TestFileThatWasNotReadResolvesNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "h")
	keep(t, dir, night(0, report.Fail, map[string]int64{"a": 5, "b": 5}))
	blind := night(1, report.Fail, map[string]int64{"b": 5})
	blind.Views[0].FilesUnread = 1
	if res := compared(t, dir, blind); res.States.Resolved != 0 {
		t.Errorf("resolved %+v", res.Resolved)
	}
	keep(t, dir, blind)
	res := compared(t, dir, night(2, report.Fail, map[string]int64{"a": 5, "b": 5}))
	if want := (report.States{Continuing: 2}); *res.States != want || res.Findings[0].Since != first.Format(time.RFC3339) {
		t.Errorf("%+v since %s", *res.States, res.Findings[0].Since)
	}
}

func TestSuppressedAndNumberedFindingsHaveNoState(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "h")
	keep(t, dir, night(0, report.Fail, map[string]int64{"a": 5, "b": 5}))
	r := night(1, report.Fail, map[string]int64{"a": 5, "b": 5, "c": 1})
	res := &r.Results[0]
	res.Every[0].Suppressed, res.Findings[0].Suppressed, res.FingerprintsSuppressed, res.FindingsSuppressed = true, true, []string{"fp-a"}, 1
	res.Every[2].FingerprintNote, res.Findings[2].FingerprintNote, res.FindingsUnfollowed = "numbered", "numbered", 1
	delete(res.Fingerprints, "fp-c")
	got := compared(t, dir, r)
	if want := (report.States{Continuing: 1}); *got.States != want || got.Findings[0].State != "" || got.Findings[2].State != "" {
		t.Errorf(`got %+v %+v, want *got.States == %+v && got.Findings[0].State == "" && got.Findings[2].State == ""`, *got.States, got.Findings, want)
	}
	keep(t, dir, r)
	// when the suppression ends, the finding is back: who reads the digest must hear of it
	if got := compared(t, dir, night(2, report.Fail, map[string]int64{"a": 5, "b": 5})); got.Findings[0].State != report.StateNew {
		t.Errorf("a finding that is accepted no more is %s", got.Findings[0].State)
	}
	if got := query(t, "SELECT count(*) FROM read_parquet('"+dir+"/**') WHERE kind = 'finding' AND fingerprint IS NULL"); got[0] != "1" {
		t.Errorf("%s rows of findings that are not followed", got[0])
	}
}

func TestAnotherHashKeyNamesOtherFindings(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "h")
	of := func(n int, key, name string) report.Report {
		r := night(n, report.Fail, map[string]int64{name: 5})
		r.HashKeyID = key
		for _, findings := range [][]report.Finding{r.Results[0].Findings, r.Results[0].Every} {
			findings[0].Subject.Source = "hmac-sha256:" + name
		}
		return r
	}
	keep(t, dir, of(0, "1111111111111111", "x"))
	if res := compared(t, dir, of(1, "1111111111111111", "x")); res.Findings[0].State != report.StateContinuing {
		t.Errorf("with the same key it is %q", res.Findings[0].State)
	}
	res := compared(t, dir, of(1, "2222222222222222", "y"))
	if res.Findings[0].State != "" || res.States != nil {
		t.Errorf("with another key it is %q, %+v", res.Findings[0].State, res.States)
	}
}

func TestFilesThatAreNotTrustedAreNamedAndLeft(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "h")
	for n := range 6 {
		keep(t, dir, night(n, report.Fail, map[string]int64{"a": 5}))
	}
	names := files(t, dir)
	path := func(n int) string { return filepath.Join(dir, names[n]) }
	raw := func(n int) []byte {
		data, err := os.ReadFile(path(n))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	write := func(path string, data []byte) {
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write(path(0), raw(0)[:len(raw(0))-9])
	flipped := raw(1)
	flipped[len(flipped)/3] ^= 1
	write(path(1), flipped)
	write(path(2), bytes.ReplaceAll(raw(2), []byte("featureaudit.history/v1"), []byte("featureaudit.history/v2")))
	write(path(3), nil)
	write(filepath.Join(dir, "date=2026-11-05", "copy of it.parquet"), raw(4))
	write(filepath.Join(dir, "notes.txt"), []byte("PAR1 and nothing else, but that it calls itself featureaudit.history/v1"))
	if err := os.Symlink("nowhere", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	before := map[string][]byte{}
	for _, name := range files(t, dir) {
		before[name], _ = os.ReadFile(filepath.Join(dir, name)) // one is a link to nothing
	}
	told, err := open(t, dir).Compare(night(8, report.Fail, map[string]int64{"a": 5}))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"it is cut or changed", "it is cut or changed", `of version "v2"`, "it is empty", "copied or moved", "a link to nothing", "cut or changed"}
	if len(told.History.NotUsed) != len(want) || told.History.Runs != 2 || told.Results[0].Findings[0].Seen != 3 {
		t.Fatalf("%d runs, seen %d, not used %q", told.History.Runs, told.Results[0].Findings[0].Seen, told.History.NotUsed)
	}
	for i, words := range want {
		if !strings.Contains(told.History.NotUsed[i], words) {
			t.Errorf("%q does not say %q", told.History.NotUsed[i], words)
		}
	}
	rows, err := history.Rows(night(1, report.Pass, nil))
	if err != nil {
		t.Fatal(err)
	}
	if err := history.Write(context.Background(), dir, rows, time.Now()); err == nil || !strings.Contains(err.Error(), "is in the place of this run, and is not replaced") {
		t.Errorf("a corrupt file was replaced: %v", err)
	}
	for name, data := range before {
		if now, _ := os.ReadFile(filepath.Join(dir, name)); !bytes.Equal(now, data) {
			t.Errorf("%s was changed", name)
		}
	}
}

// TestNoByteOfAFileCanChangeUnnoticed flips each byte of a small file, one after the other.
func TestNoByteOfAFileCanChangeUnnoticed(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "h")
	keep(t, dir, night(0, report.Fail, map[string]int64{"a": 5}))
	path := filepath.Join(dir, files(t, dir)[0])
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range good {
		bad := slices.Clone(good)
		bad[i] ^= byte(1 + rand.IntN(255))
		if err := os.WriteFile(path, bad, 0o644); err != nil {
			t.Fatal(err)
		}
		if past := open(t, dir); len(past.NotUsed) != 1 {
			t.Fatalf("byte %d of %d changed unnoticed", i, len(good))
		}
	}
}

func TestTwoRunsAtOnceLoseNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "h")
	var group sync.WaitGroup
	for n := range 40 {
		group.Go(func() {
			rows, err := history.Rows(night(n%20, report.Fail, map[string]int64{"a": 5, "b": 1})) // each night twice
			if err == nil {
				err = history.Write(context.Background(), dir, rows, time.Now())
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if got := query(t, "SELECT count(*), count(DISTINCT date), sum(rows_bad) FROM read_parquet('"+dir+"/**') WHERE kind = 'finding'"); got[0] != "40|20|120" {
		t.Errorf("got %s, want 40 findings of 20 nights, 120 rows", got[0])
	}
	if left := files(t, filepath.Dir(dir)); len(left) != 20 {
		t.Errorf("got %q, want len(left) == 20", left)
	}
}

// TestKilledWriterLeavesWholeFiles kills a process that writes as fast as it can, again and again, at any moment.
func TestKilledWriterLeavesWholeFiles(t *testing.T) {
	if dir := os.Getenv("FEATUREAUDIT_TEST_WRITER"); dir != "" {
		for n := 0; ; n++ {
			keep(t, dir, night(n%3, report.Fail, map[string]int64{"a": int64(n), "b": 1}))
		}
	}
	parent := t.TempDir()
	dir := filepath.Join(parent, "h")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for round := range 25 {
		cmd := exec.Command(self, "-test.run=^TestKilledWriterLeavesWholeFiles$")
		cmd.Env = append(os.Environ(), "FEATUREAUDIT_TEST_WRITER="+dir)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(40+rand.IntN(120)) * time.Millisecond)
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // it was killed
		if past := open(t, dir); len(past.NotUsed) > 0 {
			t.Fatalf("round %d: not used: %q", round, past.NotUsed)
		}
		if len(files(t, dir)) == 0 {
			continue
		}
		if got := query(t, "SELECT count(*) FROM read_parquet('"+dir+"/**') WHERE kind = 'finding' AND fingerprint = 'fp-b'"); got[0] != strconv.Itoa(len(files(t, dir))) || len(files(t, dir)) > 3 {
			t.Fatalf("round %d: %s rows in %q", round, got[0], files(t, dir))
		}
	}
	if len(files(t, dir)) == 0 {
		t.Fatal("no writer lived long enough to write")
	}
	// what was left under a temporary name is removed once it is old
	rows, err := history.Rows(night(0, report.Pass, nil))
	if err != nil {
		t.Fatal(err)
	}
	if err := history.Write(context.Background(), dir, rows, time.Now().Add(2*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if left, all := len(files(t, dir)), len(files(t, parent)); left != all {
		t.Errorf("%d files, %d of them in the history", all, left)
	}
}

func TestRowsOfADocumentAreThoseOfTheRun(t *testing.T) {
	found := map[string]int64{}
	for i := range 30 {
		found[fmt.Sprintf("dt=%02d", i)] = int64(i + 1)
	}
	r := night(0, report.Fail, found)
	sealed, err := history.Seal(r)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := sealed.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := report.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	made, read := rowsOf(t, sealed), rowsOf(t, parsed)
	if len(made) != 31 || len(read) != 31 {
		t.Fatalf("%d and %d rows", len(made), len(read))
	}
	for i := range made {
		if i > 20 { // beyond what the report shows there is the fingerprint alone
			if read[i].Named || read[i].Fingerprint != made[i].Fingerprint || read[i].RowsBad != made[i].RowsBad {
				t.Errorf("row %d: %+v", i, read[i])
			}
			continue
		}
		if !reflect.DeepEqual(made[i], read[i]) {
			t.Errorf("row %d: %+v, want %+v", i, read[i], made[i])
		}
	}
}

func TestRankPutsNewBeforeWorseBeforeTheRest(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "h")
	keep(t, dir, night(0, report.Fail, map[string]int64{"a": 5, "b": 5}))
	keep(t, dir, night(1, report.Fail, map[string]int64{"a": 5}))
	rank := open(t, dir).Rank(first.AddDate(0, 0, 2).UnixMicro(), "")
	if got := []int{rank("fp-a", 5), rank("fp-a", 6), rank("fp-b", 5), rank("fp-z", 1)}; !slices.Equal(got, []int{2, 1, 0, 0}) {
		t.Errorf("got %v, want slices.Equal(got, []int{2, 1, 0, 0})", got)
	}
}

func TestHistoryIsNotBegunInAMistypedPlace(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{filepath.Join(dir, "no", "such"): "create the folder that holds it first", file: "it is no folder"} {
		if err := history.Prepare(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
	if past := open(t, filepath.Join(dir, "none")); len(past.NotUsed) != 0 {
		t.Errorf("got %q, want len(past.NotUsed) == 0", past.NotUsed)
	}
}

// TestWhatWasNotLookedAtIsNotResolved: a check that does not apply, or could not look, says nothing of what was found before.
func TestWhatWasNotLookedAtIsNotResolved(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "h")
	keep(t, dir, night(0, report.Fail, map[string]int64{"a": 3}))
	for n, outcome := range []report.Outcome{report.NotApplicable, report.Error} {
		blind := night(n+1, outcome, nil)
		if res := compared(t, dir, blind); len(res.Resolved) > 0 || res.State == report.StateResolved {
			t.Errorf("%s: state %q, resolved %+v", outcome, res.State, res.Resolved)
		}
		keep(t, dir, blind)
	}
	told, err := open(t, dir).Compare(night(3, report.NotApplicable, nil))
	if err != nil || told.History.Unseen != 1 {
		t.Errorf("%d findings were not looked at, want 1 (%v)", told.History.Unseen, err)
	}
	if f := compared(t, dir, night(3, report.Fail, map[string]int64{"a": 3})).Findings[0]; f.State != report.StateContinuing || f.Since != first.Format(time.RFC3339) || f.Seen != 2 {
		t.Errorf("found again it is %s since %s, seen %d times", f.State, f.Since, f.Seen)
	}
	if res := compared(t, dir, night(3, report.Pass, nil)); len(res.Resolved) != 1 || res.State != report.StateResolved {
		t.Errorf("looked at and not found: state %q, resolved %+v", res.State, res.Resolved)
	}
}

// TestAViewThatIsGoneIsSaid, with what was found in it, and not again in the night after; a run of some views lacks none.
func TestAViewThatIsGoneIsSaid(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "h")
	with := func(n int, names ...string) report.Report {
		r := night(n, report.Fail, map[string]int64{"a": 3, "b": 1})
		view, res := r.Views[0], r.Results[0]
		r.Views, r.Results = nil, nil
		for _, name := range names {
			view.Name, res.View = name, name
			r.Views, r.Results = append(r.Views, view), append(r.Results, res)
		}
		r.Summary = r.Summarise()
		return r
	}
	keep(t, dir, with(0, "kept", "renamed"))
	narrowed := with(1, "kept")
	narrowed.Selection.Views = []string{"kept"}
	for n, c := range []struct {
		report report.Report
		gone   []string
		unseen int64
	}{{narrowed, nil, 0}, {with(1, "kept", "new_name"), []string{"renamed"}, 2}, {with(2, "kept", "new_name"), nil, 0}} {
		told, err := open(t, dir).Compare(c.report)
		if err != nil {
			t.Fatal(err)
		}
		if h := told.History; !slices.Equal(h.ViewsGone, c.gone) || h.Unseen != c.unseen || h.States.Resolved != 0 {
			t.Errorf("case %d: views gone %q, %d findings unseen, %+v", n, h.ViewsGone, h.Unseen, h.States)
		}
		if n > 0 {
			keep(t, dir, c.report)
		}
	}
}

// TestDiffSaysWhatWasNotLookedAt: a finding that the second report could not have found is not resolved, and is named.
func TestDiffSaysWhatWasNotLookedAt(t *testing.T) {
	blind := night(1, report.NotApplicable, nil)
	blind.Results[0].Reason = "no key is defined"
	blind.Views = append(blind.Views, report.View{Name: "other", Project: "p"})
	changes, err := history.Diff(night(0, report.Fail, map[string]int64{"a": 3, "b": 1}), blind)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"null-keys of view v: 2 findings of the first report, which the second did not look at (not applicable: no key is defined)",
		"view other: only in the second report, with 0 findings"}
	if len(changes.Changes) != 0 || changes.States != (report.States{}) || !slices.Equal(changes.NotCompared, want) {
		t.Errorf("got %+v, want len(changes.Changes) == 0 && changes.States == (report.States{}) && slices.Equal(changes.NotCompared, %+v)", changes, want)
	}
}

// TestVolumeAcrossRuns: what a view gained is held to runs of the same weekday, whatever its partitions; a feast among them, a night
// without a run and files that could not be read move nothing.
func TestVolumeAcrossRuns(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "h")
	rows := int64(50_000)
	grown := func(n int, gained int64, read bool) report.Report {
		r := night(n, report.Pass, nil)
		r.Catalogue = append(r.Catalogue, report.UnreadableFile)
		rows += gained
		r.Views[0].Rows = rows
		res := report.Result{Check: report.UnreadableFile, View: "v", Owner: "o", Outcome: report.Pass, Severity: report.SeverityError, Evidence: report.Certain, Unit: "files", RowsTotal: 3}
		if !read {
			r.Views[0].FilesUnread, r.Views[0].Rows, res.Outcome, res.RowsBad = 1, rows-20_000, report.Error, 1
		}
		r.Results = append(r.Results, res)
		r.Summary = r.Summarise()
		return r
	}
	usual := func(n int) int64 {
		switch {
		case n%7 >= 5:
			return 100
		case n == 7:
			return 9000
		}
		return 1000
	}
	for n := range 49 {
		r := grown(n, usual(n), n != 20) // of night 21 nobody knows what it gained
		if n != 30 {
			keep(t, dir, r)
		}
	}
	before := rows
	for _, c := range []struct {
		gained  int64
		unusual bool
		want    string
	}{
		{1000, false, "1,000 rows were gained in the day before, as usual: runs of the same weekday had 1,000 (median of 5, 2026-11-08T00:00:00Z to 2026-12-13T00:00:00Z; up to 250 apart is usual)"},
		{100, true, "100 rows were gained in the day before, fewer than usual"},
		{-20_000, true, "-20,000 rows were gained in the day before, fewer than usual"},
		{4000, true, "4,000 rows were gained in the day before, more than usual"},
	} {
		rows = before
		told, err := open(t, dir).Compare(grown(49, c.gained, true))
		if err != nil {
			t.Fatal(err)
		}
		trends := slices.DeleteFunc(told.Views[0].Trends, func(t report.Trend) bool { return t.Measure != "rows_gained" })
		if len(trends) != 1 || trends[0].Unusual != c.unusual || trends[0].Value != float64(c.gained) || *trends[0].Usual != 1000 || !strings.HasPrefix(trends[0].Message, c.want) {
			t.Errorf("%d rows: %+v", c.gained, trends)
		}
	}
}

// TestAChannelIsToldOnceANight, by whoever comes first of many at once; another night, channel or owner is another matter, and a query
// of every file does not come across the notes.
func TestAChannelIsToldOnceANight(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "h")
	keep(t, dir, night(0, report.Pass, nil))
	var firsts atomic.Int64
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			_, before, err := history.Tell(dir, first, "slack", "fraud")
			if err != nil {
				t.Error(err)
			}
			if !before {
				firsts.Add(1)
			}
		})
	}
	all.Wait()
	if n := firsts.Load(); n != 1 {
		t.Errorf("%d were told that they are the first, want 1", n)
	}
	for _, c := range []struct {
		name, channel, owner string
		at                   time.Time
		before               bool
	}{{"again", "slack", "fraud", first.Add(20 * time.Hour), true}, {"another owner", "slack", "web", first, false}, {"another channel", "teams", "fraud", first, false},
		{"the next night", "slack", "fraud", first.AddDate(0, 0, 1), false}} {
		place, before, err := history.Tell(dir, c.at, c.channel, c.owner)
		if err != nil || before != c.before {
			t.Errorf("%s: told before %t, %v", c.name, before, err)
		}
		if err := history.Forget(place); err != nil {
			t.Error(err)
		}
		if _, before, err := history.Tell(dir, c.at, c.channel, c.owner); err != nil || before {
			t.Errorf("%s: what was forgotten counts as told (%v)", c.name, err)
		}
	}
	if past := open(t, dir); len(past.NotUsed) > 0 {
		t.Errorf("not used: %q", past.NotUsed)
	}
	if got := query(t, "SELECT count(*) FROM read_parquet('"+dir+"/**') WHERE kind = 'result'"); !slices.Equal(got, []string{"1"}) {
		t.Errorf("a query of everything gives %q", got)
	}
}

func TestTrends(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "h")
	stuck := func(n int) report.Report {
		r := night(n, report.Pass, nil)
		age, ttl := float64(3600+86400*n), 10*86400.0
		r.Views[0].AgeSeconds, r.Views[0].Definition.TTLSeconds, r.Views[0].Definition.TTLDeclared = &age, &ttl, true
		return r
	}
	for n := range 5 {
		keep(t, dir, stuck(n))
	}
	told, err := open(t, dir).Compare(stuck(5))
	if err != nil {
		t.Fatal(err)
	}
	trends := told.Views[0].Trends
	// on the night of 6 November it is 5 days and an hour old; it is 10 days old 4 days and 23 hours later
	if len(trends) != 1 || *trends[0].PerDay != 86400 || trends[0].On != "2026-11-10T23:00:00Z" || trends[0].Runs != 5 ||
		!strings.Contains(trends[0].Message, "at this rate the view expires on 2026-11-10T23:00:00Z") {
		t.Errorf(`got %+v, want len(trends) == 1 && *trends[0].PerDay == 86400 && trends[0].On == "2026-11-10T23:00:00Z" && trends[0].Runs == 5 && `+
			`strings.Contains(trends[0].Message, "at this rate the view expires on 2026-11-10T23:00:00Z")`, trends)
	}
	weekly := night(60, report.Pass, nil)
	weekly.Views[0].Definition.TimePartition = &report.TimePartition{Grain: "day"}
	for n := range 50 {
		day, rows := first.AddDate(0, 0, n), int64(1000)
		switch {
		case n%7 == 5 || n%7 == 6:
			rows = 100 // weekends
		case n == 7:
			rows = 5000 // one feast
		}
		weekly.Views[0].Series = append(weekly.Views[0].Series, report.PartitionRows{Partition: "dt=" + day.Format(time.DateOnly), Start: day.Format(time.RFC3339), Rows: rows, Open: n == 49})
	}
	for _, c := range []struct {
		rows    int64
		unusual bool
		want    string
	}{{110, false, "dt=2026-12-19 holds 110 rows, as usual: the same weekday had 100 (median of 6, dt=2026-11-07 to dt=2026-12-12; up to 25 apart is usual)"},
		{10, true, "fewer than usual"}, {1000, true, "more than usual"}} {
		weekly.Views[0].Series[48].Rows = c.rows
		told, err := open(t, filepath.Join(dir, "none")).Compare(weekly)
		if err != nil {
			t.Fatal(err)
		}
		trends := told.Views[0].Trends
		if len(trends) != 1 || trends[0].Unusual != c.unusual || *trends[0].Usual != 100 || !strings.Contains(trends[0].Message, c.want) {
			t.Errorf("%d rows: %+v", c.rows, trends)
		}
	}
}
