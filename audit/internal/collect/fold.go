package collect

import (
	"github.com/featureaudit/featureaudit/audit/engine"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/internal/keys"
	"github.com/featureaudit/featureaudit/audit/kept"
	"github.com/featureaudit/featureaudit/audit/model"
)

// sourceFold gathers the facts of one file and source.
type sourceFold struct {
	slice    facts.Slice
	code     uint8
	event    timeReader
	ingested timeReader
	// limits are what its rows are judged by, and normal bounds those that take the fast road.
	limits facts.Limits
	normal facts.Bounds
	// sensitive says that no value of the event time may leave the store.
	sensitive bool
	lags      *lagCounts
	events    *eventCounts
	// keyTimes and identityTimes read the times that are part of a key, or of an entity or a writer.
	keyTimes, identityTimes []timeReader
	// rows are those of the block at hand.
	rows []int32
}

// accumulator turns blocks into facts. It belongs to one worker.
type accumulator struct {
	c     *collector
	known engine.TextCodes
	keys  *keys.Writer
	// settled takes the entities of all files but those that are kept apart, which apart takes; nil until there are some.
	settled, apart *keys.NewestWriter
	tallies        tallies
	scratch        []byte
	sealed         sealedIdentities
	ownMatch       map[string]bool

	// of the file at hand
	newest  *keys.NewestWriter
	policy  filePolicy
	layout  *layout
	sources [keys.MaxSources]*sourceFold
	used    []*sourceFold
	// row is the number in the file of the block's first row; base the ordinal of the file's first row in the view.
	row, base int64
	fixed     *sourceFold
	// events and codes hold each row's event time (times.None without one) and source; others are rows for the slow road.
	// Where all rows of a block are normal, events are the engine's own, and not to be written to; else they are in buffer.
	events, buffer []int64
	allNormal      bool
	codes          []uint8
	// filled are so many codes from the first on that are known to be filledCode.
	filled     int
	filledCode uint8
	others     []int32
	// ids and instants are those of the block's entities that are told by a hash; integers and instants of such that are told by an integer
	// and may be NULL.
	ids      []keys.EntityID
	integers []int64
	instants []int64
	// ingests hold each row's ingest time (times.None without one), as events do, where writers are sampled.
	ingests, ingestBuffer []int64
	// identities are those of the block's writers that are told by a hash, of the rows that have one.
	identities []entityID
	identified []bool
	stages     [keys.MaxSources]*writerStage
	// normal and normalIngest are the event and ingest times of normal rows, where they are mixed with others.
	normal, normalIngest []int64
	// capture is that of the file at hand; nil where nothing is kept of it. keptKeys are those of its keys that came last.
	capture  *capture
	keptKeys *kept.Packer
	// keptEntities are those of its entities that are kept in the order of rows, and seen tells how many they are.
	keptEntities *kept.Packer
	seen         *seenEntities
}

// begin starts a file, at a row number.
func (f *accumulator) begin(file *facts.File, firstRow int64) error {
	f.policy = f.c.filePolicyOf(file)
	f.layout = f.c.layouts[file.Schema]
	f.sources = [keys.MaxSources]*sourceFold{}
	f.used = f.used[:0]
	f.row, f.base = firstRow, f.c.bases[file.ID]
	f.fixed = nil
	clear(f.ownMatch)
	f.flushFiles()
	f.capture = f.c.captureOf(file.ID)
	f.newest = nil
	if f.c.viewEntities == nil || f.capture != nil && f.capture.ordered { // else they come from what is captured
		f.newest = f.newestWriter(file)
	}
	if f.newest != nil && f.policy.dated {
		f.newest.Expect(int64(f.policy.start))
	}
	if f.layout.source != absent && file.Source == "" {
		return nil
	}
	code, err := f.known.Code([]byte(file.Source))
	if err != nil {
		return err
	}
	f.fixed, err = f.source(code, firstRow)
	return err
}

// newestWriter takes the entities of a file; it is nil where they are not wanted.
func (f *accumulator) newestWriter(file *facts.File) *keys.NewestWriter {
	if f.c.newest == nil {
		return nil
	}
	if !f.c.settled.keepsApart(file) {
		if f.settled == nil {
			f.settled = f.c.newest.NewWriter()
		}
		return f.settled
	}
	if f.apart == nil {
		f.apart = f.c.settled.newestApart().NewWriter()
	}
	return f.apart
}

// end hands the facts of the file's rows over.
func (f *accumulator) end() {
	f.c.addSlices(f.used)
	f.endKeys()
	f.endEntities()
}

