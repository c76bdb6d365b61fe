package stage

import (
	"os"
	"slices"
	"sync"
)

// spares are the files of copies that were let go of, with what they hold. The next copies are written over it: a page that the system has at
// hand costs a third of one that it has to find, to clear and to give up again.
type spares struct {
	// room is what all together may take, in bytes.
	room int64

	mu    sync.Mutex
	bytes int64
	files []spare
}

// spare is such a file. Beyond the ranges it holds nothing.
type spare struct {
	file   *os.File
	name   string
	size   int64
	ranges []span
}

// A copy of so many ranges is not kept, and no more than so many are.
const (
	mostSpareRanges = 256
	mostSpares      = 64
)

func (s *spare) bytes() int64 { return bytesOf(s.ranges) }

// keep takes a file in, and says whether it did.
func (s *spares) keep(f spare) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bytes+f.bytes() > s.room || len(s.files) == mostSpares || len(f.ranges) > mostSpareRanges {
		return false
	}
	s.bytes += f.bytes()
	s.files = append(s.files, f)
	return true
}

// take gives the file whose size is nearest, emptied but for what the ranges of the next copy will be written over.
func (s *spares) take(size int64, ranges []span) (spare, bool) {
	s.mu.Lock()
	nearest := -1
	for i, f := range s.files {
		if nearest < 0 || distance(f.size, size) < distance(s.files[nearest].size, size) {
			nearest = i
		}
	}
	if nearest < 0 {
		s.mu.Unlock()
		return spare{}, false
	}
	f := s.files[nearest]
	s.files = slices.Delete(s.files, nearest, nearest+1)
	s.mu.Unlock()
	err := f.empty(size, ranges)
	if err != nil {
		_ = f.file.Close() // another is made in its place
	}
	s.mu.Lock()
	s.bytes -= f.bytes()
	s.mu.Unlock()
	return f, err == nil
}

func distance(a, b int64) int64 { return max(a-b, b-a) }

// empty lets go of all that the file holds beyond the ranges, and gives it a size.
func (s *spare) empty(size int64, ranges []span) error {
	if size < s.size {
		if err := s.file.Truncate(size); err != nil {
			return err
		}
	}
	for _, r := range without(s.ranges, ranges) {
		if end := min(r.end, size); r.from < end {
			if err := punch(s.file, r.from, end-r.from); err != nil {
				return err
			}
		}
	}
	return s.file.Truncate(size)
}

// without are the parts of ranges that lie in none of others. Both are in order, and do not overlap among themselves.
func without(ranges, others []span) []span {
	var left []span
	for _, r := range ranges {
		for _, o := range others {
			if o.end <= r.from || r.end <= o.from {
				continue
			}
			if r.from < o.from {
				left = append(left, span{r.from, o.from})
			}
			r.from = min(o.end, r.end)
		}
		if r.from < r.end {
			left = append(left, r)
		}
	}
	return left
}

func bytesOf(ranges []span) int64 {
	bytes := int64(0)
	for _, r := range ranges {
		bytes += r.end - r.from
	}
	return bytes
}

// close gives back what the files take.
func (s *spares) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.files {
		_ = f.file.Close() // it was only read
	}
	s.files, s.bytes = nil, 0
}
