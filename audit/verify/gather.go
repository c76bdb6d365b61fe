package verify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/featureaudit/featureaudit/audit/content"
	"github.com/featureaudit/featureaudit/audit/document"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/kept"
	"github.com/featureaudit/featureaudit/audit/look"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/partition"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/store"
	"github.com/featureaudit/featureaudit/audit/survey"
	"github.com/featureaudit/featureaudit/audit/times"
)

// Looked is a view of data with what its rows are read by.
type Looked struct {
	View
	Survey facts.Survey
	// Resolved is the definition with what the paths decided.
	Resolved model.View
}

// LookAt lists a view and reads its footers. What could not be done is the view's problem; the error is the context's.
func LookAt(ctx context.Context, l *look.Looker, v model.View, w look.Window) (Looked, error) {
	found := Looked{Resolved: v, View: View{Name: v.Name, Owner: v.Owner, Project: v.Project, Definition: document.Definition(v)}}
	if v.NoFiles != "" {
		found.Problem = v.NoFiles
		return found, nil
	}
	plan, err := l.Plan(ctx, v, w)
	if whole := (survey.NotPartitionedError{}); errors.As(err, &whole) {
		w.Range = partition.Range{} // its partitions are all of it
		plan, err = l.Plan(ctx, v, w)
	}
	if err == nil {
		var footers look.Footers
		if footers, err = l.Footers(ctx, plan); err == nil {
			found.Resolved, found.Survey = footers.View, footers.Survey
			found.Definition, found.Notes = document.Definition(footers.View), footers.Survey.Notes
			found.Partitions = partitionsOf(footers.Survey)
			return found, nil
		}
	}
	if cause := context.Cause(ctx); cause != nil {
		return found, cause
	}
	var none *store.NoMatchError
	var says interface{ Retryable() bool }
	found.Problem, found.Retryable = err.Error(), errors.As(err, &says) && says.Retryable() && !errors.As(err, &none)
	return found, nil
}

// apart are the columns of folders that are no values of rows: those of the time partition, and those above all files of the view.
func (v *Looked) apart() []string {
	names := slices.Clone(v.Resolved.TimePartition.Columns)
	fixed, _, _ := strings.Cut(v.Resolved.Path+"/", "*")
	if i := strings.IndexAny(fixed, "?[{"); i >= 0 {
		fixed = fixed[:i]
	}
	for _, value := range facts.PathValues(fixed) {
		names = append(names, value.Name)
	}
	return names
}

// readAs tells apart what a table makes of the columns that a file has, and is empty without a table. Those that the table got later read as NULL
// there, or make the file unreadable: they change nothing of it.
func readAs(s facts.Survey, f facts.File) string {
	if f.Snapshot == "" || f.Schema < 0 {
		return f.Snapshot
	}
	return digest(columnsRead(s.Schemas[f.Schema]), f.Defaulted)
}

// columnsRead are the columns of a file by the names that it has for them and those that they are read by, with their types.
func columnsRead(s facts.Schema) [][3]string {
	var columns [][3]string
	for _, c := range s.Columns {
		if !c.Absent {
			columns = append(columns, [3]string{c.Path, c.StoredPath, c.TypeText})
		}
	}
	return columns
}

// partitionsOf turns a survey into partitions whose content is not known yet.
func partitionsOf(s facts.Survey) []Partition {
	parts := make([]Partition, 0, len(s.Partitions)+1)
	for _, p := range s.Partitions {
		parts = append(parts, Partition{Value: p.Value, Identity: p.Identity, Start: p.Start, End: p.End, Present: p.Present, InRange: p.InRange,
			Open: p.Open || p.AfterAsOf, Expected: p.Expected && !p.Open && !p.AfterAsOf})
	}
	if len(parts) == 0 {
		parts = append(parts, Partition{Start: times.None, End: times.None, Present: true, InRange: true})
	}
	for _, f := range s.Files {
		at := max(f.Partition, 0)
		p := &parts[at]
		p.Files = append(p.Files, File{Path: f.Path, Abs: f.Abs, Size: f.Size, ModTime: f.ModTime, FooterSum: f.FooterSum, ETag: f.ETag, Mask: readAs(s, f) + f.RowMask, Rows: f.Live()})
		p.ids = append(p.ids, f.ID)
		p.Rows += f.Live()
		p.Bytes += f.Size
		if f.Problem != nil {
			p.unread(f.Path, *f.Problem)
			p.blind = true
			continue
		}
		for _, c := range s.Schemas[f.Schema].Columns {
			if (c.Name == c.Path || c.Nested) && !c.Absent {
				p.addColumn(c.Name, c.TypeText)
			}
		}
	}
	return parts
}

