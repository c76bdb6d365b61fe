package verify

import (
	"cmp"
	"context"
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/featureaudit/featureaudit/audit/content"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/survey"
)

// source gives the rows of partitions of one side: of data, or of a snapshot with keys.
type source struct {
	reader   Reader
	looked   *Looked
	snapshot *SnapshotFile
}

// has says whether the side can tell rows apart at all.
func (s source) has() bool { return s.looked != nil || s.snapshot != nil && s.snapshot.WithKeys }

func (s source) rows(ctx context.Context, p *Partition, want part) ([]Row, error) {
	switch {
	case p == nil || p.Rows == 0:
		return nil, nil
	case s.looked != nil:
		return s.reader.rows(ctx, s.looked, p.ids, want)
	}
	return s.snapshot.rowsOf(ctx, *p, want)
}

// EntityChange counts the entities of a range.
type EntityChange struct {
	Before, After, Lost, New int64
	// lost and added are the hashes of some of them, up to listed of each.
	lost, added []uint64
	listed      int
}

// rowsOfPart is how many rows one pass may hold of both sides together, and entityBytes what an entity takes.
const entityBytes = 48

// parts is how many passes over rows a budget of bytes asks for.
func parts(rows, budget int64) uint64 {
	budget = max(budget, 1)
	return uint64(max(1, (rows*(rowBytes+entityBytes)+budget-1)/budget))
}

// byKey compares the rows of changes that differ, and the entities of all of them; both sides can tell rows apart.
func byKey(ctx context.Context, before, after source, changes []*Change, keyed, entities bool, budget int64, listed int) (*EntityChange, error) {
	most, all := int64(0), int64(0)
	for _, c := range changes {
		rows := rowsOf(c.Before) + rowsOf(c.After)
		most, all = max(most, rows), all+rows
	}
	if !entities {
		all = most
	}
	total := &EntityChange{listed: listed}
	for _, c := range changes {
		c.Rows = &RowChange{ValuesByColumn: map[string]int64{}, listed: listed, unkeyed: !keyed}
	}
	of := parts(all, budget)
	for number := range of {
		seen := map[uint64]uint8{}
		for _, c := range changes {
			if err := c.compareRows(ctx, before, after, part{number: number, of: of}, keyed, entities && c.InRange, seen); err != nil {
				return nil, err
			}
		}
		for hash, sides := range seen {
			total.count(hash, sides)
		}
	}
	for _, list := range []*[]uint64{&total.lost, &total.added} {
		slices.Sort(*list)
		*list = (*list)[:min(len(*list), listed)]
	}
	if !entities {
		return nil, nil
	}
	return total, nil
}

// The sides that an entity was seen on.
const (
	seenBefore = 1
	seenAfter  = 2
)

func (e *EntityChange) count(hash uint64, sides uint8) {
	switch sides {
	case seenBefore:
		e.Before, e.Lost = e.Before+1, e.Lost+1
		e.lost = smallest(e.lost, hash, e.listed)
	case seenAfter:
		e.After, e.New = e.After+1, e.New+1
		e.added = smallest(e.added, hash, e.listed)
	default:
		e.Before, e.After = e.Before+1, e.After+1
	}
}

// smallest keeps the smallest hashes of all that are added, so many at most: whichever they come in the order of, the same stay.
func smallest(list []uint64, hash uint64, most int) []uint64 {
	if len(list) < 2*most {
		list = append(list, hash)
	}
	if len(list) == 2*most {
		slices.Sort(list)
		list = list[:most]
	}
	return list
}

// compareRows compares one part of the rows of a partition.
func (c *Change) compareRows(ctx context.Context, before, after source, want part, keyed, entities bool, seen map[uint64]uint8) error {
	a, err := before.rows(ctx, c.Before, want)
	if err != nil {
		return err
	}
	b, err := after.rows(ctx, c.After, want)
	if err != nil {
		return err
	}
	if entities {
		mark(seen, a, want, seenBefore)
		mark(seen, b, want, seenAfter)
	}
	c.Rows.compare(ofPart(a, want, keyed), ofPart(b, want, keyed))
	return nil
}

func mark(seen map[uint64]uint8, rows []Row, want part, side uint8) {
	for _, r := range rows {
		if want.takes(r.Entity) {
			seen[r.Entity] |= side
		}
	}
}

