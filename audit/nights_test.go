package audit_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/featureaudit/featureaudit/audit"
	"github.com/featureaudit/featureaudit/audit/check"
	"github.com/featureaudit/featureaudit/audit/engine/duckdb"
	"github.com/featureaudit/featureaudit/audit/kept"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/sensitive"
	"github.com/featureaudit/featureaudit/fixtures"
	"github.com/featureaudit/featureaudit/fixtures/deltatable"
)

// nightSequences is how many random sequences of nights are lived through; the variable asks for others (make test-all): so many from the
// first on, as "500", or from another on, as "500@1000".
const (
	nightSequences = 30
	nightVariable  = "FEATUREAUDIT_TEST_NIGHTS"
)

func sequencesToLive(t *testing.T) (first, count uint64) {
	t.Helper()
	text := os.Getenv(nightVariable)
	if text == "" {
		return 0, nightSequences
	}
	many, from, _ := strings.Cut(text, "@")
	count, err := strconv.ParseUint(many, 10, 32)
	if err == nil && from != "" {
		first, err = strconv.ParseUint(from, 10, 32)
	}
	if err != nil {
		t.Fatalf("%s: %v", nightVariable, err)
	}
	return first, count
}

// TestNightsWithKeptFacts lives through random sequences of nights on random hostile stores: whatever happens to the files, the
// policy, the clock and the folder of facts, a run that uses the facts of earlier nights gives the report of one that reads all, in every byte
// but those of its execution.
func TestNightsWithKeptFacts(t *testing.T) {
	db := openEngine(t)
	var known, read, forgotten, verified atomic.Int64
	t.Run("nights", func(t *testing.T) {
		first, count := sequencesToLive(t)
		for seed := first; seed < first+count; seed++ {
			t.Run(fmt.Sprint(seed), func(t *testing.T) {
				t.Parallel()
				w := anyWorld(t, sharedScanner(db), seed)
				for night := range 7 {
					w.live(night)
				}
				verified.Add(w.verifiedRows())
				known.Add(w.known)
				read.Add(w.read)
				forgotten.Add(w.notUsed)
			})
		}
	})
	t.Logf("%d files were known and %d read; %d packs were not used, and %d verified rows are kept", known.Load(), read.Load(), forgotten.Load(), verified.Load())
	if known.Load() < read.Load()/2 || forgotten.Load() == 0 || verified.Load() == 0 {
		t.Errorf("%d files were known and %d read, %d packs were damaged, and %d verified rows are kept: the nights try too little", known.Load(), read.Load(), forgotten.Load(), verified.Load())
	}
}

// anyWorld is a store of plain files, a Delta or an Iceberg table.
func anyWorld(t *testing.T, adapters audit.Adapters, seed uint64) *world {
	t.Helper()
	if kind := seed % 4; kind >= 2 {
		return newLake(t, adapters, seed, kind == 3)
	}
	return newWorld(t, adapters, seed)
}

