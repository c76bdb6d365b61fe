package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/featureaudit/featureaudit/audit"
	"github.com/featureaudit/featureaudit/audit/address"
	"github.com/featureaudit/featureaudit/audit/contract"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/policy"
	"github.com/featureaudit/featureaudit/audit/render"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/store"
)

const requireAbout = `Asserts feature views before training or serving: exit 0 only if every view is proven to keep its contract now, 1 if one is
proven stale or failing, 3 if nothing is proven. Age is counted from the newest event until now. It is taken from a report
(--report), from a flag file (--flags), or from the data itself (--data, with --config or --path). --data reads the rows of the
newest partition, or all rows if a consumer looks back.`

// requireFlags are the flags of require as written.
type requireFlags struct {
	definitionFlags
	report, flags string
	data          bool
	consumer      string
	project       string
	maxAge        string
	accept        []string
	maxReportAge  string
	lookback      string
	window        string
	now           string
	memory        string
	tempDir       string
	out           outFlags
}

func (f *requireFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.report, "report", "", "the JSON report to trust")
	flags.StringVar(&f.flags, "flags", "", "the flag file to trust (default: $FEATUREAUDIT_FLAGS)")
	flags.BoolVar(&f.data, "data", false, "look at the data instead: footers, and the rows of the newest partition")
	flags.StringVar(&f.consumer, "consumer", "", "assert the contracts that this consumer declares under consumers:")
	flags.StringVar(&f.project, "project", "", "the project of the views, where several have one of that name")
	flags.StringVar(&f.maxAge, "max-age", "", "how old the newest event may be (6h, 1d); the view's own promise holds too")
	flags.StringSliceVar(&f.accept, "accept", nil, "verdicts to accept: pass, warn (default pass)")
	flags.StringVar(&f.maxReportAge, "max-report-age", "", "how old the audit may be (default 30h)")
	flags.StringVar(&f.lookback, "lookback", "", "how long the newest run of clean partitions must be (7d)")
	flags.StringVar(&f.window, "window", "", "assert a training window START..END instead of freshness: its rows lie in clean partitions")
	flags.StringVar(&f.now, "now", "", "the instant to judge from (default: now)")
	flags.StringVar(&f.memory, "memory-limit", "", "with --data: memory of the whole process")
	flags.StringVar(&f.tempDir, "temp-dir", "", "with --data: where to spill what does not fit into memory")
	f.definitionFlags.add(flags)
	f.out.add(flags, only("json", "text"))
}

func cmdRequire(ctx context.Context, c *cli, args []string) (int, error) {
	var f requireFlags
	flags := newFlags("require")
	f.add(flags)
	if err := c.parse(flags, "require VIEW... (--report FILE | --flags FILE | --data) [flags]", requireAbout, args); err != nil {
		return 0, err
	}
	if f.report == "" && f.flags == "" && !f.data {
		f.flags = c.env["FEATUREAUDIT_FLAGS"]
	}
	outs, err := f.out.outputsOr("text")
	if err != nil {
		return 0, err
	}
	ask, err := f.asked(c, flags.Args())
	if err != nil {
		return 0, err
	}
	e, err := c.evidence(ctx, f, ask, outs)
	if err != nil {
		return 0, err
	}
	if ask.questions, err = c.contracts(ctx, f, e, ask); err != nil {
		return 0, err
	}
	if err := c.refuseInputs(ctx, outs, nil); err != nil {
		return 0, err
	}
	answers := make([]contract.Answer, 0, len(ask.questions))
	for _, q := range ask.questions {
		answers = append(answers, e.answer(f.project, q, ask.window))
	}
	return c.tell(outs, answers)
}

// asked is what the flags ask for.
type asked struct {
	views     []string
	base      contract.Question
	window    []time.Time
	questions []contract.Question
}

func (f requireFlags) asked(c *cli, views []string) (asked, error) {
	a := asked{views: views, base: contract.Question{Accept: f.accept}}
	given := 0
	for _, set := range []bool{f.report != "", f.flags != "", f.data} {
		if set {
			given++
		}
	}
	switch {
	case given != 1:
		return a, usagef("expected one of --report FILE, --flags FILE and --data, found %d", given)
	case len(views) == 0 && f.consumer == "":
		return a, usagef("VIEW is missing: usage featureaudit require VIEW..., or --consumer NAME")
	case f.consumer != "" && (f.maxAge != "" || len(f.accept) > 0 || f.lookback != "" || f.window != ""):
		return a, usagef("--consumer %q: its contracts say max_age, accept and lookback; leave out --max-age, --accept, --lookback and --window", f.consumer)
	case f.data && f.maxReportAge != "":
		return a, usagef("--max-report-age: --data looks at the data, and at no report")
	case f.data && (f.window != "" || f.lookback != ""):
		return a, usagef("--data: it reads the newest partition only, which proves no run of them; use --report for --window and --lookback")
	}
	for _, limit := range []struct {
		flag, text string
		into       *time.Duration
	}{{"max-age", f.maxAge, &a.base.MaxAge}, {"max-report-age", f.maxReportAge, &a.base.MaxReportAge}, {"lookback", f.lookback, &a.base.Lookback}} {
		if limit.text == "" {
			continue
		}
		d, err := policy.ParseDuration(limit.text)
		if err != nil {
			return a, usagef("--%s: %w", limit.flag, err)
		}
		if d <= 0 {
			return a, usagef("--%s %q: expected a duration above 0 such as 6h", limit.flag, limit.text)
		}
		*limit.into = d
	}
	for _, variant := range f.accept {
		if err := oneOf("accept", variant, contract.VariantPass, contract.VariantWarn); err != nil {
			return a, err
		}
	}
	var err error
	if a.base.Now, err = c.gateNow(f.now); err != nil {
		return a, err
	}
	a.window, err = parseWindow(f.window)
	return a, err
}

