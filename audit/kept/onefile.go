package kept

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
)

// CommitTo finishes the pack as one file, which OpenFile reads: a zip archive of its folder, in which nothing is compressed again. Equal
// tables and notes give equal bytes. What was under the temporary name is removed.
func (w *Writer) CommitTo(out io.Writer, note any) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.finish(note); w.err == nil {
		w.err = archive(w.temporary, out)
	}
	return errors.Join(w.err, os.RemoveAll(w.temporary))
}

// archive writes the files of a folder as one, sorted by name.
func archive(folder string, out io.Writer) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	z := zip.NewWriter(out)
	for _, e := range entries {
		if err := add(z, folder, e.Name()); err != nil {
			return err
		}
	}
	return z.Close()
}

func add(z *zip.Writer, folder, name string) error {
	from, err := os.Open(filepath.Join(folder, name))
	if err != nil {
		return err
	}
	to, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
	if err == nil {
		_, err = io.Copy(to, from)
	}
	return errors.Join(err, from.Close())
}

// OpenFile opens a pack that CommitTo made one file of, in its size in bytes. From must stay readable while the pack is used. A file that is
// none, or is damaged, is a DamagedError.
func OpenFile(name string, from io.ReaderAt, size int64) (*Pack, error) {
	damaged := func(err error) error { return DamagedError{Pack: name, Err: err} }
	z, err := zip.NewReader(from, size)
	if err != nil {
		return nil, damaged(fmt.Errorf("it is no pack (%w)", err))
	}
	find := func(file string) (*checkedFile, error) {
		i := slices.IndexFunc(z.File, func(f *zip.File) bool { return f.Name == file })
		if i < 0 {
			return nil, fmt.Errorf("it has no %s", file)
		}
		f := z.File[i]
		if f.Method != zip.Store {
			return nil, fmt.Errorf("%s is compressed in it: write it again with the tool that made it, or unpack it into a folder", file)
		}
		at, err := f.DataOffset()
		if err != nil || f.UncompressedSize64 > uint64(size) || at > size-int64(f.UncompressedSize64) {
			return nil, fmt.Errorf("%s lies outside of it", file)
		}
		return &checkedFile{name: file, within: from, offset: at, size: int64(f.UncompressedSize64)}, nil
	}
	m, err := find(manifestName)
	if err != nil {
		return nil, damaged(err)
	}
	if m.size > maxManifest {
		return nil, damaged(fmt.Errorf("its manifest takes %d bytes", m.size))
	}
	raw := make([]byte, m.size)
	if n, err := m.readAt(raw, 0); n < len(raw) {
		return nil, damaged(fmt.Errorf("its manifest could not be read (%w)", err))
	}
	return openPack(name, raw, find)
}
