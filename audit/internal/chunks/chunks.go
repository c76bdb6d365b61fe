// Package chunks reads column chunks of Parquet with arrow's decoders, from pages that were checked before: of a damaged page those look for
// values for ever, or for as much memory as it says.
package chunks

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/compress"
	"github.com/apache/arrow/go/v17/parquet/file"
	"github.com/apache/arrow/go/v17/parquet/metadata"
	"github.com/apache/arrow/go/v17/parquet/schema"
	"github.com/klauspost/compress/zstd"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/internal/pages"
)

// mostPage is the largest page that is held, uncompressed, in bytes.
const mostPage = 512 << 20

// Reader is a column of a row group.
type Reader struct {
	file.ColumnChunkReader
	pages *checked
}

// Err is what ended the column too soon; nil where nothing did.
func (r Reader) Err() error {
	if r.pages.err != nil {
		return r.pages.err
	}
	return r.ColumnChunkReader.Err()
}

// Open opens a leaf of a row group of a file of that size.
func Open(from io.ReaderAt, size int64, group *metadata.RowGroupMetaData, leaf int) (Reader, error) {
	meta, err := group.ColumnChunk(leaf)
	if err != nil {
		return Reader{}, err
	}
	at := pages.Chunk{Offset: meta.DataPageOffset(), Size: meta.TotalCompressedSize(), Values: meta.NumValues(), Codec: int32(meta.Compression())}
	if first := meta.DictionaryPageOffset(); meta.HasDictionaryPage() && first > 0 {
		at.Offset = min(at.Offset, first)
	}
	if at.Offset < 0 || at.Size < 0 || at.Size > size || at.Offset > size-at.Size || at.Values < 0 {
		return Reader{}, fmt.Errorf("its footer places a column at %d with %d bytes, and the file has %d", at.Offset, at.Size, size)
	}
	descriptor := group.Schema.Column(leaf)
	shape, err := ShapeOf(descriptor)
	if err != nil {
		return Reader{}, err
	}
	p := &checked{from: from, codec: meta.Compression(), shape: shape, walk: pages.NewReader().Walk(from, at), dictionary: pages.NoDictionary, left: at.Values}
	buffers := &sync.Pool{New: func() any { return memory.NewResizableBuffer(memory.DefaultAllocator) }}
	return Reader{ColumnChunkReader: file.NewColumnReader(descriptor, p, memory.DefaultAllocator, buffers), pages: p}, nil
}

// ShapeOf is what a leaf makes of its pages.
func ShapeOf(leaf *schema.Column) (pages.Shape, error) {
	s := pages.Shape{Definitions: leaf.MaxDefinitionLevel(), Repetitions: leaf.MaxRepetitionLevel()}
	switch kind := leaf.PhysicalType(); kind {
	case parquet.Types.Boolean:
		s.Kind = pages.Bits
	case parquet.Types.ByteArray:
		s.Kind = pages.Bytes
	case parquet.Types.Int32, parquet.Types.Float:
		s.Width = 4
	case parquet.Types.Int64, parquet.Types.Double:
		s.Width = 8
	case parquet.Types.Int96:
		s.Width = 12
	case parquet.Types.FixedLenByteArray:
		if s.Width = leaf.TypeLength(); s.Width <= 0 {
			return s, fmt.Errorf("its column %s has values of %d bytes", leaf.Path(), s.Width)
		}
	default:
		return s, fmt.Errorf("its column %s is of the type %s", leaf.Path(), kind)
	}
	return s, nil
}

// checked implements file.PageReader. Each page has memory of its own, so that values stay what they are.
type checked struct {
	from       io.ReaderAt
	codec      compress.Compression
	shape      pages.Shape
	walk       *pages.Walk
	dictionary int64
	// left is how many values of the chunk are to come.
	left    int64
	current file.Page
	err     error
	// zstd decodes pages of that compression; nil before the first.
	zstd *zstd.Decoder
}

// SetMaxPageHeaderSize implements file.PageReader.
func (c *checked) SetMaxPageHeaderSize(int) {}

// Page implements file.PageReader.
func (c *checked) Page() file.Page { return c.current }

// Err implements file.PageReader.
func (c *checked) Err() error { return c.err }

// Reset implements file.PageReader, and is not called.
func (c *checked) Reset(parquet.BufferedReader, int64, compress.Compression, *file.CryptoContext) {}

