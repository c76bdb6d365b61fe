// Package facttables shows the evidence of a view as the tables that the SQL of checks speaks to.
package facttables

import (
	"strings"
	"unicode"

	"github.com/featureaudit/featureaudit/audit/engine"
	"github.com/featureaudit/featureaudit/audit/evidence"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/times"
)

// Documented are the fact tables without rows: what a check's SQL may speak to.
func Documented() []engine.Table { return Of(evidence.NewIndex(evidence.Input{})) }

// Of are the fact tables of one view. Absent instants and limits are NULL.
func Of(ix *evidence.Index) []engine.Table {
	b := tables{ix}
	return []engine.Table{b.policyTable(), b.sourceTable(), b.partitionTable(), b.presenceTable(), b.fileTable(), b.sliceTable()}
}

// ManyRows is how many files and sources, or partitions, a table may have that is loaded as a whole, for all checks together. Beyond
// so many rows the engine sets aside half a megabyte for each column, and more for more rows; so each check then has the columns that it
// names, and no others.
const ManyRows = 2048

// AreLarge says that tables of the view have more rows than are loaded for all checks together.
func AreLarge(b *evidence.Index) bool {
	return max(len(b.Collection.Slices), len(b.Survey.Files), len(b.Survey.Partitions)) > ManyRows
}

