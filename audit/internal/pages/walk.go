package pages

import (
	"fmt"
	"hash/crc32"
	"io"
)

// Page is one page of a chunk, as its header says.
type Page struct {
	// Offset is where its bytes begin in the file, after the header.
	Offset int64
	// Compressed and Uncompressed are its sizes in bytes without the header, levels included.
	Compressed, Uncompressed int64
	Dictionary, V2           bool
	Values, Nulls, Rows      int32
	// Encoding is that of the values, Definitions and Repetitions are those of the levels, by their numbers in the format.
	Encoding, Definitions, Repetitions int32
	// DefinitionBytes and RepetitionBytes are the lengths of the levels of version 2, which are not compressed.
	DefinitionBytes, RepetitionBytes int32
	// Plain says that a page of version 2 is not compressed, whatever the chunk's codec.
	Plain bool
	// CRC is the checksum that the header brings, if Summed.
	CRC    uint32
	Summed bool
	// header is where the page's header begins.
	header int64
}

// Compare compares the bytes of a page, as they lie in the file, with the checksum of its header. The error is a *Fault.
func (p Page) Compare(raw []byte) error {
	if !p.Summed {
		return nil
	}
	if sum := crc32.ChecksumIEEE(raw); sum != p.CRC {
		return &Fault{Offset: p.header, What: mismatch(p.CRC, sum)}
	}
	return nil
}

func pageOf(h header, at int64) Page {
	return Page{Offset: at + h.length, Compressed: h.compressed, Uncompressed: h.uncompressed, Dictionary: h.kind == dictionaryPage, V2: h.kind == dataPageV2,
		Values: int32(h.values), Nulls: int32(h.nulls), Rows: int32(h.rows), Encoding: int32(h.encoding), Definitions: int32(h.definitions),
		Repetitions: int32(h.repetitions), DefinitionBytes: int32(h.definitionBytes), RepetitionBytes: int32(h.repetitionBytes), Plain: h.plain,
		CRC: h.crc, Summed: h.hasCRC, header: at}
}

// PageAt is the page whose header begins at a place of bytes that are in memory; its own offset counts from their beginning. The error is a
// *Fault.
func PageAt(raw []byte, at int64) (Page, error) {
	h, err := readHeader(&bytesSource{rest: raw[at:]})
	if err == nil && h.compressed > int64(len(raw))-at-h.length {
		err = errShape
	}
	if err != nil {
		return Page{}, fault(at, err, "has no header that decodes")
	}
	return pageOf(h, at), nil
}

// Walk goes through the pages of a chunk by their headers.
type Walk struct {
	r       *Reader
	from    io.ReaderAt
	chunk   Chunk
	at, end int64
	values  int64
}

// Walk begins at the first page of a chunk. The walk is good until the reader is used for another.
func (r *Reader) Walk(from io.ReaderAt, c Chunk) *Walk {
	return &Walk{r: r, from: from, chunk: c, at: c.Offset, end: c.Offset + c.Size + Slack}
}

// Next is the next page that holds values or a dictionary; false at the end. The error is a *Fault or what the system said.
func (w *Walk) Next() (Page, bool, error) {
	for w.at < w.chunk.Offset+w.chunk.Size && w.values < w.chunk.Values {
		h, err := w.r.peek(w.from, w.at, w.end)
		if err != nil {
			return Page{}, false, fault(w.at, err, "has no header that decodes")
		}
		page := pageOf(h, w.at)
		header := w.at
		w.at = page.Offset + page.Compressed
		if w.at > w.end {
			return Page{}, false, &Fault{Offset: header, What: fmt.Sprintf("claims %d bytes, more than its column chunk has left", h.compressed)}
		}
		switch {
		case h.values < 0 || h.values > w.chunk.Values:
			return Page{}, false, &Fault{Offset: header, What: fmt.Sprintf("claims %d values, its column chunk has %d", h.values, w.chunk.Values)}
		case h.kind == dataPage || h.kind == dataPageV2:
			w.values += h.values
			return page, true, nil
		case page.Dictionary:
			return page, true, nil
		}
	}
	return Page{}, false, nil
}
