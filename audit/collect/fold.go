package collect

import (
	"encoding/binary"
	"math/bits"
	"time"

	"github.com/zeebo/xxh3"

	"github.com/featureaudit/featureaudit/audit/engine"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/keys"
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
	of                 model.PartitionMeaning
	// staleBefore: an earlier event time had expired at the reference; never where the reference is the row's own.
	staleBefore int64
	// staleByLag: a larger lag had expired when it was ingested; never where the reference is another.
	staleByLag int64
	// unreferenced says that rows are judged for staleness but this file has no reference.
	unreferenced bool
	// snapshotEnd is the instant that a snapshot restates its entities at; never elsewhere.
	snapshotEnd int64
}

func (c *collector) filingOf(file *facts.File) filing {
	v := c.roles.view
	f := filing{file: file, knownBy: max(c.clock.asOf, file.ModTime) + c.clock.tolerance, of: v.TimePartition.Of,
		staleBefore: never, staleByLag: never, snapshotEnd: never}
	if file.Partition >= 0 {
		p := c.survey.Partitions[file.Partition]
		f.partitioned, f.dated, f.start, f.end = true, p.Dated(), p.Start, p.End
	}
	if f.of == model.OfSnapshot && f.dated {
		f.snapshotEnd = min(f.end, c.clock.asOf)
	}
	c.addStaleness(&f)
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
	}
}

// sourceFold gathers the facts of one file and source.
type sourceFold struct {
	slice    facts.Slice
	code     uint8
	event    timeReader
	ingested timeReader
	lagLimit int64
	lags     *lagCounts
	events   *eventCounts
	keyTimes []timeReader
}

// folder turns blocks into facts. It belongs to one worker.
type folder struct {
	c        *collector
	cache    sourceCache
	keys     *keys.Writer
	newest   *keys.NewestWriter
	tallies  tallies
	scratch  []byte
	ownMatch map[string]bool

	// of the file at hand
	filing  filing
	layout  *layout
	sources [keys.MaxSources]*sourceFold
	used    []*sourceFold
	row     int64
	fixed   *sourceFold
}

// begin starts a file, at a row number.
func (f *folder) begin(file *facts.File, firstRow int64) error {
	f.filing = f.c.filingOf(file)
	f.layout = f.c.layouts[file.Schema]
	f.sources = [keys.MaxSources]*sourceFold{}
	f.used = f.used[:0]
	f.row = firstRow
	f.fixed = nil
	clear(f.ownMatch)
	if f.layout.source != absent {
		return nil
	}
	code, err := f.cache.code([]byte(file.Source))
	if err != nil {
		return err
	}
	f.fixed, err = f.source(code)
	return err
}

// end hands the facts of the file's rows over.
func (f *folder) end() {
	f.c.addSlices(f.used)
}

// source gives the fold of a source, made when its first row comes.
func (f *folder) source(code uint8) (*sourceFold, error) {
	if s := f.sources[code]; s != nil {
		return s, nil
	}
	name := f.c.names.name(code)
	s := &sourceFold{slice: facts.NewSlice(f.filing.file.ID, name), code: code}
	policy := sourcePolicy(f.c.roles.view, name)
	s.lagLimit = policy.lagLimit
	var err error
	if s.event, err = f.reader(policy.event, policy.eventZone); err != nil {
		return nil, err
	}
	if s.ingested, err = f.reader(policy.ingested, policy.ingestedZone); err != nil {
		return nil, err
	}
	for _, key := range f.layout.keyTimes {
		column, zoneName := key.column, firstZone(key.column.Zone, policy.zone)
		if column.Column == policy.event.Column {
			column, zoneName = policy.event, policy.eventZone
		}
		reader, err := f.reader(column, zoneName)
		if err != nil {
			return nil, err
		}
		s.keyTimes = append(s.keyTimes, reader)
	}
	population := facts.Population{Partition: f.filing.file.Partition, Source: name, Writer: f.filing.file.Writer}
	s.lags = f.tallies.lagsOf(population)
	if f.c.roles.needs.Events {
		population.Writer = ""
		s.events = f.tallies.eventsOf(population)
	}
	f.sources[code] = s
	f.used = append(f.used, s)
	return s, nil
}

func (f *folder) reader(column model.TimeColumn, zoneName string) (timeReader, error) {
	vector, ok := f.layout.times[column]
	if !column.Declared() || !ok {
		return absentTime, nil
	}
	found := f.layout.schema.Lookup(column.Column)
	return newTimeReader(vector, f.layout.schema.Encoding(*found), column, f.c.zones(), zoneName)
}

