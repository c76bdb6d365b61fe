package content

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"slices"

	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/compress"
	"github.com/apache/arrow/go/v17/parquet/metadata"
	"github.com/apache/arrow/go/v17/parquet/schema"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/internal/pages"
	"github.com/featureaudit/featureaudit/audit/survey"
)

// maxPage is the largest page that is held, uncompressed.
const maxPage = 256 << 20

// streamedPage is the size from which on a page is decompressed as a stream, without its compressed bytes in memory, uncompressed.
const streamedPage = 4 << 20

// What the format has numbers for and arrow has no names: LZ4 blocks without a frame, and the bytes of values apart.
const (
	lz4Raw          compress.Compression = pages.CodecLZ4Raw
	byteStreamSplit parquet.Encoding     = 9
)

// chunkPages gives the pages of a column chunk to arrow's decoders, one at a time.
type chunkPages struct {
	survey.PageReader
	from  io.ReaderAt
	codec compress.Compression
	// defined and repeated say that the levels of version 1 are there; width is that of a value, in bytes.
	defined, repeated bool
	width             int
	// fixed says that values are bytes of that width.
	fixed bool
	// levels are those of the chunk.
	levels int64
	// raw, page and dictionary are the memory that pages are read into.
	raw, page, dictionary, split []byte
	// ahead is what the chunk is read through where it lies behind a network.
	ahead ahead
}

// load reads a page into the memory that is there for its kind.
func (c *chunkPages) load(p pages.Page) ([]byte, parquet.Encoding, error) {
	if p.Uncompressed > maxPage || p.Compressed > maxPage {
		return nil, 0, facts.UnsupportedError{Feature: fmt.Sprintf("a page of %d bytes, %d uncompressed,", p.Compressed, p.Uncompressed), Instead: fmt.Sprintf("pages of up to %d bytes", maxPage)}
	}
	into := &c.page
	if p.Dictionary {
		into = &c.dictionary
	}
	*into = sized(*into, int(p.Uncompressed))
	encoding := parquet.Encoding(p.Encoding)
	if err := c.read(p, *into); err != nil {
		return nil, 0, err
	}
	if !p.Dictionary && encoding == byteStreamSplit {
		return *into, parquet.Encodings.Plain, c.join(p, *into)
	}
	if !p.Dictionary && encoding == parquet.Encodings.DeltaByteArray && c.fixed {
		err := c.unfold(p)
		return c.page, parquet.Encodings.Plain, err
	}
	return *into, encoding, nil
}

// sized is memory of a length, of the same place where that is large enough.
func sized(b []byte, length int) []byte { return slices.Grow(b[:0], length)[:length] }

// read reads the bytes of a page, uncompressed.
func (c *chunkPages) read(p pages.Page, into []byte) error {
	codec := c.codec
	if p.Uncompressed >= streamedPage && pages.Body(c.from, p, int32(codec), into) == nil {
		return nil
	} // what is not read as a stream, or is damaged, is said by the decoder of whole pages
	c.raw = sized(c.raw, int(p.Compressed))
	if _, err := c.from.ReadAt(c.raw, p.Offset); err != nil {
		return err
	}
	raw := c.raw
	if err := p.Compare(raw); err != nil {
		return err // a bit that fell over is damage, and no other value
	}
	if codec == compress.Codecs.Gzip {
		return c.gzip(p, into)
	}
	if p.V2 {
		levels := int(p.DefinitionBytes) + int(p.RepetitionBytes)
		if levels < 0 || levels > len(into) || levels > len(raw) {
			return &pages.Fault{Offset: p.Offset, What: fmt.Sprintf("claims levels of %d bytes, and has %d", levels, len(into))}
		}
		copy(into, raw[:levels])
		if raw, into = raw[levels:], into[levels:]; len(into) == 0 {
			return nil
		}
		if p.Plain {
			codec = compress.Codecs.Uncompressed
		}
	}
	out := raw
	switch codec {
	case compress.Codecs.Uncompressed:
	case lz4Raw:
		if err := pages.LZ4Block(raw, into); err != nil {
			return &pages.Fault{Offset: p.Offset, What: err.Error()}
		}
		return nil
	default:
		decoder, err := compress.GetCodec(codec)
		if err != nil {
			return err
		}
		out = decoder.Decode(into, raw)
	}
	if len(out) != len(into) {
		return &pages.Fault{Offset: p.Offset, What: fmt.Sprintf("holds %d bytes where its header says %d", len(out), len(into))}
	}
	copy(into, out) // the same memory, but where a codec took its own
	return nil
}

