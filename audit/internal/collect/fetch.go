package collect

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/featureaudit/featureaudit/audit/engine"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/internal/keys"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/times"
)

// fetchPlan says what to fetch from the files of one schema, and where each value stands.
type fetchPlan struct {
	columns []engine.Select
	// base says that all but the payload is fetched too; the payload is that from a column on.
	base bool
	from int
	// raws are read from the bytes of the file.
	raws     []rawColumn
	key      []fetchedKey
	payload  []fetchedValue
	measures []fetchedMeasure
	source   int
	times    map[model.TimeColumn]int
}

type fetchedKey struct {
	index   int
	instant bool
	time    keyTime
}

// fetchedValue is a payload column or a measure; instant names it where it is a time of the file, whose nanoseconds count.
type fetchedValue struct {
	index   int
	name    string
	instant string
	// numbers are compared as the decimals that they show.
	numbers bool
	// unknown says that the file's column cannot be read.
	unknown bool
}

// fetchedMeasure is a number to add up, floating in this file or exact.
type fetchedMeasure struct {
	fetchedValue
	floating bool
}

// plans are for the files of a schema, one after the other for the same rows; blind names columns that cannot be read. There are
// several where the payload has more columns than the engine has room for at once.
func (v *verifier) plans(schema *facts.Schema, blind []facts.ColumnProblem) []fetchPlan {
	width := v.c.columnsAtOnce()
	plans := []fetchPlan{v.plan(schema, blind, true, 0, min(width, len(v.payload)))}
	for from := width; from < len(v.payload); from += width {
		plans = append(plans, v.plan(schema, blind, false, from, min(from+width, len(v.payload))))
	}
	return plans
}

// Each of the engine's threads holds so many rows at once, and so much for each value of theirs.
const (
	engineRows       = 2048
	engineValueBytes = 64
	leastColumns     = 16
)

// columnsAtOnce is how many payload columns one query fetches.
func (c *collector) columnsAtOnce() int {
	if c.request.PortionRows > 0 {
		return c.request.PortionRows
	}
	return int(max(c.request.RunMemory/4/engineRows/engineValueBytes/int64(max(1, c.request.Workers)), leastColumns))
}

// plan fetches the payload columns from one to another, and all else if it is the base.
func (v *verifier) plan(schema *facts.Schema, blind []facts.ColumnProblem, base bool, from, to int) fetchPlan {
	r := &v.c.roles
	p := fetchPlan{times: map[model.TimeColumn]int{}, base: base, from: from, source: absent}
	l := &layout{schema: schema, source: absent, times: p.times, beyond: r.beyond[schema.ID], rawNested: r.rawNested}
	text := func(name string, form engine.Form) int {
		column := schema.Lookup(name)
		if column == nil {
			return l.add(engine.Select{Kind: engine.SelectText, Parts: []engine.Part{{Column: facts.Column{Name: name, Path: name}, Missing: true}}})
		}
		return l.addText(*column, form)
	}
	shared := func(column payloadColumn) fetchedValue {
		if slices.ContainsFunc(blind, func(b facts.ColumnProblem) bool { return b.Column == column.name }) {
			return fetchedValue{name: column.name, unknown: true}
		}
		found, form := schema.Lookup(column.name), column.form
		if found != nil && column.mixed {
			form = engine.FormOf(*found)
		}
		if found == nil || !isTime(form) {
			return fetchedValue{index: text(column.name, form), name: column.name, numbers: column.numbers}
		}
		plain := model.TimeColumn{Column: column.name}
		l.addTime(r, plain)
		return fetchedValue{index: l.times[plain], name: column.name, instant: column.name}
	}
	if p.base {
		l.addSource(r)
		p.source = l.source
		for _, column := range timeColumns(r.view) {
			l.addTime(r, column)
		}
		for i, name := range r.view.Key {
			if isTime(r.keyForms[i]) {
				p.key = append(p.key, fetchedKey{instant: true, time: l.addKeyTime(r, name)})
				continue
			}
			p.key = append(p.key, fetchedKey{index: text(name, r.keyForms[i])})
		}
		for _, column := range v.measures {
			found := schema.Lookup(column.name)
			floating := found != nil && engine.FormOf(*found).Kind == engine.FormDouble
			p.measures = append(p.measures, fetchedMeasure{shared(column), floating})
		}
	}
	for _, column := range v.payload[from:to] {
		p.payload = append(p.payload, shared(column))
	}
	p.columns, p.raws = l.selects, l.raws
	return p
}

