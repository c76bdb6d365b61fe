package iceberg

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/apache/arrow/go/v17/parquet"
	pqschema "github.com/apache/arrow/go/v17/parquet/schema"
	"golang.org/x/sync/errgroup"
)

// mostEqualities bounds how many rows of equality deletes are held at once.
const mostEqualities = 10_000_000

// group is equality deletes by the same columns.
type group struct {
	columns []*field
	files   []entry
	// rows are the sequence numbers of the newest deletes of some values, by scope and values; those of every scope stand under "".
	rows map[string]map[string]int64
}

// scope is where a delete counts: in its partition, or everywhere if its spec has none.
func (d *deletions) scope(e entry) string {
	if d.table.meta.spec(e.spec).isUnpartitioned() {
		return ""
	}
	return e.scope
}

// equalities finds the rows that equality deletes take out: those of files of lower sequence numbers whose columns have the same
// values, where NULL is NULL.
func (d *deletions) equalities(ctx context.Context, list []entry) error {
	groups, rows := map[string]*group{}, int64(0)
	for _, e := range list {
		if !d.counts(e) {
			continue
		}
		if rows += e.rows; rows > mostEqualities {
			return fmt.Errorf("its equality deletes have more than %d rows, and so many are not held here: have the table compacted (rewrite_data_files), which applies them", mostEqualities)
		}
		ids := slices.Clone(e.equality)
		slices.Sort(ids)
		key := fmt.Sprint(ids)
		if groups[key] == nil {
			columns, err := d.columns(e, ids)
			if err != nil {
				return fmt.Errorf("equality deletes %s: %w", e.path, err)
			}
			groups[key] = &group{columns: columns, rows: map[string]map[string]int64{}}
		}
		groups[key].files = append(groups[key].files, e)
	}
	keys := make([]string, 0, len(groups))
	for key := range groups {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		if err := d.group(ctx, groups[key]); err != nil {
			return err
		}
	}
	return nil
}

// counts says whether equality deletes may take rows of some data file out.
func (d *deletions) counts(e entry) bool {
	scope := d.scope(e)
	return slices.ContainsFunc(d.data, func(f entry) bool { return f.sequence < e.sequence && (scope == "" || scope == f.scope) })
}

// exact are the types of columns whose values are told apart by their bytes.
var exact = []string{"boolean", "int", "long", "date", "time", "timestamp", "timestamptz", "timestamp_ns", "timestamptz_ns", "decimal", "string", "uuid", "binary", "fixed"}

// columns are those that equality deletes compare.
func (d *deletions) columns(e entry, ids []int) ([]*field, error) {
	if len(ids) == 0 {
		return nil, fmt.Errorf("its manifest has no equality_ids: it is damaged")
	}
	out := make([]*field, len(ids))
	for i, id := range ids {
		if i > 0 && ids[i-1] == id {
			return nil, fmt.Errorf("its equality_ids have %d twice: its manifest is damaged", id)
		}
		f := d.table.meta.field(d.table.schema, id)
		if f == nil {
			return nil, fmt.Errorf("it compares the column %d, which is no top-level column of any schema of the table; deletes by fields of structs are not read here: have the table compacted (rewrite_data_files)", id)
		}
		kind := f.Type.Kind
		if at := strings.IndexAny(kind, "(["); at >= 0 {
			kind = kind[:at]
		}
		if !slices.Contains(exact, kind) {
			return nil, fmt.Errorf("it compares the column %s of the type %s, which is not done here: have the table compacted (rewrite_data_files)", f.Name, f.Type)
		}
		out[i] = f
	}
	return out, nil
}

// group reads the deletes of a group, and then the data files that they count for.
func (d *deletions) group(ctx context.Context, g *group) error {
	var lock sync.Mutex
	work, inner := errgroup.WithContext(ctx)
	work.SetLimit(atOnce)
	for _, e := range g.files {
		work.Go(func() error {
			scope := d.scope(e)
			err := d.table.eachKey(inner, e, g.columns, true, func(_ int64, key []byte) error {
				lock.Lock()
				defer lock.Unlock()
				if g.rows[scope] == nil {
					g.rows[scope] = map[string]int64{}
				}
				if before, ok := g.rows[scope][string(key)]; !ok || before < e.sequence {
					g.rows[scope][string(key)] = e.sequence
				}
				return nil
			})
			if err != nil {
				err = fmt.Errorf("equality deletes %s: %w", e.path, err)
			}
			return err
		})
	}
	if err := work.Wait(); err != nil {
		return err
	}
	newest := map[string]int64{}
	for _, e := range g.files {
		scope := d.scope(e)
		newest[scope] = max(newest[scope], e.sequence)
	}
	work, inner = errgroup.WithContext(ctx)
	work.SetLimit(atOnce)
	for i, f := range d.data {
		if max(newest[""], newest[f.scope]) <= f.sequence {
			continue
		}
		work.Go(func() error {
			if err := d.apply(inner, g, i); err != nil {
				return fmt.Errorf("data file %s, which equality deletes count for: %w", f.path, err)
			}
			return nil
		})
	}
	return work.Wait()
}

