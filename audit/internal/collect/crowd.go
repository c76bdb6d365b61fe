package collect

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"math/bits"
	"slices"
	"sync"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/internal/keys"
	"github.com/featureaudit/featureaudit/audit/times"
)

// crowdOf is a crowd of entries that are held already.
func crowdOf(entries []keys.Entry) keys.Crowd {
	return keys.Crowd{Hash: entries[0].Hash, Each: func(each func(keys.Entry)) error {
		for _, e := range entries {
			each(e)
		}
		return nil
	}}
}

// rowBits are the rows of a view that are asked for, as a bit each.
type rowBits struct {
	first int64 // the ordinal of the first bit
	words []uint64
}

// next is the first ordinal from one on that is asked for, or -1.
func (r rowBits) next(ordinal int64) int64 {
	at := max(ordinal-r.first, 0)
	for word := at >> 6; word < int64(len(r.words)); word++ {
		left := r.words[word]
		if word == at>>6 {
			left &= ^uint64(0) << (at & 63)
		}
		if left != 0 {
			return r.first + word<<6 + int64(bits.TrailingZeros64(left))
		}
	}
	return -1
}

// end is the ordinal after the last bit.
func (r rowBits) end() int64 { return r.first + int64(len(r.words))<<6 }

// crowd judges the keys of a hash of so many rows that they are not held: each is read, folded and forgotten.
func (v *verifier) crowd(ctx context.Context, crowd keys.Crowd) error {
	for picking := true; ; picking = false {
		fold := &crowdFold{v: v, keys: map[string]*crowdKey{}}
		err := v.foldCrowd(ctx, crowd, fold, picking)
		if picking && errors.Is(err, errPick) {
			continue // rows were folded already: once more, file by file
		}
		if err != nil {
			return err
		}
		fold.finish()
		return nil
	}
}

// errPick says that a query of several files failed, so that it is not known which of them did.
var errPick = errors.New("files of a crowd could not be read together")

// crowdWindow is the ordinals of rows whose bits are held at once: an eighth of the memory of runs.
func (v *verifier) crowdWindow() int64 {
	if v.c.request.PortionRows > 0 {
		return max(int64(v.c.request.PortionRows), 1) << 6
	}
	return max(v.c.request.RunMemory>>6, 1<<10) << 6
}

// rowFold takes rows one by one, from any goroutine.
type rowFold interface{ add(row keys.Row) }

func (v *verifier) foldCrowd(ctx context.Context, crowd keys.Crowd, fold rowFold, picking bool) error {
	least, most := int64(-1), int64(-1)
	err := crowd.Each(func(e keys.Entry) {
		if least < 0 || e.Ordinal < least {
			least = e.Ordinal
		}
		most = max(most, e.Ordinal)
	})
	if err != nil {
		return err
	}
	window := min(v.crowdWindow(), (most-least)>>6<<6+64)
	rows := rowBits{words: make([]uint64, window>>6)}
	for rows.first = least; rows.first <= most; rows.first += window {
		clear(rows.words)
		err := crowd.Each(func(e keys.Entry) {
			if at := e.Ordinal - rows.first; at >= 0 && at < window {
				rows.words[at>>6] |= 1 << (at & 63)
			}
		})
		if err != nil {
			return err
		}
		if err := v.fetchTargets(ctx, v.crowdTargets(crowd.Hash, rows, fold), picking); err != nil {
			return err
		}
	}
	return nil
}

// crowdTargets are the files of the rows.
func (v *verifier) crowdTargets(hash uint64, rows rowBits, fold rowFold) []target {
	var targets []target
	for ordinal := rows.next(rows.first); ordinal >= 0; {
		id := v.c.fileOf(ordinal)
		targets = append(targets, target{file: v.c.survey.Files[id], crowd: &crowdTarget{hash: hash, base: v.c.bases[id], end: v.c.bases[id+1], rows: rows, fold: fold}})
		ordinal = rows.next(v.c.bases[id+1])
	}
	return targets
}

