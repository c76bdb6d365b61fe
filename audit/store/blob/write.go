//go:build !noclouds

package blob

import (
	"context"
	"io"

	gocloud "gocloud.dev/blob"
)

// Write writes an object whole or not at all: whoever reads it sees what was there before, or all of this. The content is asked for anew for
// each attempt.
func (s *Store) Write(ctx context.Context, name string, content func() io.Reader) error {
	b, at, err := s.at(ctx, name)
	if err != nil {
		return err
	}
	return b.try(ctx, at.name(), func(ctx context.Context) (bool, error) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		w, err := b.NewWriter(ctx, at.key, &gocloud.WriterOptions{ContentType: "application/octet-stream"})
		if err != nil {
			return false, err
		}
		if _, err := io.Copy(w, content()); err != nil {
			cancel() // so that Close leaves nothing behind
			_ = w.Close()
			return false, err
		}
		return false, w.Close()
	})
}

// Delete deletes an object; one that is not there is no error of every cloud.
func (s *Store) Delete(ctx context.Context, name string) error {
	b, at, err := s.at(ctx, name)
	if err != nil {
		return err
	}
	return b.try(ctx, at.name(), func(ctx context.Context) (bool, error) { return false, b.Bucket.Delete(ctx, at.key) })
}
