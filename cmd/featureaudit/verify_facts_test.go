package main

import (
	"archive/tar"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/fixtures"
)

// snapshotOf writes a snapshot and gives its bytes, and what the command printed.
func snapshotOf(t *testing.T, store string, flags ...string) (raw []byte, stdout string) {
	t.Helper()
	to := filepath.Join(t.TempDir(), "a.snapshot")
	args := append([]string{"snapshot", "--config", filepath.Join(store, "featureaudit.yaml"), "--as-of", "2026-11-10", "--out", to}, flags...)
	code, stdout, stderr := cliRun(t, args...)
	if code != exitOK {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	raw, err := os.ReadFile(to)
	if err != nil {
		t.Fatal(err)
	}
	return raw, stdout
}

// TestSnapshotsOfUnchangedFilesReadNothing keeps what files hold: the second snapshot is the first, and only what changed is read after
// that.
func TestSnapshotsOfUnchangedFilesReadNothing(t *testing.T) {
	for _, flags := range [][]string{nil, {"--with-keys"}} {
		b, _, _ := backfill(t, "clean")
		store, facts := filepath.Join(t.TempDir(), "store"), filepath.Join(t.TempDir(), "facts")
		if err := b.Before(store); err != nil {
			t.Fatal(err)
		}
		flags = append(flags, "--facts", facts)
		plain, _ := snapshotOf(t, store, flags[:len(flags)-2]...)
		first, said := snapshotOf(t, store, flags...)
		if strings.Contains(said, "known") {
			t.Errorf("the first snapshot knows files: %s", said)
		}
		second, said := snapshotOf(t, store, flags...)
		if !bytes.Equal(plain, first) || !bytes.Equal(first, second) {
			t.Errorf("%v: snapshots of the same files differ", flags)
		}
		if want := "8 of the files were known and not read again"; !strings.Contains(said, want) {
			t.Errorf("%v: it prints %q, want %q", flags, said, want)
		}
		if err := b.Fill(store); err != nil {
			t.Fatal(err)
		}
		filled, said := snapshotOf(t, store, flags...)
		if want := "6 of the files were known"; !strings.Contains(said, want) {
			t.Errorf("%v: after the backfill it prints %q, want %q", flags, said, want)
		}
		if plain, _ := snapshotOf(t, store, flags[:len(flags)-2]...); !bytes.Equal(plain, filled) {
			t.Errorf("%v: what was known makes another snapshot than what is read", flags)
		}
		if again, said := snapshotOf(t, store, append(flags, "--paranoid")...); strings.Contains(said, "known") || !bytes.Equal(again, filled) {
			t.Errorf("%v: --paranoid prints %q", flags, said)
		}
	}
}

// TestVerifyKnowsWhatFilesHold gives the same report with kept facts as without, and reads nothing the second time.
func TestVerifyKnowsWhatFilesHold(t *testing.T) {
	for name, code := range map[string]int{"clean": exitOK, "rewritten but equal": exitOK, "neighbours truncated": exitFindings, "two rows that swap a value": exitFindings} {
		_, before, after := backfill(t, name)
		facts := filepath.Join(t.TempDir(), "facts")
		args := []string{"--before", before, "--after", after, "--range", fixtures.BackfillRange}
		plain := verified(t, code, args...)
		first := verified(t, code, append(args, "--facts", facts)...)
		second := verified(t, code, append(args, "--facts", facts)...)
		if first.ID != plain.ID || second.ID != plain.ID {
			t.Errorf("%s: kept facts change the report", name)
		}
		if e := second.Execution; e.FilesRead != 0 || e.FilesKnown == 0 || e.FilesKnown != first.Execution.FilesRead {
			t.Errorf("%s: %d files read and %d known, want 0 and %d", name, e.FilesRead, e.FilesKnown, first.Execution.FilesRead)
		}
		if paranoid := verified(t, code, append(args, "--facts", facts, "--paranoid")...); paranoid.ID != plain.ID || paranoid.Execution.FilesKnown != 0 {
			t.Errorf("%s: --paranoid knows %d files", name, paranoid.Execution.FilesKnown)
		}
	}
}

// TestChangesInPlaceNeedParanoid changes a value in a file that keeps its size, time and footer: kept facts cannot tell, --paranoid does.
func TestChangesInPlaceNeedParanoid(t *testing.T) {
	store, facts := filepath.Join(t.TempDir(), "store"), filepath.Join(t.TempDir(), "facts")
	table := fixtures.Table{Columns: []fixtures.Column{{Name: "id", Type: fixtures.Int64Type, Values: []any{1, 2, 3}}, {Name: "note", Type: fixtures.TextType, Values: []any{"aaaa", "bbbb", "cccc"}}}}
	path := filepath.Join(store, "data", "a.parquet")
	if err := fixtures.Write(path, table, fixtures.Options{Compression: fixtures.Uncompressed, PlainPages: true}); err != nil {
		t.Fatal(err)
	}
	config := "version: 1\nviews:\n  v:\n    path: data/*.parquet\n    key: [id]\n"
	if err := os.WriteFile(filepath.Join(store, "featureaudit.yaml"), []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	first, _ := snapshotOf(t, store, "--facts", facts)
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, bytes.Replace(raw, []byte("bbbb"), []byte("bxbb"), 1), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, time.Time{}, info.ModTime()); err != nil {
		t.Fatal(err)
	}
	if second, said := snapshotOf(t, store, "--facts", facts); !bytes.Equal(first, second) || !strings.Contains(said, "known") {
		t.Errorf("the file was read: %s", said)
	}
	third, _ := snapshotOf(t, store, "--facts", facts, "--paranoid")
	if bytes.Equal(first, third) {
		t.Error("--paranoid does not see the change")
	}
	if fourth, said := snapshotOf(t, store, "--facts", facts); !bytes.Equal(third, fourth) || !strings.Contains(said, "known") {
		t.Errorf("what --paranoid read is not what is known after it: %s", said)
	}
}

// TestNothingIsKeptOfSensitiveViews reads them each time: a sum over one row tells its values to whoever guesses them.
func TestNothingIsKeptOfSensitiveViews(t *testing.T) {
	b, _, _ := backfill(t, "clean")
	store, facts := filepath.Join(t.TempDir(), "store"), filepath.Join(t.TempDir(), "facts")
	if err := b.Before(store); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, said := snapshotOf(t, store, "--facts", facts, "--set", "transactions.sensitive=[note]"); strings.Contains(said, "known") {
			t.Errorf("something was kept: %s", said)
		}
	}
}

