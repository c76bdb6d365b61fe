package check

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/address"
	"github.com/featureaudit/featureaudit/audit/document"
	"github.com/featureaudit/featureaudit/audit/engine"
	"github.com/featureaudit/featureaudit/audit/evidence"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/internal/facttables"
	"github.com/featureaudit/featureaudit/audit/internal/reproduce"
	"github.com/featureaudit/featureaudit/audit/internal/zoneproof"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/times"
	"github.com/featureaudit/featureaudit/audit/words"
	"github.com/featureaudit/featureaudit/sql"
)

// Judgement is what judging one view gives.
type Judgement struct {
	// Results holds exactly one result for each selected check of a view, sorted by check.
	Results []report.Result
	// Used are the indexes of the suppressions that accepted a finding, sorted.
	Used []int
	// Clean is the newest run of partitions without a failure of rows; nil where nothing proves one.
	Clean *document.CleanRun
	// View is what was looked at, with its outcome and its clean run, and Corrections are what would put its event times right.
	View        report.View
	Corrections []report.Correction
	// BadRows say how the rows are fetched that checks of rows counted, where the terms want them.
	BadRows []reproduce.BadRows
}

// viewEvidence is what is known of a view: what the rules of checks ask.
type viewEvidence struct {
	*zoneproof.Zones
	// filing is what would put misfiled rows in place, once a check has asked for it.
	filing *filingHint
}

func newViewEvidence(in evidence.Input) *viewEvidence {
	return &viewEvidence{Zones: zoneproof.NewZones(evidence.NewIndex(in), mustSee(in.View))}
}

// judging is a view while its checks are judged, one after the other.
type judging struct {
	*viewEvidence
	// usedByMissing are the suppressions that accept that the view has no files.
	usedByMissing []int
	// shown are the partitions that the report shows, once asked for, and texts keeps one text of each that many subjects have.
	shown map[string]bool
	texts map[string]string
	dates partitionDates
	// loaded says that the engine was given the view's tables, and unloadable is why it does not have them.
	loaded     bool
	unloadable error
	// cut says that a check was not judged to its end, for the context was done.
	cut bool
}

func newJudging(in evidence.Input) *judging {
	return &judging{viewEvidence: newViewEvidence(in), dates: partitionDates{}}
}

// JudgeView judges the selected checks of one view. A check that cannot be judged gives an error result and stops no
// other; the error returned is that of the context, where it cut a check off, and there is a result of each even then.
func JudgeView(ctx context.Context, j engine.Judge, in evidence.Input) (Judgement, error) {
	b := newJudging(in)
	catalogue := Catalogue()
	drafts := make([]draftResult, 0, len(catalogue))
	for _, c := range catalogue {
		if c.Scope == ScopeView && in.IsSelected(c.ID) {
			drafts = append(drafts, b.judge(ctx, j, c))
		}
	}
	if b.loaded && facttables.AreLarge(b.Index) {
		// nothing rests on it: the next view's tables would take the place of what is left
		_ = j.Load(context.WithoutCancel(ctx), nil)
	}
	explain(drafts)
	out := Judgement{Results: make([]report.Result, 0, len(drafts))}
	for _, o := range drafts {
		out.Results = append(out.Results, o.result)
		out.Used = append(out.Used, o.used...)
	}
	slices.Sort(out.Used)
	out.Used = slices.Compact(out.Used)
	if run, proven := b.cleanRun(drafts); proven {
		out.Clean = &run
	}
	out.View = document.View(b.Index, out.Results, out.Clean, badByPartition(drafts))
	if zonesFound(out.Results, b.View.Name) {
		out.Corrections = b.Corrections()
	}
	if b.BadRows {
		out.BadRows = b.badRows(out.Results)
	}
	if b.cut {
		return out, context.Cause(ctx)
	}
	return out, nil // an interrupt that came when all was judged takes nothing back
}

