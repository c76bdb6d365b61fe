package collect

import (
	"time"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
)

// never is before every instant and after none: as a threshold it makes nothing true.
const never = facts.NoTime

// sentinelBefore is 1980-01-01: earlier event times are placeholders ("1970-01-01", "0001-01-01"), not events.
var sentinelBefore = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro()

// sentinelYears after as_of an event time is a placeholder too ("9999-12-31").
const sentinelYears = 10

// clock holds the instants that all rows are judged by, in microseconds.
type clock struct {
	asOf           int64
	sentinelBefore int64
	sentinelAfter  int64
	tolerance      int64
}

func newClock(asOf int64, tolerance time.Duration) clock {
	after := time.UnixMicro(asOf).UTC().AddDate(sentinelYears, 0, 0).UnixMicro()
	return clock{asOf: asOf, sentinelBefore: sentinelBefore, sentinelAfter: after, tolerance: tolerance.Microseconds()}
}

func (c clock) sentinel(micros int64) bool {
	return micros < c.sentinelBefore || micros > c.sentinelAfter
}

// filing is what a file's partition and policy say of all its rows.
type filing struct {
	file *facts.File
	// knownBy is the instant after which nothing in the file can be known: max(as_of, modification time) + tolerance.
	knownBy int64
	// start and end bound the partition; dated is false without one.
	partitioned, dated bool
	start, end         int64
	// stray says that the file's folder names no period at all, so that no copy of its name is worth a comparison.
	stray bool
	// own compare typed times of the file's own partition columns with its path, in the order of the layout's.
	own []func(micros int64, aware bool) bool
	of  model.PartitionMeaning
	// staleBefore: an earlier event time had expired at the reference; never where the reference is the row's own.
	staleBefore int64
	// staleByLag: a larger lag had expired when it was ingested; never where the reference is another.
	staleByLag int64
	// unreferenced says that rows are judged for staleness but this file has no reference.
	unreferenced bool
	// usual bounds what most rows are: within them a row is neither a sentinel, future, late, stale nor misfiled.
	usual usualRow
	// snapshotEnd is the instant that a snapshot restates its entities at; never elsewhere.
	snapshotEnd int64
}

func (c *collector) filingOf(file *facts.File) filing {
	v := c.roles.view
	f := filing{file: file, knownBy: max(c.clock.asOf, file.ModTime) + c.clock.tolerance, of: v.TimePartition.Of,
		staleBefore: never, staleByLag: never, snapshotEnd: never}
	if file.Partition >= 0 {
		p := c.survey.Partitions[file.Partition]
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
	c.addStaleness(&f)
	f.usual = c.usualOf(f)
	return f
}

func (c *collector) addStaleness(f *filing) {
	v := c.roles.view
	if !v.TTL.Effective() || f.of == model.OfSnapshot {
		return
	}
	ttl := v.TTL.Duration.Microseconds()
	reference := v.StaleReference()
	switch reference {
	case model.ReferenceIngestedAt:
		f.staleByLag = ttl
	case model.ReferenceAsOf:
		f.staleBefore = c.clock.asOf - ttl
	case model.ReferencePartitionStart, model.ReferencePartitionEnd:
		switch {
		case !f.dated:
			f.unreferenced = true
		case reference == model.ReferencePartitionStart:
			f.staleBefore = f.start - ttl
		default:
			f.staleBefore = min(f.end, c.clock.asOf) - max(ttl, f.end-f.start)
		}
	default:
	}
}
