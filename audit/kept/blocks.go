package kept

import (
	"fmt"
	"io"
	"slices"
	"sync"
)

// checkedFile gives bytes of a table that agree with its checksums, and an error for others. It is safe for concurrent use.
type checkedFile struct {
	from       source
	pack, name string
	size       int64
	sums       []string
	blocks     *blocks
}

// blocks remembers the blocks that were compared last, of the tables of some packs. It is safe for concurrent use.
type blocks struct {
	mu sync.Mutex
	// known are those used last, in that order.
	known []*block
	// spare are the bytes of whole blocks that nobody reads any more: memory that was never touched costs more than what is read into it.
	spare [][]byte
	// joined are buffers for what lies in two blocks.
	joined sync.Pool
}

// rememberedBlocks are enough for several readers of neighbouring columns, and spareBlocks for those that are read at once.
const (
	rememberedBlocks = 12
	spareBlocks      = 4
)

// block is read and compared by the first who asks.
type block struct {
	of     *checkedFile
	number int64
	once   sync.Once
	bytes  []byte
	err    error
	// readers are those who may read its bytes, and forgotten says that nobody else finds it; both belong to the blocks.
	readers   int
	forgotten bool
}

// of finds a block, or has it replace the one that was not used for longest. It is the caller's until it is let go.
func (b *blocks) of(file *checkedFile, number int64) *block {
	b.mu.Lock()
	defer b.mu.Unlock()
	at := 0
	for at < len(b.known) && (b.known[at].of != file || b.known[at].number != number) {
		at++
	}
	var found *block
	switch {
	case at < len(b.known):
		found = b.known[at]
	case at < rememberedBlocks:
		b.known = append(b.known, nil)
		fallthrough
	default:
		at, found = len(b.known)-1, &block{of: file, number: number}
		if last := b.known[at]; last != nil {
			last.forgotten = true
			b.reuse(last)
		}
	}
	copy(b.known[1:at+1], b.known[:at])
	b.known[0] = found
	found.readers++
	return found
}

// let ends the reading of a block.
func (b *blocks) let(read *block) {
	b.mu.Lock()
	defer b.mu.Unlock()
	read.readers--
	b.reuse(read)
}

// reuse takes the bytes of a block that nobody reads or finds any more.
func (b *blocks) reuse(left *block) {
	if left.forgotten && left.readers == 0 && len(left.bytes) == blockBytes && len(b.spare) < spareBlocks {
		b.spare, left.bytes = append(b.spare, left.bytes), nil
	}
}

// room is where so many bytes are read to.
func (b *blocks) room(length int64) []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	last := len(b.spare) - 1
	if length < blockBytes || last < 0 {
		return make([]byte, length)
	}
	raw := b.spare[last]
	b.spare = b.spare[:last]
	return raw
}

// block gives a block whose bytes agree with its checksum. Who has read them lets it go.
func (c *checkedFile) block(number int64) (*block, error) {
	b := c.blocks.of(c, number)
	b.once.Do(func() { b.bytes, b.err = c.load(number) })
	if b.err != nil {
		c.blocks.forget(b)
		return nil, b.err
	}
	return b, nil
}

// forget has a block read again by the next who asks.
func (b *blocks) forget(failed *block) {
	b.mu.Lock()
	defer b.mu.Unlock()
	failed.readers--
	failed.forgotten = true
	b.known = slices.DeleteFunc(b.known, func(known *block) bool { return known == failed })
}

// load reads a block and compares it.
func (c *checkedFile) load(number int64) ([]byte, error) {
	raw := c.blocks.room(min(blockBytes, c.size-number*blockBytes))
	if err := c.from.read(c.pack, c.name, raw, number*blockBytes); err != nil {
		return nil, fmt.Errorf("%s: block %d could not be read: %w", c.name, number, err)
	}
	if sumOf(raw) != c.sums[number] {
		return nil, fmt.Errorf("%s: block %d does not agree with its checksum", c.name, number)
	}
	return raw, nil
}

// ReadAt implements io.ReaderAt.
func (c *checkedFile) ReadAt(p []byte, offset int64) (int, error) {
	if offset < 0 || offset > c.size {
		return 0, io.EOF
	}
	want := min(int64(len(p)), c.size-offset)
	for done := int64(0); done < want; {
		number := (offset + done) / blockBytes
		block, err := c.block(number)
		if err != nil {
			return int(done), err
		}
		done += int64(copy(p[done:want], block.bytes[offset+done-number*blockBytes:]))
		c.blocks.let(block)
	}
	if want < int64(len(p)) {
		return int(want), io.EOF
	}
	return int(want), nil
}

// cut has bytes read that are followed by loadBytes others, of any value. They may not be changed, nor kept.
func (c *checkedFile) cut(offset, length int64, read func(raw []byte) error) error {
	if offset < 0 || length < 0 || offset > c.size-length {
		return fmt.Errorf("%s: %d bytes from byte %d on, of %d", c.name, length, offset, c.size)
	}
	if number := offset / blockBytes; offset+length+loadBytes <= min((number+1)*blockBytes, c.size) {
		block, err := c.block(number)
		if err != nil {
			return err
		}
		defer c.blocks.let(block)
		from := offset - number*blockBytes
		return read(block.bytes[from : from+length : from+length+loadBytes])
	}
	joined, ok := c.blocks.joined.Get().(*[]byte)
	if !ok {
		joined = &[]byte{}
	}
	defer c.blocks.joined.Put(joined)
	raw := slices.Grow((*joined)[:0], int(length+loadBytes))[:length+loadBytes]
	*joined = raw
	if _, err := c.ReadAt(raw[:length], offset); err != nil {
		return err
	}
	return read(raw[:length])
}

// seeker reads a checked file from a place on.
type seeker struct {
	*checkedFile
	at int64
}

// Seek implements io.Seeker.
func (s *seeker) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekStart:
		s.at = offset
	case io.SeekCurrent:
		s.at += offset
	case io.SeekEnd:
		s.at = s.size + offset
	}
	return s.at, nil
}
