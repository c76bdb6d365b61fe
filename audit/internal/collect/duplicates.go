package collect

import (
	"cmp"
	"context"
	"maps"
	"math"
	"slices"
	"sync/atomic"

	"github.com/featureaudit/featureaudit/audit/engine"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/internal/keys"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/times"
)

// candidateSlack is what a candidate takes beside its row: its entry, its places in lists; valueBytes what each value does.
const (
	candidateSlack = 128
	valueBytes     = 48
)

// oncePer is what a key may repeat across: as declared, and the partition of a snapshot view by its nature.
func (c *collector) oncePer() []string {
	v := c.roles.view
	groups := slices.Clone(v.OncePer)
	if v.TimePartition.Of == model.OfSnapshot && v.TimePartition.Declared() && !slices.Contains(groups, oncePerPartition) {
		groups = append(groups, oncePerPartition)
	}
	return groups
}

const (
	oncePerSource    = "source"
	oncePerPartition = "partition"
)

// grouping gives the once_per group of a row; nil without once_per.
func (c *collector) grouping() func(file int32, source uint8) uint64 {
	groups := c.oncePer()
	if len(groups) == 0 {
		return nil
	}
	bySource, byPartition := slices.Contains(groups, oncePerSource), slices.Contains(groups, oncePerPartition)
	return func(file int32, source uint8) uint64 {
		group := uint64(0)
		if bySource {
			group = uint64(source) + 1
		}
		if byPartition {
			group |= uint64(c.survey.Files[file].Partition+1) << 8
		}
		return group
	}
}

// noFile stands for the file of a row where none is asked for.
const noFile = -1

// fileOf finds the file that holds a row, by its ordinal.
func (c *collector) fileOf(ordinal int64) int32 {
	i, exact := slices.BinarySearch(c.bases, ordinal)
	if !exact {
		return int32(i - 1)
	}
	// files without rows share their ordinal with the next one: the last of them holds the row
	for c.bases[i+1] == ordinal {
		i++
	}
	return int32(i)
}

// verifier turns candidates into repeated keys, a round at a time.
type verifier struct {
	c        *collector
	grouping func(file int32, source uint8) uint64
	payload  []payloadColumn
	measures []payloadColumn
	classes  *keys.Classifier
	twins    *twins
	total    *facts.Duplicates
	// columns are those in which the rows of some key differ.
	columns facts.NameList
	// limit is how many candidates are held with their values at once.
	limit   int
	pending []waiting
	// ahead are rows that were fetched for several portions at once; portionwise says that none are: they are large, or there is no room for them.
	ahead       *ahead
	portionwise bool
	// most is how many bytes those may take.
	most int64
	// asideErr is why a key could not be kept.
	asideErr error
	// full says that as many rows are kept for export as are wanted, in order.
	full bool
	// verified are the values that are known, and those to be kept.
	verified *verified
	// placeless says that rows have no numbers of their own in their files.
	placeless bool
	// foundBlind says that columns of a file were found to be unreadable that were not known to be.
	foundBlind atomic.Bool
}

// payloadColumn is a column in the form that all files share.
type payloadColumn struct {
	name string
	form engine.Form
	// numbers says that files write numbers of kinds that no type holds alike: they are compared as the decimals that they show.
	numbers bool
	// mixed says that types have no common form: each is compared as its own text.
	mixed bool
}

// newVerifier prepares the judging of repeated keys; it rests on all slices.
func (c *collector) newVerifier() *verifier {
	v := &verifier{c: c, grouping: c.grouping(), total: newDuplicates()}
	v.payload = c.payloadColumns()
	for _, name := range c.roles.view.Measures {
		if c.collection.RoleProblems["measures"] == "" {
			v.measures = append(v.measures, c.sharedColumn(name))
		}
	}
	names := make([]string, len(v.payload))
	for i, p := range v.payload {
		names[i] = p.name
	}
	measures := make([]keys.Measure, len(v.measures))
	for i, m := range v.measures {
		measures[i] = keys.Measure{Name: m.name, Floating: m.form.Kind == engine.FormDouble}
	}
	offsets, coarse := c.offsets(), c.coarseClock()
	v.classes = keys.NewClassifier(names, measures, offsets, coarse)
	v.twins = c.newTwins(offsets, coarse)
	return v
}

