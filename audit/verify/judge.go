package verify

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/check"
	"github.com/featureaudit/featureaudit/audit/content"
	"github.com/featureaudit/featureaudit/audit/diff"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/times"
	"github.com/featureaudit/featureaudit/audit/words"
)

// comparedView is a view on both sides, with what was found out about it.
type comparedView struct {
	before, after View
	changes       []Change
	ranged        string
	beforeKind    Kind
	beforeName    string
	// audits are what the audit's own checks say of the range and what lies next to it; before is nil where it is no data.
	auditBefore, auditAfter *report.Report
	auditProblem            string
	definitions             []diff.Finding
	entities                *EntityChange
	// entitiesUnknown and rowsUnknown say why nobody can tell.
	entitiesUnknown, rowsUnknown string
	// verified are the content sums of an earlier verification, by identity; nil without one.
	verified map[string]string
	notes    []string
}

// finding is one finding in the making.
type finding struct {
	change   *Change
	subject  report.Subject
	total    int64
	bad      int64
	message  string
	measures map[string]any
}

// maxFindings is how many findings a result names.
const maxFindings = 20

// blank is the result of a check before anything is known.
func (v *comparedView) blank(id string) report.Result {
	c, _ := check.Lookup(id)
	return report.Result{Check: c.ID, View: v.after.Name, Owner: v.after.Owner, Severity: c.Severity, Evidence: c.Evidence, Unit: c.Unit, Measures: map[string]any{}, Findings: []report.Finding{}}
}

func unable(r report.Result, reason string, retryable bool) report.Result {
	r.Outcome, r.Reason, r.Message, r.Retryable = report.Error, reason, reason, retryable
	return r
}

func notApplicable(r report.Result, reason string) report.Result {
	r.Outcome, r.Reason, r.Message = report.NotApplicable, reason, reason
	return r
}

func passed(r report.Result, message string) report.Result {
	r.Outcome, r.Message = report.Pass, message
	return r
}

// found gives a result its findings, the worst first.
func found(r report.Result, findings []finding, message string) report.Result {
	r.Outcome = report.Fail
	if r.Severity == report.SeverityWarn {
		r.Outcome = report.Warn
	}
	r.Message = message
	slices.SortStableFunc(findings, func(a, b finding) int { return cmp.Compare(b.bad, a.bad) })
	r.Fingerprints = map[string]int64{}
	for _, f := range findings {
		s := f.subject
		named := s
		if f.change != nil {
			s.Partition, named.Partition = f.change.Value, f.change.Identity
			if r.FirstPartition == "" || f.change.Start < startOf(findings, r.FirstPartition) {
				r.FirstPartition = f.change.Value
			}
			if r.LastPartition == "" || f.change.Start > startOf(findings, r.LastPartition) {
				r.LastPartition = f.change.Value
			}
		}
		one := report.Finding{Subject: s, RowsTotal: f.total, RowsBad: f.bad, Message: f.message, Measures: f.measures, Fingerprint: check.Fingerprint(r.Check, r.View, named)}
		r.Fingerprints[one.Fingerprint] += f.bad
		r.Every = append(r.Every, one)
		if len(r.Findings) < maxFindings {
			r.Findings = append(r.Findings, one)
		}
	}
	r.FindingsTotal = int64(len(findings))
	return r
}

func startOf(findings []finding, value string) times.Instant {
	for _, f := range findings {
		if f.change != nil && f.change.Value == value {
			return f.change.Start
		}
	}
	return times.None
}

// named is a partition as a message calls it.
func (c *Change) named() string { return cmp.Or(c.Value, "the view") }

// says is what happened to a partition, with its rows by key where they are known.
func (c *Change) says() string {
	text := c.named() + " " + c.What
	if more := c.byKey(); more != "" {
		text += "; " + more
	}
	return text
}

// byKey says in words which rows differ.
func (c *Change) byKey() string {
	r := c.Rows
	if r == nil {
		return ""
	}
	var parts []string
	add := func(n int64, word string) {
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%s %s", words.Count(n, "key"), word))
		}
	}
	add(r.Lost, "missing")
	add(r.Added, "extra")
	add(r.Changed-r.WithinTolerance, "changed")
	add(r.WithinTolerance, "changed within the tolerance")
	add(r.RepeatedBefore, "more than once before")
	add(r.RepeatedAfter, "more than once after")
	text := strings.Join(parts, ", ")
	if len(r.ValuesByColumn) > 0 {
		var columns []string
		for _, name := range slices.Sorted(maps.Keys(r.ValuesByColumn)) {
			columns = append(columns, fmt.Sprintf("%s in %s", name, words.Number(r.ValuesByColumn[name])))
		}
		text += " (" + strings.Join(columns, ", ") + ")"
	}
	if len(r.Samples) > 0 {
		text += "; for example " + strings.Join(r.Samples, "; ")
	}
	return text
}

