package check

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/engine"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/words"
)

// presence is one partition of the view, or of one of the groups that its partitions are expected by.
type presence struct {
	partition facts.Partition
	group     string
	present   bool
	// expected, emptiable and comparable say whether missing-, empty- and thin-partitions judge it.
	expected, emptiable, comparable bool
	files, unread, rows             int64
}

// expectedBySource says that partitions are expected for each source that a column tells, which takes a scan to know.
func expectedBySource(v model.View) bool {
	return v.TimePartition.ExpectedBy == model.ExpectedBySource && v.Source.Column != ""
}

// sourcesAreExpected says that a scan tells for whom each partition is there.
func sourcesAreExpected(v model.View, _ facts.Survey) bool {
	return expectedBySource(v) && v.TimePartition.Declared()
}

// expectedByKey says that partitions are expected for each value of another hive key.
func expectedByKey(v model.View) bool {
	by := v.TimePartition.ExpectedBy
	return by != "" && by != model.ExpectedBySource && by != model.ExpectedByView
}

// presenceGroups are the groups that each partition must exist for, sorted; none where the view is one. Those are the declared
// sources that paths tell, or what expected_by asks for: all sources seen if none is declared, the values of a hive key.
func (b *Index) presenceGroups() []string {
	var groups []string
	switch v := b.View; {
	case v.TimePartition.ExpectedBy == model.ExpectedByView:
	case expectedByKey(v), v.TimePartition.ExpectedBy == model.ExpectedBySource && len(v.Sources) == 0:
		for _, p := range b.Survey.Presence {
			groups = append(groups, p.Group)
		}
		if expectedBySource(v) {
			groups = append(groups, slices.DeleteFunc(slices.Clone(b.seen), func(name string) bool { return name == "" })...)
		}
	default:
		for _, s := range v.Sources {
			if expectedBySource(v) || b.toldByPath(s) {
				groups = append(groups, s.Name)
			}
		}
	}
	slices.Sort(groups)
	return slices.Compact(groups)
}

// toldByPath says whether paths tell which files are a declared source's.
func (b *Index) toldByPath(s model.SourcePolicy) bool {
	if s.Path != "" || b.View.Source.PathSegment > 0 {
		return true
	}
	return b.View.Source.Column != "" && len(b.Survey.Files) > 0 &&
		!slices.ContainsFunc(b.Survey.Files, func(f facts.File) bool { return f.Source == "" })
}

// groupOf is the group of a file, or "" where only its rows tell.
func (b *Index) groupOf(f facts.File) string {
	if expectedByKey(b.View) {
		return f.Group
	}
	return f.Source
}

type groupPlace struct {
	partition int32
	group     string
}

// presences lists what missing-, empty- and thin-partitions judge, by partition and group. Without groups, and beside them where
// files or rows belong to none of them, the view as a whole is judged too.
func (b *Index) presences() []presence {
	if b.present == nil {
		b.present = b.findPresences()
	}
	return b.present
}

func (b *Index) findPresences() []presence {
	groups := b.presenceGroups()
	list := b.wholePresences(len(groups) > 0 && !b.ungrouped(groups))
	if len(groups) == 0 {
		return list
	}
	found := b.countGroups()
	for _, group := range groups {
		list = append(list, b.presencesOf(group, found)...)
	}
	slices.SortStableFunc(list, func(x, y presence) int {
		return cmp.Or(cmp.Compare(x.partition.ID, y.partition.ID), strings.Compare(x.group, y.group))
	})
	return list
}

// ungrouped says that some file or row is of no group that partitions are expected for.
func (b *Index) ungrouped(groups []string) bool {
	for _, f := range b.Survey.Files {
		if p, _ := b.partition(f.Partition); p.Stray {
			continue
		}
		if group := b.groupOf(f); group != "" && !slices.Contains(groups, group) || group == "" && !expectedBySource(b.View) {
			return true
		}
	}
	return expectedBySource(b.View) && slices.ContainsFunc(b.seen, func(name string) bool { return !slices.Contains(groups, name) })
}

// wholePresences are the partitions of the view as a whole. Where every group is judged by itself it lends them no verdict but that
// on empty folders which no path gives to a group.
func (b *Index) wholePresences(grouped bool) []presence {
	var list []presence
	unread := map[int32]int64{}
	for _, f := range b.Survey.Files {
		if f.Problem != nil {
			unread[f.Partition]++
		}
	}
	for _, p := range b.Survey.Partitions {
		if p.Stray || grouped && !expectedBySource(b.View) {
			continue
		}
		list = append(list, presence{partition: p, present: p.Present, expected: p.Expected && !grouped, emptiable: true, comparable: !grouped,
			files: int64(p.Files), unread: unread[p.ID], rows: p.Rows})
	}
	return list
}