func (p *Partition) unread(file string, problem facts.Problem) {
	p.Unread = append(p.Unread, fmt.Sprintf("%s: %s", file, problem.Message))
	p.Retryable = p.Retryable || problem.Retryable()
}

func (p *Partition) addColumn(name, typeText string) {
	i, known := slices.BinarySearchFunc(p.Columns, name, func(c ColumnType, name string) int { return cmp.Compare(c.Name, name) })
	if !known {
		p.Columns = slices.Insert(p.Columns, i, ColumnType{Name: name, Types: []string{typeText}})
		return
	}
	if at, has := slices.BinarySearch(p.Columns[i].Types, typeText); !has {
		p.Columns[i].Types = slices.Insert(p.Columns[i].Types, at, typeText)
	}
}

// Reader reads the content of views.
type Reader struct {
	Store   store.Store
	Workers int
	// Memory knows what earlier looks found in files; nil for none. Tally counts what is read; nil for nobody.
	Memory *Memory
	Tally  *Tally
	// Progress is told the rows that were read, by any goroutine; nil for none.
	Progress func(rows int64)
	// Held is what rows under way may take, in bytes; 0 for what is fast where there is enough.
	Held int64
}

// order is what is asked of files of a view.
func (r Reader) order(v *Looked, files []int32, ask content.Ask) content.Order {
	o := content.Order{Store: r.Store, Survey: v.Survey, Files: files, Apart: v.apart(), Workers: r.Workers, Window: r.window(), Ahead: r.Held / 4, Ask: ask}
	if near, is := r.Store.(Nearby); is {
		o.Bring = func(ctx context.Context, f facts.File, group int) (func(), bool, error) {
			return near.bring(ctx, v.Survey, f, group)
		}
	}
	return o
}

// window is what the rows take that a worker has at hand, in bytes; 0 for the usual.
func (r Reader) window() int64 { return r.Held / 24 }

// Tally counts files and rows that were read, and that were known and not read. It is safe for concurrent use.
type Tally struct{ filesRead, rowsRead, filesKnown, rowsKnown atomic.Int64 }

// FilesRead are the files that were read.
func (t *Tally) FilesRead() int64 { return t.filesRead.Load() }

// RowsRead are the rows of the files that were read.
func (t *Tally) RowsRead() int64 { return t.rowsRead.Load() }

// FilesKnown are the files that were known and not read.
func (t *Tally) FilesKnown() int64 { return t.filesKnown.Load() }

// RowsKnown are their rows.
func (t *Tally) RowsKnown() int64 { return t.rowsKnown.Load() }

// count counts a file.
func (r Reader) count(f facts.File, known bool) {
	if known && r.Progress != nil {
		r.Progress(f.Rows)
	}
	switch {
	case r.Tally == nil:
	case known:
		r.Tally.filesKnown.Add(1)
		r.Tally.rowsKnown.Add(f.Rows)
	default:
		r.Tally.filesRead.Add(1)
		r.Tally.rowsRead.Add(f.Rows)
	}
}

// Progress turns numbers of rows that were read of a view into how far it is, of so many in all.
func Progress(view string, total int64, note func(look.Progress)) func(rows int64) {
	if note == nil {
		return nil
	}
	var done atomic.Int64
	return func(rows int64) {
		note(look.Progress{View: view, Step: "scan", RowsDone: done.Add(rows), RowsTotal: total})
	}
}

// Rows are the rows of all partitions of a view.
func (v View) Rows() (rows int64) {
	for _, p := range v.Partitions {
		rows += p.Rows
	}
	return rows
}

