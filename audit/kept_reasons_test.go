package audit_test

import (
	"maps"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/fixtures"
)

// TestWhyFilesAreReadAgain changes one thing at a time: each file that is read is counted under the one reason for it.
func TestWhyFilesAreReadAgain(t *testing.T) {
	db := openEngine(t)
	for name, test := range map[string]struct {
		do   func(w *world)
		want map[string]int64
	}{
		"nothing":                 {func(*world) {}, nil},
		"a file comes":            {func(w *world) { w.writeDay(keptDays, 0) }, map[string]int64{"new": 1}},
		"a file has another time": {func(w *world) { w.touch(w.dayFile(0)) }, map[string]int64{"changed": 1}},
		"the ttl is edited":       {func(w *world) { w.views[0].TTL.Duration = time.Hour }, map[string]int64{"policy": keptDays}},
		"another type comes":      {func(w *world) { w.writeDay(keptDays-1, 0, fixtures.FloatType) }, map[string]int64{"policy": keptDays}},
		"as_of goes back":         {func(w *world) { w.asOf = time.Date(2026, 11, 3, 5, 0, 0, 0, time.UTC) }, map[string]int64{"open": 1}},
		"keys are sensitive":      {func(w *world) { w.views[0].Sensitive = []string{"id"} }, map[string]int64{"never_kept": keptDays}},
		"a pack is damaged": {func(w *world) {
			packs, err := filepath.Glob(filepath.Join(w.facts, "packs", "*", "slices.parquet"))
			w.do(err)
			w.do(os.Truncate(packs[0], 10))
		}, map[string]int64{"damaged": keptDays}},
		"rows turn stale": {func(w *world) {
			w.views[0].Reference = model.ReferenceAsOf
			w.withFacts(false)
			w.asOf = time.Date(2026, 11, 5, 2, 0, 0, 0, time.UTC)
			w.views[0].TTL.Duration = 48 * time.Hour
		}, map[string]int64{"turned_stale": 2}},
	} {
		t.Run(name, func(t *testing.T) {
			w := keptWorld(t, db)
			test.do(w)
			w.withFacts(false)
			if !maps.Equal(w.because, test.want) {
				t.Errorf("files were read because %v, want %v", w.because, test.want)
			}
		})
	}
	t.Run("paranoid", func(t *testing.T) {
		w := keptWorld(t, db)
		w.withFacts(true)
		if want := map[string]int64{"paranoid": keptDays}; !maps.Equal(w.because, want) {
			t.Errorf("files were read because %v, want %v", w.because, want)
		}
	})
}
