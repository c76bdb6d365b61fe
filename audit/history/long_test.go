package history_test

import (
	"bytes"
	"fmt"
	"reflect"
	"testing"

	"github.com/featureaudit/featureaudit/audit/history"
	"github.com/featureaudit/featureaudit/audit/report"
)

// longOf is a report with its views and results in compact form.
func longOf(t *testing.T, r report.Report) report.Long {
	t.Helper()
	h := &report.Holder{Keep: func(text string) (string, error) { return text, nil }}
	results, err := h.Hold(r.Results)
	if err != nil {
		t.Fatal(err)
	}
	l := report.Long{Rest: r, Held: results, Holder: h}
	for _, v := range r.Views {
		one, err := h.HoldView(v)
		if err != nil {
			t.Fatal(err)
		}
		l.Views = append(l.Views, one)
	}
	l.Rest.Views, l.Rest.Results = nil, nil
	return l
}

// severalViews is a night of some views, each with the findings of one of its own, and of a result of the whole run.
func severalViews(n int) report.Report {
	r := night(n, report.Fail, nil)
	r.Views, r.Results = nil, []report.Result{{Check: "suppression-unused", Outcome: report.Pass, Severity: report.SeverityWarn, Evidence: report.Certain, Measures: report.Measures{}}}
	for i := range 6 {
		found := map[string]int64{fmt.Sprint("view ", i): int64(5 + n*(i-2)), fmt.Sprint("night ", n, " of ", i): 3}
		if i == 5 {
			for more := range 30 {
				found[fmt.Sprint("more ", more)] = int64(more + 1)
			}
		}
		one := night(n, report.Fail, found)
		name := fmt.Sprint("v", i)
		one.Views[0].Name, one.Views[0].FilesUnread, one.Results[0].View = name, int64(i%2), name
		r.Views, r.Results = append(r.Views, one.Views[0]), append(r.Results, one.Results...)
	}
	r.Summary = r.Summarise()
	return r
}

// TestLongReportsAreToldTheSame compares nights with earlier ones, and holds them against a baseline of which some entries match nothing: a
// report in compact form says what that of values says, all findings by name too, and leaves the same rows.
func TestLongReportsAreToldTheSame(t *testing.T) {
	dir := t.TempDir()
	keep(t, dir, severalViews(0))
	keep(t, dir, severalViews(1))
	past := open(t, dir)
	baseline, _ := baselineOf(t, severalViews(1), "2026-12-24")
	r, l := severalViews(2), longOf(t, severalViews(2))
	applied, err := baseline.Apply(r)
	if err != nil {
		t.Fatal(err)
	}
	want, err := past.Compare(applied)
	if err != nil {
		t.Fatal(err)
	}
	appliedLong, err := baseline.ApplyLong(l)
	if err != nil {
		t.Fatal(err)
	}
	told, err := past.CompareLong(appliedLong)
	if err != nil {
		t.Fatal(err)
	}
	wanted, err := want.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	if err := told.Write(&got); err != nil || !bytes.Equal(got.Bytes(), wanted) {
		t.Errorf("in compact form (%v):\n%s\nas values\n%s", err, got.Bytes(), wanted)
	}
	if want.History.States.New == 0 || want.History.States.Worse == 0 || want.History.States.Resolved == 0 || want.Baseline.Known == 0 || want.Baseline.Unmatched == 0 {
		t.Errorf("%+v, %+v: expected some of each", want.History, want.Baseline)
	}
	if a, b := rowsOf(t, want), rowsOfLong(t, told); !reflect.DeepEqual(a, b) || len(a) < 40 {
		t.Errorf("%d rows of values, %d of the compact form:\n%+v\n%+v", len(a), len(b), a, b)
	}
}

func rowsOf(t *testing.T, r report.Report) []history.Row {
	t.Helper()
	rows, err := history.Rows(r)
	if err != nil {
		t.Fatal(err)
	}
	var all []history.Row
	for row, err := range rows {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, row)
	}
	return all
}

func rowsOfLong(t *testing.T, l report.Long) []history.Row {
	t.Helper()
	rows, err := history.RowsOfLong(l)
	if err != nil {
		t.Fatal(err)
	}
	var all []history.Row
	for row, err := range rows {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, row)
	}
	return all
}
