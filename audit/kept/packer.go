package kept

import (
	"encoding/binary"
	"slices"
)

// Packer takes rows of a dense table that come one after the other, and encodes them while they are in a core's cache. It belongs to one
// goroutine.
type Packer struct {
	dir   *Dir
	table Table
	// holds says that nothing is written, and held are the row groups so far.
	holds bool
	held  []Encoded
	// numbered is the column that numbers the rows, -1 for none, and runs say how.
	numbered int
	runs     []numberRun
	// hashes is the column of numbers of HashBits, -1 for none.
	hashes int
	// waiting are rows that are not encoded yet, by column, and room the places of those that come next.
	waiting, room [][]int64
	// encoded are rows that are in no row group yet. Its chunks are written over when they are.
	encoded packed
}

// numberRun are rows from a place on that are numbered one after the other.
type numberRun struct {
	at    int
	first int64
}

// packerRows is how many rows are encoded at once. Fewer, with none before them, share a row group with those of others.
const packerRows = wholeRows

// NewPacker begins to take rows of a dense table. One column numbers them, and one may hold numbers from 0 on of HashBits in no order; an empty name is
// none.
func (d *Dir) NewPacker(t Table, numbered, hashes string) *Packer {
	n := len(t.Columns)
	named := func(name string) int {
		return slices.IndexFunc(t.Columns, func(c Column) bool { return c.Name == name })
	}
	p := &Packer{dir: d, table: t, waiting: make([][]int64, n), room: make([][]int64, n), encoded: packed{chunks: make([][]byte, n)},
		numbered: named(numbered), hashes: named(hashes)}
	for i := range p.waiting {
		p.waiting[i] = make([]int64, 0, packerRows)
	}
	return p
}

// NewHolder is NewPacker for rows that nothing numbers, and that may never be written: Held gives them.
func (d *Dir) NewHolder(t Table) *Packer {
	p := d.NewPacker(t, "", "")
	p.holds = true
	return p
}

// Room gives the places of the next rows, column by column: of one at least, and of so many at most. Those of the column of numbers are
// not to be filled.
func (p *Packer) Room(most int) [][]int64 {
	for i, column := range p.waiting {
		p.room[i] = column[len(column):min(len(column)+most, packerRows)]
	}
	return p.room
}

// Fill says that the first places of the last Room were filled, with rows that are numbered from first on. Where that makes a row group it is
// written, and Fill says where.
func (p *Packer) Fill(rows int, first int64) (at Range, written bool) {
	filled := len(p.waiting[0])
	if p.numbered < 0 {
		// nothing numbers them
	} else if last := len(p.runs) - 1; last < 0 || p.runs[last].first+int64(filled-p.runs[last].at) != first {
		p.runs = append(p.runs, numberRun{filled, first})
	}
	for i, column := range p.waiting {
		p.waiting[i] = column[:filled+rows]
	}
	if filled+rows < packerRows {
		return Range{}, false
	}
	p.encode()
	if p.encoded.rows < groupRows {
		return Range{}, false
	}
	if p.holds {
		p.holdOn()
		return Range{}, false
	}
	return p.write(), true
}

// holdOn begins another row group.
func (p *Packer) holdOn() {
	p.held = append(p.held, Encoded{p.encoded})
	p.encoded = packed{chunks: make([][]byte, len(p.waiting))}
}

// Held gives the rows that came since the last call, and begins anew.
func (p *Packer) Held() []Encoded {
	if len(p.waiting[0]) > 0 {
		p.encode()
	}
	if p.encoded.rows > 0 {
		p.holdOn()
	}
	held := p.held
	p.held = nil
	return held
}

// Encoded are rows of a dense table that are encoded, and lie in no file yet.
type Encoded struct{ group packed }

// Len is the number of rows.
func (e Encoded) Len() int { return e.group.rows }

// AppendEncoded is Append for rows that are encoded, which are used up.
func (d *Dir) AppendEncoded(t Table, e Encoded) Range {
	defer d.heldPages.give(e.group)
	return d.append(e.group.rows, func(w *Writer) (int64, error) { return w.appendPacked(t, e.group) })
}

// Decode appends the values of a column to others.
func (d *Dir) Decode(e Encoded, column int, values []int64) []int64 {
	from := len(values)
	values = slices.Grow(values, e.group.rows)[:from+e.group.rows]
	if err := plainIntegers(append(e.group.chunks[column], make([]byte, loadBytes)...), values[from:]); err != nil {
		d.fail(err) // they were encoded here
	}
	return values
}

// Discard says that rows are not written.
func (d *Dir) Discard(e Encoded) { d.heldPages.give(e.group) }

// Rest writes what is left, if there is anything, and says where.
func (p *Packer) Rest() (at Range, written bool) {
	left := len(p.waiting[0])
	if p.encoded.rows > 0 {
		if left > 0 {
			p.encode()
		}
		return p.write(), true
	}
	if left == 0 {
		return Range{}, false
	}
	p.number()
	rows := make(Rows, len(p.waiting))
	for i, column := range p.waiting {
		rows[i], p.waiting[i] = column, column[:0]
	}
	return p.dir.Append(p.table, rows), true
}

// number writes the numbers of the rows that wait.
func (p *Packer) number() {
	numbers := p.waiting[p.numbered]
	for i, run := range p.runs {
		end := len(numbers)
		if i+1 < len(p.runs) {
			end = p.runs[i+1].at
		}
		for at := range numbers[run.at:end] {
			numbers[run.at+at] = run.first + int64(at)
		}
	}
	p.runs = p.runs[:0]
}

// encode makes a page of each column.
func (p *Packer) encode() {
	consecutive, first := len(p.runs) == 1, int64(0)
	switch {
	case consecutive:
		first, p.runs = p.runs[0].first, p.runs[:0]
	case p.numbered >= 0:
		p.number()
	}
	if p.encoded.rows == 0 {
		p.begin()
	}
	p.encoded.rows += len(p.waiting[0])
	p.encoded.pages++
	for i, column := range p.waiting {
		from := len(p.encoded.chunks[i])
		into := beginPage(p.encoded.chunks[i])
		switch {
		case consecutive && i == p.numbered:
			into = packConsecutive(into, first, len(column))
		case i == p.hashes:
			into = packHashes(into, column)
		default:
			into = packDeltas(into, column)
		}
		p.encoded.chunks[i], p.waiting[i] = endPage(into, from, len(column)), column[:0]
	}
}

// begin makes room for a row group, which grows where it has to: in the last one's where that was written.
func (p *Packer) begin() {
	p.encoded.pages = 0
	for i, chunk := range p.encoded.chunks {
		if p.encoded.chunks[i] = chunk[:0]; chunk == nil && p.holds {
			p.encoded.chunks[i] = p.dir.heldPages.take(heldChunk)
		}
	}
}

// heldChunk is what a column of a row group takes whose values are of 40 bits.
const heldChunk = 5 * groupRows

// packConsecutive is packDeltas for numbers that follow each other, of which there is one at least: no difference takes any bits.
func packConsecutive(out []byte, first int64, rows int) []byte {
	out = beginDeltas(out, rows)
	out = binary.AppendVarint(out, first)
	for left := rows - 1; left > 0; left -= deltaBlock {
		out = append(out, oneMore, 0, 0, 0, 0)
	}
	return out
}

// oneMore is a difference of 1 as it is written.
const oneMore = 2

// write writes a row group of what is encoded.
func (p *Packer) write() Range {
	at := p.dir.append(p.encoded.rows, func(w *Writer) (int64, error) { return w.appendPacked(p.table, p.encoded) })
	p.encoded.rows = 0
	return at
}
