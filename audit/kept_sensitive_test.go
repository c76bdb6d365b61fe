package audit_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zeebo/xxh3"

	"github.com/featureaudit/featureaudit/audit/engine/duckdb"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/kept"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/sensitive"
	"github.com/featureaudit/featureaudit/fixtures"
)

// maskOf is a mask with a key that is filled with one byte.
func maskOf(t *testing.T, fill byte) *sensitive.Mask {
	t.Helper()
	mask, err := sensitive.New(bytes.Repeat([]byte{fill}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return mask
}

const (
	plantedRows = 200
	plantedCard = int64(7_001_234_567_890_000)
)

func plantedKey(day, i int) string { return fmt.Sprintf("PLANTED-KEY-%05d", day*(plantedRows-10)+i) }
func plantedUser(i int) string     { return fmt.Sprintf("PLANTED-USER-%02d", i%17) }

// writePlanted writes a day whose keys, users and cards are easily found.
func (w *world) writePlanted(day int) {
	w.t.Helper()
	columns := []fixtures.Column{{Name: "id", Type: fixtures.TextType}, {Name: "user", Type: fixtures.TextType}, {Name: "card", Type: fixtures.Int64Type},
		{Name: "event_time", Type: fixtures.AwareType}, {Name: "ingested_at", Type: fixtures.AwareType}, {Name: "source", Type: fixtures.TextType}, {Name: "amount", Type: fixtures.Int64Type}}
	for i := range plantedRows {
		at := time.Date(2026, 11, 1+day, 0, 1+i, 0, 0, time.UTC)
		for c, value := range []any{plantedKey(day, i), plantedUser(i), plantedCard + int64(i%23), at, at.Add(time.Minute), []string{"batch", "stream"}[i%2], int64(i)} {
			columns[c].Values = append(columns[c].Values, value)
		}
	}
	writeFile(w.t, w.dayFile(day), fixtures.Options{}, columns...)
}

func plantedWorld(t *testing.T, db *duckdb.Database, oncePer ...string) *world {
	t.Helper()
	w := &world{t: t, adapters: sharedScanner(db), root: t.TempDir(), facts: filepath.Join(t.TempDir(), "facts"), asOf: time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)}
	for day := range keptDays {
		w.writePlanted(day)
	}
	view := model.View{Name: "v", Path: "**/*.parquet", Root: w.root, EventTime: model.TimeColumn{Column: "event_time"}, IngestedAt: model.TimeColumn{Column: "ingested_at"},
		Source: model.SourceColumn{Column: "source"}, Entity: []string{"user"}, Key: []string{"id"}, Measures: []string{"amount"}, OncePer: oncePer,
		TTL: model.TTL{Duration: 48 * time.Hour, Explicit: true}, Tolerance: model.DefaultTolerance,
		TimePartition: model.TimePartition{Columns: []string{"dt"}, Grain: model.GrainDay, Of: model.OfEventTime}}
	cards := view
	cards.Name, cards.Entity = "cards", []string{"card"}
	w.views = []model.View{view, cards}
	return w
}

// TestSensitiveColumnsAreKeptUnderAKey keeps facts of views whose keys, entities and writers are sensitive: with a key they are known again
// under that key only, without one they are read each night, and the report is that of a run without facts either way.
func TestSensitiveColumnsAreKeptUnderAKey(t *testing.T) {
	db := openEngine(t)
	for _, oncePer := range [][]string{nil, {"source"}} {
		for _, columns := range [][]string{{"id"}, {"user", "card"}, {"id", "user", "card"}} {
			t.Run(strings.Join(append(columns, oncePer...), " "), func(t *testing.T) {
				w := plantedWorld(t, db, oncePer...)
				all := int64(len(w.views) * keptDays)
				for i := range w.views {
					w.views[i].Sensitive = columns
				}
				w.sameWith("without a key", 0)
				w.sameWith("again without a key", 0)
				if packs, _ := filepath.Glob(filepath.Join(w.facts, "packs", "*")); len(packs) > 0 {
					t.Fatalf("without a key %d packs were kept, want none", len(packs))
				}
				w.mask = maskOf(t, 1)
				w.sameWith("with a key", 0)
				w.sameWith("again with the key", all)
				w.nothingPlain(columns)
				w.mask = maskOf(t, 2)
				w.sameWith("with another key", 0)
				w.sameWith("again with the other key", all)
				w.mask = nil
				w.sameWith("without the key", 0)
				w.mask = maskOf(t, 1)
				w.sameWith("with the first key again", all)
				w.nothingPlain(columns)
				for i := range w.views {
					w.views[i].Sensitive = nil
				}
				w.sameWith("nothing is sensitive any more", 0)
			})
		}
	}
}

// TestSettledEntitiesAndVerifiedRowsAreHidden keeps so many days that entities are added up, and keys that repeat: neither these entities nor the images of
// keys and other values are those of a run for which nothing is sensitive.
func TestSettledEntitiesAndVerifiedRowsAreHidden(t *testing.T) {
	w := plantedWorld(t, openEngine(t))
	for day := keptDays; day < settledDays; day++ {
		w.writePlanted(day)
	}
	told := func() map[string]bool {
		values := map[string]bool{}
		w.eachValue(w.facts, func(table, column string, n int64, text string) {
			switch {
			case table == kept.VerifiedName && column == "key":
				values["key "+text] = true
			case table == kept.VerifiedName && column == "payload":
				for image := range slices.Chunk([]byte(text), 16) {
					values["value "+string(image)] = true
				}
			case (table == kept.SettledName || table == kept.WideSettledName) && column != "newest_us":
				values[fmt.Sprint("entity ", n)] = true
			}
		})
		return values
	}
	columns := []string{"id", "user", "card"}
	w.sameWith("nothing is sensitive", 0)
	plain := told()
	for i := range plantedRows { // amounts may be told
		image := sha256.Sum256(fmt.Append(nil, i))
		delete(plain, "value "+string(image[:16]))
	}
	w.facts, w.mask = filepath.Join(t.TempDir(), "hidden"), maskOf(t, 1)
	for i := range w.views {
		w.views[i].Sensitive = columns
	}
	w.sameWith("with a key", 0)
	if got := w.settledRows(); got != 17+23 {
		t.Errorf("%d entities are kept together, want 17 users and 23 cards", got)
	}
	w.sameWith("again with the key", int64(len(w.views)*settledDays))
	w.nothingPlain(columns)
	hidden := told()
	for value := range hidden {
		if plain[value] {
			t.Errorf("%q is kept, as where nothing is sensitive", value)
		}
	}
	if len(hidden) < 40+10*(settledDays-1) {
		t.Errorf("%d values are kept: the test tries too little", len(hidden))
	}
}

// TestWhatNoKeyHidesIsNotKept declares what enters the folder as it is, or not at all.
func TestWhatNoKeyHidesIsNotKept(t *testing.T) {
	db := openEngine(t)
	for _, column := range []string{"source", "event_time", "ingested_at", "dt"} {
		t.Run(column, func(t *testing.T) {
			w := plantedWorld(t, db)
			w.mask = maskOf(t, 1)
			for i := range w.views {
				w.views[i].Sensitive = []string{column}
			}
			w.sameWith("a first run", 0)
			w.sameWith("a second run", 0)
			if packs, _ := filepath.Glob(filepath.Join(w.facts, "packs", "*")); len(packs) > 0 {
				t.Errorf("%d packs were kept, want none", len(packs))
			}
		})
	}
}

// nothingPlain looks through every file and every value of the folder for what was planted in sensitive columns, and for hashes of it that
// anybody could make.
func (w *world) nothingPlain(columns []string) {
	w.t.Helper()
	numbers, texts := map[int64]string{}, []string{}
	hide := func(text string) {
		h := xxh3.HashString128(text)
		texts = append(texts, text)
		for _, n := range []uint64{h.Lo, h.Hi, xxh3.HashString(text), h.Lo ^ 1<<63} {
			numbers[int64(n)] = text
		}
	}
	for day := range keptDays {
		for i := range plantedRows {
			if slices.Contains(columns, "id") {
				hide(plantedKey(day, i))
			}
			if slices.Contains(columns, "user") {
				hide(plantedUser(i))
			}
			if slices.Contains(columns, "card") {
				card := plantedCard + int64(i%23)
				texts = append(texts, fmt.Sprint(card))
				for _, n := range []uint64{uint64(card), facts.WriterHash(uint64(card)), facts.WriterHash(uint64(card)) ^ 1<<63} {
					numbers[int64(n)] = fmt.Sprint(card)
				}
			}
		}
	}
	if slices.Contains(columns, "id") { // hashes as they are kept where nothing is sensitive
		for _, hash := range w.plainKeyHashes() {
			numbers[hash] = "a key"
		}
	}
	w.do(filepath.WalkDir(w.facts, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		for _, text := range texts {
			if bytes.Contains(raw, []byte(text)) {
				w.t.Errorf("%s holds %s", path, text)
			}
		}
		return err
	}))
	w.eachValue(w.facts, func(table, column string, n int64, text string) {
		if text == "" && numbers[n] != "" {
			w.t.Errorf("column %s of table %s holds %d, which tells of %s", column, table, n, numbers[n])
		}
		for _, planted := range texts {
			if strings.Contains(text, planted) {
				w.t.Errorf("column %s of table %s holds %q", column, table, text)
			}
		}
	})
}

