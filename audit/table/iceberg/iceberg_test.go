package iceberg_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/store/local"
	"github.com/featureaudit/featureaudit/audit/table/iceberg"
	"github.com/featureaudit/featureaudit/audit/table/logged"
	"github.com/featureaudit/featureaudit/fixtures"
	"github.com/featureaudit/featureaudit/fixtures/icebergtable"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// day is a day from 1970 on.
func day(text string) int {
	at, err := time.Parse(time.DateOnly, text)
	if err != nil {
		panic(err)
	}
	return int(at.Unix() / 86400)
}

func fields() []icebergtable.Field {
	return []icebergtable.Field{{ID: 1, Name: "id", Type: "long"}, {ID: 2, Name: "user", Type: "string"}, {ID: 3, Name: "at", Type: "timestamptz"}}
}

var byDay = []icebergtable.Partition{{Source: 3, ID: 1000, Name: "at_day", Transform: "day"}}

// rows are n rows of a day, with ids from first on.
func rows(date string, first, n int) fixtures.Table {
	start, err := time.Parse(time.DateOnly, date)
	if err != nil {
		panic(err)
	}
	var ids, users, ats []any
	for i := range n {
		ids, users, ats = append(ids, first+i), append(users, fmt.Sprintf("u%d", i%3)), append(ats, start.Add(time.Duration(i)*time.Minute))
	}
	return fixtures.Table{Columns: []fixtures.Column{{Name: "id", Type: fixtures.Int64Type, Values: ids}, {Name: "user", Type: fixtures.TextType, Values: users},
		{Name: "at", Type: fixtures.AwareType, Values: ats}}}
}

func file(path, date string, first, n int) icebergtable.File {
	return icebergtable.File{Path: path, Rows: rows(date, first, n), Values: []any{day(date)}}
}

// begin makes a table by days, with two files.
func begin(t *testing.T, o icebergtable.Options) *icebergtable.Table {
	t.Helper()
	if o.Fields == nil {
		o.Fields = fields()
	}
	if o.Partitions == nil {
		o.Partitions = byDay
	}
	table, err := icebergtable.New(t.TempDir(), o)
	must(t, err)
	must(t, table.Commit(icebergtable.Change{Add: []icebergtable.File{file("data/a.parquet", "2026-11-03", 0, 10), file("data/b.parquet", "2026-11-04", 10, 10)}}))
	return table
}

// summary is what a version has, as text: each path with its values and its deleted rows.
func summary(t *testing.T, v logged.Version) []string {
	t.Helper()
	lines := []string{}
	for _, f := range v.Files {
		var deleted []int64
		if f.Load != nil {
			set, err := f.Load(t.Context())
			must(t, err)
			for row := set.Next(0); row >= 0; row = set.Next(row + 1) {
				deleted = append(deleted, row)
			}
		}
		lines = append(lines, fmt.Sprint(f.Path, " ", f.Values, " ", f.Size, " ", deleted))
	}
	return lines
}

// short is a summary without sizes.
func short(t *testing.T, v logged.Version) []string {
	t.Helper()
	lines := summary(t, v)
	for i, f := range v.Files {
		lines[i] = strings.Replace(lines[i], fmt.Sprint(" ", f.Size), "", 1)
	}
	return lines
}

func read(t *testing.T, dir string, at model.TableAt) logged.Version {
	t.Helper()
	v, err := iceberg.Read(t.Context(), local.New(), dir, at)
	must(t, err)
	return v
}

func expect(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got  %s\nwant %s", strings.Join(got, "\n     "), strings.Join(want, "\n     "))
	}
}

