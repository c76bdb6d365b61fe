package delta_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/store/local"
	"github.com/featureaudit/featureaudit/audit/table/delta"
	"github.com/featureaudit/featureaudit/audit/table/logged"
	"github.com/featureaudit/featureaudit/audit/times"
	"github.com/featureaudit/featureaudit/fixtures"
	"github.com/featureaudit/featureaudit/fixtures/deltatable"
)

// must fails the test at once.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

var plainSchema = []map[string]any{deltatable.Field("id", "long"), deltatable.Field("dt", "string")}

func rows(n int) fixtures.Table {
	values := make([]any, n)
	for i := range values {
		values[i] = int64(i)
	}
	return fixtures.Table{Columns: []fixtures.Column{{Name: "id", Type: fixtures.Int64Type, Values: values}}}
}

// summary is what a version has, as text: each path with its values and its deleted rows.
func summary(t *testing.T, s logged.Version) []string {
	t.Helper()
	var lines []string
	for _, f := range s.Files {
		var deleted []int64
		if f.Load != nil {
			set, err := f.Load(t.Context())
			must(t, err)
			for row := set.Next(0); row >= 0; row = set.Next(row + 1) {
				deleted = append(deleted, row)
			}
		}
		lines = append(lines, fmt.Sprint(f.Path, " ", f.Values, " ", deleted))
	}
	return lines
}

func read(t *testing.T, dir string, at model.TableAt) []string {
	t.Helper()
	s, err := delta.Read(t.Context(), local.New(), dir, at)
	must(t, err)
	return summary(t, s)
}

func version(v int64) model.TableAt { return model.TableAt{Version: &v} }

// TestEveryVersionOfALongHistory commits 200 versions at random, with checkpoints of every kind, compactions and clean-ups between them,
// and reads each version that the log still has.
func TestEveryVersionOfALongHistory(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 22))
	dir := t.TempDir()
	table, err := deltatable.New(dir, deltatable.Options{Schema: plainSchema, Partitions: []string{"dt"}, Reader: 3, Features: []string{"deletionVectors", "v2Checkpoint"}})
	must(t, err)
	live, want := map[string]string{}, map[int64][]string{0: nil}
	kinds := []string{deltatable.Classic, deltatable.Parts, deltatable.V2Parquet, deltatable.V2JSON}
	first := int64(0)
	for n := range 200 {
		var add []deltatable.File
		var remove []string
		for path := range live {
			remove = append(remove, path)
		}
		slices.Sort(remove)
		random.Shuffle(len(remove), func(i, j int) { remove[i], remove[j] = remove[j], remove[i] })
		remove = remove[:random.IntN(min(len(remove), 3)+1)]
		again := ""
		if len(remove) > 1 { // one of them comes back with other deleted rows
			again, remove = remove[0], remove[1:]
		}
		for i := range random.IntN(3) {
			day := random.IntN(4)
			f := deltatable.File{Path: fmt.Sprintf("dt=2026-11-0%d/f %d-%d%%.parquet", day+1, n, i), Values: map[string]any{"dt": fmt.Sprintf("2026-11-0%d", day+1)}, Rows: rows(20)}
			if day == 3 {
				f.Values["dt"] = nil
			}
			add = append(add, f)
		}
		if again != "" {
			f := deltatable.File{Path: again, Values: map[string]any{"dt": nil}, Rows: rows(20)}
			for row := range int64(20) {
				if random.IntN(3) == 0 {
					f.Deleted = append(f.Deleted, row)
				}
			}
			f.Store = []string{"i", "u", "p"}[random.IntN(3)]
			add = append(add, f)
		}
		must(t, table.Commit(add, remove...))
		for _, path := range remove {
			delete(live, path)
		}
		for _, f := range add {
			value := logged.Null
			if v, ok := f.Values["dt"].(string); ok {
				value = v
			}
			live[f.Path] = fmt.Sprint(f.Path, " [{dt ", value, "}] ", f.Deleted)
		}
		for _, path := range slices.Sorted(maps.Keys(live)) {
			want[table.Version] = append(want[table.Version], live[path])
		}
		switch {
		case table.Version%17 == 0:
			must(t, table.Checkpoint(kinds[int(table.Version/17)%len(kinds)]))
		case table.Version%17 == 9:
			must(t, table.Compact(table.Version-5, table.Version))
			if table.Version > 150 {
				must(t, table.Forget(table.Version-3, table.Version-3)) // the compaction stands for it only from its own first version on
				must(t, table.Forget(table.Version-5, table.Version-4))
			}
		case table.Version == 120:
			must(t, table.Forget(0, 101))
			first = 102
		}
	}
	readable := 0
	for v := range table.Version + 1 {
		s, err := delta.Read(t.Context(), local.New(), dir, version(v))
		if err != nil {
			if v < first && strings.Contains(err.Error(), fmt.Sprintf("version %d", v)) || strings.Contains(err.Error(), "its log has a gap: the commit of version") {
				continue // refused by name
			}
			t.Fatalf("version %d: %v", v, err)
		}
		readable++
		if got := summary(t, s); !slices.Equal(got, want[v]) {
			t.Fatalf("version %d\n got %s\nwant %s", v, strings.Join(got, "\n     "), strings.Join(want[v], "\n     "))
		}
		if at := times.Instant(deltatable.Start+v*60_000) * 1000; s.CommittedAt != at && s.CommittedAt > 0 {
			t.Errorf("version %d is of %d, want %d", v, s.CommittedAt, at)
		}
		if _, err := os.Stat(table.CommitName(v)); err == nil && v%10 == 3 {
			as := model.TableAt{AsOf: s.CommittedAt.Time().Add(59 * time.Second)}
			if got := read(t, dir, as); !slices.Equal(got, want[v]) {
				t.Errorf("as of a minute after version %d: %v", v, got)
			}
		}
	}
	if readable < 85 {
		t.Errorf("%d versions can be read, want at least 85", readable)
	}
}

