package audit

import (
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
	held.add(want)
	held.add(nil)
	held.add([]report.Result{{Check: "stale-view", View: "b", Outcome: report.NotApplicable, Measures: report.Measures{}, Findings: []report.Finding{}}})
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
