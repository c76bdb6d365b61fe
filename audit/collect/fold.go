package collect

import (
	"encoding/binary"
	"math"
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
		f.partitioned, f.dated, f.start, f.end = true, p.Dated(), p.Start, p.End
	}
	if f.of == model.OfSnapshot && f.dated {
		f.snapshotEnd = min(f.end, c.clock.asOf)
	}
	c.addStaleness(&f)
	f.usual = c.usualOf(f)
	return f
}

// usualRow bounds event time, ingest time and lag, all included.
type usualRow struct{ eventLow, eventHigh, ingestLow, ingestHigh, lagLow, lagHigh int64 }

// usualOf gathers the bounds that hold for every source of a file; a source's lag limit is added to them.
func (c *collector) usualOf(f filing) usualRow {
	u := usualRow{eventLow: c.clock.sentinelBefore, eventHigh: min(c.clock.sentinelAfter, c.clock.asOf), ingestLow: c.clock.sentinelBefore,
		ingestHigh: min(c.clock.sentinelAfter, f.knownBy), lagLow: -c.clock.tolerance, lagHigh: math.MaxInt64}
	if f.staleBefore != never {
		u.eventLow = max(u.eventLow, f.staleBefore)
	}
	if f.staleByLag != never {
		u.lagHigh = f.staleByLag
	}
	if !f.partitioned {
		return u
	}
	if !f.dated || f.unreferenced {
		u.eventHigh = math.MinInt64 // no row of an undated partition is usual
		return u
	}
	switch f.of {
	case model.OfSnapshot:
		u.eventHigh = min(u.eventHigh, f.end-1)
	case model.OfIngestedAt:
		u.ingestLow, u.ingestHigh = max(u.ingestLow, f.start), min(u.ingestHigh, f.end-1)
	default:
		u.eventLow, u.eventHigh = max(u.eventLow, f.start), min(u.eventHigh, f.end-1)
	}
	return u
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
	// rows are those of the block at hand.
	rows []int32
}

// folder turns blocks into facts. It belongs to one worker.
type folder struct {
	c        *collector
	known    engine.TextCodes
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
	// row is the number in the file of the block's first row; base the ordinal of the file's first row in the view.
	row, base int64
	fixed     *sourceFold
	// events and codes hold each row's event time (facts.NoTime without one) and source; unusual are rows for the slow road.
	// Where all rows of a block are usual, events are the engine's own, and not to be written to; else they are in buffer.
	events, buffer []int64
	allUsual       bool
	codes          []uint8
	// filled are so many codes from the first on that are known to be filledCode.
	filled     int
	filledCode uint8
	unusual    []int32
	// ids and instants are those of the block's entities that are told by a hash.
	ids      []keys.EntityID
	instants []int64
	// usual and usualIngest are the event and ingest times of usual rows, where they are mixed with others.
	usual, usualIngest []int64
}

// begin starts a file, at a row number.
func (f *folder) begin(file *facts.File, firstRow int64) error {
	f.filing = f.c.filingOf(file)
	f.layout = f.c.layouts[file.Schema]
	f.sources = [keys.MaxSources]*sourceFold{}
	f.used = f.used[:0]
	f.row, f.base = firstRow, f.c.bases[file.ID]
	f.fixed = nil
	clear(f.ownMatch)
	if f.newest != nil && f.filing.dated {
		f.newest.Expect(f.filing.start)
	}
	if f.layout.source != absent && file.Source == "" {
		return nil
	}
	code, err := f.known.Code([]byte(file.Source))
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
	if cap(f.buffer) < b.Rows {
		f.buffer, f.codes, f.filled = make([]int64, b.Rows), make([]uint8, b.Rows), 0
	}
	f.events, f.codes = f.buffer[:b.Rows], f.codes[:b.Rows]
	uniform, err := f.code(b, from, to)
	if err != nil {
		return err
	}
	if err := f.foldSources(b, from, to, uniform); err != nil {
		return err
	}
	if needs.Nulls && f.layout.keyNulls != absent {
		f.foldNulls(b, from, to)
	}
	if needs.Keys {
		if err := f.foldKeys(b, from, to); err != nil {
			return err
		}
	}
	if needs.Entities {
		if err := f.foldEntities(b, from, to); err != nil {
			return err
		}
	}
	f.row += int64(to - from)
	return nil
}

