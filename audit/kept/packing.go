package kept

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"sync"

	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/compress"
	"github.com/apache/arrow/go/v17/parquet/file"
	"github.com/apache/arrow/go/v17/parquet/metadata"
	"github.com/apache/arrow/go/v17/parquet/schema"
)

// The layout of DELTA_BINARY_PACKED: blocks of so many differences, in so many parts of a width of their own.
const (
	deltaBlock = 128
	deltaMinis = 4
	deltaEach  = deltaBlock / deltaMinis
)

// pageRows is how many values a page of a dense table has.
const pageRows = 1 << 16

// packDeltas appends values in DELTA_BINARY_PACKED to out: what arrow's encoder writes, in a fifth of its time.
func packDeltas(out []byte, values []int64) []byte {
	out = binary.AppendUvarint(out, deltaBlock)
	out = binary.AppendUvarint(out, deltaMinis)
	out = binary.AppendUvarint(out, uint64(len(values)))
	if len(values) == 0 {
		return binary.AppendVarint(out, 0)
	}
	out = binary.AppendVarint(out, values[0])
	last := values[0]
	var deltas [deltaBlock]int64
	for rest := values[1:]; len(rest) > 0; {
		n := min(len(rest), deltaBlock)
		least := rest[0] - last
		for i, value := range rest[:n] {
			delta := value - last
			deltas[i], last, least = delta, value, min(least, delta)
		}
		for i := n; i < deltaBlock; i++ {
			deltas[i] = least // padding, of no width
		}
		out = binary.AppendVarint(out, least)
		widths := len(out)
		out = append(out, 0, 0, 0, 0)
		for mini := 0; mini*deltaEach < n; mini++ {
			part := (*[deltaEach]int64)(deltas[mini*deltaEach:])
			all := uint64(0)
			for _, delta := range part {
				all |= uint64(delta - least)
			}
			width := uint(bits.Len64(all))
			out[widths+mini] = byte(width)
			out = packBits(out, part, least, width)
		}
		rest = rest[n:]
	}
	return out
}

// packBits appends differences above the least, each of so many bits.
func packBits(out []byte, deltas *[deltaEach]int64, least int64, width uint) []byte {
	word, filled := uint64(0), uint(0)
	for _, delta := range deltas {
		value := uint64(delta - least)
		word |= value << filled
		filled += width
		if filled >= 64 {
			out = binary.LittleEndian.AppendUint64(out, word)
			filled -= 64
			word = value >> (width - filled)
		}
	}
	if filled > 0 { // 32 values fill half a word or none
		out = binary.LittleEndian.AppendUint32(out, uint32(word))
	}
	return out
}

// packed is a row group of a dense table that waits for its place in the file: of each column its pages.
type packed struct {
	rows  int
	pages [][][]byte
}

// pack encodes the rows of a dense table.
func pack(rows Rows, spare *sparePages) (packed, error) {
	p := packed{rows: rows.len(), pages: make([][][]byte, len(rows))}
	for i, column := range rows {
		values, ok := column.([]int64)
		if !ok || len(values) != p.rows {
			return packed{}, fmt.Errorf("column %d of a dense table has %d integers for %d rows", i, len(values), p.rows)
		}
		for ; len(values) > 0; values = values[min(len(values), pageRows):] {
			page := values[:min(len(values), pageRows)]
			p.pages[i] = append(p.pages[i], packDeltas(spare.take(), page))
		}
	}
	return p, nil
}

// sparePages are buffers of pages that were written, to be used again.
type sparePages struct{ pool sync.Pool }

func (s *sparePages) take() []byte {
	if page, ok := s.pool.Get().(*[]byte); ok {
		return (*page)[:0]
	}
	return make([]byte, 0, 5*pageRows)
}

func (s *sparePages) give(p packed) {
	for _, pages := range p.pages {
		for i := range pages {
			s.pool.Put(&pages[i])
		}
	}
}

// denseWriter writes the Parquet file of a dense table from pages that are encoded already. What the pages lie in is arrow's.
type denseWriter struct {
	sums    *summer
	meta    *metadata.FileMetaDataBuilder
	columns int
	groups  int16
}

func newDenseWriter(t Table, sums *summer, root *schema.GroupNode) (*denseWriter, error) {
	_, err := sums.Write(magic)
	return &denseWriter{sums: sums, columns: len(t.Columns), meta: metadata.NewFileMetadataBuilder(schema.NewSchema(root), t.properties(), nil)}, err
}

var magic = []byte("PAR1")

// group writes a row group.
func (w *denseWriter) group(p packed) error {
	if len(p.pages) != w.columns {
		return fmt.Errorf("%d columns came for %d", len(p.pages), w.columns)
	}
	group := w.meta.AppendRowGroup()
	group.SetNumRows(p.rows)
	from := w.sums.bytes
	for i, pages := range p.pages {
		out, err := file.NewPageWriter(w.sums, compress.Codecs.Uncompressed, 0, group.NextColumnChunk(), w.groups, int16(i), memory.DefaultAllocator, false, nil, nil)
		if err != nil {
			return err
		}
		for at, page := range pages {
			n := min(p.rows-at*pageRows, pageRows)
			data := file.NewDataPageV1(memory.NewBufferBytes(page), int32(n), parquet.Encodings.DeltaBinaryPacked, parquet.Encodings.RLE, parquet.Encodings.RLE, int32(len(page)))
			_, err := out.WriteDataPage(data)
			data.Release()
			if err != nil {
				return err
			}
		}
		if err := out.Close(false, false); err != nil {
			return err
		}
	}
	w.groups++
	return group.Finish(w.sums.bytes-from, w.groups-1)
}

// close writes the footer.
func (w *denseWriter) close() error {
	meta, err := w.meta.Finish()
	if err != nil {
		return err
	}
	n, err := meta.WriteTo(w.sums, nil)
	_, err2 := w.sums.Write(append(binary.LittleEndian.AppendUint32(nil, uint32(n)), magic...))
	return errors.Join(err, err2)
}
