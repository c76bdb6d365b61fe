// Package store is the port to wherever a view's files are. It is shaped after object stores: a listing by glob, the
// size and time of one object, and reads at offsets. Adapters live below it.
package store

import (
	"context"
	"fmt"
	"io"
	"strings"
)

// Entry is one data file.
type Entry struct {
	// Path is relative to the listing's root, with forward slashes; Abs is the name that Stat and Open take.
	Path string
	Abs  string
	Size int64
	// ModTime is the modification time in microseconds UTC.
	ModTime int64
}

// The reasons for which a listed file is no data.
const (
	IgnoredMarker    = "marker"    // _SUCCESS, _metadata and other names that begin with an underscore
	IgnoredHidden    = "hidden"    // names that begin with a dot, and what lies below hidden folders
	IgnoredTemporary = "temporary" // .tmp, .inprogress, _temporary/
	IgnoredChecksum  = "checksum"  // .crc
	IgnoredLink      = "link"      // a link to what is listed already
	IgnoredOther     = "other"     // matched, and neither Parquet by its name nor named by the glob; and what is no regular file
)

// Listing is what a glob matches at one moment.
type Listing struct {
	// Root is the absolute name of the glob's wildcard-free directory prefix.
	Root string
	// Entries are sorted by Path.
	Entries []Entry
	// Dirs are the folders looked into, relative to Root and sorted, without Root itself: a partition's folder that
	// holds no data is known by them only.
	Dirs []string
	// Ignored counts files that are no data, by reason.
	Ignored map[string]int64
}

// Store lists and opens files. Its methods may be called from many goroutines at once.
type Store interface {
	// List lists the files that a glob matches; a relative one starts from base. A directory means all Parquet files
	// below it. It fails with *NoMatchError, *TableFormatError, *AccessError or the context's error.
	List(ctx context.Context, base, glob string) (Listing, error)
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

// TableFormatError says that the files belong to a table format, which decides by its log which of them count.
type TableFormatError struct {
	// Kind is "Delta", "Iceberg" or "Hudi"; Path is the folder of the table's log.
	Kind string
	Path string
}

func (e *TableFormatError) Error() string {
	return fmt.Sprintf("%s is the log of a %s table: its Parquet files hold superseded and deleted rows beside the current ones, and counting them all would give wrong verdicts; export a snapshot of the table to plain Parquet and audit that",
		e.Path, e.Kind)
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
