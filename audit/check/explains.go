package check

import (
	"slices"

	"github.com/featureaudit/featureaudit/audit/report"
)

// explanation says that findings of one check follow from those of another where every subject has both.
type explanation struct {
	effect, cause string
	// holds asks more of the two, and subjects are not compared where it tells them itself.
	holds   func(effect, cause draftResult) bool
	byWhole bool
}

// explanations are tried in order: the first cause that fits is the headline.
func explanations() []explanation {
	return []explanation{
		{effect: futureRows.ID, cause: mixedZones.ID, holds: accounted},
		{effect: misfiledRows.ID, cause: mixedZones.ID, holds: accounted},
		{effect: staleRows.ID, cause: mixedZones.ID, holds: accounted},
		{effect: sourceLag.ID, cause: mixedZones.ID, holds: lateByZone},
		{effect: shiftedTwins.ID, cause: mixedZones.ID, holds: sameClock, byWhole: true},
		{effect: staleRows.ID, cause: misfiledRows.ID},
		{effect: thickPartitions.ID, cause: duplicateKeys.ID},
	}
}

func explain(drafts []draftResult) {
	explainBlind(drafts)
	for _, e := range explanations() {
		effect, cause := find(drafts, e.effect), find(drafts, e.cause)
		if effect == nil || cause == nil || effect.result.ExplainedBy != "" || !isFinding(effect.result) || !isFinding(cause.result) {
			continue
		}
		if e.holds != nil && !e.holds(*effect, *cause) || !e.byWhole && !covers(cause.findings, effect.findings) {
			continue
		}
		effect.result.ExplainedBy = e.cause
	}
}

// explainBlind folds what could not be judged in full under the files that could not be read, where these are errors
// themselves.
func explainBlind(drafts []draftResult) {
	cause := find(drafts, unreadableFile.ID)
	if cause == nil || cause.result.Outcome != report.Error || len(cause.findings) == 0 {
		return
	}
	for i := range drafts {
		if o := &drafts[i]; o.unread && o.result.Outcome == report.Error && o.result.Check != unreadableFile.ID {
			o.result.ExplainedBy = unreadableFile.ID
		}
	}
}

func find(drafts []draftResult, id string) *draftResult {
	i := slices.IndexFunc(drafts, func(o draftResult) bool { return o.result.Check == id })
	if i < 0 {
		return nil
	}
	return &drafts[i]
}

func isFinding(r report.Result) bool { return r.Outcome == report.Fail || r.Outcome == report.Warn }

func accounted(effect, cause draftResult) bool { return accounts(cause.findings, effect.findings) }

// lateByZone says whether rows are late only as their times are read: in the zone that their writers stamp they would be in time.
func lateByZone(effect, cause draftResult) bool {
	return effect.result.ZoneCertainty == zoneDepends && accounted(effect, cause)
}

// sameClock says whether every copy that is shifted was written by a source whose lags show the very same offset.
func sameClock(effect, cause draftResult) bool {
	type clock struct {
		source string
		offset int64
	}
	seen := map[clock]bool{}
	for _, m := range cause.result.Measures.Objects("offsets") {
		if offset, known := m.Count("offset_minutes"); known {
			seen[clock{m.Text("source"), offset}] = true
		}
	}
	twins := effect.result.Measures.Objects("twins")
	for _, m := range twins {
		offset, told := m.Count("wrong_offset_minutes")
		if !told || !seen[clock{m.Text("wrong_source"), offset}] {
			return false
		}
	}
	return len(twins) > 0
}

// accounts says whether the rows stamped in another zone are as many as those that the effect counts, for each subject.
// They are an estimate, which leaves out what arrives later than its population.
func accounts(cause, effect []foundAt) bool {
	const missed = 1.25
	stamped := map[report.Subject]int64{}
	for _, f := range cause {
		stamped[f.subject] += f.bad
	}
	return !slices.ContainsFunc(effect, func(f foundAt) bool { return float64(f.bad) > missed*float64(stamped[f.subject])+1 })
}

// covers says whether every subject of the effect is one of the cause. A subject of a snapshot has no source.
func covers(cause, effect []foundAt) bool {
	subjects, partitions := map[report.Subject]bool{}, map[string]bool{}
	for _, f := range cause {
		subjects[f.subject] = true
		if f.subject.Partition != "" {
			partitions[f.subject.Partition] = true
		}
		for _, p := range f.partitions {
			partitions[p] = true
		}
	}
	for _, f := range effect {
		bySnapshot := f.subject.Source == "" && partitions[f.subject.Partition]
		if !subjects[f.subject] && !bySnapshot {
			return false
		}
	}
	return true
}

// zonesFound says that a view's event times are not comparable as they are, so that a plan is wanted.
func zonesFound(results []report.Result, view string) bool {
	return slices.ContainsFunc(results, func(r report.Result) bool {
		if r.View != view || !isFinding(r) {
			return false
		}
		c, _ := Lookup(r.Check)
		return c.unsettles
	})
}