// edit changes the text of a file.
func edit(t *testing.T, name, from, to string) {
	t.Helper()
	data, err := os.ReadFile(name)
	must(t, err)
	if !strings.Contains(string(data), from) {
		t.Fatalf("%s does not hold %s: %s", name, from, data)
	}
	must(t, os.WriteFile(name, []byte(strings.ReplaceAll(string(data), from, to)), 0o644))
}

// TestRefusals holds each thing that is not read to an error that names it.
func TestRefusals(t *testing.T) {
	feature := func(name string) func(*testing.T, *deltatable.Table) {
		return func(t *testing.T, table *deltatable.Table) {
			edit(t, table.CommitName(0), `"readerFeatures":["deletionVectors"]`, `"readerFeatures":["deletionVectors",`+name+`]`)
		}
	}
	commit := func(version int64, from, to string) func(*testing.T, *deltatable.Table) {
		return func(t *testing.T, table *deltatable.Table) { edit(t, table.CommitName(version), from, to) }
	}
	for name, test := range map[string]struct {
		do   func(*testing.T, *deltatable.Table)
		at   model.TableAt
		want string
	}{
		"a feature":            {do: feature(`"variantType"`), want: "it needs the reader feature variantType (reader version 3), which is not read here"},
		"two features":         {do: feature(`"geospatial","futureThing"`), want: "it needs the reader feature futureThing and geospatial (reader version 3)"},
		"catalog-managed":      {do: feature(`"catalogManaged"`), want: "the feature catalogManaged: a catalog says which version is its last"},
		"a later reader":       {do: commit(0, `"minReaderVersion":3`, `"minReaderVersion":4`), want: "readers of version 4 of the format, and versions 1 to 3 are read"},
		"no list of features":  {do: commit(0, `"readerFeatures"`, `"Xeatures"`), want: `unknown field "Xeatures"`},
		"another format":       {do: commit(0, `"provider":"parquet"`, `"provider":"orc"`), want: `its files are in the format "orc"`},
		"a gap":                {do: func(t *testing.T, table *deltatable.Table) { must(t, table.Forget(1, 1)) }, want: "its log has a gap: the commit of version 1 is not there"},
		"no beginning":         {do: func(t *testing.T, table *deltatable.Table) { must(t, table.Forget(0, 0)) }, want: "its log begins with version 1, and no checkpoint says what version 3 held"},
		"a version to come":    {do: func(*testing.T, *deltatable.Table) {}, at: version(9), want: "it has no version 9: its last is 3"},
		"a time before":        {do: func(*testing.T, *deltatable.Table) {}, at: model.TableAt{AsOf: time.UnixMicro(1)}, want: "the oldest commit in its log, version 0, is later than 1970-01-01T00:00:00Z"},
		"an unknown action":    {do: commit(2, `{"add"`, `{"append"`), want: `version 2: _delta_log/00000000000000000002.json: line 2: the action "append" is not known here`},
		"an unknown field":     {do: commit(2, `"deletionVector"`, `"deletionVectors"`), want: `unknown field "deletionVectors"`},
		"no size":              {do: commit(2, `"size"`, `"sizes"`), want: `unknown field "sizes"`},
		"broken JSON":          {do: commit(2, `"partitionValues":{`, `"partitionValues":`), want: "line 2: want an action as one object of JSON"},
		"an empty commit":      {do: func(t *testing.T, table *deltatable.Table) { must(t, os.WriteFile(table.CommitName(2), nil, 0o644)) }, want: "it is empty"},
		"a removal of nothing": {do: commit(3, `{"remove":{`, `{"remove":{"size":3,"path":"none.parquet"}}`+"\n"+`{"remove":{`), want: "version 3: it removes none.parquet, which is no part of the version before"},
		"a path out of it":     {do: commit(2, `"path":"b.parquet"`, `"path":"../b.parquet"`), want: `its path "../b.parquet" leads out of the table`},
		"a value too many":     {do: commit(2, `"partitionValues":{"dt":"2026-11-03"}`, `"partitionValues":{"dt":"2026-11-03","x":"y"}`), want: "it has 2 values of partitions, and the table 1 partition columns (dt)"},
		"no checkpoint": {do: func(t *testing.T, table *deltatable.Table) {
			must(t, table.Checkpoint(deltatable.Classic))
			must(t, os.Remove(filepath.Join(table.Dir, "_delta_log", "00000000000000000003.checkpoint.parquet")))
		}, want: "the checkpoint of version 3 is not there, and _delta_log/_last_checkpoint names it"},
		"a part of a checkpoint": {do: func(t *testing.T, table *deltatable.Table) {
			must(t, table.Checkpoint(deltatable.Parts))
			must(t, os.Remove(filepath.Join(table.Dir, "_delta_log", "00000000000000000003.checkpoint.0000000002.0000000003.parquet")))
		}, want: "the checkpoint of version 3 is not whole: 1 of its 3 parts are not there"},
		"another checkpoint": {do: func(t *testing.T, table *deltatable.Table) {
			must(t, table.Checkpoint(deltatable.Classic))
			edit(t, filepath.Join(table.Dir, "_delta_log", "_last_checkpoint"), `"numOfAddFiles":2`, `"numOfAddFiles":3`)
		}, want: "checkpoint of version 3: it has 2 files, and _last_checkpoint says 3"},
		"no sidecar": {do: func(t *testing.T, table *deltatable.Table) {
			must(t, table.Checkpoint(deltatable.V2JSON))
			must(t, os.Remove(filepath.Join(table.Dir, "_delta_log", "_sidecars", "00000000000000000003-side-0.parquet")))
		}, want: "its sidecar 00000000000000000003-side-0.parquet is not there"},
		"another sum": {do: func(t *testing.T, table *deltatable.Table) {
			must(t, os.WriteFile(strings.TrimSuffix(table.CommitName(3), ".json")+".crc", []byte(`{"numFiles":5}`), 0o644))
		}, want: "and others by its checksum"},
		"an end that is gone": {do: func(t *testing.T, table *deltatable.Table) {
			must(t, table.Checkpoint(deltatable.Classic))
			must(t, os.Remove(filepath.Join(table.Dir, "_delta_log", "00000000000000000003.checkpoint.parquet")))
			must(t, table.Forget(3, 3))
		}, want: "its log ends with version 2, and _delta_log/_last_checkpoint names a checkpoint of version 3: the end of the log is not there"},
		"an end that a checksum tells of": {do: func(t *testing.T, table *deltatable.Table) {
			must(t, os.WriteFile(strings.TrimSuffix(table.CommitName(4), ".json")+".crc", []byte(`{"numFiles":5}`), 0o644))
		}, want: "its log ends with version 3, and it has a checksum of a later version (00000000000000000004.crc)"},
		"a coordinator":   {do: commit(0, `"writerFeatures":["deletionVectors"]`, `"writerFeatures":["coordinatedCommits-preview"]`), want: "the feature coordinatedCommits-preview: a catalog says"},
		"a lost mapping":  {do: commit(0, `\"metadata\":{},\"name\":\"id\"`, `\"metadata\":{\"delta.columnMapping.physicalName\":\"c1\"},\"name\":\"id\"`), want: `its schema maps "id" to "c1", and no delta.columnMapping.mode says how`},
		"one file, twice": {do: func(t *testing.T, table *deltatable.Table) { again(t, table) }, want: "it lists b.parquet twice, by its path and by /"},
		"a mapping":       {do: commit(0, `"configuration":{`, `"configuration":{"delta.columnMapping.mode":"moon"`), want: `its delta.columnMapping.mode is "moon"`},
	} {
		t.Run(name, func(t *testing.T) {
			table := small(t)
			test.do(t, table)
			_, err := delta.Read(t.Context(), local.New(), table.Dir, test.at)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
		})
	}
}