// Content reads the content of the partitions of a view that wanted picks, in one pass over those of their files that nobody knows. Its error
// is the context's.
func (r Reader) Content(ctx context.Context, v *Looked, wanted func(Partition) bool) error {
	g := newGathering(r, v, wanted)
	return g.read(ctx, content.Ask{Totals: v.Resolved.Measures})
}

// gathering adds up what is known of files, and what is read of them, by partition.
type gathering struct {
	Reader
	view   *Looked
	recall recall
	// files are those of the partitions that are wanted.
	files []int32

	mu     sync.Mutex
	sums   []content.Facts
	wanted []bool
}

func newGathering(r Reader, v *Looked, wanted func(Partition) bool) *gathering {
	g := &gathering{Reader: r, view: v, recall: r.Memory.of(v, nil), sums: make([]content.Facts, len(v.Partitions)), wanted: make([]bool, len(v.Partitions))}
	for i, p := range v.Partitions {
		if g.wanted[i] = wanted(p) && len(p.Unread) == 0; g.wanted[i] {
			g.files = append(g.files, p.ids...)
		}
	}
	return g
}

func (g *gathering) add(id int32, f content.Facts) {
	at := max(g.view.Survey.Files[id].Partition, 0)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.sums[at] = g.sums[at].Plus(f)
}

// read takes the facts of files that are known, reads the others for what is asked, and settles the partitions that are wanted.
func (g *gathering) read(ctx context.Context, ask content.Ask) error {
	o := g.order(g.view, nil, ask)
	o.Progress = g.Progress
	for _, id := range g.files {
		if known, ok := g.recall.find(g.view.Survey.Files[id]); ok {
			g.add(id, known.facts)
			g.count(g.view.Survey.Files[id], true)
			continue
		}
		g.count(g.view.Survey.Files[id], false)
		o.Files = append(o.Files, id)
	}
	o.Done = func(id int32, f content.Facts) error {
		g.add(id, f)
		g.recall.keep(g.view.Survey.Files[id], f, nil)
		return nil
	}
	_, unread, err := content.Read(ctx, o)
	if err != nil {
		return err
	}
	g.settle(unread)
	return nil
}

// settle says of each partition what it holds, or why that is not known.
func (g *gathering) settle(unread map[int32]facts.Problem) {
	for i := range g.view.Partitions {
		p := &g.view.Partitions[i]
		if !g.wanted[i] {
			continue
		}
		for _, id := range p.ids {
			if problem, lost := unread[id]; lost {
				p.unread(g.view.Survey.Files[id].Path, problem)
			}
		}
		if p.Known = len(p.Unread) == 0; p.Known {
			p.Content = g.sums[i]
		}
	}
}

// FromReport is the side that a report of an audit holds: how many rows were in each partition, and nothing of what they were.
func FromReport(name string, r report.Report, asOf times.Instant, instant func(string) times.Instant) Side {
	s := Side{Kind: Counts, Name: name, AsOf: asOf}
	for _, v := range r.Views {
		one := View{Name: v.Name, Owner: v.Owner, Project: v.Project, Definition: v.Definition}
		if v.SeriesLeftOut > 0 {
			one.Notes = append(one.Notes, fmt.Sprintf("the report leaves out %d older partitions", v.SeriesLeftOut))
		}
		for _, row := range v.Series {
			p := Partition{Value: row.Partition, Identity: row.Partition, Start: times.None, End: times.None, Present: !row.Missing, Rows: row.Rows, Open: row.Open}
			if row.Start != "" {
				p.Start = instant(row.Start)
			}
			one.Partitions = append(one.Partitions, p)
		}
		if len(one.Partitions) == 0 {
			one.Partitions = []Partition{{Start: times.None, End: times.None, Present: true, Rows: v.Rows}}
		}
		s.Views = append(s.Views, one)
	}
	return s
}

// ContentWithRows reads the content of all partitions of a view, and writes what tells their rows apart to a snapshot. Its error is the
// context's, or that of the snapshot.
func (r Reader) ContentWithRows(ctx context.Context, v *Looked, out *SnapshotWriter) error {
	for i := range v.Partitions {
		g := newGathering(r, v, func(p Partition) bool { return p.place() == v.Partitions[i].place() })
		if len(g.files) == 0 && !g.wanted[i] {
			continue
		}
		g.recall = r.Memory.of(v, names(v.Definition.Key, v.Definition.Entity))
		w := rowWriting{gathering: g, partition: &v.Partitions[i], out: out, by: map[int32]*keptRows{}}
		if err := w.read(ctx); err != nil {
			return err
		}
	}
	return nil
}

