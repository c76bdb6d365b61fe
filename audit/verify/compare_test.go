package verify

import (
	"reflect"
	"testing"

	"github.com/featureaudit/featureaudit/audit/content"
	"github.com/featureaudit/featureaudit/audit/times"
)

const day = times.Instant(86_400_000_000)

// held is a partition of a day with so many rows, whose sum stands for what they hold.
func held(at times.Instant, rows int64, sum uint64, columns ...content.Column) *Partition {
	return &Partition{Value: "d", Start: at * day, End: (at + 1) * day, Present: true, Expected: true, Rows: rows, Known: true,
		Files: []File{{Path: "a", Abs: "/s/a", Size: rows, FooterSum: sum}}, Content: content.Facts{Rows: rows, Sum: content.Sum{Lo: sum}, Columns: columns}}
}

func unread(p *Partition) *Partition {
	p.Known, p.Unread = false, []string{"a: it is cut off"}
	return p
}

func blind(p *Partition) *Partition {
	p.blind = true
	return p
}

func unknown(p *Partition) *Partition {
	p.Known, p.Files[0].Abs = false, "/other/a"
	return p
}

func open(p *Partition) *Partition {
	p.Open = true
	return p
}

// bare is a folder without files.
func bare() *Partition {
	p := held(1, 0, 0)
	p.Files = nil
	return p
}

func absent(p *Partition) *Partition {
	p.Present, p.Rows, p.Files = false, 0, nil
	return p
}

// plainly are settings in which nothing is usual, expected or held elsewhere.
func plainly() setting {
	return setting{ranged: true, beforeKind: Data, beforeAsOf: 100 * day, expectRows: func(Change) (int64, bool) { return 0, false },
		usual: func(Change) (int64, bool) { return 0, false }, holder: func(Change, content.Facts) (string, bool) { return "", false }, times: []string{"t", "i"},
		shares: func(Change, int64) bool { return false }}
}

