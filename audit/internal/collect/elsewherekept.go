package collect

import (
	"fmt"
	"maps"
	"slices"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/times"
)

// Recall finds the files whose facts are known, and says of the others why they are counted. Grounds are what the engine's answers rest
// on beside the policy and the files, such as its release and what it is asked: facts that it gave on other grounds, or that another engine
// gave, are not known. Roles must have been refused before.
func (e *Elsewhere) Recall(grounds string) {
	e.c.request.Release = fmt.Sprintf("%q", []string{e.c.request.Release, grounds})
	e.c.recall(true)
}

// Keeps says that facts of files are kept, where there is a folder of them.
func (e *Elsewhere) Keeps() bool { return e.c.keeps() }

// Known says whether the facts of a file are known.
func (e *Elsewhere) Known(file int32) bool { return e.c.known[file] != nil }

// ErrForgotten says that kept facts turned out to be damaged. They are known no more: what rests on them begins anew.
var ErrForgotten = errForgotten

// AddKnown adds the slices and histograms of the files that are known, and gives the names of their sources. An error of ErrForgotten is no
// fault of the data.
func (e *Elsewhere) AddKnown() (sources []string, err error) {
	c := e.c
	for _, id := range slices.Sorted(maps.Keys(c.known)) {
		file, known := &c.survey.Files[id], c.known[id]
		r := &keptRows{known: known}
		for _, s := range r.slices(id) {
			if err := c.roomForSlice(sliceKey{id, s.Source}); err != nil {
				return nil, err
			}
			sources = append(sources, s.Source)
		}
		if err := c.mergeCounts(r, file); err != nil {
			return nil, c.forgotten(err)
		}
	}
	slices.Sort(sources)
	return slices.Compact(sources), nil
}

// capture gathers the histograms of a file that are to be kept.
func (e *Elsewhere) capture(of sliceKey, lags *facts.LagHistogram, events *facts.EventHistogram) {
	if e.c.captureOf(of.file) == nil {
		return
	}
	t := e.c.tallyOf(of.file, of.source)
	t.lags.Merge(lags)
	t.events.Merge(events)
}

// Far says that a row of a file has a time beyond what can be one: from when that can be, facts of it do not hold.
func (e *Elsewhere) Far(file int32, at times.Instant) {
	if capture := e.c.captureOf(file); capture != nil {
		capture.farAway(at)
	}
}

// Remember keeps the facts of the files that were counted, as far as as_of changes nothing more in them. All of their slices must have been
// added. Answers are of all rows together; nil for those that are known as they are.
func (e *Elsewhere) Remember(answers *Answers) {
	c := e.c
	if c.captures == nil || c.request.Kept.Failed() {
		return
	}
	for id, capture := range c.captures {
		capture.read = c.survey.Files[id].Rows
	}
	remembered := c.toRemember()
	if answers != nil {
		c.rememberAnswers(*answers, remembered)
	}
	c.request.Kept.Beside(func() {
		var none bins
		for _, r := range remembered {
			c.rememberFile(r, &none)
		}
	})
}