// parseWindow reads START..END, two instants.
func parseWindow(text string) ([]time.Time, error) {
	if text == "" {
		return nil, nil
	}
	start, end, ok := strings.Cut(text, "..")
	if !ok {
		return nil, usagef("--window %q: expected START..END, two instants such as 2026-11-01T00:00:00Z..2026-11-20T00:00:00Z", text)
	}
	from, err := parseInstant("window", start)
	if err != nil {
		return nil, err
	}
	to, err := parseInstant("window", end)
	if err != nil {
		return nil, err
	}
	if !from.Before(to) {
		return nil, usagef("--window %q: its end is not after its start", text)
	}
	return []time.Time{from, to}, nil
}

// auditedViews is what is known about the views, or why nothing is.
type auditedViews struct {
	file contract.File
	// problem says why there is no file: every answer is unknown.
	problem string
	// consumers are those of the report or the config.
	consumers []report.Consumer
}

func (e auditedViews) answer(project string, q contract.Question, window []time.Time) contract.Answer {
	found := contract.Evidence{Value: contract.VariantUnknown, Problem: e.problem}
	if e.problem == "" {
		found = e.file.Evidence(project, q.View)
	}
	if len(window) == 2 {
		return contract.DecideWindow(found, q, window[0], window[1])
	}
	return contract.Decide(found, q)
}

// evidence reads or looks. What is missing or broken is no error: it proves nothing, and the answers say so.
func (c *cli) evidence(ctx context.Context, f requireFlags, a asked, outs []output) (auditedViews, error) {
	switch {
	case f.data:
		return c.lookAtData(ctx, f, a, outs)
	case f.flags != "":
		file, err := c.readFlags(ctx, f.flags)
		if err != nil {
			return auditedViews{problem: address.Text(err.Error())}, nil
		}
		return auditedViews{file: file}, nil
	}
	r, err := c.readReport(ctx, f.report)
	if err != nil {
		return auditedViews{problem: address.Text(err.Error())}, nil
	}
	e := fromReport(r)
	if e.problem != "" {
		e.problem = fmt.Sprintf("report %s: %s", f.report, e.problem)
	}
	return e, nil
}

// readFlags reads a flag file.
func (c *cli) readFlags(ctx context.Context, path string) (contract.File, error) {
	c.reads.add(path)
	if !inBucket(path) {
		if err := localOnly(path); err != nil {
			return contract.File{}, err
		}
		return contract.Read(path)
	}
	raw, err := c.readNamed(ctx, path)
	if err != nil {
		return contract.File{}, fmt.Errorf("flag file %w", err)
	}
	file, err := contract.Parse(raw)
	if err != nil {
		return file, fmt.Errorf("flag file %s: %w", store.Bare(path), err)
	}
	return file, nil
}

// fromReport reads a report as its flag file would be read.
func fromReport(r report.Report) auditedViews {
	raw, err := contract.FlagFile(r)
	if err != nil {
		return auditedViews{problem: err.Error()}
	}
	file, err := contract.Parse(raw)
	if err != nil {
		return auditedViews{problem: err.Error()}
	}
	return auditedViews{file: file, consumers: r.Consumers}
}

// contracts are the questions: one for each view named, or for each of a consumer's contracts.
func (c *cli) contracts(ctx context.Context, f requireFlags, e auditedViews, a asked) ([]contract.Question, error) {
	if f.consumer == "" {
		questions := make([]contract.Question, 0, len(a.views))
		for _, view := range a.views {
			q := a.base
			q.View = view
			questions = append(questions, q)
		}
		return questions, nil
	}
	declared, err := c.declared(ctx, f, e)
	if err != nil {
		return nil, err
	}
	if declared == nil && e.problem != "" {
		return []contract.Question{{View: "consumer " + f.consumer, Now: a.base.Now}}, nil
	}
	i := slices.IndexFunc(declared, func(one report.Consumer) bool { return one.Name == f.consumer })
	if i < 0 {
		return nil, usagef("--consumer %q: no such consumer is declared; declared: %s", f.consumer, consumerNames(declared))
	}
	var questions []contract.Question
	for _, q := range contract.QuestionsOf(declared[i]) {
		q.Now, q.MaxReportAge = a.base.Now, a.base.MaxReportAge
		if len(a.views) == 0 || slices.Contains(a.views, q.View) {
			questions = append(questions, q)
		}
	}
	if len(questions) == 0 {
		return nil, usagef("--consumer %q: it has no contract on %s", f.consumer, cmp.Or(strings.Join(a.views, ", "), "any view"))
	}
	return questions, nil
}

