package collect

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/engine"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/sensitive"
)

// failedSelect is a selected column that fails on its own.
type failedSelect struct {
	index int
	err   error
}

// failing finds the columns that a query fails on, by halves: one of a thousand is found in some twenty tries. It is empty
// where none fails on its own.
func failing(ctx context.Context, selects []engine.Select, try func([]engine.Select) error) []failedSelect {
	var found []failedSelect
	var search func(first, end int)
	search = func(first, end int) {
		if first >= end || ctx.Err() != nil {
			return
		}
		err := try(selects[first:end])
		if err == nil || stops(err) {
			return
		}
		if end-first == 1 {
			found = append(found, failedSelect{first, err})
			return
		}
		middle := first + (end-first)/2
		search(first, middle)
		search(middle, end)
	}
	search(0, len(selects))
	return found
}

// stops says that an error is none of a file's.
func stops(err error) bool {
	return errors.As(err, new(engine.ResourceError)) || errors.Is(err, errTooLarge)
}

// namesOf are the columns that a select reads.
func namesOf(s engine.Select) []string {
	var names []string
	for _, part := range s.Parts {
		if !part.Missing && !part.Column.Absent && !slices.Contains(names, part.Column.Path) {
			names = append(names, part.Column.Path)
		}
	}
	return names
}

// apart gives each part of a select a select of its own, so that each can be tried.
func apart(selects []engine.Select) []engine.Select {
	var list []engine.Select
	for _, s := range selects {
		if len(s.Parts) < 2 {
			list = append(list, s)
			continue
		}
		for _, part := range s.Parts {
			list = append(list, engine.Select{Kind: s.Kind, Unit: s.Unit, Parts: []engine.Part{part}})
		}
	}
	return list
}

// diagnose says what is wrong with a file that a scan failed on, and in which columns.
func (c *collector) diagnose(ctx context.Context, id int32, err error) facts.Problem {
	file := c.survey.Files[id]
	if problem := c.request.Changed(ctx, file); problem != nil {
		return *problem
	}
	schema := c.layouts[file.Schema].schema
	found := failing(ctx, apart(c.layouts[file.Schema].selects), func(selects []engine.Select) error {
		here, err := c.bring(ctx, []int32{file.ID}, columnsOf(selects), nil)
		if err != nil {
			return err
		}
		defer here.release()
		scan := engine.Scan{Files: here.names, Columns: selects}
		if engine.Streams(schema.Columns) {
			return c.engine.Stream(ctx, scan, func(engine.Block) error { return nil })
		}
		return c.engine.Scan(ctx, scan, func() error { return nil }, func(engine.Block) error { return nil })
	})
	var names []string
	for _, f := range found {
		err = found[0].err
		for _, name := range namesOf(apart(c.layouts[file.Schema].selects)[f.index]) {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return problemOf(c.roles.view, file, *schema, names, err)
}

// columnProblem says what is wrong with one column of a file that a query failed on: what its footer and its pages tell goes
// before what the engine says, which knows of no encryption of single columns.
func (c *collector) columnProblem(ctx context.Context, file facts.File, schema facts.Schema, column facts.Column, err error) facts.Problem {
	if c.request.Pages != nil {
		if _, problems, _ := c.request.Pages(ctx, file, []facts.Column{column}, nil); len(problems) > 0 {
			return problems[0].Problem
		}
	}
	return problemOf(c.roles.view, file, schema, []string{column.Path}, err)
}

// problemOf puts the error of a query that failed over some columns of a file into words that say what helps. Where one of them is
// sensitive, or nobody knows which failed, the engine is not quoted: it quotes values.
func problemOf(view model.View, file facts.File, schema facts.Schema, columns []string, err error) facts.Problem {
	var read engine.ReadError
	var lacking facts.UnsupportedError
	if errors.As(err, &lacking) {
		return unsupported(file, schema, columns, engine.ReadError{Feature: lacking.Feature, Instead: lacking.Instead, Err: err})
	}
	quiet := len(columns) == 0 || slices.ContainsFunc(columns, view.Hides)
	if quiet {
		err = sensitive.Quiet(view, err)
	}
	if !errors.As(err, &read) {
		return facts.Problem{Kind: facts.ProblemUnsupported, Message: fmt.Sprintf("the engine could not read it%s: %s", inColumns(columns), told(file, err))}
	}
	if quiet {
		read.Err = sensitive.Quiet(view, read.Err)
	}
	switch {
	case read.Cause == engine.CausePermission:
		return facts.Problem{Kind: facts.ProblemPermission, Message: "no permission to read it: give the audit's user read rights"}
	case read.Cause == engine.CauseGone:
		return facts.Problem{Kind: facts.ProblemVanished, Message: "it was listed and is gone now: run again when its writer is done"}
	case read.End > file.Size:
		return facts.Problem{Kind: facts.ProblemCorrupt, Message: fmt.Sprintf("its footer points to bytes up to %d and the file has %d%s: it was cut or joined wrongly; write the file again",
			read.End, file.Size, inColumns(columns))}
	case read.Cause == engine.CauseSystem:
		return facts.Problem{Kind: facts.ProblemIO, Message: fmt.Sprintf("it could not be read (%s): run again", told(file, err))}
	case read.Cause == engine.CauseEncrypted:
		return facts.Problem{Kind: facts.ProblemEncrypted, Message: "it is encrypted: the audit has no keys; audit a decrypted copy"}
	case read.Cause == engine.CauseValue:
		return facts.Problem{Kind: facts.ProblemValue, Message: fmt.Sprintf("its bytes are sound and a value%s has no place in the type that it is read as (the engine says: "+
			"%s): correct the value or the type where it is written; to write the file again alone gives the same",
			inColumns(columns), told(file, err))}
	case read.Cause == engine.CauseFeature:
		return unsupported(file, schema, columns, read)
	}
	return facts.Problem{Kind: facts.ProblemCorrupt, Message: fmt.Sprintf("its footer reads and its pages do not%s (the engine says: %s): write the file again", inColumns(columns), told(file, err))}
}

// copyName is what the engine knows a copy by: another one each time, and none that people know.
var copyName = regexp.MustCompile(`/dev/fd/[0-9]+`)

// told is what the engine says of a file, which it may have read a copy of.
func told(file facts.File, err error) string {
	return copyName.ReplaceAllLiteralString(err.Error(), file.Abs)
}

// unsupported is valid Parquet that the engine does not read.
func unsupported(file facts.File, schema facts.Schema, columns []string, read engine.ReadError) facts.Problem {
	feature := read.Feature
	if strings.HasPrefix(feature, "a map") {
		// the engine refuses the whole file for it, whichever columns are asked for
		columns = nil
		for _, c := range schema.Columns {
			if c.Logical == "map" && !strings.HasPrefix(c.TypeText, "MAP<") {
				columns = append(columns, c.Path)
			}
		}
	}
	if feature == "" {
		feature = told(file, read)
	}
	return facts.Problem{Kind: facts.ProblemUnsupported, Message: fmt.Sprintf("it is valid Parquet that this engine cannot read%s: %s; its bytes need no repair: rewrite it with %s",
		inColumns(columns), feature, read.Instead)}
}

// inColumns names columns inside a sentence.
func inColumns(columns []string) string {
	const shown = 3
	switch n := len(columns); {
	case n == 0:
		return ""
	case n == 1:
		return fmt.Sprintf(" in column %q", columns[0])
	case n <= shown:
		return fmt.Sprintf(" in columns %q", columns)
	default:
		return fmt.Sprintf(" in columns %q and %d more", columns[:shown], n-shown)
	}
}
