package main

import (
	"context"
	"io"
	"runtime"
	"slices"
	"time"

	"github.com/featureaudit/featureaudit/audit"
	"github.com/featureaudit/featureaudit/audit/engine"
	"github.com/featureaudit/featureaudit/audit/engine/duckdb"
	"github.com/featureaudit/featureaudit/audit/look"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/store"
	"github.com/featureaudit/featureaudit/audit/store/local"
)

// buckets are the object stores that a command reads and writes.
type buckets interface {
	store.Store
	// Valid says what is wrong with an address, without a request.
	Valid(name string) error
	// Claims says whether an object of this name is, or would be, among those that a glob lists as data.
	Claims(ctx context.Context, base, glob, name string) (bool, error)
	// Holds says whether a name leads to an object, or to a folder with objects below it.
	Holds(ctx context.Context, name string) (object, folder bool, err error)
	// Write writes an object whole or not at all.
	Write(ctx context.Context, name string, content func() io.Reader) error
	// Create writes an object where there is none, and says whether it has: of several who do so at once, one alone has.
	Create(ctx context.Context, name string, content []byte) (bool, error)
	// Delete deletes an object.
	Delete(ctx context.Context, name string) error
	// EndUploads ends the uploads of objects below a folder that began before an instant and are not done.
	EndUploads(ctx context.Context, folder string, before time.Time) (int, error)
	// Check says whether the bucket of a name can be reached with the credentials that there are.
	Check(ctx context.Context, name string) error
	Close() error
}

// stores are where files may lie: on this machine, or in buckets by the scheme of their addresses.
type stores struct {
	store.Router
	buckets buckets
}

func newStores() stores {
	opened := openBuckets()
	s := stores{Router: store.Router{Local: local.New(), Remote: map[string]store.Store{}}, buckets: opened}
	for _, scheme := range bucketSchemes() {
		s.Remote[scheme] = opened
	}
	return s
}

// close lets go of connections. What a connection says at its end helps nobody any more.
func (s stores) close() {
	if s.buckets != nil {
		_ = s.buckets.Close()
	}
}

// distant says whether a name is the address of a bucket that this program reaches.
func (s stores) distant(name string) bool {
	return inBucket(name)
}

// inBucket says whether a name is the address of an object or a folder in a bucket that this build reaches.
func inBucket(name string) bool { return slices.Contains(bucketSchemes(), store.Scheme(name)) }

// claims says whether a glob of a view, from the folder that relative ones start from, takes in a name that need not be there.
func (s stores) claims(ctx context.Context, root, glob, name string) (bool, error) {
	base := glob
	if store.Scheme(glob) == "" {
		base = root
	}
	switch near, far := s.distant(name), s.distant(base); {
	case near != far:
		return false, nil
	case near:
		return s.buckets.Claims(ctx, root, glob, name)
	}
	return local.Claims(root, glob, name)
}

// adapters are what an audit looks through: those files and the embedded DuckDB.
func (c *cli) adapters() audit.Adapters {
	return audit.Adapters{
		Store: c.stores,
		OpenScanner: func(threads int, memory int64, tempDir string) (audit.Scanner, error) {
			return duckdb.Open(duckdb.Config{Threads: threads, MemoryLimit: memory, TempDir: tempDir})
		},
		OpenJudge: func(ctx context.Context) (audit.Judge, error) {
			return duckdb.StartJudge(ctx)
		},
	}
}

// looker looks at files and footers; it reads no row.
func (c *cli) looker() *look.Looker {
	return &look.Looker{Store: c.stores, Room: engine.Room{Workers: runtime.GOMAXPROCS(0)}}
}

// footersOf lists the files of a view as of an instant and reads their footers. The plan is there even with an error of the footers.
func (c *cli) footersOf(ctx context.Context, v model.View, asOf time.Time) (look.Plan, look.Footers, error) {
	l := c.looker()
	plan, err := l.Plan(ctx, v, look.Window{AsOf: asOf})
	if err != nil {
		return plan, look.Footers{}, err
	}
	footers, err := l.Footers(ctx, plan)
	return plan, footers, err
}
