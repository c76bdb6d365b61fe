package render_test

import (
	"bytes"
	"cmp"
	"slices"
	"testing"

	"github.com/featureaudit/featureaudit/audit/render"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/fixtures/reports"
)

// held is a report with its views and results in compact form.
func held(t *testing.T, r report.Report) report.Long {
	t.Helper()
	h := &report.Holder{Keep: func(text string) (string, error) { return text, nil }}
	results, err := h.Hold(r.Results)
	if err != nil {
		t.Fatal(err)
	}
	long := report.Long{Rest: r, Held: results}
	for _, v := range r.Views {
		one, err := h.HoldView(v)
		if err != nil {
			t.Fatal(err)
		}
		long.Views = append(long.Views, one)
	}
	long.Rest.Views, long.Rest.Results = nil, nil
	return long
}

// TestFormatsOfALongReportAreTheSame writes every format of reports whose views and results are held in compact form, a view at a time or made
// values again: the bytes are those of the values, hostile names and what earlier runs say among them.
func TestFormatsOfALongReportAreTheSame(t *testing.T) {
	all := map[string]report.Report{"large": reports.Large(40, 20, 300), "few": reports.Large(3, 2, 20), "clean": reports.Large(12, 0, 0), "hostile": reports.Hostile(),
		"remembered": reports.Remembered(), "incident": incident()}
	for name, r := range all {
		r.Execution.FinishedAt = r.AsOf
		r.Views, r.Results = slices.Clone(r.Views), slices.Clone(r.Results) // in the order of a document, as those of a run are
		slices.SortFunc(r.Views, func(a, b report.View) int { return cmp.Compare(a.Name, b.Name) })
		slices.SortFunc(r.Results, func(a, b report.Result) int {
			return cmp.Or(cmp.Compare(a.View, b.View), cmp.Compare(a.Check, b.Check))
		})
		long := held(t, r)
		whole, err := long.Whole()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range render.Formats() {
			if f.Report == nil {
				continue
			}
			for _, o := range []render.Options{{Whole: true}, {Words: catalogue, Width: 60, Color: true}} {
				var want, got, streamed bytes.Buffer
				wantErr, gotErr := f.Report(&want, r, o), f.Report(&got, whole, o)
				if wantErr != nil || gotErr != nil || !bytes.Equal(want.Bytes(), got.Bytes()) {
					t.Errorf("%s of %s (%v, %v):\n%.2000s\nwant\n%.2000s", f.Name, name, wantErr, gotErr, got.Bytes(), want.Bytes())
				}
				if f.Long == nil {
					continue
				}
				long.Rest.ID = whole.ID
				if f.Name == "json" {
					id, err := r.Digest()
					if err != nil {
						t.Fatal(err)
					}
					long.Rest.ID = id // as that of values is, which may not be the fixture's
				}
				if err := f.Long(&streamed, long, o); err != nil || !bytes.Equal(want.Bytes(), streamed.Bytes()) {
					t.Errorf("%s of %s, a view at a time (%v):\n%.2000s\nwant\n%.2000s", f.Name, name, err, streamed.Bytes(), want.Bytes())
				}
			}
		}
	}
}
