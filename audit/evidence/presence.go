package evidence

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/times"
	"github.com/featureaudit/featureaudit/audit/words"
)

// Presence is one partition of the view, or of one of the groups that its partitions are expected by.
type Presence struct {
	Partition facts.Partition
	Group     string
	Present   bool
	// Expected, emptiable and comparable say whether missing-, empty-, thin- and thick-partitions judge it.
	Expected, Emptiable, Comparable bool
	Files, Unread, Rows             int64
}

// ExpectedBySource says that partitions are expected for each source that a column tells, which takes a scan to know.
func ExpectedBySource(v model.View) bool {
	return v.TimePartition.ExpectedBy == model.ExpectedBySource && v.Source.Column != ""
}

// SourcesAreExpected says that a scan tells for whom each partition is there.
func SourcesAreExpected(v model.View, _ facts.Survey) bool {
	return ExpectedBySource(v) && v.TimePartition.Declared()
}

// expectedByKey says that partitions are expected for each value of another hive key.
func expectedByKey(v model.View) bool {
	by := v.TimePartition.ExpectedBy
	return by != "" && by != model.ExpectedBySource && by != model.ExpectedByView
}

// presenceGroups are the groups that each partition must exist for, sorted; none where the view is one. Those are the declared
// Sources that paths tell, or what expected_by asks for: all sources seen if none is declared, the values of a hive key.
func (b *Index) presenceGroups() []string {
	var groups []string
	switch v := b.View; {
	case v.TimePartition.ExpectedBy == model.ExpectedByView:
	case expectedByKey(v), v.TimePartition.ExpectedBy == model.ExpectedBySource && len(v.Sources) == 0:
		for _, p := range b.Survey.Presence {
			groups = append(groups, p.Group)
		}
		if ExpectedBySource(v) {
			groups = append(groups, slices.DeleteFunc(slices.Clone(b.SeenSources), func(name string) bool { return name == "" })...)
		}
	default:
		for _, s := range v.Sources {
			if ExpectedBySource(v) || b.sourceInPath(s) {
				groups = append(groups, s.Name)
			}
		}
	}
	slices.Sort(groups)
	return slices.Compact(groups)
}

// toldByPath says whether paths tell which files are a declared source's.
func (b *Index) sourceInPath(s model.SourcePolicy) bool {
	if s.Path != "" || b.View.Source.PathSegment > 0 {
		return true
	}
	return b.View.Source.Column != "" && len(b.Survey.Files) > 0 &&
		!slices.ContainsFunc(b.Survey.Files, func(f facts.File) bool { return f.Source == "" })
}

// groupOf is the group of a file, or "" where only its rows tell.
func (b presenceSearch) groupOf(f facts.File) string {
	if expectedByKey(b.View) {
		return f.Group
	}
	return f.Source
}

type groupPlace struct {
	partition int32
	group     string
}

// Presences lists what missing-, empty- and thin-partitions judge, by partition and group. Without groups, and beside them where
// Files or rows belong to none of them, the view as a whole is judged too.
func (b *Index) Presences() []Presence {
	if b.present == nil {
		b.present = presenceSearch{b}.all()
	}
	return b.present
}

// presenceSearch lists for whom each partition is there.
type presenceSearch struct{ *Index }

func (b presenceSearch) all() []Presence {
	groups := b.presenceGroups()
	list := b.wholePresences(len(groups) > 0 && !b.ungrouped(groups))
	if len(groups) == 0 {
		return list
	}
	found := b.countGroups()
	for _, group := range groups {
		list = append(list, b.presencesOf(group, found)...)
	}
	slices.SortStableFunc(list, func(x, y Presence) int {
		return cmp.Or(cmp.Compare(x.Partition.ID, y.Partition.ID), strings.Compare(x.Group, y.Group))
	})
	return list
}

// ungrouped says that some file or row is of no group that partitions are expected for.
func (b presenceSearch) ungrouped(groups []string) bool {
	for _, f := range b.Survey.Files {
		if p, _ := b.Partition(f.Partition); p.Stray {
			continue
		}
		if group := b.groupOf(f); group != "" && !slices.Contains(groups, group) || group == "" && !ExpectedBySource(b.View) {
			return true
		}
	}
	return ExpectedBySource(b.View) && slices.ContainsFunc(b.SeenSources, func(name string) bool { return !slices.Contains(groups, name) })
}

