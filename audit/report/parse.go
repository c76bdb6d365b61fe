package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Parse reads a document, and is the one way in: what two readers could understand differently, what does not add up and
// what was cut out is an error that names the place. Fields that this version does not know are ignored, and count in the
// id all the same. The id finds accidents, not forgery: whoever changes a report can make its id anew.
//
// It demands the schema; known outcomes and statuses; keys that stand once and in their own letters; counts that are
// whole, not negative and equal to the summary; results of views that are listed; at most one for each view and check, and
// exactly one for each that the catalogue and the selection promise where the status is complete.
func Parse(raw []byte) (Report, error) {
	raw = bytes.TrimPrefix(raw, []byte("\ufeff"))
	if err := readable(raw); err != nil {
		return Report{}, err
	}
	members, err := membersOf(raw, quoteLeast)
	if err != nil {
		return Report{}, fmt.Errorf("not a report: %w; %s", err, expected)
	}
	var r Report
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if err := dec.Decode(&r); err != nil {
		return Report{}, fmt.Errorf("not a report: %w; %s", err, expected)
	}
	for _, measures := range r.measures() {
		exact(measures)
	}
	for _, check := range []func(Report) error{words, references, counts, pictures, promised, remembered} {
		if err := check(r); err != nil {
			return Report{}, fmt.Errorf("not a report that holds: %w; %s", err, expected)
		}
	}
	want := digestOf(members)
	if r.ID == want {
		return r, nil
	}
	if r.Catalogue == nil {
		former, err := formerDigest(raw)
		if err == nil && r.ID == former {
			return r, nil
		}
	}
	return Report{}, fmt.Errorf("id: found %.80q, and the digest of the document is %s: it was changed, or cut, after it was written; %s", r.ID, want, expected)
}

// expected is what to do about a document that is refused.
const expected = "expected one as `featureaudit run --out json=PATH` wrote it"

// readable says whether the bytes are one JSON document of this schema.
func readable(raw []byte) error {
	if len(bytes.TrimSpace(raw)) == 0 {
		return fmt.Errorf("not a JSON document (it is empty); %s", expected)
	}
	if !utf8.Valid(raw) {
		return fmt.Errorf("not a JSON document (it is not UTF-8); %s", expected)
	}
	var whole json.RawMessage
	if err := json.Unmarshal(raw, &whole); err != nil {
		var at *json.SyntaxError
		if errors.As(err, &at) {
			line := bytes.Count(raw[:min(int(at.Offset), len(raw))], []byte("\n")) + 1
			return fmt.Errorf("not a JSON document (line %d: %w); %s", line, err, expected)
		}
		return fmt.Errorf("not a JSON document (%w); %s", err, expected)
	}
	var head struct {
		Schema json.RawMessage `json:"schema"`
	}
	if err := json.Unmarshal(raw, &head); err != nil {
		return fmt.Errorf("not a report: it is no JSON object; %s", expected)
	}
	var schema string
	if json.Unmarshal(head.Schema, &schema) != nil || schema != Schema {
		found := string(head.Schema)
		if found == "" {
			found = "missing"
		}
		return fmt.Errorf("its schema is %.80s, expected %q; write it with this version of featureaudit", found, Schema)
	}
	return nil
}

// measures are all maps of measures.
func (r Report) measures() []map[string]any {
	var all []map[string]any
	for _, res := range r.Results {
		all = append(all, res.Measures)
		for _, f := range res.Findings {
			all = append(all, f.Measures)
		}
	}
	return all
}

// words checks those of a fixed set, and as_of. A severity is not among them: an unknown one weighs as error.
func words(r Report) error {
	if r.Status != Complete && r.Status != Partial {
		return misplaced("status", "found %.40q, expected %s or %s", r.Status, Complete, Partial)
	}
	if _, err := time.Parse(time.RFC3339Nano, r.AsOf); err != nil {
		return misplaced("as_of", "found %.40q, expected an instant", r.AsOf)
	}
	if err := known("summary.outcome", r.Summary.Outcome); err != nil {
		return err
	}
	for i, v := range r.Views {
		if err := known(fmt.Sprintf("views[%d].outcome", i), v.Outcome); err != nil {
			return err
		}
	}
	for i, res := range r.Results {
		if err := known(fmt.Sprintf("results[%d].outcome", i), res.Outcome); err != nil {
			return err
		}
	}
	for i, c := range r.Consumers {
		if err := known(fmt.Sprintf("consumers[%d].outcome", i), c.Outcome); err != nil {
			return err
		}
		for j, v := range c.Views {
			if err := known(fmt.Sprintf("consumers[%d].views[%d].outcome", i, j), v.Outcome); err != nil {
				return err
			}
		}
	}
	return nil
}

func known(place string, o Outcome) error {
	if slices.Contains(outcomes(), o) {
		return nil
	}
	names := make([]string, 0, len(outcomes()))
	for _, one := range outcomes() {
		names = append(names, string(one))
	}
	return misplaced(place, "found %.40q, expected one of %s", o, strings.Join(names, ", "))
}

