package audit_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/featureaudit/featureaudit/audit/engine/duckdb"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/fixtures"
)

// threeDays writes three files of ten rows each, whose keys overlap in one value.
func threeDays(t *testing.T, o fixtures.Options, second fixtures.Options) (dir, damaged string) {
	t.Helper()
	dir = t.TempDir()
	for i := range 3 {
		ids, amounts := []int{5}, []int{7}
		for n := 1; n < 10; n++ {
			ids, amounts = append(ids, 100*(i+1)+n), append(amounts, 7)
		}
		options := o
		if i == 1 {
			options = second
		}
		writeFile(t, filepath.Join(dir, fmt.Sprintf("%d.parquet", i)), options, column("id", ids...), eventTimes(10), column("amount", amounts...))
	}
	return dir, filepath.Join(dir, "1.parquet")
}

func keyed(dir string) model.View {
	return model.View{Path: "*.parquet", Root: dir, Key: []string{"id"}, Measures: []string{"amount"}}
}

// TestDamagedPageOfAKey has a flipped bit in a page that the scan reads: the file is named with the column, and counted in
// nothing.
func TestDamagedPageOfAKey(t *testing.T) {
	for name, o := range map[string]fixtures.Options{
		"crc":         {Checksums: true, PlainPages: true, Compression: fixtures.Uncompressed},
		"crc, v2":     {Checksums: true, PlainPages: true, PagesV2: true, Compression: fixtures.Uncompressed},
		"dictionary":  {Checksums: true, Compression: fixtures.Uncompressed},
		"row groups":  {Checksums: true, PlainPages: true, Compression: fixtures.Uncompressed, RowGroup: 4},
		"gzip":        {PlainPages: true, Compression: fixtures.Gzip},
		"gzip and v2": {PlainPages: true, PagesV2: true, Compression: fixtures.Gzip},
	} {
		dir, path := threeDays(t, o, o)
		before := auditView(t, keyed(dir), "unreadable-file", "duplicate-keys")
		pages := int64(3 * 2) // those of id and event_time in three files, and of amount where the key repeats
		if r := resultOf(t, before, "unreadable-file"); r.Outcome != report.Pass || r.Measures["checked_pages"].(int64) < pages {
			t.Errorf("%s: sound: %s %v %s", name, r.Outcome, r.Measures, r.Message)
		}
		if r := resultOf(t, before, "duplicate-keys"); r.RowsBad != 2 || r.RowsTotal != 30 {
			t.Errorf("%s: sound: %d of %d rows repeat", name, r.RowsBad, r.RowsTotal)
		}
		page, err := fixtures.Damage(path, "id", 0)
		if err != nil {
			t.Fatal(err)
		}
		got := auditView(t, keyed(dir), "unreadable-file", "duplicate-keys", "null-event-time")
		r := resultOf(t, got, "unreadable-file")
		place := fmt.Sprintf(`column "id" (row group 0, byte %d)`, page.Header)
		if r.Outcome != report.Error || r.Retryable || r.RowsBad != 1 || r.RowsTotal != 3 || r.Findings[0].Subject.File != "1.parquet" || !strings.Contains(r.Message, place) {
			t.Errorf("%s: unreadable-file: %s, %d of %d: %s; want %s", name, r.Outcome, r.RowsBad, r.RowsTotal, r.Message, place)
		}
		if r := resultOf(t, got, "duplicate-keys"); r.Outcome != report.Fail || r.RowsBad != 1 || r.RowsTotal != 20 {
			t.Errorf("%s: duplicate-keys: %s, %d of %d: %s", name, r.Outcome, r.RowsBad, r.RowsTotal, r.Message)
		}
		if r := resultOf(t, got, "null-event-time"); r.RowsTotal != 20 {
			t.Errorf("%s: null-event-time looked at %d rows: %s", name, r.RowsTotal, r.Message)
		}
	}
}

