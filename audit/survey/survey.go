package survey

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strconv"
	"sync"
	"syscall"

	"github.com/zeebo/xxh3"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/store"
	"github.com/featureaudit/featureaudit/audit/times"
	"github.com/featureaudit/featureaudit/audit/words"
)

// tailBytes are read first: the footers of most files fit, so that one read is enough.
const tailBytes = 64 << 10

// maxFooter is the largest footer that is believed.
const maxFooter = 512 << 20

// leastFile is the size of the smallest file that can be Parquet.
const leastFile = 12

const (
	magic          = "PAR1"
	magicEncrypted = "PARE"
)

// Survey reads the footer of every listed file, workers of them at once, and describes their schemas in the order of
// the files. A file that cannot be read gets a Problem and the others are not affected; the error is the context's.
// progress (nil for none) is told the number of files done, by one goroutine at a time. The files of the listing are those of the survey
// from then on: they are not copied.
func Survey(ctx context.Context, st store.Store, listing facts.Listing, roles Roles, workers int, progress func(done int)) (facts.Survey, error) {
	s := facts.Survey{Listing: listing}
	s.Partitions = slices.Clone(listing.Partitions)
	for _, f := range s.Files[:min(1, len(s.Files))] {
		workers = max(workers, store.AtOnce(st, f.Abs))
	}
	read, err := readAll(ctx, st, s.Files, roles, workers, progress)
	if err != nil {
		return facts.Survey{}, err
	}
	units := unitsByColumn{}
	for i := range read {
		units.learn(read[i].unpacked().schema)
		s.Files[i].Defaulted = read[i].defaulted
	}
	known, defaulted := map[string]int32{}, defaultedIn(s.Files, roles)
	lacked := lackedBy(s.Files, read, roles)
	for i := range s.Files {
		r := read[i].unpacked()
		withoutDefaults(&r.schema, defaulted)
		s.Files[i].AdoptedUnits = units.teach(r.schema)
		lacked.fill(&r.schema, s.Files[i])
		place(&s, known, int32(i), r, roles)
	}
	s.Notes = append(append(s.Notes, unitNotes(s, roles)...), defaultNotes(defaulted, len(s.Files))...)
	return s, nil
}

// Refresh reads a file again that changed since it was listed: its size, time and footer. It is for files of open
// partitions, once; the error is the context's.
func Refresh(ctx context.Context, st store.Store, s *facts.Survey, file int32, roles Roles) error {
	f := &s.Files[file]
	addRows(s, *f, -f.Live())
	entry, err := st.Stat(ctx, f.Abs)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err == nil && f.Table == nil {
		f.Size, f.ModTime, f.Identity = entry.Size, times.Instant(entry.ModTime), facts.Identity{ETag: entry.ETag}
	}
	known, units := map[string]int32{}, unitsByColumn{}
	for _, schema := range s.Schemas {
		known[schemaKey(schema)] = schema.ID
		units.learn(schema)
	}
	read := readFile(ctx, st, *f, roles)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	f.Schema, f.Rows, f.RowGroups, f.CreatedBy, f.Writer, f.Problem = -1, 0, nil, "", "", nil
	f.Defaulted = read.defaulted
	withoutDefaults(&read.schema, defaultedIn(s.Files, roles))
	f.AdoptedUnits = units.teach(read.schema)
	lackedOf(s.Schemas, roles).fill(&read.schema, *f)
	place(s, known, file, read, roles)
	return nil
}

