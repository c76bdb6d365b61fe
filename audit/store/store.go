// Package store is the port to wherever a view's files are. It is shaped after object stores: a listing by glob, the
// size and time of one object, and reads at offsets. Adapters live below it.
package store

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/times"
)

// Entry is one data file.
type Entry struct {
	// Path is relative to the listing's root, with forward slashes; Abs is the name that Stat and Open take.
	Path string
	Abs  string
	Size int64
	// ModTime is the modification time in microseconds UTC.
	ModTime int64
	// ETag is the store's own mark of the bytes; empty where it has none.
	ETag string
	// SameAs is the Abs of an entry before it that is the same file on disk under another name (a hard link); empty without.
	SameAs string
	// Logged is what a table's log says of the file; nil where it was listed by its name.
	Logged *Logged
}

// Logged is what the log of a table says of a file.
type Logged struct {
	// Folder is where the values of its partitions put the file, whatever its path is: "dt=2026-11-03".
	Folder string
	Values []facts.Value
	// Snapshot and RowMask are those of facts.Identity.
	Snapshot, RowMask string
	// Deleted are the rows that do not count; nil for none.
	Deleted facts.RowSet
	// Rows is how many rows the file has by the log, deleted ones too; -1 where the log does not say.
	Rows  int64
	Table *facts.Table
	// Added is when the commit was made that added the file; not known where nobody asked, or the log does not say.
	Added times.Instant
}

// The reasons for which a listed file is no data.
const (
	IgnoredMarker    = "marker"    // _SUCCESS, _metadata and other names that begin with an underscore
	IgnoredHidden    = "hidden"    // names that begin with a dot, and what lies below hidden folders
	IgnoredTemporary = "temporary" // .tmp, .inprogress, _temporary/
	IgnoredChecksum  = "checksum"  // .crc
	IgnoredByName    = "name"      // Parquet by its first bytes, and left out for its name: _a.parquet, a.parquet.tmp
	IgnoredLink      = "link"      // a link that leads nowhere or to itself, and has no name of data
	IgnoredOther     = "other"     // matched, and Parquet neither by its name nor by its bytes, nor named by the glob
	IgnoredEmpty     = "empty"     // the same, of 0 bytes
	IgnoredSlash     = "slash"     // an object with content whose key ends in a slash, as that of a folder does
	IgnoredPipe      = "named pipe"
	IgnoredSocket    = "socket"
	IgnoredDevice    = "device"
)

// IgnoredByRule says that files of this reason are left out by their names alone, as all readers of such stores do.
func IgnoredByRule(reason string) bool {
	switch reason {
	case IgnoredMarker, IgnoredHidden, IgnoredTemporary, IgnoredChecksum:
		return true
	}
	return false
}

// Link is a link of the file system that the listing met.
type Link struct {
	// Abs is its own name, and Target that of what it leads to.
	Abs, Target string
	// Folder says that it leads to a folder.
	Folder bool
	// Outside says that it leads out of the listing's root: what it leads to is listed under its name. Else it is another
	// name of what is listed as Target, and left out.
	Outside bool
}

// Listing is what a glob matches at one moment.
type Listing struct {
	// Root is the absolute name of the glob's wildcard-free directory prefix.
	Root string
	// Entries are sorted by Path.
	Entries []Entry
	// Dirs are the folders looked into, relative to Root and sorted, without Root itself: a partition's folder that
	// holds no data is known by them only.
	Dirs []string
	// Ignored counts files that are no data, by reason: one of the constants, or another format's name. Examples are up to
	// three of their paths, for those that are not left out by a rule of names.
	Ignored  map[string]int64
	Examples map[string][]string
	// Links are in the order of the walk.
	Links []Link
	// Tables are those whose logs say which files there are; none where files were listed by their names.
	Tables []*facts.Table
}