// target is a file's share of the candidates: the numbers of its rows, ascending, and the rows to fill. Those of a crowd are not
// held: crowd names them.
type target struct {
	file    facts.File
	numbers []int64
	rows    []*keys.Row
	crowd   *crowdTarget
	// filled is called when all rows are filled; nil for none.
	filled func()
	// held counts the bytes of the rows; nil where they do not count.
	held *heldBytes
	// folded says that the payload of the rows is not held.
	folded bool
	// name is what the engine opens for the file, and left counts the targets that are read from the same copies.
	name string
	left *sync.WaitGroup
}

// heldBytes counts what rows take, and how much they may.
type heldBytes struct {
	bytes atomic.Int64
	most  int64
}

// next is the first row number from one on that is asked for, or -1.
func (t target) next(number int64) int64 {
	if t.crowd != nil {
		return t.crowd.next(number)
	}
	at, _ := slices.BinarySearch(t.numbers, number)
	if at == len(t.numbers) {
		return -1
	}
	return t.numbers[at]
}

// holds says whether a row group holds a row that is asked for.
func (t target) holds(group int) bool {
	first := int64(0)
	for _, g := range t.file.RowGroups[:group] {
		first += g.Rows
	}
	number := t.next(first)
	return number >= 0 && number < first+t.file.RowGroups[group].Rows
}

// count is how many rows are asked for.
func (t target) count() int {
	if t.crowd != nil {
		return t.crowd.count()
	}
	return len(t.rows)
}

// mark says which rows are asked for, from a number on.
func (t target) mark(first int64, out []bool) {
	if t.crowd != nil {
		for number := t.crowd.next(first); number >= 0 && number-first < int64(len(out)); number = t.crowd.next(number + 1) {
			out[number-first] = true
		}
		return
	}
	for i, _ := slices.BinarySearch(t.numbers, first); i < len(t.numbers) && t.numbers[i]-first < int64(len(out)); i++ {
		out[t.numbers[i]-first] = true
	}
}

// chunks cuts a target into some of at most so many rows.
func (t target) chunks(most int) iter.Seq[target] {
	return func(yield func(target) bool) {
		if t.crowd == nil {
			for start := 0; start < len(t.rows); start += most {
				end := min(start+most, len(t.rows))
				if !yield(target{file: t.file, numbers: t.numbers[start:end], rows: t.rows[start:end], held: t.held, folded: t.folded}) {
					return
				}
			}
			return
		}
		for number := int64(0); ; {
			chunk := t.crowd.chunk(t.file, number, most)
			if len(chunk.numbers) == 0 || !yield(chunk) {
				return
			}
			number = chunk.numbers[len(chunk.numbers)-1] + 1
		}
	}
}

// beyondGaps cuts the numbers of a target whose copy lacks row groups. The engine opens the row group before a number that begins one (it
// takes the end of a row group for one of its rows), unless that number is the first that it is asked for.
func (t target) beyondGaps() iter.Seq[[]int64] {
	return func(yield func([]int64) bool) {
		start, before, first := 0, int64(0), int64(0)
		for _, group := range t.file.RowGroups {
			if group.Rows == 0 {
				continue
			}
			if at, begins := slices.BinarySearch(t.numbers, first); begins && at > start && t.numbers[at-1] < before {
				if !yield(t.numbers[start:at]) {
					return
				}
				start = at
			}
			before, first = first, first+group.Rows
		}
		yield(t.numbers[start:])
	}
}

// fetch reads the rows of the candidates, in their order. It is errTooLarge if they take more than so many bytes, of which 0
// means any.
func (v *verifier) fetch(ctx context.Context, candidates []keys.Entry, most int64) ([]keys.Row, error) {
	rows, targets := v.targets(candidates)
	if most > 0 {
		held := &heldBytes{most: most}
		for i := range targets {
			targets[i].held = held
		}
	}
	if v.wide() {
		return rows, v.fetchWide(ctx, rows, targets)
	}
	left, err := v.verified.fill(targets)
	if err != nil || len(left) == 0 {
		return rows, err
	}
	if v.ahead != nil {
		err = v.ahead.fill(left)
	} else {
		err = v.fetchTargets(ctx, left, true)
	}
	if err != nil {
		return rows, err
	}
	v.verified.keep(left)
	return rows, nil
}

// wide says whether the payload has more columns than are held: those of a row are folded then. What cannot be read in some files is
// compared value by value.
func (v *verifier) wide() bool {
	return len(v.payload) > v.c.columnsAtOnce() && len(v.c.blind) == 0
}

