package audit_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/featureaudit/featureaudit/audit/kept"
	"github.com/featureaudit/featureaudit/fixtures"
)

// TestEntitiesOfFilesOfManyRows writes files of so many rows that their entities may be kept in the order of rows: each row of an entity where few come
// twice, and each entity once where many do, in whatever order such files come. Some rows have no entity, and some no event time, and count for none.
// The reports are those of runs that read all.
func TestEntitiesOfFilesOfManyRows(t *testing.T) {
	db := openEngine(t)
	const rows, nulls, timeless = 40_000, 500, 250
	for name, days := range map[string]struct {
		entities [3]int // of each day
		kept     [3]int64
	}{
		"few come twice":       {[3]int{rows, rows, 33_000}, [3]int64{rows - nulls - timeless, rows - nulls - timeless, rows - nulls - timeless}},
		"all come often":       {[3]int{2_000, 2_000, 2_000}, [3]int64{2_000, 2_000, 2_000}},
		"the first come often": {[3]int{2_000, 2_000, rows}, [3]int64{2_000, 2_000, 0}},
		"as many come twice":   {[3]int{rows / 2, rows / 2, rows / 2}, [3]int64{rows / 2, rows / 2, rows / 2}},
	} {
		w := plantedWorld(t, db)
		w.do(os.RemoveAll(w.root))
		w.views, w.facts = w.views[1:2], filepath.Join(t.TempDir(), "facts")
		write := func(day, entities int) {
			columns := []fixtures.Column{{Name: "id", Type: fixtures.TextType}, {Name: "user", Type: fixtures.TextType}, {Name: "card", Type: fixtures.Int64Type},
				{Name: "event_time", Type: fixtures.AwareType}, {Name: "ingested_at", Type: fixtures.AwareType}, {Name: "source", Type: fixtures.TextType}, {Name: "amount", Type: fixtures.Int64Type}}
			for i := range rows {
				at := time.Date(2026, 11, 1+day, 0, 0, i%86_000, 0, time.UTC)
				var card, event any = int64(i*7919%rows) % int64(entities), at
				if i < nulls {
					card = nil
				} else if i < nulls+timeless {
					event = nil
				}
				for c, value := range []any{fmt.Sprintf("a key of some length: %d of %d", i, day), fmt.Sprint("user ", i), card, event, at.Add(time.Minute), "batch", int64(i * 7919 % 1000)} {
					columns[c].Values = append(columns[c].Values, value)
				}
			}
			writeFile(t, w.dayFile(day), fixtures.Options{}, columns...)
		}
		for day, entities := range days.entities {
			write(day, entities)
		}
		w.compare(name+", a first run", w.withFacts(false), w.audit(nil, false))
		stock, err := kept.Local(w.facts).Take(t.Context())
		w.do(err)
		for _, f := range kept.Latest(stock) {
			for day := range days.entities {
				if f.Path != w.dayFile(day) || f.Verified() {
					continue
				}
				count := int64(0)
				for _, at := range f.At["entities"] {
					count += at.Count
				}
				if want := days.kept[day]; want > 0 && count != want {
					t.Errorf("%s: %d entities of day %d are kept, want %d", name, count, day, want)
				}
			}
		}
		write(3, 100)
		w.compare(name+", the night after", w.withFacts(false), w.audit(nil, false))
		w.do(os.Remove(w.dayFile(2)))
		w.compare(name+", a file less", w.withFacts(false), w.audit(nil, false))
		w.compare(name+", and nothing new", w.withFacts(false), w.audit(nil, false))
	}
}
