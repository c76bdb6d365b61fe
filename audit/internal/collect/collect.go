package collect

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/featureaudit/featureaudit/audit/engine"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/internal/keys"
	"github.com/featureaudit/featureaudit/audit/kept"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/policy"
	"github.com/featureaudit/featureaudit/audit/sensitive"
	"github.com/featureaudit/featureaudit/audit/times"
	"github.com/featureaudit/featureaudit/audit/zone"
)

// Request is what one view's collection works by.
type Request struct {
	View   model.View
	Survey facts.Survey
	// AsOf is the instant judged from.
	AsOf times.Instant
	// Wants is what the selected checks want of the rows.
	Wants facts.Wants
	// Units are the inferred units of epoch columns by schema and column name, where the definitions name none.
	Units func(schema int32, column string) string
	// OwnAgrees says whether a partition column's value inside a file means what the file's path means, and OwnHolds does so
	// of a typed time: an instant in microseconds where it is aware, else what a calendar shows.
	OwnAgrees func(file facts.File, column, value string) bool
	OwnHolds  func(file facts.File, column string) func(micros int64, aware bool) bool
	// Values reads a column of single rows, ascending, from the bytes of a file: as numbers, or as texts that are equal exactly
	// where the values are.
	Values func(ctx context.Context, file facts.File, column facts.Column, rows []int64, numbers bool) (facts.Values, error)
	// Truncated says whether the engine cuts a column's nanoseconds off, and Nanos reads what it cuts off of single rows.
	Truncated func(column facts.Column) bool
	Nanos     func(ctx context.Context, file facts.File, column facts.Column, rows []int64) ([]int64, error)
	// Changed says whether a file is no longer what was listed; nil means unchanged.
	Changed func(ctx context.Context, file facts.File) *facts.Problem
	// Pages compares the pages of columns of a file with the checksums that they bring, in the row groups that are wanted (nil wants all),
	// and says how many have one; nil for not to look. The error is the context's.
	Pages func(ctx context.Context, file facts.File, columns []facts.Column, wanted func(group int) bool) (checked int64, problems []facts.ColumnProblem, err error)

	// Stage brings parts of distant files onto this disk; nil where the engine opens files where they lie.
	Stage Stage

	// Repage copies a file in small pages, for an engine without the memory to read it as it is; nil for not to.
	Repage func(ctx context.Context, file facts.File, wanted func(column string) bool) (Repaged, error)

	Workers int
	// SliceRows is how many rows one query reads; 0 means DefaultSliceRows.
	SliceRows int64
	// RunMemory is what key and entity runs may hold before they spill to TempDir, in bytes.
	RunMemory int64
	// Slices is how many pairs of a file and a source there is memory for; 0 for any number.
	Slices  int
	TempDir string
	// PortionRows is how many repeated rows are held and compared at once; 0 means as many as RunMemory has room for.
	PortionRows int
	// RowsLimit caps the repeated rows that are kept for export.
	RowsLimit int
	// Aside keeps texts of those rows, as engine.Order says.
	Aside engine.KeptTexts
	// Samples says that findings may show values: of sampled writers, they are kept beside the hash.
	Samples int
	// HashBits weakens the key hash to so many bits, so that tests meet collisions; 0 keeps all 64.
	HashBits int
	// Offsets gives the UTC offsets, in seconds, that zones really had between two instants: two event times of one key
	// that differ by one of them are shifted twins.
	Offsets func(from, to times.Instant) []int64

	// Atlas keeps zones that were read; nil reads them anew.
	Atlas *zone.Atlas

	// Kept knows facts of files from earlier runs, and takes those of this one; nil for none. Paranoid says that none that it knows is
	// trusted, and Distrusts, where it is not nil, names files by path of which none is. Release names what facts rest on beside the policy:
	// the engine and the zones.
	Kept      *kept.Dir
	Paranoid  bool
	Distrusts func(path string) bool
	Release   string

	// Hasher hides hashes of what is sensitive with the user's key; nil without one.
	Hasher *sensitive.Hasher

	// Progress is called after each query, from one goroutine at a time; nil for none.
	Progress func(step string, filesDone, rowsDone int64)
}

// DefaultSliceRows is how many rows one query reads: enough for the engine to be fast, few enough to stay small.
const DefaultSliceRows = 512 << 10

