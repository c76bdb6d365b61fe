package collect

import (
	"encoding/binary"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/zeebo/xxh3"

	"github.com/featureaudit/featureaudit/audit/engine"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/internal/keys"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/times"
	"github.com/featureaudit/featureaudit/audit/zone"
)

// Elsewhere puts the facts of a view together whose rows another engine counts where they are. It holds the rules by which rows are
// read and judged here, so that both give the same facts: the engine is asked by them, and what it answers is added. It is used by one
// goroutine.
type Elsewhere struct {
	c *collector
	v *verifier
}

// NewElsewhere settles forms, units and zones. The error is a zone that does not load.
func NewElsewhere(r Request) (*Elsewhere, error) {
	none := learnt{unread: map[int32]facts.Problem{}, refused: map[string]string{}, beyond: map[int32]bool{}, copies: &copies{byFile: map[int32]Repaged{}}}
	c, err := newCollector(nil, r, none)
	if err != nil {
		return nil, err
	}
	return &Elsewhere{c: c}, nil
}

// Wants is what is wanted of the rows, without what needs roles that the files cannot fill.
func (e *Elsewhere) Wants() facts.Wants { return e.c.roles.wants }

// Refuse says why a role cannot be read by the engine, and what is not wanted for it. The first reason stays.
func (e *Elsewhere) Refuse(role, reason string, without facts.Wants) {
	if e.c.collection.RoleProblems[role] == "" {
		e.c.collection.RoleProblems[role] = reason
	}
	e.c.roles.wants &^= without
}

// Beyond is Refuse for what the engine does not read, whatever the files hold: what rests on it has no verdict, and is no error.
func (e *Elsewhere) Beyond(role, reason string, without facts.Wants) {
	if e.c.collection.RolesBeyond == nil {
		e.c.collection.RolesBeyond = map[string]bool{}
	}
	e.c.collection.RolesBeyond[role] = e.c.collection.RoleProblems[role] == "" || e.c.collection.RolesBeyond[role]
	e.Refuse(role, reason, without)
}

// Leave takes something out of what is wanted, which is known not to be had.
func (e *Elsewhere) Leave(wants facts.Wants) { e.c.roles.wants &^= wants }

// Problem is why a role cannot be read, empty where it can.
func (e *Elsewhere) Problem(role string) string { return e.c.collection.RoleProblems[role] }

// SetAside leaves a file out whose rows could not be read.
func (e *Elsewhere) SetAside(file int32, problem facts.Problem) { e.c.unread[file] = problem }

// Unread says whether a file was left out.
func (e *Elsewhere) Unread(file int32) bool {
	_, is := e.c.unread[file]
	return is
}

// TimeRead is how a time column of the rows of a file and source is read.
type TimeRead struct {
	// Stored is nil where the rows have no such column.
	Stored   *facts.Column
	Encoding facts.Encoding
	// Unit is that of numbers.
	Unit string
	// Zone is that of naive times, nil for UTC; Format is the pattern of texts, empty for RFC 3339.
	Zone   *zone.Table
	Format string
}

// RowRules are what the rows of a file and source are judged by.
type RowRules struct {
	// Limits have the source's own LagLimit.
	Limits          facts.Limits
	Event, Ingested TimeRead
	// KeyTimes and EntityTimes are those of their parts by position, nil where a part is no time.
	KeyTimes, EntityTimes, WriterTimes []*TimeRead
	Partitioned, Dated                 bool
	Start, End                         times.Instant
	Stale                              facts.Staleness
	// SnapshotEnd is the instant that a snapshot restates its entities at; times.None elsewhere.
	SnapshotEnd times.Instant
	// FiledByEvent says that the file's own partition column is the event time itself; Own are its other copies of hive keys.
	FiledByEvent bool
	Own          []string
	// InRange says that verdicts are wanted for the file's partition.
	InRange bool
}