// Store lists and opens files. Its methods may be called from many goroutines at once.
type Store interface {
	// List lists the Parquet files that a glob matches; a relative one starts from base. A directory means all below it.
	// A file is Parquet by its ending, or by its first bytes. It fails with *NoMatchError, *TableFormatError, *AccessError or the context's error.
	List(ctx context.Context, base, glob string) (Listing, error)
	// Tree lists all files below a folder, whatever they are, sorted by Path: what a table's log is found by. A folder that is not there has none.
	// It fails with *AccessError or the context's error.
	Tree(ctx context.Context, folder string) ([]Entry, error)
	// Stat returns the present size and time of a file. Its error is fs.ErrNotExist or fs.ErrPermission where that is the cause.
	Stat(ctx context.Context, abs string) (Entry, error)
	// Open opens a file for reads at offsets; its errors are those of Stat.
	Open(ctx context.Context, abs string) (Object, error)
}

// Object is one open file.
type Object interface {
	io.ReaderAt
	io.Closer
}

// Fetcher is an object that hands a range over piece by piece: nothing holds all of it.
type Fetcher interface {
	// Fetch writes the bytes from an offset on, so many of them, in their order. Where it fails, some were written.
	Fetch(from, size int64, to io.Writer) error
}

// TableFormatError says that the files belong to a table format, which decides by its log which of them count.
type TableFormatError struct {
	// Kind is "Delta", "Iceberg" or "Hudi"; Path is the folder of the table's log.
	Kind string
	Path string
}

func (e *TableFormatError) Error() string {
	article, remedy := "a", "counting them all would give wrong verdicts; export a snapshot of the table to plain Parquet and audit that"
	switch e.Kind {
	case "Iceberg":
		article = "an"
		fallthrough
	case "Delta":
		remedy = "the log says which count; name the folder that holds it in path, and nothing below or above it"
	}
	return fmt.Sprintf("%s is the log of %s %s table: its Parquet files hold superseded and deleted rows beside the current ones, and %s", e.Path, article, e.Kind, remedy)
}

// IsMetadata says whether a file is one of an Iceberg table's metadata, by its name.
func IsMetadata(name string) bool {
	return strings.HasSuffix(name, ".metadata.json") || strings.HasSuffix(name, ".metadata.json.gz")
}

// NoMatchError says that a glob matches no data file.
type NoMatchError struct {
	Glob string
	// Prefix is the longest folder of the glob that exists, Missing its first part that does not (empty if all exist).
	Prefix  string
	Missing string
	// Found names some of what is in Prefix, and FoundMore how many more there are.
	Found     []string
	FoundMore int
	// Similar is the name in Prefix that is most like Missing, empty if none is.
	Similar string
	// Ignored counts what was seen and is no data, by reason.
	Ignored map[string]int64
	// Examples are up to three of their paths each.
	Examples map[string][]string
}

func (e *NoMatchError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "no Parquet file matches %s", e.Glob)
	if e.Missing != "" {
		fmt.Fprintf(&b, ": %s has no %q", e.Prefix, e.Missing)
	}
	switch {
	case e.Similar != "":
		fmt.Fprintf(&b, ", did you mean %q", e.Similar)
	case len(e.Found) == 0:
		fmt.Fprintf(&b, "; %s is empty", e.Prefix)
	default:
		fmt.Fprintf(&b, "; %s holds %s", e.Prefix, strings.Join(e.Found, ", "))
		if e.FoundMore > 0 {
			fmt.Fprintf(&b, " and %d more", e.FoundMore)
		}
	}
	for _, reason := range slices.Sorted(maps.Keys(e.Examples)) {
		fmt.Fprintf(&b, "; no Parquet but %s: %s", reason, strings.Join(e.Examples[reason], ", "))
		if more := e.Ignored[reason] - int64(len(e.Examples[reason])); more > 0 {
			fmt.Fprintf(&b, " and %d more", more)
		}
	}
	b.WriteString("; check the path and its wildcards")
	return b.String()
}

// Retryable says that files may still arrive.
func (e *NoMatchError) Retryable() bool { return true }

// AccessError says that a folder or file could not be looked at, for a reason that another try may cure.
type AccessError struct {
	Path string
	Err  error
}

func (e *AccessError) Error() string {
	return fmt.Sprintf("list %s: %v; the audit needs to read every folder of the view", e.Path, e.Err)
}

func (e *AccessError) Unwrap() error { return e.Err }

// Retryable says that rights and networks come back.
func (e *AccessError) Retryable() bool { return true }
