package collect

import (
	"maps"
	"slices"
	"sync"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/internal/keys"
	"github.com/featureaudit/featureaudit/audit/kept"
)

// The tables of settled entities: those of many files together, with the newest event of each.
var (
	settledTable     = kept.Table{Name: kept.SettledName, Dense: true, Columns: kept.Integers("entity", "newest_us")}
	wideSettledTable = kept.Table{Name: kept.WideSettledName, Dense: true, Columns: kept.Integers("entity_low", "entity_high", "newest_us")}
)

// settled are the entities of files that change no more, added up over all of them: of this run's files for the next one, and of the last
// one's for this, which then reads the entities of none of these. Files that are read each night, since their partition is open, are kept
// apart from them. A nil one does nothing.
type settled struct {
	c *collector
	// name is that of the view's list; covered are the files that the last list covers, and last is where it is.
	name    string
	covered map[int32]bool
	last    *kept.Settled

	mu sync.Mutex
	// apart are the entities of files that are not kept; nil for none.
	apart *keys.Newest
	// files are those that the next list covers, and ranges where it is.
	files  map[int32]bool
	ranges []kept.Range
	// waiting are entities of the next list by worker.
	waiting []capturedEntities
}

// The next list is made where it has at most so many times fewer entities than the files have that no list covers, each counted once for
// every file: a list takes little beside what they take, and it is not made anew each night. Those told by hashes take more.
const (
	settledShare     = 8
	settledAgain     = 4
	wideSettledShare = 16
)

// settledRows is how many entities are handed over at once.
const settledRows = 1 << 16

// recallSettled finds the files that the last list covers: all that it speaks of are there and known.
func (c *collector) recallSettled() {
	if !c.roles.wants.Has(facts.WantEntities) {
		return
	}
	s := &settled{c: c, name: digestOf([]any{kept.SettledName, c.listName()})}
	c.settled = s
	last, err := c.request.Kept.Settled(s.name)
	if err != nil || last == nil || len(last.Covered) == 0 {
		_ = c.forgotten(err) // the pack is named, and each file is asked
		return
	}
	byPath := map[string]int32{}
	for id, known := range c.known {
		byPath[known.Path] = id
	}
	covered := map[int32]bool{}
	for i := range last.Covered {
		id, ok := byPath[last.Covered[i].Path]
		if !ok || !last.Covers(i, c.known[id]) {
			return
		}
		covered[id] = true
	}
	s.covered, s.last = covered, last
}

// covers says that a file's entities are in the last list.
func (s *settled) covers(id int32) bool { return s != nil && s.covered[id] }

// parts are the ranges of the last list.
func (s *settled) parts() []kept.Range {
	if s == nil || s.last == nil || s.c.newest == nil {
		return nil
	}
	return s.last.At[s.table().Name]
}

func (s *settled) table() kept.Table {
	return chosen(s.c.newest.Wide(), wideSettledTable, settledTable)
}

// keepsApart says of a file that its entities are kept apart, since it is not kept: it may change.
func (s *settled) keepsApart(file *facts.File) bool { return s != nil && s.c.open(file) }

// newestApart is where such entities are.
func (s *settled) newestApart() *keys.Newest {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.apart == nil {
		s.apart = s.c.newNewest()
	}
	return s.apart
}

// prepare says whether the entities of all files that are kept make the next list.
func (s *settled) prepare(workers int) bool {
	if s == nil || s.c.request.Kept.Failed() {
		return false
	}
	files, rows := map[int32]bool{}, int64(0)
	bySource := s.c.slicesByFile()
	var fresh []*capture
	for id, captured := range s.c.captures {
		file := &s.c.survey.Files[id]
		if _, failed := s.c.unread[id]; failed || s.c.open(file) {
			continue
		}
		if _, ok := s.c.keepable(file, captured, bySource[id]); !ok {
			return false
		}
		files[id] = true
		fresh = append(fresh, captured)
		rows += file.Rows
	}
	for id, known := range s.c.known {
		files[id] = true
		if !s.covered[id] {
			rows += keptEntities(known)
		}
	}
	share := int64(settledShare)
	switch {
	case s.c.newest.Wide():
		share = wideSettledShare
	case s.last != nil:
		share = settledAgain
	}
	entities := s.c.newest.Entries()
	if entities == 0 || entities*share > rows {
		return false
	}
	for _, captured := range fresh { // of which rows are an upper bound
		captured.writing.Wait()
		rows -= s.c.survey.Files[captured.file].Rows
		for _, at := range captured.entityRanges {
			rows += at.Count
		}
	}
	if entities*share > rows {
		return false
	}
	s.files, s.waiting = files, make([]capturedEntities, workers)
	return true
}

func keptEntities(known *kept.File) int64 {
	count := int64(0)
	for _, table := range []kept.Table{entitiesTable, wideEntitiesTable} {
		for _, at := range known.At[table.Name] {
			count += at.Count
		}
	}
	return count
}

// take takes an entity for the next list.
func (s *settled) take(worker int, id keys.EntityID, newest int64) {
	w := &s.waiting[worker]
	w.low, w.newest = append(w.low, int64(id.Lo)), append(w.newest, newest)
	if s.c.newest.Wide() {
		w.high = append(w.high, int64(id.Hi))
	}
	if len(w.low) >= settledRows {
		s.hand(w)
	}
}

// hand has entities written.
func (s *settled) hand(w *capturedEntities) {
	if len(w.low) == 0 {
		return
	}
	rows := kept.Rows{w.low, w.newest}
	if s.c.newest.Wide() {
		rows = kept.Rows{w.low, w.high, w.newest}
	}
	at := s.c.request.Kept.Append(s.table(), rows)
	w.low, w.high, w.newest = w.low[:0], w.high[:0], w.newest[:0]
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ranges = append(s.ranges, at)
}

// end hands over what waits.
func (s *settled) end() {
	if s == nil {
		return
	}
	for i := range s.waiting {
		s.hand(&s.waiting[i])
	}
	s.waiting = nil
}

// remember keeps the next list, if all files are kept whose entities it has.
func (s *settled) remember(remembered []rememberedFile) {
	if s == nil || s.files == nil {
		return
	}
	var covered []kept.File
	for _, id := range slices.Sorted(maps.Keys(s.c.known)) {
		covered = append(covered, *s.c.known[id])
	}
	for _, file := range remembered {
		if !s.files[file.ID] {
			return
		}
		covered = append(covered, file.identity())
	}
	if len(covered) != len(s.files) {
		return
	}
	s.c.request.Kept.SetSettled(s.name, covered, map[string][]kept.Range{s.table().Name: s.ranges})
}
