package main

import (
	"context"
	"runtime"
	"time"

	"github.com/featureaudit/featureaudit/audit"
	"github.com/featureaudit/featureaudit/audit/engine"
	"github.com/featureaudit/featureaudit/audit/engine/duckdb"
	"github.com/featureaudit/featureaudit/audit/look"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/store"
	"github.com/featureaudit/featureaudit/audit/store/local"
)

// files is where the files of views are: on this machine.
func files() store.Store { return local.New() }

// claims says whether a glob of a view, from the folder that relative ones start from, takes in a name that need not be there.
func claims(root, glob, name string) (bool, error) { return local.Claims(root, glob, name) }

// adapters are what an audit looks through: those files and the embedded DuckDB.
func adapters() audit.Adapters {
	return audit.Adapters{
		Store: files(),
		OpenScanner: func(threads int, memory int64, tempDir string) (audit.Scanner, error) {
			return duckdb.Open(duckdb.Config{Threads: threads, MemoryLimit: memory, TempDir: tempDir})
		},
		OpenJudge: func(ctx context.Context, threads int, memory int64) (audit.Judge, error) {
			return duckdb.OpenJudge(ctx, duckdb.Config{Threads: threads, MemoryLimit: memory})
		},
	}
}

// looker looks at files and footers; it reads no row.
func looker() *look.Looker {
	return &look.Looker{Store: files(), Room: engine.Room{Workers: runtime.GOMAXPROCS(0)}}
}

// footersOf lists the files of a view as of an instant and reads their footers. The plan is there even with an error of the footers.
func footersOf(ctx context.Context, v model.View, asOf time.Time) (look.Plan, look.Footers, error) {
	l := looker()
	plan, err := l.Plan(ctx, v, look.Window{AsOf: asOf})
	if err != nil {
		return plan, look.Footers{}, err
	}
	footers, err := l.Footers(ctx, plan)
	return plan, footers, err
}