// TestEveryFormat reads the same table in each version of the format, by folder and by file, packed and not, by each codec.
func TestEveryFormat(t *testing.T) {
	for _, format := range []int{1, 2, 3} {
		for _, codec := range []string{"null", "deflate", "snappy", "zstandard"} {
			table := begin(t, icebergtable.Options{Format: format, Codec: codec, Packed: codec == "snappy"})
			must(t, table.Commit(icebergtable.Change{Remove: []string{"data/a.parquet"}, Add: []icebergtable.File{file("data/c.parquet", "2026-11-05", 20, 3)}}))
			for _, path := range []string{table.Dir, table.MetadataName(table.Version)} {
				v := read(t, path, model.TableAt{})
				expect(t, short(t, v), "data/b.parquet [{at_day 2026-11-04}] []", "data/c.parquet [{at_day 2026-11-05}] []")
				if v.Number != table.Last || v.CommittedAt.Time().UnixMilli() != icebergtable.Start+2*60_000 || v.Root != table.Dir || len(v.Notes) > 0 {
					t.Errorf("format %d: snapshot %d of %v in %s, %v", format, v.Number, v.CommittedAt.Time(), v.Root, v.Notes)
				}
				if v.Files[0].Rows != 10 || v.Files[0].Added.Time().UnixMilli() != icebergtable.Start+60_000 {
					t.Errorf("format %d: %+v", format, v.Files[0])
				}
			}
		}
	}
}

// TestDeletes masks rows by positions, vectors and equal values, each only where its sequence number and partition say.
func TestDeletes(t *testing.T) {
	table := begin(t, icebergtable.Options{Format: 2})
	must(t, table.Commit(icebergtable.Change{Operation: "delete", Deletes: []icebergtable.Delete{
		{Positions: map[string][]int64{"data/a.parquet": {0, 9}}, Values: []any{day("2026-11-03")}, Bounds: true},
		{Positions: map[string][]int64{"data/b.parquet": {1}, "data/gone.parquet": {5}}, Values: []any{day("2026-11-04")}}}}))
	want := []string{"data/a.parquet [{at_day 2026-11-03}] [0 9]", "data/b.parquet [{at_day 2026-11-04}] [1]"}
	expect(t, short(t, read(t, table.Dir, model.TableAt{})), want...)
	// u1 of the third goes, in the rows that were there; the file that comes with the delete stays whole, and so does the fourth
	must(t, table.Commit(icebergtable.Change{Operation: "overwrite", Add: []icebergtable.File{file("data/c.parquet", "2026-11-03", 20, 4)},
		Deletes: []icebergtable.Delete{{Equality: []int{2}, Values: []any{day("2026-11-03")}, Rows: fixtures.Table{Columns: []fixtures.Column{{Name: "user", Type: fixtures.TextType, Values: []any{"u1"}}}}}}}))
	want = []string{"data/a.parquet [{at_day 2026-11-03}] [0 1 4 7 9]", "data/b.parquet [{at_day 2026-11-04}] [1]", "data/c.parquet [{at_day 2026-11-03}] []"}
	expect(t, short(t, read(t, table.Dir, model.TableAt{})), want...)
	before := table.Last
	must(t, table.SetFormat(3))
	must(t, table.Commit(icebergtable.Change{Operation: "delete", Deletes: []icebergtable.Delete{{Vectors: map[string][]int64{"data/c.parquet": {2}}, Values: []any{day("2026-11-03")}},
		{Vectors: map[string][]int64{"data/b.parquet": {1, 3}}, Values: []any{day("2026-11-04")}}}}))
	now := []string{want[0], "data/b.parquet [{at_day 2026-11-04}] [1 3]", "data/c.parquet [{at_day 2026-11-03}] [2]"}
	v := read(t, table.Dir, model.TableAt{})
	expect(t, short(t, v), now...)
	old := read(t, table.Dir, model.TableAt{Version: &before})
	expect(t, short(t, old), want...)
	if old.Files[0].Mask != v.Files[0].Mask || old.Files[1].Mask == v.Files[1].Mask || old.Files[2].Mask != "" {
		t.Errorf("masks %q and %q", []string{old.Files[0].Mask, old.Files[1].Mask}, []string{v.Files[0].Mask, v.Files[1].Mask})
	}
}

