package content

import (
	"fmt"
	"math"
	"math/big"
	"math/bits"
)

// Total is an exact sum of numbers, and how many of them are no numbers. Its zero value is the sum of nothing.
type Total struct {
	// scaled is the sum times 10^scale, of integers and decimals.
	scaled big.Int
	scale  int
	// buckets hold the fractions of floating numbers by their exponents: no sum in an order, so that it is exact.
	buckets map[int32]wide
	// pending are whole numbers, or decimals without their point, that are not in scaled yet.
	pending wide
	// floating says that numbers are floating ones, which are shown as such; read is what a total held that was written down.
	floating bool
	read     *big.Rat
	// Odd counts infinities and NaNs, which are in no sum.
	Odd int64
}

// wide is a number of 128 bits with a sign.
type wide struct {
	hi int64
	lo uint64
}

func (w wide) plus(n int64) wide {
	lo, carry := bits.Add64(w.lo, uint64(n), 0)
	return wide{w.hi + n>>63 + int64(carry), lo}
}

func (w wide) both(o wide) wide {
	lo, carry := bits.Add64(w.lo, o.lo, 0)
	return wide{w.hi + o.hi + int64(carry), lo}
}

func (w wide) big() *big.Int {
	n := new(big.Int).Lsh(big.NewInt(w.hi), 64)
	return n.Add(n, new(big.Int).SetUint64(w.lo))
}

// addScaled adds n / 10^scale.
func (t *Total) addScaled(n *big.Int, scale int) {
	if scale > t.scale {
		t.scaled.Mul(&t.scaled, tenTo(scale-t.scale))
		t.scale = scale
	}
	if scale < t.scale {
		n = new(big.Int).Mul(n, tenTo(t.scale-scale))
	}
	t.scaled.Add(&t.scaled, n)
}

// settle adds what is pending, of so many places.
func (t *Total) settle(scale int) {
	if t.pending != (wide{}) {
		t.addScaled(t.pending.big(), scale)
		t.pending = wide{}
	}
}

func tenTo(n int) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }

// addDouble adds a floating number by its bits.
func (t *Total) addDouble(raw uint64) {
	t.floating = true
	exponent, fraction := int32(raw>>52&0x7ff), int64(raw&(1<<52-1))
	switch exponent {
	case 0x7ff:
		t.Odd++
		return
	case 0:
		exponent = 1
	default:
		fraction |= 1 << 52
	}
	if raw>>63 == 1 {
		fraction = -fraction
	}
	if t.buckets == nil {
		t.buckets = map[int32]wide{}
	}
	t.buckets[exponent] = t.buckets[exponent].plus(fraction)
}

// Plus adds another total.
func (t *Total) Plus(o Total) {
	t.addScaled(new(big.Int).Set(&o.scaled), o.scale)
	t.floating = t.floating || o.floating
	if o.read != nil {
		read := new(big.Rat).Set(o.read)
		if t.read != nil {
			read.Add(read, t.read)
		}
		t.read = read
	}
	for exponent, bucket := range o.buckets {
		if t.buckets == nil {
			t.buckets = map[int32]wide{}
		}
		t.buckets[exponent] = t.buckets[exponent].both(bucket)
	}
	t.Odd += o.Odd
}

// Rational is the sum itself.
func (t Total) Rational() *big.Rat {
	sum := new(big.Rat).SetFrac(&t.scaled, tenTo(t.scale))
	if t.read != nil {
		sum.Add(sum, t.read)
	}
	for exponent, bucket := range t.buckets {
		n := bucket.big()
		power := int(exponent) - 1075
		if power >= 0 {
			sum.Add(sum, new(big.Rat).SetInt(n.Lsh(n, uint(power))))
			continue
		}
		sum.Add(sum, new(big.Rat).SetFrac(n, new(big.Int).Lsh(big.NewInt(1), uint(-power))))
	}
	return sum
}

// String writes the sum: exactly where it is a decimal of up to 18 places, else rounded to a floating number.
func (t Total) String() string {
	sum := t.Rational()
	if !t.floating {
		return sum.FloatString(t.scale)
	}
	f, _ := sum.Float64()
	if math.IsInf(f, 0) {
		return sum.FloatString(0)
	}
	return big.NewFloat(f).Text('g', -1)
}

// maxPlaces bounds the decimal places of a total that is read.
const maxPlaces = 10_000

// Text writes the total exactly, as ParseTotal reads it: a fraction, how many decimal places it is shown with (-1 of floating numbers), and
// how many were no numbers.
func (t Total) Text() string {
	places := t.scale
	if t.floating {
		places = -1
	}
	return fmt.Sprintf("%s %d %d", t.Rational().RatString(), places, t.Odd)
}

// ParseTotal reads what Text wrote.
func ParseTotal(text string) (Total, error) {
	var fraction string
	var places int
	var t Total
	if _, err := fmt.Sscanf(text, "%s %d %d", &fraction, &places, &t.Odd); err != nil {
		return t, fmt.Errorf("total %q: %w", text, err)
	}
	sum, ok := new(big.Rat).SetString(fraction)
	if !ok || places < -1 || places > maxPlaces {
		return t, fmt.Errorf("total %q: no number", text)
	}
	t.read, t.floating, t.scale = sum, places < 0, max(places, 0)
	return t, nil
}
