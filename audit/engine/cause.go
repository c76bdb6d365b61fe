package engine

// Cause is why what a file holds could not be read. It decides what helps, and whether another try may.
type Cause string

// The causes.
const (
	// CauseBytes: the bytes are not what their own headers say. Only to write the file again helps.
	CauseBytes Cause = "bytes"
	// CauseFeature: valid Parquet in a form that the engine does not read. The same writer would write the same again.
	CauseFeature Cause = "feature"
	// CauseValue: a sound value that the type it is read as cannot hold.
	CauseValue Cause = "value"
	// CauseEncrypted: the engine has no key.
	CauseEncrypted Cause = "encrypted"
	// CausePermission, CauseGone and CauseSystem are what the system said of the file: they may pass.
	CausePermission Cause = "permission"
	CauseGone       Cause = "gone"
	CauseSystem     Cause = "system"
)

// ReadError is a query that failed over the files that it reads.
type ReadError struct {
	Cause Cause
	// Feature names what the engine lacks and Instead what it reads in its place, for CauseFeature.
	Feature, Instead string
	// End is one past the last byte that was asked for where a read came back short, 0 where none did: beyond the end of a
	// file that did not change no other try finds bytes.
	End int64
	Err error
}

func (e ReadError) Error() string { return e.Err.Error() }

// Unwrap gives the cause.
func (e ReadError) Unwrap() error { return e.Err }

// Retryable says that another try may do.
func (e ReadError) Retryable() bool {
	switch e.Cause {
	case CausePermission, CauseGone, CauseSystem:
		return true
	default:
		return false
	}
}
