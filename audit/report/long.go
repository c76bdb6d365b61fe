package report

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"strings"
)

// Long is a report whose views and results are held in compact form: those of 5,000 views with findings take 470 MB as values, and are wanted
// one at a time. It is a type of its own, so that nobody takes it for a report without results.
type Long struct {
	// Rest is the report but for its views and results.
	Rest  Report
	Views []HeldView
	Held  []Held
	// Holder holds what is changed.
	Holder *Holder
}

// Held is a result in compact form: what an outcome rests on, and the result as the document has it.
type Held struct {
	of *heldTexts
	// verdict is shared by all results that have it.
	verdict *heldVerdict
	// at is where the result begins in the text of its view, as JSON of so many bytes; behind it are all its findings, where these are not the
	// ones that the document shows.
	at, document, every int
	// shown says that all its findings are the ones that the document shows.
	shown bool
	// whole is the result itself, where the document does not have it as it is: JSON has no place for bytes that are no UTF-8.
	whole *Result
}

// heldTexts is what the results of one view share: the texts of all of them are one.
type heldTexts struct{ name, text string }

// heldVerdict is what decides of a result, but for its view.
type heldVerdict struct {
	check     string
	outcome   Outcome
	severity  Severity
	retryable bool
}

// Holder gives results in compact form. Keep is given the texts of a view's as one, and gives back the same text from wherever it is kept.
type Holder struct {
	Keep func(text string) (string, error)

	verdicts map[heldVerdict]*heldVerdict
}

// replaced is how encoding/json writes a byte that is no UTF-8. A text that has the character for it already is written as it is.
const replaced = `\ufffd`

// Hold gives results in compact form. Those of one view that follow each other share a text.
func (h *Holder) Hold(results []Result) ([]Held, error) {
	all := make([]Held, 0, len(results))
	for rest := results; len(rest) > 0; {
		n := 1
		for n < len(rest) && rest[n].View == rest[0].View {
			n++
		}
		held, err := h.holdView(rest[:n])
		if err != nil {
			return nil, err
		}
		all, rest = append(all, held...), rest[n:]
	}
	return all, nil
}

func (h *Holder) holdView(results []Result) ([]Held, error) {
	held, of := make([]Held, len(results)), &heldTexts{name: results[0].View}
	var all strings.Builder
	for i, r := range results {
		document, err := json.Marshal(r.filled())
		if err != nil {
			return nil, fmt.Errorf("hold the result of %s of view %s: %w", r.Check, r.View, err)
		}
		var every []byte
		shown := len(r.Every) > 0 && reflect.DeepEqual(r.Every, r.Findings)
		if r.Every != nil && !shown {
			if every, err = json.Marshal(r.Every); err != nil {
				return nil, fmt.Errorf("hold the findings of %s of view %s: %w", r.Check, r.View, err)
			}
		}
		held[i] = Held{of: of, verdict: h.shared(heldVerdict{r.Check, r.Outcome, r.Severity, r.Retryable}),
			at: all.Len(), document: len(document), every: len(every), shown: shown}
		if bytes.Contains(document, []byte(replaced)) || bytes.Contains(every, []byte(replaced)) {
			held[i].whole = &results[i]
		}
		all.Write(document)
		all.Write(every)
	}
	var err error
	of.text, err = h.Keep(strings.Clone(all.String())) // without the room that the builder has beyond it
	return held, err
}

func (h *Holder) shared(v heldVerdict) *heldVerdict {
	if h.verdicts == nil {
		h.verdicts = map[heldVerdict]*heldVerdict{}
	}
	if h.verdicts[v] == nil {
		h.verdicts[v] = &v
	}
	return h.verdicts[v]
}

// Verdict is what decides of a result, and nothing else of it.
func (h Held) Verdict() Result {
	return Result{View: h.of.name, Check: h.verdict.check, Outcome: h.verdict.outcome, Severity: h.verdict.severity, Retryable: h.verdict.retryable}
}

// Compare puts results in the order of a document: by view, then by check.
func (h Held) Compare(other Held) int {
	return cmp.Or(cmp.Compare(h.of.name, other.of.name), cmp.Compare(h.verdict.check, other.verdict.check))
}

func (h Held) documentText() string { return h.of.text[h.at : h.at+h.document] }

func (h Held) everyText() string { return h.of.text[h.at+h.document:][:h.every] }

// MarshalJSON gives the result as the document has it.
func (h Held) MarshalJSON() ([]byte, error) { return []byte(h.documentText()), nil }

// Result is the result as it was, but that numbers of its measures are of the types that a document gives them.
func (h Held) Result() (Result, error) {
	if h.whole != nil {
		return *h.whole, nil
	}
	var r Result
	if err := decodeHeld(h.documentText(), &r); err != nil {
		return r, fmt.Errorf("result of %s of view %s: %w", h.verdict.check, h.of.name, err)
	}
	exact(map[string]any(r.Measures))
	exactOf(r.Findings)
	switch {
	case h.shown:
		r.Every = r.Findings
	case h.every > 0:
		if err := decodeHeld(h.everyText(), &r.Every); err != nil {
			return r, fmt.Errorf("findings of %s of view %s: %w", h.verdict.check, h.of.name, err)
		}
		exactOf(r.Every)
	}
	return r, nil
}

func exactOf(findings []Finding) {
	for _, f := range findings {
		exact(map[string]any(f.Measures))
	}
}

func decodeHeld(text string, into any) error {
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	return dec.Decode(into)
}

// Whole is the report with its views and results as values.
func (l Long) Whole() (Report, error) {
	r := l.Rest
	r.Views, r.Results = make([]View, len(l.Views)), make([]Result, len(l.Held))
	for i, h := range l.Views {
		var err error
		if r.Views[i], err = h.View(); err != nil {
			return r, err
		}
	}
	for i, h := range l.Held {
		var err error
		if r.Results[i], err = h.Result(); err != nil {
			return r, err
		}
	}
	return r, nil
}

// Summarise counts the results and views, as Report.Summarise does.
func (l Long) Summarise() Summary {
	s, counts := Summary{Views: len(l.Views)}, map[Outcome]int{}
	for _, v := range l.Views {
		s.Files += v.files
		s.Rows += v.rows
		s.Bytes += v.bytes
	}
	all := make([]Outcome, len(l.Held))
	for i, h := range l.Held {
		all[i] = h.verdict.outcome
		counts[all[i]]++
	}
	s.Outcome = Worst(all...)
	s.Pass, s.Warn, s.Fail, s.Suppressed = counts[Pass], counts[Warn], counts[Fail], counts[Suppressed]
	s.NotApplicable, s.Error = counts[NotApplicable], counts[Error]
	return s
}

// Write writes the document as Report.Write does.
func (l Long) Write(w io.Writer) error { return writeMembers(w, l.topMembers()) }

// Digest is the id that the report must have, as Report.Digest says.
func (l Long) Digest() (string, error) { return digestOfMembers(l.topMembers()) }

func (l Long) topMembers() []topMember {
	members := l.Rest.topMembers()
	for i := range members {
		switch members[i].key {
		case "views":
			members[i].value = reflect.ValueOf(l.Views)
		case "results":
			members[i].value = reflect.ValueOf(l.Held)
		}
	}
	return members
}