// again adds b.parquet once more, by its absolute path.
func again(t *testing.T, table *deltatable.Table) {
	t.Helper()
	must(t, table.Raw(map[string]any{"add": map[string]any{"path": "file://" + filepath.ToSlash(filepath.Join(table.Dir, "b.parquet")), "partitionValues": map[string]any{"dt": "2026-11-03"},
		"size": 1, "modificationTime": 1, "dataChange": true}}))
}

// small has three files at first, one of which goes.
func small(t *testing.T) *deltatable.Table {
	t.Helper()
	return smallWith(t, "i")
}

// smallWith keeps its vector in a way of its own.
func smallWith(t *testing.T, vectors string) *deltatable.Table {
	t.Helper()
	table, err := deltatable.New(t.TempDir(), deltatable.Options{Schema: plainSchema, Partitions: []string{"dt"}, Reader: 3, Features: []string{"deletionVectors"}})
	must(t, err)
	of := func(path string, deleted ...int64) deltatable.File {
		return deltatable.File{Path: path, Values: map[string]any{"dt": "2026-11-03"}, Rows: rows(10), Deleted: deleted, Store: vectors}
	}
	must(t, table.Commit([]deltatable.File{of("a.parquet"), of("c.parquet")}))
	must(t, table.Commit([]deltatable.File{of("b.parquet", 3, 4)}))
	must(t, table.Commit(nil, "c.parquet"))
	return table
}

