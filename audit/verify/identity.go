package verify

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"github.com/featureaudit/featureaudit/audit/content"
)

// Row tells a row apart: 64 bits each of the hashes of its key, of all of it, and of its entity.
type Row struct{ Key, Row, Entity uint64 }

// rowBytes is what a Row takes in memory.
const rowBytes = 24

func (r Row) compare(o Row) int {
	return cmp.Or(cmp.Compare(r.Key, o.Key), cmp.Compare(r.Row, o.Row), cmp.Compare(r.Entity, o.Entity))
}

// names are the lists of columns that name rows of a view: its key and its entity.
func names(key, entity []string) [][]string { return [][]string{key, entity} }

// part is one of several passes over rows: of the keys that fall to it, and of the entities that do.
type part struct{ number, of uint64 }

func (p part) takes(hash uint64) bool { return p.of <= 1 || hash%p.of == p.number }

// holds says whether a row is wanted for its key, its entity, or itself.
func (p part) holds(r Row) bool { return p.takes(r.Key) || p.takes(r.Entity) || p.takes(r.Row) }

// rows reads the rows of files that fall to a part, sorted.
func (r Reader) rows(ctx context.Context, v *Looked, ids []int32, p part) ([]Row, error) {
	var mu sync.Mutex
	var rows []Row
	o := r.order(v, ids, content.Ask{Rows: true, Names: names(v.Definition.Key, v.Definition.Entity)})
	o.Each = func(b content.Block) error {
		mu.Lock()
		defer mu.Unlock()
		for i, row := range b.Rows {
			if b.Gone != nil && b.Gone[i] {
				continue
			}
			one := Row{b.Names[0][i].Lo, row.Lo, b.Names[1][i].Lo}
			if p.holds(one) {
				rows = append(rows, one)
			}
		}
		return nil
	}
	_, unread, err := content.Read(ctx, o)
	if err != nil {
		return nil, err
	}
	for _, problem := range unread {
		return nil, problemError{problem.Message}
	}
	slices.SortFunc(rows, Row.compare)
	return rows, nil
}

// problemError is a file that could be read before and cannot be now.
type problemError struct{ string }

func (e problemError) Error() string { return e.string }
