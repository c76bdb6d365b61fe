package survey

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/partition"
	"github.com/featureaudit/featureaudit/audit/store/local"
)

// TestSourceFromHiveFolder: a folder named after the source's column says the source of every row below it.
func TestSourceFromHiveFolder(t *testing.T) {
	dir := t.TempDir()
	want := map[string]string{
		"source=batch/dt=2026-11-03/a.parquet":     "batch",
		"source=a%20b/dt=2026-11-03/a.parquet":     "a b",
		"dt=2026-11-03/source=streaming/a.parquet": "streaming",
		"dt=2026-11-04/a.parquet":                  "",
	}
	for name := range want {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("PAR1"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	view := model.View{Name: "v", Path: "**/*.parquet", Root: dir, Source: model.SourceColumn{Column: "source"}, Origins: model.ParseOrigins(map[string]string{}),
		TimePartition: model.TimePartition{Columns: []string{"dt"}, Grain: model.GrainDay}}
	listing, _, _, err := Plan(t.Context(), local.New(), view, time.Date(2026, 11, 5, 0, 0, 0, 0, time.UTC), partition.Range{})
	if err != nil {
		t.Fatal(err)
	}
	if len(listing.Files) != len(want) {
		t.Fatalf("%d files, want %d", len(listing.Files), len(want))
	}
	for _, f := range listing.Files {
		if f.Source != want[f.Path] {
			t.Errorf("%s: source %q, want %q", f.Path, f.Source, want[f.Path])
		}
	}
}
