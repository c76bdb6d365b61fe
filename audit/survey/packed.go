package survey

import (
	"slices"
	"strconv"
	"strings"

	"github.com/featureaudit/featureaudit/audit/facts"
)

// packed is a reading whose schema is shared with the readings that have the same: of 100,000 files each on its own would take a
// kilobyte.
type packed struct {
	reading
	bounds []columnBounds
}

// columnBounds are the bounds that one file states for a column, by its index.
type columnBounds struct {
	column   int
	min, max int64
}

// sharing has one copy of each schema and text.
type sharing struct {
	schemas map[string][]facts.Column
	texts   map[string]string
	lists   map[string][]string
}

func (s *sharing) text(text string) string {
	if s.texts == nil {
		s.texts = map[string]string{}
	}
	if _, known := s.texts[text]; !known {
		s.texts[text] = text
	}
	return s.texts[text]
}

// names has one copy of each list of names.
func (s *sharing) names(names []string) []string {
	if s.lists == nil {
		s.lists = map[string][]string{}
	}
	key := strings.Join(names, "\x00")
	if _, known := s.lists[key]; !known {
		s.lists[key] = names
	}
	return s.lists[key]
}

// pack takes what a file has of its own out of its schema.
func (s *sharing) pack(r reading) packed {
	p := packed{reading: r}
	if p.defaulted != nil {
		p.defaulted = s.names(r.defaulted)
	}
	p.chunks, p.createdBy, p.schema.Writer = nil, s.text(r.createdBy), s.text(r.schema.Writer)
	if r.schema.Columns == nil {
		return p
	}
	for i, c := range r.schema.Columns {
		if c.HasBounds {
			p.bounds = append(p.bounds, columnBounds{i, c.Min, c.Max})
		}
	}
	if s.schemas == nil {
		s.schemas = map[string][]facts.Column{}
	}
	key := wholeKey(r.schema)
	columns, known := s.schemas[key]
	if !known {
		columns = slices.Clone(r.schema.Columns)
		for i := range columns {
			columns[i].Min, columns[i].Max, columns[i].HasBounds = 0, 0, false
		}
		s.schemas[key] = columns
	}
	p.schema.Columns = columns
	return p
}

// wholeKey is the identity of a schema with all that it says: whichever file is read first, its columns are those of the others.
func wholeKey(s facts.Schema) string {
	key := []byte(schemaKey(s))
	for _, c := range s.Columns {
		key = append(append(key, 0), c.Name...)
		for _, n := range [...]int32{c.Precision, c.Scale} {
			key = strconv.AppendInt(append(key, 0), int64(n), 10)
		}
		for _, is := range [...]bool{c.AdjustedToUTC, c.Unsigned, c.Raw} {
			key = strconv.AppendBool(key, is)
		}
	}
	return string(key)
}

// unpacked is the reading with a schema of its own.
func (p packed) unpacked() reading {
	r := p.reading
	r.schema.Columns = slices.Clone(r.schema.Columns)
	for _, b := range p.bounds {
		c := &r.schema.Columns[b.column]
		c.Min, c.Max, c.HasBounds = b.min, b.max, true
	}
	return r
}
