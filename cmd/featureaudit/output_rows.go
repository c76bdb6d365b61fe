package main

import (
	"errors"
	"io"

	"github.com/featureaudit/featureaudit/audit/export"
)

// rowsFormat is the output of the rows that any check of rows counted as bad.
const rowsFormat = "rows"

// writeRows writes the rows that were counted; stdout gets CSV.
func (c *cli) writeRows(outs []output, rows []export.Row) error {
	var errs []error
	for _, out := range outs {
		write := export.WriteRowsCSV
		if out.parquet() {
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
	return errors.Join(errs...)
}