// Changed compares a file with its listing: nil if neither size nor time nor the store's own mark differ. Files of a table are never
// written again, and their times are the log's: they have its size, or are damaged.
func Changed(ctx context.Context, st store.Store, f facts.File) *facts.Problem {
	entry, err := st.Stat(ctx, f.Abs)
	if err != nil {
		return openProblemOf(f, err)
	}
	if f.Table != nil {
		if entry.Size == f.Size {
			return nil
		}
		return &facts.Problem{Kind: facts.ProblemCorrupt, Message: fmt.Sprintf("it has %d bytes and the table's log says %d: it was written over or cut, or the log is damaged", entry.Size, f.Size)}
	}
	if entry.Size != f.Size || times.Instant(entry.ModTime) != f.ModTime {
		return &facts.Problem{Kind: facts.ProblemChanged, Message: fmt.Sprintf("it changed during the run: it was listed with %d bytes and has %d, its time differs by %d ms; run again when its writer is done",
			f.Size, entry.Size, times.Instant(entry.ModTime).Sub(f.ModTime)/times.Millisecond)}
	}
	if entry.ETag != f.ETag {
		return &facts.Problem{Kind: facts.ProblemChanged, Message: fmt.Sprintf("it changed during the run: it was listed with the ETag %q and has %q; run again when its writer is done", f.ETag, entry.ETag)}
	}
	return nil
}

// reading is what one footer gave.
type reading struct {
	problem   *facts.Problem
	schema    facts.Schema
	createdBy string
	rows      int64
	groups    []facts.RowGroup
	rowBytes  int64
	// chunks are asked whether they bring checksums, and checksums says that one does.
	chunks    []chunk
	checksums bool
	footerSum uint64
	// unbounded names time columns that hold numbers, not only nulls, of which the footer says nothing.
	unbounded []string
	// defaulted are the top-level columns of the table that the file lacks, and that read as another value than NULL there.
	defaulted []string
}

func readAll(ctx context.Context, st store.Store, files []facts.File, roles Roles, workers int, progress func(done int)) ([]packed, error) {
	out, shared := make([]packed, len(files)), sharing{}
	var lock sync.Mutex
	var group sync.WaitGroup
	next, done := 0, 0
	take := func() (int, bool) {
		lock.Lock()
		defer lock.Unlock()
		next++
		return next - 1, next <= len(files) && ctx.Err() == nil
	}
	report := func() {
		lock.Lock()
		defer lock.Unlock()
		done++
		if progress != nil {
			progress(done)
		}
	}
	for range max(workers, 1) {
		group.Go(func() {
			for i, ok := take(); ok; i, ok = take() {
				r := readFile(ctx, st, files[i], roles)
				lock.Lock()
				out[i] = shared.pack(r)
				lock.Unlock()
				report()
			}
		})
	}
	group.Wait()
	return out, ctx.Err()
}

func readFile(ctx context.Context, st store.Store, file facts.File, roles Roles) reading {
	object, err := st.Open(ctx, file.Abs)
	if err != nil {
		return reading{problem: changedMeanwhile(ctx, st, file, openProblemOf(file, err))}
	}
	defer object.Close()
	data, problem := readTail(object, file)
	if problem != nil {
		return reading{problem: changedMeanwhile(ctx, st, file, problem)}
	}
	r, err := describe(data, file, roles)
	if distant := store.AtOnce(st, file.Abs) > 0; distant {
		r.checksums = true // who reads the pages sees whether they bring any: to look is a request for each column
	} else if err == nil && r.problem == nil {
		r.checksums, err = summed(object, r.chunks)
		if err != nil {
			return reading{problem: changedMeanwhile(ctx, st, file, openProblem(err))}
		}
	}
	r.footerSum = xxh3.Hash(data)
	if err != nil {
		return reading{problem: changedMeanwhile(ctx, st, file, &facts.Problem{Kind: facts.ProblemCorrupt,
			Message: fmt.Sprintf("its footer does not decode (%v): want the metadata of a Parquet file; write the file again", err)})}
	}
	return r
}

// changedMeanwhile prefers the cause: a file that is being rewritten looks broken.
func changedMeanwhile(ctx context.Context, st store.Store, file facts.File, problem *facts.Problem) *facts.Problem {
	if problem.Retryable() {
		return problem
	}
	if changed := Changed(ctx, st, file); changed != nil {
		return changed
	}
	return problem
}

