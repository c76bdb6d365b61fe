package trino

import (
	"context"
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/featureaudit/featureaudit/audit/engine"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/times"
	"github.com/featureaudit/featureaudit/sql"
)

// profileSQL are the values of the query that counts rows by file and source.
type profileSQL struct {
	Rows        string
	Ahead, AsOf int64
	ByIngest    bool
	StaleLag    string
	// Flags are the conditions that rows are told apart by, and Bounds the least and greatest values of each class of them.
	Flags, Bounds                                []string
	FineSeconds, CoarseSeconds, LogFrom, LogLast int64
	LogBase                                      string
	Events, Unparsed                             bool
	UnparsedText                                 string
	// EventBin is what the numbers of event times' bins are counted from: small numbers are short.
	EventBin int64
	bins
}

// profile counts the rows of each file and source.
func (a *asked) profile(ctx context.Context, v *view) error {
	a.under = v.profileText
	texts, err := a.profileTexts(v)
	if err != nil {
		return err
	}
	seen, strange := map[int32]int64{}, []string{}
	type counted struct {
		slice  facts.Slice
		lags   *facts.LagHistogram
		events *facts.EventHistogram
	}
	var all []counted
	by, err := v.classes()
	if err != nil {
		return err
	}
	take := func(row []any) error {
		if path, unknown := row[0].(string); unknown {
			strange = append(strange, path)
			return nil
		}
		slice, lags, events, err := by.sliceOf(row, eventBin(v.order))
		if err != nil {
			return &ownError{err}
		}
		if cut := v.cutBy(row, len(by.flags)); cut != nil {
			return &ownError{fmt.Errorf("the table %s declares column %q as varchar(%d), and rows have texts of that length: Trino cuts longer ones without a word; declare it as varchar",
				a.name, cut.column, cut.most)}
		}
		seen[slice.File] += slice.Rows
		v.see(slice.Source)
		all = append(all, counted{slice, lags, events})
		v.noteFar(row, by)
		return nil
	}
	for i, text := range texts {
		step := a.asking(v, "profile")
		step.part = i > 0
		if err := a.ask(ctx, v, step, text, take); err != nil {
			return err
		}
	}
	if len(strange) > 0 {
		return strangers(v, strange)
	}
	slices.Sort(v.seen)
	if a.compareRows(v, v.fresh, seen) {
		return errAgain
	}
	for _, c := range all {
		if err := v.shifted(c.slice); err != nil {
			return &ownError{err}
		}
	}
	for _, c := range all {
		if err := v.rules.AddSlice(c.slice, c.lags, c.events); err != nil {
			return &ownError{err}
		}
	}
	v.rules.FinishSlices()
	return nil
}

// compareRows sets aside the files of which the cluster counted other rows than their footers say, and says whether there is one.
func (a *asked) compareRows(v *view, files []int32, seen map[int32]int64) (found bool) {
	for _, id := range files {
		file := v.order.Survey.Files[id]
		switch rows := seen[id]; {
		case rows == file.Live():
			continue
		case rows == 0:
			a.setAside(id, facts.Problem{Kind: facts.ProblemIO, Message: fmt.Sprintf("the table %s does not show this file: its partition may not be registered (a sync of the metastore adds it), "+
				"or the catalog does not read folders inside of partitions (hive.recursive-directories)", a.name)})
		default:
			a.setAside(id, facts.Problem{Kind: facts.ProblemChanged, Message: fmt.Sprintf("the cluster counted %d rows in it, and its footer says %d: it changed while it was read", rows, file.Live())})
		}
		found = true
	}
	return found
}

// cutBy is the first column of which a class of rows may have been cut; their conditions follow so many others.
func (v *view) cutBy(row []any, flags int) *cutting {
	class, _ := row[3].(int64)
	for i := range v.cut {
		if class>>(flags+i)&1 == 1 {
			return &v.cut[i]
		}
	}
	return nil
}

