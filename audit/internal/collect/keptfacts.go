package collect

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/internal/keys"
	"github.com/featureaudit/featureaudit/audit/kept"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/sensitive"
	"github.com/featureaudit/featureaudit/audit/times"
)

// The tables of summaries. Their first column is the number of the file in the table "files", their second that of the source among
// the file's sources.
var (
	slicesTable = kept.Table{Name: "slices", Columns: sliceColumns()}
	lagsTable   = kept.Table{Name: "lags", Columns: kept.Integers("file", "source", "bin", "rows")}
	eventsTable = kept.Table{Name: "events", Columns: kept.Integers("file", "source", "bin", "rows")}
	// of writers, those whose hash is below a limit are all there, the limit with the bit for the sign turned; a row with the
	// number -1 says the limit of a source.
	writersTable = kept.Table{Name: "writers", Dense: true, Columns: kept.Integers("file", "source", "writer", "row", "arrival_minute", "lag_minutes")}
)

// unparsedColumn and unparsedKnown follow the row facts of a slice.
const (
	unparsedColumn = "unparsed"
	unparsedKnown  = "unparsed_known"
)

func sliceColumns() []kept.Column {
	columns := kept.Integers("file", "source")
	for _, f := range facts.RowFacts() {
		columns = append(columns, kept.Column{Name: f.Name, Kind: kept.Integer})
	}
	return append(columns, kept.Column{Name: unparsedKnown, Kind: kept.Integer}, kept.Column{Name: unparsedColumn, Kind: kept.Bytes})
}

// errForgotten says that kept facts turned out not to be enough, or not to be whole: they are not used then.
var errForgotten = errors.New("kept facts do not hold")

// knownRows are the files, and their rows, whose facts were known.
func (c *collector) knownRows() (files, rows int64) {
	for id := range c.known {
		rows += c.survey.Files[id].Rows
	}
	return int64(len(c.known)), rows
}

// narrow says that keys are told by their hashes alone, and no pairs are counted.
func (c *collector) narrow() bool { return len(c.oncePer()) == 0 }

// keeps says whether facts of the view's files may be kept at all: what was learnt of files changes how all of them are read, and what is
// sensitive, or shown by name, is not written down.
func (c *collector) keeps() bool {
	return c.request.Kept != nil && !c.writers.named && len(c.learnt.refused) == 0 && len(c.learnt.beyond) == 0 && !c.learnt.rawNested && !c.exposes()
}

// exposes says that something sensitive would be written down: names of sources, times and paths are kept as they are, and hashes without
// a key tell who can list likely values.
func (c *collector) exposes() bool {
	v := c.roles.view
	plain := slices.Concat([]string{v.Source.Column}, v.TimePartition.Columns)
	for _, t := range timeColumns(v) {
		plain = append(plain, t.Column)
	}
	hashed := slices.Concat(v.Key, v.Entity, writerColumns(v))
	return slices.ContainsFunc(plain, v.Hides) || sensitive.HidesPaths(v, c.survey.Files) || c.request.Hasher == nil && slices.ContainsFunc(hashed, v.Hides)
}

// recall finds the files whose facts are known, and says of the others why they are read.
func (c *collector) recall(trusted bool) {
	if c.request.Kept == nil {
		return
	}
	c.because = map[facts.ReadReason]int64{}
	if !c.keeps() {
		c.eachWanted(func(*facts.File) { c.because[facts.ReadNeverKept]++ })
		return
	}
	c.captures, c.layoutDigests = map[int32]*capture{}, map[int32]string{}
	c.fileTallies, c.fileSamples = map[sliceKey]*fileTally{}, map[sliceKey]*fileSample{}
	c.seals = c.newSeals(true)
	c.policy = c.keepPolicy()
	c.repeats = &repeats{name: c.listName(), whole: true}
	c.known = map[int32]*kept.File{}
	c.eachWanted(func(file *facts.File) {
		known, because := c.recallFile(file, trusted)
		if known == nil {
			c.because[because]++
			return
		}
		c.known[file.ID] = known
		c.filesDone++
		c.rowsDone += file.Rows
	})
	c.recallRepeats()
	c.recallSettled()
}

