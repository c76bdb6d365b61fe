package stage

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"syscall"
	"testing"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/store/storetest"
)

// TestACopyHoldsNothingOfTheLastOne copies random ranges of files of random sizes over each other, several at once: each copy has the bytes of its
// own file in its ranges, and zeros elsewhere, whatever lay there before; what is kept never takes more than it may.
func TestACopyHoldsNothingOfTheLastOne(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	files := storetest.Memory{}
	contents := map[string][]byte{}
	for i := range 12 {
		content := make([]byte, 100_000+random.IntN(900_000))
		for at := range content {
			content[at] = byte(1 + (at*31+i*7)%255) // no zeros
		}
		name := fmt.Sprintf("/bucket/%d", i)
		files[name], contents[name] = string(content), content
	}
	s := New(files, t.TempDir(), sparesFrom)
	defer s.Close()
	over := 0
	for range 200 {
		var orders []*Order
		for range 1 + random.IntN(3) {
			name := fmt.Sprintf("/bucket/%d", random.IntN(12))
			size := int64(len(contents[name]))
			var needed []span
			for range 1 + random.IntN(5) {
				from := random.Int64N(size)
				needed = append(needed, span{from, from + 1 + random.Int64N(size-from)})
			}
			ranges := joined(needed)
			orders = append(orders, &Order{stage: s, file: facts.File{Path: name, Abs: name, Size: size}, ranges: ranges, bytes: bytesOf(ranges)})
		}
		before := len(s.spares.files)
		names, release, failed, err := s.Bring(t.Context(), orders)
		if err != nil {
			t.Fatal(err)
		}
		over += before - len(s.spares.files)
		for i, o := range orders {
			if failed[i] != nil {
				t.Fatal(failed[i])
			}
			want := make([]byte, o.file.Size)
			for _, r := range o.ranges {
				copy(want[r.from:r.end], contents[o.file.Abs][r.from:r.end])
			}
			if got, err := os.ReadFile(names[i]); err != nil || !bytes.Equal(got, want) {
				t.Fatalf("the copy of %v of %s differs from it, or holds more: error %v", o.ranges, o.file.Abs, err)
			}
		}
		release()
		if held := allocated(t, s.spares.files); s.spares.bytes > s.spares.room || held > s.spares.bytes+int64(len(s.spares.files))*12*4096 {
			t.Fatalf("files that are kept take %d bytes, are counted with %d and may take %d", held, s.spares.bytes, s.spares.room)
		}
	}
	if over < 200 {
		t.Errorf("%d copies were written over others: the test looks at nothing", over)
	}
}

// allocated is what files take on the disk, in bytes. A range may reach into a block at each end.
func allocated(t *testing.T, files []spare) int64 {
	t.Helper()
	bytes := int64(0)
	for _, f := range files {
		info, err := f.file.Stat()
		if err != nil {
			t.Fatal(err)
		}
		if of, ok := info.Sys().(*syscall.Stat_t); ok {
			bytes += int64(of.Blocks) * 512
		}
	}
	return bytes
}

// TestNoCopyIsKeptWithoutRoom: below a limit of a gibibyte nothing is kept beside what is read.
func TestNoCopyIsKeptWithoutRoom(t *testing.T) {
	s := New(storetest.Memory{"/a": "0123456789"}, t.TempDir(), sparesFrom-1)
	defer s.Close()
	o, err := s.Whole(t.Context(), "/a", "a")
	if err != nil {
		t.Fatal(err)
	}
	_, release, failed, err := s.Bring(t.Context(), []*Order{o})
	if err != nil || failed[0] != nil {
		t.Fatal(err, failed)
	}
	release()
	if len(s.spares.files) > 0 {
		t.Errorf("%d files are kept", len(s.spares.files))
	}
	if s.Room() != sparesFrom-1-(sparesFrom-1)/8 {
		t.Errorf("there is room for %d bytes", s.Room())
	}
}

// TestWithout has the parts by hand.
func TestWithout(t *testing.T) {
	for _, test := range []struct{ ranges, others, want []span }{
		{[]span{{0, 10}}, nil, []span{{0, 10}}},
		{[]span{{0, 10}}, []span{{0, 10}}, nil},
		{[]span{{0, 10}}, []span{{3, 5}}, []span{{0, 3}, {5, 10}}},
		{[]span{{0, 10}, {20, 30}}, []span{{5, 25}}, []span{{0, 5}, {25, 30}}},
		{[]span{{5, 6}}, []span{{0, 5}, {6, 9}}, []span{{5, 6}}},
		{[]span{{0, 10}}, []span{{0, 2}, {8, 12}}, []span{{2, 8}}},
	} {
		if got := without(test.ranges, test.others); !slices.Equal(got, test.want) {
			t.Errorf("%v without %v: %v, want %v", test.ranges, test.others, got, test.want)
		}
	}
}
