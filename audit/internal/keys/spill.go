package keys

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"unsafe"
)

// Budget is the memory that runs may hold before they spill, and the file that they spill to. The file has no name,
// so that nothing is left behind however the process ends. A Budget is safe for concurrent use.
type Budget struct {
	limit int64
	dir   string
	held  atomic.Int64

	mu      sync.Mutex
	file    *os.File
	written int64
}

// NewBudget allows runs to hold limit bytes; what is more goes to a file in dir.
func NewBudget(limit int64, dir string) *Budget { return &Budget{limit: limit, dir: dir} }

// SpilledBytes is how much was written so far.
func (b *Budget) SpilledBytes() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.written
}

// Close gives the spill file's space back.
func (b *Budget) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.file == nil {
		return nil
	}
	err := b.file.Close()
	b.file = nil
	return err
}

// SpillError is a spill file that could not be written or read back.
type SpillError struct{ Err error }

func (e SpillError) Error() string { return e.Err.Error() }

// Unwrap gives the cause.
func (e SpillError) Unwrap() error { return e.Err }

// Retryable says that another try, with more room, may do.
func (e SpillError) Retryable() bool { return true }

func (b *Budget) exceeded() bool { return b.held.Load() > b.limit }

// extent is a run of 64-bit words in the spill file.
type extent struct {
	offset int64
	words  int
}

func (b *Budget) write(words []uint64) (extent, error) {
	file, offset, err := b.reserve(int64(len(words)) * 8)
	if err != nil {
		return extent{}, err
	}
	if _, err := file.WriteAt(bytesOf(words), offset); err != nil {
		return extent{}, SpillError{fmt.Errorf("spill to %s: %w: free some space there, or name a larger folder with --temp-dir", b.dir, err)}
	}
	return extent{offset: offset, words: len(words)}, nil
}

func (b *Budget) reserve(size int64) (*os.File, int64, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.file == nil {
		file, err := openUnlinkedFile(b.dir)
		if err != nil {
			return nil, 0, SpillError{fmt.Errorf("open a spill file in %s: %w: name a writable folder with --temp-dir", b.dir, err)}
		}
		b.file = file
	}
	offset := b.written
	b.written += size
	return b.file, offset, nil
}

// openUnlinked opens a file and takes its name away.
func openUnlinked(dir string) (*os.File, error) {
	file, err := os.CreateTemp(dir, "featureaudit-runs-*")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(file.Name()); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// Scratch opens a file in dir that has no name there, and gives one by which this process can open it again: nothing is left behind
// however the process ends.
func Scratch(dir string) (*os.File, string, error) {
	file, err := openUnlinkedFile(dir)
	if err != nil {
		return nil, "", SpillError{fmt.Errorf("open a file in %s: %w: name a writable folder with --temp-dir", dir, err)}
	}
	name := fmt.Sprintf("/dev/fd/%d", file.Fd())
	if _, err := os.Stat(name); err != nil {
		return nil, "", errors.Join(err, file.Close())
	}
	return file, name, nil
}

func (b *Budget) read(e extent, into []uint64) ([]uint64, error) {
	start := len(into)
	into = append(into, make([]uint64, e.words)...)
	if _, err := b.file.ReadAt(bytesOf(into[start:]), e.offset); err != nil {
		return nil, fmt.Errorf("read the spill file in %s back: %w", b.dir, err)
	}
	return into, nil
}

func bytesOf(words []uint64) []byte {
	if len(words) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(&words[0])), len(words)*8)
}

// FreeBytes is the space that an unprivileged process may still use in dir.
func FreeBytes(dir string) (int64, error) {
	var stat syscall.Statfs_t
	if err := syscall.Statfs(dir, &stat); err != nil {
		return 0, fmt.Errorf("free space of %s: %w", dir, err)
	}
	return int64(stat.Bavail) * stat.Bsize, nil
}
