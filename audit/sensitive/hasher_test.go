package sensitive

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"testing"
)

// TestHasherIsHMAC compares with crypto/hmac, for keys below, at and above the size of a block.
func TestHasherIsHMAC(t *testing.T) {
	for _, length := range []int{16, 64, 65, 200} {
		key := make([]byte, length)
		for i := range key {
			key[i] = byte(i * 7)
		}
		mask, err := New(key)
		if err != nil {
			t.Fatal(err)
		}
		for _, hash := range [][2]uint64{{0, 0}, {1, 0}, {0xfedcba9876543210, 0x0123456789abcdef}} {
			message := binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64([]byte{RoleIdentity}, hash[0]), hash[1])
			sum := hmac.New(sha256.New, key)
			_, _ = sum.Write(message)
			want := sum.Sum(nil)
			low, high := mask.Hasher().Sum(RoleIdentity, hash[0], hash[1])
			if got := binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, low), high); string(got) != string(want[:16]) {
				t.Errorf("a key of %d bytes, hash %x: %x, want %x", length, hash, got, want[:16])
			}
		}
		if low, _ := mask.Hasher().Sum(RoleKey, 1, 0); low == first(mask.Hasher().Sum(RoleIdentity, 1, 0)) {
			t.Error("a hash has the same name as a key and as an identity")
		}
	}
	numbered, err := New(nil)
	if err != nil {
		t.Fatal(err)
	}
	if numbered.Hasher() != nil || (*Mask)(nil).Hasher() != nil {
		t.Error("a mask without a key hashes")
	}
}

func first(low, _ uint64) uint64 { return low }

func BenchmarkHasher(b *testing.B) {
	mask, err := New(make([]byte, 32))
	if err != nil {
		b.Fatal(err)
	}
	h := mask.Hasher()
	for i := range b.N {
		h.Sum(RoleKey, uint64(i), 0)
	}
}