func (c *Change) measures() map[string]any {
	m := map[string]any{"state": string(c.State), "rows_before": rowsOf(c.Before), "rows_after": rowsOf(c.After)}
	if c.How != "" {
		m["how"] = c.How
	}
	if len(c.Columns) > 0 {
		m["columns_changed"] = c.Columns
	}
	if r := c.Rows; r != nil {
		m["keys_missing"], m["keys_extra"], m["keys_changed"] = r.Lost, r.Added, r.Changed
		m["keys_repeated_before"], m["keys_repeated_after"] = r.RepeatedBefore, r.RepeatedAfter
		if r.WithinTolerance > 0 {
			m["keys_within_tolerance"] = r.WithinTolerance
		}
		if len(r.ValuesByColumn) > 0 {
			m["values_changed"] = r.ValuesByColumn
		}
	}
	return m
}

// problem is the result of a check that could not look, because a side could not; false where both could.
func (v *comparedView) problem(r report.Result) (report.Result, bool) {
	switch {
	case v.after.Problem != "":
		return unable(r, "after: "+v.after.Problem, v.after.Retryable), true
	case v.before.Problem != "":
		return unable(r, "before: "+v.before.Problem, v.before.Retryable), true
	}
	return r, false
}

func (v *comparedView) results() []report.Result {
	out := []report.Result{v.complete(), v.correct(), v.definitionsResult(), v.isolated()}
	if v.verified != nil {
		out = append(out, v.lasting())
	}
	return append(out, v.retyped())
}

func (v *comparedView) inRange() []*Change { return v.pick(func(c *Change) bool { return c.InRange }) }

func (v *comparedView) pick(wanted func(*Change) bool) []*Change {
	var some []*Change
	for i := range v.changes {
		if wanted(&v.changes[i]) {
			some = append(some, &v.changes[i])
		}
	}
	return some
}

// complete judges the partitions that were filled.
func (v *comparedView) complete() report.Result {
	r := v.blank("backfill-complete")
	if stop, stopped := v.problem(r); stopped {
		return stop
	}
	filled := v.inRange()
	r.RowsTotal = int64(len(filled))
	v.countStates(&r)
	if len(filled) == 0 {
		return notApplicable(r, "no partition changed: there is no backfill to judge")
	}
	var findings []finding
	var unread []*Change
	for _, c := range filled {
		switch {
		case c.State == Incomplete, c.State == Truncated, c.State == Shifted:
			findings = append(findings, v.ofState(c))
		case c.State == AsExpected && c.Rows != nil && c.Rows.Lost > c.fewerExpected():
			f := v.ofState(c)
			f.message = fmt.Sprintf("%s: rows of before are missing", c.says())
			findings = append(findings, f)
		case c.State == Unknown && c.After != nil && len(c.After.Unread) > 0:
			unread = append(unread, c)
		}
		if text := v.schemaFault(c); text != "" {
			findings = append(findings, finding{change: c, subject: report.Subject{Object: "schema"}, total: rowsOf(c.After), bad: max(rowsOf(c.After), 1), message: c.named() + " " + text})
		}
	}
	r.RowsBad = countPartitions(findings)
	v.measureEntities(&r)
	if e := v.entities; e != nil && e.Lost > 0 {
		findings = append(findings, finding{subject: report.Subject{Object: "entities"}, total: e.Before, bad: e.Lost,
			message: fmt.Sprintf("%s of %s of before are gone from the range, %s are new", words.Number(e.Lost), words.Counted(e.Before, "entity", "entities"), words.Number(e.New))})
	}
	within := v.span()
	switch {
	case len(findings) > 0:
		return found(r, findings, headline(r.RowsBad, r.RowsTotal, "partition", within, "is not complete", "are not complete", findings))
	case len(unread) > 0:
		return unable(r, unread[0].says(), unread[0].After.Retryable)
	}
	text := fmt.Sprintf("all %s%s are complete", words.Count(r.RowsTotal, "partition"), within)
	if r.RowsTotal == 1 {
		text = fmt.Sprintf("the partition%s is complete", within)
	}
	if v.entitiesUnknown != "" {
		text += "; whether entities were lost is not known: " + v.entitiesUnknown
	}
	return passed(r, text)
}

