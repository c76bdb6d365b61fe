package audit

import (
	"cmp"
	"errors"
	"reflect"

	"github.com/featureaudit/featureaudit/audit/report"
)

// leanResults are the views that were judged and their results, until the report is built: 5,000 views have 110,000, of which a few have
// findings. As report.Result each takes 480 bytes, beside the engines; a lean one takes 88, and shares its texts with others.
//
// Where they are many and of findings, lean ones are large too: 80 KB a view, and what is said of the view itself 15 KB. From holdAbove bytes
// on all are held in compact form, as texts that lie in a file.
type leanResults struct {
	// holdAbove is an estimate in bytes, 0 for never, and bytes the estimate of what is held as values. keep is where texts are kept.
	holdAbove, bytes int64
	keep             func(text string) (string, error)
	// views is how many views there are to be: a list that grows is there twice, each time that it does.
	views  int
	holder report.Holder
	held   []report.Held
	// viewed are the views, and heldViews those in compact form: one of the two.
	viewed    []report.View
	heldViews []report.HeldView

	lists  []leanList
	kinds  map[resultKind]*resultKind
	texts  map[string]string
	number int
}

// leanList are the results of one view.
type leanList struct {
	view, owner string
	results     []leanResult
}

// resultKind is what many results share.
type resultKind struct {
	check, unit, zoneCertainty string
	outcome                    report.Outcome
	severity                   report.Severity
	evidence                   report.Evidence
	advisory, retryable        bool
}

// leanResult is a result of which no more is to be said; whole is one that says more.
type leanResult struct {
	kind               *resultKind
	rowsTotal, rowsBad int64
	message, reason    string
	measures           report.Measures
	whole              *report.Result
}

// ofRun is room for results of the run.
const ofRun = 64

// sharedTexts is how many messages are kept to be shared.
const sharedTexts = 4096

// add takes a view that was judged, and its results.
func (l *leanResults) add(view report.View, results []report.Result) error {
	if l.held != nil {
		return cmp.Or(l.holdView(view), l.hold(results))
	}
	if l.viewed == nil {
		l.viewed = make([]report.View, 0, l.views)
	}
	l.viewed = append(l.viewed, view)
	l.bytes += bytesOfView(&view)
	l.addLean(results)
	if l.holdAbove == 0 || l.bytes <= l.holdAbove {
		return nil
	}
	return l.holdAll()
}

func (l *leanResults) addLean(results []report.Result) {
	if len(results) == 0 {
		return
	}
	if l.kinds == nil {
		l.kinds, l.texts = map[resultKind]*resultKind{}, map[string]string{}
	}
	list := leanList{view: results[0].View, owner: results[0].Owner, results: make([]leanResult, len(results))}
	for i := range results {
		list.results[i] = l.lean(list, &results[i])
	}
	l.lists, l.number = append(l.lists, list), l.number+len(results)
}

// holdAll takes in compact form what there is as values.
func (l *leanResults) holdAll() error {
	ofEach := l.number/len(l.viewed) + 1
	l.held, l.heldViews = make([]report.Held, 0, l.views*ofEach+ofRun), make([]report.HeldView, 0, l.views)
	var errs []error
	for i, view := range l.viewed {
		errs = append(errs, l.holdView(view))
		l.viewed[i] = report.View{}
	}
	for i, list := range l.lists {
		values := make([]report.Result, len(list.results))
		for j, one := range list.results {
			values[j] = one.result(list)
		}
		errs = append(errs, l.hold(values))
		l.lists[i] = leanList{}
	}
	l.viewed, l.lists, l.kinds, l.texts, l.number = nil, nil, nil, nil, 0
	return errors.Join(errs...)
}

// hold takes results in compact form. Where no text can be kept beside memory it is held there, and the error says why.
func (l *leanResults) hold(results []report.Result) error {
	holder, failed := l.kept()
	held, err := holder.Hold(results)
	l.held = append(l.held, held...)
	return cmp.Or(err, *failed)
}

// holdView takes a view in compact form, as hold does results.
func (l *leanResults) holdView(view report.View) error {
	holder, failed := l.kept()
	held, err := holder.HoldView(view)
	l.heldViews = append(l.heldViews, held)
	return cmp.Or(err, *failed)
}

