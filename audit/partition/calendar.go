package partition

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/times"
)

// maxExpected bounds the expected sequence: eleven years of hours.
const maxExpected = 100_000

// Range is the partitions that verdicts are wanted for, both ends included; zero without --range.
type Range struct {
	From, To string
}

// Given says whether there is a range at all.
func (r Range) Given() bool { return r.From != "" || r.To != "" }

// Calendar lists the partitions that are present and those that the calendar demands but are not, in the order and
// with the IDs of facts.Partition. Expected are: with a range all of its periods, else those from the oldest
// present, in both cases only if they are not open at as_of. A partition is missing if it is Expected and not
// Present. Files and Rows are left to the caller.
func (l Layout) Calendar(present []Key, asOf times.Instant, r Range) ([]facts.Partition, []string, error) {
	bounds, err := l.rangeBounds(r)
	if err != nil {
		return nil, nil, err
	}
	keys, spellings := distinct(present)
	partitions := make([]facts.Partition, len(keys))
	for i, k := range keys {
		partitions[i] = l.present(k, asOf, r.Given(), bounds)
		partitions[i].Spellings = spellings[i]
	}
	missing, err := l.demand(keys, partitions, asOf, bounds)
	if err != nil {
		return nil, nil, err
	}
	notes := l.respelt(partitions)
	partitions = append(partitions, missing...)
	slices.SortFunc(partitions, order)
	for i := range partitions {
		partitions[i].ID = int32(i)
	}
	return partitions, notes, nil
}

// order puts partitions without a date last.
func order(a, b facts.Partition) int {
	if a.Dated() != b.Dated() {
		if a.Dated() {
			return -1
		}
		return 1
	}
	return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.End, b.End), cmp.Compare(a.Value, b.Value))
}

// distinct gives one key for each partition, sorted by time, which is the first of its spellings in order; spellings holds
// all of them where there are several. Partitions without a date have no interval: each value is one of its own.
func distinct(present []Key) (keys []Key, spellings [][]string) {
	sorted := slices.Clone(present)
	slices.SortFunc(sorted, func(a, b Key) int { return cmp.Or(cmp.Compare(a.civil, b.civil), cmp.Compare(a.Value, b.Value)) })
	sorted = slices.CompactFunc(sorted, func(a, b Key) bool { return a.Value == b.Value })
	at := map[times.Local]int{}
	for _, k := range sorted {
		i, again := at[k.civil]
		if !k.Dated || !again {
			if k.Dated {
				at[k.civil] = len(keys)
			}
			keys, spellings = append(keys, k), append(spellings, nil)
			continue
		}
		if spellings[i] == nil {
			spellings[i] = []string{keys[i].Value}
		}
		spellings[i] = append(spellings[i], k.Value)
	}
	return keys, spellings
}

// respelt says which partitions stand under several names.
func (l Layout) respelt(partitions []facts.Partition) []string {
	var example []string
	n := 0
	for _, p := range partitions {
		if len(p.Spellings) == 0 {
			continue
		}
		if n == 0 {
			example = p.Spellings
		}
		n++
	}
	switch n {
	case 0:
		return nil
	case 1:
		return []string{fmt.Sprintf("%s name the same %s: they are one partition, shown as %s", enumerate(example), l.tp.Grain, example[0])}
	}
	return []string{fmt.Sprintf("%d %ss stand under several names, such as %s: each is one partition, shown by the first of its names",
		n, l.tp.Grain, enumerate(example))}
}

// enumerate joins names as a sentence does, the first three of them.
func enumerate(names []string) string {
	const shown = 3
	if len(names) > shown {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:shown], ", "), len(names)-shown)
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}

// span is a stretch of civil time, End excluded.
type span struct{ start, end times.Local }

func (s span) holds(civil times.Local) bool { return civil >= s.start && civil < s.end }

func (l Layout) present(k Key, asOf times.Instant, ranged bool, bounds span) facts.Partition {
	p := facts.Partition{Value: k.Value, Identity: k.Value, Start: k.Start, End: k.End, Present: true, InRange: !ranged, Stray: k.Stray}
	if !k.Dated {
		return p
	}
	p.Identity = l.identity(k.civil)
	p.Open = l.open(k.End, asOf)
	p.AfterAsOf = k.Start >= asOf
	if ranged {
		p.InRange = bounds.holds(k.civil)
	}
	return p
}

func (l Layout) open(end, asOf times.Instant) bool {
	return end.Add(times.SpanOf(l.tp.CompleteAfter)) > asOf
}

// demand marks the present partitions that the calendar expects and returns the missing ones.
func (l Layout) demand(keys []Key, partitions []facts.Partition, asOf times.Instant, bounds span) ([]facts.Partition, error) {
	expected, oldest, err := l.sequence(keys, asOf, bounds)
	if err != nil {
		return nil, err
	}
	demanded := map[times.Local]bool{}
	for _, civil := range expected {
		demanded[civil] = true
	}
	there := map[times.Local]bool{}
	for i, k := range keys {
		partitions[i].Expected = k.Dated && demanded[k.civil]
		there[k.civil] = there[k.civil] || k.Dated
	}
	st := l.styleOf(keys, oldest)
	var missing []facts.Partition
	for _, civil := range expected {
		if there[civil] {
			continue
		}
		start, end := l.bounds(civil)
		missing = append(missing, facts.Partition{Value: l.write(civil, st), Identity: l.identity(civil), Start: start, End: end, Expected: true, InRange: true})
	}
	return missing, nil
}

