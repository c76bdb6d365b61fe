package align

import (
	"cmp"
	"encoding/binary"
	"fmt"

	"github.com/apache/arrow/go/v17/parquet"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/times"
	"github.com/featureaudit/featureaudit/audit/zone"
)

// unixEpochDay is 1970-01-01 in the Julian days that INT96 counts.
const unixEpochDay = 2_440_588

// timesOf reads a flat time column: an instant in microseconds UTC for each row, or times.None. zoneOf gives the zone
// that a row's naive time is read in.
func timesOf(c chunk, schema facts.Schema, column facts.Column, declared model.TimeColumn, zoneOf func(row int) *zone.Table) ([]int64, error) {
	wall, err := wallTimes(c, column, declared)
	if err != nil {
		return nil, fmt.Errorf("column %q %w", column.Path, err)
	}
	switch schema.Encoding(column) {
	case facts.EncodingAware, facts.EncodingInt96Aware, facts.EncodingEpoch:
		return wall, nil
	default:
	}
	for row, local := range wall {
		if local == times.None {
			continue
		}
		at, _ := zoneOf(row).Instant(times.Local(local))
		wall[row] = int64(at)
	}
	return wall, nil
}

// wallTimes are the values in microseconds, as if they were UTC.
func wallTimes(c chunk, column facts.Column, declared model.TimeColumn) ([]int64, error) {
	switch l := c.(type) {
	case *leaf[int64]:
		per, err := scaleOf(column, declared)
		if err != nil {
			return nil, err
		}
		return flat(l, per.micros)
	case *leaf[int32]:
		if column.Logical == "date" {
			return flat(l, func(days int32) (int64, bool) { return scale{int64(times.Day), 1}.micros(int64(days)) })
		}
		per, err := scaleOf(column, declared)
		if err != nil {
			return nil, err
		}
		return flat(l, func(v int32) (int64, bool) { return per.micros(int64(v)) })
	case *leaf[parquet.Int96]:
		return flat(l, int96Micros)
	}
	return nil, fmt.Errorf("is %s: align rewrites timestamps, INT96, integer epochs and dates; convert it to one of these first", column.TypeText)
}

// scale turns a unit into microseconds.
type scale struct{ mul, div int64 }

// farthest bounds the instants that are read, in microseconds either side of 1970 (73,000 years): an instant, its offset, a
// shift and the lag between two add up to what 64 bits hold.
const farthest = int64(1) << 61

// micros is false where an instant would lie beyond what can be shifted.
func (s scale) micros(v int64) (int64, bool) {
	q := v / s.div
	if v%s.div < 0 {
		q--
	}
	if q > farthest/s.mul || q < -farthest/s.mul {
		return 0, false
	}
	return q * s.mul, true
}

func scaleOf(column facts.Column, declared model.TimeColumn) (scale, error) {
	unit := column.Unit
	if column.Logical != "timestamp" {
		unit = declared.Unit
		if unit == "" {
			unit = column.EpochUnit
		}
	}
	switch unit {
	case "s":
		return scale{int64(times.Second), 1}, nil
	case "ms":
		return scale{int64(times.Millisecond), 1}, nil
	case "us":
		return scale{1, 1}, nil
	case "ns":
		return scale{1, 1000}, nil
	}
	return scale{1, 1}, fmt.Errorf("is %s of an unknown unit: declare it, as in {column: %s, unit: ms}", column.TypeText, column.Path)
}

func int96Micros(v parquet.Int96) (int64, bool) {
	nanos, day := int64(binary.LittleEndian.Uint64(v[:8])), int64(binary.LittleEndian.Uint32(v[8:]))
	micros, ok := scale{int64(times.Day), 1}.micros(day - unixEpochDay)
	return micros + nanos/1000, ok && nanos > -farthest && nanos < farthest
}

// flat gives one value a row, times.None where there is none. A value that is beyond what can be shifted is an error.
func flat[T any](l *leaf[T], micros func(T) (int64, bool)) ([]int64, error) {
	instants := make([]int64, 0, l.entries())
	var beyond error
	l.each(func(_, _, value int) {
		if value < 0 {
			instants = append(instants, times.None)
			return
		}
		instant, ok := micros(l.values[value])
		if !ok && beyond == nil {
			beyond = fmt.Errorf("has a time in row %d of its row group that is over 70,000 years away, which cannot be shifted: repair it first", len(instants)+1)
		}
		instants = append(instants, instant)
	})
	return instants, beyond
}

// textsOf gives one text a row, "" where there is none.
func textsOf(c chunk) ([]string, bool) {
	l, ok := c.(*leaf[parquet.ByteArray])
	if !ok {
		return nil, false
	}
	texts := make([]string, 0, l.entries())
	l.each(func(_, _, value int) {
		if value < 0 {
			texts = append(texts, "")
			return
		}
		texts = append(texts, string(l.values[value]))
	})
	return texts, true
}

// timeZones are the tables of the zones that naive times are read in.
type timeZones map[string]*zone.Table

func (z timeZones) load(name string) (*zone.Table, error) {
	if table, known := z[name]; known {
		return table, nil
	}
	table, err := zone.Load(name)
	if err != nil {
		return nil, err
	}
	z[name] = table
	return table, nil
}

// zoneName is the column's own zone, else its source's, else the view's, else UTC. Device-local times are read as UTC,
// which is what their corrections are relative to.
func (r role) zoneName(v model.View, s model.SourcePolicy) string {
	column := r.time
	if own := r.ofSource(s); own.Declared() {
		column = own
	}
	name := cmp.Or(column.Zone, s.Zone, v.Zone)
	if name == model.ZoneDevice {
		return ""
	}
	return name
}

// policyOf is what is declared for a source; zero where nothing is.
func policyOf(v model.View, source string) model.SourcePolicy {
	for _, s := range v.Sources {
		if s.Name == source {
			return s
		}
	}
	return model.SourcePolicy{}
}
