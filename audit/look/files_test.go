package look_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/featureaudit/featureaudit/audit/engine"
	"github.com/featureaudit/featureaudit/audit/look"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/store/local"
)

// TestPlanRefusesMoreFilesThanThereIsRoomFor has room for 81 files, and lists 81 and then 82. In partitions there is room for fewer, whatever
// their folders, and where the newest partition alone is looked at, for as many as lie in it.
func TestPlanRefusesMoreFilesThanThereIsRoomFor(t *testing.T) {
	dir := t.TempDir()
	l := look.Looker{Store: local.New(), Room: engine.Room{Workers: 1, Runs: 37_400}}
	view := model.View{Name: "v", Path: filepath.Join(dir, "*.parquet")}
	for i := range 82 {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%02d.parquet", i)), []byte("PAR1"), 0o644); err != nil {
			t.Fatal(err)
		}
		if i < 80 {
			continue
		}
		_, err := l.Plan(context.Background(), view, look.Window{})
		const needs = "82 files, which take about 1 MB beside the rest, and the memory limit has room for 0 MB of them: raise --memory-limit to 95 MB or more"
		if refused := errors.As(err, new(engine.ResourceError)) && strings.Contains(err.Error(), needs); refused != (i == 81) {
			t.Errorf("%d files: %v", i+1, err)
		}
	}
	for i := range 90 {
		folder := filepath.Join(dir, fmt.Sprintf("dt=2026-11-%02d", 1+i%2))
		if err := errors.Join(os.MkdirAll(folder, 0o755), os.WriteFile(filepath.Join(folder, fmt.Sprintf("%02d.parquet", i)), []byte("PAR1"), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	view = model.View{Name: "v", Path: filepath.Join(dir, "dt=*", "*.parquet")}
	if _, err := l.Plan(context.Background(), view, look.Window{}); !errors.As(err, new(engine.ResourceError)) || !strings.Contains(err.Error(), "90 files in 2 folders") {
		t.Errorf("90 files of two days: %v", err)
	}
	if p, err := l.Plan(context.Background(), view, look.Window{Newest: true, AsOf: time.Date(2026, 11, 4, 0, 0, 0, 0, time.UTC)}); err != nil || len(p.Listing.Files) != 45 {
		t.Errorf("the newest day alone: %d files, want 45 (%v)", len(p.Listing.Files), err)
	}
}
