package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/fixtures"
)

// twoZones writes a day of 120 rows of 5 users from two sources in turn, of which one stamps Kolkata time; the first 9 rows are
// stored once more, a second later: replays. The config lies in dir, the files in store.
func twoZones(t *testing.T, dir, store, view string) (config string) {
	t.Helper()
	day := time.Date(2026, 11, 1, 1, 0, 0, 0, time.UTC)
	columns := []fixtures.Column{{Name: "event_time", Type: fixtures.AwareType}, {Name: "ingested_at", Type: fixtures.AwareType}, {Name: "id", Type: fixtures.Int64Type},
		{Name: "amount", Type: fixtures.Int64Type}, {Name: "user", Type: fixtures.Int64Type},
		{Name: "source", Type: fixtures.TextType}}
	add := func(i int, later time.Duration) {
		happened := day.Add(time.Duration(i) * 680 * time.Second)
		stamped := happened
		if i%2 == 1 {
			stamped = happened.Add(5*time.Hour + 30*time.Minute)
		}
		for c, value := range []any{stamped, happened.Add(time.Duration(5+i%40)*time.Second + later), int64(i), int64(i * 7), int64(i % 5), []string{"batch", "streaming"}[i%2]} {
			columns[c].Values = append(columns[c].Values, value)
		}
	}
	for i := range 120 {
		add(i, 0)
	}
	for i := range 9 {
		add(i, time.Second)
	}
	if err := fixtures.Write(filepath.Join(store, "dt=2026-11-01", "a.parquet"), fixtures.Table{Columns: columns}, fixtures.Options{}); err != nil {
		t.Fatal(err)
	}
	path, err := filepath.Rel(dir, store)
	if err != nil {
		t.Fatal(err)
	}
	config = filepath.Join(dir, "featureaudit.yaml")
	text := fmt.Sprintf("version: 1\nviews:\n  %q:\n    {path: '%s/**/*.parquet', event_time: event_time, ingested_at: ingested_at, key: [id], entity: [user], source: source, ttl: 7d, max_age: 2d}\n", view, path)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return config
}

// ran runs a command and gives its exit code and what it said.
func ran(t *testing.T, args ...string) (int, string) {
	t.Helper()
	var said bytes.Buffer
	code := run(t.Context(), args, strings.NewReader(""), io.Writer(&said), io.Writer(&said), nil)
	return code, said.String()
}

func audited(t *testing.T, config, out string) report.Report {
	t.Helper()
	if code, said := ran(t, "run", "--config", config, "--as-of", "2026-11-02", "--out", "json="+out, "--fail-on", "never", "--log-level", "error"); code != 0 {
		t.Fatalf("exit %d: %s", code, said)
	}
	return readJSON(t, out)
}

func duplicates(t *testing.T, r report.Report) report.Result {
	t.Helper()
	for _, res := range r.Results {
		if res.Check == "duplicate-keys" {
			return res
		}
	}
	t.Fatal("no result of duplicate-keys")
	return report.Result{}
}