// TestDamagedPageOfAKeyThatIsNotComparedBy has a flipped bit in a column that keys turn out not to be compared by: it is read no more, and what was
// found in it before that was known is no finding. Of objects in a bucket it depended on which of them were brought first.
func TestDamagedPageOfAKeyThatIsNotComparedBy(t *testing.T) {
	dir, sums := t.TempDir(), fixtures.Options{Checksums: true, PlainPages: true, Compression: fixtures.Uncompressed}
	writeFile(t, filepath.Join(dir, "1.parquet"), sums, columnOf("id", fixtures.TextType, "a"), eventTimes(1))
	writeFile(t, filepath.Join(dir, "2.parquet"), fixtures.Options{}, columnOf("id", fixtures.Type{Kind: fixtures.Bytes}, "\xff\xfe"), eventTimes(1))
	writeFile(t, filepath.Join(dir, "3.parquet"), sums, columnOf("id", fixtures.TextType, "b"), eventTimes(1))
	if _, err := fixtures.Damage(filepath.Join(dir, "3.parquet"), "id", 0); err != nil {
		t.Fatal(err)
	}
	got := auditView(t, model.View{Path: "*.parquet", Root: dir, Key: []string{"id"}}, "unreadable-file", "duplicate-keys", "null-event-time")
	if r := resultOf(t, got, "unreadable-file"); r.Outcome != report.Pass || r.Measures["checked_pages"].(int64) != 2 { // those of event_time in two files
		t.Errorf("unreadable-file: %s: %s %v", r.Outcome, r.Message, r.Measures)
	}
	if r := resultOf(t, got, "duplicate-keys"); r.Outcome != report.Error || !strings.Contains(r.Message, "no common form") {
		t.Errorf("duplicate-keys: %s: %s", r.Outcome, r.Message)
	}
	if r := resultOf(t, got, "null-event-time"); r.RowsTotal != 3 {
		t.Errorf("null-event-time looked at %d rows: %s", r.RowsTotal, r.Message)
	}
}

// TestBrokenPayloadBlindsNoView has pages that only the comparison of repeats reads: the file and its column are named, the
// repeats are found and have no class, and all else is judged.
func TestBrokenPayloadBlindsNoView(t *testing.T) {
	plain := fixtures.Options{PlainPages: true, Compression: fixtures.Uncompressed}
	summed := plain
	summed.Checksums = true
	for name, test := range map[string]struct {
		options fixtures.Options
		damage  func(path string) error
		want    string
	}{
		"no header": {plain, func(path string) error { return fill(path, "amount", 0xff) }, `column "amount"`},
		"checksum": {summed, func(path string) error {
			_, err := fixtures.Damage(path, "amount", 0)
			return err
		}, "does not match its checksum"},
		"codec": {plain, func(path string) error { return recode(path, 5) }, "Hadoop LZ4"},
		"lzo":   {plain, func(path string) error { return recode(path, 3) }, "LZO"},
	} {
		dir, path := threeDays(t, plain, test.options)
		if err := test.damage(path); err != nil {
			t.Fatal(err)
		}
		got := auditView(t, keyed(dir))
		r := resultOf(t, got, "unreadable-file")
		if r.Outcome != report.Error || r.Retryable || r.RowsBad != 1 || r.RowsTotal != 3 || r.Findings[0].Subject.File != "1.parquet" ||
			!strings.Contains(r.Message, "amount") || !strings.Contains(r.Message, test.want) {
			t.Errorf("%s: unreadable-file: %s, retryable %v, %d of %d: %s", name, r.Outcome, r.Retryable, r.RowsBad, r.RowsTotal, r.Message)
		}
		valid := strings.Contains(r.Message, "valid Parquet")
		if again := strings.Contains(r.Message, "write the file again"); again == valid || valid != (name == "codec" || name == "lzo") {
			t.Errorf("%s: write again: %v, valid: %v: %s", name, again, valid, r.Message)
		}
		r = resultOf(t, got, "duplicate-keys")
		if r.Outcome != report.Fail || r.RowsBad != 2 || r.RowsTotal != 30 || r.Measures["unknown_keys"] != int64(1) || r.Measures["replay_keys"] != int64(0) ||
			r.Measures["conflict_keys"] != int64(0) || !strings.Contains(r.Message, "unknown class") || !strings.Contains(r.Message, "by how much amount is overstated is unknown") {
			t.Errorf("%s: duplicate-keys: %s, %d of %d, %v: %s", name, r.Outcome, r.RowsBad, r.RowsTotal, r.Measures, r.Message)
		}
		if _, claimed := r.Measures["surplus_amount"]; claimed {
			t.Errorf("%s: the surplus of what could not be read is %v", name, r.Measures["surplus_amount"])
		}
		for _, id := range []string{"null-event-time", "future-rows", "null-keys", "mixed-encoding", "schema-drift"} {
			if r := resultOf(t, got, id); r.Outcome != report.Pass {
				t.Errorf("%s: %s is %s: %s", name, id, r.Outcome, r.Message)
			}
		}
	}
}