// source gives the fold of a source, of which a row comes whose number in the file is row. Blocks of a file come in any order.
func (f *accumulator) source(code uint8, row int64) (*sourceFold, error) {
	if s := f.sources[code]; s != nil {
		s.slice.FirstRow = min(s.slice.FirstRow, row)
		return s, nil
	}
	name := f.c.names.name(code)
	if err := f.c.roomForSlice(sliceKey{f.policy.file.ID, name}); err != nil {
		return nil, err
	}
	s := &sourceFold{slice: facts.NewSlice(f.policy.file.ID, name), code: code}
	s.slice.FirstRow = row
	policy := sourcePolicy(f.c.roles.view, name)
	s.limits = f.policy.limits
	s.limits.LagLimit = policy.lagLimit
	s.normal = s.limits.Normal()
	s.sensitive = f.c.roles.view.Hides(policy.event.Column)
	var err error
	if s.event, err = f.reader(policy.event, policy.eventZone); err != nil {
		return nil, err
	}
	if s.ingested, err = f.reader(policy.ingested, policy.ingestedZone); err != nil {
		return nil, err
	}
	if s.keyTimes, err = f.readers(f.layout.keyTimes, policy); err != nil {
		return nil, err
	}
	if s.identityTimes, err = f.readers(f.layout.identityTimes, policy); err != nil {
		return nil, err
	}
	population := tallied{facts.Population{Partition: f.policy.file.Partition, Source: name, Writer: f.policy.file.Writer}, noFile}
	if f.capture != nil {
		population.file = f.policy.file.ID
	}
	s.lags = f.tallies.lagsOf(population)
	if f.c.roles.wants.Has(facts.WantEvents) {
		population.Writer = ""
		s.events = f.tallies.eventsOf(population)
	}
	f.sources[code] = s
	f.used = append(f.used, s)
	return s, nil
}

func (f *accumulator) readers(times []keyTime, policy rowPolicy) ([]timeReader, error) {
	var readers []timeReader
	for _, k := range times {
		reader, err := f.reader(policy.read(k))
		if err != nil {
			return nil, err
		}
		readers = append(readers, reader)
	}
	return readers, nil
}

func (f *accumulator) reader(column model.TimeColumn, zoneName string) (timeReader, error) {
	vector, ok := f.layout.times[column]
	if !column.Declared() || !ok {
		return absentTime, nil
	}
	found := f.layout.schema.Lookup(column.Column)
	return newTimeReader(vector, f.layout.schema.Encoding(*found), column, f.c.zones(), zoneName)
}

// foldLive folds the rows of a block that count, the first of which has a number in its file.
func (f *accumulator) foldLive(b *engine.Block, from, to int, number int64) error {
	deleted, skipped := f.policy.file.Deleted, int64(0)
	for from < to {
		end := to
		if deleted != nil {
			next := deleted.Next(number)
			if next == number {
				from, number, skipped = from+1, number+1, skipped+1
				continue
			}
			if next >= 0 {
				end = int(min(int64(to), int64(from)+next-number))
			}
		}
		f.row = number
		if err := f.fold(b, from, end); err != nil {
			return err
		}
		number += int64(end - from)
		from = end
	}
	if f.capture != nil && skipped > 0 {
		f.capture.passed(skipped)
	}
	return nil
}

// fold adds the rows of a block to the facts of the file at hand.
func (f *accumulator) fold(b *engine.Block, from, to int) error {
	wants := f.c.roles.wants
	if cap(f.buffer) < b.Rows {
		f.buffer, f.codes, f.filled = make([]int64, b.Rows), make([]uint8, b.Rows), 0
		f.ingestBuffer = make([]int64, b.Rows)
	}
	f.events, f.codes, f.ingests = f.buffer[:b.Rows], f.codes[:b.Rows], f.ingestBuffer[:b.Rows]
	uniform, err := f.code(b, from, to)
	if err != nil {
		return err
	}
	if err := f.foldSources(b, from, to, uniform); err != nil {
		return err
	}
	if wants.Has(facts.WantWriters) {
		f.foldWriters(b, from, to, uniform)
	}
	if wants.Has(facts.WantNulls) {
		f.foldNulls(b, from, to)
	}
	if wants.Has(facts.WantKeys) {
		if err := f.foldKeys(b, from, to); err != nil {
			return err
		}
	}
	if wants.Has(facts.WantEntities) {
		if err := f.foldEntities(b, from, to); err != nil {
			return err
		}
	}
	if f.capture != nil {
		f.capture.passed(int64(to - from))
	}
	f.row += int64(to - from)
	return nil
}

// foldSources folds the times of the rows, source by source. Mostly all rows are of one source, and normal.
func (f *accumulator) foldSources(b *engine.Block, from, to int, uniform bool) error {
	if uniform {
		s, err := f.source(f.codes[from], f.row)
		if err != nil {
			return err
		}
		if f.allNormal = f.foldNormal(s, b, from, to); f.allNormal {
			return nil
		}
	}
	f.allNormal = false
	if err := f.split(from, to); err != nil {
		return err
	}
	for _, s := range f.used {
		f.foldRows(s, b, s.rows)
	}
	return nil
}

// split lists the rows of each source, so that every source is folded in one go.
func (f *accumulator) split(from, to int) error {
	for _, s := range f.used {
		s.rows = s.rows[:0]
	}
	for row, code := range f.codes[from:to] {
		s := f.sources[code]
		if s == nil {
			var err error
			if s, err = f.source(code, f.row+int64(row)); err != nil {
				return err
			}
		}
		s.rows = append(s.rows, int32(from+row))
	}
	for _, s := range f.used {
		if len(s.rows) > 0 {
			s.slice.FirstRow = min(s.slice.FirstRow, f.row+int64(s.rows[0])-int64(from))
		}
	}
	return nil
}

// code writes the codes of the rows' sources, and says whether all are of one. A NULL source has an empty name.
func (f *accumulator) code(b *engine.Block, from, to int) (uniform bool, err error) {
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
func (f *accumulator) fillCodes(code uint8, from, to int) {
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
func (f *accumulator) nullSource(v *engine.Vector, from, to int) (uint8, error) {
	for row := from; row < to; row++ {
		if !v.Valid(row) {
			return f.known.Code(nil)
		}
	}
	return 0, nil
}
