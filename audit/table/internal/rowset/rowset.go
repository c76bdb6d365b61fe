// Package rowset holds sets of row numbers that the logs of tables say do not count.
package rowset

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/zeebo/xxh3"

	"github.com/featureaudit/featureaudit/audit/facts"
)

// Set is a set of rows of one file. The zero value is empty.
type Set struct {
	// maps hold the lower halves of the numbers, by the upper ones.
	maps []*roaring.Bitmap
}

var _ facts.RowSet = (*Set)(nil)

// Count implements facts.RowSet.
func (s *Set) Count() int64 {
	count := int64(0)
	for _, m := range s.maps {
		count += int64(m.GetCardinality())
	}
	return count
}

// Last implements facts.RowSet.
func (s *Set) Last() int64 {
	for high := len(s.maps) - 1; high >= 0; high-- {
		if m := s.maps[high]; !m.IsEmpty() {
			return int64(high)<<32 | int64(m.Maximum())
		}
	}
	return -1
}

// Next implements facts.RowSet.
func (s *Set) Next(row int64) int64 {
	for high := int(row >> 32); high < len(s.maps); high++ {
		if next := s.maps[high].NextValue(uint32(row)); next >= 0 {
			return int64(high)<<32 | next
		}
		row = int64(high+1) << 32
	}
	return -1
}

// mostMaps bounds the upper halves that are believed: no file has more than 2^40 rows.
const mostMaps = 1 << 8

// Read understands the portable form of 64-bit Roaring bitmaps: their number, then the upper half and the bitmap of each. All
// bytes must be of it.
func Read(data []byte) (set *Set, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			set, err = nil, fmt.Errorf("a bitmap does not decode: %v", cause)
		}
	}()
	if len(data) < 8 {
		return nil, fmt.Errorf("%d bytes hold no number of bitmaps", len(data))
	}
	count := binary.LittleEndian.Uint64(data)
	if count > mostMaps {
		return nil, fmt.Errorf("it announces %d bitmaps", count)
	}
	set, data = &Set{}, data[8:]
	for last := int64(-1); count > 0; count-- {
		if len(data) < 4 {
			return nil, errors.New("it ends within a bitmap")
		}
		high := int64(binary.LittleEndian.Uint32(data))
		if high <= last || high >= mostMaps {
			return nil, fmt.Errorf("a bitmap of the upper half %d follows one of %d", high, last)
		}
		m := roaring.New()
		reader := bytes.NewReader(data[4:])
		if _, err := m.ReadFrom(reader); err != nil {
			return nil, fmt.Errorf("a bitmap does not decode: %w", err)
		}
		if err := m.Validate(); err != nil && !m.IsEmpty() {
			return nil, fmt.Errorf("a bitmap is not valid: %w", err)
		}
		for int64(len(set.maps)) < high {
			set.maps = append(set.maps, roaring.New())
		}
		set.maps, last = append(set.maps, m), high
		data = data[len(data)-reader.Len():]
	}
	if len(data) > 0 {
		return nil, fmt.Errorf("%d bytes follow its bitmaps", len(data))
	}
	return set, nil
}

// Check says what is wrong with a set that should have so many rows of a file of that many; rows below 0 are not known.
func Check(s facts.RowSet, cardinality, rows int64) error {
	if count := s.Count(); count != cardinality {
		return fmt.Errorf("it names %d rows and should name %d", count, cardinality)
	}
	if rows < 0 {
		rows = math.MaxInt64
	}
	if last := s.Last(); last >= rows {
		return fmt.Errorf("it names row %d of a file of %d", last, rows)
	}
	return nil
}

// Add puts a row into the set. It fails for a number that no row of a file can have.
func (s *Set) Add(row int64) error {
	high := row >> 32
	if row < 0 || high >= mostMaps {
		return fmt.Errorf("%d is no number of a row", row)
	}
	for int64(len(s.maps)) <= high {
		s.maps = append(s.maps, roaring.New())
	}
	s.maps[high].Add(uint32(row))
	return nil
}

// Name tells sets apart by their rows, however they came to be.
func (s *Set) Name() string {
	hash := xxh3.New()
	var row [8]byte
	for high, m := range s.maps {
		for rows := m.Iterator(); rows.HasNext(); {
			binary.LittleEndian.PutUint64(row[:], uint64(high)<<32|uint64(rows.Next()))
			hash.Write(row[:])
		}
	}
	sum := hash.Sum128()
	return fmt.Sprintf("%d rows %016x%016x", s.Count(), sum.Hi, sum.Lo)
}
