package kept

import (
	"fmt"
	"strings"

	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/compress"
	"github.com/apache/arrow/go/v17/parquet/schema"
)

// Kind is the type of a column.
type Kind string

// The kinds of columns.
const (
	// Integer is a 64-bit integer, stored as differences of neighbours: sorted values take few bytes.
	Integer Kind = "integer"
	// Text is UTF-8, stored once for each distinct value of a row group where that is shorter.
	Text Kind = "text"
	// Bytes are any bytes.
	Bytes Kind = "bytes"
)

// Column is one column of a table.
type Column struct {
	Name string
	Kind Kind
}

// Table describes a table of a pack. Its file is Name.parquet.
type Table struct {
	Name    string
	Columns []Column
	// Dense says that nothing is gained by compressing it further, as of hashes.
	Dense bool
}

// Integers makes columns of that kind.
func Integers(names ...string) []Column {
	columns := make([]Column, len(names))
	for i, name := range names {
		columns[i] = Column{Name: name, Kind: Integer}
	}
	return columns
}

func (t Table) file() string { return t.Name + ".parquet" }

// check says what of a table's description cannot be stored.
func (t Table) check() error {
	if t.Name == "" || strings.ContainsAny(t.Name, "/\\.") || t.Name == manifestStem {
		return fmt.Errorf("table %q: its name must be that of a file, without an ending", t.Name)
	}
	if len(t.Columns) == 0 {
		return fmt.Errorf("table %s has no columns", t.Name)
	}
	for _, c := range t.Columns {
		if c.Kind != Integer && c.Kind != Text && c.Kind != Bytes {
			return fmt.Errorf("column %s of table %s has the unknown kind %q", c.Name, t.Name, c.Kind)
		}
		if t.Dense && c.Kind != Integer {
			return fmt.Errorf("column %s of table %s: a dense table has integers only", c.Name, t.Name)
		}
	}
	return nil
}

func (t Table) schema() (*schema.GroupNode, error) {
	fields := make(schema.FieldList, len(t.Columns))
	for i, c := range t.Columns {
		var err error
		switch c.Kind {
		case Integer:
			fields[i] = schema.NewInt64Node(c.Name, parquet.Repetitions.Required, -1)
		case Text:
			fields[i], err = schema.NewPrimitiveNodeLogical(c.Name, parquet.Repetitions.Required, schema.StringLogicalType{}, parquet.Types.ByteArray, 0, -1)
		case Bytes:
			fields[i] = schema.NewByteArrayNode(c.Name, parquet.Repetitions.Required, -1)
		}
		if err != nil {
			return nil, fmt.Errorf("column %s of table %s: %w", c.Name, t.Name, err)
		}
	}
	return schema.NewGroupNode("schema", parquet.Repetitions.Required, fields, -1)
}

// wholeDictionary is the size of a dictionary, in bytes, that none comes near. A chunk that gives its dictionary up half-way has two encodings,
// and arrow lists them in the order of a map: equal tables would not be equal bytes.
const wholeDictionary = 1 << 30

// properties say how a table is written. Texts repeat, and have a dictionary; bytes are mostly another in each row.
func (t Table) properties() *parquet.WriterProperties {
	options := []parquet.WriterProperty{parquet.WithCreatedBy(Format), parquet.WithStats(false), parquet.WithDictionaryDefault(false),
		parquet.WithDictionaryPageSizeLimit(wholeDictionary)}
	if !t.Dense { // each page that arrow compresses with zstd sets an encoder up anew, which takes longer than all else that is done with it
		options = append(options, parquet.WithCompression(compress.Codecs.Snappy))
	}
	for _, c := range t.Columns {
		switch c.Kind {
		case Integer:
			options = append(options, parquet.WithEncodingFor(c.Name, parquet.Encodings.DeltaBinaryPacked))
		case Text:
			options = append(options, parquet.WithDictionaryFor(c.Name, true))
		case Bytes: // written as they are
		}
	}
	return parquet.NewWriterProperties(options...)
}
