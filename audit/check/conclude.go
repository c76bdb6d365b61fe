package check

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/evidence"
	"github.com/featureaudit/featureaudit/audit/internal/reproduce"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/words"
)

// maxFindings is how many findings a result names; findings_total counts them all.
const maxFindings = 20

// conclude turns the rows of a check into its result.
func (b *judging) conclude(c Check, o draftResult, v verdict) draftResult {
	maps.Copy(o.result.Measures, v.measures)
	if v.notApplicable != "" {
		o.result = notApplicable(o.result, v.notApplicable)
		return o
	}
	if c.revise != nil {
		if err := c.revise(b.viewEvidence, &v); err != nil {
			o.result = unable(o.result, fmt.Sprintf("judge %s: %v", c.ID, err), mayPass(err))
			return o
		}
	}
	places, err := b.placeBad(v.rows)
	if err == nil {
		err = b.pick(c, &v)
	}
	if err != nil {
		o.result = unable(o.result, fmt.Sprintf("judge %s: %v", c.ID, err), mayPass(err))
		return o
	}
	if c.finish != nil {
		v.measures = o.result.Measures
		c.finish(b.viewEvidence, &v)
	}
	if v.notApplicable != "" {
		o.result = notApplicable(o.result, v.notApplicable)
		return o
	}
	o.result.ZoneCertainty = b.zoneCertainty(c, o.result.Measures)
	o.result.RowsTotal, o.result.RowsBad = v.total, v.bad
	if o.result.Unit == UnitView {
		o.result.RowsTotal, o.result.RowsBad = min(v.total, 1), min(v.bad, 1)
	}
	if b.sawNothing(c) {
		// no row is not an old row: what nobody looked at is no finding
		v.findings, v.total, o.result.RowsTotal, o.result.RowsBad = nil, 0, 0, 0
		places = nil
	}
	o.places = places
	if len(v.findings) == 0 {
		o.result = b.clean(c, o.result, v)
		o.unread = len(b.unreadFor(c)) > 0
		return o
	}
	if c.reproduce != nil {
		o.result.Reproduce, o.result.ReproduceMissing = c.reproduce(reproduce.NewStatements(b.Zones))
	}
	v.findings = b.joined(v.findings)
	o.accepted = b.suppress(c, o.result.Unit, v.findings)
	o.used = o.accepted.used
	if o.result.Reproduce != "" && slices.ContainsFunc(v.findings, func(f row) bool { return f.suppressed }) {
		o.result.Reproduce = "-- with the rows of findings that suppressions accept\n" + o.result.Reproduce
	}
	b.sortFindings(c, v.findings)
	o = b.found(c, o, v)
	o.findings = placed(c, v.findings)
	return o
}

// foundAt is a finding once it was told: where it lies and what it counts is all that other checks of the view ask for. Of 20,000
// findings the measures alone take 7 MB.
type foundAt struct {
	subject    report.Subject
	partitions []string
	bad        int64
	suppressed bool
}

func placed(c Check, findings []row) []foundAt {
	if c.Unit == UnitFiles {
		return placedFiles(findings)
	}
	out := make([]foundAt, len(findings))
	for i, f := range findings {
		out[i] = foundAt{f.subject, f.partitions, f.bad, f.suppressed}
	}
	return out
}

// placedFiles adds up what is bad of files by their partition: no other check asks which they are, and there may be 100,000.
func placedFiles(findings []row) []foundAt {
	type place struct {
		partition  string
		suppressed bool
	}
	at := map[place]int{}
	var out []foundAt
	for _, f := range findings {
		p := place{f.subject.Partition, f.suppressed}
		i, known := at[p]
		if !known {
			i, at[p] = len(out), len(out)
			out = append(out, foundAt{subject: report.Subject{Partition: p.partition}, suppressed: p.suppressed})
		}
		out[i].bad += f.bad
	}
	return out
}

