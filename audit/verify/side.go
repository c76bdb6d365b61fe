package verify

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/zeebo/xxh3"

	"github.com/featureaudit/featureaudit/audit/content"
	"github.com/featureaudit/featureaudit/audit/kept"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/times"
)

// Kind says what a side is.
type Kind string

// The kinds of sides.
const (
	Data     Kind = "data"
	Snapshot Kind = "snapshot"
	Counts   Kind = "report"
)

// Side is one state of some views.
type Side struct {
	Kind Kind
	// Name is what the command line calls it.
	Name string
	// AsOf is when it was looked at, in microseconds UTC.
	AsOf times.Instant
	// Views are sorted by name.
	Views []View
	// WithKeys says that a snapshot has what tells its rows apart.
	WithKeys bool
}

// View finds a view by its name.
func (s Side) View(name string) (View, bool) {
	i := slices.IndexFunc(s.Views, func(v View) bool { return v.Name == name })
	if i < 0 {
		return View{}, false
	}
	return s.Views[i], true
}

// View is what one side holds of a view.
type View struct {
	Name, Owner, Project string
	// Root is what the paths of its files are below of, with the slash; empty where that is not known.
	Root       string
	Definition report.ViewDefinition
	// Partitions are in order; one of no interval and no value is all of a view without time partitions.
	Partitions []Partition
	// Problem says why the view could not be looked at; empty where it could.
	Problem   string
	Retryable bool
	Notes     []string
}

// Partition is what one side holds in one partition.
type Partition struct {
	// Value is the partition as its folder is called, Identity its interval, however that is spelled.
	Value, Identity string
	// Start and End bound it in microseconds UTC; times.None of one without a date.
	Start, End times.Instant
	// Present says that it has a folder; InRange that it is part of the backfill; Open that it had not ended when the side was looked at.
	Present, InRange, Open bool
	// Expected says that the calendar demands it.
	Expected bool
	Rows     int64
	Bytes    int64
	Files    []File
	// Columns are those of its files, sorted by name.
	Columns []ColumnType
	// Known says that Content is that of all its rows. Else Unread says why not, where somebody looked.
	Known   bool
	Content content.Facts
	Unread  []string
	// Retryable says that another try may read what is unread.
	Retryable bool
	// blind says that a file's footer could not be read, so that Rows are those of the others.
	blind bool
	// unlisted are files of a snapshot that are not among Files; same and alike are its digests.
	unlisted    int64
	same, alike string
	// rows says where its rows stand in a snapshot with keys, and ids are its files among those of the survey.
	rows kept.Range
	ids  []int32
}

// FileCount is how many files it has.
func (p Partition) FileCount() int { return len(p.Files) + int(p.unlisted) }

// File is what tells one version of a file from another.
type File struct {
	// Path is relative to the view's root, and Abs what opens it; a snapshot has it to tell whether the very same file is there.
	Path, Abs string
	Size      int64
	ModTime   times.Instant
	// Mask tells which of its rows a table's log counts, and how it reads them; empty for all.
	Mask      string
	FooterSum uint64
	ETag      string
	Rows      int64
}

// identity is what the same version of the same file has in common, as far as a system tells; likeness what copies of it have.
func (f File) identity() string {
	return fmt.Sprintf("%q %d %d %016x %q %q", f.Abs, f.Size, f.ModTime, f.FooterSum, f.ETag, f.Mask)
}

func (f File) likeness() string { return fmt.Sprintf("%d %016x %q", f.Size, f.FooterSum, f.Mask) }

// ColumnType is a column with the types that files write it in, sorted.
type ColumnType struct {
	Name  string
	Types []string
}

// place is what partitions of two sides are matched by: when they begin, or what they are called.
type place struct {
	start times.Instant
	value string
}

func (p Partition) place() place {
	if p.Start == times.None {
		return place{times.None, p.Value}
	}
	return place{start: p.Start}
}

// compare orders places by time; those without a date come last.
func (p place) compare(o place) int {
	if (p.start == times.None) != (o.start == times.None) {
		if p.start == times.None {
			return 1
		}
		return -1
	}
	return cmp.Or(cmp.Compare(p.start, o.start), cmp.Compare(p.value, o.value))
}

// digests are what the files of a partition are matched by: two with equal ones hold the very same versions of the same files, or copies
// of each other, one by one. They are empty of one without files.
func (p Partition) digests() (same, alike string) {
	if p.same != "" {
		return p.same, p.alike
	}
	return digestOf(p.Files, File.identity), digestOf(p.Files, File.likeness)
}

func digestOf(files []File, of func(File) string) string {
	if len(files) == 0 {
		return ""
	}
	lines := make([]string, len(files))
	for i, f := range files {
		lines[i] = of(f)
	}
	slices.Sort(lines)
	sum := xxh3.HashString128(strings.Join(lines, "\n")).Bytes()
	return string(sum[:])
}

// root is what the paths of a view's files are below of.
func (v View) root() string {
	if v.Root != "" {
		return v.Root
	}
	for _, p := range v.Partitions {
		for _, f := range p.Files {
			if root, below := strings.CutSuffix(f.Abs, f.Path); below {
				return root
			}
		}
	}
	return ""
}

// sameFiles says that two partitions hold the very same versions of the same files.
func sameFiles(a, b Partition) bool {
	x, _ := a.digests()
	y, _ := b.digests()
	return x != "" && x == y && a.FileCount() == b.FileCount()
}

// copies says that two partitions hold files that look like copies of each other, one by one.
func copies(a, b Partition) bool {
	_, x := a.digests()
	_, y := b.digests()
	return x != "" && x == y && a.FileCount() == b.FileCount()
}