// fewerExpected is how many rows less than before somebody said that there are to be: so many keys may be missing.
func (c *Change) fewerExpected() int64 {
	if !c.expected {
		return 0
	}
	return max(rowsOf(c.Before)-rowsOf(c.After), 0)
}

// countPartitions counts the partitions that findings are about.
func countPartitions(findings []finding) int64 {
	seen := map[*Change]bool{}
	for _, f := range findings {
		if f.change != nil {
			seen[f.change] = true
		}
	}
	return int64(len(seen))
}

func headline(bad, total int64, unit, within, one, many string, findings []finding) string {
	worst := slices.MaxFunc(findings, func(a, b finding) int { return cmp.Compare(a.bad, b.bad) })
	if bad == 0 {
		return worst.message
	}
	return fmt.Sprintf("%s of %s%s %s: %s", words.Number(bad), words.Count(total, unit), within, words.Plural(bad, one, many), worst.message)
}

func (v *comparedView) span() string {
	if v.ranged == "" {
		return " that changed"
	}
	return " of " + v.ranged
}

func (v *comparedView) ofState(c *Change) finding {
	f := finding{change: c, total: max(rowsOf(c.Before), rowsOf(c.After)), bad: max(abs(rowsOf(c.Before)-rowsOf(c.After)), 1), message: c.says(), measures: c.measures()}
	if c.State == Shifted || c.How == string(Shifted) {
		f.bad = rowsOf(c.After)
	}
	if r := c.Rows; r != nil {
		f.bad = min(max(f.bad, r.Lost+r.Added+r.Changed-r.WithinTolerance), max(f.total, 1))
	}
	return f
}

func abs(n int64) int64 { return max(n, -n) }

func (v *comparedView) countStates(r *report.Result) {
	counts := map[string]int64{}
	before, after := int64(0), int64(0)
	for _, c := range v.inRange() {
		counts[string(c.State)]++
		before, after = before+rowsOf(c.Before), after+rowsOf(c.After)
	}
	r.Measures["states"], r.Measures["rows_before"], r.Measures["rows_after"] = counts, before, after
}

func (v *comparedView) measureEntities(r *report.Result) {
	if e := v.entities; e != nil {
		r.Measures["entities_before"], r.Measures["entities_after"], r.Measures["entities_lost"], r.Measures["entities_new"] = e.Before, e.After, e.Lost, e.New
	}
	if v.entitiesUnknown != "" {
		r.Measures["entities"] = "not known: " + v.entitiesUnknown
	}
	if v.rowsUnknown != "" {
		r.Measures["rows_by_key"] = "not known: " + v.rowsUnknown
	}
}

// reference are the columns that those of a partition are held to: what it had before, else what lies next to it outside of the range.
func (v *comparedView) reference(c *Change) []ColumnType {
	if c.Before != nil && len(c.Before.Columns) > 0 {
		return c.Before.Columns
	}
	var nearest *Change
	for i := range v.changes {
		o := &v.changes[i]
		if o.InRange || o.After == nil || len(o.After.Columns) == 0 {
			continue
		}
		if nearest == nil || abs(int64(o.Start-c.Start)) < abs(int64(nearest.Start-c.Start)) {
			nearest = o
		}
	}
	if nearest == nil {
		return nil
	}
	return nearest.After.Columns
}

func (v *comparedView) schema(c *Change) SchemaChange {
	reference := v.reference(c)
	if c.After == nil || len(c.After.Columns) == 0 || reference == nil {
		return SchemaChange{}
	}
	return schemaChange(reference, c.After.Columns)
}

func (v *comparedView) schemaFault(c *Change) string {
	s := v.schema(c)
	var parts []string
	if len(s.Gone) > 0 {
		parts = append(parts, fmt.Sprintf("lacks the %s %s", words.Plural(int64(len(s.Gone)), "column", "columns"), words.Examples(s.Gone)))
	}
	if len(s.Changed) > 0 {
		parts = append(parts, "changed the type of "+strings.Join(s.Changed, "; "))
	}
	return strings.Join(parts, " and ")
}

