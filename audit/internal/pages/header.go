package pages

// The kinds of pages.
const (
	dataPage       = 0
	indexPage      = 1
	dictionaryPage = 2
	dataPageV2     = 3
)

// header is what a page says of itself.
type header struct {
	kind                     int64
	compressed, uncompressed int64
	crc                      uint32
	hasCRC                   bool
	values, nulls, rows      int64
	// encoding is that of the values; definitions and repetitions are those of the levels.
	encoding, definitions, repetitions int64
	// definitionBytes and repetitionBytes are the lengths of a page's levels of version 2, levels both of them.
	definitionBytes, repetitionBytes int64
	// levels are the bytes before the compressed part of a data page of version 2.
	levels int64
	// plain says that such a page's values are not compressed, whatever the chunk's codec.
	plain bool
	// length of the header itself, in bytes.
	length int64
}

// The fields of a page header, by their numbers in the format.
const (
	fieldType         = 1
	fieldUncompressed = 2
	fieldCompressed   = 3
	fieldCRC          = 4
	fieldDataPage     = 5
	fieldDictionary   = 7
	fieldDataPageV2   = 8

	fieldValues      = 1
	fieldDefinitions = 5
	fieldRepetitions = 6
	fieldCompressing = 7

	// a data page of version 1 and a dictionary have their encoding second, a data page of version 2 has it fourth
	fieldEncoding            = 2
	fieldDefinitionsEncoding = 3
	fieldRepetitionsEncoding = 4
	fieldNulls               = 2
	fieldRows                = 3
	fieldEncodingV2          = 4
)

func readHeader(from source) (header, error) {
	c := &compact{from: from}
	h := header{kind: -1, compressed: -1, uncompressed: -1}
	err := c.fields(0, func(id int16, kind byte) (bool, error) {
		switch {
		case kind == typeStruct && (id == fieldDataPage || id == fieldDictionary || id == fieldDataPageV2):
			return true, c.body(&h, id == fieldDataPageV2)
		case kind != typeI32 || id > fieldCRC:
			return false, nil
		}
		n, err := c.number()
		switch id {
		case fieldType:
			h.kind = n
		case fieldUncompressed:
			h.uncompressed = n
		case fieldCompressed:
			h.compressed = n
		case fieldCRC:
			h.crc, h.hasCRC = uint32(int32(n)), true
		}
		return true, err
	})
	h.length = c.read
	if err == nil && (h.kind < 0 || h.compressed < 0 || h.uncompressed < 0 || h.levels < 0 || h.levels > h.compressed) {
		err = errShape
	}
	return h, err
}

// body reads the part of a header that belongs to the page's kind.
func (c *compact) body(h *header, v2 bool) error {
	places := map[int16]*int64{fieldValues: &h.values, fieldEncoding: &h.encoding, fieldDefinitionsEncoding: &h.definitions, fieldRepetitionsEncoding: &h.repetitions}
	if v2 {
		places = map[int16]*int64{fieldValues: &h.values, fieldNulls: &h.nulls, fieldRows: &h.rows, fieldEncodingV2: &h.encoding,
			fieldDefinitions: &h.definitionBytes, fieldRepetitions: &h.repetitionBytes}
	}
	err := c.fields(1, func(id int16, kind byte) (bool, error) {
		if v2 && id == fieldCompressing && (kind == typeTrue || kind == typeFalse) {
			h.plain = kind == typeFalse
			return true, nil
		}
		place := places[id]
		if kind != typeI32 || place == nil {
			return false, nil
		}
		n, err := c.number()
		*place = n
		return true, err
	})
	if h.definitionBytes < 0 || h.repetitionBytes < 0 {
		return errShape
	}
	h.levels = h.definitionBytes + h.repetitionBytes
	return err
}
