package aside

import (
	"errors"
	"fmt"
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/featureaudit/featureaudit/audit/internal/keys"
)

// restEvery is how often pages that were looked at are let go of again: they are read from the file where they are wanted once more.
const restEvery = 20 * time.Millisecond

// file is a file without a name, and what is mapped of it.
type file struct {
	os *os.File
	// at is where the next text goes, and mapped where the last mapping ends.
	at, mapped int64
	last       []byte
	all        [][]byte
	// seen is how much was looked at since pages were let go of.
	seen int
	stop chan struct{}
	done chan struct{}
}

func (f *file) keep(dir, text string) (string, error) {
	if f.os == nil {
		opened, _, err := keys.Scratch(dir)
		if err != nil {
			return "", err
		}
		f.os, f.stop, f.done = opened, make(chan struct{}), make(chan struct{})
	}
	size := int64(len(text))
	if f.mapped-f.at < size {
		if err := f.grow(size); err != nil {
			return "", err
		}
	}
	// a kernel maps the whole of what was written at once, up to 2 MiB, where one byte of it is looked at
	page := int64(os.Getpagesize())
	for bytes, at := unsafe.Slice(unsafe.StringData(text), len(text)), f.at; len(bytes) > 0; {
		n := min(int64(len(bytes)), page-at%page)
		if _, err := f.os.WriteAt(bytes[:n], at); err != nil {
			return "", keys.SpillError{Err: fmt.Errorf("keep rows in %s: %w: free some space there, or name a larger folder with --temp-dir", dir, err)}
		}
		bytes, at = bytes[n:], at+n
	}
	from := int64(len(f.last)) - (f.mapped - f.at)
	f.at += size
	return unsafe.String(&f.last[from], len(text)), nil
}

// grow maps a piece of the file that has room for so many bytes.
func (f *file) grow(size int64) error {
	page := int64(os.Getpagesize())
	room := (max(size, chunk) + page - 1) / page * page
	if err := f.os.Truncate(f.mapped + room); err != nil {
		return keys.SpillError{Err: fmt.Errorf("keep rows in a file: %w", err)}
	}
	piece, err := unix.Mmap(int(f.os.Fd()), f.mapped, int(room), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return fmt.Errorf("keep rows in a file: map it: %w", err)
	}
	f.at, f.last, f.mapped = f.mapped, piece, f.mapped+room
	f.rest(piece)
	return nil
}

// rest lets go of the pages of a piece again and again, until the file is closed.
func (f *file) rest(piece []byte) {
	f.all = append(f.all, piece)
	stop, done := f.stop, f.done
	_ = unix.Madvise(piece, unix.MADV_RANDOM) // read what is looked at, and not what lies around it
	_ = unix.Madvise(piece, unix.MADV_NOHUGEPAGE)
	go func() {
		for {
			select {
			case <-stop:
				done <- struct{}{}
				return
			case <-time.After(restEvery):
				_ = unix.Madvise(piece, unix.MADV_DONTNEED) // they are as the file has them
			}
		}
	}()
}

// seenBytes is how much is looked at before its pages are let go of, in bytes.
const seenBytes = 16 << 20

// looked says that texts of so many bytes are looked at.
func (f *file) looked(bytes int) {
	if f.seen += max(bytes, aroundBytes); f.seen < seenBytes {
		return
	}
	f.seen = 0
	for _, piece := range f.all {
		_ = unix.Madvise(piece, unix.MADV_DONTNEED)
	}
}

// aroundBytes is what a kernel maps around each page that is looked at.
const aroundBytes = 128 << 10

func (f *file) close() error {
	if f.os == nil {
		return nil
	}
	close(f.stop)
	var errs []error
	for range f.all {
		<-f.done
	}
	for _, piece := range f.all {
		errs = append(errs, unix.Munmap(piece))
	}
	errs = append(errs, f.os.Close())
	*f = file{}
	return errors.Join(errs...)
}