// references checks that each view stands once, and each result once and of a view that is listed.
func references(r Report) error {
	views := map[string]bool{}
	for i, v := range r.Views {
		switch {
		case v.Name == "":
			return misplaced(fmt.Sprintf("views[%d].name", i), "it is empty")
		case views[v.Name]:
			return misplaced(fmt.Sprintf("views[%d].name", i), "view %.80q is listed twice", v.Name)
		}
		views[v.Name] = true
	}
	seen := map[[2]string]bool{}
	for i, res := range r.Results {
		place := fmt.Sprintf("results[%d]", i)
		pair := [2]string{res.View, res.Check}
		switch {
		case res.Check == "":
			return misplaced(place+".check", "it is empty")
		case res.View != "" && !views[res.View]:
			return misplaced(place+".view", "view %.80q is not among the views", res.View)
		case seen[pair]:
			return misplaced(place, "a second result of %s for view %.80q", res.Check, res.View)
		case r.Catalogue != nil && !slices.Contains(r.Catalogue, res.Check):
			return misplaced(place+".check", "check %.80q is not in the report's catalogue", res.Check)
		}
		seen[pair] = true
	}
	for i, c := range r.Corrections {
		if !views[c.View] {
			return misplaced(fmt.Sprintf("corrections[%d].view", i), "view %.80q is not among the views", c.View)
		}
	}
	return nil
}

// counts checks that none is negative, and that the summary is that of what stands below it.
func counts(r Report) error {
	for i, v := range r.Views {
		for _, n := range []int64{v.Files, v.Partitions, v.Rows, v.Bytes, v.FilesUnread, v.PartitionsAfterAsOf, v.RowsAfterAsOf, v.IgnoredFiles} {
			if n < 0 {
				return misplaced(fmt.Sprintf("views[%d]", i), "the count %d is negative", n)
			}
		}
	}
	for i, res := range r.Results {
		numbers := []int64{res.RowsTotal, res.RowsBad, res.FindingsTotal}
		for _, f := range res.Findings {
			numbers = append(numbers, f.RowsTotal, f.RowsBad)
		}
		for _, n := range numbers {
			if n < 0 {
				return misplaced(fmt.Sprintf("results[%d]", i), "the count %d is negative", n)
			}
		}
		if res.FindingsTotal < int64(len(res.Findings)) {
			return misplaced(fmt.Sprintf("results[%d].findings_total", i), "found %d, fewer than the %d findings that are listed", res.FindingsTotal, len(res.Findings))
		}
	}
	got, want := r.Summary, r.Summarise()
	for _, pair := range []struct {
		name      string
		got, want any
	}{
		{"outcome", got.Outcome, want.Outcome},
		{"pass", got.Pass, want.Pass}, {"warn", got.Warn, want.Warn}, {"fail", got.Fail, want.Fail}, {"suppressed", got.Suppressed, want.Suppressed},
		{"not_applicable", got.NotApplicable, want.NotApplicable}, {"error", got.Error, want.Error}, {"views", got.Views, want.Views},
		{"files", got.Files, want.Files}, {"rows", got.Rows, want.Rows}, {"bytes", got.Bytes, want.Bytes},
	} {
		if pair.got != pair.want {
			return misplaced("summary."+pair.name, "found %v, and what is below it gives %v: something is missing or was changed", pair.got, pair.want)
		}
	}
	if got.NothingToAudit && got.Files > 0 {
		return misplaced("summary.nothing_to_audit", "found true beside %d files", got.Files)
	}
	outcomes := r.outcomesByView()
	for i, v := range r.Views {
		if want := Worst(outcomes[v.Name]...); v.Outcome != want {
			return misplaced(fmt.Sprintf("views[%d].outcome", i), "found %s, and its results give %s", v.Outcome, want)
		}
	}
	return nil
}

func (r Report) outcomesByView() map[string][]Outcome {
	all := map[string][]Outcome{}
	for _, res := range r.Results {
		all[res.View] = append(all[res.View], res.Outcome)
	}
	return all
}

// promised checks that a complete report has every result that its catalogue and selection promise: for each check one for
// the whole run, or one for each view. Documents of releases before catalogue promise what they have for any view.
func promised(r Report) error {
	if r.Status != Complete {
		return nil
	}
	for _, name := range r.Selection.Views {
		if !slices.ContainsFunc(r.Views, func(v View) bool { return v.Name == name }) {
			return misplaced("selection.views", "view %.80q was selected and is not among the views", name)
		}
	}
	has, ofRun := map[[2]string]bool{}, map[string]bool{}
	catalogue := slices.Clone(r.Catalogue)
	for _, res := range r.Results {
		has[[2]string{res.View, res.Check}] = true
		ofRun[res.Check] = ofRun[res.Check] || res.View == ""
		if r.Catalogue == nil {
			catalogue = append(catalogue, res.Check)
		}
		if len(r.Selection.Checks) > 0 && !slices.Contains(r.Selection.Checks, res.Check) {
			return misplaced("selection.checks", "check %.80q has a result and was not selected", res.Check)
		}
	}
	for _, check := range sortedNames(catalogue) {
		if ofRun[check] || len(r.Selection.Checks) > 0 && !slices.Contains(r.Selection.Checks, check) {
			continue
		}
		for _, v := range r.Views {
			if !has[[2]string{v.Name, check}] {
				return misplaced("results", "view %.80q has no result of %s, which the report promises", v.Name, check)
			}
		}
	}
	return nil
}
