package pages

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
)

// The encodings whose pages Check follows, by their numbers in the format.
const (
	encodingPlain       = 0
	encodingPlainDict   = 2
	encodingRLE         = 3
	encodingDelta       = 5
	encodingDeltaLength = 6
	encodingDeltaBytes  = 7
	encodingRLEDict     = 8
)

// Kind is how the values of a leaf stand in a page.
type Kind int

// The kinds of values: of a width in bytes, single bits, or bytes with their length.
const (
	Fixed Kind = iota
	Bits
	Bytes
)

// Shape is what a leaf of a schema makes of its pages.
type Shape struct {
	// Definitions and Repetitions are the greatest levels.
	Definitions, Repetitions int16
	Kind                     Kind
	// Width is that of a value in bytes, where the kind is Fixed.
	Width int
}

// NoDictionary is the size of a dictionary that has not come.
const NoDictionary = -1

// Check says what is wrong with the bytes of a page, uncompressed, so that who decodes it finds as many levels and values as the page
// says, and all of them within it. dictionary is how many values the chunk's dictionary has. It takes no memory.
func (s Shape) Check(p Page, body []byte, encoding int32, dictionary int64) error {
	err := s.check(p, body, encoding, dictionary)
	if err != nil {
		return &Fault{Offset: p.header, What: err.Error()}
	}
	return nil
}

func (s Shape) check(p Page, body []byte, encoding int32, dictionary int64) error {
	if p.Values < 0 {
		return fmt.Errorf("says %d values", p.Values)
	}
	count := int64(p.Values)
	if p.Dictionary {
		if encoding != encodingPlain && encoding != encodingPlainDict {
			return fmt.Errorf("is a dictionary in the encoding %d", encoding)
		}
		return s.plain(body, count)
	}
	values, defined, err := s.levels(p, body)
	if err != nil {
		return err
	}
	return s.values(values, defined, encoding, dictionary)
}

// levels gives what follows the levels, and how many values are there.
func (s Shape) levels(p Page, body []byte) (values []byte, defined int64, err error) {
	count := int64(p.Values)
	repetitions, definitions := int64(p.RepetitionBytes), int64(p.DefinitionBytes)
	if p.V2 {
		if repetitions < 0 || definitions < 0 || repetitions+definitions > int64(len(body)) {
			return nil, 0, fmt.Errorf("claims levels of %d and %d bytes, and has %d", repetitions, definitions, len(body))
		}
		values = body[repetitions+definitions:]
		if s.Repetitions > 0 {
			if _, err := levelsIn(body[:repetitions], s.Repetitions, count); err != nil {
				return nil, 0, err
			}
		}
		if s.Definitions == 0 {
			return values, count, nil
		}
		defined, err = levelsIn(body[repetitions:repetitions+definitions], s.Definitions, count)
		return values, defined, err
	}
	defined = count
	for _, one := range [...]struct {
		top      int16
		encoding int32
		counts   bool
	}{{s.Repetitions, p.Repetitions, false}, {s.Definitions, p.Definitions, true}} {
		if one.top == 0 {
			continue
		}
		if one.encoding != encodingRLE {
			return nil, 0, fmt.Errorf("has levels in the encoding %d, want %d (RLE)", one.encoding, encodingRLE)
		}
		framed, rest, err := frame(body)
		if err != nil {
			return nil, 0, err
		}
		n, err := levelsIn(framed, one.top, count)
		if err != nil {
			return nil, 0, err
		}
		if body = rest; one.counts {
			defined = n
		}
	}
	return body, defined, nil
}

// frame is what stands behind its length, and what follows it.
func frame(data []byte) (framed, rest []byte, err error) {
	if len(data) < 4 || uint64(binary.LittleEndian.Uint32(data)) > uint64(len(data)-4) {
		return nil, nil, errors.New("holds levels that reach beyond it")
	}
	size := binary.LittleEndian.Uint32(data)
	return data[4 : 4+size], data[4+size:], nil
}