// shifted says that the catalog reads times otherwise than they are stored: none lies outside of what the file's own footer says.
func (v *view) shifted(s facts.Slice) error {
	file := &v.order.Survey.Files[s.File]
	read := v.rules.RulesOf(file, s.Source).Event
	if read.Stored == nil || read.Zone != nil || read.Stored.Logical != "timestamp" || !s.EventMin.Known() {
		return nil
	}
	low, high := int64(math.MaxInt64), int64(math.MinInt64)
	for _, group := range file.RowGroups {
		if !group.HasEventBounds {
			return nil
		}
		low, high = min(low, group.EventMin), max(high, group.EventMax)
	}
	by := map[string][2]int64{"ms": {1000, 1}, "us": {1, 1}, "ns": {1, 1000}}[read.Stored.Unit]
	if by[1] == 0 || low > high || max(high, -low) > math.MaxInt64/by[0] {
		return nil
	}
	first, last := times.Instant(floorDiv(low*by[0], by[1])), times.Instant(floorDiv(high*by[0], by[1]))
	if s.EventMin >= first && s.EventMax <= last {
		return nil
	}
	return fmt.Errorf("the cluster reads event times of %s from %s to %s, and the file's footer says from %s to %s: the catalog shifts times; set hive.parquet.time-zone=UTC",
		file.Path, s.EventMin.Time().Format(time.RFC3339Nano), s.EventMax.Time().Format(time.RFC3339Nano), first.Time().Format(time.RFC3339Nano), last.Time().Format(time.RFC3339Nano))
}

func floorDiv(n, by int64) int64 {
	if q := n / by; n%by >= 0 {
		return q
	}
	return n/by - 1
}

// strangers are files of the table that the view's path does not list.
func strangers(v *view, paths []string) error {
	slices.Sort(paths)
	paths = slices.Compact(paths)
	return fmt.Errorf("the table %s has %d files that the view's path %q does not list, such as %s: name the table's own folder in path, so that both are of the same rows",
		v.table.name, len(paths), v.order.View.Path, strings.Join(paths[:min(3, len(paths))], ", "))
}

func (v *view) profileText(where string) (string, error) {
	p, err := v.profileSQL()
	if err != nil {
		return "", err
	}
	counted := v.rows(where)
	counted.Files, counted.Known = v.toldKnown, true
	if p.Rows, err = sql.Trino("rows", counted); err != nil {
		return "", err
	}
	return sql.Trino("profile", p)
}

// profileSQL are the values of the query but for the rows.
func (v *view) profileSQL() (profileSQL, error) {
	limits, scale := v.limits(), facts.LagScaleOf()
	p := profileSQL{bins: asText, EventBin: eventBin(v.order), Ahead: int64(limits.Ahead), AsOf: int64(limits.AsOf), ByIngest: byIngest(v.order.View), FineSeconds: scale.Fine, CoarseSeconds: scale.Coarse,
		LogFrom: scale.LogFrom, LogLast: int64(len(scale.Edges) - 1), LogBase: strconv.FormatFloat(scale.Base, 'e', -1, 64), Events: v.rules.Wants().Has(facts.WantEvents)}
	if lag := v.readings[0].rules[0].Stale.Lag; lag != times.None {
		p.StaleLag = strconv.FormatInt(int64(lag), 10)
	}
	if v.unparsedText != "" && !v.order.View.Hides(v.order.View.EventTime.Column) {
		p.Unparsed, p.UnparsedText = true, v.unparsedText
	}
	by, err := v.classes()
	if err != nil {
		return p, err
	}
	p.Flags, p.Bounds = slices.Clone(by.flags), by.bounds
	for _, c := range v.cut {
		p.Flags = append(p.Flags, c.when)
	}
	return p, nil
}

// boundsOfRows are what is known of the rows of a class beside their number. Sentinels may be the least of all numbers, whose absolute value
// is none.
var boundsOfRows = []string{"min(e)", "max(e)", "min(i)", "max(i)", "min(lag)", "max(lag)", "min(greatest(e0, -9223372036854775807))", "max(e0)"}

// ruled is how a row fact follows from the classes of rows: it counts those for which a condition holds, or takes one of the bounds of those.
type ruled struct {
	// when is empty where all rows count; absent is a fact that is not asked for.
	when   string
	absent bool
	// bound is the index of a bound from 1 on, 0 for a count.
	bound int
}

// The bounds of rows, from 1 on.
const (
	leastEvent = iota + 1
	mostEvent
	leastIngested
	mostIngested
	leastLag
	mostLag
	leastStored
	mostStored
)

