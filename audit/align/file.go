package align

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"maps"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/compress"
	"github.com/apache/arrow/go/v17/parquet/file"
	"github.com/apache/arrow/go/v17/parquet/metadata"
	"github.com/apache/arrow/go/v17/parquet/schema"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/survey"
	"github.com/featureaudit/featureaudit/audit/times"
	"github.com/featureaudit/featureaudit/audit/zone"
)

// job is one file under way.
type job struct {
	*copier
	file    facts.File
	schema  facts.Schema
	reader  *file.Reader
	event   role
	ingest  role
	sources int
	rules   map[string][]rule
	// bySource are the rules of the sources met so far, by their names in the data.
	bySource map[string][]rule
	// met are those names as the report has them.
	met   map[string]bool
	shape *schema.GroupNode
	kv    metadata.KeyValueMetadata

	outputs []*output
	byName  map[string]int
	read    proof
}

// role is a time column of the file; its leaf is -1 where the file has none.
type role struct {
	leaf   int
	column facts.Column
	time   model.TimeColumn
	// ofSource is what a source says of the same time.
	ofSource func(model.SourcePolicy) model.TimeColumn
}

func eventTimeOf(s model.SourcePolicy) model.TimeColumn  { return s.EventTime }
func ingestedAtOf(s model.SourcePolicy) model.TimeColumn { return s.IngestedAt }

// output is one file that is written.
type output struct {
	// path is below the copy's root.
	path   string
	handle *os.File
	writer *file.Writer
	group  file.SerialRowGroupWriter
	rows   int
	times  []int64
	lags   []float64
	known  []bool
}

// proof is what must be the same before and after, whatever the order of the rows.
type proof struct {
	rows int64
	// sum and product add up the hashes of every row: of its other columns, and of its event time.
	sum, product uint64
}

func (p *proof) add(hashes []uint64) {
	p.rows += int64(len(hashes))
	for _, h := range hashes {
		p.sum += h
		p.product += h * (h>>32 | 1)
	}
}

func (c *copier) file(ctx context.Context, f facts.File) (err error) {
	object, err := c.options.Store.Open(ctx, f.Abs)
	if err != nil {
		return err
	}
	defer object.Close()
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("its bytes do not decode: %v", cause)
		}
	}()
	reader, done, err := c.narrow(ctx, f, object)
	defer done()
	if err != nil {
		return err
	}
	j := &job{copier: c, file: f, schema: c.options.Survey.Schemas[f.Schema], reader: reader, rules: c.rules(f.Path), byName: map[string]int{}, bySource: map[string][]rule{}, met: map[string]bool{}}
	if err := j.prepare(); err != nil {
		return err
	}
	for group := range reader.NumRowGroups() {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := j.rowGroup(reader.RowGroup(group)); err != nil {
			return err
		}
	}
	if err := j.unmet(); err != nil {
		return err
	}
	if len(j.outputs) == 0 {
		if _, err := j.output(j.ownFolder()); err != nil {
			return err
		}
	}
	if err := j.close(); err != nil {
		return err
	}
	c.done.Files++
	c.done.Rows += f.Rows
	return cmp.Or(c.changed(ctx, f), j.prove())
}

// unmet says that a correction is for a source that no row of the file has: the file is not the one that was audited.
func (j *job) unmet() error {
	for _, source := range slices.Sorted(maps.Keys(j.rules)) {
		if !j.met[source] {
			return fmt.Errorf("%w: the report corrects rows of source %q in it, and it has none: run the audit again", ErrCorrection, source)
		}
	}
	return nil
}

// changed says that a file is no longer what was surveyed: what was read of it may be of two versions.
func (c *copier) changed(ctx context.Context, f facts.File) error {
	if problem := survey.Changed(ctx, c.options.Store, f); problem != nil {
		return errors.New(problem.Message)
	}
	return nil
}

// prepare finds the columns and makes the schema of the copy.
func (j *job) prepare() error {
	var err error
	if j.event, err = j.role(j.options.View.EventTime, eventTimeOf); err != nil {
		return err
	}
	if j.event.leaf < 0 {
		return fmt.Errorf("it has no column %q (event_time)", j.event.time.Column)
	}
	if j.ingest, err = j.role(j.options.View.IngestedAt, ingestedAtOf); err != nil {
		return err
	}
	original := j.reader.MetaData().Schema
	j.sources = -1
	if name := j.options.View.Source.Column; name != "" && j.file.Source == "" {
		if column := j.schema.Lookup(name); column != nil {
			j.sources = leafOf(original, *column)
		}
	}
	if name := columnLike(original.Root(), LagColumn); name != "" {
		return fmt.Errorf("it has a column %q already: the copy's own lag would be a second one; rename it first", name)
	}
	event := original.Column(j.event.leaf).ColumnPath()
	if j.shape, err = alignedSchema(original.Root(), event); err != nil {
		return err
	}
	j.kv, err = alignedMetadata(j.reader.MetaData().KeyValueMetadata(), event, j.options.Report)
	return err
}

