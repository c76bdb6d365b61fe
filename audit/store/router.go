package store

import "context"

// Router reads each name where it lies: on this machine, or in the object store whose scheme its address has.
type Router struct {
	Local Store
	// Remote are object stores by scheme.
	Remote map[string]Store
}

var _ Store = Router{}

func (r Router) of(name string) Store {
	if s, ok := r.Remote[Scheme(name)]; ok {
		return s
	}
	return r.Local
}

// List implements Store. A relative glob below an address is one.
func (r Router) List(ctx context.Context, base, glob string) (Listing, error) {
	if Scheme(glob) == "" && Scheme(base) != "" && !isAbsolute(glob) {
		return r.of(base).List(ctx, base, glob)
	}
	return r.of(glob).List(ctx, base, glob)
}

func isAbsolute(glob string) bool { return len(glob) > 0 && glob[0] == '/' }

// Tree implements Store.
func (r Router) Tree(ctx context.Context, folder string) ([]Entry, error) {
	return r.of(folder).Tree(ctx, folder)
}

// Stat implements Store.
func (r Router) Stat(ctx context.Context, abs string) (Entry, error) { return r.of(abs).Stat(ctx, abs) }

// Open implements Store.
func (r Router) Open(ctx context.Context, abs string) (Object, error) {
	return r.of(abs).Open(ctx, abs)
}

// AtOnce implements Distant.
func (r Router) AtOnce(abs string) int { return AtOnce(r.of(abs), abs) }