// factOf is how a row fact follows from the classes of rows of a file and source.
func (v *view) factOf(field string) (ruled, bool) {
	sentinel := "e0 IS NOT NULL AND e IS NULL"
	before, after := "e < part_start", "e >= part_end"
	switch v.order.View.TimePartition.Of {
	case model.OfIngestedAt:
		before, after = "i < part_start", "coalesce(i, e) >= part_end"
	case model.OfSnapshot:
		before = "false"
	default:
	}
	unreferenced := "unreferenced"
	if v.readings[0].rules[0].Stale.Lag != times.None {
		unreferenced = "i IS NULL"
	}
	count := func(when string) ruled { return ruled{when: when} }
	null := func(parts []part) ruled {
		return ruled{when: "NOT (" + whole(parts) + ")", absent: len(parts) == 0}
	}
	flagged := func(expression, when string) ruled { return ruled{when: when, absent: expression == ""} }
	stored := func(bound int) ruled {
		return ruled{when: sentinel, bound: bound, absent: v.order.View.Hides(v.order.View.EventTime.Column)}
	}
	fact, ok := map[string]ruled{
		"FirstRow":          {absent: true},
		"Rows":              {},
		"EventNull":         count("e0 IS NULL AND NOT e_unparsed"),
		"EventUnparsed":     flagged(v.event.unparsed, "e_unparsed"),
		"EventSentinel":     count(sentinel),
		"SentinelMin":       stored(leastStored),
		"SentinelMax":       stored(mostStored),
		"IngestedNull":      count("i IS NULL"),
		"IngestedOnly":      count("arrived"),
		"OnLattice":         count("e % 900000000 = 0"),
		"AmbiguousLocal":    flagged(v.event.odd, "e_odd AND e IS NOT NULL"),
		"TextOffset":        flagged(v.event.offset, "e_offset"),
		"TextNaive":         flagged(v.event.bare, "e_bare"),
		"EntityNull":        null(v.entity),
		"KeyNull":           null(v.key),
		"EventMin":          {bound: leastEvent},
		"EventMax":          {bound: mostEvent},
		"NewestKnown":       {when: "kind = 4", bound: mostEvent},
		"IngestedMin":       {bound: leastIngested},
		"IngestedMax":       {bound: mostIngested},
		"FutureIngested":    count("kind = 1"),
		"FutureAsOf":        count("kind = 2 OR arrived AND i > known_by"),
		"NewestFuture":      {when: "kind IN (1, 2)", bound: mostEvent},
		"AfterAsOf":         count("kind = 3"),
		"Stale":             count("due AND stale"),
		"StaleUnreferenced": count("due AND " + unreferenced),
		"OldestStale":       {when: "due AND stale", bound: leastEvent},
		"MisfiledBefore":    count("is_filed AND part = 2 AND " + before),
		"MisfiledAfter":     count("is_filed AND part = 2 AND " + after),
		"MisfiledUndated":   count("is_filed AND part = 1"),
		"OwnColumnDiffers":  {absent: true},
		"LagRows":           count("lag IS NOT NULL"),
		"LagOver":           count("due AND lag > " + v.lagLimit()),
		"LagMin":            {bound: leastLag},
		"LagMax":            {bound: mostLag},
	}[field]
	return fact, ok
}

// classes are the conditions that tell rows apart, and which facts follow from them.
type classes struct {
	flags []string
	facts []ruled // as facts.RowFacts has them
	bits  []int64 // those of their conditions, 0 where all rows count
	// bounds are those of rows, with those of far times where facts are kept.
	bounds []string
}

func (v *view) classes() (classes, error) {
	c := classes{bounds: boundsOfRows}
	if v.keeps {
		c.bounds = slices.Concat(boundsOfRows, farBounds(int64(v.limits().SentinelAfter)))
	}
	for _, fact := range facts.RowFacts() {
		of, ok := v.factOf(fact.Field)
		if !ok {
			return classes{}, fmt.Errorf("the row fact %s has no SQL for Trino", fact.Field)
		}
		bit := int64(0)
		if of.when != "" && !of.absent {
			at := slices.Index(c.flags, of.when)
			if at < 0 {
				c.flags, at = append(c.flags, of.when), len(c.flags)
			}
			bit = 1 << at
		}
		c.facts, c.bits = append(c.facts, of), append(c.bits, bit)
	}
	return c, nil
}