// TestEqualityDeletes compares values as the format has it: NULL with NULL, numbers of any width, columns that a file does not have, in one
// partition or in all.
func TestEqualityDeletes(t *testing.T) {
	fields := append(fields(), icebergtable.Field{ID: 4, Name: "price", Type: "decimal(9, 2)"}, icebergtable.Field{ID: 5, Name: "on", Type: "date"})
	dec := fixtures.DecimalType(9, 2)
	one := func(name string, kind fixtures.Type, values ...any) fixtures.Table {
		return fixtures.Table{Columns: []fixtures.Column{{Name: name, Type: kind, Values: values}}}
	}
	base := rows("2026-11-03", 0, 4)
	base.Columns[1].Values = []any{"a", nil, "b", "a"}
	full := base
	full.Columns = append(slices.Clone(base.Columns), fixtures.Column{Name: "price", Type: dec, Values: []any{100, nil, -5, 0}})
	small := rows("2026-11-03", 0, 4)
	small.Columns[0] = fixtures.Column{Name: "id", Type: fixtures.Int32Type, Values: []any{0, 1, 2, 3}}
	for name, test := range map[string]struct {
		with fixtures.Table
		ids  []int
		rows fixtures.Table
		want string
	}{
		"a text":                    {full, []int{2}, one("user", fixtures.TextType, "a"), "[0 3]"},
		"NULL":                      {full, []int{2}, one("user", fixtures.TextType, nil), "[1]"},
		"a decimal of other bytes":  {full, []int{4}, one("price", fixtures.Type{Kind: fixtures.Decimal, Precision: 9, Scale: 2}, -5, 0), "[2 3]"},
		"a column that is not held": {base, []int{4}, one("price", dec, nil), "[0 1 2 3]"},
		"no NULL of one":            {base, []int{4}, one("price", dec, 0), "[]"},
		"a widened number":          {small, []int{1}, one("id", fixtures.Int64Type, 2), "[2]"},
		"two columns": {full, []int{2, 1}, fixtures.Table{Columns: []fixtures.Column{{Name: "user", Type: fixtures.TextType, Values: []any{"a", "b", nil}},
			{Name: "id", Type: fixtures.Int64Type, Values: []any{3, 0, 1}}}}, "[1 3]"},
		"an instant": {full, []int{3}, one("at", fixtures.AwareType, time.Date(2026, 11, 3, 0, 2, 0, 0, time.UTC)), "[2]"},
	} {
		for _, global := range []bool{false, true} {
			table, err := icebergtable.New(t.TempDir(), icebergtable.Options{Fields: fields, Partitions: byDay})
			must(t, err)
			ids := map[string]int32{}
			for _, c := range test.with.Columns {
				ids[c.Name] = table.FieldIDs()[c.Name]
			}
			must(t, table.Commit(icebergtable.Change{Add: []icebergtable.File{{Path: "a.parquet", Rows: test.with, Values: []any{day("2026-11-03")}}, file("b.parquet", "2026-11-04", 50, 2)}}))
			d := icebergtable.Delete{Equality: test.ids, Rows: test.rows, Values: []any{day("2026-11-03")}}
			if global {
				must(t, table.SetPartitions(nil))
				d.Spec, d.Values = 1, nil
			}
			must(t, table.Commit(icebergtable.Change{Deletes: []icebergtable.Delete{d}}))
			v := read(t, table.Dir, model.TableAt{})
			if got := short(t, v)[0]; got != "a.parquet [{at_day 2026-11-03}] "+test.want {
				t.Errorf("%s, global %v: %s, want %s", name, global, got, test.want)
			}
			if name == "a column that is not held" {
				want := "b.parquet [{at_day 2026-11-04}] []"
				if global {
					want = "b.parquet [{at_day 2026-11-04}] [0 1]"
				}
				if got := short(t, v)[1]; got != want {
					t.Errorf("%s, global %v: %s, want %s", name, global, got, want)
				}
			}
		}
	}
}