// crowdTarget is a file's share of a crowd. Its row numbers are counted from base, which is an ordinal, as end is.
type crowdTarget struct {
	hash      uint64
	base, end int64
	rows      rowBits
	fold      rowFold
}

// next is the first row number from one on that is asked for, or -1.
func (t *crowdTarget) next(number int64) int64 {
	if t.base+number >= t.rows.end() {
		return -1
	}
	ordinal := t.rows.next(t.base + number)
	if ordinal < 0 || ordinal >= t.end {
		return -1
	}
	return ordinal - t.base
}

// count is how many rows are asked for.
func (t *crowdTarget) count() int {
	count := 0
	for number := t.next(0); number >= 0; number = t.next(number + 1) {
		count++
	}
	return count
}

// chunk is a target of at most so many rows from a number on, whose rows are folded once they are filled; its numbers are empty
// at the end.
func (t *crowdTarget) chunk(file facts.File, number int64, most int) target {
	var numbers []int64
	for number = t.next(number); number >= 0 && len(numbers) < most; number = t.next(number + 1) {
		numbers = append(numbers, number)
	}
	rows := make([]keys.Row, len(numbers))
	chunk := target{file: file, numbers: numbers, rows: make([]*keys.Row, len(numbers))}
	for i, number := range numbers {
		rows[i] = keys.Row{Hash: t.hash, File: file.ID, Number: number}
		chunk.rows[i] = &rows[i]
	}
	chunk.filled = func() {
		for _, row := range rows {
			t.fold.add(row)
		}
	}
	return chunk
}

// crowdFold is what is known of the keys of a crowd: mostly there is one.
type crowdFold struct {
	v    *verifier
	mu   sync.Mutex
	keys map[string]*crowdKey
}

type crowdKey struct {
	key     string
	rows    int64
	inRange bool
	// few are the rows while they may be copies of each other.
	few    []keys.Row
	groups map[uint64]*crowdGroup
}

// crowdGroup is what is known of the rows of a once_per group.
type crowdGroup struct {
	fold    *keys.Fold
	inRange bool
	surplus map[facts.Population]int64
	spread  spread
	sources map[string]int
	// kept are the first rows for export, without what is not known before the end.
	kept []facts.DuplicateRow
}

// add takes a row. It is safe for concurrent use.
func (c *crowdFold) add(row keys.Row) {
	c.mu.Lock()
	defer c.mu.Unlock()
	v := c.v
	k := c.keys[row.Key]
	if k == nil {
		k = &crowdKey{key: row.Key, groups: map[uint64]*crowdGroup{}}
		c.keys[row.Key] = k
	}
	row.Key = k.key // one text for all of them
	k.rows++
	k.inRange = k.inRange || v.rowInRange(row)
	if k.few = append(k.few, row); k.rows > maxTwinRows {
		k.few = nil
	}
	id := uint64(0)
	if v.grouping != nil {
		id = v.grouping(row.File, v.code(row.Source))
	}
	g := k.groups[id]
	if g == nil {
		g = &crowdGroup{fold: v.classes.NewFold(v.order, v.rowInRange), surplus: map[facts.Population]int64{}, sources: map[string]int{}}
		k.groups[id] = g
		if v.placeless {
			g.fold.Placeless(v.orderButPlace)
		}
	}
	g.add(v, row)
}

func (g *crowdGroup) add(v *verifier, row keys.Row) {
	g.inRange = g.inRange || v.rowInRange(row)
	g.spread.add(v, row)
	g.sources[row.Source]++
	if surplus, is := g.fold.Add(row); is {
		v.addSurplus(g.surplus, surplus)
	}
	limit := v.c.request.RowsLimit
	if limit == 0 {
		return
	}
	g.kept = append(g.kept, facts.DuplicateRow{File: row.File, Row: row.Number, EventTime: times.Instant(row.Event), Ingested: times.Instant(row.Ingested), Source: row.Source})
	if len(g.kept) > limit+max(limit/4, keptSlack) {
		slices.SortFunc(g.kept, v.compareKept)
		g.kept = g.kept[:limit]
	}
}