// pick finds the rows that are findings: any bad row, or with max_fraction those whose share is above it.
func (b *judging) pick(c Check, v *verdict) error {
	limit := b.Policy(c.ID).MaxFraction
	if limit == nil || !c.Fractional {
		bad := 0
		for _, subjects := range v.goods {
			v.total += subjects
		}
		for _, r := range v.rows {
			v.total += r.total
			v.bad += r.bad
			if r.bad != 0 {
				bad++
			}
		}
		if bad == len(v.rows) {
			v.findings = v.rows // they were parsed where they were placed
			return nil
		}
		v.findings = make([]row, 0, bad)
		for i := range v.rows {
			if v.rows[i].bad == 0 {
				continue
			}
			if err := b.parse(&v.rows[i]); err != nil {
				return err
			}
			v.findings = append(v.findings, v.rows[i])
		}
		return nil
	}
	pools := map[string]*row{}
	for source, subjects := range v.goods {
		v.total += subjects
		if b.MinRows(c.ID) > 1 {
			addToPool(pools, row{total: subjects, subject: report.Subject{Source: source}}, subjects)
		}
	}
	for _, r := range v.rows {
		v.total += r.total
		v.bad += r.bad
		if err := b.parse(&r); err != nil {
			return err
		}
		if r.total < b.MinRows(c.ID) {
			addToPool(pools, r, 1)
			continue
		}
		if above(r, *limit) {
			v.findings = append(v.findings, r)
		}
	}
	for _, source := range slices.Sorted(maps.Keys(pools)) {
		if pool := pools[source]; above(*pool, *limit) {
			v.findings = append(v.findings, *pool)
		}
	}
	return nil
}

func above(r row, limit float64) bool {
	return r.bad > 0 && float64(r.bad) > limit*float64(r.total)
}

// addToPool adds subjects that are too small for a fraction of their own to the pool of their source.
func addToPool(pools map[string]*row, r row, subjects int64) {
	pool := pools[r.subject.Source]
	if pool == nil {
		pool = &row{subject: report.Subject{Source: r.subject.Source}, measures: report.Measures{}}
		pools[r.subject.Source] = pool
	}
	pool.total += r.total
	pool.bad += r.bad
	pool.measures.Add("pooled_subjects", subjects)
	if r.bad > 0 && r.subject.Partition != "" {
		pool.partitions = append(pool.partitions, r.subject.Partition)
	}
}

// sortFindings puts what decides first: what is new to the reader, where that is known, and the worst of it foremost.
func (b *judging) sortFindings(c Check, findings []row) {
	rank := func(row) int { return 0 }
	if b.Rank != nil {
		ranks := make(map[report.Subject]int, len(findings))
		for _, f := range findings {
			ranks[b.identified(f)] = b.Rank(b.fingerprint(c, f), f.bad)
		}
		rank = func(f row) int { return ranks[b.identified(f)] }
	}
	slices.SortFunc(findings, func(x, y row) int {
		if x.suppressed != y.suppressed {
			if x.suppressed {
				return 1
			}
			return -1
		}
		return cmp.Or(cmp.Compare(rank(x), rank(y)), cmp.Compare(y.bad, x.bad), compareSubjects(x.subject, y.subject))
	})
}

func compareSubjects(a, b report.Subject) int {
	return cmp.Or(cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Source, b.Source), cmp.Compare(a.File, b.File),
		cmp.Compare(a.Column, b.Column), cmp.Compare(a.Object, b.Object))
}

// clean is the result of a check without findings: a pass only if everything was looked at, and there was something.
func (b *judging) clean(c Check, r report.Result, v verdict) report.Result {
	blind, retryable := b.blind(c)
	if blind != "" {
		looked := "passes on " + blind
		if v.total == 0 {
			looked = "found nothing to judge in " + blind
		}
		return unable(r, looked, retryable)
	}
	if v.total == 0 {
		return notApplicable(r, b.nothing(c))
	}
	r.Outcome = report.Pass
	r.Message = b.cleanMessage(c, r)
	if c.aside != nil {
		if more := c.aside(b.viewEvidence); more != "" {
			r.Message += "; " + more
		}
	}
	if r.ZoneCertainty == zoneDepends && b.zonesInDoubt() {
		r.Message += "; " + zoneWords(c, r)
	}
	return r
}

// sawNothing says that not one of the files whose rows a verdict rests on could be read.
func (b *judging) sawNothing(c Check) bool {
	unread := len(b.unreadFor(c))
	return c.alwaysReadsRows() && unread > 0 && unread == b.CountJudged(c.WholeView)
}