// TestTimeTravel reads each of 200 snapshots by its id, by its time and by a tag.
func TestTimeTravel(t *testing.T) {
	table := begin(t, icebergtable.Options{Format: 2})
	type state struct {
		id    int64
		lines []string
	}
	states := []state{{table.Last, []string{"data/a.parquet [{at_day 2026-11-03}] []", "data/b.parquet [{at_day 2026-11-04}] []"}}}
	for n := 2; n <= 200; n++ {
		name := fmt.Sprintf("data/f%03d.parquet", n)
		c := icebergtable.Change{Add: []icebergtable.File{file(name, "2026-11-05", n*10, 3)}}
		before := slices.Clone(states[len(states)-1].lines)
		if n%7 == 0 {
			gone := strings.Fields(before[0])[0]
			c.Remove, before = []string{gone}, before[1:]
		}
		if n%11 == 0 {
			line := before[len(before)-1]
			path := strings.Fields(line)[0]
			if strings.HasSuffix(line, " []") {
				c.Deletes = []icebergtable.Delete{{Positions: map[string][]int64{path: {int64(n % 3)}}, Values: []any{day("2026-11-05")}, Bounds: n%2 == 0}}
				before[len(before)-1] = strings.TrimSuffix(line, "[]") + fmt.Sprintf("[%d]", n%3)
			}
		}
		must(t, table.Commit(c))
		lines := append(before, name+" [{at_day 2026-11-05}] []")
		slices.Sort(lines)
		states = append(states, state{table.Last, lines})
		if n == 100 {
			must(t, table.Tag("half"))
		}
	}
	for i, s := range states {
		if i%9 != 0 && i != 99 && i != 199 {
			continue
		}
		id := s.id
		v := read(t, table.Dir, model.TableAt{Version: &id})
		expect(t, short(t, v), s.lines...)
		at := time.UnixMilli(icebergtable.Start + int64(i+1)*60_000 + 59_000)
		if v := read(t, table.Dir, model.TableAt{AsOf: at}); v.Number != id {
			t.Errorf("as of %v: snapshot %d, want %d", at, v.Number, id)
		}
	}
	if v := read(t, table.Dir, model.TableAt{Branch: "half"}); v.Number != states[99].id {
		t.Errorf("the tag is at %d, want %d", v.Number, states[99].id)
	}
	if v := read(t, table.Dir, model.TableAt{Branch: "main"}); v.Number != states[199].id {
		t.Errorf("main is at %d, want %d", v.Number, states[199].id)
	}
	v := read(t, table.Dir, model.TableAt{})
	for _, path := range []string{"data/a.parquet", "data/f002.parquet", "metadata/x.parquet"} {
		if !v.Named(path) {
			t.Errorf("%s is named by an older snapshot", path)
		}
	}
	if v.Named("data/stray.parquet") {
		t.Error("nobody names data/stray.parquet")
	}
}

// TestBranches keeps what is on a branch apart, and a rollback brings back what was.
func TestBranches(t *testing.T) {
	table := begin(t, icebergtable.Options{})
	first := table.Last
	must(t, table.Branch("audit"))
	must(t, table.Commit(icebergtable.Change{Branch: "audit", Remove: []string{"data/a.parquet"}}))
	must(t, table.Commit(icebergtable.Change{Add: []icebergtable.File{file("data/c.parquet", "2026-11-05", 30, 1)}}))
	expect(t, short(t, read(t, table.Dir, model.TableAt{Branch: "audit"})), "data/b.parquet [{at_day 2026-11-04}] []")
	if n := len(read(t, table.Dir, model.TableAt{}).Files); n != 3 {
		t.Errorf("%d files, want 3", n)
	}
	must(t, table.Rollback(first))
	if v := read(t, table.Dir, model.TableAt{}); v.Number != first || len(v.Files) != 2 {
		t.Errorf("after the rollback: %d with %d files", v.Number, len(v.Files))
	}
}