// openProblemOf is openProblem of a file that a table may name.
func openProblemOf(f facts.File, err error) *facts.Problem {
	problem := openProblem(err)
	if problem.Kind == facts.ProblemVanished && f.Table != nil {
		problem.Message = fmt.Sprintf("version %d of the table names it, and it is not there: a clean-up of old versions (VACUUM) took it, or the table was moved or copied without it; audit a version whose files are all there", f.Table.Version)
	}
	return problem
}

func openProblem(err error) *facts.Problem {
	var remote *store.RemoteError
	var elsewhere *store.AddressError
	switch {
	case errors.As(err, &elsewhere):
		return &facts.Problem{Kind: facts.ProblemRefused, Message: elsewhere.Error()}
	case errors.As(err, &remote) && remote.Kind == store.RemoteGone:
		return &facts.Problem{Kind: facts.ProblemVanished, Message: "it was listed and is gone now: run again when its writer is done"}
	case errors.As(err, &remote):
		return &facts.Problem{Kind: remoteKinds[remote.Kind], Message: remote.What()}
	case errors.Is(err, fs.ErrNotExist):
		return &facts.Problem{Kind: facts.ProblemVanished, Message: "it was listed and is gone now, or a link to nothing: run again when its writer is done, or remove the link"}
	case errors.Is(err, syscall.ELOOP):
		return &facts.Problem{Kind: facts.ProblemSpecial, Message: "it is a link that leads to itself: remove it"}
	case errors.Is(err, fs.ErrPermission):
		return &facts.Problem{Kind: facts.ProblemPermission, Message: "no permission to read it: give the audit's user read rights"}
	}
	return &facts.Problem{Kind: facts.ProblemIO, Message: fmt.Sprintf("it could not be read (%v): run again", err)}
}

// remoteKinds are what the refusals of an object store mean for a file.
var remoteKinds = map[store.RemoteKind]facts.ProblemKind{
	store.RemoteDenied: facts.ProblemPermission, store.RemoteChanged: facts.ProblemChanged, store.RemoteExpired: facts.ProblemIO,
	store.RemoteFailed: facts.ProblemIO, store.RemoteRefused: facts.ProblemRefused,
}

// readTail returns the bytes of the footer's metadata.
func readTail(object io.ReaderAt, file facts.File) ([]byte, *facts.Problem) {
	if file.Size == 0 {
		return nil, &facts.Problem{Kind: facts.ProblemEmpty, Message: "0 bytes: want a Parquet file, whose smallest has 12; its writer stopped before it wrote anything"}
	}
	tail := make([]byte, min(file.Size, tailBytes))
	if o, ok := object.(interface{ AtHand() int64 }); ok && o.AtHand() >= min(file.Size, leastFile) {
		tail = tail[:min(int64(len(tail)), o.AtHand())] // more than the footer would be asked of the store once more
	}
	if _, err := object.ReadAt(tail, file.Size-int64(len(tail))); err != nil {
		return nil, shortRead(err)
	}
	if problem := checkMagic(object, file.Size, tail); problem != nil {
		return nil, problem
	}
	length := int64(binary.LittleEndian.Uint32(tail[len(tail)-8:]))
	if length+12 > file.Size || length > maxFooter {
		return nil, &facts.Problem{Kind: facts.ProblemTruncated, Message: fmt.Sprintf("its last bytes announce a footer of %d bytes, but the file has %d: it was cut or joined wrongly; write it again", length, file.Size)}
	}
	if length+8 <= int64(len(tail)) {
		return tail[int64(len(tail))-8-length : len(tail)-8], nil
	}
	data := make([]byte, length)
	if _, err := object.ReadAt(data, file.Size-8-length); err != nil {
		return nil, shortRead(err)
	}
	return data, nil
}

func shortRead(err error) *facts.Problem {
	if errors.Is(err, io.EOF) {
		return &facts.Problem{Kind: facts.ProblemChanged, Message: "it is shorter than it was listed: it changed during the run; run again when its writer is done"}
	}
	return openProblem(err)
}