func (c *collector) eachWanted(each func(file *facts.File)) {
	for i := range c.survey.Files {
		if file := &c.survey.Files[i]; c.wanted(file) {
			each(file)
		}
	}
}

// recallFile gives what is known of a file, or why nothing of it is used.
func (c *collector) recallFile(file *facts.File, trusted bool) (*kept.File, facts.ReadReason) {
	switch {
	case c.request.Paranoid:
		return nil, facts.ReadParanoid
	case c.request.Distrusts != nil && c.request.Distrusts(file.Abs):
		return nil, facts.ReadAsked
	}
	known := c.request.Kept.Find(c.policy, file.Abs)
	if known == nil {
		switch otherPolicy, distrusted := c.request.Kept.Traces(file.Abs); {
		case distrusted:
			return nil, facts.ReadDamaged
		case c.open(file):
			return nil, facts.ReadOpen
		case otherPolicy:
			return nil, facts.ReadPolicy
		}
		return nil, facts.ReadNew
	}
	if because := c.outdated(file, known); because != "" {
		return nil, because
	}
	if !trusted {
		return nil, facts.ReadTogether
	}
	return known, ""
}

// outdated says why what is known of a file is not of this very file, or does not hold at as_of; empty where it does.
func (c *collector) outdated(file *facts.File, known *kept.File) facts.ReadReason {
	switch {
	case known.Size != file.Size || known.ModTime != file.ModTime || known.ETag != file.ETag || known.Footer != file.FooterSum || known.Rows != file.Rows:
		return facts.ReadChanged
	case known.State != c.keepState(file):
		return facts.ReadBeside
	case c.open(file) || known.Holds > c.clock.asOf || known.Far.Known() && known.Far <= c.clock.limits.SentinelAfter:
		return facts.ReadOpen
	case !c.agesAlike(file, known):
		return facts.ReadStale
	}
	return ""
}

// agesAlike says that the rows of a file are stale now that were so when their facts were gathered.
func (c *collector) agesAlike(file *facts.File, known *kept.File) bool {
	v := c.roles.view
	if !v.TTL.Effective() || v.StaleReference() != model.ReferenceAsOf || known.AsOf == c.clock.asOf {
		return true
	}
	ttl := times.SpanOf(v.TTL.Duration)
	from, to := int64(min(known.AsOf, c.clock.asOf).Add(-ttl)), int64(max(known.AsOf, c.clock.asOf).Add(-ttl))
	mins, err := known.Integers(slicesTable.Name, "event_min_us")
	if err != nil {
		return false
	}
	maxs, err := known.Integers(slicesTable.Name, "event_max_us")
	if err != nil {
		return false
	}
	for i := range mins {
		if mins[i] != times.None && mins[i] < to && maxs[i] >= from {
			return false
		}
	}
	return true
}

// open says whether a file's partition may still get rows.
func (c *collector) open(file *facts.File) bool {
	return file.Partition >= 0 && c.survey.Partitions[file.Partition].Open
}

// fileTally are the histograms of one file and source.
type fileTally struct {
	lags   *facts.LagHistogram
	events *facts.EventHistogram
}

func (c *collector) tallyOf(file int32, source string) *fileTally {
	of := sliceKey{file, source}
	t := c.fileTallies[of]
	if t == nil {
		t = &fileTally{lags: facts.NewLagHistogram(), events: facts.NewEventHistogram()}
		c.fileTallies[of] = t
	}
	return t
}

// merge adds the facts that are known to those that were gathered.
func (c *collector) merge(ctx context.Context) error {
	if len(c.known) == 0 {
		return nil
	}
	ids := slices.Sorted(maps.Keys(c.known))
	for _, id := range ids {
		if err := c.mergeFile(&c.survey.Files[id], c.known[id]); err != nil {
			return c.forgotten(err)
		}
	}
	return c.beside(func() error { return c.mergeSamples(ids) }, func() error {
		// runs take time: those of the newest partitions first, as rows come
		newest := slices.Clone(ids)
		slices.SortStableFunc(newest, func(a, b int32) int { return int(c.survey.Files[b].Partition) - int(c.survey.Files[a].Partition) })
		if err := c.mergeRuns(ctx, newest); err != nil {
			return err
		}
		return c.joinRepeats(ctx, newest)
	})
}

