package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/featureaudit/featureaudit/fixtures"
)

// parquet writes a Parquet file from a table of text: parquet FILE ROWS. The first line of ROWS names the columns as
// name:type (text, int, float, aware, naive); a row is a line, a value "-" is NULL, and blanks separate both.
func parquet(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: parquet FILE ROWS")
	}
	table, err := readTable(ts.ReadFile(args[1]))
	if err != nil {
		ts.Fatalf("%s: %v", args[1], err)
	}
	ts.Check(fixtures.Write(ts.MkAbs(args[0]), table, fixtures.Options{Modified: time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)}))
}

func readTable(text string) (fixtures.Table, error) {
	var table fixtures.Table
	var kinds []string
	for i, line := range strings.Split(strings.TrimSpace(text), "\n") {
		fields := strings.Fields(line)
		if i == 0 {
			for _, field := range fields {
				name, kind, _ := strings.Cut(field, ":")
				typ, ok := scriptTypes()[kind]
				if !ok {
					return table, fmt.Errorf("column %s: unknown type %q", name, kind)
				}
				kinds = append(kinds, kind)
				table.Columns = append(table.Columns, fixtures.Column{Name: name, Type: typ})
			}
			continue
		}
		if len(fields) != len(kinds) {
			return table, fmt.Errorf("line %d has %d values, expected %d", i+1, len(fields), len(kinds))
		}
		for n, field := range fields {
			value, err := scriptValue(kinds[n], field)
			if err != nil {
				return table, fmt.Errorf("line %d: %w", i+1, err)
			}
			table.Columns[n].Values = append(table.Columns[n].Values, value)
		}
	}
	return table, nil
}

func scriptTypes() map[string]fixtures.Type {
	return map[string]fixtures.Type{
		"text": fixtures.TextType, "int": fixtures.Int64Type, "float": fixtures.FloatType, "aware": fixtures.AwareType, "naive": fixtures.NaiveType,
	}
}

func scriptValue(kind, field string) (any, error) {
	if field == "-" {
		return nil, nil
	}
	switch kind {
	case "int":
		return strconv.ParseInt(field, 10, 64)
	case "float":
		return strconv.ParseFloat(field, 64)
	case "aware", "naive":
		return time.Parse(time.RFC3339Nano, field)
	}
	return field, nil
}
