package check

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/evidence"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/internal/reproduce"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/words"
)

// DuplicateKeys finds rows that repeat a key.
func DuplicateKeys() Check { return duplicateKeys }

var duplicateKeys = Check{
	ID:            "duplicate-keys",
	Title:         "The same key is stored more than once.",
	Why:           "A model counts the event as often as it is stored, and a point-in-time join returns a row for each copy.",
	Fix:           "Remove the surplus rows and make the load idempotent; if both sources carry every key by design, declare once_per: [source].",
	Since:         "0.1",
	rule:          duplicateKeysRule,
	Backfilled:    true,
	Scope:         ScopeView,
	Severity:      report.SeverityError,
	Evidence:      report.Certain,
	Unit:          UnitRows,
	Needs:         Needs{Files: true, Key: true},
	Wants:         facts.WantTimes | facts.WantKeys | facts.WantCopies,
	Fractional:    true,
	WholeView:     true,
	severityWords: "error, warn where the key is not declared",
	severity: func(b *viewEvidence) report.Severity {
		if evidence.KeyDefaulted(b.View) {
			return report.SeverityWarn
		}
		return report.SeverityError
	},
	judge:   judgeDuplicates,
	nothing: always("no row has a whole key"),
	bad:     func(b *viewEvidence) string { return "repeat a " + repeats{b}.keyInWords() },
	good: func(b *viewEvidence) string {
		if (repeats{b}).surplusOutside() > 0 {
			return "are the ones kept of their " + repeats{b}.keyInWords()
		}
		return "have a " + repeats{b}.keyInWords() + " of their own"
	},
	aside: func(b *viewEvidence) string { return repeats{b}.outside() },
	describe: func(b *viewEvidence, f row) string {
		return fmt.Sprintf("%s of %s (%s) repeat a key that is stored elsewhere", words.Number(f.bad), words.Count(f.total, "row"), words.Percent(f.bad, f.total))
	},
	detail:    func(b *viewEvidence, v verdict) string { return repeats{b}.detail() },
	reproduce: reproduce.DuplicateKeys,
}

const duplicateKeysRule = `Rows are repeats of each other if all columns of the key are equal and none is
NULL, compared as values across all partitions, sources and types of the view;
with once_per only within one source, or one partition. Of n such rows one is
kept, the first by (ingested_at, nulls last; partition; path; row number); the
n-1 others are bad, where they lie. Candidates have equal 64-bit hashes; each
is compared by the key itself, so that no collision is counted.
A key is in conflict if a payload column differs, or if two of its event times
differ by neither 0 nor a UTC offset that was in use; else shifted_twin if two
differ by such an offset; else a replay.`

// keysTell says that the repeats of a declared key are judged, so that a copy is one cause of them.
func (b *viewEvidence) keysTell() bool {
	return !evidence.KeyDefaulted(b.View) && b.IsSelected("duplicate-keys") && b.Policy("duplicate-keys").Severity != "off" && b.Collection.Keys != nil
}

func (b repeats) keyInWords() string {
	text := fmt.Sprintf("key (%s)", strings.Join(evidence.KeyColumns(b.View), ", "))
	if evidence.KeyDefaulted(b.View) {
		text += ", which stands in for the key that is not declared,"
	}
	return strings.TrimSuffix(text, ",")
}

func judgeDuplicates(b *viewEvidence) (verdict, error) {
	d := b.Collection.Keys
	if d == nil {
		return b.withoutKeys()
	}
	return verdict{rows: repeats{b}.rows(d), measures: duplicateMeasures(b, d)}, nil
}

// withoutKeys is the verdict where no keys were collected: there are no rows, or an engine looks for none where it cannot read their times.
func (b *viewEvidence) withoutKeys() (verdict, error) {
	if b.NoRows() {
		return verdict{}, nil
	}
	for _, role := range []string{"event_time", "ingested_at", "source"} {
		switch problem := b.Collection.RoleProblems[role]; {
		case problem == "":
		case b.Collection.RolesBeyond[role]:
			return verdict{notApplicable: problem}, nil
		default:
			return verdict{}, errors.New(problem)
		}
	}
	return verdict{}, errors.New("the scan collected no keys; this is a bug of featureaudit, please report it")
}

