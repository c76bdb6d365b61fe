package render_test

import (
	"bytes"
	"testing"

	"github.com/featureaudit/featureaudit/audit/render"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/fixtures/reports"
)

// TestFormatsOfALongReportAreTheSame writes every format of reports whose results were held in compact form: what is made of these again is
// written as the results themselves are, hostile names and what earlier runs say among them.
func TestFormatsOfALongReportAreTheSame(t *testing.T) {
	for name, r := range map[string]report.Report{"large": reports.Large(40, 20, 300), "hostile": reports.Hostile(), "remembered": reports.Remembered()} {
		r.Execution.FinishedAt = r.AsOf
		held, err := (&report.Holder{Keep: func(text string) (string, error) { return text, nil }}).Hold(r.Results)
		if err != nil {
			t.Fatal(err)
		}
		long := report.Long{Rest: r, Held: held}
		long.Rest.Results = nil
		whole, err := long.Whole()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range render.Formats() {
			if f.Report == nil {
				continue
			}
			var want, got bytes.Buffer
			wantErr, gotErr := f.Report(&want, r, render.Options{Whole: true}), f.Report(&got, whole, render.Options{Whole: true})
			if wantErr != nil || gotErr != nil || !bytes.Equal(want.Bytes(), got.Bytes()) {
				t.Errorf("%s of %s (%v, %v):\n%.2000s\nwant\n%.2000s", f.Name, name, wantErr, gotErr, got.Bytes(), want.Bytes())
			}
		}
	}
}