// foldSources folds the times of the rows, source by source. Mostly all rows are of one source, and usual.
func (f *folder) foldSources(b *engine.Block, from, to int, uniform bool) error {
	if uniform {
		s, err := f.source(f.codes[from])
		if err != nil {
			return err
		}
		if f.allUsual = f.foldUsual(s, b, from, to); f.allUsual {
			return nil
		}
	}
	f.allUsual = false
	if err := f.split(from, to); err != nil {
		return err
	}
	for _, s := range f.used {
		f.foldRows(s, b, s.rows)
	}
	return nil
}

// foldUsual folds the times of rows that are all of one source, if they are usual without exception: what that is can be
// told by their bounds.
func (f *folder) foldUsual(s *sourceFold, b *engine.Block, from, to int) bool {
	if !f.plain(s, b) || b.Vectors[s.event.vector].Mask != nil || b.Vectors[s.ingested.vector].Mask != nil {
		return false
	}
	events, ingests := b.Vectors[s.event.vector].Ints[from:to], b.Vectors[s.ingested.vector].Ints[from:to]
	bounds := boundsOf(events, ingests)
	if !bounds.within(f.usualOf(s)) {
		return false
	}
	f.events = b.Vectors[s.event.vector].Ints
	s.slice.Rows += int64(len(events))
	s.count(bounds, events, ingests)
	return true
}

// usualOf are the bounds of usual rows of a source in the file at hand.
func (f *folder) usualOf(s *sourceFold) usualRow {
	u := f.filing.usual
	if s.lagLimit != never {
		u.lagHigh = min(u.lagHigh, s.lagLimit)
	}
	return u
}

// split lists the rows of each source, so that every source is folded in one go.
func (f *folder) split(from, to int) error {
	for _, s := range f.used {
		s.rows = s.rows[:0]
	}
	for row, code := range f.codes[from:to] {
		s := f.sources[code]
		if s == nil {
			var err error
			if s, err = f.source(code); err != nil {
				return err
			}
		}
		s.rows = append(s.rows, int32(from+row))
	}
	return nil
}

// code writes the codes of the rows' sources, and says whether all are of one. A NULL source has an empty name.
func (f *folder) code(b *engine.Block, from, to int) (uniform bool, err error) {
	var code uint8
	switch {
	case f.fixed != nil:
		uniform, code = true, f.fixed.code
	case b.Vectors[f.layout.source].Mask != nil:
		code, err = f.nullSource(&b.Vectors[f.layout.source], from, to)
	case b.Vectors[f.layout.source].Texts.Equal(from, to):
		uniform = true
		code, err = f.known.Code(b.Vectors[f.layout.source].Texts.At(from))
	}
	if err != nil {
		return false, err
	}
	f.fillCodes(code, from, to)
	if uniform {
		return true, nil
	}
	f.filled = 0
	v := &b.Vectors[f.layout.source]
	return false, v.Texts.Codes(from, to, v.Mask, &f.known, f.codes)
}

// fillCodes writes one code for all rows, unless the last block left it there.
func (f *folder) fillCodes(code uint8, from, to int) {
	if code == f.filledCode && to <= f.filled {
		return
	}
	for row := from; row < to; row++ {
		f.codes[row] = code
	}
	f.filled, f.filledCode = 0, code
	if from == 0 {
		f.filled = to
	}
}

// nullSource is the code of the empty name, where one of the rows has no source.
func (f *folder) nullSource(v *engine.Vector, from, to int) (uint8, error) {
	for row := from; row < to; row++ {
		if !v.Valid(row) {
			return f.known.Code(nil)
		}
	}
	return 0, nil
}

// foldRows folds the times of a source's rows. Most rows are usual: they only move bounds and histograms, and take the
// fast road; every other row is looked at in full.
func (f *folder) foldRows(s *sourceFold, b *engine.Block, rows []int32) {
	s.slice.Rows += int64(len(rows))
	if !f.plain(s, b) {
		for _, row := range rows {
			f.foldRow(s, b, int(row))
		}
		return
	}
	f.sift(s, &b.Vectors[s.event.vector], &b.Vectors[s.ingested.vector], rows, f.usualOf(s))
	for _, row := range f.unusual {
		f.foldRow(s, b, int(row))
	}
}

// plain says whether the times of a source's rows are instants as they stand, and nothing else of a row is looked at.
func (f *folder) plain(s *sourceFold, b *engine.Block) bool {
	return s.event.plain && s.ingested.plain && len(f.layout.own) == 0 && f.c.roles.view.EventTime.Column != "" &&
		b.Vectors[s.event.vector].PerMicro == 1 && b.Vectors[s.ingested.vector].PerMicro == 1
}

