package kept

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"slices"
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
	out = beginDeltas(out, len(values))
	if len(values) == 0 {
		return binary.AppendVarint(out, 0)
	}
	out = binary.AppendVarint(out, values[0])
	last, rest := values[0], values[1:]
	for ; len(rest) >= deltaBlock; rest = rest[deltaBlock:] {
		out = packBlock(out, last, (*[deltaBlock]int64)(rest), deltaMinis)
		last = rest[deltaBlock-1]
	}
	if n := len(rest); n > 0 {
		var block [deltaBlock]int64
		copy(block[:], rest)
		// a last block is filled up with what has the least difference, which takes no bits
		least := rest[0] - last
		for i := range n - 1 {
			least = min(least, rest[i+1]-rest[i])
		}
		for i := n; i < deltaBlock; i++ {
			block[i] = block[i-1] + least
		}
		out = packBlock(out, last, &block, (n+deltaEach-1)/deltaEach)
	}
	return out
}

// beginDeltas appends what precedes so many values.
func beginDeltas(out []byte, values int) []byte {
	out = binary.AppendUvarint(out, deltaBlock)
	out = binary.AppendUvarint(out, deltaMinis)
	return binary.AppendUvarint(out, uint64(values))
}

// packBlock appends a block of values that follow another, of which so many parts have any.
func packBlock(out []byte, last int64, values *[deltaBlock]int64, parts int) []byte {
	var deltas [deltaMinis][deltaEach]int64
	var widest [deltaMinis]int64
	least := values[0] - last
	for part := range deltas {
		from, to := (*[deltaEach]int64)(values[part*deltaEach:]), &deltas[part]
		most := from[0] - last
		for i, value := range from {
			delta := value - last
			last, to[i] = value, delta
			least, most = min(least, delta), max(most, delta)
		}
		widest[part] = most
	}
	out = binary.AppendVarint(out, least)
	widths := len(out)
	out = append(out, 0, 0, 0, 0)
	for part := range parts {
		width := uint(bits.Len64(uint64(widest[part] - least)))
		out[widths+part] = byte(width)
		if width > 0 {
			out = packBits(out, &deltas[part], least, width)
		}
	}
	return out
}

// packBits appends differences above the least, each of so many bits.
func packBits(out []byte, deltas *[deltaEach]int64, least int64, width uint) []byte {
	if width > mostShifted {
		return packWide(out, deltas, least, width)
	}
	// eight bytes are stored at once: what lies beyond the values in them is stored over by the next, or cut off
	from, length := len(out), deltaEach/8*int(width)
	out = slices.Grow(out, length+8)[:from+length+8]
	into := out[from:]
	if width <= 8 { // eight values fit
		for group := 0; group < deltaEach; group += 8 {
			word, shift := uint64(0), uint(0)
			for _, delta := range deltas[group : group+8] {
				word |= uint64(delta-least) << (shift & 63)
				shift += width
			}
			binary.LittleEndian.PutUint64(into[group/8*int(width):], word)
		}
		return out[:from+length]
	}
	bit, before := uint(0), uint64(0)
	for _, delta := range deltas {
		value, shift := uint64(delta-least), bit&7
		// the first byte begins with the upper bits of the value before
		binary.LittleEndian.PutUint64(into[bit>>3:], value<<shift|before>>((width-shift)&63))
		bit, before = bit+width, value
	}
	return out[:from+length]
}

// mostShifted is how many bits a value has at most that lies in eight bytes wherever it begins in the first.
const mostShifted = 64 - 8

func packWide(out []byte, deltas *[deltaEach]int64, least int64, width uint) []byte {
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

// packed is a row group of a dense table that waits for its place in the file: of each column its pages, of which each but the last has as
// many rows. Pages beyond its rows are none.
type packed struct {
	rows, each int
	pages      [][][]byte
}

// pack encodes the rows of a dense table.
func pack(rows Rows, spare *sparePages) (packed, error) {
	p := packed{rows: rows.len(), each: pageRows, pages: make([][][]byte, len(rows))}
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
		for at, page := range pages[:(p.rows+p.each-1)/p.each] {
			n := min(p.rows-at*p.each, p.each)
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