// fold adds the rows of a block to the facts of the file at hand.
func (f *folder) fold(b *engine.Block, from, to int) error {
	needs := f.c.roles.needs
	for row := from; row < to; row++ {
		s, err := f.sourceOf(b, row)
		if err != nil {
			return err
		}
		s.slice.Rows++
		event, inTime := f.foldTimes(s, b, row)
		if needs.Nulls && f.layout.keyNulls != absent && b.Vectors[f.layout.keyNulls].Ints[row] != 0 {
			s.slice.KeyNull++
		}
		if needs.Keys {
			if err := f.foldKey(s, b, row, event, inTime); err != nil {
				return err
			}
		}
		if needs.Entities {
			if err := f.foldEntity(s, b, row, event, inTime); err != nil {
				return err
			}
		}
		f.row++
	}
	return nil
}

func (f *folder) sourceOf(b *engine.Block, row int) (*sourceFold, error) {
	if f.fixed != nil {
		return f.fixed, nil
	}
	v := &b.Vectors[f.layout.source]
	var text []byte
	if v.Valid(row) {
		text = v.Texts.At(row)
	}
	code, err := f.cache.code(text)
	if err != nil {
		return nil, err
	}
	if s := f.sources[code]; s != nil {
		return s, nil
	}
	return f.source(code)
}

// foldTimes counts what the row's times say, and gives its event time if it has a usable one.
func (f *folder) foldTimes(s *sourceFold, b *engine.Block, row int) (int64, bool) {
	slice, clock := &s.slice, &f.c.clock
	ingest, known := s.ingested.instant(b, row)
	if !known {
		ingest, known = f.oddIngest(s, b, row)
	}
	if !known || clock.sentinel(ingest) {
		slice.IngestedNull++
		known = false
	} else {
		if ingest < slice.IngestedMin || slice.IngestedMin == facts.NoTime {
			slice.IngestedMin = ingest
		}
		if ingest > slice.IngestedMax {
			slice.IngestedMax = ingest
		}
	}
	event, ok := s.event.instant(b, row)
	if !ok {
		if event, ok = f.oddEvent(s, b, row); !ok {
			return 0, false
		}
	}
	if clock.sentinel(event) {
		slice.EventSentinel++
		return 0, false
	}
	f.foldEvent(s, b, row, event, ingest, known)
	return event, true
}

// oddEvent reads an event time that is not plainly an instant, and counts how.
func (f *folder) oddEvent(s *sourceFold, b *engine.Block, row int) (int64, bool) {
	read := s.event.read(b, row)
	if read.offset {
		s.slice.TextOffset++
	}
	if read.bare {
		s.slice.TextNaive++
	}
	switch read.status {
	case readNull:
		s.slice.EventNull++
		return 0, false
	case readUnparsed:
		s.slice.EventUnparsed++
		return 0, false
	}
	if read.odd && !f.c.clock.sentinel(read.micros) {
		s.slice.AmbiguousLocal++
	}
	return read.micros, true
}

func (f *folder) oddIngest(s *sourceFold, b *engine.Block, row int) (int64, bool) {
	read := s.ingested.read(b, row)
	return read.micros, read.status == readOK
}

func (f *folder) foldEvent(s *sourceFold, b *engine.Block, row int, event, ingest int64, known bool) {
	slice, clock := &s.slice, &f.c.clock
	if event < slice.EventMin || slice.EventMin == facts.NoTime {
		slice.EventMin = event
	}
	if event > slice.EventMax {
		slice.EventMax = event
	}
	if event%facts.EventBinMicros == 0 {
		slice.OnLattice++
	}
	if s.events != nil {
		s.events.add(event)
	}
	lag := int64(0)
	if known {
		lag = ingest - event
		slice.LagRows++
		if lag < slice.LagMin || slice.LagMin == facts.NoTime {
			slice.LagMin = lag
		}
		if lag > slice.LagMax {
			slice.LagMax = lag
		}
		s.lags.add(lag)
	}
	switch {
	case known && event > ingest+clock.tolerance:
		slice.FutureIngested++
		slice.NewestFuture = max(slice.NewestFuture, event)
	case known && ingest > f.filing.knownBy, !known && event > f.filing.knownBy:
		slice.FutureAsOf++
		slice.NewestFuture = max(slice.NewestFuture, event)
	case event > clock.asOf:
		slice.AfterAsOf++
		return
	default:
		if event > slice.NewestKnown {
			slice.NewestKnown = event
		}
	}
	if known && s.lagLimit != never && lag > s.lagLimit {
		slice.LagOver++
	}
	f.foldStale(slice, event, lag, known)
	f.foldFiling(slice, b, row, event, ingest, known)
}

