package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"strings"
)

// Long is a report whose results are held in compact form: those of 5,000 views with findings take 400 MB as values, and are wanted one at
// a time. It is a type of its own, so that nobody takes it for a report without results.
type Long struct {
	// Rest is the report but for its results.
	Rest Report
	Held []Held
}

// Held is a result in compact form: what an outcome rests on, and the result as the document has it.
type Held struct {
	View, Check string
	Outcome     Outcome
	Severity    Severity
	Retryable   bool
	// document is the result as JSON, and every are all its findings as JSON, where these are not the ones that the document shows; "" where
	// it has none.
	document, every string
	// shown says that all its findings are the ones that the document shows.
	shown bool
	// whole is the result itself, where the document does not have it as it is: JSON has no place for bytes that are no UTF-8.
	whole *Result
}

// replaced is how encoding/json writes a byte that is no UTF-8. A text that has the character for it already is written as it is.
const replaced = `\ufffd`

// Hold gives results in compact form; keep is given their texts as one, and gives back the same text from wherever it is kept.
func Hold(results []Result, keep func(text string) (string, error)) ([]Held, error) {
	held, lengths := make([]Held, len(results)), make([][2]int, len(results))
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
		if bytes.Contains(document, []byte(replaced)) || bytes.Contains(every, []byte(replaced)) {
			held[i].whole = &results[i]
		}
		all.Write(document)
		all.Write(every)
		lengths[i] = [2]int{len(document), len(every)}
		held[i].View, held[i].Check, held[i].Outcome, held[i].Severity, held[i].Retryable, held[i].shown = r.View, r.Check, r.Outcome, r.Severity, r.Retryable, shown
	}
	text := strings.Clone(all.String()) // without the room that the builder has beyond it
	kept, err := keep(text)
	if err != nil {
		return nil, err
	}
	for i, n := range lengths {
		held[i].document, held[i].every, kept = kept[:n[0]], kept[n[0]:n[0]+n[1]], kept[n[0]+n[1]:]
	}
	return held, nil
}

// MarshalJSON gives the result as the document has it.
func (h Held) MarshalJSON() ([]byte, error) { return []byte(h.document), nil }

// Verdict is what decides of a result, and nothing else of it.
func (h Held) Verdict() Result {
	return Result{View: h.View, Check: h.Check, Outcome: h.Outcome, Severity: h.Severity, Retryable: h.Retryable}
}

// Result is the result as it was, but that numbers of its measures are of the types that a document gives them.
func (h Held) Result() (Result, error) {
	if h.whole != nil {
		return *h.whole, nil
	}
	var r Result
	if err := decodeHeld(h.document, &r); err != nil {
		return r, fmt.Errorf("result of %s of view %s: %w", h.Check, h.View, err)
	}
	exact(map[string]any(r.Measures))
	exactOf(r.Findings)
	switch {
	case h.shown:
		r.Every = r.Findings
	case h.every != "":
		if err := decodeHeld(h.every, &r.Every); err != nil {
			return r, fmt.Errorf("findings of %s of view %s: %w", h.Check, h.View, err)
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

// Whole is the report with its results.
func (l Long) Whole() (Report, error) {
	r := l.Rest
	r.Results = make([]Result, len(l.Held))
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
	s, counts := l.Rest.Summarise(), map[Outcome]int{}
	all := make([]Outcome, len(l.Held))
	for i, h := range l.Held {
		all[i] = h.Outcome
		counts[h.Outcome]++
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
		if members[i].key == "results" {
			members[i].value = reflect.ValueOf(l.Held)
		}
	}
	return members
}
