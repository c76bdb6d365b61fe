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
	// numbered is the column that numbers the rows, and runs say how.
	numbered int
	runs     []numberRun
	// waiting are rows that are not encoded yet, by column, and room the places of those that come next.
	waiting, room [][]int64
	// encoded are rows that are in no row group yet. Its pages are written over when they are.
	encoded packed
}

// numberRun are rows from a place on that are numbered one after the other.
type numberRun struct {
	at    int
	first int64
}

// packerRows is how many rows are encoded at once. Fewer, with none before them, share a row group with those of others.
const packerRows = wholeRows

// NewPacker begins to take rows of a dense table, one column of which numbers them.
func (d *Dir) NewPacker(t Table, numbered string) *Packer {
	n := len(t.Columns)
	p := &Packer{dir: d, table: t, waiting: make([][]int64, n), room: make([][]int64, n), encoded: packed{each: packerRows, pages: make([][][]byte, n)},
		numbered: slices.IndexFunc(t.Columns, func(c Column) bool { return c.Name == numbered })}
	for i := range p.waiting {
		p.waiting[i] = make([]int64, 0, packerRows)
	}
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
	if last := len(p.runs) - 1; last < 0 || p.runs[last].first+int64(filled-p.runs[last].at) != first {
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
	return p.write(), true
}

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
	page, consecutive := p.encoded.rows/packerRows, len(p.runs) == 1
	first := p.runs[0].first
	if !consecutive {
		p.number()
	}
	p.runs = p.runs[:0]
	p.encoded.rows += len(p.waiting[0])
	for i, column := range p.waiting {
		if page == len(p.encoded.pages[i]) {
			p.encoded.pages[i] = append(p.encoded.pages[i], nil)
		}
		into := p.encoded.pages[i][page][:0]
		if consecutive && i == p.numbered {
			into = packConsecutive(into, first, len(column))
		} else {
			into = packDeltas(into, column)
		}
		p.encoded.pages[i][page], p.waiting[i] = into, column[:0]
	}
}

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
