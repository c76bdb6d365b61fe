package verify

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/content"
	"github.com/featureaudit/featureaudit/audit/times"
	"github.com/featureaudit/featureaudit/audit/words"
)

// State is what became of a partition.
type State string

// The states. Stray is any change outside of the range; Pending are partitions that had not ended yet on one of the sides, Uncompared those
// that only one side is meant to have, and Unknown what could not be compared.
const (
	Unchanged  State = "unchanged"
	Rewritten  State = "rewritten"
	AsExpected State = "as expected"
	Incomplete State = "incomplete"
	Truncated  State = "truncated"
	Doubled    State = "doubled"
	Shifted    State = "shifted"
	Stray      State = "stray"
	Pending    State = "open"
	Uncompared State = "not compared"
	Unknown    State = "not known"
)

// Change is a partition on both sides.
type Change struct {
	Value, Identity string
	Start           times.Instant
	InRange         bool
	// Before and After are what the sides hold of it, nil where they do not have it.
	Before, After *Partition
	State         State
	// holdsOthers says that it is called shifted since it holds the rows of another partition; misfiledBefore are its rows of before that lay
	// outside of it, where none does now.
	holdsOthers    bool
	misfiledBefore int64
	// expected says that it has just as many rows as somebody said that it must.
	expected bool
	// How is what happened to a stray partition, one of the other states or "changed", "new", "gone"; What says it in words that follow
	// the partition's name.
	How, What string
	// Columns are those whose values differ, by their sums, sorted.
	Columns []string
	// Rows says which rows differ by key, where that is known.
	Rows *RowChange
}

// RowChange counts rows by their keys.
type RowChange struct {
	// Added, Lost and Changed are keys of one side alone, and keys whose rows differ; Repeated are keys that stand more than once.
	Added, Lost, Changed          int64
	RepeatedBefore, RepeatedAfter int64
	RowsAdded, RowsLost           int64
	ValuesByColumn                map[string]int64
	WithinTolerance               int64
	Samples                       []string
	changed                       map[uint64]struct{}
	ambiguous                     int64
	// unkeyed says that the view has no key: a row that changed is one that is lost and one that is added, for nobody can tell them.
	unkeyed bool
	// keysAfter are the keys of after, wholeRepeats those all of whose rows are the same one, and least and most how often they stand there.
	keysAfter, wholeRepeats int64
	least, most             int
	// lost and added are the hashes of some of their keys, up to listed of each.
	lost, added []uint64
	listed      int
}

// differs says that the sides hold other rows, as far as is known; known is false where nobody can tell.
func (c Change) differs() (differs, known bool) {
	a, b := c.Before, c.After
	switch {
	case a == nil || b == nil || !a.Present || !b.Present:
		return (a != nil && a.Present) != (b != nil && b.Present), true
	case a.blind && a.Rows < b.Rows, b.blind && b.Rows < a.Rows:
		return false, false // what could not be read may hold the others
	case a.Rows != b.Rows:
		return true, true
	case a.Known && b.Known:
		return a.Content.Sum != b.Content.Sum || a.Content.Rows != b.Content.Rows, true
	}
	return false, sameFiles(*a, *b) || a.Rows == 0 && len(a.Unread) == 0 && len(b.Unread) == 0
}

// pair puts the partitions of two sides together, in order.
func pair(before, after []Partition, within func(Partition) bool) []Change {
	at := map[place]int{}
	var changes []Change
	add := func(p *Partition, into func(*Change)) {
		i, known := at[p.place()]
		if !known {
			i = len(changes)
			at[p.place()] = i
			changes = append(changes, Change{Value: p.Value, Identity: p.Identity, Start: p.Start, InRange: within(*p)})
		}
		into(&changes[i])
	}
	for i := range after {
		add(&after[i], func(c *Change) { c.After = &after[i] })
	}
	for i := range before {
		add(&before[i], func(c *Change) { c.Before = &before[i] })
	}
	placeOf := func(c Change) place { return Partition{Start: c.Start, Value: c.Value}.place() }
	slices.SortFunc(changes, func(a, b Change) int { return placeOf(a).compare(placeOf(b)) })
	return changes
}

// setting is what changes are judged by.
type setting struct {
	// ranged says that a range was given; rangeOnly that after is a folder of its own that holds nothing but the range.
	ranged, rangeOnly bool
	beforeKind        Kind
	// beforeAsOf is when before was looked at: what had not ended then may have grown since.
	beforeAsOf times.Instant
	// expectRows is how many rows a partition must have; nil where nobody said.
	expectRows func(Change) (int64, bool)
	// usual is the median of the rows of closed partitions around one; false where there are too few.
	usual func(Change) (int64, bool)
	// holder is the partition of before that holds just these rows, other than the one itself.
	holder func(c Change, sum content.Facts) (string, bool)
	// times are the time columns of the view, that of the event first.
	times []string
	// shares says that event times of another partition that was filled moved by the same length, in microseconds.
	shares func(c Change, shift int64) bool
}

