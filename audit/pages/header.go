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
	values                   int64
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
	return c.fields(1, func(id int16, kind byte) (bool, error) {
		switch {
		case v2 && id == fieldCompressing && (kind == typeTrue || kind == typeFalse):
			h.plain = kind == typeFalse
			return true, nil
		case kind != typeI32:
			return false, nil
		case id == fieldValues:
			n, err := c.number()
			h.values = n
			return true, err
		case v2 && (id == fieldDefinitions || id == fieldRepetitions):
			n, err := c.number()
			if n < 0 {
				return true, errShape
			}
			h.levels += n
			return true, err
		}
		return false, nil
	})
}
