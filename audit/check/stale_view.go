package check

import (
	"fmt"
	"strings"

	"github.com/featureaudit/featureaudit/audit/evidence"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/internal/zoneproof"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/times"
	"github.com/featureaudit/featureaudit/audit/words"
	"github.com/featureaudit/featureaudit/audit/zone"
)

var staleView = Check{
	ID:        "stale-view",
	Title:     "The newest event is older than promised.",
	Why:       "Consumers are served yesterday's values as today's; a live stream can hide a dead batch behind it.",
	Fix:       "Restart the feed that stopped; if it was retired, say so with until: under sources.",
	Since:     "0.1",
	Scope:     ScopeView,
	Severity:  report.SeverityError,
	Evidence:  report.Certain,
	Unit:      UnitView,
	Needs:     Needs{Files: true, EventTime: true},
	Wants:     facts.WantTimes,
	WholeView: true,
	Query:     true,
	sound:     soundAge,
	clocked:   true,
	feeds:     zoneproof.AgeFeeds,
	applies: func(b *viewEvidence) string {
		if reason := needsAsOf(b, "stale-view"); reason != "" {
			return reason
		}
		limited, retired := false, 0
		if _, has := evidence.AgeLimit(b.View, model.SourcePolicy{}); has && !b.AllSourcesDeclared() {
			limited = true
		}
		for _, s := range b.View.Sources {
			if b.Retired(s) {
				retired++
				continue
			}
			_, has := evidence.AgeLimit(b.View, s)
			limited = limited || has
		}
		switch {
		case limited:
			return ""
		case retired > 0 && retired == len(b.View.Sources):
			return "every source was retired before as_of: none is expected to be fresh"
		case b.View.TTL.Never != "":
			return fmt.Sprintf("no max_age is defined and ttl is never (%s): stale-view needs a limit", b.View.TTL.Never)
		}
		return "no max_age and no ttl is defined: stale-view needs one"
	},
	measures: func(*viewEvidence) map[string]any {
		return map[string]any{"newest_event_time": nil, "age_seconds": nil, "limit_seconds": nil}
	},
	revise: reviseStale,
	finish: func(_ *viewEvidence, v *verdict) {
		worst, found := oldestSubject(v.rows)
		if !found {
			return
		}
		for _, name := range []string{"newest_event_time", "age_seconds", "limit_seconds"} {
			v.measures[name] = worst.measures[name]
		}
		if minutes, proved := worst.measures["proved_offset_minutes"]; proved {
			v.measures["proved_offset_minutes"], v.measures["newest_as_read"] = minutes, worst.measures["newest_as_read"]
		}
		if worst.subject.Source != "" {
			v.measures["source"] = worst.subject.Source
		}
	},
	bad: always("is stale"),
	good: func(b *viewEvidence) string {
		return "the newest event is as fresh as promised" + b.provedStamps()
	},
	describe: func(_ *viewEvidence, f row) string { return describeStale(f) },
	headline: func(_ *viewEvidence, v verdict) string {
		worst, found := oldestSubject(v.findings)
		if !found {
			return ""
		}
		text := describeStale(worst)
		if more := len(v.findings) - 1; more > 0 {
			text += fmt.Sprintf("; %s more stale", words.Number(int64(more)))
		}
		return text
	},
}

// needsAsOf is the reason for which a check of the whole view is not judged on a range alone.
func needsAsOf(b *viewEvidence, id string) string {
	if b.Narrowed && !b.AsOfGiven {
		return fmt.Sprintf("--range without --as-of judges past partitions: %s needs the instant to judge from", id)
	}
	return ""
}

// oldestSubject is the subject furthest beyond its limit, or nearest to it; one without any event comes first.
func oldestSubject(rows []row) (row, bool) {
	worst, found, most := row{}, false, 0.0
	for _, r := range rows {
		if r.parse() != nil || r.total == 0 {
			continue
		}
		age, known := r.measures.Number("age_seconds")
		if !known {
			return r, true
		}
		limit, _ := r.measures.Number("limit_seconds")
		if over := age - limit; !found || over > most {
			worst, found, most = r, true, over
		}
	}
	return worst, found
}

func describeStale(f row) string {
	what := "the view"
	if f.subject.Source != "" {
		what = "source " + f.subject.Source
	}
	age, known := f.measures.Number("age_seconds")
	limit, _ := f.measures.Number("limit_seconds")
	if !known {
		return fmt.Sprintf("%s has no event time at or before as_of; the limit is %s", what, words.Seconds(limit))
	}
	stamped := ""
	if minutes, proved := f.measures.Count("proved_offset_minutes"); proved {
		stamped = fmt.Sprintf(" at %s, where its writers stamp (mixed-zones)", zone.OffsetText(times.Offset(minutes*60)))
	}
	return fmt.Sprintf("the newest event of %s is %s old at as_of%s; the limit is %s", what, words.Seconds(age), stamped, words.Seconds(limit))
}

// reviseStale judges sources whose writers are all proved to stamp at one offset by what they meant.
func reviseStale(b *viewEvidence, v *verdict) error {
	for i := range v.rows {
		r := &v.rows[i]
		if err := r.parse(); err != nil {
			return err
		}
		sources := b.SeenSources
		if r.subject.Source != "" {
			sources = []string{r.subject.Source}
		}
		newest, asRead, fromUTC, moved := b.newestMeant(sources)
		limit, known := r.measures.Number("limit_seconds")
		if !moved || !known {
			continue
		}
		age := b.AsOf.Sub(newest).Seconds()
		r.measures["newest_event_time"], r.measures["age_seconds"], r.measures["newest_as_read"] = words.Instant(newest), age, words.Instant(asRead)
		r.measures["proved_offset_minutes"] = fromUTC.Minutes()
		if r.bad = 0; age > limit {
			r.bad = 1
		}
	}
	return nil
}

// newestMeant is the newest event of some sources by what their writers meant, where that of a source counts which is proved
// to stamp at an offset: with what it is read as, and the offset. moved is false where no such source has the newest event.
func (b *viewEvidence) newestMeant(sources []string) (newest, asRead times.Instant, fromUTC times.Offset, moved bool) {
	newest = times.None
	for _, source := range sources {
		known, future := b.NewestOf(source)
		east, offset, proved := b.ProvedOffset(source)
		read := known
		if proved {
			read = max(known, future)
		}
		if !read.Known() {
			continue
		}
		if meant := read.Add(-east.Span()); meant > newest {
			newest, asRead, fromUTC, moved = meant, read, offset, proved
		}
	}
	return newest, asRead, fromUTC, moved
}

// provedStamps names the sources that are judged by what their writers meant, and not as they are read.
func (b *viewEvidence) provedStamps() string {
	var texts []string
	for _, source := range b.SeenSources {
		if _, fromUTC, proved := b.ProvedOffset(source); proved {
			texts = append(texts, fmt.Sprintf("%s at %s", evidence.SourceName(source), zone.OffsetText(fromUTC)))
		}
	}
	if len(texts) == 0 {
		return ""
	}
	return ", by the offsets at which writers stamp: " + strings.Join(texts, ", ") + " (mixed-zones); read as they are, event times are wrong by as much"
}
