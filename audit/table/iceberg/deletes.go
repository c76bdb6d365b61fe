package iceberg

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/featureaudit/featureaudit/audit/table/internal/rowset"
)

// The numbers of the columns of a file of positions.
const (
	idPositionPath = 2147483546
	idPositionRow  = 2147483545
)

// deleted are the rows of data files that do not count, by the index of the file; nil where none are.
func (t *table) deleted(ctx context.Context, data, deletes []entry) ([]*rowset.Set, error) {
	d := deletions{table: t, data: data, at: make(map[string]int, len(data)), sets: make([]*rowset.Set, len(data)), vectors: map[int]string{}, puffins: map[string]*puffin{}}
	for i, e := range data {
		d.at[e.path] = i
	}
	var positions, equalities []entry
	for _, e := range deletes {
		switch kind := strings.ToLower(e.format); {
		case e.content == contentPosition && kind == "puffin":
			if err := d.vector(ctx, e); err != nil {
				return nil, fmt.Errorf("deletion vector of %s: %w", e.referenced, err)
			}
		case kind != "parquet":
			return nil, fmt.Errorf("its delete file %s is in the format %s, and only Parquet and Puffin are read here: have the table rewritten (write.delete.format.default = parquet, then rewrite_data_files)", e.path, e.format)
		case e.content == contentPosition:
			positions = append(positions, e)
		default:
			equalities = append(equalities, e)
		}
	}
	if err := d.positions(ctx, positions); err != nil {
		return nil, err
	}
	return d.sets, d.equalities(ctx, equalities)
}

// deletions are those of a snapshot in the making.
type deletions struct {
	table *table
	data  []entry
	at    map[string]int
	sets  []*rowset.Set
	// vectors are the data files that have a deletion vector, with its name: files of positions do not count for them.
	vectors map[int]string
	puffins map[string]*puffin
	lock    sync.Mutex
}

// add takes rows of a data file out.
func (d *deletions) add(file int, rows []int64) error {
	d.lock.Lock()
	defer d.lock.Unlock()
	if d.sets[file] == nil && len(rows) > 0 {
		d.sets[file] = &rowset.Set{}
	}
	for _, row := range rows {
		if row < 0 || row >= d.data[file].rows {
			return fmt.Errorf("it takes row %d of %s out, which has %d: one of them is damaged", row, d.data[file].path, d.data[file].rows)
		}
		if err := d.sets[file].Add(row); err != nil {
			return err
		}
	}
	return nil
}

// vector reads the deletion vector of a data file, if that counts.
func (d *deletions) vector(ctx context.Context, e entry) error {
	if e.referenced == "" || e.offset < 0 || e.length < 0 {
		return fmt.Errorf("%s has no referenced_data_file, content_offset or content_size_in_bytes: its manifest is damaged", e.path)
	}
	file, ok := d.at[e.referenced]
	if !ok { // the data file is gone, if the vector is of it
		p, err := d.openPuffin(ctx, e)
		if err != nil {
			return err
		}
		return p.check(e)
	}
	name := fmt.Sprintf("%s at %d", e.path, e.offset)
	switch of := d.data[file]; {
	case d.vectors[file] != "":
		return fmt.Errorf("it has two of them, %s and %s: the table is damaged", d.vectors[file], name)
	case of.scope != e.scope:
		return fmt.Errorf("%s is of another partition than the file: one of them is damaged", name)
	case of.sequence > e.sequence:
		return fmt.Errorf("%s has the sequence number %d, and the file %d: one of them is damaged", name, e.sequence, of.sequence)
	}
	d.vectors[file] = name
	set, err := d.load(ctx, e)
	if err == nil {
		err = rowset.Check(set, e.rows, d.data[file].rows)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if set.Count() > 0 {
		d.sets[file] = set
	}
	return nil
}

// positions reads the files of positions that may count, many at once.
func (d *deletions) positions(ctx context.Context, list []entry) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for _, e := range list {
		if file, ok := d.at[e.only()]; ok && (d.vectors[file] != "" || d.data[file].sequence > e.sequence) {
			continue
		}
		group.Go(func() error {
			if err := d.position(ctx, e); err != nil {
				return fmt.Errorf("file of deleted positions %s: %w", e.path, err)
			}
			return nil
		})
	}
	return group.Wait()
}

// only is the data file that all rows of a file of positions are of; empty where nothing says.
func (e entry) only() string {
	if e.referenced != "" {
		return e.referenced
	}
	return e.onlyOf
}

// position reads one file of positions.
func (d *deletions) position(ctx context.Context, e entry) error {
	return d.table.eachPosition(ctx, e, func(path string, rows []int64) error {
		if only := e.only(); only != "" && only != path {
			return fmt.Errorf("it names %s, and its manifest says that it is of %s only: one of them is damaged", path, only)
		}
		file, ok := d.at[path]
		if !ok || d.vectors[file] != "" || d.data[file].sequence > e.sequence {
			return nil
		}
		if d.data[file].scope != e.scope {
			return fmt.Errorf("it names %s, which is of another partition than it: readers differ on whether its rows count; have the table rewritten (rewrite_position_delete_files)", path)
		}
		return d.add(file, rows)
	})
}
