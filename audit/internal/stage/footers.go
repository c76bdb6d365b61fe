package stage

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"sync"

	"github.com/featureaudit/featureaudit/audit/internal/keys"
	"github.com/featureaudit/featureaudit/audit/store"
)

// footers are the ends of files, kept in one file on this disk: the survey has read them, and copies are made by them.
type footers struct {
	dir   string
	limit int64

	mu     sync.Mutex
	file   *os.File
	end    int64
	places map[string]footerPlace
}

// footerPlace is where the last bytes of a file are kept, and the store's mark of the version that they are of.
type footerPlace struct {
	at, size int64
	mark     string
}

func (f *footers) close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.file == nil {
		return nil
	}
	clear(f.places)
	return f.file.Close()
}

// keep keeps the last bytes of a file while there is room. What is not kept is read again.
func (f *footers) keep(name, mark string, bytes []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	size := int64(len(bytes))
	if before, known := f.places[name]; known && before.mark == mark && before.size >= size || f.end+size > f.limit {
		return
	}
	if f.file == nil {
		file, _, err := keys.Scratch(f.dir)
		if err != nil {
			f.limit = 0
			return
		}
		f.file = file
	}
	if _, err := f.file.WriteAt(bytes, f.end); err != nil {
		f.limit = 0 // a full disk is told by who cannot do without it
		return
	}
	f.places[name] = footerPlace{at: f.end, size: size, mark: mark}
	f.end += size
}

// forget lets go of what is kept of another version of a file than that of the mark.
func (f *footers) forget(name, mark string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.places[name].mark != mark || mark == "" {
		delete(f.places, name)
	}
}

// place is that of a version of a file.
func (f *footers) place(name, mark string) footerPlace {
	f.mu.Lock()
	defer f.mu.Unlock()
	if place := f.places[name]; place.mark == mark {
		return place
	}
	return footerPlace{}
}

// read reads the range that begins so far before the end of the version of a file, if it is kept.
func (f *footers) read(name, mark string, p []byte, before int64) bool {
	place := f.place(name, mark)
	if before > place.size || int64(len(p)) > before {
		return false
	}
	n, err := f.file.ReadAt(p, place.at+place.size-before)
	return err == nil && n == len(p)
}

// Footer is the end of a file as it was read under the store's mark, if it is on this disk and whole: its metadata with the eight bytes after it.
func (s *Stage) Footer(abs, mark string) []byte {
	tail := make([]byte, s.footers.place(abs, mark).size)
	if len(tail) < 8 || !s.footers.read(abs, mark, tail, int64(len(tail))) {
		return nil
	}
	length := int64(binary.LittleEndian.Uint32(tail[len(tail)-8:])) + 8
	if length > int64(len(tail)) {
		return nil
	}
	return tail[int64(len(tail))-length:]
}

// Recall puts the end of a file on this disk, as an earlier run has read it under the store's mark.
func (s *Stage) Recall(abs, mark string, footer []byte) { s.footers.keep(abs, mark, footer) }

// Stat asks for the present state of a file. What is kept of another version is let go.
func (s *Stage) Stat(ctx context.Context, abs string) (store.Entry, error) {
	e, err := s.Store.Stat(ctx, abs)
	s.footers.forget(abs, e.ETag)
	return e, err
}

// Open opens a file that is read from what is on this disk as far as it is there.
func (s *Stage) Open(ctx context.Context, abs string) (store.Object, error) {
	beneath, err := s.Store.Open(ctx, abs)
	if err != nil || s.AtOnce(abs) == 0 {
		return beneath, err
	}
	size, sized := beneath.(interface{ Size() int64 })
	if !sized {
		return beneath, nil
	}
	mark := ""
	if marked, is := beneath.(interface{ Mark() string }); is {
		mark = marked.Mark()
	}
	return &overlay{Object: beneath, stage: s, abs: abs, mark: mark, size: size.Size()}, nil
}

// overlay is a distant file with what is on this disk of it.
type overlay struct {
	store.Object
	stage *Stage
	abs   string
	// mark is the store's own of the version.
	mark string
	size int64
}

// Size is that of the file.
func (o *overlay) Size() int64 { return o.size }

// AtHand is how many of the last bytes of the file are on this disk.
func (o *overlay) AtHand() int64 { return o.stage.footers.place(o.abs, o.mark).size }

// ReadAt implements io.ReaderAt.
func (o *overlay) ReadAt(p []byte, at int64) (int, error) {
	if want := min(int64(len(p)), o.size-at); want > 0 && (o.stage.footers.read(o.abs, o.mark, p[:want], o.size-at) || o.stage.copied(o.abs, p[:want], at)) {
		if want < int64(len(p)) {
			return int(want), io.EOF
		}
		return int(want), nil
	}
	n, err := o.Object.ReadAt(p, at)
	if (err == nil || errors.Is(err, io.EOF)) && at+int64(n) == o.size {
		o.stage.footers.keep(o.abs, o.mark, footerOf(p[:n], o.size))
	}
	return n, err
}

// Fetch implements store.Fetcher.
func (o *overlay) Fetch(from, size int64, to io.Writer) error {
	if from+size == o.size && size <= o.AtHand() {
		p := make([]byte, size)
		if o.stage.footers.read(o.abs, o.mark, p, size) {
			_, err := to.Write(p)
			return err
		}
	}
	if f, ok := o.Object.(store.Fetcher); ok {
		return f.Fetch(from, size, to)
	}
	_, err := io.Copy(to, io.NewSectionReader(o.Object, from, size))
	return err
}

// footerOf is what is worth keeping of the last bytes of a file: all of a small file, else the footer, nothing where it is not whole.
func footerOf(tail []byte, size int64) []byte {
	if int64(len(tail)) == size || len(tail) < 8 {
		return tail
	}
	length := int64(binary.LittleEndian.Uint32(tail[len(tail)-8:])) + 8
	if length > int64(len(tail)) {
		return nil
	}
	return tail[int64(len(tail))-length:]
}
