package survey

import "encoding/binary"

// flat is a flatbuffer, as arrow writes schemas. arrow's own reader believes every length in it, and one flipped bit makes
// it ask for more memory than there is; here a place outside of the buffer is empty.
type flat []byte

// table is one table of a flatbuffer, by its place; 0 for none.
type table struct {
	in flat
	at int
}

func (b flat) number(at, size int) int {
	if at < 0 || at+size > len(b) || at+size < at {
		return 0
	}
	switch size {
	case 1:
		return int(b[at])
	case 2:
		return int(binary.LittleEndian.Uint16(b[at:]))
	}
	return int(binary.LittleEndian.Uint32(b[at:]))
}

// root is the table that the buffer holds.
func (b flat) root() table { return table{b, b.number(0, 4)} }

// field is where a field of a table stands; 0 where it is absent.
func (t table) field(n int) int {
	if t.at <= 0 || t.at+4 > len(t.in) {
		return 0
	}
	vtable := t.at - int(int32(t.in.number(t.at, 4)))
	if vtable < 0 || 4+2*n+2 > t.in.number(vtable, 2) {
		return 0
	}
	offset := t.in.number(vtable+4+2*n, 2)
	if offset == 0 {
		return 0
	}
	return t.at + offset
}

func (t table) byte(n int) int {
	if at := t.field(n); at > 0 {
		return t.in.number(at, 1)
	}
	return 0
}

// follow is the place that a field points to; 0 where it points to none.
func (t table) follow(n int) int {
	at := t.field(n)
	if at == 0 {
		return 0
	}
	return at + t.in.number(at, 4)
}

func (t table) table(n int) table { return table{t.in, t.follow(n)} }

func (t table) text(n int) string {
	at := t.follow(n)
	if at <= 0 {
		return ""
	}
	length := t.in.number(at, 4)
	if at+4+length > len(t.in) {
		return ""
	}
	return string(t.in[at+4 : at+4+length])
}

// tables are those of a vector, as far as they lie in the buffer.
func (t table) tables(n int) []table {
	at := t.follow(n)
	if at <= 0 {
		return nil
	}
	count := min(t.in.number(at, 4), (len(t.in)-at)/4)
	var list []table
	for i := range count {
		place := at + 4 + 4*i
		list = append(list, table{t.in, place + t.in.number(place, 4)})
	}
	return list
}
