package feast

import (
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

// merged is a message in which each field that stands alone stands once, as protobuf reads it: of numbers and texts the
// last counts, messages become one. Hardly any writer makes use of that; without such a field the bytes are the same.
func merged(m *message, raw []byte, depth int) []byte {
	if depth > maxDepth || !repeats(m, raw, depth) {
		return raw
	}
	type part struct {
		f     *field
		num   protowire.Number
		bytes []byte // with its tag, but for a message that stands alone
	}
	var list []part
	for rest := raw; len(rest) > 0; {
		num, typ, n := protowire.ConsumeTag(rest)
		size := protowire.ConsumeFieldValue(num, typ, rest[max(n, 0):])
		if n < 0 || size < 0 {
			return raw // walk tells what is wrong
		}
		f := m.fields[num]
		if f != nil && typ != f.wireType() {
			f = nil
		}
		bytes := rest[:n+size]
		if f != nil && f.kind == kindMessage {
			bytes, _ = protowire.ConsumeBytes(rest[n : n+size])
		}
		rest = rest[n+size:]
		i := -1
		if f != nil && !f.repeated {
			i = slices.IndexFunc(list, func(p part) bool { return p.f == f })
		}
		switch {
		case i < 0:
			list = append(list, part{f, num, bytes})
		case f.kind == kindMessage:
			list[i].bytes = slices.Concat(list[i].bytes, bytes)
		default:
			list[i].bytes = bytes
		}
	}
	var out []byte
	for _, p := range list {
		if p.f == nil || p.f.kind != kindMessage {
			out = append(out, p.bytes...)
			continue
		}
		out = protowire.AppendBytes(protowire.AppendTag(out, p.num, protowire.BytesType), merged(p.f.msg, p.bytes, depth+1))
	}
	return out
}

// repeats says whether a field that stands alone stands there twice, at any depth.
func repeats(m *message, raw []byte, depth int) bool {
	if depth > maxDepth {
		return false
	}
	var seen [2]uint64
	for len(raw) > 0 {
		num, typ, n := protowire.ConsumeTag(raw)
		size := protowire.ConsumeFieldValue(num, typ, raw[max(n, 0):])
		if n < 0 || size < 0 {
			return false
		}
		value := raw[n : n+size]
		raw = raw[n+size:]
		f := m.fields[num]
		if f == nil || typ != f.wireType() || num > 127 {
			continue
		}
		bit := uint64(1) << (num % 64)
		if !f.repeated && seen[num/64]&bit != 0 {
			return true
		}
		seen[num/64] |= bit
		if f.kind != kindMessage {
			continue
		}
		if body, size := protowire.ConsumeBytes(value); size >= 0 && repeats(f.msg, body, depth+1) {
			return true
		}
	}
	return false
}
