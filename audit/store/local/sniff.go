package local

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"

	"github.com/featureaudit/featureaudit/audit/store"
)

// openRegular opens a regular file and nothing else, without waiting: a pipe would wait for its other end for ever.
func openRegular(abs string) (*os.File, error) {
	file, err := os.OpenFile(abs, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is no regular file", abs)
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}

// special names what is no regular file.
func special(mode fs.FileMode) string {
	switch {
	case mode&fs.ModeNamedPipe != 0:
		return store.IgnoredPipe
	case mode&fs.ModeSocket != 0:
		return store.IgnoredSocket
	case mode&fs.ModeDevice != 0:
		return store.IgnoredDevice
	}
	return store.IgnoredOther
}

// formats are the first bytes of other formats.
var formats = [...]struct{ magic, name string }{
	{"ORC", "ORC"}, {"Obj\x01", "Avro"}, {"ARRO", "Arrow IPC"}, {"\x1f\x8b", "gzip"}, {"PK\x03\x04", "zip"}, {"\x28\xb5\x2f\xfd", "zstd"}, {"SQLi", "SQLite"}, {"BZh", "bzip2"},
}

// textFormats are endings of formats without first bytes of their own.
var textFormats = [...]struct{ ending, name string }{{".csv", "CSV"}, {".tsv", "CSV"}, {".json", "JSON"}, {".jsonl", "JSON"}, {".ndjson", "JSON"}}

// sniff says by a file's first bytes whether it is Parquet, and else what it is. Empty means that it may not be looked at,
// or is gone: who reads it says so.
func sniff(abs, name string) (parquet bool, reason string) {
	file, err := openRegular(abs)
	if err != nil {
		return true, ""
	}
	defer file.Close()
	head := make([]byte, 4)
	n, err := io.ReadFull(file, head)
	switch {
	case errors.Is(err, io.EOF):
		return false, store.IgnoredEmpty
	case err != nil && !errors.Is(err, io.ErrUnexpectedEOF):
		return true, ""
	}
	text := string(head[:n])
	if text == "PAR1" || text == "PARE" {
		return true, ""
	}
	for _, f := range formats {
		if strings.HasPrefix(text, f.magic) {
			return false, f.name
		}
	}
	for _, f := range textFormats {
		if strings.HasSuffix(strings.ToLower(name), f.ending) {
			return false, f.name
		}
	}
	return false, store.IgnoredOther
}
