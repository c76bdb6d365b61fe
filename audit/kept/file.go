package kept

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/featureaudit/featureaudit/audit/times"
)

// File is what a Dir knows of one file, gathered under one policy.
type File struct {
	// View is the name that the view had, for people. Policy is the digest of all that its facts rest on and that is the same for all
	// files of the view, State that of what else they rest on.
	View, Policy, State string
	// Path is absolute. A file is itself by its path, its size in bytes, its modification time, the store's own
	// mark and the checksum of its footer.
	Path    string
	Size    int64
	ModTime times.Instant
	ETag    string
	Footer  uint64
	// Rows are those of the file; Pages of its columns had a checksum, and it agreed.
	Rows, Pages int64
	// Partition names its partition as the view's paths do; Start and End bound it.
	Partition  string
	Start, End times.Instant
	// AsOf is the instant that the facts were gathered at. They hold from Holds on, and while ten years after
	// as_of do not reach Far.
	AsOf, Holds, Far times.Instant
	// Sources are the names of sources by the numbers that the rows of the other tables give them.
	Sources []string
	// At says where the rows of each table begin that are of the file, and how many they are.
	At map[string][]Range

	pack *Pack
}

// Range are rows of a table.
type Range struct{ First, Count int64 }

// filesTable names the files of a pack.
var filesTable = Table{Name: "files", Columns: append([]Column{
	{"view", Text}, {"policy", Text}, {"state", Text}, {"path", Text}, {"etag", Text}, {"partition", Text}, {"sources", Text}, {"at", Text}},
	Integers("file", "size", "mtime_us", "footer", "rows", "pages", "partition_start_us", "partition_end_us", "as_of_us", "holds_from_us", "far_us")...)}

func (f *File) row(number int64) Rows {
	text := func(s string) []string { return []string{s} }
	whole := func(n int64) []int64 { return []int64{n} }
	return Rows{text(f.View), text(f.Policy), text(f.State), text(f.Path), text(f.ETag), text(f.Partition), text(joined(f.Sources)), text(placed(f.At)),
		whole(number), whole(f.Size), whole(int64(f.ModTime)), whole(int64(f.Footer)), whole(f.Rows), whole(f.Pages), whole(int64(f.Start)), whole(int64(f.End)),
		whole(int64(f.AsOf)), whole(int64(f.Holds)), whole(int64(f.Far))}
}

// filesOf reads the table of a pack's files. A pack of a list alone has none.
func filesOf(p *Pack) ([]*File, error) {
	n := p.Len(filesTable.Name)
	if n == 0 {
		return nil, nil
	}
	texts, wholes := map[string][]string{}, map[string][]int64{}
	for _, c := range filesTable.Columns {
		var err error
		if c.Kind == Text {
			texts[c.Name], err = p.Texts(filesTable.Name, c.Name, 0, n)
		} else {
			wholes[c.Name], err = p.Integers(filesTable.Name, c.Name, 0, n)
		}
		if err != nil {
			return nil, err
		}
	}
	instant := func(name string, i int) times.Instant { return times.Instant(wholes[name][i]) }
	files := make([]*File, n)
	for i := range files {
		at, err := placesOf(texts["at"][i])
		if err != nil {
			return nil, DamagedError{Pack: p.path, Err: err}
		}
		sources, err := parted(texts["sources"][i])
		if err != nil {
			return nil, DamagedError{Pack: p.path, Err: err}
		}
		files[i] = &File{View: texts["view"][i], Policy: texts["policy"][i], State: texts["state"][i], Path: texts["path"][i], ETag: texts["etag"][i],
			Partition: texts["partition"][i], Sources: sources, At: at,
			Size: wholes["size"][i], ModTime: instant("mtime_us", i), Footer: uint64(wholes["footer"][i]), Rows: wholes["rows"][i], Pages: wholes["pages"][i],
			Start: instant("partition_start_us", i), End: instant("partition_end_us", i), AsOf: instant("as_of_us", i), Holds: instant("holds_from_us", i),
			Far: instant("far_us", i), pack: p}
	}
	return files, nil
}

// joined writes texts as one: each as Go quotes it, with a blank between.
func joined(texts []string) string {
	quoted := make([]string, len(texts))
	for i, text := range texts {
		quoted[i] = strconv.Quote(text)
	}
	return strings.Join(quoted, " ")
}

func parted(text string) ([]string, error) {
	var texts []string
	for text != "" {
		quoted, err := strconv.QuotedPrefix(text)
		if err != nil {
			return nil, fmt.Errorf("a list of texts does not parse: %w", err)
		}
		one, err := strconv.Unquote(quoted)
		if err != nil {
			return nil, fmt.Errorf("a list of texts does not parse: %w", err)
		}
		texts = append(texts, one)
		text = strings.TrimPrefix(text[len(quoted):], " ")
	}
	return texts, nil
}

// placed writes places as "keys:0+500000,900000+20 slices:3+2", sorted.
func placed(at map[string][]Range) string {
	var all []string
	for table, ranges := range at {
		parts := make([]string, len(ranges))
		for i, r := range ranges {
			parts[i] = fmt.Sprintf("%d+%d", r.First, r.Count)
		}
		all = append(all, table+":"+strings.Join(parts, ","))
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

func placesOf(text string) (map[string][]Range, error) {
	at := map[string][]Range{}
	for one := range strings.FieldsSeq(text) {
		table, list, ok := strings.Cut(one, ":")
		if !ok {
			return nil, fmt.Errorf("%q is no place in a table", one)
		}
		at[table] = []Range{}
		for part := range strings.SplitSeq(list, ",") {
			if part == "" {
				continue
			}
			var r Range
			first, count, _ := strings.Cut(part, "+")
			var err1, err2 error
			r.First, err1 = strconv.ParseInt(first, 10, 64)
			r.Count, err2 = strconv.ParseInt(count, 10, 64)
			if err1 != nil || err2 != nil || r.First < 0 || r.Count < 0 {
				return nil, fmt.Errorf("%q is no place in a table", one)
			}
			at[table] = append(at[table], r)
		}
	}
	return at, nil
}

// Integers reads a column of the file's rows in a table, range by range.
func (f *File) Integers(table, column string) ([]int64, error) {
	return ranged(f.At[table], func(r Range) ([]int64, error) { return f.pack.Integers(table, column, r.First, r.Count) })
}

// Texts reads a column of texts of the file's rows in a table.
func (f *File) Texts(table, column string) ([]string, error) {
	return ranged(f.At[table], func(r Range) ([]string, error) { return f.pack.Texts(table, column, r.First, r.Count) })
}

func ranged[T any](at []Range, read func(Range) ([]T, error)) ([]T, error) {
	var all []T
	for _, r := range at {
		values, err := read(r)
		if err != nil || len(at) == 1 {
			return values, err
		}
		all = append(all, values...)
	}
	return all, nil
}

// VerifiedName is the table of rows of a file whose values were compared. They are kept apart from its other facts, under a policy of their
// own, for a later run may compare more of them.
const VerifiedName = "verified"

// Verified says that rows are kept of a file, and no other facts.
func (f *File) Verified() bool {
	_, is := f.At[VerifiedName]
	return is
}

// Follows says that what is kept of a file was kept with facts of it or later, and of the same file.
func (f *File) Follows(facts *File) bool {
	same := *f
	same.State = facts.State
	return same.SameAs(facts) && f.Rows == facts.Rows && f.pack.number() >= facts.pack.number()
}

// Pack is where the file's facts are.
func (f *File) Pack() *Pack { return f.pack }