// fetchWide reads all but the payload, finds the groups within which rows may repeat each other, and compares the payload of each,
// some columns at a time.
func (v *verifier) fetchWide(ctx context.Context, rows []keys.Row, targets []target) error {
	if !v.c.distant() {
		if err := v.checkPages(ctx, v.allPlans(), targets); err != nil {
			return err
		}
	}
	for i := range targets {
		targets[i].folded = true
	}
	part := func(base bool, from, to int) error {
		plans := map[int32][]fetchPlan{}
		for i := range v.c.survey.Schemas {
			plans[v.c.survey.Schemas[i].ID] = []fetchPlan{v.plan(&v.c.survey.Schemas[i], nil, base, from, to)}
		}
		return v.fetchPlans(ctx, plans, targets, true)
	}
	if err := part(true, 0, 0); err != nil {
		return err
	}
	width := v.c.columnsAtOnce()
	if err := v.group(rows, targets, width); err != nil {
		return err
	}
	for from := 0; from < len(v.payload); from += width {
		if err := part(false, from, min(from+width, len(v.payload))); err != nil {
			return err
		}
	}
	return nil
}

// group gives the rows of each key and once_per group what they are to each other.
func (v *verifier) group(rows []keys.Row, targets []target, width int) error {
	type groupOf struct {
		key   string
		group uint64
	}
	groups := map[groupOf]*keys.Wide{}
	for i := range rows {
		row := &rows[i]
		of := groupOf{key: row.Key}
		if v.grouping != nil {
			of.group = v.grouping(row.File, v.code(row.Source))
		}
		if groups[of] == nil {
			groups[of] = keys.NewWide(len(v.payload))
			if err := targets[0].held.add(v.groupBytes(width)); err != nil {
				return err
			}
		}
		row.Wide = groups[of]
	}
	return nil
}

// groupBytes is what a group of rows takes while its payload is compared.
func (v *verifier) groupBytes(width int) int {
	const headers = 160
	return headers + len(v.payload)/8 + 16*width
}

// fetchTargets reads rows. Files most of whose row groups hold some are read in one query that picks rows, if picking is wanted;
// of the others only those row groups are read.
func (v *verifier) fetchTargets(ctx context.Context, targets []target, picking bool) error {
	plans := v.allPlans()
	if !v.c.distant() { // else they are checked as they are brought
		if err := v.checkPages(ctx, plans, targets); err != nil {
			return err
		}
	}
	return v.fetchPlans(ctx, plans, targets, picking)
}

// allPlans are those for the files of each schema.
func (v *verifier) allPlans() map[int32][]fetchPlan {
	plans := map[int32][]fetchPlan{}
	for i := range v.c.survey.Schemas {
		plans[v.c.survey.Schemas[i].ID] = v.plans(&v.c.survey.Schemas[i], nil)
	}
	return plans
}

func (v *verifier) fetchPlans(ctx context.Context, plans map[int32][]fetchPlan, targets []target, picking bool) error {
	picked, single := map[int32][]target{}, []target(nil)
	for _, t := range targets {
		if picking && len(v.c.blind[t.file.ID]) == 0 && v.picks(plans[t.file.Schema], t) {
			picked[t.file.Schema] = append(picked[t.file.Schema], t)
		} else {
			single = append(single, t)
		}
	}
	for _, schema := range slices.Sorted(maps.Keys(picked)) {
		for group := range v.c.batchesBySpan(picked[schema]) {
			var err error
			for _, plan := range plans[schema] {
				if err = v.pick(ctx, plan, group); err != nil {
					break
				}
			}
			switch {
			case err == nil:
			case ctx.Err() != nil:
				return context.Cause(ctx)
			case errors.As(err, new(engine.ResourceError)), errors.Is(err, errTooLarge):
				return err
			case group[0].crowd != nil:
				return errPick
			default:
				single = append(single, group...) // one of them fails: singly it is named
			}
		}
	}
	err := v.fetchSingly(ctx, plans, single)
	switch {
	case ctx.Err() != nil, errors.Is(err, errTooLarge):
	case v.changed(ctx, targets):
		return errTainted
	case err == nil && v.foundBlind.Load():
		return errBlind // what was compared before did not know of it
	}
	return err
}

// batchesBySpan cuts targets into those of the same row groups that one query reads.
func (c *collector) batchesBySpan(targets []target) iter.Seq[[]target] {
	return func(yield func([]target) bool) {
		for _, part := range bySpan(targets) {
			for batch := range c.batches(part) {
				if !yield(batch) {
					return
				}
			}
		}
	}
}

// batches cuts targets into those that one query reads.
func (c *collector) batches(targets []target) iter.Seq[[]target] {
	return func(yield func([]target) bool) {
		for start := 0; start < len(targets); {
			end, bytes := start+1, c.openBytes(&targets[start].file)
			for ; end < len(targets); end++ {
				if bytes += c.openBytes(&targets[end].file); !c.together(end+1-start, bytes) {
					break
				}
			}
			if !yield(targets[start:end]) {
				return
			}
			start = end
		}
	}
}

