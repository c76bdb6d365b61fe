package history

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/featureaudit/featureaudit/audit/policy"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/words"
)

// placeholder is what stands in a new baseline where its user must set a date.
const placeholder = "SET-A-DATE"

// Baseline are the findings that are known.
type Baseline struct {
	// Name is what errors and findings call the file.
	Name    string
	Entries []Known
}

// Known is one finding that is known.
type Known struct {
	View, Check string
	Fingerprint string
	RowsBad     int64
	// Subject names it for people.
	Subject string
	Owner   string
	// FirstSeen is the day on which it was found first, as written; Until the day (UTC) from whose beginning on it counts no more.
	FirstSeen string
	Until     time.Time
	Line      int
}

// group is how a baseline is written: the findings of one check of one view.
type group struct {
	View      string  `yaml:"view"`
	Check     string  `yaml:"check"`
	Owner     string  `yaml:"owner,omitempty"`
	FirstSeen string  `yaml:"first_seen,omitempty"`
	Until     string  `yaml:"until"`
	Findings  []entry `yaml:"findings"`
}

type entry struct {
	Fingerprint string `yaml:"fingerprint"`
	RowsBad     int64  `yaml:"rows_bad"`
	Subject     string `yaml:"subject,omitempty"`
	FirstSeen   string `yaml:"first_seen,omitempty"`
}

// WriteBaseline writes the findings of a report as a baseline in which the user must set an end for each check of a view. Left out are
// findings that suppressions accept and those that nobody can follow; notes say how many. What could not be looked at is no finding.
func WriteBaseline(w io.Writer, r report.Report) (notes []string, err error) {
	var groups []group
	unfollowed := int64(0)
	for _, res := range r.Results {
		if res.Outcome != report.Fail && res.Outcome != report.Warn {
			continue
		}
		if res.FindingsTotal > 0 && len(res.Fingerprints) == 0 && res.FindingsUnfollowed == 0 {
			return nil, fmt.Errorf("%s of view %q has %d findings and no fingerprints of them all: a release before them wrote the report; run the audit again", res.Check, res.View, res.FindingsTotal)
		}
		unfollowed += res.FindingsUnfollowed
		g := group{View: res.View, Check: res.Check, Owner: res.Owner, FirstSeen: dayOf(r.AsOf), Until: placeholder}
		for _, f := range findingsOf(res) {
			if f.Suppressed || f.FingerprintNote != "" {
				continue
			}
			e := entry{Fingerprint: f.Fingerprint, RowsBad: f.RowsBad, Subject: subjectWords(f.Subject)}
			if since := dayOf(f.Since); since != "" && since != g.FirstSeen {
				e.FirstSeen = since
			}
			g.Findings = append(g.Findings, e)
		}
		if len(g.Findings) > 0 {
			groups = append(groups, g)
		}
	}
	if unfollowed > 0 {
		notes = append(notes, words.Count(unfollowed, "finding")+" left out: they are under numbers that hold in one report only; --hash-key-file of run gives lasting names")
	}
	text, err := baselineText(r, groups)
	if err != nil {
		return notes, err
	}
	_, err = w.Write(text)
	return notes, err
}

func baselineText(r report.Report, groups []group) ([]byte, error) {
	var buf bytes.Buffer
	fmt.Fprintf(&buf, "# Known findings of the report %s as of %s.\n", report.Clean(r.ID), report.Clean(r.AsOf))
	fmt.Fprintf(&buf, "# Write the day (UTC) from which on they count again in place of every %s, such as 2027-01-31.\n", placeholder)
	fmt.Fprint(&buf, "# featureaudit run --baseline FILE --new-only fails on what is not here, or has more rows_bad than it says here.\n")
	var doc yaml.Node
	if err := doc.Encode(struct {
		Version int     `yaml:"version"`
		Known   []group `yaml:"known"`
	}{1, slices.Concat([]group{}, groups)}); err != nil {
		return nil, fmt.Errorf("encode the baseline: %w", err)
	}
	if known := valueOf(&doc, "known"); known != nil {
		for _, g := range known.Content {
			if findings := valueOf(g, "findings"); findings != nil {
				for _, f := range findings.Content {
					f.Style = yaml.FlowStyle // a line each
				}
			}
		}
	}
	enc := yaml.NewEncoder(&buf)
	enc.SetIndent(2)
	if err := errors.Join(enc.Encode(&doc), enc.Close()); err != nil {
		return nil, fmt.Errorf("encode the baseline: %w", err)
	}
	return buf.Bytes(), nil
}

