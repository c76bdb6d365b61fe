package verify

import (
	"fmt"
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/check"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/times"
	"github.com/featureaudit/featureaudit/audit/words"
)

// reconsider corrects what became of a partition that was filled by what the audit's own checks found in it: a backfill that puts dates or
// zones right moves rows too, and is no fault.
func (v *comparedView) reconsider(c *Change) {
	p := v.after.Definition.TimePartition
	if p != nil && p.Of == string(model.OfEventTime) {
		if after, known := auditedRows(v.auditAfter, check.MisfiledRows().ID, c.Value); known && after == 0 {
			c.misfiledBefore = v.misfiledBefore(c)
			c.filed(v.after.Definition)
		}
	}
	surplus, known := auditedRows(v.auditAfter, check.DuplicateKeys().ID, c.Value)
	if known && c.Rows == nil && c.State == AsExpected && surplus > 0 && surplus*2 == rowsOf(c.After) && !conflicts(v.auditAfter, c.Value) {
		c.State, c.What = Doubled, fmt.Sprintf("is doubled: each of its %s stands there twice", words.Count(surplus, "row"))
	}
}

// filed says of a partition that is called shifted, and all of whose rows lie in it now, that they were put where they belong.
func (c *Change) filed(d report.ViewDefinition) {
	if c.State != Shifted || c.misfiledBefore == 0 && !c.holdsOthers {
		return
	}
	c.State = AsExpected
	c.What = strings.TrimPrefix(c.What, "is shifted: ")
	if c.misfiledBefore > 0 {
		c.What += fmt.Sprintf("; %s of before lay outside of it, and none does now", words.Count(c.misfiledBefore, "row"))
		if !c.holdsOthers && slices.Contains(d.Key, d.EventTime) {
			c.misfiledBefore = rowsOf(c.Before) // their times are part of the key: each has another one now
		}
		return
	}
	c.What += ", and they belong into it"
}

// misfiledBefore is how many rows of before lay outside of a partition, as far as is known.
func (v *comparedView) misfiledBefore(c *Change) int64 {
	if n, known := auditedRows(v.auditBefore, check.MisfiledRows().ID, c.Value); known {
		return n
	}
	if c.Before == nil || !c.Before.Known || c.Start == times.None || !aware(*c.Before, v.before.Definition.EventTime) {
		return 0
	}
	held, _ := c.Before.Content.Column(v.before.Definition.EventTime)
	if !held.Timed {
		return 0
	}
	end := int64(c.Before.End)
	switch {
	case held.High < int64(c.Start), held.Low >= end:
		return c.Before.Rows
	case held.Low < int64(c.Start), held.High >= end:
		return 1 // at least
	}
	return 0
}

// aware says that a column's values are instants as they are written.
func aware(p Partition, name string) bool {
	return slices.ContainsFunc(p.Columns, func(c ColumnType) bool {
		return c.Name == name && !slices.ContainsFunc(c.Types, func(t string) bool { return !strings.HasPrefix(t, "TIMESTAMP(") || !strings.HasSuffix(t, ", UTC)") })
	})
}

// auditedRows is how many rows of a partition a check of an audit found bad; false where it could not look.
func auditedRows(r *report.Report, id, partition string) (rows int64, known bool) {
	if r == nil {
		return 0, false
	}
	for _, result := range r.Results {
		if result.Check != id {
			continue
		}
		for _, f := range merged(result) {
			if f.Subject.Partition == partition {
				rows += f.RowsBad
			}
		}
		return rows, result.Outcome != report.Error && result.Outcome != report.NotApplicable
	}
	return 0, false
}

// conflicts says that keys of a partition repeat with other values.
func conflicts(r *report.Report, partition string) bool {
	return slices.ContainsFunc(r.Results, func(result report.Result) bool {
		return result.Check == check.DuplicateKeys().ID && slices.ContainsFunc(slices.Concat(result.Every, result.Findings), func(f report.Finding) bool {
			n, known := f.Measures.Count("conflict_keys")
			return f.Subject.Partition == partition && (!known || n > 0)
		})
	})
}
