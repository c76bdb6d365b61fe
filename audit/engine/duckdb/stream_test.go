package duckdb

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/featureaudit/featureaudit/audit/engine"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/fixtures"
)

// fileRows are the rows of the streamed files: more than a chunk and a row group, one, none, and a whole number of chunks.
var fileRows = []int{5000, 1, 0, 4096}

// streamedFiles writes files whose row n of file f holds the integer 10000 f + n, or NULL in every seventh, and it as text.
func streamedFiles(t *testing.T) engine.Scan {
	t.Helper()
	dir := t.TempDir()
	var s engine.Scan
	for f, rows := range fileRows {
		n, text := fixtures.Column{Name: "n", Type: fixtures.Int64Type}, fixtures.Column{Name: "text", Type: fixtures.TextType}
		for row := range rows {
			value := int64(10_000*f + row)
			n.Values, text.Values = append(n.Values, value), append(text.Values, fmt.Sprintf("the long text of row %d", value))
			if row%7 == 6 {
				n.Values[row] = nil
			}
		}
		path := filepath.Join(dir, fmt.Sprintf("%d.parquet", f))
		if err := fixtures.Write(path, fixtures.Table{Columns: []fixtures.Column{n, text}}, fixtures.Options{RowGroup: 1500}); err != nil {
			t.Fatal(err)
		}
		s.Files = append(s.Files, path)
	}
	s.Columns = []engine.Select{
		{Kind: engine.SelectInteger, Parts: []engine.Part{{Column: facts.Column{Name: "n", Path: "n", Physical: "INT64"}}}},
		{Kind: engine.SelectText, Parts: []engine.Part{{Column: facts.Column{Name: "text", Path: "text", Physical: "BYTE_ARRAY", Logical: "string"}, Form: engine.Form{Kind: engine.FormText}}}},
	}
	return s
}