// batchBytes and batchFiles bound the small files that one query reads together where its result is held, streamFiles
// where it is not.
const (
	batchBytes  = 64 << 20
	batchFiles  = 1000
	streamFiles = 20_000
)

// The engine holds the footer of each file of a query until its end: so much for a file, and for each of its column chunks.
const (
	openFileBytes  = 10 << 10
	openChunkBytes = 1 << 10
	// leastOpenFiles are read together whatever their footers take.
	leastOpenFiles = 64
)

// openBytes is what the engine holds of a file while a query reads it.
func (c *collector) openBytes(file *facts.File) int64 {
	return openFileBytes + int64(len(c.survey.Schemas[file.Schema].Columns))*int64(len(file.RowGroups))*openChunkBytes
}

// together says whether so many files, whose footers take so many bytes, may be read in one query that holds no result.
func (c *collector) together(files int, bytes int64) bool {
	return files <= leastOpenFiles || files <= streamFiles && bytes <= c.request.RunMemory/4
}

// largeRow is from how many bytes on the rows of a file are large: the engine is told then.
const largeRow = 16 << 10

// Collect reads the rows of a view once and gives their facts. Files that cannot be read are in Collection.Unread, and
// leave nothing else behind; columns that only the comparison of repeated keys reads, and cannot, are in Collection.Blind. The
// error is a cancelled context, or what stops the whole view: memory, disk, a source column with too many values.
func Collect(ctx context.Context, e engine.Scanner, r Request) (*facts.Collection, error) {
	known := learnt{unread: map[int32]facts.Problem{}, refused: map[string]string{}, beyond: map[int32]bool{}, copies: &copies{byFile: map[int32]Repaged{}, checked: map[int32][]bool{}}}
	defer known.copies.close()
	if engine, asks := e.(interface{ ExpectLargeValues() }); asks && slices.ContainsFunc(r.Survey.Files, func(f facts.File) bool { return f.RowBytes >= largeRow }) {
		engine.ExpectLargeValues()
	}
	blind := map[int32][]facts.ColumnProblem{}
	pages, trusted := map[int32]int64{}, true
	for careful := false; ; {
		c, err := newCollector(e, r, known)
		if err != nil {
			return nil, err
		}
		c.blind, c.filePages = blind, pages
		c.recall(trusted)
		if err := c.checkPages(ctx); err != nil {
			return nil, err
		}
		collection, err := c.collect(ctx, careful)
		if err != nil && c.copyLarge(ctx, err) {
			maps.Copy(known.unread, c.unread)
			continue
		}
		if errors.Is(err, errForgotten) {
			trusted = false
			maps.Copy(known.unread, c.unread)
			continue
		}
		if err == nil {
			c.remember()
		}
		if !errors.Is(err, errTainted) && !errors.Is(err, errBlind) {
			return collection, err
		}
		if errors.Is(err, errTainted) {
			// rows of a file that failed or changed were counted: count again, and carefully, unless the cause is known now
			careful = !c.learnt.wiser
		}
		maps.Copy(known.unread, c.unread)
		if len(c.learnt.refused) > len(known.refused) {
			// the columns of a refused role are not read again: what was found in them depends on how far this attempt came
			clear(known.unread)
			clear(known.copies.checked)
			clear(pages)
		}
		known.refused, known.beyond, known.rawNested = c.learnt.refused, c.learnt.beyond, c.learnt.rawNested
	}
}

// learnt is what one attempt leaves to the next.
type learnt struct {
	unread map[int32]facts.Problem
	// refused are roles whose values turned out to have no common form, with the reason.
	refused map[string]string
	// beyond are schemas of files whose times in milliseconds the engine cannot hold.
	beyond map[int32]bool
	// rawNested says that times inside nested columns lie beyond what the engine can write.
	rawNested bool
	// copies are of files that the engine had no memory for.
	copies *copies
	// wiser says that a failure told any of this.
	wiser bool
}

var (
	errTainted = errors.New("a file failed half-way")
	// errBlind says that keys were compared by columns that turned out to be unreadable in some files.
	errBlind = errors.New("a column of a file cannot be read")
)