// fewShare is the share of rows, in percent, below which a partition is called truncated, and usualShare that of the usual number where
// nothing was there before.
const (
	fewShare   = 50
	usualShare = 10
)

// judge decides what became of a partition.
func (s setting) judge(c Change) Change {
	differs, known := c.differs()
	if c.Before != nil && c.After != nil && c.Before.Known && c.After.Known {
		c.Columns = changedColumns(c.Before.Content, c.After.Content)
	}
	if !c.InRange {
		return s.outside(c, differs, known)
	}
	return s.inside(c, differs, known)
}

// outside judges a partition that the backfill had no business with.
func (s setting) outside(c Change, differs, known bool) Change {
	switch {
	case s.rangeOnly && c.After == nil:
		c.State, c.What = Uncompared, "is not there after, where only the range is"
	case !known:
		c.State, c.What = Unknown, s.why(c)
	case !differs:
		c.State, c.What = s.equal(c)
	case c.After != nil && c.After.Open, c.Before != nil && c.Before.Open, c.Before == nil && c.After.Start != times.None && c.After.Start >= s.beforeAsOf:
		c.State, c.What = Pending, "had not ended on one of the sides: its rows may still come"
	case c.Before == nil || !c.Before.Present:
		c.State, c.How, c.What = Stray, "new", fmt.Sprintf("is new, with %s", words.Count(c.After.Rows, "row"))
	case c.After == nil || !c.After.Present:
		c.State, c.How, c.What = Stray, "gone", fmt.Sprintf("is gone, with %s", words.Count(c.Before.Rows, "row"))
	default:
		how, what := s.changed(c)
		c.State, c.How, c.What = Stray, string(how), what
		if how == AsExpected {
			c.How = "changed"
		}
	}
	return c
}

// inside judges a partition that was filled.
func (s setting) inside(c Change, differs, known bool) Change {
	c = s.filled(c, differs, known)
	c.holdsOthers = c.State == Shifted && strings.Contains(c.What, "the very rows")
	if want, said := s.expectRows(c); said && rowsOf(c.After) == want && len(unreadOf(c.After)) == 0 {
		c.expected = true
		if c.State == Incomplete || c.State == Truncated {
			c.State, c.What = AsExpected, fmt.Sprintf("has %s, as --expect-rows says", words.Count(want, "row"))
		}
	}
	return c
}

func unreadOf(p *Partition) []string {
	if p == nil {
		return nil
	}
	return p.Unread
}

// filled judges a partition that was filled by what both sides hold, and by how many rows it must not have.
func (s setting) filled(c Change, differs, known bool) Change {
	after := c.After
	if want, said := s.expectRows(c); said {
		if got := rowsOf(after); got != want {
			c.State, c.What = Incomplete, fmt.Sprintf("has %s where --expect-rows says %s", words.Count(got, "row"), words.Number(want))
			if got > want {
				c.What = fmt.Sprintf("has %s, more than the %s that --expect-rows says", words.Count(got, "row"), words.Number(want))
			}
			return c
		}
	}
	switch {
	case after == nil || !after.Present:
		if c.Before == nil && after != nil && !after.Expected {
			c.State, c.What = AsExpected, "is not expected by the calendar, and not there"
			return c
		}
		c.State, c.What = Incomplete, "is not there"
		if c.Before != nil && c.Before.Present {
			c.What = fmt.Sprintf("is not there any more: %s are gone", words.Count(c.Before.Rows, "row"))
		}
	case len(after.Unread) > 0:
		c.State, c.What = Unknown, s.why(c)
	case after.Rows == 0 && rowsOf(c.Before) == 0 && c.Before != nil && c.Before.Present:
		c.State, c.What = Unchanged, "has no rows, as before"
	case after.Rows == 0:
		c.State, c.What = Incomplete, "has no rows"
		if n := rowsOf(c.Before); n > 0 {
			c.What = fmt.Sprintf("has no rows where %s were", words.Number(n))
		}
	case c.Before == nil || !c.Before.Present || c.Before.Rows == 0:
		c.State, c.What = AsExpected, fmt.Sprintf("is new, with %s", words.Count(after.Rows, "row"))
		if usual, ok := s.usual(c); ok && after.Rows*100 < usual*usualShare {
			c.State, c.What = Truncated, fmt.Sprintf("is truncated: %s where the partitions around it have %s in the middle", words.Count(after.Rows, "row"), words.Number(usual))
		}
		if c.State == AsExpected && after.Known {
			if other, ok := s.holder(c, after.Content); ok {
				c.State, c.What = Shifted, fmt.Sprintf("is shifted: it holds the very rows of %s", other)
			}
		}
	case !known:
		c.State, c.What = Unknown, s.why(c)
	case !differs:
		c.State, c.What = s.equal(c)
	default:
		c.State, c.What = s.changed(c)
	}
	return c
}

