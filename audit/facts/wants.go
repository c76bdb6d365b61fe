package facts

// Wants are what is wanted of the rows of a view. What nobody wants is not read.
type Wants struct {
	// Times: event and ingest times of every row.
	Times bool
	// Events: the histogram of event times.
	Events bool
	// Keys: repeated keys. Nulls: rows without a whole key, which repeated keys tell as well.
	Keys, Nulls bool
	// Entities: the newest event of each entity.
	Entities bool
	// Writers: a sample of rows by who stamped them.
	Writers bool
}

// Any says whether rows must be read at all.
func (w Wants) Any() bool { return w.Times || w.Events || w.Keys || w.Nulls || w.Entities || w.Writers }