// RulesOf gives the rules of a file's rows of a source.
func (e *Elsewhere) RulesOf(file *facts.File, source string) RowRules {
	c := e.c
	f, l, p := c.filePolicyOf(file), c.layouts[file.Schema], sourcePolicy(c.roles.view, source)
	r := RowRules{Limits: f.limits, Partitioned: f.partitioned, Dated: f.dated, Start: f.start, End: f.end, Stale: f.stale, SnapshotEnd: f.snapshotEnd,
		FiledByEvent: l.filedByEvent, InRange: c.fileInRange(file.ID)}
	r.Limits.LagLimit = p.lagLimit
	r.Event, r.Ingested = e.timeRead(l, p.event, p.eventZone), e.timeRead(l, p.ingested, p.ingestedZone)
	for _, own := range l.own {
		if !f.stray {
			r.Own = append(r.Own, own.name)
		}
	}
	timed := func(names []string, forms []engine.Form, always bool) []*TimeRead {
		reads := make([]*TimeRead, len(names))
		for i, name := range names {
			if i >= len(forms) || !isTime(forms[i]) || forms[i].Exact && !always {
				continue
			}
			column, declared := timeColumnNamed(c.roles.view, name)
			by, zoneName := p.read(keyTime{column: column, written: !declared})
			read := e.timeRead(l, by, zoneName)
			reads[i] = &read
		}
		return reads
	}
	r.KeyTimes = timed(c.roles.view.Key, c.roles.keyForms, true)
	r.EntityTimes = timed(c.roles.view.Entity, c.roles.entityForms, false)
	r.WriterTimes = timed(writerColumns(c.roles.view), c.roles.writerForms, false)
	return r
}

func (e *Elsewhere) timeRead(l *layout, column model.TimeColumn, zoneName string) TimeRead {
	stored := l.schema.Lookup(column.Column)
	if !column.Declared() || stored == nil || l.schema.Encoding(*stored) == facts.EncodingNone {
		return TimeRead{}
	}
	read := TimeRead{Stored: stored, Encoding: l.schema.Encoding(*stored), Unit: column.Unit}
	if read.Unit == "" {
		read.Unit = e.c.roles.units[unitKey{l.schema.ID, column.Column}]
	}
	switch read.Encoding {
	case facts.EncodingTextNaive, facts.EncodingTextOffset:
		if column.Format != "rfc3339" {
			read.Format = column.Format
		}
	case facts.EncodingNaive, facts.EncodingInt96Naive, facts.EncodingDate:
	default:
		return read
	}
	read.Zone, _ = e.c.zones().load(zoneName) // those that do not load were refused with the roles
	return read
}

// Identity is a column of a key, an entity or a writer, with the form that its values are compared in.
type Identity struct {
	Name string
	Form engine.Form
}

// Key, Entity and Writer are the columns that tell rows apart, in their order.
func (e *Elsewhere) Key() []Identity {
	return identities(e.c.roles.view.Key, e.c.roles.keyForms)
}

// Entity is as Key says.
func (e *Elsewhere) Entity() []Identity {
	return identities(e.c.roles.view.Entity, e.c.roles.entityForms)
}

// Writer is as Key says.
func (e *Elsewhere) Writer() []Identity {
	return identities(writerColumns(e.c.roles.view), e.c.roles.writerForms)
}

func identities(names []string, forms []engine.Form) []Identity {
	all := make([]Identity, min(len(names), len(forms)))
	for i := range all {
		all[i] = Identity{names[i], forms[i]}
	}
	return all
}

// Compared is a column that repeats are compared by, or that they double-count.
type Compared struct {
	Name string
	Form engine.Form
}

// Payload are the columns that a repeat must agree in.
func (e *Elsewhere) Payload() []Compared { return compared(e.c.payloadColumns()) }

// Measures are the columns whose surplus is added up.
func (e *Elsewhere) Measures() []Compared {
	var measures []payloadColumn
	for _, name := range e.c.roles.view.Measures {
		if e.c.collection.RoleProblems["measures"] == "" {
			measures = append(measures, e.c.sharedColumn(name))
		}
	}
	return compared(measures)
}

func compared(columns []payloadColumn) []Compared {
	all := make([]Compared, len(columns))
	for i, column := range columns {
		all[i] = Compared{column.name, column.form}
	}
	return all
}

// Groups says by what rows may repeat each other: their source, their partition.
func (e *Elsewhere) Groups() (bySource, byPartition bool) {
	groups := e.c.oncePer()
	return slices.Contains(groups, oncePerSource), slices.Contains(groups, oncePerPartition)
}

// AddSlice adds the rows of a file and source, with their lags and, where they are wanted, their event times. More sources than there
// may be are an error.
func (e *Elsewhere) AddSlice(s facts.Slice, lags *facts.LagHistogram, events *facts.EventHistogram) error {
	c, file := e.c, e.c.survey.Files[s.File]
	s.Source = facts.SourceText(s.Source)
	if _, err := c.names.code(s.Source); err != nil {
		return err
	}
	key := sliceKey{s.File, s.Source}
	if err := c.roomForSlice(key); err != nil {
		return err
	}
	e.capture(key, lags, events)
	c.slices.add(s, len(c.survey.Files))
	population := facts.Population{Partition: file.Partition, Source: s.Source, Writer: file.Writer}
	c.lagsOf(population).Merge(lags)
	if c.roles.wants.Has(facts.WantEvents) {
		population.Writer = ""
		c.eventsOf(population).Merge(events)
	}
	return nil
}