// leafOf is the index of a column among the leaves of a file, or -1. A dot may be part of a name, so that paths are compared
// part by part.
func leafOf(s *schema.Schema, column facts.Column) int {
	for i := range s.NumColumns() {
		path := s.Column(i).ColumnPath()
		if path[0] == column.Name && path.String() == column.Path {
			return i
		}
	}
	return -1
}

// columnLike is the top-level column that readers may take for one of this name, in any case of letters; empty without.
func columnLike(root *schema.GroupNode, name string) string {
	for i := range root.NumFields() {
		if strings.EqualFold(root.Field(i).Name(), name) {
			return root.Field(i).Name()
		}
	}
	return ""
}

func (j *job) role(ofView model.TimeColumn, ofSource func(model.SourcePolicy) model.TimeColumn) (role, error) {
	r := role{leaf: -1, time: ofView, ofSource: ofSource}
	if own := ofSource(policyOf(j.options.View, j.file.Source)); own.Declared() {
		r.time = own
	}
	if !r.time.Declared() {
		return r, nil
	}
	column := j.schema.Lookup(r.time.Column)
	if column == nil {
		return r, nil
	}
	r.column = *column
	r.leaf = leafOf(j.reader.MetaData().Schema, *column)
	if r.leaf < 0 || j.reader.MetaData().Schema.Column(r.leaf).MaxRepetitionLevel() > 0 {
		return r, fmt.Errorf("column %q has no single value a row: it cannot be a time", r.time.Column)
	}
	return r, nil
}

// rowGroup copies one row group: each row to the file of its partition.
func (j *job) rowGroup(group *file.RowGroupReader) error {
	rows := int(group.NumRows())
	sources, err := j.sourcesOf(group, rows)
	if err != nil {
		return err
	}
	events, err := j.times(group, j.event, sources)
	if err != nil {
		return err
	}
	ingested, err := j.times(group, j.ingest, sources)
	if err != nil {
		return err
	}
	route, aligned := make([]int, rows), make([]int64, rows)
	j.begin()
	for row := range rows {
		lag, known := lagOf(ingested, events, row)
		corrected := j.correct(sources[row], events[row], lag, known)
		aligned[row] = corrected
		if route[row], err = j.routeOf(corrected); err != nil {
			return err
		}
		out := j.outputs[route[row]]
		out.rows++
		out.times = append(out.times, corrected)
		out.lags, out.known = append(out.lags, times.Span(lag-(corrected-events[row])).Seconds()), append(out.known, known)
	}
	return j.copyColumns(group, aligned, route)
}

func lagOf(ingested, events []int64, row int) (lag int64, known bool) {
	if ingested == nil || ingested[row] == times.None || events[row] == times.None {
		return 0, false
	}
	return ingested[row] - events[row], true
}

// correct shifts an event time by the first rule of its source that covers it.
func (j *job) correct(source string, event, lag int64, known bool) int64 {
	rules := j.rulesOf(source)
	if event == times.None {
		return event
	}
	for _, r := range rules {
		if r.covers(lag, known) {
			j.done.Shifted++
			return event + r.shift
		}
	}
	return event
}

// rulesOf are the corrections of a source, which the report may have under another name.
func (j *job) rulesOf(source string) []rule {
	if len(j.rules) == 0 {
		return nil
	}
	rules, known := j.bySource[source]
	if !known {
		name := j.options.Mask.Source(j.options.View, facts.SourceText(source))
		rules = j.rules[name]
		j.bySource[source], j.met[name] = rules, true
	}
	return rules
}

func (j *job) ownFolder() string { return j.file.Folder }

// stray says that the file's folder names no period: its rows stay where they are, since its path has no place for another.
func (j *job) stray() bool {
	return j.file.Partition >= 0 && j.options.Survey.Partitions[j.file.Partition].Stray
}

