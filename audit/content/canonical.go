package content

import (
	"encoding/binary"
	"math"
	"math/big"
	"strings"

	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/schema"
)

// Family is a kind of values. Values of one family are equal exactly if their canonical bytes are, whatever their physical types;
// values of two families are never equal.
type Family byte

// The families. The letter is part of what is hashed.
const (
	Boolean   Family = 'b'
	Integer   Family = 'i'
	Double    Family = 'f'
	Decimal   Family = 'd'
	Bytes     Family = 't'
	Date      Family = 'D'
	TimeOfDay Family = 'c'
	Timestamp Family = 's'
)

// String names the family for people.
func (f Family) String() string {
	switch f {
	case Boolean:
		return "boolean"
	case Integer:
		return "integer"
	case Double:
		return "floating number"
	case Decimal:
		return "decimal"
	case Bytes:
		return "text or bytes"
	case Date:
		return "date"
	case TimeOfDay:
		return "time of day"
	case Timestamp:
		return "timestamp"
	}
	return "nested"
}

// FamilyOf is the family of a type as people read it ("TIMESTAMP(us, UTC)", "INT64"); false of nested ones, and of columns that hold
// nothing but NULLs.
func FamilyOf(typeText string) (Family, bool) {
	name, _, _ := strings.Cut(typeText, "(")
	switch {
	case strings.Contains(typeText, "<"), name == "NULL":
		return 0, false
	case name == "BOOLEAN":
		return Boolean, true
	case name == "TIMESTAMP", name == "INT96":
		return Timestamp, true
	case name == "DATE":
		return Date, true
	case name == "TIME":
		return TimeOfDay, true
	case name == "DECIMAL":
		return Decimal, true
	case name == "FLOAT", name == "DOUBLE", name == "FLOAT16":
		return Double, true
	case strings.HasPrefix(strings.TrimPrefix(name, "U"), "INT") && name != "INTERVAL":
		return Integer, true
	}
	return Bytes, true
}

// canon writes values of one leaf as canonical bytes.
type canon struct {
	family Family
	// unit is how many of a time's units make a second; scale that of decimals; unsigned is of integers.
	unit     int64
	scale    int
	unsigned bool
	narrow   bool
}

// canonOf is how the values of a leaf are written.
func canonOf(leaf *schema.Column) canon {
	physical := leaf.PhysicalType()
	switch logical := leaf.LogicalType().(type) {
	case *schema.DecimalLogicalType:
		return canon{family: Decimal, scale: int(logical.Scale())}
	case *schema.TimestampLogicalType:
		return canon{family: Timestamp, unit: perSecond(logical.TimeUnit())}
	case *schema.TimeLogicalType:
		return canon{family: TimeOfDay, unit: perSecond(logical.TimeUnit())}
	case schema.DateLogicalType:
		return canon{family: Date}
	case *schema.IntLogicalType:
		return canon{family: Integer, unsigned: !logical.IsSigned()}
	case schema.Float16LogicalType:
		return canon{family: Double, narrow: true}
	}
	switch physical {
	case parquet.Types.Boolean:
		return canon{family: Boolean}
	case parquet.Types.Int32, parquet.Types.Int64:
		return canon{family: Integer}
	case parquet.Types.Int96:
		return canon{family: Timestamp}
	case parquet.Types.Float, parquet.Types.Double:
		return canon{family: Double}
	}
	return canon{family: Bytes}
}

func perSecond(unit schema.TimeUnitType) int64 {
	switch unit {
	case schema.TimeUnitMillis:
		return 1_000
	case schema.TimeUnitMicros:
		return 1_000_000
	default:
		return 1_000_000_000
	}
}

// integer writes a number of one of the families that integers are stored for.
func (c canon) integer(b []byte, n int64) []byte {
	switch c.family {
	case Timestamp:
		second, rest := floorDiv(n, c.unit)
		return timestamp(b, second, rest*(1_000_000_000/c.unit))
	case TimeOfDay:
		second, rest := floorDiv(n, c.unit)
		return timestamp(b, second, rest*(1_000_000_000/c.unit))
	case Decimal:
		return c.decimal(b, n)
	default:
	}
	b = binary.LittleEndian.AppendUint64(b, uint64(n))
	if c.unsigned && n < 0 {
		b = append(b, 1) // above what 64 signed bits hold
	}
	return b
}

// timestamp is whole seconds, and the nanoseconds beyond them.
func timestamp(b []byte, second, nanos int64) []byte {
	b = binary.LittleEndian.AppendUint64(b, uint64(second))
	return binary.LittleEndian.AppendUint32(b, uint32(nanos))
}