// FinishSlices ends the adding of slices: what follows rests on all of them.
func (e *Elsewhere) FinishSlices() { e.c.finishSlices() }

// MostWriterRows is how many sampled rows a source may keep.
func (e *Elsewhere) MostWriterRows() int {
	return min(facts.MaxWriterRows, allWriterRows/max(1, len(e.c.names.names)))
}

// WriterPart is one column of who stamped a row: a number where the identity is one integer, else a text, or a time in microseconds.
type WriterPart struct {
	Text    string
	Int     int64
	Integer bool
	Timed   bool
}

// AddWriterRows adds rows of one writer and source to the sample.
func (e *Elsewhere) AddWriterRows(source string, writer []WriterPart, rows []WriterTimes) {
	sample := e.sampleOf(source)
	hash, names := writerOf(writer)
	for _, row := range rows {
		if made, ok := facts.NewWriterRow(hash, row.Event, row.Ingested, row.File); ok {
			addWriterRow(sample, made, names)
		}
	}
}

// AddHashedRows adds sampled rows of a writer by hashes that the engine made: all writers whose hash is below limit are added, each with
// its rows of the smallest hashes.
func (e *Elsewhere) AddHashedRows(source string, writer []WriterPart, hash, limit uint64, rows []WriterTimes) {
	sample := e.sampleOf(source)
	sample.Limit = min(sample.Limit, limit)
	_, names := writerOf(writer)
	for _, row := range rows {
		if made, ok := facts.NewWriterRow(hash, row.Event, row.Ingested, row.File); ok {
			made.Row = row.Row
			addWriterRow(sample, made, names)
		}
	}
}

func addWriterRow(sample *facts.WriterSample, row facts.WriterRow, names []string) {
	sample.Rows = append(sample.Rows, row)
	if sample.Names != nil {
		sample.Names[row.Writer] = names
	}
}

func (e *Elsewhere) sampleOf(source string) *facts.WriterSample {
	if e.c.collection.Writers == nil {
		e.c.collection.Writers = map[string]*facts.WriterSample{}
	}
	source = facts.SourceText(source)
	sample := e.c.collection.Writers[source]
	if sample == nil {
		sample = &facts.WriterSample{Limit: facts.AllWriters}
		if e.c.writers.named {
			sample.Names = map[uint64][]string{}
		}
		e.c.collection.Writers[source] = sample
	}
	return sample
}

// WriterTimes are the times of one row, and a hash of them where the engine made one.
type WriterTimes struct {
	Row             uint32
	File            int32
	Event, Ingested times.Instant
}

// FinishWriters cuts the samples to what they may hold. Complete says that no writer was left out.
func (e *Elsewhere) FinishWriters() map[string]*facts.WriterSample {
	if e.c.collection.Writers == nil {
		e.c.collection.Writers = map[string]*facts.WriterSample{}
	}
	for _, sample := range e.c.collection.Writers {
		sample.Finish(e.MostWriterRows())
	}
	return e.c.collection.Writers
}

// writerOf is the hash of a writer, and its values for people.
func writerOf(parts []WriterPart) (uint64, []string) {
	if len(parts) == 1 && parts[0].Integer {
		return facts.WriterHash(uint64(parts[0].Int)), []string{strconv.FormatInt(parts[0].Int, 10)}
	}
	if len(parts) == 1 && !parts[0].Timed {
		return xxh3.Hash128([]byte(parts[0].Text)).Lo, []string{parts[0].Text}
	}
	var bytes []byte
	names := make([]string, len(parts))
	for i, part := range parts {
		if part.Timed {
			names[i] = time.UnixMicro(part.Int).UTC().Format(time.RFC3339Nano)
			bytes = binary.AppendVarint(bytes, part.Int)
			continue
		}
		names[i] = part.Text
		bytes = append(binary.AppendUvarint(bytes, uint64(len(part.Text))), part.Text...)
	}
	return xxh3.Hash128(bytes).Lo, names
}

// EntityLimits are the instants that the newest events of entities are counted by.
type EntityLimits struct {
	// Expires says that entities can be stale at all: those before Limit are.
	Expires bool
	Limit   times.Instant
	// SureBefore, MaybeBefore and AheadAfter bound what zones that nobody declared can make of it.
	SureBefore, MaybeBefore, AheadAfter times.Instant
	reachable                           bool
}