// NamedBy are the fact tables that a query names, with the columns that it names.
func NamedBy(query string, ix *evidence.Index) []engine.Table {
	named := map[string]bool{}
	for _, word := range strings.FieldsFunc(query, func(r rune) bool { return r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		named[word] = true
	}
	var tables []engine.Table
	for _, t := range Of(ix) {
		if Mentions(query, t.Name) {
			tables = append(tables, onlyColumns(t, named))
		}
	}
	return tables
}

// tables are those of a view.
type tables struct{ *evidence.Index }

// onlyColumns is a table with the columns of some names; one of which rows alone count keeps a column.
func onlyColumns(t engine.Table, names map[string]bool) engine.Table {
	var kept []int
	some := t
	some.Columns = nil
	for i, c := range t.Columns {
		if names[c.Name] || i == len(t.Columns)-1 && len(kept) == 0 {
			kept = append(kept, i)
			some.Columns = append(some.Columns, c)
		}
	}
	some.Rows = func(yield func([]any) bool) {
		part := make([]any, len(kept))
		for row := range t.Rows {
			for i, column := range kept {
				part[i] = row[column]
			}
			if !yield(part) {
				return
			}
		}
	}
	return some
}

func varchar(name, doc string) engine.Column {
	return engine.Column{Name: name, Type: engine.Varchar, Doc: doc}
}

func bigint(name, doc string) engine.Column {
	return engine.Column{Name: name, Type: engine.BigInt, Doc: doc}
}

func boolean(name, doc string) engine.Column {
	return engine.Column{Name: name, Type: engine.Boolean, Doc: doc}
}

func (b tables) policyTable() engine.Table {
	v := b.View
	return engine.Table{
		Name: "policy",
		Doc:  "One row: what the view is judged by.",
		Columns: []engine.Column{
			bigint("as_of_us", "the instant judged from"),
			bigint("ttl_us", "the ttl; NULL where rows never expire"),
			bigint("max_age_us", "how old the view's newest event may be: max_age, else ttl"),
			varchar("partition_of", "what a partition's date means: event_time, ingested_at, snapshot; empty without time partitions"),
			boolean("all_sources_declared", "every source seen is declared, so that the view is judged by its sources alone"),
		},
		Rows: func(yield func([]any) bool) {
			age, hasAge := evidence.AgeLimit(v, model.SourcePolicy{})
			ttl, hasTTL := evidence.FirstPositive(v.TTL.Duration)
			yield([]any{int64(b.AsOf), orNil(ttl, hasTTL), orNil(age, hasAge), string(evidence.Meaning(v)), b.AllSourcesDeclared()})
		},
	}
}

func (b tables) sourceTable() engine.Table {
	return engine.Table{
		Name: "source",
		Doc:  "One row for each source, declared or seen.",
		Columns: []engine.Column{
			varchar("source", "its name; empty where rows have none"),
			boolean("declared", "it stands under sources: and gets verdicts of its own"),
			boolean("retired", "its until lies at or before as_of: it is not expected to be fresh"),
			bigint("max_age_us", "how old its newest event may be: its max_age, else the view's, else ttl"),
			bigint("max_lag_us", "how late its rows may arrive: its max_lag, else the view's, else ttl"),
		},
		Rows: func(yield func([]any) bool) {
			for _, name := range b.AllSources() {
				s, declared := b.DeclaredSources[name]
				age, hasAge := evidence.AgeLimit(b.View, s)
				lag, hasLag := evidence.LagLimit(b.View, s)
				if !yield([]any{name, declared, b.Retired(s), orNil(age, hasAge), orNil(lag, hasLag)}) {
					return
				}
			}
		},
	}
}

func (b tables) partitionTable() engine.Table {
	return engine.Table{
		Name: "partition",
		Doc:  "One row for each time partition, present or expected.",
		Columns: []engine.Column{
			bigint("partition_id", "its rank by start"),
			varchar("partition", "its path below the view's root"),
			bigint("start_us", "its first instant; NULL for one without a date"),
			bigint("end_us", "the first instant after it"),
			boolean("present", "its folder exists"),
			boolean("expected", "the calendar demands it"),
			boolean("open", "its end and complete_after lie after as_of"),
			boolean("after_as_of", "it begins after as_of"),
			boolean("in_range", "verdicts are wanted for it (always, without --range)"),
			boolean("judged", "in_range, and not after_as_of"),
			bigint("files", "its files"),
			bigint("files_unread", "its files whose footer could not be read: its rows are not known"),
			bigint("rows", "its rows by the footers"),
			bigint("rows_before_as_of", "its rows in files that were modified before as_of"),
		},
		Rows: func(yield func([]any) bool) {
			unread, early := b.countByPartition()
			for _, p := range b.Survey.Partitions {
				if !yield([]any{int64(p.ID), p.Value, timeOrNil(p.Start), timeOrNil(p.End), p.Present, p.Expected, p.Open, p.AfterAsOf,
					p.InRange, b.Judged(p.ID), int64(p.Files), unread[p.ID], p.Rows, early[p.ID]}) {
					return
				}
			}
		},
	}
}

// countByPartition counts the files without a footer, and the rows of files that are older than as_of.
func (b tables) countByPartition() (unread, earlyRows map[int32]int64) {
	unread, earlyRows = map[int32]int64{}, map[int32]int64{}
	for _, f := range b.Survey.Files {
		if f.Problem != nil {
			unread[f.Partition]++
			continue
		}
		if f.ModTime < b.AsOf {
			earlyRows[f.Partition] += f.Live()
		}
	}
	return unread, earlyRows
}

func (b tables) fileTable() engine.Table {
	return engine.Table{
		Name: "view_file",
		Doc:  "One row for each listed data file.",
		Columns: []engine.Column{
			bigint("file_id", "its rank by path"),
			varchar("file", "its path below the view's root"),
			varchar("partition", "the partition that holds it; empty where the view has none"),
			boolean("judged", "its partition is judged"),
			bigint("size_bytes", "its size"),
			bigint("modified_us", "when it was modified"),
			bigint("rows", "its rows by the footer; 0 where that was not read"),
			varchar("writer", "what wrote it, in short"),
			varchar("problem", "why it could not be read; empty where it could"),
		},
		Rows: func(yield func([]any) bool) {
			for _, f := range b.Survey.Files {
				if !yield([]any{int64(f.ID), f.Path, b.PartitionValue(f.Partition), b.Judged(f.Partition), f.Size, int64(f.ModTime), f.Live(), f.Writer,
					b.problemKind(f)}) {
					return
				}
			}
		},
	}
}

func (b tables) problemKind(f facts.File) string {
	if f.Problem != nil {
		return string(f.Problem.Kind)
	}
	return string(b.Collection.Unread[f.ID].Kind)
}

func (b tables) sliceTable() engine.Table {
	columns := []engine.Column{
		bigint("file_id", "the file"),
		varchar("partition", "the partition that holds it; empty where the view has none"),
		varchar("source", "the rows' source; empty where they have none"),
		boolean("judged", "the partition is judged"),
	}
	rowFacts := facts.RowFacts()
	for _, f := range rowFacts {
		columns = append(columns, bigint(f.Name, f.Doc))
	}
	return engine.Table{
		Name:    "slice",
		Doc:     "One row for each file and source: counts of rows, as the scan left them.",
		Columns: columns,
		Rows: func(yield func([]any) bool) {
			for i := range b.Collection.Slices {
				s := &b.Collection.Slices[i]
				partition := b.FilePartition(s.File)
				row := append(make([]any, 0, len(columns)), int64(s.File), b.PartitionValue(partition), s.Source, b.Judged(partition))
				for _, f := range rowFacts {
					row = append(row, orNil(f.Of(s)))
				}
				if !yield(row) {
					return
				}
			}
		},
	}
}

func timeOrNil(at times.Instant) any { return orNil(at, at.Known()) }

func orNil[T ~int64](value T, known bool) any {
	if !known {
		return nil
	}
	return int64(value)
}

func (b tables) presenceTable() engine.Table {
	return engine.Table{
		Name: "presence",
		Doc:  "One row for each time partition that is there or expected, of the view or of each source, or value of another hive key, that partitions are expected by.",
		Columns: []engine.Column{
			bigint("partition_id", "the partition"),
			varchar("partition", "its path below the view's root"),
			varchar("source", "the source it is expected for; empty for the view"),
			varchar("object", "the hive key and value it is expected for; empty for the view"),
			bigint("start_us", "its first instant; NULL for one without a date"),
			boolean("present", "its folder exists, or its rows where a column tells the source"),
			boolean("expected", "it must exist"),
			boolean("emptiable", "empty-partitions judges it"),
			boolean("comparable", "thin- and thick-partitions judge it"),
			boolean("open", "its end and complete_after lie after as_of"),
			boolean("after_as_of", "it begins after as_of"),
			boolean("judged", "verdicts are wanted for it, and it does not begin after as_of"),
			bigint("files", "its files"),
			bigint("files_unread", "its files whose rows are not known"),
			bigint("rows", "its rows"),
		},
		Rows: func(yield func([]any) bool) {
			for _, p := range b.Presences() {
				s, q := b.GroupSubject(p), p.Partition
				if !yield([]any{int64(q.ID), q.Value, s.Source, s.Object, timeOrNil(q.Start), p.Present, p.Expected, p.Emptiable, p.Comparable, q.Open, q.AfterAsOf,
					b.Judged(q.ID), p.Files, p.Unread, p.Rows}) {
					return
				}
			}
		},
	}
}

// Mentions says whether a query reads a table.
func Mentions(query, table string) bool {
	for _, before := range []string{"FROM ", "JOIN ", ", "} {
		for _, after := range []string{" ", "\n"} {
			if strings.Contains(query, before+table+after) {
				return true
			}
		}
	}
	return false
}