// levelsIn checks so many levels, and counts those of the top.
func levelsIn(data []byte, top int16, count int64) (defined int64, err error) {
	err = runs(data, uint(bits.Len16(uint16(top))), count, func(level uint32, n int64) error {
		if level > uint32(top) {
			return fmt.Errorf("holds the level %d, and %d is the greatest", level, top)
		}
		if level == uint32(top) {
			defined += n
		}
		return nil
	})
	return defined, err
}

// runs calls each with so many numbers of some bits that stand in runs: of one number, or of eight packed ones at a time.
func runs(data []byte, width uint, count int64, each func(number uint32, n int64) error) error {
	short := errors.New("holds fewer levels or numbers than it says")
	wide := int(width+7) / 8
	for count > 0 {
		head, n := binary.Uvarint(data)
		if n <= 0 {
			return short
		}
		data = data[n:]
		length := head >> 1
		if length == 0 || length > 1<<31 {
			return fmt.Errorf("holds a run of %d", length)
		}
		if head&1 == 0 {
			if len(data) < wide {
				return short
			}
			number := uint64(0)
			for i := range wide {
				number |= uint64(data[i]) << (8 * i)
			}
			if number>>width != 0 {
				return errors.New("holds a number beyond its bits")
			}
			take := min(int64(length), count)
			if err := each(uint32(number), take); err != nil {
				return err
			}
			data, count = data[wide:], count-take
			continue
		}
		size := min(int64(length)*int64(width), int64(len(data))) // the last run may end with its last number
		take := min(int64(length)*8, count)
		if width > 0 && take*int64(width) > size*8 {
			return short
		}
		if err := packed(data[:size], width, take, each); err != nil {
			return err
		}
		data, count = data[size:], count-take
	}
	return nil
}

// packed calls each with numbers of some bits that stand one after the other, from the lowest bit on.
func packed(data []byte, width uint, count int64, each func(number uint32, n int64) error) error {
	if width == 1 {
		return packedBits(data, count, each)
	}
	held, have, next := uint64(0), uint(0), 0
	for range count {
		for have < width {
			held |= uint64(data[next]) << have
			have, next = have+8, next+1
		}
		if err := each(uint32(held&(1<<width-1)), 1); err != nil {
			return err
		}
		held, have = held>>width, have-width
	}
	return nil
}

// packedBits is packed of numbers of one bit.
func packedBits(data []byte, count int64, each func(number uint32, n int64) error) error {
	ones, whole := int64(0), count/8
	for _, b := range data[:whole] {
		ones += int64(bits.OnesCount8(b))
	}
	if left := count % 8; left > 0 {
		ones += int64(bits.OnesCount8(data[whole] & (1<<left - 1)))
	}
	for number, n := range [...]int64{count - ones, ones} {
		if n == 0 {
			continue
		}
		if err := each(uint32(number), n); err != nil {
			return err
		}
	}
	return nil
}

var errShortValues = errors.New("holds fewer values than it says")

// values checks so many values that are not NULL.
func (s Shape) values(data []byte, count int64, encoding int32, dictionary int64) error {
	if count == 0 {
		return nil
	}
	switch encoding {
	case encodingPlain:
		return s.plain(data, count)
	case encodingPlainDict, encodingRLEDict:
		if dictionary < 0 {
			return errors.New("holds numbers of a dictionary, and none came before it")
		}
		if len(data) == 0 || data[0] > 32 {
			return errors.New("holds numbers of a dictionary that do not decode")
		}
		return runs(data[1:], uint(data[0]), count, func(number uint32, _ int64) error {
			if int64(number) >= dictionary {
				return fmt.Errorf("names the value %d of a dictionary of %d", number, dictionary)
			}
			return nil
		})
	case encodingRLE:
		framed, _, err := frame(data)
		if err != nil {
			return err
		}
		return runs(framed, 1, count, func(uint32, int64) error { return nil })
	case encodingDelta:
		_, err := skipDeltas(data, count)
		return err
	case encodingDeltaLength:
		return deltaLengths(data, count)
	case encodingDeltaBytes:
		return deltaBytes(data, count)
	}
	return fmt.Errorf("has the encoding %d, which is not read here", encoding)
}