// collector is one attempt at collecting a view.
type collector struct {
	engine  engine.Scanner
	request Request
	survey  facts.Survey
	roles   roles
	clock   clock
	layouts map[int32]*layout
	names   *sourceNames
	// bases are the ordinals of each file's first row among all rows of the view: a row is named by one number.
	bases []int64
	// ownDiffers counts the rows whose own partition column contradicts the path, as far as their numbers are kept.
	ownDiffers atomic.Int64
	budget     *keys.Budget
	// laidDown is how many bytes of rows were laid down beside it.
	laidDown int64
	runs     *keys.Runs
	newest   *keys.Newest
	// writers are the samples of rows by who stamped them.
	writers writerSamples
	copies  *copies
	// real are the offsets of zones, in seconds, once they were asked for.
	real []int64

	mu         sync.Mutex
	collection *facts.Collection
	slices     sliceSet
	unread     map[int32]facts.Problem
	learnt     learnt
	// blind are the columns that cannot be read, by file; paged the row groups whose payload's pages were checked.
	blind     map[int32][]facts.ColumnProblem
	paged     map[int32][]bool
	tainted   bool
	filesDone int64
	rowsDone  int64

	// known are the files whose facts are taken from earlier runs. The rest is of those whose facts are kept, and nil where none are:
	// the digest of what facts rest on, the runs and histograms and samples by file, and the pages that were checked.
	known         map[int32]*kept.File
	policy        string
	layoutDigests map[int32]string
	captures      map[int32]*capture
	viewEntities  *viewEntities
	entitiesApart *viewEntities
	places        places
	placed        bool
	// repetitive says that a file was found in which many entities come more than once.
	repetitive  atomic.Bool
	spares      spares
	fileTallies map[sliceKey]*fileTally
	fileSamples map[sliceKey]*fileSample
	filePages   map[int32]int64
	// allRows are those of all files that are wanted, known ones too.
	allRows  int64
	repeats  *repeats
	settled  *settled
	because  map[facts.ReadReason]int64
	seals    seals
	verified *verified
	// knownPages were checked when the known files were read.
	knownPages int64
}

func newCollector(e engine.Scanner, r Request, known learnt) (*collector, error) {
	r.Survey.Files = withCopies(r.Survey.Files, known.copies)
	c := &collector{engine: e, request: r, survey: r.Survey, copies: known.copies, clock: newClock(r.AsOf, r.View.Tolerance),
		layouts: map[int32]*layout{}, names: &sourceNames{column: r.View.Source.Column},
		unread: maps.Clone(known.unread), learnt: learnt{refused: maps.Clone(known.refused), beyond: maps.Clone(known.beyond), rawNested: known.rawNested},
		blind: map[int32][]facts.ColumnProblem{}, paged: map[int32][]bool{},
		writers: writerSamples{sources: map[uint8]*writerSample{}, named: r.Samples > 0}}
	c.collection = &facts.Collection{Lags: map[facts.Population]*facts.LagHistogram{}, Events: map[facts.Population]*facts.EventHistogram{},
		RoleProblems: map[string]string{}}
	c.roles = roles{view: r.View, wants: r.Wants, schemas: r.Survey.Schemas, zones: zoneTables{atlas: r.Atlas, made: map[string]*zone.Table{}}, units: map[unitKey]string{},
		beyond: known.beyond, rawNested: known.rawNested}
	if err := c.prepareRoles(known); err != nil {
		return nil, err
	}
	c.seals = c.newSeals(false)
	for i := range c.survey.Schemas {
		c.layouts[c.survey.Schemas[i].ID] = newLayout(&c.roles, &c.survey.Schemas[i])
	}
	c.bases = make([]int64, len(c.survey.Files)+1)
	for i, file := range c.survey.Files {
		c.bases[i+1] = c.bases[i] + file.Rows
	}
	return c, nil
}

