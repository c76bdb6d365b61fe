package survey

import (
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/compress"
	"github.com/apache/arrow/go/v17/parquet/file"
	"github.com/apache/arrow/go/v17/parquet/schema"

	"github.com/featureaudit/featureaudit/audit/internal/chunks"
	"github.com/featureaudit/featureaudit/audit/internal/pages"
)

// PageReader gives the pages of a column chunk to arrow's decoders, one at a time, and implements file.PageReader. Their headers are checked
// by Walk before anything is made of them.
type PageReader struct {
	Walk *pages.Walk
	// Load gives the bytes of a page, uncompressed, and the encoding that they are in. They are good until the next page of their kind,
	// a dictionary or not, is loaded.
	Load func(pages.Page) ([]byte, parquet.Encoding, error)

	// Leaf is the column, by which the bytes of a page are checked: of a damaged one arrow's decoders look for values for ever.
	Leaf *schema.Column

	current file.Page
	// dictionary is how many values the dictionary has, once begun.
	dictionary int64
	begun      bool
	// ready says that no value of the page at hand is needed any more: arrow asks for the next one too soon.
	ready bool
	err   error
}

// Advance says that no value of the page at hand is needed any more, so that the next HasNext of a column reader may load another.
func (r *PageReader) Advance() { r.ready = true }

// Hold keeps the page at hand until Advance.
func (r *PageReader) Hold() { r.ready = false }

// SetMaxPageHeaderSize implements file.PageReader.
func (r *PageReader) SetMaxPageHeaderSize(int) {}

// Page implements file.PageReader.
func (r *PageReader) Page() file.Page { return r.current }

// Err implements file.PageReader: it is what ended the pages too soon.
func (r *PageReader) Err() error { return r.err }

// Reset implements file.PageReader, and is not called.
func (r *PageReader) Reset(parquet.BufferedReader, int64, compress.Compression, *file.CryptoContext) {
}

// Next implements file.PageReader.
func (r *PageReader) Next() bool {
	if !r.ready {
		return false
	}
	r.current = nil
	p, more, err := r.Walk.Next()
	if err != nil || !more {
		r.err = err
		return false
	}
	body, encoding, err := r.Load(p)
	if err == nil {
		err = r.check(p, body, encoding)
	}
	if err != nil {
		r.err = err
		return false
	}
	buffer := memory.NewBufferBytes(body)
	switch {
	case p.Dictionary:
		r.current = file.NewDictionaryPage(buffer, p.Values, encoding)
		return true
	case p.V2:
		r.current = file.NewDataPageV2(buffer, p.Values, p.Nulls, p.Rows, encoding, p.DefinitionBytes, p.RepetitionBytes, int32(len(body)), false)
	default:
		r.current = file.NewDataPageV1(buffer, p.Values, encoding, parquet.Encoding(p.Definitions), parquet.Encoding(p.Repetitions), int32(len(body)))
	}
	r.ready = false
	return true
}

func (r *PageReader) check(p pages.Page, body []byte, encoding parquet.Encoding) error {
	if !r.begun {
		r.dictionary, r.begun = pages.NoDictionary, true
	}
	shape, err := chunks.ShapeOf(r.Leaf)
	if err == nil {
		err = shape.Check(p, body, int32(encoding), r.dictionary)
	}
	if p.Dictionary {
		r.dictionary = int64(p.Values)
	}
	return err
}
