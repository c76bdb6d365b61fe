package check

import (
	"fmt"
	"slices"

	"github.com/featureaudit/featureaudit/audit/evidence"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/times"
	"github.com/featureaudit/featureaudit/audit/words"
)

// unmet is the reason for which a definition cannot be judged by a check, or "".
func (b *viewEvidence) unmet(c Check) string {
	v := b.View
	switch {
	case c.Needs.EventTime && !v.EventTime.Declared():
		return missingKey("event_time", c.ID)
	case c.Needs.IngestedAt && !v.IngestedAt.Declared() && !b.AnySourceIngested():
		return missingKey("ingested_at", c.ID)
	case c.Needs.TTL && v.TTL.Never != "":
		return fmt.Sprintf("ttl is never (%s): %s has nothing to judge", v.TTL.Never, c.ID)
	case c.Needs.TTL && v.TTL.Duration < 0:
		return fmt.Sprintf("the ttl is negative (%s): %s needs one above 0", words.Duration(times.SpanOf(v.TTL.Duration)), c.ID)
	case c.Needs.TTL && !v.TTL.Effective():
		return missingKey("ttl", c.ID)
	case c.Needs.Entity && len(v.Entity) == 0:
		return missingKey("entity", c.ID)
	case c.Needs.Key && len(evidence.KeyColumns(v)) == 0:
		return fmt.Sprintf("no key is defined, and no entity with an event_time to stand in for it: %s needs one", c.ID)
	case c.Needs.TimePartition && !v.TimePartition.Declared():
		if origin := v.Origins["time_partition"]; origin.Kind == model.OriginNotInferred {
			return fmt.Sprintf("no time_partition is defined, and the paths tell none: %s; %s needs one", origin.Place, c.ID)
		}
		return missingKey("time_partition", c.ID)
	}
	return ""
}

func missingKey(key, id string) string {
	return fmt.Sprintf("no %s is defined: %s needs one", key, id)
}

// absentColumn is a declared column that some files do not have.
type absentColumn struct {
	column string
	files  []string
	// everywhere says that no readable file has it.
	everywhere bool
}

func (a absentColumn) String() string {
	where := "none of the files has it"
	if !a.everywhere {
		where = fmt.Sprintf("%s %s not have it", words.Count(int64(len(a.files)), "file"), words.Plural(int64(len(a.files)), "does", "do"))
	}
	return fmt.Sprintf("column %q is declared and %s (%s): correct its name in the definition, or the files", a.column, where, words.Examples(a.files))
}

// absent lists the columns of a check's needs that are missing from readable files, in the order of the needs.
func (b *viewEvidence) absent(c Check) []absentColumn {
	files, withRows := 0, 0
	for f := range b.Readable(c.WholeView) {
		files++
		if f.Live() > 0 {
			withRows++
		}
	}
	if files == 0 {
		return nil
	}
	if withRows > 0 {
		files = withRows // a file without rows hides none, whatever columns it has
	}
	var absent []absentColumn
	for _, want := range b.wantedColumns(c) {
		var without []string
		for f := range b.Readable(c.WholeView) {
			if (withRows == 0 || f.Live() > 0) && !b.HasColumn(*f, want) {
				without = append(without, f.Path)
			}
		}
		if len(without) > 0 {
			absent = append(absent, absentColumn{column: want.Name, files: without, everywhere: len(without) == files})
		}
	}
	return absent
}

// readsSource says whether a verdict rests on the source of each row.
func (b *viewEvidence) readsSource(c Check) bool {
	return c.alwaysReadsRows() || evidence.ExpectedBySource(b.View) && ReadsRows(c, b.View, b.Survey)
}

func (b *viewEvidence) readsArrival(c Check) bool {
	return c.Needs.IngestedAt || c.arrival != nil && c.arrival(b)
}

// roleProblem is why the scan could not read a role that a check rests on, or ""; beyond says that the engine does not read such, whatever
// the files hold.
func (b *viewEvidence) roleProblem(c Check) (problem string, beyond bool) {
	for _, role := range []struct {
		needed bool
		name   string
	}{{c.Needs.EventTime, "event_time"}, {b.readsArrival(c), "ingested_at"}, {b.readsSource(c), "source"}, {c.Needs.Entity, "entity"},
		{c.Needs.Key, "key"}, {c.Needs.Key, "measures"}} {
		if problem := b.Collection.RoleProblems[role.name]; role.needed && problem != "" {
			return problem, b.Collection.RolesBeyond[role.name]
		}
	}
	return "", false
}

func (b *viewEvidence) wantedColumns(c Check) []evidence.WantedColumn {
	var wanted []evidence.WantedColumn
	if c.Needs.EventTime && b.View.EventTime.Declared() {
		wanted = append(wanted, b.TimeColumn(b.View.EventTime, func(s model.SourcePolicy) model.TimeColumn { return s.EventTime }))
	}
	if b.readsArrival(c) && b.View.IngestedAt.Declared() {
		wanted = append(wanted, b.TimeColumn(b.View.IngestedAt, func(s model.SourcePolicy) model.TimeColumn { return s.IngestedAt }))
	}
	names := []string{}
	if b.readsSource(c) && b.View.Source.Column != "" {
		names = append(names, b.View.Source.Column)
	}
	if c.Needs.Entity {
		names = append(names, b.View.Entity...)
	}
	if c.Needs.Key {
		names = append(names, evidence.KeyColumns(b.View)...)
	}
	for _, name := range names {
		if slices.ContainsFunc(wanted, func(w evidence.WantedColumn) bool { return w.Name == name }) {
			continue
		}
		if name == b.View.EventTime.Column {
			wanted = append(wanted, b.TimeColumn(b.View.EventTime, func(s model.SourcePolicy) model.TimeColumn { return s.EventTime }))
			continue
		}
		wanted = append(wanted, evidence.WantedColumn{Name: name})
	}
	return wanted
}

// unreadFor are the unread files that a check's verdict misses.
func (b *viewEvidence) unreadFor(c Check) []evidence.UnreadFile {
	var unread []evidence.UnreadFile
	for _, u := range b.Unread {
		if u.Surveyed && !ReadsRows(c, b.View, b.Survey) {
			continue
		}
		if c.WholeView || b.Judged(u.File.Partition) {
			unread = append(unread, u)
		}
	}
	return unread
}