// everyQuery is the SQL of all checks: of what it does not name no table needs to hold anything, and a column costs the engine more than
// the rows of a small view do. It is the same for every view, so that tables stay.
func everyQuery() (string, error) {
	var all strings.Builder
	for _, c := range Catalogue() {
		if !c.Query {
			continue
		}
		text, err := sql.Check(c.ID)
		if err != nil {
			return "", err
		}
		all.WriteString(text)
		all.WriteByte('\n')
	}
	return all.String(), nil
}

// load gives the engine the tables that a query speaks to: all tables once, for all checks that ask of them, or where these are large those
// of each query.
func (b *judging) load(ctx context.Context, j engine.Judge, text string) error {
	if facttables.AreLarge(b.Index) {
		b.loaded = true
		return j.Load(ctx, facttables.NamedBy(text, b.Index))
	}
	if !b.loaded {
		b.loaded = true
		var queries string
		if queries, b.unloadable = everyQuery(); b.unloadable == nil {
			b.unloadable = j.Load(ctx, facttables.NamedBy(queries, b.Index))
		}
	}
	return b.unloadable
}

// draftResult is a result in the making.
type draftResult struct {
	result report.Result
	// findings are all of them, where the result holds the worst.
	findings []foundAt
	// places counts what is bad by partition, before anything of it is accepted.
	places   map[string]int64
	used     []int
	accepted acceptance
	// unread says that it found nothing, and misses the rows of files that could not be read.
	unread bool
}

func (b *judging) judge(ctx context.Context, j engine.Judge, c Check) (o draftResult) {
	o.result = b.blank(c)
	defer func() {
		if cause := recover(); cause != nil {
			o = draftResult{result: unable(b.blank(c), fmt.Sprintf("%s panicked: %v; this is a bug of featureaudit, please report it", c.ID, cause), false)}
		}
	}()
	if b.Policy(c.ID).Severity == "off" {
		o.result = notApplicable(o.result, "turned off in the config at "+b.Origin("checks."+c.ID, "checks."+c.ID+".severity", "checks."+c.ID, "checks"))
		return o
	}
	if c.Needs.Files && b.View.NoFiles != "" {
		o.result = notApplicable(o.result, b.View.NoFiles)
		return o
	}
	if c.measures != nil {
		o.result.Measures = c.measures(b.viewEvidence)
	}
	if stop, found := b.obstacle(c, o.result); found {
		o.result, o.used = stop, b.usedByMissing
		return o
	}
	v, err := b.ask(ctx, j, c)
	if err != nil {
		b.cut = b.cut || ctx.Err() != nil
		o.result = unable(o.result, err.Error(), interrupted(ctx, err) || mayPass(err))
		return o
	}
	return b.conclude(c, o, v)
}

// mayPass says that what stopped the judging may not stop it again, as want of memory.
func mayPass(err error) bool {
	var says interface{ Retryable() bool }
	return errors.As(err, &says) && says.Retryable()
}