// ofPart are the rows whose keys fall to a part; without a key the row is its own.
func ofPart(rows []Row, want part, keyed bool) []Row {
	out := rows[:0]
	for _, r := range rows {
		if !keyed {
			r.Key = r.Row
		}
		if want.takes(r.Key) {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, Row.compare)
	return out
}

// compare compares rows, sorted by key.
func (r *RowChange) compare(a, b []Row) {
	for len(a) > 0 || len(b) > 0 {
		key := uint64(0)
		switch {
		case len(a) == 0:
			key = b[0].Key
		case len(b) == 0:
			key = a[0].Key
		default:
			key = min(a[0].Key, b[0].Key)
		}
		x, y := countOf(a, key), countOf(b, key)
		r.one(key, a[:x], b[:y])
		a, b = a[x:], b[y:]
	}
}

// countOf is how many rows at the beginning have the key.
func countOf(rows []Row, key uint64) int {
	n := 0
	for n < len(rows) && rows[n].Key == key {
		n++
	}
	return n
}

// one compares the rows of one key.
func (r *RowChange) one(key uint64, a, b []Row) {
	if len(a) > 1 {
		r.RepeatedBefore++
	}
	if len(b) > 1 {
		r.RepeatedAfter++
	}
	r.repeat(b)
	r.RowsLost += max(int64(len(a)-len(b)), 0)
	r.RowsAdded += max(int64(len(b)-len(a)), 0)
	switch {
	case len(b) == 0:
		r.Lost++
		if len(r.lost) < r.listed {
			r.lost = append(r.lost, key)
		}
	case len(a) == 0:
		r.Added++
		if len(r.added) < r.listed {
			r.added = append(r.added, key)
		}
	case slices.EqualFunc(a, b, func(x, y Row) bool { return x.Row == y.Row }):
	case len(a) == 1 && len(b) == 1:
		r.Changed++
		if r.changed == nil {
			r.changed = map[uint64]struct{}{}
		}
		r.changed[key] = struct{}{}
	default:
		r.ambiguous++
		if !contains(b, a) && !contains(a, b) { // fewer or more of the same rows are no change of them
			r.Changed++
		}
	}
}

// repeat notes how often the rows of a key stand there.
func (r *RowChange) repeat(b []Row) {
	if len(b) == 0 {
		return
	}
	r.keysAfter++
	if b[0].Row != b[len(b)-1].Row { // they are sorted
		return
	}
	if len(b) > 1 {
		r.wholeRepeats++
	}
	if r.least == 0 {
		r.least = len(b)
	}
	r.least, r.most = min(r.least, len(b)), max(r.most, len(b))
}

// contains says that all rows of the second list stand in the first, as many times.
func contains(rows, some []Row) bool {
	for _, s := range some {
		for len(rows) > 0 && rows[0].Row < s.Row {
			rows = rows[1:]
		}
		if len(rows) == 0 || rows[0].Row != s.Row {
			return false
		}
		rows = rows[1:]
	}
	return true
}

// valued is what is asked of changed values.
type valued struct {
	view      model.View
	tolerance map[string]float64
	samples   int
	mask      func(column, value string) string
	budget    int64
}

// spot is where a row stands.
type spot struct {
	file int32
	row  int64
}

// values counts by column the values that differ in the changed rows of a partition; both sides are data.
func (c *Change) values(ctx context.Context, before, after source, ask valued) error {
	if c.Rows == nil || len(c.Rows.changed) == 0 || before.looked == nil || after.looked == nil {
		return nil
	}
	columns := commonColumns(*c.Before, *c.After)
	keys := make([]uint64, 0, len(c.Rows.changed))
	for key := range c.Rows.changed {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	step := int(max(1, ask.budget/int64(8*len(columns)+64)))
	for from := 0; from < len(keys); from += step {
		some := keys[from:min(from+step, len(keys))]
		v := comparison{ask: ask, columns: columns, at: map[uint64]int{}, words: make([][]uint64, len(some)), spots: make([]spot, len(some))}
		for i, key := range some {
			v.at[key] = i
		}
		if err := v.read(ctx, before, c.Before, v.keep); err != nil {
			return err
		}
		var pairs []sampled
		var mu sync.Mutex
		err := v.read(ctx, after, c.After, func(i int, words []uint64, at spot) {
			mu.Lock()
			defer mu.Unlock()
			differing, within := v.differ(i, words)
			if within {
				c.Rows.WithinTolerance++
				return
			}
			for _, column := range differing {
				c.Rows.ValuesByColumn[column]++
			}
			if from == 0 && i < ask.samples {
				pairs = append(pairs, sampled{i, v.spots[i], at, differing})
			}
		})
		if err != nil {
			return err
		}
		slices.SortFunc(pairs, func(a, b sampled) int { return cmp.Compare(a.order, b.order) })
		for _, p := range pairs {
			text, err := p.text(ctx, before, after, ask)
			if err != nil {
				return err
			}
			c.Rows.Samples = append(c.Rows.Samples, text)
		}
	}
	return nil
}

// sampled is a changed row that may be shown.
type sampled struct {
	order         int
	before, after spot
	columns       []string
}

// comparison is the changed values of some rows.
type comparison struct {
	ask     valued
	columns []string
	at      map[uint64]int
	words   [][]uint64
	spots   []spot
}

// read gives the words of the rows among a partition's files.
func (v *comparison) read(ctx context.Context, s source, p *Partition, each func(i int, words []uint64, at spot)) error {
	var raw []string
	for column := range v.ask.tolerance {
		raw = append(raw, column)
	}
	o := s.reader.order(s.looked, p.ids, content.Ask{Rows: true, Names: [][]string{s.looked.Definition.Key}, Cells: v.columns, Raw: raw})
	o.Each = func(b content.Block) error {
		for row, name := range b.Names[0] {
			i, wanted := v.at[name.Lo]
			if !wanted || b.Gone != nil && b.Gone[row] {
				continue
			}
			words := make([]uint64, len(v.columns))
			for at := range words {
				words[at] = b.Cells[at][row]
			}
			each(i, words, spot{b.File, b.First + int64(row)})
		}
		return nil
	}
	_, unread, err := content.Read(ctx, o)
	for _, problem := range unread {
		return problemError{problem.Message}
	}
	return err
}

func (v *comparison) keep(i int, words []uint64, at spot) { v.words[i], v.spots[i] = words, at }

// differ names the columns whose values differ; within says that all of them differ by no more than their tolerance.
func (v *comparison) differ(i int, words []uint64) (names []string, within bool) {
	for at, word := range words {
		if i >= len(v.words) || v.words[i] == nil || v.words[i][at] == word {
			continue
		}
		column := v.columns[at]
		tolerance, has := v.ask.tolerance[column]
		if has && near(v.words[i][at], word, tolerance) {
			within = true
			continue
		}
		names = append(names, column)
	}
	return names, within && len(names) == 0
}

// near says that two floating numbers, by their words, differ by no more than a tolerance.
func near(a, b uint64, tolerance float64) bool {
	if a == content.NoValue || b == content.NoValue {
		return false
	}
	x, y := math.Float64frombits(a-1), math.Float64frombits(b-1)
	return x == y || math.Abs(x-y) <= tolerance || math.IsNaN(x) && math.IsNaN(y)
}

// text shows the values of a changed row before and after.
func (p sampled) text(ctx context.Context, before, after source, ask valued) (string, error) {
	var parts []string
	for _, name := range after.looked.Definition.Key {
		value, err := valueAt(ctx, after, p.after, name)
		if err != nil {
			return "", err
		}
		parts = append(parts, name+" "+ask.show(name, value))
	}
	var changes []string
	for _, name := range p.columns {
		a, err := valueAt(ctx, before, p.before, name)
		if err != nil {
			return "", err
		}
		b, err := valueAt(ctx, after, p.after, name)
		if err != nil {
			return "", err
		}
		changes = append(changes, fmt.Sprintf("%s was %s and is %s", name, ask.show(name, a), ask.show(name, b)))
	}
	return strings.Join(parts, ", ") + ": " + strings.Join(changes, "; "), nil
}

// show is a value as a report may show it: NULL apart, text in quotes.
func (v valued) show(column string, value *string) string {
	if value == nil {
		return "NULL"
	}
	if v.view.Hides(column) {
		return v.mask(column, *value)
	}
	return *value
}

// valueAt is a value as people read it; nil is NULL.
func valueAt(ctx context.Context, s source, at spot, name string) (*string, error) {
	f := s.looked.Survey.Files[at.file]
	c := s.looked.Survey.Schemas[f.Schema].Lookup(name)
	if c == nil {
		return nil, nil
	}
	values, err := survey.Values(ctx, s.reader.Store, f, *c, []int64{at.row}, false)
	if err != nil {
		return nil, err
	}
	if values.Null[0] {
		return nil, nil
	}
	text := values.Texts[0]
	if raw, err := hex.DecodeString(text); err == nil && isText(*c) && utf8.Valid(raw) {
		text = fmt.Sprintf("%q", raw)
	}
	return &text, nil
}

func isText(c facts.Column) bool {
	return !c.Nested && c.Logical != "decimal" && c.Physical == "BYTE_ARRAY"
}

// commonColumns are the columns that both sides have.
func commonColumns(a, b Partition) []string {
	var names []string
	for _, c := range a.Columns {
		if slices.ContainsFunc(b.Columns, func(o ColumnType) bool { return o.Name == c.Name }) {
			names = append(names, c.Name)
		}
	}
	return names
}
