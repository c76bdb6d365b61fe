package kept

import (
	"context"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
)

// Packs are merged where there are more than fewPacks, mergedAtOnce or more neighbours at once, and those that take least. Larger ones
// than mostMerged together stay as they are until there are manyPacks: what is copied once should not be copied every few nights.
const (
	fewPacks     = 16
	mergedAtOnce = 8
	manyPacks    = 48
	mostMerged   = 256 << 20
)

// Tidy keeps packs few, whatever the number of runs: packs that newer ones replace altogether are removed, and neighbours are copied into
// one, whose manifest comes last, before they are. A run that is killed meanwhile leaves a pack more, which says what the others say; one
// that reads meanwhile reads the data of what it finds gone. What cannot be merged stays, and the error says why; a cancelled context is
// none.
func (d *Dir) Tidy(ctx context.Context, by string) error {
	if d.Failed() {
		return nil
	}
	err := Folder{d.place}.tidy(ctx, by, d.corrects)
	if err == nil || context.Cause(ctx) != nil {
		return nil
	}
	return fmt.Errorf("facts %s: packs were not merged: %w", d.place.text(), err)
}

// tidy looks at few packs too where one was added that corrects others: what it replaces altogether would count again without it.
func (f Folder) tidy(ctx context.Context, by string, corrects bool) error {
	for ; ; corrects = false {
		names, err := f.place.packs(packsFolder)
		if err != nil || len(names) <= fewPacks && !corrects {
			return err
		}
		merged, err := f.tidyOnce(ctx, by)
		if err != nil || !merged {
			return err
		}
	}
}

// tidyOnce says whether packs were merged.
func (f Folder) tidyOnce(ctx context.Context, by string) (bool, error) {
	all, err := f.Take(ctx)
	if err != nil {
		return false, err
	}
	all = slices.DeleteFunc(all, func(s Stock) bool { return !strings.HasPrefix(s.Name, packsFolder+"/") })
	distrusted, needed := distrustedOf(all), map[*File]bool{}
	for _, file := range withoutOutrun(Latest(all)) {
		needed[file] = true
	}
	trusted := func(s Stock) bool { return s.Damage == nil && s.pack.number() > distrusted }
	sound := slices.DeleteFunc(slices.Clone(all), func(s Stock) bool { return !trusted(s) })
	lists, err := neededLists(sound, needed)
	if err != nil {
		if f.gone(sound) {
			return false, nil
		}
		return false, err
	}
	var left, replaced []Stock
	for _, s := range all {
		if trusted(s) && !holds(lists, s) && !slices.ContainsFunc(s.Files, func(file *File) bool { return needed[file] }) {
			replaced = append(replaced, s)
			continue
		}
		left = append(left, s)
	}
	if err := f.remove(replaced); err != nil {
		return false, err
	}
	if len(left) <= fewPacks {
		return false, nil
	}
	window := cheapest(left, trusted)
	if len(window) == 0 {
		return false, nil
	}
	maps.DeleteFunc(lists, func(_ string, l listed) bool {
		return !slices.ContainsFunc(window, func(s Stock) bool { return s.pack == l.pack })
	})
	if _, err := f.merge(ctx, window, needed, lists, by); err != nil {
		if f.gone(window) {
			return false, nil // another run has merged them
		}
		return false, err
	}
	return true, f.remove(window)
}

// gone says that one of the packs is not there any more.
func (f Folder) gone(packs []Stock) bool {
	names, err := f.place.packs(packsFolder)
	return err == nil && slices.ContainsFunc(packs, func(s Stock) bool { return !slices.Contains(names, path.Base(s.Name)) })
}

func (f Folder) remove(packs []Stock) error {
	for _, s := range packs {
		if err := removePack(f.place, path.Base(s.Name)); err != nil {
			return err
		}
	}
	return nil
}

// cheapest are neighbours that may be merged: as many as leave few packs, or mergedAtOnce where these take too much. There are none where
// packs that are not trusted lie between, for what is older than one of them may not become newer.
func cheapest(packs []Stock, trusted func(Stock) bool) []Stock {
	for _, length := range []int{len(packs) - fewPacks + mergedAtOnce - 1, mergedAtOnce} {
		var best []Stock
		least := int64(-1)
		for from := 0; from+length <= len(packs); from++ {
			window := packs[from : from+length]
			if total := bytesOf(window); (least < 0 || total < least) && !slices.ContainsFunc(window, func(s Stock) bool { return !trusted(s) }) {
				best, least = window, total
			}
		}
		if best != nil && (least <= mostMerged || len(packs) > manyPacks && length == mergedAtOnce) {
			return best
		}
	}
	return nil
}

func bytesOf(packs []Stock) int64 {
	total := int64(0)
	for _, s := range packs {
		total += s.Bytes
	}
	return total
}
