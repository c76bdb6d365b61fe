package collect

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/featureaudit/featureaudit/audit/internal/keys"
)

// waiting is a candidate that is to be verified.
type waiting struct {
	hash    uint64
	ordinal int64
}

// What is gathered for one pass takes a share of the memory of runs: an entry and a place in an order each. Its portions are so many at most,
// for each has a buffer, of so many bytes; all buffers together take a share too.
const (
	gatheredShare = 4
	waitingBytes  = 24
	mostPortions  = 64
	buffersShare  = 16
	leastBuffer   = 4 << 10
	mostBuffer    = 64 << 10
)

// mostLaidDown is what a row takes at most, in bytes, for rows to be laid down: copies of larger ones are made faster than their memory is given
// back.
const mostLaidDown = 32 << 10

// gathered is how many candidates are gathered before they are fetched: those of several portions where one pass over the files can lay the rows
// of all of them down.
func (v *verifier) gathered() int {
	if v.portionwise || v.c.distant() || len(v.payload) > v.c.columnsAtOnce() {
		return v.limit
	}
	if v.c.request.PortionRows > 0 {
		return 3 * v.limit
	}
	return max(v.limit, int(min(v.c.request.RunMemory/gatheredShare/waitingBytes, int64(mostPortions)*int64(v.limit), maxPortion)))
}

// portionEnd is where the portion ends that begins with a candidate: those of one hash stay together.
func portionEnd(all []waiting, from, limit int) int {
	to := from
	for to < len(all) {
		end := to + 1
		for end < len(all) && all[end].hash == all[to].hash {
			end++
		}
		if to > from && end-from > limit {
			break
		}
		to = end
	}
	return to
}

// ahead are rows of several portions of candidates, in a file without a name. Nearly every row group holds rows of each portion: to fetch one
// portion after the other would decode all files for each of them.
type ahead struct {
	v       *verifier
	file    *os.File
	all     []waiting
	room    int64
	written int64
	// order are the candidates that are fetched, by ordinal, and starts where each portion begins.
	order  []int32
	starts []int
	// at is the portion that is judged.
	at int

	mu      sync.Mutex
	scratch []byte
	buffer  int
	buffers [][]byte
	extents [][]fileExtent
	// sources are the names that were read back: what is known of a row for longer than it is held must not hold all of it.
	sources map[string]string
	// err is why a row could not be laid down.
	err error
}

// fileExtent is a piece of a file that holds whole records.
type fileExtent struct {
	offset int64
	bytes  int
}

// fetchAhead lays down the rows of all candidates that wait, where they are several portions. Nil, which is no error, says that they are to be
// fetched portion by portion.
func (v *verifier) fetchAhead(ctx context.Context) (*ahead, error) {
	if v.portionwise || len(v.pending) <= v.limit {
		return nil, nil
	}
	a, err := v.layDown(ctx, true)
	if errors.Is(err, errPick) { // rows were laid down already: once more, file by file
		a, err = v.layDown(ctx, false)
	}
	if err != nil {
		return nil, err
	}
	v.portionwise = a == nil // the folder has no room for them
	return a, nil
}

// layDown reads the rows of all candidates that wait. It is nil where the folder has no room for them.
func (v *verifier) layDown(ctx context.Context, picking bool) (*ahead, error) {
	a, err := v.newAhead()
	if a == nil || err != nil {
		return nil, err
	}
	if err = v.foldCrowd(ctx, keys.Crowd{Each: a.each}, a, picking); err == nil {
		a.flush()
	}
	v.c.laidDown += a.written
	if err != nil || a.err != nil {
		a.close()
		return nil, err
	}
	return a, nil
}

