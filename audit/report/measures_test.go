package report

import (
	"encoding/json"
	"math"
	"slices"
	"testing"
)

// written and read again, measures say the same: a whole float comes back as an int64, a list as one of any.
func TestMeasuresSayTheSameWhenTheyCameFromAReport(t *testing.T) {
	made := Measures{"age_seconds": 3600.0, "share": 0.25, "files": int64(7), "source": "billing", "may_be_backfill": true,
		"offsets": []int64{-330, 0, 60}, "writers": []map[string]any{{"a": "x", "keys": int64(3)}, {"a": "y", "keys": int64(4)}}}
	text, err := json.Marshal(made)
	if err != nil {
		t.Fatalf("marshal: got %v, want no error", err)
	}
	var parsed map[string]any
	if err := json.Unmarshal(text, &parsed); err != nil {
		t.Fatalf("unmarshal: got %v, want no error", err)
	}
	parsed["age_seconds"], parsed["files"] = int64(3600), int64(7) // as Parse makes them
	for name, m := range map[string]Measures{"made": made, "parsed": parsed} {
		if n, known := m.Number("age_seconds"); n != 3600 || !known {
			t.Errorf("%s: Number(age_seconds) = %v, %v, want 3600, true", name, n, known)
		}
		if n, known := m.Count("age_seconds"); n != 3600 || !known {
			t.Errorf("%s: Count(age_seconds) = %d, %v, want 3600, true", name, n, known)
		}
		if n, known := m.Number("share"); n != 0.25 || !known {
			t.Errorf("%s: Number(share) = %v, %v, want 0.25, true", name, n, known)
		}
		if n, known := m.Count("share"); n != 0 || known {
			t.Errorf("%s: Count(share) = %d, %v, want 0, false: it is not whole", name, n, known)
		}
		if n, known := m.Number("files"); n != 7 || !known {
			t.Errorf("%s: Number(files) = %v, %v, want 7, true", name, n, known)
		}
		if got := m.Text("source"); got != "billing" {
			t.Errorf("%s: Text(source) = %q, want billing", name, got)
		}
		if !m.Is("may_be_backfill") || m.Is("source") || m.Is("absent") {
			t.Errorf("%s: Is of a true flag, a text and nothing = %v, %v, %v, want true, false, false", name, m.Is("may_be_backfill"), m.Is("source"), m.Is("absent"))
		}
		if got, known := m.Counts("offsets"); !slices.Equal(got, []int64{-330, 0, 60}) || !known {
			t.Errorf("%s: Counts(offsets) = %v, %v, want [-330 0 60], true", name, got, known)
		}
		writers := m.Objects("writers")
		if len(writers) != 2 {
			t.Fatalf("%s: Objects(writers) has %d, want 2", name, len(writers))
		}
		if n, known := writers[1].Count("keys"); n != 4 || !known || writers[0].Text("a") != "x" {
			t.Errorf("%s: writers[1].keys = %d, %v and writers[0].a = %q, want 4, true and x", name, n, known, writers[0].Text("a"))
		}
	}
}

func TestMeasuresOfAnotherKindAreNotKnown(t *testing.T) {
	m := Measures{"null": nil, "text": "12", "nan": math.NaN(), "infinite": math.Inf(1), "huge": 0x1p63, "least": -0x1p63, "mixed": []any{int64(1), "x"}}
	for _, name := range []string{"absent", "null", "text", "nan", "infinite"} {
		if n, known := m.Number(name); known {
			t.Errorf("Number(%s) = %v, true, want not known", name, n)
		}
	}
	for _, name := range []string{"absent", "null", "text", "nan", "infinite", "huge"} {
		if n, known := m.Count(name); n != 0 || known {
			t.Errorf("Count(%s) = %d, %v, want 0, false", name, n, known)
		}
	}
	if n, known := m.Count("least"); n != math.MinInt64 || !known {
		t.Errorf("Count(least) = %d, %v, want %d, true", n, known, int64(math.MinInt64))
	}
	if list, known := m.Counts("mixed"); list != nil || known {
		t.Errorf("Counts(mixed) = %v, %v, want nil, false", list, known)
	}
	if list := m.Objects("mixed"); len(list) != 0 {
		t.Errorf("Objects(mixed) = %v, want none", list)
	}
	if got := m.Text("null"); got != "" {
		t.Errorf("Text(null) = %q, want an empty text", got)
	}
	m.Add("fresh", 2)
	m.Add("fresh", 3)
	if n, known := m.Count("fresh"); n != 5 || !known {
		t.Errorf("Count(fresh) after adding 2 and 3 = %d, %v, want 5, true", n, known)
	}
}
