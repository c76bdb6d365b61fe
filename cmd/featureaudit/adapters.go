package main

import (
	"context"

	"github.com/featureaudit/featureaudit/audit"
	"github.com/featureaudit/featureaudit/audit/engine/duckdb"
	"github.com/featureaudit/featureaudit/audit/store/local"
)

// adapters are what an audit looks through: local files and the embedded DuckDB.
func adapters() audit.Adapters {
	return audit.Adapters{
		Store: local.New(),
		OpenScanner: func(threads int, memory int64, tempDir string) (audit.Scanner, error) {
			return duckdb.Open(duckdb.Config{Threads: threads, MemoryLimit: memory, TempDir: tempDir})
		},
		OpenJudge: func(ctx context.Context, threads int) (audit.Judge, error) {
			return duckdb.OpenJudge(ctx, duckdb.Config{Threads: threads})
		},
	}
}
