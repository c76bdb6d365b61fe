package verify

import (
	"bytes"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/featureaudit/featureaudit/audit/content"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/times"
)

// snapshot writes a side and reads it again; rows are those of the first partition of the first view.
func snapshot(t *testing.T, side Side, rows ...Row) SnapshotFile {
	t.Helper()
	w, err := NewSnapshotWriter(filepath.Join(t.TempDir(), "unfinished"))
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) > 0 {
		if err := w.Rows(&side.Views[0].Partitions[0], rows); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	if err := w.Close(&out, side, "v1"); err != nil {
		t.Fatal(err)
	}
	s, err := ReadSnapshot("before.snapshot", bytes.NewReader(out.Bytes()), int64(out.Len()))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestASnapshotIsReadAsItWasWritten, with odd names, unreadable files, views that could not be looked at, and many files.
func TestASnapshotIsReadAsItWasWritten(t *testing.T) {
	whole := *held(1, 3, 7, content.Column{Name: "a\n\"b\"", Types: []string{"INT64", "INT32"}, Values: 3, Sum: content.Sum{Hi: 1, Lo: 2}, Low: -5, High: 5, Center: 1, Timed: true})
	whole.Value, whole.Identity, whole.Columns = "dt=ü/\xff", "2026-11-01", []ColumnType{{"a\n\"b\"", []string{"INT64", "INT32"}}}
	whole.Files = []File{{Path: "dt=1/a.parquet", Abs: "/s/dt=1/a.parquet", Size: 9, ModTime: 4, Mask: "m", FooterSum: 1<<63 + 5, ETag: "e", Rows: 3}}
	lost := Partition{Value: "dt=2", Start: 2 * day, End: 3 * day, Present: true, Open: true, Expected: true, Rows: 8, Bytes: 70, Unread: []string{"a: it is cut off"}, Retryable: true, blind: true,
		Columns: []ColumnType{{"x", []string{"STRING"}}}, Files: []File{{Path: "dt=2/b", Abs: "/s/dt=2/b"}}}
	many := Partition{Value: "dt=3", Start: 3 * day, End: 4 * day, Present: true, Known: true}
	for i := range maxListed + 1 {
		many.Files = append(many.Files, File{Path: fmt.Sprint(i), Abs: "/s/" + fmt.Sprint(i), Size: int64(i)})
	}
	none := Partition{Start: times.None, End: times.None, Present: true}
	side := Side{Kind: Snapshot, AsOf: 5, WithKeys: true, Views: []View{
		{Name: "v\"1", Owner: "o", Project: "p", Root: "/s/", Definition: report.ViewDefinition{Path: "**", EventTime: "t"}, Partitions: []Partition{whole, lost, many}, Notes: []string{"a note"}},
		{Name: "w", Problem: "no such folder", Retryable: true},
		{Name: "x", Partitions: []Partition{none}},
	}}
	got := snapshot(t, side, Row{1, 2, 3}, Row{math64, 5, 6})
	if got.AsOf != 5 || !got.WithKeys || len(got.Views) != 3 {
		t.Fatalf("the snapshot is of %d, with keys %t, of %d views", got.AsOf, got.WithKeys, len(got.Views))
	}
	for i, want := range side.Views {
		v := got.Views[i]
		if v.Name != want.Name || v.Owner != want.Owner || v.Project != want.Project || v.Problem != want.Problem || v.Retryable != want.Retryable || v.Definition.EventTime != want.Definition.EventTime ||
			!reflect.DeepEqual(v.Notes, want.Notes) || len(v.Partitions) != len(want.Partitions) {
			t.Errorf("view %d is %+v", i, v)
			continue
		}
		for at, p := range want.Partitions {
			read := v.Partitions[at]
			if !sameFiles(read, p) && len(p.Files) > 0 || !copies(read, p) && len(p.Files) > 0 || read.FileCount() != len(p.Files) {
				t.Errorf("%s: its %d files are others", p.Value, read.FileCount())
			}
			if len(p.Files) > maxListed {
				p.Files = nil
			}
			read.same, read.alike, read.unlisted, read.rows = "", "", 0, p.rows
			if len(read.Files) == 0 {
				read.Files = p.Files
			}
			if !reflect.DeepEqual(read, p) {
				t.Errorf("partition %s is\n%+v\nwant\n%+v", p.Value, read, p)
			}
		}
	}
	rows, err := got.rowsOf(t.Context(), got.Views[0].Partitions[0], part{})
	if want := []Row{{1, 2, 3}, {math64, 5, 6}}; err != nil || !reflect.DeepEqual(rows, want) {
		t.Errorf("rows are %v, %v, want %v", rows, err, want)
	}
	if rows, err := got.rowsOf(t.Context(), got.Views[0].Partitions[1], part{}); err != nil || len(rows) > 0 {
		t.Errorf("another partition has the rows %v, %v", rows, err)
	}
}

const math64 = 1<<64 - 1

// TestAnythingElseIsNoSnapshot says what it is, and what was expected.
func TestAnythingElseIsNoSnapshot(t *testing.T) {
	for name, raw := range map[string][]byte{"nothing": nil, "text": []byte("a report, perhaps"), "Parquet": []byte("PAR1....PAR1"), "zstd of nothing": {0x28, 0xb5, 0x2f, 0xfd, 0x04, 0, 1, 0, 0}} {
		_, err := ReadSnapshot("x", bytes.NewReader(raw), int64(len(raw)))
		if err == nil || !strings.Contains(err.Error(), "snapshot x: ") || !strings.Contains(err.Error(), "expected a file that `featureaudit snapshot --out` wrote") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
