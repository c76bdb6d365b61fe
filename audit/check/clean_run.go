package check

import (
	"slices"

	"github.com/featureaudit/featureaudit/audit/document"
	"github.com/featureaudit/featureaudit/audit/report"
)

// cleanRun is the newest unbroken run of closed partitions in which no check of rows or files failed: what a model may
// train on whatever is wrong elsewhere. It is false where nothing proves one: without time partitions, with such a check
// left out or unable to look, or with a finding that lies in no partition.
func (b *judging) cleanRun(drafts []draftResult) (document.CleanRun, bool) {
	if !b.View.TimePartition.Declared() {
		return document.CleanRun{}, false
	}
	spoiled := map[string]bool{}
	for _, u := range b.Unread {
		spoiled[b.PartitionValue(u.File.Partition)] = true
	}
	for _, p := range b.Presences() {
		if p.Group != "" && p.Expected && !p.Present {
			spoiled[p.Partition.Value] = true
		}
	}
	looked := false
	for _, c := range Catalogue() {
		if !c.ofRows() {
			continue
		}
		i := slices.IndexFunc(drafts, func(o draftResult) bool { return o.result.Check == c.ID })
		if i < 0 || !b.spoil(c, drafts[i], spoiled) {
			return document.CleanRun{}, false
		}
		looked = looked || c.Unit == UnitRows && drafts[i].result.Outcome != report.NotApplicable
	}
	if !looked {
		return document.CleanRun{}, false
	}
	return b.newestRun(spoiled)
}

// ofRows says whether a check's findings are rows or files, and so lie in partitions.
func (c Check) ofRows() bool {
	return c.Scope == ScopeView && (c.Unit == UnitRows || c.Unit == UnitFiles)
}

// spoil adds the partitions in which a check failed, and says whether they are all that it may have failed in.
func (b *judging) spoil(c Check, o draftResult, spoiled map[string]bool) bool {
	switch o.result.Outcome {
	case report.Fail:
	case report.Error:
		_, failed := b.failure(c)
		return !failed && len(b.Unread) > 0 && len(b.absent(c)) == 0
	default:
		return true
	}
	for _, f := range o.findings {
		if f.suppressed {
			continue
		}
		partitions := partitionsOf(f)
		if len(partitions) == 0 {
			return false
		}
		for _, p := range partitions {
			spoiled[p] = true
		}
	}
	return true
}

// partitionsOf are the partitions that a finding lies in, by itself or its pool.
func partitionsOf(f foundAt) []string {
	if f.subject.Partition != "" {
		return []string{f.subject.Partition}
	}
	return f.partitions
}

// newestRun walks back from the newest closed partition that is clean until one that is not.
func (b *judging) newestRun(spoiled map[string]bool) (document.CleanRun, bool) {
	run, found := document.CleanRun{}, false
	for _, p := range slices.Backward(b.Survey.Partitions) {
		if !p.Dated() || p.AfterAsOf || p.Open || !p.Present && !p.Expected {
			continue
		}
		clean := p.Present && p.InRange && !spoiled[p.Value]
		switch {
		case clean && !found:
			run, found = document.CleanRun{Start: p.Start, End: p.End}, true
		case clean:
			run.Start = p.Start
		case found:
			return run, true
		}
	}
	return run, found
}
