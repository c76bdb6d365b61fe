package iceberg

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/table/logged"
)

// The transforms that make a partition's value out of a column's.
const (
	transformIdentity = "identity"
	transformYear     = "year"
	transformMonth    = "month"
	transformDay      = "day"
	transformHour     = "hour"
	transformVoid     = "void"
	transformBucket   = "bucket"
	transformTruncate = "truncate"
)

// transformOf is a transform without its parameter: bucket of bucket[16].
func transformOf(text string) string {
	name, _, _ := strings.Cut(text, "[")
	return name
}

// source is the number of the column that a field is made of; of several, none.
func (f partitionField) source() int {
	switch {
	case f.SourceID != nil:
		return *f.SourceID
	case len(f.SourceIDs) == 1:
		return f.SourceIDs[0]
	}
	return -1
}

// inOrder are the values of a partition in the order of its spec.
func inOrder(spec *partitionSpec, pairs []pair) ([]any, error) {
	out := make([]any, len(spec.Fields))
	for i, f := range spec.Fields {
		found := false
		for j, p := range pairs {
			// numbers are what counts; the names are those that Avro can have
			if p.id == *f.FieldID || p.id == 0 && (p.name == f.Name || j == i && len(pairs) == len(spec.Fields)) {
				out[i], found = p.value, true
				break
			}
		}
		if !found {
			return nil, fmt.Errorf("it has no value of the partition field %s (%d): its manifest is damaged", f.Name, *f.FieldID)
		}
	}
	return out, nil
}

// scopeOf names a spec and the values of a partition: deletes count for the files of theirs.
func scopeOf(spec *partitionSpec, pairs []pair) (string, error) {
	values, err := inOrder(spec, pairs)
	if err != nil {
		return "", err
	}
	text := strconv.AppendInt(nil, int64(*spec.ID), 10)
	for _, v := range values {
		text = append(text, 0)
		switch v := v.(type) {
		case nil:
			text = append(text, 'n')
		case bool:
			text = strconv.AppendBool(append(text, 'b'), v)
		case int64:
			text = strconv.AppendInt(append(text, 'i'), v, 10)
		case float64:
			text = strconv.AppendUint(append(text, 'f'), math.Float64bits(v), 16)
		case string:
			text = strconv.AppendQuote(append(text, 's'), v)
		case []byte:
			text = hex.AppendEncode(append(text, 'x'), v)
		default:
			return "", fmt.Errorf("a value of its partition is a %T: its manifest is damaged", v)
		}
	}
	return string(text), nil
}

// isUnpartitioned says that deletes of this spec count for every file.
func (s *partitionSpec) isUnpartitioned() bool {
	for _, f := range s.Fields {
		if f.Transform != transformVoid {
			return false
		}
	}
	return true
}

// values are those of a file's partition as the folders of one would have them; fields that are always NULL are left out.
func (t *table) values(spec *partitionSpec, pairs []pair) ([]facts.Value, error) {
	raw, err := inOrder(spec, pairs)
	if err != nil {
		return nil, err
	}
	out := make([]facts.Value, 0, len(raw))
	for i, f := range spec.Fields {
		if f.Transform == transformVoid {
			continue
		}
		v := facts.Value{Name: f.Name, Text: logged.Null}
		if raw[i] != nil {
			if v.Text, err = t.text(f, raw[i]); err != nil {
				return nil, fmt.Errorf("partition field %s: %w", f.Name, err)
			}
		}
		out = append(out, v)
	}
	return out, nil
}

// text is a value of a partition field as the name of a folder has it.
func (t *table) text(f partitionField, v any) (string, error) {
	n, whole := v.(int64)
	switch transformOf(f.Transform) {
	case transformYear, transformMonth, transformDay, transformHour:
		if !whole {
			return "", fmt.Errorf("a value of %s is a %T, want a whole number: its manifest is damaged", f.Transform, v)
		}
		return periodText(f.Transform, n), nil
	case transformIdentity, transformTruncate:
		if source := t.meta.field(t.schema, f.source()); source != nil {
			return valueText(source.Type.Kind, v)
		}
	}
	return valueText("", v)
}