// checkPages compares the pages of payload and measures with their checksums, in row groups that are fetched from for the first
// time.
func (v *verifier) checkPages(ctx context.Context, plans map[int32][]fetchPlan, targets []target) error {
	var ids []int32
	groups := map[int32]func(group int) bool{}
	for _, t := range targets {
		if t.file.Checksums {
			groups[t.file.ID] = v.c.newGroups(v.c.paged, t.file.ID, t.holds)
			ids = append(ids, t.file.ID)
		}
	}
	err := v.c.eachFile(ctx, ids, func(id int32) error {
		file := v.c.survey.Files[id]
		scanned := v.c.scannedColumns(file.Schema)
		var fetched []engine.Select
		for _, plan := range plans[file.Schema] {
			fetched = append(fetched, plan.columns...)
		}
		columns := slices.DeleteFunc(columnsOf(fetched), func(c facts.Column) bool {
			return slices.ContainsFunc(scanned, func(s facts.Column) bool { return s.Path == c.Path })
		})
		_, problems, err := v.c.pagesOf(ctx, file, columns, groups[id])
		if err == nil && len(problems) > 0 && problems[0].Column != "" && v.c.addBlind(id, problems) {
			v.foundBlind.Store(true)
		}
		return err
	})
	if err == nil && v.foundBlind.Load() {
		return errBlind
	}
	return err
}

// targets makes a row for each candidate, and lists them by file and number.
func (v *verifier) targets(candidates []keys.Entry) ([]keys.Row, []target) {
	order := make([]int32, len(candidates))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(a, b int32) int { return cmp.Compare(candidates[a].Ordinal, candidates[b].Ordinal) })
	rows := make([]keys.Row, len(candidates))
	var targets []target
	for _, i := range order {
		file := v.c.fileOf(candidates[i].Ordinal)
		rows[i] = keys.Row{Hash: candidates[i].Hash, File: file, Number: candidates[i].Ordinal - v.c.bases[file]}
		if last := len(targets) - 1; last < 0 || targets[last].file.ID != file {
			targets = append(targets, target{file: v.c.survey.Files[file]})
		}
		t := &targets[len(targets)-1]
		t.numbers, t.rows = append(t.numbers, rows[i].Number), append(t.rows, &rows[i])
	}
	return rows, targets
}

// changed sets aside the files that are no longer what was counted, for they may hold other rows than the candidates now.
func (v *verifier) changed(ctx context.Context, targets []target) bool {
	changed := false
	if v.c.distant() {
		return false // every byte was of the version that was listed
	}
	for _, t := range targets {
		if problem := v.c.request.Changed(ctx, t.file); problem != nil {
			v.c.setAside(t.file.ID, *problem, true)
			changed = true
		}
	}
	return changed
}

// span is the row groups of a file from the first to the last that hold rows that are asked for, and the numbers of their rows.
type span struct {
	from, to    int
	first, last int64
	// held is how many of them hold some.
	held int
}

// spanOf is the span of a target; held is 0 where nothing is asked for.
func spanOf(t target) span {
	s, first := span{}, int64(0)
	for group, g := range t.file.RowGroups {
		if number := t.next(first); number >= 0 && number < first+g.Rows {
			if s.held == 0 {
				s.from, s.first = group, first
			}
			s.to, s.last = group, first+g.Rows-1
			s.held++
		}
		first += g.Rows
	}
	return s
}

// bySpan cuts targets into those whose spans are the same row groups: what one query reads of all files, it reads of each.
func bySpan(targets []target) [][]target {
	type groups struct{ from, to int }
	parts := map[groups][]target{}
	for _, t := range targets {
		s := spanOf(t)
		of := groups{s.from, s.to}
		parts[of] = append(parts[of], t)
	}
	order := slices.SortedFunc(maps.Keys(parts), func(a, b groups) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to)) })
	all := make([][]target, len(order))
	for i, of := range order {
		all[i] = parts[of]
	}
	return all
}

// picks says whether a file's rows are picked while the row groups from the first to the last that hold some are read: where at least half of
// these do.
func (v *verifier) picks(plans []fetchPlan, t target) bool {
	if !engine.Streams(v.c.survey.Schemas[t.file.Schema].Columns) || t.crowd != nil && len(plans) > 1 {
		return false
	}
	for _, plan := range plans {
		if len(plan.raws) > 0 || len(v.truncated(plan, t.file)) > 0 {
			return false
		}
	}
	s := spanOf(t)
	if v.c.distant() {
		return s.held == len(t.file.RowGroups) && !v.c.crowds(&t.file) // what no row is asked of is not brought
	}
	return 2*s.held >= s.to-s.from+1
}