// beside does one thing beside another where there is a worker for it, else one after the other. The error is that of the other first.
func (c *collector) beside(one, other func() error) error {
	if c.request.Workers < 2 {
		if err := one(); err != nil {
			return err
		}
		return other()
	}
	done := make(chan error, 1)
	go func() { done <- one() }()
	err := other()
	return cmp.Or(err, <-done)
}

// mergeSamples adds the samples of writers of files that are known.
func (c *collector) mergeSamples(ids []int32) error {
	if !c.roles.wants.Has(facts.WantWriters) {
		return nil
	}
	var batch []facts.WriterRow
	for _, id := range ids {
		r := &keptRows{known: c.known[id]}
		if batch = c.mergeWriters(r, &c.survey.Files[id], batch); r.err != nil {
			return c.forgotten(r.err)
		}
	}
	return nil
}

// forgotten turns damage into what has the view looked at without what is known.
func (c *collector) forgotten(err error) error {
	var damaged kept.DamagedError
	if !errors.As(err, &damaged) {
		return err
	}
	c.request.Kept.Distrust(damaged)
	return errForgotten
}

// damaged says that a file's facts contradict each other.
func damaged(known *kept.File, format string, args ...any) error {
	return kept.DamagedError{Pack: known.Pack().Path(), Err: fmt.Errorf("the facts of %s contradict each other: "+format, append([]any{known.Path}, args...)...)}
}

// keptRows reads tables of a file; the first error stays.
type keptRows struct {
	known *kept.File
	err   error
}

func (r *keptRows) integers(table kept.Table, column string) []int64 {
	if r.err != nil {
		return nil
	}
	var values []int64
	values, r.err = r.known.Integers(table.Name, column)
	return values
}

func (r *keptRows) texts(table kept.Table, column string) []string {
	if r.err != nil {
		return nil
	}
	var values []string
	values, r.err = r.known.Texts(table.Name, column)
	return values
}

func (r *keptRows) source(code int64) string {
	if r.err == nil && (code < 0 || code >= int64(len(r.known.Sources))) {
		r.err = damaged(r.known, "source %d of %d", code, len(r.known.Sources))
	}
	if r.err != nil {
		return ""
	}
	return r.known.Sources[code]
}

// mergeFile adds what is known of a file beside its runs and its samples of writers.
func (c *collector) mergeFile(file *facts.File, known *kept.File) error {
	r := &keptRows{known: known}
	if err := c.mergeCounts(r, file); err != nil {
		return err
	}
	c.knownPages += known.Pages
	return r.err
}

// mergeCounts adds the row facts and the histograms of a file that are known.
func (c *collector) mergeCounts(r *keptRows, file *facts.File) error {
	found := r.slices(file.ID)
	total := int64(0)
	for i := range found {
		total += found[i].Rows
	}
	if r.err == nil && total != file.Live() {
		r.err = damaged(r.known, "%d rows of %d", total, file.Live())
	}
	if r.err != nil {
		return r.err
	}
	for i := range found {
		s := &found[i]
		if _, err := c.names.code(s.Source); err != nil {
			return runError{err}
		}
		c.slices.add(*s, len(c.survey.Files))
		c.mergeLags(file, s)
	}
	r.addBins(lagsTable, func(source string, _ int64) map[int32]int64 {
		return c.lagsOf(facts.Population{Partition: file.Partition, Source: source, Writer: file.Writer}).Counts
	})
	if c.roles.wants.Has(facts.WantEvents) {
		r.addBins(eventsTable, func(source string, rows int64) map[int32]int64 {
			h := c.eventsOf(facts.Population{Partition: file.Partition, Source: source})
			h.Rows += rows
			return h.Counts
		})
	}
	return r.err
}

func (c *collector) lagsOf(p facts.Population) *facts.LagHistogram {
	h := c.collection.Lags[p]
	if h == nil {
		h = facts.NewLagHistogram()
		c.collection.Lags[p] = h
	}
	return h
}

func (c *collector) eventsOf(p facts.Population) *facts.EventHistogram {
	h := c.collection.Events[p]
	if h == nil {
		h = facts.NewEventHistogram()
		c.collection.Events[p] = h
	}
	return h
}

