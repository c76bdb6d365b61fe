package report

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

func here(text string) (string, error) { return text, nil }

// held is a report with its results in compact form.
func held(t *testing.T, r Report) Long {
	t.Helper()
	h := &Holder{Keep: here}
	results, err := h.Hold(r.Results)
	if err != nil {
		t.Fatal(err)
	}
	l := Long{Rest: r, Held: results}
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

// TestLongReportIsTheSameDocument writes documents whose results are held in compact form: they are those of the results as values, and so
// are their ids and summaries, and what is made of them again.
func TestLongReportIsTheSameDocument(t *testing.T) {
	for name, r := range map[string]Report{"several": several(), "many": many(), "none": {Results: []Result{}}} {
		l := held(t, r)
		want, err := r.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		whole, err := l.Whole()
		if err != nil {
			t.Fatal(err)
		}
		again, err := whole.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		var got bytes.Buffer
		if err := l.Write(&got); err != nil || !bytes.Equal(got.Bytes(), want) || !bytes.Equal(again, want) {
			t.Errorf("%s: written (%v)\n%s\nof what was made of it again\n%s\nwant\n%s", name, err, got.Bytes(), again, want)
		}
		id, err := l.Digest()
		if err != nil {
			t.Fatal(err)
		}
		if wanted, err := r.Digest(); id != wanted || err != nil {
			t.Errorf("%s: id %s, want %s (%v)", name, id, wanted, err)
		}
		if l.Summarise() != r.Summarise() {
			t.Errorf("%s: summary %+v, want %+v", name, l.Summarise(), r.Summarise())
		}
	}
}

// TestHeldResultsAreTheSame sets each field of a result by itself, and those of findings, and finds them again. Texts that are no UTF-8, which
// JSON does not have, are among them.
func TestHeldResultsAreTheSame(t *testing.T) {
	plain := Result{Check: "stale-rows", View: "clicks", Outcome: Fail, Severity: SeverityWarn, Measures: Measures{}, Findings: []Finding{}}
	want := []Result{plain}
	for i := range reflect.TypeFor[Result]().NumField() {
		one := plain
		switch field := reflect.ValueOf(&one).Elem().Field(i); field.Kind() {
		case reflect.String:
			field.SetString("another <&>\u2028")
		case reflect.Int64:
			field.SetInt(7)
		case reflect.Bool:
			field.SetBool(true)
		case reflect.Pointer:
			field.Set(reflect.New(field.Type().Elem()))
		case reflect.Slice:
			field.Set(reflect.MakeSlice(field.Type(), 2, 2))
		}
		want = append(want, one)
	}
	finding := Finding{Subject: Subject{File: "a\"b", Column: "c"}, Message: "m", Measures: Measures{"n": int64(3), "share": 0.25, "list": []any{int64(1), "x"}}, Fingerprint: "f", LastRowsBad: []int64{1}}
	measured, shown, more, bytes := plain, plain, plain, plain
	measured.Measures = Measures{"n": int64(1 << 60), "x": 1.5, "text": "t", "yes": true, "none": nil, "in": map[string]any{"deep": int64(2)}}
	measured.Fingerprints, measured.States = map[string]int64{"f": 3}, &States{New: 1}
	shown.Findings = []Finding{finding}
	shown.Every = shown.Findings
	more.Findings, more.Every = []Finding{finding}, []Finding{finding, {Message: "beyond", Measures: Measures{"n": int64(4)}}}
	bytes.Message, bytes.Every = "\xff", []Finding{{Subject: Subject{File: "\xfe"}}}
	want = append(want, measured, shown, more, bytes)
	for i, h := range held(t, Report{Results: want}).Held {
		got, err := h.Result()
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want[i]) {
			t.Errorf("got  %+v\nwant %+v", got, want[i])
		}
		if v := h.Verdict(); v.Weight() != want[i].Weight() || v.Outcome != want[i].Outcome || v.Retryable != want[i].Retryable || v.View != want[i].View || v.Check != want[i].Check {
			t.Errorf("verdict %+v of %+v", v, want[i])
		}
	}
}

