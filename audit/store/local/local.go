// Package local is the store of files on this machine.
package local

import (
	"context"
	"os"

	"github.com/featureaudit/featureaudit/audit/store"
)

// Store reads the local file system.
type Store struct{}

// New returns the store.
func New() Store { return Store{} }

var _ store.Store = Store{}

// Stat follows links.
func (Store) Stat(ctx context.Context, abs string) (store.Entry, error) {
	if err := ctx.Err(); err != nil {
		return store.Entry{}, err
	}
	info, err := os.Stat(abs)
	if err != nil {
		return store.Entry{}, err
	}
	return store.Entry{Path: abs, Abs: abs, Size: info.Size(), ModTime: info.ModTime().UnixMicro()}, nil
}

// Open opens a regular file, and never waits for one that is none.
func (Store) Open(ctx context.Context, abs string) (store.Object, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return openRegular(abs)
}
