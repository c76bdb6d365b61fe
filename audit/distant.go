package audit

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
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
	if o.StageShared {
		return stage.NewBeside(o.Adapters.Store, o.TempDir, StageRoom(o.StageLimit, o.TempDir))
	}
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

// nearby gives the SQL that fetches rows in terms of files on this disk, whose names sort as those of the files do, since the SQL orders
// rows by them: whole copies of distant files, and copies in small row groups of files that Values name, where copied says so. What it gives
// back removes them.
func (r *run) nearby(ctx context.Context, f reproduce.BadRows, copied func(facts.File) bool) (reproduce.BadRows, func(), error) {
	var repaged map[string]collect.Repaged
	if f.Values != nil && copied != nil {
		repaged = r.inSmallGroups(ctx, f.Values, copied)
	}
	var names, distant []string
	for abs := range f.Paths {
		names = append(names, abs)
		if _, here := repaged[abs]; !here && r.stage.AtOnce(abs) > 0 {
			distant = append(distant, abs)
		}
	}
	if len(distant)+len(repaged) == 0 || f.SQL == "" {
		return f, func() {}, nil
	}
	slices.Sort(names)
	slices.Sort(distant)
	place, release, err := r.whole(ctx, f, distant)
	if err != nil {
		closeAll(repaged)
		return f, nil, err
	}
	folder, err := os.MkdirTemp(r.options.TempDir, "featureaudit-*")
	remove := func() {
		release()
		closeAll(repaged)
		_ = os.RemoveAll(folder) // links alone
	}
	links, paths := make(map[string]string, len(names)), make(map[string]string, len(names))
	var replace []string
	for i, abs := range names {
		links[abs] = filepath.Join(folder, fmt.Sprintf("%09d", i))
		to := cmp.Or(repaged[abs].Name, place[abs], abs)
		if err == nil {
			err = os.Symlink(to, links[abs])
		}
		paths[links[abs]] = f.Paths[abs]
		for _, quoted := range reproduce.QuotedNames(abs) {
			replace = append(replace, quoted, reproduce.QuotedNames(links[abs])[0])
		}
	}
	if err != nil {
		remove()
		return f, nil, err
	}
	replacer := strings.NewReplacer(replace...)
	f.SQL, f.Paths = replacer.Replace(f.SQL), paths
	if f.Values != nil {
		f.Values = f.Values.Renamed(links, replacer.Replace)
	}
	return f, remove, nil
}

// whole brings distant files here, and gives where they are, by their names.
func (r *run) whole(ctx context.Context, f reproduce.BadRows, distant []string) (place map[string]string, release func(), err error) {
	if len(distant) == 0 {
		return nil, func() {}, nil
	}
	orders := make([]*stage.Order, len(distant))
	for i, abs := range distant {
		if orders[i], err = r.stage.Whole(ctx, abs, f.Paths[abs]); err != nil {
			return nil, nil, err
		}
	}
	copies, release, failed, err := r.stage.Bring(ctx, orders)
	if err != nil {
		return nil, nil, err
	}
	if err := errors.Join(failed...); err != nil {
		release()
		return nil, nil, err
	}
	place = make(map[string]string, len(distant))
	for i, abs := range distant {
		place[abs] = copies[i]
	}
	return place, release, nil
}

// inSmallGroups copies files in small row groups, as far as there is room, and gives the copies by the files' names. A file that cannot be
// copied is read as it is.
func (r *run) inSmallGroups(ctx context.Context, v *reproduce.ValuesSQL, copied func(facts.File) bool) map[string]collect.Repaged {
	collector := collect.Collector{Store: r.stage}
	repaged := map[string]collect.Repaged{}
	for _, f := range v.Files {
		if !copied(*f) || ctx.Err() != nil {
			continue
		}
		if one, err := collector.Repage(ctx, r.looker.Room, *f, v.Wanted); err == nil {
			repaged[f.Abs] = one
		}
	}
	debug.FreeOSMemory() // the engine needs at once what the pages took
	return repaged
}

func closeAll(repaged map[string]collect.Repaged) {
	for _, one := range repaged {
		one.Close()
	}
}
