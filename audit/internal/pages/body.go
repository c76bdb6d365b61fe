package pages

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// The codecs whose pages Body reads beside gzip, by their numbers in the format.
const (
	codecPlain  = 0
	codecSnappy = 1
	codecZstd   = 6
)

// bodyBuffer is what is held of a page's compressed bytes, maxWindow the history of a zstd stream.
const (
	bodyBuffer = 64 << 10
	maxWindow  = 8 << 20
)

// Body reads the bytes of a page, uncompressed, into memory of just their size. Its compressed bytes are never held as a whole.
func Body(from io.ReaderAt, p Page, codec int32, into []byte) error {
	if int64(len(into)) != p.Uncompressed {
		return fmt.Errorf("a page of %d bytes into %d", p.Uncompressed, len(into))
	}
	section := bufio.NewReaderSize(io.NewSectionReader(from, p.Offset, p.Compressed), bodyBuffer)
	if p.V2 {
		levels := int(p.DefinitionBytes) + int(p.RepetitionBytes)
		if levels > len(into) {
			return fmt.Errorf("levels of %d bytes in a page of %d", levels, len(into))
		}
		if _, err := io.ReadFull(section, into[:levels]); err != nil {
			return err
		}
		if into = into[levels:]; len(into) == 0 {
			return nil
		}
		if p.Plain {
			codec = codecPlain
		}
	}
	switch codec {
	case codecPlain:
		_, err := io.ReadFull(section, into)
		return err
	case codecSnappy:
		return snappy(section, into)
	case CodecGzip:
		stream, err := gzip.NewReader(section)
		if err != nil {
			return err
		}
		return whole(stream, into)
	case codecZstd:
		stream, err := zstd.NewReader(section, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return err
		}
		defer stream.Close()
		return whole(stream, into)
	}
	return fmt.Errorf("compression number %d is not read page by page", codec)
}

// whole reads a stream that has just so many bytes.
func whole(stream io.Reader, into []byte) error {
	if _, err := io.ReadFull(stream, into); err != nil {
		return err
	}
	if n, err := stream.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
		return errors.Join(errors.New("more bytes than the page's header says"), err)
	}
	return nil
}

var errSnappy = errors.New("no snappy block")

// snappy reads a block of snappy's own format (format_description.txt), which no stream of it has a reader for: the output is
// its window.
func snappy(from *bufio.Reader, into []byte) error {
	length, err := binary.ReadUvarint(from)
	if err != nil || length != uint64(len(into)) {
		return errors.Join(errSnappy, err)
	}
	for at := 0; at < len(into); {
		tag, err := from.ReadByte()
		if err != nil {
			return errors.Join(errSnappy, err)
		}
		size, offset, err := snappyElement(from, tag)
		switch {
		case err != nil:
			return errors.Join(errSnappy, err)
		case size > len(into)-at, tag&3 != 0 && (offset == 0 || offset > at):
			return errSnappy
		case tag&3 == 0:
			if _, err := io.ReadFull(from, into[at:at+size]); err != nil {
				return errors.Join(errSnappy, err)
			}
		case offset >= size:
			copy(into[at:at+size], into[at-offset:])
		default: // what is copied is what it copies
			for i := range size {
				into[at+i] = into[at+i-offset]
			}
		}
		at += size
	}
	if _, err := from.ReadByte(); !errors.Is(err, io.EOF) {
		return errSnappy
	}
	return nil
}

// snappyElement is the size of an element, and where a copy lies before it.
func snappyElement(from *bufio.Reader, tag byte) (size, offset int, err error) {
	number := func(bytes int) int {
		n := uint32(0)
		for i := range bytes {
			b, e := from.ReadByte()
			if err == nil {
				err = e
			}
			n |= uint32(b) << (8 * i)
		}
		return int(n)
	}
	const longLiteral = 60
	switch size = int(tag >> 2); tag & 3 {
	case 0:
		if size >= longLiteral {
			size = number(size - longLiteral + 1)
		}
		return size + 1, 0, err
	case 1:
		offset = size>>3<<8 | number(1)
		return size&7 + 4, offset, err
	case 2:
		offset = number(2)
		return size + 1, offset, err
	}
	offset = number(4)
	return size + 1, offset, err
}
