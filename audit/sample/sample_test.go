package sample_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/file"

	"github.com/featureaudit/featureaudit/audit/sample"
	"github.com/featureaudit/featureaudit/fixtures"
)

func reader(t *testing.T, raw []byte) *file.Reader {
	t.Helper()
	r, err := file.NewParquetReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// strings reads a column of the first row group as text, a NULL as "null".
func column(t *testing.T, raw []byte, name string) []string {
	t.Helper()
	r := reader(t, raw)
	c := r.MetaData().Schema.ColumnIndexByName(name)
	chunk, err := r.RowGroup(0).Column(c)
	if err != nil {
		t.Fatal(err)
	}
	levels := make([]int16, 100)
	var present []string
	var total int64
	switch chunk := chunk.(type) {
	case *file.Int64ColumnChunkReader:
		held := make([]int64, 100)
		n := 0
		total, n, err = chunk.ReadBatch(100, held, levels, nil)
		for _, v := range held[:n] {
			present = append(present, fmt.Sprint(v))
		}
	case *file.Float64ColumnChunkReader:
		held := make([]float64, 100)
		n := 0
		total, n, err = chunk.ReadBatch(100, held, levels, nil)
		for _, v := range held[:n] {
			present = append(present, fmt.Sprint(v))
		}
	case *file.ByteArrayColumnChunkReader:
		held := make([]parquet.ByteArray, 100)
		n := 0
		total, n, err = chunk.ReadBatch(100, held, levels, nil)
		for _, v := range held[:n] {
			present = append(present, string(v))
		}
	default:
		t.Fatalf("columns of %T are not read here", chunk)
	}
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for i := range total {
		if levels[i] < chunk.Descriptor().MaxDefinitionLevel() {
			all = append(all, "null")
			continue
		}
		all, present = append(all, present[0]), present[1:]
	}
	return all
}

func TestSampleKeepsTheFormAndNoValue(t *testing.T) {
	at := time.Date(2019, 7, 3, 22, 15, 1, 0, time.UTC)
	table := fixtures.Table{Columns: []fixtures.Column{
		{Name: "email", Type: fixtures.TextType, Values: []any{"zoe@example.com", nil, "adam@example.com", "zoe@example.com", ""}},
		{Name: "at", Type: fixtures.AwareType, Values: []any{at.Add(time.Hour), at, nil, at, at.Add(2 * time.Hour)}},
		{Name: "text_time", Type: fixtures.TextType, Values: []any{"2019-07-03T22:15:01+05:30", "2019-07-03T22:15:02+05:30", nil, nil, "not a time"}},
		{Name: "amount", Type: fixtures.FloatType, Values: []any{13.37, -2.5, nil, 0.0, 99.5}},
		{Name: "account", Type: fixtures.Int64Type, Values: []any{int64(4711), int64(17), int64(4711), nil, int64(99999)}},
		{Name: "epoch_ms", Type: fixtures.Int64Type, Values: []any{int64(1562192101000), int64(1562192102000), int64(1562192101000), nil, int64(1562192109000)}},
	}}
	path := filepath.Join(t.TempDir(), "a.parquet")
	if err := fixtures.Write(path, table, fixtures.Options{CreatedBy: fixtures.CreatedBySpark, RowGroup: 5, Compression: fixtures.Zstd}); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	kept, err := sample.Write(&out, bytes.NewReader(before), sample.Options{Rows: 1000, Groups: 20})
	if err != nil {
		t.Fatal(err)
	}
	if want := (sample.Kept{Rows: 5, RowsOf: 5, Groups: 1, GroupsOf: 1}); kept != want {
		t.Errorf("kept %+v, want %+v", kept, want)
	}
	for name, want := range map[string]string{
		"email":     "v00000000000002 null v000000000000001 v00000000000002 ",
		"at":        "1767225601000000 1767225600000000 null 1767225600000000 1767225602000000",
		"text_time": "2026-01-01T05:30:00+05:30 2026-01-01T05:30:01+05:30 null null v000000002",
		"amount":    "2.5 -0.5 null 0 3.5",
		"account":   "1 0 1 null 2",
		"epoch_ms":  "1767225600000 1767225601000 1767225600000 null 1767225602000",
	} {
		if got := strings.Join(column(t, out.Bytes(), name), " "); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	for _, secret := range []string{"zoe", "adam", "example.com", "2019"} {
		if bytes.Contains(out.Bytes(), []byte(secret)) {
			t.Errorf("the sample holds %q", secret)
		}
	}
	old, sampled := reader(t, before), reader(t, out.Bytes())
	if got, want := sampled.MetaData().Schema.String(), old.MetaData().Schema.String(); got != want {
		t.Errorf("the schema is\n%s\nwant\n%s", got, want)
	}
	if got, want := sampled.MetaData().GetCreatedBy(), old.MetaData().GetCreatedBy(); got != want {
		t.Errorf("created by %q, want %q", got, want)
	}
	for c := range old.MetaData().Schema.NumColumns() {
		a, err := old.MetaData().RowGroup(0).ColumnChunk(c)
		if err != nil {
			t.Fatal(err)
		}
		b, err := sampled.MetaData().RowGroup(0).ColumnChunk(c)
		if err != nil {
			t.Fatal(err)
		}
		if a.Compression() != b.Compression() || a.NumValues() != b.NumValues() || fmt.Sprint(a.Encodings()) != fmt.Sprint(b.Encodings()) {
			t.Errorf("column %d: %s, %d values, %v; want %s, %d, %v", c, b.Compression(), b.NumValues(), b.Encodings(), a.Compression(), a.NumValues(), a.Encodings())
		}
	}
}

func TestSampleIsBounded(t *testing.T) {
	values := make([]any, 100)
	for i := range values {
		values[i] = int64(1000 - i)
	}
	path := filepath.Join(t.TempDir(), "a.parquet")
	if err := fixtures.Write(path, fixtures.Table{Columns: []fixtures.Column{{Name: "n", Type: fixtures.Int64Type, Values: values}}}, fixtures.Options{RowGroup: 20}); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		options sample.Options
		want    sample.Kept
		first   string
	}{
		{sample.Options{Rows: 3, Groups: 2}, sample.Kept{Rows: 6, RowsOf: 100, Groups: 2, GroupsOf: 5}, "5 4 3"},
		{sample.Options{}, sample.Kept{Rows: 100, RowsOf: 100, Groups: 5, GroupsOf: 5}, "99 98 97"},
	} {
		var out bytes.Buffer
		kept, err := sample.Write(&out, bytes.NewReader(raw), c.options)
		if err != nil || kept != c.want {
			t.Errorf("%+v: kept %+v, %v; want %+v", c.options, kept, err, c.want)
			continue
		}
		if got := strings.Join(column(t, out.Bytes(), "n")[:3], " "); got != c.first {
			t.Errorf("%+v: the column begins %q, want %q", c.options, got, c.first)
		}
	}
}

func TestSampleOfDamagedFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.parquet")
	if err := fixtures.Write(path, fixtures.Table{Columns: []fixtures.Column{{Name: "n", Type: fixtures.Int64Type, Values: []any{int64(1), int64(2)}}}}, fixtures.Options{}); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sample.Write(&bytes.Buffer{}, bytes.NewReader(nil), sample.Options{}); err == nil {
		t.Error("an empty file has a sample, want an error")
	}
	for i := range raw {
		damaged := bytes.Clone(raw)
		damaged[i] ^= 0xff
		_, _ = sample.Write(&bytes.Buffer{}, bytes.NewReader(damaged), sample.Options{Rows: 10, Groups: 3}) // it must come back
	}
	for n := range raw {
		if _, err := sample.Write(&bytes.Buffer{}, bytes.NewReader(raw[:n]), sample.Options{}); err == nil {
			t.Fatalf("the first %d of %d bytes have a sample, want an error", n, len(raw))
		}
	}
}

