package main

import "github.com/featureaudit/featureaudit/audit/export"

// rowsFormat is the output of the rows that any check of rows counted as bad.
const rowsFormat = "rows"

// writeRows writes the rows that were counted.
func (c *cli) writeRows(outs []output, rows []export.Row) error {
	return writeTable(c, outs, rows, export.WriteRowsCSV, export.WriteRowsParquet)
}
