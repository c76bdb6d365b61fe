package verify

import (
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
