package align

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"math"

	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/file"
)

// leaf is one column chunk in memory: an entry for each level, a value for each entry that has one.
type leaf[T any] struct {
	values         []T
	defs, reps     []int16
	maxDef, maxRep int16
}

// chunk is a leaf of any physical type.
type chunk interface {
	// split shares the rows out: route gives the output of each row.
	split(route []int, outputs int) []chunk
	// write writes the chunk to a column of its own type.
	write(w file.ColumnChunkWriter) error
	// levels are the definition levels of the entries; nil for a column without any.
	levels() []int16
	// fold mixes the entries of each row into the row's hash.
	fold(hashes []uint64, seed maphash.Seed)
}

// readChunk reads a whole column chunk.
func readChunk(r file.ColumnChunkReader) (chunk, error) {
	switch c := r.(type) {
	case *file.BooleanColumnChunkReader:
		return readLeaf(r, c.ReadBatch, same)
	case *file.Int32ColumnChunkReader:
		return readLeaf(r, c.ReadBatch, same)
	case *file.Int64ColumnChunkReader:
		return readLeaf(r, c.ReadBatch, same)
	case *file.Int96ColumnChunkReader:
		return readLeaf(r, c.ReadBatch, same)
	case *file.Float32ColumnChunkReader:
		return readLeaf(r, c.ReadBatch, same)
	case *file.Float64ColumnChunkReader:
		return readLeaf(r, c.ReadBatch, same)
	case *file.ByteArrayColumnChunkReader:
		return readLeaf(r, c.ReadBatch, func(v parquet.ByteArray) parquet.ByteArray { return bytes.Clone(v) })
	case *file.FixedLenByteArrayColumnChunkReader:
		return readLeaf(r, c.ReadBatch, func(v parquet.FixedLenByteArray) parquet.FixedLenByteArray { return bytes.Clone(v) })
	}
	return nil, fmt.Errorf("column %q has physical type %s, which align does not know", r.Descriptor().Path(), r.Type())
}

func same[T any](v T) T { return v }

const batchEntries = 8192

// readLeaf gathers all batches of a chunk. Values that share a page's memory are kept as copies.
func readLeaf[T any](r file.ColumnChunkReader, read func(int64, []T, []int16, []int16) (int64, int, error), keep func(T) T) (chunk, error) {
	d := r.Descriptor()
	l := &leaf[T]{maxDef: d.MaxDefinitionLevel(), maxRep: d.MaxRepetitionLevel()}
	values, defs, reps := make([]T, batchEntries), make([]int16, batchEntries), make([]int16, batchEntries)
	for r.HasNext() {
		entries, n, err := read(batchEntries, values, defs, reps)
		if err != nil {
			return nil, fmt.Errorf("read column %q: %w", d.Path(), err)
		}
		for _, v := range values[:n] {
			l.values = append(l.values, keep(v))
		}
		if l.maxDef > 0 {
			l.defs = append(l.defs, defs[:entries]...)
		}
		if l.maxRep > 0 {
			l.reps = append(l.reps, reps[:entries]...)
		}
		if entries == 0 && n == 0 {
			break
		}
	}
	if err := r.Err(); err != nil {
		return nil, fmt.Errorf("read column %q: %w", d.Path(), err)
	}
	return l, nil
}

func (l *leaf[T]) levels() []int16 { return l.defs }

func (l *leaf[T]) entries() int {
	if l.maxDef > 0 {
		return len(l.defs)
	}
	return len(l.values)
}

// each visits the entries in order: their row, and their value's index, or -1 where they have none.
func (l *leaf[T]) each(visit func(entry, row, value int)) {
	row, value := -1, 0
	for i := range l.entries() {
		if l.maxRep == 0 || l.reps[i] == 0 {
			row++
		}
		if l.maxDef > 0 && l.defs[i] < l.maxDef {
			visit(i, row, -1)
			continue
		}
		visit(i, row, value)
		value++
	}
}