// retyped names columns whose values have another type of the same kind.
func (v *comparedView) retyped() report.Result {
	r := v.blank("backfill-retyped")
	if stop, stopped := v.problem(r); stopped {
		return stop
	}
	if v.beforeKind == Counts {
		return notApplicable(r, "before is a report: it has no types of columns")
	}
	var findings []finding
	for _, c := range v.pick(func(c *Change) bool {
		return c.After != nil && c.After.Present && (c.InRange || c.State == Stray || c.State == Rewritten)
	}) {
		r.RowsTotal++
		if s := v.schema(c); len(s.Retyped) > 0 {
			findings = append(findings, finding{change: c, total: rowsOf(c.After), bad: max(rowsOf(c.After), 1), message: fmt.Sprintf("%s was retyped: %s", c.named(), strings.Join(s.Retyped, "; ")),
				measures: map[string]any{"columns": s.columns}})
		}
	}
	if len(findings) == 0 {
		return passed(r, "columns have the types that they had")
	}
	r.RowsBad = int64(len(findings))
	return found(r, findings, headline(r.RowsBad, r.RowsTotal, "partition", "", "has columns of another type", "have columns of another type", findings))
}

// isolated judges the partitions outside of the range.
func (v *comparedView) isolated() report.Result {
	r := v.blank("backfill-isolated")
	if stop, stopped := v.problem(r); stopped {
		return stop
	}
	var findings []finding
	var unknown []*Change
	counts, how := map[string]int64{}, map[string]int64{}
	for _, c := range v.pick(func(c *Change) bool { return !c.InRange }) {
		counts[string(c.State)]++
		switch c.State {
		case Pending, Uncompared:
			continue
		case Unknown:
			unknown = append(unknown, c)
		case Stray:
			how[c.How]++
			findings = append(findings, v.ofState(c))
		case Unchanged, Rewritten, AsExpected, Incomplete, Truncated, Doubled, Shifted:
		}
		r.RowsTotal++
	}
	r.Measures["states"] = counts
	r.RowsBad = int64(len(findings))
	within := " outside of the range"
	switch {
	case len(findings) > 0:
		r.Measures["strays"] = how
		var kinds []string
		for _, kind := range slices.Sorted(maps.Keys(how)) {
			kinds = append(kinds, fmt.Sprintf("%s %s", words.Number(how[kind]), kind))
		}
		slices.SortStableFunc(findings, func(a, b finding) int { return cmp.Compare(b.bad, a.bad) })
		text := fmt.Sprintf("%s of %s%s %s changed (%s): %s", words.Number(r.RowsBad), words.Count(r.RowsTotal, "partition"), within, words.Plural(r.RowsBad, "was", "were"), strings.Join(kinds, ", "), findings[0].message)
		return found(r, findings, text)
	case len(unknown) > 0:
		retry := slices.ContainsFunc(unknown, func(c *Change) bool {
			return c.After != nil && c.After.Retryable || c.Before != nil && c.Before.Retryable
		})
		return unable(r, fmt.Sprintf("%s of %s%s %s not proved unchanged: %s", words.Number(int64(len(unknown))), words.Count(r.RowsTotal, "partition"), within, words.Plural(int64(len(unknown)), "is", "are"), unknown[0].says()), retry)
	case r.RowsTotal == 0 && counts[string(Uncompared)] > 0:
		return notApplicable(r, "after holds the range only: nothing else is there that could have changed")
	case r.RowsTotal == 0:
		return notApplicable(r, "there is no partition outside of the range that had ended on both sides")
	}
	text := fmt.Sprintf("all %s%s are unchanged", words.Count(r.RowsTotal, "partition"), within)
	if n := counts[string(Rewritten)]; n > 0 {
		text += fmt.Sprintf("; %s %s rewritten with the same rows", words.Number(n), words.Plural(n, "was", "were"))
	}
	if n := counts[string(Pending)]; n > 0 {
		text += fmt.Sprintf("; %s had not ended and %s not judged", words.Number(n), words.Plural(n, "was", "were"))
	}
	return passed(r, text)
}

