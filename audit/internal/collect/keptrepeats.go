package collect

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/internal/keys"
	"github.com/featureaudit/featureaudit/audit/kept"
)

// repeats are the rows whose hashes repeat, of this run for the next one, and of the last one for this: among files that the last list
// covers no hash is compared again, and of new files each is looked for in theirs. A nil one does nothing.
type repeats struct {
	name string
	// whole says that every row of a repeated hash was noted.
	whole bool
	noted []keys.Entry
	// covered are known files whose keys are in no run; listed are their rows in the last list, by ordinal.
	covered map[int32]bool
	listed  []keys.Entry
	// keys are how many keys the covered files have, and added how many of them are in the runs for they may repeat.
	keys, added int64
}

// A row of the list takes 7 to 8 bytes. Where they are more than a share of all rows, and a few for each file, none are kept: keys and list would
// take more than 8 bytes for each row.
const (
	notedShare = 8
	notedLeast = 128
)

// The most that is noted, and the most new keys that are looked for in those of covered files.
const (
	maxNoted = 8 << 20
	maxFresh = 4 << 20
)

// rowsOf are the rows of covered files.
func (r *repeats) rowsOf(c *collector) int64 {
	rows := int64(0)
	if r != nil {
		for id := range r.covered {
			rows += c.survey.Files[id].Rows
		}
	}
	return rows
}

// apart is how many keys there are that are in no run.
func (r *repeats) apart() int64 {
	if r == nil {
		return 0
	}
	return r.keys - r.added
}

func (r *repeats) note(candidates []keys.Entry) {
	if r == nil || !r.whole {
		return
	}
	r.noted = append(r.noted, candidates...)
	if len(r.noted) > maxNoted {
		r.giveUp()
	}
}

// giveUp leaves the next run to compare all.
func (r *repeats) giveUp() {
	if r != nil {
		r.whole, r.noted = false, nil
	}
}

// listName is the name of the view's list: that of its policy and its paths.
func (c *collector) listName() string {
	v := c.roles.view
	paths := []string{c.policy, v.Root, v.Path}
	for _, s := range v.Sources {
		paths = append(paths, s.Path)
	}
	return digestOf(paths)
}

// recallRepeats finds the files that the last list covers, where that is most of what is looked at.
func (c *collector) recallRepeats() {
	if !c.narrow() || !c.roles.wants.Has(facts.WantKeys) || len(c.known) == 0 {
		return
	}
	list, err := c.request.Kept.List(c.repeats.name)
	if err != nil || list == nil {
		_ = c.forgotten(err) // the pack is named, and all is compared
		return
	}
	byPath := map[string]int32{}
	for id, known := range c.known {
		byPath[known.Path] = id
	}
	covered, numbers := map[int32]bool{}, make([]int32, len(list.Covered))
	for i := range list.Covered {
		numbers[i] = noFile
		if id, ok := byPath[list.Covered[i].Path]; ok && list.Covers(i, c.known[id]) {
			numbers[i], covered[id] = id, true
		}
	}
	fresh, old := int64(0), int64(0)
	for i := range c.survey.Files {
		switch file := &c.survey.Files[i]; {
		case covered[file.ID]:
			old += file.Rows
		case c.wanted(file):
			fresh += file.Rows
		}
	}
	if fresh > maxFresh || fresh > old {
		return
	}
	c.repeats.covered = covered
	for i, file := range list.Files {
		id := numbers[file]
		if id == noFile {
			continue
		}
		if list.Rows[i] < 0 || list.Rows[i] >= c.survey.Files[id].Rows {
			c.repeats.covered, c.repeats.listed = nil, nil
			return
		}
		c.repeats.listed = append(c.repeats.listed, keys.Entry{Hash: uint64(list.Hashes[i]) << keptHashShift, Ordinal: c.bases[id] + list.Rows[i]})
	}
}