func valueOf(n *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

func dayOf(instant string) string {
	at, err := time.Parse(time.RFC3339Nano, instant)
	if err != nil {
		return ""
	}
	return at.UTC().Format(time.DateOnly)
}

func subjectWords(s report.Subject) string {
	var parts []string
	for _, part := range []struct{ label, value string }{{"", s.Partition}, {"source ", s.Source}, {"", s.File}, {"column ", s.Column}, {"", s.Object}} {
		if part.value != "" {
			parts = append(parts, part.label+report.Clean(part.value))
		}
	}
	return strings.Join(parts, ", ")
}

// maxBaselineBytes bounds a file before it is parsed.
const maxBaselineBytes = 64 << 20

// LoadBaseline reads a baseline from a file.
func LoadBaseline(path string) (Baseline, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Baseline{}, fmt.Errorf("baseline %s: %w; `featureaudit baseline REPORT --out %s` writes one", path, err, path)
	}
	if info.Size() > maxBaselineBytes {
		return Baseline{}, fmt.Errorf("%s: %d bytes, expected at most %d: is it a baseline?", path, info.Size(), maxBaselineBytes)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return Baseline{}, fmt.Errorf("baseline %s: %w", path, err)
	}
	return ParseBaseline(path, raw)
}

// ParseBaseline reads a baseline. All that is wrong with it is one error, each problem with its line: an end that was not set above all.
func ParseBaseline(name string, raw []byte) (Baseline, error) {
	b := Baseline{Name: name}
	var doc, more yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(raw))
	if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
		return b, fmt.Errorf("%s: the file is empty; `featureaudit baseline REPORT --out %s` writes one", name, name)
	} else if err != nil {
		line, text := policy.SyntaxError(raw, err)
		return b, fmt.Errorf("%s:%d: not valid YAML: %s", name, line, text)
	}
	if err := dec.Decode(&more); !errors.Is(err, io.EOF) {
		return b, fmt.Errorf("%s: a second YAML document: expected one", name)
	}
	p := baselineParser{name: name}
	top := p.fields(doc.Content[0], "at the top level", "version", "known")
	if v := top["version"]; v == nil || v.Value != "1" {
		p.wrong(doc.Content[0], "version at the top level: expected 1, the only version that this program reads")
		return b, errors.Join(p.problems...)
	}
	known := top["known"]
	if known == nil || known.Kind != yaml.SequenceNode {
		p.wrong(doc.Content[0], "known at the top level: expected a list of maps of view, check, owner, first_seen, until, findings")
		return b, errors.Join(p.problems...)
	}
	for _, g := range known.Content {
		b.Entries = append(b.Entries, p.group(g)...)
	}
	lines := map[string]int{}
	for _, e := range b.Entries {
		key := e.View + "\x00" + e.Check + "\x00" + e.Fingerprint
		if first, twice := lines[key]; twice {
			p.problems = append(p.problems, fmt.Errorf("%s:%d: fingerprint %q stands twice, first in line %d: keep one", name, e.Line, e.Fingerprint, first))
		}
		lines[key] = e.Line
	}
	return b, errors.Join(p.problems...)
}

type baselineParser struct {
	name     string
	problems []error
}

const maxBaselineProblems = 50

func (p *baselineParser) wrong(n *yaml.Node, format string, args ...any) {
	if len(p.problems) < maxBaselineProblems {
		p.problems = append(p.problems, fmt.Errorf("%s:%d: %s", p.name, n.Line, fmt.Sprintf(format, args...)))
	}
}

// fields are the values of a map by their keys, of which others are unknown.
func (p *baselineParser) fields(n *yaml.Node, where string, keys ...string) map[string]*yaml.Node {
	out := map[string]*yaml.Node{}
	if n.Kind != yaml.MappingNode {
		p.wrong(n, "%s: expected a map of %s", where, strings.Join(keys, ", "))
		return out
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		switch {
		case !slices.Contains(keys, key.Value):
			p.wrong(key, "unknown key %.80q %s: %sknown keys: %s", key.Value, where, policy.DidYouMean(key.Value, keys), strings.Join(keys, ", "))
		case out[key.Value] != nil:
			p.wrong(key, "key %q is written twice %s: keep one", key.Value, where)
		default:
			out[key.Value] = n.Content[i+1]
		}
	}
	return out
}

