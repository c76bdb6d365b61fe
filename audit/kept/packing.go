package kept

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"sync"

	"github.com/apache/arrow/go/v17/parquet"
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
	return appendBlocks(binary.AppendVarint(out, values[0]), values[0], values[1:])
}

// appendBlocks appends the blocks of values that follow another.
func appendBlocks(out []byte, last int64, rest []int64) []byte {
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

// HashBits is how many bits the numbers of a column of hashes have, which are in no order.
const HashBits = 46

// packHashes is packDeltas for numbers from 0 on of HashBits: any difference has a bit more, and hardly one has fewer, so that none is looked for. It
// takes less than half of the time.
func packHashes(out []byte, values []int64) []byte {
	if len(values) <= deltaBlock {
		return packDeltas(out, values)
	}
	out = binary.AppendVarint(beginDeltas(out, len(values)), values[0])
	last, rest := values[0], values[1:]
	for ; len(rest) >= deltaBlock; rest = rest[deltaBlock:] {
		out = binary.AppendVarint(out, leastOfHashes)
		out = append(out, hashWidth, hashWidth, hashWidth, hashWidth)
		from, length := len(out), deltaBlock/8*hashWidth
		out = slices.Grow(out, length+8)[:from+length+8]
		for i := range deltaBlock / 8 {
			packEightHashes((*[hashWidth + 8]byte)(out[from+i*hashWidth:]), last, (*[8]int64)(rest[8*i:]))
			last = rest[8*i+7]
		}
		out = out[:from+length]
	}
	return appendBlocks(out, last, rest)
}

// Differences of hashes, and the least that there can be.
const (
	hashWidth     = HashBits + 1
	leastOfHashes = -1 << HashBits
)

// packEightHashes writes the differences of eight hashes that follow another, in as many bytes as one takes bits. As in packBits, eight bytes are stored at
// once, and the first of them begins with the upper bits of the one before.
func packEightHashes(into *[hashWidth + 8]byte, last int64, values *[8]int64) {
	a := uint64(values[0] - last - leastOfHashes)
	b := uint64(values[1] - values[0] - leastOfHashes)
	c := uint64(values[2] - values[1] - leastOfHashes)
	d := uint64(values[3] - values[2] - leastOfHashes)
	binary.LittleEndian.PutUint64(into[0:], a)
	binary.LittleEndian.PutUint64(into[1*hashWidth/8:], b<<(1*hashWidth%8)|a>>(hashWidth-1*hashWidth%8))
	binary.LittleEndian.PutUint64(into[2*hashWidth/8:], c<<(2*hashWidth%8)|b>>(hashWidth-2*hashWidth%8))
	binary.LittleEndian.PutUint64(into[3*hashWidth/8:], d<<(3*hashWidth%8)|c>>(hashWidth-3*hashWidth%8))
	a = uint64(values[4] - values[3] - leastOfHashes)
	binary.LittleEndian.PutUint64(into[4*hashWidth/8:], a<<(4*hashWidth%8)|d>>(hashWidth-4*hashWidth%8))
	b = uint64(values[5] - values[4] - leastOfHashes)
	binary.LittleEndian.PutUint64(into[5*hashWidth/8:], b<<(5*hashWidth%8)|a>>(hashWidth-5*hashWidth%8))
	c = uint64(values[6] - values[5] - leastOfHashes)
	binary.LittleEndian.PutUint64(into[6*hashWidth/8:], c<<(6*hashWidth%8)|b>>(hashWidth-6*hashWidth%8))
	d = uint64(values[7] - values[6] - leastOfHashes)
	binary.LittleEndian.PutUint64(into[7*hashWidth/8:], d<<(7*hashWidth%8)|c>>(hashWidth-7*hashWidth%8))
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
	if 2*width <= mostShifted { // two are one
		bit, before := uint(0), uint64(0)
		for i := 0; i < deltaEach; i += 2 {
			value, shift := uint64(deltas[i]-least)|uint64(deltas[i+1]-least)<<(width&63), bit&7
			binary.LittleEndian.PutUint64(into[bit>>3:], value<<shift|before>>((2*width-shift)&63))
			bit, before = bit+2*width, value
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

// packed is a row group of a dense table that waits for its place in the file: the pages of each column, as they lie there.
type packed struct {
	rows, pages int
	chunks      [][]byte
}

// pack encodes the rows of a dense table.
func pack(rows Rows, spare *sparePages) (packed, error) {
	p := packed{rows: rows.len(), pages: (rows.len() + pageRows - 1) / pageRows, chunks: make([][]byte, len(rows))}
	for i, column := range rows {
		values, ok := column.([]int64)
		if !ok || len(values) != p.rows {
			return packed{}, fmt.Errorf("column %d of a dense table has %d integers for %d rows", i, len(values), p.rows)
		}
		p.chunks[i] = spare.take(5 * pageRows)
		for ; len(values) > 0; values = values[min(len(values), pageRows):] {
			page := values[:min(len(values), pageRows)]
			from := len(p.chunks[i])
			p.chunks[i] = endPage(packDeltas(beginPage(p.chunks[i]), page), from, len(page))
		}
	}
	return p, nil
}

// pageHeaderRoom is what the header of a page takes at most.
const pageHeaderRoom = 32

// beginPage leaves room for the header of a page, whose values are to be appended then.
func beginPage(out []byte) []byte {
	var room [pageHeaderRoom]byte
	return append(out, room[:]...)
}

// endPage writes the header of a page that begins at a byte and holds so many values, and moves these to its end. The header is a struct of Thrift's
// compact protocol: a byte for each field says how far its number is from the last one's, and its type.
func endPage(out []byte, from, values int) []byte {
	const integer, inside, dataPage = 1<<4 | 5, 2<<4 | 12, 0
	var room [pageHeaderRoom]byte
	size := int64(len(out) - from - pageHeaderRoom)
	header := append(room[:0], integer)
	header = binary.AppendVarint(header, dataPage)
	for range 2 { // without compression, and with it
		header = binary.AppendVarint(append(header, integer), size)
	}
	header = binary.AppendVarint(append(header, inside, integer), int64(values))
	for _, encoding := range []parquet.Encoding{parquet.Encodings.DeltaBinaryPacked, parquet.Encodings.RLE, parquet.Encodings.RLE} {
		header = binary.AppendVarint(append(header, integer), int64(encoding))
	}
	header = append(header, 0, 0)
	n := copy(out[from:], header)
	return out[:from+n+copy(out[from+n:], out[from+pageHeaderRoom:])]
}

// sparePages are buffers of chunks that were written, to be used again.
type sparePages struct{ pool sync.Pool }

func (s *sparePages) take(room int) []byte {
	if page, ok := s.pool.Get().(*[]byte); ok {
		return (*page)[:0]
	}
	return make([]byte, 0, room)
}

func (s *sparePages) give(p packed) {
	for i := range p.chunks {
		s.pool.Put(&p.chunks[i])
	}
}

// denseWriter writes the Parquet file of a dense table from pages that are encoded already. What it says of them is arrow's.
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
	if len(p.chunks) != w.columns {
		return fmt.Errorf("%d columns came for %d", len(p.chunks), w.columns)
	}
	group := w.meta.AppendRowGroup()
	group.SetNumRows(p.rows)
	from := w.sums.bytes
	stats := metadata.EncodingStats{DataEncodingStats: map[parquet.Encoding]int32{parquet.Encodings.DeltaBinaryPacked: int32(p.pages)}}
	for _, chunk := range p.chunks {
		at, size := w.sums.bytes, int64(len(chunk))
		if _, err := w.sums.Write(chunk); err != nil {
			return err
		}
		info := metadata.ChunkMetaInfo{NumValues: int64(p.rows), IndexPageOffset: -1, DataPageOffset: at, CompressedSize: size, UncompressedSize: size}
		if err := group.NextColumnChunk().Finish(info, false, false, stats, nil); err != nil {
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
