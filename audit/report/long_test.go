package report

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"
)

func here(text string) (string, error) { return text, nil }

// held is a report with its results in compact form.
func held(t *testing.T, r Report) Long {
	t.Helper()
	results, err := (&Holder{Keep: here}).Hold(r.Results)
	if err != nil {
		t.Fatal(err)
	}
	l := Long{Rest: r, Held: results}
	l.Rest.Results = nil
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
