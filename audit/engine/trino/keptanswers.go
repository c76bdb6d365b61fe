package trino

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/internal/collect"
	"github.com/featureaudit/featureaudit/audit/times"
	"github.com/featureaudit/featureaudit/sql"
)

// ofAll are what the cluster said of all rows together, and what is known of that from an earlier run.
type ofAll struct {
	// known is nil where nothing is, or not all that is asked for.
	known *collect.Answers
	// said is what is to be kept of this run, nil where all was known.
	said *collect.Answers
}

// recallAnswers finds what is known of entities, writers and keys. It rests on all slices.
func (a *asked) recallAnswers(v *view) error {
	if !v.keeps {
		return nil
	}
	on, err := a.together(v)
	if err != nil {
		return err
	}
	v.answers.said = &collect.Answers{On: on}
	if len(v.fresh) > 0 {
		return nil
	}
	known, err := v.rules.Answers(on)
	if err != nil || known == nil || known.Entities != nil && known.Entities.OnlyAfter > 0 {
		return err
	}
	v.answers = ofAll{known: known}
	return nil
}

// together is the digest of the questions about all rows together, but for what they say of as_of: of that no row of a file whose facts hold
// knows anything. It has the files by their numbers, for the answers have these.
func (a *asked) together(v *view) (string, error) {
	rows := v.rows("")
	rows.Files, rows.Rules, rows.SentinelAfter, rows.Table = "", "", 0, v.table.name
	text, err := sql.Trino("rows", rows)
	if err != nil {
		return "", err
	}
	e, sampled, err := a.entitiesSQL(v, "")
	if err != nil {
		return "", err
	}
	e.Rows, e.AsOf, e.Limit, e.SureBefore, e.MaybeBefore, e.AheadAfter, e.Quarter = text, 0, 0, 0, 0, 0, ""
	on := []any{v.rules.Wants() &^ facts.WantBefore, v.order.Room.Runs, fmt.Sprintf("%+v", e), fmt.Sprintf("%+v", sampled)}
	if v.rules.Wants().Has(facts.WantKeys) && len(v.key) > 0 {
		q, err := a.keysSQL(v, "")
		if err != nil {
			return "", err
		}
		q.Rows = text
		on = append(on, fmt.Sprintf("%+v", q), v.rules.TwinOffsets(), fmt.Sprintf("%+v %+v", v.rules.Payload(), v.rules.Measures()))
	}
	for _, column := range slices.Sorted(maps.Keys(v.table.columns)) {
		on = append(on, column, v.table.columns[column])
	}
	for _, id := range v.files {
		file := &v.order.Survey.Files[id]
		on = append(on, id, file.Abs, file.Partition, v.rules.RulesOf(file, "").InRange)
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%q", on))
	return hex.EncodeToString(sum[:]), nil
}

// knownKeys takes the repeated keys that are known; false where there are none.
func (v *view) knownKeys() bool {
	known := v.answers.known
	if known == nil || known.Keys == nil {
		return false
	}
	if known.Compared {
		v.fetching() // which says what could not be compared
	}
	v.rules.UseKeys(known.Keys)
	return true
}

// knownEntities takes entities and writers that are known. All events were at or before as_of then as they are now, so that the newest of
// each entity is the same: how many are older than an instant follows from the files that have an event from then on, and the others are asked
// of no more.
func (a *asked) knownEntities(ctx context.Context, v *view) (bool, error) {
	known := v.answers.known
	if known == nil {
		return false, nil
	}
	if known.Writers != nil {
		v.rules.UseWriters(known.Writers)
	}
	if known.Entities == nil {
		return true, nil
	}
	limits, total := v.rules.EntityLimits(), *known.Entities
	if limits.Expires {
		recent, err := a.recentEntities(ctx, v, limits)
		if err != nil {
			return false, err
		}
		older := total.Judged - recent.Judged
		total.Stale, total.StaleEverywhere, total.StaleSomewhere, total.Near = recent.Stale+older, recent.StaleEverywhere, recent.StaleSomewhere, recent.Near
		if limits.SureBefore > math.MinInt64 {
			total.StaleEverywhere += older
		}
		if limits.MaybeBefore > math.MinInt64 {
			total.StaleSomewhere += older
		}
	}
	v.rules.SetEntities(total, limits)
	return true, nil
}

// recentEntities counts the entities of the files that may have an event at or after the first of the limits.
func (a *asked) recentEntities(ctx context.Context, v *view, limits collect.EntityLimits) (facts.Entities, error) {
	near := times.Span(len(facts.Entities{}.Near)/2+1) * facts.EventBinWidth
	first := limits.Limit.Add(-near)
	for _, limit := range []times.Instant{limits.SureBefore, limits.MaybeBefore, limits.AheadAfter} {
		if limit > math.MinInt64 {
			first = min(first, limit)
		}
	}
	narrow, total := *v, facts.Entities{OldestNewest: times.None}
	narrow.files = nil
	newest := v.rules.NewestIn()
	for _, id := range v.files {
		if newest[id] >= first {
			narrow.files = append(narrow.files, id)
		}
	}
	if len(narrow.files) == 0 {
		return total, nil
	}
	if err := narrow.tell(narrow.files); err != nil {
		return total, err
	}
	where := a.only(&narrow, narrow.files)
	if len(where) > mostPaths {
		where = a.where(&narrow)
	}
	step := a.asking(v, "entities")
	step.table = false // of the newest files alone
	found, err := a.askEntities(ctx, &narrow, step, where, entitiesSQL.alone)
	return found.total, err
}