func (l *leaf[T]) split(route []int, outputs int) []chunk {
	parts := make([]*leaf[T], outputs)
	for i := range parts {
		parts[i] = &leaf[T]{maxDef: l.maxDef, maxRep: l.maxRep}
	}
	l.each(func(entry, row, value int) {
		p := parts[route[row]]
		if l.maxDef > 0 {
			p.defs = append(p.defs, l.defs[entry])
		}
		if l.maxRep > 0 {
			p.reps = append(p.reps, l.reps[entry])
		}
		if value >= 0 {
			p.values = append(p.values, l.values[value])
		}
	})
	chunks := make([]chunk, outputs)
	for i, p := range parts {
		chunks[i] = p
	}
	return chunks
}

func (l *leaf[T]) write(w file.ColumnChunkWriter) error {
	var err error
	switch w := w.(type) {
	case *file.BooleanColumnChunkWriter:
		_, err = w.WriteBatch(any(l.values).([]bool), l.defs, l.reps)
	case *file.Int32ColumnChunkWriter:
		_, err = w.WriteBatch(any(l.values).([]int32), l.defs, l.reps)
	case *file.Int64ColumnChunkWriter:
		_, err = w.WriteBatch(any(l.values).([]int64), l.defs, l.reps)
	case *file.Int96ColumnChunkWriter:
		_, err = w.WriteBatch(any(l.values).([]parquet.Int96), l.defs, l.reps)
	case *file.Float32ColumnChunkWriter:
		_, err = w.WriteBatch(any(l.values).([]float32), l.defs, l.reps)
	case *file.Float64ColumnChunkWriter:
		_, err = w.WriteBatch(any(l.values).([]float64), l.defs, l.reps)
	case *file.ByteArrayColumnChunkWriter:
		_, err = w.WriteBatch(any(l.values).([]parquet.ByteArray), l.defs, l.reps)
	case *file.FixedLenByteArrayColumnChunkWriter:
		_, err = w.WriteBatch(any(l.values).([]parquet.FixedLenByteArray), l.defs, l.reps)
	}
	return err
}

func (l *leaf[T]) fold(hashes []uint64, seed maphash.Seed) {
	var h maphash.Hash
	h.SetSeed(seed)
	l.each(func(entry, row, value int) {
		h.Reset()
		var levels [12]byte
		binary.LittleEndian.PutUint64(levels[:], hashes[row])
		if l.maxDef > 0 {
			binary.LittleEndian.PutUint16(levels[8:], uint16(l.defs[entry]))
		}
		if l.maxRep > 0 {
			binary.LittleEndian.PutUint16(levels[10:], uint16(l.reps[entry]))
		}
		h.Write(levels[:])
		if value >= 0 {
			writeValue(&h, l.values[value])
		}
		hashes[row] = h.Sum64()
	})
}

// foldTimes mixes the event time of each row into the row's hash.
func foldTimes(hashes []uint64, times []int64, seed maphash.Seed) {
	var h maphash.Hash
	h.SetSeed(seed)
	for row, t := range times {
		h.Reset()
		var words [16]byte
		binary.LittleEndian.PutUint64(words[:], hashes[row])
		binary.LittleEndian.PutUint64(words[8:], uint64(t))
		h.Write(words[:])
		hashes[row] = h.Sum64()
	}
}

func writeValue(h *maphash.Hash, value any) {
	var word [8]byte
	switch v := value.(type) {
	case bool:
		if v {
			word[0] = 1
		}
	case int32:
		binary.LittleEndian.PutUint64(word[:], uint64(v))
	case int64:
		binary.LittleEndian.PutUint64(word[:], uint64(v))
	case float32:
		binary.LittleEndian.PutUint64(word[:], uint64(math.Float32bits(v)))
	case float64:
		binary.LittleEndian.PutUint64(word[:], math.Float64bits(v))
	case parquet.Int96:
		h.Write(v[:])
		return
	case parquet.ByteArray:
		binary.LittleEndian.PutUint64(word[:], uint64(len(v)))
		h.Write(v)
	case parquet.FixedLenByteArray:
		h.Write(v)
		return
	}
	h.Write(word[:])
}