// Next implements file.PageReader.
func (c *checked) Next() bool {
	c.current = nil
	if c.err != nil {
		return false
	}
	p, more, err := c.walk.Next()
	for more && err == nil && !p.Dictionary && p.Values == 0 {
		p, more, err = c.walk.Next() // a page without values would end the column
	}
	if err == nil && !more && c.left != 0 {
		err = fmt.Errorf("its pages hold %d values less than its footer says", c.left)
	}
	if err != nil || !more {
		c.err = err
		return false
	}
	body, err := c.load(p)
	if err == nil {
		err = c.shape.Check(p, body, p.Encoding, c.dictionary)
	}
	if err == nil && p.Dictionary && c.dictionary != pages.NoDictionary {
		err = errors.New("it has a second dictionary")
	}
	if err != nil {
		c.err = err
		return false
	}
	if !p.Dictionary {
		c.left -= int64(p.Values)
	}
	buffer, encoding := memory.NewBufferBytes(body), parquet.Encoding(p.Encoding)
	switch {
	case p.Dictionary:
		c.dictionary = int64(p.Values)
		c.current = file.NewDictionaryPage(buffer, p.Values, encoding)
	case p.V2:
		c.current = file.NewDataPageV2(buffer, p.Values, p.Nulls, p.Rows, encoding, p.DefinitionBytes, p.RepetitionBytes, int32(p.Uncompressed), false)
	default:
		c.current = file.NewDataPageV1(buffer, p.Values, encoding, parquet.Encoding(p.Definitions), parquet.Encoding(p.Repetitions), int32(p.Uncompressed))
	}
	return true
}

// load reads the bytes of a page, uncompressed, and compares them with its checksum where it has one.
func (c *checked) load(p pages.Page) ([]byte, error) {
	if p.Uncompressed > mostPage || p.Compressed > mostPage {
		return nil, facts.UnsupportedError{Feature: fmt.Sprintf("a page of %d bytes, %d uncompressed,", p.Compressed, p.Uncompressed), Instead: fmt.Sprintf("pages of up to %d bytes", mostPage)}
	}
	raw := make([]byte, p.Compressed)
	if _, err := c.from.ReadAt(raw, p.Offset); err != nil {
		return nil, err
	}
	if err := p.Compare(raw); err != nil {
		return nil, err
	}
	if c.codec == compress.Codecs.Uncompressed || p.V2 && p.Plain {
		if p.Compressed != p.Uncompressed {
			return nil, &pages.Fault{Offset: p.Offset, What: fmt.Sprintf("has %d bytes, and says %d", p.Compressed, p.Uncompressed)}
		}
		return raw, nil
	}
	body := make([]byte, p.Uncompressed)
	at := p.Offset
	p.Offset = 0
	switch c.codec {
	case compress.Codecs.Snappy, compress.Codecs.Gzip:
		if err := pages.Body(bytes.NewReader(raw), p, int32(c.codec), body); err != nil {
			return nil, &pages.Fault{Offset: at, What: fmt.Sprintf("does not decode (%v)", err)}
		}
		return body, nil
	}
	return body, c.other(p, at, raw, body)
}

// other reads a page of a compression that has no reader of its own in pages; at is where the page's bytes stand.
func (c *checked) other(p pages.Page, at int64, raw, into []byte) error {
	if p.V2 {
		levels := int64(p.DefinitionBytes) + int64(p.RepetitionBytes)
		if levels < 0 || levels > int64(len(into)) || levels > int64(len(raw)) {
			return &pages.Fault{Offset: at, What: fmt.Sprintf("claims levels of %d bytes, and has %d", levels, len(into))}
		}
		copy(into, raw[:levels])
		raw, into = raw[levels:], into[levels:]
	}
	if len(into) == 0 {
		return nil
	}
	switch c.codec {
	case compress.Codecs.Zstd:
		return c.zstandard(at, raw, into)
	case pages.CodecLZ4Raw:
		if err := pages.LZ4Block(raw, into); err != nil {
			return &pages.Fault{Offset: at, What: err.Error()}
		}
		return nil
	}
	decoder, err := compress.GetCodec(c.codec)
	if err != nil {
		return err
	}
	stream := decoder.NewReader(bytes.NewReader(raw))
	defer stream.Close()
	if _, err := io.ReadFull(stream, into); err != nil {
		return &pages.Fault{Offset: at, What: fmt.Sprintf("does not decode (%v)", err)}
	}
	if n, err := io.ReadFull(stream, make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
		return &pages.Fault{Offset: at, What: "holds more bytes than its header says"}
	}
	return nil
}

// zstandard decodes a page in the memory that it is to fill, however long the history is that its writer had.
func (c *checked) zstandard(at int64, raw, into []byte) error {
	if c.zstd == nil {
		decoder, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecodeAllCapLimit(true))
		if err != nil {
			return err
		}
		c.zstd = decoder
	}
	whole, err := c.zstd.DecodeAll(raw, into[:0:len(into)])
	if err == nil && len(whole) != len(into) {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return &pages.Fault{Offset: at, What: fmt.Sprintf("does not decode (%v)", err)}
	}
	return nil
}