func (b *judging) nothing(c Check) string {
	if c.nothing != nil {
		return c.nothing(b.viewEvidence)
	}
	if c.Unit == UnitRows && c.Needs.EventTime && !b.NoRows() {
		return fmt.Sprintf("no row with an event time in %s", words.Count(int64(b.CountJudged(c.WholeView)), "file"))
	}
	if b.Narrowed {
		return fmt.Sprintf("no %s in the partitions of the range", c.Unit)
	}
	return fmt.Sprintf("no %s in %s", c.Unit, words.Count(int64(len(b.Survey.Files)), "file"))
}

// blind says what a check that needs files did not see, or "" where it saw everything.
func (b *judging) blind(c Check) (what string, retryable bool) {
	if !c.Needs.Footers && !ReadsRows(c, b.View, b.Survey) {
		return "", false
	}
	files := int64(b.CountJudged(c.WholeView))
	if unread := b.unreadFor(c); len(unread) > 0 {
		retryable = slices.ContainsFunc(unread, func(u evidence.UnreadFile) bool { return u.Problem.Retryable() })
		return fmt.Sprintf("%s of %s (unread: %s)", words.Number(files-int64(len(unread))), words.Count(files, "file"),
			words.ExamplesOf(len(unread), func(i int) string { return unread[i].File.Path })), retryable
	}
	if absent := b.absent(c); len(absent) > 0 {
		return fmt.Sprintf("%s of %s: %s", words.Number(files-int64(len(absent[0].files))), words.Count(files, "file"), absent[0]), false
	}
	return "", false
}

func (b *judging) cleanMessage(c Check, r report.Result) string {
	if r.RowsBad > 0 {
		return fmt.Sprintf("%s of %s (%s) %s, within max_fraction %s", words.Number(r.RowsBad), words.Count(r.RowsTotal, words.Singular(r.Unit)),
			words.Percent(r.RowsBad, r.RowsTotal), c.bad(b.viewEvidence), b.fraction(c))
	}
	if r.Unit == UnitView {
		return c.good(b.viewEvidence)
	}
	if r.RowsTotal == 1 {
		return fmt.Sprintf("1 of 1 %s %s", r.Unit, c.good(b.viewEvidence))
	}
	return fmt.Sprintf("all %s %s", words.Count(r.RowsTotal, words.Singular(r.Unit)), c.good(b.viewEvidence))
}

func (b *judging) fraction(c Check) string {
	if limit := b.Policy(c.ID).MaxFraction; limit != nil {
		return fmt.Sprint(*limit)
	}
	return "0"
}

// found is the result of a check with findings. Where only some of them are suppressed, its counts, its message and its
// partitions are those of the rest.
func (b *judging) found(c Check, o draftResult, v verdict) draftResult {
	all := v.findings
	rest := left(all)
	o.result.FindingsTotal, o.result.FindingsSuppressed, o.result.RowsSuppressed = int64(len(all)), o.accepted.findings, o.accepted.bad
	o.result.SuppressedBy = b.suppressedBy(o.accepted.accepted)
	if len(rest) > 0 && len(rest) < len(all) {
		v.findings, v.bad = rest, v.bad-o.accepted.bad
		if o.result.Unit != UnitView {
			o.result.RowsBad = v.bad
		}
		if c.finish != nil {
			v.measures = o.result.Measures
			c.finish(b.viewEvidence, &v)
		}
	}
	o.result.FirstPartition, o.result.LastPartition = b.span(v.findings)
	o.result = b.named(c, o.result, all)
	switch {
	case v.unable:
		o.result.Outcome, o.result.Retryable = report.Error, v.retryable
	case o.result.Severity == report.SeverityWarn:
		o.result.Outcome = report.Warn
	default:
		o.result.Outcome = report.Fail
	}
	o.result.Message = b.foundMessage(c, o, v)
	if v.unable {
		o.result.Reason = o.result.Message
	}
	if len(rest) == 0 {
		o.result.Outcome, o.result.Retryable, o.result.Reason = report.Suppressed, false, ""
	}
	return o
}

