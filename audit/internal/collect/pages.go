package collect

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/featureaudit/featureaudit/audit/engine"
	"github.com/featureaudit/featureaudit/audit/facts"
)

// checkPages compares the pages of the columns that a scan reads with their checksums, before any row is counted: a flipped
// bit would else be another value. A file with a page that does not agree is set aside.
func (c *collector) checkPages(ctx context.Context) error {
	if c.distant() {
		return nil // they are checked as they are brought
	}
	var ids []int32
	for i := range c.survey.Files {
		if file := &c.survey.Files[i]; file.Checksums && c.roles.wants.Rows() && c.reads(file) && !c.hasPages(file.ID) {
			ids = append(ids, file.ID)
		}
	}
	return c.eachFile(ctx, ids, func(id int32) error {
		file := c.survey.Files[id]
		checked, problems, err := c.pagesOf(ctx, file, c.scannedColumns(file.Schema), nil)
		c.mu.Lock()
		c.filePages[id] = checked
		c.mu.Unlock()
		if len(problems) == 0 || err != nil {
			return err
		}
		first := problems[0].Problem
		c.setAside(id, first, false)
		return nil
	})
}

// eachFile calls each for files, on all workers.
func (c *collector) eachFile(ctx context.Context, ids []int32, each func(id int32) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan int32)
	var running sync.WaitGroup
	for range min(max(1, c.request.Workers), len(ids)) {
		running.Go(func() {
			for id := range next {
				if ctx.Err() != nil {
					continue
				}
				if err := each(id); err != nil {
					cancel(err)
				}
			}
		})
	}
	for _, id := range ids {
		next <- id
	}
	close(next)
	running.Wait()
	return context.Cause(ctx)
}

// pagesOf checks columns of one file. A file that is no longer what was listed is the writer's, and no damage.
func (c *collector) pagesOf(ctx context.Context, file facts.File, columns []facts.Column, wanted func(group int) bool) (int64, []facts.ColumnProblem, error) {
	if c.request.Pages == nil || len(columns) == 0 {
		return 0, nil, nil
	}
	checked, problems, err := c.request.Pages(ctx, file, columns, wanted)
	if err != nil {
		return 0, nil, err
	}
	if len(problems) == 0 {
		return checked, nil, nil
	}
	if changed := c.request.Changed(ctx, file); changed != nil {
		return checked, []facts.ColumnProblem{{Problem: *changed}}, nil
	}
	return checked, problems, nil
}

// hasPages says whether the pages of a file that a scan reads were looked at already.
func (c *collector) hasPages(file int32) bool {
	_, has := c.filePages[file]
	return has
}

// scannedColumns are the columns that the scan reads from files of a schema, in the order of their names.
func (c *collector) scannedColumns(schema int32) []facts.Column {
	return columnsOf(c.layouts[schema].selects)
}

func columnsOf(selects []engine.Select) []facts.Column {
	var columns []facts.Column
	for _, s := range selects {
		for _, part := range s.Parts {
			if !part.Missing && !part.Column.Absent && !slices.ContainsFunc(columns, func(c facts.Column) bool { return c.Path == part.Column.Path }) {
				columns = append(columns, part.Column)
			}
		}
	}
	slices.SortFunc(columns, func(a, b facts.Column) int { return strings.Compare(a.Path, b.Path) })
	return columns
}

// blindTo says that a column of a file cannot be read.
func (c *collector) blindTo(file int32, column string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.ContainsFunc(c.blind[file], func(p facts.ColumnProblem) bool { return p.Column == column })
}

// blindColumns are the columns of a file that cannot be read.
func (c *collector) blindColumns(file int32) []facts.ColumnProblem {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.blind[file])
}

// addBlind remembers columns of a file that cannot be read; it says whether that is news.
func (c *collector) addBlind(file int32, problems []facts.ColumnProblem) (news bool) {
	for _, p := range problems {
		if c.blindTo(file, p.Column) {
			continue
		}
		news = true
		c.mu.Lock()
		c.blind[file] = append(c.blind[file], p)
		slices.SortFunc(c.blind[file], func(a, b facts.ColumnProblem) int { return cmp.Compare(a.Column, b.Column) })
		c.mu.Unlock()
	}
	return news
}
