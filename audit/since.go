package audit

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/kept"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/partition"
	"github.com/featureaudit/featureaudit/audit/sensitive"
	"github.com/featureaudit/featureaudit/audit/times"
)

// tellRewritten is for how long a rewritten partition is told of after it was seen first: long enough for a week-end, and for a run
// that is made again.
const tellRewritten = 7 * times.Day

// since compares the files of a view with those of the last look, and remembers them. It is nil without a folder of facts, where the
// view has no time partitions, and where its paths hold what is sensitive.
func (r *run) since(e facts.Evidence) *facts.Since {
	if r.options.Facts == nil || !e.View.TimePartition.Declared() || e.Survey.Root == "" || r.window.Newest || sensitive.HidesPaths(e.View, e.Survey.Files) {
		return nil
	}
	looks, key := r.options.Facts.Looks(), lookedAt(e.View, e.Survey)
	known, err := looks.Known(key)
	out := &facts.Since{Last: known.Last}
	if err != nil {
		out.Unread = err.Error()
	}
	now := seenFiles(e.View, e.Survey)
	rewritten := compareLooks(known, now, r.asOf)
	all := joined(known.Rewrites, rewritten)
	looks.Remember(key, lookReaches(known, now, r.asOf), now, all)
	if !known.Last.Known() {
		return out
	}
	wanted := r.wanted(e)
	for _, f := range known.Files {
		if f.Place.Closed <= min(known.Last, r.asOf) && wanted(f.Place.Interval, f.Place.Start) {
			out.Closed = append(out.Closed, f.Place.Interval)
		}
	}
	slices.Sort(out.Closed)
	out.Closed = slices.Compact(out.Closed)
	out.Rewritten = slices.DeleteFunc(told(all, r.asOf), func(w facts.Rewritten) bool { return !wanted(w.Identity, w.Start) })
	return out
}

// lookReaches is the instant that a look knows a view's partitions to: as_of, and where all partitions that there are closed before, when the
// newest did. What comes later was not there to be looked at: a pipeline that is days behind, or an as_of far ahead, would have it called rewritten.
func lookReaches(known kept.Known, now []kept.Seen, asOf times.Instant) times.Instant {
	newest := known.Last // a look is never remembered as older than the one before
	for _, f := range now {
		if !newest.Known() || f.Place.Closed > newest {
			newest = f.Place.Closed
		}
	}
	if !newest.Known() {
		return asOf
	}
	return min(asOf, newest)
}

// wanted says of a partition, by its identity and its start, whether it is in the range. One that is gone lies where the range's bounds
// say.
func (r *run) wanted(e facts.Evidence) func(identity string, start times.Instant) bool {
	if !r.window.Range.Given() {
		return func(string, times.Instant) bool { return true }
	}
	inRange := map[string]bool{}
	for _, p := range e.Survey.Partitions {
		inRange[p.Identity] = p.InRange
	}
	from, to := times.Instant(times.None), times.Instant(times.None)
	if layout, err := partition.New(e.View.TimePartition); err == nil {
		if start, end, err := layout.Bounds(r.window.Range); err == nil {
			from, to = start, end
		}
	}
	return func(identity string, start times.Instant) bool {
		if known, there := inRange[identity]; there {
			return known
		}
		return start >= from && start < to
	}
}