// mergeLags adds what a slice says of its lags beside their bins.
func (c *collector) mergeLags(file *facts.File, s *facts.Slice) {
	c.lagsOf(facts.Population{Partition: file.Partition, Source: s.Source, Writer: file.Writer}).
		Merge(&facts.LagHistogram{Rows: s.LagRows, Max: s.LagMax, Min: s.LagMin})
}

// slices are the row facts of a file.
func (r *keptRows) slices(file int32) []facts.Slice {
	sources := r.integers(slicesTable, "source")
	found := make([]facts.Slice, len(sources))
	for i, code := range sources {
		found[i] = facts.NewSlice(file, r.source(code))
	}
	for _, f := range facts.RowFacts() {
		for i, value := range r.integers(slicesTable, f.Name) {
			f.Set(&found[i], value)
		}
	}
	known := r.integers(slicesTable, unparsedKnown)
	if r.err != nil {
		return nil
	}
	texts, err := r.known.Texts(slicesTable.Name, unparsedColumn)
	if r.err = err; err != nil {
		return nil
	}
	for i := range found {
		if known[i] != 0 {
			found[i].Unparsed = facts.FirstText{Text: texts[i], Known: true}
		}
	}
	return found
}

// addBins adds rows by bin, those of a source together, to what gives the counts of a source that so many rows are added to.
func (r *keptRows) addBins(table kept.Table, countsOf func(source string, rows int64) map[int32]int64) {
	sources, bins, rows := r.integers(table, "source"), r.integers(table, "bin"), r.integers(table, "rows")
	for from := 0; from < len(sources); {
		to, total := from, int64(0)
		for to < len(sources) && sources[to] == sources[from] {
			total += rows[to]
			to++
		}
		source := r.source(sources[from])
		if r.err != nil {
			return
		}
		counts := countsOf(source, total)
		for i := from; i < to; i++ {
			counts[int32(bins[i])] += rows[i]
		}
		from = to
	}
}

// mergerRows are those from which on another worker adds runs: it has stages of its own for all parts, which cost more than few rows do.
const mergerRows = 1 << 14

// mergers is how many workers add the runs of jobs that have so many rows. A place for each entity costs another worker about what a row does.
func (c *collector) mergers(jobs int, rows int64) int {
	least := int64(mergerRows)
	if c.newest != nil {
		if span, has := c.newest.Places(); has {
			least = max(least, 2*(span.Last-span.First))
		}
	}
	return min(max(1, c.request.Workers), jobs, int(rows/least)+1)
}

// mergeRuns adds the runs of files, on all workers.
func (c *collector) mergeRuns(ctx context.Context, ids []int32) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	jobs, rows := c.runJobs(ids)
	next := make(chan func(m *runMerger) error)
	var running sync.WaitGroup
	for range c.mergers(len(jobs), rows) {
		running.Go(func() {
			m := runMerger{c: c}
			if c.runs != nil {
				m.keys = c.runs.NewWriter()
			}
			if c.newest != nil {
				m.newest = c.newest.NewWriter()
			}
			for job := range next {
				if ctx.Err() != nil {
					continue
				}
				if err := job(&m); err != nil {
					cancel(c.forgotten(err))
				}
			}
			if err := m.flush(); err != nil {
				cancel(err)
			}
		})
	}
	for _, job := range jobs {
		next <- job
	}
	close(next)
	running.Wait()
	return context.Cause(ctx)
}

// runJobs add the entities that are known together, and the runs of the files beside: so many rows.
func (c *collector) runJobs(ids []int32) (jobs []func(m *runMerger) error, rows int64) {
	for _, at := range c.settled.parts() {
		rows += at.Count
		jobs = append(jobs, func(m *runMerger) error { return m.addSettled(at) })
	}
	for _, id := range ids {
		if c.runs != nil && !c.repeats.covered[id] || c.newest != nil && !c.settled.covers(id) {
			rows += c.survey.Files[id].Rows
			jobs = append(jobs, func(m *runMerger) error { return m.file(&c.survey.Files[id], c.known[id]) })
		}
	}
	return jobs, rows
}