// plainKeyHashes are the hashes that are kept of the keys where they are not sensitive.
func (w *world) plainKeyHashes() []int64 {
	w.t.Helper()
	plain := *w
	plain.views, plain.facts, plain.mask = slices.Clone(w.views), filepath.Join(w.t.TempDir(), "facts"), nil
	for i := range plain.views {
		plain.views[i].Sensitive = nil
	}
	plain.withFacts(false)
	var hashes []int64
	plain.eachValue(plain.facts, func(_, column string, n int64, _ string) {
		if column == "hash" {
			hashes = append(hashes, n)
		}
	})
	if len(hashes) < 2*keptDays*plantedRows {
		w.t.Fatalf("%d hashes are kept of %d keys", len(hashes), 2*keptDays*plantedRows)
	}
	return hashes
}

// eachValue calls each for every value of every table of every pack.
func (w *world) eachValue(dir string, each func(table, column string, n int64, text string)) {
	w.t.Helper()
	packs, err := filepath.Glob(filepath.Join(dir, "*", "*", "manifest.json"))
	w.do(err)
	for _, manifest := range packs {
		p, err := kept.OpenPack(filepath.Dir(manifest))
		w.do(err)
		for _, table := range p.Tables() {
			for _, column := range table.Columns {
				if column.Kind != kept.Integer {
					texts, err := p.Texts(table.Name, column.Name, 0, p.Len(table.Name))
					w.do(err)
					for _, text := range texts {
						each(table.Name, column.Name, 0, text)
					}
					continue
				}
				numbers, err := p.Integers(table.Name, column.Name, 0, p.Len(table.Name))
				w.do(err)
				for _, n := range numbers {
					each(table.Name, column.Name, n, "")
				}
			}
		}
	}
}

// TestPacksNameTheHashKey reads the manifest of a pack, which tells by which key its hashes are hidden.
func TestPacksNameTheHashKey(t *testing.T) {
	db := openEngine(t)
	w := plantedWorld(t, db)
	w.views[0].Sensitive, w.views[1].Sensitive = []string{"id"}, []string{"id"}
	w.mask = maskOf(t, 1)
	w.withFacts(false)
	packs, err := filepath.Glob(filepath.Join(w.facts, "packs", "*", "manifest.json"))
	if err != nil || len(packs) != 1 {
		t.Fatalf("%d packs, %v: want one", len(packs), err)
	}
	raw, err := os.ReadFile(packs[0])
	w.do(err)
	var sealed struct {
		Manifest struct {
			Note struct {
				KeyID string `json:"hash_key_id"`
			}
		}
	}
	w.do(json.Unmarshal(raw, &sealed))
	if got, want := sealed.Manifest.Note.KeyID, w.mask.KeyID(); got != want || want == "" {
		t.Errorf("the pack names the key %q, want %q", got, want)
	}
}
