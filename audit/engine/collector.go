package engine

import (
	"context"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/times"
)

// Collector turns the rows of a view into facts: wants go in, facts come out. It is the one seam at which rows are reached, whether
// they are read from files, were kept from an earlier look, or lie in another engine. Nothing above it opens a file.
type Collector interface {
	// Collect gives the facts that an order wants. Files that cannot be read are in Collection.Unread, and leave nothing else behind;
	// the error is the context's, or what stops the whole view: memory, disk, a source column with too many values.
	Collect(ctx context.Context, o Order) (facts.Collection, error)
}

// Order is what is wanted of the rows of one view.
type Order struct {
	View   model.View
	Survey facts.Survey
	// AsOf is the instant judged from.
	AsOf  times.Instant
	Wants facts.Wants
	// RowsLimit caps the repeated rows that are kept by name, and Samples says how many values of a key a finding may show.
	RowsLimit, Samples int
	// Aside keeps the texts of those rows; nil keeps them in memory.
	Aside KeptTexts
	Room  Room
	// Progress is called from one goroutine at a time; nil for none.
	Progress func(step string, filesDone, rowsDone int64)
}

// Room is what an order may use.
type Room struct {
	Workers int
	// Runs is what key and entity runs may hold before they spill to TempDir, in bytes.
	Runs    int64
	TempDir string
	// SliceRows is how many rows one query hands over at once, for each worker.
	SliceRows int64
	// Slices is how many pairs of a file and a source of its rows there is memory for, until they are judged; 0 for any number.
	Slices int
}

// KeptTexts keeps texts until a run ends, outside of memory where they are long.
type KeptTexts interface {
	// Keep gives a text that is equal.
	Keep(text string) (string, error)
	// Compare compares texts as cmp.Compare does, and looks at as little of those that it keeps as it can.
	Compare(a, b string) int
}
