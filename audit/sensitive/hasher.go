package sensitive

import (
	"crypto/sha256"
	"encoding/binary"
)

// Hasher gives hashes of sensitive values names that can be written down: HMAC-SHA256 of the hash with the key of a Mask, cut to as many
// bytes. Equal hashes have equal names under one key, and nobody without the key can tell which value is behind one by trying values. It is
// safe for concurrent use.
type Hasher struct {
	inner, outer [sha256.BlockSize]byte
	id           string
}

// The roles of hashes: a value has another name in each.
const (
	RoleKey byte = iota + 1
	RoleIdentity
	RoleValue
)

// Hasher hashes with the key of the mask; nil where it has none.
func (m *Mask) Hasher() *Hasher {
	if m.Numbers() {
		return nil
	}
	key := m.key
	if len(key) > sha256.BlockSize {
		sum := sha256.Sum256(key)
		key = sum[:]
	}
	h := &Hasher{id: m.KeyID()}
	copy(h.inner[:], key)
	copy(h.outer[:], key)
	for i := range h.inner {
		h.inner[i] ^= 0x36 // as RFC 2104 has it; by hand, since crypto/hmac allocates for each
		h.outer[i] ^= 0x5c
	}
	return h
}

// KeyID tells keys apart, as that of the mask does.
func (h *Hasher) KeyID() string { return h.id }

// Sum is the HMAC of the byte of a role and the 16 bytes of a hash, cut to its first 16 bytes; all numbers are little endian.
func (h *Hasher) Sum(role byte, low, high uint64) (sumLow, sumHigh uint64) {
	var message [sha256.BlockSize + 17]byte
	copy(message[:], h.inner[:])
	message[sha256.BlockSize] = role
	binary.LittleEndian.PutUint64(message[sha256.BlockSize+1:], low)
	binary.LittleEndian.PutUint64(message[sha256.BlockSize+9:], high)
	inner := sha256.Sum256(message[:])
	var outer [sha256.BlockSize + sha256.Size]byte
	copy(outer[:], h.outer[:])
	copy(outer[sha256.BlockSize:], inner[:])
	sum := sha256.Sum256(outer[:])
	return binary.LittleEndian.Uint64(sum[:]), binary.LittleEndian.Uint64(sum[8:])
}