// EntityLimits rests on all slices.
func (e *Elsewhere) EntityLimits() EntityLimits {
	l := EntityLimits{Expires: e.c.roles.view.TTL.Effective(), Limit: e.c.clock.asOf.Add(-times.SpanOf(e.c.roles.view.TTL.Duration))}
	if l.Expires {
		open := e.c.openTimes(l.Limit)
		l.SureBefore, l.MaybeBefore, l.AheadAfter, l.reachable = open.sureBefore, open.maybeBefore, open.aheadAfter, open.reachable
	}
	return l
}

// SetEntities adds what was counted of entities.
func (e *Elsewhere) SetEntities(total facts.Entities, by EntityLimits) {
	if by.reachable {
		total.StaleSomewhere += total.OnlyAfter
	}
	for _, slice := range e.c.collection.Slices {
		total.NullRows += slice.EntityNull
	}
	e.c.collection.Entities = &total
}

// TwinOffsets are the distances between event times, in seconds, that copies of a key may lie apart to be told as twins; none where
// nothing can be told.
func (e *Elsewhere) TwinOffsets() []int64 {
	var offsets []int64
	for offset := range e.verifier().twins.offsets {
		offsets = append(offsets, int64(offset))
	}
	slices.Sort(offsets)
	return offsets
}

// verifier rests on all slices.
func (e *Elsewhere) verifier() *verifier {
	if e.v == nil {
		e.v = e.c.newVerifier()
		e.v.placeless = true
	}
	return e.v
}

// Instant drops sentinels from a time of a row, which is times.None without one.
func (e *Elsewhere) Instant(micros int64) int64 { return e.verifier().usable(micros) }

// KeyOf joins the canonical texts of a key's parts.
func KeyOf(parts []string) string {
	var key strings.Builder
	var length [binary.MaxVarintLen64]byte
	for _, text := range parts {
		key.Write(length[:binary.PutUvarint(length[:], uint64(len(text)))])
		key.WriteString(text)
	}
	return key.String()
}

// KeyTime is the canonical text of a time in a key: microseconds, and the nanoseconds beyond them.
func KeyTime(micros, nanos int64) string {
	if nanos == 0 {
		return timeOf(micros)
	}
	return time.UnixMicro(micros).Add(time.Duration(nanos)).UTC().Format(time.RFC3339Nano)
}

// CompareKept is the rule of the row of a key that is kept, without the number of a row in its file.
func (e *Elsewhere) CompareKept(a, b keys.Row) int {
	return e.verifier().orderButPlace(a, b)
}

// AddRepeats judges rows: all of each key among them.
func (e *Elsewhere) AddRepeats(rows []keys.Row) { e.verifier().hash(rows) }

// SetKeys ends the judging of repeated keys. Paired and single are the keys whose rows were not added: those that lie in several groups
// of once_per, and in one.
func (e *Elsewhere) SetKeys(paired, single int64) *facts.Duplicates {
	v := e.verifier()
	for _, slice := range e.c.collection.Slices {
		v.total.RowsTotal += slice.Rows - slice.KeyNull
		v.total.NullKeys += slice.KeyNull
	}
	if v.grouping != nil {
		v.total.PairedKeys += paired
		v.total.UnpairedKeys += single
		v.total.PairedByHash = !e.c.keyHoldsNanos()
	}
	v.finish()
	e.c.collection.Keys = v.total
	return v.total
}

// Collection is what was put together.
func (e *Elsewhere) Collection() facts.Collection {
	c := e.c
	c.collection.Unread, c.collection.Blind = c.unread, c.blind
	c.collection.KnownFiles, c.collection.KnownRows = c.knownRows()
	c.collection.ReadBecause = c.because
	return *c.collection
}

// SourceNames are the sources of all rows, sorted. They rest on all slices.
func (e *Elsewhere) SourceNames() []string {
	var names []string
	for _, slice := range e.c.collection.Slices {
		names = append(names, slice.Source)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Crowd judges the rows of keys that are too many to be held, one by one.
type Crowd struct{ fold *crowdFold }

// NewCrowd begins with rows that hold all of each key among them.
func (e *Elsewhere) NewCrowd() Crowd {
	return Crowd{&crowdFold{v: e.verifier(), keys: map[string]*crowdKey{}}}
}

// Add takes a row.
func (c Crowd) Add(row keys.Row) { c.fold.add(row) }

// Finish judges the keys.
func (c Crowd) Finish() { c.fold.finish() }
