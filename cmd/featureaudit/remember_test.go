package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/featureaudit/featureaudit/audit/history"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/fixtures"
)

// nightly is a store of daily files in which the first n days repeat a key; its config is in the folder.
func nightly(t *testing.T, extra string, days ...int) (dir string) {
	t.Helper()
	dir = t.TempDir()
	config := "version: 1\nproject: p\n" + extra + `views:
  clicks:
    owner: growth
    path: data/**/*.parquet
    event_time: at
    key: [id]
    ttl: 800h
    sensitive: [source]
    source: source
`
	if err := os.WriteFile(filepath.Join(dir, "featureaudit.yaml"), []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	for day, copies := range days {
		writeDay(t, dir, day, copies)
	}
	return dir
}

// writeDay writes the file of a day: three rows, and so many copies of the first.
func writeDay(t *testing.T, dir string, day, copies int) {
	t.Helper()
	at := time.Date(2026, 11, 1+day, 12, 0, 0, 0, time.UTC)
	table := fixtures.Table{Columns: []fixtures.Column{{Name: "id", Type: fixtures.Int64Type}, {Name: "at", Type: fixtures.AwareType}, {Name: "source", Type: fixtures.TextType}}}
	for row := range 3 + copies {
		id := 10*day + row
		if row >= 3 {
			id = 10 * day
		}
		for i, value := range []any{id, at, "secret-source"} {
			table.Columns[i].Values = append(table.Columns[i].Values, value)
		}
	}
	if err := fixtures.Write(filepath.Join(dir, "data", "dt="+at.Format(time.DateOnly), "a.parquet"), table, fixtures.Options{Modified: at.Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
}

// auditOn runs an audit as of a day and gives its report.
func auditOn(t *testing.T, dir string, day, exit int, args ...string) report.Report {
	t.Helper()
	path := filepath.Join(t.TempDir(), "report.json")
	asOf := time.Date(2026, 11, 2+day, 0, 0, 0, 0, time.UTC).Format(time.RFC3339)
	said := does(t, exit, append([]string{"run", "--config", filepath.Join(dir, "featureaudit.yaml"), "--as-of", asOf, "--out", "json=" + path, "--quiet"}, args...)...)
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	r, err := report.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// does runs a command, and gives what it wrote.
func does(t *testing.T, exit int, args ...string) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), args, strings.NewReader(""), &stdout, &stderr, nil); code != exit {
		t.Errorf("%s: exit %d, want %d\n%s%s", strings.Join(args, " "), code, exit, stdout.String(), stderr.String())
	}
	return stdout.String() + stderr.String()
}

func repeatsOf(t *testing.T, r report.Report) report.Result {
	t.Helper()
	for _, res := range r.Results {
		if res.Check == "duplicate-keys" {
			return res
		}
	}
	t.Fatal("no result of duplicate-keys")
	return report.Result{}
}

func TestRunRemembers(t *testing.T) {
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, bytes.Repeat([]byte("k"), 32), 0o600); err != nil {
		t.Fatal(err)
	}
	dir := nightly(t, "history: memory\n", 1, 2, 0)
	with := []string{"--hash-key-file", key}
	first := repeatsOf(t, auditOn(t, dir, 2, 1, with...))
	if first.State != report.StateNew || *first.States != (report.States{New: 2}) || first.Findings[0].Since != "2026-11-04T00:00:00Z" {
		t.Errorf("the first night: %s %+v", first.State, first.States)
	}
	writeDay(t, dir, 0, 0) // repaired
	writeDay(t, dir, 1, 4) // worse
	writeDay(t, dir, 3, 1) // new
	second := auditOn(t, dir, 3, 1, with...)
	res := repeatsOf(t, second)
	if res.State != report.StateNew || *res.States != (report.States{New: 1, Worse: 1, Resolved: 1}) || res.Resolved[0].Subject.Partition != "dt=2026-11-01" {
		t.Errorf("the second night: %s %+v %+v", res.State, res.States, res.Resolved)
	}
	if f := res.Findings[0]; f.Subject.Partition != "dt=2026-11-04" || f.State != report.StateNew || f.RowsBad != 1 {
		t.Errorf("a new finding of one row stands behind an old one of four: %+v", f)
	}
	// the same audit again is what it was, and takes its own place
	if again := auditOn(t, dir, 3, 1, with...); again.ID != second.ID {
		t.Error("the same night audited again is another report")
	}
	files, err := filepath.Glob(filepath.Join(dir, "memory", "date=*", "*.parquet"))
	if err != nil || len(files) != 2 {
		t.Errorf("got %q, %v, want err == nil && len(files) == 2", files, err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil || bytes.Contains(raw, []byte("secret-source")) {
			t.Errorf("%s holds a value that is sensitive (%v)", file, err)
		}
	}
	if said := does(t, exitOK, "report", "trend", "clicks", "--config", filepath.Join(dir, "featureaudit.yaml"), "--check", "duplicate-keys", "--format", "csv"); strings.Count(said, "\n") != 3 ||
		!strings.Contains(said, "2026-11-05T00:00:00Z,p,clicks,duplicate-keys,,fail,rows,17,5,2,17,43200") {
		t.Errorf("got %s, want strings.Count(said, \"\\n\") == 3 && strings.Contains(said, \"2026-11-05T00:00:00Z,p,clicks,duplicate-keys,,fail,rows,17,5,2,17,43200\")", said)
	}
}

func TestRunWithoutHistorySaysNothingOfIt(t *testing.T) {
	dir := nightly(t, "", 1)
	r := auditOn(t, dir, 0, 1)
	raw, err := r.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{`"history"`, `"state"`, `"states"`, `"since"`, `"trends"`, `"baseline"`, `"known"`, "baseline-unused"} {
		if bytes.Contains(raw, []byte(word)) {
			t.Errorf("the report has %s", word)
		}
	}
	res := repeatsOf(t, r)
	if res.FindingsUnfollowed != 1 || len(res.Fingerprints) != 0 || res.Findings[0].FingerprintNote == "" {
		t.Errorf("a source that is numbered is followed: %+v", res)
	}
	told := auditOn(t, dir, 0, 1, "--history", filepath.Join(dir, "h"))
	if f := repeatsOf(t, told).Findings[0]; f.State != "" || told.History.Unfollowed != 1 {
		t.Errorf("a source that is numbered is %q, %d are not followed", f.State, told.History.Unfollowed)
	}
}

func TestHistoryKeepsOutOfTheData(t *testing.T) {
	dir := nightly(t, "", 0)
	config := filepath.Join(dir, "featureaudit.yaml")
	for name, args := range map[string][]string{
		"its files would be data of view clicks": {"--history", filepath.Join(dir, "data")},
		"its files would be data of view":        {"--history", filepath.Join(dir, "data", "dt=2026-11-01", "h")},
		"it lies in the history":                 {"--history", filepath.Join(dir, "h"), "--out", "json=" + filepath.Join(dir, "h", "r.json")},
	} {
		said := does(t, exitUsage, append([]string{"run", "--config", config, "--as-of", "2026-11-02"}, args...)...)
		if !strings.Contains(said, name) {
			t.Errorf("%q does not say %q", said, name)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "data", "date=2026-11-02")); err == nil {
		t.Error("a refused history was begun")
	}
}

func TestTwoRunsAtOnceRememberBoth(t *testing.T) {
	dir := nightly(t, "", 0, 0, 0)
	memory := filepath.Join(dir, "h")
	var group sync.WaitGroup
	for i := range 4 {
		group.Go(func() {
			auditOn(t, dir, i%2+1, exitOK, "--history", memory, "--threads", "1", "--view", "clicks", "--check", []string{"ttl-unset", "duplicate-keys"}[i/2])
		})
	}
	group.Wait()
	past, err := history.Open(t.Context(), memory)
	if err != nil || len(past.NotUsed) > 0 {
		t.Fatalf("%v, not used %q", err, past.NotUsed)
	}
	for _, check := range []string{"ttl-unset", "duplicate-keys"} {
		if points := past.Points("clicks", check); len(points) != 1 || len(points[0]) != 2 {
			t.Errorf("%s: got %+v, want len(points) == 1 && len(points[0]) == 2", check, points)
		}
	}
}

func TestKnownFindingsFailNoMore(t *testing.T) {
	dir := nightly(t, "", 1, 2)
	config := filepath.Join(dir, "featureaudit.yaml")
	plain, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(config, bytes.Replace(plain, []byte("    sensitive: [source]\n"), nil, 1), 0o644); err != nil {
		t.Fatal(err)
	}
	file, reportFile := filepath.Join(dir, "baseline.yaml"), filepath.Join(dir, "report.json")
	does(t, exitFindings, "run", "--config", config, "--as-of", "2026-11-03", "--out", "json="+reportFile, "--quiet")
	does(t, exitOK, "baseline", reportFile, "--out", file)
	if said := does(t, exitUsage, "run", "--config", config, "--as-of", "2026-11-03", "--baseline", file, "--new-only"); !strings.Contains(said, "until: SET-A-DATE is still in the place of a date") {
		t.Errorf(`got %s, want strings.Contains(said, "until: SET-A-DATE is still in the place of a date")`, said)
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, bytes.ReplaceAll(raw, []byte("SET-A-DATE"), []byte("2026-11-20")), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"run", "--config", config}, {"gate", reportFile}} {
		if said := does(t, exitUsage, append(args, "--baseline", file, "--out", "json="+file)...); !strings.Contains(said, "what is read is never written") {
			t.Errorf(`got %s, want strings.Contains(said, "what is read is never written")`, said)
		}
	}
	does(t, exitOK, "gate", reportFile, "--baseline", file, "--new-only", "--quiet")
	does(t, exitFindings, "gate", reportFile, "--baseline", file, "--quiet")
	known := repeatsOf(t, auditOn(t, dir, 1, exitOK, "--baseline", file, "--new-only"))
	if known.Outcome != report.Fail || known.FindingsKnown != 2 || !known.Findings[0].Known {
		t.Errorf("%s, %d known", known.Outcome, known.FindingsKnown)
	}
	// it is held against the file and not against last night: what is new fails on its second night as on its first
	writeDay(t, dir, 2, 1)
	for range 2 {
		auditOn(t, dir, 2, exitFindings, "--baseline", file, "--new-only", "--history", filepath.Join(dir, "h"))
	}
	writeDay(t, dir, 2, 0)
	writeDay(t, dir, 0, 2)
	auditOn(t, dir, 2, exitFindings, "--baseline", file, "--new-only") // one row more than is known
	writeDay(t, dir, 0, 0)
	gone := auditOn(t, dir, 2, exitOK, "--baseline", file, "--new-only")
	if gone.Baseline.Unmatched != 1 || gone.Results[0].Check != history.UnusedCheck || gone.Results[0].Outcome != report.Warn {
		t.Errorf("got %+v, want gone.Baseline.Unmatched == 1 && gone.Results[0].Check == history.UnusedCheck && gone.Results[0].Outcome == report.Warn", gone.Baseline)
	}
	auditOn(t, dir, 20, exitFindings, "--baseline", file, "--new-only", "--check", "duplicate-keys") // past its end
}
