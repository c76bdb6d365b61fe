package main

import (
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/fixtures"
)

const (
	dailyPartition = "    time_partition: {column: dt, grain: day, zone: UTC, of: event_time}\n"
	keylessView    = "  v:\n    path: v/**/*.parquet\n    event_time: at\n" + dailyPartition
	keyedView      = "  v:\n    path: v/**/*.parquet\n    event_time: at\n    entity: [user]\n    key: [id]\n" + dailyPartition
	smallRange     = "2026-11-02..2026-11-02"
)

// textStore writes files of rows below a folder with a config, and gives its path.
func textStore(t *testing.T, views string, files map[string]string) string {
	t.Helper()
	store := filepath.Join(t.TempDir(), "store")
	for name, text := range files {
		table, err := readTable(text)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := fixtures.Write(filepath.Join(store, name), table, fixtures.Options{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(store, "featureaudit.yaml"), []byte("version: 1\nviews:\n"+views), 0o600); err != nil {
		t.Fatal(err)
	}
	return store
}

// threeDays are files of a view v: of the days 1 and 3 of November 2026 as they are, and of day 2 and, where it is given, of day 1 as given.
func threeDays(second string, first ...string) map[string]string {
	const head = "id:int user:int at:aware amount:float\n"
	days := map[string]string{
		"v/dt=2026-11-01/a.parquet": head + "11 1 2026-11-01T01:00:00Z 1.5\n12 2 2026-11-01T02:00:00Z 2.5",
		"v/dt=2026-11-02/a.parquet": head + second,
		"v/dt=2026-11-03/a.parquet": head + "31 1 2026-11-03T01:00:00Z 1.5\n32 2 2026-11-03T02:00:00Z 2.5",
	}
	if len(first) > 0 {
		days["v/dt=2026-11-01/a.parquet"] = head + first[0]
	}
	return days
}

const (
	secondDay = "21 1 2026-11-02T01:00:00Z 1.5\n22 2 2026-11-02T02:00:00Z 2.5"
	putRight  = "21 1 2026-11-02T01:00:00Z 7.5\n22 2 2026-11-02T02:00:00Z 8.5"
)

// TestViewsWithoutAKeyAreTold by whole rows, or by entity and event time where there is an entity.
func TestViewsWithoutAKeyAreTold(t *testing.T) {
	for name, c := range map[string]struct{ views, stray string }{
		"no entity": {keylessView, "1 of 2 partitions outside of the range was changed (1 changed): dt=2026-11-01 has other values in amount; " +
			"1 row missing or changed, 1 row extra or changed"},
		"an entity": {strings.Replace(keylessView, "    event_time", "    entity: [user]\n    event_time", 1),
			"1 of 2 partitions outside of the range was changed (1 changed): dt=2026-11-01 has other values in amount; 1 key changed (amount in 1)"},
	} {
		before := textStore(t, c.views, threeDays(secondDay))
		r := verified(t, exitOK, "--before", before, "--after", textStore(t, c.views, threeDays(putRight)), "--range", smallRange)
		for _, check := range []string{"backfill-complete", "backfill-correct", "backfill-isolated"} {
			if got := resultOf(t, r, check); got.Outcome != report.Pass {
				t.Errorf("%s, a sound backfill: %s is %s: %s", name, check, got.Outcome, got.Message)
			}
		}
		stray := textStore(t, c.views, threeDays(putRight, "11 1 2026-11-01T01:00:00Z 1.5\n12 2 2026-11-01T02:00:00Z 9.5"))
		r = verified(t, exitFindings, "--before", before, "--after", stray, "--range", smallRange)
		if got := resultOf(t, r, "backfill-isolated").Message; got != c.stray {
			t.Errorf("%s: it says\n%s\nwant\n%s", name, got, c.stray)
		}
		if got := resultOf(t, r, "backfill-complete"); got.Outcome != report.Pass {
			t.Errorf("%s: complete is %s: %s", name, got.Outcome, got.Message)
		}
		lost := textStore(t, c.views, threeDays("21 1 2026-11-02T01:00:00Z 7.5"))
		r = verified(t, exitFindings, "--before", before, "--after", lost, "--range", smallRange)
		if got := resultOf(t, r, "backfill-complete"); got.RowsBad != 1 {
			t.Errorf("%s, a row that is lost: complete is %s: %s", name, got.Outcome, got.Message)
		}
	}
}

// TestOneRowIsNotCalledShifted where its time was put right, but where those of another day moved by as much.
func TestOneRowIsNotCalledShifted(t *testing.T) {
	state := func(before, after map[string]string, within string) string {
		t.Helper()
		to := filepath.Join(t.TempDir(), "verify.json")
		cliRun(t, "verify", "--as-of", "2026-12-01", "--before", textStore(t, keyedView, before), "--after", textStore(t, keyedView, after),
			"--range", within, "--out", "json="+to)
		raw, err := os.ReadFile(to)
		if err != nil {
			t.Fatal(err)
		}
		r, err := report.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		return r.Views[0].Series[1].State
	}
	one := threeDays("21 1 2026-11-02T01:00:00Z 1.5")
	later := "11 1 2026-11-01T06:30:00Z 1.5\n12 2 2026-11-01T07:30:00Z 2.5" // day 1, five and a half hours later
	for _, c := range []struct {
		name, within, want string
		after              map[string]string
	}{
		{"37 minutes later", smallRange, "as expected", threeDays("21 1 2026-11-02T01:37:00Z 1.5")},
		{"an hour later", smallRange, "as expected", threeDays("21 1 2026-11-02T02:00:00Z 1.5")},
		{"an hour later, with another amount", smallRange, "as expected", threeDays("21 1 2026-11-02T02:00:00Z 2.5")},
		{"with the day before", "2026-11-01..2026-11-02", "shifted", threeDays("21 1 2026-11-02T06:30:00Z 1.5", later)},
		{"with the day before by another length", "2026-11-01..2026-11-02", "as expected", threeDays("21 1 2026-11-02T06:00:00Z 1.5", later)},
	} {
		if got := state(one, c.after, c.within); got != c.want {
			t.Errorf("%s: it is %s, want %s", c.name, got, c.want)
		}
	}
}

// TestExpectedRowsAreHeldToTheLine refuses a file of numbers that are for nothing, by its line.
func TestExpectedRowsAreHeldToTheLine(t *testing.T) {
	before, after := textStore(t, keyedView, threeDays(secondDay)), textStore(t, keyedView, threeDays(putRight))
	for _, c := range []struct{ text, says string }{
		{"", "it has no line of partition,rows"},
		{"partition,rows\n", "it has no line of partition,rows"},
		{"partition,rows\n2026-11-02,2\n2026-11-02,2\n", `, line 3: partition "2026-11-02" has a number already; expected one line for each`},
		{"2026-11-02,2\n\ndt=2026-11-02,2\n", `, line 3: partition "dt=2026-11-02" has a number already, as "2026-11-02"; expected one line for each`},
		{"2026-11-02,2\n2026-11-22,2\n", `, line 2: no view that was compared has a partition "2026-11-22"; they have ` +
			"dt=2026-11-01, dt=2026-11-02, dt=2026-11-03"},
		{"2026-11-02,2O\n2026-11-03,2\n", `, line 1: "2O" is no number of rows; expected partition,rows`},
		{"partition,rows\n\n2026-11-02,many\n", `, line 3: "many" is no number of rows; expected partition,rows`},
		{"2026-11-02,2\n2026-11-03\n", "record on line 2: wrong number of fields; expected lines of partition,rows"},
	} {
		rows := filepath.Join(t.TempDir(), "rows.csv")
		if err := os.WriteFile(rows, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		code, _, stderr := cliRun(t, "verify", "--before", before, "--after", after, "--range", smallRange, "--expect-rows", rows)
		if code != exitUsage || !strings.Contains(stderr, "--expect-rows "+rows) || !strings.Contains(stderr, c.says) {
			t.Errorf("%q: exit %d: %s, want %s", c.text, code, stderr, c.says)
		}
	}
	rows := filepath.Join(t.TempDir(), "rows.csv")
	if err := os.WriteFile(rows, []byte("2026-11-02,2\n2026-11-03,2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := verified(t, exitOK, "--before", before, "--after", after, "--range", smallRange, "--expect-rows", rows)
	want := []string{"--expect-rows names 2026-11-03, which is no partition of the range"}
	if got := r.Views[0].Notes; !reflect.DeepEqual(got, want) {
		t.Errorf("notes are %q, want %q", got, want)
	}
}

// TestNoRowsOfADayWithoutAPartition are what somebody expected, and any other number for it is refused, which nothing was filled for.
func TestNoRowsOfADayWithoutAPartition(t *testing.T) {
	for expected, within := range map[string]string{"weekdays": "2026-11-02..2026-11-03", "any": "2026-11-02..2026-11-07"} {
		views := strings.Replace(keyedView, "of: event_time", "of: event_time, expected: "+expected, 1)
		before, after := textStore(t, views, threeDays(secondDay)), textStore(t, views, threeDays(putRight))
		// the seventh is a Saturday
		for number, want := range map[string]int{"0": exitOK, "2": exitUsage} {
			rows := filepath.Join(t.TempDir(), "rows.csv")
			if err := os.WriteFile(rows, []byte("2026-11-02,2\n2026-11-07,"+number+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			code, stdout, stderr := cliRun(t, "verify", "--as-of", "2026-11-08", "--before", before, "--after", after, "--range", within,
				"--expect-rows", rows)
			if code != want {
				t.Errorf("%s, %s rows: exit %d, want %d: %s%s", expected, number, code, want, stdout, stderr)
			}
		}
	}
}

// TestToleranceIsForFloatingNumbers refuses one for a column that does not exist, or that holds others.
func TestToleranceIsForFloatingNumbers(t *testing.T) {
	before, after := textStore(t, keyedView, threeDays(secondDay)), textStore(t, keyedView, threeDays(putRight))
	for column, says := range map[string]string{
		"amuont": `--tolerance: no view has a column "amuont"; floating numbers are in amount`,
		"user":   `--tolerance: column "user" is INT64, and only floating numbers may differ by some; they are in amount`,
	} {
		code, _, stderr := cliRun(t, "verify", "--before", before, "--after", after, "--range", smallRange, "--tolerance", column+"=1")
		if code != exitUsage || !strings.Contains(stderr, says) {
			t.Errorf("%s: exit %d: %s, want %s", column, code, stderr, says)
		}
	}
}

// TestARangeOfNothingIsNoAnswer where no partition lies in it, and none should yet.
func TestARangeOfNothingIsNoAnswer(t *testing.T) {
	before, after := textStore(t, keyedView, threeDays(secondDay)), textStore(t, keyedView, threeDays(secondDay))
	r := verified(t, exitFindings, "--before", before, "--after", after, "--range", "2027-11-02..2027-11-03")
	want := "no partition of 2027-11-02..2027-11-03 is there, and none should be by 2026-12-01T00:00:00Z: check --range"
	if got := resultOf(t, r, "backfill-complete"); got.Outcome != report.Error || got.Retryable || got.Message != want {
		t.Errorf("complete is %s: %s, want %s", got.Outcome, got.Message, want)
	}
	// a range that ended and was never filled is not complete
	r = verified(t, exitFindings, "--before", before, "--after", after, "--range", "2026-11-05..2026-11-06")
	if got := resultOf(t, r, "backfill-complete"); got.RowsBad != 2 {
		t.Errorf("complete is %s with %d bad: %s", got.Outcome, got.RowsBad, got.Message)
	}
}

// TestAViewWithoutPartitionsIsJudgedAsAWhole beside one that has them.
func TestAViewWithoutPartitionsIsJudgedAsAWhole(t *testing.T) {
	views := keyedView + "  whole:\n    path: whole/*.parquet\n    event_time: at\n    key: [id]\n"
	store := func(second, whole string) string {
		files := threeDays(second)
		files["whole/a.parquet"] = "id:int at:aware amount:float\n" + whole
		return textStore(t, views, files)
	}
	const row, other = "1 2026-11-02T01:00:00Z 1.5", "2 2026-11-09T01:00:00Z 2.5"
	before := store(secondDay, row+"\n"+other)
	r := verified(t, exitOK, "--before", before, "--after", store(putRight, row+"\n2 2026-11-09T01:00:00Z 9.5"), "--range", smallRange)
	want := []string{"the view has no time partitions: it is judged as a whole, whatever the range"}
	if got := r.Views[1].Notes; !reflect.DeepEqual(got, want) {
		t.Errorf("notes are %q, want %q", got, want)
	}
	if got := r.Views[1].Series[0]; got.State != "as expected" {
		t.Errorf("the whole view is %s", got.State)
	}
	r = verified(t, exitFindings, "--before", before, "--after", store(putRight, row), "--range", smallRange)
	for _, res := range r.Results {
		if res.Outcome == report.Fail && (res.View != "whole" || res.Check != "backfill-complete") {
			t.Errorf("%s of %s is %s: %s", res.Check, res.View, res.Outcome, res.Message)
		}
	}
}

// TestWhatIsMissingIsListedFirst before what is extra or changed, and no more than --rows-limit.
func TestWhatIsMissingIsListedFirst(t *testing.T) {
	before := textStore(t, keyedView, threeDays(secondDay+"\n23 3 2026-11-02T03:00:00Z 3.5"))
	// user 3 with its key 23 is lost, user 4 with its key 24 is new, the keys 21 and 22 have other amounts
	after := textStore(t, keyedView, threeDays(putRight+"\n24 4 2026-11-02T04:00:00Z 4.5"))
	all := []string{"entity missing 23", "entity new 24", "key missing 23", "key extra 24", "key changed: before 21", "key changed: before 22",
		"key changed: after 21", "key changed: after 22"}
	for limit, want := range map[string][]string{"100": all, "8": all, "7": all[:7], "5": all[:5], "3": all[:3], "1": all[:1], "0": nil} {
		to := filepath.Join(t.TempDir(), "rows.csv")
		code, stdout, stderr := cliRun(t, "verify", "--as-of", "2026-12-01", "--before", before, "--after", after, "--range", smallRange,
			"--out", "rows="+to, "--rows-limit", limit)
		if code != exitFindings {
			t.Fatalf("exit %d\n%s%s", code, stdout, stderr)
		}
		if got := changesListed(t, to); !reflect.DeepEqual(got, want) {
			t.Errorf("--rows-limit %s: listed are %q, want %q", limit, got, want)
		}
		cut := strings.Contains(stderr, "more keys and entities differ than --rows-limit "+limit+" lets be listed")
		if want := len(want) < len(all) && limit != "0"; cut != want {
			t.Errorf("--rows-limit %s: that it cuts something off is said: %t, want %t: %s", limit, cut, want, stderr)
		}
	}
}

// changesListed are what became of rows and their ids, in the order of a file of rows.
func changesListed(t *testing.T, path string) (changes []string) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range lines[1:] {
		var values map[string]string
		if err := json.Unmarshal([]byte(line[4]), &values); err != nil {
			t.Fatal(err)
		}
		changes = append(changes, values["audited_change"]+" "+values["id"])
	}
	return changes
}

// TestEqualInstantsOfAnotherEncodingAreBrought whatever the rows of before are known by: a snapshot has the types of its columns.
func TestEqualInstantsOfAnotherEncodingAreBrought(t *testing.T) {
	files := threeDays(secondDay)
	before := textStore(t, keyedView, files)
	files["v/dt=2026-11-02/a.parquet"] = "id:int user:int at:naive amount:float\n" + secondDay
	after := textStore(t, keyedView, files)
	snapshot := filepath.Join(t.TempDir(), "before.snapshot")
	if code, _, stderr := cliRun(t, "snapshot", "--config", before+"/featureaudit.yaml", "--out", snapshot); code != exitOK {
		t.Fatal(stderr)
	}
	for _, known := range []string{before, snapshot} {
		r := verified(t, exitFindings, "--before", known, "--after", after, "--range", smallRange)
		if got := resultOf(t, r, "backfill-correct"); got.Outcome != report.Fail || !strings.Contains(got.Message, "mixed-encoding: event_time is naive, where most files write aware") {
			t.Errorf("before %s: %s: %s", known, got.Outcome, got.Message)
		}
		verified(t, exitOK, "--before", known, "--after", before, "--range", smallRange)
	}
}
