package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
)

// several is a document with lists of many items, of one, of none and nil, and texts that need escapes.
func several() Report {
	r := Report{Schema: Schema, AsOf: "2026-11-23T00:00:00Z", Status: Complete, Catalogue: []string{"a", "b"},
		Definitions: []Definition{{Source: "<a&b>\u2028", FeatureServices: []FeatureService{{Name: "s"}}}},
		Views:       []View{{Name: "v\u202e", Outcome: Pass, Definition: ViewDefinition{TimePartition: &TimePartition{}}}},
		Consumers:   []Consumer{}, Execution: Execution{Host: "here"}}
	for i := range 3 {
		r.Results = append(r.Results, Result{Check: fmt.Sprint(i), View: "v\x1b", Outcome: Pass, Measures: Measures{"n": int64(i), "half": 0.5, "list": []any{}}})
	}
	r.Results[1].Findings = []Finding{{Message: "tab\t\"quoted\""}}
	r.Summary = r.Summarise()
	return r
}

// many is a document with so many results that they are made side by side, all of them different.
func many() Report {
	r := several()
	for i := range severalItems + 3*portionItems {
		r.Results = append(r.Results, Result{Check: fmt.Sprint("many ", i), View: "v", Outcome: Fail, Message: strings.Repeat("m\u202e", i%70), Measures: Measures{"n": int64(i)}})
	}
	r.Summary = r.Summarise()
	return r
}

// TestWriteIsTheDocumentAsAWhole compares what is written item by item with what encoding/json makes of all of it at once, and the id with
// that of the bytes as a reader computes it.
func TestWriteIsTheDocumentAsAWhole(t *testing.T) {
	empty := several()
	empty.Definitions, empty.Views, empty.Results, empty.Catalogue = nil, nil, []Result{}, nil
	for name, r := range map[string]Report{"several": several(), "many": many(), "none": empty, "zero": {}} {
		whole := r.filledApart()
		whole.Views, whole.Results = List(each(r.Views, View.filled)), List(each(r.Results, Result.filled))
		want, err := json.MarshalIndent(whole, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		want = append(EscapeHidden(want), '\n')
		got, err := r.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s: written\n%s\nwant\n%s", name, got, want)
		}
		members, err := membersOf(got, quoteLeast)
		if err != nil {
			t.Fatal(err)
		}
		id, err := r.Digest()
		if err != nil {
			t.Fatal(err)
		}
		if want := digestOf(members); id != want {
			t.Errorf("%s: its id is %s, and that of its bytes %s", name, id, want)
		}
	}
}

// failing refuses what is written after so many bytes.
type failing struct{ left int }

var errFull = errors.New("full")

func (f *failing) Write(p []byte) (int, error) {
	if f.left -= len(p); f.left < 0 {
		return 0, errFull
	}
	return len(p), nil
}

func TestWriteEndsWithTheFirstError(t *testing.T) {
	raw, err := several().Marshal()
	if err != nil {
		t.Fatal(err)
	}
	for left := range len(raw) {
		if err := several().Write(&failing{left}); !errors.Is(err, errFull) {
			t.Fatalf("written to a place with room for %d of %d bytes: %v", left, len(raw), err)
		}
	}
	r := many()
	if raw, err = r.Marshal(); err != nil {
		t.Fatal(err)
	}
	for left := 0; left < len(raw); left += len(raw) / 50 {
		if err := r.Write(&failing{left}); !errors.Is(err, errFull) {
			t.Fatalf("written to a place with room for %d of %d bytes: %v", left, len(raw), err)
		}
	}
	r.Results[severalItems].Measures["n"] = func() {}
	if err := r.Write(io.Discard); err == nil {
		t.Error("a value that is no JSON was written")
	}
	if _, err := r.Digest(); err == nil {
		t.Error("a value that is no JSON has an id")
	}
	if err := several().Write(io.Discard); err != nil {
		t.Error(err)
	}
}
