package collect

import (
	"math"
	"math/bits"
	"strings"

	"github.com/featureaudit/featureaudit/audit/engine"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
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
	utc     bool
	local   zone.Reader
	text    bool
	pattern string
	// column is the path of what is read.
	column string
	// offsetPattern says that the pattern reads an offset.
	offsetPattern bool
}

// newTimeReader says how a column is read: what is aware is an instant and no zone shifts it; what is naive is read in zone.
func newTimeReader(vector int, encoding facts.Encoding, column model.TimeColumn, zones zoneTables, zoneName string) (timeReader, error) {
	r := timeReader{vector: vector, utc: true, column: column.Column}
	switch encoding {
	case facts.EncodingNaive, facts.EncodingInt96Naive, facts.EncodingDate:
		r.naive = true
	case facts.EncodingTextNaive, facts.EncodingTextOffset:
		r.naive, r.text = true, true
		if column.Format != "" && column.Format != "rfc3339" {
			r.pattern = column.Format
			r.offsetPattern = strings.Contains(column.Format, "%z") || strings.Contains(column.Format, "%Z") || strings.Contains(column.Format, "%s")
		}
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
	// beyond marks a value that microseconds do not hold: micros is as far away as they go.
	beyond bool
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
	micros, ok := scale(v.Ints[row], v.PerMicro)
	if !ok {
		return farAway(v.Ints[row])
	}
	if r.utc {
		return timeValue{micros: micros}
	}
	micros, odd := r.local.Instant(micros)
	return timeValue{micros: micros, odd: odd}
}

// instant is the fast road of read, for typed values that are instants as they stand; false sends the caller to read.
func (r *timeReader) instant(block *engine.Block, row int) (int64, bool) {
	if !r.plain {
		return 0, false
	}
	v := &block.Vectors[r.vector]
	if v.PerMicro != 1 || !v.Valid(row) {
		return 0, false
	}
	return v.Ints[row], true
}

func (r *timeReader) readText(text []byte) timeValue {
	var parsed textTime
	var ok bool
	if r.pattern == "" {
		parsed, ok = parseRFC3339(text)
	} else {
		parsed, ok = parsePattern(text, r.pattern, r.offsetPattern)
	}
	switch {
	case !ok:
		return timeValue{status: readUnparsed}
	case parsed.hasOffset:
		return timeValue{micros: parsed.micros, offset: true}
	case r.utc:
		return timeValue{micros: parsed.micros, bare: true}
	}
	micros, odd := r.local.Instant(parsed.micros)
	return timeValue{micros: micros, odd: odd, bare: true}
}

// textNanos are the nanoseconds that an RFC 3339 text says beyond its microsecond, 0 to 999.
func textNanos(text string) int64 {
	point := strings.LastIndexAny(text, ".,")
	nanos, scale := int64(0), int64(100)
	for at := point + 7; point >= 0 && at < len(text) && text[at] >= '0' && text[at] <= '9'; at++ {
		nanos += int64(text[at]-'0') * scale
		scale /= 10
	}
	return nanos
}

// farAway is a time that microseconds do not hold: no event, but a value like any other where rows are compared.
func farAway(raw int64) timeValue {
	if raw < 0 {
		return timeValue{micros: math.MinInt64 + 1, beyond: true}
	}
	return timeValue{micros: math.MaxInt64, beyond: true}
}

// nanosOf counts the nanoseconds of a raw value, in two words.
func nanosOf(raw, perMicro int64) (hi, lo uint64) {
	unit := uint64(1000)
	switch {
	case perMicro > 1:
		unit = uint64(1000 / perMicro)
	case perMicro < 0:
		unit = uint64(-perMicro) * 1000
	}
	if raw >= 0 {
		return bits.Mul64(uint64(raw), unit)
	}
	hi, lo = bits.Mul64(uint64(-(raw+1))+1, unit)
	lo, borrow := bits.Sub64(0, lo, 0)
	hi, _ = bits.Sub64(0, hi, borrow)
	return hi, lo
}

// scale turns a raw value into microseconds, rounding nanoseconds down; false where it does not fit.
func scale(raw, perMicro int64) (int64, bool) {
	switch {
	case perMicro == 1 || perMicro == 0:
		return raw, raw != math.MinInt64
	case perMicro > 1:
		q := raw / perMicro
		if raw%perMicro < 0 {
			q--
		}
		return q, true
	}
	scaled := raw * -perMicro
	return scaled, scaled/-perMicro == raw && scaled != math.MinInt64
}

// readValue reads a fetched value as read does a block's.
func (r *timeReader) readValue(v engine.Value) timeValue {
	switch {
	case v.Null:
		return timeValue{status: readNull}
	case r.text:
		return r.readText([]byte(v.Text))
	}
	micros, ok := scale(v.Int, v.PerMicro)
	if !ok {
		return farAway(v.Int)
	}
	if r.utc {
		return timeValue{micros: micros}
	}
	micros, odd := r.local.Instant(micros)
	return timeValue{micros: micros, odd: odd}
}