func (p *baselineParser) text(fields map[string]*yaml.Node, at *yaml.Node, key string, needed bool) string {
	n := fields[key]
	switch {
	case n == nil && needed:
		p.wrong(at, "%q is missing", key)
	case n == nil:
	case n.Kind != yaml.ScalarNode || n.ShortTag() == "!!null":
		p.wrong(n, "%s: expected a text", key)
	default:
		return n.Value
	}
	return ""
}

func (p *baselineParser) group(n *yaml.Node) []Known {
	f := p.fields(n, "in known", "view", "check", "owner", "first_seen", "until", "findings")
	whole := Known{View: p.text(f, n, "view", false), Check: p.text(f, n, "check", true), Owner: p.text(f, n, "owner", false), FirstSeen: p.text(f, n, "first_seen", false)}
	if f["view"] == nil {
		p.wrong(n, `"view" is missing: write "" for a check of the whole run`)
	}
	whole.Until = p.until(f["until"], n)
	findings := f["findings"]
	if findings == nil || findings.Kind != yaml.SequenceNode {
		p.wrong(n, "findings: expected a list of maps of fingerprint, rows_bad, subject, first_seen")
		return nil
	}
	var all []Known
	for _, one := range findings.Content {
		g := p.fields(one, "in findings", "fingerprint", "rows_bad", "subject", "first_seen")
		k := whole
		k.Line, k.Fingerprint, k.Subject = one.Line, p.text(g, one, "fingerprint", true), p.text(g, one, "subject", false)
		k.FirstSeen = cmp.Or(p.text(g, one, "first_seen", false), whole.FirstSeen)
		if n := g["rows_bad"]; n == nil {
			p.wrong(one, `"rows_bad" is missing: write how many are known`)
		} else if err := n.Decode(&k.RowsBad); err != nil || n.ShortTag() != "!!int" || k.RowsBad < 0 {
			p.wrong(n, "rows_bad: found %.40q, expected a whole number of 0 or more", n.Value)
		}
		all = append(all, k)
	}
	return all
}

func (p *baselineParser) until(n, at *yaml.Node) time.Time {
	if n == nil {
		p.wrong(at, `"until" is missing: write the day (UTC) from which on these findings count again, such as 2027-01-31`)
		return time.Time{}
	}
	if n.Value == placeholder {
		p.wrong(n, "until: %s is still in the place of a date: write the day (UTC) from which on these findings count again, such as 2027-01-31", placeholder)
		return time.Time{}
	}
	day, err := time.Parse(time.DateOnly, n.Value)
	if err != nil || n.Kind != yaml.ScalarNode {
		p.wrong(n, "until: found %.40q, expected a day such as 2027-01-31", n.Value)
	}
	return day
}

// Knows says, for evidence.Input's Rank, whether a baseline holds a finding at an instant (microseconds UTC).
func (b Baseline) Knows(asOf int64) func(fingerprint string, bad int64) bool {
	known := map[string]int64{}
	for _, e := range b.Entries {
		if e.Until.UnixMicro() > asOf {
			known[e.Fingerprint] = e.RowsBad
		}
	}
	return func(fingerprint string, bad int64) bool {
		limit, held := known[fingerprint]
		return held && bad <= limit
	}
}

// Apply marks in a report what a baseline holds: the findings that an entry names and that have no more rows_bad than it says. Entries that
// match nothing although their check looked are findings of baseline-unused; entries past their end count no more.
func (b Baseline) Apply(r report.Report) (report.Report, error) {
	a, err := b.applying(r)
	if err != nil {
		return r, err
	}
	views := map[string]report.View{}
	for _, v := range r.Views {
		views[v.Name] = v
	}
	r.Results = slices.Clone(r.Results)
	for i, res := range r.Results {
		r.Results[i] = a.result(res, views[res.View])
	}
	if res := a.unused(r); res != nil {
		r = withUnused(r, *res)
	}
	r.Baseline = &a.state
	r.Summary = resummarised(r)
	return Seal(r)
}