func (c *collector) finishKeys(ctx context.Context) error {
	v := c.newVerifier()
	v.limit = v.portion()
	v.portionwise = c.rowBytes() > 2*mostLaidDown
	v.verified = v.newVerified()
	c.verified = v.verified
	v.total.RowsTotal = c.runs.Entries() + c.repeats.apart()
	for _, slice := range c.collection.Slices {
		v.total.NullKeys += slice.KeyNull
	}
	var grouping keys.Grouping
	if v.grouping != nil && !c.keyHoldsNanos() {
		grouping = func(e keys.Entry) uint64 { return v.grouping(c.fileOf(e.Ordinal), e.Source) }
		if !slices.Contains(c.oncePer(), oncePerPartition) {
			grouping = func(e keys.Entry) uint64 { return v.grouping(noFile, e.Source) } // to find each row's file takes time
		}
		v.total.PairedByHash = true
	}
	if c.request.PortionRows > 0 {
		c.runs.SetPortion(int64(c.request.PortionRows))
	}
	probed, err := c.runs.Probe(ctx, c.request.Workers, grouping, c.entryInRange(), v.twins.pairs, keys.Receiver{
		Candidates: func(candidates []keys.Entry) error { c.repeats.note(candidates); return v.add(ctx, candidates) },
		Crowd:      func(crowd keys.Crowd) error { c.repeats.giveUp(); return v.crowd(ctx, crowd) },
	})
	if err == nil {
		err = v.round(ctx)
	}
	if err == nil {
		err = v.compareTwins(ctx)
	}
	if err = cmp.Or(err, v.asideErr); err != nil {
		return err
	}
	if v.grouping != nil {
		v.total.PairedKeys += probed.Paired
		v.total.UnpairedKeys += probed.Single
	}
	v.finish()
	c.collection.Keys = v.total
	return nil
}

// keyHoldsNanos says that keys may differ by nanoseconds, which their hashes do not see: equal hashes are no pairs then, and
// all are verified.
func (c *collector) keyHoldsNanos() bool {
	for i, name := range c.roles.view.Key {
		if !isTime(c.roles.keyForms[i]) {
			continue
		}
		for _, schema := range c.survey.Schemas {
			if column := schema.Lookup(name); column != nil && (column.Unit == "ns" || column.Physical == "INT96" || column.Physical == "BYTE_ARRAY") {
				return true
			}
		}
	}
	return false
}

func newDuplicates() *facts.Duplicates {
	return &facts.Duplicates{SurplusMeasures: map[string]string{}, SurplusMeasuresOutside: map[string]string{}, DifferingColumns: map[string]int64{},
		ByPlace: map[facts.Population]*facts.DuplicatePlace{}}
}

// offsets are those that zones had between the oldest and the newest event.
func (c *collector) offsets() []int64 {
	if c.real == nil {
		c.real = c.findOffsets()
	}
	return c.real
}

func (c *collector) findOffsets() []int64 {
	oldest, newest := times.Instant(times.None), times.Instant(times.None)
	for _, s := range c.collection.Slices {
		oldest, newest = oldest.Earlier(s.EventMin), max(newest, s.EventMax)
	}
	if !oldest.Known() {
		return nil
	}
	return c.request.Offsets(oldest, newest)
}

// coarseClock says that over half of the event times are whole quarters of an hour: no offset can be told then.
func (c *collector) coarseClock() bool {
	on, all := int64(0), int64(0)
	for _, s := range c.collection.Slices {
		on += s.OnLattice
		all += s.Rows - s.EventNull - s.EventUnparsed - s.EventSentinel
	}
	return 2*on > all
}