// finish judges the keys, as the verifier judges those whose rows it holds.
func (c *crowdFold) finish() {
	for _, key := range sortedKeys(c.keys) {
		c.v.crowdKey(c.keys[key])
	}
}

func (v *verifier) crowdKey(k *crowdKey) {
	if k.inRange && k.rows <= maxTwinRows {
		slices.SortFunc(k.few, v.order)
		v.twins.addKey(k.few)
	}
	if v.grouping != nil {
		switch {
		case !k.inRange:
		case len(k.groups) > 1:
			v.total.PairedKeys++
		default:
			v.total.UnpairedKeys++
		}
	}
	var repeated []*crowdGroup
	for _, id := range sortedKeys(k.groups) {
		if g := k.groups[id]; g.fold.Rows() > 1 && g.inRange {
			repeated = append(repeated, g)
		}
	}
	if len(repeated) > 0 {
		v.countCrowd(k.key, repeated)
	}
}

// countCrowd adds a repeated key, as count does.
func (v *verifier) countCrowd(key string, groups []*crowdGroup) {
	judged, all, counts := newCombined(), spread{}, map[string]int{}
	for _, g := range groups {
		verdict := g.fold.Verdict()
		judged.add(verdict)
		v.total.MaxMultiplicity = max(v.total.MaxMultiplicity, g.fold.Rows())
		v.countPlaces(g.surplus, verdict.Class)
		all.merge(v, g.spread)
		for source, rows := range g.sources {
			counts[source] += rows
		}
	}
	v.conclude(judged)
	v.countScope(all)
	v.writers(counts, judged.class)
	parts, columns := keyParts(key), v.columns.Set(maps.Keys(judged.differs))
	keep := v.keptOnce(&parts)
	for _, g := range groups {
		v.total.RowsTotalRepeated += g.fold.Rows()
		first := g.fold.Kept()
		for _, row := range g.kept {
			row.Key, row.Class, row.Differs = parts, judged.class, columns
			row.Kept = row.File == first.File && row.Row == first.Number
			v.keepRow(row, keep)
		}
		v.cutKept()
	}
}

// merge adds what another says.
func (s *spread) merge(v *verifier, o spread) {
	s.add(v, o.first)
	s.sources, s.parts, s.files = s.sources || o.sources, s.parts || o.parts, s.files || o.files
}

// errTooLarge says that rows took more memory than they may: fewer are read at once then.
var errTooLarge = errors.New("rows take more memory than they may")

// fetchHalves fetches the rows of candidates, and judges them. Where they turn out to be too large, they are halved.
func (v *verifier) fetchHalves(ctx context.Context, candidates []keys.Entry) error {
	rows, err := v.fetch(ctx, candidates, v.most)
	if !errors.Is(err, errTooLarge) {
		if err == nil {
			v.hashes(rows)
		}
		return err
	}
	v.limit = max(min(v.limit, len(candidates)/2), leastPortion) // the next ones are as large, probably
	middle := candidates[len(candidates)/2].Hash
	cut, _ := slices.BinarySearchFunc(candidates, middle, func(e keys.Entry, hash uint64) int { return cmp.Compare(e.Hash, hash) })
	if cut == 0 { // the first hash reaches over the middle
		for cut < len(candidates) && candidates[cut].Hash == middle {
			cut++
		}
	}
	if cut == len(candidates) {
		return v.crowd(ctx, crowdOf(candidates))
	}
	if err := v.fetchHalves(ctx, candidates[:cut]); err != nil {
		return err
	}
	return v.fetchHalves(ctx, candidates[cut:])
}