func (b *judging) finding(c Check, r report.Result, f row) report.Finding {
	if f.tell != nil {
		f.message, f.measures = f.tell()
	}
	message := f.message
	if message == "" && c.describe != nil {
		message = c.describe(b.viewEvidence, f)
	}
	if message == "" {
		message = fmt.Sprintf("%s of %s (%s) %s", words.Number(f.bad), words.Count(f.total, words.Singular(r.Unit)), words.Percent(f.bad, f.total), c.bad(b.viewEvidence))
		if c.because != nil {
			message += ": " + c.because(b.viewEvidence, f.bad, []row{{subject: f.subject, partitions: f.partitions}})
		}
	}
	if n, pooled := f.measures.Count("pooled_subjects"); pooled {
		message += fmt.Sprintf(", in %s too small to be judged alone", words.Count(n, "partition"))
	}
	return report.Finding{Subject: f.subject, RowsTotal: f.total, RowsBad: f.bad, Message: message, Measures: f.measures,
		Fingerprint: b.fingerprint(c, f), FingerprintNote: b.fingerprintNote(f.subject), Suppressed: f.suppressed}
}

func (b *judging) foundMessage(c Check, o draftResult, v verdict) string {
	r, text := o.result, ""
	if c.headline != nil {
		text = c.headline(b.viewEvidence, v)
	}
	if text == "" {
		text = fmt.Sprintf("%s of %s (%s) %s%s", words.Number(r.RowsBad), words.Count(r.RowsTotal, words.Singular(r.Unit)), words.Percent(r.RowsBad, r.RowsTotal),
			c.bad(b.viewEvidence), b.where(v.findings))
		if c.because != nil {
			text += ": " + c.because(b.viewEvidence, r.RowsBad, v.findings)
		}
	}
	parts := []string{text}
	partly := o.accepted.findings > 0 && o.accepted.findings < r.FindingsTotal
	if c.detail != nil && (!partly || c.detailOfFindings) {
		if more := c.detail(b.viewEvidence, v); more != "" {
			parts = append(parts, more)
		}
	}
	if c.aside != nil {
		if more := c.aside(b.viewEvidence); more != "" {
			parts = append(parts, more)
		}
	}
	parts = append(parts, o.accepted.exceeded...)
	if partly {
		parts = append(parts, fmt.Sprintf("%s of %s suppressed (%s)", words.Number(o.accepted.findings), words.Count(r.FindingsTotal, "finding"), words.Count(o.accepted.bad, words.Singular(r.Unit))))
	}
	if r.ZoneCertainty == zoneDepends && b.zonesInDoubt() {
		parts = append(parts, zoneWords(c, r))
	}
	if blind, _ := b.blind(c); blind != "" {
		parts = append(parts, "judged on "+blind)
	}
	return strings.Join(parts, "; ")
}

// where says in which partitions and sources findings lie.
func (b *judging) where(findings []row) string {
	partitions := b.badPartitions(findings)
	text := ""
	switch len(partitions) {
	case 0:
	case 1:
		text = " in partition " + partitions[0]
	default:
		text = fmt.Sprintf(" in %s from %s to %s", words.Count(int64(len(partitions)), "partition"), partitions[0], partitions[len(partitions)-1])
	}
	sources := map[string]bool{}
	for _, f := range findings {
		if f.subject.Source != "" {
			sources[f.subject.Source] = true
		}
	}
	if len(sources) > 0 {
		names := slices.Sorted(maps.Keys(sources))
		text += fmt.Sprintf(" of %s %s", words.Plural(int64(len(names)), "source", "sources"), words.Examples(names))
	}
	return text
}

func (b *viewEvidence) span(findings []row) (first, last string) {
	partitions := b.badPartitions(findings)
	if len(partitions) == 0 {
		return "", ""
	}
	return partitions[0], partitions[len(partitions)-1]
}

// badPartitions are the partitions of findings, in the order of the calendar.
func (b *viewEvidence) badPartitions(findings []row) []string {
	seen := map[string]bool{}
	for _, f := range findings {
		if f.subject.Partition != "" {
			seen[f.subject.Partition] = true
		}
		for _, p := range f.partitions {
			seen[p] = true
		}
	}
	names := slices.Collect(maps.Keys(seen))
	slices.SortFunc(names, func(x, y string) int { return cmp.Or(cmp.Compare(b.Order[x], b.Order[y]), cmp.Compare(x, y)) })
	return names
}