// periodText is a period by its number from 1970 on.
func periodText(transform string, n int64) string {
	switch transform {
	case transformYear:
		return fmt.Sprintf("%04d", 1970+n)
	case transformMonth:
		return time.Date(1970, time.Month(1+n), 1, 0, 0, 0, 0, time.UTC).Format("2006-01")
	case transformDay:
		return time.Unix(n*86400, 0).UTC().Format(time.DateOnly)
	}
	return time.Unix(n*3600, 0).UTC().Format("2006-01-02-15")
}

// valueText is a value of a type of the format.
func valueText(kind string, v any) (string, error) {
	name, _, _ := strings.Cut(kind, "(")
	switch v := v.(type) {
	case bool:
		return strconv.FormatBool(v), nil
	case string:
		return v, nil
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64), nil
	case int64:
		switch name {
		case "date":
			return time.Unix(v*86400, 0).UTC().Format(time.DateOnly), nil
		case "time":
			return time.UnixMicro(v).UTC().Format("15:04:05.999999"), nil
		case "timestamp", "timestamptz":
			return time.UnixMicro(v).UTC().Format("2006-01-02T15:04:05.999999"), nil
		case "timestamp_ns", "timestamptz_ns":
			return time.Unix(0, v).UTC().Format("2006-01-02T15:04:05.999999999"), nil
		}
		return strconv.FormatInt(v, 10), nil
	case []byte:
		switch name {
		case "decimal":
			scale, err := scaleOf(kind)
			return decimalText(v, scale), err
		case "uuid":
			if len(v) == 16 {
				h := hex.EncodeToString(v)
				return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:], nil
			}
		}
		return base64.StdEncoding.EncodeToString(v), nil
	}
	return "", fmt.Errorf("its value is a %T: its manifest is damaged", v)
}

// scaleOf is that of a type such as decimal(9, 2).
func scaleOf(kind string) (int, error) {
	_, after, _ := strings.Cut(strings.TrimSuffix(kind, ")"), ",")
	scale, err := strconv.Atoi(strings.TrimSpace(after))
	if err != nil || scale < 0 || scale > 38 {
		return 0, fmt.Errorf("the type %s has no scale", kind)
	}
	return scale, nil
}

// bigOf is a whole number in two's complement, its highest byte first.
func bigOf(data []byte) *big.Int {
	n := new(big.Int).SetBytes(data)
	if len(data) > 0 && data[0]&0x80 != 0 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(data))))
	}
	return n
}

func decimalText(data []byte, scale int) string {
	n := bigOf(data)
	digits, sign := new(big.Int).Abs(n).String(), ""
	if n.Sign() < 0 {
		sign = "-"
	}
	if scale == 0 {
		return sign + digits
	}
	if missing := scale + 1 - len(digits); missing > 0 {
		digits = strings.Repeat("0", missing) + digits
	}
	return sign + digits[:len(digits)-scale] + "." + digits[len(digits)-scale:]
}

// checkSummaries holds the values of a partition to what the list says of the manifest's.
func checkSummaries(spec *partitionSpec, pairs []pair, summaries []any) error {
	if len(summaries) != len(spec.Fields) || len(summaries) == 0 {
		return nil
	}
	values, err := inOrder(spec, pairs)
	if err != nil {
		return err
	}
	for i, v := range values {
		said := map[int]any{}
		fields, _ := summaries[i].([]pair)
		for _, f := range fields {
			said[f.id] = f.value
		}
		if v == nil {
			if null, ok := said[idContainsNull].(bool); ok && !null {
				return fmt.Errorf("its partition field %s is NULL, and the list of its manifest says that none is: one of them is damaged", spec.Fields[i].Name)
			}
			continue
		}
		low, _ := said[idSummaryLower].([]byte)
		high, _ := said[idSummaryUpper].([]byte)
		if low != nil && compareBound(v, low) < 0 || high != nil && compareBound(v, high) > 0 {
			return fmt.Errorf("its partition field %s is %v, which is beyond what the list of its manifest says: one of them is damaged", spec.Fields[i].Name, v)
		}
	}
	return nil
}

