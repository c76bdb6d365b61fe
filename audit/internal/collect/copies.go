package collect

import (
	"context"
	"errors"
	"runtime/debug"
	"slices"

	"github.com/featureaudit/featureaudit/audit/engine"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/internal/keys"
)

// Repaged is a copy of a file that the engine reads in its stead: the same rows, in smaller pages and row groups.
type Repaged struct {
	// Name is what the engine opens.
	Name      string
	RowGroups []facts.RowGroup
	// RowBytes are those of its largest row.
	RowBytes int64
	// of are the row groups of the file itself.
	of []facts.RowGroup
	// Close gives its space back.
	Close func()
}

// copies are files that the engine had no memory for as they are.
type copies struct {
	byFile map[int32]Repaged
	// checked are the row groups of distant files whose pages were compared with their checksums.
	checked map[int32][]bool
	// tried says that no more are made.
	tried bool
}

func (c *copies) close() {
	for _, repaged := range c.byFile {
		repaged.Close()
	}
}

// name is what the engine opens for a file.
func (c *collector) name(id int32) string {
	if repaged, ok := c.copies.byFile[id]; ok {
		return repaged.Name
	}
	return c.survey.Files[id].Abs
}

// withCopies gives files the row groups of their copies.
func withCopies(files []facts.File, c *copies) []facts.File {
	if len(c.byFile) == 0 {
		return files
	}
	files = slices.Clone(files)
	for i := range files {
		if repaged, ok := c.byFile[files[i].ID]; ok {
			files[i].RowGroups, files[i].RowBytes = repaged.RowGroups, repaged.RowBytes
		}
	}
	return files
}

// newGroups says which row groups of a file itself are not done, of those that hold rows of the wanted ones of what the engine reads, and takes
// them for done. Pages are compared with their checksums in the file, also where the engine reads a copy with other row groups.
func (c *collector) newGroups(done map[int32][]bool, id int32, wanted func(group int) bool) func(group int) bool {
	groups, holds := c.survey.Files[id].RowGroups, wanted
	if repaged, copied := c.copies.byFile[id]; copied {
		groups, holds = repaged.of, over(repaged.of, repaged.RowGroups, wanted)
	}
	if done[id] == nil {
		done[id] = make([]bool, len(groups))
	}
	now := make([]bool, len(groups))
	for group := range now {
		now[group] = !done[id][group] && (holds == nil || holds(group))
		done[id][group] = done[id][group] || now[group]
	}
	return func(group int) bool { return group < len(now) && now[group] }
}

// over says of row groups whether they share rows with a wanted one of others, which the same rows are cut into. Nil wants all.
func over(groups, others []facts.RowGroup, wanted func(group int) bool) func(group int) bool {
	if wanted == nil {
		return nil
	}
	return func(group int) bool {
		first := int64(0)
		for _, g := range groups[:group] {
			first += g.Rows
		}
		begin, end := int64(0), first+groups[group].Rows
		for other, g := range others {
			if begin < end && begin+g.Rows > first && wanted(other) {
				return true
			}
			begin += g.Rows
		}
		return false
	}
}

// copyLarge makes copies of files whose pages or rows are large, once, after the engine had no memory for some. It says whether
// there is one. A file that is not copied is read as it is.
func (c *collector) copyLarge(ctx context.Context, err error) bool {
	if errors.As(err, new(stageError)) {
		return false
	}
	if c.request.Repage == nil || c.copies.tried || !errors.As(err, new(engine.ResourceError)) || ctx.Err() != nil {
		return false
	}
	c.copies.tried = true
	free, err := keys.FreeBytes(c.request.TempDir)
	if err != nil {
		return false
	}
	if c.distant() {
		free = min(free, c.request.Stage.Room())
	}
	wanted := c.copiedColumns()
	for i := range c.survey.Files {
		file := &c.survey.Files[i]
		if !c.wanted(file) { // rows of a file whose facts are known are fetched where its keys repeat
			continue
		}
		if free -= file.Rows * file.RowBytes; free < 0 {
			break
		}
		repaged, err := c.request.Repage(ctx, *file, wanted)
		if err != nil {
			continue
		}
		repaged.of = file.RowGroups
		c.copies.byFile[file.ID] = repaged
	}
	debug.FreeOSMemory() // the engine needs at once what the pages took
	return len(c.copies.byFile) > 0
}

// copiedColumns says which top-level columns are read at all. Where columns are told by their positions, all are.
func (c *collector) copiedColumns() func(string) bool {
	names := map[string]bool{}
	for i := range c.survey.Schemas {
		for _, column := range c.survey.Schemas[i].Columns {
			if column.Position != 0 {
				return func(string) bool { return true }
			}
		}
		for _, column := range c.scannedColumns(c.survey.Schemas[i].ID) {
			names[column.Name] = true
		}
	}
	if c.roles.wants.Has(facts.WantKeys) {
		for _, column := range c.payloadColumns() {
			names[column.name] = true
		}
		for _, list := range [][]string{c.roles.view.Measures, c.roles.view.Key, {c.roles.view.Source.Column}} {
			for _, name := range list {
				names[name] = true
			}
		}
		for _, column := range timeColumns(c.roles.view) {
			names[column.Column] = true
		}
	}
	for _, schema := range c.survey.Schemas {
		for _, column := range schema.Columns { // a role may name a part of a column
			names[column.Name] = names[column.Name] || names[column.Path]
		}
	}
	return func(name string) bool { return names[name] }
}