// TestASnapshotUnpacked is what it was as one file.
func TestASnapshotUnpacked(t *testing.T) {
	_, before, after := backfill(t, "clean")
	raw, _ := snapshotOf(t, before)
	folder := filepath.Join(t.TempDir(), "unpacked")
	unpack(t, raw, folder)
	config := filepath.Join(after, "featureaudit.yaml")
	r := verified(t, exitOK, "--before", folder, "--config", config, "--range", fixtures.BackfillRange)
	if got := resultOf(t, r, "backfill-isolated"); got.Outcome != report.Pass || r.Verification.Before.Kind != "snapshot" {
		t.Errorf("before is a %s, isolated %s", r.Verification.Before.Kind, got.Outcome)
	}
	table := filepath.Join(folder, "contents.parquet")
	damaged, err := os.ReadFile(table)
	if err != nil {
		t.Fatal(err)
	}
	damaged[40] ^= 1
	if err := os.WriteFile(table, damaged, 0o600); err != nil {
		t.Fatal(err)
	}
	code, _, stderr := cliRun(t, "verify", "--before", folder, "--config", config)
	if want := "contents.parquet: block 0 does not agree with its checksum"; code != exitUsage || !strings.Contains(stderr, want) {
		t.Errorf("exit %d: %s, want %q", code, stderr, want)
	}
}

