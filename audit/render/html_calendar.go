package render

import (
	"cmp"
	"fmt"
	"html/template"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/times"
	"github.com/featureaudit/featureaudit/audit/words"
	"github.com/featureaudit/featureaudit/audit/zone"
)

// calendar is what the partitions of a view hold, each a square at its date.
type calendar struct {
	Blocks []calendarBlock
	// Words say in a sentence what the squares show.
	Words string
	// Checks counts by check what is bad, and in how many partitions.
	Checks []calendarCheck
	// Legend are the kinds of squares that occur.
	Legend  []calendarKind
	LeftOut string
	Undated string
}

// calendarBlock is a month of days, a day of hours, or a year.
type calendarBlock struct {
	Title   string
	Picture template.HTML
}

type calendarCheck struct {
	Check, Words string
}

type calendarKind struct {
	Class, Word string
	Picture     template.HTML
}

// The kinds of squares, the gravest first.
var calendarKinds = []struct{ class, word string }{
	{"miss", "missing"}, {"err", "could not be read"}, {"bad", "with bad rows"}, {"some", "with few bad rows or files"}, {"thin", "thin, empty or incomplete"}, {"open", "still open"}, {"out", "out of range"}, {"ok", "in order"},
}

const (
	cell  = 12 // the side of a square
	pitch = 15 // from one to the next
	// manyBad is the share of rows from which on a partition is drawn as bad.
	manyBad = 0.05
	// maxTitles is how many squares of a view say by themselves what they are.
	maxTitles = 150
	// titleBudget is how many of all views do.
	titleBudget = 2500
)

// square is a partition in its place.
type square struct {
	column, row int
	class       string
	title       string
}

// calendarOf draws the series of a view; of its squares so many at most say what they are.
func calendarOf(v ViewOutline, mostTitles int) calendar {
	parts := v.View.Series
	grain := v.View.Definition.TimePartition
	if len(parts) == 0 || grain == nil {
		return calendar{}
	}
	var c calendar
	counts, results := map[string]int{}, map[string]report.Result{}
	for _, it := range v.All {
		results[it.Result.Check] = it.Result
	}
	local := localTime(grain.Zone)
	type block struct {
		title   string
		squares []square
	}
	var blocks []block
	titles := 0
	undated := int64(0)
	for _, p := range parts {
		class := kindOf(p, results)
		at, err := time.Parse(time.RFC3339Nano, p.Start)
		if err != nil {
			undated += p.Rows
			continue
		}
		counts[class]++
		title, s := squareAt(grain.Grain, local(at))
		s.class = class
		if class != "ok" && titles < mostTitles {
			s.title = partitionWords(p, results)
			titles++
		}
		if n := len(blocks); n == 0 || blocks[n-1].title != title {
			blocks = append(blocks, block{title: title})
		}
		last := &blocks[len(blocks)-1]
		last.squares = append(last.squares, s)
	}
	for _, b := range blocks {
		c.Blocks = append(c.Blocks, calendarBlock{Title: b.title, Picture: drawSquares(b.squares)})
	}
	var kinds []string
	for _, kind := range calendarKinds {
		if n := counts[kind.class]; n > 0 {
			kinds = append(kinds, fmt.Sprintf("%s %s", words.Number(int64(n)), kind.word))
			c.Legend = append(c.Legend, calendarKind{Class: kind.class, Word: kind.word, Picture: drawSquares([]square{{class: kind.class}})})
		}
	}
	c.Words = words.Counted(int64(len(parts)), "partition", "partitions") + ": " + strings.Join(kinds, ", ")
	if len(kinds) == 0 {
		c.Words = words.Counted(int64(len(parts)), "partition", "partitions") + " without a date"
	}
	c.Checks = byCheck(parts, results)
	if n := v.View.SeriesLeftOut; n > 0 {
		c.LeftOut = words.Counted(n, "older partition is", "older partitions are") + " not shown"
	}
	if undated > 0 {
		c.Undated = words.Counted(undated, "row lies", "rows lie") + " in partitions without a date"
	}
	return c
}

// localTime turns an instant into the wall clock of the partitions' calendar.
func localTime(name string) func(time.Time) time.Time {
	table, err := zone.Load(name)
	if err != nil {
		return func(at time.Time) time.Time { return at.UTC() }
	}
	return func(at time.Time) time.Time { return table.Local(times.At(at)).Time() }
}

// found says whether a check's count is a finding that wants attention.
func found(check string, results map[string]report.Result) bool {
	res, known := results[check]
	return known && bad(res.Outcome) && !res.Advisory
}

func kindOf(p report.PartitionRows, results map[string]report.Result) string {
	if p.State != "" {
		return kindOfState(p)
	}
	thin, share := false, 0.0
	for check := range p.Bad {
		if !found(check, results) {
			continue
		}
		switch res := results[check]; {
		case res.TellsOfFiles():
			return "err"
		case res.Unit == "partitions":
			thin = true
		default:
			of := 0.0 // files and the like are no share of rows
			if res.Unit == "rows" && p.Rows > 0 {
				of = float64(p.Bad[check]) / float64(p.Rows)
			}
			share = max(share, of, 0.0001)
		}
	}
	switch {
	case p.Missing:
		return "miss"
	case share >= manyBad:
		return "bad"
	case share > 0:
		return "some"
	case p.OutOfRange:
		return "out"
	case thin:
		return "thin"
	case p.Open:
		return "open"
	}
	return "ok"
}

