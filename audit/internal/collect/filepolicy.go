package collect

import (
	"time"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/times"
)

// sentinelBefore is 1980-01-01: earlier event times are placeholders ("1970-01-01", "0001-01-01"), not events.
var sentinelBefore = times.At(time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC))

// sentinelYears after as_of an event time is a placeholder too ("9999-12-31").
const sentinelYears = 10

// clock holds what all rows are judged by.
type clock struct {
	asOf      times.Instant
	tolerance times.Span
	limits    facts.Limits
}

func newClock(asOf times.Instant, tolerance time.Duration) clock {
	limits := facts.NoLimits()
	limits.SentinelBefore = sentinelBefore
	limits.SentinelAfter = times.At(asOf.Time().AddDate(sentinelYears, 0, 0))
	limits.AsOf, limits.Ahead = asOf, -times.SpanOf(tolerance)
	return clock{asOf: asOf, tolerance: times.SpanOf(tolerance), limits: limits}
}

func (c *clock) sentinel(micros int64) bool {
	return c.limits.Sentinel(times.Instant(micros))
}

// filePolicy is what a file's partition and policy say of all its rows.
type filePolicy struct {
	file *facts.File
	// start and end bound the partition; dated is false without one.
	partitioned, dated bool
	start, end         times.Instant
	// stray says that the file's folder names no period at all, so that no copy of its name is worth a comparison.
	stray bool
	// own compare typed times of the file's own partition columns with its path, in the order of the layout's.
	own []func(micros int64, aware bool) bool
	of  model.PartitionMeaning
	// limits are those that hold for every source of the file, and stale is when its rows are stale.
	limits facts.Limits
	stale  facts.Staleness
	// snapshotEnd is the instant that a snapshot restates its entities at; times.None elsewhere.
	snapshotEnd times.Instant
}

func (c *collector) filePolicyOf(file *facts.File) filePolicy {
	v := c.roles.view
	f := filePolicy{file: file, of: v.TimePartition.Of, limits: c.clock.limits, snapshotEnd: times.None}
	var p *facts.Partition
	if file.Partition >= 0 {
		p = &c.survey.Partitions[file.Partition]
		f.partitioned, f.dated, f.stray, f.start, f.end = true, p.Dated(), p.Stray, p.Start, p.End
	}
	if l := c.layouts[file.Schema]; f.partitioned && l != nil {
		for _, own := range l.own {
			f.own = append(f.own, c.request.OwnHolds(*file, own.name))
		}
	}
	if f.of == model.OfSnapshot && f.dated {
		f.snapshotEnd = min(f.end, c.clock.asOf)
	}
	f.stale = facts.StalenessOf(v, p, c.clock.asOf)
	f.limit(max(c.clock.asOf, file.ModTime).Add(c.clock.tolerance))
	return f
}

// limit sets the limits of the file, after whose instant of rest nothing in it can be known.
func (f *filePolicy) limit(knownBy times.Instant) {
	l := &f.limits
	l.KnownBy, l.StaleBefore, l.StaleLag = knownBy, f.stale.Before, f.stale.Lag
	if f.stale.Unreferenced {
		l.Referenced = facts.BeforeAll
	}
	switch {
	case !f.partitioned:
	case !f.dated:
		l.EventTo = facts.BeforeAll
	case f.of == model.OfSnapshot:
		l.EventTo = f.end - 1
	case f.of == model.OfIngestedAt:
		l.IngestFrom, l.IngestTo = f.start, f.end-1
	default:
		l.EventFrom, l.EventTo = f.start, f.end-1
	}
}
