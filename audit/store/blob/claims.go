//go:build !noclouds

package blob

import (
	"context"
	"strings"

	gocloud "gocloud.dev/blob"

	"github.com/featureaudit/featureaudit/audit/store"
	"github.com/featureaudit/featureaudit/audit/store/internal/glob"
)

// Valid says what is wrong with an address, without a request.
func (s *Store) Valid(name string) error {
	_, err := parse(name)
	return err
}

// Claims says whether an object of this name is, or would be once it is there, among those that a glob lists as data.
func (s *Store) Claims(ctx context.Context, base, text, name string) (bool, error) {
	if store.Scheme(text) == "" {
		text = store.Join(base, text)
	}
	b, at, err := s.at(ctx, text)
	if err != nil {
		return false, err
	}
	object, err := parse(name)
	if err != nil || object.root() != at.root() {
		return false, err
	}
	kind, err := b.kindOf(ctx, at.key)
	if err != nil {
		return false, err
	}
	g, err := glob.Parse("/", at.path(), func(string) glob.Kind { return kind })
	if err != nil {
		return false, err
	}
	rel, below := strings.CutPrefix(object.key, prefixOf(g.Root))
	return below && g.Claims(rel), nil
}

// Check says whether the bucket of a name can be reached with the credentials that there are.
func (s *Store) Check(ctx context.Context, name string) error {
	b, at, err := s.at(ctx, name)
	if err != nil {
		return err
	}
	_, _, err = b.page(ctx, gocloud.FirstPageToken, 1, at.key, false)
	return err
}

// Holds says whether a name leads to an object, or to a folder with objects below it.
func (s *Store) Holds(ctx context.Context, name string) (object, folder bool, err error) {
	b, at, err := s.at(ctx, name)
	if err != nil {
		return false, false, err
	}
	kind, err := b.kindOf(ctx, at.key)
	return kind == glob.File, kind == glob.Folder, err
}
