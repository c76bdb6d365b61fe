package diff

import (
	"cmp"
	"fmt"

	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/words"
)

// Data says what a ttl does to the store: how many entities of a view have, at as_of, no row younger than the ttl. An
// audit can answer for any ttl, a report for the one that it was judged by.
type Data interface {
	Expired(view string, ttlSeconds float64) (Expired, bool)
}

// Expired counts the entities of a view, and those that a consumer gets as null.
type Expired struct {
	Entities int64
	Null     int64
	AsOf     string
	// Reason says why there are no counts, where the data was looked at.
	Reason string
}

// Impact is what a changed ttl does to the entities of a view. Nil counts are not known.
type Impact struct {
	Entities   int64  `json:"entities"`
	NullBefore *int64 `json:"null_before"`
	NullAfter  *int64 `json:"null_after"`
	AsOf       string `json:"as_of"`
	Message    string `json:"message"`
}

// impact adds to a changed ttl what it does to the data.
func (j ruleBook) impact(f *Finding, c Change) {
	before, knownBefore := j.expired(c.View, c.Old)
	after, knownAfter := j.expired(c.View, c.New)
	i := Impact{Entities: max(before.Entities, after.Entities), AsOf: before.AsOf}
	if knownBefore {
		i.NullBefore = &before.Null
	}
	if knownAfter {
		i.NullAfter, i.AsOf = &after.Null, after.AsOf
	}
	if i.Entities == 0 {
		f.Message += "; " + unknownImpact(cmp.Or(after.Reason, before.Reason))
		return
	}
	i.Message = i.words(c)
	f.Impact = &i
	f.Message += "; " + i.Message
}

func unknownImpact(reason string) string {
	if reason != "" {
		return "what that does to the store is not known: " + reason
	}
	return "the data at hand does not say what that does to the store: look at it with --data audit, or give a report that was audited with this ttl"
}

// expired asks the data for a ttl as a change writes it. What never expires has no entity that is null, and the
// number of entities is then the other side's to say. What a negative ttl does is up to each store.
func (j ruleBook) expired(view string, ttl any) (Expired, bool) {
	seconds, _ := ttl.(float64)
	switch {
	case seconds == 0:
		return Expired{}, true
	case seconds < 0:
		return Expired{Reason: "stores disagree on what a negative ttl is"}, false
	}
	return j.policy.Data.Expired(view, seconds)
}

func (i Impact) words(c Change) string {
	span := lengthInWords(c.Old) + " -> " + lengthInWords(c.New)
	total := words.Number(i.Entities)
	switch {
	case i.NullAfter != nil && i.NullBefore != nil && *i.NullAfter == *i.NullBefore:
		return fmt.Sprintf("%s changes no entity: %s of %s are null either way", span, words.Number(*i.NullAfter), total)
	case i.NullAfter != nil && i.NullBefore != nil && *i.NullAfter > *i.NullBefore:
		return fmt.Sprintf("%s makes %s of %s entities null", span, words.Number(*i.NullAfter-*i.NullBefore), total)
	case i.NullAfter != nil && i.NullBefore != nil:
		return fmt.Sprintf("%s serves %s of %s entities that were null", span, words.Number(*i.NullBefore-*i.NullAfter), total)
	case i.NullAfter != nil:
		return fmt.Sprintf("%s leaves %s of %s entities null", span, words.Number(*i.NullAfter), total)
	}
	return fmt.Sprintf("%s: %s of %s entities were null before", span, words.Number(*i.NullBefore), total)
}

// Reports answer from the stale-entities of reports.
type Reports []report.Report

// Expired looks for a report that judged the view by that ttl.
func (rs Reports) Expired(view string, ttlSeconds float64) (Expired, bool) {
	reason := ""
	for _, r := range rs {
		for _, v := range r.Views {
			if v.Name != view || v.Definition.TTLSeconds == nil || *v.Definition.TTLSeconds != ttlSeconds {
				continue
			}
			e, ok := staleEntities(r, view)
			if ok {
				return e, true
			}
			reason = cmp.Or(e.Reason, reason)
		}
	}
	return Expired{Reason: reason}, false
}

func staleEntities(r report.Report, view string) (Expired, bool) {
	res, judged := r.StaleEntities(view)
	if !judged {
		return Expired{}, false
	}
	total, ok := res.Measures.Count("entities")
	null, ok2 := res.Measures.Count("stale_entities")
	if res.Outcome == report.Error || !ok || !ok2 || total == 0 {
		return Expired{Reason: cmp.Or(res.Reason, res.Message)}, false
	}
	return Expired{Entities: total, Null: null, AsOf: r.AsOf}, true
}

// ChangedTTLs are the ttls above 0 that changes go between, by view, in seconds: what Data will be asked for.
func ChangedTTLs(changes []Change) (old, new map[string]float64) {
	old, new = map[string]float64{}, map[string]float64{}
	for _, c := range changes {
		if c.Object != TTL {
			continue
		}
		if seconds, ok := c.Old.(float64); ok && seconds > 0 {
			old[c.View] = seconds
		}
		if seconds, ok := c.New.(float64); ok && seconds > 0 {
			new[c.View] = seconds
		}
	}
	return old, new
}