// plain checks values that stand one after the other.
func (s Shape) plain(data []byte, count int64) error {
	switch s.Kind {
	case Bits:
		if int64(len(data))*8 < count {
			return errShortValues
		}
	case Fixed:
		if s.Width <= 0 || int64(len(data))/int64(s.Width) < count {
			return errShortValues
		}
	default:
		for range count {
			_, rest, err := frame(data)
			if err != nil {
				return errShortValues
			}
			data = rest
		}
	}
	return nil
}

// deltas goes through numbers in the encoding DELTA_BINARY_PACKED.
type deltas struct {
	data []byte
	// left is how many numbers are to come, inBlock and inMini how many of them in the present block and miniblock.
	left, inBlock, inMini int64
	perMini, block        int64
	// widths are the bits of the numbers of each miniblock of the present block, and mini is the next of them.
	widths            []byte
	mini              int
	width             uint
	last, least, held uint64
	// have is how many bits of held are still to be taken, before those of bits.
	have  uint
	bits  []byte
	begun bool
}

// Bounds of what is believed of a block of deltas: writers have 128 or a few times that.
const (
	mostBlock = 1 << 20
	mostMinis = 1 << 12
)

// newDeltas reads the head, which must announce so many numbers.
func newDeltas(data []byte, count int64) (*deltas, error) {
	d := &deltas{}
	var head [3]uint64
	for i := range head {
		n := 0
		if head[i], n = binary.Uvarint(data); n <= 0 {
			return nil, errShortValues
		}
		data = data[n:]
	}
	first, n := binary.Uvarint(data)
	if n <= 0 {
		return nil, errShortValues
	}
	block, minis, total := head[0], head[1], head[2]
	if block == 0 || block > mostBlock || minis == 0 || minis > mostMinis || block%minis != 0 || block/minis%8 != 0 {
		return nil, fmt.Errorf("holds deltas in blocks of %d in %d parts", block, minis)
	}
	if total != uint64(count) {
		return nil, fmt.Errorf("holds %d deltas where %d are to be", total, count)
	}
	d.data, d.left, d.block, d.perMini = data[n:], count, int64(block), int64(block/minis)
	d.last = unzigzag(first)
	d.widths = make([]byte, minis)
	return d, nil
}

func unzigzag(n uint64) uint64 { return n>>1 ^ -(n & 1) }

// next is the next number.
func (d *deltas) next() (int64, error) {
	if d.left == 0 {
		return 0, errShortValues
	}
	d.left--
	if !d.begun {
		d.begun = true
		return int64(d.last), nil
	}
	if d.inBlock == 0 {
		if err := d.beginBlock(); err != nil {
			return 0, err
		}
	}
	if d.inMini == 0 {
		if err := d.beginMini(); err != nil {
			return 0, err
		}
	}
	delta := uint64(0)
	for got := uint(0); got < d.width; {
		if d.have == 0 {
			d.held, d.have = uint64(d.bits[0]), 8
			d.bits = d.bits[1:]
		}
		take := min(d.have, d.width-got)
		delta |= (d.held & (1<<take - 1)) << got
		d.held, d.have, got = d.held>>take, d.have-take, got+take
	}
	d.last += delta + d.least
	d.inBlock, d.inMini = d.inBlock-1, d.inMini-1
	return int64(d.last), nil
}

func (d *deltas) beginBlock() error {
	least, n := binary.Uvarint(d.data)
	if n <= 0 || len(d.data)-n < len(d.widths) {
		return errShortValues
	}
	copy(d.widths, d.data[n:])
	d.data, d.least, d.inBlock, d.inMini, d.mini = d.data[n+len(d.widths):], unzigzag(least), d.block, 0, 0
	return nil
}