// sequence lists the periods that must exist.
func (l Layout) sequence(keys []Key, asOf times.Instant, bounds span) (expected []times.Local, oldest Key, err error) {
	for _, k := range slices.Backward(keys) {
		if k.Dated {
			oldest = k
		}
	}
	if l.tp.Expected == model.ExpectAny {
		return nil, oldest, nil
	}
	from, to := oldest.civil, times.Local(math.MaxInt64)
	switch {
	case bounds != span{}:
		from, to = bounds.start, bounds.end
	case !oldest.Dated:
		return nil, oldest, nil
	}
	for civil := from; civil < to; civil = next(civil, l.tp.Grain) {
		start, end := l.bounds(civil)
		if l.open(end, asOf) {
			break
		}
		if start == end || l.tp.Expected == model.ExpectWeekdays && isWeekend(civil, l.tp.Grain) {
			continue
		}
		if len(expected) == maxExpected {
			return nil, oldest, l.tooMany(oldest, bounds)
		}
		expected = append(expected, civil)
	}
	return expected, oldest, nil
}

func (l Layout) tooMany(oldest Key, bounds span) error {
	since := oldest.Value
	if (bounds != span{}) {
		since = bounds.start.Time().Format("2006-01-02T15")
	}
	return fmt.Errorf("time_partition: from %s on more than %d partitions of grain %s would be expected: remove or rename that partition if its date is wrong, correct "+
		"time_partition.grain, narrow the range, or set time_partition.expected: any",
		since, maxExpected, l.tp.Grain)
}

// isWeekend is false for weeks and months, which all hold working days.
func isWeekend(civil times.Local, grain model.Grain) bool {
	if grain != model.GrainHour && grain != model.GrainDay {
		return false
	}
	day := civil.Time().Weekday()
	return day == time.Saturday || day == time.Sunday
}

// styleOf is how missing partitions are written: as the newest present one, with short numbers if any is short.
func (l Layout) styleOf(keys []Key, oldest Key) style {
	if !oldest.Dated {
		return l.defaultStyle()
	}
	st := oldest.style
	for _, k := range keys {
		if k.Dated {
			short := st.short
			st = k.style
			st.short = st.short || short
		}
	}
	return st
}

// identity is the name of a period that does not depend on how any folder spells it.
func (l Layout) identity(civil times.Local) string { return l.write(civil, l.defaultStyle()) }

func (l Layout) defaultStyle() style {
	if n := len(l.tp.Columns); n > 1 && n == chainLength(l.tp.Grain) || n == 0 && l.tp.Grain != model.GrainWeek {
		return style{chain: true}
	}
	switch l.tp.Grain {
	case model.GrainHour:
		if len(l.tp.Columns) == 2 {
			return style{layout: "2006-01-02"}
		}
		return style{layout: "2006-01-02-15", whole: true}
	case model.GrainMonth:
		return style{layout: "2006-01", whole: true}
	default:
		return style{layout: "2006-01-02", whole: true}
	}
}

// rangeBounds are the periods of a range, from the beginning of its first to the end of its last.
func (l Layout) rangeBounds(r Range) (span, error) {
	if !r.Given() {
		return span{}, nil
	}
	from, err := l.stretch(r.From)
	if err != nil {
		return span{}, fmt.Errorf("range %s..%s: %w", r.From, r.To, err)
	}
	to, err := l.stretch(r.To)
	if err != nil {
		return span{}, fmt.Errorf("range %s..%s: %w", r.From, r.To, err)
	}
	bounds := span{floor(from.start, l.tp.Grain), next(floor(to.end-1, l.tp.Grain), l.tp.Grain)}
	if bounds.start >= bounds.end {
		return span{}, fmt.Errorf("range %s..%s: it ends before it begins; want the older partition first", r.From, r.To)
	}
	return bounds, nil
}

// stretch is the civil time that one end of a range names: an instant, a date of any grain, or a partition's value.
func (l Layout) stretch(text string) (span, error) {
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		civil := l.table.Local(times.At(at))
		return span{civil, civil + 1}, nil
	}
	if civil, f, ok := parseText(text); ok {
		return span{civil, next(civil, f.grain)}, nil
	}
	if key, err := l.OfDir(strings.Trim(text, "/")); err == nil && key.Dated {
		return span{key.civil, next(key.civil, l.tp.Grain)}, nil
	}
	return span{}, fmt.Errorf("%q is no date: want for example %s, or a partition's value as it stands in the paths", text, examples[l.tp.Grain])
}

// RangeEnd is the instant at which the last partition of a range ends: the as_of of a run that
// gives none. The range may be judged before any path is known.
func (l Layout) RangeEnd(r Range) (times.Instant, error) {
	bounds, err := l.rangeBounds(r)
	if err != nil {
		return 0, err
	}
	return l.table.Begin(bounds.end), nil
}

// Bounds are the instants at which the first partition of a range begins and the last one ends.
func (l Layout) Bounds(r Range) (start, end times.Instant, err error) {
	within, err := l.rangeBounds(r)
	if err != nil {
		return 0, 0, err
	}
	start, _ = l.bounds(within.start)
	end, err = l.RangeEnd(r)
	return start, end, err
}