func interrupted(ctx context.Context, err error) bool {
	return ctx.Err() != nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// blank is the result of a check before anything is known.
func (b *judging) blank(c Check) report.Result {
	r := report.Result{Check: c.ID, View: b.View.Name, Owner: b.View.Owner, Severity: b.severity(c), Evidence: c.Evidence, Unit: c.Unit,
		Advisory: c.advisory, Measures: map[string]any{}, Findings: []report.Finding{}}
	if c.unit != nil {
		r.Unit = c.unit(b.viewEvidence)
	}
	return r
}

func (b *judging) severity(c Check) report.Severity {
	switch b.Policy(c.ID).Severity {
	case "error":
		return report.SeverityError
	case "warn":
		return report.SeverityWarn
	}
	if c.severity != nil {
		return c.severity(b.viewEvidence)
	}
	return c.Severity
}

func notApplicable(r report.Result, reason string) report.Result {
	r.Outcome, r.Reason, r.Message = report.NotApplicable, reason, reason
	return r
}

func unable(r report.Result, reason string, retryable bool) report.Result {
	r.Outcome, r.Reason, r.Message, r.Retryable = report.Error, reason, reason, retryable
	return r
}

// obstacle is the result of a check that cannot or need not be judged at all.
func (b *judging) obstacle(c Check, r report.Result) (report.Result, bool) {
	f, failed := b.failure(c)
	failed = failed && c.Needs.Files
	if failed && c.Needs.TimePartition && !b.View.TimePartition.Declared() && len(b.Survey.Files) == 0 {
		// whether the paths carry time is not known where none could be listed
		return b.unlisted(c, r, f), true
	}
	if reason := b.unmet(c); reason != "" {
		return notApplicable(r, reason), true
	}
	if failed {
		return b.unlisted(c, r, f), true
	}
	if !c.Needs.Files {
		return r, false
	}
	if len(b.Survey.Files) == 0 {
		reason := fmt.Sprintf("no file matches path %q (%s): correct the path, or remove the view", b.View.Path, b.Origin("path", "path"))
		return b.noFiles(c, r, reason), true
	}
	if problem, beyond := b.roleProblem(c); beyond {
		return notApplicable(r, problem), true
	} else if problem != "" {
		return unable(r, problem, false), true
	}
	for _, absent := range b.absent(c) {
		if absent.everywhere {
			return unable(r, absent.String(), false), true
		}
	}
	if c.applies != nil {
		if reason := c.applies(b.viewEvidence); reason != "" {
			return notApplicable(r, reason), true
		}
	}
	return r, false
}

// unlisted is the result of a check of a view whose files could not be looked at, or that has none.
func (b *judging) unlisted(c Check, r report.Result, f facts.Failure) report.Result {
	if f.NoFiles {
		return b.noFiles(c, r, f.Reason)
	}
	return unable(r, f.Reason, f.Retryable)
}

// noFiles is the result of a check of a view that has no files. One check tells of it for all checks of the view;
// where it is not selected, each tells of it itself, so that a view that is not there is never green.
func (b *judging) noFiles(c Check, r report.Result, reason string) report.Result {
	teller := tellerOfFiles()
	tells := c.tellsOfFiles || !b.IsSelected(teller.ID) || b.Policy(teller.ID).Severity == "off"
	rows := []row{{subject: report.Subject{Object: address.Redact(b.View.Path)}, total: 1, bad: 1}}
	told := c
	if !tells {
		told = teller
	}
	accepted := b.suppress(told, r.Unit, rows)
	switch {
	case b.Missing == evidence.MissingIsFailure && !tells && rows[0].suppressed:
		return notApplicable(r, reason)
	case b.Missing == evidence.MissingIsWarning && tells:
		r.Outcome = report.Warn
	case b.Missing == evidence.MissingIsWarning:
		return notApplicable(r, reason)
	case b.Missing == evidence.MissingIsFailure && tells:
		r.Outcome = report.Fail
	default:
		return unable(r, reason, b.Missing != evidence.MissingIsFailure)
	}
	r.Message, r.Reason = reason, reason
	b.usedByMissing = append(b.usedByMissing, accepted.used...)
	if rows[0].suppressed {
		r.Outcome, r.SuppressedBy, r.FindingsSuppressed = report.Suppressed, b.suppressedBy(accepted.accepted), 1
	}
	r.Findings = []report.Finding{{Subject: rows[0].subject, Message: reason, Suppressed: rows[0].suppressed,
		Fingerprint: Fingerprint(c.ID, b.View.Name, rows[0].subject)}}
	r.Every, r.FindingsTotal = r.Findings, 1
	follow(&r, r.Findings[0])
	return r
}

func tellerOfFiles() Check {
	all := Catalogue()
	return all[slices.IndexFunc(all, func(c Check) bool { return c.tellsOfFiles })]
}

func (b *judging) failure(c Check) (facts.Failure, bool) {
	for _, f := range b.Failures {
		if b.restsOn(c, f.Lost) {
			return f, true
		}
	}
	return facts.Failure{}, false
}

// ask gets the rows of a check, from its SQL or its Go.
func (b *judging) ask(ctx context.Context, j engine.Judge, c Check) (verdict, error) {
	if err := context.Cause(ctx); err != nil {
		return verdict{}, fmt.Errorf("judge %s: %w", c.ID, err)
	}
	if !c.Query {
		return c.judge(b.viewEvidence)
	}
	if c.sound != nil {
		if v, ok := c.sound(b.viewEvidence); ok {
			return v, nil
		}
	}
	return b.query(ctx, j, c)
}

// query gets the rows of a check from its SQL.
func (b *judging) query(ctx context.Context, j engine.Judge, c Check) (verdict, error) {
	text, err := sql.Check(c.ID)
	if err != nil {
		return verdict{}, err
	}
	if err := b.load(ctx, j, text); err != nil {
		return verdict{}, fmt.Errorf("load the facts of view %s: %w", b.View.Name, err)
	}
	params := map[string]any{}
	if c.params != nil {
		params = c.params(b.viewEvidence)
	}
	found, err := j.Query(ctx, text, params)
	if err != nil {
		return verdict{}, fmt.Errorf("query %s: %w", c.ID, err)
	}
	if len(found) == 0 {
		return verdict{}, fmt.Errorf("query %s: it gave no row, where its contract is at least one", c.ID)
	}
	v := verdict{rows: make([]row, 0, len(found))}
	for _, f := range found {
		if f.RowsTotal == 0 && f.RowsBad == 0 {
			continue
		}
		if f.RowsBad < 0 || f.RowsBad > f.RowsTotal {
			return verdict{}, fmt.Errorf("query %s: %d of %d rows are bad for subject %s", c.ID, f.RowsBad, f.RowsTotal, f.Subject)
		}
		v.rows = append(v.rows, row{total: f.RowsTotal, bad: f.RowsBad, rawSubject: f.Subject, rawMeasures: f.Measures})
	}
	return v, nil
}

// parse reads a row, and keeps one text of what its subject shares with others.
func (b *judging) parse(r *row) error {
	if r.rawSubject == "" && r.rawMeasures == "" {
		return nil
	}
	err := r.parse()
	r.subject.Partition, r.subject.Source, r.subject.Object = b.once(r.subject.Partition), b.once(r.subject.Source), b.once(r.subject.Object)
	return err
}

// parse reads a row's subject and measures, which a query gives as JSON.
func (r *row) parse() error {
	if r.rawSubject != "" {
		if err := json.Unmarshal([]byte(r.rawSubject), &r.subject); err != nil {
			return fmt.Errorf("subject %s: %w", r.rawSubject, err)
		}
	}
	if r.rawMeasures != "" {
		if err := json.Unmarshal([]byte(r.rawMeasures), &r.measures); err != nil {
			return fmt.Errorf("measures %s: %w", r.rawMeasures, err)
		}
		renderTimes(r.measures)
	}
	r.rawSubject, r.rawMeasures = "", ""
	return nil
}

// once is the same text in the place where it was first met: each check names the partitions and sources of a view again.
func (b *judging) once(text string) string {
	if kept, known := b.texts[text]; known {
		return kept
	}
	if b.texts == nil {
		b.texts = map[string]string{}
	}
	b.texts[text] = text
	return text
}

// renderTimes turns measures named *_time_us into *_time in RFC 3339: SQL judges in microseconds, people read dates.
func renderTimes(measures map[string]any) {
	for name, value := range measures {
		short, isTime := strings.CutSuffix(name, "_us")
		if !isTime || !strings.HasSuffix(short, "_time") {
			continue
		}
		delete(measures, name)
		measures[short] = nil
		if micros, ok := value.(float64); ok {
			measures[short] = words.Instant(times.Instant(micros))
		}
	}
}
