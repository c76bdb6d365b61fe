package load

import (
	"errors"
	"io/fs"
)

// wrong is an error of the reference or of the definitions themselves: another try cannot help.
type wrong struct{ error }

func (w wrong) Unwrap() error { return w.error }

// missing is an error of a reference that names nothing.
type missing struct{ error }

func (m missing) Unwrap() error { return m.error }

// Missing says whether an error of Definitions is that nothing stands where the reference points.
func Missing(err error) bool {
	var m missing
	return errors.As(err, &m)
}

// Retryable says whether another try may cure an error of Definitions: the disk or the network failed, and not the
// definitions.
func Retryable(err error) bool {
	var w wrong
	if errors.As(err, &w) || errors.Is(err, fs.ErrNotExist) {
		return false
	}
	var r interface{ Retryable() bool }
	if errors.As(err, &r) {
		return r.Retryable()
	}
	var p *fs.PathError
	return errors.As(err, &p)
}
