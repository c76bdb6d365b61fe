package duckdb

import (
	"errors"
	"testing"

	"github.com/featureaudit/featureaudit/audit/engine"
)

// TestCauses has a message of DuckDB 1.4.3 for each line of the table, as it was met on files that were broken, odd or taken
// away.
func TestCauses(t *testing.T) {
	for _, test := range []struct {
		message string
		cause   engine.Cause
		again   bool
		feature string
		end     int64
	}{
		{message: `IO Error: Cannot open file "a.parquet": Permission denied`, cause: engine.CausePermission, again: true},
		{message: `IO Error: Cannot open file "a.parquet": No such file or directory`, cause: engine.CauseGone, again: true},
		{message: `IO Error: No files found that match the pattern "a.parquet"`, cause: engine.CauseGone, again: true},
		{message: `IO Error: Could not read from file "a.parquet": Input/output error`, cause: engine.CauseSystem, again: true},
		{message: `IO Error: Could not read enough bytes from file "a.parquet": attempted to read 100 bytes from location 2000`, cause: engine.CauseSystem, again: true, end: 2100},
		{message: `Invalid Input Error: Failed to read file "a.parquet": Unsupported compression codec "LZ4". Supported options are uncompressed, brotli, gzip, lz4_raw, snappy ` +
			`or zstd`, cause: engine.CauseFeature, feature: "Hadoop LZ4 compression"},
		{message: `Invalid Input Error: Failed to read file "a.parquet": Unsupported compression codec "LZO". Supported options are uncompressed, brotli, gzip, lz4_raw, snappy or zstd`, cause: engine.CauseFeature, feature: "LZO compression"},
		{message: `Invalid Input Error: Failed to read file "a.parquet": Unsupported compression codec "X". Supported options are uncompressed`, cause: engine.CauseFeature, feature: "its compression"},
		{message: "Invalid Error: BYTE_STREAM_SPLIT encoding is only supported for FLOAT or DOUBLE data", cause: engine.CauseFeature, feature: "the encoding BYTE_STREAM_SPLIT of other types than FLOAT and DOUBLE"},
		{message: "Invalid Error: Delta Byte Array encoding is only supported for string/blob data", cause: engine.CauseFeature, feature: "the encoding DELTA_BYTE_ARRAY of other types than text and bytes"},
		{message: "Invalid Error: Delta Length Byte Array encoding is only supported for string/blob data", cause: engine.CauseFeature, feature: "the encoding DELTA_LENGTH_BYTE_ARRAY of other types than text and bytes"},
		{message: "Invalid Error: RLE encoding is only supported for boolean data", cause: engine.CauseFeature, feature: "the encoding RLE of other types than BOOLEAN"},
		{message: `Invalid Input Error: Failed to read file "a.parquet": Unsupported page encoding`, cause: engine.CauseFeature, feature: "the encoding of its pages"},
		{message: `IO Error: Could not seek to location 12 for file "a.parquet": Input/output error`, cause: engine.CauseSystem, again: true},
		{message: `IO Error: Malformed Parquet schema in file "a.parquet": invalid schema index 4`, cause: engine.CauseBytes},
		{message: "IO Error: file 'a.parquet': metadata is corrupt. Column 1 has invalid column offsets", cause: engine.CauseBytes},
		{message: "IO Error: the network is down", cause: engine.CauseSystem, again: true},
		{message: "IO Error: MAP_KEY_VALUE requires two children", cause: engine.CauseFeature, feature: "a map without values"},
		{message: "Invalid Input Error: MAP_KEY_VALUE requires two children", cause: engine.CauseFeature, feature: "a map without values"},
		{message: "Invalid Input Error: MAP_KEY_VALUE needs to be repeated", cause: engine.CauseFeature, feature: "a map without values"},
		{message: `Invalid Input Error: Failed to read Parquet file 'a.parquet': Need at least one non-root column in the file`, cause: engine.CauseFeature, feature: "a schema without columns"},
		{message: `Invalid Input Error: File 'a.parquet' is encrypted, but 'encryption_config' was not set`, cause: engine.CauseEncrypted},
		{message: `Invalid Input Error: Invalid string encoding found in Parquet file: value "\xFF" is not valid UTF8!`, cause: engine.CauseValue},
		{message: "Not implemented Error: Unsupported converted type", cause: engine.CauseFeature},
		{message: "Conversion Error: Could not convert Timestamp(MS) to Timestamp(US)", cause: engine.CauseValue},
		{message: "Out of Range Error: Overflow in multiplication of INT64", cause: engine.CauseValue},
		{message: "Invalid Input Error: Dictionary is corrupted", cause: engine.CauseBytes},
		{message: "Invalid Error: don't know what type:", cause: engine.CauseBytes},
		{message: "Serialization Error: Failed to deserialize: not enough data in buffer to fulfill read request", cause: engine.CauseBytes},
	} {
		err := queryError(test.message + "\nLINE 1: SELECT")
		var read engine.ReadError
		if !errors.As(err, &read) || read.Cause != test.cause || read.Retryable() != test.again || read.Feature != test.feature || read.End != test.end || err.Error() != test.message {
			t.Errorf("%s:\n%#v, want errors.As(err, &read) && read.Cause == test.cause && read.Retryable() == test.again && read.Feature == test.feature && read.End == test.end && err.Error() == test.message", test.message, err)
		}
	}
	for _, message := range []string{"Out of Memory Error: could not allocate block", "Failed to append: Failed to allocate block of 16384 bytes (bad\nallocation)", "Allocation failure",
		`IO Error: Could not write file "x": No space left on device`,
		"Out of Memory Error: failed to offload data block (exceeded max_temp_directory_size)"} {
		var resource engine.ResourceError
		if err := queryError(message); !errors.As(err, &resource) || !resource.Retryable() {
			t.Errorf("%s: %#v, want errors.As(err, &resource) && resource.Retryable()", message, err)
		}
	}
	var read engine.ReadError
	if err := queryError("INTERNAL Error: an assertion failed"); errors.As(err, &read) {
		t.Errorf("what no line fits has no cause: %#v", err)
	}
	if err := queryError("IO Error: x attempted to read 9999999999999999999 bytes from location 9999999999999999999"); !errors.As(err, &read) || read.End != 1<<63-1 {
		t.Errorf("a place beyond all numbers: %#v", err)
	}
}

// TestEveryCauseHasItsMessage holds the table to its test: a line that no message of it meets is not proven.
func TestEveryCauseHasItsMessage(t *testing.T) {
	for _, r := range reasons() {
		text := r.prefix + " " + r.holds
		var read engine.ReadError
		if err := queryError(text); !errors.As(err, &read) {
			t.Errorf("%q fits no line", text)
		}
		if (r.cause == engine.CauseFeature) != (r.instead != "") {
			t.Errorf("%q: what is not read needs what is read instead, and nothing else does", text)
		}
	}
}
