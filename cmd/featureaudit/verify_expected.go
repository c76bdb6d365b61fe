package main

import (
	"context"
	"encoding/csv"
	"errors"
	"io"
	"strconv"
	"strings"

	"github.com/featureaudit/featureaudit/audit/partition"
	"github.com/featureaudit/featureaudit/audit/policy"
	"github.com/featureaudit/featureaudit/audit/verify"
)

// expectations reads the flags that say what a verification is to find.
func (c *cli) expectations(ctx context.Context, f verifyFlags, o *verify.Options) (err error) {
	if o.Range, err = rangeOf("range", f.span); err != nil {
		return err
	}
	if o.Expect, err = rangeOf("expect-range", f.expectRange); err != nil {
		return err
	}
	if o.Tolerance, err = tolerances(f.tolerance); err != nil {
		return err
	}
	if o.ExpectRows, err = c.expectedRows(ctx, f.expectRows); err != nil {
		return err
	}
	if o.ExpectRows.Given() && f.span == "" {
		return usagef("--expect-rows is for the partitions of --range: name them")
	}
	return nil
}

func rangeOf(flag, text string) (partition.Range, error) {
	if text == "" {
		return partition.Range{}, nil
	}
	from, to, err := policy.ParseRange(text)
	if err != nil {
		return partition.Range{}, usagef("--%s: %w", flag, err)
	}
	return partition.Range{From: from, To: to}, nil
}

func tolerances(specs []string) (map[string]float64, error) {
	if len(specs) == 0 {
		return nil, nil
	}
	all := map[string]float64{}
	for _, spec := range specs {
		column, text, ok := strings.Cut(spec, "=")
		n, err := strconv.ParseFloat(text, 64)
		if !ok || column == "" || err != nil || !(n >= 0) || n > 1e300 {
			return nil, usagef("--tolerance %q: expected COLUMN=NUMBER, such as amount=0.01", spec)
		}
		all[column] = n
	}
	return all, nil
}

// expectedRows reads --expect-rows: a number for each partition, or a CSV file of partition,rows.
func (c *cli) expectedRows(ctx context.Context, text string) (expected verify.ExpectedRows, err error) {
	if text == "" {
		return expected, nil
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		if n < 0 {
			return expected, usagef("--expect-rows %d: expected 0 or more", n)
		}
		return verify.ExpectedRows{Each: &n}, nil
	}
	raw, err := c.readInput(ctx, text)
	if err != nil {
		return expected, usagef("--expect-rows: %w; expected a number, or a CSV file of partition,rows", err)
	}
	reader := csv.NewReader(strings.NewReader(strings.TrimPrefix(string(raw), "\ufeff")))
	reader.FieldsPerRecord = 2
	expected.By, expected.Lines = map[string]int64{}, map[string]int{}
	for first := true; ; first = false {
		fields, err := reader.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return expected, usagef("--expect-rows %s: %w; expected lines of partition,rows", text, err)
		}
		line, _ := reader.FieldPos(0)
		name, number := strings.TrimSpace(fields[0]), strings.TrimSpace(fields[1])
		n, err := strconv.ParseInt(number, 10, 64)
		switch _, twice := expected.By[name]; {
		case err != nil && first && !strings.ContainsAny(number, "0123456789"):
			continue // names of the columns
		case err != nil, n < 0:
			return expected, usagef("--expect-rows %s, line %d: %q is no number of rows; expected partition,rows", text, line, fields[1])
		case twice:
			return expected, usagef("--expect-rows %s, line %d: partition %q has a number already; expected one line for each", text, line, name)
		}
		expected.By[name], expected.Lines[name] = n, line
	}
	if len(expected.By) == 0 {
		return expected, usagef("--expect-rows %s: it has no line of partition,rows; expected one for each partition of the range", text)
	}
	return expected, nil
}