// gzip reads a page of a codec whose streams end with a checksum, and compares it.
func (c *chunkPages) gzip(p pages.Page, into []byte) error {
	at := p.Offset
	p.Offset = 0
	if err := pages.Body(bytes.NewReader(c.raw), p, pages.CodecGzip, into); err != nil {
		return &pages.Fault{Offset: at, What: fmt.Sprintf("does not decode (%v)", err)}
	}
	return nil
}

// join puts the bytes of each value together that the encoding BYTE_STREAM_SPLIT keeps apart: what is left is plain.
func (c *chunkPages) join(p pages.Page, page []byte) error {
	values, err := c.values(p, page)
	if err != nil {
		return err
	}
	if c.width <= 0 || len(values)%c.width != 0 {
		return &pages.Fault{Offset: p.Offset, What: fmt.Sprintf("holds %d bytes of values of %d bytes each", len(values), c.width)}
	}
	n := len(values) / c.width
	c.split = append(c.split[:0], values...)
	for at := range c.width {
		stream := c.split[at*n : (at+1)*n]
		for i, b := range stream {
			values[i*c.width+at] = b
		}
	}
	return nil
}

// values is what follows the levels of a page.
func (c *chunkPages) values(p pages.Page, page []byte) ([]byte, error) {
	if p.V2 {
		return page[p.DefinitionBytes+p.RepetitionBytes:], nil
	}
	for _, there := range []bool{c.repeated, c.defined} {
		if !there {
			continue
		}
		if len(page) < 4 || uint64(binary.LittleEndian.Uint32(page)) > uint64(len(page)-4) {
			return nil, &pages.Fault{Offset: p.Offset, What: "holds levels that reach beyond it"}
		}
		page = page[4+binary.LittleEndian.Uint32(page):]
	}
	return page, nil
}

// unfold writes the values of the page at hand as they are without the encoding DELTA_BYTE_ARRAY.
func (c *chunkPages) unfold(p pages.Page) error {
	values, err := c.values(p, c.page)
	if err != nil {
		return err
	}
	plain, err := pages.FixedDeltaBytes(values, c.width, maxPage)
	if err != nil {
		return &pages.Fault{Offset: p.Offset, What: err.Error()}
	}
	c.page = append(c.page[:len(c.page)-len(values)], plain...)
	return nil
}

// readable fails on compressions and encodings that are not decoded here.
func readable(chunk *metadata.ColumnChunkMetaData) error {
	switch codec := chunk.Compression(); codec {
	case compress.Codecs.Uncompressed, compress.Codecs.Snappy, compress.Codecs.Gzip, compress.Codecs.Zstd, compress.Codecs.Brotli, lz4Raw:
	default:
		return facts.UnsupportedError{Feature: fmt.Sprintf("the compression %s", codec), Instead: "another compression (snappy, zstd, gzip, brotli, lz4_raw or none)"}
	}
	for _, encoding := range chunk.Encodings() {
		ok := false
		switch encoding {
		case parquet.Encodings.Plain, parquet.Encodings.PlainDict, parquet.Encodings.RLE, parquet.Encodings.RLEDict, parquet.Encodings.BitPacked:
			ok = true
		case parquet.Encodings.DeltaBinaryPacked:
			ok = chunk.Type() == parquet.Types.Int32 || chunk.Type() == parquet.Types.Int64
		case parquet.Encodings.DeltaLengthByteArray:
			ok = chunk.Type() == parquet.Types.ByteArray
		case parquet.Encodings.DeltaByteArray:
			ok = chunk.Type() == parquet.Types.ByteArray || chunk.Type() == parquet.Types.FixedLenByteArray
		case byteStreamSplit:
			ok = chunk.Type() != parquet.Types.ByteArray && chunk.Type() != parquet.Types.Boolean
		}
		if !ok {
			return facts.UnsupportedError{Feature: fmt.Sprintf("the encoding %s of %s", encoding, chunk.Type()), Instead: "the encoding PLAIN or a dictionary for this column"}
		}
	}
	return nil
}

// isFixed says that the values of a leaf are bytes of one width.
func isFixed(leaf *schema.Column) bool { return leaf.PhysicalType() == parquet.Types.FixedLenByteArray }

// widthOf is the width of a value of a leaf in bytes, 0 where it has none.
func widthOf(leaf *schema.Column) int {
	switch leaf.PhysicalType() {
	case parquet.Types.Int32, parquet.Types.Float:
		return 4
	case parquet.Types.Int64, parquet.Types.Double:
		return 8
	case parquet.Types.Int96:
		return 12
	case parquet.Types.FixedLenByteArray:
		return max(leaf.TypeLength(), 0)
	}
	return 0
}