// prepareRoles settles forms, units and zones, and drops the roles that files cannot fill, with the reason.
func (c *collector) prepareRoles(known learnt) error {
	r, v := &c.roles, c.roles.view
	example := c.exampleFile()
	for role, names := range map[string]func(rowPolicy) []string{
		"event_time":  func(p rowPolicy) []string { return []string{p.event.Column} },
		"ingested_at": func(p rowPolicy) []string { return []string{p.ingested.Column} },
		"source":      func(rowPolicy) []string { return []string{v.Source.Column} },
		"key":         func(rowPolicy) []string { return v.Key },
		"entity":      func(rowPolicy) []string { return v.Entity },
		"writer":      func(rowPolicy) []string { return v.Writer },
		"measures":    func(rowPolicy) []string { return v.Measures },
	} {
		c.checkRole(role, names)
	}
	var err error
	if r.keyForms, err = unifyForms(v, v.Key, r.schemas, example); err != nil {
		c.collection.RoleProblems["key"] = err.Error()
	}
	if r.entityForms, err = unifyForms(v, v.Entity, r.schemas, example); err != nil {
		c.collection.RoleProblems["entity"] = err.Error()
	}
	exactTimes(v, v.Entity, r.entityForms)
	if r.writerForms, err = unifyForms(v, writerColumns(v), r.schemas, example); err != nil && len(v.Writer) > 0 {
		c.collection.RoleProblems["writer"] = err.Error()
	}
	exactTimes(v, writerColumns(v), r.writerForms)
	if err != nil || len(writerColumns(v)) == 0 || c.collection.RoleProblems["writer"] != "" || len(v.Writer) == 0 && c.collection.RoleProblems["entity"] != "" {
		r.wants &^= facts.WantWriters
	}
	c.checkMeasures(example)
	maps.Copy(c.collection.RoleProblems, known.refused)
	if len(v.Key) == 0 || c.collection.RoleProblems["key"] != "" {
		r.wants &^= facts.WantKeys | facts.WantNulls
	}
	if r.wants.Has(facts.WantKeys) {
		r.wants &^= facts.WantNulls // counted with the keys
	}
	if len(v.Entity) == 0 || c.collection.RoleProblems["entity"] != "" {
		r.wants &^= facts.WantEntities
	}
	for _, schema := range r.schemas {
		for _, column := range timeColumns(v) {
			r.units[unitKey{schema.ID, column.Column}] = c.request.Units(schema.ID, column.Column)
		}
	}
	zones := []string{v.Zone, v.EventTime.Zone, v.IngestedAt.Zone}
	for _, s := range v.Sources {
		zones = append(zones, s.Zone, s.EventTime.Zone, s.IngestedAt.Zone)
	}
	for _, name := range zones {
		if _, err := r.zones.load(name); err != nil {
			return err
		}
	}
	return nil
}

// exactTimes keeps the times of an identity to the nanosecond, which the engine may cut off; those of the view are instants.
func exactTimes(v model.View, names []string, forms []engine.Form) {
	for i, name := range names {
		if _, timed := timeColumnNamed(v, name); !timed && i < len(forms) && isTime(forms[i]) {
			forms[i].Exact = true
		}
	}
}

// checkMeasures refuses measures that cannot be added up.
func (c *collector) checkMeasures(example func(int32) string) {
	for _, name := range c.roles.view.Measures {
		for _, schema := range c.roles.schemas {
			column := schema.Lookup(name)
			if column == nil || example(schema.ID) == "" {
				continue
			}
			switch engine.FormOf(*column).Kind {
			case engine.FormInteger, engine.FormHugeInteger, engine.FormDecimal, engine.FormDouble, engine.FormNull:
			default:
				c.collection.RoleProblems["measures"] = fmt.Sprintf("measure %q is %s in %s: a measure is an integer, a decimal or a floating number; name another column",
					name, column.TypeText, example(schema.ID))
				return
			}
		}
	}
}

// exampleFile gives the first readable file with rows of each schema, or "".
func (c *collector) exampleFile() func(int32) string {
	first := map[int32]string{}
	for _, f := range c.survey.Files {
		if f.Schema >= 0 && f.Problem == nil && f.Live() > 0 && first[f.Schema] == "" {
			first[f.Schema] = f.Path
		}
	}
	return func(schema int32) string { return first[schema] }
}

// checkRole looks for a role's columns in every file with rows, by the policy of the file's own source.
func (c *collector) checkRole(role string, names func(rowPolicy) []string) {
	type lookup struct {
		schema int32
		name   string
	}
	known := map[lookup]bool{}
	has := func(schema int32, name string) bool {
		l := lookup{schema, name}
		found, ok := known[l]
		if !ok {
			found = c.survey.Schemas[schema].Lookup(name) != nil
			known[l] = found
		}
		return found
	}
	missing := map[string][]string{}
	for _, f := range c.survey.Files {
		if f.Schema < 0 || f.Problem != nil || f.Live() == 0 || role == "source" && f.Source != "" {
			continue
		}
		for _, name := range names(sourcePolicy(c.roles.view, f.Source)) {
			if name != "" && !has(f.Schema, name) {
				missing[name] = append(missing[name], f.Path)
			}
		}
	}
	for _, name := range sortedKeys(missing) {
		files := missing[name]
		c.collection.RoleProblems[role] = fmt.Sprintf("column %q (%s) is missing from %d of %d files, such as %s%s: name the column that these files have, or leave them out of the view's path",
			name, role, len(files), len(c.survey.Files), strings.Join(files[:min(3, len(files))], ", "), c.nearestTo(name))
		return
	}
}