// openEngine opens an engine that runs of a test share.
func openEngine(t *testing.T) *duckdb.Database {
	t.Helper()
	db, err := duckdb.Open(duckdb.Config{Threads: 2, TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return db
}

// sharedScanner lets runs share an engine, which takes time to start.
func sharedScanner(db *duckdb.Database) audit.Adapters {
	adapters := realAdapters()
	adapters.OpenScanner = func(int, int64, string) (audit.Scanner, error) { return neverClosed{db}, nil }
	return adapters
}

type neverClosed struct{ *duckdb.Database }

func (neverClosed) Close() {}

// world is a store, its policy, a clock and a folder of facts.
type world struct {
	t        *testing.T
	rng      *rand.Rand
	adapters audit.Adapters
	// live is the store, and pool are files that are not in it now, by the path that they have in it.
	root, pool, facts string
	views             []model.View
	asOf              time.Time
	tool              report.Tool
	touched           int
	known, read       int64
	notUsed           int64
	log               []string
	// mask hides what is sensitive; nil numbers it.
	mask *sensitive.Mask
	// verdicts and errors are how many results had one or were one, and firstError says of what.
	verdicts, errors int
	firstError       string
	// because is why the last run with kept facts read files.
	because      map[string]int64
	suppressions []model.Suppression
	consumers    []model.Consumer
	// reading says that nothing is added to the facts.
	reading bool
	// table is what the store is, where it is a table.
	table *deltatable.Table
	// lake is the table of random nights, nil where the store is plain files.
	lake *lake
	// memory is the limit of a run, in bytes; 0 for the usual one.
	memory int64
	// plain is the last report of a run without facts.
	plain []byte
}

func newWorld(t *testing.T, adapters audit.Adapters, seed uint64) *world {
	t.Helper()
	w := &world{t: t, rng: rand.New(rand.NewPCG(seed, 19)), adapters: adapters, root: t.TempDir(), pool: t.TempDir(), facts: filepath.Join(t.TempDir(), "facts")}
	store, err := fixtures.RandomStoreIn(w.root, seed, fixtures.Layout{Pieces: 1 + w.rng.IntN(3)})
	if err != nil {
		t.Fatal(err)
	}
	w.asOf = store.AsOf
	if w.rng.IntN(3) > 0 { // most files are settled from then on
		w.asOf = w.asOf.AddDate(0, 0, 20)
	}
	w.views = []model.View{store.View}
	files := w.files(w.root)
	for _, name := range files[1:] {
		if w.rng.IntN(3) == 0 {
			w.move(w.root, w.pool, name)
		}
	}
	return w
}

func (w *world) files(dir string) []string {
	w.t.Helper()
	var names []string
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			name, relErr := filepath.Rel(dir, path)
			names = append(names, name)
			err = relErr
		}
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return names
}

func (w *world) do(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) move(from, to, name string) {
	w.t.Helper()
	w.do(os.MkdirAll(filepath.Dir(filepath.Join(to, name)), 0o755))
	w.do(os.Rename(filepath.Join(from, name), filepath.Join(to, name)))
}

// touch gives a file a time that it never had.
func (w *world) touch(path string) {
	w.t.Helper()
	w.touched++
	info, err := os.Stat(path)
	w.do(err)
	at := info.ModTime().Add(time.Duration(w.touched) * time.Millisecond)
	w.do(os.Chtimes(path, at, at))
}

func (w *world) any(dir string) string {
	names := w.files(dir)
	if len(names) == 0 {
		return ""
	}
	return names[w.rng.IntN(len(names))]
}

// happening is what may happen between two nights.
type happening struct {
	name string
	do   func(w *world)
}

var happenings = []happening{
	{"a file comes", func(w *world) {
		if name := w.any(w.pool); name != "" {
			w.move(w.pool, w.root, name)
		}
	}},
	{"several files come", func(w *world) {
		for _, name := range w.files(w.pool) {
			if w.rng.IntN(2) == 0 {
				w.move(w.pool, w.root, name)
			}
		}
	}},
	{"a file goes", func(w *world) {
		if len(w.files(w.root)) > 1 {
			w.move(w.root, w.pool, w.any(w.root))
		}
	}},
	{"a file is rewritten with the rows of another", func(w *world) {
		into, from := w.any(w.root), w.any(w.root)
		raw, err := os.ReadFile(filepath.Join(w.root, from))
		w.do(err)
		w.do(os.WriteFile(filepath.Join(w.root, into), raw, 0o644))
		w.touch(filepath.Join(w.root, into))
	}},
	{"the oldest file is rewritten with the rows of the newest", func(w *world) {
		names := w.files(w.root)
		raw, err := os.ReadFile(filepath.Join(w.root, names[len(names)-1]))
		w.do(err)
		w.do(os.WriteFile(filepath.Join(w.root, names[0]), raw, 0o644))
		w.touch(filepath.Join(w.root, names[0]))
	}},
	{"two files change places, with their times", func(w *world) {
		a, b := w.any(w.root), w.any(w.root)
		if a != b {
			w.do(os.Rename(filepath.Join(w.root, a), filepath.Join(w.root, "aside")))
			w.do(os.Rename(filepath.Join(w.root, b), filepath.Join(w.root, a)))
			w.do(os.Rename(filepath.Join(w.root, "aside"), filepath.Join(w.root, b)))
		}
	}},
	{"a file has another name", func(w *world) {
		name := w.any(w.root)
		w.do(os.Rename(filepath.Join(w.root, name), filepath.Join(w.root, filepath.Dir(name), fmt.Sprintf("renamed-%d.parquet", w.rng.IntN(1000)))))
	}},
	{"a file is written twice", func(w *world) {
		name := w.any(w.root)
		raw, err := os.ReadFile(filepath.Join(w.root, name))
		w.do(err)
		w.do(os.WriteFile(filepath.Join(w.root, filepath.Dir(name), fmt.Sprintf("copy-%d.parquet", w.rng.IntN(1000))), raw, 0o644))
	}},
	{"a file is touched", func(w *world) { w.touch(filepath.Join(w.root, w.any(w.root))) }},
	{"all files are touched", func(w *world) {
		for _, name := range w.files(w.root) {
			w.touch(filepath.Join(w.root, name))
		}
	}},
	{"the ttl is edited", func(w *world) {
		w.view().TTL = model.TTL{Duration: time.Duration(1+w.rng.IntN(100)) * time.Hour, Explicit: true}
	}},
	{"the tolerance is edited", func(w *world) { w.view().Tolerance = time.Duration(w.rng.IntN(120)) * time.Minute }},
	{"the longest lag is edited", func(w *world) { w.view().MaxLag = time.Duration(w.rng.IntN(48)) * time.Hour }},
	{"the zone is edited", func(w *world) {
		w.view().Zone = []string{"", "UTC", "Europe/Berlin", "Asia/Kolkata", "device"}[w.rng.IntN(5)]
	}},
	{"the reference is edited", func(w *world) {
		w.view().Reference = []model.Reference{model.ReferenceDefault, model.ReferenceAsOf, model.ReferencePartitionStart, model.ReferenceIngestedAt}[w.rng.IntN(4)]
	}},
	{"the entity is edited", func(w *world) { w.view().Entity = [][]string{{"user"}, {"user", "region"}, {"region"}}[w.rng.IntN(3)] }},
	{"the key loses a column or repeats by source", func(w *world) {
		v := w.view()
		if len(v.Key) > 1 {
			v.Key = v.Key[:1]
			return
		}
		if v.OncePer = []string{"source"}; w.rng.IntN(2) == 0 {
			v.OncePer = nil
		}
	}},
	{"the ingest time is edited", func(w *world) {
		v := w.view()
		if v.IngestedAt.Declared() {
			v.IngestedAt = model.TimeColumn{}
		} else {
			v.IngestedAt = model.TimeColumn{Column: "ingested_at"}
		}
	}},
	{"a check is off, a limit is set, and the payload is named", func(w *world) {
		v, limit := w.view(), 0.5
		v.Checks = map[string]model.CheckPolicy{"source-lag": {Severity: "off"}, "stale-rows": {MaxFraction: &limit}}
		v.Payload = [][]string{nil, {"note"}}[w.rng.IntN(2)]
		if w.lake != nil && v.Payload != nil {
			v.Payload = []string{"region"}
		}
	}},
	{"the clock goes on by an hour", func(w *world) { w.asOf = w.asOf.Add(time.Hour) }},
	{"the clock goes on by a day", func(w *world) { w.asOf = w.asOf.AddDate(0, 0, 1) }},
	{"the clock goes on by years", func(w *world) { w.asOf = w.asOf.AddDate(1+w.rng.IntN(9), 0, 0) }},
	{"the clock goes back by a day", func(w *world) { w.asOf = w.asOf.AddDate(0, 0, -1) }},
	{"the clock goes back by weeks", func(w *world) { w.asOf = w.asOf.AddDate(0, 0, -15-w.rng.IntN(15)) }},
	{"the view is renamed", func(w *world) { w.views[0].Name = fmt.Sprintf("renamed_%d", w.rng.IntN(1000)) }},
	{"a second view has the same path", func(w *world) {
		second := w.views[0]
		second.Name = "second"
		if w.rng.IntN(2) == 0 {
			second.TTL = model.TTL{Duration: 5 * time.Hour, Explicit: true}
		}
		w.views = append(w.views[:1:1], second)
	}},
	{"columns are sensitive", func(w *world) {
		v := w.view()
		if v.Sensitive = append(slices.Clone(v.Entity), v.Key...); w.rng.IntN(3) == 0 {
			v.Sensitive = nil
		}
	}},
	{"the hash key is another", func(w *world) { w.mask = []*sensitive.Mask{nil, maskOf(w.t, 1), maskOf(w.t, 2)}[w.rng.IntN(3)] }},
	{"a run was killed", func(w *world) {
		dir := filepath.Join(w.facts, "unfinished", fmt.Sprintf("99999-%d", w.rng.IntN(1000)))
		w.do(os.MkdirAll(dir, 0o700))
		w.do(os.WriteFile(filepath.Join(dir, "keys.parquet"), []byte("PAR1 and no more"), 0o600))
	}},
	{"a pack loses its manifest", func(w *world) { w.damage(func(pack string) { _ = os.Remove(filepath.Join(pack, "manifest.json")) }) }},
	{"a table is cut", func(w *world) {
		w.damage(func(pack string) {
			table := w.tableOf(pack)
			info, err := os.Stat(table)
			w.do(err)
			w.do(os.Truncate(table, info.Size()/2))
		})
	}},
	{"a byte is flipped", func(w *world) {
		w.damage(func(pack string) {
			table := w.tableOf(pack)
			raw, err := os.ReadFile(table)
			w.do(err)
			raw[w.rng.IntN(len(raw))] ^= 1 << w.rng.IntN(8)
			w.do(os.WriteFile(table, raw, 0o600))
		})
	}},
	{"a table of another pack is in its place", func(w *world) {
		packs, _ := filepath.Glob(filepath.Join(w.facts, "packs", "*"))
		if len(packs) < 2 {
			return
		}
		table := w.tableOf(packs[0])
		raw, err := os.ReadFile(table)
		w.do(err)
		w.do(os.WriteFile(filepath.Join(packs[1], filepath.Base(table)), raw, 0o600))
	}},
	{"nothing", func(*world) {}},
}

func (w *world) view() *model.View { return &w.views[w.rng.IntN(len(w.views))] }

func (w *world) damage(how func(pack string)) {
	packs, err := filepath.Glob(filepath.Join(w.facts, "packs", "*"))
	w.do(err)
	if len(packs) > 0 {
		how(packs[w.rng.IntN(len(packs))])
	}
}

func (w *world) tableOf(pack string) string {
	w.t.Helper()
	tables, err := filepath.Glob(filepath.Join(pack, "*.parquet"))
	w.do(err)
	if len(tables) == 0 {
		return filepath.Join(pack, "manifest.json")
	}
	return tables[w.rng.IntN(len(tables))]
}

// live lets some things happen, and audits with and without the facts.
func (w *world) live(night int) {
	w.t.Helper()
	for range w.rng.IntN(3) {
		all := w.happenings()
		h := all[w.rng.IntN(len(all))]
		w.log = append(w.log, h.name)
		h.do(w)
	}
	w.log = append(w.log, fmt.Sprintf("night %d at %s", night, w.asOf.Format(time.RFC3339)))
	want := w.audit(nil, false)
	w.plain = want
	if w.rng.IntN(6) == 0 {
		w.compare("a paranoid run", w.withFacts(true), want)
	}
	w.compare("a run with kept facts", w.withFacts(false), want)
	if w.rng.IntN(3) == 0 {
		w.compare("a second run with kept facts", w.withFacts(false), want)
	}
}

func (w *world) withFacts(paranoid bool) []byte {
	w.t.Helper()
	open := kept.Local(w.facts).Open
	if w.reading {
		open = kept.Local(w.facts).OpenReading
	} else {
		w.do(kept.Prepare(w.facts, time.Now()))
	}
	dir, err := open(w.t.Context())
	w.do(err)
	defer func() {
		w.notUsed += int64(len(dir.NotUsed()))
		w.do(dir.Close())
	}()
	return w.audit(dir, paranoid)
}

// audit gives the report as bytes, less what may differ between two runs.
func (w *world) audit(dir *kept.Dir, paranoid bool) []byte {
	w.t.Helper()
	done, err := audit.Run(context.WithoutCancel(w.t.Context()), audit.Options{Views: w.views, Suppressions: w.suppressions, Consumers: w.consumers, AsOf: w.asOf, AsOfGiven: true, Threads: 2, TempDir: w.t.TempDir(),
		Adapters: w.adapters, Log: zerolog.Nop(), Facts: dir, Paranoid: paranoid, Tool: w.tool, Mask: w.mask, SelectChecks: withoutMemory(), MemoryLimit: w.memory})
	if err != nil && !errors.Is(err, audit.ErrNothing) {
		w.t.Fatal(err)
	}
	if !w.reading {
		w.do(done.FactsErr)
	}
	if dir != nil {
		w.because = done.Looked.Because
	}
	if dir != nil && !paranoid {
		w.known += done.Looked.FilesKnown
		w.read += done.Looked.FilesRead
	}
	if paranoid && done.Looked.FilesKnown > 0 {
		w.t.Errorf("a paranoid run took %d files for known", done.Looked.FilesKnown)
	}
	w.note(done.Report)
	done.Report.Execution, done.Report.ID = report.Execution{}, ""
	forgetSince(done.Report)
	raw, err := done.Report.Marshal()
	w.do(err)
	return raw
}

// note counts what a report says: results that have a verdict, and those that are errors, of which the first reason is kept.
func (w *world) note(r report.Report) {
	for _, result := range r.Results {
		switch result.Outcome {
		case report.Pass, report.Fail, report.Warn:
			w.verdicts++
		case report.Error:
			w.errors++
			w.firstError = cmp.Or(w.firstError, result.Check+": "+result.Reason+result.Message)
		default:
		}
	}
}

// withoutMemory are the checks that say the same of a store whatever was there before.
func withoutMemory() []string {
	var ids []string
	for _, c := range check.Catalogue() {
		if c.ID != "rewritten-partitions" {
			ids = append(ids, c.ID)
		}
	}
	return ids
}

var sinceInWords = regexp.MustCompile(`; it had [0-9,]+ when it was looked at before`)

// forgetSince takes out of a report what only a run with memory can know: measures named since_*, and the words for them.
func forgetSince(r report.Report) {
	for _, res := range r.Results {
		for i := range res.Findings {
			f := &res.Findings[i]
			maps.DeleteFunc(f.Measures, func(name string, _ any) bool { return strings.HasPrefix(name, "since_") })
			f.Message = sinceInWords.ReplaceAllString(f.Message, "")
		}
	}
}

func (w *world) compare(what string, got, want []byte) {
	w.t.Helper()
	if bytes.Equal(got, want) {
		return
	}
	a, b := strings.Split(string(got), "\n"), strings.Split(string(want), "\n")
	at := 0
	for at < min(len(a), len(b)) && a[at] == b[at] {
		at++
	}
	if dump := os.Getenv("DUMPNIGHT"); dump != "" {
		_ = os.WriteFile(dump+".got", got, 0o644)
		_ = os.WriteFile(dump+".want", want, 0o644)
	}
	w.t.Fatalf("%s differs from one that reads all, after\n  %s\nfrom line %d on:\n%s\nwant\n%s", what, strings.Join(w.log, "\n  "), at,
		strings.Join(a[max(0, at-12):min(len(a), at+6)], "\n"), strings.Join(b[at:min(len(b), at+6)], "\n"))
}