// bound has a scan read the rows of spans alone, where these leave some out.
func (v *verifier) bound(scan *engine.Scan, targets []target) {
	if v.c.distant() {
		return // all row groups hold some
	}
	first, last, whole := int64(math.MaxInt64), int64(0), true
	for _, t := range targets {
		s := spanOf(t)
		first, last = min(first, s.first), max(last, s.last)
		whole = whole && s.to-s.from+1 == len(t.file.RowGroups)
	}
	if !whole {
		scan.Sliced, scan.First, scan.Last = true, first, last
	}
}

// pick reads the rows of several files of one schema in one query.
func (v *verifier) pick(ctx context.Context, plan fetchPlan, targets []target) error {
	here, err := v.bring(ctx, map[int32][]fetchPlan{targets[0].file.Schema: {plan}}, targets)
	if err != nil {
		return err
	}
	defer here.release()
	scan := engine.Scan{Files: here.names, Columns: plan.columns}
	want := 0
	for _, t := range targets {
		want += t.count()
	}
	v.bound(&scan, targets)
	wanted := func(file int, first int64, out []bool) { targets[file].mark(first, out) }
	var mu sync.Mutex
	fillers := make([]*filler, len(targets))
	values := make([]engine.Value, len(plan.columns))
	found := 0
	err = v.c.engine.Pick(ctx, scan, wanted, func(b engine.Block) error {
		mu.Lock()
		defer mu.Unlock()
		for row := range b.Rows {
			index := b.Files[row]
			t := targets[index]
			if fillers[index] == nil {
				fillers[index] = v.newFiller(plan, t)
			}
			for i := range values {
				values[i] = b.Vectors[i].Value(row)
			}
			if t.crowd != nil {
				filled := keys.Row{Hash: t.crowd.hash, File: t.file.ID, Number: b.Numbers[row]}
				if err := fillers[index].fill(&filled, values, cutNanos{}, 0); err != nil {
					return err
				}
				t.crowd.fold.add(filled)
				found++
				continue
			}
			at, _ := slices.BinarySearch(t.numbers, b.Numbers[row])
			if err := fillers[index].fill(t.rows[at], values, cutNanos{}, 0); err != nil {
				return err
			}
			found++
		}
		return nil
	})
	if err == nil && found != want {
		return fmt.Errorf("%d of %d rows asked for were found", found, want)
	}
	return err
}

// fetchSingly reads the rows file by file, on all workers.
func (v *verifier) fetchSingly(ctx context.Context, plans map[int32][]fetchPlan, targets []target) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan target)
	var running sync.WaitGroup
	for range max(1, v.c.request.Workers) {
		running.Go(func() {
			for t := range next {
				if err := v.fetchFile(ctx, plans[t.file.Schema], t); err != nil {
					cancel(err)
				}
				t.left.Done()
			}
		})
	}
	for batch := range v.singleBatches(targets) {
		here, err := v.bring(ctx, plans, batch)
		if err != nil {
			cancel(err)
			break
		}
		var left sync.WaitGroup
		for i, t := range batch {
			for chunk := range t.chunks(min(v.c.rowsAtOnce(&t.file), v.limit)) {
				if ctx.Err() != nil {
					break
				}
				chunk.name, chunk.left = here.names[i], &left
				left.Add(1)
				next <- chunk
			}
		}
		running.Go(func() {
			left.Wait()
			here.release()
		})
	}
	close(next)
	running.Wait()
	return context.Cause(ctx)
}

// fetchRows is how many rows one query fetches at most.
const fetchRows = 20_000

// rowsAtOnce is how many rows of a file one query fetches, which holds them until its end and sorts them: an eighth of the memory
// of runs has room for them.
func (c *collector) rowsAtOnce(file *facts.File) int {
	return int(min(max(c.request.RunMemory/8/max(file.RowBytes, 1), 1), fetchRows))
}

func (v *verifier) fetchFile(ctx context.Context, plans []fetchPlan, t target) error {
	if blind := v.c.blindColumns(t.file.ID); len(blind) > 0 {
		if t.folded {
			return nil // found just now: all is compared once more
		}
		plans = v.plans(&v.c.survey.Schemas[t.file.Schema], blind)
	}
	for _, plan := range plans {
		if fetched, err := v.fetchColumns(ctx, plan, t); err != nil || !fetched {
			return err
		}
	}
	if t.filled != nil {
		t.filled()
	}
	return nil
}

