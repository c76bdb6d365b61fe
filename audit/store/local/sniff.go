package local

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"

	"github.com/featureaudit/featureaudit/audit/store"
	"github.com/featureaudit/featureaudit/audit/store/internal/glob"
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
	reason = glob.Reading(string(head[:n]), name)
	return reason == "", reason
}