// TestAlignedColumnIsNoPayload audits a copy: replays are replays, and an original beside it is no drift.
func TestAlignedColumnIsNoPayload(t *testing.T) {
	dir := t.TempDir()
	config, out := twoZones(t, dir, filepath.Join(dir, "store"), "clicks"), filepath.Join(dir, "report.json")
	before := duplicates(t, audited(t, config, out))
	if before.Measures["replay_keys"] != int64(9) || before.Measures["conflict_keys"] != int64(0) {
		t.Fatalf("planted 9 replays: %v", before.Measures)
	}
	copied := filepath.Join(dir, "copy")
	if code, said := ran(t, "align", "--config", config, "--report", out, "--out-dir", copied, "--accept", "statistical"); code != 0 || !strings.Contains(said, "64 rows shifted") {
		t.Fatalf("exit %d: %s", code, said)
	}
	raw, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	config = filepath.Join(copied, "featureaudit.yaml")
	if err := os.WriteFile(config, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	after := duplicates(t, audited(t, config, filepath.Join(dir, "copied.json")))
	if after.Measures["replay_keys"] != int64(9) || after.Measures["conflict_keys"] != int64(0) || after.RowsBad != before.RowsBad {
		t.Errorf("the copy has %v, the original %v", after.Measures, before.Measures)
	}
	raw, err = os.ReadFile(filepath.Join(dir, "store", "dt=2026-11-01", "a.parquet"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(copied, "store", "dt=2026-11-01", "original.parquet"), raw, 0o600); err != nil {
		t.Fatal(err)
	}
	mixed := audited(t, config, filepath.Join(dir, "mixed.json"))
	for _, res := range mixed.Results {
		if res.Check == "schema-drift" && res.Outcome != report.Pass {
			t.Errorf("an original beside a copy: %s: %s", res.Outcome, res.Message)
		}
	}
	if both := duplicates(t, mixed); strings.Contains(fmt.Sprint(both.Findings), "source_lag") {
		t.Errorf("source_lag is compared: %v", both.Findings)
	}
}

// TestAlignStaysInItsTarget has views outside of the config's folder, whose names become folders.
func TestAlignStaysInItsTarget(t *testing.T) {
	for name, want := range map[string]int{"clicks": exitOK, "../../../escape": exitUsage, "/escape": exitUsage, "a/b": exitUsage, ".hidden": exitUsage, "..": exitUsage} {
		root := t.TempDir()
		dir, out := filepath.Join(root, "cfg", "deep"), filepath.Join(root, "work", "report.json")
		for _, folder := range []string{dir, filepath.Dir(out)} {
			if err := os.MkdirAll(folder, 0o700); err != nil {
				t.Fatal(err)
			}
		}
		config := twoZones(t, dir, filepath.Join(root, "data"), name)
		audited(t, config, out)
		copied := filepath.Join(root, "work", "a", "b", "copy")
		code, said := ran(t, "align", "--config", config, "--report", out, "--out-dir", copied, "--accept", "statistical")
		if code != want {
			t.Errorf("%q: exit %d, want %d: %s", name, code, want, said)
		}
		var files []string
		err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
			if err == nil && filepath.Ext(path) == ".parquet" && !strings.HasPrefix(path, filepath.Join(root, "data")) {
				files = append(files, path)
			}
			return err
		})
		wanted := ""
		if want == exitOK {
			wanted = filepath.Join(copied, name, "dt=2026-11-01", "a.parquet")
		}
		if got := strings.Join(files, " "); err != nil || got != wanted {
			t.Errorf("%q: wrote %q, want %q (%v)", name, got, wanted, err)
		}
	}
}

// TestAlignRefusesForeignPlans changes a report so that its id holds, and its plan is another's.
func TestAlignRefusesForeignPlans(t *testing.T) {
	dir := t.TempDir()
	config, out := twoZones(t, dir, filepath.Join(dir, "store"), "clicks"), filepath.Join(dir, "report.json")
	whole := audited(t, config, out)
	if len(whole.Corrections) == 0 {
		t.Fatal("the report has no corrections")
	}
	for name, c := range map[string]struct {
		change func(*report.Report)
		sealed bool
		want   string
	}{
		"its id does not hold": {func(r *report.Report) { r.Corrections[0].Rows++ }, false, "id: found"},
		"a view of another config": {func(r *report.Report) {
			r.Views[0].Name, r.Corrections = "other", nil
			for i := range r.Results {
				if r.Results[i].View != "" {
					r.Results[i].View = "other"
				}
			}
		}, true, `view "other" is none of this config`},
		"a shift of no zone":     {func(r *report.Report) { s := int64(12345); r.Corrections[0].ShiftSeconds = &s }, true, "a shift of 12345 seconds is no distance"},
		"a shift beyond 64 bits": {func(r *report.Report) { s := int64(1) << 62; r.Corrections[0].ShiftSeconds = &s }, true, "is no distance"},
		"unknown evidence":       {func(r *report.Report) { r.Corrections[0].Evidence = "hearsay" }, true, "does not know"},
	} {
		r := readJSON(t, out)
		c.change(&r)
		if c.sealed {
			id, err := r.Digest()
			if err != nil {
				t.Fatal(err)
			}
			r.ID = id
		}
		raw, err := r.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		changed := filepath.Join(dir, "changed.json")
		if err := os.WriteFile(changed, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		code, said := ran(t, "align", "--config", config, "--report", changed, "--out-dir", filepath.Join(dir, "copy"), "--accept", "statistical")
		if code != exitUsage || !strings.Contains(said, c.want) {
			t.Errorf("%s: exit %d, want %d and %q: %s", name, code, exitUsage, c.want, said)
		}
	}
	// a target among the originals
	code, said := ran(t, "align", "--config", config, "--report", out, "--out-dir", filepath.Join(dir, "store", "copy"), "--accept", "statistical")
	if code != exitUsage || !strings.Contains(said, "would be data of view clicks") {
		t.Errorf("into the store: exit %d: %s", code, said)
	}
	if left, err := filepath.Glob(filepath.Join(dir, ".featureaudit*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v (%v)", left, err)
	}
}
