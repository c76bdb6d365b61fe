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
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/internal/aside"
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
		rows, err := r.rowsNearby(ctx, f, most, r.beyondEngine)
		if errors.As(err, new(engine.ResourceError)) && f.Values != nil { // once more, from copies of all files
			rows, err = r.rowsNearby(ctx, f, most, func(facts.File) bool { return true })
		}
		if err != nil {
			return nil, r.noRoomForRows(f.View.Name, fmt.Errorf("fetch the rows of %s of view %s: %w", f.Check, f.View.Name, sensitive.Quiet(f.View, err)))
		}
		return rows, nil
	})
}

// rowsNearby fetches rows from what lies on this disk: of the files that copied says, from copies in small row groups.
func (r *run) rowsNearby(ctx context.Context, f reproduce.BadRows, most int, copied func(facts.File) bool) ([]export.Row, error) {
	here, remove, err := r.nearby(ctx, f, copied)
	if err != nil {
		return nil, err
	}
	defer remove()
	if here.Values != nil {
		return r.rowsInSteps(ctx, here, most)
	}
	return rowsOf(ctx, r.scanner, r.options.Mask, here, most, r.aside)
}

// beyondEngine says of a file whose rows are large that it may take more than the engine has.
func (r *run) beyondEngine(f facts.File) bool {
	return f.RowBytes >= largeRow && f.Rows*f.RowBytes > look.ShareOf(r.options.MemoryLimit).Engine/4
}

// rowsInSteps fetches rows that are large: which they are, and then their values, as many at once as there is room for.
func (r *run) rowsInSteps(ctx context.Context, f reproduce.BadRows, most int) ([]export.Row, error) {
	var rows []export.Row
	var names []string
	var wrong error
	err := r.scanner.Select(ctx, fmt.Sprintf("%s\nLIMIT %d", f.SQL, max(0, most)), func(row []*string) bool {
		one := export.Row{View: f.View.Name, Check: f.Check, File: f.Paths[*row[0]]}
		one.RowNumber, wrong = strconv.ParseInt(*row[1], 10, 64)
		names, rows = append(names, *row[0]), append(rows, one)
		return wrong == nil
	})
	if err = errors.Join(err, wrong); err != nil {
		return nil, err
	}
	atOnce := r.rowsAtOnce(f.Values)
	for start := 0; start < len(rows); {
		end := start + 1
		for end < len(rows) && end-start < atOnce && names[end] == names[start] {
			end++
		}
		if err := r.fill(ctx, f, names[start], rows[start:end]); err != nil {
			return nil, err
		}
		start = end
	}
	return rows, nil
}

// valuesShare is the part of the engine's memory that the values of the rows of one query take at most, and mostAtOnce how many rows it has.
const (
	valuesShare = 32
	mostAtOnce  = 20_000
)

// rowsAtOnce is how many rows of files are fetched at once.
func (r *run) rowsAtOnce(v *reproduce.ValuesSQL) int {
	largest := int64(1)
	for _, f := range v.Files {
		largest = max(largest, f.RowBytes)
	}
	return int(min(max(look.ShareOf(r.options.MemoryLimit).Engine/valuesShare/largest, 1), mostAtOnce))
}

// fill fetches the values of rows of one file, in the order of their numbers.
func (r *run) fill(ctx context.Context, f reproduce.BadRows, name string, rows []export.Row) error {
	numbers := make([]int64, len(rows))
	for i := range rows {
		numbers[i] = rows[i].RowNumber
	}
	at := 0
	var wrong error
	err := r.scanner.Select(ctx, f.Values.Of(name, numbers), func(row []*string) bool {
		if at == len(rows) || *row[1] != strconv.FormatInt(numbers[at], 10) {
			wrong = fmt.Errorf("row %s of %s came where another was asked for: the file changed while it was read", *row[1], f.Paths[name])
			return false
		}
		rows[at].Values, wrong = rowValues(r.options.Mask, f, row[2:], r.aside)
		at++
		return wrong == nil
	})
	if err = errors.Join(err, wrong); err == nil && at < len(rows) {
		err = fmt.Errorf("%d of %d rows of %s were found: the file changed while it was read", at, len(rows), f.Paths[name])
	}
	return err
}

func rowValues(mask *sensitive.Mask, f reproduce.BadRows, values []*string, texts *aside.Texts) (string, error) {
	text, err := export.RowValues(mask, f.View, f.Columns, values)
	if err != nil {
		return "", err
	}
	return texts.Keep(text)
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

// leastForRows is a limit that has room for the plan of any statement that fetches few small rows: at 202 MB one of 420 rows had none.
const leastForRows = 256 << 20

// noRoomForRows says what limit should have room for the rows of a view, where the engine had none. How an engine will plan a statement with more
// memory is not known, so that it is an estimate and says so.
func (r *run) noRoomForRows(view string, err error) error {
	if !errors.As(err, new(engine.ResourceError)) {
		return err
	}
	enough := max(2*r.options.MemoryLimit, leastForRows, look.LimitFor(rowsTake*r.viewBytes[view]))
	return fmt.Errorf("%w; the report is whole: for the rows too, by an estimate from the footers, take --memory-limit %dMB, or one check (--check) of fewer partitions (--range)", err, enough/1_000_000+1)
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

func rowsOf(ctx context.Context, from engine.RowReader, mask *sensitive.Mask, f reproduce.BadRows, limit int, texts *aside.Texts) ([]export.Row, error) {
	var rows []export.Row
	var wrong error
	err := from.Select(ctx, fmt.Sprintf("%s\nLIMIT %d", f.SQL, max(0, limit)), func(row []*string) bool {
		one := export.Row{View: f.View.Name, Check: f.Check, File: f.Paths[*row[0]]}
		if one.RowNumber, wrong = strconv.ParseInt(*row[1], 10, 64); wrong != nil {
			return false
		}
		if one.Values, wrong = rowValues(mask, f, row[2:], texts); wrong != nil {
			return false
		}
		rows = append(rows, one)
		return true
	})
	return rows, errors.Join(err, wrong)
}
