package main

import (
	"errors"
	"io"
	"slices"

	"github.com/featureaudit/featureaudit/audit/export"
)

// duplicatesFormat is the output of the repeated rows themselves: rows, where every other format is the report.
const duplicatesFormat = "duplicates"

// runFormats are all that a run can write: the report, and rows.
func runFormats() formats {
	f := reportFormats()
	for _, name := range []string{duplicatesFormat, rowsFormat} {
		delete(f.refused, name)
		f.names = append(f.names, name)
	}
	slices.Sort(f.names)
	return f
}

// outputsOf sorts what a run writes: the report, repeated rows, and the rows that any check counted.
type outputsOf struct{ reports, duplicates, rows []output }

// splitOutputs takes the outputs of rows out of those of the report.
func splitOutputs(outs []output) outputsOf {
	var split outputsOf
	for _, out := range outs {
		into := map[string]*[]output{duplicatesFormat: &split.duplicates, rowsFormat: &split.rows}[out.format]
		if into == nil {
			split.reports = append(split.reports, out)
			continue
		}
		*into = append(*into, out)
	}
	return split
}

// writeDuplicates writes the rows of repeated keys.
func (c *cli) writeDuplicates(outs []output, rows []export.Duplicate) error {
	return writeTable(c, outs, rows, export.WriteCSV, export.WriteParquet)
}

// writeTable writes rows to each of the outputs in its own form; stdout gets CSV.
func writeTable[T any](c *cli, outs []output, rows []T, csv, parquet func(io.Writer, []T) error) error {
	var errs []error
	for _, out := range outs {
		write := csv
		if out.parquet() {
			write = parquet
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