// sift gathers the usual rows, counts them, and lists the others.
func (f *folder) sift(s *sourceFold, ev, in *engine.Vector, rows []int32, u usualRow) {
	f.unusual, f.usual, f.usualIngest = f.unusual[:0], f.usual[:0], f.usualIngest[:0]
	for _, row := range rows {
		if !ev.Valid(int(row)) || !in.Valid(int(row)) {
			f.unusual = append(f.unusual, row)
			continue
		}
		event, ingest := ev.Ints[row], in.Ints[row]
		lag := ingest - event
		if event < u.eventLow || event > u.eventHigh || ingest < u.ingestLow || ingest > u.ingestHigh || lag < u.lagLow || lag > u.lagHigh {
			f.unusual = append(f.unusual, row)
			continue
		}
		f.events[row] = event
		f.usual, f.usualIngest = append(f.usual, event), append(f.usualIngest, ingest)
	}
	if len(f.usual) > 0 {
		s.count(boundsOf(f.usual, f.usualIngest), f.usual, f.usualIngest)
	}
}

// boundsOf are the least and the greatest times of rows, and their lags'.
func boundsOf(events, ingests []int64) usualRow {
	ingests = ingests[:len(events)]
	u := usualRow{math.MaxInt64, math.MinInt64, math.MaxInt64, math.MinInt64, math.MaxInt64, math.MinInt64}
	for i, event := range events {
		ingest := ingests[i]
		lag := ingest - event
		u.eventLow, u.eventHigh = min(u.eventLow, event), max(u.eventHigh, event)
		u.ingestLow, u.ingestHigh = min(u.ingestLow, ingest), max(u.ingestHigh, ingest)
		u.lagLow, u.lagHigh = min(u.lagLow, lag), max(u.lagHigh, lag)
	}
	return u
}

// within says whether rows with these bounds are usual. Where the times alone are, no difference of them overflowed.
func (u usualRow) within(limits usualRow) bool {
	return u.eventLow >= limits.eventLow && u.eventHigh <= limits.eventHigh && u.ingestLow >= limits.ingestLow && u.ingestHigh <= limits.ingestHigh &&
		u.lagLow >= limits.lagLow && u.lagHigh <= limits.lagHigh
}

// count adds usual rows with these bounds to the facts of a source.
func (s *sourceFold) count(u usualRow, events, ingests []int64) {
	slice, rows := &s.slice, int64(len(events))
	slice.EventMin, slice.EventMax = least(slice.EventMin, u.eventLow), max(slice.EventMax, u.eventHigh)
	slice.NewestKnown = max(slice.NewestKnown, u.eventHigh)
	slice.IngestedMin, slice.IngestedMax = least(slice.IngestedMin, u.ingestLow), max(slice.IngestedMax, u.ingestHigh)
	slice.LagMin, slice.LagMax = least(slice.LagMin, u.lagLow), max(slice.LagMax, u.lagHigh)
	slice.LagRows += rows
	s.lags.widen(rows, u.lagLow, u.lagHigh)
	for i, ingest := range ingests[:len(events)] {
		s.lags.count(facts.LagBin(ingest - events[i]))
	}
	s.countEvents(events)
}

// countEvents counts the bins of event times, none of them before 1970, and how many begin one. Rows that follow each other
// mostly share a bin, so that they are counted together.
func (s *sourceFold) countEvents(events []int64) {
	first, rows := int64(math.MinInt64), int64(0)
	for _, event := range events {
		if uint64(event-first) >= uint64(facts.EventBinMicros) {
			s.countBin(first, rows)
			first, rows = event-event%facts.EventBinMicros, 0
		}
		rows++
		if event == first {
			s.slice.OnLattice++
		}
	}
	s.countBin(first, rows)
}

func (s *sourceFold) countBin(first, rows int64) {
	if s.events != nil && rows > 0 {
		s.events.addBin(facts.EventBin(first), rows)
	}
}

// least is the earlier of two instants of which the first may be facts.NoTime.
func least(known, instant int64) int64 {
	if known == facts.NoTime {
		return instant
	}
	return min(known, instant)
}

// foldRow folds the times of one row in full.
func (f *folder) foldRow(s *sourceFold, b *engine.Block, row int) {
	event, ok := f.foldTimes(s, b, row)
	if !ok {
		event = facts.NoTime
	}
	f.events[row] = event
}