// checkMagic tells files that are no Parquet from Parquet that was cut.
func checkMagic(object io.ReaderAt, size int64, tail []byte) *facts.Problem {
	end := ""
	if len(tail) >= 12 {
		end = string(tail[len(tail)-4:])
	}
	if end == magic {
		return nil
	}
	head := make([]byte, min(size, 4))
	if size <= tailBytes {
		copy(head, tail)
	} else if _, err := object.ReadAt(head, 0); err != nil {
		return shortRead(err)
	}
	switch {
	case end == magicEncrypted:
		return &facts.Problem{Kind: facts.ProblemEncrypted, Message: "its footer is encrypted: the audit has no keys; audit a decrypted copy"}
	case string(head) == magic:
		return &facts.Problem{Kind: facts.ProblemTruncated, Message: fmt.Sprintf("%d bytes that begin as Parquet and do not end with %s: its writer or a copy stopped midway; write it again", size, magic)}
	}
	return &facts.Problem{Kind: facts.ProblemNotParquet, Message: fmt.Sprintf("it begins with %q%s: want %s at both ends; narrow path, or write it as Parquet", head, kindOfMagic(string(head)), magic)}
}

func kindOfMagic(head string) string {
	switch {
	case len(head) >= 2 && head[:2] == "\x1f\x8b":
		return " (gzip)"
	case head == "PK\x03\x04":
		return " (zip)"
	case len(head) >= 3 && head[:3] == "ORC":
		return " (ORC)"
	case head == "Obj\x01":
		return " (Avro)"
	case head == "ARRO":
		return " (Arrow IPC)"
	case len(head) > 0 && (head[0] == '{' || head[0] == '['):
		return " (JSON?)"
	}
	return ""
}

// describe turns the metadata of a footer into facts.
func describe(data []byte, file facts.File, roles Roles) (reading, error) {
	var columns []described
	var times []int
	named := map[int]string{}
	var unlike *facts.Problem
	var defaulted []string
	f, err := decode(data, func(f footer) (wants, error) {
		root, err := treeOf(f.elements)
		if file.Table != nil && len(file.Table.Columns) > 0 {
			defaulted, unlike = rename(root.kids, file.Table.Columns, roles.Used)
		}
		columns = columnsOf(root, f.createdBy)
		times = boundedColumns(columns, roles)
		want := wants{bounds: make([]int, len(times))}
		for i, c := range times {
			want.bounds[i] = columns[c].leaf
		}
		for _, c := range namedColumns(columns, slices.Concat(roles.Columns, roles.timeNames())) {
			named[columns[c].leaf] = columns[c].Path
			want.chunks = append(want.chunks, columns[c].leaf)
		}
		for leaf := range min(len(leafPaths(root)), probedLeaves) {
			if named[leaf] == "" {
				want.chunks = append(want.chunks, leaf)
			}
		}
		return want, err
	})
	if err != nil {
		return reading{}, err
	}
	r := reading{problem: unlike, defaulted: defaulted, createdBy: f.createdBy, rows: f.rows, groups: make([]facts.RowGroup, len(f.groups))}
	r.schema = facts.Schema{Writer: writerOf(f.createdBy), Int96Aware: isInt96Aware(f), Columns: make([]facts.Column, len(columns))}
	for i, c := range columns {
		r.schema.Columns[i] = c.Column
		if c.Physical == "INT96" {
			r.schema.Columns[i].AdjustedToUTC = r.schema.Int96Aware
		}
	}
	nameZones(r.schema.Columns, f)
	for i := range r.schema.Columns {
		r.schema.Columns[i].Added = slices.Contains(f.added, r.schema.Columns[i].Path)
	}
	for i, g := range f.groups {
		r.groups[i].Rows = g.rows
		if g.rows > 0 {
			r.rowBytes = max(r.rowBytes, g.bytes/g.rows)
		}
	}
	eventTime := r.schema.Lookup(roles.eventTime(file))
	for i, c := range times {
		column := &r.schema.Columns[c]
		if !isTime(*column, roles) {
			boundInteger(column, f.groups, i)
			continue
		}
		if r.schema.Encoding(*column) == facts.EncodingEpoch && !boundColumn(column, f.groups, i) {
			r.unbounded = append(r.unbounded, column.Path)
		}
		if column == eventTime {
			boundGroups(r.groups, *column, f.groups, i)
		}
	}
	r.schema.Columns = append(givenColumns(file, r.schema, roles), r.schema.Columns...)
	for _, c := range f.chunks {
		name, asked := named[c.leaf]
		if problem := misplaced(c, name, file.Size); problem == nil {
			r.chunks = append(r.chunks, c)
		} else if asked && r.problem == nil {
			r.problem = problem // a column that nobody names spoils no file
		}
		if r.problem == nil && (c.Codec < 0 || c.Codec > lastCodec) {
			r.problem = &facts.Problem{Kind: facts.ProblemUnsupported, Message: fmt.Sprintf("one of its columns has compression number %d, which this audit does not know: rewrite it with snappy, zstd, gzip or none", c.Codec)}
		}
	}
	return r, nil
}

