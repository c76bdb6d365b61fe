package render

import (
	"cmp"
	"fmt"
	"html/template"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/times"
	"github.com/featureaudit/featureaudit/audit/words"
	"github.com/featureaudit/featureaudit/audit/zone"
)

// tick is a label on an axis, in whole percent of its length.
type tick struct {
	At   int
	Text string
}

// freshness is the newest event of a source against what is promised.
type freshness struct {
	Source, Newest, Age, Limit, LimitOf string
	Known, Late                         bool
	// Note says what stale-view made of it, where that is not what the times say as they are read.
	Note    string
	Picture template.HTML
}

// freshnessOf compares the newest event of each source, or of the view, with max_age, else ttl. What is too old is what
// stale-view says is too old: it knows of writers that are proved to stamp at an offset.
func freshnessOf(o ViewOutline, r report.Report) []freshness {
	v := o.View
	asOf, err := time.Parse(time.RFC3339Nano, r.AsOf)
	if err != nil {
		return nil
	}
	d := v.Definition
	one := func(source, newest string, maxAge *float64) freshness {
		f := freshness{Source: clip(Clean(source), maxPageName)}
		limit, of := maxAge, "max_age"
		if limit == nil {
			limit, of = d.TTLSeconds, "ttl"
		}
		if limit != nil {
			f.Limit, f.LimitOf = words.Seconds(*limit), of
		}
		at, err := time.Parse(time.RFC3339Nano, newest)
		if err != nil {
			return f
		}
		age := asOf.Sub(at).Seconds()
		judged := staleOf(o, source)
		if judged.age != nil {
			f.Note = fmt.Sprintf("by the offset at which its writers stamp; as it is read it would be %s old", words.Seconds(age))
			age = *judged.age
		}
		f.Known, f.Newest, f.Age, f.Late = true, Clean(newest), words.Seconds(age), judged.late
		if limit != nil && age > *limit && !judged.late {
			f.Note = "not found by stale-view: " + cmp.Or(judged.outcome, "it was not judged")
		}
		f.Picture = ageBar(age, limit, judged.late)
		return f
	}
	if len(v.NewestBySource) == 0 {
		if v.NewestEventTime == nil {
			return nil
		}
		return []freshness{one("", *v.NewestEventTime, d.MaxAgeSeconds)}
	}
	var rows []freshness
	names := slices.Sorted(maps.Keys(v.NewestBySource))
	for name := range d.Sources {
		if _, seen := v.NewestBySource[name]; !seen {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		maxAge := d.MaxAgeSeconds
		if own := d.Sources[name].MaxAgeSeconds; own != nil {
			maxAge = own
		}
		rows = append(rows, one(name, v.NewestBySource[name], maxAge))
	}
	return rows
}

// staleness is what stale-view says of a source.
type staleness struct {
	outcome string
	late    bool
	// age is what it judged, in seconds, where that is not what the newest event says as it is read.
	age *float64
}

func staleOf(o ViewOutline, source string) staleness {
	var s staleness
	for _, it := range o.All {
		res := it.Result
		if !res.JudgesAge() {
			continue
		}
		s.outcome = outcomeWord(res.Outcome)
		for _, f := range res.Findings {
			if !f.Suppressed && (f.Subject.Source == source || f.Subject.Source == "") {
				s.late = bad(res.Outcome)
			}
		}
		if res.Measures.Text("source") == source && res.Measures["newest_as_read"] != nil {
			if age, known := res.Measures.Number("age_seconds"); known {
				s.age = &age
			}
		}
	}
	return s
}

// ageBar draws an age from the left, and where its limit is.
func ageBar(age float64, limit *float64, late bool) template.HTML {
	whole := max(age, 1)
	if limit != nil {
		whole = max(whole, *limit)
	}
	whole *= 1.08
	at := func(s float64) int { return int(math.Round(1000 * max(s, 0) / whole)) }
	var b strings.Builder
	b.WriteString(`<svg class="bar" viewBox="0 0 1000 16" preserveAspectRatio="none" aria-hidden="true"><path class="rail" d="M0 8H1000"/>`)
	class := "ok"
	if late {
		class = "late"
	}
	fmt.Fprintf(&b, `<path class="%s" d="M0 4H%dV12H0z"/>`, class, max(at(age), 4))
	if limit != nil {
		fmt.Fprintf(&b, `<path class="limit" d="M%d 0V16"/>`, at(*limit))
	}
	b.WriteString(`</svg>`)
	return template.HTML(b.String())
}

// offsetAxis knows the offsets from UTC that were in use when the data was written.
type offsetAxis struct{ offsets []zone.RealOffset }

func newOffsetAxis(from, to times.Instant) offsetAxis {
	if from > to {
		return offsetAxis{}
	}
	return offsetAxis{offsets: zone.RealOffsets(from, to)}
}

// lagPicture is the distribution of lags by source on one axis.
type lagPicture struct {
	Sources []lagRow
	Ticks   []tick
	// Offsets says that the real offsets are marked; Beyond what lies outside of the axis.
	Offsets bool
	Words   string
}

// lagRow is one source.
type lagRow struct {
	Source, Rows, Quantiles string
	// Marks name the offsets at which rows of it sit.
	Marks   []tick
	Beyond  string
	Picture template.HTML
}

// lags draws the lag bins of a view in so many columns at most.
func (a offsetAxis) lags(v ViewOutline, columns float64) lagPicture {
	bins := v.View.LagBins
	if len(bins) == 0 {
		return lagPicture{}
	}
	from, to := lagDomain(bins)
	p := lagPicture{Ticks: lagTicks(from, to), Offsets: to-from > 2*3600}
	at := func(s float64) float64 { return 1000 * (s - from) / (to - from) }
	found := offsetsFound(v)
	for _, source := range slices.Sorted(maps.Keys(bins)) {
		lag := v.View.SourceLagSeconds[source]
		row := lagRow{Source: clip(Clean(source), maxPageName), Rows: words.Counted(lag.Rows, "row", "rows"),
			Quantiles: fmt.Sprintf("half within %s, 99 %% within %s, all within %s", words.Seconds(lag.P50), words.Seconds(lag.P99), words.Seconds(lag.Max))}
		var b strings.Builder
		b.WriteString(`<svg class="lag" viewBox="0 0 1000 60" preserveAspectRatio="none" aria-hidden="true">`)
		if p.Offsets {
			b.WriteString(`<path class="off" d="`)
			for _, o := range a.offsets {
				if x := at(float64(-o.Offset)); x >= 0 && x <= 1000 {
					fmt.Fprintf(&b, "M%.0f 0V60", x)
				}
			}
			b.WriteString(`"/>`)
		}
		if x := at(0); x >= 0 && x <= 1000 {
			fmt.Fprintf(&b, `<path class="zero" d="M%.0f 0V60"/>`, x)
		}
		bars, outside := inColumns(bins[source], from, to, columns)
		b.WriteString(`<path class="hist" d="` + bars + `"/></svg>`)
		row.Picture = template.HTML(b.String())
		if outside > 0 {
			row.Beyond = words.Counted(outside, "row lies", "rows lie") + " beyond this axis"
		}
		for _, f := range found[source] {
			if x := at(float64(-f.offset)); x >= 0 && x <= 1000 {
				row.Marks = append(row.Marks, tick{At: int(math.Round(x / 10)), Text: fmt.Sprintf("%s: %s", zone.OffsetText(f.offset), words.Counted(f.rows, "row", "rows"))})
			}
		}
		p.Sources = append(p.Sources, row)
	}
	return p
}

// inColumns draws bins as bars on an axis of 1000, and counts the rows that lie outside of it. Bins that share a column are one bar.
func inColumns(bins []report.LagBin, from, to, columns float64) (bars string, outside int64) {
	type bar struct {
		left, right float64
		rows        int64
	}
	width := 1000 / columns
	at := func(s float64) float64 { return 1000 * (s - from) / (to - from) }
	var all []bar
	highest := int64(1)
	for _, bin := range bins {
		if bin.ToSeconds <= from || bin.FromSeconds >= to {
			outside += bin.Rows
			continue
		}
		left := width * math.Floor(max(at(bin.FromSeconds), 0)/width)
		right := min(max(left+width, width*math.Round(at(bin.ToSeconds)/width)), 1000)
		if n := len(all); n > 0 && left < all[n-1].right {
			all[n-1].rows += bin.Rows
			all[n-1].right = max(right, all[n-1].right)
		} else {
			all = append(all, bar{left, right, bin.Rows})
		}
		highest = max(highest, all[len(all)-1].rows)
	}
	var b strings.Builder
	for i, one := range all {
		if i == 0 || one.left > all[i-1].right {
			if i > 0 {
				b.WriteString("V60")
			}
			fmt.Fprintf(&b, "M%.0f 60", one.left)
		}
		// roots let few rows be seen beside many
		fmt.Fprintf(&b, "V%.0fH%.0f", 56-52*math.Sqrt(float64(one.rows)/float64(highest)), one.right)
	}
	if len(all) > 0 {
		b.WriteString("V60")
	}
	return b.String(), outside
}

// lagDomain spans the lags of nearly all rows of each source, and zero; wide ones in whole hours.
func lagDomain(bins map[string][]report.LagBin) (from, to float64) {
	from, to = 0, 1
	for _, source := range slices.Sorted(maps.Keys(bins)) {
		total, seen := int64(0), int64(0)
		for _, bin := range bins[source] {
			total += bin.Rows
		}
		for _, bin := range bins[source] {
			// one row in a thousand at each end may lie outside
			if before := seen; before+bin.Rows > total/1000 && before <= total-1-total/1000 {
				from, to = min(from, bin.FromSeconds), max(to, bin.ToSeconds)
			}
			seen += bin.Rows
		}
	}
	if to-from > 2*3600 {
		from = 3600 * math.Floor(from/3600-0.5)
		to = 3600 * math.Ceil(to/3600+0.5)
		return from, to
	}
	pad := 0.04 * (to - from)
	return from - pad, to + pad
}

// lagTicks are at most seven round lags.
func lagTicks(from, to float64) []tick {
	var step float64
	for _, step = range []float64{1, 5, 15, 60, 300, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 2 * 86400, 7 * 86400, 30 * 86400, 90 * 86400, 365 * 86400, 3650 * 86400} {
		if (to-from)/step <= 7 {
			break
		}
	}
	var ticks []tick
	for s := step * math.Ceil(from/step); s <= to; s += step {
		text := "0"
		if s != 0 {
			text = words.Seconds(s)
		}
		ticks = append(ticks, tick{At: int(math.Round(100 * (s - from) / (to - from))), Text: text})
	}
	return ticks
}

type offsetFound struct {
	offset times.Offset
	rows   int64
}

// offsetsFound are the offsets at which rows were found, by source: what any check measures as offsets.
func offsetsFound(v ViewOutline) map[string][]offsetFound {
	found := map[string][]offsetFound{}
	for _, it := range v.All {
		for _, o := range it.Result.Measures.Objects("offsets") {
			minutes, known := o.Count("offset_minutes")
			rows, _ := o.Count("rows")
			source := o.Text("source")
			if known {
				found[source] = append(found[source], offsetFound{offset: times.Offset(minutes) * 60, rows: rows})
			}
		}
	}
	return found
}

// writerMatrix is which sources share keys.
type writerMatrix struct {
	Names []string
	Rows  []writerRow
	More  int
}

type writerRow struct {
	Name  string
	Cells []writerCell
}

type writerCell struct{ Keys, Words string }

// maxWriters are shown; the others are counted.
const maxWriters = 10

// writersOf is the matrix of sources by the keys that they share: what any check measures as writers.
func writersOf(v ViewOutline) writerMatrix {
	type pair struct{ a, b string }
	counted := map[pair]report.Measures{}
	weight := map[string]int64{}
	for _, it := range v.All {
		for _, w := range it.Result.Measures.Objects("writers") {
			a, b := w.Text("a"), w.Text("b")
			keys, _ := w.Count("keys")
			counted[pair{a, b}] = w
			weight[a] += keys
			weight[b] += keys
		}
	}
	names := slices.SortedFunc(maps.Keys(weight), func(a, b string) int { return cmp.Or(cmp.Compare(weight[b], weight[a]), cmp.Compare(a, b)) })
	var m writerMatrix
	if len(names) < 2 {
		return m
	}
	m.More = max(0, len(names)-maxWriters)
	names = names[:min(len(names), maxWriters)]
	slices.Sort(names)
	for i, a := range names {
		m.Names = append(m.Names, clip(cmp.Or(Clean(a), "(none)"), 40))
		row := writerRow{Name: clip(cmp.Or(Clean(a), "(none)"), 40)}
		for j, b := range names {
			cell := writerCell{}
			if j <= i {
				w, shared := counted[pair{b, a}]
				if !shared {
					w, shared = counted[pair{a, b}]
				}
				if keys, _ := w.Count("keys"); shared && keys > 0 {
					cell.Keys = words.Number(keys)
					var classes []string
					for _, part := range []struct{ name, word string }{{"replay_keys", "replayed"}, {"shifted_twin_keys", "one UTC offset apart"}, {"conflict_keys", "in conflict"}} {
						if n, _ := w.Count(part.name); n > 0 {
							classes = append(classes, words.Number(n)+" "+part.word)
						}
					}
					cell.Words = strings.Join(classes, ", ")
				}
			}
			row.Cells = append(row.Cells, cell)
		}
		m.Rows = append(m.Rows, row)
	}
	return m
}

// sparkline draws what earlier runs counted, oldest first, and what this one does.
func sparkline(last []int64, now int64) template.HTML {
	if len(last) == 0 {
		return ""
	}
	all := append(slices.Clone(last), now)
	most := max(slices.Max(all), 1)
	var b strings.Builder
	for i, n := range all {
		letter := "L"
		if i == 0 {
			letter = "M"
		}
		fmt.Fprintf(&b, "%s%d %.1f", letter, 2+i*56/(len(all)-1), 14-12*float64(n)/float64(most))
	}
	texts := make([]string, len(all))
	for i, n := range all {
		texts[i] = words.Number(n)
	}
	return template.HTML(fmt.Sprintf(`<svg class="spark" width="60" height="16" role="img" aria-label="run by run: %s"><path d="%s"/></svg>`, strings.Join(texts, ", "), b.String()))
}
