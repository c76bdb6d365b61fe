package kept

// Packer takes rows of a dense table that come one after the other, and encodes them while they are in a core's cache. It belongs to one
// goroutine.
type Packer struct {
	dir   *Dir
	table Table
	// waiting are rows that are not encoded yet, by column, and room the places of those that come next.
	waiting, room [][]int64
	// encoded are rows that are in no row group yet. Its pages are written over when they are.
	encoded packed
}

// packerRows is how many rows are encoded at once. Fewer, with none before them, share a row group with those of others.
const packerRows = wholeRows

// NewPacker begins to take rows of a dense table.
func (d *Dir) NewPacker(t Table) *Packer {
	n := len(t.Columns)
	p := &Packer{dir: d, table: t, waiting: make([][]int64, n), room: make([][]int64, n), encoded: packed{each: packerRows, pages: make([][][]byte, n)}}
	for i := range p.waiting {
		p.waiting[i] = make([]int64, 0, packerRows)
	}
	return p
}

// Room gives the places of the next rows, column by column: of one at least, and of so many at most.
func (p *Packer) Room(most int) [][]int64 {
	for i, column := range p.waiting {
		p.room[i] = column[len(column):min(len(column)+most, packerRows)]
	}
	return p.room
}

// Fill says that the first places of the last Room were filled. Where that makes a row group it is written, and Fill says where.
func (p *Packer) Fill(rows int) (at Range, written bool) {
	for i, column := range p.waiting {
		p.waiting[i] = column[:len(column)+rows]
	}
	if len(p.waiting[0]) < packerRows {
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
	rows := make(Rows, len(p.waiting))
	for i, column := range p.waiting {
		rows[i], p.waiting[i] = column, column[:0]
	}
	return p.dir.Append(p.table, rows), true
}

// encode makes a page of each column.
func (p *Packer) encode() {
	page := p.encoded.rows / packerRows
	p.encoded.rows += len(p.waiting[0])
	for i, column := range p.waiting {
		if page == len(p.encoded.pages[i]) {
			p.encoded.pages[i] = append(p.encoded.pages[i], nil)
		}
		p.encoded.pages[i][page] = packDeltas(p.encoded.pages[i][page][:0], column)
		p.waiting[i] = column[:0]
	}
}

// write writes a row group of what is encoded.
func (p *Packer) write() Range {
	at := p.dir.append(p.encoded.rows, func(w *Writer) (int64, error) { return w.appendPacked(p.table, p.encoded) })
	p.encoded.rows = 0
	return at
}
