//go:build !noclouds

package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"unicode"

	gocloud "gocloud.dev/blob"

	"github.com/featureaudit/featureaudit/audit/store"
)

// Store reads and writes objects by their addresses. It keeps buckets open and remembers what it listed, so that an object is opened
// without a request: Close lets go of both.
type Store struct {
	limits Limits
	clouds map[string]cloud
	// pieces are buffers of copyBytes.
	pieces sync.Pool

	mu      sync.Mutex
	buckets map[string]*bucket
}

var _ store.Store = (*Store)(nil)

// New returns a store that asks nobody yet.
func New(limits Limits) *Store {
	return &Store{limits: limits, clouds: clouds(), buckets: map[string]*bucket{}, pieces: sync.Pool{New: func() any { return new([copyBytes]byte) }}}
}

// Schemes are those of the addresses that the store knows.
func Schemes() []string { return []string{"s3", "gs", "azblob"} }

// AtOnce implements store.Distant.
func (s *Store) AtOnce(string) int { return atOnce }

// Close closes all buckets.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, b := range s.buckets {
		errs = append(errs, b.Close())
	}
	clear(s.buckets)
	return errors.Join(errs...)
}

// Know takes in the parameters of an address, which other addresses of its bucket take over. It asks nobody.
func (s *Store) Know(ctx context.Context, address string) error {
	_, _, err := s.at(ctx, address)
	return err
}

// bucket is an open one.
type bucket struct {
	*gocloud.Bucket
	store *Store
	cloud cloud
	at    location
	// worked says that a request has succeeded: the credentials were good.
	worked atomic.Bool
	// spent is how many requests were given up since one has succeeded.
	spent atomic.Int64
	// slots has room for each request that may be under way.
	slots chan struct{}

	mu sync.Mutex
	// known are the objects that were listed or looked at, by key.
	known map[string]store.Entry
}

// at opens the bucket of an address. All addresses of a bucket that have parameters have the same; those without take them over.
func (s *Store) at(ctx context.Context, text string) (*bucket, location, error) {
	at, err := parse(text)
	if err != nil {
		return nil, at, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if open, ok := s.buckets[at.root()]; ok {
		if at.params != nil && at.params.Encode() != open.at.params.Encode() {
			return nil, at, &LocationError{Address: at.root(), Reason: "its addresses have different parameters, or some have none: write the same behind each, or give region and endpoint by the environment"}
		}
		return open, at, nil
	}
	c, known := s.clouds[at.scheme]
	if !known {
		return nil, at, store.Addressed(text)
	}
	opened, err := c.open(ctx, at)
	if err != nil {
		b := &bucket{store: s, cloud: c, at: at}
		_, err = b.judge(at.root(), err)
		return nil, at, err
	}
	b := &bucket{Bucket: opened, store: s, cloud: c, at: at, slots: make(chan struct{}, atOnce), known: map[string]store.Entry{}}
	s.buckets[at.root()] = b
	return b, at, nil
}

// entry describes an object. Times are whole seconds: not every cloud tells more each time.
func (b *bucket) entry(key, mark string, size, unix int64) store.Entry {
	name := store.Join(b.at.root(), "/") + key
	return store.Entry{Path: name, Abs: name, Size: size, ModTime: unix * 1_000_000, ETag: mark}
}

func (b *bucket) remember(key string, e store.Entry) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.known[key] = e
}

func (b *bucket) forget(key string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.known, key)
}

func (b *bucket) recall(key string) (store.Entry, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e, ok := b.known[key]
	return e, ok
}

// Stat asks for the present size, time and mark of an object.
func (s *Store) Stat(ctx context.Context, abs string) (store.Entry, error) {
	b, key, err := s.object(ctx, abs)
	if err != nil {
		return store.Entry{}, err
	}
	return b.look(ctx, key)
}

// object is the bucket and the key of an object.
func (s *Store) object(ctx context.Context, abs string) (*bucket, string, error) {
	if err := ctx.Err(); err != nil {
		return nil, "", err
	}
	if b, key := s.listed(abs); b != nil {
		return b, key, nil
	}
	b, at, err := s.at(ctx, abs)
	if err != nil {
		return nil, "", err
	}
	return b, at.key, nil
}