// rowWriting writes the rows of one partition.
type rowWriting struct {
	*gathering
	partition *Partition
	out       *SnapshotWriter

	mu   sync.Mutex
	rows []Row
	// by are the rows of files that are kept for the next time, and their places in the pack of this run.
	by map[int32]*keptRows
}

// keptRows are rows of a file on their way to where they are kept.
type keptRows struct {
	waiting []Row
	at      []kept.Range
}

func (w *rowWriting) read(ctx context.Context) error {
	unknown, err := w.known(ctx)
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	if err != nil {
		// rows of what is damaged may be among those that were written: the partition begins again, without what is known
		w.Memory.distrust(err)
		w.partition.rows, w.rows, w.sums[max(w.view.Survey.Files[w.files[0]].Partition, 0)] = kept.Range{}, nil, content.Facts{}
		unknown = w.files
	}
	o := w.order(w.view, unknown, content.Ask{Totals: w.view.Resolved.Measures, Rows: true, Names: names(w.view.Definition.Key, w.view.Definition.Entity)})
	o.Progress, o.Each, o.Done = w.Progress, w.take, w.done
	_, unread, err := content.Read(ctx, o)
	if err == nil {
		err = w.flush(0)
	}
	if err == nil {
		w.settle(unread)
	}
	return err
}

// known takes the rows of files that are known, and gives the others.
func (w *rowWriting) known(ctx context.Context) (unknown []int32, err error) {
	for _, id := range w.files {
		f := w.view.Survey.Files[id]
		known, ok := w.recall.find(f)
		if !ok {
			unknown = append(unknown, id)
			w.count(f, false)
			continue
		}
		err := known.eachRow(ctx, func(r Row) error {
			w.rows = append(w.rows, r)
			return w.flush(chunkRows)
		})
		if err != nil {
			return nil, err
		}
		w.add(id, known.facts)
		w.count(f, true)
	}
	return unknown, nil
}

// flush writes rows if there are at least so many.
func (w *rowWriting) flush(least int) error {
	if len(w.rows) < least || len(w.rows) == 0 {
		return nil
	}
	slices.SortFunc(w.rows, Row.compare)
	for rest := w.rows; len(rest) > 0; {
		n := min(len(rest), chunkRows)
		if err := w.out.Rows(w.partition, rest[:n]); err != nil {
			return err
		}
		rest = rest[n:]
	}
	w.rows = w.rows[:0]
	return nil
}

// take takes a block of rows.
func (w *rowWriting) take(b content.Block) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	mine := w.by[b.File]
	if mine == nil {
		mine = &keptRows{}
		w.by[b.File] = mine
	}
	for i, row := range b.Rows {
		if b.Gone != nil && b.Gone[i] {
			continue
		}
		one := Row{b.Names[0][i].Lo, row.Lo, b.Names[1][i].Lo}
		w.rows = append(w.rows, one)
		if w.recall.keeps() {
			mine.waiting = append(mine.waiting, one)
		}
	}
	if len(mine.waiting) >= chunkRows {
		mine.flush(w.recall)
	}
	return w.flush(chunkRows)
}

func (k *keptRows) flush(to recall) {
	if len(k.waiting) > 0 {
		k.at = append(k.at, to.memory.dir.Append(rowsTable, rowColumns(k.waiting)))
		k.waiting = nil
	}
}

// done takes what a file holds, all of whose rows were taken.
func (w *rowWriting) done(id int32, f content.Facts) error {
	w.add(id, f)
	w.mu.Lock()
	defer w.mu.Unlock()
	mine := w.by[id]
	delete(w.by, id)
	if mine == nil {
		mine = &keptRows{}
	}
	mine.flush(w.recall)
	w.recall.keep(w.view.Survey.Files[id], f, mine.at)
	return nil
}