// portion is how many candidates are held with their values at once: as many as the memory of runs has room for, beside
// their entries.
func (v *verifier) portion() int {
	v.most = v.c.request.RunMemory / 2
	if v.c.request.PortionRows > 0 {
		return v.c.request.PortionRows
	}
	return int(min(max(v.most/v.candidateBytes(), leastPortion), maxPortion))
}

// candidateBytes is about what one candidate takes while it is verified; what it really takes is counted.
func (v *verifier) candidateBytes() int64 {
	bytes := int64(rowHeader + candidateSlack + valueBytes*len(v.measures))
	if v.wide() {
		return bytes + int64(v.groupBytes(v.c.columnsAtOnce()))/2 // of two rows each
	}
	return bytes + int64(valueBytes*len(v.payload)) + v.c.rowBytes()
}

// A portion has room for all rows of a key that can be a pair of copies, and is never so large that files are numbered by more.
const (
	leastPortion = maxTwinRows
	maxPortion   = 1 << 24
)

// rowBytes is how much a row takes in the files whose rows are largest, as far as their sizes tell: values are held as texts,
// which take more than they do.
func (c *collector) rowBytes() int64 {
	most := int64(0)
	for _, file := range c.survey.Files {
		if file.Rows > 0 {
			most = max(most, 2*file.RowBytes)
		}
	}
	return most
}

// add takes candidates; the entries of one hash always come together.
func (v *verifier) add(ctx context.Context, candidates []keys.Entry) error {
	for start := 0; start < len(candidates); {
		end := start + 1
		for end < len(candidates) && candidates[end].Hash == candidates[start].Hash {
			end++
		}
		group := candidates[start:end]
		start = end
		if len(group) > v.limit {
			if err := v.crowd(ctx, crowdOf(group)); err != nil {
				return err
			}
			continue
		}
		most := v.gathered()
		if len(v.pending)+len(group) > most {
			if err := v.round(ctx); err != nil {
				return err
			}
		}
		if len(v.pending) > v.limit && cap(v.pending) < most {
			v.pending = slices.Grow(v.pending, most-len(v.pending)) // as a whole: no list is copied while it is large
		}
		for _, e := range group {
			v.pending = append(v.pending, waiting{e.Hash, e.Ordinal})
		}
	}
	return nil
}

// round fetches the real values of the pending candidates and judges each key among them, a portion at a time.
func (v *verifier) round(ctx context.Context) error {
	a, err := v.fetchAhead(ctx)
	if err != nil {
		return err
	}
	defer a.close()
	if a != nil {
		v.ahead = a
		defer func() { v.ahead = nil }()
		for a.at = range a.starts {
			if err := v.fetchHalves(ctx, entriesOf(a.portion(a.at))); err != nil {
				return err
			}
		}
	} else {
		for from := 0; from < len(v.pending); {
			end := portionEnd(v.pending, from, v.limit)
			if err := v.fetchHalves(ctx, entriesOf(v.pending[from:end])); err != nil {
				return err
			}
			from = end
		}
	}
	v.pending = v.pending[:0]
	return nil
}

func entriesOf(all []waiting) []keys.Entry {
	entries := make([]keys.Entry, len(all))
	for i, w := range all {
		entries[i] = keys.Entry{Hash: w.hash, Ordinal: w.ordinal}
	}
	return entries
}

// hashes judges rows: the candidates of one hash come together, and so do their rows.
func (v *verifier) hashes(rows []keys.Row) {
	for start := 0; start < len(rows); {
		end := start + 1
		for end < len(rows) && rows[end].Hash == rows[start].Hash {
			end++
		}
		v.hash(rows[start:end])
		start = end
	}
}

// hash judges each key among the rows of one hash.
func (v *verifier) hash(rows []keys.Row) {
	slices.SortFunc(rows, func(a, b keys.Row) int { return cmp.Or(cmp.Compare(a.Key, b.Key), v.order(a, b)) })
	for start := 0; start < len(rows); {
		end := start + 1
		for end < len(rows) && rows[end].Key == rows[start].Key {
			end++
		}
		v.key(rows[start:end])
		start = end
	}
}

