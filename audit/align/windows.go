package align

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"os"

	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/file"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/internal/keys"
	"github.com/featureaudit/featureaudit/audit/survey"
)

// What rows take while a row group is copied: a row for its times, lags, source and way, a value beside its bytes, which are held once for
// the original and once for the copy (measured on 5 million rows of three columns).
const (
	rowBytes   = 192
	groupShare = 12
	pageShare  = 3
)

// usualRows are those of a row group as writers make them by default.
const usualRows = 122_880

// narrow gives a reader of a file whose row groups fit into the memory that there is: the file itself, or a copy of it in smaller row groups
// in the temporary folder, which has no name there and ends with done.
func (c *copier) narrow(ctx context.Context, f facts.File, object io.ReaderAt) (reader *file.Reader, done func(), err error) {
	reader, err = file.NewParquetReader(io.NewSectionReader(object, 0, f.Size))
	if err != nil {
		return nil, func() {}, cmp.Or(c.changed(ctx, f), fmt.Errorf("read the footer: %w", err))
	}
	if c.options.Memory <= 0 || !c.wide(reader) {
		return reader, func() {}, nil
	}
	scratch, _, err := keys.Scratch(c.options.TempDir)
	if err != nil {
		return nil, func() {}, err
	}
	done = func() { _ = scratch.Close() } // it has no name, and nothing of it is wanted any more
	size, err := c.smaller(ctx, f, scratch)
	if err != nil {
		return nil, done, err
	}
	reader, err = file.NewParquetReader(io.NewSectionReader(scratch, 0, size))
	if err != nil {
		return nil, done, fmt.Errorf("read its copy in smaller row groups: %w", err)
	}
	return reader, done, nil
}

// smaller writes the copy in smaller row groups, and gives its size.
func (c *copier) smaller(ctx context.Context, f facts.File, scratch *os.File) (int64, error) {
	free, err := keys.FreeBytes(c.options.TempDir)
	if err != nil {
		return 0, err
	}
	out := bufio.NewWriterSize(scratch, 256<<10)
	limits := survey.RepageLimits{Page: c.options.Memory / pageShare, Group: c.group(), Copy: free}
	if _, _, err := survey.Repage(ctx, c.options.Store, f, func(string) bool { return true }, limits, out); err != nil {
		if ctx.Err() != nil {
			return 0, context.Cause(ctx)
		}
		return 0, fmt.Errorf("its row groups do not fit into the memory limit, and: %w; raise --memory-limit, or write the file again in smaller row groups and pages", err)
	}
	if err := out.Flush(); err != nil {
		return 0, err
	}
	info, err := scratch.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// group is what the rows of a row group may take in the file, uncompressed.
func (c *copier) group() int64 { return c.options.Memory / groupShare }

// wide says that a row group of the file may take more memory than there is for one.
func (c *copier) wide(reader *file.Reader) bool {
	for at := range reader.NumRowGroups() {
		group := reader.MetaData().RowGroup(at)
		if group.NumRows() > usualRows && group.NumRows()*rowBytes > c.group() || group.TotalByteSize() > c.group() {
			return true
		}
		for leaf := range group.NumColumns() {
			chunk, err := group.ColumnChunk(leaf)
			if err != nil {
				return true // what reads the file says what is wrong with it
			}
			// a dictionary may stand for any number of values of its size
			large := chunk.HasDictionaryPage() && chunk.Type() == parquet.Types.ByteArray && chunk.TotalUncompressedSize() > largeDictionary
			if large && !fits(chunk.NumValues(), chunk.TotalUncompressedSize(), c.group()) {
				return true
			}
		}
	}
	return false
}

// largeDictionary is the size of a chunk, in bytes, from which on the values of its dictionary may be large.
const largeDictionary = 64 << 10

// fits says whether so many values of that size take no more than there is.
func fits(values, size, room int64) bool { return size <= 0 || values <= room/size }
