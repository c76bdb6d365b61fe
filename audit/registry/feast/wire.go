package feast

import (
	"errors"
	"fmt"
	"math"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/featureaudit/featureaudit/audit/registry"
)

// What a registry may be at most. Feast's own are a few megabytes; the limits only end what is hostile or broken.
const (
	maxBytes   = 256 << 20
	maxDepth   = 48
	maxUnknown = 20_000
)

// value is what stands behind a field's tag: a number, or the bytes of a string or message.
type value struct {
	num uint64
	raw []byte
}

// reader decodes messages and keeps the ledger of what it did not know.
type reader struct {
	schema  schema
	ledger  ledger
	unknown []registry.UnknownField
	// words shares the names that thousands of views repeat.
	words map[string]string
	// enumWords are names of enumerated values that only JSON can hold and that are not listed; see foreignEnum.
	enumWords []string
}

func newReader() (*reader, error) {
	s, err := newSchema()
	if err != nil {
		return nil, err
	}
	l, err := newLedger()
	if err != nil {
		return nil, err
	}
	r := &reader{schema: s, ledger: l, words: map[string]string{}}
	r.place()
	return r, nil
}

// visitor takes a known field of a message, and answers false for one that it does not take.
type visitor func(f *field, v value) (bool, error)

// walk calls visit for each known field of a message, in the order of the wire; a field that visit does not take is
// descended into, so that unknown fields are found at any depth. What is unknown goes to the ledger
// under a path relative to this message.
func (r *reader) walk(m *message, data []byte, depth int, visit visitor) error {
	if depth > maxDepth {
		return fmt.Errorf("messages nested more than %d deep", maxDepth)
	}
	for len(data) > 0 {
		num, typ, n := protowire.ConsumeTag(data)
		if n < 0 {
			return fmt.Errorf("%s: %w", m.name, protowire.ParseError(n))
		}
		size := protowire.ConsumeFieldValue(num, typ, data[n:])
		if size < 0 {
			return fmt.Errorf("%s: field %d: %w", m.name, num, protowire.ParseError(size))
		}
		raw := data[n : n+size]
		data = data[n+size:]
		f := m.fields[num]
		if f == nil || (typ != f.wireType() && (typ != protowire.BytesType || !f.packable())) {
			if err := r.note(num, typ, raw); err != nil {
				return err
			}
			continue
		}
		if err := r.known(f, typ, raw, depth, visit); err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) known(f *field, typ protowire.Type, raw []byte, depth int, visit visitor) error {
	var v value
	switch typ {
	case protowire.VarintType:
		v.num, _ = protowire.ConsumeVarint(raw) // its length is checked
	case protowire.Fixed32Type:
		n, _ := protowire.ConsumeFixed32(raw)
		v.num = uint64(n)
	default:
		v.raw, _ = protowire.ConsumeBytes(raw)
	}
	if f.kind == kindString && !utf8.Valid(v.raw) {
		return fmt.Errorf("field %s: its text is not UTF-8", f.name)
	}
	if visit != nil {
		taken, err := visit(f, v)
		if taken || err != nil {
			return err
		}
	}
	if f.kind != kindMessage {
		return nil
	}
	mark := len(r.unknown)
	if err := r.walk(f.msg, v.raw, depth+1, nil); err != nil {
		return fmt.Errorf("%s: %w", f.name, err)
	}
	r.under(mark, f.name)
	return nil
}

var errTooManyUnknown = errors.New("more than 20,000 unknown fields: these are no definitions that can be read")

func (r *reader) note(num protowire.Number, typ protowire.Type, raw []byte) error {
	if len(r.unknown) >= maxUnknown {
		return errTooManyUnknown
	}
	if typ == protowire.BytesType {
		raw, _ = protowire.ConsumeBytes(raw) // its length is checked
	}
	name := fmt.Sprint(num)
	r.unknown = append(r.unknown, registry.UnknownField{Path: name, Field: name, Bytes: len(raw), Digest: registry.ShortDigest(raw)})
	return nil
}

// under puts a field's name before the paths of all that was found since mark.
func (r *reader) under(mark int, name string) {
	for i := mark; i < len(r.unknown); i++ {
		r.unknown[i].Path = name + "." + r.unknown[i].Path
	}
}

// underOne is under for one element of a repeated field, by its own name: features[amount].
func (r *reader) underOne(mark int, name, element string) {
	if len(r.unknown) > mark { // nearly never
		r.under(mark, name+"["+element+"]")
	}
}

// in says in words which object holds all that was found since mark.
func (r *reader) in(mark int, what, name, view string) {
	for i := mark; i < len(r.unknown); i++ {
		r.unknown[i].Path += " in " + what
		if name != "" {
			r.unknown[i].Path += " " + name
		}
		r.unknown[i].View = view
	}
}

// text is a string of the wire; equal ones share memory.
func (r *reader) text(raw []byte) string {
	if s, ok := r.words[string(raw)]; ok {
		return s
	}
	s := string(raw)
	r.words[s] = s
	return s
}

// duration is a Duration in seconds. The wire knows seconds and nanoseconds apart, and both may be negative.
func (r *reader) duration(raw []byte, depth int) (float64, error) {
	var seconds, nanos int64
	err := r.walk(r.schema["Duration"], raw, depth, func(f *field, v value) (bool, error) {
		switch f.name {
		case "seconds":
			seconds = int64(v.num)
		case "nanos":
			nanos = int64(int32(v.num))
		}
		return true, nil
	})
	if err != nil {
		return 0, err
	}
	return float64(seconds) + float64(nanos)/1e9, nil
}

// timestamp is a Timestamp in UTC. One outside the years 1 to 9999, which protobuf allows, is an error.
func (r *reader) timestamp(raw []byte, depth int) (time.Time, error) {
	var seconds, nanos int64
	err := r.walk(r.schema["Timestamp"], raw, depth, func(f *field, v value) (bool, error) {
		switch f.name {
		case "seconds":
			seconds = int64(v.num)
		case "nanos":
			nanos = int64(int32(v.num))
		}
		return true, nil
	})
	if err != nil {
		return time.Time{}, err
	}
	if seconds < -62135596800 || seconds > 253402300799 || nanos < 0 || nanos > math.MaxInt32 {
		return time.Time{}, fmt.Errorf("%d seconds and %d nanoseconds are no time between the years 1 and 9999", seconds, nanos)
	}
	return time.Unix(seconds, nanos).UTC(), nil
}
