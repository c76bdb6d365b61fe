package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/featureaudit/featureaudit/audit"
	"github.com/featureaudit/featureaudit/audit/check"
	"github.com/featureaudit/featureaudit/audit/engine/duckdb"
	"github.com/featureaudit/featureaudit/audit/export"
	"github.com/featureaudit/featureaudit/audit/sensitive"
)

// rowsFormat is the output of the rows that any check of rows counted as bad.
const rowsFormat = "rows"

// writeRows fetches the rows that were counted, at most limit of all checks together, and writes them; stdout gets CSV. What is
// not among them, because nothing can say which they are or because of the limit, is said in notes.
func (c *cli) writeRows(ctx context.Context, outs []output, found []check.BadRows, o audit.Options, limit int) (notes []string, err error) {
	if len(outs) == 0 {
		return nil, nil
	}
	db, err := duckdb.Open(duckdb.Config{Threads: o.Threads, MemoryLimit: o.MemoryLimit / 2, TempDir: o.EngineTempDir})
	if err != nil {
		return nil, fmt.Errorf("start the engine: %w", err)
	}
	defer db.Close()
	rows, notes, err := sharedRows(found, limit, func(f check.BadRows, most int) ([]export.Row, error) {
		fetched, err := fetchRows(ctx, db, o.Mask, f, most)
		if err != nil {
			return nil, fmt.Errorf("fetch the rows of %s of view %s: %w", f.Check, f.View.Name, sensitive.Quiet(f.View, err))
		}
		return fetched, nil
	})
	if err != nil {
		return notes, err
	}
	var errs []error
	for _, out := range outs {
		write := export.WriteRowsCSV
		if strings.EqualFold(filepath.Ext(out.path), ".parquet") {
			write = export.WriteRowsParquet
		}
		if out.path == "" {
			errs = append(errs, write(c.stdout, rows))
			continue
		}
		if err := c.writeFile(out.path, func(w io.Writer) error { return write(w, rows) }); err != nil {
			errs = append(errs, outputError(out, err))
		}
	}
	return notes, errors.Join(errs...)
}

// sharedRows fetches the rows of all checks, at most limit together: whoever has few rows gets all of them, and what is left is shared
// evenly by the others. Fetch gives at most so many rows of a check.
func sharedRows(found []check.BadRows, limit int, fetch func(f check.BadRows, most int) ([]export.Row, error)) (rows []export.Row, notes []string, err error) {
	most := limit
	smallestFirst := make([]int, 0, len(found))
	for i, f := range found {
		if f.SQL == "" {
			notes = append(notes, fmt.Sprintf("rows of %s of view %s are not written: %s", f.Check, f.View.Name, f.Missing))
			continue
		}
		smallestFirst = append(smallestFirst, i)
	}
	slices.SortStableFunc(smallestFirst, func(x, y int) int { return cmp.Compare(found[x].Bad, found[y].Bad) })
	fetched, cut := make([][]export.Row, len(found)), make([]string, len(found))
	for n, i := range smallestFirst {
		left := len(smallestFirst) - n
		share := (limit + left - 1) / left
		if fetched[i], err = fetch(found[i], share+1); err != nil {
			return nil, notes, err
		}
		if given := len(fetched[i]); given > share || int64(given) < found[i].Bad && !found[i].About {
			fetched[i] = fetched[i][:min(given, share)]
			cut[i] = fmt.Sprintf("%d of %d of %s of view %s", len(fetched[i]), max(found[i].Bad, int64(given)), found[i].Check, found[i].View.Name)
		}
		limit -= len(fetched[i])
	}
	if cut = slices.DeleteFunc(cut, func(text string) bool { return text == "" }); len(cut) > 0 {
		notes = append(notes, fmt.Sprintf("more rows were counted than are written: --rows-limit is %d, which leaves %s", most, strings.Join(cut, ", ")))
	}
	return slices.Concat(fetched...), notes, nil
}

func fetchRows(ctx context.Context, db *duckdb.Database, mask *sensitive.Mask, f check.BadRows, limit int) ([]export.Row, error) {
	var rows []export.Row
	var wrong error
	err := db.Select(ctx, fmt.Sprintf("%s\nLIMIT %d", f.SQL, max(0, limit)), func(row []*string) bool {
		one := export.Row{View: f.View.Name, Check: f.Check, File: f.Paths[*row[0]]}
		if one.RowNumber, wrong = strconv.ParseInt(*row[1], 10, 64); wrong != nil {
			return false
		}
		if one.Values, wrong = export.RowValues(mask, f.View, f.Columns, row[2:]); wrong != nil {
			return false
		}
		rows = append(rows, one)
		return true
	})
	return rows, errors.Join(err, wrong)
}
