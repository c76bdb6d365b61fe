package content

import (
	"bytes"
	"encoding/binary"
	"errors"
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
	lz4Raw          compress.Compression = 7
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
	// levels are those of the chunk.
	levels int64
	// raw, page and dictionary are the memory that pages are read into.
	raw, page, dictionary, split []byte
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
		if err := lz4(raw, into); err != nil {
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
	values := page
	if p.V2 {
		values = page[p.DefinitionBytes+p.RepetitionBytes:]
	} else {
		for _, there := range []bool{c.repeated, c.defined} {
			if !there {
				continue
			}
			if len(values) < 4 || uint64(binary.LittleEndian.Uint32(values)) > uint64(len(values)-4) {
				return &pages.Fault{Offset: p.Offset, What: "holds levels that reach beyond it"}
			}
			values = values[4+binary.LittleEndian.Uint32(values):]
		}
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
		case parquet.Encodings.DeltaLengthByteArray, parquet.Encodings.DeltaByteArray:
			ok = chunk.Type() == parquet.Types.ByteArray
		case byteStreamSplit:
			ok = chunk.Type() != parquet.Types.ByteArray && chunk.Type() != parquet.Types.Boolean
		}
		if !ok {
			return facts.UnsupportedError{Feature: fmt.Sprintf("the encoding %s of %s", encoding, chunk.Type()), Instead: "the encoding PLAIN or a dictionary for this column"}
		}
	}
	return nil
}

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

var errLZ4 = errors.New("is no LZ4 block of the length that its header says")

// lz4 reads one block of LZ4 (lz4_Block_format.md).
func lz4(raw, into []byte) error {
	at := 0
	for len(raw) > 0 {
		token := raw[0]
		literals, rest, ok := lz4Length(raw[1:], int(token>>4))
		if !ok || literals > len(rest) || literals > len(into)-at {
			return errLZ4
		}
		at += copy(into[at:], rest[:literals])
		if raw = rest[literals:]; len(raw) == 0 {
			break // the last sequence has literals alone
		}
		if len(raw) < 2 {
			return errLZ4
		}
		offset := int(binary.LittleEndian.Uint16(raw))
		length, rest, ok := lz4Length(raw[2:], int(token&15))
		if length += 4; !ok || offset == 0 || offset > at || length > len(into)-at {
			return errLZ4
		}
		for i := range length { // what is copied may be what it copies
			into[at+i] = into[at+i-offset]
		}
		at, raw = at+length, rest
	}
	if at != len(into) {
		return errLZ4
	}
	return nil
}

// lz4Length reads what follows the four bits of a length.
func lz4Length(raw []byte, length int) (int, []byte, bool) {
	if length < 15 {
		return length, raw, true
	}
	for i, b := range raw {
		if length += int(b); b != 255 {
			return length, raw[i+1:], true
		}
	}
	return 0, nil, false
}
