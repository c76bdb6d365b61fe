package report_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"
	"unicode"

	"github.com/featureaudit/featureaudit/audit/report"
)

// two is a report of two views and two checks, and one check of the run, that holds.
func two(t *testing.T) report.Report {
	t.Helper()
	result := func(view, check string, o report.Outcome) report.Result {
		return report.Result{View: view, Check: check, Owner: "team " + view, Outcome: o, Severity: report.SeverityError, Evidence: report.Certain, RowsTotal: 10, RowsBad: 1,
			Message: "ä < b", Measures: map[string]any{"surplus": int64(9007199254740993), "share": 0.5}}
	}
	run := result("", "suppression-unused", report.NotApplicable)
	run.Owner = ""
	shift := int64(-3600)
	r := report.Report{
		Schema: report.Schema, AsOf: "2026-11-23T00:00:00Z", Status: report.Complete, Catalogue: []string{"stale-rows", "stale-view", "suppression-unused"},
		Views: []report.View{{Name: "a", Outcome: report.Fail, Files: 2, Rows: 20, Bytes: 200}, {Name: "b", Outcome: report.Warn, Files: 1, Rows: 10, Bytes: 100}},
		Results: []report.Result{run, result("a", "stale-rows", report.Pass), result("a", "stale-view", report.Fail),
			result("b", "stale-rows", report.Warn), result("b", "stale-view", report.Pass)},
		Corrections: []report.Correction{{View: "a", File: "f", Evidence: report.Statistical, ShiftSeconds: &shift}},
	}
	return sealed(t, r)
}

func sealed(t *testing.T, r report.Report) report.Report {
	t.Helper()
	r.Summary = r.Summarise()
	return identified(t, r)
}

func identified(t *testing.T, r report.Report) report.Report {
	t.Helper()
	id, err := r.Digest()
	if err != nil {
		t.Fatal(err)
	}
	r.ID = id
	return r
}

