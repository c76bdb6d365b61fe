package survey

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/partition"
	"github.com/featureaudit/featureaudit/audit/store"
	"github.com/featureaudit/featureaudit/audit/store/local"
)

// touch makes files of one byte: a plan opens none of them.
func touch(t *testing.T, names ...string) string {
	t.Helper()
	root := t.TempDir()
	for _, name := range names {
		abs := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(abs), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(abs, []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func plan(t *testing.T, view model.View, r partition.Range) (facts.Listing, model.View, []string, error) {
	t.Helper()
	asOf := time.Date(2026, 11, 6, 2, 0, 0, 0, time.UTC)
	return Plan(context.Background(), local.New(), view, asOf, r)
}

// filesOf shows files as "path partition source".
func filesOf(l facts.Listing) []string {
	var rows []string
	for _, f := range l.Files {
		value := "-"
		if f.Partition >= 0 {
			value = l.Partitions[f.Partition].Value
		}
		rows = append(rows, strings.TrimSpace(fmt.Sprintf("%s %s %s", f.Path, value, f.Source)))
	}
	return rows
}

func TestPlanInfers(t *testing.T) {
	root := touch(t, "v/dt=2026-11-03/b.parquet", "v/dt=2026-11-03/a.parquet", "v/dt=2026-11-03/_SUCCESS", "v/dt=2026-11-04/_SUCCESS", "v/dt=2026-11-06/a.parquet",
		"v/dt=__HIVE_DEFAULT_PARTITION__/x.parquet")
	l, view, notes, err := plan(t, model.View{Name: "v", Root: root, Path: "v/**/*.parquet"}, partition.Range{})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"dt=2026-11-03/a.parquet dt=2026-11-03", "dt=2026-11-03/b.parquet dt=2026-11-03", "dt=2026-11-06/a.parquet dt=2026-11-06",
		"dt=__HIVE_DEFAULT_PARTITION__/x.parquet dt=__HIVE_DEFAULT_PARTITION__"}; !slices.Equal(filesOf(l), want) {
		t.Errorf("files %q", filesOf(l))
	}
	var partitions []string
	for _, p := range l.Partitions {
		partitions = append(partitions, fmt.Sprintf("%d %s files=%d present=%v expected=%v open=%v", p.ID, p.Value, p.Files, p.Present, p.Expected, p.Open))
	}
	if want := []string{
		"0 dt=2026-11-03 files=2 present=true expected=true open=false",
		"1 dt=2026-11-04 files=0 present=true expected=true open=false",
		"2 dt=2026-11-05 files=0 present=false expected=true open=false",
		"3 dt=2026-11-06 files=1 present=true expected=false open=true",
		"4 dt=__HIVE_DEFAULT_PARTITION__ files=1 present=true expected=false open=false",
	}; !slices.Equal(partitions, want) {
		t.Errorf("partitions\n%s", strings.Join(partitions, "\n"))
	}
	tp := view.TimePartition
	if !slices.Equal(tp.Columns, []string{"dt"}) || tp.Grain != "day" || tp.Of != "event_time" || tp.Expected != "all" ||
		!maps.Equal(view.Origins, model.Origins{"time_partition.column": {Kind: model.OriginInferred}, "time_partition.grain": {Kind: model.OriginInferred}}) {
		t.Errorf("resolved %+v %v", tp, view.Origins)
	}
	if !slices.Equal(notes, []string{"partitioned by dt=, grain day"}) || !maps.Equal(l.Ignored, map[string]int64{"marker": 2}) || l.Root != filepath.Join(root, "v") {
		t.Errorf("notes %q ignored %v root %s", notes, l.Ignored, l.Root)
	}
}

func TestPlanDefaultsAreDropped(t *testing.T) {
	root := touch(t, "flat/a.parquet", "other/ds=2026-11-03/a.parquet")
	tp := model.TimePartition{Columns: []string{"dt"}, Grain: "day", Of: "event_time", Expected: "all"}
	shared := model.Origin{Kind: model.OriginForAll, Place: "featureaudit.yaml:8"}
	origins := model.Origins{"time_partition.column": shared, "time_partition.grain": shared}
	l, view, notes, err := plan(t, model.View{Root: root, Path: "flat", TimePartition: tp, Origins: origins}, partition.Range{})
	if err != nil || view.TimePartition.Declared() || l.Files[0].Partition != -1 || len(l.Partitions) != 0 ||
		!slices.Equal(notes, []string{"the default time_partition by dt is left out: not every path has it"}) {
		t.Errorf("flat: %+v %q %v", view.TimePartition, notes, err)
	}
	_, view, _, err = plan(t, model.View{Root: root, Path: "other", TimePartition: tp, Origins: origins}, partition.Range{})
	if err != nil || !slices.Equal(view.TimePartition.Columns, []string{"ds"}) || origins["time_partition.column"] != shared {
		t.Errorf("other: %+v %v", view.TimePartition, err)
	}
	declared := model.Origins{"time_partition.column": model.Written("featureaudit.yaml:12")}
	if _, _, _, err = plan(t, model.View{Root: root, Path: "flat", TimePartition: tp, Origins: declared}, partition.Range{}); err == nil ||
		!strings.Contains(err.Error(), "a.parquet: its path has no dt= folder") {
		t.Errorf("declared: %v", err)
	}
}

func TestPlanSources(t *testing.T) {
	root := touch(t, "data/batch/dt=2026-11-03/a.parquet", "data/stream/dt=2026-11-03/b.parquet", "data/x/dt=2026-11-03/c.parquet", "hive/source=web/a.parquet", "hive/top.parquet")
	view := model.View{Root: root, Path: "data/**/*.parquet", Sources: []model.SourcePolicy{{Name: "batch", Path: "data/batch/**/*.parquet"}, {Name: "streaming", Path: "data/stream"}}}
	l, _, _, err := plan(t, view, partition.Range{})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"batch/dt=2026-11-03/a.parquet dt=2026-11-03 batch", "stream/dt=2026-11-03/b.parquet dt=2026-11-03 streaming", "x/dt=2026-11-03/c.parquet dt=2026-11-03"}; !slices.Equal(filesOf(l), want) {
		t.Errorf("files %q", filesOf(l))
	}
	view.Path = ""
	l, _, _, err = plan(t, view, partition.Range{})
	if want := []string{"batch/dt=2026-11-03/a.parquet dt=2026-11-03 batch", "stream/dt=2026-11-03/b.parquet dt=2026-11-03 streaming"}; err != nil || !slices.Equal(filesOf(l), want) {
		t.Errorf("files %q %v", filesOf(l), err)
	}
	l, _, _, err = plan(t, model.View{Root: root, Path: "data/**/*.parquet", Source: model.SourceColumn{PathSegment: 1}}, partition.Range{})
	if err != nil || l.Files[0].Source != "batch" || l.Files[1].Source != "stream" {
		t.Errorf("segments %q %v", filesOf(l), err)
	}
	l, _, _, err = plan(t, model.View{Root: root, Path: "hive/*/*.parquet", Source: model.SourceColumn{PathSegment: 1}}, partition.Range{})
	if err != nil || l.Files[0].Source != "web" {
		t.Errorf("hive segment %q %v", filesOf(l), err)
	}
	var wrong *partition.PathError
	if _, _, _, err = plan(t, model.View{Root: root, Path: "hive", Source: model.SourceColumn{PathSegment: 1}}, partition.Range{}); !errors.As(err, &wrong) || wrong.Path != "top.parquet" {
		t.Errorf("no segment: %v", err)
	}
	view.Sources[1].Path = "data/b*/**"
	if _, _, _, err = plan(t, view, partition.Range{}); err == nil || !strings.Contains(err.Error(), "sources batch and streaming both match it") {
		t.Errorf("overlap: %v", err)
	}
}

func TestPlanErrors(t *testing.T) {
	root := touch(t, "v/dt=2026-11-03/a.parquet", "flat/a.parquet")
	tests := []struct {
		view model.View
		r    partition.Range
		want string
	}{
		{model.View{Name: "v"}, partition.Range{}, "view v has no path"},
		{model.View{Name: "v", Path: "flat"}, partition.Range{From: "2026-11-03", To: "2026-11-03"}, "view v has no time partitions"},
		{model.View{Name: "v", Path: "v", TimePartition: model.TimePartition{Zone: "UTC"}, Origins: model.ParseOrigins(map[string]string{"time_partition.zone": "f.yaml:3"})}, partition.Range{}, ""},
		{model.View{Name: "v", Path: "flat", TimePartition: model.TimePartition{Zone: "UTC"}, Origins: model.ParseOrigins(map[string]string{"time_partition.zone": "f.yaml:3"})}, partition.Range{}, "declare both"},
		{model.View{Name: "v", Path: "v/dt=2026-11-03/*.parquet", TimePartition: model.TimePartition{Columns: []string{"dt"}, Grain: "day"}, Origins: model.ParseOrigins(map[string]string{"time_partition.column": "f.yaml:3"})},
			partition.Range{}, "path names one partition itself: write dt=* there"},
		{model.View{Name: "v", Path: "nowhere/*.parquet"}, partition.Range{}, "no Parquet file matches nowhere/*.parquet"},
	}
	for _, tt := range tests {
		tt.view.Root = root
		_, _, _, err := plan(t, tt.view, tt.r)
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: got %v, want %q", tt.view.Path, err, tt.want)
		}
	}
	var none *store.NoMatchError
	if _, _, _, err := plan(t, model.View{Root: root, Path: "nowhere"}, partition.Range{}); !errors.As(err, &none) {
		t.Errorf("got %v, want errors.As(err, &none)", err)
	}
}

func TestPlanFeastLogs(t *testing.T) {
	root, err := filepath.Abs(filepath.Join("..", "..", "fixtures", "feast", "offline", "dask", "logs"))
	if err != nil {
		t.Fatal(err)
	}
	l, view, _, err := plan(t, model.View{Path: root}, partition.Range{From: "2026-03-01", To: "2026-03-03"})
	if err != nil || len(l.Partitions) != 3 || l.Partitions[0].Value != "2026-03-01" || view.TimePartition.Grain != "day" {
		t.Fatalf(`got %+v %+v %v, want err == nil && len(l.Partitions) == 3 && l.Partitions[0].Value == "2026-03-01" && view.TimePartition.Grain == "day"`, l.Partitions, view.TimePartition, err)
	}
	s, err := Survey(context.Background(), local.New(), l, RolesOf(view), 2, nil)
	if err != nil || s.Partitions[0].Rows != 6 || s.Partitions[1].Rows != 6 || s.Partitions[2].Rows != 6 {
		t.Errorf("rows %+v %v", s.Partitions, err)
	}
}
