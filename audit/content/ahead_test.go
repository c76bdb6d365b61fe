package content

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/featureaudit/featureaudit/audit/internal/pages"
)

// asked counts what is asked of an object.
type asked struct {
	*bytes.Reader
	requests, bytes int64
}

func (a *asked) ReadAt(p []byte, at int64) (int, error) {
	n, err := a.Reader.ReadAt(p, at)
	a.requests++
	a.bytes += int64(n)
	return n, err
}

// TestAChunkIsFetchedOnceAndInPieces walks chunks of random sizes as pages are read, a first look at a header and then the page behind it: every byte is
// the right one, none is fetched twice, and what is smaller than a piece costs no request of its own.
func TestAChunkIsFetchedOnceAndInPieces(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	content := make([]byte, 900_000)
	for i := range content {
		content[i] = byte(random.Uint32())
	}
	var a ahead
	for round := range 300 {
		c := pages.Chunk{Offset: random.Int64N(300_000)}
		c.Size = 1 + random.Int64N(int64(len(content))-c.Offset)
		most := 2_000 + random.Int64N(100_000)
		biggest := 1 + random.Int64N(most*2)
		object := &asked{Reader: bytes.NewReader(content)}
		a.begin(object, c, int64(len(content)), most)
		count := int64(0)
		for at, end := c.Offset, c.Offset+c.Size; at < end; {
			check := func(length, at int64) {
				p := make([]byte, length)
				n, err := a.ReadAt(p, at)
				want := content[at:min(at+length, int64(len(content)))]
				if !bytes.Equal(p[:n], want) || int64(n) < length && !errors.Is(err, io.EOF) || int64(n) == length && err != nil {
					t.Fatalf("round %d: %d of %d bytes at %d of %v, error %v", round, n, length, at, c, err)
				}
			}
			check(min(1024, end+pages.Slack-at), at)
			header := 10 + random.Int64N(50)
			page := min(1+random.Int64N(biggest), max(end-at-header, 0))
			check(page, at+header)
			count++
			at += header + page
		}
		requests := 2 * count // as many as before, where pages are as large as pieces
		if longest := max(biggest, 1024); longest < most {
			requests = min(requests, c.Size/(most-longest)+2) // what is at hand of a page stays
		}
		if object.requests > requests || object.bytes > c.Size+pages.Slack {
			t.Errorf("round %d: %v took %d requests, want %d at most, and %d bytes", round, c, object.requests, requests, object.bytes)
		}
	}
}

// TestWhatIsReadAheadHasRoom: workers, and columns that are read side by side, share what there is.
func TestWhatIsReadAheadHasRoom(t *testing.T) {
	for _, c := range []struct {
		room            int64
		workers, chunks int
		want            int64
	}{
		{0, 8, 1, 4 << 20}, {0, 1, 64, 1 << 20}, {700_000, 1, 1, 700_000}, {700_000, 1, 7, 100_000}, {2_100_000, 3, 7, 100_000}, {700_000, 1, 1000, 16 << 10}, {1 << 40, 2, 16, 4 << 20},
	} {
		if got := (Order{Ahead: c.room, Workers: c.workers}).aheadBytes(c.chunks); got != c.want {
			t.Errorf("%d bytes for %d chunks of %d workers: %d each, want %d", c.room, c.chunks, c.workers, got, c.want)
		}
	}
}