// TestStatesOfPartitions decides what became of a partition by what both sides hold.
func TestStatesOfPartitions(t *testing.T) {
	twice := held(1, 20, 14)
	twice.Content.Sum = content.Sum{Lo: 7}.Times(2)
	moved := held(1, 2, 8, content.Column{Name: "t", Values: 2, Timed: true, Low: 3_600_000_010, High: 3_600_000_030, Center: 2*3_600_000_000 + 40, Sum: content.Sum{Lo: 2}})
	still := held(1, 2, 7, content.Column{Name: "t", Values: 2, Timed: true, Low: 10, High: 30, Center: 40, Sum: content.Sum{Lo: 1}})
	spread := held(1, 2, 8, content.Column{Name: "t", Values: 2, Timed: true, Low: 3_600_000_010, High: 3_600_000_031, Center: 2*3_600_000_000 + 41, Sum: content.Sum{Lo: 2}})
	// at is a partition of so many rows whose times of a column are all one hour of a day
	at := func(name string, rows int64, hour times.Instant) *Partition {
		instant := int64(hour * day / 24)
		return held(1, rows, uint64(hour), content.Column{Name: name, Values: rows, Timed: true, Low: instant, High: instant, Center: instant * rows,
			Sum: content.Sum{Lo: uint64(hour)}})
	}
	for _, c := range []struct {
		name          string
		before, after *Partition
		inside        bool
		want          State
		how, what     string
	}{
		{"the very files", held(1, 10, 7), held(1, 10, 7), false, Unchanged, "", "is unchanged"},
		{"the same rows elsewhere", held(1, 10, 7), func() *Partition { p := held(1, 10, 7); p.Files[0].Size = 5; return p }(), false, Rewritten, "", "was rewritten: the same rows, in other files"},
		{"no files", bare(), bare(), false, Unchanged, "", "has no rows, as before"},
		{"a first file without rows", bare(), held(1, 0, 0), false, Rewritten, "", "was rewritten: the same rows, in other files"},
		{"the files without rows are gone", held(1, 0, 0), bare(), false, Rewritten, "", "was rewritten: the same rows, in other files"},
		{"other rows, as many", held(1, 10, 7), held(1, 10, 8), false, Stray, "changed", "has other values in the combination of its columns: every column alone holds what it held"},
		{"fewer rows", held(1, 10, 7), held(1, 6, 8), false, Stray, "incomplete", "has 6 rows where 10 were"},
		{"half of the rows", held(1, 10, 7), held(1, 5, 8), false, Stray, "incomplete", "has 5 rows where 10 were"},
		{"less than half", held(1, 10, 7), held(1, 4, 8), false, Stray, "truncated", "is truncated: 4 rows where 10 were"},
		{"all rows twice", held(1, 10, 7), twice, false, Stray, "doubled", "is doubled: each of its 10 rows stands there twice"},
		{"more rows", held(1, 10, 7), held(1, 20, 8), false, Stray, "changed", "has 20 rows where 10 were"},
		{"gone", held(1, 10, 7), nil, false, Stray, "gone", "is gone, with 10 rows"},
		{"a folder that is gone", held(1, 10, 7), absent(held(1, 0, 0)), false, Stray, "gone", "is gone, with 10 rows"},
		{"new", nil, held(1, 10, 7), false, Stray, "new", "is new, with 10 rows"},
		{"new after before was looked at", nil, held(100, 10, 7), false, Pending, "", "had not ended on one of the sides: its rows may still come"},
		{"open before", open(held(1, 10, 7)), held(1, 12, 8), false, Pending, "", "had not ended on one of the sides: its rows may still come"},
		{"open and the same", open(held(1, 10, 7)), held(1, 10, 7), false, Unchanged, "", "is unchanged"},
		{"not read", held(1, 10, 7), unknown(held(1, 10, 7)), false, Unknown, "", "was not read"},
		{"unreadable", held(1, 10, 7), unread(unknown(held(1, 10, 7))), false, Unknown, "", "could not be read: a: it is cut off"},
		{"unreadable, with fewer rows", held(1, 10, 7), unread(unknown(held(1, 3, 7))), false, Stray, "truncated", "is truncated: 3 rows where 10 were"},
		{"a footer that is unreadable", held(1, 10, 7), blind(unread(unknown(held(1, 3, 7)))), false, Unknown, "", "could not be read: a: it is cut off"},
		{"a footer that was unreadable", blind(unread(unknown(held(1, 3, 7)))), held(1, 10, 7), false, Unknown, "", "could not be read: a: it is cut off"},
		{"unreadable, with more rows", held(1, 10, 7), blind(unread(unknown(held(1, 12, 7)))), false, Stray, "changed", "has 12 rows where 10 were"},
		{"filled", held(1, 10, 7), held(1, 10, 8), true, AsExpected, "", "has other values in the combination of its columns: every column alone holds what it held"},
		{"filled with more", held(1, 10, 7), held(1, 11, 8), true, AsExpected, "", "has 11 rows where 10 were"},
		{"filled with fewer", held(1, 10, 7), held(1, 9, 8), true, Incomplete, "", "has 9 rows where 10 were"},
		{"filled with few", held(1, 10, 7), held(1, 4, 8), true, Truncated, "", "is truncated: 4 rows where 10 were"},
		{"filled twice", held(1, 10, 7), twice, true, Doubled, "", "is doubled: each of its 10 rows stands there twice"},
		{"filled anew", nil, held(1, 10, 8), true, AsExpected, "", "is new, with 10 rows"},
		{"not filled", held(1, 10, 7), nil, true, Incomplete, "", "is not there any more: 10 rows are gone"},
		{"never filled", nil, absent(held(1, 0, 0)), true, Incomplete, "", "is not there"},
		{"empty", held(1, 10, 7), held(1, 0, 0), true, Incomplete, "", "has no rows where 10 were"},
		{"empty as before", held(1, 0, 0), held(1, 0, 0), true, Unchanged, "", "has no rows, as before"},
		{"all times an hour later", still, moved, true, Shifted, "", "is shifted: t is 1h later in its rows, and nothing else changed"},
		{"one time of two rows an hour later", at("t", 2, 1), at("t", 2, 2), true, Shifted, "", "is shifted: t is 1h later in its rows, and nothing else changed"},
		{"one row an hour later", at("t", 1, 1), at("t", 1, 2), true, AsExpected, "", "has other values in t"},
		{"rows that arrived at once, later", at("i", 2, 1), at("i", 2, 2), true, AsExpected, "", "has other values in i"},
		{"times of different shifts", still, spread, true, AsExpected, "", "has other values in t"},
	} {
		got := plainly().judge(Change{Value: "d", Start: day, Before: c.before, After: c.after, InRange: c.inside})
		if c.after != nil && c.before == nil {
			got = plainly().judge(Change{Value: "d", Start: c.after.Start, After: c.after, InRange: c.inside})
		}
		if got.State != c.want || got.How != c.how || got.What != c.what {
			t.Errorf("%s: %s (%s) %q, want %s (%s) %q", c.name, got.State, got.How, got.What, c.want, c.how, c.what)
		}
	}
}

