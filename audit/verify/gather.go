package verify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/featureaudit/featureaudit/audit/content"
	"github.com/featureaudit/featureaudit/audit/document"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/look"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/store"
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
		p.Files = append(p.Files, File{Path: f.Path, Abs: f.Abs, Size: f.Size, ModTime: f.ModTime, FooterSum: f.FooterSum, ETag: f.ETag, Mask: f.Snapshot + f.RowMask, Rows: f.Live()})
		p.ids = append(p.ids, f.ID)
		p.Rows += f.Live()
		p.Bytes += f.Size
		if f.Problem != nil {
			p.unread(f.Path, *f.Problem)
			continue
		}
		for _, c := range s.Schemas[f.Schema].Columns {
			if c.Name == c.Path || c.Nested {
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
	// Progress is told the rows that were read, by any goroutine; nil for none.
	Progress func(rows int64)
	// Memory is what rows under way may take, in bytes; 0 for what is fast where there is enough.
	Memory int64
}

// window is what the rows take that a worker has at hand, in bytes; 0 for the usual.
func (r Reader) window() int64 { return r.Memory / 24 }

// chunk is how many rows are held, sorted and written to a snapshot at once.
func (r Reader) chunk() int {
	if r.Memory <= 0 {
		return chunkRows
	}
	return int(min(chunkRows, max(leastChunk, r.Memory/12/heldRow)))
}

// Content reads the content of the partitions of a view that wanted picks, in one pass over their files. Its error is the context's.
func (r Reader) Content(ctx context.Context, v *Looked, wanted func(Partition) bool) error {
	o := content.Order{Store: r.Store, Survey: v.Survey, Ask: content.Ask{Totals: v.Resolved.Measures}, Workers: r.Workers, Progress: r.Progress}
	for _, p := range v.Partitions {
		if wanted(p) && len(p.Unread) == 0 {
			o.Files = append(o.Files, p.ids...)
		}
	}
	found, unread, err := content.Read(ctx, o)
	if err != nil {
		return err
	}
	for i := range v.Partitions {
		p := &v.Partitions[i]
		if !wanted(*p) || len(p.Unread) > 0 {
			continue
		}
		p.take(v.Survey, found, unread)
	}
	return nil
}

// take sets the content of a partition.
func (p *Partition) take(s facts.Survey, found map[int32]content.Facts, unread map[int32]facts.Problem) {
	sum := content.Facts{}
	for _, id := range p.ids {
		if problem, lost := unread[id]; lost {
			p.unread(s.Files[id].Path, problem)
			continue
		}
		sum = sum.Plus(found[id])
	}
	p.Known = len(p.Unread) == 0
	if p.Known {
		p.Content = sum
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

// chunkRows is how many rows are held before they are written to a snapshot.
const chunkRows = 4 << 20

// leastChunk is how many rows are held where memory is short, and heldRow what each takes, in bytes.
const (
	leastChunk = 64 << 10
	heldRow    = 24
)

// ContentWithRows reads the content of all partitions of a view, and writes what tells their rows apart to a snapshot. Its error is the
// context's, or that of the snapshot.
func (r Reader) ContentWithRows(ctx context.Context, v *Looked, out *SnapshotWriter) error {
	for i := range v.Partitions {
		p := &v.Partitions[i]
		if len(p.Unread) > 0 {
			continue
		}
		var mu sync.Mutex
		var rows []Row
		flush := func() error {
			slices.SortFunc(rows, Row.compare)
			err := out.Rows(p, rows)
			rows = rows[:0]
			return err
		}
		o := content.Order{Store: r.Store, Survey: v.Survey, Files: p.ids, Workers: r.Workers, Progress: r.Progress, Window: r.window(),
			Ask: content.Ask{Totals: v.Resolved.Measures, Rows: true, Names: names(v.Definition.Key, v.Definition.Entity)}}
		o.Each = func(b content.Block) error {
			mu.Lock()
			defer mu.Unlock()
			for i, row := range b.Rows {
				if b.Gone != nil && b.Gone[i] {
					continue
				}
				rows = append(rows, Row{b.Names[0][i].Lo, row.Lo, b.Names[1][i].Lo})
			}
			if len(rows) < r.chunk() {
				return nil
			}
			return flush()
		}
		found, unread, err := content.Read(ctx, o)
		if err == nil {
			err = flush()
		}
		if err != nil {
			return err
		}
		p.take(v.Survey, found, unread)
	}
	return nil
}