// fetchColumns fills the values of a plan into rows of one file. Where it did not without an error, what is fetched counts for
// nothing.
func (v *verifier) fetchColumns(ctx context.Context, plan fetchPlan, t target) (bool, error) {
	nanos, err := v.nanos(ctx, plan, t.file, t.numbers)
	if err != nil {
		return false, v.excuse(ctx, plan, t, err)
	}
	raws, err := readRaw(ctx, v.c, t.file, plan.raws, t.numbers)
	if raw := (rawError{}); errors.As(err, &raw) && v.payloadOnly(plan, raw.column) {
		return false, v.excuse(ctx, plan, t, err)
	}
	if err != nil && ctx.Err() == nil && v.c.learn(ctx, job{schema: t.file.Schema, files: []int32{t.file.ID}}, err) {
		return false, errTainted
	}
	if err != nil {
		return false, v.excuse(ctx, plan, t, err)
	}
	f := v.newFiller(plan, t)
	if len(plan.columns) == 0 { // none of them can be read
		for i, row := range t.rows {
			if err := f.fill(row, nil, nanos, i); err != nil {
				return false, err
			}
		}
		return true, nil
	}
	at := 0
	err = v.read(ctx, t, plan.columns, func(number int64, values []engine.Value) error {
		if at >= len(t.rows) || number != t.numbers[at] {
			return fmt.Errorf("row %d came where another was asked for: the file changed while it was read", number)
		}
		for i, raw := range plan.raws {
			values[raw.vector] = rawValue(raw, raws[i], at)
		}
		err := f.fill(t.rows[at], values, nanos, at)
		at++
		return err
	})
	if err != nil && ctx.Err() == nil && v.c.learn(ctx, job{schema: t.file.Schema, files: []int32{t.file.ID}}, err) {
		return false, errTainted
	}
	if err != nil {
		return false, v.excuse(ctx, plan, t, err)
	}
	return true, nil
}

// read has the engine read the rows of a target.
func (v *verifier) read(ctx context.Context, t target, columns []engine.Select, each func(number int64, values []engine.Value) error) error {
	queries := slices.Values([][]int64{t.numbers})
	if v.c.distant() {
		queries = t.beyondGaps()
	}
	for numbers := range queries {
		if err := v.c.engine.Fetch(ctx, engine.Fetch{File: t.name, Rows: numbers, Columns: columns}, each); err != nil {
			return err
		}
	}
	return nil
}

// nanosError is a column whose nanoseconds could not be read.
type nanosError struct {
	column string
	err    error
}

func (e nanosError) Error() string { return e.err.Error() }
func (e nanosError) Unwrap() error { return e.err }