func written(t *testing.T, r report.Report) string {
	t.Helper()
	raw, err := r.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestParseReadsWhatMarshalWrites(t *testing.T) {
	r := two(t)
	r.Execution = report.Execution{Host: "anywhere", FinishedAt: "2026-11-23T01:00:00Z"}
	text := written(t, r)
	got, err := report.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if again := written(t, got); again != text {
		t.Errorf("read and written again it is\n%s\nwant\n%s", again, text)
	}
}

// TestIDIsOfTheDocumentAsWritten holds the id to its definition, by an independent way: what a newer release adds counts,
// and white space, escapes, a byte order mark and execution do not.
func TestIDIsOfTheDocumentAsWritten(t *testing.T) {
	text := written(t, two(t))
	var compact bytes.Buffer
	if err := json.Compact(&compact, []byte(text)); err != nil {
		t.Fatal(err)
	}
	bare := compact.String()
	from, to := strings.Index(bare, `"id":`), strings.Index(bare, `"tool":`)
	bare = bare[:from] + bare[to:]
	bare = bare[:strings.Index(bare, `,"execution":`)] + "}"
	bare = strings.NewReplacer(`\u003c`, "<").Replace(bare)
	sum := sha256.Sum256([]byte(bare))
	if want := "sha256:" + hex.EncodeToString(sum[:]); two(t).ID != want {
		t.Errorf("id %s, want %s of\n%s", two(t).ID, want, bare)
	}
	for name, same := range map[string]string{
		"compact":              compact.String(),
		"other escapes":        strings.NewReplacer("ä", `\u00e4`, `\u003c`, "<").Replace(text),
		"a byte order mark":    "\ufeff" + text,
		"another execution":    strings.Replace(text, `"host": ""`, `"host": "x", "new": [1]`, 1),
		"its members shuffled": strings.Replace(strings.Replace(text, `"id": "`+two(t).ID+`",`, "", 1), `"execution": {`, `"id": "`+two(t).ID+`", "execution": {`, 1),
	} {
		if _, err := report.Parse([]byte(same)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	added := strings.Replace(text, `"rows_total": 10,`, `"rows_total": 10, "added_later": {"Outcome": null},`, 1)
	if _, err := report.Parse([]byte(added)); err == nil || !strings.Contains(err.Error(), "id: found") {
		t.Errorf("a field that is not known does not count: %v", err)
	}
	sum = sha256.Sum256([]byte(strings.Replace(bare, `"rows_total":10,`, `"rows_total":10,"added_later":{"Outcome":null},`, 1)))
	newer := strings.Replace(added, two(t).ID, "sha256:"+hex.EncodeToString(sum[:]), 1)
	if _, err := report.Parse([]byte(newer)); err != nil {
		t.Errorf("a report of a newer release: %v", err)
	}
}

// TestParseRefusesText has documents that differ from one that holds in a little text; the error names the place.
func TestParseRefusesText(t *testing.T) {
	good := written(t, two(t))
	for _, c := range []struct{ name, old, new, want string }{
		{"empty", good, "", "it is empty"},
		{"blank", good, " \n", "it is empty"},
		{"cut", good, good[:len(good)/2], "not a JSON document (line "},
		{"no object", good, "[]", "no JSON object"},
		{"a text", good, `"x"`, "no JSON object"},
		{"null", good, "null", "its schema is missing"},
		{"bytes that are no text", "team a", "team \xff", "not UTF-8"},
		{"something behind it", good, good + "{}", "not a JSON document"},
		{"deep", `"rows_bad": 1`, `"later": ` + strings.Repeat("[", 20000), "not a JSON document"},
		{"another schema", "report/v1", "report/v2", `its schema is "featureaudit.report/v2"`},
		{"a schema that is no text", `"schema": "featureaudit.report/v1"`, `"schema": 1`, "its schema is 1"},
		{"an unknown outcome", `"outcome": "pass"`, `"outcome": "failed"`, `results[1].outcome: found "failed"`},
		{"an outcome in other letters", `"outcome": "pass"`, `"outcome": "Pass"`, `results[1].outcome: found "Pass"`},
		{"a null outcome", `"outcome": "pass"`, `"outcome": null`, "results[1].outcome: found null"},
		{"a key in other letters", `"outcome": "pass"`, `"Outcome": "pass"`, `results[1]: it has the key "Outcome", expected "outcome"`},
		{"a key with letters that fold", `"status"`, `"ſtatus"`, `expected "status"`},
		{"a missing key", `"outcome": "pass",`, "", `results[1]: it has no "outcome"`},
		{"a key twice", `"outcome": "pass",`, `"outcome": "fail", "outcome": "pass",`, `results[1]: the key "outcome" stands twice`},
		{"an escaped key twice", `"outcome": "pass",`, `"outcome": "fail", "\u006futcome": "pass",`, `results[1]: the key "outcome" stands twice`},
		{"results twice", `"results": [`, `"results": [], "results": [`, `top level: the key "results" stands twice`},
		{"a key twice in what is not known", `"status"`, `"later": {"x": [{"y": 1, "y": 2}]}, "status"`, `later.x[0]: the key "y" stands twice`},
		{"an unknown status", `"status": "complete"`, `"status": "done"`, `status: found "done"`},
		{"a negative count", `"rows_total": 10`, `"rows_total": -10`, "results[0]: the count -10 is negative"},
		{"a fraction", `"rows_total": 10`, `"rows_total": 10.5`, "results[0].rows_total: found 10.5, expected a whole number"},
		{"a count with an exponent", `"rows_total": 10`, `"rows_total": 1e1`, "results[0].rows_total: found 1e1"},
		{"a count beyond 64 bits", `"rows_total": 10`, `"rows_total": 9223372036854775808`, "results[0].rows_total: found 9223372036854775808"},
		{"a measure beyond all numbers", `"share": 0.5`, `"share": 1e999`, "results[0].measures.share: found 1e999"},
		{"no number", `"share": 0.5`, `"share": NaN`, "not a JSON document"},
		{"a count as text", `"rows_total": 10`, `"rows_total": "10"`, `results[0].rows_total: found the text "10"`},
		{"a list where a text stands", `"message": "ä \u003c b"`, `"message": []`, "results[0].message: found a list, expected a text"},
		{"another count", `"rows_bad": 1`, `"rows_bad": 2`, "id: found"},
		{"another id", `"id": "sha256:`, `"id": "sha512:`, `id: found "sha512:`},
		{"no id", `"id": "`, `"no_id": "`, `top level: it has no "id"`},
		{"no instant", "2026-11-23T00:00:00Z", "yesterday", `as_of: found "yesterday"`},
	} {
		bad := strings.Replace(good, c.old, c.new, 1)
		if bad == good {
			t.Fatalf("%s: %q is not in the document", c.name, c.old)
		}
		_, err := report.Parse([]byte(bad))
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want one line with %q", c.name, err, c.want)
		}
	}
}

// TestParseRefusesWhatDoesNotAddUp has documents whose id holds and whose content does not.
func TestParseRefusesWhatDoesNotAddUp(t *testing.T) {
	cut := func(i int) func(*report.Report) {
		return func(r *report.Report) {
			r.Results = append(append([]report.Result{}, r.Results[:i]...), r.Results[i+1:]...)
		}
	}
	for _, c := range []struct {
		name   string
		change func(*report.Report)
		resum  bool
		want   string
	}{
		{"a result cut out", cut(2), false, "summary.outcome: found fail, and what is below it gives warn"},
		{"a result cut out, counted anew", func(r *report.Report) { cut(2)(r); r.Views[0].Outcome = report.Pass }, true, `results: view "a" has no result of stale-view`},
		{"every result of a check cut out", func(r *report.Report) { cut(4)(r); cut(2)(r); r.Views[0].Outcome = report.Pass }, true, "has no result of stale-view"},
		{"the result of the run cut out", cut(0), true, `view "a" has no result of suppression-unused`},
		{"a result twice", func(r *report.Report) { r.Results = append(r.Results, r.Results[1]) }, true, `results[5]: a second result of stale-rows for view "a"`},
		{"a view twice", func(r *report.Report) { r.Views = append(r.Views, r.Views[0]) }, true, `views[2].name: view "a" is listed twice`},
		{"a view without a name", func(r *report.Report) { r.Views[0].Name = "" }, true, "views[0].name: it is empty"},
		{"a result of a view that is not listed", func(r *report.Report) { r.Results[1].View = "c" }, true, `results[1].view: view "c" is not among the views`},
		{"a result of no check of the catalogue", func(r *report.Report) { r.Results[1].Check = "other" }, true, `results[1].check: check "other" is not in the report's catalogue`},
		{"a correction of another view", func(r *report.Report) { r.Corrections[0].View = "c" }, true, `corrections[0].view: view "c"`},
		{"a view's outcome", func(r *report.Report) { r.Views[0].Outcome = report.Pass }, true, "views[0].outcome: found pass, and its results give fail"},
		{"fewer findings than are listed", func(r *report.Report) { r.Results[1].Findings = make([]report.Finding, 2) }, true, "results[1].findings_total: found 0"},
		{"a selected view that is not there", func(r *report.Report) { r.Selection.Views = []string{"z"} }, true, `selection.views: view "z" was selected`},
		{"a check that was not selected", func(r *report.Report) { r.Selection.Checks = []string{"stale-view"} }, true, "selection.checks: check"},
		{"nothing to audit beside files", func(r *report.Report) { r.Summary.NothingToAudit = true }, false, "summary.nothing_to_audit"},
		{"a consumer's outcome", func(r *report.Report) { r.Consumers = []report.Consumer{{Name: "m", Outcome: "fine"}} }, true, `consumers[0].outcome: found "fine"`},
	} {
		r := two(t)
		c.change(&r)
		if c.resum {
			r.Summary = r.Summarise()
		}
		_, err := report.Parse([]byte(written(t, identified(t, r))))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

func TestPartialReportPromisesNothing(t *testing.T) {
	r := two(t)
	r.Status, r.Results, r.Views[0].Outcome, r.Views[1].Outcome = report.Partial, r.Results[1:2], report.Pass, report.NotApplicable
	if _, err := report.Parse([]byte(written(t, sealed(t, r)))); err != nil {
		t.Error(err)
	}
}

func TestSeverityThatIsNotKnownWeighsAsError(t *testing.T) {
	r := two(t)
	r.Results[3].Severity = "critical"
	got, err := report.Parse([]byte(written(t, sealed(t, r))))
	if err != nil {
		t.Fatal(err)
	}
	if w := got.Results[3].Weight(); w != report.Fail {
		t.Errorf("a warning of severity critical weighs as %s", w)
	}
	if w := two(t).Results[3].Weight(); w != report.Warn {
		t.Errorf("a warning weighs as %s", w)
	}
}

// former is a document of a release before catalogue, as that release wrote and named it.
const former = `{
  "schema": "featureaudit.report/v1",
  "id": "sha256:ID",
  "tool": {
    "version": "\u003cold\u003e"
  },
  "as_of": "2026-11-23T00:00:00Z",
  "status": "complete",
  "selection": {
    "views": [],
    "checks": []
  },
  "summary": {
    "outcome": "pass",
    "pass": 2,
    "warn": 0,
    "fail": 0,
    "suppressed": 0,
    "not_applicable": 0,
    "error": 0,
    "views": 2,
    "files": 0,
    "rows": 0,
    "bytes": 0
  },
  "views": [
    {"name": "a", "outcome": "pass", "definition": {}, "files": 0, "rows": 0, "bytes": 0},
    {"name": "b", "outcome": "pass", "definition": {}, "files": 0, "rows": 0, "bytes": 0}
  ],
  "results": [
    {"check": "stale-view", "view": "a", "outcome": "pass", "severity": "error", "evidence": "certain", "rows_total": 1, "rows_bad": 0, "message": "", "findings": [], "findings_total": 0},
    {"check": "stale-view", "view": "b", "outcome": "pass", "severity": "error", "evidence": "certain", "rows_total": 1, "rows_bad": 0, "message": "", "findings": [], "findings_total": 0}
  ],
  "execution": {
    "started_at": "",
    "finished_at": "",
    "elapsed_seconds": 0,
    "peak_memory_bytes": 0,
    "host": "",
    "scheduler": {}
  }
}`

// TestReportsOfFormerReleases holds them to the id that they were given: the digest of the indented document with an empty
// id and execution.
func TestReportsOfFormerReleases(t *testing.T) {
	var indented bytes.Buffer
	if err := json.Indent(&indented, []byte(strings.Replace(former, "sha256:ID", "", 1)), "", "  "); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(append(indented.Bytes(), '\n'))
	text := strings.Replace(former, "ID", hex.EncodeToString(sum[:]), 1)
	text = strings.Replace(text, `"host": ""`, `"host": "there"`, 1)
	if _, err := report.Parse([]byte(text)); err != nil {
		t.Error(err)
	}
	if _, err := report.Parse([]byte(strings.Replace(text, "old", "new", 1))); err == nil {
		t.Error("its id does not count")
	}
	second := text[strings.LastIndex(text, `,
    {"check"`):strings.LastIndex(text, "\n  ],\n  \"execution\"")]
	_, err := report.Parse([]byte(strings.NewReplacer(second, "", `"pass": 2`, `"pass": 1`, `"name": "b", "outcome": "pass"`, `"name": "b", "outcome": "not_applicable"`).Replace(text)))
	if err == nil || !strings.Contains(err.Error(), `view "b" has no result of stale-view`) {
		t.Errorf("a result cut out: %v", err)
	}
}

func TestOutcomeIsTheWorst(t *testing.T) {
	all := []report.Outcome{report.NotApplicable, report.Suppressed, report.Pass, report.Warn, report.Error, report.Fail}
	for i, want := range all {
		if got := report.Worst(all[:i+1]...); got != want {
			t.Errorf("of %v: %s", all[:i+1], got)
		}
	}
}

// TestPartsHoldByThemselves narrows a report in every way and twice: each part is read again, says what it was narrowed
// by, and has another id.
func TestPartsHoldByThemselves(t *testing.T) {
	whole := two(t)
	ids := map[string]bool{whole.ID: true}
	for name, p := range map[string]report.Picks{
		"check": {Checks: []string{"stale-view"}}, "view": {Views: []string{"a"}}, "owner": {Owners: []string{"team b"}},
		"all":                {Checks: []string{"stale-rows"}, Views: []string{"b"}, Owners: []string{"team b"}},
		"a check of the run": {Checks: []string{"suppression-unused"}},
	} {
		part, err := whole.Narrow(p)
		if err != nil {
			t.Fatal(err)
		}
		got, err := report.Parse([]byte(written(t, part)))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if n := got.Narrowed; n == nil || n.Of != whole.ID || strings.Join(n.Owners, " ") != strings.Join(p.Owners, " ") ||
			strings.Join(n.Checks, " ") != strings.Join(p.Checks, " ") || strings.Join(n.Views, " ") != strings.Join(p.Views, " ") {
			t.Errorf("%s: narrowed by %+v", name, n)
		}
		if ids[got.ID] {
			t.Errorf("%s: its id is that of another report", name)
		}
		ids[got.ID] = true
	}
	part, err := whole.Narrow(report.Picks{Owners: []string{"team a"}})
	if err != nil {
		t.Fatal(err)
	}
	if len(part.Views) != 1 || part.Summary.Fail != 1 || part.Summary.Rows != 20 || len(part.Corrections) != 1 {
		t.Errorf("the part of team a: %d views, summary %+v, %d corrections", len(part.Views), part.Summary, len(part.Corrections))
	}
	again, err := part.Narrow(report.Picks{Checks: []string{"stale-rows"}})
	if err != nil {
		t.Fatal(err)
	}
	if n := again.Narrowed; n.Of != whole.ID || strings.Join(n.Owners, " ") != "team a" || strings.Join(n.Checks, " ") != "stale-rows" || again.Views[0].Outcome != report.Pass {
		t.Errorf("narrowed twice: %+v, view %s", again.Narrowed, again.Views[0].Outcome)
	}
}

func TestHiddenCharactersAreThoseOfUnicode(t *testing.T) {
	for r := rune(-1); r <= unicode.MaxRune; r++ {
		if want := unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp); report.Hidden(r) != want {
			t.Errorf("%U is hidden: %t, want %t", r, report.Hidden(r), want)
		}
	}
}

func TestHiddenCharactersAreEscaped(t *testing.T) {
	r := two(t)
	r.Results[1].Message = "a\u202eb\u0085c\x7fd\u200be\U000e0001f\u2028g\x1bh"
	text := written(t, identified(t, r))
	if want := `"a\u202eb\u0085c\u007fd\u200be\udb40\udc01f\u2028g\u001bh"`; !strings.Contains(text, want) {
		t.Errorf("want %s in\n%s", want, text)
	}
	got, err := report.Parse([]byte(text))
	if err != nil || got.Results[1].Message != r.Results[1].Message {
		t.Errorf("read as %q, %v", got.Results[1].Message, err)
	}
}