func (d *deltas) beginMini() error {
	d.width, d.mini = uint(d.widths[d.mini]), d.mini+1
	size := int64(d.width) * d.perMini / 8
	if d.width > 64 || size > int64(len(d.data)) {
		return errShortValues
	}
	d.bits, d.data, d.inMini, d.have = d.data[:size], d.data[size:], d.perMini, 0
	return nil
}

// skipDeltas checks so many numbers, and gives what follows them.
func skipDeltas(data []byte, count int64) ([]byte, error) {
	d, err := newDeltas(data, count)
	if err != nil {
		return nil, err
	}
	for d.left > 0 {
		if _, err := d.next(); err != nil {
			return nil, err
		}
	}
	return d.data, nil
}

// deltaLengths checks values whose lengths stand before them.
func deltaLengths(data []byte, count int64) error {
	rest, err := skipDeltas(data, count)
	if err != nil {
		return err
	}
	lengths, err := newDeltas(data, count)
	if err != nil {
		return err
	}
	return lengthsWithin(lengths, int64(len(rest)), func(int64) error { return nil })
}

// lengthsWithin checks that values of these lengths are there.
func lengthsWithin(lengths *deltas, there int64, each func(length int64) error) error {
	for lengths.left > 0 {
		length, err := lengths.next()
		if err != nil {
			return err
		}
		if there -= length; length < 0 || there < 0 {
			return errors.New("holds a value that reaches beyond it")
		}
		if err := each(length); err != nil {
			return err
		}
	}
	return nil
}

// deltaBytes checks values that begin as the one before them does.
func deltaBytes(data []byte, count int64) error {
	suffixes, err := skipDeltas(data, count)
	if err != nil {
		return err
	}
	rest, err := skipDeltas(suffixes, count)
	if err != nil {
		return err
	}
	prefixes, err := newDeltas(data, count)
	if err != nil {
		return err
	}
	lengths, err := newDeltas(suffixes, count)
	if err != nil {
		return err
	}
	before := int64(0)
	return lengthsWithin(lengths, int64(len(rest)), func(length int64) error {
		prefix, err := prefixes.next()
		if err != nil {
			return err
		}
		if prefix < 0 || prefix > before {
			return errors.New("holds a value that begins as none before it does")
		}
		before = prefix + length
		return nil
	})
}

// FixedDeltaBytes gives values of one width in the encoding DELTA_BYTE_ARRAY one after the other, as PLAIN has them, in no more bytes than most.
func FixedDeltaBytes(data []byte, width int, most int64) ([]byte, error) {
	count, rest := uint64(0), data
	for range 3 {
		n := 0
		if count, n = binary.Uvarint(rest); n <= 0 {
			return nil, errShortValues
		}
		rest = rest[n:]
	}
	if width <= 0 || count > uint64(most)/uint64(width) {
		return nil, fmt.Errorf("holds %d values of %d bytes each", count, width)
	}
	suffixes, err := skipDeltas(data, int64(count))
	if err != nil {
		return nil, err
	}
	if rest, err = skipDeltas(suffixes, int64(count)); err != nil {
		return nil, err
	}
	prefixes, err := newDeltas(data, int64(count))
	if err != nil {
		return nil, err
	}
	lengths, err := newDeltas(suffixes, int64(count))
	if err != nil {
		return nil, err
	}
	plain := make([]byte, 0, int64(count)*int64(width))
	for lengths.left > 0 {
		length, err := lengths.next()
		if err != nil {
			return nil, err
		}
		prefix, err := prefixes.next()
		if err != nil {
			return nil, err
		}
		if prefix < 0 || length < 0 || prefix > int64(len(plain)) || length > int64(len(rest)) || prefix+length != int64(width) {
			return nil, fmt.Errorf("holds a value that is not %d bytes long", width)
		}
		if before := len(plain) - width; prefix > 0 {
			plain = append(plain, plain[before:before+int(prefix)]...)
		}
		plain, rest = append(plain, rest[:length]...), rest[length:]
	}
	return plain, nil
}
