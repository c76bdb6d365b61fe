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
	// WantBefore: rows of the partitions that no verdict is wanted for, too, since something is judged of the view as a whole. It adds nothing to a
	// view that is not narrowed.
	WantBefore
)

// WantRows is all that a scan of rows may gather, and Everything what the footers tell too.
const (
	Everything Wants = ^Wants(0)
	WantRows   Wants = WantCopies - 1
)

// ofAllRows are of no partition: a key may repeat in any, an entity have its newest event in any, and a sample of writers is one of all rows. Drawn from a
// range alone it has others, and what is told of them would depend on what else is wanted.
const ofAllRows = WantBefore | WantKeys | WantEntities | WantWriters

// Has says whether something of the other set is wanted.
func (w Wants) Has(some Wants) bool { return w&some != 0 }

// Rows says whether rows must be read at all.
func (w Wants) Rows() bool { return w.Has(WantRows) }

// Counts says whether the rows of a file count at all for what is wanted. What lies in partitions after as_of is counted by its footer and not judged,
// and of those that no verdict is wanted for rows count where what is wanted is of all of them.
func (s Survey) Counts(f *File, wants Wants) bool {
	if f.Schema < 0 || f.Problem != nil || f.Live() == 0 {
		return false
	}
	if f.Partition < 0 {
		return true
	}
	p := &s.Partitions[f.Partition]
	return !p.AfterAsOf && (p.InRange || wants.Has(ofAllRows))
}