// order is the rule of the row kept: the first by ingest time (none last), partition, path and row number.
func (v *verifier) order(a, b keys.Row) int {
	files := v.c.survey.Files
	return cmp.Or(compareKnown(a.Ingested, b.Ingested), cmp.Compare(files[a.File].Partition, files[b.File].Partition),
		cmp.Compare(a.File, b.File), cmp.Compare(a.Number, b.Number))
}

// orderButPlace is that rule without the number of a row in its file.
func (v *verifier) orderButPlace(a, b keys.Row) int {
	a.Number, b.Number = 0, 0
	return v.order(a, b)
}

func compareKnown(a, b int64) int {
	switch {
	case a == b:
		return 0
	case a == times.None:
		return 1
	case b == times.None:
		return -1
	}
	return cmp.Compare(a, b)
}

// key judges all rows of one key, ordered.
func (v *verifier) key(rows []keys.Row) {
	if v.inRange(rows) {
		v.twins.addKey(rows)
	}
	if v.grouping == nil {
		if len(rows) > 1 && v.inRange(rows) {
			v.count(rows, [][]keys.Row{rows})
		}
		return
	}
	groups := map[uint64][]keys.Row{}
	var order []uint64
	for _, row := range rows {
		g := v.grouping(row.File, v.code(row.Source))
		if groups[g] == nil {
			order = append(order, g)
		}
		groups[g] = append(groups[g], row)
	}
	switch {
	case !v.inRange(rows):
	case len(groups) > 1:
		v.total.PairedKeys++
	default:
		v.total.UnpairedKeys++
	}
	var repeated [][]keys.Row
	var all []keys.Row
	for _, g := range order {
		if len(groups[g]) > 1 && v.inRange(groups[g]) {
			repeated = append(repeated, groups[g])
			all = append(all, groups[g]...)
		}
	}
	if len(repeated) > 0 {
		v.count(all, repeated)
	}
}

// unmet is the code of sources that the scan has not met; those that it has have codes below keys.MaxSources.
const unmet = math.MaxUint8

// code is the number of a source.
func (v *verifier) code(source string) uint8 {
	if i := slices.Index(v.c.names.names, source); i >= 0 {
		return uint8(i)
	}
	return unmet
}

// inRange says whether any of the rows lies in a partition that verdicts are wanted for.
func (v *verifier) inRange(rows []keys.Row) bool {
	return slices.ContainsFunc(rows, func(row keys.Row) bool { return v.c.fileInRange(row.File) })
}

// entryInRange says so of an entry; nil where verdicts are wanted for all partitions.
func (c *collector) entryInRange() func(keys.Entry) bool {
	if !slices.ContainsFunc(c.survey.Partitions, func(p facts.Partition) bool { return !p.InRange }) {
		return nil
	}
	return func(e keys.Entry) bool { return c.fileInRange(c.fileOf(e.Ordinal)) }
}

// fileInRange says whether a file lies in a partition that verdicts are wanted for.
func (c *collector) fileInRange(file int32) bool {
	partition := c.survey.Files[file].Partition
	return partition < 0 || c.survey.Partitions[partition].InRange
}

// count adds one repeated key: all its repeating rows, and the groups within which they repeat.
func (v *verifier) count(rows []keys.Row, groups [][]keys.Row) {
	judged := newCombined()
	for _, group := range groups {
		verdict := v.classes.Group(group, v.rowInRange)
		judged.add(verdict)
		v.total.MaxMultiplicity = max(v.total.MaxMultiplicity, int64(len(group)))
		v.place(group, verdict.Class)
	}
	v.conclude(judged)
	v.scope(rows)
	counts := map[string]int{}
	for _, row := range rows {
		counts[row.Source]++
	}
	v.writers(counts, judged.class)
	for _, group := range groups {
		v.keep(group, judged)
	}
	v.cutKept()
}

