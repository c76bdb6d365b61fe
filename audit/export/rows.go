package export

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/sensitive"
)

// Row is one row that a check counted as bad.
type Row struct {
	View, Check string
	File        string
	// RowNumber is the row's number in the file, from 0.
	RowNumber int64
	// Values is a JSON object of the columns with a role, in their order: text as DuckDB writes it, or null. Sensitive values
	// come by their other names.
	Values string
}

// RowValues writes the values of a row of a view as a JSON object, those of sensitive columns by their other names.
func RowValues(mask *sensitive.Mask, view model.View, columns []string, values []*string) (string, error) {
	if len(columns) != len(values) {
		return "", fmt.Errorf("%d values for %d columns", len(values), len(columns))
	}
	parts := make([]string, len(columns))
	for i, column := range columns {
		value := values[i]
		if value != nil {
			shown := mask.Value(view, column, *value)
			value = &shown
		}
		name, err := json.Marshal(column)
		if err != nil {
			return "", err
		}
		text, err := json.Marshal(value)
		if err != nil {
			return "", err
		}
		parts[i] = string(name) + ":" + string(text)
	}
	return "{" + strings.Join(parts, ",") + "}", nil
}

var rowColumns = []string{"view", "check", "file", "row_number", "values"}

// WriteRowsCSV writes rows as WriteCSV does.
func WriteRowsCSV(w io.Writer, rows []Row) error {
	out := csv.NewWriter(w)
	if err := out.Write(rowColumns); err != nil {
		return err
	}
	for _, r := range rows {
		err := out.Write([]string{cell(r.View), r.Check, cell(r.File), strconv.FormatInt(r.RowNumber, 10), string(report.EscapeHidden([]byte(r.Values)))})
		if err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// WriteRowsParquet writes rows as one Parquet file.
func WriteRowsParquet(w io.Writer, rows []Row) error {
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "view", Type: arrow.BinaryTypes.String}, {Name: "check", Type: arrow.BinaryTypes.String}, {Name: "file", Type: arrow.BinaryTypes.String},
		{Name: "row_number", Type: arrow.PrimitiveTypes.Int64}, {Name: "values", Type: arrow.BinaryTypes.String},
	}, nil)
	out, err := newRecords(w, schema)
	if err != nil {
		return err
	}
	builder := out.builder
	for _, r := range rows {
		for i, text := range map[int]string{0: r.View, 1: r.Check, 2: r.File, 4: r.Values} {
			builder.Field(i).(*array.StringBuilder).Append(text)
		}
		builder.Field(3).(*array.Int64Builder).Append(r.RowNumber)
		if err := out.wrote(len(r.Values)); err != nil {
			return err
		}
	}
	return out.close()
}
