package audit_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/fixtures"
)

// TestWhatFactsTake writes two files of more rows than are sorted together, with so many keys and entities, and holds each table to its size: 8 bytes
// for a key, 24 for an entity of a file, and 1 % of the data and 4 KB a file for all else, but for the sample of writers.
func TestWhatFactsTake(t *testing.T) {
	db := openEngine(t)
	const files, rows, entities = 2, 70_000, 5_000
	w := plantedWorld(t, db)
	w.do(os.RemoveAll(w.root))
	for day := range files {
		columns := []fixtures.Column{{Name: "id", Type: fixtures.TextType}, {Name: "user", Type: fixtures.TextType}, {Name: "card", Type: fixtures.Int64Type},
			{Name: "event_time", Type: fixtures.AwareType}, {Name: "ingested_at", Type: fixtures.AwareType}, {Name: "source", Type: fixtures.TextType}, {Name: "amount", Type: fixtures.Int64Type}}
		for i := range rows {
			at := time.Date(2026, 11, 1+day, 0, 0, i, 0, time.UTC)
			for c, value := range []any{fmt.Sprintf("a key of some length: %d of %d", i, day), fmt.Sprint("user ", i%entities), int64(i % entities), at, at.Add(time.Minute), "batch", int64(i * 7919 % 1000)} {
				columns[c].Values = append(columns[c].Values, value)
			}
		}
		writeFile(t, w.dayFile(day), fixtures.Options{}, columns...)
	}
	data := int64(0)
	for day := range files {
		info, err := os.Stat(w.dayFile(day))
		w.do(err)
		data += info.Size()
	}
	for i, table := range []string{"entities_by_hash", "entities"} {
		one := *w
		one.memory = 150 << 20 // which has room for 43,690 of the rows
		one.views, one.facts = w.views[i:i+1], filepath.Join(t.TempDir(), "facts")
		one.withFacts(false)
		manifests, err := filepath.Glob(filepath.Join(one.facts, "packs", "*", "manifest.json"))
		if err != nil || len(manifests) != 1 {
			t.Fatalf("%d packs, %v: want one", len(manifests), err)
		}
		raw, err := os.ReadFile(manifests[0])
		w.do(err)
		var pack struct {
			Manifest struct {
				Tables []struct {
					Name        string
					Rows, Bytes int64
				}
			}
		}
		w.do(json.Unmarshal(raw, &pack))
		found, rest := map[string]bool{}, int64(len(raw))
		for _, of := range pack.Manifest.Tables {
			most, exact := int64(8*files*rows), int64(files*rows)
			switch of.Name {
			case "keys":
			case table:
				most, exact = 24*files*entities, files*entities
			case "writers": // a sample, which is as large for a small store as for a large one
				most, exact = 14*of.Rows, of.Rows
				if of.Rows > files*(facts.MaxWriterRows+1) {
					t.Errorf("%d rows of writers are kept, want at most %d a file", of.Rows, facts.MaxWriterRows)
				}
			default:
				rest += of.Bytes
				continue
			}
			found[of.Name] = true
			if of.Rows != exact || of.Bytes > most {
				t.Errorf("table %s has %d rows in %d bytes, want %d in at most %d", of.Name, of.Rows, of.Bytes, exact, most)
			}
		}
		if !found["keys"] || !found[table] {
			t.Errorf("the pack has no tables keys and %s: %v", table, found)
		}
		if most := data/100 + files*4096; rest > most {
			t.Errorf("all else takes %d bytes, want at most %d for %d bytes of data", rest, most, data)
		}
	}
}