// partitionWords say what a partition holds and what is wrong with it.
func partitionWords(p report.PartitionRows, results map[string]report.Result) string {
	said := []string{clip(Clean(p.Partition), 80) + ": " + words.Counted(p.Rows, "row", "rows")}
	if p.Missing {
		said[0] = clip(Clean(p.Partition), 80) + ": missing"
	}
	if p.RowsBefore != nil {
		said = append(said, words.Number(*p.RowsBefore)+" before")
	}
	if p.State != "" {
		said = append(said, Clean(p.State))
	}
	checks := make([]string, 0, len(p.Bad))
	for check := range p.Bad {
		if found(check, results) && !p.Missing {
			checks = append(checks, check)
		}
	}
	slices.SortFunc(checks, func(a, b string) int { return cmp.Or(cmp.Compare(p.Bad[b], p.Bad[a]), cmp.Compare(a, b)) })
	for _, check := range checks {
		said = append(said, fmt.Sprintf("%s %s", Clean(check), words.Number(p.Bad[check])))
	}
	if p.Open {
		said = append(said, "still open")
	}
	return strings.Join(said, ", ")
}

// byCheck counts what is bad by check, the most partitions first.
func byCheck(parts []report.PartitionRows, results map[string]report.Result) []calendarCheck {
	places, amounts := map[string]int64{}, map[string]int64{}
	var checks []string
	for _, p := range parts {
		for check, n := range p.Bad {
			if !found(check, results) {
				continue
			}
			if places[check] == 0 {
				checks = append(checks, check)
			}
			places[check]++
			amounts[check] += n
		}
	}
	slices.SortFunc(checks, func(a, b string) int { return cmp.Or(cmp.Compare(places[b], places[a]), cmp.Compare(a, b)) })
	out := make([]calendarCheck, len(checks))
	for i, check := range checks {
		said := words.Counted(places[check], "partition", "partitions")
		if unit := results[check].Unit; unit != "partitions" && unit != "view" {
			said = fmt.Sprintf("%s %s in %s", words.Number(amounts[check]), cmp.Or(Clean(unit), "rows"), said)
		}
		out[i] = calendarCheck{Check: Clean(check), Words: said}
	}
	return out
}

// squareAt is where a partition stands: days in months, hours in weeks of days, weeks and months in years.
func squareAt(grain string, at time.Time) (block string, s square) {
	switch grain {
	case "hour":
		monday := at.AddDate(0, 0, -(int(at.Weekday())+6)%7)
		return "week of " + monday.Format("2 Jan 2006"), square{column: at.Hour(), row: (int(at.Weekday()) + 6) % 7}
	case "week":
		year, week := at.ISOWeek()
		return fmt.Sprint(year), square{column: (week - 1) % 13, row: (week - 1) / 13}
	case "month":
		return at.Format("2006"), square{column: (int(at.Month()) - 1) % 6, row: (int(at.Month()) - 1) / 6}
	}
	first := at.AddDate(0, 0, 1-at.Day())
	slot := (int(first.Weekday())+6)%7 + at.Day() - 1
	return at.Format("Jan 2006"), square{column: slot % 7, row: slot / 7}
}

// drawSquares draws squares: those of a kind without words are one path.
func drawSquares(squares []square) template.HTML {
	width, height, first := 0, 0, math.MaxInt
	for _, s := range squares {
		first = min(first, s.row) // a month that begins late has no rows above
	}
	plain := map[string]*strings.Builder{}
	var titled, marks strings.Builder
	for _, s := range squares {
		s.row -= first
		width, height = max(width, s.column*pitch+cell), max(height, s.row*pitch+cell)
		shape, mark := shapeOf(s)
		marks.WriteString(mark)
		if s.title != "" {
			fmt.Fprintf(&titled, `<path class="%s" d="%s"><title>%s</title></path>`, s.class, shape, template.HTMLEscapeString(s.title))
			continue
		}
		if plain[s.class] == nil {
			plain[s.class] = &strings.Builder{}
		}
		plain[s.class].WriteString(shape)
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<svg class="cal" width="%d" height="%d" viewBox="-1 -1 %d %d" aria-hidden="true">%s`, width+2, height+2, width+2, height+2, titled.String())
	for _, kind := range calendarKinds {
		if shapes := plain[kind.class]; shapes != nil {
			fmt.Fprintf(&b, `<path class="%s" d="%s"/>`, kind.class, shapes)
		}
	}
	if marks.Len() > 0 {
		fmt.Fprintf(&b, `<path class="hole" d="%s"/>`, marks.String())
	}
	b.WriteString("</svg>")
	return template.HTML(b.String())
}

// shapeOf draws one square, and the hole in it. Most are a point, which the style makes a square. Kinds differ in shape as well as
// in colour: missing ones are crossed, unread ones halved, bad ones have a hole and those with few bad rows are hollow, thin
// ones are low, open ones small.
func shapeOf(s square) (shape, hole string) {
	x, y := s.column*pitch, s.row*pitch
	point := fmt.Sprintf("M%d %dh0", x+cell/2, y+cell/2)
	switch s.class {
	case "miss":
		return fmt.Sprintf("M%d %dh%dv%dh-%dzm3 3l6 6m0-6l-6 6", x, y, cell, cell, cell), ""
	case "err":
		return fmt.Sprintf("M%d %dh%dl-%d %dz", x, y, cell, cell, cell), ""
	case "thin":
		return fmt.Sprintf("M%d %dh8", x+2, y+cell-2), ""
	case "bad":
		return point, point
	case "some":
		return point, fmt.Sprintf("M%d %dh4m0 4h-4", x+cell/2-2, y+cell/2-2)
	}
	return point, ""
}
