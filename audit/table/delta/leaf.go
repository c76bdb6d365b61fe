package delta

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/file"
	"github.com/apache/arrow/go/v17/parquet/schema"
)

// leaf is a column of a checkpoint in one row group, as it stands in the file.
type leaf struct {
	path []string
	// group is the definition level from which on the action is there, and repeated that from which on a list or map has an item;
	// 0 for columns that are none.
	group, repeated int16
	// definitions has a level for each value or NULL, and values its index in texts or numbers, or none.
	definitions []int16
	values      []int32
	texts       []string
	numbers     []int64
	width       int // of numbers, in bytes
	// rows are where each row begins; nil where each has one level.
	rows []int32
}

// none is the index of a NULL.
const none = -1

// begin is the first level of a row.
func (l *leaf) begin(row int) int {
	switch {
	case l.rows == nil:
		return row
	case row == len(l.rows):
		return len(l.values)
	}
	return int(l.rows[row])
}

// present says whether an action is in a row, in which all its leaves agree.
func present(leaves []*leaf, row int) (bool, error) {
	has := leaves[0].has(row)
	for _, l := range leaves[1:] {
		if l.has(row) != has {
			return false, errors.New("its fields do not agree whether it is there: it is damaged")
		}
	}
	return has, nil
}

func (l *leaf) has(row int) bool { return l.definitions[l.begin(row)] >= l.group }

// readLeaf decodes a column of a row group. It is decoded here, and not by what decodes Parquet elsewhere: that would look for the values
// of a damaged page for ever.
func readLeaf(group *file.RowGroupReader, number int) (*leaf, error) {
	descriptor := group.MetaData().Schema.Column(number)
	l := &leaf{path: descriptor.ColumnPath()}
	l.levels(descriptor.SchemaNode())
	switch kind := descriptor.PhysicalType(); kind {
	case parquet.Types.ByteArray:
		l.texts = []string{}
	case parquet.Types.Int64, parquet.Types.Int32:
		l.numbers, l.width = []int64{}, 8
		if kind == parquet.Types.Int32 {
			l.width = 4
		}
	default:
		return nil, fmt.Errorf("column %s is of the type %s, want a text or a whole number", strings.Join(l.path, "."), kind)
	}
	err := l.readPages(group, number, descriptor)
	if err == nil && int64(l.count()) != group.NumRows() {
		err = fmt.Errorf("it has %d rows where the footer says %d", l.count(), group.NumRows())
	}
	if err != nil {
		return nil, fmt.Errorf("column %s does not decode: %w", strings.Join(l.path, "."), err)
	}
	return l, nil
}

func (l *leaf) count() int {
	if l.rows == nil {
		return len(l.values)
	}
	return len(l.rows)
}

// levels finds the levels of what the leaf lies in.
func (l *leaf) levels(node schema.Node) {
	var nodes []schema.Node
	for ; node != nil && node.Parent() != nil; node = node.Parent() {
		nodes = append(nodes, node)
	}
	slices.Reverse(nodes)
	level := int16(0)
	for i, n := range nodes {
		if n.RepetitionType() != parquet.Repetitions.Required {
			level++
		}
		if i == 0 {
			l.group = level
		}
		if n.RepetitionType() == parquet.Repetitions.Repeated {
			l.repeated = level
		}
	}
	if l.repeated > 0 {
		l.rows = []int32{}
	}
}

// readPages decodes the pages of a column.
func (l *leaf) readPages(group *file.RowGroupReader, number int, descriptor *schema.Column) error {
	if descriptor.MaxRepetitionLevel() > 1 {
		return errors.New("it lies in lists of lists")
	}
	pages, err := group.GetColumnPageReader(number)
	if err != nil {
		return err
	}
	var dictionary *leaf
	for pages.Next() {
		page := pages.Page()
		if d, ok := page.(*file.DictionaryPage); ok {
			dictionary = &leaf{texts: l.texts[:0:0], numbers: l.numbers[:0:0], width: l.width}
			if _, err := dictionary.plain(d.Data(), int(d.NumValues())); err != nil {
				return fmt.Errorf("its dictionary: %w", err)
			}
			continue
		}
		if err := l.page(page, descriptor, dictionary); err != nil {
			return err
		}
	}
	if err := pages.Err(); err != nil {
		return err
	}
	if l.rows != nil && len(l.values) > 0 && (len(l.rows) == 0 || l.rows[0] != 0) {
		return errors.New("its first row does not begin")
	}
	return nil
}

// page decodes a page: its levels, then its values.
func (l *leaf) page(page file.Page, descriptor *schema.Column, dictionary *leaf) error {
	count, data := int(page.NumValues()), page.Data()
	repeats, top := descriptor.MaxRepetitionLevel(), descriptor.MaxDefinitionLevel()
	var repetitions, definitions []uint32
	var err error
	switch p := page.(type) {
	case *file.DataPageV1:
		if repetitions, data, err = framedLevels(data, repeats, count, p.RepetitionLevelEncoding()); err == nil {
			definitions, data, err = framedLevels(data, top, count, p.DefinitionLevelEncoding())
		}
	case *file.DataPageV2:
		first, second := int(p.RepetitionLevelByteLen()), int(p.DefinitionLevelByteLen())
		if first+second > len(data) {
			return errors.New("its levels are longer than its page")
		}
		if repetitions, err = levelsOf(data[:first], repeats, count); err == nil {
			definitions, err = levelsOf(data[first:first+second], top, count)
		}
		data = data[first+second:]
	default:
		return fmt.Errorf("a page of an unknown kind (%T)", page)
	}
	if err != nil {
		return err
	}
	wanted, before := 0, len(l.texts)+len(l.numbers)
	for i := range count {
		definition := top
		if top > 0 {
			definition = int16(definitions[i])
		}
		if definition > top || repeats > 0 && repetitions[i] > 1 {
			return errors.New("a level is beyond what its schema has")
		}
		if repeats > 0 && repetitions[i] == 0 {
			l.rows = append(l.rows, int32(len(l.values)))
		}
		at := int32(none)
		if definition == top {
			at = int32(before + wanted)
			wanted++
		}
		l.definitions, l.values = append(l.definitions, definition), append(l.values, at)
	}
	return l.decode(data, wanted, parquet.Encoding(page.Encoding()), dictionary)
}

