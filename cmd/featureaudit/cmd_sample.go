package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"

	"github.com/featureaudit/featureaudit/audit/sample"
)

const sampleAbout = `Copies the form of a Parquet file without its values, so that you can show a fault to others. Names, types, encodings, compression,
row groups, nulls and the order of values stay. Every value and bound is replaced: times begin in 2026, texts are numbered, and texts
that hold times keep their form. The name of the writer stays; other metadata of the file is left out.

Column names, the lengths of texts, and NaN, infinity and 0 in floating numbers also stay: look at the copy before you share it.`

func cmdSample(ctx context.Context, c *cli, args []string) (int, error) {
	flags := newFlags("sample")
	var to string
	var o sample.Options
	flags.StringVar(&to, "out", "", "the file to write")
	flags.Int64Var(&o.Rows, "rows", 1000, "rows to keep of each row group at most, its first ones; 0 for all (what is kept is held in memory)")
	flags.IntVar(&o.Groups, "groups", 20, "row groups to keep at most, the first ones; 0 for all")
	if err := c.parse(flags, "sample FILE --out FILE", sampleAbout, args); err != nil {
		return 0, err
	}
	path, err := oneArgument(flags, "FILE")
	switch {
	case err != nil:
		return 0, err
	case to == "":
		return 0, usagef("--out is missing: where the sample goes, as in --out small.parquet")
	case o.Rows < 0 || o.Groups < 0:
		return 0, usagef("--rows %d, --groups %d: expected 0 or more", o.Rows, o.Groups)
	}
	outs, err := parseOutputs([]string{"parquet=" + to}, "", only("parquet"))
	if err != nil {
		return 0, err
	}
	in, err := c.openInput(ctx, path)
	if err != nil {
		return 0, err
	}
	defer in.Close()
	if err := c.refuseInputs(ctx, outs, nil); err != nil {
		return 0, err
	}
	var kept sample.Kept
	err = c.writeAll(outs, func(w io.Writer, _ string, _ bool) error {
		kept, err = sample.Write(w, in, o)
		return err
	})
	var unreadable sample.UnreadableError
	if errors.As(err, &unreadable) {
		return 0, usagef("%s: %w: no sample of it can be made here", path, unreadable)
	}
	if err != nil {
		return 0, err
	}
	fmt.Fprintf(c.stderr, "wrote %d of %d rows and %d of %d row groups without their values; names of columns are as they were\n", kept.Rows, kept.RowsOf, kept.Groups, kept.GroupsOf)
	return exitOK, nil
}

// openInput opens a file that is read, and notes it, so that no output replaces it.
func (c *cli) openInput(ctx context.Context, path string) (*os.File, error) {
	c.reads.add(path)
	if inBucket(path) {
		var err error
		if path, err = c.heldUpTo(ctx, path, math.MaxInt64); err != nil {
			return nil, err
		}
	} else if err := localOnly(path); err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, usagef("%w: expected a Parquet file", err)
	}
	return f, nil
}