// TestMeasureThatNobodyReadIsNotClaimed has a broken measure and no key that repeats.
func TestMeasureThatNobodyReadIsNotClaimed(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.parquet")
	writeFile(t, path, fixtures.Options{PlainPages: true}, column("id", 1, 2, 3), eventTimes(3), column("amount", 1, 2, 3))
	if err := fill(path, "amount", 0xff); err != nil {
		t.Fatal(err)
	}
	got := auditView(t, keyed(dir))
	if r := resultOf(t, got, "unreadable-file"); r.Outcome != report.Pass || !strings.Contains(r.Message, "amount was not read") {
		t.Errorf("unreadable-file: %s: %s", r.Outcome, r.Message)
	}
	if r := resultOf(t, got, "duplicate-keys"); r.Outcome != report.Pass {
		t.Errorf("duplicate-keys: %s: %s", r.Outcome, r.Message)
	}
}

// TestRolesThatTheEngineDoesNotRead has an event time in a form that the engine lacks, and one beyond the end of its file:
// neither is cured by another try, and only the second by writing the file again.
func TestRolesThatTheEngineDoesNotRead(t *testing.T) {
	for name, test := range map[string]struct {
		damage func(path string) error
		wants  []string
		denies string
	}{
		"codec":       {func(path string) error { return recodeColumn(path, "event_time", 5) }, []string{"valid Parquet", "Hadoop LZ4", "event_time", "rewrite it with"}, "write the file again"},
		"codec of 99": {func(path string) error { return recodeColumn(path, "event_time", 99) }, []string{"compression number 99"}, "write the file again"},
		"beyond":      {func(path string) error { return displace(path, "event_time", 1<<40) }, []string{"event_time", "places column", "write the file again"}, "valid"},
		"before":      {func(path string) error { return displace(path, "event_time", -5) }, []string{"event_time", "write the file again"}, "valid"},
	} {
		plain := fixtures.Options{PlainPages: true, Compression: fixtures.Uncompressed}
		dir, path := threeDays(t, plain, plain)
		if err := test.damage(path); err != nil {
			t.Fatal(err)
		}
		r := resultOf(t, auditView(t, keyed(dir)), "unreadable-file")
		if r.Outcome != report.Error || r.Retryable || r.RowsBad != 1 {
			t.Errorf("%s: %s, retryable %v, %d bad: %s", name, r.Outcome, r.Retryable, r.RowsBad, r.Message)
		}
		for _, want := range test.wants {
			if !strings.Contains(r.Message, want) {
				t.Errorf("%s: %q is not in: %s", name, want, r.Message)
			}
		}
		if strings.Contains(r.Message, test.denies) {
			t.Errorf("%s: %q is in: %s", name, test.denies, r.Message)
		}
	}
}

// TestColumnThatNobodyNeedsSpoilsNoFile has a footer that places a column beyond the end, in which nobody is interested.
func TestColumnThatNobodyNeedsSpoilsNoFile(t *testing.T) {
	plain := fixtures.Options{PlainPages: true, Compression: fixtures.Uncompressed}
	dir, path := threeDays(t, plain, plain)
	if err := displace(path, "amount", 1<<40); err != nil {
		t.Fatal(err)
	}
	got := auditView(t, model.View{Path: "*.parquet", Root: dir}, "unreadable-file", "null-event-time")
	if r := resultOf(t, got, "unreadable-file"); r.Outcome != report.Pass {
		t.Errorf("unreadable-file: %s: %s", r.Outcome, r.Message)
	}
	if r := resultOf(t, got, "null-event-time"); r.Outcome != report.Pass || r.RowsTotal != 30 {
		t.Errorf("null-event-time: %s of %d: %s", r.Outcome, r.RowsTotal, r.Message)
	}
}