// joinRepeats adds those keys of covered files to the runs that repeat among themselves or may repeat one in the runs: the runs then have
// every row of every hash that repeats.
func (c *collector) joinRepeats(ctx context.Context, ids []int32) error {
	if c.runs == nil || len(c.repeats.covered) == 0 {
		return nil
	}
	set, err := c.runs.HashSet(c.request.Workers)
	if err != nil {
		return err
	}
	found := c.repeats.listed
	var mu sync.Mutex
	err = c.eachFile(ctx, slices.DeleteFunc(slices.Clone(ids), func(id int32) bool { return !c.repeats.covered[id] }), func(id int32) error {
		entries, count, err := c.sharedKeys(&c.survey.Files[id], c.known[id], set)
		mu.Lock()
		defer mu.Unlock()
		found, c.repeats.keys = append(found, entries...), c.repeats.keys+count
		return err
	})
	if err != nil {
		return c.forgotten(err)
	}
	slices.SortFunc(found, func(a, b keys.Entry) int { return cmp.Compare(a.Ordinal, b.Ordinal) })
	found = slices.CompactFunc(found, func(a, b keys.Entry) bool { return a.Ordinal == b.Ordinal })
	c.repeats.added, c.repeats.listed = int64(len(found)), nil
	w := c.runs.NewWriter()
	for _, e := range found {
		if err := w.Add(e.Hash, uint64(e.Ordinal), 0, 0); err != nil {
			return err
		}
	}
	return w.Flush()
}

// sharedKeys are the keys of a known file whose hashes are in a set, and how many keys it has in all.
func (c *collector) sharedKeys(file *facts.File, known *kept.File, set *keys.HashSet) (entries []keys.Entry, count int64, err error) {
	room := c.spares.takeRoom()
	defer c.spares.rooms.Put(room)
	for _, at := range known.At[keysTable.Name] {
		r := rangeOf{known.Pack(), keysTable, at, nil}
		hashes := r.into(&room[0], "hash")
		shared := set.Shared(nil, hashes, 0)
		count += at.Count
		if len(shared) == 0 {
			if r.err != nil {
				return nil, 0, r.err
			}
			continue
		}
		rows := r.into(&room[1], "row")
		if r.err != nil {
			return nil, 0, r.err
		}
		for _, i := range shared {
			if rows[i] < 0 || rows[i] >= file.Rows {
				return nil, 0, damaged(known, "a key in row %d of %d", rows[i], file.Rows)
			}
			entries = append(entries, keys.Entry{Hash: uint64(hashes[i]) << keptHashShift, Ordinal: c.bases[file.ID] + rows[i]})
		}
	}
	return entries, count, c.wholeKeys(file, known, count)
}

// rememberRepeats keeps the list for the next run: of the files that are known now.
func (c *collector) rememberRepeats(remembered []rememberedFile) {
	r := c.repeats
	if !r.whole || c.runs == nil || !c.narrow() || !c.runs.Whole() {
		return
	}
	if len(remembered) == 0 && len(r.covered) == len(c.known) {
		return // the last list says it all
	}
	rows := int64(0)
	for id := range c.known {
		rows += c.survey.Files[id].Rows
	}
	for _, file := range remembered {
		rows += file.Rows
	}
	if most := rows/notedShare + notedLeast*int64(len(c.known)+len(remembered)); int64(len(r.noted)) > most {
		return
	}
	list, numbers := kept.List{}, map[int32]int64{}
	for _, id := range slices.Sorted(maps.Keys(c.known)) {
		numbers[id] = int64(len(list.Covered))
		list.Covered = append(list.Covered, *c.known[id])
	}
	for _, file := range remembered {
		numbers[file.ID] = int64(len(list.Covered))
		list.Covered = append(list.Covered, file.identity())
	}
	for _, e := range r.noted {
		id := c.fileOf(e.Ordinal)
		if number, ok := numbers[id]; ok {
			list.Files, list.Hashes, list.Rows = append(list.Files, number), append(list.Hashes, int64(e.Hash>>keptHashShift)), append(list.Rows, e.Ordinal-c.bases[id])
		}
	}
	c.request.Kept.SetList(r.name, list)
}
