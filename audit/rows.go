package audit

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"

	"github.com/featureaudit/featureaudit/audit/engine"
	"github.com/featureaudit/featureaudit/audit/export"
	"github.com/featureaudit/featureaudit/audit/internal/reproduce"
	"github.com/featureaudit/featureaudit/audit/look"
	"github.com/featureaudit/featureaudit/audit/sensitive"
)

// fetchRows fetches the rows that were counted, at most Options.RowsLimit of all checks together, with the engine that has read them.
// What is not among them, because nothing can say which they are or because of the limit, is said in notes.
func (r *run) fetchRows(ctx context.Context) (rows []export.Row, notes []string, err error) {
	if err := r.judges.close(); err != nil {
		r.options.Log.Warn().Err(err).Msg("close the judging engines")
	}
	debug.FreeOSMemory() // the engine needs at once what judging took
	if limit := r.options.MemoryLimit; limit > 0 && limit < tightForRows && len(r.badRows) > 0 && !r.largeRows {
		// the rows of one key are sorted together: one thread has more room for them than two
		if err := r.scanner.Resize(look.EngineAtLast(limit), 1); err != nil {
			return nil, nil, fmt.Errorf("give the engine the memory that judging took: %w", err)
		}
	}
	return sharedRows(r.badRows, r.options.RowsLimit, func(f reproduce.BadRows, most int) ([]export.Row, error) {
		here, remove, err := r.nearby(ctx, f)
		if err != nil {
			return nil, fmt.Errorf("fetch the rows of %s of view %s: %w", f.Check, f.View.Name, err)
		}
		defer remove()
		fetched, err := rowsOf(ctx, r.scanner, r.options.Mask, here, most)
		if err != nil {
			return nil, r.noRoomForRows(f.View.Name, fmt.Errorf("fetch the rows of %s of view %s: %w", f.Check, f.View.Name, sensitive.Quiet(f.View, err)))
		}
		return fetched, nil
	})
}

// tightForRows is the memory limit below which the engine gets more of it to fetch rows than to read them. Where rows are large it does not:
// what lies beside the engine's own count of its memory grows with it.
const (
	tightForRows = 1 << 30
	largeRow     = 16 << 10
)

// rowsTake is how many times the bytes of a view, as its footers count them, the engine needs to fetch its rows at most, measured on keys of
// a megabyte, which a dictionary names once for two rows.
const rowsTake = 10

// noRoomForRows says what limit has room for the rows of a view, where the engine had none.
func (r *run) noRoomForRows(view string, err error) error {
	if !errors.As(err, new(engine.ResourceError)) {
		return err
	}
	enough := max(2*r.options.MemoryLimit, look.LimitFor(rowsTake*r.viewBytes[view]))
	return fmt.Errorf("%w; the report is whole: for the rows too, take --memory-limit %dMB, or one check (--check) of fewer partitions (--range)", err, enough/1_000_000+1)
}

// sharedRows fetches the rows of all checks, at most limit together: whoever has few rows gets all of them, and what is left is shared
// evenly by the others. Fetch gives at most so many rows of a check.
func sharedRows(found []reproduce.BadRows, limit int, fetch func(f reproduce.BadRows, most int) ([]export.Row, error)) (rows []export.Row, notes []string, err error) {
	most := limit
	smallestFirst := make([]int, 0, len(found))
	for i, f := range found {
		if f.SQL == "" {
			notes = append(notes, fmt.Sprintf("rows of %s of view %s are not written: %s", f.Check, f.View.Name, f.Missing))
			continue
		}
		smallestFirst = append(smallestFirst, i)
	}
	slices.SortStableFunc(smallestFirst, func(x, y int) int { return cmp.Compare(found[x].Bad, found[y].Bad) })
	fetched, cut := make([][]export.Row, len(found)), make([]string, len(found))
	for n, i := range smallestFirst {
		left := len(smallestFirst) - n
		share := (limit + left - 1) / left
		if fetched[i], err = fetch(found[i], share+1); err != nil {
			return nil, notes, err
		}
		if given := len(fetched[i]); given > share || int64(given) < found[i].Bad && !found[i].About {
			fetched[i] = fetched[i][:min(given, share)]
			cut[i] = fmt.Sprintf("%d of %d of %s of view %s", len(fetched[i]), max(found[i].Bad, int64(given)), found[i].Check, found[i].View.Name)
		}
		limit -= len(fetched[i])
	}
	if cut = slices.DeleteFunc(cut, func(text string) bool { return text == "" }); len(cut) > 0 {
		notes = append(notes, fmt.Sprintf("more rows were counted than are written: --rows-limit is %d, which leaves %s", most, strings.Join(cut, ", ")))
	}
	return slices.Concat(fetched...), notes, nil
}

func rowsOf(ctx context.Context, from engine.RowReader, mask *sensitive.Mask, f reproduce.BadRows, limit int) ([]export.Row, error) {
	var rows []export.Row
	var wrong error
	err := from.Select(ctx, fmt.Sprintf("%s\nLIMIT %d", f.SQL, max(0, limit)), func(row []*string) bool {
		one := export.Row{View: f.View.Name, Check: f.Check, File: f.Paths[*row[0]]}
		if one.RowNumber, wrong = strconv.ParseInt(*row[1], 10, 64); wrong != nil {
			return false
		}
		if one.Values, wrong = export.RowValues(mask, f.View, f.Columns, row[2:]); wrong != nil {
			return false
		}
		rows = append(rows, one)
		return true
	})
	return rows, errors.Join(err, wrong)
}
