package glob

import (
	"strings"

	"github.com/featureaudit/featureaudit/audit/store"
)

// formats are the first bytes of other formats.
var formats = [...]struct{ magic, name string }{
	{"ORC", "ORC"}, {"Obj\x01", "Avro"}, {"ARRO", "Arrow IPC"}, {"\x1f\x8b", "gzip"}, {"PK\x03\x04", "zip"}, {"\x28\xb5\x2f\xfd", "zstd"}, {"SQLi", "SQLite"}, {"BZh", "bzip2"},
}

// textFormats are endings of formats without first bytes of their own.
var textFormats = [...]struct{ ending, name string }{{".csv", "CSV"}, {".tsv", "CSV"}, {".json", "JSON"}, {".jsonl", "JSON"}, {".ndjson", "JSON"}}

// IsMagic says whether a file that begins so is Parquet.
func IsMagic(head string) bool { return head == "PAR1" || head == "PARE" }

// Reading says by a file's first four bytes and its name why it is no data; empty where it is Parquet.
func Reading(head, name string) string {
	if head == "" {
		return store.IgnoredEmpty
	}
	if IsMagic(head) {
		return ""
	}
	for _, f := range formats {
		if strings.HasPrefix(head, f.magic) {
			return f.name
		}
	}
	for _, f := range textFormats {
		if strings.HasSuffix(strings.ToLower(name), f.ending) {
			return f.name
		}
	}
	return store.IgnoredOther
}

// FootersOnly says that a file holds the footers of others, without rows of its own.
func FootersOnly(name string) bool { return name == "_metadata" || name == "_common_metadata" }