func (f *folder) foldStale(slice *facts.Slice, event, lag int64, known bool) {
	stale := event < f.filing.staleBefore
	if f.filing.staleByLag != never {
		stale = known && lag > f.filing.staleByLag
		if !known {
			slice.StaleUnreferenced++
		}
	}
	if f.filing.unreferenced {
		slice.StaleUnreferenced++
	}
	if !stale {
		return
	}
	slice.Stale++
	if slice.OldestStale == facts.NoTime || event < slice.OldestStale {
		slice.OldestStale = event
	}
}

// foldFiling counts a row that lies outside its partition, once.
func (f *folder) foldFiling(slice *facts.Slice, b *engine.Block, row int, event, ingest int64, known bool) {
	if !f.filing.partitioned {
		return
	}
	for _, own := range f.layout.own {
		if !f.ownAgrees(own, b, row) {
			slice.OwnColumnDiffers++
			return
		}
	}
	switch {
	case !f.filing.dated:
		slice.MisfiledUndated++
	case f.filing.of == model.OfSnapshot, f.filing.of == model.OfIngestedAt && !known:
		if event >= f.filing.end {
			slice.MisfiledAfter++
		}
	case f.filing.of == model.OfIngestedAt:
		f.countOutside(slice, ingest)
	default:
		f.countOutside(slice, event)
	}
}

func (f *folder) countOutside(slice *facts.Slice, instant int64) {
	switch {
	case instant < f.filing.start:
		slice.MisfiledBefore++
	case instant >= f.filing.end:
		slice.MisfiledAfter++
	}
}

// ownAgrees says whether the file's own partition column says what its path says.
func (f *folder) ownAgrees(own ownColumn, b *engine.Block, row int) bool {
	v := &b.Vectors[own.vector]
	if !v.Valid(row) {
		return !f.filing.dated
	}
	text := v.Texts.At(row)
	f.scratch = append(append(append(f.scratch[:0], own.name...), '='), text...)
	agrees, ok := f.ownMatch[string(f.scratch)]
	if !ok {
		agrees = f.c.ownAgrees(f.filing.file, own.name, string(text))
		f.ownMatch[string(f.scratch)] = agrees
	}
	return agrees
}

func (f *folder) foldKey(s *sourceFold, b *engine.Block, row int, event int64, inTime bool) error {
	hash := uint64(0)
	if f.layout.keyHash != absent {
		v := &b.Vectors[f.layout.keyHash]
		if !v.Valid(row) {
			s.slice.KeyNull++
			return nil
		}
		hash = uint64(v.Ints[row])
	} else if len(f.layout.keyTimes) == 0 {
		return nil // the file lacks a key column: said elsewhere, once
	}
	for i := range s.keyTimes {
		read := s.keyTimes[i].read(b, row)
		if read.status != readOK {
			s.slice.KeyNull++
			return nil
		}
		hash = mix(hash, uint64(read.micros))
	}
	if !inTime {
		event = facts.NoTime
	}
	return f.keys.Add(keys.Entry{Hash: f.c.weaken(hash), Place: keys.NewPlace(f.filing.file.ID, s.code, f.row), Event: event})
}

// mix joins a time to a key's hash (the multiply-and-fold step of wyhash).
func mix(hash, value uint64) uint64 {
	hi, lo := bits.Mul64(hash^0xa0761d6478bd642f, value^0xe7037ed1a0b428db)
	return hi ^ lo
}

func (f *folder) foldEntity(s *sourceFold, b *engine.Block, row int, event int64, inTime bool) error {
	id, ok := f.entity(b, row)
	if !ok {
		s.slice.EntityNull++
		return nil
	}
	switch {
	case f.filing.snapshotEnd != never:
		return f.newest.Add(id, f.filing.snapshotEnd)
	case !inTime:
		return nil
	case event > f.c.clock.asOf:
		return f.newest.Add(id, keys.Absent)
	}
	return f.newest.Add(id, event)
}

func (f *folder) entity(b *engine.Block, row int) (keys.EntityID, bool) {
	if f.layout.entityInt != absent {
		v := &b.Vectors[f.layout.entityInt]
		if !v.Valid(row) {
			return keys.EntityID{}, false
		}
		return f.c.integerIdentity(v.Ints[row]), true
	}
	if len(f.layout.entityText) == 0 {
		return keys.EntityID{}, false
	}
	f.scratch = f.scratch[:0]
	for _, index := range f.layout.entityText {
		v := &b.Vectors[index]
		if !v.Valid(row) {
			return keys.EntityID{}, false
		}
		text := v.Texts.At(row)
		// the length in front keeps ('a', 'bc') apart from ('ab', 'c')
		f.scratch = binary.AppendUvarint(f.scratch, uint64(len(text)))
		f.scratch = append(f.scratch, text...)
	}
	h := xxh3.Hash128(f.scratch)
	return keys.EntityID{Lo: h.Lo, Hi: h.Hi}, true
}
