package facts

// Wants is a set of what checks want gathered of a view's files beyond their footers. What nobody wants is not read.
type Wants uint8

// What a scan of rows may gather, and at last what a comparison of whole files may.
const (
	// WantTimes: event and ingest times of every row.
	WantTimes Wants = 1 << iota
	// WantEvents: the histogram of event times.
	WantEvents
	// WantWriters: a sample of rows by who stamped them.
	WantWriters
	// WantNulls: rows without a whole key. A scan for WantKeys counts them by itself.
	WantNulls
	// WantKeys: repeated keys.
	WantKeys
	// WantEntities: the newest event of each entity.
	WantEntities
	// WantCopies: files that hold the bytes of another.
	WantCopies
)

// WantRows is all that a scan of rows may gather, and Everything what the footers tell too.
const (
	Everything Wants = ^Wants(0)
	WantRows   Wants = WantCopies - 1
)

// Has says whether something of the other set is wanted.
func (w Wants) Has(some Wants) bool { return w&some != 0 }

// Rows says whether rows must be read at all.
func (w Wants) Rows() bool { return w.Has(WantRows) }