// why says why nobody can tell whether a partition differs.
func (s setting) why(c Change) string {
	for _, p := range []*Partition{c.After, c.Before} {
		if p != nil && len(p.Unread) > 0 {
			return "could not be read: " + p.Unread[0]
		}
	}
	if s.beforeKind == Counts {
		return fmt.Sprintf("has %s as before; whether they are the same is not known: before is a report", words.Count(rowsOf(c.After), "row"))
	}
	return "was not read"
}

func rowsOf(p *Partition) int64 {
	if p == nil {
		return 0
	}
	return p.Rows
}

// equal tells partitions whose files were written again from those that were not touched. A folder without files has none to compare, and a
// report has no files: of it only what has no rows comes here.
func (s setting) equal(c Change) (State, string) {
	switch {
	case c.Before == nil || c.After == nil || sameFiles(*c.Before, *c.After) || copies(*c.Before, *c.After):
		return Unchanged, "is unchanged"
	case c.Before.FileCount() == 0 && c.After.FileCount() == 0, s.beforeKind == Counts:
		return Unchanged, "has no rows, as before"
	}
	return Rewritten, "was rewritten: the same rows, in other files"
}

// changed says what became of a partition that holds rows on both sides, and not the same.
func (s setting) changed(c Change) (State, string) {
	a, b := c.Before, c.After
	both := a.Known && b.Known
	if both && a.Rows > 0 && b.Rows > a.Rows && b.Rows%a.Rows == 0 && b.Content.Sum == a.Content.Sum.Times(uint64(b.Rows/a.Rows)) {
		return Doubled, fmt.Sprintf("is doubled: each of its %s stands there %s", words.Count(a.Rows, "row"), timesInWords(b.Rows/a.Rows))
	}
	if both && b.Rows > 0 && a.Rows > b.Rows && a.Rows%b.Rows == 0 && a.Content.Sum == b.Content.Sum.Times(uint64(a.Rows/b.Rows)) {
		return AsExpected, fmt.Sprintf("holds each of its %s once, where it stood %s before", words.Count(b.Rows, "row"), timesInWords(a.Rows/b.Rows))
	}
	if both {
		if other, ok := s.holder(c, b.Content); ok {
			return Shifted, fmt.Sprintf("is shifted: it holds the very rows that %s held", other)
		}
		if what, ok := s.moved(c); ok {
			return Shifted, what
		}
	}
	switch {
	case b.Rows*100 < a.Rows*fewShare:
		return Truncated, fmt.Sprintf("is truncated: %s where %s were", words.Count(b.Rows, "row"), words.Number(a.Rows))
	case b.Rows < a.Rows:
		return Incomplete, fmt.Sprintf("has %s where %s were", words.Count(b.Rows, "row"), words.Number(a.Rows))
	case b.Rows > a.Rows:
		return AsExpected, fmt.Sprintf("has %s where %s were", words.Count(b.Rows, "row"), words.Number(a.Rows))
	}
	return AsExpected, fmt.Sprintf("has other values in %s", columnList(c.Columns))
}

func timesInWords(n int64) string {
	return cmp.Or(map[int64]string{2: "twice", 3: "three times"}[n], fmt.Sprintf("%d times", n))
}

func columnList(names []string) string {
	if len(names) == 0 {
		return "the combination of its columns: every column alone holds what it held"
	}
	return words.Examples(names)
}

// moved says that all times of a column differ by the same length: the event times, whatever else changed, or nothing but times.
func (s setting) moved(c Change) (string, bool) {
	a, b := c.Before.Content, c.After.Content
	if a.Rows != b.Rows || len(c.Columns) == 0 {
		return "", false
	}
	var parts []string
	for _, name := range c.Columns {
		if shift, ok := s.shift(c, name); ok && slices.Contains(s.times, name) {
			parts = append(parts, shiftInWords(name, shift))
		}
	}
	if len(parts) == len(c.Columns) {
		return "is shifted: " + strings.Join(parts, " and ") + " in its rows, and nothing else changed", true
	}
	// that a backfill changes other columns too is its business; a length that no zone and no date differs by is a coincidence
	shift, ok := s.shift(c, s.times[0])
	if !ok || shift%offsetStep != 0 {
		return "", false
	}
	others := slices.DeleteFunc(slices.Clone(c.Columns), func(name string) bool { return name == s.times[0] })
	return "is shifted: " + shiftInWords(s.times[0], shift) + " in its rows; other values changed in " + columnList(others), true
}