// runMerger adds the kept runs of files to those of the view. It belongs to one goroutine.
type runMerger struct {
	c      *collector
	keys   *keys.Writer
	newest *keys.NewestWriter
	room   columnRoom
}

func (m *runMerger) flush() error {
	var errs []error
	if m.keys != nil {
		errs = append(errs, m.keys.Flush())
	}
	if m.newest != nil {
		errs = append(errs, m.newest.Flush())
	}
	return errors.Join(errs...)
}

func (m *runMerger) file(file *facts.File, known *kept.File) error {
	if m.keys != nil && !m.c.repeats.covered[file.ID] {
		if err := m.addKeys(file, known); err != nil {
			return err
		}
	}
	if m.newest != nil && !m.c.settled.covers(file.ID) {
		return m.addEntities(file, known)
	}
	return nil
}

func (m *runMerger) addKeys(file *facts.File, known *kept.File) error {
	table := keysTable
	if !m.c.narrow() {
		table = wideKeysTable
	}
	codes, err := m.codes(file, known)
	if err != nil {
		return err
	}
	total := int64(0)
	for _, at := range known.At[table.Name] {
		r := rangeOf{known.Pack(), table, at, nil}
		hashes, rows := r.into(&m.room[0], "hash"), r.into(&m.room[1], "row")
		var sources, events []int64
		if !m.c.narrow() {
			sources, events = r.into(&m.room[2], "source"), r.into(&m.room[3], "event_us")
		}
		if r.err != nil {
			return r.err
		}
		for i, hash := range hashes {
			if rows[i] < 0 || rows[i] >= file.Rows {
				return damaged(known, "a key in row %d of %d", rows[i], file.Rows)
			}
			ordinal := uint64(m.c.bases[file.ID] + rows[i])
			if sources == nil {
				err = m.keys.Add(uint64(hash)<<keptHashShift, ordinal, 0, 0)
			} else if code, ok := codes[sources[i]]; ok {
				err = m.keys.Add(uint64(hash), ordinal, code, events[i])
			} else {
				err = damaged(known, "a key of source %d, which has no rows", sources[i])
			}
			if err != nil {
				return err
			}
		}
		total += int64(len(hashes))
	}
	return m.c.wholeKeys(file, known, total)
}

// wholeKeys says that a file's kept keys are those of all its rows.
func (c *collector) wholeKeys(file *facts.File, known *kept.File, total int64) error {
	nulls := int64(0)
	for _, source := range known.Sources {
		if s := c.slices.of(sliceKey{file.ID, source}); s != nil {
			nulls += s.KeyNull
		}
	}
	if c.hasKey(file) && total+nulls != file.Live() {
		return damaged(known, "%d keys and %d NULLs in %d rows", total, nulls, file.Live())
	}
	return nil
}

// codes are the view's numbers of a file's sources by those that they were kept with.
func (m *runMerger) codes(file *facts.File, known *kept.File) (map[int64]uint64, error) {
	codes := map[int64]uint64{}
	for i, source := range known.Sources {
		s := m.c.slices.of(sliceKey{file.ID, source})
		if s == nil {
			continue // of other files, when it was kept
		}
		code, err := m.c.names.code(source)
		if err != nil {
			return nil, runError{err}
		}
		codes[int64(i)] = uint64(code)
	}
	return codes, nil
}

// hasKey says whether keys are read from a file at all.
func (c *collector) hasKey(file *facts.File) bool {
	l := c.layouts[file.Schema]
	return l.keyHash != absent || len(l.keyTimes) > 0 || len(l.keyTexts) > 0
}

func (m *runMerger) addEntities(file *facts.File, known *kept.File) error {
	if p := file.Partition; p >= 0 && m.c.survey.Partitions[p].Dated() {
		m.newest.Expect(int64(m.c.survey.Partitions[p].Start))
	}
	for _, at := range known.At[entitiesTable.Name] {
		if err := m.addRange(&rangeOf{known.Pack(), entitiesTable, at, nil}); err != nil {
			return err
		}
	}
	for _, at := range known.At[wideEntitiesTable.Name] {
		if err := m.addWideRange(&rangeOf{known.Pack(), wideEntitiesTable, at, nil}); err != nil {
			return err
		}
	}
	return nil
}