// inPlace says whether a folder is the partition of the file at hand, however the file's own path spells it.
func (j *job) inPlace(folder string) bool {
	return j.file.Partition >= 0 && folder == j.options.Survey.Partitions[j.file.Partition].Value
}

// routeOf is the output of a row: that of its partition by the corrected time. Rows without a time stay where they are, and so do
// those whose partition has no name.
func (j *job) routeOf(event int64) (int, error) {
	own := j.ownFolder()
	folder := own
	if j.folders != nil && event != times.None && !j.stray() {
		value, named := j.folders.of(times.Instant(event))
		if named && !j.inPlace(value) {
			folder = value
		}
	}
	if folder != own {
		j.done.Moved++
	}
	return j.output(folder)
}

// sourcesOf gives the source of each row.
func (j *job) sourcesOf(group *file.RowGroupReader, rows int) ([]string, error) {
	sources := make([]string, rows)
	if j.sources < 0 {
		for i := range sources {
			sources[i] = j.file.Source
		}
		return sources, nil
	}
	c, err := readColumn(group, j.sources)
	if err != nil {
		return nil, err
	}
	texts, ok := textsOf(c)
	if !ok || len(texts) != rows {
		return nil, fmt.Errorf("column %q (source) is no text with one value a row", j.options.View.Source.Column)
	}
	return texts, nil
}

// times reads a time column as instants; nil where the file has none.
func (j *job) times(group *file.RowGroupReader, r role, sources []string) ([]int64, error) {
	if r.leaf < 0 {
		return nil, nil
	}
	c, err := readColumn(group, r.leaf)
	if err != nil {
		return nil, err
	}
	tables := map[string]*zone.Table{}
	for _, source := range sources {
		if tables[source] == nil {
			if tables[source], err = j.zones.load(r.zoneName(j.options.View, policyOf(j.options.View, source))); err != nil {
				return nil, err
			}
		}
	}
	times, err := timesOf(c, j.schema, r.column, r.time, func(row int) *zone.Table { return tables[sources[row]] })
	if err == nil && len(times) != len(sources) {
		err = fmt.Errorf("column %q has %d values for %d rows", r.column.Path, len(times), len(sources))
	}
	return times, err
}

func readColumn(group *file.RowGroupReader, index int) (chunk, error) {
	column, err := group.Column(index)
	if err != nil {
		return nil, err
	}
	return readChunk(column)
}

// begin forgets the rows of the last row group.
func (j *job) begin() {
	for _, out := range j.outputs {
		out.rows, out.times, out.lags, out.known = 0, nil, nil, nil
	}
}

// output opens the file of a folder, or gives it.
func (j *job) output(folder string) (int, error) {
	if i, open := j.byName[folder]; open {
		return i, nil
	}
	name, err := j.target(j.file, folder)
	if err != nil {
		return 0, err
	}
	below := j.below(name)
	if err := j.copier.root.MkdirAll(path.Dir(below), 0o755); err != nil {
		return 0, err
	}
	handle, err := j.copier.root.OpenFile(below, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return 0, err
	}
	properties := parquet.NewWriterProperties(parquet.WithVersion(parquet.V2_LATEST), parquet.WithCompression(compress.Codecs.Snappy), parquet.WithCreatedBy(j.createdBy()))
	out := &output{path: below, handle: handle, writer: file.NewParquetWriter(keepOpen{handle}, j.shape, file.WithWriterProps(properties), file.WithWriteMetadata(j.kv))}
	j.outputs = append(j.outputs, out)
	j.byName[folder] = len(j.outputs) - 1
	return len(j.outputs) - 1, nil
}

// createdBy names the writer of the copy. What INT96 means depends on it: where the values of the file are instants, those that
// are copied must stay so.
func (j *job) createdBy() string {
	if j.schema.Int96Aware {
		return j.reader.MetaData().GetCreatedBy()
	}
	return "featureaudit align"
}

// keepOpen hides that a file can be closed: its writer would do so before it is synced.
type keepOpen struct{ io.Writer }