// TestEvolution reads files by numbers: renamed, reordered, dropped and added columns, and two partition specs.
func TestEvolution(t *testing.T) {
	table := begin(t, icebergtable.Options{})
	must(t, table.SetFields([]icebergtable.Field{{ID: 3, Name: "at", Type: "timestamptz"}, {ID: 1, Name: "key", Type: "long"}, {ID: 4, Name: "user", Type: "string"}}))
	must(t, table.SetPartitions([]icebergtable.Partition{{Source: 3, ID: 1000, Name: "at_day", Transform: "day"}, {Source: 1, ID: 1001, Name: "key_bucket", Transform: "bucket[4]"}}))
	more := fixtures.Table{Columns: []fixtures.Column{{Name: "at", Type: fixtures.AwareType, Values: []any{time.Date(2026, 11, 5, 1, 0, 0, 0, time.UTC)}}, {Name: "key", Type: fixtures.Int64Type, Values: []any{1}}}}
	must(t, table.Commit(icebergtable.Change{Add: []icebergtable.File{{Path: "data/c.parquet", Rows: more, Values: []any{day("2026-11-05"), 2}, Spec: 1}}}))
	v := read(t, table.Dir, model.TableAt{})
	expect(t, short(t, v), "data/a.parquet [{at_day 2026-11-03}] []", "data/b.parquet [{at_day 2026-11-04}] []", "data/c.parquet [{at_day 2026-11-05} {key_bucket 2}] []")
	var columns []string
	for _, c := range v.Columns {
		columns = append(columns, fmt.Sprint(c.Name, " ", c.ID, " ", c.ByID))
	}
	expect(t, columns, "at 3 true", "key 1 true", "user 4 true")
	expect(t, v.Partitions, "at_day", "key_bucket")
}

// TestPartitionTexts says each transform's values as the names of folders have them.
func TestPartitionTexts(t *testing.T) {
	fields := []icebergtable.Field{{ID: 1, Name: "n", Type: "long"}, {ID: 2, Name: "s", Type: "string"}, {ID: 3, Name: "at", Type: "timestamp"}, {ID: 4, Name: "d", Type: "date"}, {ID: 5, Name: "b", Type: "boolean"}}
	var spec []icebergtable.Partition
	for i, f := range []struct {
		source          int
		name, transform string
	}{{3, "y", "year"}, {3, "m", "month"}, {3, "h", "hour"}, {1, "n_trunc", "truncate[10]"}, {2, "s", "identity"}, {4, "d", "identity"}, {3, "at", "identity"}, {2, "nothing", "void"},
		{5, "b", "identity"}, {2, "s_bucket", "bucket[8]"}} {
		spec = append(spec, icebergtable.Partition{Source: f.source, ID: 1000 + i, Name: f.name, Transform: f.transform})
	}
	table, err := icebergtable.New(t.TempDir(), icebergtable.Options{Fields: fields, Partitions: spec})
	must(t, err)
	at := time.Date(2026, 11, 3, 7, 0, 0, 0, time.UTC)
	rows := fixtures.Table{Columns: []fixtures.Column{{Name: "n", Type: fixtures.Int64Type, Values: []any{1}}}}
	full := []any{56, 56*12 + 10, int(at.Unix() / 3600), -10, "a/b =%", day("2026-11-03"), at.UnixMicro(), nil, true, 3}
	must(t, table.Commit(icebergtable.Change{Add: []icebergtable.File{{Path: "a.parquet", Rows: rows, Values: full}, {Path: "b.parquet", Rows: rows, Values: make([]any, 10)}}}))
	null := logged.Null
	expect(t, short(t, read(t, table.Dir, model.TableAt{})),
		"a.parquet [{y 2026} {m 2026-11} {h 2026-11-03-07} {n_trunc -10} {s a/b =%} {d 2026-11-03} {at 2026-11-03T07:00:00} {b true} {s_bucket 3}] []",
		fmt.Sprintf("b.parquet [{y %s} {m %s} {h %s} {n_trunc %s} {s %s} {d %s} {at %s} {b %s} {s_bucket %s}] []", null, null, null, null, null, null, null, null, null))
}

// edit replaces text in a file.
func edit(t *testing.T, name, old, new string) {
	t.Helper()
	data, err := os.ReadFile(name)
	must(t, err)
	if !strings.Contains(string(data), old) {
		t.Fatalf("%s has no %s", name, old)
	}
	must(t, os.WriteFile(name, []byte(strings.Replace(string(data), old, new, 1)), 0o644))
}