// TestDamagedVectors changes a vector in each way, and wants an error.
func TestDamagedVectors(t *testing.T) {
	for _, kind := range []string{"i", "u"} {
		table, err := deltatable.New(t.TempDir(), deltatable.Options{Schema: plainSchema, Reader: 3, Features: []string{"deletionVectors"}})
		must(t, err)
		must(t, table.Commit([]deltatable.File{{Path: "a.parquet", Rows: rows(10), Deleted: []int64{1, 2, 5}, Store: kind}}))
		name := table.CommitName(1)
		if kind == "u" {
			found, err := filepath.Glob(filepath.Join(table.Dir, "*.bin"))
			must(t, err)
			name = found[0]
		}
		data, err := os.ReadFile(name)
		must(t, err)
		want := read(t, table.Dir, model.TableAt{})
		for at := range data {
			if kind == "i" && !within(data, at, `"pathOrInlineDv":"`) && !within(data, at, `"cardinality":`) {
				continue
			}
			damaged := slices.Clone(data)
			damaged[at] ^= 1
			must(t, os.WriteFile(name, damaged, 0o644))
			s, err := delta.Read(t.Context(), local.New(), table.Dir, model.TableAt{})
			if err != nil {
				continue
			}
			set, err := s.Files[0].Load(t.Context())
			if err == nil && kind == "u" && !slices.Equal(summary(t, s), want) {
				t.Errorf("byte %d of the vector's file: %v", at, summary(t, s))
			}
			if err == nil && set.Count() != 3 {
				t.Errorf("byte %d: %d rows", at, set.Count())
			}
		}
	}
}