// nearestTo asks whether a column that no file has is a mistyped one, in words that follow what is said of it.
func (c *collector) nearestTo(name string) string {
	var names []string
	for _, s := range c.roles.schemas {
		if s.Lookup(name) != nil {
			return ""
		}
		for _, column := range s.Columns {
			names = append(names, column.Name)
		}
	}
	slices.Sort(names)
	if near := policy.Nearest(name, slices.Compact(names)); near != "" {
		return fmt.Sprintf(" (did you mean %q?)", near)
	}
	return ""
}

func (c *collector) zones() zoneTables { return c.roles.zones }

func (c *collector) ownAgrees(file *facts.File, column, value string) bool {
	return c.request.OwnAgrees(*file, column, value)
}

func (c *collector) weaken(hash uint64) uint64 {
	if c.request.HashBits == 0 {
		return hash
	}
	// the top bits choose the part: keep them, so that parts are used as well
	return hash >> (64 - c.request.HashBits) << (64 - c.request.HashBits)
}

// collect reads the rows and concludes. Carefully, every query's result is held until its files are known to be whole
// and unchanged, so that a file that fails spoils no other; else rows are counted as they come, which is much faster.
func (c *collector) collect(ctx context.Context, careful bool) (*facts.Collection, error) {
	jobs, rows := c.jobs(careful)
	c.allRows = rows
	c.budget = keys.NewBudget(c.request.RunMemory, c.request.TempDir)
	defer c.budget.Close()
	defer c.awaitCaptures() // which may add entities
	if c.roles.wants.Has(facts.WantKeys) {
		c.runs = keys.NewRuns(c.budget, rows, c.bases[len(c.survey.Files)], len(c.oncePer()) > 0)
	}
	if c.roles.wants.Has(facts.WantEntities) {
		c.newest = c.newNewest()
		c.gatherEntities()
	}
	if err := c.checkSpace(rows); err != nil {
		return nil, err
	}
	if err := c.scan(ctx, jobs); err != nil {
		return nil, err
	}
	if c.tainted {
		return nil, errTainted
	}
	if err := c.merge(ctx); err != nil {
		return nil, err
	}
	c.finishSlices()
	if !c.finishWriters() {
		return nil, errForgotten
	}
	if c.newest != nil {
		if err := c.finishCaptured(); err != nil {
			return nil, err
		}
		if err := c.finishEntities(ctx); err != nil {
			return nil, err
		}
	}
	if c.runs != nil {
		if err := c.finishKeys(ctx); err != nil {
			return nil, err
		}
	}
	c.collection.CheckedPages = c.knownPages
	for _, checked := range c.filePages {
		c.collection.CheckedPages += checked
	}
	c.collection.KnownFiles, c.collection.KnownRows = c.knownRows()
	c.collection.ReadBecause = c.because
	c.collection.SpilledBytes = c.budget.SpilledBytes() + c.laidDown
	c.collection.Unread, c.collection.Blind = c.unread, c.blind
	return c.collection, nil
}

// newNewest makes room for the newest event of each entity.
func (c *collector) newNewest() *keys.Newest {
	wide := len(c.roles.entityForms) != 1 || c.roles.entityForms[0].Kind != engine.FormInteger || c.seals.entities
	denseBytes := c.request.RunMemory / 2 / int64(max(1, c.request.Workers)+1)
	return keys.NewNewest(c.budget, c.allRows, wide, c.entitySpan(wide), denseBytes)
}

// entitySpan is the range of an integer entity by the footers; empty where one of them does not say.
func (c *collector) entitySpan(wide bool) keys.Span {
	span, example := keys.NoSpan, c.exampleFile()
	for _, schema := range c.survey.Schemas {
		if wide || example(schema.ID) == "" {
			continue
		}
		column := schema.Lookup(c.roles.view.Entity[0])
		switch {
		case column != nil && column.Absent && !column.Filled: // it has none
		case column == nil || !column.HasBounds:
			return keys.NoSpan
		case span == keys.NoSpan:
			span = keys.Span{First: column.Min, Last: column.Max}
		default:
			span = keys.Span{First: min(span.First, column.Min), Last: max(span.Last, column.Max)}
		}
	}
	return span
}

