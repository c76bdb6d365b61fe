package history

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/words"
)

// Point is one result of one run.
type Point struct {
	// AsOf is RFC 3339 UTC.
	AsOf, Project, View, Check, Range string
	Outcome                           report.Outcome
	Unit                              string
	RowsTotal, RowsBad, Findings      int64
	ViewRows                          int64
	AgeSeconds                        *float64
}

func pointOf(r Row) Point {
	return Point{AsOf: timeText(r.AsOf), Project: r.Project, View: r.View, Check: r.Check, Range: r.Range, Outcome: report.Outcome(r.Outcome), Unit: r.Unit,
		RowsTotal: r.RowsTotal, RowsBad: r.RowsBad, Findings: r.Findings, ViewRows: r.ViewRows, AgeSeconds: r.AgeSeconds}
}

// Views are the names of the views that the history holds, sorted.
func (p *Past) Views() []string {
	var names []string
	for where := range p.looks {
		names = append(names, where.view)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Checks are the ids of the checks that the history holds of a view, sorted.
func (p *Past) Checks(view string) []string {
	var ids []string
	for where := range p.looks {
		if where.view == view {
			ids = append(ids, where.check)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// Points are the results of a view, of one check or of all where check is empty: by project, range and check, and then in the order of
// as_of. Of several runs at one as_of there is the one that finished last.
func (p *Past) Points(view, check string) [][]Point {
	var series [][]Point
	for where, looks := range p.looks {
		if where.view != view || check != "" && where.check != check {
			continue
		}
		var points []Point
		for _, l := range before(looks, int64(1)<<62) {
			points = append(points, l.point)
		}
		series = append(series, points)
	}
	slices.SortFunc(series, func(a, b []Point) int {
		return cmp.Or(cmp.Compare(a[0].Project, b[0].Project), cmp.Compare(a[0].Range, b[0].Range), cmp.Compare(a[0].Check, b[0].Check))
	})
	return series
}

// maxShown is how many of the newest runs the text of a trend shows.
const maxShown = 30

// WriteTrendText writes for each check how a view did in the newest runs, oldest first, for people.
func WriteTrendText(w io.Writer, series [][]Point) error {
	var b strings.Builder
	for _, points := range series {
		last := points[len(points)-1]
		head := report.Clean(viewWords(last.View)) + ", " + report.Clean(last.Check)
		if last.Project != "" {
			head += ", project " + report.Clean(last.Project)
		}
		if last.Range != "" {
			head += ", range " + report.Clean(last.Range)
		}
		fmt.Fprintln(&b, head)
		if more := len(points) - maxShown; more > 0 {
			fmt.Fprintf(&b, "  %s before %s\n", words.Counted(int64(more), "run", "runs"), points[more].AsOf)
		}
		for _, at := range points[max(0, len(points)-maxShown):] {
			line := fmt.Sprintf("  %-20s  %-14s", at.AsOf, at.Outcome)
			if at.RowsTotal > 0 {
				line += fmt.Sprintf("  %s of %s %s", words.Number(at.RowsBad), words.Number(at.RowsTotal), report.Clean(at.Unit))
			}
			if at.Findings > 0 {
				line += ", " + words.Counted(at.Findings, "finding", "findings")
			}
			if at.AgeSeconds != nil {
				line += fmt.Sprintf("  (newest event %s old)", seconds(*at.AgeSeconds))
			}
			fmt.Fprintln(&b, strings.TrimRight(line, " "))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// WriteTrendCSV writes every point.
func WriteTrendCSV(w io.Writer, series [][]Point) error {
	out := csv.NewWriter(w)
	lines := [][]string{{"as_of", "project", "view", "check_id", "range", "outcome", "unit", "rows_total", "rows_bad", "findings", "view_rows", "age_seconds"}}
	for _, points := range series {
		for _, at := range points {
			age := ""
			if at.AgeSeconds != nil {
				age = strconv.FormatFloat(*at.AgeSeconds, 'f', -1, 64)
			}
			lines = append(lines, []string{at.AsOf, Cell(at.Project), Cell(at.View), Cell(at.Check), Cell(at.Range), string(at.Outcome), Cell(at.Unit), strconv.FormatInt(at.RowsTotal, 10),
				strconv.FormatInt(at.RowsBad, 10), strconv.FormatInt(at.Findings, 10), strconv.FormatInt(at.ViewRows, 10), age})
		}
	}
	return out.WriteAll(lines)
}

// Change is what became of a finding, or of a result without findings, from one report to another.
type Change struct {
	State              report.State
	View, Check, Owner string
	Fingerprint        string
	Subject            report.Subject
	Unit               string
	// Before and Now are rows_bad; nil where there was nothing to count. Was and Is are the outcomes of the result.
	Before, Now *int64
	Was, Is     report.Outcome
}

// Changes are what became of the findings of one report in another, the new and the worse first.
type Changes struct {
	Changes []Change
	States  report.States
	// NotCompared says in lines which results could not be compared, and why.
	NotCompared []string
}

// Diff compares two reports of the same range, whichever as_of they have.
func Diff(a, b report.Report) (Changes, error) {
	if a.Range != b.Range {
		return Changes{}, fmt.Errorf("the ranges differ (%q and %q): what one looked at the other did not", a.Range, b.Range)
	}
	rows, err := Rows(a)
	if err != nil {
		return Changes{}, err
	}
	run, err := RunOf(b)
	if err != nil {
		return Changes{}, err
	}
	past := newPast()
	add := past.adder()
	for row := range rows {
		row.AsOf = run.AsOf - 1 // the first is the earlier one, whatever it was judged from
		add(row)
	}
	told, err := past.Compare(b)
	if err != nil {
		return Changes{}, err
	}
	out := Changes{States: told.History.States}
	was := map[[2]string]report.Result{}
	for _, res := range a.Results {
		was[[2]string{res.View, res.Check}] = res
	}
	inFirst, inSecond := viewsOf(a), viewsOf(b)
	for _, res := range told.Results {
		key := [2]string{res.View, res.Check}
		former, there := was[key]
		delete(was, key)
		if !there && inFirst[res.View] {
			out.NotCompared = append(out.NotCompared, fmt.Sprintf("%s of %s: only in the second report", res.Check, viewWords(res.View)))
		}
		out.Changes = append(out.Changes, changesOf(former, res)...)
		if n := unseen(former, res); n > 0 && !looked(res, viewNamed(b, res.View)) {
			out.NotCompared = append(out.NotCompared, fmt.Sprintf("%s of %s: %s of the first report, which the second did not look at (%s: %s)", res.Check, viewWords(res.View),
				words.Counted(n, "finding", "findings"), strings.ReplaceAll(string(res.Outcome), "_", " "), cmp.Or(res.Reason, res.Message, "files were not read")))
		}
	}
	for _, res := range a.Results {
		if _, only := was[[2]string{res.View, res.Check}]; only && inSecond[res.View] {
			out.NotCompared = append(out.NotCompared, fmt.Sprintf("%s of %s: only in the first report", res.Check, viewWords(res.View)))
		}
	}
	out.NotCompared = append(out.NotCompared, whollyAbsent(a, inSecond, "first")...)
	out.NotCompared = append(out.NotCompared, whollyAbsent(b, inFirst, "second")...)
	order := []report.State{report.StateNew, report.StateWorse, report.StateContinuing, report.StateBetter, report.StateResolved}
	slices.SortStableFunc(out.Changes, func(x, y Change) int { return cmp.Compare(slices.Index(order, x.State), slices.Index(order, y.State)) })
	return out, nil
}

// viewsOf are the names of the views of a report, and that of the whole run.
func viewsOf(r report.Report) map[string]bool {
	names := map[string]bool{"": true}
	for _, v := range r.Views {
		names[v.Name] = true
	}
	return names
}

func viewNamed(r report.Report, name string) report.View {
	for _, v := range r.Views {
		if v.Name == name {
			return v
		}
	}
	return report.View{}
}

// unseen counts the findings of a result that another run of its check does not have.
func unseen(former, res report.Result) int64 {
	n := int64(0)
	for fingerprint := range former.Fingerprints {
		if _, still := res.Fingerprints[fingerprint]; !still {
			n++
		}
	}
	return n
}

// whollyAbsent says which views one report alone has, with their findings counted.
func whollyAbsent(r report.Report, other map[string]bool, which string) []string {
	var lines []string
	for _, v := range r.Views {
		if other[v.Name] {
			continue
		}
		n := int64(0)
		for _, res := range r.Results {
			if res.View == v.Name {
				n += res.FindingsTotal
			}
		}
		lines = append(lines, fmt.Sprintf("%s: only in the %s report, with %s", viewWords(v.Name), which, words.Counted(n, "finding", "findings")))
	}
	return lines
}

func changesOf(former, res report.Result) []Change {
	one := Change{View: res.View, Check: res.Check, Owner: res.Owner, Unit: res.Unit, Was: former.Outcome, Is: res.Outcome}
	var all []Change
	for _, f := range res.Every {
		if f.State == "" {
			continue
		}
		c := one
		now := f.RowsBad
		c.State, c.Fingerprint, c.Subject, c.Now = f.State, f.Fingerprint, f.Subject, &now
		if before, there := former.Fingerprints[f.Fingerprint]; there && f.State != report.StateNew {
			c.Before = &before
		}
		all = append(all, c)
	}
	for _, gone := range res.Resolved {
		c := one
		before := gone.RowsBad
		c.State, c.Fingerprint, c.Subject, c.Before = report.StateResolved, gone.Fingerprint, gone.Subject, &before
		all = append(all, c)
	}
	if len(all) == 0 && res.State != "" && former.Outcome != res.Outcome {
		one.State = res.State
		all = append(all, one)
	}
	return all
}

// WriteChangesText writes what changed for people: what is the same is counted only.
func WriteChangesText(w io.Writer, c Changes) error {
	var b strings.Builder
	s := c.States
	fmt.Fprintf(&b, "%s new, %s worse, %s continuing, %s better, %s resolved\n", words.Number(s.New), words.Number(s.Worse), words.Number(s.Continuing), words.Number(s.Better), words.Number(s.Resolved))
	named := int64(0)
	for _, one := range c.Changes {
		if one.State == report.StateResolved && one.Fingerprint != "" {
			named++
		}
		if one.State == report.StateContinuing {
			continue
		}
		line := fmt.Sprintf("%-8s  %s %s", strings.ToUpper(string(one.State)), report.Clean(nameOf(one.View)), report.Clean(one.Check))
		if subject := subjectWords(one.Subject); subject != "" {
			line += "  " + subject
		} else if one.Fingerprint != "" {
			line += "  " + report.Clean(one.Fingerprint)
		}
		switch {
		case one.Before != nil || one.Now != nil:
			line += fmt.Sprintf("  %s -> %s %s", amountOf(one.Before), amountOf(one.Now), report.Clean(one.Unit))
		default:
			line += fmt.Sprintf("  %s -> %s", cmp.Or(string(one.Was), "not there"), one.Is)
		}
		fmt.Fprintln(&b, line)
	}
	if more := s.Resolved - named; more > 0 {
		fmt.Fprintf(&b, "and %s more resolved\n", words.Number(more))
	}
	for _, line := range c.NotCompared {
		fmt.Fprintf(&b, "not compared: %s\n", report.Clean(line))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func nameOf(view string) string { return cmp.Or(view, "the run") }

func amountOf(n *int64) string {
	if n == nil {
		return "0"
	}
	return words.Number(*n)
}

// WriteChangesCSV writes every change, those that are the same included.
func WriteChangesCSV(w io.Writer, c Changes) error {
	out := csv.NewWriter(w)
	lines := [][]string{{"state", "view", "check_id", "owner", "fingerprint", "partition", "source", "file", "column_name", "object", "unit", "rows_bad_before", "rows_bad", "outcome_before", "outcome"}}
	count := func(n *int64) string {
		if n == nil {
			return ""
		}
		return strconv.FormatInt(*n, 10)
	}
	for _, one := range c.Changes {
		lines = append(lines, []string{string(one.State), Cell(one.View), Cell(one.Check), Cell(one.Owner), Cell(one.Fingerprint), Cell(one.Subject.Partition), Cell(one.Subject.Source),
			Cell(one.Subject.File), Cell(one.Subject.Column), Cell(one.Subject.Object), Cell(one.Unit), count(one.Before), count(one.Now), string(one.Was), string(one.Is)})
	}
	return out.WriteAll(lines)
}