// TestWhatSettingsDecide are numbers that somebody expects, what is usual, and rows that another partition held.
func TestWhatSettingsDecide(t *testing.T) {
	expecting, nothing, usual, other, staged, reported := plainly(), plainly(), plainly(), plainly(), plainly(), plainly()
	reported.beforeKind = Counts
	nothing.expectRows = func(Change) (int64, bool) { return 0, true }
	expecting.expectRows = func(Change) (int64, bool) { return 9, true }
	usual.usual = func(Change) (int64, bool) { return 101, true }
	other.holder = func(_ Change, sum content.Facts) (string, bool) { return "dt=2", sum.Sum.Lo == 8 }
	staged.rangeOnly = true
	for _, c := range []struct {
		name          string
		by            setting
		before, after *Partition
		inside        bool
		want          State
		what          string
	}{
		{"no rows in a report", reported, bare(), held(1, 0, 0), false, Unchanged, "has no rows, as before"},
		{"just so many rows", expecting, held(1, 10, 7), held(1, 9, 8), true, AsExpected, "has 9 rows, as --expect-rows says"},
		{"too few", expecting, held(1, 10, 7), held(1, 8, 8), true, Incomplete, "has 8 rows where --expect-rows says 9"},
		{"too many", expecting, held(1, 10, 7), held(1, 10, 8), true, Incomplete, "has 10 rows, more than the 9 that --expect-rows says"},
		{"no rows, as expected", nothing, held(1, 10, 7), held(1, 0, 0), true, AsExpected, "has 0 rows, as --expect-rows says"},
		{"a tenth of what is usual", usual, nil, held(1, 10, 8), true, Truncated, "is truncated: 10 rows where the partitions around it have 101 in the middle"},
		{"more than a tenth", usual, nil, held(1, 11, 8), true, AsExpected, "is new, with 11 rows"},
		{"rows of another day", other, held(1, 10, 7), held(1, 10, 8), true, Shifted, "is shifted: it holds the very rows that dt=2 held"},
		{"rows of another day, where none were", other, nil, held(1, 10, 8), true, Shifted, "is shifted: it holds the very rows of dt=2"},
		{"a staging folder", staged, held(1, 10, 7), nil, false, Uncompared, "is not there after, where only the range is"},
	} {
		got := c.by.judge(Change{Value: "d", Start: day, Before: c.before, After: c.after, InRange: c.inside})
		if got.State != c.want || got.What != c.what {
			t.Errorf("%s: %s %q, want %s %q", c.name, got.State, got.What, c.want, c.what)
		}
	}
}

// TestPartitionsArePairedByTime, whatever their folders are called; those without a time by name, and last.
func TestPartitionsArePairedByTime(t *testing.T) {
	at := func(value string, start times.Instant) Partition { return Partition{Value: value, Start: start} }
	before := []Partition{at("dt=2", 2*day), at("other", times.None), at("dt=1", day)}
	after := []Partition{at("day=1", day), at("dt=3", 3*day), at("other", times.None), at("else", times.None)}
	var got []string
	for _, c := range pair(before, after, func(p Partition) bool { return p.Start == 3*day }) {
		text := c.Value
		if c.Before != nil {
			text += " before " + c.Before.Value
		}
		if c.After != nil {
			text += " after " + c.After.Value
		}
		if c.InRange {
			text += " filled"
		}
		got = append(got, text)
	}
	want := []string{"day=1 before dt=1 after day=1", "dt=2 before dt=2", "dt=3 after dt=3 filled", "else after else", "other before other after other"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("pairs are %q, want %q", got, want)
	}
}

