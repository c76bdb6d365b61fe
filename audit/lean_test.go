package audit

import (
	"errors"
	"fmt"
	"reflect"
	"testing"

	"github.com/featureaudit/featureaudit/audit/report"
)

// TestLeanResultsAreTheSame sets each field of a result that has one by itself: whatever a result says, it says after it was held.
func TestLeanResultsAreTheSame(t *testing.T) {
	plain := report.Result{Check: "stale-rows", View: "clicks", Owner: "ads", Outcome: report.Pass, Severity: report.SeverityError, Evidence: report.Certain, Unit: "rows",
		RowsTotal: 10, Message: "all 10 rows are fresh", Measures: report.Measures{}, Findings: []report.Finding{}}
	want := []report.Result{plain}
	for i := range reflect.TypeFor[report.Result]().NumField() {
		one := plain
		field := reflect.ValueOf(&one).Elem().Field(i)
		switch field.Kind() {
		case reflect.String:
			if name := reflect.TypeFor[report.Result]().Field(i).Name; name != "View" && name != "Owner" {
				field.SetString("another")
			}
		case reflect.Int64:
			field.SetInt(7)
		case reflect.Bool:
			field.SetBool(true)
		case reflect.Pointer:
			field.Set(reflect.New(field.Type().Elem()))
		case reflect.Map:
			field.Set(reflect.MakeMap(field.Type()))
			key, value := reflect.New(field.Type().Key()).Elem(), reflect.New(field.Type().Elem()).Elem()
			key.SetString("n")
			if value.Kind() == reflect.Int64 {
				value.SetInt(3)
			} else {
				value.Set(reflect.ValueOf(int64(3)))
			}
			field.SetMapIndex(key, value)
		case reflect.Slice:
			field.Set(reflect.MakeSlice(field.Type(), 2, 2))
		default:
			t.Fatalf("field %d is of a kind that is not set here", i)
		}
		want = append(want, one)
	}
	var held leanResults
	add(t, &held, want)
	add(t, &held, nil)
	add(t, &held, []report.Result{{Check: "stale-view", View: "b", Outcome: report.NotApplicable, Measures: report.Measures{}, Findings: []report.Finding{}}})
	whole := 0
	for _, one := range held.lists[0].results {
		if one.whole != nil {
			whole++
		}
	}
	got := held.all(1)
	if !reflect.DeepEqual(got[:len(want)], want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	if len(got) != len(want)+1 || got[len(want)].View != "b" || len(held.lists) != 0 {
		t.Errorf("%d results, the last of view %q; %d lists are still held", len(got), got[len(got)-1].View, len(held.lists))
	}
	if whole == 0 || whole > len(want)-12 {
		t.Errorf("%d of %d results are kept whole, expected those alone that say more", whole, len(want))
	}
}

func add(t *testing.T, l *leanResults, results []report.Result) {
	t.Helper()
	if err := l.add(report.View{Name: "clicks"}, results); err != nil {
		t.Fatal(err)
	}
}

// TestLargeResultsAreHeldInCompactForm adds results with findings until they are large: all of them are texts then, those that were added
// before too, and as results they are what they were. Where texts cannot be kept, nothing is lost and the error says so.
func TestLargeResultsAreHeldInCompactForm(t *testing.T) {
	full := errors.New("full")
	for _, c := range []struct {
		name string
		err  error
	}{{name: "kept"}, {"a full disk", full}} {
		t.Run(c.name, func(t *testing.T) {
			var kept []string
			l := leanResults{holdAbove: 156_000, keep: func(text string) (string, error) {
				kept = append(kept, text)
				return text, c.err
			}}
			var want []report.Result
			var views []report.View
			for i := range 50 {
				bad := report.Result{Check: "stale-rows", View: fmt.Sprint("v", i), Outcome: report.Fail, Measures: report.Measures{"n": int64(i)}, Reproduce: "SELECT 1",
					Findings: []report.Finding{{Message: "one"}}, FindingsTotal: 1}
				good := report.Result{Check: "stale-view", View: bad.View, Outcome: report.Pass, Measures: report.Measures{}, Findings: []report.Finding{}}
				want = append(want, bad, good)
				view := report.View{Name: bad.View, Outcome: report.Fail, Rows: int64(i), OpenPartitions: []string{}, Notes: []string{}, SourceLagSeconds: map[string]report.Lag{}}
				view.Definition.Entity, view.Definition.Key, view.Definition.Origins = []string{}, []string{}, map[string]string{"ttl": "default"}
				views = append(views, view)
				err := l.add(view, []report.Result{bad, good})
				if !errors.Is(err, c.err) && !(err == nil && l.held == nil) {
					t.Fatal(err)
				}
				if values := l.held == nil; values != (i < 23) { // each counts 6,711 bytes
					t.Fatalf("%d views: held as values: %v", i+1, values)
				}
			}
			if err := l.add(report.View{Name: "of no check"}, nil); !errors.Is(err, c.err) || len(l.heldViews) != 51 {
				t.Errorf("a view of which nothing was judged: %d views (%v)", len(l.heldViews), err)
			}
			if len(kept) != 101 || len(l.lists) > 0 || len(l.viewed) > 0 || l.number > 0 {
				t.Errorf("%d texts, %d lists, %d views as values; want two texts of each of 50 views and one of another, and no value", len(kept), len(l.lists), len(l.viewed))
			}
			for i, want := range views {
				if got, err := l.heldViews[i].View(); err != nil || !reflect.DeepEqual(got, want) {
					t.Errorf("got %+v (%v)\nwant %+v", got, err, want)
				}
			}
			for i, h := range l.held {
				got, err := h.Result()
				if err != nil || !reflect.DeepEqual(got, want[i]) {
					t.Errorf("got %+v (%v)\nwant %+v", got, err, want[i])
				}
			}
		})
	}
}
