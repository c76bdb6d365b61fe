package kept

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"

	format "github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/file"

	"github.com/featureaudit/featureaudit/audit/internal/pages"
)

// plainIntegers decodes the pages of a chunk as they lie in the file, some times faster than arrow's own reader does, which matters where a
// history has hundreds of millions of them. The bytes are followed by loadBytes others.
func plainIntegers(raw []byte, out []int64) error {
	for at, left := 0, out; len(left) > 0; {
		page, err := pages.PageAt(raw, int64(at))
		if err != nil {
			return err
		}
		if page.Dictionary || page.V2 || page.Offset+page.Compressed > int64(len(raw)) || page.Values < 0 || int64(page.Values) > int64(len(left)) ||
			page.Encoding != int32(format.Encodings.DeltaBinaryPacked) {
			return fmt.Errorf("it has a page of %d values in the encoding %d, and %d of %d values were read", page.Values, page.Encoding, len(out)-len(left), len(out))
		}
		at = int(page.Offset + page.Compressed)
		if err := unpackDeltas(raw[page.Offset:at+loadBytes], int(page.Compressed), left[:page.Values]); err != nil {
			return err
		}
		left = left[page.Values:]
	}
	return nil
}

// integersOf is plainIntegers for chunks that are compressed.
func integersOf(pages file.PageReader, out []int64) error {
	var padded []byte
	for left := out; len(left) > 0; {
		if !pages.Next() {
			return cmp.Or(pages.Err(), errShort)
		}
		page, ok := pages.Page().(*file.DataPageV1)
		if !ok {
			return fmt.Errorf("it has a page of the type %T", pages.Page())
		}
		n := int(page.NumValues())
		if format.Encoding(page.Encoding()) != format.Encodings.DeltaBinaryPacked || n < 0 || n > len(left) {
			return fmt.Errorf("it has a page of %d values in the encoding %v, and %d of %d values were read", n, page.Encoding(), len(out)-len(left), len(out))
		}
		padded = append(append(padded[:0], page.Data()...), make([]byte, loadBytes)...)
		if err := unpackDeltas(padded, len(page.Data()), left[:n]); err != nil {
			return err
		}
		left = left[n:]
	}
	return nil
}

var errShort = errors.New("it has fewer values than rows")

// loadBytes are loaded at once: so many must follow the packed bytes.
const loadBytes = 16

// unpackDeltas decodes DELTA_BINARY_PACKED: of data, the first length bytes count.
func unpackDeltas(data []byte, length int, out []int64) error {
	r := deltaReader{data: data, length: length}
	block, minis, total, last := r.unsigned(), r.unsigned(), r.unsigned(), r.signed()
	if r.bad || total != uint64(len(out)) || minis == 0 || minis > 1<<10 || block%minis != 0 || block/minis%32 != 0 || block/minis == 0 || block > 1<<20 {
		return fmt.Errorf("%d values in blocks of %d by %d, where %d belong", total, block, minis, len(out))
	}
	if total == 0 {
		return nil
	}
	out[0] = last
	out = out[1:]
	each := int(block / minis)
	for len(out) > 0 {
		least := r.signed()
		widths := r.take(int(minis))
		for _, width := range widths {
			if len(out) == 0 {
				break
			}
			packed := r.take(each * int(width) / 8)
			if r.bad || width > 64 {
				return errShort
			}
			n := min(each, len(out))
			last = unpack(data[r.at-len(packed):], uint(width), last, least, out[:n])
			out = out[n:]
		}
		if r.bad {
			return errShort
		}
	}
	return nil
}

// unpack adds up the differences of one small block, each of so many bits.
func unpack(packed []byte, width uint, last, least int64, out []int64) int64 {
	switch {
	case width == 0: // as of rows that follow each other
		for i := range out {
			last += least
			out[i] = last
		}
		return last
	case width == hashWidth && len(out) == deltaEach:
		for group := range deltaEach / 8 {
			last = unpackEightHashes((*[hashWidth + 8]byte)(packed[group*hashWidth:]), last, least, (*[8]int64)(out[8*group:]))
		}
		return last
	case width > mostShifted:
		return unpackWide(packed, width, last, least, out)
	}
	mask, bit := uint64(1)<<width-1, uint(0)
	for i := range out {
		last += int64(binary.LittleEndian.Uint64(packed[bit>>3:])>>(bit&7)&mask) + least
		out[i] = last
		bit += width
	}
	return last
}

// unpackEightHashes is unpack for what packEightHashes writes, in half of the time.
func unpackEightHashes(packed *[hashWidth + 8]byte, last, least int64, out *[8]int64) int64 {
	const mask = 1<<hashWidth - 1
	a := last + int64(binary.LittleEndian.Uint64(packed[0:])&mask) + least
	b := a + int64(binary.LittleEndian.Uint64(packed[1*hashWidth/8:])>>(1*hashWidth%8)&mask) + least
	c := b + int64(binary.LittleEndian.Uint64(packed[2*hashWidth/8:])>>(2*hashWidth%8)&mask) + least
	d := c + int64(binary.LittleEndian.Uint64(packed[3*hashWidth/8:])>>(3*hashWidth%8)&mask) + least
	out[0], out[1], out[2], out[3] = a, b, c, d
	a = d + int64(binary.LittleEndian.Uint64(packed[4*hashWidth/8:])>>(4*hashWidth%8)&mask) + least
	b = a + int64(binary.LittleEndian.Uint64(packed[5*hashWidth/8:])>>(5*hashWidth%8)&mask) + least
	c = b + int64(binary.LittleEndian.Uint64(packed[6*hashWidth/8:])>>(6*hashWidth%8)&mask) + least
	d = c + int64(binary.LittleEndian.Uint64(packed[7*hashWidth/8:])>>(7*hashWidth%8)&mask) + least
	out[4], out[5], out[6], out[7] = a, b, c, d
	return d
}

func unpackWide(packed []byte, width uint, last, least int64, out []int64) int64 {
	bit := uint(0)
	for i := range out {
		at, shift := bit>>3, bit&7
		value := binary.LittleEndian.Uint64(packed[at:]) >> shift
		if shift > 0 {
			value |= uint64(packed[at+8]) << (64 - shift)
		}
		if width < 64 {
			value &= 1<<width - 1
		}
		last += int64(value) + least
		out[i] = last
		bit += width
	}
	return last
}

// deltaReader reads the numbers between packed values. Beyond the end it is bad.
type deltaReader struct {
	data   []byte
	length int
	at     int
	bad    bool
}

func (r *deltaReader) unsigned() uint64 {
	value, n := binary.Uvarint(r.data[r.at:r.length])
	if n <= 0 {
		r.bad = true
		return 0
	}
	r.at += n
	return value
}

func (r *deltaReader) signed() int64 {
	value := r.unsigned()
	return int64(value>>1) ^ -int64(value&1)
}

func (r *deltaReader) take(n int) []byte {
	if r.bad || n > r.length-r.at {
		r.bad = true
		return nil
	}
	r.at += n
	return r.data[r.at-n : r.at]
}
