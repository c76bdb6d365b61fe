package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/fixtures"
)

// cliRun is one run of the program.
func cliRun(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, said bytes.Buffer
	code = run(t.Context(), args, strings.NewReader(""), &out, &said, nil)
	return code, out.String(), said.String()
}

// copied is a copy of a folder, with the times of its files.
func copied(t *testing.T, from string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "copy")
	err := filepath.WalkDir(from, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		target := filepath.Join(to, strings.TrimPrefix(path, from))
		if d.IsDir() {
			return os.MkdirAll(target, 0o755)
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(target, raw, 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
	return to
}

// verified runs verify and reads its report.
func verified(t *testing.T, want int, args ...string) report.Report {
	t.Helper()
	to := filepath.Join(t.TempDir(), "verify.json")
	code, stdout, stderr := cliRun(t, append([]string{"verify", "--as-of", "2026-12-01", "--out", "json=" + to}, args...)...)
	if code != want {
		t.Fatalf("exit %d, want %d\n%s\n%s", code, want, stdout, stderr)
	}
	raw, err := os.ReadFile(to)
	if err != nil {
		t.Fatal(err)
	}
	r, err := report.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// answers compares a report with what a backfill must get; kind is what before is.
func answers(t *testing.T, b fixtures.Backfill, kind string, r report.Report) {
	t.Helper()
	for _, res := range r.Results {
		want := report.Pass
		switch {
		case slices.Contains(b.Fails, res.Check):
			want = report.Fail
		case slices.Contains(b.Warns, res.Check):
			want = report.Warn
		}
		if res.Outcome != want {
			t.Errorf("%s, before is a %s: %s is %s, want %s: %s %s", b.Name, kind, res.Check, res.Outcome, want, res.Message, res.Reason)
		}
	}
	for _, p := range r.Views[0].Series {
		var day int
		if _, err := fmt.Sscanf(p.Partition, "dt=2026-11-%d", &day); err != nil {
			t.Fatal(err)
		}
		want := b.States[day]
		if want == "" {
			want = "unchanged"
		}
		if p.State != want {
			t.Errorf("%s, before is a %s: %s is %s, want %s", b.Name, kind, p.Partition, p.State, want)
		}
	}
}

// TestBackfillsGetTheirAnswers holds each kind of backfill against the store before: as data, as a snapshot, and as one with keys.
func TestBackfillsGetTheirAnswers(t *testing.T) {
	for _, b := range fixtures.Backfills() {
		t.Run(b.Name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			store := filepath.Join(dir, "store")
			if err := b.Before(store); err != nil {
				t.Fatal(err)
			}
			before := copied(t, store)
			for name, flags := range map[string][]string{"plain": nil, "keyed": {"--with-keys"}} {
				args := append([]string{"snapshot", "--config", filepath.Join(store, "featureaudit.yaml"), "--as-of", "2026-11-10", "--out", filepath.Join(dir, name+".snapshot")}, flags...)
				if code, _, stderr := cliRun(t, args...); code != 0 {
					t.Fatalf("snapshot: exit %d: %s", code, stderr)
				}
			}
			if err := b.Fill(store); err != nil {
				t.Fatal(err)
			}
			want := exitOK
			if len(b.Fails) > 0 {
				want = exitFindings
			}
			sides := map[string]string{"folder": before, "snapshot": filepath.Join(dir, "plain.snapshot")}
			if slices.Contains([]string{"lost entities", "partial", "doubled", "appended"}, b.Name) {
				sides["snapshot with keys"] = filepath.Join(dir, "keyed.snapshot")
			}
			for kind, name := range sides {
				answers(t, b, kind, verified(t, want, "--before", name, "--config", filepath.Join(store, "featureaudit.yaml"), "--range", fixtures.BackfillRange))
			}
		})
	}
}

func backfill(t *testing.T, name string) (b fixtures.Backfill, before, after string) {
	t.Helper()
	for _, b := range fixtures.Backfills() {
		if b.Name == name {
			store := filepath.Join(t.TempDir(), "store")
			if err := b.Before(store); err != nil {
				t.Fatal(err)
			}
			before := copied(t, store)
			if err := b.Fill(store); err != nil {
				t.Fatal(err)
			}
			return b, before, store
		}
	}
	t.Fatalf("no backfill %q", name)
	return b, "", ""
}

func resultOf(t *testing.T, r report.Report, check string) report.Result {
	t.Helper()
	i := slices.IndexFunc(r.Results, func(res report.Result) bool { return res.Check == check })
	if i < 0 {
		t.Fatalf("no result of %s", check)
	}
	return r.Results[i]
}

// TestTheIncidentIsToldInPlainWords is the job that filled two days and left three rows of sixty in all others.
func TestTheIncidentIsToldInPlainWords(t *testing.T) {
	_, before, after := backfill(t, "neighbours truncated")
	r := verified(t, exitFindings, "--before", before, "--after", after, "--range", fixtures.BackfillRange)
	want := "6 of 6 partitions outside of the range were changed (6 truncated): dt=2026-11-01 is truncated: 3 rows where 60 were; 57 keys missing"
	if got := resultOf(t, r, "backfill-isolated").Message; got != want {
		t.Errorf("it says\n%s\nwant\n%s", got, want)
	}
	if res := resultOf(t, r, "backfill-complete"); res.Outcome != report.Pass {
		t.Errorf("the range is complete, and the result is %s: %s", res.Outcome, res.Message)
	}
}

// TestOneValueIsShown names the column, the key and both values, and hides a sensitive one.
func TestOneValueIsShown(t *testing.T) {
	_, before, after := backfill(t, "a blank at the end")
	r := verified(t, exitFindings, "--before", before, "--after", after, "--range", fixtures.BackfillRange, "--samples", "3")
	want := `1 of 6 partitions outside of the range was changed (1 changed): dt=2026-11-02 has other values in note; 1 key changed (note in 1); for example id 2017: note was "note 2" and is "note 2 "`
	if got := resultOf(t, r, "backfill-isolated").Message; got != want {
		t.Errorf("it says\n%s\nwant\n%s", got, want)
	}
	hidden := verified(t, exitFindings, "--before", before, "--after", after, "--range", fixtures.BackfillRange, "--samples", "3", "--set", "transactions.sensitive=[note]")
	if got := resultOf(t, hidden, "backfill-isolated").Message; strings.Contains(got, "note 2") {
		t.Errorf("it shows a sensitive value: %s", got)
	}
}

// TestToleranceIsByColumn takes amounts for equal that differ by half, and nothing else.
func TestToleranceIsByColumn(t *testing.T) {
	_, before, after := backfill(t, "one value changed outside")
	verified(t, exitOK, "--before", before, "--after", after, "--range", fixtures.BackfillRange, "--tolerance", "amount=0.001")
	_, before, after = backfill(t, "case")
	verified(t, exitFindings, "--before", before, "--after", after, "--range", fixtures.BackfillRange, "--tolerance", "amount=0.001")
}

// TestRowsThatWereExpected takes fewer rows where somebody said so, and refuses other numbers.
func TestRowsThatWereExpected(t *testing.T) {
	_, before, after := backfill(t, "partial")
	rows := filepath.Join(t.TempDir(), "rows.csv")
	if err := os.WriteFile(rows, []byte("partition,rows\n2026-11-04,60\ndt=2026-11-05,61\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	r := verified(t, exitFindings, "--before", before, "--after", after, "--range", fixtures.BackfillRange, "--expect-rows", rows)
	want := "1 of 2 partitions of 2026-11-04..2026-11-05 is not complete: dt=2026-11-05 has 45 rows where --expect-rows says 61; 15 keys missing, 45 keys changed"
	if got := resultOf(t, r, "backfill-complete").Message; !strings.HasPrefix(got, want) {
		t.Errorf("it says\n%s\nwant\n%s", got, want)
	}
}

// TestFewerRowsWereExpected takes 45 rows of 60 where somebody said 45, with the 15 keys that are missing then.
func TestFewerRowsWereExpected(t *testing.T) {
	_, before, after := backfill(t, "partial")
	rows := filepath.Join(t.TempDir(), "rows.csv")
	if err := os.WriteFile(rows, []byte("2026-11-04,60\n2026-11-05,45\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	verified(t, exitFindings, "--before", before, "--after", after, "--range", fixtures.BackfillRange)
	r := verified(t, exitOK, "--before", before, "--after", after, "--range", fixtures.BackfillRange, "--expect-rows", rows)
	if got := resultOf(t, r, "backfill-complete"); got.Outcome != report.Pass {
		t.Errorf("complete is %s: %s", got.Outcome, got.Message)
	}
}

// TestWithoutARangeWhatChangedIsTheBackfill, unless it lies outside of what is expected.
func TestWithoutARangeWhatChangedIsTheBackfill(t *testing.T) {
	_, before, after := backfill(t, "clean")
	r := verified(t, exitOK, "--before", before, "--after", after)
	if got := resultOf(t, r, "backfill-complete").RowsTotal; got != 2 {
		t.Errorf("%d partitions changed, want 2", got)
	}
	verified(t, exitOK, "--before", before, "--after", after, "--expect-range", fixtures.BackfillRange)
	r = verified(t, exitFindings, "--before", before, "--after", after, "--expect-range", "2026-11-05..2026-11-05")
	if got := resultOf(t, r, "backfill-isolated"); got.RowsBad != 1 || got.FirstPartition != "dt=2026-11-04" {
		t.Errorf("isolated: %d bad, first %s", got.RowsBad, got.FirstPartition)
	}
}

// TestStagingHoldsTheRangeOnly compares a folder beside the store, and lists what replaces what.
func TestStagingHoldsTheRangeOnly(t *testing.T) {
	_, live, after := backfill(t, "clean")
	staging := filepath.Join(t.TempDir(), "staging")
	for _, day := range []string{"dt=2026-11-04", "dt=2026-11-05"} {
		if err := os.MkdirAll(filepath.Join(staging, day), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(filepath.Join(after, "data", day, "part-0.parquet"), filepath.Join(staging, day, "part-0.parquet")); err != nil {
			t.Fatal(err)
		}
	}
	plan := filepath.Join(t.TempDir(), "plan.csv")
	r := verified(t, exitOK, "--config", filepath.Join(live, "featureaudit.yaml"), "--before", live, "--after", staging, "--range", fixtures.BackfillRange, "--publish-plan", plan)
	if got := resultOf(t, r, "backfill-isolated").Outcome; got != report.NotApplicable {
		t.Errorf("isolated is %s, want not_applicable", got)
	}
	raw, err := os.ReadFile(plan)
	if err != nil {
		t.Fatal(err)
	}
	want := "view,partition,action,file_after,file_before\n"
	for _, day := range []string{"dt=2026-11-04", "dt=2026-11-05"} {
		want += fmt.Sprintf("transactions,%s,publish (replaces),%s/%s/part-0.parquet,%s/data/%s/part-0.parquet\n", day, staging, day, live, day)
	}
	if string(raw) != want {
		t.Errorf("the plan is\n%s\nwant\n%s", raw, want)
	}
}

// TestAVerificationIsRepeated finds that a scheduled run overwrote what was verified.
func TestAVerificationIsRepeated(t *testing.T) {
	_, before, after := backfill(t, "clean")
	done := filepath.Join(t.TempDir(), "verify.json")
	args := []string{"verify", "--as-of", "2026-12-01", "--before", before, "--after", after, "--range", fixtures.BackfillRange, "--out", "json=" + done}
	if code, stdout, stderr := cliRun(t, args...); code != exitOK {
		t.Fatalf("exit %d\n%s%s", code, stdout, stderr)
	}
	r := verified(t, exitOK, "--repeat", done)
	if got := resultOf(t, r, "backfill-lasting"); got.Outcome != report.Pass || got.RowsTotal != 8 {
		t.Errorf("lasting is %s of %d partitions: %s", got.Outcome, got.RowsTotal, got.Message)
	}
	day := filepath.Join("data", "dt=2026-11-05", "part-0.parquet")
	old, err := os.ReadFile(filepath.Join(before, day))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(after, day), old, 0o644); err != nil {
		t.Fatal(err)
	}
	r = verified(t, exitFindings, "--repeat", done)
	want := "1 of 8 partitions that were verified changed since: dt=2026-11-05 was overwritten since it was verified: it has 60 rows now"
	if got := resultOf(t, r, "backfill-lasting").Message; got != want {
		t.Errorf("it says\n%s\nwant\n%s", got, want)
	}
}

// TestAReportHasCountsOnly proves nothing unchanged.
func TestAReportHasCountsOnly(t *testing.T) {
	_, before, after := backfill(t, "partial")
	counts := filepath.Join(t.TempDir(), "run.json")
	if code, _, stderr := cliRun(t, "run", "--config", filepath.Join(before, "featureaudit.yaml"), "--as-of", "2026-12-01", "--fail-on", "never", "--out", "json="+counts); code != exitOK {
		t.Fatal(stderr)
	}
	r := verified(t, exitFindings, "--before", counts, "--config", filepath.Join(after, "featureaudit.yaml"), "--range", fixtures.BackfillRange)
	if got := resultOf(t, r, "backfill-complete"); got.Outcome != report.Fail || got.RowsBad != 1 {
		t.Errorf("complete is %s with %d bad: %s", got.Outcome, got.RowsBad, got.Message)
	}
	if got := resultOf(t, r, "backfill-isolated"); got.Outcome != report.Error || got.Retryable || !strings.Contains(got.Message, "before is a report") {
		t.Errorf("isolated is %s: %s", got.Outcome, got.Message)
	}
}

// TestSameInputSameReport verifies twice with other threads.
func TestSameInputSameReport(t *testing.T) {
	_, before, after := backfill(t, "appended")
	ids := map[string]bool{}
	for _, threads := range []string{"1", "3"} {
		ids[verified(t, exitFindings, "--before", before, "--after", after, "--range", fixtures.BackfillRange, "--samples", "2", "--threads", threads).ID] = true
	}
	if len(ids) != 1 {
		t.Errorf("%d reports of one input", len(ids))
	}
}

// TestPlanReadsWhatMayHaveChanged says what would be read: nothing of what its identity proves.
func TestPlanReadsWhatMayHaveChanged(t *testing.T) {
	b, _, _ := backfill(t, "clean")
	store := filepath.Join(t.TempDir(), "store")
	if err := b.Before(store); err != nil {
		t.Fatal(err)
	}
	config, snapshot := filepath.Join(store, "featureaudit.yaml"), filepath.Join(t.TempDir(), "before.snapshot")
	if code, _, stderr := cliRun(t, "snapshot", "--config", config, "--out", snapshot); code != exitOK {
		t.Fatal(stderr)
	}
	if err := b.Fill(store); err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr := cliRun(t, "verify", "--before", snapshot, "--config", config, "--range", fixtures.BackfillRange, "--plan")
	if code != exitOK || !strings.Contains(stdout, "after: 2 of 8 partitions, 2 files, 120 rows") || !strings.Contains(stdout, "before: 0 of 8 partitions, 0 files") {
		t.Errorf("exit %d: %s%s", code, stdout, stderr)
	}
}

// TestSnapshotsAreSmall holds the promise of at most 1 % of the data and 4 KB a partition, and of 32 bytes a row with keys.
func TestSnapshotsAreSmall(t *testing.T) {
	b, _, _ := backfill(t, "clean")
	store := filepath.Join(t.TempDir(), "store")
	if err := b.Before(store); err != nil {
		t.Fatal(err)
	}
	size := func(flags ...string) int64 {
		to := filepath.Join(t.TempDir(), "a.snapshot")
		if code, _, stderr := cliRun(t, append([]string{"snapshot", "--config", filepath.Join(store, "featureaudit.yaml"), "--out", to}, flags...)...); code != exitOK {
			t.Fatal(stderr)
		}
		info, err := os.Stat(to)
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	plain := size()
	if plain > 8*4096 {
		t.Errorf("a snapshot of 8 partitions takes %d bytes", plain)
	}
	if keyed := size("--with-keys"); keyed-plain > 480*32+8*2048 {
		t.Errorf("keys of 480 rows take %d bytes", keyed-plain)
	}
}

// TestWhatCannotBeComparedIsRefused names what is wrong, and what to do.
func TestWhatCannotBeComparedIsRefused(t *testing.T) {
	_, before, after := backfill(t, "clean")
	broken := filepath.Join(t.TempDir(), "broken.snapshot")
	if err := os.WriteFile(broken, []byte("PAR1 and more"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"--after", after}, "--before: name the state before"},
		{[]string{"--before", filepath.Join(after, "nothing")}, "expected a config, a folder of data, a snapshot, or a report"},
		{[]string{"--before", broken, "--after", after}, "expected a file that `featureaudit snapshot --out` wrote"},
		{[]string{"--before", before, "--after", after, "--range", "2026-11-04..2026-11-05", "--expect-range", "2026-11-04..2026-11-05"}, "--expect-range is for a verification without --range"},
		{[]string{"--before", before, "--after", after, "--tolerance", "amount"}, "expected COLUMN=NUMBER"},
		{[]string{"--before", before, "--after", after, "--view", "transaction"}, "did you mean \"transactions\""},
		{[]string{"--before", before, "--after", after, "--expect-rows", "-1"}, "expected 0 or more"},
		{[]string{"--before", before, "--after", after, "--expect-rows", "60"}, "is for the partitions of --range"},
	} {
		code, _, stderr := cliRun(t, append([]string{"verify"}, c.args...)...)
		if code != exitUsage || !strings.Contains(stderr, c.says) {
			t.Errorf("%v: exit %d: %s", c.args, code, stderr)
		}
	}
}

// TestFormatsOfAVerification writes each, and gate judges the JSON.
func TestFormatsOfAVerification(t *testing.T) {
	_, before, after := backfill(t, "neighbours truncated")
	dir := t.TempDir()
	args := []string{"verify", "--as-of", "2026-12-01", "--before", before, "--after", after, "--range", fixtures.BackfillRange}
	for _, format := range []string{"html", "markdown", "junit", "text", "json"} {
		args = append(args, "--out", format+"="+filepath.Join(dir, format))
	}
	if code, stdout, stderr := cliRun(t, args...); code != exitFindings {
		t.Fatalf("exit %d\n%s%s", code, stdout, stderr)
	}
	for _, format := range []string{"html", "markdown", "junit", "text"} {
		raw, err := os.ReadFile(filepath.Join(dir, format))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(strings.Join(strings.Fields(string(raw)), " "), "dt=2026-11-01 is truncated: 3 rows where 60 were") {
			t.Errorf("%s does not say what happened", format)
		}
	}
	if code, _, _ := cliRun(t, "gate", filepath.Join(dir, "json")); code != exitFindings {
		t.Errorf("gate: exit %d, want %d", code, exitFindings)
	}
	var doc struct{ Verification map[string]any }
	raw, err := os.ReadFile(filepath.Join(dir, "json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &doc); err != nil || doc.Verification["range"] != fixtures.BackfillRange {
		t.Errorf("verification is %v: %v", doc.Verification, err)
	}
}
