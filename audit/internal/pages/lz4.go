package pages

import (
	"encoding/binary"
	"errors"
)

var errLZ4 = errors.New("is no LZ4 block of the length that its header says")

// LZ4Block reads one block of LZ4 (lz4_Block_format.md), which must fill the memory given.
func LZ4Block(raw, into []byte) error {
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