// newAhead is nil where there is no folder to lay rows down in. They may take half of what is free there, for others lay down too.
func (v *verifier) newAhead() (*ahead, error) {
	free, err := keys.FreeBytes(v.c.request.TempDir)
	if err != nil {
		return nil, nil
	}
	a := &ahead{v: v, all: v.pending, room: min(free/2, mostPortions*v.most), sources: map[string]string{}}
	if a.order, err = v.unknown(a.all); err != nil {
		return nil, err
	}
	for from := 0; from < len(a.all); from = portionEnd(a.all, from, v.limit) {
		a.starts = append(a.starts, from)
	}
	a.buffer = int(min(max(v.c.request.RunMemory/buffersShare/int64(len(a.starts)), leastBuffer), mostBuffer))
	a.buffers, a.extents = make([][]byte, len(a.starts)), make([][]fileExtent, len(a.starts))
	if a.file, _, err = keys.Scratch(v.c.request.TempDir); err != nil {
		return nil, nil
	}
	return a, nil
}

// unknown are the candidates whose values are not known from kept facts, by ordinal.
func (v *verifier) unknown(all []waiting) ([]int32, error) {
	order := make([]int32, len(all))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(a, b int32) int { return cmp.Compare(all[a].ordinal, all[b].ordinal) })
	if v.verified == nil {
		return order, nil
	}
	left := order[:0]
	for _, i := range order {
		id := v.c.fileOf(all[i].ordinal)
		f, err := v.verified.recall(id)
		if err != nil {
			return nil, err
		}
		if _, is := f.find(all[i].ordinal - v.c.bases[id]); !is {
			left = append(left, i)
		}
	}
	return left, nil
}

// each tells of the candidates that are fetched.
func (a *ahead) each(each func(keys.Entry)) error {
	for _, i := range a.order {
		each(keys.Entry{Ordinal: a.all[i].ordinal})
	}
	return nil
}

// portion are the candidates of a portion.
func (a *ahead) portion(portion int) []waiting {
	end := len(a.all)
	if portion+1 < len(a.starts) {
		end = a.starts[portion+1]
	}
	return a.all[a.starts[portion]:end]
}

// add lays a row down. It is safe for concurrent use.
func (a *ahead) add(row keys.Row) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.err != nil {
		return
	}
	ordinal := a.v.c.bases[row.File] + row.Number
	at, is := slices.BinarySearchFunc(a.order, ordinal, func(i int32, ordinal int64) int { return cmp.Compare(a.all[i].ordinal, ordinal) })
	if !is {
		a.err = fmt.Errorf("row %d came and was not asked for", ordinal)
		return
	}
	portion, begins := slices.BinarySearch(a.starts, int(a.order[at]))
	if !begins {
		portion--
	}
	a.scratch = appendRow(a.scratch[:0], ordinal, &row)
	if len(a.scratch) > mostLaidDown { // a dictionary hid how large it is
		a.err, a.scratch = errTooLarge, nil
		return
	}
	a.put(portion, a.scratch)
}

func (a *ahead) put(portion int, record []byte) {
	var length [binary.MaxVarintLen64]byte
	head := length[:binary.PutUvarint(length[:], uint64(len(record)))]
	if held := len(a.buffers[portion]); held > 0 && held+len(head)+len(record) > a.buffer {
		a.write(portion)
	}
	a.buffers[portion] = append(append(a.buffers[portion], head...), record...)
	if len(a.buffers[portion]) > a.buffer {
		a.write(portion)
		a.buffers[portion] = nil // a large row
	}
}

// write empties a buffer into the file.
func (a *ahead) write(portion int) {
	bytes := a.buffers[portion]
	if a.err != nil || len(bytes) == 0 {
		return
	}
	if a.written+int64(len(bytes)) > a.room {
		a.err = errTooLarge
		return
	}
	if _, a.err = a.file.WriteAt(bytes, a.written); a.err != nil {
		return
	}
	a.extents[portion] = append(a.extents[portion], fileExtent{a.written, len(bytes)})
	a.written += int64(len(bytes))
	a.buffers[portion] = bytes[:0]
}

func (a *ahead) flush() {
	for portion := range a.buffers {
		a.write(portion)
	}
	a.buffers, a.order = nil, nil
}

func (a *ahead) close() {
	if a != nil {
		_ = a.file.Close() // it has no name, and nobody asks for it any more
	}
}