func isTime(c facts.Column, roles Roles) bool {
	return slices.ContainsFunc(roles.Times, func(t model.TimeColumn) bool { return t.Column == c.Path || t.Column == c.Name })
}

// boundInteger sets the bounds of an integer column if every row group states them.
func boundInteger(c *facts.Column, groups []group, leaf int) {
	if c.Physical != "INT32" && c.Physical != "INT64" || c.Logical != "" && c.Logical != "int" {
		return
	}
	for _, g := range groups {
		switch b := g.bounds[leaf]; {
		case b.ok && !(c.Unsigned && b.min < 0):
			widen(c, b.min, b.max)
		case g.rows > 0 && !b.allNull:
			c.Min, c.Max, c.HasBounds = 0, 0, false
			return
		}
	}
}

// boundedColumns are the indexes of the columns whose statistics are decoded, if they are leaves.
func boundedColumns(columns []described, roles Roles) []int {
	return namedColumns(columns, slices.Concat(roles.Integers, roles.timeNames()))
}

// namedColumns are the indexes of the columns of these names, if they are leaves.
func namedColumns(columns []described, names []string) []int {
	schema := facts.Schema{Columns: make([]facts.Column, len(columns))}
	for i, c := range columns {
		schema.Columns[i] = c.Column
	}
	var found []int
	for _, name := range names {
		c := schema.Lookup(name)
		if c == nil {
			continue
		}
		i := slices.IndexFunc(columns, func(d described) bool { return d.leaf >= 0 && d.Path == c.Path && d.Name == c.Name })
		if i >= 0 && !slices.Contains(found, i) {
			found = append(found, i)
		}
	}
	return found
}

// nameZones adds the zone names of arrow's and pandas' metadata to instants.
func nameZones(columns []facts.Column, f footer) {
	named := func(c facts.Column) bool { return c.Logical == "timestamp" && c.AdjustedToUTC || c.Physical == "INT96" }
	if f.pandas == "" && f.arrow == "" || !slices.ContainsFunc(columns, named) {
		return
	}
	zones := zonesOf(f)
	for i := range columns {
		if named(columns[i]) {
			columns[i].Zone = zones[columns[i].Stored().Path]
		}
	}
}

// boundColumn sets the bounds of a time column that holds numbers, and the unit that they tell. It is false if there
// are values that nothing bounds.
func boundColumn(c *facts.Column, groups []group, leaf int) bool {
	complete := true
	for _, g := range groups {
		switch b := g.bounds[leaf]; {
		case b.ok && !(c.Unsigned && b.min < 0):
			widen(c, b.min, b.max)
		case g.rows > 0 && !b.allNull:
			complete = false
		}
	}
	if c.HasBounds {
		c.EpochUnit, _ = EpochUnit(c.Min, c.Max)
	}
	return complete
}

func widen(c *facts.Column, low, high int64) {
	if !c.HasBounds {
		c.Min, c.Max, c.HasBounds = low, high, true
		return
	}
	c.Min, c.Max = min(c.Min, low), max(c.Max, high)
}

