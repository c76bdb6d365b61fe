package align_test

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/featureaudit/featureaudit/audit/align"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/report"
)

func TestPrefixNeverLeadsOut(t *testing.T) {
	for name, want := range map[string]string{"clicks": "clicks", "clicks v2": "clicks v2", "Größe": "Größe", "a..b": "a..b"} {
		if got, err := align.Prefix(name, "/config", "/data/store"); err != nil || got != want {
			t.Errorf("%q: %q, %v, want err == nil && got == want", name, got, err)
		}
	}
	if got, err := align.Prefix("../x", "/config", "/config/store/clicks"); err != nil || got != "store/clicks" {
		t.Errorf("below the config's folder the name is no matter: %q, %v", got, err)
	}
	for _, name := range []string{"", ".", "..", "../../../escape", "/etc", "a/b", `a\b`, "a/../../b", "a\x00b", "a\nb", "a\u202eb", "a\x1bb", "\xff", ".hidden", "_hidden", "C:", strings.Repeat("x", 256)} {
		got, err := align.Prefix(name, "/config", "/data/store")
		if !errors.Is(err, align.ErrName) || got != "" || strings.ContainsAny(fmt.Sprint(err), "\x00\n\x1b") {
			t.Errorf("%q: %q, %v, want errors.Is(err, align.ErrName) && got == \"\" && !(strings.ContainsAny(fmt.Sprint(err), \"\\x00\\n\\x1b\"))", name, got, err)
		}
	}
}

// TestNothingIsWrittenOutsideOfTheTarget gives Copy itself a prefix that leads out: the root is the second lock.
func TestNothingIsWrittenOutsideOfTheTarget(t *testing.T) {
	o := options(t, writeStore(t), shiftAll(8*3600, report.Arithmetic))
	outside := filepath.Dir(o.Dir)
	for _, prefix := range []string{"../escape", "a/../../escape", "link/escape"} {
		if prefix == "link/escape" {
			if err := os.Symlink(outside, filepath.Join(o.Dir, "link")); err != nil {
				t.Fatal(err)
			}
		}
		o.Prefix = prefix
		if _, err := align.Copy(t.Context(), o); err == nil {
			t.Errorf("%s: no error", prefix)
		}
		if _, err := os.Stat(filepath.Join(outside, "escape")); err == nil {
			t.Errorf("%s: written outside", prefix)
		}
	}
}

func TestOnlyDistancesBetweenClocksAreShifts(t *testing.T) {
	dir := writeStore(t)
	for _, seconds := range []int64{1, 3601, 100 * 3600, math.MaxInt64, math.MinInt64, math.MaxInt64/1_000_000 + 1} {
		_, err := align.Copy(t.Context(), options(t, dir, shiftAll(seconds, report.Arithmetic)))
		if !errors.Is(err, align.ErrCorrection) || !strings.Contains(err.Error(), "dt=2026-11-03/a.parquet") {
			t.Errorf("%d seconds: %v", seconds, err)
		}
	}
	// 5 h 45 min is Kathmandu's, 9 h 30 min Darwin's; Tokyo's clock is 16 h ahead of Los Angeles' in summer
	for _, seconds := range []int64{-20700, 34200, 16 * 3600} {
		if _, err := align.Copy(t.Context(), options(t, dir, shiftAll(seconds, report.Arithmetic))); err != nil {
			t.Errorf("%d seconds: %v", seconds, err)
		}
	}
	o := options(t, dir, shiftAll(8*3600, "hearsay"))
	if _, err := align.Copy(t.Context(), o); !errors.Is(err, align.ErrCorrection) {
		t.Errorf("evidence that nobody knows: %v", err)
	}
	one := shiftAll(8*3600, report.Arithmetic)
	low := 1.0
	one[0].LagFromSeconds = &low
	if _, err := align.Copy(t.Context(), options(t, dir, one)); !errors.Is(err, align.ErrCorrection) {
		t.Errorf("a lag with one end: %v", err)
	}
}

// TestTimesBeyondAllReckoningAreRefused has values whose instant, shift or lag would leave 64 bits.
func TestTimesBeyondAllReckoningAreRefused(t *testing.T) {
	for name, column := range map[string]string{
		"seconds":      "9223372036854775807::BIGINT",
		"microseconds": "make_timestamp(9223372036854775806)",
		"long ago":     "make_timestamp(-9223372036854775000)",
	} {
		dir := t.TempDir()
		query(t, "COPY (SELECT 1 AS id, 'streaming' AS source, "+column+" AS event_time, TIMESTAMP '2026-11-03' AS ingested_at) TO '"+dir+"/a.parquet'")
		o := options(t, writeStore(t), nil)
		o.View.Root, o.View.TimePartition, o.View.EventTime.Unit = dir, model.TimePartition{}, "s"
		o = surveyed(t, o)
		_, err := align.Copy(t.Context(), o)
		if err == nil || !strings.Contains(err.Error(), `column "event_time" has a time in row 1`) {
			t.Errorf("%s: %v, want err != nil && strings.Contains(err.Error(), `column \"event_time\" has a time in row 1`)", name, err)
		}
	}
}
