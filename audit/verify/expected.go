package verify

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/words"
)

// ExpectedRows says how many rows partitions must have. Its zero value says nothing.
type ExpectedRows struct {
	// Each is what every partition must have; nil where nobody said one number for all.
	Each *int64
	// By is what partitions must have by what they are called: a folder (dt=2026-11-03), its date (2026-11-03), or the beginning of its time.
	By map[string]int64
	// Lines are the lines of a file that By was read from, by the same names; empty where it was no file.
	Lines map[string]int
}

// ExpectedRowsError says which line of numbers of rows is for no partition, or for one that has a number already.
type ExpectedRowsError struct {
	Line      int
	Partition string
	// Twice is the other name by which the partition has a number; empty where there is no such partition.
	Twice string
	// Known are partitions that there are.
	Known []string
}

func (e ExpectedRowsError) Error() string {
	if e.Twice != "" {
		return fmt.Sprintf("line %d: partition %q has a number already, as %q; expected one line for each", e.Line, e.Partition, e.Twice)
	}
	if len(e.Known) == 0 {
		return fmt.Sprintf("line %d: no view that was compared has a partition %q; they have none at all", e.Line, e.Partition)
	}
	return fmt.Sprintf("line %d: no view that was compared has a partition %q; they have %s", e.Line, e.Partition, words.Examples(e.Known))
}

// Given says whether anything is expected.
func (e ExpectedRows) Given() bool { return e.Each != nil || len(e.By) > 0 }

// of is what a partition must have; false where nobody said.
func (e ExpectedRows) of(c Change) (int64, bool) {
	if e.Each != nil {
		return *e.Each, true
	}
	for _, name := range c.calledBy() {
		if n, ok := e.By[name]; ok {
			return n, true
		}
	}
	return 0, false
}

// expected takes note of which partitions a view has, and says what of the numbers is not for it. Its error is an ExpectedRowsError.
func (r *run) expected(v *comparedView) ([]string, error) {
	if len(r.ExpectRows.By) == 0 {
		return nil, nil
	}
	if r.partitions == nil {
		r.partitions = map[string]bool{}
	}
	for _, c := range v.changes {
		first := ""
		for _, name := range c.calledBy() {
			r.partitions[name] = r.partitions[name] || name == c.Value
			if _, said := r.ExpectRows.By[name]; !said || name == first {
				continue
			}
			if first != "" {
				early, late := first, name
				if r.ExpectRows.Lines[late] < r.ExpectRows.Lines[early] {
					early, late = late, early
				}
				return nil, ExpectedRowsError{Line: r.ExpectRows.Lines[late], Partition: late, Twice: early}
			}
			first = name
		}
	}
	return r.ExpectRows.notes(v.inRange()), nil
}

// unexpected is the first line that no view has a partition for; nil where there is none, or where some partitions are not known.
func (r *run) unexpected() error {
	if r.unseen {
		return nil
	}
	names := slices.SortedFunc(maps.Keys(r.ExpectRows.By), func(a, b string) int { return cmp.Compare(r.ExpectRows.Lines[a], r.ExpectRows.Lines[b]) })
	for _, name := range names {
		if _, known := r.partitions[name]; !known && r.ExpectRows.By[name] > 0 { // no rows are what a partition has that is not there
			folders := slices.Sorted(maps.Keys(r.partitions))
			folders = slices.DeleteFunc(folders, func(n string) bool { return n == "" || !r.partitions[n] })
			return ExpectedRowsError{Line: r.ExpectRows.Lines[name], Partition: name, Known: folders}
		}
	}
	return nil
}

// calledBy are the names that people have for a partition.
func (c Change) calledBy() []string {
	names := []string{c.Value, c.Identity}
	if _, date, is := strings.Cut(c.Value, "="); is {
		names = append(names, date)
	}
	return names
}

// notes say which partitions of the range no number was given for, and which numbers are for none of them.
func (e ExpectedRows) notes(filled []*Change) (notes []string) {
	if e.Each != nil || len(e.By) == 0 {
		return nil
	}
	var unsaid []string
	meant := map[string]bool{}
	for _, c := range filled {
		if _, said := e.of(*c); !said {
			unsaid = append(unsaid, c.named())
		}
		for _, name := range c.calledBy() {
			meant[name] = true
		}
	}
	if len(unsaid) > 0 {
		notes = append(notes, fmt.Sprintf("--expect-rows has no number for %s: held to the rows of before", words.Examples(unsaid)))
	}
	stray := slices.DeleteFunc(slices.Sorted(maps.Keys(e.By)), func(name string) bool { return meant[name] })
	if len(stray) > 0 {
		notes = append(notes, fmt.Sprintf("--expect-rows names %s, which %s no partition of the range", words.Examples(stray), words.Plural(int64(len(stray)), "is", "are")))
	}
	return notes
}