// boundGroups states the bounds of the event time in each row group. INT96 and text have none that can be trusted.
func boundGroups(out []facts.RowGroup, c facts.Column, groups []group, leaf int) {
	if c.Physical == "INT96" || c.Physical == "BYTE_ARRAY" {
		return
	}
	for i, g := range groups {
		if b := g.bounds[leaf]; b.ok && !(c.Unsigned && b.min < 0) {
			out[i].EventMin, out[i].EventMax, out[i].HasEventBounds = b.min, b.max, true
		}
	}
}

// place puts one reading into the survey, and its schema where it is new.
func place(s *facts.Survey, known map[string]int32, file int32, r reading, roles Roles) {
	f := &s.Files[file]
	f.Schema, f.Problem = -1, r.problem
	if r.schema.Columns == nil {
		return
	}
	f.CreatedBy, f.Writer, f.Rows, f.RowGroups, f.RowBytes = r.createdBy, r.schema.Writer, r.rows, r.groups, r.rowBytes
	f.Checksums, f.FooterSum = r.checksums, r.footerSum
	if f.Table != nil && f.LoggedRows >= 0 && f.LoggedRows != f.Rows {
		f.Problem = cmp.Or(f.Problem, &facts.Problem{Kind: facts.ProblemCorrupt, Message: fmt.Sprintf("it has %s by its footer, and the table's log says %d: it was written over, or the log is damaged",
			words.Count(f.Rows, "row"), f.LoggedRows)})
	}
	if f.Deleted != nil {
		if last := f.Deleted.Last(); last >= f.Rows {
			f.Deleted = nil
			f.Problem = cmp.Or(f.Problem, &facts.Problem{Kind: facts.ProblemCorrupt, Message: fmt.Sprintf("the table's log takes its row number %d out, counted from 0, and it has %s: the log or the file is damaged",
				last, words.Count(f.Rows, "row"))})
		}
		for i := range f.RowGroups { // the greatest value may be one of a row that does not count
			f.RowGroups[i] = facts.RowGroup{Rows: f.RowGroups[i].Rows}
		}
	}
	key := schemaKey(r.schema)
	id, ok := known[key]
	if !ok {
		id = int32(len(s.Schemas))
		known[key] = id
		r.schema.ID = id
		s.Schemas = append(s.Schemas, r.schema)
	}
	f.Schema = id
	if f.Problem == nil {
		f.Problem = problemOf(roles, r, *f)
	}
	for i, c := range r.schema.Columns {
		if c.HasBounds {
			widen(&s.Schemas[id].Columns[i], c.Min, c.Max)
		}
	}
	addRows(s, *f, f.Live())
}

func addRows(s *facts.Survey, f facts.File, rows int64) {
	if f.Partition >= 0 && int(f.Partition) < len(s.Partitions) {
		s.Partitions[f.Partition].Rows += rows
	}
}

// schemaKey is the identity of a physical schema: everything but the bounds. The place of a column is part of it, since columns
// of unsafe names are read by it.
func schemaKey(s facts.Schema) string {
	key := make([]byte, 0, 64*len(s.Columns))
	key = append(key, s.Writer...)
	key = strconv.AppendBool(append(key, 0), s.Int96Aware)
	for _, c := range s.Columns {
		for _, text := range [...]string{c.Path, c.StoredPath, c.Physical, c.Logical, c.Unit, c.Zone, c.TypeText, c.EpochUnit} {
			key = append(append(key, 0), text...)
		}
		key = strconv.AppendInt(append(key, 0), int64(c.Width), 10)
		key = strconv.AppendInt(append(key, 0), int64(c.Position), 10)
		key = strconv.AppendBool(strconv.AppendBool(strconv.AppendBool(strconv.AppendBool(key, c.Optional), c.Nested), c.Added), c.Given)
		if c.Absent {
			key = append(strconv.AppendBool(append(key, 0), c.Filled), c.Fill...)
		}
	}
	return string(key)
}
