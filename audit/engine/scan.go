// Package engine is the port to whatever reads rows and runs queries. Collecting asks for columns in canonical forms
// and gets blocks of plain vectors; judging asks for SQL over fact tables. Adapters live below it.
package engine

import (
	"context"
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/facts"
)

// Scanner reads rows of Parquet files in blocks: it is how the collector in audit/internal/collect reads, and nobody else. What stands in place of
// files is a Collector.
type Scanner interface {
	// Stream runs one query over whole files, and hands each block over where the engine makes it: from any of its
	// threads, several at a time, in any order. Rows were handed over that an error takes back, so that nothing that the
	// caller made of them holds then. Vectors are valid during the call only. A cancelled context interrupts the query.
	Stream(ctx context.Context, s Scan, each func(Block) error) error
	// Pick streams the wanted rows of whole files alone, or of a range of rows of each: wanted marks them among rows that follow each other, from
	// the number first on, and is called like each. Picked blocks may mix files; Files and Numbers say where each row stands.
	Pick(ctx context.Context, s Scan, wanted func(file int, first int64, rows []bool), each func(Block) error) error
	// Scan runs one query over a batch of whole files, or over a range of rows of one, and hands the rows to each in
	// file order. Before is called once, after the last byte was read and before the first block is handed over: an
	// error from it discards the rows. Vectors are valid during the call only. A cancelled context interrupts the query.
	Scan(ctx context.Context, s Scan, before func() error, each func(Block) error) error
	// Fetch reads single rows of one file by their row numbers, in ascending order, as canonical text.
	Fetch(ctx context.Context, f Fetch, each func(row int64, values []Value) error) error
}

// RowReader answers SQL over files with rows of text: it fetches the rows that a check counted.
type RowReader interface {
	// Select runs one query and hands its rows over, nil for NULL, until each says that it has enough.
	Select(ctx context.Context, query string, each func(row []*string) bool) error
}

// Scan is one query: the files share a physical schema.
type Scan struct {
	Files []string
	// Sliced says that only rows First..Last (both included, from 0) are wanted: of the single file, or of each that rows are picked from.
	Sliced      bool
	First, Last int64
	Columns     []Select
}

// SelectKind is what a column is read as.
type SelectKind int

// The kinds of selected columns.
const (
	// SelectTime gives times as Ints in the unit of Vector.PerMicro, or texts.
	SelectTime SelectKind = iota + 1
	// SelectText gives texts.
	SelectText
	// SelectInteger gives 64-bit integers.
	SelectInteger
	// SelectHash gives the 64-bit hash of all Parts in their canonical forms; invalid if any part is NULL.
	SelectHash
	// SelectNulls gives 1 where any of the Parts is NULL, else 0.
	SelectNulls
)

// Select is one column of a scan. Kinds of one column use Parts[0].
type Select struct {
	Kind  SelectKind
	Parts []Part
	// Unit is the unit of integer and floating time values: "s", "ms", "us", "ns"; empty for typed times.
	Unit string
}

// Part is a column in the form that it is cast to before it is hashed or compared.
type Part struct {
	Column facts.Column
	Form   Form
	// Missing says that the file has no such column: it reads as NULL.
	Missing bool
}

// Fetch reads rows of one file.
type Fetch struct {
	File    string
	Rows    []int64
	Columns []Select
}

// Value is one fetched value in canonical text; Int is set instead for SelectTime and SelectInteger without text.
type Value struct {
	Null   bool
	IsText bool
	Text   string
	Int    int64
	// PerMicro scales Int of times, as in Vector.
	PerMicro int64
}

// Block is a run of consecutive rows.
type Block struct {
	Rows    int
	Vectors []Vector
	// File is the index of the rows' file in Scan.Files and First the number of its first row, in blocks of a stream.
	File  int
	First int64
	// Files and Numbers are the same for each row, in blocks of picked rows.
	Files   []uint64
	Numbers []int64
}

// Streams says whether files with these columns can be streamed: not where a column has the name of one that the engine
// numbers files or rows by.
func Streams(columns []facts.Column) bool {
	return Numbers(columns) && !slices.ContainsFunc(columns, func(c facts.Column) bool { return strings.EqualFold(c.Name, "file_index") })
}

// Numbers says whether the rows of files with these columns are numbered: not where a column has the name of that number. Rows are counted
// off there, so that a query for a few of them reads the whole file.
func Numbers(columns []facts.Column) bool {
	return !slices.ContainsFunc(columns, func(c facts.Column) bool { return strings.EqualFold(c.Name, "file_row_number") })
}

// Vector is one column of a block.
type Vector struct {
	// Ints are 64-bit values; nil for texts.
	Ints []int64
	// PerMicro scales Ints of times: a positive n means n units make a microsecond, a negative one that a unit is -n microseconds.
	PerMicro int64
	// Mask has a bit for each valid row; nil means that all are valid.
	Mask []uint64
	// Texts gives the bytes of a text column; they are valid during the call only.
	Texts Texts
}

// Texts gives the bytes of rows.
type Texts interface {
	At(row int) []byte
	// Equal says that the texts of rows from..to-1 are known to be equal; it may deny it of long ones.
	Equal(from, to int) bool
	// Codes writes to out the code of each row from..to-1 whose bit in mask is set (nil: all), by what is known; a text
	// that is not known yet is learnt.
	Codes(from, to int, mask []uint64, known *TextCodes, out []uint8) error
}

// TextCodes maps few distinct texts to small codes. It belongs to one goroutine.
type TextCodes struct {
	Texts [][]byte
	Codes []uint8
	// Learn gives a new text its code.
	Learn func(text []byte) (uint8, error)
}

// Code looks a text up, and learns it where it is new.
func (k *TextCodes) Code(text []byte) (uint8, error) {
	for i := range k.Texts {
		if string(k.Texts[i]) == string(text) {
			return k.Codes[i], nil
		}
	}
	code, err := k.Learn(text)
	if err != nil {
		return 0, err
	}
	k.Texts = append(k.Texts, append([]byte{}, text...))
	k.Codes = append(k.Codes, code)
	return code, nil
}

// Valid says whether the row is not NULL.
func (v *Vector) Valid(row int) bool {
	return v.Mask == nil || v.Mask[row>>6]>>(uint(row)&63)&1 == 1
}

// Value is the row's value on its own, which outlives the vector.
func (v *Vector) Value(row int) Value {
	if !v.Valid(row) {
		return Value{Null: true}
	}
	if v.Texts != nil {
		return Value{IsText: true, Text: string(v.Texts.At(row))}
	}
	return Value{Int: v.Ints[row], PerMicro: v.PerMicro}
}

// ResourceError is a query that failed for want of memory or disk: no fault of a file, and it stops the run.
type ResourceError struct{ Err error }

func (e ResourceError) Error() string { return e.Err.Error() }

// Retryable says that another try, with more room, may do.
func (e ResourceError) Retryable() bool { return true }

// Unwrap gives the cause.
func (e ResourceError) Unwrap() error { return e.Err }