// lookedAt names what is looked at: views that list the same files in the same way are one.
func lookedAt(v model.View, s facts.Survey) string {
	p := v.TimePartition
	parts := []string{s.Root, globOf(v, v.Path), strings.Join(p.Columns, ","), string(p.Grain), p.Zone, string(p.Of), p.CompleteAfter.String()}
	for _, source := range v.Sources {
		if source.Path != "" { // its files are of the view
			parts = append(parts, globOf(v, source.Path))
		}
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%q", parts))
	return hex.EncodeToString(sum[:16])
}

// globOf is a glob of a view from the root of the file system, wherever its config lies; one of a bucket is as it is written.
func globOf(v model.View, glob string) string {
	if glob == "" || filepath.IsAbs(glob) || strings.Contains(v.Root+glob, "://") {
		return glob
	}
	return filepath.Join(v.Root, glob)
}

// seenFiles are the files of dated partitions.
func seenFiles(v model.View, s facts.Survey) []kept.Seen {
	var seen []kept.Seen
	for _, f := range s.Files {
		if f.Partition < 0 || !s.Partitions[f.Partition].Dated() {
			continue
		}
		p := s.Partitions[f.Partition]
		seen = append(seen, kept.Seen{Path: f.Path, Size: f.Size, ModTime: f.ModTime, ETag: f.ETag, Footer: f.FooterSum, Rows: f.Rows,
			Place: kept.Place{Interval: p.Identity, Name: p.Value, Start: p.Start, End: p.End, Closed: p.End.Add(times.SpanOf(v.TimePartition.CompleteAfter))}})
	}
	return seen
}

// compareLooks gives the partitions that were closed at the last look and are closed now, and whose files are others. A file that was
// touched and has its size and footer still is the same; so is one whose footer cannot be read now, with the size and time it had.
func compareLooks(known kept.Known, now []kept.Seen, asOf times.Instant) []kept.Rewrite {
	if !known.Last.Known() {
		return nil
	}
	changes := map[string]*kept.Rewrite{}
	of := func(p kept.Place) *kept.Rewrite {
		if changes[p.Interval] == nil {
			changes[p.Interval] = &kept.Rewrite{Place: p, FirstSeen: asOf}
		}
		return changes[p.Interval]
	}
	there := map[string]bool{}
	for _, f := range now {
		there[f.Path] = true
		c := of(f.Place)
		c.Name = f.Place.Name
		c.After += f.Rows
		old, was := known.Files[f.Path]
		switch {
		case !was:
			c.Added++
		case f.Footer == 0 && f.Size == old.Size && f.ModTime == old.ModTime:
			c.After += old.Rows
		case f.Size != old.Size || f.Footer != old.Footer:
			c.Changed++
		}
	}
	for path, old := range known.Files {
		c := of(old.Place)
		c.Before += old.Rows
		if !there[path] {
			c.Gone++
		}
	}
	var rewritten []kept.Rewrite
	for _, c := range changes {
		if c.Closed <= min(known.Last, asOf) && c.Changed+c.Gone+c.Added > 0 {
			rewritten = append(rewritten, *c)
		}
	}
	slices.SortFunc(rewritten, func(a, b kept.Rewrite) int {
		return cmp.Or(cmp.Compare(a.Start, b.Start), strings.Compare(a.Interval, b.Interval))
	})
	return rewritten
}

// joined adds what was found now to what was found before. What two looks of one instant found is one.
func joined(before, now []kept.Rewrite) []kept.Rewrite {
	all := slices.Clone(before)
	for _, n := range now {
		same := func(b kept.Rewrite) bool { return b.Interval == n.Interval && b.FirstSeen == n.FirstSeen }
		if i := slices.IndexFunc(all, same); i >= 0 {
			n.Before, n.Changed, n.Gone, n.Added = all[i].Before, n.Changed+all[i].Changed, n.Gone+all[i].Gone, n.Added+all[i].Added
			all[i] = n
			continue
		}
		all = append(all, n)
	}
	return all
}

// told joins what happened to each partition in the days before as_of: files are added up, from the rows before the first of it to those
// after the last.
func told(all []kept.Rewrite, asOf times.Instant) []facts.Rewritten {
	slices.SortStableFunc(all, func(a, b kept.Rewrite) int { return cmp.Compare(a.FirstSeen, b.FirstSeen) })
	byInterval := map[string]*facts.Rewritten{}
	for _, w := range all {
		if w.FirstSeen > asOf || w.FirstSeen.Add(tellRewritten) <= asOf {
			continue
		}
		r := byInterval[w.Interval]
		if r == nil {
			r = &facts.Rewritten{Identity: w.Interval, Start: w.Start, End: w.End, FirstSeen: w.FirstSeen, RowsBefore: w.Before}
			byInterval[w.Interval] = r
		}
		r.Value, r.RowsAfter = w.Name, w.After
		r.Changed, r.Gone, r.Added = r.Changed+w.Changed, r.Gone+w.Gone, r.Added+w.Added
	}
	list := make([]facts.Rewritten, 0, len(byInterval))
	for _, r := range byInterval {
		list = append(list, *r)
	}
	slices.SortFunc(list, func(a, b facts.Rewritten) int {
		return cmp.Or(cmp.Compare(a.Start, b.Start), strings.Compare(a.Identity, b.Identity))
	})
	return list
}