// ApplyLong is Apply to a long report, a view at a time.
func (b Baseline) ApplyLong(l report.Long) (report.Long, error) {
	named := l.Named()
	a, err := b.applying(named)
	if err != nil {
		return l, err
	}
	told, err := l.Retell(func(one *report.ViewResults) {
		for i, res := range one.Results {
			one.Results[i] = a.result(res, one.View)
		}
	})
	if err != nil {
		return l, err
	}
	if res := a.unused(named); res != nil {
		if told, err = told.WithResult(*res); err != nil {
			return l, err
		}
		told.Rest.Catalogue = knowsUnused(told.Rest.Catalogue)
	}
	told.Rest.Baseline = &a.state
	nothing := told.Rest.Summary.NothingToAudit
	told.Rest.Summary = told.Summarise()
	told.Rest.Summary.NothingToAudit = nothing
	return sealLong(told)
}

// applying is a baseline held against a report, a result at a time.
type applying struct {
	run      Run
	state    report.Baseline
	byResult map[[2]string]map[string]Known
	// seen are the results that entries name.
	seen map[[2]string]seenResult
}

// seenResult is what says whether an entry matches a finding.
type seenResult struct {
	fingerprints map[string]int64
	looked       bool
}

func (b Baseline) applying(r report.Report) (*applying, error) {
	run, err := RunOf(r)
	if err != nil {
		return nil, err
	}
	a := &applying{run: run, state: report.Baseline{Entries: int64(len(b.Entries))}, byResult: map[[2]string]map[string]Known{}, seen: map[[2]string]seenResult{}}
	for _, e := range b.Entries {
		if e.Until.UnixMicro() <= run.AsOf {
			a.state.Expired++
			continue
		}
		key := [2]string{e.View, e.Check}
		if a.byResult[key] == nil {
			a.byResult[key] = map[string]Known{}
		}
		a.byResult[key][e.Fingerprint] = e
	}
	return a, nil
}

// result is a result of a view with what the baseline holds of it.
func (a *applying) result(res report.Result, view report.View) report.Result {
	key := [2]string{res.View, res.Check}
	entries := a.byResult[key]
	res = mark(res, entries, &a.state)
	if _, twice := a.seen[key]; entries != nil && !twice {
		a.seen[key] = seenResult{res.Fingerprints, looked(res, view)}
	}
	return res
}

// mark says of each finding of a result whether an entry holds it.
func mark(res report.Result, entries map[string]Known, state *report.Baseline) report.Result {
	res.FindingsKnown, res.RowsKnown = 0, 0
	holds := func(fingerprint string, bad int64) bool {
		e, named := entries[fingerprint]
		return named && bad <= e.RowsBad
	}
	for fingerprint, bad := range res.Fingerprints {
		if _, accepted := slices.BinarySearch(res.FingerprintsSuppressed, fingerprint); accepted {
			continue
		}
		if holds(fingerprint, bad) {
			res.FindingsKnown++
			res.RowsKnown += bad
		} else if _, named := entries[fingerprint]; named {
			state.Exceeded++
		}
	}
	state.Known += res.FindingsKnown
	each := func(findings []report.Finding) []report.Finding {
		findings = slices.Clone(findings)
		for i, f := range findings {
			findings[i].Known = !f.Suppressed && f.FingerprintNote == "" && holds(f.Fingerprint, f.RowsBad)
		}
		return findings
	}
	res.Findings, res.Every = each(res.Findings), each(res.Every)
	return res
}

// maxFindings is how many findings a result shows.
const maxFindings = 20

func entriesInWords(n int64) string { return words.Counted(n, "entry", "entries") }

func viewWords(view string) string {
	if view == "" {
		return "the run"
	}
	return "view " + report.Clean(view)
}

func resummarised(r report.Report) report.Summary {
	nothing := r.Summary.NothingToAudit
	s := r.Summarise()
	s.NothingToAudit = nothing
	return s
}

// NewOnly are the results that count where known findings do not: all but those whose every finding a baseline holds or a suppression accepts.
func NewOnly(results []report.Result) []report.Result {
	return slices.DeleteFunc(slices.Clone(results), func(res report.Result) bool {
		found := res.Outcome == report.Fail || res.Outcome == report.Warn
		return found && res.FindingsTotal > 0 && res.FindingsKnown+res.FindingsSuppressed == res.FindingsTotal
	})
}
