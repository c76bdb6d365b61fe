package duckdb

import (
	"context"
	"runtime"

	"github.com/marcboeker/go-duckdb/mapping"
)

// Select runs one SELECT and hands over its rows as text, nil for NULL, until each is false.
func (d *Database) Select(ctx context.Context, query string, each func(row []*string) bool) error {
	c, err := d.acquire()
	if err != nil {
		return err
	}
	defer d.release(c)
	result, err := c.query(ctx, query, nil)
	if err != nil {
		return err
	}
	defer mapping.DestroyResult(result)
	more, copied := true, 0
	return eachChunk(result, func(columns []chunkColumn, rows int) error {
		for row := 0; row < rows && more; row++ {
			values := make([]*string, len(columns))
			for i := range columns {
				var texts stringTexts
				if v := columns[i].vector(row+1, &texts); v.Valid(row) {
					text := columns[i].render(row)
					values[i] = &text
					if len(text) >= largeValue {
						copied += len(text)
					}
				}
			}
			if copied >= garbageBytes {
				copied = 0
				runtime.GC()
			}
			more = each(values)
		}
		return nil
	})
}