// listed finds an object that was listed or looked at: its name may hold what elsewhere begins parameters.
func (s *Store) listed(abs string) (*bucket, string) {
	root, path := store.Split(abs)
	s.mu.Lock()
	b := s.buckets[root]
	s.mu.Unlock()
	if b == nil {
		return nil, ""
	}
	if _, ok := b.recall(path[1:]); !ok {
		return nil, ""
	}
	return b, path[1:]
}

func (b *bucket) look(ctx context.Context, key string) (store.Entry, error) {
	var e store.Entry
	err := b.try(ctx, b.nameOf(key), func(ctx context.Context) (bool, error) {
		return false, guarded(func() error {
			l, err := b.cloud.look(b.cloud.asking(ctx, key), b, key)
			if err == nil {
				e = b.entry(key, l.mark, l.size, l.changed.Unix())
			}
			return err
		})
	})
	if err != nil {
		return e, untold(key, b.reasonOf(ctx, key, err))
	}
	b.remember(key, e)
	return e, nil
}

// untold says of an object that is not there that its key may be another: a list that is written in XML gives a character that XML cannot hold by the
// mark of an unknown one.
func untold(key string, err error) error {
	var gone *store.RemoteError
	if !strings.ContainsRune(key, unicode.ReplacementChar) || !errors.As(err, &gone) || gone.Kind != store.RemoteGone {
		return err
	}
	return &store.RemoteError{Kind: store.RemoteRefused, Name: gone.Name, Cause: "its key has a character that the store's lists do not tell", Remedy: "rename it, so that it has no control character"}
}

// reasonOf is why an object could not be looked at. S3 answers that question without a body, so that a status is all that is known: a secret that
// is wrong, a token that has expired and a right that is missing look alike, and a bucket that is not there looks like an object that is not.
// A listing has a body, and says more.
func (b *bucket) reasonOf(ctx context.Context, key string, looked error) error {
	var told, more *store.RemoteError
	if !errors.As(looked, &told) || told.Kind == store.RemoteFailed || told.Kind == store.RemoteChanged {
		return looked
	}
	_, _, err := b.page(ctx, gocloud.FirstPageToken, 1, key, false)
	switch {
	case !errors.As(err, &more), more.Kind == told.Kind, told.Kind == store.RemoteGone && more.Kind != store.RemoteRefused:
		return looked
	}
	return err
}

func (b *bucket) nameOf(key string) string { return b.at.root() + "/" + key }

// Open opens an object for reads at offsets, all of them of the version that was listed, or that is there now where it was not. It makes a
// request only for the latter.
func (s *Store) Open(ctx context.Context, abs string) (store.Object, error) {
	b, key, err := s.object(ctx, abs)
	if err != nil {
		return nil, err
	}
	e, ok := b.recall(key)
	if !ok {
		if e, err = b.look(ctx, key); err != nil {
			return nil, err
		}
	}
	return &object{ctx: ctx, bucket: b, key: key, entry: e}, nil
}

// object is one version of an object.
type object struct {
	ctx    context.Context
	bucket *bucket
	key    string
	entry  store.Entry
}

// Close has nothing to let go of.
func (*object) Close() error { return nil }

// ReadAt reads a range.
func (o *object) ReadAt(p []byte, at int64) (int, error) {
	want := min(int64(len(p)), o.entry.Size-at)
	if want <= 0 {
		if len(p) == 0 {
			return 0, nil
		}
		return 0, io.EOF
	}
	into := filling{p: p}
	err := o.Fetch(at, want, &into)
	if err == nil && into.n < len(p) {
		err = io.EOF
	}
	return into.n, err
}

// filling is a slice that is written to.
type filling struct {
	p []byte
	n int
}

func (f *filling) Write(p []byte) (int, error) {
	n := copy(f.p[f.n:], p)
	f.n += n
	return n, nil
}