// fill takes rows of the portion that is judged. Others of it are passed over: they may be fetched in parts.
func (a *ahead) fill(targets []target) error {
	want, found := 0, 0
	for _, t := range targets {
		want += len(t.rows)
	}
	var piece []byte
	for _, e := range a.extents[a.at] {
		piece = slices.Grow(piece[:0], e.bytes)[:e.bytes]
		if _, err := a.file.ReadAt(piece, e.offset); err != nil {
			return keys.SpillError{Err: fmt.Errorf("read rows in %s back: %w", a.v.c.request.TempDir, err)}
		}
		for rest := piece; len(rest) > 0; {
			length, n := binary.Uvarint(rest)
			record := rest[n : n+int(length)]
			rest = rest[n+int(length):]
			ordinal, n := binary.Varint(record)
			t, row := a.rowOf(targets, ordinal)
			if row == nil {
				continue
			}
			found++
			if err := a.take(t, row, string(record[n:])); err != nil {
				return err
			}
		}
	}
	if found != want {
		return fmt.Errorf("%d of %d rows that were laid down were found", found, want)
	}
	return nil
}

// rowOf is the row of an ordinal among targets; nil where it is in none of them.
func (a *ahead) rowOf(targets []target, ordinal int64) (*target, *keys.Row) {
	id := a.v.c.fileOf(ordinal)
	at, is := slices.BinarySearchFunc(targets, id, func(t target, id int32) int { return cmp.Compare(t.file.ID, id) })
	if !is {
		return nil, nil
	}
	t := &targets[at]
	if at, is = slices.BinarySearch(t.numbers, ordinal-a.v.c.bases[id]); !is {
		return nil, nil
	}
	return t, t.rows[at]
}

// take fills a row with what was laid down of it.
func (a *ahead) take(t *target, row *keys.Row, record string) error {
	r := rowReader{text: record}
	row.Event, row.Ingested, row.Source, row.Key = r.integer(), r.integer(), a.source(r.cut()), r.cut()
	row.Payload, row.Measures = r.values(len(a.v.payload)), r.values(len(a.v.measures))
	return t.held.add(len(record) + rowHeader + valueBytes/2*(len(row.Payload)+len(row.Measures)))
}

// source is the name of a source, once for all rows.
func (a *ahead) source(name string) string {
	own, known := a.sources[name]
	if !known {
		own = strings.Clone(name)
		a.sources[own] = own
	}
	return own
}

// Marks of a value.
const (
	markNull = 1 << iota
	markFloating
	markUnknown
)

// appendRow writes a row as bytes.
func appendRow(to []byte, ordinal int64, row *keys.Row) []byte {
	for _, n := range []int64{ordinal, row.Event, row.Ingested} {
		to = binary.AppendVarint(to, n)
	}
	for _, text := range []string{row.Source, row.Key} {
		to = append(binary.AppendUvarint(to, uint64(len(text))), text...)
	}
	for _, values := range [][]keys.Value{row.Payload, row.Measures} {
		for i := range values {
			to = appendValue(to, &values[i])
		}
	}
	return to
}

func appendValue(to []byte, value *keys.Value) []byte {
	mark := byte(0)
	if value.Null {
		mark |= markNull
	}
	if value.Floating {
		mark |= markFloating
	}
	if value.Unknown {
		mark |= markUnknown
	}
	to = append(to, mark)
	return append(binary.AppendUvarint(to, uint64(len(value.Text))), value.Text...)
}

// rowReader reads what appendRow wrote; texts are parts of the whole.
type rowReader struct{ text string }

func (r *rowReader) unsigned() uint64 {
	n := uint64(0)
	for shift := 0; ; shift += 7 {
		b := r.text[0]
		r.text = r.text[1:]
		n |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return n
		}
	}
}

func (r *rowReader) integer() int64 {
	n := r.unsigned()
	return int64(n>>1) ^ -int64(n&1)
}

func (r *rowReader) cut() string {
	length := r.unsigned()
	text := r.text[:length]
	r.text = r.text[length:]
	return text
}

func (r *rowReader) values(count int) []keys.Value {
	values := make([]keys.Value, count)
	for i := range values {
		mark := r.text[0]
		r.text = r.text[1:]
		values[i] = keys.Value{Null: mark&markNull != 0, Floating: mark&markFloating != 0, Unknown: mark&markUnknown != 0, Text: r.cut()}
	}
	return values
}