// offsetStep is what offsets of zones are multiples of, in microseconds.
const offsetStep = 15 * 60 * 1_000_000

// shift is how much later all times of a column of a partition are, in microseconds; false where they are not, or where nobody can tell: one
// row may have been put right, unless that of another partition moved by as much, and rows that arrived at one instant arrived at another.
func (s setting) shift(c Change, name string) (int64, bool) {
	a, b := c.Before.Content, c.After.Content
	shift, ok := shiftOf(a, b, name)
	held, _ := a.Column(name)
	switch {
	case !ok || held.High > held.Low:
		return shift, ok
	case name != s.times[0]:
		return 0, false
	case held.Values == 1 && !s.shares(c, shift):
		return 0, false
	}
	return shift, true
}

// shares finds another partition of the range whose event times moved by the same length.
func shares(changes []Change, c Change, name string, shift int64) bool {
	return slices.ContainsFunc(changes, func(o Change) bool {
		if !o.InRange || o.Start == c.Start || o.Before == nil || o.After == nil || !o.Before.Known || !o.After.Known {
			return false
		}
		moved, ok := shiftOf(o.Before.Content, o.After.Content, name)
		return ok && moved == shift
	})
}

// shiftOf is how much later all times of a column are, in microseconds; false where they are not, or where there are too few to tell.
func shiftOf(a, b content.Facts, name string) (int64, bool) {
	x, _ := a.Column(name)
	y, ok := b.Column(name)
	shift := y.Low - x.Low
	if !ok || !x.Timed || !y.Timed || x.Values != y.Values || shift == 0 || y.High-x.High != shift || y.Center-x.Center != shift*x.Values {
		return 0, false
	}
	return shift, x.High > x.Low || shift%offsetStep == 0
}

func shiftInWords(name string, shift int64) string {
	direction := "later"
	if shift < 0 {
		shift, direction = -shift, "earlier"
	}
	return fmt.Sprintf("%s is %s %s", name, words.Duration(times.Span(shift)), direction)
}

// changedColumns are the columns whose values differ.
func changedColumns(a, b content.Facts) []string {
	var names []string
	for _, c := range a.Columns {
		other, ok := b.Column(c.Name)
		if !ok && c.Values > 0 || ok && (other.Sum != c.Sum || other.Values != c.Values) {
			names = append(names, c.Name)
		}
	}
	for _, c := range b.Columns {
		if _, ok := a.Column(c.Name); !ok && c.Values > 0 {
			names = append(names, c.Name)
		}
	}
	slices.Sort(names)
	return names
}

// SchemaChange is what differs in the columns of a partition.
type SchemaChange struct {
	Gone, New []string
	// Retyped are columns whose values are the same kind in another form, Changed those of another kind; both with their types.
	Retyped, Changed []string
	// columns are the names of the retyped ones.
	columns []string
}

// schemaChange compares columns with those of another state.
func schemaChange(before, after []ColumnType) SchemaChange {
	var s SchemaChange
	types := func(list []ColumnType) map[string][]string {
		m := map[string][]string{}
		for _, c := range list {
			m[c.Name] = c.Types
		}
		return m
	}
	old, now := types(before), types(after)
	for _, c := range before {
		other, ok := now[c.Name]
		switch {
		case !ok:
			s.Gone = append(s.Gone, c.Name)
		case slices.Equal(c.Types, other):
		case sameFamily(c.Types, other):
			s.Retyped = append(s.Retyped, retyping(c.Name, c.Types, other))
			s.columns = append(s.columns, c.Name)
		default:
			s.Changed = append(s.Changed, retyping(c.Name, c.Types, other))
		}
	}
	for _, c := range after {
		if _, ok := old[c.Name]; !ok {
			s.New = append(s.New, c.Name)
		}
	}
	return s
}

func retyping(name string, before, after []string) string {
	return fmt.Sprintf("%s from %s to %s", name, strings.Join(before, " and "), strings.Join(after, " and "))
}

// sameFamily says that values of these types have one canonical form.
func sameFamily(before, after []string) bool {
	var family content.Family
	for _, t := range slices.Concat(before, after) {
		f, plain := content.FamilyOf(t)
		switch {
		case t == "NULL":
			continue
		case !plain, family != 0 && f != family:
			return false
		}
		family = f
	}
	return true
}