// compareBound compares a value with one in the binary form of the format; 0 where they are not comparable. Texts may be cut there.
func compareBound(v any, bound []byte) int {
	switch v := v.(type) {
	case int64:
		if b, ok := boundInt(bound); ok {
			switch {
			case v < b:
				return -1
			case v > b:
				return 1
			}
		}
	case string:
		return comparePrefix([]byte(v), bound)
	}
	return 0
}

// boundInt is a whole number in the binary form of the format.
func boundInt(data []byte) (int64, bool) {
	switch len(data) {
	case 4:
		return int64(int32(binary.LittleEndian.Uint32(data))), true
	case 8:
		return int64(binary.LittleEndian.Uint64(data)), true
	}
	return 0, false
}

// comparePrefix compares a text with one that may be cut: a text that begins like it is neither less nor greater.
func comparePrefix(text, bound []byte) int {
	if bytes.HasPrefix(text, bound) {
		return 0
	}
	return bytes.Compare(text, bound)
}

// checkBounds holds the values of a data file's partition to the bounds of its columns, where the format has both.
func (t *table) checkBounds(spec *partitionSpec, pairs []pair, bounds func(column int) (low, high []byte)) error {
	values, err := inOrder(spec, pairs)
	if err != nil {
		return err
	}
	for i, f := range spec.Fields {
		v, whole := values[i].(int64)
		text, isText := values[i].(string)
		low, high := bounds(f.source())
		if low == nil || high == nil || !whole && !isText {
			continue
		}
		source := t.meta.field(t.schema, f.source())
		if source == nil {
			continue
		}
		ok := true
		switch transform := transformOf(f.Transform); {
		case transform == transformIdentity && isText:
			ok = comparePrefix([]byte(text), low) >= 0 && (comparePrefix([]byte(text), high) <= 0 || len(high) >= cutBound)
		case transform == transformIdentity:
			a, isA := boundInt(low)
			b, isB := boundInt(high)
			ok = !isA || !isB || a <= v && v <= b
		case transform == transformDay, transform == transformHour, transform == transformMonth, transform == transformYear:
			a, isA := periodOf(transform, source.Type.Kind, low)
			b, isB := periodOf(transform, source.Type.Kind, high)
			ok = !isA || !isB || a <= v && v <= b
		}
		if !ok {
			return fmt.Errorf("its partition field %s does not fit the bounds of column %s: one of them is damaged", f.Name, source.Name)
		}
	}
	return nil
}

// cutBound is the length from which on writers cut the bounds of texts.
const cutBound = 16

// periodOf is the period that a time in the binary form of the format lies in.
func periodOf(transform, kind string, data []byte) (int64, bool) {
	n, ok := boundInt(data)
	if !ok {
		return 0, false
	}
	var at time.Time
	switch kind {
	case "date":
		at = time.Unix(n*86400, 0).UTC()
	case "timestamp", "timestamptz":
		at = time.UnixMicro(n).UTC()
	case "timestamp_ns", "timestamptz_ns":
		at = time.Unix(0, n).UTC()
	default:
		return 0, false
	}
	if at.Year() < 1970 {
		return 0, false // writers did not agree on what comes before
	}
	switch transform {
	case transformYear:
		return int64(at.Year() - 1970), true
	case transformMonth:
		return int64(at.Year()-1970)*12 + int64(at.Month()) - 1, true
	case transformDay:
		return at.Unix() / 86400, true
	}
	return at.Unix() / 3600, true
}