// addSettled adds a part of the list of entities that stands for those of many files.
func (m *runMerger) addSettled(at kept.Range) error {
	r := rangeOf{m.c.settled.last.Pack(), m.c.settled.table(), at, nil}
	if m.c.newest.Wide() {
		return m.addWideRange(&r)
	}
	return m.addRange(&r)
}

func (m *runMerger) addRange(r *rangeOf) error {
	ids, newest := r.into(&m.room[0], "entity"), r.into(&m.room[1], "newest_us")
	if r.err != nil {
		return r.err
	}
	return m.newest.AddIntegers(ids, newest)
}

func (m *runMerger) addWideRange(r *rangeOf) error {
	low, high, newest := r.into(&m.room[0], "entity_low"), r.into(&m.room[1], "entity_high"), r.into(&m.room[2], "newest_us")
	if r.err != nil {
		return r.err
	}
	for i := range low {
		if err := m.newest.Add(keys.EntityID{Lo: uint64(low[i]), Hi: uint64(high[i])}, newest[i]); err != nil {
			return err
		}
	}
	return nil
}

// rangeOf reads columns of a range; the first error stays.
type rangeOf struct {
	pack  *kept.Pack
	table kept.Table
	at    kept.Range
	err   error
}

// into reads a column into memory that is used again.
func (r *rangeOf) into(room *[]int64, column string) []int64 {
	if r.err != nil {
		return nil
	}
	*room, r.err = r.pack.IntegersInto(*room, r.table.Name, column, r.at.First, r.at.Count)
	return *room
}

// columnRoom is where the columns of a range are decoded to.
type columnRoom [4][]int64

// remember keeps the facts of the files that were read, as far as as_of changes nothing more in them.
func (c *collector) remember() {
	if c.captures == nil || c.request.Kept.Failed() {
		return
	}
	remembered := c.toRemember()
	c.rememberRepeats(remembered)
	c.settled.remember(remembered)
	c.request.Kept.Beside(func() {
		c.settleFiles()
		var writers bins
		for _, r := range remembered {
			c.rememberFile(r, &writers)
		}
		c.verified.remember(remembered)
	})
}

// toRemember are the files that were read, and whose facts hold from now on.
func (c *collector) toRemember() []rememberedFile {
	var remembered []rememberedFile
	bySource := c.slicesByFile()
	for _, id := range slices.Sorted(maps.Keys(c.captures)) {
		capture, file := c.captures[id], &c.survey.Files[id]
		if holds, ok := c.keepable(file, capture, bySource[id]); ok {
			remembered = append(remembered, rememberedFile{file, capture, bySource[id], holds, c.keepState(file)})
		}
	}
	return remembered
}

// slicesByFile are the row facts of each file.
func (c *collector) slicesByFile() map[int32][]*facts.Slice {
	bySource := map[int32][]*facts.Slice{}
	for i := range c.collection.Slices {
		s := &c.collection.Slices[i]
		bySource[s.File] = append(bySource[s.File], s)
	}
	return bySource
}

// keepable says whether a file that was read is kept, and from which instant on its facts hold.
func (c *collector) keepable(file *facts.File, captured *capture, found []*facts.Slice) (times.Instant, bool) {
	if _, failed := c.unread[file.ID]; failed || len(c.blind[file.ID]) > 0 || captured.read != file.Rows {
		return 0, false
	}
	return c.holdsFrom(file, found)
}

// rememberedFile is a file with what is kept of it: its runs, its row facts, from when on they hold, and what they rest on.
type rememberedFile struct {
	*facts.File
	captured *capture
	found    []*facts.Slice
	holds    times.Instant
	state    string
}

// identity is what a list says of the file.
func (r *rememberedFile) identity() kept.File {
	return kept.File{Path: r.Abs, Size: r.Size, ModTime: r.ModTime, ETag: r.ETag, Footer: r.FooterSum, State: r.state}
}

