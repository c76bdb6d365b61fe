// Package logged is what the log of a table says of one version of it, in any format: which files it has and which of their rows,
// where their partitions put them, how they name its columns, and when it was committed.
package logged

import (
	"context"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/store"
	"github.com/featureaudit/featureaudit/audit/times"
)

// Reader reads one version of the table in a folder: the one that at names, else the newest. Its errors say what is refused, without
// the name of the table; Retryable of an error says whether another try may cure it.
type Reader func(ctx context.Context, files store.Store, root string, at model.TableAt) (Version, error)

// Version is one version of a table.
type Version struct {
	// Root takes the place of the folder that was read where the table lies elsewhere; else empty.
	Root string
	// Number is that of a Delta version, or the id of an Iceberg snapshot; -1 of a table that has none yet.
	Number int64
	// CommittedAt is when it was committed; not known where the log no longer says.
	CommittedAt times.Instant
	// Files are sorted by Path, each with another one. A file with deleted rows stands here once, whatever names them.
	Files []File
	// Columns are how files name the table's columns; empty where they go by the same names.
	Columns []facts.TableColumn
	// Schema are the table's columns as the log has them, in their order.
	Schema []Column
	// Partitions are its partition columns, or the names of its partition fields, in their order.
	Partitions []string
	// Periods are those of Partitions that are periods of a time.
	Periods []facts.TablePeriod
	// Settings are its properties.
	Settings map[string]string
	// Named says whether some version in the log names a file, by its path below the table's folder: all others are orphans. What
	// belongs to the log itself is named. It is called after the files were listed; nil means that nothing is known of orphans.
	Named func(path string) bool
	// Date sets Added of each file, where that takes more than a version's own files; nil where they have it already.
	Date func(ctx context.Context, files []File) error
	// Notes are what else is to be said of the version, each a sentence without its end.
	Notes []string
}

// File is one data file of a version.
type File struct {
	// Path is relative to the table's folder where the file lies below it, and as the log has it where not. Abs is the name that a
	// store takes; empty means Path below the folder.
	Path, Abs string
	// Size is in bytes; ModTime is when it was written, as the log says, in microseconds UTC: Unknown where only the store says it.
	Size, ModTime int64
	// Values are those of its partitions, in their order. NULL is Null. A partition by day, hour or month of an event time has the text
	// that a folder of it would have.
	Values []facts.Value
	// Added is when the first version that has the file was committed, with whatever deleted rows; not known where the log does not say, and
	// where that version only wrote older rows anew. A reader that must look further for it leaves it to Version.Date.
	Added times.Instant
	// Rows is how many it has by the log, deleted ones too; -1 where the log does not say.
	Rows int64
	// Mask names the deleted rows, so that two versions of a file with the same ones have the same name; empty where it has none.
	Mask string
	// Load reads which rows are deleted, by their number in the file from 0; nil where none are.
	Load func(ctx context.Context) (facts.RowSet, error)
	// Columns take the place of the version's where this file names them in another way; nil where it does not.
	Columns []facts.TableColumn
}

// Column is a column of a table in the words of its format; fields of structs are part of the type.
type Column struct {
	Name, Type string
	Required   bool
}

// Unknown is a time of a file that the log does not say.
const Unknown = -1 << 63

// Null stands for a partition's value that is NULL, as it does in the folders of partitions.
const Null = facts.NullValue