// TestMapsWithoutValuesAndOlderLists has valid Parquet that is read, or named as what the engine does not read: never as broken,
// and never as what another try cures.
func TestMapsWithoutValuesAndOlderLists(t *testing.T) {
	for name, test := range map[string]struct {
		kind fixtures.Kind
		read bool
	}{"keys": {fixtures.KeySet, false}, "list": {fixtures.TwoLevelList, true}} {
		dir := t.TempDir()
		odd := fixtures.Column{Name: "odd", Type: fixtures.Type{Kind: test.kind, Element: &fixtures.TextType},
			Values: []any{[]any{"a", "b"}, nil, []any{}, []any{"a"}}}
		writeFile(t, filepath.Join(dir, "a.parquet"), fixtures.Options{}, column("id", 1, 2, 3, 3), eventTimes(4), odd)
		writeFile(t, filepath.Join(dir, "b.parquet"), fixtures.Options{}, column("id", 4, 5), eventTimes(2))
		r := resultOf(t, auditView(t, model.View{Path: "*.parquet", Root: dir, Key: []string{"id"}}), "unreadable-file")
		if test.read {
			if r.Outcome != report.Pass {
				t.Errorf("%s: %s: %s, want r.Outcome == report.Pass", name, r.Outcome, r.Message)
			}
			continue
		}
		if r.Outcome != report.Error || r.Retryable || r.RowsBad != 1 || r.Findings[0].Subject.File != "a.parquet" ||
			!strings.Contains(r.Message, `valid Parquet that this engine cannot read in column "odd": a map without values`) || strings.Contains(r.Message, "write the file again") {
			t.Errorf("%s: %s, retryable %v, %d bad: %s", name, r.Outcome, r.Retryable, r.RowsBad, r.Message)
		}
	}
}

// TestCompressionThatOnlyTheEngineReads has a payload that is read from the bytes, in a compression that is not read so: it
// is named as sound, the repeats are counted, and their SQL leaves it out.
func TestCompressionThatOnlyTheEngineReads(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	wide := columnOf("wide", fixtures.Type{Kind: fixtures.Decimal, Precision: 50}, 1, 1, 2)
	path := filepath.Join(dir, "a.parquet")
	writeFile(t, path, fixtures.Options{Compression: fixtures.Uncompressed}, column("id", 1, 1, 2), eventTimes(3), wide)
	if err := recodeColumn(path, "wide", 5); err != nil {
		t.Fatal(err)
	}
	got := auditView(t, model.View{Path: "*.parquet", Root: dir, Key: []string{"id"}})
	r := resultOf(t, got, "unreadable-file")
	want := `a.parquet: it is valid Parquet that this engine cannot read in column "wide": the compression LZ4 of a column that is read from the bytes; its bytes need no ` +
		`repair: rewrite it with another compression (snappy, zstd, gzip, brotli, lz4_raw or none)`
	if r.Outcome != report.Error || r.Retryable || r.RowsBad != 1 || !strings.Contains(r.Message, want) {
		t.Errorf("unreadable-file: %s, retryable %v, %d bad: %s", r.Outcome, r.Retryable, r.RowsBad, r.Message)
	}
	r = resultOf(t, got, "duplicate-keys")
	if r.Outcome != report.Fail || r.RowsBad != 1 || !strings.Contains(r.Reproduce, `SELECT * EXCLUDE ("wide")`) {
		t.Fatalf("duplicate-keys: %s, %d bad, by %s", r.Outcome, r.RowsBad, r.Reproduce)
	}
	t.Chdir(dir)
	if rows := reproduce(t, r); len(rows) != 1 {
		t.Errorf("the SQL gives the rows %v, want one", rows)
	}
}

// TestFileOfNothingHidesNoRow has a file without rows and without columns beside a sound one.
func TestFileOfNothingHidesNoRow(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "a.parquet"), fixtures.Options{}, column("id", 1, 2), eventTimes(2))
	writeFile(t, filepath.Join(dir, "none.parquet"), fixtures.Options{})
	writeFile(t, filepath.Join(dir, "other.parquet"), fixtures.Options{}, column("other"))
	got := auditView(t, model.View{Path: "*.parquet", Root: dir, Key: []string{"id"}})
	for _, id := range []string{"unreadable-file", "duplicate-keys", "null-keys", "null-event-time", "future-rows", "mixed-encoding"} {
		if r := resultOf(t, got, id); r.Outcome != report.Pass {
			t.Errorf("%s: %s: %s, want r.Outcome == report.Pass", id, r.Outcome, r.Message)
		}
	}
}

