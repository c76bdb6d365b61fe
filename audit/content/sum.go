package content

import (
	"encoding/binary"
	"encoding/hex"
	"math/bits"

	"github.com/zeebo/xxh3"
)

// Sum is a number modulo 2^128: the hash of one cell or row, or the sum of many. Its zero value is the sum of nothing.
type Sum struct{ Hi, Lo uint64 }

// Plus adds two sums: that of two sets of rows is that of both together.
func (s Sum) Plus(o Sum) Sum {
	lo, carry := bits.Add64(s.Lo, o.Lo, 0)
	hi, _ := bits.Add64(s.Hi, o.Hi, carry)
	return Sum{hi, lo}
}

// Minus takes a sum away.
func (s Sum) Minus(o Sum) Sum {
	lo, borrow := bits.Sub64(s.Lo, o.Lo, 0)
	hi, _ := bits.Sub64(s.Hi, o.Hi, borrow)
	return Sum{hi, lo}
}

// Times is the sum of the same rows n times.
func (s Sum) Times(n uint64) Sum {
	hi, lo := bits.Mul64(s.Lo, n)
	return Sum{hi + s.Hi*n, lo}
}

// String writes the sum as 32 hex digits.
func (s Sum) String() string {
	b := s.bytes()
	return hex.EncodeToString(b[:])
}

// sumBytes is how many bytes a sum takes.
const sumBytes = 16

func (s Sum) bytes() (b [sumBytes]byte) {
	binary.BigEndian.PutUint64(b[:], s.Hi)
	binary.BigEndian.PutUint64(b[8:], s.Lo)
	return b
}

// hashOf is XXH3 of 128 bits.
func hashOf(b []byte, seed uint64) Sum {
	h := xxh3.Hash128Seed(b, seed)
	return Sum{h.Hi, h.Lo}
}

// The seeds under which the cells of a row become one hash: of the whole row, and of its key alone.
const (
	seedRow = 1
	seedKey = 2
)

// mixed makes one hash of the sum of a row's cells. It is no sum any more: two rows that swap a value keep the sum of all cells, and
// change both hashes.
func (s Sum) mixed(seed uint64) Sum {
	b := s.bytes()
	return hashOf(b[:], seed)
}

// Bytes are the sum's 16 bytes, the most significant first.
func (s Sum) Bytes() []byte {
	b := s.bytes()
	return b[:]
}

// SumOf is the sum that 16 bytes hold.
func SumOf(b []byte) Sum { return Sum{binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])} }