// copyBytes is what of a body is held at once.
const copyBytes = 128 << 10

// leastProgress is what an attempt has to bring, in bytes, to be no failure: what brings less each time takes for ever.
const leastProgress = 64 << 10

// Fetch implements store.Fetcher. A body that is cut is asked for again from where it ended.
func (o *object) Fetch(from, size int64, to io.Writer) error {
	got := int64(0)
	return untold(o.key, o.bucket.try(o.ctx, o.bucket.nameOf(o.key), func(ctx context.Context) (bool, error) {
		ctx, alive, stop := untilIdle(ctx, o.bucket.store.limits.Idle)
		defer stop()
		n, err := o.request(ctx, from+got, size-got, to, alive)
		got += n
		stopped := err != nil && errors.Is(context.Cause(ctx), errStalled)
		switch {
		case stopped && n > 0:
			return false, errStalled
		case stopped:
			return false, context.DeadlineExceeded
		case n > 0 && errors.Is(err, context.DeadlineExceeded):
			err = errSlow
		}
		return n >= leastProgress, err
	}))
}

// request makes one request for a range, and says each time that some of it has come.
func (o *object) request(ctx context.Context, from, size int64, to io.Writer, alive func()) (int64, error) {
	pin := func(as func(any) bool) error { return o.bucket.cloud.pinned(o.bucket, o.key, o.entry.ETag, as) }
	var r *gocloud.Reader
	if err := guarded(func() (err error) {
		r, err = o.bucket.NewRangeReader(o.bucket.cloud.asking(ctx, o.key), o.key, from, size, &gocloud.ReaderOptions{BeforeRead: pin})
		return err
	}); err != nil {
		return 0, err
	}
	defer closing(r)
	if err := o.bucket.cloud.answers(r.As, o.entry, from, size); err != nil {
		return 0, err
	}
	if mark := o.bucket.cloud.read(r.As); mark != "" && o.entry.ETag != "" && mark != o.entry.ETag {
		return 0, errReplaced // a store that takes no heed of the condition
	}
	sink := sinking{to: to}
	piece, _ := o.bucket.store.pieces.Get().(*[copyBytes]byte)
	defer o.bucket.store.pieces.Put(piece)
	n, err := io.CopyBuffer(&sink, io.LimitReader(readingAlive{r, alive}, size), piece[:])
	switch {
	case sink.err != nil:
		return n, localError{sink.err}
	case err == nil && n < size, errors.Is(err, io.ErrUnexpectedEOF):
		return n, errShort
	}
	return n, err
}

// isRange says whether the headers of an answer are of the range that was asked for. A gateway that takes no heed of ranges answers with the
// object's beginning, and one that has lost its server with a page for people. Without a Content-Range it is all of an object. Where it tells the
// size of the whole, that is the listed one.
func isRange(contentRange *string, length *int64, listed store.Entry, from, size int64) error {
	if contentRange == nil {
		if from != 0 || length == nil || *length != size {
			return errOther
		}
		return nil
	}
	total, begins := strings.CutPrefix(*contentRange, fmt.Sprintf("bytes %d-%d/", from, from+size-1))
	switch {
	case !begins:
		return errOther
	case total != "*" && total != strconv.FormatInt(listed.Size, 10):
		return errReplaced
	}
	return nil
}

// onlyReads hides what else a reader can do, so that it is read with a buffer of a known size.
type onlyReads struct{ io.Reader }

// sinking remembers what went wrong where bytes were written to.
type sinking struct {
	to  io.Writer
	err error
}

func (s *sinking) Write(p []byte) (int, error) {
	n, err := s.to.Write(p)
	s.err = errors.Join(s.err, err)
	return n, err
}

// localError is a fault of where the bytes go to, which no other request mends.
type localError struct{ error }

func (e localError) Unwrap() error { return e.error }

// Size is that of the version that is read, in bytes.
func (o *object) Size() int64 { return o.entry.Size }

// Mark is the store's own of the version.
func (o *object) Mark() string { return o.entry.ETag }
