package evidence

import (
	"time"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/times"
)

// defaultMinRows is how many rows a subject needs for a fraction of its own.
const defaultMinRows = int64(100)

func (b *Index) Policy(id string) model.CheckPolicy { return b.View.Checks[id] }

func (b *Index) MinRows(id string) int64 {
	if n := b.Policy(id).MinRows; n != nil {
		return *n
	}
	return defaultMinRows
}

// Origin is where a config key's value was written, or the text given where nobody did.
func (b *Index) Origin(otherwise string, keys ...string) string {
	for _, key := range keys {
		if at := b.View.Origins[key]; at.Set() && at.Kind != model.OriginDefault {
			return at.String()
		}
	}
	return otherwise
}

// KeyDefaulted says that no key is declared, so that (entity, event_time) stands in for it.
func KeyDefaulted(v model.View) bool {
	return len(v.Key) == 0 || v.Origins["key"].Kind == model.OriginDefault
}

// KeyColumns are the columns of the key, declared or defaulted; none where there is neither.
func KeyColumns(v model.View) []string { return v.KeyColumns() }

// AgeLimit is what a source's newest event may be old, or false where nothing says.
func AgeLimit(v model.View, s model.SourcePolicy) (times.Span, bool) {
	return FirstPositive(s.MaxAge, v.MaxAge, v.TTL.Duration)
}

// LagLimit is how late a source's rows may arrive, or false where nothing says.
func LagLimit(v model.View, s model.SourcePolicy) (times.Span, bool) {
	limit := facts.LagLimit(v, s)
	return limit, limit != times.None
}

// FirstPositive is the first limit that is declared: one of nanoseconds is a limit too.
func FirstPositive(limits ...time.Duration) (times.Span, bool) {
	for _, limit := range limits {
		if limit > 0 {
			return times.SpanOf(limit), true
		}
	}
	return 0, false
}

func (b *Index) Retired(s model.SourcePolicy) bool {
	return !s.Until.IsZero() && times.At(s.Until) <= b.AsOf
}

func IsSnapshot(v model.View) bool {
	return v.TimePartition.Declared() && v.TimePartition.Of == model.OfSnapshot
}
