package keys

import (
	"sync"

	"github.com/zeebo/xxh3"
)

// Image stands for a payload value where values are too many to be held: the value itself up to fourteen bytes, else a hash of 120
// bits. Equal values have equal images. The zero Image is that of no value.
type Image [16]byte

// The last byte of an image says what it is of: a text of so many bytes less one, NULL, or a hash.
const (
	imageNull = 0xf0
	imageHash = 0xff
)

// ImageOf is the image of a known value.
func ImageOf(v Value) Image {
	var image Image
	const last = len(image) - 1
	switch {
	case v.Null:
		image[last] = imageNull
	case len(v.Text) < last:
		copy(image[:], v.Text)
		image[last] = byte(len(v.Text) + 1)
	default:
		image = xxh3.HashString128(v.Text).Bytes()
		image[last] = imageHash
	}
	return image
}

// Join makes an image of two, in their order.
func (i Image) Join(next Image) Image {
	var both [2 * len(i)]byte
	copy(both[:], i[:])
	copy(both[len(i):], next[:])
	return xxh3.Hash128(both[:]).Bytes()
}

// Wide is what the rows of one group are to each other where their payload has too many columns to be held: some columns are
// compared, and then others. It is safe for concurrent use.
type Wide struct {
	mu sync.Mutex
	// differs has a bit for each column.
	differs []uint64
	// first are the images of the first row that came, of the columns from one on.
	first []Image
	from  int
}

// NewWide begins a group whose payload has so many columns.
func NewWide(columns int) *Wide { return &Wide{differs: make([]uint64, (columns+63)/64)} }

// Add takes a row's values of the columns from one on, in order. All rows have theirs added before those of other columns are.
func (w *Wide) Add(from int, images []Image) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.from != from || len(w.first) == 0 {
		w.from, w.first = from, append(w.first[:0], images...)
		return
	}
	for i, image := range images {
		if image != w.first[i] {
			w.differs[(from+i)/64] |= 1 << ((from + i) % 64)
		}
	}
}

// Differs says whether rows differ in a column.
func (w *Wide) Differs(column int) bool { return w.differs[column/64]>>(column%64)&1 != 0 }
