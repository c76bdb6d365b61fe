package collect

import (
	"math"

	"github.com/featureaudit/featureaudit/audit/engine"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/times"
	"github.com/featureaudit/featureaudit/audit/zone"
)

// reading is what a time column says of one row.
type reading uint8

const (
	readOK reading = iota
	readNull
	readUnparsed
)

// timeReader turns the values of one time column into instants. It is used by one goroutine.
type timeReader struct {
	// vector is the index in the block, or -1 where the rows have no such column.
	vector int
	// plain says that typed values are instants as they stand, up to their unit.
	plain bool
	naive bool
	// utc says that naive values are instants already.
	utc   bool
	local zone.Reader
	text  bool
	// pattern reads text that is not RFC 3339.
	pattern *patternReader
}

// newTimeReader says how a column is read: what is aware is an instant and no zone shifts it; what is naive is read in zone.
func newTimeReader(vector int, encoding facts.Encoding, column model.TimeColumn, zones zoneTables, zoneName string) (timeReader, error) {
	r := timeReader{vector: vector, utc: true}
	switch encoding {
	case facts.EncodingNaive, facts.EncodingInt96Naive, facts.EncodingDate:
		r.naive = true
	case facts.EncodingTextNaive, facts.EncodingTextOffset:
		r.naive, r.text = true, true
		if column.Format != "" && column.Format != "rfc3339" {
			var err error
			if r.pattern, err = newPatternReader(column.Format, zoneName); err != nil {
				return r, err
			}
		}
	default:
	}
	if !r.naive {
		r.plain = true
		return r, nil
	}
	table, err := zones.load(zoneName)
	if err != nil {
		return r, err
	}
	r.utc = table == nil
	r.plain = r.utc && !r.text
	if table != nil {
		r.local = table.Reader()
	}
	return r, nil
}

// absentTime reads a column that the rows do not have.
var absentTime = timeReader{vector: -1}

// timeValue is one row's instant and how it was come by.
type timeValue struct {
	micros int64
	status reading
	// odd marks a naive time that occurred twice or never; offset and bare mark texts with and without an offset.
	odd, offset, bare bool
}

func (r *timeReader) read(block *engine.Block, row int) timeValue {
	if r.vector < 0 {
		return timeValue{status: readNull}
	}
	v := &block.Vectors[r.vector]
	if !v.Valid(row) {
		return timeValue{status: readNull}
	}
	if r.text {
		return r.readText(v.Texts.At(row))
	}
	return r.number(v.Ints[row], v.PerMicro)
}

// number reads a typed time or an epoch.
func (r *timeReader) number(raw, perMicro int64) timeValue {
	micros := scale(raw, perMicro)
	if r.utc || micros < beforeZones || micros > afterZones {
		return timeValue{micros: micros}
	}
	at, odd := r.local.Instant(times.Local(micros))
	return timeValue{micros: int64(at), odd: odd}
}

// beforeZones and afterZones bound what is read in a zone: beyond them are sentinels, which no offset would make times of.
const (
	beforeZones = math.MinInt64 / 2
	afterZones  = math.MaxInt64 / 2
)

// instant is the fast road of read, for typed values that are instants as they stand; false sends the caller to read.
func (r *timeReader) instant(block *engine.Block, row int) (times.Instant, bool) {
	if !r.plain {
		return 0, false
	}
	v := &block.Vectors[r.vector]
	if v.PerMicro != 1 || !v.Valid(row) {
		return 0, false
	}
	return times.Instant(v.Ints[row]), true
}

func (r *timeReader) readText(text []byte) timeValue {
	var parsed textTime
	var ok bool
	if r.pattern == nil {
		parsed, ok = parseRFC3339(text)
	} else {
		parsed, ok = r.pattern.parse(text)
	}
	switch {
	case !ok:
		return timeValue{status: readUnparsed}
	case parsed.hasOffset:
		return timeValue{micros: parsed.micros, offset: true}
	case r.utc:
		return timeValue{micros: parsed.micros, bare: true}
	}
	at, odd := r.local.Instant(times.Local(parsed.micros))
	return timeValue{micros: int64(at), odd: odd, bare: true}
}

// scale turns a raw value into microseconds, rounding nanoseconds down. What is too far away for 64 bits is as far as they
// go: a sentinel, whatever it was meant to be.
func scale(raw, perMicro int64) int64 {
	switch {
	case perMicro == 1 || perMicro == 0:
		return max(raw, -math.MaxInt64)
	case perMicro > 1:
		q := raw / perMicro
		if raw%perMicro < 0 {
			q--
		}
		return q
	}
	most := math.MaxInt64 / -perMicro
	return min(max(raw, -most), most) * -perMicro
}

// readValue reads a fetched value as read does a block's.
func (r *timeReader) readValue(v engine.Value) timeValue {
	switch {
	case v.Null:
		return timeValue{status: readNull}
	case r.text:
		return r.readText([]byte(v.Text))
	}
	return r.number(v.Int, v.PerMicro)
}