// TestRefusals names what is not read, and what to do.
func TestRefusals(t *testing.T) {
	metadata := func(old, new string) func(*testing.T, *icebergtable.Table) {
		return func(t *testing.T, table *icebergtable.Table) { edit(t, table.MetadataName(table.Version), old, new) }
	}
	commit := func(c icebergtable.Change) func(*testing.T, *icebergtable.Table) {
		return func(t *testing.T, table *icebergtable.Table) { must(t, table.Commit(c)) }
	}
	nine := int64(9)
	tenth := []any{day("2026-11-03")}
	for name, test := range map[string]struct {
		do     func(*testing.T, *icebergtable.Table)
		at     model.TableAt
		format int
		want   string
	}{
		"a later format":         {do: metadata(`"format-version": 2`, `"format-version": 4`), want: "it is of format version 4, and the last that is read here is 3"},
		"an unknown key":         {do: metadata(`"last-updated-ms"`, `"last-updated-mss"`), want: `unknown field "last-updated-mss"`},
		"encryption":             {do: metadata(`"format-version": 2`, `"format-version": 2, "encryption-keys": [{}]`), want: "it is encrypted (encryption-keys)"},
		"no JSON":                {do: metadata(`{`, `[`), want: "it is no JSON of a table's metadata"},
		"no snapshot of that id": {do: func(*testing.T, *icebergtable.Table) {}, at: model.TableAt{Version: &nine}, want: "it has no snapshot 9 (or no longer): it has 3051729675574597005 of 2026-11-01T02:27:40Z"},
		"no branch":              {do: func(*testing.T, *icebergtable.Table) {}, at: model.TableAt{Branch: "dev"}, want: `it has no branch or tag "dev": it has main`},
		"a time before":          {do: func(*testing.T, *icebergtable.Table) {}, at: model.TableAt{AsOf: time.UnixMilli(5)}, want: "which is later than 1970-01-01T00:00:00Z"},
		"a file that is Avro":    {do: commit(icebergtable.Change{Add: []icebergtable.File{{Path: "x.avro", Rows: rows("2026-11-03", 0, 1), Values: tenth, Format: "AVRO"}}}), want: "its data file file://"},
		"a file twice":           {do: commit(icebergtable.Change{Add: []icebergtable.File{{Path: "data/a.parquet", There: true, Count: 10, Values: tenth}}}), want: "twice, so that its rows count twice"},
		"a position beyond":      {do: commit(icebergtable.Change{Deletes: []icebergtable.Delete{{Positions: map[string][]int64{"data/a.parquet": {10}}, Values: tenth}}}), want: "it takes row 10 of file://"},
		"another partition":      {do: commit(icebergtable.Change{Deletes: []icebergtable.Delete{{Positions: map[string][]int64{"data/b.parquet": {1}}, Values: tenth}}}), want: "which is of another partition than it"},
		"equality of a float": {do: func(t *testing.T, table *icebergtable.Table) {
			must(t, table.SetFields(append(fields(), icebergtable.Field{ID: 4, Name: "f", Type: "double"})))
			must(t, table.Commit(icebergtable.Change{Deletes: []icebergtable.Delete{{Equality: []int{4}, Values: tenth, Rows: fixtures.Table{Columns: []fixtures.Column{{Name: "f", Type: fixtures.FloatType, Values: []any{1.5}}}}}}}))
		}, want: "it compares the column f of the type double, which is not done here: have the table compacted"},
		"a default": {do: func(t *testing.T, table *icebergtable.Table) {
			must(t, table.SetFields(append(fields(), icebergtable.Field{ID: 4, Name: "n", Type: "long", Default: 7})))
			must(t, table.Commit(icebergtable.Change{Deletes: []icebergtable.Delete{{Equality: []int{4}, Values: tenth, Rows: fixtures.Table{Columns: []fixtures.Column{{Name: "n", Type: fixtures.Int64Type, Values: []any{7}}}}}}}))
		}, format: 3, want: "the table says that it reads as 7 there (initial-default)"},
		"two vectors of one file": {do: commit(icebergtable.Change{Deletes: []icebergtable.Delete{{Vectors: map[string][]int64{"data/a.parquet": {1}}, Values: tenth},
			{Vectors: map[string][]int64{"data/a.parquet": {2}}, Values: tenth}}}), format: 3, want: "it has two of them"},
		"a list that is gone": {do: func(t *testing.T, table *icebergtable.Table) {
			must(t, os.Remove(filepath.Join(table.Dir, "metadata", fmt.Sprintf("snap-%d.avro", table.Last))))
		}, want: ".avro is not there"},
		"a cut manifest": {do: func(t *testing.T, table *icebergtable.Table) {
			must(t, os.Truncate(filepath.Join(table.Dir, "metadata", "m00001.avro"), 100))
		}, want: "m00001.avro has 100 bytes, and its list says"},
		"no hint": {do: func(t *testing.T, table *icebergtable.Table) {
			must(t, os.Remove(filepath.Join(table.Dir, "metadata", "version-hint.text")))
		}, want: "has 2 metadata files and no version-hint.text that says which is the newest, and none is guessed: name one of them in path, or the table in its catalog (v1.metadata.json, v2.metadata.json)"},
		"a hint of nothing": {do: func(t *testing.T, table *icebergtable.Table) {
			must(t, os.WriteFile(filepath.Join(table.Dir, "metadata", "version-hint.text"), []byte("77"), 0o644))
		}, want: `its version-hint.text says "77", and its folder metadata has no such metadata file`},
		"a table that was moved":   {do: metadata(`"location": "file://`, `"location": "file:///old`), want: "its metadata names files by their whole paths, which lead back there"},
		"a store of another kind":  {do: metadata(`"location": "file://`, `"location": "hdfs://`), want: "is in a store that is not read here: want files of this machine, s3://, gs:// or abfss://"},
		"another current snapshot": {do: metadata(fmt.Sprintf(`"current-snapshot-id": %d`, 3051729675574597005), `"current-snapshot-id": 5`), want: "its branch main is at snapshot 3051729675574597005, and current-snapshot-id says 5"},
	} {
		t.Run(name, func(t *testing.T) {
			table := begin(t, icebergtable.Options{Format: max(test.format, 2)})
			test.do(t, table)
			if _, err := iceberg.Read(t.Context(), local.New(), table.Dir, test.at); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

// TestRelocated reads a table that was moved as a whole, where that is said; and one whose folder has another name.
func TestRelocated(t *testing.T) {
	for _, location := range []string{"", "s3a://bucket/warehouse/t", "warehouse/t"} {
		table := begin(t, icebergtable.Options{Location: location})
		must(t, table.Commit(icebergtable.Change{Deletes: []icebergtable.Delete{{Positions: map[string][]int64{"data/a.parquet": {3}}, Values: []any{day("2026-11-03")}, Bounds: true}}}))
		moved := filepath.Join(t.TempDir(), "moved")
		must(t, os.Rename(table.Dir, moved))
		if _, err := iceberg.Read(t.Context(), local.New(), moved, model.TableAt{}); err == nil || !strings.Contains(err.Error(), "say table: {relocated: true}") {
			t.Errorf("%s: moved: %v", location, err)
		}
		v := read(t, moved, model.TableAt{Relocated: true})
		expect(t, short(t, v), "data/a.parquet [{at_day 2026-11-03}] [3]", "data/b.parquet [{at_day 2026-11-04}] []")
		if _, err := os.Stat(v.Files[0].Abs); err != nil || v.Root != moved {
			t.Errorf("%s in %s: %v", v.Files[0].Abs, v.Root, err)
		}
	}
	table := begin(t, icebergtable.Options{})
	link := filepath.Join(t.TempDir(), "link")
	must(t, os.Symlink(table.Dir, link))
	if v := read(t, link, model.TableAt{}); v.Root != table.Dir || len(v.Files) != 2 {
		t.Errorf("by a link: %d files in %s", len(v.Files), v.Root)
	}
}

// TestHints follows a hint that lags behind, and takes names too.
func TestHints(t *testing.T) {
	table := begin(t, icebergtable.Options{})
	hint := filepath.Join(table.Dir, "metadata", "version-hint.text")
	for _, text := range []string{"1", "2", "2\n", "v2", "v2.metadata.json"} {
		must(t, os.WriteFile(hint, []byte(text), 0o644))
		if v := read(t, table.Dir, model.TableAt{}); v.Number != table.Last {
			t.Errorf("hint %q: %d, want %d", text, v.Number, table.Last)
		}
	}
}