// TestFilesAreTheSameByAllThatIsKnown: one other thing makes another file; the order does not count, and how many there are does.
func TestFilesAreTheSameByAllThatIsKnown(t *testing.T) {
	file := File{Path: "a", Abs: "/s/a", Size: 3, ModTime: 4, Mask: "m", FooterSum: 5, ETag: "e"}
	other := file
	other.Abs = "/s/b"
	of := func(files ...File) Partition { return Partition{Files: files} }
	if !sameFiles(of(file, other), of(other, file)) || !copies(of(file), of(other)) || sameFiles(of(file), of(other)) || sameFiles(of(), of()) || copies(of(file), of(file, file)) {
		t.Error("sets of files are not told apart")
	}
	for name, change := range map[string]func(*File){"path": func(f *File) { f.Abs = "/s/c" }, "size": func(f *File) { f.Size++ }, "time": func(f *File) { f.ModTime++ }, "mask": func(f *File) { f.Mask = "" },
		"footer": func(f *File) { f.FooterSum++ }, "etag": func(f *File) { f.ETag = "" }} {
		changed := file
		change(&changed)
		if sameFiles(of(file), of(changed)) {
			t.Errorf("a file of another %s is the same", name)
		}
		if alike := copies(of(file), of(changed)); alike != (name == "path" || name == "time" || name == "etag") {
			t.Errorf("a file of another %s is a copy: %t", name, alike)
		}
	}
}

// TestSchemasAreCompared tells columns that are gone, new, retyped and of another kind.
func TestSchemasAreCompared(t *testing.T) {
	before := []ColumnType{{"a", []string{"INT32"}}, {"b", []string{"INT64"}}, {"c", []string{"TIMESTAMP(us, UTC)"}}, {"d", []string{"STRING"}}, {"n", []string{"NULL"}}}
	after := []ColumnType{{"a", []string{"INT64"}}, {"b", []string{"STRING"}}, {"c", []string{"TIMESTAMP(ms, UTC)", "TIMESTAMP(us, UTC)"}}, {"e", []string{"STRING"}}, {"n", []string{"DOUBLE"}}}
	want := SchemaChange{Gone: []string{"d"}, New: []string{"e"}, Retyped: []string{"a from INT32 to INT64", "c from TIMESTAMP(us, UTC) to TIMESTAMP(ms, UTC) and TIMESTAMP(us, UTC)", "n from NULL to DOUBLE"},
		Changed: []string{"b from INT64 to STRING"}, columns: []string{"a", "c", "n"}}
	if got := schemaChange(before, after); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// TestColumnsThatChanged are those of another sum or count of values, and those that one side alone has values of.
func TestColumnsThatChanged(t *testing.T) {
	column := func(name string, values int64, sum uint64) content.Column {
		return content.Column{Name: name, Values: values, Sum: content.Sum{Lo: sum}}
	}
	a := content.Facts{Columns: []content.Column{column("count", 2, 1), column("gone", 1, 1), column("nulls", 0, 0), column("same", 1, 1), column("sum", 1, 1)}}
	b := content.Facts{Columns: []content.Column{column("count", 3, 1), column("fresh", 1, 1), column("more", 0, 0), column("same", 1, 1), column("sum", 1, 2)}}
	if got, want := changedColumns(a, b), []string{"count", "fresh", "gone", "sum"}; !reflect.DeepEqual(got, want) {
		t.Errorf("changed are %v, want %v", got, want)
	}
}

// TestWhatIsUsual is the median of the nearest partitions that had ended and lie outside of the range.
func TestWhatIsUsual(t *testing.T) {
	var changes []Change
	for i := range 20 {
		changes = append(changes, Change{Start: times.Instant(i) * day, After: held(times.Instant(i), int64(100*i), 1)})
	}
	changes[10].InRange = true
	changes[9].After.Open = true
	if got, ok := usual(changes, changes[10]); !ok || got != 1100 {
		// of 3 to 8 and 11 to 17 and the one that is as near as another and earlier, the eighth
		t.Errorf("usual are %d, %t", got, ok)
	}
	if _, ok := usual(changes[:3], changes[1]); ok {
		t.Error("two partitions tell what is usual")
	}
}
