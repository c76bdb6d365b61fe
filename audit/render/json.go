package render

import (
	"io"

	"github.com/featureaudit/featureaudit/audit/report"
)

// JSON writes the report document itself, indented, with a final newline. Its id is that of what is written: a report of
// another release, read and written again, may have lost fields that this one does not know.
func JSON(w io.Writer, r report.Report, _ Options) error {
	id, err := r.Digest()
	if err != nil {
		return err
	}
	r.ID = id
	return r.Write(w)
}

// JSONOfLong is JSON of a long report, whose id is that of what is written.
func JSONOfLong(w io.Writer, l report.Long, _ Options) error { return l.Write(w) }
