package content

import (
	"io"

	"github.com/featureaudit/featureaudit/audit/internal/pages"
)

// What is read ahead of a column chunk at once, in bytes: as much as there is memory for, and no more than pays.
const (
	leastAhead = 16 << 10
	mostAhead  = 4 << 20
)

// ahead reads a column chunk of a distant object in pieces: a page may be small, and each request takes its time.
type ahead struct {
	from io.ReaderAt
	// end is that of the chunk, beyond which nothing is fetched that is not asked for; most is what a piece may take, in bytes.
	end, most int64
	// at is where the piece at hand begins.
	at    int64
	piece []byte
}

// begin is for a chunk, in the memory that is there.
func (a *ahead) begin(from io.ReaderAt, c pages.Chunk, size, most int64) {
	*a = ahead{from: from, end: min(c.Offset+c.Size+pages.Slack, size), most: most, piece: a.piece[:0]}
}

// ReadAt implements io.ReaderAt. What is at hand of the range is not fetched again.
func (a *ahead) ReadAt(p []byte, at int64) (int, error) {
	var held []byte
	if from := at - a.at; from >= 0 && from < int64(len(a.piece)) {
		held = a.piece[from:]
	}
	n := copy(p, held)
	if n == len(p) {
		return n, nil
	}
	want := min(a.most, a.end-at)
	if int64(len(p)) > want {
		more, err := a.from.ReadAt(p[n:], at+int64(n))
		return n + more, err
	}
	next := sized(a.piece, int(want))
	copy(next, held) // to the front, in the same memory or another
	more, err := a.from.ReadAt(next[n:], at+int64(n))
	a.at, a.piece = at, next[:n+more]
	if n = copy(p, a.piece); n == len(p) {
		return n, nil
	}
	return n, err
}

// aheadBytes is what a worker reads ahead of each of so many chunks that are read side by side.
func (o Order) aheadBytes(chunks int) int64 {
	room := int64(windowBytes)
	if o.Ahead > 0 {
		room = min(room, o.Ahead/int64(max(1, o.Workers)))
	}
	return max(leastAhead, min(mostAhead, room/int64(max(1, chunks))))
}