// TestHoldSaysWhatCouldNotBeKept gives the error of where texts are kept, and that of a value that is no JSON.
func TestHoldSaysWhatCouldNotBeKept(t *testing.T) {
	full := errors.New("full")
	if _, err := (&Holder{Keep: func(text string) (string, error) { return text, full }}).Hold(several().Results); !errors.Is(err, full) {
		t.Error(err)
	}
	if _, err := (&Holder{Keep: here}).Hold([]Result{{Check: "c", View: "v", Measures: Measures{"f": func() {}}}}); err == nil || !strings.Contains(err.Error(), "c of view v") {
		t.Error(err)
	}
}

// TestHeldViewsAreTheSame sets each field of a view by itself, and those of its definition, and finds them again.
func TestHeldViewsAreTheSame(t *testing.T) {
	plain := View{Name: "clicks", Outcome: Pass}.filled()
	want := []View{plain}
	for i := range reflect.TypeFor[View]().NumField() {
		one := plain
		setSomething(t, reflect.ValueOf(&one).Elem().Field(i))
		want = append(want, one.filled())
	}
	for i := range reflect.TypeFor[ViewDefinition]().NumField() {
		one := plain
		setSomething(t, reflect.ValueOf(&one.Definition).Elem().Field(i))
		want = append(want, one.filled())
	}
	age, before := 0.1, int64(7)
	rich, odd := plain, plain
	rich.AgeSeconds, rich.SourceLagSeconds, rich.LagBins = &age, map[string]Lag{"": {P50: 1e-7, Rows: 1 << 60}}, map[string][]LagBin{"a": {{0, 0.3, 4}}}
	rich.Series = []PartitionRows{{Partition: "2026", Rows: 3, Bad: map[string]int64{"stale-rows": 1}, RowsBefore: &before, Content: "00"}}
	odd.Notes = []string{"\xff"}
	want = append(want, rich, odd)
	for i, h := range held(t, Report{Views: want}).Views {
		if got, err := h.View(); err != nil || !reflect.DeepEqual(got, want[i]) {
			t.Errorf("got  %+v (%v)\nwant %+v", got, err, want[i])
		}
	}
}

// setSomething gives a field another value than none.
func setSomething(t *testing.T, field reflect.Value) {
	t.Helper()
	switch field.Kind() {
	case reflect.String:
		field.SetString("another <&>\u2028")
	case reflect.Int64:
		field.SetInt(7)
	case reflect.Float64:
		field.SetFloat(0.3)
	case reflect.Bool:
		field.SetBool(true)
	case reflect.Pointer:
		field.Set(reflect.New(field.Type().Elem()))
	case reflect.Slice:
		field.Set(reflect.MakeSlice(field.Type(), 2, 2))
	case reflect.Map:
		field.Set(reflect.MakeMap(field.Type()))
		field.SetMapIndex(reflect.ValueOf("n"), reflect.Zero(field.Type().Elem()))
	case reflect.Struct:
	default:
		t.Fatalf("a field of kind %s is not set here", field.Kind())
	}
}

// TestPicturesOfHeldViewsAreBound bounds series and bins of many views, held in compact form, as those of views that are values. Views with
// little are as they were.
func TestPicturesOfHeldViewsAreBound(t *testing.T) {
	for name, c := range map[string]struct{ views, partitions, bins int }{
		"few": {3, 400, 200}, "long series": {100, 400, 10}, "many bins": {200, 4, 200}, "both": {200, 400, 200},
	} {
		var views []View
		for i := range c.views {
			v := View{Name: fmt.Sprint("v", i), LagBins: map[string][]LagBin{"s": {}}, SeriesLeftOut: int64(i % 2)}
			if i%10 == 0 {
				views = append(views, v.filled()) // has nothing to leave out
				continue
			}
			for n := range c.partitions {
				v.Series = append(v.Series, PartitionRows{Partition: fmt.Sprint(n), Rows: int64(n)})
			}
			for n := range c.bins {
				v.LagBins["s"] = append(v.LagBins["s"], LagBin{FromSeconds: float64(n), ToSeconds: float64(n + 1), Rows: int64(n)})
			}
			views = append(views, v.filled())
		}
		bound, err := (&Holder{Keep: here}).BoundHeldPictures(held(t, Report{Views: views}).Views)
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range BoundPictures(views) {
			got, err := bound[i].View()
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%s: got %+v (%v)\nwant %+v", name, got, err, want)
			}
		}
	}
}