// judged is what the groups of a repeated key are together.
type combined struct {
	class      facts.DuplicateClass
	differs    map[string]bool
	resolvable bool
	fanOut     int64
}

func newCombined() *combined {
	return &combined{class: facts.Replay, differs: map[string]bool{}, resolvable: true}
}

func (j *combined) add(v keys.Verdict) {
	j.class = worse(j.class, v.Class)
	for _, name := range v.Differs {
		j.differs[name] = true
	}
	j.resolvable = j.resolvable && v.Resolvable
	j.fanOut += v.FanOut
}

// conclude counts a repeated key by its class.
func (v *verifier) conclude(j *combined) {
	t := v.total
	t.RepeatedKeys++
	t.FanOutRows += j.fanOut
	switch j.class {
	case facts.Conflict:
		t.ConflictKeys++
	case facts.ShiftedTwin:
		t.ShiftedTwinKeys++
	case facts.UnknownClass:
		t.UnknownKeys++
	default:
		t.ReplayKeys++
	}
	if j.resolvable {
		t.ResolvableKeys++
	} else {
		t.AmbiguousKeys++
	}
	for name := range j.differs {
		if j.class == facts.Conflict {
			t.DifferingColumns[name]++
		}
	}
}

func (v *verifier) rowInRange(row keys.Row) bool { return v.c.fileInRange(row.File) }

func worse(a, b facts.DuplicateClass) facts.DuplicateClass {
	rank := map[facts.DuplicateClass]int{facts.Replay: 0, facts.ShiftedTwin: 1, facts.UnknownClass: 2, facts.Conflict: 3}
	if rank[b] > rank[a] {
		return b
	}
	return a
}

// place counts the surplus rows of a group where they lie: those outside the range of partitions that verdicts are wanted for
// are no findings, and are counted apart.
func (v *verifier) place(group []keys.Row, class facts.DuplicateClass) {
	surplus := map[facts.Population]int64{}
	for _, row := range group[1:] {
		v.addSurplus(surplus, row)
	}
	v.countPlaces(surplus, class)
}

// addSurplus counts a surplus row of a group where it lies.
func (v *verifier) addSurplus(surplus map[facts.Population]int64, row keys.Row) {
	if !v.c.fileInRange(row.File) {
		surplus[outOfRange]++
		return
	}
	surplus[facts.Population{Partition: v.c.survey.Files[row.File].Partition, Source: row.Source}]++
}

// outOfRange stands for all partitions that no verdicts are wanted for.
var outOfRange = facts.Population{Partition: math.MinInt32}

// countPlaces adds the surplus rows of a group.
func (v *verifier) countPlaces(surplus map[facts.Population]int64, class facts.DuplicateClass) {
	for population, rows := range surplus {
		if population == outOfRange {
			v.total.SurplusRowsOutside += rows
			continue
		}
		v.total.SurplusRows += rows
		p := v.total.ByPlace[population]
		if p == nil {
			p = &facts.DuplicatePlace{}
			v.total.ByPlace[population] = p
		}
		p.Surplus += rows
		p.Keys++
		if class == facts.Conflict {
			p.Conflict++
		}
	}
}

// spread says whether the rows of a key agree in where they lie.
type spread struct {
	known                 bool
	first                 keys.Row
	sources, parts, files bool // that differ
}

func (s *spread) add(v *verifier, row keys.Row) {
	if !s.known {
		s.known, s.first = true, keys.Row{File: row.File, Source: row.Source}
		return
	}
	files := v.c.survey.Files
	s.sources = s.sources || row.Source != s.first.Source
	s.files = s.files || row.File != s.first.File
	s.parts = s.parts || files[row.File].Partition != files[s.first.File].Partition
}

func (v *verifier) scope(rows []keys.Row) {
	var s spread
	for _, row := range rows {
		s.add(v, row)
	}
	v.countScope(s)
}

func (v *verifier) countScope(s spread) {
	scopes := &v.total.Scopes
	switch {
	case s.sources:
		scopes.AcrossSources++
	case !s.files:
		scopes.WithinFile++
	case !s.parts:
		scopes.AcrossFiles++
	default:
		scopes.AcrossPartitions++
	}
}

