package verify

import (
	"cmp"
	"context"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"sync"
	"unicode/utf8"

	"github.com/featureaudit/featureaudit/audit/content"
	"github.com/featureaudit/featureaudit/audit/export"
	"github.com/featureaudit/featureaudit/audit/survey"
)

// changeColumn is what the values of a listed row say first: what became of its key or entity.
const changeColumn = "audited_change"

// The changes that rows are listed for, in the order that they are listed in.
const (
	keyMissing    = "key missing"
	keyExtra      = "key extra"
	keyBefore     = "key changed: before"
	keyAfter      = "key changed: after"
	entityMissing = "entity missing"
	entityNew     = "entity new"
)

// sought are rows that are looked for by the hash of their key, of their entity, or of all of them.
type sought struct {
	change string
	hashOf func(b content.Block, row int) uint64
	hashes map[uint64]bool
}

// lister lists the rows of keys and entities that are missing, extra or changed.
type lister struct {
	view          *comparedView
	before, after source
	keyed         bool
	limit         int

	rows []export.Row
	cut  bool
}

// list lists rows of the partitions that were compared by key, as many as there is room for: first entities, then keys that are missing or extra,
// then those that changed; each in the order of the partitions.
func (l *lister) list(ctx context.Context, mask func(s source, columns []string, values []*string) (string, error), changes []*Change) error {
	byKey := func(b content.Block, row int) uint64 { return b.Names[0][row].Lo }
	if !l.keyed {
		byKey = func(b content.Block, row int) uint64 { return b.Rows[row].Lo }
	}
	byEntity := func(b content.Block, row int) uint64 { return b.Names[1][row].Lo }
	both := func(c *Change, before, after sought) error {
		if err := l.find(ctx, mask, l.before, c, c.Before, []sought{before}); err != nil {
			return err
		}
		return l.find(ctx, mask, l.after, c, c.After, []sought{after})
	}
	// a backfill may change every key of its range: what is missing comes first, so that the limit cuts off what changed
	if e := l.view.entities; e != nil {
		lost, added := sought{entityMissing, byEntity, setOf(e.lost)}, sought{entityNew, byEntity, setOf(e.added)}
		for _, c := range changes {
			if !c.InRange {
				continue
			}
			if err := both(c, lost, added); err != nil {
				return err
			}
		}
	}
	for _, c := range changes {
		if r := c.Rows; r != nil {
			if err := both(c, sought{keyMissing, byKey, setOf(r.lost)}, sought{keyExtra, byKey, setOf(r.added)}); err != nil {
				return err
			}
		}
	}
	for _, c := range changes {
		if r := c.Rows; r != nil {
			changed := slices.Sorted(maps.Keys(r.changed))
			if err := both(c, sought{keyBefore, byKey, setOf(changed)}, sought{keyAfter, byKey, setOf(changed)}); err != nil {
				return err
			}
		}
	}
	return nil
}

func setOf(hashes []uint64) map[uint64]bool {
	set := make(map[uint64]bool, len(hashes))
	for _, h := range hashes {
		set[h] = true
	}
	return set
}

// find adds the first row of each hash that is sought in a partition of one side, and takes entities off the list that it found.
func (l *lister) find(ctx context.Context, mask func(source, []string, []*string) (string, error), from source, c *Change, in *Partition, all []sought) error {
	all = slices.DeleteFunc(all, func(s sought) bool { return len(s.hashes) == 0 })
	if from.looked == nil || in == nil || len(all) == 0 {
		return nil
	}
	if l.limit <= len(l.rows) {
		l.cut = true
		return nil
	}
	type of struct {
		at   int
		hash uint64
	}
	first := map[of]spot{}
	var mu sync.Mutex
	o := from.reader.order(from.looked, in.ids, content.Ask{Rows: true, Names: names(from.looked.Definition.Key, from.looked.Definition.Entity)})
	o.Each = func(b content.Block) error {
		mu.Lock()
		defer mu.Unlock()
		for row := range b.Rows {
			if b.Gone != nil && b.Gone[row] {
				continue
			}
			for at, s := range all {
				h := s.hashOf(b, row)
				if !s.hashes[h] {
					continue
				}
				here := spot{b.File, b.First + int64(row)}
				if was, seen := first[of{at, h}]; !seen || here.compare(was) < 0 {
					first[of{at, h}] = here
				}
			}
		}
		return nil
	}
	_, unread, err := content.Read(ctx, o)
	if err != nil {
		return err
	}
	for _, problem := range unread {
		return problemError{problem.Message}
	}
	for at, s := range all {
		var spots []spot
		for found, here := range first {
			if found.at != at {
				continue
			}
			spots = append(spots, here)
			if s.change == entityMissing || s.change == entityNew {
				delete(s.hashes, found.hash) // one row of it is enough
			}
		}
		slices.SortFunc(spots, spot.compare)
		if room := max(l.limit-len(l.rows), 0); len(spots) > room {
			spots, l.cut = spots[:room], true
		}
		if err := l.add(ctx, mask, from, c, s.change, spots); err != nil {
			return err
		}
	}
	return nil
}

func (s spot) compare(o spot) int {
	return cmp.Or(cmp.Compare(s.file, o.file), cmp.Compare(s.row, o.row))
}

// add adds rows with their values.
func (l *lister) add(ctx context.Context, mask func(source, []string, []*string) (string, error), from source, c *Change, change string, spots []spot) error {
	check := "backfill-isolated"
	if c.InRange {
		check = "backfill-complete"
	}
	d := from.looked.Definition
	columns := []string{changeColumn}
	for _, name := range slices.Concat(d.Key, d.Entity, []string{d.EventTime, d.IngestedAt}) {
		if name != "" && !slices.Contains(columns, name) {
			columns = append(columns, name)
		}
	}
	for len(spots) > 0 {
		n := 1
		for n < len(spots) && spots[n].file == spots[0].file {
			n++
		}
		values, err := valuesOf(ctx, from, spots[:n], columns[1:])
		if err != nil {
			return err
		}
		for i, at := range spots[:n] {
			text, err := mask(from, columns, append([]*string{&change}, values[i]...))
			if err != nil {
				return err
			}
			l.rows = append(l.rows, export.Row{View: l.view.after.Name, Check: check, File: from.looked.Survey.Files[at.file].Abs, RowNumber: at.row, Values: text})
		}
		spots = spots[n:]
	}
	return nil
}

// valuesOf are the values of columns in some rows of one file, as people read them; nil is NULL.
func valuesOf(ctx context.Context, from source, spots []spot, columns []string) ([][]*string, error) {
	f := from.looked.Survey.Files[spots[0].file]
	numbers := make([]int64, len(spots))
	rows := make([][]*string, len(spots))
	for i, at := range spots {
		numbers[i], rows[i] = at.row, make([]*string, len(columns))
	}
	for at, name := range columns {
		c := from.looked.Survey.Schemas[f.Schema].Lookup(name)
		if c == nil {
			continue
		}
		values, err := survey.Values(ctx, from.reader.Store, f, *c, numbers, false)
		if err != nil {
			return nil, fmt.Errorf("read %s of %s: %w", name, f.Path, err)
		}
		for i, text := range values.Texts {
			if values.Null[i] {
				continue
			}
			if raw, err := hex.DecodeString(text); err == nil && isText(*c) && utf8.Valid(raw) {
				text = string(raw)
			}
			rows[i][at] = &text
		}
	}
	return rows, nil
}