// repeats tells what is known of the repeated keys of a view.
type repeats struct{ *viewEvidence }

// surplusOutside counts the surplus rows outside the range, of keys that have a row in it.
func (b repeats) surplusOutside() int64 {
	if b.Collection.Keys == nil {
		return 0
	}
	return b.Collection.Keys.SurplusRowsOutside
}

// outside says what of the repeated keys lies outside the range.
func (b repeats) outside() string {
	n := b.surplusOutside()
	if n == 0 {
		return ""
	}
	d := b.Collection.Keys
	text := fmt.Sprintf("%s of the range %s stored again, with %s outside the range", words.Count(d.RepeatedKeys, "key"), words.Plural(d.RepeatedKeys, "is", "are"), words.Count(n, "surplus row"))
	if d.SurplusRows > 0 {
		text = fmt.Sprintf("%s of these keys %s outside the range", words.Count(n, "surplus row"), words.Plural(n, "lies", "lie"))
	}
	var amounts []string
	for _, name := range slices.Sorted(maps.Keys(d.SurplusMeasuresOutside)) {
		amounts = append(amounts, fmt.Sprintf("%s of %s", words.Decimal(d.SurplusMeasuresOutside[name]), name))
	}
	if len(amounts) > 0 {
		text += " (" + strings.Join(amounts, ", ") + ")"
	}
	return text
}

type place struct {
	partition int32
	source    string
}

// rows counts by partition and source: the rows with a key by the scan, the surplus by the finder.
func (b repeats) rows(d *facts.Duplicates) []row {
	totals := map[place]int64{}
	for _, s := range b.Collection.Slices {
		totals[place{b.FilePartition(s.File), s.Source}] += s.Rows - s.KeyNull
	}
	found := map[place]facts.DuplicatePlace{}
	placed := int64(0)
	for population, at := range d.ByPlace {
		p := place{population.Partition, population.Source}
		sum := found[p]
		sum.Surplus += at.Surplus
		sum.Keys += at.Keys
		sum.Conflict += at.Conflict
		found[p] = sum
		placed += at.Surplus
		totals[p] = max(totals[p], sum.Surplus)
	}
	var rows []row
	places := slices.SortedFunc(maps.Keys(totals), func(x, y place) int {
		return cmp.Or(cmp.Compare(x.partition, y.partition), cmp.Compare(x.source, y.source))
	})
	for _, p := range places { // in order, for sensitive values are numbered as they come
		total := totals[p]
		if b.Judged(p.partition) {
			at := found[p]
			rows = append(rows, row{subject: report.Subject{Partition: b.PartitionValue(p.partition), Source: p.source}, total: total, bad: at.Surplus,
				measures: b.withKeys(d, p, map[string]any{"surplus_rows": at.Surplus, "repeated_keys": at.Keys, "conflict_keys": at.Conflict})})
		}
	}
	// A surplus that has no place is still one.
	if unplaced := d.SurplusRows - placed; unplaced > 0 {
		rows = append(rows, row{total: unplaced, bad: unplaced, measures: map[string]any{"surplus_rows": unplaced}})
	}
	slices.SortFunc(rows, func(x, y row) int { return compareSubjects(x.subject, y.subject) })
	return rows
}

// withKeys adds examples of the keys that are repeated at a place, where findings may show values.
func (b repeats) withKeys(d *facts.Duplicates, p place, measures map[string]any) map[string]any {
	if b.Samples == 0 {
		return measures
	}
	keys := b.keyExamples(d, func(r facts.DuplicateRow) bool {
		return !r.Kept && r.Source == p.source && b.FilePartition(r.File) == p.partition
	})
	if len(keys) > 0 {
		measures["example_keys"] = keys
	}
	return measures
}