// kept is the holder, whose texts stay in memory where they cannot be kept beside it; the error says then why.
func (l *leanResults) kept() (*report.Holder, *error) {
	var failed error
	l.holder.Keep = func(text string) (string, error) {
		kept, err := l.keep(text)
		if err != nil {
			failed = err
			return text, nil
		}
		return kept, nil
	}
	return &l.holder, &failed
}

// Estimates of what a result with findings takes as values beside its texts: its fields, and maps of measures.
const (
	wholeBytes   = 1000
	findingBytes = 700
)

func bytesOf(r *report.Result) int64 {
	return int64(wholeBytes + len(r.Message) + len(r.Reproduce) + findingBytes*max(len(r.Findings), len(r.Every)))
}

// Estimates of what a view takes beside its texts: its fields, its definition, and each partition and bin.
const (
	viewBytes      = 5000
	partitionBytes = 250
	binBytes       = 24
)

func bytesOfView(v *report.View) int64 {
	bytes := viewBytes + partitionBytes*len(v.Series)
	for _, bins := range v.LagBins {
		bytes += binBytes * len(bins)
	}
	for _, note := range v.Notes {
		bytes += len(note)
	}
	return int64(bytes)
}

// lean keeps what most results have, and one that has more as it is.
func (l *leanResults) lean(of leanList, r *report.Result) leanResult {
	one := leanResult{rowsTotal: r.RowsTotal, rowsBad: r.RowsBad, measures: r.Measures,
		kind: l.shared(resultKind{check: r.Check, unit: r.Unit, zoneCertainty: r.ZoneCertainty, outcome: r.Outcome, severity: r.Severity, evidence: r.Evidence,
			advisory: r.Advisory, retryable: r.Retryable})}
	one.message, one.reason = l.text(r.Message), l.text(r.Reason)
	if len(one.measures) == 0 {
		one.measures = nil
	}
	if !sameBut(one.result(of), *r) {
		whole := *r
		l.bytes += bytesOf(r)
		return leanResult{whole: &whole}
	}
	return one
}

// sameBut says whether two results are equal, but for an empty list of findings or measures that one has and the other lacks. Measures are
// the same map.
func sameBut(lean, r report.Result) bool {
	if len(r.Findings) > 0 || len(lean.Measures) != len(r.Measures) {
		return false
	}
	for _, one := range []*report.Result{&lean, &r} {
		one.Findings, one.Measures = nil, nil
	}
	return reflect.DeepEqual(lean, r)
}

func (l *leanResults) shared(k resultKind) *resultKind {
	if l.kinds[k] == nil {
		l.kinds[k] = &k
	}
	return l.kinds[k]
}

func (l *leanResults) text(text string) string {
	if kept, known := l.texts[text]; known {
		return kept
	}
	if len(l.texts) < sharedTexts {
		l.texts[text] = text
	}
	return text
}

// result is the result that was made lean.
func (one leanResult) result(of leanList) report.Result {
	if one.whole != nil {
		return *one.whole
	}
	r := report.Result{View: of.view, Owner: of.owner, Check: one.kind.check, Unit: one.kind.unit, ZoneCertainty: one.kind.zoneCertainty, Outcome: one.kind.outcome,
		Severity: one.kind.severity, Evidence: one.kind.evidence, Advisory: one.kind.advisory, Retryable: one.kind.retryable,
		RowsTotal: one.rowsTotal, RowsBad: one.rowsBad, Message: one.message, Reason: one.reason, Measures: one.measures, Findings: []report.Finding{}}
	if r.Measures == nil {
		r.Measures = report.Measures{}
	}
	return r
}

// all gives the results in their order, with room for more of the run; nothing is held any more.
func (l *leanResults) all(more int) []report.Result {
	results := make([]report.Result, 0, l.number+more)
	for i, list := range l.lists {
		for _, one := range list.results {
			results = append(results, one.result(list))
		}
		l.lists[i] = leanList{}
	}
	*l = leanResults{viewed: l.viewed}
	return results
}