// checkSpace compares what the runs may have to spill with the free space, before anything is read.
func (c *collector) checkSpace(rows int64) error {
	need := int64(0)
	if c.roles.wants.Has(facts.WantKeys) {
		need += (rows - c.repeats.rowsOf(c)) * c.runs.EntryBytes()
	}
	if need <= c.request.RunMemory {
		return nil
	}
	free, err := keys.FreeBytes(c.request.TempDir)
	if err != nil {
		return keys.SpillError{Err: err}
	}
	if spill := need - c.request.RunMemory; spill > free {
		return keys.SpillError{Err: fmt.Errorf("up to %d MiB of key runs may have to be spilled to %s, where %d MiB are free: free some space, name a larger folder with --temp-dir, or raise --memory-limit",
			spill>>20, c.request.TempDir, free>>20)}
	}
	return nil
}

// scan runs the streams one after the other, each on all threads of the engine, and the other jobs on all workers.
func (c *collector) scan(ctx context.Context, jobs []job) error {
	var held []job
	for _, j := range jobs {
		if !j.streamed {
			held = append(held, j)
			continue
		}
		if c.distant() {
			large, err := c.streamDistant(ctx, j)
			if err != nil {
				return err
			}
			for _, f := range large {
				held = append(held, slicesOf(&c.survey.Files[f.id], c.sliceRows(), f.rowsAtOnce)...)
			}
			continue
		}
		if err := c.stream(ctx, j); err != nil {
			return err
		}
	}
	return c.hold(ctx, held)
}

// hold runs jobs whose results are held, on all workers.
func (c *collector) hold(ctx context.Context, jobs []job) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan job)
	var running sync.WaitGroup
	for range max(1, c.request.Workers) {
		running.Go(func() {
			w := c.newWorker()
			for j := range next {
				if err := w.run(ctx, j); err != nil {
					cancel(err)
					break
				}
			}
			if err := w.finish(); err != nil {
				cancel(err)
			}
			for range next { // drained, so that the sender never blocks
			}
		})
	}
	for _, j := range jobs {
		if ctx.Err() != nil {
			break
		}
		next <- j
	}
	close(next)
	running.Wait()
	return context.Cause(ctx)
}

// roomForSlice says whether there is room for a pair of a file and a source, if it is not there already.
func (c *collector) roomForSlice(key sliceKey) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if most := c.request.Slices; most > 0 && len(c.slices.list) >= most && c.slices.of(key) == nil {
		return engine.ResourceError{Err: fmt.Errorf("its %d files hold more than %d pairs of a file and a source, and the memory limit has room for no more: raise --memory-limit, or name a source with fewer values",
			len(c.survey.Files), most)}
	}
	return nil
}

func (c *collector) addSlices(used []*sourceFold) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range used {
		c.slices.add(s.slice, len(c.survey.Files))
	}
}

func (c *collector) addTallies(t *tallies) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for of, counts := range t.lags {
		counts.addTo(c.lagsOf(of.Population))
		if of.file != noFile {
			counts.addTo(c.tallyOf(of.file, of.Source).lags)
		}
	}
	for of, counts := range t.events {
		counts.addTo(c.eventsOf(of.Population))
		if of.file != noFile {
			counts.addTo(c.tallyOf(of.file, of.Source).events)
		}
	}
}

func (c *collector) finishSlices() {
	c.collection.Slices = c.slices.sorted()
	for i := range c.collection.Slices {
		c.collection.ScannedRows += c.collection.Slices[i].Rows
		if i == 0 || c.collection.Slices[i].File != c.collection.Slices[i-1].File {
			c.collection.ScannedFiles++
		}
	}
	c.collection.Sources = slices.Sorted(slices.Values(c.names.names))
	for population, h := range c.collection.Lags {
		if h.Rows == 0 {
			delete(c.collection.Lags, population)
		}
	}
	for population, h := range c.collection.Events {
		if h.Rows == 0 {
			delete(c.collection.Events, population)
		}
	}
}

// timeOf is a microsecond instant for people.
func timeOf(micros int64) string { return times.Instant(micros).Time().Format(time.RFC3339Nano) }