// lasting compares what was verified earlier with what is there now.
func (v *comparedView) lasting() report.Result {
	r := v.blank("backfill-lasting")
	if stop, stopped := v.problem(r); stopped {
		return stop
	}
	var findings []finding
	unknown := 0
	seen := map[string]bool{}
	for i := range v.changes {
		c := &v.changes[i]
		sum, was := v.verified[c.Value]
		if !was {
			continue
		}
		seen[c.Value] = true
		r.RowsTotal++
		switch {
		case c.After == nil || !c.After.Present:
			findings = append(findings, finding{change: c, total: 1, bad: 1, message: c.named() + " is gone since it was verified"})
		case !c.After.Known:
			unknown++
		case c.After.Content.Sum.String() != sum:
			findings = append(findings, finding{change: c, total: rowsOf(c.After), bad: max(rowsOf(c.After), 1),
				message: fmt.Sprintf("%s was overwritten since it was verified: it has %s now", c.named(), words.Count(rowsOf(c.After), "row"))})
		}
	}
	for _, value := range slices.Sorted(maps.Keys(v.verified)) {
		if !seen[value] {
			r.RowsTotal++
			findings = append(findings, finding{subject: report.Subject{Partition: value}, total: 1, bad: 1, message: value + " is gone since it was verified"})
		}
	}
	r.RowsBad = int64(len(findings))
	switch {
	case len(findings) > 0:
		return found(r, findings, headline(r.RowsBad, r.RowsTotal, "partition", " that were verified", "changed since", "changed since", findings))
	case unknown > 0:
		return unable(r, fmt.Sprintf("%s could not be read again", words.Count(int64(unknown), "partition")), true)
	}
	return passed(r, fmt.Sprintf("all %s hold the rows that were verified", words.Count(r.RowsTotal, "partition")))
}

func (v *comparedView) definitionsResult() report.Result {
	r := v.blank("backfill-definitions")
	r.RowsTotal = 1
	if v.before.Problem != "" && v.before.Definition.Path == "" {
		return notApplicable(r, "before has no definition of the view")
	}
	if len(v.definitions) == 0 {
		return passed(r, "the definitions are the same")
	}
	r.RowsBad = 1
	var findings []finding
	for _, f := range v.definitions {
		findings = append(findings, finding{subject: report.Subject{Object: f.Object}, total: 1, bad: 1, message: f.Message})
	}
	return found(r, findings, fmt.Sprintf("%s: %s", words.Counted(int64(len(findings)), "definition changed", "definitions changed"), findings[0].message))
}

// AuditChecks are the checks of an audit that tell what a backfill may bring.
func AuditChecks() []string {
	var ids []string
	for _, c := range check.Catalogue() {
		if c.Backfilled {
			ids = append(ids, c.ID)
		}
	}
	return ids
}

// correct judges what the backfill brought.
func (v *comparedView) correct() report.Result {
	r := v.blank("backfill-correct")
	if stop, stopped := v.problem(r); stopped {
		return stop
	}
	filled := v.inRange()
	r.RowsTotal = int64(len(filled))
	if totals := v.totals(); len(totals) > 0 {
		r.Measures["totals"] = totals
	}
	var findings []finding
	for _, c := range filled {
		if c.State == Doubled {
			f := v.ofState(c)
			findings = append(findings, f)
		}
	}
	brought, warned, unlooked := v.brought()
	findings = append(findings, brought...)
	r.RowsBad = min(countPartitions(findings), max(r.RowsTotal, 1))
	switch {
	case len(findings) > 0:
		if warned && !slices.ContainsFunc(filled, func(c *Change) bool { return c.State == Doubled }) {
			r.Severity = report.SeverityWarn
		}
		return found(r, findings, headline(r.RowsBad, max(r.RowsTotal, r.RowsBad), "partition", v.span(), "holds faults that the backfill brought", "hold faults that the backfill brought", findings))
	case v.auditProblem != "":
		return unable(r, v.auditProblem, true)
	case len(unlooked) > 0:
		return unable(r, unlooked[0].Message, unlooked[0].Retryable)
	case len(filled) == 0:
		return notApplicable(r, "no partition changed: there is no backfill to judge")
	case v.auditAfter == nil:
		return notApplicable(r, "after is no data: its rows cannot be looked at")
	}
	return passed(r, "no repeated key, misfiled row or mixed zone was brought")
}

