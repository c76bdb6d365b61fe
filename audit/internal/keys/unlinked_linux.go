package keys

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// openWithoutName opens a file that never has a name (O_TMPFILE, open(2)): not even a kill at the wrong moment leaves it
// behind. Where the file system cannot do that, it is unlinked as soon as it is open.
func openUnlinkedFile(dir string) (*os.File, error) {
	fd, err := unix.Open(dir, unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, 0o600)
	if err == nil {
		return os.NewFile(uintptr(fd), dir+"/featureaudit-runs"), nil
	}
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.EISDIR) || errors.Is(err, unix.ENOENT) && exists(dir) {
		return openUnlinked(dir)
	}
	return nil, &os.PathError{Op: "open", Path: dir, Err: err}
}

func exists(dir string) bool {
	_, err := os.Stat(dir)
	return err == nil
}
