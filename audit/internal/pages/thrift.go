package pages

import (
	"errors"
	"fmt"
	"io"
)

// The types of thrift's compact protocol.
const (
	typeStop   = 0
	typeTrue   = 1
	typeFalse  = 2
	typeByte   = 3
	typeI16    = 4
	typeI32    = 5
	typeI64    = 6
	typeDouble = 7
	typeBinary = 8
	typeList   = 9
	typeSet    = 10
	typeMap    = 11
	typeStruct = 12
)

// source is what a header is read from.
type source interface {
	io.ByteReader
	Discard(n int) (int, error)
}

// maxDepth of a header's structs: a page header nests two deep and its statistics three.
const maxDepth = 16

// maxHeader is how many bytes a header may have: statistics of long texts make the largest ones.
const maxHeader = 64 << 20

var errShape = errors.New("it is no page header")

// compact reads thrift's compact protocol and counts the bytes.
type compact struct {
	from source
	read int64
}

func (c *compact) byte() (byte, error) {
	b, err := c.from.ReadByte()
	if err != nil {
		return 0, ended(err)
	}
	c.read++
	if c.read > maxHeader {
		return 0, errShape
	}
	return b, nil
}

// ended is an end in the middle of a header.
func ended(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func (c *compact) skip(n uint64) error {
	if n > maxHeader {
		return errShape
	}
	done, err := c.from.Discard(int(n))
	c.read += int64(done)
	return ended(err)
}

func (c *compact) uvarint() (uint64, error) {
	value := uint64(0)
	for shift := uint(0); shift < 64; shift += 7 {
		b, err := c.byte()
		if err != nil {
			return 0, err
		}
		value |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return value, nil
		}
	}
	return 0, errShape
}

// number reads a zigzag integer.
func (c *compact) number() (int64, error) {
	u, err := c.uvarint()
	return int64(u>>1) ^ -int64(u&1), err
}

// fields calls each for every field of a struct; each says whether it took the value, else it is skipped.
func (c *compact) fields(depth int, each func(id int16, kind byte) (taken bool, err error)) error {
	if depth > maxDepth {
		return errShape
	}
	id := int16(0)
	for {
		head, err := c.byte()
		if err != nil {
			return err
		}
		kind := head & 0x0f
		if kind == typeStop {
			return nil
		}
		if delta := head >> 4; delta != 0 {
			id += int16(delta)
		} else {
			n, err := c.number()
			if err != nil {
				return err
			}
			id = int16(n)
		}
		taken, err := each(id, kind)
		if err == nil && !taken {
			err = c.value(kind, depth)
		}
		if err != nil {
			return err
		}
	}
}

// value skips one value.
func (c *compact) value(kind byte, depth int) error {
	switch kind {
	case typeTrue, typeFalse: // the type is the value
		return nil
	case typeByte:
		_, err := c.byte()
		return err
	case typeI16, typeI32, typeI64:
		_, err := c.uvarint()
		return err
	case typeDouble:
		return c.skip(8)
	case typeBinary:
		n, err := c.uvarint()
		if err != nil {
			return err
		}
		return c.skip(n)
	case typeList, typeSet:
		return c.list(depth)
	case typeStruct:
		return c.fields(depth+1, func(int16, byte) (bool, error) { return false, nil })
	}
	return fmt.Errorf("%w: a field of type %d", errShape, kind)
}

func (c *compact) list(depth int) error {
	if depth > maxDepth {
		return errShape
	}
	head, err := c.byte()
	if err != nil {
		return err
	}
	n, kind := uint64(head>>4), head&0x0f
	if n == 15 {
		if n, err = c.uvarint(); err != nil {
			return err
		}
	}
	for range n {
		if kind == typeTrue || kind == typeFalse {
			kind = typeByte // in a list a boolean is a byte
		}
		if err := c.value(kind, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// bytesSource reads from a slice.
type bytesSource struct{ rest []byte }

func (s *bytesSource) ReadByte() (byte, error) {
	if len(s.rest) == 0 {
		return 0, io.EOF
	}
	b := s.rest[0]
	s.rest = s.rest[1:]
	return b, nil
}

// Discard implements source.
func (s *bytesSource) Discard(n int) (int, error) {
	if n > len(s.rest) {
		n = len(s.rest)
		s.rest = nil
		return n, io.EOF
	}
	s.rest = s.rest[n:]
	return n, nil
}