// countGroups counts what lies in each partition for each group: files by their paths, and rows by the scan where a column tells.
func (b *Index) countGroups() map[groupPlace]presence {
	found := map[groupPlace]presence{}
	at := func(place groupPlace, change func(*presence)) {
		p := found[place]
		change(&p)
		found[place] = p
	}
	for _, p := range b.Survey.Presence {
		at(groupPlace{p.Partition, p.Group}, func(p *presence) { p.present = true })
	}
	for _, f := range b.Survey.Files {
		group := b.groupOf(f)
		if group == "" {
			continue
		}
		at(groupPlace{f.Partition, group}, func(p *presence) {
			p.files++
			p.rows += f.Rows
			if f.Problem != nil {
				p.unread++
			}
		})
	}
	if !expectedBySource(b.View) {
		return found
	}
	for _, s := range b.Collection.Slices {
		if f := b.Survey.Files[s.File]; f.Source == "" && s.Rows > 0 {
			at(groupPlace{f.Partition, s.Source}, func(p *presence) {
				p.present = true
				p.files++
				p.rows += s.Rows
			})
		}
	}
	return found
}

// presencesOf are the partitions of one group: from its oldest one, or all of a range, to its until.
func (b *Index) presencesOf(group string, found map[groupPlace]presence) []presence {
	byRow := expectedBySource(b.View)
	hidden := map[int32]int64{}
	for _, u := range b.unread {
		if byRow && u.file.Source == "" {
			hidden[u.file.Partition]++
		}
	}
	until := facts.NoTime
	if s, declared := b.declared[group]; declared && !expectedByKey(b.View) && !s.Until.IsZero() {
		until = s.Until.UnixMicro()
	}
	begun := b.HasRange
	var list []presence
	for _, p := range b.Survey.Partitions {
		have := found[groupPlace{p.ID, group}]
		begun = begun || have.present && p.Dated()
		retired := until != facts.NoTime && p.Start >= until
		if !p.Dated() || !have.present && !(p.Expected && begun && !retired) {
			continue
		}
		have.partition, have.group = p, group
		have.unread += hidden[p.ID]
		have.expected = p.Expected && begun && !retired && (have.present || hidden[p.ID] == 0)
		have.emptiable = !byRow && !retired
		have.comparable = until == facts.NoTime || p.End <= until
		list = append(list, have)
	}
	return list
}

// groupSubject names a group in a finding.
func (b *Index) groupSubject(p presence) report.Subject {
	switch {
	case p.group == "":
		return report.Subject{Partition: p.partition.Value}
	case expectedByKey(b.View):
		return report.Subject{Partition: p.partition.Value, Object: b.View.TimePartition.ExpectedBy + "=" + p.group}
	}
	return report.Subject{Partition: p.partition.Value, Source: p.group}
}

// groupInWords is whom a finding is about: " of source batch", " of region=us", or "".
func groupInWords(s report.Subject) string {
	switch {
	case s.Object != "":
		return " of " + s.Object
	case s.Source != "":
		return " of source " + s.Source
	}
	return ""
}

// expectedOf says for whom partitions are judged, where it is not for the view alone.
func (b *Index) expectedOf() string {
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

func (b *Index) presenceTable() engine.Table {
	return engine.Table{
		Name: "presence",
		Doc:  "One row for each time partition that is there or expected, of the view or of each source, or value of another hive key, that partitions are expected by.",
		Columns: []engine.Column{
			bigint("partition_id", "the partition"),
			varchar("partition", "its path below the view's root"),
			varchar("source", "the source it is expected for; empty for the view"),
			varchar("object", "the hive key and value it is expected for; empty for the view"),
			bigint("start_us", "its first instant; NULL for one without a date"),
			boolean("present", "its folder exists, or its rows where a column tells the source"),
			boolean("expected", "it must exist"),
			boolean("emptiable", "empty-partitions judges it"),
			boolean("comparable", "thin-partitions judges it"),
			boolean("open", "its end and complete_after lie after as_of"),
			boolean("after_as_of", "it begins after as_of"),
			boolean("judged", "verdicts are wanted for it, and it does not begin after as_of"),
			bigint("files", "its files"),
			bigint("files_unread", "its files whose rows are not known"),
			bigint("rows", "its rows"),
		},
		Rows: func(yield func([]any) bool) {
			for _, p := range b.presences() {
				s, q := b.groupSubject(p), p.partition
				if !yield([]any{int64(q.ID), q.Value, s.Source, s.Object, timeOrNil(q.Start), p.present, p.expected, p.emptiable, p.comparable, q.Open, q.AfterAsOf,
					b.judged(q.ID), p.files, p.unread, p.rows}) {
					return
				}
			}
		},
	}
}