func duplicateMeasures(b *viewEvidence, d *facts.Duplicates) map[string]any {
	measures := map[string]any{
		"repeated_keys": d.RepeatedKeys, "repeated_rows": d.RowsTotalRepeated, "surplus_rows": d.SurplusRows, "paired_keys": d.PairedKeys, "unpaired_keys": d.UnpairedKeys,
		"replay_keys": d.ReplayKeys, "conflict_keys": d.ConflictKeys, "shifted_twin_keys": d.ShiftedTwinKeys, "unknown_keys": d.UnknownKeys,
		"resolvable_keys": d.ResolvableKeys, "ambiguous_keys": d.AmbiguousKeys, "max_multiplicity": d.MaxMultiplicity,
		"null_keys": b.Sum(func(s *facts.Slice) int64 { return s.KeyNull }), "fan_out_rows": d.FanOutRows, "paired_by_hash": d.PairedByHash,
		"key": evidence.KeyColumns(b.View), "key_defaulted": evidence.KeyDefaulted(b.View),
		"scopes": map[string]any{"within_file": d.Scopes.WithinFile, "across_files": d.Scopes.AcrossFiles,
			"across_partitions": d.Scopes.AcrossPartitions, "across_sources": d.Scopes.AcrossSources},
		"writers": writerPairs(d.Writers), "differing_columns": differingColumns(d.DifferingColumns),
	}
	for name, surplus := range d.SurplusMeasures {
		measures["surplus_"+name] = surplus
	}
	if !b.Narrowed {
		return measures
	}
	measures["surplus_rows_outside"] = d.SurplusRowsOutside
	for name, surplus := range d.SurplusMeasuresOutside {
		measures["surplus_"+name+"_outside"] = surplus
	}
	return measures
}

func writerPairs(pairs []facts.WriterPair) []map[string]any {
	sorted := slices.Clone(pairs)
	slices.SortFunc(sorted, func(x, y facts.WriterPair) int { return strings.Compare(x.A+"\x00"+x.B, y.A+"\x00"+y.B) })
	list := []map[string]any{}
	for _, p := range sorted {
		list = append(list, map[string]any{"a": p.A, "b": p.B, "keys": p.Keys, "replay_keys": p.Replay, "conflict_keys": p.Confl, "shifted_twin_keys": p.Twins})
	}
	return list
}

func differingColumns(columns map[string]int64) map[string]any {
	all := map[string]any{}
	for name, n := range columns {
		all[name] = n
	}
	return all
}

// detail says how the copies relate, what is double-counted and what a join would do.
func (b repeats) detail() (text string) {
	d := b.Collection.Keys
	if keys := b.keyExamples(d, func(r facts.DuplicateRow) bool { return !r.Kept }); len(keys) > 0 {
		defer func() { text += " (such as " + strings.Join(keys, "; ") + ")" }()
	}
	parts := []string{fmt.Sprintf("%s, up to %s of one", words.Count(d.RepeatedKeys, "repeated key"), words.Count(d.MaxMultiplicity, "row"))}
	var classes []string
	for _, class := range []struct {
		n    int64
		word string
	}{{d.ReplayKeys, "replayed"}, {d.ConflictKeys, "in conflict"}, {d.ShiftedTwinKeys, "shifted by a UTC offset"},
		{d.UnknownKeys, "of unknown class, since a column could not be read"}} {
		if class.n > 0 {
			classes = append(classes, words.Number(class.n)+" "+class.word)
		}
	}
	if len(classes) > 0 {
		parts[0] += " (" + strings.Join(classes, ", ") + ")"
	}
	for _, name := range slices.Sorted(maps.Keys(d.SurplusMeasures)) {
		parts = append(parts, fmt.Sprintf("%s is overstated by %s", name, words.Decimal(d.SurplusMeasures[name])))
	}
	for _, name := range d.HiddenMeasures {
		parts = append(parts, fmt.Sprintf("by how much %s is overstated is not said: it is sensitive", name))
	}
	for _, name := range d.UnknownMeasures {
		parts = append(parts, fmt.Sprintf("by how much %s is overstated is unknown: it could not be read in some files, or nothing tells which of several rows to keep", name))
	}
	if d.FanOutRows > 0 {
		parts = append(parts, fmt.Sprintf("a point-in-time join would return %s too many", words.Count(d.FanOutRows, "row")))
	}
	if copies := b.copiesInWords(); copies != "" {
		parts = append(parts, copies)
	}
	return strings.Join(parts, "; ")
}