// excuse finds what a file failed on that was read once already. A column of payload or measures is left out from then on,
// and named; for any other the whole file is set aside. Only what is no file's fault is an error of the view.
func (v *verifier) excuse(ctx context.Context, plan fetchPlan, t target, err error) error {
	if ctx.Err() != nil || stops(err) {
		return err
	}
	if v.c.request.Changed(ctx, t.file) != nil {
		return nil // fetch looks at all of them when it is done
	}
	schema := v.c.survey.Schemas[t.file.Schema]
	problems := map[string]facts.Problem{}
	var cut nanosError
	if errors.As(err, &cut) {
		problems[cut.column] = facts.Problem{Kind: facts.ProblemUnsupported, Message: fmt.Sprintf("the nanoseconds of column %q could not be read (%v): rewrite it with %s", cut.column, cut.err, "the encoding PLAIN")}
	}
	var raw rawError
	if errors.As(err, &raw) {
		problems[raw.column] = v.c.columnProblem(ctx, t.file, schema, *schema.Lookup(raw.column), raw)
	}
	for _, f := range failing(ctx, plan.columns, func(selects []engine.Select) error {
		return v.read(ctx, t, selects, func(int64, []engine.Value) error { return nil })
	}) {
		for _, part := range plan.columns[f.index].Parts {
			problems[part.Column.Path] = v.c.columnProblem(ctx, t.file, schema, part.Column, f.err)
		}
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var blind []facts.ColumnProblem
	for _, name := range sortedKeys(problems) {
		if problems[name].Retryable() || !v.payloadOnly(plan, name) {
			v.c.setAside(t.file.ID, problems[name], true)
			return errTainted
		}
		blind = append(blind, facts.ColumnProblem{Column: name, Problem: problems[name]})
	}
	if len(blind) == 0 {
		v.c.setAside(t.file.ID, problemOf(v.c.roles.view, t.file, schema, nil, err), true)
		return errTainted
	}
	if v.c.addBlind(t.file.ID, blind) {
		v.foundBlind.Store(true)
	}
	return nil
}

// payloadOnly says that a column is read for the payload or a measure and for nothing else.
func (v *verifier) payloadOnly(plan fetchPlan, name string) bool {
	is := func(f fetchedValue) bool { return f.name == name }
	if !slices.ContainsFunc(plan.payload, is) && !slices.ContainsFunc(plan.measures, func(m fetchedMeasure) bool { return is(m.fetchedValue) }) {
		return false
	}
	view := v.c.roles.view
	return !slices.Contains(view.Key, name) && view.Source.Column != name &&
		!slices.ContainsFunc(timeColumns(view), func(t model.TimeColumn) bool { return t.Column == name })
}

// fetchReaders read the times of one file and source.
type fetchReaders struct {
	event, ingested timeReader
	keys            []timeReader
	// rfc3339 says of each key that its texts have no pattern of their own.
	rfc3339 []bool
}

func (v *verifier) readers(plan fetchPlan, file facts.File, source string) (fetchReaders, error) {
	schema := &v.c.survey.Schemas[file.Schema]
	policy := sourcePolicy(v.c.roles.view, source)
	read := func(column model.TimeColumn, zoneName string) (timeReader, error) {
		index, ok := plan.times[column]
		if !column.Declared() || !ok {
			return absentTime, nil
		}
		return newTimeReader(index, schema.Encoding(*schema.Lookup(column.Column)), column, v.c.zones(), zoneName)
	}
	var r fetchReaders
	var err error
	if r.event, err = read(policy.event, policy.eventZone); err != nil {
		return r, err
	}
	if r.ingested, err = read(policy.ingested, policy.ingestedZone); err != nil {
		return r, err
	}
	for _, key := range plan.key {
		reader, column := absentTime, model.TimeColumn{}
		if key.instant {
			var zoneName string
			column, zoneName = policy.read(key.time)
			if reader, err = read(column, zoneName); err != nil {
				return r, err
			}
		}
		r.keys = append(r.keys, reader)
		r.rfc3339 = append(r.rfc3339, column.Format == "" || column.Format == "rfc3339")
	}
	return r, nil
}

// filler adds the real values to the rows of one file. It is used by one goroutine at a time.
type filler struct {
	v       *verifier
	plan    fetchPlan
	file    facts.File
	held    *heldBytes
	folded  bool
	images  []keys.Image
	readers map[string]fetchReaders
}

func (v *verifier) newFiller(plan fetchPlan, t target) *filler {
	return &filler{v: v, plan: plan, file: t.file, held: t.held, folded: t.folded, readers: map[string]fetchReaders{}}
}

// fill adds the values to a row, the at-th of those whose nanoseconds the engine cut off.
func (f *filler) fill(row *keys.Row, values []engine.Value, cut cutNanos, at int) error {
	if f.plan.base {
		if err := f.fillBase(row, values, cut, at); err != nil {
			return err
		}
	}
	if f.folded {
		f.fold(row, values, cut, at)
		return nil
	}
	bytes := 0
	for i, p := range f.plan.payload {
		value := p.value(values, cut.of(p.instant, at))
		row.Payload[f.plan.from+i] = value
		bytes += valueBytes/2 + len(value.Text)
	}
	return f.held.add(bytes)
}

// fold compares the payload with that of the row's group, and keeps an image of it.
func (f *filler) fold(row *keys.Row, values []engine.Value, cut cutNanos, at int) {
	f.images = f.images[:0]
	for _, p := range f.plan.payload {
		image := keys.ImageOf(p.value(values, cut.of(p.instant, at)))
		f.images = append(f.images, image)
		row.Sum = row.Sum.Join(image)
	}
	if len(f.images) > 0 {
		row.Wide.Add(f.plan.from, f.images)
	}
}

// fillBase adds all but the payload.
func (f *filler) fillBase(row *keys.Row, values []engine.Value, cut cutNanos, at int) error {
	v, plan := f.v, f.plan
	row.Source = f.file.Source
	if plan.source != absent {
		row.Source = facts.SourceText(values[plan.source].Text)
	}
	r, ok := f.readers[row.Source]
	if !ok {
		var err error
		if r, err = v.readers(plan, f.file, row.Source); err != nil {
			return err
		}
		f.readers[row.Source] = r
	}
	row.Event, row.Ingested = v.usable(v.instant(r.event, values)), v.usable(v.instant(r.ingested, values))
	var key strings.Builder // keys may be of a megabyte: no copy more than it takes
	var length [binary.MaxVarintLen64]byte
	for i, part := range plan.key {
		text := ""
		if part.instant {
			text = keyInstant(r.keys[i], values, cut.of(part.time.column.Column, at), r.rfc3339[i])
		} else {
			text = values[part.index].Text
		}
		key.Write(length[:binary.PutUvarint(length[:], uint64(len(text)))])
		key.WriteString(text)
	}
	row.Key = key.String()
	if !f.folded {
		row.Payload = make([]keys.Value, len(v.payload))
	}
	row.Measures = make([]keys.Value, len(plan.measures))
	for i, m := range plan.measures {
		if m.unknown {
			row.Measures[i] = keys.Value{Unknown: true}
			continue
		}
		row.Measures[i] = plain(values[m.index], 0)
		row.Measures[i].Floating = m.floating
	}
	return f.held.add(rowHeader + len(row.Key) + len(row.Source) + valueBytes/2*len(row.Measures))
}

// add counts what is held; a nil counter lets all pass.
func (h *heldBytes) add(bytes int) error {
	if h != nil && h.bytes.Add(int64(bytes)) > h.most {
		return errTooLarge
	}
	return nil
}

// rowHeader is what a row takes beside its values.
const rowHeader = 160

func (f fetchedValue) value(values []engine.Value, cut int64) keys.Value {
	if f.unknown {
		return keys.Value{Unknown: true}
	}
	got := plain(values[f.index], cut)
	if f.numbers && !got.Null {
		got.Text = shownNumber(got.Text)
	}
	return got
}

// truncated are the columns of a file that rows are compared by and whose nanoseconds the engine cuts off.
func (v *verifier) truncated(plan fetchPlan, file facts.File) []facts.Column {
	var names []string
	for _, key := range plan.key {
		if key.instant {
			names = append(names, key.time.column.Column)
		}
	}
	for _, p := range plan.payload {
		names = append(names, p.instant)
	}
	var columns []facts.Column
	for _, name := range names {
		column := v.c.survey.Schemas[file.Schema].Lookup(name)
		if name != "" && column != nil && v.c.request.Truncated(*column) {
			columns = append(columns, *column)
		}
	}
	return columns
}

// cutNanos are the nanoseconds that the engine cuts off the times of a file's fetched rows, by column.
type cutNanos map[string][]int64

func (n cutNanos) of(column string, at int) int64 {
	if cut := n[column]; cut != nil {
		return cut[at]
	}
	return 0
}

// nanos reads what the engine cuts off.
func (v *verifier) nanos(ctx context.Context, plan fetchPlan, file facts.File, rows []int64) (cutNanos, error) {
	cut := cutNanos{}
	for _, column := range v.truncated(plan, file) {
		read, err := v.c.request.Nanos(ctx, file, column, rows)
		if err != nil {
			return nil, nanosError{column.Path, err}
		}
		cut[column.Path] = read
	}
	return cut, nil
}

// exactInstant is a time as text to the nanosecond: as the engine gave it, or with what it cut off.
func exactInstant(micros int64, value engine.Value, cut int64) string {
	if value.PerMicro == 1000 {
		cut = ((value.Int % 1000) + 1000) % 1000
	}
	if cut == 0 {
		return timeOf(micros)
	}
	return time.UnixMicro(micros).Add(time.Duration(cut)).UTC().Format(time.RFC3339Nano)
}

// usable drops sentinels: they are no times.
func (v *verifier) usable(micros int64) int64 {
	if micros != times.None && v.c.clock.sentinel(micros) {
		return times.None
	}
	return micros
}

// instant reads a fetched time as the scan does.
func (v *verifier) instant(r timeReader, values []engine.Value) int64 {
	if r.vector < 0 {
		return times.None
	}
	t := r.readValue(values[r.vector])
	if t.status != readOK {
		return times.None
	}
	return t.micros
}

// plain is a payload value, with the nanoseconds that were cut off a time.
func plain(v engine.Value, cut int64) keys.Value {
	if v.Null || v.IsText {
		return keys.Value{Null: v.Null, Text: v.Text}
	}
	if beyond(v.Int, v.PerMicro) {
		return keys.Value{Text: farAwayText(v)}
	}
	micros := scale(v.Int, v.PerMicro)
	return keys.Value{Text: exactInstant(micros, v, cut)}
}

// keyParts takes a canonical key apart.
func keyParts(key string) []string {
	var parts []string
	rest := []byte(key)
	for len(rest) > 0 {
		length, n := binary.Uvarint(rest)
		parts = append(parts, string(rest[n:n+int(length)]))
		rest = rest[n+int(length):]
	}
	return parts
}
