package render

import (
	"io"

	"github.com/featureaudit/featureaudit/audit/contract"
	"github.com/featureaudit/featureaudit/audit/report"
)

// Flagd writes the verdicts as a flagd flag file, which consumers assert by.
func Flagd(w io.Writer, r report.Report, _ Options) error {
	raw, err := contract.FlagFile(r)
	if err != nil {
		return err
	}
	_, err = w.Write(raw)
	return err
}