// wholePresences are the partitions of the view as a whole. Where every group is judged by itself it lends them no verdict but that
// on empty folders which no path gives to a group.
func (b presenceSearch) wholePresences(grouped bool) []Presence {
	var list []Presence
	unread := map[int32]int64{}
	for _, f := range b.Survey.Files {
		if f.Problem != nil {
			unread[f.Partition]++
		}
	}
	for _, p := range b.Survey.Partitions {
		if p.Stray || grouped && !ExpectedBySource(b.View) {
			continue
		}
		list = append(list, Presence{Partition: p, Present: p.Present, Expected: p.Expected && !grouped, Emptiable: true, Comparable: !grouped,
			Files: int64(p.Files), Unread: unread[p.ID], Rows: p.Rows})
	}
	return list
}

// countGroups counts what lies in each partition for each group: files by their paths, and rows by the scan where a column tells.
func (b presenceSearch) countGroups() map[groupPlace]Presence {
	found := map[groupPlace]Presence{}
	at := func(place groupPlace, change func(*Presence)) {
		p := found[place]
		change(&p)
		found[place] = p
	}
	for _, p := range b.Survey.Presence {
		at(groupPlace{p.Partition, p.Group}, func(p *Presence) { p.Present = true })
	}
	for _, f := range b.Survey.Files {
		group := b.groupOf(f)
		if group == "" {
			continue
		}
		at(groupPlace{f.Partition, group}, func(p *Presence) {
			p.Files++
			p.Rows += f.Live()
			if f.Problem != nil {
				p.Unread++
			}
		})
	}
	if !ExpectedBySource(b.View) {
		return found
	}
	for _, s := range b.Collection.Slices {
		if f := b.Survey.Files[s.File]; f.Source == "" && s.Rows > 0 {
			at(groupPlace{f.Partition, s.Source}, func(p *Presence) {
				p.Present = true
				p.Files++
				p.Rows += s.Rows
			})
		}
	}
	return found
}

// presencesOf are the partitions of one group: from its oldest one, or all of a range, to its until.
func (b presenceSearch) presencesOf(group string, found map[groupPlace]Presence) []Presence {
	byRow := ExpectedBySource(b.View)
	hidden := map[int32]int64{}
	for _, u := range b.Unread {
		if byRow && u.File.Source == "" {
			hidden[u.File.Partition]++
		}
	}
	until := times.Instant(times.None)
	if s, declared := b.DeclaredSources[group]; declared && !expectedByKey(b.View) && !s.Until.IsZero() {
		until = times.At(s.Until)
	}
	begun := b.Narrowed
	var list []Presence
	for _, p := range b.Survey.Partitions {
		have := found[groupPlace{p.ID, group}]
		begun = begun || have.Present && p.Dated()
		retired := until.Known() && p.Start >= until
		if !p.Dated() || !have.Present && !(p.Expected && begun && !retired) {
			continue
		}
		have.Partition, have.Group = p, group
		have.Unread += hidden[p.ID]
		have.Expected = p.Expected && begun && !retired && (have.Present || hidden[p.ID] == 0)
		have.Emptiable = !byRow && !retired
		have.Comparable = !until.Known() || p.End <= until
		list = append(list, have)
	}
	return list
}

// GroupSubject names a group in a finding.
func (b *Index) GroupSubject(p Presence) report.Subject {
	switch {
	case p.Group == "":
		return report.Subject{Partition: p.Partition.Value}
	case expectedByKey(b.View):
		return report.Subject{Partition: p.Partition.Value, Object: b.View.TimePartition.ExpectedBy + "=" + p.Group}
	}
	return report.Subject{Partition: p.Partition.Value, Source: p.Group}
}

// GroupInWords is whom a finding is about: " of source batch", " of region=us", or "".
func GroupInWords(s report.Subject) string {
	switch {
	case s.Object != "":
		return " of " + s.Object
	case s.Source != "":
		return " of source " + s.Source
	}
	return ""
}

// ExpectedOf says for whom partitions are judged, where it is not for the view alone.
func (b *Index) ExpectedOf() string {
	groups := b.presenceGroups()
	if len(groups) == 0 {
		return ""
	}
	kind := "source"
	if expectedByKey(b.View) {
		kind = b.View.TimePartition.ExpectedBy
	}
	return fmt.Sprintf(", for each %s (%s)", kind, words.Examples(groups))
}