// holdsFrom is the instant from which the facts of a file hold, whatever as_of is. It is false where that is not now, or where they are
// not all of the file.
func (c *collector) holdsFrom(file *facts.File, found []*facts.Slice) (times.Instant, bool) {
	if c.open(file) {
		return 0, false
	}
	from := times.Instant(times.None)
	for _, s := range found {
		from = max(from, s.EventMax, s.IngestedMax)
		if s.OwnColumnDiffers > 0 {
			return 0, false // how many of them are named is the view's to say
		}
	}
	if file.Partition >= 0 && c.survey.Partitions[file.Partition].Dated() {
		from = max(from, c.survey.Partitions[file.Partition].End)
	}
	return from, from <= c.clock.asOf
}

// rememberFile keeps the facts of a file. The room of writers is used again.
func (c *collector) rememberFile(r rememberedFile, writers *bins) {
	d, file, captured, found := c.request.Kept, r.File, r.captured, r.found
	number := d.Number()
	known := c.keptFile(file, c.policy, r.state)
	known.Pages, known.Holds, known.Far = c.filePages[file.ID], r.holds, captured.far
	put := func(table kept.Table, rows kept.Rows) {
		known.At[table.Name] = []kept.Range{d.Append(table, rows)}
	}
	var lags, events bins
	writers.reset()
	rows := make(kept.Rows, len(slicesTable.Columns))
	for i := range rows {
		rows[i] = []int64{}
	}
	unparsed, columns := []string{}, facts.RowFacts()
	whole := func(at int, value int64) { rows[at] = append(rows[at].([]int64), value) } //nolint:errcheck,forcetypeassert // made above
	for _, s := range found {
		code := int64(slices.Index(c.names.names, s.Source))
		whole(0, number)
		whole(1, code)
		for i, f := range columns {
			value, ok := f.Of(s)
			if !ok {
				value = times.None
			}
			whole(2+i, value)
		}
		flag := int64(0)
		if s.Unparsed.Known {
			flag = 1
		}
		whole(2+len(columns), flag)
		unparsed = append(unparsed, s.Unparsed.Text)
		if t := c.fileTallies[sliceKey{file.ID, s.Source}]; t != nil {
			lags.add(number, code, t.lags.Counts)
			events.add(number, code, t.events.Counts)
		}
		writers.addWriters(number, code, c.fileSamples[sliceKey{file.ID, s.Source}])
	}
	rows[len(rows)-1] = unparsed
	put(slicesTable, rows)
	if len(lags[0]) > 0 {
		put(lagsTable, lags.rows(4))
	}
	if len(events[0]) > 0 {
		put(eventsTable, events.rows(4))
	}
	if len(writers[0]) > 0 {
		put(writersTable, writers.rows(6))
	}
	// a footer has the least and the greatest values of columns, which may be sensitive
	if stage := c.request.Stage; stage != nil && file.ETag != "" && stage.Distant(*file) && len(c.roles.view.Sensitive) == 0 {
		if footer := stage.Footer(file.Abs, file.ETag); len(footer) > 0 {
			put(kept.FootersTable, kept.Rows{[]int64{number}, []string{string(footer)}})
		}
	}
	runs, narrow, entities, wide := c.runs != nil, c.narrow(), c.newest != nil, c.newest != nil && c.newest.Wide()
	d.Later(func() { // its runs are written beside
		captured.writing.Wait()
		if runs {
			known.At[chosen(narrow, keysTable, wideKeysTable).Name] = captured.keyRanges
		}
		if entities {
			known.At[chosen(wide, wideEntitiesTable, entitiesTable).Name] = captured.entityRanges
		}
		d.Add(number, known)
	})
}

func chosen[T any](first bool, one, other T) T {
	if first {
		return one
	}
	return other
}

// bins are columns of rows of small numbers.
type bins [6][]int64

func (b *bins) append(row ...int64) {
	for i, value := range row {
		b[i] = append(b[i], value)
	}
}

func (b *bins) reset() {
	for i := range b {
		b[i] = b[i][:0]
	}
}

func (b *bins) rows(columns int) kept.Rows {
	rows := make(kept.Rows, columns)
	for i := range rows {
		rows[i] = b[i]
	}
	return rows
}

func (b *bins) add(file, source int64, counts map[int32]int64) {
	for _, bin := range slices.Sorted(maps.Keys(counts)) {
		b.append(file, source, int64(bin), counts[bin])
	}
}