func floorDiv(n, by int64) (quotient, rest int64) {
	quotient, rest = n/by, n%by
	if rest < 0 {
		quotient, rest = quotient-1, rest+by
	}
	return quotient, rest
}

// julianEpoch is the Julian day number of 1970-01-01.
const julianEpoch = 2_440_588

// int96 gives the seconds and nanoseconds of a time in the older form: nanoseconds of a Julian day.
func int96(v parquet.Int96) (second, nanos int64) {
	days := int64(int32(binary.LittleEndian.Uint32(v[8:]))) - julianEpoch
	second, nanos = floorDiv(int64(binary.LittleEndian.Uint64(v[:8])), 1_000_000_000)
	return second + days*86_400, nanos
}

// decimal writes a number without zeros at the end of its fraction: 1.50 and 1.500 are one value.
func (c canon) decimal(b []byte, n int64) []byte {
	scale := c.scale
	for scale > 0 && n != 0 && n%10 == 0 {
		n, scale = n/10, scale-1
	}
	if n == 0 {
		scale = 0
	}
	b = binary.LittleEndian.AppendUint32(b, uint32(scale))
	return binary.LittleEndian.AppendUint64(b, uint64(n))
}

// decimalBytes writes a decimal that is stored as big-endian bytes in two's complement.
func (c canon) decimalBytes(b, raw []byte) []byte {
	if n, ok := narrowed(raw); ok {
		return c.decimal(b, n)
	}
	n, scale, ten, rest := bigOf(raw), c.scale, big.NewInt(10), new(big.Int)
	for scale > 0 {
		shorter := new(big.Int)
		if shorter.QuoRem(n, ten, rest); rest.Sign() != 0 {
			break
		}
		n, scale = shorter, scale-1
	}
	if n.IsInt64() {
		return canon{family: Decimal, scale: scale}.decimal(b, n.Int64())
	}
	b = binary.LittleEndian.AppendUint32(b, uint32(scale))
	sign := byte(0)
	if n.Sign() < 0 {
		sign = 1
	}
	return append(append(b, sign), n.Bytes()...) // 1 byte and at least 8: never as long as a number of 64 bits
}

// narrowed is a number in two's complement as 64 bits, where it fits.
func narrowed(raw []byte) (int64, bool) {
	if len(raw) == 0 {
		return 0, true
	}
	extension := byte(0)
	if raw[0] >= 0x80 {
		extension = 0xff
	}
	for len(raw) > 8 {
		if raw[0] != extension {
			return 0, false
		}
		raw = raw[1:]
	}
	if (raw[0] >= 0x80) != (extension == 0xff) {
		return 0, false
	}
	n := int64(int8(extension))
	for _, digit := range raw {
		n = n<<8 | int64(digit)
	}
	return n, true
}

func bigOf(raw []byte) *big.Int {
	n := new(big.Int).SetBytes(raw)
	if len(raw) > 0 && raw[0] >= 0x80 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(raw))))
	}
	return n
}

// fixed writes the bytes of a leaf whose values have no other type.
func (c canon) fixed(b, raw []byte) []byte {
	switch {
	case c.family == Decimal:
		return c.decimalBytes(b, raw)
	case c.narrow && len(raw) == 2:
		return binary.LittleEndian.AppendUint64(b, wideHalf(binary.LittleEndian.Uint16(raw)))
	}
	return append(b, raw...)
}

// wideFloat is a FLOAT as the bits of a DOUBLE. The payload of a NaN is kept: no arithmetic that could quieten it.
func wideFloat(f float32) uint64 {
	raw := math.Float32bits(f)
	if raw&0x7f800000 == 0x7f800000 && raw&0x007fffff != 0 {
		return uint64(raw&0x80000000)<<32 | 0x7ff0000000000000 | uint64(raw&0x007fffff)<<29
	}
	return math.Float64bits(float64(f))
}

// wideHalf is a FLOAT16 as the bits of a DOUBLE.
func wideHalf(h uint16) uint64 {
	sign, exponent, fraction := uint64(h&0x8000)<<48, int(h>>10&0x1f), uint64(h&0x3ff)
	switch {
	case exponent == 0x1f:
		return sign | 0x7ff0000000000000 | fraction<<42
	case exponent == 0:
		return sign | math.Float64bits(float64(fraction)/(1<<24))
	}
	return sign | uint64(exponent-15+1023)<<52 | fraction<<42
}
