//go:build !noclouds

package blob

import (
	"bytes"
	"context"
	"errors"
	"io"
	"time"

	gocloud "gocloud.dev/blob"

	"github.com/featureaudit/featureaudit/audit/store"
)

// Write writes an object whole or not at all: whoever reads it sees what was there before, or all of this. The content is asked for anew for
// each attempt, which may take as long as it gets on.
func (s *Store) Write(ctx context.Context, name string, content func() io.Reader) error {
	b, at, err := s.at(ctx, name)
	if err != nil {
		return err
	}
	defer b.forget(at.key)
	return b.tryIdle(ctx, at.name(), func(ctx context.Context, alive func()) error {
		return b.put(ctx, at.key, alive, content, gocloud.WriterOptions{})
	})
}

// Create writes an object where there is none: of several who do so at once, one alone has created it. It says false where there is one
// already. An attempt whose answer was lost counts as this one's if what is there is the content.
func (s *Store) Create(ctx context.Context, name string, content []byte) (created bool, err error) {
	b, at, err := s.at(ctx, name)
	if err != nil {
		return false, err
	}
	defer b.forget(at.key)
	attempts := 0
	err = b.tryIdle(ctx, at.name(), func(ctx context.Context, alive func()) error {
		attempts++
		return b.put(ctx, at.key, alive, func() io.Reader { return bytes.NewReader(content) }, gocloud.WriterOptions{IfNotExist: true})
	})
	var refused *store.RemoteError
	if !errors.As(err, &refused) || refused.Kind != store.RemoteChanged {
		return err == nil, err
	}
	if attempts == 1 {
		return false, nil
	}
	there, err := s.content(ctx, b, at.key)
	return bytes.Equal(there, content), err
}

// content is all of an object as it is now; nil where it is gone.
func (s *Store) content(ctx context.Context, b *bucket, key string) ([]byte, error) {
	e, err := b.look(ctx, key)
	var gone *store.RemoteError
	if errors.As(err, &gone) && gone.Kind == store.RemoteGone {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var all bytes.Buffer
	err = (&object{ctx: ctx, bucket: b, key: key, entry: e}).Fetch(0, e.Size, &all)
	return all.Bytes(), err
}

// put makes one attempt to write an object.
func (b *bucket) put(ctx context.Context, key string, alive func(), content func() io.Reader, o gocloud.WriterOptions) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	o.ContentType = "application/octet-stream"
	o.BeforeWrite = func(as func(any) bool) error { return b.cloud.written(b, key, o.IfNotExist, as) }
	w, err := b.NewWriter(b.cloud.asking(ctx, key), key, &o)
	if err != nil {
		return err
	}
	if _, err := io.Copy(w, onlyReads{readingAlive{content(), alive}}); err != nil {
		cancel() // so that Close leaves nothing behind
		_ = w.Close()
		return err
	}
	return w.Close()
}

// readingAlive tells that a body gets on.
type readingAlive struct {
	io.Reader
	alive func()
}

func (r readingAlive) Read(p []byte) (int, error) {
	r.alive()
	return r.Reader.Read(p)
}

// tryIdle is try for requests of any length: an attempt is given up where it does not get on for as long as a request may take.
func (b *bucket) tryIdle(ctx context.Context, name string, request func(ctx context.Context, alive func()) error) error {
	return b.tryWithin(ctx, name, 0, func(ctx context.Context) (bool, error) {
		limited, alive, stop := untilIdle(ctx, b.store.limits.Request)
		defer stop()
		err := request(limited, alive)
		if err != nil && errors.Is(context.Cause(limited), errStalled) {
			err = context.DeadlineExceeded
		}
		return false, err
	})
}

// untilIdle gives a context that ends, with errStalled, where nobody says for so long that something gets on.
func untilIdle(ctx context.Context, limit time.Duration) (limited context.Context, alive, stop func()) {
	limited, cancel := context.WithCancelCause(ctx)
	timer := time.AfterFunc(limit, func() { cancel(errStalled) })
	return limited, func() { timer.Reset(limit) }, func() {
		timer.Stop()
		cancel(nil)
	}
}

// Delete deletes an object; one that is not there is no error of every cloud.
func (s *Store) Delete(ctx context.Context, name string) error {
	b, at, err := s.at(ctx, name)
	if err != nil {
		return err
	}
	defer b.forget(at.key)
	return b.try(ctx, at.name(), func(ctx context.Context) (bool, error) {
		return false, b.Bucket.Delete(b.cloud.asking(ctx, at.key), at.key)
	})
}