// within says whether a byte lies in the value that follows a mark.
func within(data []byte, at int, mark string) bool {
	begin := strings.Index(string(data), mark)
	end := begin + len(mark) + strings.IndexAny(string(data[begin+len(mark):]), `",}`)
	return at >= begin+len(mark) && at < end
}

// TestADamagedLogIsNoOtherTable changes each byte of a small commit that adds files: the version is refused, or has the same files,
// or ones whose damage their own bytes tell: another path, another size.
func TestADamagedLogIsNoOtherTable(t *testing.T) {
	table := small(t)
	name := table.CommitName(1)
	data, err := os.ReadFile(name)
	must(t, err)
	want := read(t, table.Dir, model.TableAt{})
	refused := 0
	for at := range data {
		for _, bit := range []byte{1, 32} {
			damaged := slices.Clone(data)
			damaged[at] ^= bit
			must(t, os.WriteFile(name, damaged, 0o644))
			s, err := delta.Read(t.Context(), local.New(), table.Dir, model.TableAt{})
			if err != nil {
				refused++
				continue
			}
			if got := summary(t, s); !slices.Equal(got, want) && !told(t, table.Dir, s) && !within2(data, at, `"dt":"`) {
				t.Errorf("byte %d (%s): %v", at, damaged[max(0, at-20):min(len(damaged), at+20)], got)
			}
		}
	}
	if refused < len(data)/2 {
		t.Errorf("%d changes of %d bytes are refused", refused, len(data))
	}
}

// TestADamagedCheckpointIsNoOtherTable changes bytes of checkpoints of each kind, and of what names them, in a log that has nothing else of
// their versions: the same holds.
func TestADamagedCheckpointIsNoOtherTable(t *testing.T) {
	for _, kind := range []string{deltatable.Classic, deltatable.V2JSON, deltatable.V2Parquet, deltatable.Parts} {
		table := smallWith(t, "u") // an inline vector has no checksum
		must(t, table.Checkpoint(kind))
		must(t, table.Forget(0, 3))
		want := read(t, table.Dir, model.TableAt{})
		if len(want) != 2 {
			t.Fatalf("%s: %v", kind, want)
		}
		refused, all := 0, 0
		must(t, filepath.WalkDir(filepath.Join(table.Dir, "_delta_log"), func(name string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			data, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			step := 2
			if strings.HasSuffix(name, ".parquet") {
				step = 61 // no divisor of what columns and pages are long
			}
			for at := len(name) % step; at < len(data); at += step {
				all++
				damaged := slices.Clone(data)
				damaged[at] ^= byte(1) << (at % 6)
				must(t, os.WriteFile(name, damaged, 0o644))
				s, err := delta.Read(t.Context(), local.New(), table.Dir, model.TableAt{})
				if err != nil {
					refused++
					continue
				}
				if got, ok := tried(t, s); ok && !slices.Equal(got, want) && !told(t, table.Dir, s) && !valued(got, want) {
					t.Errorf("%s: byte %d of %s: %v", kind, at, filepath.Base(name), got)
				}
			}
			return os.WriteFile(name, data, 0o644)
		}))
		if refused < all/3 {
			t.Errorf("%s: %d of %d changes are refused", kind, refused, all)
		}
	}
}

