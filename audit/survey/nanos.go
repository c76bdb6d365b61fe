package survey

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/file"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/store"
)

// Truncated says whether the engine gives a column's times in microseconds though the file holds nanoseconds: aware
// ones and INT96.
func Truncated(c facts.Column) bool {
	return c.Physical == "INT96" || c.Physical == "INT64" && c.Logical == "timestamp" && c.Unit == "ns" && c.AdjustedToUTC
}

// Nanos reads the nanoseconds below the microsecond of single rows (ascending row numbers) of a Truncated column: the
// few candidates of a repeated key that an engine without nanoseconds cannot tell apart. A NULL gives 0.
func Nanos(ctx context.Context, st store.Store, f facts.File, c facts.Column, rows []int64) (out []int64, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("read column %q of %s: %v", c.Path, f.Path, cause)
		}
	}()
	if c.Absent {
		return slices.Repeat([]int64{below(filledNanos(c))}, len(rows)), nil
	}
	object, err := st.Open(ctx, f.Abs)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", f.Path, err)
	}
	defer object.Close()
	reader, err := openColumns(object, f.Size)
	if err != nil {
		return nil, fmt.Errorf("read the footer of %s: %w", f.Path, err)
	}
	index := reader.MetaData().Schema.ColumnIndexByName(c.Stored().Path)
	if index < 0 {
		return nil, fmt.Errorf("%s has no column %q", f.Path, c.Path)
	}
	first := int64(0)
	for group := range reader.NumRowGroups() {
		last := first + reader.RowGroup(group).NumRows()
		var wanted []int64
		for len(out)+len(wanted) < len(rows) && rows[len(out)+len(wanted)] < last {
			wanted = append(wanted, rows[len(out)+len(wanted)]-first)
		}
		if len(wanted) > 0 {
			column, err := reader.RowGroup(group).Column(index)
			if err != nil {
				return nil, fmt.Errorf("read column %q of %s: %w", c.Path, f.Path, err)
			}
			nanos, err := nanosOf(column, last-first)
			if err != nil {
				return nil, fmt.Errorf("read column %q of %s: %w", c.Path, f.Path, err)
			}
			for _, row := range wanted {
				out = append(out, nanos[row])
			}
		}
		first = last
	}
	if len(out) != len(rows) {
		return nil, fmt.Errorf("%s holds %d of %d rows asked for", f.Path, len(out), len(rows))
	}
	return out, nil
}

// nanosOf reads a row group's column, one entry a row.
func nanosOf(column file.ColumnChunkReader, rows int64) ([]int64, error) {
	levels := make([]int16, rows)
	values := make([]int64, 0, rows)
	read := func(batch int64, at int64) (total int64, err error) {
		switch c := column.(type) {
		case *file.Int64ColumnChunkReader:
			buffer := make([]int64, batch)
			total, n, err := c.ReadBatch(batch, buffer, levels[at:], nil)
			for _, v := range buffer[:n] {
				values = append(values, below(v))
			}
			return total, err
		case *file.Int96ColumnChunkReader:
			buffer := make([]parquet.Int96, batch)
			total, n, err := c.ReadBatch(batch, buffer, levels[at:], nil)
			for _, v := range buffer[:n] {
				values = append(values, below(int64(binary.LittleEndian.Uint64(v[:8]))))
			}
			return total, err
		}
		return 0, fmt.Errorf("unexpected type %s", column.Type())
	}
	for at := int64(0); at < rows; {
		total, err := read(rows-at, at)
		if err != nil {
			return nil, err
		}
		if total == 0 {
			return nil, fmt.Errorf("%d of %d values", at, rows)
		}
		at += total
	}
	top := column.Descriptor().MaxDefinitionLevel()
	out, next := make([]int64, rows), 0
	for i := range out {
		if top == 0 || levels[i] == top {
			out[i] = values[next]
			next++
		}
	}
	return out, nil
}

// below is what a nanosecond count has beyond its last whole microsecond, rounding down.
func below(nanos int64) int64 { return ((nanos % 1000) + 1000) % 1000 }

// sized gives an object the size that the footer reader asks for.
type sized struct {
	store.Object
	size int64
}

func (s sized) Seek(offset int64, whence int) (int64, error) {
	if whence == 2 {
		return s.size + offset, nil
	}
	return offset, nil
}
