package look_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/featureaudit/featureaudit/audit/engine"
	"github.com/featureaudit/featureaudit/audit/look"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/store/local"
)

// TestPlanRefusesMoreFilesThanThereIsRoomFor has room for 81 files, and lists 81 and then 82.
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
		const needs = "82 files in 0 partitions, which take about 1 MB beside the rest, and the memory limit has room for 0 MB of them: raise --memory-limit to 95 MB or more"
		if refused := errors.As(err, new(engine.ResourceError)) && strings.Contains(err.Error(), needs); refused != (i == 81) {
			t.Errorf("%d files: %v", i+1, err)
		}
	}
}
