package kept

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/klauspost/compress/zstd"
)

// smallPack is the size in bytes up to which a pack of one file is compressed as a whole: the footers of its tables would take more than their
// rows else. It is read into memory then.
const smallPack = 4 << 20

// CommitTo finishes the pack as one file, which OpenFile reads: a tar archive of its folder, compressed with zstd if it is small. Equal tables
// and notes give equal bytes. What was under the temporary name is removed.
func (w *Writer) CommitTo(out io.Writer, note any) error {
	return w.commit("", note, func(temporary string) error { return errors.Join(archive(temporary, out), os.RemoveAll(temporary)) })
}

// archive writes the files of a folder as one, sorted by name.
func archive(folder string, out io.Writer) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	total := int64(0)
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			return err
		}
		total += info.Size()
	}
	if total > smallPack {
		return together(folder, entries, out)
	}
	compressed, err := zstd.NewWriter(out, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return err
	}
	return errors.Join(together(folder, entries, compressed), compressed.Close())
}

func together(folder string, entries []os.DirEntry, out io.Writer) error {
	t := tar.NewWriter(out)
	for _, e := range entries {
		if err := add(t, folder, e); err != nil {
			return err
		}
	}
	return t.Close()
}

func add(t *tar.Writer, folder string, e os.DirEntry) error {
	info, err := e.Info()
	if err != nil {
		return err
	}
	from, err := os.Open(filepath.Join(folder, e.Name()))
	if err != nil {
		return err
	}
	err = t.WriteHeader(&tar.Header{Name: e.Name(), Mode: 0o600, Size: info.Size(), Format: tar.FormatPAX})
	if err == nil {
		_, err = io.Copy(t, from)
	}
	return errors.Join(err, from.Close())
}

// zstdMagic begins what is compressed with zstd.
var zstdMagic = []byte{0x28, 0xb5, 0x2f, 0xfd}

// OpenFile opens a pack that CommitTo made one file of, in its size in bytes. From must stay readable while the pack is used. A file that is
// none, or is damaged, is a DamagedError.
func OpenFile(name string, from io.ReaderAt, size int64) (*Pack, error) {
	damaged := func(err error) error { return DamagedError{Pack: name, Err: err} }
	from, size, err := expanded(from, size)
	if err != nil {
		return nil, damaged(fmt.Errorf("it is no pack (%w)", err))
	}
	files, err := filesOfArchive(from, size)
	if err != nil {
		return nil, damaged(fmt.Errorf("it is no pack (%w)", err))
	}
	return openPack(archived(files), name, &blocks{})
}

// archived is a pack whose files are parts of an archive.
type archived map[string]*io.SectionReader

func (a archived) part(name string) (*io.SectionReader, error) {
	if a[name] == nil {
		return nil, fmt.Errorf("it has no %s", name)
	}
	return a[name], nil
}

func (a archived) manifest(string) ([]byte, error) {
	part, err := a.part(manifestName)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.NewSectionReader(part, 0, min(part.Size(), maxManifest)))
}

func (a archived) size(_, table string) (int64, error) {
	part, err := a.part(table)
	if err != nil {
		return 0, err
	}
	return part.Size(), nil
}

func (a archived) read(_, table string, into []byte, from int64) error {
	part, err := a.part(table)
	if err != nil {
		return err
	}
	n, err := part.ReadAt(into, from)
	if n == len(into) {
		return nil
	}
	return err
}

// expanded is a small archive without its compression, and any other as it is.
func expanded(from io.ReaderAt, size int64) (io.ReaderAt, int64, error) {
	first := make([]byte, len(zstdMagic))
	if _, err := from.ReadAt(first, 0); err != nil || !bytes.Equal(first, zstdMagic) {
		return from, size, err
	}
	stream, err := zstd.NewReader(io.NewSectionReader(from, 0, size), zstd.WithDecoderConcurrency(1))
	if err != nil {
		return nil, 0, err
	}
	defer stream.Close()
	const most = 2 * smallPack // with the archive's own headers
	raw, err := io.ReadAll(io.LimitReader(stream, most+1))
	if err == nil && len(raw) > most {
		err = fmt.Errorf("it expands to more than %d bytes", most)
	}
	return bytes.NewReader(raw), int64(len(raw)), err
}

// filesOfArchive says where the files of an archive lie in it.
func filesOfArchive(from io.ReaderAt, size int64) (map[string]*io.SectionReader, error) {
	section := io.NewSectionReader(from, 0, size)
	t := tar.NewReader(section)
	files := map[string]*io.SectionReader{}
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return files, nil
		}
		if err != nil {
			return nil, err
		}
		at, err := section.Seek(0, io.SeekCurrent)
		if err != nil {
			return nil, err
		}
		if h.Typeflag != tar.TypeReg || h.Size < 0 || at > size-h.Size {
			return nil, fmt.Errorf("%q is no whole file in it", h.Name)
		}
		files[h.Name] = io.NewSectionReader(from, at, h.Size)
	}
}
