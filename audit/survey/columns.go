package survey

import (
	"errors"
	"io/fs"
	"syscall"

	"github.com/apache/arrow/go/v17/parquet/file"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/store"
)

// OpenColumns opens a file of a known size for its columns, whatever logical types it has.
func OpenColumns(object store.Object, size int64) (*file.Reader, error) {
	return openColumns(object, size)
}

// SystemProblem is what the system said of a file, where an error is of the system.
func SystemProblem(err error) (*facts.Problem, bool) {
	var path *fs.PathError
	var number syscall.Errno
	if !errors.As(err, &path) && !errors.As(err, &number) && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission) {
		return nil, false
	}
	return openProblem(err), true
}
