package aside

import (
	"cmp"
	"strings"
	"sync"
	"unsafe"
)

// small is the length, in bytes, up to which a text is left in memory: what stands for it takes a part of that anyway.
const small = 256

// head is how many bytes of a text in the file are in memory too: most texts are told apart by them.
const head = 64

// chunk is how much of the file is mapped at once, in bytes; a longer text has a mapping of its own.
const chunk = 64 << 20

// Texts are texts that are kept until the end, by the thousand or by the megabyte, and looked at once: they lie in a file without a name,
// which is mapped into the address space, so that they are strings like any others and take no memory. The zero value keeps them in memory, as
// do all where the system cannot map files. It is safe for concurrent use.
type Texts struct {
	dir string

	mu sync.Mutex
	// room is how many bytes more may stay in memory.
	room  int64
	file  file
	heads map[*byte]string
}

// In keeps so many bytes of texts in memory, and all others in a file in a folder, which is made with the first of them: a small folder is no
// hindrance where memory would do.
func In(dir string, memory int64) *Texts { return &Texts{dir: dir, room: memory} }

// Keep gives a text that is equal to one and lies in the file, where it is not short and memory has no room for it. It is good until Close. The error is of the folder.
func (t *Texts) Keep(text string) (string, error) {
	if t == nil || t.dir == "" || len(text) <= small {
		return text, nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if n := int64(len(text)); n <= t.room {
		t.room -= n
		return text, nil
	}
	kept, err := t.file.keep(t.dir, text)
	if err == nil {
		if t.heads == nil {
			t.heads = map[*byte]string{}
		}
		t.heads[unsafe.StringData(kept)] = strings.Clone(text[:head])
	}
	return kept, err
}

// Compare compares texts as cmp.Compare does. It looks at those in the file only where they begin alike.
func (t *Texts) Compare(a, b string) int {
	if t == nil || len(a) <= small || len(b) <= small || unsafe.StringData(a) == unsafe.StringData(b) {
		return cmp.Compare(a, b)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	x, inFile := t.heads[unsafe.StringData(a)]
	y, other := t.heads[unsafe.StringData(b)]
	if !inFile || !other {
		return cmp.Compare(a, b)
	}
	if c := cmp.Compare(x, y); c != 0 {
		return c
	}
	t.file.looked(len(a) + len(b))
	return cmp.Compare(a, b)
}

// Close gives the file's space back. No text that was kept may be looked at any more.
func (t *Texts) Close() error {
	if t == nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.heads = nil
	return t.file.close()
}