// tried is the summary of a version, unless one of its vectors is refused.
func tried(t *testing.T, s logged.Version) ([]string, bool) {
	t.Helper()
	for _, f := range s.Files {
		if f.Load != nil {
			if _, err := f.Load(t.Context()); err != nil {
				return nil, false
			}
		}
	}
	return summary(t, s), true
}

// valued says that two summaries differ by the values of partitions alone: what those were, nothing else tells.
func valued(got, want []string) bool {
	bare := func(lines []string) (out []string) {
		for _, line := range lines {
			path, rest, _ := strings.Cut(line, " [{")
			_, deleted, _ := strings.Cut(rest, "}] ")
			out = append(out, path+deleted)
		}
		return out
	}
	return slices.Equal(bare(got), bare(want))
}

// within2 says whether a byte lies in the value after a mark, wherever that stands: what a partition's value was, nothing else tells.
func within2(data []byte, at int, mark string) bool {
	begin := strings.LastIndex(string(data[:at]), mark)
	return begin >= 0 && !strings.ContainsAny(string(data[begin+len(mark):at]), `"`)
}

// told says that some file is not there, or has another size than the log says.
func told(t *testing.T, dir string, s logged.Version) bool {
	t.Helper()
	return slices.ContainsFunc(s.Files, func(f logged.File) bool {
		info, err := os.Stat(filepath.Join(dir, f.Path))
		return err != nil || info.Size() != f.Size
	})
}

// TestValues tells NULL from the word, and reads what is percent-encoded.
func TestValues(t *testing.T) {
	table, err := deltatable.New(t.TempDir(), deltatable.Options{Schema: append(slices.Clone(plainSchema), deltatable.Field("at", "timestamp")), Partitions: []string{"dt", "at"}})
	must(t, err)
	must(t, table.Commit([]deltatable.File{
		{Path: "dt=a%20b/x y%.parquet", Values: map[string]any{"dt": "a b", "at": "2026-11-03 00:00:00"}, Rows: rows(1)},
		{Path: "n.parquet", Values: map[string]any{"dt": nil, "at": ""}, Rows: rows(1)},
		{Path: "w.parquet", Values: map[string]any{"dt": "NULL", "at": "null"}, Rows: rows(1)},
	}))
	want := []string{"dt=a%20b/x y%.parquet [{dt a b} {at 2026-11-03 00:00:00}] []", "n.parquet [{dt " + logged.Null + "} {at " + logged.Null + "}] []", "w.parquet [{dt NULL} {at null}] []"}
	if got := read(t, table.Dir, model.TableAt{}); !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
	must(t, table.Checkpoint(deltatable.Classic))
	must(t, table.Forget(0, 1))
	if got := read(t, table.Dir, model.TableAt{}); !slices.Equal(got, want) {
		t.Errorf("by the checkpoint: got %q\nwant %q", got, want)
	}
}

// TestClocksThatGoBack takes each version for later than the one before.
func TestClocksThatGoBack(t *testing.T) {
	table := small(t)
	stamp := func(v int64) string { return fmt.Sprint(deltatable.Start + v*60_000) }
	edit(t, table.CommitName(2), stamp(2), stamp(-5))
	s, err := delta.Read(t.Context(), local.New(), table.Dir, model.TableAt{AsOf: time.UnixMilli(deltatable.Start + 60_001)})
	must(t, err)
	if s.Number != 2 {
		t.Errorf("version %d, want 2", s.Number)
	}
	text, err := json.Marshal(s.CommittedAt.Time())
	must(t, err)
	if s.CommittedAt != (deltatable.Start+60_001)*1000 {
		t.Errorf("committed at %s", text)
	}
}
