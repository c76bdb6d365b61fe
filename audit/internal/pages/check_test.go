package pages_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/featureaudit/featureaudit/audit/internal/pages"
	"github.com/featureaudit/featureaudit/fixtures"
)

// chunkOf is the only chunk of a column, from the pages that the fixtures found with thrift's own reader.
func chunkOf(t *testing.T, path, column string, codec int32, values int64) (pages.Chunk, []fixtures.Page) {
	t.Helper()
	all, err := fixtures.PagesOf(path)
	if err != nil {
		t.Fatal(err)
	}
	var own []fixtures.Page
	for _, p := range all {
		if p.Column == column {
			own = append(own, p)
		}
	}
	last := own[len(own)-1]
	return pages.Chunk{Offset: int64(own[0].Header), Size: int64(last.Data + last.Size - own[0].Header), Values: values, Codec: codec}, own
}

func write(t *testing.T, o fixtures.Options) string {
	t.Helper()
	const rows = 5000
	column := fixtures.Column{Name: "v", Type: fixtures.TextType}
	for i := range rows {
		if i%7 == 0 {
			column.Values = append(column.Values, nil)
			continue
		}
		column.Values = append(column.Values, fmt.Sprintf("value %d of many", i%1000))
	}
	path := filepath.Join(t.TempDir(), "f.parquet")
	if err := fixtures.Write(path, fixtures.Table{Columns: []fixtures.Column{column}}, o); err != nil {
		t.Fatal(err)
	}
	return path
}

func object(t *testing.T, path string) *bytes.Reader {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.NewReader(data)
}

// TestEveryPageIsComparedWithItsChecksum flips a bit in each page in turn: of both versions, of dictionaries, of every codec.
func TestEveryPageIsComparedWithItsChecksum(t *testing.T) {
	for _, codec := range []fixtures.Compression{fixtures.Snappy, fixtures.Zstd, fixtures.Gzip, fixtures.Uncompressed} {
		for _, o := range []fixtures.Options{{}, {PagesV2: true}, {PlainPages: true, PageBytes: 4 << 10}, {PlainPages: true, PagesV2: true, PageBytes: 4 << 10}} {
			for _, checksums := range []bool{true, false} {
				o.Compression, o.Checksums = codec, checksums
				number, sums := int32(0), checksums
				if codec == fixtures.Gzip {
					number, sums = pages.CodecGzip, true
				}
				path := write(t, o)
				chunk, places := chunkOf(t, path, "v", number, 5000)
				if o.PlainPages && len(places) < 3 || !o.PlainPages && !places[0].Dictionary {
					t.Fatalf("%+v: %d pages, the first a dictionary: %v", o, len(places), places[0].Dictionary)
				}
				r := pages.NewReader()
				if found, err := r.Summed(object(t, path), chunk); err != nil || found != sums {
					t.Errorf("%+v: has sums: %v, %v; want %v", o, found, err, sums)
				}
				want := int64(len(places))
				if !sums {
					want = 0
				}
				if checked, err := r.Check(t.Context(), object(t, path), chunk); err != nil || checked != want {
					t.Errorf("%+v: %d of %d pages checked: %v", o, checked, want, err)
				}
				for i := range places {
					if !sums {
						break
					}
					damaged := path + "d"
					data, err := os.ReadFile(path)
					if err != nil {
						t.Fatal(err)
					}
					if err := os.WriteFile(damaged, data, 0o600); err != nil {
						t.Fatal(err)
					}
					page, err := fixtures.Damage(damaged, "v", i)
					if err != nil {
						t.Fatal(err)
					}
					checked, err := r.Check(t.Context(), object(t, damaged), chunk)
					var fault *pages.Fault
					if !errors.As(err, &fault) || fault.Offset != int64(page.Header) || checked != int64(i) {
						t.Errorf("%+v: page %d of %d, at %d: %d checked, %v", o, i, len(places), page.Header, checked, err)
					}
				}
			}
		}
	}
}

// TestBrokenHeadersEndTheWalk has headers of random bytes, and chunks that end within a page.
func TestBrokenHeadersEndTheWalk(t *testing.T) {
	path := write(t, fixtures.Options{Checksums: true, PlainPages: true, PageBytes: 4 << 10})
	chunk, places := chunkOf(t, path, "v", 0, 5000)
	r := pages.NewReader()
	var fault *pages.Fault
	short := chunk
	short.Size = int64(places[1].Data+places[1].Size/2) - short.Offset
	if _, err := r.Check(t.Context(), object(t, path), short); !errors.As(err, &fault) || fault.Offset != int64(places[1].Header) {
		t.Errorf("a chunk that ends within its second page: %v", err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, filler := range []byte{0, 0x19, 0x1c, 0x8f, 0xff} {
		broken := bytes.Clone(data)
		for i := places[1].Header; i < places[1].Data; i++ {
			broken[i] = filler
		}
		checked, err := r.Check(t.Context(), bytes.NewReader(broken), chunk)
		if !errors.As(err, &fault) || fault.Offset != int64(places[1].Header) || checked != 1 {
			t.Errorf("a header of %#x: %d checked, %v", filler, checked, err)
		}
	}
}

func FuzzHeaders(f *testing.F) {
	f.Add([]byte{0x15, 0x00, 0x15, 0x10, 0x15, 0x10, 0x15, 0x02, 0x1c, 0x15, 0x02, 0x00, 0x00})
	f.Fuzz(func(t *testing.T, data []byte) {
		r := pages.NewReader()
		for _, codec := range []int32{0, pages.CodecGzip} {
			chunk := pages.Chunk{Size: int64(len(data)), Values: 3, Codec: codec}
			if _, err := r.Summed(bytes.NewReader(data), chunk); err != nil {
				t.Errorf("bytes in memory have no error of the system: %v", err)
			}
			var fault *pages.Fault
			if _, err := r.Check(t.Context(), bytes.NewReader(data), chunk); err != nil && !errors.As(err, &fault) {
				t.Errorf("bytes in memory have no error of the system: %v", err)
			}
		}
	})
}

// TestFixedDeltaBytes unfolds what pyarrow wrote of five values, which begin as the one before them does; and no cut part of it.
func TestFixedDeltaBytes(t *testing.T) {
	page, err := hex.DecodeString("80010405000703000000d70100000000000000000000" + "80010405080503000000280e00000000000000000000" + hex.EncodeToString([]byte("001121129112")))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := pages.FixedDeltaBytes(page, 4, 1<<10); string(got) != "00110012011201129112" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	for n := range page {
		if got, err := pages.FixedDeltaBytes(page[:n], 4, 1<<10); err == nil {
			t.Errorf("%d of %d bytes give %q", n, len(page), got)
		}
	}
	for _, wrong := range []struct {
		width int
		most  int64
	}{{3, 1 << 10}, {0, 1 << 10}, {4, 19}} {
		if got, err := pages.FixedDeltaBytes(page, wrong.width, wrong.most); err == nil {
			t.Errorf("%+v: %q", wrong, got)
		}
	}
}