// writers counts the key for each pair of sources among its rows; a source with itself where it repeats alone.
func (v *verifier) writers(counts map[string]int, class facts.DuplicateClass) {
	names := sortedKeys(counts)
	for i, a := range names {
		if counts[a] > 1 {
			v.writerPair(a, a, class)
		}
		for _, b := range names[i+1:] {
			v.writerPair(a, b, class)
		}
	}
}

func (v *verifier) writerPair(a, b string, class facts.DuplicateClass) {
	index := slices.IndexFunc(v.total.Writers, func(p facts.WriterPair) bool { return p.A == a && p.B == b })
	if index < 0 {
		index = len(v.total.Writers)
		v.total.Writers = append(v.total.Writers, facts.WriterPair{A: a, B: b})
	}
	p := &v.total.Writers[index]
	p.Keys++
	switch class {
	case facts.Conflict:
		p.Confl++
	case facts.ShiftedTwin:
		p.Twins++
	case facts.Replay:
		p.Replay++
	default:
	}
}

// keep remembers the rows of a group for export, the one kept first: those of the smallest keys, so that the choice does not
// depend on rounds.
func (v *verifier) keep(group []keys.Row, j *combined) {
	v.total.RowsTotalRepeated += int64(len(group))
	if v.c.request.RowsLimit == 0 {
		return
	}
	columns := v.columns.Set(maps.Keys(j.differs))
	key := keyParts(group[0].Key)
	keep := v.keptOnce(&key)
	for i, row := range group {
		kept := duplicateRow(row)
		kept.Key, kept.Class, kept.Kept, kept.Differs = key, j.class, i == 0, columns
		v.keepRow(kept, keep)
	}
}

// keptOnce keeps a key when it is first asked for, and gives what stands for it.
func (v *verifier) keptOnce(key *[]string) func() []string {
	kept := false
	return func() []string {
		if !kept {
			*key, kept = v.aside(*key), true
		}
		return *key
	}
}

// aside keeps the parts of a key until the run ends.
func (v *verifier) aside(parts []string) []string {
	if v.c.request.Aside == nil {
		return parts
	}
	kept := make([]string, len(parts))
	for i, part := range parts {
		var err error
		if kept[i], err = v.c.request.Aside.Keep(part); err != nil {
			v.asideErr = cmp.Or(v.asideErr, err)
			return parts
		}
	}
	return kept
}

func duplicateRow(row keys.Row) facts.DuplicateRow {
	return facts.DuplicateRow{File: row.File, Row: row.Number, EventTime: times.Instant(row.Event), Ingested: times.Instant(row.Ingested), Source: row.Source}
}

// keepRow remembers one row, unless enough are known that come before it. Key gives its key as it is kept.
func (v *verifier) keepRow(row facts.DuplicateRow, key func() []string) {
	if v.full && v.compareKept(row, v.total.Rows[v.c.request.RowsLimit-1]) > 0 {
		return
	}
	row.Key = key()
	v.total.Rows = append(v.total.Rows, row)
}

// cutKept drops the rows that are beyond the limit, once they are a quarter more.
func (v *verifier) cutKept() {
	if limit := v.c.request.RowsLimit; len(v.total.Rows) > limit+max(limit/4, keptSlack) {
		v.cutRows()
	}
}

// keptSlack is how many rows beyond a small limit are held before they are dropped.
const keptSlack = 1 << 10

func (v *verifier) compareKept(a, b facts.DuplicateRow) int {
	compare := cmp.Compare[string]
	if v.c.request.Aside != nil {
		compare = v.c.request.Aside.Compare
	}
	return cmp.Or(slices.CompareFunc(a.Key, b.Key, compare), cmp.Compare(a.File, b.File), cmp.Compare(a.Row, b.Row))
}