// full is a disk that takes so many bytes.
type full struct{ room int }

var errFull = errors.New("no space left")

func (f *full) Write(p []byte) (int, error) {
	if f.room -= len(p); f.room < 0 {
		return 0, errFull
	}
	return len(p), nil
}

// TestAFullDiskIsNoDamage: whatever byte does not fit, the file that is read is not to blame.
func TestAFullDiskIsNoDamage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.parquet")
	if err := fixtures.Write(path, fixtures.Table{Columns: []fixtures.Column{{Name: "n", Type: fixtures.Int64Type, Values: []any{int64(1), int64(2)}}}}, fixtures.Options{}); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var whole bytes.Buffer
	if _, err := sample.Write(&whole, bytes.NewReader(raw), sample.Options{}); err != nil {
		t.Fatal(err)
	}
	for room := range whole.Len() {
		_, err := sample.Write(&full{room}, bytes.NewReader(raw), sample.Options{})
		if errors.As(err, new(sample.UnreadableError)) || err == nil {
			t.Fatalf("with room for %d of %d bytes the error is %v, want one of writing", room, whole.Len(), err)
		}
	}
	if _, err := sample.Write(&whole, bytes.NewReader(raw[:20]), sample.Options{}); !errors.As(err, new(sample.UnreadableError)) {
		t.Errorf("a truncated file gives %v, want an UnreadableError", err)
	}
}
