package duckdb

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/marcboeker/go-duckdb/mapping"

	"github.com/featureaudit/featureaudit/audit/engine"
)

// ErrMemory and ErrDisk tell what ran out, so that a message can say what to set.
var (
	ErrMemory = errors.New("the memory limit is too small for this query: raise --memory-limit, or lower --threads")
	ErrDisk   = errors.New("the temporary folder is full: free some space, or name a larger one with --temp-dir")
)

// reason is one line of the table of what DuckDB says and what that means.
type reason struct {
	// prefix is the type that DuckDB's message begins with, and holds a part of it; empty fits any.
	prefix, holds    string
	cause            engine.Cause
	feature, instead string
}

const (
	plainEncoding = "the encoding PLAIN or a dictionary for this column"
	otherCodec    = "another compression (snappy, zstd, gzip, brotli, lz4_raw or none)"
)

// reasons are tried in order: the first that fits is the one. DuckDB's C interface gives the text alone, whose beginning is
// the type of its error; nothing else in the program looks at it.
func reasons() []reason {
	return []reason{
		{prefix: "IO Error", holds: "Permission denied", cause: engine.CausePermission},
		{prefix: "IO Error", holds: "No such file", cause: engine.CauseGone},
		{prefix: "IO Error", holds: "No files found", cause: engine.CauseGone},
		{prefix: "IO Error", holds: "Could not read", cause: engine.CauseSystem},
		{prefix: "IO Error", holds: "Could not seek", cause: engine.CauseSystem},
		{holds: `Unsupported compression codec "LZ4"`, cause: engine.CauseFeature, feature: "Hadoop LZ4 compression", instead: otherCodec},
		{holds: `Unsupported compression codec "LZO"`, cause: engine.CauseFeature, feature: "LZO compression", instead: otherCodec},
		{holds: "Unsupported compression codec", cause: engine.CauseFeature, feature: "its compression", instead: otherCodec},
		{holds: "BYTE_STREAM_SPLIT encoding is only supported", cause: engine.CauseFeature, feature: "the encoding BYTE_STREAM_SPLIT of other types than FLOAT and DOUBLE", instead: plainEncoding},
		{holds: "Delta Byte Array encoding is only supported", cause: engine.CauseFeature, feature: "the encoding DELTA_BYTE_ARRAY of other types than text and bytes", instead: plainEncoding},
		{holds: "Delta Length Byte Array encoding is only supported", cause: engine.CauseFeature, feature: "the encoding DELTA_LENGTH_BYTE_ARRAY of other types than text and bytes", instead: plainEncoding},
		{holds: "RLE encoding is only supported", cause: engine.CauseFeature, feature: "the encoding RLE of other types than BOOLEAN", instead: plainEncoding},
		{holds: "Unsupported page encoding", cause: engine.CauseFeature, feature: "the encoding of its pages", instead: plainEncoding},
		{holds: "MAP_KEY_VALUE", cause: engine.CauseFeature, feature: "a map without values", instead: "a list of the keys in place of that map, or without that column"},
		{holds: "Need at least one non-root column", cause: engine.CauseFeature, feature: "a schema without columns", instead: "at least one column"},
		{holds: "is encrypted, but", cause: engine.CauseEncrypted},
		{holds: "is not valid UTF8", cause: engine.CauseValue},
		// the reader of footers throws what is wrong with them as errors of input, and some as errors of I/O
		{prefix: "IO Error", holds: "Parquet", cause: engine.CauseBytes},
		{prefix: "IO Error", holds: "metadata is corrupt", cause: engine.CauseBytes},
		{prefix: "IO Error", cause: engine.CauseSystem},
		{prefix: "Not implemented Error", cause: engine.CauseFeature, instead: "plainer types and encodings"},
		{prefix: "Conversion Error", cause: engine.CauseValue},
		{prefix: "Out of Range Error", cause: engine.CauseValue},
		{prefix: "Invalid Input Error", cause: engine.CauseBytes},
		{prefix: "Invalid Error", cause: engine.CauseBytes},
		{prefix: "Serialization Error", cause: engine.CauseBytes},
	}
}

// errRowNumberTaken says that a file has a column of the name under which DuckDB numbers rows.
var errRowNumberTaken = errors.New("a file has a column of the name under which rows are numbered")

// resultError is the error of a query, whose type DuckDB gives beside the text.
func resultError(result *mapping.Result) error {
	err := queryError(mapping.ResultError(result))
	if mapping.ResultErrorType(result) == mapping.ErrorTypeOutOfMemory && !errors.As(err, new(engine.ResourceError)) {
		return withoutMemory(err.Error())
	}
	return err
}

func withoutMemory(text string) error {
	return engine.ResourceError{Err: fmt.Errorf("%w: %s", ErrMemory, text)}
}

// shortRead is how DuckDB says that a file ended too early.
var shortRead = regexp.MustCompile(`attempted to read (\d+) bytes from location (\d+)`)

// queryError gives an error of DuckDB the type that decides what helps. One that is in no line stays plain.
func queryError(message string) error {
	text, whole := strings.TrimSpace(message), strings.Join(strings.Fields(message), " ")
	if first, _, found := strings.Cut(text, "\n"); found {
		text = first
	}
	switch {
	case strings.Contains(text, "No space left") || strings.Contains(text, "max_temp_directory_size"):
		return engine.ResourceError{Err: fmt.Errorf("%w: %s", ErrDisk, text)}
	case strings.HasPrefix(text, "Out of Memory"):
		return withoutMemory(text)
	case strings.Contains(whole, "bad allocation"), strings.Contains(whole, "Allocation failure"):
		return withoutMemory(whole)
	case strings.Contains(text, "file with column named file_row_number"):
		return fmt.Errorf("%w: %s", errRowNumberTaken, text)
	}
	for _, r := range reasons() {
		if strings.HasPrefix(text, r.prefix) && strings.Contains(text, r.holds) {
			return engine.ReadError{Cause: r.cause, Feature: r.feature, Instead: r.instead, End: endOf(text), Err: errors.New(text)}
		}
	}
	return errors.New(text)
}

func endOf(text string) int64 {
	found := shortRead.FindStringSubmatch(text)
	if found == nil {
		return 0
	}
	count, err := strconv.ParseInt(found[1], 10, 64)
	from, err2 := strconv.ParseInt(found[2], 10, 64)
	if err != nil || err2 != nil || count > 1<<62 || from > 1<<62 {
		return 1<<63 - 1
	}
	return from + count
}
