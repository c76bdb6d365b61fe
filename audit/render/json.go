package render

import (
	"io"

	"github.com/featureaudit/featureaudit/audit/report"
)

// JSON writes the report document itself, indented, with a final newline.
func JSON(w io.Writer, r report.Report, _ Options) error {
	raw, err := r.Marshal()
	if err != nil {
		return err
	}
	_, err = w.Write(raw)
	return err
}