// lagLimit is the longest lag of a row's source that is not too long.
func (v *view) lagLimit() string {
	limit := func(l times.Span) string {
		if l == times.None {
			return "CAST(NULL AS bigint)"
		}
		return strconv.FormatInt(int64(l), 10)
	}
	rules := v.readings[0].rules
	if len(rules) == 1 {
		return limit(rules[0].Limits.LagLimit)
	}
	text := "CASE source"
	for i, r := range rules[1:] {
		text += " WHEN " + literal(v.sources[i+1]) + " THEN " + limit(r.Limits.LagLimit)
	}
	return text + " ELSE " + limit(rules[0].Limits.LagLimit) + " END"
}

// rowsAt is where an answer has its number of rows; bounds follow.
const rowsAt = 4

// sliceOf reads one row of the profile: the rows of a file and source that are of one class.
func (c classes) sliceOf(row []any, eventBin int64) (facts.Slice, *facts.LagHistogram, *facts.EventHistogram, error) {
	file, _ := row[1].(int64)
	source, _ := row[2].(string)
	class, _ := row[3].(int64)
	slice := facts.NewSlice(int32(file), source)
	slice.FirstRow = 0 // the cluster knows no places of rows
	for i, fact := range facts.RowFacts() {
		if of := c.facts[i]; !of.absent && class&c.bits[i] == c.bits[i] {
			if value, ok := row[rowsAt+of.bound].(int64); ok {
				fact.Set(&slice, value)
			}
		}
	}
	at := rowsAt + 1 + len(c.bounds)
	lags := &facts.LagHistogram{Rows: slice.LagRows, Max: slice.LagMax, Min: slice.LagMin}
	events := &facts.EventHistogram{}
	var err error
	if lags.Counts, _, err = histogram(row[at], 0); err != nil {
		return slice, nil, nil, err
	}
	if events.Counts, events.Rows, err = histogram(row[at+1], eventBin); err != nil {
		return slice, nil, nil, err
	}
	if text, ok := row[at+2].(string); ok {
		raw, err := hex.DecodeString(text)
		if err != nil {
			return slice, nil, nil, err
		}
		slice.Unparsed.Add(raw)
	}
	return slice, lags, events, nil
}

// bins write a histogram as text, of which a cluster sends a fifth of what it sends as JSON: numbers of 36 digits, the rows of each bin in their
// order, and before them the bin's own number where it does not follow the one before.
type bins struct{ BinsBegin, BinsEnd string }

var asText = bins{"reduce(array_sort(map_entries(", ")), CAST(ROW('', BIGINT '-9007199254740992') AS row(text varchar, last bigint)), " +
	"(s, x) -> CAST(ROW(concat(s.text, if(x[1] = s.last + 1, '', concat(to_base(x[1], 36), ':')), to_base(x[2], 36), ' '), x[1]) AS row(text varchar, last bigint)), s -> s.text)"}

// eventBin is the bin of as_of.
func eventBin(o engine.Order) int64 { return int64(o.AsOf) / 900_000_000 }

// histogram reads bins as the cluster writes them, whose numbers are counted from another.
func histogram(value any, from int64) (counts map[int32]int64, rows int64, err error) {
	counts = map[int32]int64{}
	text, _ := value.(string)
	last := int64(math.MinInt64)
	for _, pair := range strings.Fields(text) {
		number, of := last+1, pair
		if bin, rows, given := strings.Cut(pair, ":"); given {
			if number, err = strconv.ParseInt(bin, 36, 64); err != nil {
				return nil, 0, fmt.Errorf("read a histogram of the cluster: no bin and rows: %q", pair)
			}
			of = rows
		}
		last = number
		n, err := strconv.ParseInt(of, 36, 64)
		if number += from; err != nil || number != int64(int32(number)) {
			return nil, 0, fmt.Errorf("read a histogram of the cluster: no bin and rows: %q", pair)
		}
		counts[int32(number)] += n
		rows += n
	}
	return counts, rows, nil
}