// unpack writes the files of a small snapshot to a folder.
func unpack(t *testing.T, raw []byte, folder string) {
	t.Helper()
	stream, err := zstd.NewReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	archive := tar.NewReader(stream)
	for {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		one, err := io.ReadAll(archive)
		if err == nil {
			err = os.WriteFile(filepath.Join(folder, h.Name), one, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestRowsOfABackfillAreListed lists keys and entities that are missing, extra or changed, where data is on the side that has them.
func TestRowsOfABackfillAreListed(t *testing.T) {
	_, before, after := backfill(t, "lost entities")
	listed := func(t *testing.T, args ...string) map[string]int {
		t.Helper()
		to := filepath.Join(t.TempDir(), "rows.csv")
		verified(t, exitFindings, append(args, "--range", fixtures.BackfillRange, "--out", "rows="+to)...)
		f, err := os.Open(to)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		lines, err := csv.NewReader(f).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		counts := map[string]int{}
		for _, line := range lines[1:] {
			var values map[string]string
			if err := json.Unmarshal([]byte(line[4]), &values); err != nil {
				t.Fatal(err)
			}
			change := values["audited_change"]
			counts[change]++
			if change == "entity missing" && values["user_id"] != "3" {
				t.Errorf("user %s is listed as missing: %v", values["user_id"], line)
			}
			if side := map[bool]string{true: before, false: after}[strings.HasSuffix(change, "missing") || strings.HasSuffix(change, "before")]; !strings.HasPrefix(line[2], side) {
				t.Errorf("%s is listed of %s", change, line[2])
			}
		}
		return counts
	}
	// of 60 rows a day the days 4 and 5 lose those of user 3; all others have other amounts
	lost := 0
	for day := 4; day <= 5; day++ {
		for i := range 60 {
			if (i*7+day)%23 == 3 {
				lost++
			}
		}
	}
	want := map[string]int{"key missing": lost, "key changed: before": 120 - lost, "key changed: after": 120 - lost, "entity missing": 1}
	if got := listed(t, "--before", before, "--after", after); !reflect.DeepEqual(got, want) {
		t.Errorf("listed are %v, want %v", got, want)
	}
	to := filepath.Join(t.TempDir(), "rows.parquet")
	verified(t, exitOK, "--before", after, "--after", before, "--range", fixtures.BackfillRange, "--out", "rows="+to)
	if _, err := os.Stat(to); err != nil {
		t.Error(err)
	}
	snapshot := filepath.Join(t.TempDir(), "keyed.snapshot")
	raw, _ := snapshotOf(t, before, "--with-keys")
	if err := os.WriteFile(snapshot, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	got := listed(t, "--before", snapshot, "--config", filepath.Join(after, "featureaudit.yaml"))
	if want := map[string]int{"key changed: after": 120 - lost}; !reflect.DeepEqual(got, want) {
		t.Errorf("with a snapshot listed are %v, want %v", got, want)
	}
}

// TestSuppressionsAcceptWhatABackfillTouched accepts a stray partition until a day, and no other.
func TestSuppressionsAcceptWhatABackfillTouched(t *testing.T) {
	_, before, after := backfill(t, "neighbours truncated")
	config := func(suppressions string) string {
		raw, err := os.ReadFile(filepath.Join(after, "featureaudit.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(after, "with.yaml")
		if err := os.WriteFile(path, append(raw, suppressions...), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	args := []string{"--before", before, "--range", fixtures.BackfillRange, "--config"}
	all := config("suppress:\n  - {check: backfill-isolated, reason: a known job, until: 2026-12-31}\n")
	r := verified(t, exitOK, append(args, all)...)
	if got := resultOf(t, r, "backfill-isolated"); got.Outcome != report.Suppressed || got.FindingsSuppressed != 6 || got.SuppressedBy == "" {
		t.Errorf("isolated is %s, %d suppressed by %q", got.Outcome, got.FindingsSuppressed, got.SuppressedBy)
	}
	one := config("suppress:\n  - {check: backfill-isolated, range: 2026-11-01..2026-11-01, reason: a known job}\n")
	r = verified(t, exitFindings, append(args, one)...)
	if got := resultOf(t, r, "backfill-isolated"); got.Outcome != report.Fail || got.FindingsSuppressed != 1 || got.RowsBad != 5 || got.FirstPartition != "dt=2026-11-02" {
		t.Errorf("isolated is %s, %d suppressed, %d bad from %s", got.Outcome, got.FindingsSuppressed, got.RowsBad, got.FirstPartition)
	}
	past := config("suppress:\n  - {check: backfill-isolated, reason: a known job, until: 2026-11-30}\n")
	r = verified(t, exitFindings, append(args, past)...)
	if got := resultOf(t, r, "backfill-isolated"); got.Outcome != report.Fail || got.FindingsSuppressed != 0 {
		t.Errorf("an expired suppression: isolated is %s, %d suppressed", got.Outcome, got.FindingsSuppressed)
	}
	few := config("suppress:\n  - {check: backfill-isolated, reason: a known job, max_rows: 100}\n")
	r = verified(t, exitFindings, append(args, few)...)
	if got := resultOf(t, r, "backfill-isolated"); got.Outcome != report.Fail || !strings.Contains(got.Message, "accepts up to 100 rows") {
		t.Errorf("342 rows of 100: isolated is %s: %s", got.Outcome, got.Message)
	}
}