func openTestDatabase(t *testing.T, threads int) *Database {
	t.Helper()
	db, err := Open(Config{Threads: threads, TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return db
}

// checkRow compares a row's values with what its place makes them.
func checkRow(b *engine.Block, row, file int, number int64) error {
	want := int64(10_000*file) + number
	text := b.Vectors[1].Value(row)
	if text.Text != fmt.Sprintf("the long text of row %d", want) {
		return fmt.Errorf("row %d of file %d is %q", number, file, text.Text)
	}
	n := b.Vectors[0].Value(row)
	if n.Null != (number%7 == 6) || !n.Null && n.Int != want {
		return fmt.Errorf("row %d of file %d is %+v", number, file, n)
	}
	return nil
}

// TestStreamHandsEveryRowOverOnce streams files on several threads, twice on one database, and finds each row at its place.
func TestStreamHandsEveryRowOverOnce(t *testing.T) {
	db, s := openTestDatabase(t, 3), streamedFiles(t)
	for range 2 {
		var mu sync.Mutex
		got := map[int][]int64{}
		err := db.Stream(t.Context(), s, func(b engine.Block) error {
			mu.Lock()
			defer mu.Unlock()
			for row := range b.Rows {
				number := b.First + int64(row)
				got[b.File] = append(got[b.File], number)
				if err := checkRow(&b, row, b.File, number); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for f, rows := range fileRows {
			numbers := got[f]
			slices.Sort(numbers)
			for i, number := range numbers {
				if number != int64(i) {
					t.Fatalf("row %d of file %d came where %d was to come", number, f, i)
				}
			}
			if len(numbers) != rows {
				t.Errorf("%d rows of file %d, want %d", len(numbers), f, rows)
			}
		}
	}
}

// TestPickHandsTheWantedRowsOver picks every hundredth row, and asks of each row once.
func TestPickHandsTheWantedRowsOver(t *testing.T) {
	db, s := openTestDatabase(t, 3), streamedFiles(t)
	var mu sync.Mutex
	asked, got := 0, map[string]bool{}
	wanted := func(_ int, first int64, rows []bool) {
		mu.Lock()
		defer mu.Unlock()
		asked += len(rows)
		for i := range rows {
			rows[i] = (first+int64(i))%100 == 0
		}
	}
	err := db.Pick(t.Context(), s, wanted, func(b engine.Block) error {
		mu.Lock()
		defer mu.Unlock()
		for row := range b.Rows {
			place := fmt.Sprint(b.Files[row], " ", b.Numbers[row])
			if b.Numbers[row]%100 != 0 || got[place] {
				return fmt.Errorf("picked %s", place)
			}
			got[place] = true
			if err := checkRow(&b, row, int(b.Files[row]), b.Numbers[row]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if asked != 5000+1+4096 || len(got) != 50+1+41 {
		t.Errorf("asked of %d rows, picked %d", asked, len(got))
	}
}

// TestPickOfARangeAsksOfItsRowsAlone begins and ends in the midst of chunks and row groups, and at their bounds.
func TestPickOfARangeAsksOfItsRowsAlone(t *testing.T) {
	db, s := openTestDatabase(t, 3), streamedFiles(t)
	s.Sliced = true
	for _, bounds := range [][2]int64{{700, 3100}, {1500, 2999}, {0, 0}, {0, 4999}, {4096, 4097}, {4500, 6000}, {9000, 9999}} {
		s.First, s.Last = bounds[0], bounds[1]
		wantAsked, wantPicked := 0, 0
		for _, rows := range fileRows {
			for row := s.First; row <= s.Last && row < int64(rows); row++ {
				wantAsked++
				if row%3 == 0 {
					wantPicked++
				}
			}
		}
		var mu sync.Mutex
		asked, got := 0, map[string]bool{}
		wanted := func(_ int, first int64, rows []bool) {
			mu.Lock()
			defer mu.Unlock()
			asked += len(rows)
			for i := range rows {
				rows[i] = (first+int64(i))%3 == 0
			}
		}
		err := db.Pick(t.Context(), s, wanted, func(b engine.Block) error {
			mu.Lock()
			defer mu.Unlock()
			for row := range b.Rows {
				place := fmt.Sprint(b.Files[row], " ", b.Numbers[row])
				if n := b.Numbers[row]; n%3 != 0 || n < s.First || n > s.Last || got[place] {
					return fmt.Errorf("picked %s", place)
				}
				got[place] = true
				if err := checkRow(&b, row, int(b.Files[row]), b.Numbers[row]); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil || asked != wantAsked || len(got) != wantPicked {
			t.Errorf("rows %d to %d: asked of %d rows and picked %d, want %d and %d; %v", s.First, s.Last, asked, len(got), wantAsked, wantPicked, err)
		}
	}
}

// TestStreamEndsWithTheErrorOfItsReceiver gives the error itself back, not the engine's words about it, and serves the next query.
func TestStreamEndsWithTheErrorOfItsReceiver(t *testing.T) {
	db, s := openTestDatabase(t, 2), streamedFiles(t)
	refused := errors.New("refused")
	if err := db.Stream(t.Context(), s, func(engine.Block) error { return refused }); !errors.Is(err, refused) {
		t.Errorf("the error is %v", err)
	}
	rows := 0
	var mu sync.Mutex
	err := db.Stream(t.Context(), s, func(b engine.Block) error {
		mu.Lock()
		defer mu.Unlock()
		rows += b.Rows
		return nil
	})
	if err != nil || rows != 5000+1+4096 {
		t.Errorf("%d rows after an error: %v", rows, err)
	}
}

// TestStreamPanicsWhereItWasCalled lets no panic of a receiver cross the engine: the caller gets it.
func TestStreamPanicsWhereItWasCalled(t *testing.T) {
	db, s := openTestDatabase(t, 2), streamedFiles(t)
	defer func() {
		if p := recover(); p == nil || !strings.Contains(fmt.Sprint(p), "no such row") {
			t.Errorf("recovered %v", p)
		}
	}()
	err := db.Stream(t.Context(), s, func(engine.Block) error { panic("no such row") })
	t.Errorf("no panic, and error %v", err)
}

// TestStreamIsCancelled ends with the context's cause, before the query and in the midst of it.
func TestStreamIsCancelled(t *testing.T) {
	db, s := openTestDatabase(t, 2), streamedFiles(t)
	cause := errors.New("the user has had enough")
	for _, before := range []bool{true, false} {
		ctx, cancel := context.WithCancelCause(t.Context())
		if before {
			cancel(cause)
		}
		err := db.Stream(ctx, s, func(engine.Block) error {
			cancel(cause)
			return nil
		})
		if !errors.Is(err, cause) {
			t.Errorf("cancelled before %v: %v", before, err)
		}
	}
}

// TestStreamOfWhatIsNoParquet fails with a message that names the file.
func TestStreamOfWhatIsNoParquet(t *testing.T) {
	db, s := openTestDatabase(t, 2), streamedFiles(t)
	s.Files[1] = filepath.Join(t.TempDir(), "absent.parquet")
	err := db.Stream(t.Context(), s, func(engine.Block) error { return nil })
	if err == nil || !strings.Contains(err.Error(), "absent.parquet") {
		t.Errorf("error %v", err)
	}
}
