package pages

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
)

// CodecGzip is the number of the format for gzip, the only codec whose streams end with a checksum of their own that
// nobody else looks at.
const CodecGzip = 2

// CodecLZ4Raw is the number of the format for LZ4 blocks without a frame.
const CodecLZ4Raw = 7

// Chunk is one column of one row group, as the footer places it.
type Chunk struct {
	// Offset and Size are in bytes of the file; Size includes the headers of the pages.
	Offset, Size int64
	// Values are those that the footer counts, NULLs included.
	Values int64
	Codec  int32
}

// Fault is a page that is not what its writer wrote.
type Fault struct {
	// Offset is where the page's header begins in the file.
	Offset int64
	// What says what was found, in words that follow "its page at byte N".
	What string
}

func (f *Fault) Error() string { return fmt.Sprintf("its page at byte %d %s", f.Offset, f.What) }

// Reader checks chunks one after the other. It belongs to one goroutine.
type Reader struct {
	buffered *bufio.Reader
	gzip     *gzip.Reader
	first    [firstBytes]byte
}

const (
	// firstBytes are enough for the headers that tell whether a chunk has checksums.
	firstBytes  = 1 << 10
	bufferBytes = 256 << 10
)

// Slack is how far the last page may reach beyond its chunk: the oldest writers left a dictionary's header out of the size.
const Slack = 100

// NewReader returns a reader without memory of its own yet.
func NewReader() *Reader { return &Reader{} }

// Summed says whether a chunk has something to check, by its first pages: a CRC, or gzip. A dictionary may come without
// one before data with one. It is true too where the headers do not decode: to check the chunk then says why. Its error
// is what the system said.
func (r *Reader) Summed(from io.ReaderAt, c Chunk) (bool, error) {
	if c.Codec == CodecGzip {
		return true, nil
	}
	at, end := c.Offset, c.Offset+c.Size
	for range 2 {
		if at >= end {
			return false, nil
		}
		h, err := r.peek(from, at, end)
		switch {
		case broken(err):
			return true, nil
		case err != nil:
			return false, err
		case h.hasCRC:
			return true, nil
		case h.kind != dictionaryPage:
			return false, nil
		}
		at += h.length + h.compressed
	}
	return false, nil
}

// peek reads one header.
func (r *Reader) peek(from io.ReaderAt, at, end int64) (header, error) {
	buffer := r.first[:min(int64(firstBytes), end-at)]
	n, err := from.ReadAt(buffer, at)
	if err != nil && !errors.Is(err, io.EOF) {
		return header{}, err
	}
	h, err := readHeader(&bytesSource{rest: buffer[:n]})
	if err == nil || int64(n) < int64(len(buffer)) || int64(len(buffer)) == end-at {
		return h, err
	}
	return readHeader(r.from(io.NewSectionReader(from, at, end-at)))
}

func (r *Reader) from(section io.Reader) *bufio.Reader {
	if r.buffered == nil {
		r.buffered = bufio.NewReaderSize(section, bufferBytes)
		return r.buffered
	}
	r.buffered.Reset(section)
	return r.buffered
}

// Check reads a chunk from its first page to its last and compares each with its checksum; checked counts the pages that
// have one. The error is a *Fault, the context's, or what the system said.
func (r *Reader) Check(ctx context.Context, from io.ReaderAt, c Chunk) (checked int64, err error) {
	if c.Offset < 0 || c.Size < 0 || c.Size > 1<<62 {
		return 0, &Fault{Offset: c.Offset, What: "cannot be: the footer places it before the file"}
	}
	buffered := r.from(io.NewSectionReader(from, c.Offset, c.Size+Slack))
	values := int64(0)
	for at := c.Offset; at < c.Offset+c.Size && values < max(c.Values, 1); {
		if err := ctx.Err(); err != nil {
			return checked, context.Cause(ctx)
		}
		h, err := readHeader(buffered)
		if err != nil {
			return checked, fault(at, err, "has no header that decodes")
		}
		if at+h.length+h.compressed > c.Offset+c.Size+Slack {
			return checked, &Fault{Offset: at, What: fmt.Sprintf("claims %d bytes, more than its column chunk has left", h.compressed)}
		}
		summed, err := r.page(buffered, h, c.Codec)
		if err != nil {
			return checked, fault(at, err, "ends early")
		}
		if summed {
			checked++
		}
		if h.kind == dataPage || h.kind == dataPageV2 {
			values += h.values
		}
		at += h.length + h.compressed
	}
	return checked, nil
}

// broken says that an error is the bytes' and not the system's.
func broken(err error) bool {
	return errors.Is(err, errShape) || errors.Is(err, io.ErrUnexpectedEOF)
}

// fault makes what the bytes say a fault, and leaves what the system says.
func fault(at int64, err error, otherwise string) error {
	var f *Fault
	switch {
	case errors.As(err, &f):
		f.Offset = at
		return f
	case broken(err):
		return &Fault{Offset: at, What: otherwise}
	}
	return err
}

// page reads one page and compares it with its checksum, if it has one.
func (r *Reader) page(from *bufio.Reader, h header, codec int32) (summed bool, err error) {
	switch {
	case h.hasCRC:
		return true, compareCRC(from, h)
	case codec == CodecGzip && h.kind != indexPage && !h.plain && h.compressed > h.levels:
		return r.inflate(from, h)
	}
	_, err = from.Discard(int(h.compressed))
	return false, ended(err)
}

// compareCRC sums the bytes of a page as they lie in the file: for version 2 levels and values, else the compressed data.
func compareCRC(from *bufio.Reader, h header) error {
	sum := uint32(0)
	for left := h.compressed; left > 0; {
		piece, err := from.Peek(int(min(left, bufferBytes)))
		if len(piece) == 0 {
			return ended(err)
		}
		sum = crc32.Update(sum, crc32.IEEETable, piece)
		left -= int64(len(piece))
		if _, err := from.Discard(len(piece)); err != nil {
			return ended(err)
		}
	}
	if sum != h.crc {
		return &Fault{What: mismatch(h.crc, sum)}
	}
	return nil
}

// inflate reads a gzip stream to the checksum at its end.
func (r *Reader) inflate(from *bufio.Reader, h header) (bool, error) {
	if _, err := from.Discard(int(h.levels)); err != nil {
		return false, ended(err)
	}
	stream := &io.LimitedReader{R: from, N: h.compressed - h.levels}
	rest := func() error {
		_, err := io.Copy(io.Discard, stream)
		return err
	}
	if magic, err := from.Peek(2); err != nil || magic[0] != 0x1f || magic[1] != 0x8b {
		return false, rest() // another stream than gzip's has no such sum
	}
	piece := bufio.NewReaderSize(stream, 4<<10)
	var err error
	if r.gzip == nil {
		r.gzip, err = gzip.NewReader(piece)
	} else {
		err = r.gzip.Reset(piece)
	}
	if err == nil {
		_, err = io.Copy(io.Discard, r.gzip)
	}
	var corrupt flate.CorruptInputError
	switch {
	case err == nil:
	case errors.Is(err, gzip.ErrChecksum):
		return true, &Fault{What: "does not match the checksum of its gzip stream"}
	case errors.As(err, &corrupt), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return true, &Fault{What: "is no whole gzip stream"}
	case !errors.Is(err, gzip.ErrHeader):
		return true, err // bytes after a whole stream are nobody's
	}
	return true, rest()
}

func mismatch(want, got uint32) string {
	return fmt.Sprintf("does not match its checksum (CRC %08x, its bytes give %08x)", want, got)
}