func (v *verifier) cutRows() {
	slices.SortFunc(v.total.Rows, v.compareKept)
	v.total.Rows = slices.Clone(v.total.Rows[:min(len(v.total.Rows), v.c.request.RowsLimit)])
	v.full = v.c.request.RowsLimit > 0 && len(v.total.Rows) == v.c.request.RowsLimit
}

func (v *verifier) finish() {
	v.cutRows()
	for name, sum := range v.classes.Surplus() {
		v.total.SurplusMeasures[name] = sum
	}
	for name, sum := range v.classes.Outside() {
		v.total.SurplusMeasuresOutside[name] = sum
	}
	v.total.UnknownMeasures = v.classes.Unknown()
	v.total.Twins = v.twins.counts()
	slices.SortFunc(v.total.Writers, func(a, b facts.WriterPair) int { return cmp.Or(cmp.Compare(a.A, b.A), cmp.Compare(a.B, b.B)) })
	for _, slice := range v.c.collection.Slices {
		population := facts.Population{Partition: v.c.survey.Files[slice.File].Partition, Source: slice.Source}
		if p := v.total.ByPlace[population]; p != nil {
			p.Rows += slice.Rows
		}
	}
}

// payloadColumns are the columns that a repeat must agree in: as declared, else all but those with a role of their own.
func (c *collector) payloadColumns() []payloadColumn {
	v := c.roles.view
	if len(v.Payload) > 0 {
		columns := make([]payloadColumn, len(v.Payload))
		for i, name := range v.Payload {
			columns[i] = c.sharedColumn(name)
		}
		return columns
	}
	excluded := map[string]bool{v.Source.Column: true}
	for _, name := range v.Key {
		excluded[name] = true
	}
	for _, schema := range c.survey.Schemas {
		for _, name := range v.TimePartition.Columns {
			if column := schema.LookupFold(name); column != nil {
				excluded[column.Name] = true
			}
		}
	}
	for _, column := range timeColumns(v) {
		excluded[column.Column] = true
	}
	seen := map[string]bool{}
	var names []string
	for _, schema := range c.survey.Schemas {
		for _, column := range schema.Columns {
			whole := (column.Nested || column.Path == column.Name) && !column.Added
			if !whole || excluded[column.Name] || seen[column.Name] {
				continue
			}
			seen[column.Name] = true
			names = append(names, column.Name)
		}
	}
	slices.Sort(names)
	columns := make([]payloadColumn, len(names))
	for i, name := range names {
		columns[i] = c.sharedColumn(name)
	}
	return columns
}

// sharedColumn finds the form that a column is compared in; types without a common form are compared as text.
func (c *collector) sharedColumn(name string) payloadColumn {
	shared, numbers := payloadColumn{name: name}, true
	for _, schema := range c.survey.Schemas {
		column := schema.Lookup(name)
		if column == nil {
			continue
		}
		form := engine.FormOf(*column)
		numbers = numbers && isNumber(form)
		if shared.form.Kind == 0 || shared.form.Kind == engine.FormText && shared.mixed {
			if shared.form.Kind == 0 {
				shared.form = form
			}
			continue
		}
		unified, ok := engine.Unify(shared.form, form)
		switch {
		case isTextOrBytes(shared.form) && isTextOrBytes(form) && shared.form.Kind != form.Kind:
			unified = engine.Form{Kind: engine.FormBytes, Opaque: true} // all have bytes
		case !ok:
			shared.mixed, unified = true, engine.Form{Kind: engine.FormText}
		}
		shared.form = unified
	}
	shared.numbers = shared.mixed && numbers
	if shared.form.TooWide() {
		shared.form.Exact = true
	}
	return shared
}

func isTextOrBytes(f engine.Form) bool {
	return f.Kind == engine.FormText || f.Kind == engine.FormBytes
}

func isNumber(f engine.Form) bool {
	switch f.Kind {
	case engine.FormInteger, engine.FormHugeInteger, engine.FormDecimal, engine.FormDouble, engine.FormNull:
		return true
	default:
		return false
	}
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K {
	names := make([]K, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
