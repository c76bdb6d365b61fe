package diff

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/featureaudit/featureaudit/audit/report"
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
func (j judge) impact(f *Finding, c Change) {
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
		f.Message += "; the data at hand does not say what that does to the store: audit it with the other ttl (featureaudit run --set ttl=...)"
		return
	}
	i.Message = i.words(c)
	f.Impact = &i
	f.Message += "; " + i.Message
}

// expired asks the data for a ttl as a change writes it. What never expires has no entity that is null, and the
// number of entities is then the other side's to say.
func (j judge) expired(view string, ttl any) (Expired, bool) {
	seconds, _ := ttl.(float64)
	if seconds <= 0 {
		return Expired{}, true
	}
	return j.policy.Data.Expired(view, seconds)
}

func (i Impact) words(c Change) string {
	span := lengthInWords(c.Old) + " -> " + lengthInWords(c.New)
	total := grouped(i.Entities)
	switch {
	case i.NullAfter != nil && i.NullBefore != nil && *i.NullAfter >= *i.NullBefore:
		return fmt.Sprintf("%s makes %s of %s entities null", span, grouped(*i.NullAfter-*i.NullBefore), total)
	case i.NullAfter != nil && i.NullBefore != nil:
		return fmt.Sprintf("%s serves %s of %s entities that were null", span, grouped(*i.NullBefore-*i.NullAfter), total)
	case i.NullAfter != nil:
		return fmt.Sprintf("%s leaves %s of %s entities null", span, grouped(*i.NullAfter), total)
	}
	return fmt.Sprintf("%s: %s of %s entities were null before", span, grouped(*i.NullBefore), total)
}

// grouped writes a count with commas.
func grouped(n int64) string {
	text := fmt.Sprint(n)
	var b strings.Builder
	for i, r := range text {
		if i > 0 && (len(text)-i)%3 == 0 && text[i-1] != '-' {
			b.WriteByte(',')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// Reports answer from the stale-entities of reports.
type Reports []report.Report

// Expired looks for a report that judged the view by that ttl.
func (rs Reports) Expired(view string, ttlSeconds float64) (Expired, bool) {
	for _, r := range rs {
		for _, v := range r.Views {
			if v.Name != view || v.Definition.TTLSeconds == nil || *v.Definition.TTLSeconds != ttlSeconds {
				continue
			}
			if e, ok := staleEntities(r, view); ok {
				return e, true
			}
		}
	}
	return Expired{}, false
}

func staleEntities(r report.Report, view string) (Expired, bool) {
	for _, res := range r.Results {
		if res.Check != "stale-entities" || res.View != view {
			continue
		}
		total, ok := count(res.Measures["entities"])
		null, ok2 := count(res.Measures["stale_entities"])
		return Expired{Entities: total, Null: null, AsOf: r.AsOf}, ok && ok2 && total > 0
	}
	return Expired{}, false
}

func count(v any) (int64, bool) {
	switch v := v.(type) {
	case int64:
		return v, true
	case int:
		return int64(v), true
	case float64:
		return int64(v), v == float64(int64(v))
	case json.Number:
		n, err := v.Int64()
		return n, err == nil
	}
	return 0, false
}