// apply takes the rows of one data file out.
func (d *deletions) apply(ctx context.Context, g *group, file int) error {
	f := d.data[file]
	for _, c := range g.columns {
		if d.partitioned(f, *c.ID) {
			// the file may leave the column out, and say it by its partition
			if err := d.table.hasColumn(ctx, f, c); err != nil {
				return err
			}
		}
	}
	everywhere, here := g.rows[""], g.rows[f.scope]
	var gone []int64
	err := d.table.eachKey(ctx, f, g.columns, false, func(row int64, key []byte) error {
		if everywhere[string(key)] > f.sequence || here[string(key)] > f.sequence {
			gone = append(gone, row)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return d.add(file, gone)
}

// partitioned says that a data file's partition has a column's own values.
func (d *deletions) partitioned(e entry, column int) bool {
	return slices.ContainsFunc(d.table.meta.spec(e.spec).Fields, func(f partitionField) bool { return f.Transform == transformIdentity && f.source() == column })
}

func (t *table) hasColumn(ctx context.Context, e entry, f *field) error {
	c, err := t.openColumns(ctx, e)
	if err != nil {
		return err
	}
	defer c.close()
	leaf, err := c.leaf(*f.ID, f.Name)
	if err == nil && leaf < 0 {
		err = fmt.Errorf("it has no column %s, which only its partition says, and that is not compared here: have the table compacted (rewrite_data_files)", f.Name)
	}
	return err
}

// eachKey calls do with the values of columns in each row of a file, as bytes that are equal exactly where the values are. Columns that a
// data file does not have are NULL; a file of deletes has all of them.
func (t *table) eachKey(ctx context.Context, e entry, columns []*field, deletes bool, do func(row int64, key []byte) error) error {
	c, err := t.openColumns(ctx, e)
	if err != nil {
		return err
	}
	defer c.close()
	if !c.hasNumbers() {
		return fmt.Errorf("its columns have no numbers (field ids), by which equality deletes go: have the table compacted (rewrite_data_files)")
	}
	leaves, write := make([]int, len(columns)), make([]writer, len(columns))
	for i, f := range columns {
		if leaves[i], err = c.leaf(*f.ID, f.Name); err != nil {
			return err
		}
		switch {
		case leaves[i] >= 0:
			if write[i], err = writerOf(f, c.reader.MetaData().Schema.Column(leaves[i])); err != nil {
				return err
			}
		case deletes:
			return fmt.Errorf("it has no column %s (%d), which its equality_ids name: it is damaged", f.Name, *f.ID)
		case f.hasDefault():
			return fmt.Errorf("it has no column %s, and the table says that it reads as %s there (initial-default), which is not compared here: have the table compacted (rewrite_data_files)", f.Name, f.InitialDefault)
		}
	}
	var key []byte
	return c.each(ctx, leaves, func(first int64, rows int, cells []cells) error {
		for row := range rows {
			key = key[:0]
			for i := range cells {
				if cells[i].null[row] {
					key = append(key, 0)
					continue
				}
				key = write[i](append(key, 1), cells[i], row)
			}
			if err := do(first+int64(row), key); err != nil {
				return err
			}
		}
		return nil
	})
}

// writer appends a value so that other values have other bytes.
type writer func(key []byte, c cells, row int) []byte

func writeInt(key []byte, c cells, row int) []byte {
	return binary.BigEndian.AppendUint64(key, uint64(c.ints[row]))
}

func writeBytes(key []byte, c cells, row int) []byte {
	return append(binary.AppendUvarint(key, uint64(len(c.bytes[row]))), c.bytes[row]...)
}

// writeBig writes a decimal's number, which has as many digits as it needs.
func writeBig(key []byte, c cells, row int) []byte {
	text := ""
	if c.bytes[row] != nil {
		text = bigOf(c.bytes[row]).String()
	} else {
		text = strconv.FormatInt(c.ints[row], 10)
	}
	return append(append(key, text...), 0)
}

// writerOf says how values of a column are written, which must be stored as its type demands.
func writerOf(f *field, column *pqschema.Column) (writer, error) {
	kind := f.Type.Kind
	if at := strings.IndexAny(kind, "(["); at >= 0 {
		kind = kind[:at]
	}
	physical := column.PhysicalType()
	small, whole := physical == parquet.Types.Int32, physical == parquet.Types.Int64
	switch kind {
	case "boolean":
		if physical == parquet.Types.Boolean {
			return writeInt, nil
		}
	case "int", "long":
		if small || whole {
			return writeInt, nil
		}
	case "date":
		if small {
			return writeInt, nil
		}
	case "time", "timestamp", "timestamptz":
		if whole && unitOf(column) == pqschema.TimeUnitMicros {
			return writeInt, nil
		}
	case "timestamp_ns", "timestamptz_ns":
		if whole && unitOf(column) == pqschema.TimeUnitNanos {
			return writeInt, nil
		}
	case "decimal":
		scale, err := scaleOf(f.Type.Kind)
		if err != nil {
			return nil, err
		}
		if of, ok := column.LogicalType().(interface{ Scale() int32 }); ok && int(of.Scale()) == scale {
			return writeBig, nil
		}
	default:
		if physical == parquet.Types.ByteArray || physical == parquet.Types.FixedLenByteArray {
			return writeBytes, nil
		}
	}
	return nil, fmt.Errorf("its column %s is stored as %s (%s), which is not compared with a %s here: have the table compacted (rewrite_data_files)", f.Name, physical, column.LogicalType(), f.Type)
}

// unitOf is the unit of a column of times.
func unitOf(column *pqschema.Column) pqschema.TimeUnitType {
	if of, ok := column.LogicalType().(interface{ TimeUnit() pqschema.TimeUnitType }); ok {
		return of.TimeUnit()
	}
	return pqschema.TimeUnitUnknown
}
