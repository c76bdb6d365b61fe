package verify

import (
	"context"
	"errors"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/internal/stage"
	"github.com/featureaudit/featureaudit/audit/store"
)

// Nearby is a store whose distant files are read through copies of their row groups on this disk, within a limit. A row group that has no
// room there is read from where it lies, in large pieces.
type Nearby struct{ *stage.Stage }

// NewNearby keeps copies in a folder, which take no more than so many bytes. Close gives the disk back.
func NewNearby(st store.Store, dir string, limit int64) Nearby {
	return Nearby{stage.New(st, dir, limit)}
}

// bring makes the copy of a row group, and gives what lets go of it; far says that it has no room.
func (n Nearby) bring(ctx context.Context, s facts.Survey, f facts.File, group int) (release func(), far bool, err error) {
	if group < 0 || !n.Distant(f) {
		return func() {}, false, nil
	}
	order, err := n.Order(ctx, f, s.Schemas[f.Schema].Columns, func(g int) bool { return g == group })
	if err != nil {
		return nil, false, err
	}
	_, release, failed, err := n.Bring(ctx, []*stage.Order{order})
	if errors.As(err, new(stage.SpaceError)) {
		return func() {}, true, nil
	}
	if err == nil && failed[0] != nil {
		release()
		return nil, false, failed[0]
	}
	return release, false, err
}