// decode adds the values of a page, which must be so many.
func (l *leaf) decode(data []byte, wanted int, encoding parquet.Encoding, dictionary *leaf) error {
	switch encoding {
	case parquet.Encodings.Plain:
		_, err := l.plain(data, wanted)
		return err
	case parquet.Encodings.PlainDict, parquet.Encodings.RLEDict:
	default:
		return fmt.Errorf("its encoding is %s: only PLAIN and dictionaries are read in checkpoints", encoding)
	}
	if wanted == 0 {
		return nil
	}
	if dictionary == nil || len(data) == 0 || data[0] > 32 {
		return errors.New("it has numbers of a dictionary that is not there")
	}
	numbers, err := hybrid(data[1:], uint(data[0]), wanted)
	if err != nil {
		return err
	}
	for _, n := range numbers {
		switch {
		case int64(n) >= int64(len(dictionary.texts)+len(dictionary.numbers)):
			return errors.New("it names a value that its dictionary does not have")
		case l.texts != nil:
			l.texts = append(l.texts, dictionary.texts[n])
		default:
			l.numbers = append(l.numbers, dictionary.numbers[n])
		}
	}
	return nil
}

// plain adds values that stand one after the other, and gives what follows them.
func (l *leaf) plain(data []byte, wanted int) ([]byte, error) {
	short := errors.New("it has fewer values than it says")
	for range wanted {
		if l.texts == nil {
			if len(data) < l.width {
				return nil, short
			}
			if l.width == 4 {
				l.numbers = append(l.numbers, int64(int32(binary.LittleEndian.Uint32(data))))
			} else {
				l.numbers = append(l.numbers, int64(binary.LittleEndian.Uint64(data)))
			}
			data = data[l.width:]
			continue
		}
		if len(data) < 4 {
			return nil, short
		}
		size := int64(binary.LittleEndian.Uint32(data))
		if size > int64(len(data)-4) {
			return nil, short
		}
		l.texts = append(l.texts, string(data[4:4+size]))
		data = data[4+size:]
	}
	return data, nil
}

// framedLevels are levels that their length stands before, and what follows them; none where all are 0.
func framedLevels(data []byte, top int16, count int, encoding parquet.Encoding) ([]uint32, []byte, error) {
	if top == 0 {
		return nil, data, nil
	}
	if encoding != parquet.Encodings.RLE {
		return nil, nil, fmt.Errorf("its levels have the encoding %s", encoding)
	}
	if len(data) < 4 || int64(binary.LittleEndian.Uint32(data)) > int64(len(data)-4) {
		return nil, nil, errors.New("its levels are longer than its page")
	}
	size := binary.LittleEndian.Uint32(data)
	levels, err := levelsOf(data[4:4+size], top, count)
	return levels, data[4+size:], err
}

func levelsOf(data []byte, top int16, count int) ([]uint32, error) {
	if top == 0 {
		return nil, nil
	}
	return hybrid(data, uint(bits.Len16(uint16(top))), count)
}

// hybrid decodes so many numbers of some bits each that stand in runs: of one number, or of eight packed ones at a time.
func hybrid(data []byte, width uint, count int) ([]uint32, error) {
	short := errors.New("it has fewer levels or numbers than it says")
	out := make([]uint32, 0, min(count, 1<<20))
	wide := int(width+7) / 8
	for len(out) < count {
		head, n := binary.Uvarint(data)
		if n <= 0 {
			return nil, short
		}
		data = data[n:]
		if head>>1 == 0 || head>>1 > 1<<31 {
			return nil, fmt.Errorf("a run of %d", head>>1)
		}
		if head&1 == 0 {
			if len(data) < wide {
				return nil, short
			}
			value := uint64(0)
			for i := range wide {
				value |= uint64(data[i]) << (8 * i)
			}
			if value>>width != 0 {
				return nil, errors.New("a number is beyond its bits")
			}
			data = data[wide:]
			for range min(int(head>>1), count-len(out)) {
				out = append(out, uint32(value))
			}
			continue
		}
		bytes := min(int64(head>>1)*int64(width), int64(len(data))) // the last run may end with its last number
		packed, at := data[:bytes], uint(0)
		data = data[bytes:]
		for range min(int(head>>1)*8, count-len(out)) {
			value := uint32(0)
			for bit := range width {
				if int(at>>3) >= len(packed) {
					return nil, short
				}
				value |= uint32(packed[at>>3]>>(at&7)&1) << bit
				at++
			}
			out = append(out, value)
		}
	}
	return out, nil
}