func (f *folder) foldNulls(b *engine.Block, from, to int) {
	v := &b.Vectors[f.layout.keyNulls]
	for row := from; row < to; row++ {
		if v.Ints[row] != 0 {
			f.sources[f.codes[row]].slice.KeyNull++
		}
	}
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

func (f *folder) foldKeys(b *engine.Block, from, to int) error {
	if f.layout.keyHash == absent && len(f.layout.keyTimes) == 0 {
		return nil // the file lacks a key column: said once, for the role
	}
	ordinal := f.base + f.row
	if len(f.layout.keyTimes) == 0 && f.c.request.HashBits == 0 && b.Vectors[f.layout.keyHash].Mask == nil {
		hashes := b.Vectors[f.layout.keyHash].Ints[from:to]
		if f.keys.Narrow() {
			return f.keys.AddHashes(hashes, ordinal)
		}
		return f.keys.AddWide(hashes, ordinal, f.codes[from:to], f.events[from:to])
	}
	for row := from; row < to; row++ {
		hash, ok := f.keyHash(b, row)
		if !ok {
			f.sources[f.codes[row]].slice.KeyNull++
		} else if err := f.keys.Add(f.c.weaken(hash), uint64(ordinal), uint64(f.codes[row]), f.events[row]); err != nil {
			return err
		}
		ordinal++
	}
	return nil
}

func (f *folder) keyHash(b *engine.Block, row int) (uint64, bool) {
	hash := uint64(0)
	if f.layout.keyHash != absent {
		v := &b.Vectors[f.layout.keyHash]
		if !v.Valid(row) {
			return 0, false
		}
		hash = uint64(v.Ints[row])
	}
	if len(f.layout.keyTimes) == 0 {
		return hash, true
	}
	for i, times := 0, f.sources[f.codes[row]].keyTimes; i < len(times); i++ {
		read := times[i].read(b, row)
		if read.status != readOK {
			return 0, false
		}
		hash = mix(hash, uint64(read.micros))
	}
	return hash, true
}

// mix joins a time to a key's hash (the multiply-and-fold step of wyhash).
func mix(hash, value uint64) uint64 {
	hi, lo := bits.Mul64(hash^0xa0761d6478bd642f, value^0xe7037ed1a0b428db)
	return hi ^ lo
}

// foldEntities keeps the newest event of each row's entity. A snapshot restates an entity as of its end.
func (f *folder) foldEntities(b *engine.Block, from, to int) error {
	if !f.allUsual || f.filing.snapshotEnd != never {
		f.restate(from, to)
	}
	instants := f.events[from:to]
	if f.layout.entityInt != absent && b.Vectors[f.layout.entityInt].Mask == nil {
		return f.newest.AddIntegers(b.Vectors[f.layout.entityInt].Ints[from:to], instants)
	}
	if len(f.layout.entityText) > 0 {
		return f.foldTextEntities(b, from, to)
	}
	for row := from; row < to; row++ {
		switch {
		case f.layout.entityInt == absent || !b.Vectors[f.layout.entityInt].Valid(row):
			f.sources[f.codes[row]].slice.EntityNull++
		case f.events[row] != keys.None:
			if err := f.newest.Add(keys.EntityID{Lo: uint64(b.Vectors[f.layout.entityInt].Ints[row])}, f.events[row]); err != nil {
				return err
			}
		}
	}
	return nil
}

// foldTextEntities keeps the newest events of entities that are told by a hash of their text.
func (f *folder) foldTextEntities(b *engine.Block, from, to int) error {
	f.ids, f.instants = f.ids[:0], f.instants[:0]
	for row := from; row < to; row++ {
		id, ok := f.textEntity(b, row)
		if !ok {
			f.sources[f.codes[row]].slice.EntityNull++
			continue
		}
		if f.events[row] != keys.None {
			f.ids, f.instants = append(f.ids, id), append(f.instants, f.events[row])
		}
	}
	return f.newest.AddWide(f.ids, f.instants)
}

// restate turns event times into what they say of an entity. No usual row lies after as_of.
func (f *folder) restate(from, to int) {
	for row, instant := range f.events[from:to] {
		switch {
		case f.filing.snapshotEnd != never:
			instant = f.filing.snapshotEnd
		case instant > f.c.clock.asOf:
			instant = keys.Absent
		}
		f.buffer[from+row] = instant
	}
	f.events = f.buffer
}

func (f *folder) textEntity(b *engine.Block, row int) (keys.EntityID, bool) {
	if len(f.layout.entityText) == 1 {
		v := &b.Vectors[f.layout.entityText[0]]
		if !v.Valid(row) {
			return keys.EntityID{}, false
		}
		h := xxh3.Hash128(v.Texts.At(row))
		return keys.EntityID{Lo: h.Lo, Hi: h.Hi}, true
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
