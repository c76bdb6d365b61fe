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

// TestWhatManyRepeatsTake repeats keys at several rates: hashes of keys and the list of those that repeat take 8 bytes a row together at most, all else
// no more than it may, and the reports of the nights after are those of runs that read all.
func TestWhatManyRepeatsTake(t *testing.T) {
	db := openEngine(t)
	const files, rows = 2, 20_000
	for _, every := range []int{2, 3, 7, 8, 20, 1000} {
		w := plantedWorld(t, db)
		w.do(os.RemoveAll(w.root))
		w.views, w.facts = w.views[1:2], filepath.Join(t.TempDir(), "facts")
		write := func(day int) {
			columns := []fixtures.Column{{Name: "id", Type: fixtures.TextType}, {Name: "user", Type: fixtures.TextType}, {Name: "card", Type: fixtures.Int64Type},
				{Name: "event_time", Type: fixtures.AwareType}, {Name: "ingested_at", Type: fixtures.AwareType}, {Name: "source", Type: fixtures.TextType}, {Name: "amount", Type: fixtures.Int64Type}}
			for i := range rows {
				key := day*rows + i
				if i%every == 0 {
					key = i // in every file
				}
				at := time.Date(2026, 11, 1+day, 0, 0, i, 0, time.UTC)
				for c, value := range []any{fmt.Sprintf("a key of some length: %d", key), fmt.Sprint("user ", i%50), int64(i % 50), at, at.Add(time.Minute), "batch", int64(i * 7919 % 1000)} {
					columns[c].Values = append(columns[c].Values, value)
				}
			}
			writeFile(t, w.dayFile(day), fixtures.Options{}, columns...)
		}
		for day := range files {
			write(day)
		}
		w.compare("a first run", w.withFacts(false), w.audit(nil, false))
		sizes, data := map[string]int64{}, int64(0)
		packs, err := filepath.Glob(filepath.Join(w.facts, "packs", "*", "*"))
		w.do(err)
		for _, path := range packs {
			info, err := os.Stat(path)
			w.do(err)
			sizes[filepath.Base(path)] += info.Size()
		}
		for day := range files {
			info, err := os.Stat(w.dayFile(day))
			w.do(err)
			data += info.Size()
		}
		if took := sizes["keys.parquet"] + sizes["repeats.parquet"]; sizes["keys.parquet"] == 0 || took > 8*files*rows+files*4096 {
			t.Errorf("one row in %d repeats: keys take %d bytes and those that repeat %d, want at most %d together", every, sizes["keys.parquet"], sizes["repeats.parquet"], 8*files*rows)
		}
		rest := int64(0)
		for name, size := range sizes {
			switch name {
			case "keys.parquet", "repeats.parquet", "entities.parquet", "writers.parquet":
			default:
				rest += size
			}
		}
		if most := data/100 + files*4096; rest > most {
			t.Errorf("one row in %d repeats: all else takes %d bytes, want at most %d for %d bytes of data: %v", every, rest, most, data, sizes)
		}
		write(files)
		w.compare("the night after", w.withFacts(false), w.audit(nil, false))
		w.compare("a night with nothing new", w.withFacts(false), w.audit(nil, false))
	}
}
