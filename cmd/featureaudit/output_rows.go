package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
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
// not among them, because no query can say which they are or because of the limit, is said in notes.
func (c *cli) writeRows(ctx context.Context, outs []output, found []check.BadRows, o audit.Options, limit int) (notes []string, err error) {
	if len(outs) == 0 {
		return nil, nil
	}
	db, err := duckdb.Open(duckdb.Config{Threads: o.Threads, MemoryLimit: o.MemoryLimit / 2, TempDir: o.EngineTempDir})
	if err != nil {
		return nil, fmt.Errorf("start the engine: %w", err)
	}
	defer db.Close()
	var rows []export.Row
	for _, f := range found {
		if f.SQL == "" {
			notes = append(notes, fmt.Sprintf("rows of %s of view %s are not written: no query can say which they are (times as text in a format of their own, a partition column in the file, populations of zones, or over 500 files)", f.Check, f.View.Name))
			continue
		}
		fetched, err := fetchRows(ctx, db, o.Mask, f, limit-len(rows)+1)
		if err != nil {
			return notes, fmt.Errorf("fetch the rows of %s of view %s: %w", f.Check, f.View.Name, sensitive.Quiet(f.View, err))
		}
		rows = append(rows, fetched...)
	}
	if len(rows) > limit {
		rows = rows[:limit]
		notes = append(notes, fmt.Sprintf("more rows were counted than are written: --rows-limit is %d", limit))
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