// copyColumns writes every column of a row group to the outputs that have rows of it.
func (j *job) copyColumns(group *file.RowGroupReader, aligned []int64, route []int) error {
	for _, out := range j.outputs {
		if out.rows > 0 {
			out.group = out.writer.AppendRowGroup()
		}
	}
	hashes := make([]uint64, len(aligned))
	for index := range j.reader.MetaData().Schema.NumColumns() {
		c, err := readColumn(group, index)
		if err != nil {
			return err
		}
		parts := c.split(route, len(j.outputs))
		if index == j.event.leaf {
			for i, out := range j.outputs {
				parts[i] = eventChunk(out, parts[i].levels())
			}
		} else {
			c.fold(hashes, j.seed)
		}
		if err := j.writeEach(func(i int) chunk { return parts[i] }); err != nil {
			return err
		}
	}
	foldTimes(hashes, aligned, j.seed)
	j.read.add(hashes)
	if err := j.writeEach(func(i int) chunk { return lagChunk(j.outputs[i]) }); err != nil {
		return err
	}
	for _, out := range j.outputs {
		if out.rows > 0 {
			if err := out.group.Close(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (j *job) writeEach(part func(i int) chunk) error {
	for i, out := range j.outputs {
		if out.rows == 0 {
			continue
		}
		w, err := out.group.NextColumn()
		if err != nil {
			return err
		}
		if err := part(i).write(w); err != nil {
			return fmt.Errorf("write column %q: %w", w.Descr().Path(), err)
		}
		if err := w.Close(); err != nil {
			return err
		}
	}
	return nil
}

// eventChunk are the corrected times of an output, with the levels that the column had.
func eventChunk(out *output, levels []int16) chunk {
	l := &leaf[int64]{defs: levels}
	for _, t := range out.times {
		if t != times.None {
			l.values = append(l.values, t)
		}
	}
	return l
}

// lagChunk are the lags of an output where they are known.
func lagChunk(out *output) chunk {
	l := &leaf[float64]{maxDef: 1}
	for i, known := range out.known {
		if !known {
			l.defs = append(l.defs, 0)
			continue
		}
		l.defs = append(l.defs, 1)
		l.values = append(l.values, out.lags[i])
	}
	return l
}

func (j *job) close() error {
	for _, out := range j.outputs {
		if err := out.writer.Close(); err != nil {
			return err
		}
		if err := out.handle.Sync(); err != nil {
			return err
		}
		if err := out.handle.Close(); err != nil {
			return err
		}
	}
	j.done.Written += len(j.outputs)
	return nil
}

// prove reads what was written back and compares it with what was read.
func (j *job) prove() error {
	written := proof{}
	for _, out := range j.outputs {
		if err := written.read(j.copier.root, out.path, j.event, j.seed); err != nil {
			return fmt.Errorf("read the copy back: %w", err)
		}
	}
	if written != j.read || written.rows != j.file.Rows {
		return fmt.Errorf("the copy is not what was read: %d rows of %d, rows equal: %t; this is a bug of featureaudit, please report it",
			written.rows, j.file.Rows, written.sum == j.read.sum && written.product == j.read.product)
	}
	return nil
}

func (p *proof) read(root *os.Root, name string, event role, seed maphash.Seed) error {
	handle, err := root.Open(name)
	if err != nil {
		return err
	}
	defer handle.Close()
	reader, err := file.NewParquetReader(handle)
	if err != nil {
		return err
	}
	for group := range reader.NumRowGroups() {
		if err := p.readGroup(reader.RowGroup(group), event.leaf, seed); err != nil {
			return err
		}
	}
	return nil
}

// readGroup reads one row group of a copy, whose last column is the lag.
func (p *proof) readGroup(group *file.RowGroupReader, event int, seed maphash.Seed) error {
	hashes := make([]uint64, group.NumRows())
	var aligned []int64
	for index := range group.NumColumns() - 1 {
		c, err := readColumn(group, index)
		if err != nil {
			return err
		}
		if index != event {
			c.fold(hashes, seed)
			continue
		}
		if aligned, err = alignedTimes(group, event, c); err != nil {
			return err
		}
	}
	foldTimes(hashes, aligned, seed)
	p.add(hashes)
	return nil
}

// alignedTimes are the event times of a copy, which are aware microseconds and nothing else.
func alignedTimes(group *file.RowGroupReader, event int, c chunk) ([]int64, error) {
	column, err := group.Column(event)
	if err != nil {
		return nil, err
	}
	l, whole := c.(*leaf[int64])
	if logical := column.Descriptor().LogicalType(); !whole || !logical.Equals(schema.NewTimestampLogicalType(true, schema.TimeUnitMicros)) {
		return nil, fmt.Errorf("column %q of the copy is %s, and should be a timestamp in microseconds UTC; this is a bug of featureaudit, please report it",
			column.Descriptor().Path(), logical)
	}
	return flat(l, func(v int64) (int64, bool) { return v, true })
}