// brought compares what the audit's checks found on both sides; warned says that all of it weighs as warnings.
func (v *comparedView) brought() (findings []finding, warned bool, unlooked []report.Result) {
	if v.auditAfter == nil {
		return nil, false, nil
	}
	warned = true
	for _, after := range v.auditAfter.Results {
		switch after.Outcome {
		case report.Error:
			unlooked = append(unlooked, after)
			continue
		case report.Fail, report.Warn:
		default:
			continue
		}
		old := v.oldFindings(after.Check)
		for _, f := range merged(after) {
			c := v.changeOf(f.Subject.Partition)
			if v.auditBefore == nil && c != nil && (c.State == Unchanged || c.State == Rewritten || c.State == Pending) {
				continue // what did not change was not brought
			}
			more := f.RowsBad - old[f.Subject.Partition]
			if more <= 0 {
				continue
			}
			warned = warned && after.Outcome == report.Warn
			text := f.Message
			if text == "" {
				text = after.Message
			}
			if was := old[f.Subject.Partition]; was > 0 {
				text += fmt.Sprintf("; before there were %s", words.Number(was))
			} else if v.auditBefore == nil {
				text += "; whether it was so before is not known"
			}
			findings = append(findings, finding{change: c, subject: report.Subject{Partition: f.Subject.Partition, Object: after.Check}, total: f.RowsTotal, bad: more,
				message: after.Check + ": " + text, measures: map[string]any{"check": after.Check, "before": old[f.Subject.Partition], "after": f.RowsBad}})
		}
	}
	return findings, warned && len(findings) > 0, unlooked
}

// merged adds up the findings of a result by partition.
func merged(r report.Result) []report.Finding {
	at := map[string]int{}
	var out []report.Finding
	all := r.Every
	if len(all) == 0 {
		all = r.Findings
	}
	for _, f := range all {
		i, known := at[f.Subject.Partition]
		if !known {
			at[f.Subject.Partition] = len(out)
			out = append(out, f)
			continue
		}
		out[i].RowsBad += f.RowsBad
		out[i].RowsTotal += f.RowsTotal
	}
	return out
}

func (v *comparedView) oldFindings(id string) map[string]int64 {
	old := map[string]int64{}
	if v.auditBefore == nil {
		return old
	}
	for _, r := range v.auditBefore.Results {
		if r.Check != id || r.Outcome == report.Error {
			continue
		}
		for _, f := range merged(r) {
			old[f.Subject.Partition] = f.RowsBad
		}
	}
	return old
}

func (v *comparedView) changeOf(partition string) *Change {
	for i := range v.changes {
		if v.changes[i].Value == partition {
			return &v.changes[i]
		}
	}
	return nil
}

// totals are the sums of measures before and after, of partitions where they differ.
func (v *comparedView) totals() []map[string]any {
	var out []map[string]any
	for _, c := range v.inRange() {
		if c.Before == nil || c.After == nil || !c.Before.Known || !c.After.Known || len(out) >= maxFindings {
			continue
		}
		for _, name := range v.after.Definition.Measures {
			a, b := totalOf(c.Before.Content, name), totalOf(c.After.Content, name)
			if a != b {
				out = append(out, map[string]any{"partition": c.Value, "measure": name, "before": a, "after": b})
			}
		}
	}
	return out
}

func totalOf(f content.Facts, name string) string {
	c, ok := f.Column(name)
	if !ok || c.Total == nil {
		return "not known"
	}
	return c.Total.String()
}

// series is what each partition held, and holds.
func (v *comparedView) series(results []report.Result) []report.PartitionRows {
	var rows []report.PartitionRows
	for i := range v.changes {
		c := &v.changes[i]
		p := report.PartitionRows{Partition: c.Value, Rows: rowsOf(c.After), State: string(c.State), Missing: c.InRange && (c.After == nil || !c.After.Present), Open: c.State == Pending}
		if c.Start != times.None {
			p.Start = words.Instant(c.Start)
		}
		if c.Before != nil && c.Before.Present {
			n := c.Before.Rows
			p.RowsBefore = &n
		}
		if c.After != nil && c.After.Known {
			p.Content = c.After.Content.Sum.String()
		}
		for _, r := range results {
			for _, f := range r.Every {
				if f.Subject.Partition == c.Value {
					if p.Bad == nil {
						p.Bad = map[string]int64{}
					}
					p.Bad[r.Check] = 1
				}
			}
		}
		rows = append(rows, p)
	}
	return rows
}