// TestCopiesOfOneFile links a file hard and copies it: both are named, the link as one.
func TestCopiesOfOneFile(t *testing.T) {
	dir := t.TempDir()
	first := filepath.Join(dir, "a.parquet")
	writeFile(t, first, fixtures.Options{}, column("id", 1, 2, 3), eventTimes(3))
	data, err := os.ReadFile(first)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "b.parquet"), data, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(first, filepath.Join(dir, "c.parquet")); err != nil {
		t.Fatal(err)
	}
	r := resultOf(t, auditView(t, model.View{Path: "*.parquet", Root: dir}), "duplicate-files")
	if r.Outcome != report.Warn || r.RowsBad != 2 || r.RowsTotal != 3 || r.Measures["copied_rows"] != int64(6) {
		t.Fatalf("%s, %d of %d, %v: %s", r.Outcome, r.RowsBad, r.RowsTotal, r.Measures, r.Message)
	}
	for i, want := range []string{"is a copy of a.parquet: its 3 rows are counted again", "is the same file on disk as a.parquet: its 3 rows are counted again"} {
		if got := r.Findings[i].Message; got != want {
			t.Errorf("finding %d: %s, want %s", i, got, want)
		}
	}
	// with a key, the line stands with the repeats
	got := auditView(t, model.View{Path: "*.parquet", Root: dir, Key: []string{"id"}})
	if r := resultOf(t, got, "duplicate-keys"); r.RowsBad != 6 || !strings.Contains(r.Message, "2 files are copies of another, byte for byte (b.parquet of a.parquet, c.parquet of a.parquet)") {
		t.Errorf("duplicate-keys: %d bad: %s", r.RowsBad, r.Message)
	}
	if r := resultOf(t, got, "duplicate-files"); r.Outcome != report.NotApplicable {
		t.Errorf("duplicate-files: %s: %s", r.Outcome, r.Message)
	}
}

// fill overwrites all pages of a column, headers too.
func fill(path, column string, with byte) error {
	pages, err := fixtures.PagesOf(path)
	if err != nil {
		return err
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	for _, p := range pages {
		for i := p.Header; p.Column == column && i < p.Data+p.Size; i++ {
			data[i] = with
		}
	}
	return os.WriteFile(path, data, 0o600)
}

// recode gives the pages of amount another codec in the footer.
func recode(path string, codec int32) error { return recodeColumn(path, "amount", codec) }

func recodeColumn(path, column string, codec int32) error {
	return fixtures.EditFooter(path, column, func(c *fixtures.ChunkPlace) { c.Codec = codec })
}

// displace moves the place of a column in the footer.
func displace(path, column string, by int64) error {
	return fixtures.EditFooter(path, column, func(c *fixtures.ChunkPlace) { c.Offset += by })
}

// TestLZ4BlocksOfColumnsReadFromTheBytes has keys that are read from the bytes of a file, in the compression LZ4_RAW.
func TestLZ4BlocksOfColumnsReadFromTheBytes(t *testing.T) {
	dir := t.TempDir()
	query := fmt.Sprintf("COPY (SELECT INTERVAL (i %% 2993) DAY AS id, TIMESTAMP '2026-11-03 00:00:00' + INTERVAL (i) SECOND AS event_time FROM range(3000) r(i)) TO '%s' (FORMAT parquet, COMPRESSION lz4_raw)",
		filepath.Join(dir, "a.parquet"))
	if _, err := duckdb.RunSQL(context.Background(), 2, 0, query); err != nil {
		t.Fatal(err)
	}
	got := auditView(t, model.View{Path: "*.parquet", Root: dir, Key: []string{"id"}})
	if r := resultOf(t, got, "duplicate-keys"); r.Outcome != report.Fail || r.RowsBad != 7 || r.RowsTotal != 3000 {
		t.Errorf("%s, %d of %d: %s", r.Outcome, r.RowsBad, r.RowsTotal, r.Message)
	}
}
