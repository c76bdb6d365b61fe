package collect

import (
	"math"
	"math/big"
	"math/bits"
	"strings"

	"github.com/featureaudit/featureaudit/audit/engine"
	"github.com/featureaudit/featureaudit/audit/times"
)

// beyond says that microseconds do not hold a raw time. It is no event, but a value like any other where rows are compared.
func beyond(raw, perMicro int64) bool {
	if perMicro >= 0 {
		return raw == math.MinInt64 && perMicro <= 1
	}
	most := math.MaxInt64 / -perMicro
	return raw > most || raw < -most
}

// nanosOf counts the nanoseconds of a raw time, in two words.
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

// farAwayText counts the nanoseconds of a time that microseconds do not hold.
func farAwayText(v engine.Value) string {
	hi, lo := nanosOf(v.Int, v.PerMicro)
	n := new(big.Int).Lsh(big.NewInt(int64(hi)), 64)
	return n.Add(n, new(big.Int).SetUint64(lo)).String() + " ns since 1970"
}

// keyInstant is a key's time as text to the nanosecond, as the scan reads it; rfc3339 says that a text has no pattern of its own.
func keyInstant(r timeReader, values []engine.Value, cut int64, rfc3339 bool) string {
	if r.vector < 0 {
		return timeOf(times.None)
	}
	value := values[r.vector]
	read := r.readValue(value)
	switch {
	case read.status != readOK:
		return timeOf(times.None)
	case r.text && rfc3339:
		cut = textNanos(value.Text)
	case !r.text && beyond(value.Int, value.PerMicro):
		return farAwayText(value)
	}
	return exactInstant(read.micros, value, cut)
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

// shownNumber writes a number so that those that show the same decimal are equal, whatever they are stored as.
func shownNumber(text string) string {
	if r, ok := new(big.Rat).SetString(text); ok {
		return r.RatString()
	}
	return text
}