// declared are the consumers of the config where one is named, else those that the report carries.
func (c *cli) declared(ctx context.Context, f requireFlags, e auditedViews) ([]report.Consumer, error) {
	if f.report != "" && f.config == "" {
		return e.consumers, nil
	}
	loaded, err := c.load(ctx, f.definitionFlags, nil)
	if err != nil {
		return nil, err
	}
	return contract.Declared(loaded.Consumers), nil
}

func consumerNames(consumers []report.Consumer) string {
	names := make([]string, 0, len(consumers))
	for _, one := range consumers {
		names = append(names, one.Name)
	}
	return distinct(names)
}

// lookAtData audits the newest partition of the views as of now, or all of them where a contract looks back.
func (c *cli) lookAtData(ctx context.Context, f requireFlags, a asked, outs []output) (auditedViews, error) {
	loaded, err := c.load(ctx, f.definitionFlags, nil)
	if err != nil {
		return auditedViews{}, err
	}
	if err := c.refuseInputs(ctx, outs, loaded.Views); err != nil {
		return auditedViews{}, err
	}
	views := a.views
	if f.consumer != "" {
		views = viewsOf(loaded.Consumers, f.consumer)
	}
	options := audit.Options{Views: loaded.Views, SelectViews: knownOf(views, loaded.Views), Consumers: loaded.Consumers, Definitions: loaded.read,
		ConfigDigest: loaded.Digest, AsOf: a.base.Now.UTC().Truncate(time.Microsecond), AsOfGiven: true, NewestOnly: !looksBack(loaded.Consumers, f.consumer)}
	if len(options.SelectViews) == 0 {
		return auditedViews{}, nil
	}
	r, err := c.auditAside(ctx, runFlags{memory: f.memory, tempDir: f.tempDir}, options)
	if errors.As(err, new(auditError)) {
		return auditedViews{problem: fmt.Sprintf("the data could not be looked at: %v", err)}, nil
	}
	if err != nil {
		return auditedViews{}, err
	}
	r.Execution.FinishedAt = options.AsOf.Format(time.RFC3339Nano)
	return fromReport(r), nil
}

// looksBack says whether a consumer asks for a run of clean partitions: the newest alone proves none.
func looksBack(consumers []model.Consumer, name string) bool {
	return slices.ContainsFunc(consumers, func(one model.Consumer) bool {
		return one.Name == name && slices.ContainsFunc(one.Views, func(v model.ConsumerView) bool { return v.Lookback > 0 })
	})
}

func viewsOf(consumers []model.Consumer, name string) []string {
	var views []string
	for _, one := range consumers {
		for _, v := range one.Views {
			if one.Name == name {
				views = append(views, v.View)
			}
		}
	}
	return views
}

// knownOf leaves out the views that are not defined: their answers say so.
func knownOf(names []string, views []model.View) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		return !slices.ContainsFunc(views, func(v model.View) bool { return v.Name == name })
	})
}

// requireDocument is what --out json writes.
type requireDocument struct {
	Schema  string        `json:"schema"`
	Verdict string        `json:"verdict"`
	Answers []givenAnswer `json:"answers"`
}

// givenAnswer is one answer; what is not known is null.
type givenAnswer struct {
	View         string   `json:"view"`
	Verdict      string   `json:"verdict"`
	Message      string   `json:"message"`
	AgeSeconds   *float64 `json:"age_seconds"`
	LimitSeconds *float64 `json:"limit_seconds"`
}

// tell writes one line for each answer, the worst last: a scheduler keeps the last line.
func (c *cli) tell(outs []output, answers []contract.Answer) (int, error) {
	rank := func(a contract.Answer) int {
		return slices.Index([]contract.Verdict{contract.Pass, contract.Unknown, contract.Failed, contract.Stale}, a.Verdict)
	}
	slices.SortStableFunc(answers, func(a, b contract.Answer) int { return cmp.Compare(rank(a), rank(b)) })
	worst := answers[len(answers)-1].Verdict
	doc := requireDocument{Schema: "featureaudit.require/v1", Verdict: string(worst), Answers: []givenAnswer{}}
	for _, a := range answers {
		doc.Answers = append(doc.Answers, givenAnswer{View: a.View, Verdict: string(a.Verdict), Message: a.Message, AgeSeconds: a.AgeSeconds, LimitSeconds: a.LimitSeconds})
	}
	err := c.writeAll(outs, func(w io.Writer, format string, _ bool) error {
		if format == "json" {
			return writeJSON(w, doc)
		}
		for _, a := range answers {
			if _, err := fmt.Fprintln(w, render.Clean(a.Message)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	switch worst {
	case contract.Pass:
		return exitOK, nil
	case contract.Stale, contract.Failed:
		return exitFindings, nil
	default:
		return exitIncomplete, nil
	}
}
