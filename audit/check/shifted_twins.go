package check

import (
	"fmt"
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/evidence"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/internal/reproduce"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/words"
)

var shiftedTwins = Check{
	ID:         "shifted-twins",
	Title:      "The same key at event times exactly one UTC offset apart.",
	Why:        "Two copies of one event disagree on when it happened by a whole time zone: one of their writers stamps local time.",
	Fix:        "Correct the writer that is named; where none is, compare a few keys with their origin. Correct a copy with featureaudit align.",
	Since:      "0.1",
	rule:       shiftedTwinsRule,
	Backfilled: true,
	Scope:      ScopeView,
	Severity:   report.SeverityError,
	Evidence:   report.Arithmetic,
	Unit:       UnitRows,
	Needs:      Needs{Files: true, EventTime: true, Key: true},
	Wants:      facts.WantTimes | facts.WantKeys,
	idle:       func(v model.View) bool { return twinsReason(v) != "" },
	WholeView:  true,
	applies:    (*viewEvidence).twinsReason,
	judge:      judgeTwins,
	about:      true,
	reproduce:  reproduce.ShiftedTwins,
	nothing:    always("no row has a whole key"),
	bad:        always("repeat a key one UTC offset away"),
	good:       always("have no copy of their key one UTC offset away"),
	// the facts keep the first and the last partition of the keys only: how many lie between is not known
	headline: func(b *viewEvidence, v verdict) string {
		text := fmt.Sprintf("%s of %s (%s) repeat a key one UTC offset away", words.Number(v.bad), words.Count(v.total, "row"), words.Percent(v.bad, v.total))
		switch first, last := b.span(v.findings); {
		case first == "":
			return text
		case first == last:
			return text + " in partition " + first
		default:
			return fmt.Sprintf("%s, from %s to %s", text, first, last)
		}
	},
	detailOfFindings: true,
	detail: func(b *viewEvidence, v verdict) string {
		var texts []string
		for _, f := range v.findings {
			texts = append(texts, f.message)
		}
		return strings.Join(texts, "; ")
	},
}

const shiftedTwinsRule = `Of the repeats of a key, those count whose event times lie exactly one UTC
offset apart that was in use between the oldest and the newest event. Across
sources they must lie in one partition or neighbouring ones, with the same
offset in at least 3 keys of one pair of writers and 5 times the support of the
median other offset. Not judged where event_time is part of the key, across
snapshots, and where over half of the event times are quarter hours.`

// twinsReason is why copies of a key cannot be told to be shifted, or "".
func (b *viewEvidence) twinsReason() string {
	if reason := twinsReason(b.View); reason != "" {
		return reason
	}
	if reason := b.Collection.RoleProblems["payload"]; reason != "" {
		return reason // whether copies are the same is not known
	}
	if b.Coarse() {
		return "over half of the event times are whole quarters of an hour: a clock too coarse to tell an offset"
	}
	return ""
}

func twinsReason(v model.View) string {
	switch {
	case slices.Contains(evidence.KeyColumns(v), v.EventTime.Column):
		return "event_time is part of the key, so that no two rows of a key differ in it"
	case evidence.IsSnapshot(v):
		return "each snapshot restates its keys at times of its own"
	case slices.Contains(v.OncePer, "partition"):
		return "once_per: [partition] lets a key return in each partition, at a time of its own"
	}
	return ""
}

func judgeTwins(b *viewEvidence) (verdict, error) {
	d := b.Collection.Keys
	if d == nil {
		return b.withoutKeys()
	}
	found, err := b.SupportedTwins()
	if err != nil {
		return verdict{}, err
	}
	rest := row{total: d.RowsTotal}
	if b.Narrowed {
		rest.total = b.Sum(func(s *facts.Slice) int64 { return s.Rows - s.KeyNull })
	}
	var rows []row
	list := []map[string]any{}
	for _, t := range found {
		bad := min(t.Copies(), rest.total)
		rest.total -= bad
		measures := t.Measures(b.Zones)
		list = append(list, measures)
		rows = append(rows, row{subject: t.Subject(), total: bad, bad: bad, message: t.Words(), measures: measures,
			partitions: slices.DeleteFunc([]string{b.PartitionValue(t.First), b.PartitionValue(t.Last)}, func(s string) bool { return s == "" })})
	}
	return verdict{rows: append(rows, rest), measures: map[string]any{"twins": list, "counted_by_hash": d.PairedByHash}}, nil
}
