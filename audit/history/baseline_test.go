package history_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/featureaudit/featureaudit/audit/history"
	"github.com/featureaudit/featureaudit/audit/report"
)

// baselineOf is the baseline of a report, with its end set.
func baselineOf(t *testing.T, r report.Report, until string) (history.Baseline, string) {
	t.Helper()
	var buf bytes.Buffer
	if _, err := history.WriteBaseline(&buf, r); err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(buf.String(), "until: SET-A-DATE", "until: "+until)
	b, err := history.ParseBaseline("baseline.yaml", []byte(text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return b, text
}

func TestBaselineNeedsAnEnd(t *testing.T) {
	r := night(0, report.Fail, map[string]int64{"a": 5})
	var buf bytes.Buffer
	if _, err := history.WriteBaseline(&buf, r); err != nil {
		t.Fatal(err)
	}
	line := 1 + strings.Count(buf.String()[:strings.Index(buf.String(), "until: SET-A-DATE")], "\n")
	_, err := history.ParseBaseline("known/baseline.yaml", buf.Bytes())
	if err == nil || !strings.HasPrefix(err.Error(), fmt.Sprintf("known/baseline.yaml:%d: until: SET-A-DATE is still in the place of a date", line)) {
		t.Errorf(`got %v, want err != nil && strings.HasPrefix(err.Error(), fmt.Sprintf("known/baseline.yaml:%%d: until: SET-A-DATE is still in the place of a date", line))`, err)
	}
}

func TestBaselineHoldsWhatItSaysAndNoMore(t *testing.T) {
	b, _ := baselineOf(t, night(0, report.Fail, map[string]int64{"a": 5, "b": 5, "gone": 2}), "2026-11-10")
	for _, c := range []struct {
		name             string
		report           report.Report
		known, exceeded  int64
		expired, missing int64
		counted          bool
		names            []string
	}{
		{"the same", night(0, report.Fail, map[string]int64{"a": 5, "b": 5, "gone": 2}), 3, 0, 0, 0, false, []string{"a true", "b true", "gone true"}},
		{"fewer rows, one gone", night(1, report.Fail, map[string]int64{"a": 1, "b": 5}), 2, 0, 0, 1, false, []string{"a true", "b true"}},
		{"one row more", night(1, report.Fail, map[string]int64{"a": 6, "b": 5}), 1, 1, 0, 1, true, []string{"a false", "b true"}},
		{"another finding", night(1, report.Fail, map[string]int64{"a": 5, "c": 1}), 1, 0, 0, 2, true, []string{"a true", "c false"}},
		{"nothing found", night(1, report.Pass, nil), 0, 0, 0, 3, false, nil},
		{"nobody could look", night(1, report.Error, nil), 0, 0, 0, 0, true, nil},
		{"the day before the end", night(8, report.Fail, map[string]int64{"a": 5, "b": 5, "gone": 2}), 3, 0, 0, 0, false, []string{"a true", "b true", "gone true"}},
		{"the day of the end", night(9, report.Fail, map[string]int64{"a": 5, "b": 5, "gone": 2}), 0, 0, 3, 0, true, []string{"a false", "b false", "gone false"}},
	} {
		got, err := b.Apply(c.report)
		if err != nil {
			t.Fatal(err)
		}
		if want := (report.Baseline{Entries: 3, Known: c.known, Exceeded: c.exceeded, Expired: c.expired, Unmatched: c.missing}); *got.Baseline != want {
			t.Errorf("%s: %+v, want %+v", c.name, *got.Baseline, want)
		}
		res, unused := got.Results[1], got.Results[0]
		var names []string
		for _, f := range res.Findings {
			names = append(names, fmt.Sprint(f.Subject.Partition, " ", f.Known))
		}
		if !slices.Equal(names, c.names) || res.FindingsKnown != c.known {
			t.Errorf("%s: %v, %d known", c.name, names, res.FindingsKnown)
		}
		if unused.Check != history.UnusedCheck || unused.FindingsTotal != c.missing || (unused.Outcome == report.Warn) != (c.missing > 0) {
			t.Errorf("%s: got %+v, want unused.Check == history.UnusedCheck && unused.FindingsTotal == c.missing && (unused.Outcome == report.Warn) == (c.missing > 0)", c.name, unused)
		}
		counts := slices.ContainsFunc(history.NewOnly(got.Results), func(res report.Result) bool {
			return res.Check == "null-keys" && res.Outcome != report.Pass
		})
		if counts != c.counted {
			t.Errorf("%s: counts: %t", c.name, counts)
		}
		raw, err := got.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := report.Parse(raw); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestBaselineLeavesOutWhatNobodyCanFollow(t *testing.T) {
	r := night(0, report.Warn, map[string]int64{"a: 'b' #c\n\u202e": 5, "hidden": 1, "accepted": 2})
	res := &r.Results[0]
	for i, f := range res.Every {
		switch f.Subject.Partition {
		case "hidden":
			res.Every[i].FingerprintNote, res.FindingsUnfollowed = "numbered", 1
			delete(res.Fingerprints, f.Fingerprint)
		case "accepted":
			res.Every[i].Suppressed, res.FingerprintsSuppressed = true, []string{f.Fingerprint}
		}
	}
	var buf bytes.Buffer
	notes, err := history.WriteBaseline(&buf, r)
	if err != nil || len(notes) != 1 || !strings.Contains(notes[0], "1 finding left out") {
		t.Fatalf(`got %q, %v, want err == nil && len(notes) == 1 && strings.Contains(notes[0], "1 finding left out")`, notes, err)
	}
	b, text := baselineOf(t, r, "2027-01-31")
	if len(b.Entries) != 1 || b.Entries[0].Subject != `a: 'b' #c\n\u202e` || b.Entries[0].Owner != "o" || b.Entries[0].FirstSeen != "2026-11-01" || b.Entries[0].RowsBad != 5 {
		t.Errorf("got %+v\n%s, want len(b.Entries) == 1 && b.Entries[0].Subject == `a: 'b' #c\\n\\u202e` && b.Entries[0].Owner == \"o\" && b.Entries[0].FirstSeen == \"2026-11-01\" && "+
			"b.Entries[0].RowsBad == 5", b.Entries, text)
	}
}

func TestBaselineOfAPartIsNotCalledUnused(t *testing.T) {
	b, _ := baselineOf(t, night(0, report.Fail, map[string]int64{"a": 5}), "2027-01-31")
	for name, change := range map[string]func(r *report.Report){
		"a range": func(r *report.Report) { r.Range = "2026-11-01..2026-11-02" },
		"another view": func(r *report.Report) {
			r.Selection.Views = []string{"w"}
			r.Views[0].Name, r.Results[0].View = "w", "w"
		},
		"a file that is blind": func(r *report.Report) {
			r.Views[0].FilesUnread = 1
			r.Results[0].Outcome, r.Views[0].Outcome = report.Warn, report.Warn
		},
	} {
		r := night(1, report.Pass, nil)
		change(&r)
		got, err := b.Apply(r)
		if err != nil {
			t.Fatal(err)
		}
		if got.Baseline.Unmatched != 0 {
			t.Errorf("%s: got %+v, want got.Baseline.Unmatched == 0", name, got.Results)
		}
	}
	r := night(1, report.Pass, nil)
	r.Views[0].Name, r.Results[0].View = "renamed", "renamed"
	got, err := b.Apply(r)
	if err != nil {
		t.Fatal(err)
	}
	if got.Baseline.Unmatched != 1 || !strings.Contains(got.Results[0].Findings[0].Message, "names a check or a view that the report does not have") {
		t.Errorf("a view that is gone: %+v", got.Results[0])
	}
}

func TestBaselineNamesTheLineOfWhatIsWrong(t *testing.T) {
	good := `version: 1
known:
  - view: v
    check: null-keys
    owner: o
    first_seen: 2026-11-01
    until: 2027-01-31
    findings:
      - {fingerprint: fp-a, rows_bad: 5}
`
	if _, err := history.ParseBaseline("b.yaml", []byte(good)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ old, new, want string }{
		{good, "", "b.yaml: the file is empty"},
		{good, "a: [", "b.yaml:1: not valid YAML"},
		{"version: 1", "version: 2", "b.yaml:1: version at the top level: expected 1"},
		{"until: 2027-01-31", "until: 2027-13-31", `b.yaml:7: until: found "2027-13-31", expected a day`},
		{"    until: 2027-01-31\n", "", `b.yaml:3: "until" is missing`},
		{"rows_bad: 5", "rows_bad: -5", `b.yaml:9: rows_bad: found "-5"`},
		{"rows_bad: 5", "rows_bad: 1.5", `b.yaml:9: rows_bad: found "1.5"`},
		{", rows_bad: 5", "", `b.yaml:9: "rows_bad" is missing`},
		{"owner: o", "ower: o", `b.yaml:5: unknown key "ower" in known: did you mean "owner"?`},
		{"view: v\n    ", "", `b.yaml:3: "view" is missing`},
		{good, good + "      - {fingerprint: fp-a, rows_bad: 6}\n", `b.yaml:10: fingerprint "fp-a" stands twice, first in line 9`},
		{"known:", "known: 3\nother:", "b.yaml:3: unknown key \"other\""},
		{good, good + "---\nversion: 1\n", "a second YAML document"},
	} {
		_, err := history.ParseBaseline("b.yaml", []byte(strings.Replace(good, c.old, c.new, 1)))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %q", c.new, err, c.want)
		}
	}
}
