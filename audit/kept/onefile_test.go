package kept_test

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/featureaudit/featureaudit/audit/kept"
)

// numbered is a table of so many rows in a pack of one file.
func numbered(t *testing.T, rows int) []byte {
	t.Helper()
	w, err := kept.Create(filepath.Join(t.TempDir(), "unfinished"))
	if err != nil {
		t.Fatal(err)
	}
	table := kept.Table{Name: "numbers", Columns: append(kept.Integers("n"), kept.Column{Name: "text", Kind: kept.Bytes})}
	numbers, texts := make([]int64, rows), make([]string, rows)
	for i := range rows {
		numbers[i], texts[i] = int64(i)*0x7fffffff7fff^int64(i)<<40, fmt.Sprint(i)
	}
	if _, err := w.Append(table, kept.Rows{numbers, texts}); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := w.CommitTo(&out, map[string]int{"rows": rows}); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestAPackOfOneFile is read again, small or large, and is the same bytes each time.
func TestAPackOfOneFile(t *testing.T) {
	for _, rows := range []int{3, 500_000} {
		raw := numbered(t, rows)
		if again := numbered(t, rows); !bytes.Equal(raw, again) {
			t.Errorf("%d rows: other bytes the second time", rows)
		}
		p, err := kept.OpenFile("x", bytes.NewReader(raw), int64(len(raw)))
		if err != nil {
			t.Fatal(err)
		}
		var note map[string]int
		if err := p.Note(&note); err != nil || note["rows"] != rows || p.Len("numbers") != int64(rows) {
			t.Errorf("note %v, %d rows, %v", note, p.Len("numbers"), err)
		}
		texts, err := p.Texts("numbers", "text", int64(rows-2), 2)
		if want := []string{fmt.Sprint(rows - 2), fmt.Sprint(rows - 1)}; err != nil || !reflect.DeepEqual(texts, want) {
			t.Errorf("texts %v, %v, want %v", texts, err, want)
		}
	}
}

// TestDamageOfAPackOfOneFile changes and cuts bytes: that is an error, and never another value.
func TestDamageOfAPackOfOneFile(t *testing.T) {
	for _, rows := range []int{3, 500_000} {
		raw := numbered(t, rows)
		read := func(raw []byte) ([]int64, error) {
			p, err := kept.OpenFile("x", bytes.NewReader(raw), int64(len(raw)))
			if err != nil {
				return nil, err
			}
			return p.Integers("numbers", "n", 0, int64(rows))
		}
		want, err := read(raw)
		if err != nil {
			t.Fatal(err)
		}
		for at := 0; at < len(raw); at += max(1, len(raw)/40) {
			damaged := bytes.Clone(raw)
			damaged[at] ^= 0x10
			got, err := read(damaged)
			if err == nil && !reflect.DeepEqual(got, want) {
				t.Fatalf("%d rows, byte %d: other values, and no error", rows, at)
			}
			if err != nil && !errors.As(err, new(kept.DamagedError)) {
				t.Errorf("%d rows, byte %d: %v is no DamagedError", rows, at, err)
			}
			if _, err := read(raw[:at]); err == nil {
				t.Errorf("%d rows: %d of %d bytes are read as a pack", rows, at, len(raw))
			}
		}
	}
}
