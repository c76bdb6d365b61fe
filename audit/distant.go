package audit

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/internal/collect"
	"github.com/featureaudit/featureaudit/audit/internal/keys"
	"github.com/featureaudit/featureaudit/audit/internal/reproduce"
	"github.com/featureaudit/featureaudit/audit/internal/stage"
)

// newStage is what distant files are read through: within StageLimit, else a quarter of what is free in the temporary folder. A folder that
// cannot be looked at is told of by whoever has to write there.
func newStage(o Options) *stage.Stage {
	return stage.New(o.Adapters.Store, o.TempDir, StageRoom(o.StageLimit, o.TempDir))
}

// StageRoom is what copies of distant files may take in a folder, in bytes: the limit, and without one, which is 0, a quarter of what is
// free there.
func StageRoom(limit int64, dir string) int64 {
	if free, err := keys.FreeBytes(dir); limit <= 0 && err == nil {
		limit = free / 4
	}
	return limit
}

// staging is a stage as a collector asks for it.
type staging struct{ *stage.Stage }

// Order implements collect.Stage.
func (s staging) Order(ctx context.Context, f facts.File, columns []facts.Column, wanted func(group int) bool) (collect.Order, error) {
	order, err := s.Stage.Order(ctx, f, columns, wanted)
	if err != nil {
		return nil, err
	}
	return order, nil
}

// Bring implements collect.Stage.
func (s staging) Bring(ctx context.Context, orders []collect.Order) ([]string, func(), []error, error) {
	own := make([]*stage.Order, len(orders))
	for i, o := range orders {
		own[i], _ = o.(*stage.Order) // nil stays nil
	}
	return s.Stage.Bring(ctx, own)
}

// nearby gives the SQL that fetches rows of distant files in terms of copies on this disk: whole ones, whose names sort as those of their
// files do, since the SQL orders rows by them. What it gives back removes them.
func (r *run) nearby(ctx context.Context, f reproduce.BadRows) (reproduce.BadRows, func(), error) {
	var names []string
	for abs := range f.Paths {
		if r.stage.AtOnce(abs) > 0 {
			names = append(names, abs)
		}
	}
	if len(names) == 0 || f.SQL == "" {
		return f, func() {}, nil
	}
	slices.Sort(names)
	orders := make([]*stage.Order, len(names))
	for i, abs := range names {
		var err error
		if orders[i], err = r.stage.Whole(ctx, abs, f.Paths[abs]); err != nil {
			return f, nil, err
		}
	}
	copies, release, failed, err := r.stage.Bring(ctx, orders)
	if err != nil {
		return f, nil, err
	}
	folder, err := os.MkdirTemp(r.options.TempDir, "featureaudit-*")
	if err == nil {
		err = errors.Join(failed...)
	}
	remove := func() {
		release()
		_ = os.RemoveAll(folder) // links alone
	}
	paths := make(map[string]string, len(names))
	var replace []string
	for i, abs := range names {
		link := filepath.Join(folder, fmt.Sprintf("%09d", i))
		if err == nil {
			err = os.Symlink(copies[i], link)
		}
		paths[link] = f.Paths[abs]
		for _, quoted := range reproduce.QuotedNames(abs) {
			replace = append(replace, quoted, reproduce.QuotedNames(link)[0])
		}
	}
	if err != nil {
		remove()
		return f, nil, err
	}
	f.SQL, f.Paths = strings.NewReplacer(replace...).Replace(f.SQL), paths
	return f, remove, nil
}
