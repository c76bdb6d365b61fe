package history

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/times"
	"github.com/featureaudit/featureaudit/audit/words"
)

const (
	// trendDays and trendRuns bound what the trend of an age rests on, and leastRuns and leastDays are what it needs.
	trendDays = 30
	trendRuns = 14
	leastRuns = 4
	leastDays = 2
	// leastGrowth is how many seconds older a day the newest event must become to be called a trend.
	leastGrowth = 3600
	// farthest is how far ahead a trend is followed.
	farthest = 180 * 24 * time.Hour
	// weeks is how far back the same weekday is looked at, and leastWeeks how many of them are needed.
	weeks      = 8
	leastWeeks = 4
)

const day = 24 * time.Hour

// trends are what the history says of a view.
func (p *Past) trends(v report.View, run Run) []report.Trend {
	if run.Range != "" {
		return nil
	}
	var all []report.Trend
	if t, ok := p.ageTrend(v, run); ok {
		all = append(all, t)
	}
	volume, judged := volumeTrend(v)
	if judged {
		all = append(all, volume)
	}
	// what the newest partition shows is not told again by what the view gained
	if t, ok := p.growthTrend(v, run); ok && !(volume.Unusual && t.Unusual) {
		all = append(all, t)
	}
	return all
}

// ageTrend says when the newest event will be older than promised, where it has become older from run to run.
func (p *Past) ageTrend(v report.View, run Run) (report.Trend, bool) {
	if v.AgeSeconds == nil {
		return report.Trend{}, false
	}
	points := slices.DeleteFunc(slices.Clone(p.ages[viewName{v.Project, v.Name}]), func(a age) bool {
		return a.asOf >= run.AsOf || a.asOf < run.AsOf-trendDays*day.Microseconds()
	})
	slices.SortFunc(points, func(a, b age) int { return cmp.Compare(a.asOf, b.asOf) })
	points = append(points[max(0, len(points)-trendRuns):], age{run.AsOf, *v.AgeSeconds})
	if len(points) < leastRuns || points[len(points)-1].asOf-points[0].asOf < leastDays*day.Microseconds() {
		return report.Trend{}, false
	}
	perDay := slope(points)
	var earlier []float64
	for _, a := range points[:len(points)-1] {
		earlier = append(earlier, a.seconds)
	}
	usual := median(earlier)
	t := report.Trend{Measure: "age_seconds", Value: *v.AgeSeconds, Usual: &usual, Runs: int64(len(points) - 1), From: timeText(points[0].asOf), PerDay: &perDay}
	window := fmt.Sprintf("over %d runs since %s", len(points), timeText(points[0].asOf))
	limit, name := limitOf(v)
	switch {
	case perDay < leastGrowth:
		t.Message = fmt.Sprintf("the newest event is %s old, usually %s (median %s)", seconds(*v.AgeSeconds), seconds(usual), window)
	case limit == 0 || *v.AgeSeconds >= limit:
		t.Message = fmt.Sprintf("the newest event becomes %s older a day (median slope %s)", seconds(perDay), window)
	default:
		t.Limit = &limit
		t.Message = fmt.Sprintf("the newest event becomes %s older a day (median slope %s)", seconds(perDay), window)
		if ahead := time.Duration((limit - *v.AgeSeconds) / perDay * float64(day)); ahead <= farthest {
			t.On = time.UnixMicro(run.AsOf).Add(ahead).UTC().Truncate(time.Minute).Format(time.RFC3339)
			t.Message += fmt.Sprintf(": at this rate the view expires on %s, when it is older than its %s (%s)", t.On, name, seconds(limit))
		}
	}
	return t, true
}

// limitOf is the first that a view's newest event may break: its promise to consumers, or its ttl.
func limitOf(v report.View) (seconds float64, name string) {
	if m := v.Definition.MaxAgeSeconds; m != nil && *m > 0 {
		seconds, name = *m, "max_age"
	}
	if ttl := v.Definition.TTLSeconds; ttl != nil && *ttl > 0 && v.Definition.TTLDeclared && (seconds == 0 || *ttl < seconds) {
		seconds, name = *ttl, "ttl"
	}
	return seconds, name
}

// slope is the median of the slopes between all pairs of points, in seconds a day: no single run decides it.
func slope(points []age) float64 {
	var all []float64
	for i, a := range points {
		for _, b := range points[i+1:] {
			all = append(all, (b.seconds-a.seconds)/(float64(b.asOf-a.asOf)/float64(day.Microseconds())))
		}
	}
	return median(all)
}

func median(values []float64) float64 {
	values = slices.Sorted(slices.Values(values))
	n := len(values)
	if n == 0 {
		return 0
	}
	return (values[(n-1)/2] + values[n/2]) / 2
}

// volumeTrend compares the newest closed daily partition with those of the same weekday in the weeks before: their median, and
// their median distance from it, which no single feast day moves.
func volumeTrend(v report.View) (report.Trend, bool) {
	if p := v.Definition.TimePartition; p == nil || p.Grain != "day" {
		return report.Trend{}, false
	}
	type dated struct {
		at   time.Time
		rows float64
		name string
	}
	var closed []dated
	for _, s := range v.Series {
		at, err := time.Parse(time.RFC3339, s.Start)
		if err == nil && !s.Open && !s.OutOfRange {
			closed = append(closed, dated{at, float64(s.Rows), s.Partition})
		}
	}
	if len(closed) == 0 {
		return report.Trend{}, false
	}
	slices.SortFunc(closed, func(a, b dated) int { return a.at.Compare(b.at) })
	newest := closed[len(closed)-1]
	var same []dated
	for _, d := range closed[:len(closed)-1] {
		// a day of a zone whose clocks changed in between begins an hour off
		days := math.Round(newest.at.Sub(d.at).Hours() / 24)
		if int(days)%7 == 0 && days > 0 && days <= 7*weeks {
			same = append(same, d)
		}
	}
	if len(same) < leastWeeks {
		return report.Trend{}, false
	}
	rows := make([]float64, len(same))
	for i, d := range same {
		rows[i] = d.rows
	}
	c := compareWith(newest.rows, rows, 0)
	t := report.Trend{Measure: "rows", Value: newest.rows, Usual: &c.usual, Runs: int64(len(same)), From: timeText(same[0].at.UnixMicro()), Unusual: c.unusual}
	t.Message = fmt.Sprintf("%s holds %s rows, %s: the same weekday had %s (median of %d, %s to %s; up to %s apart is usual)", newest.name, number(newest.rows), c.verdict,
		number(c.usual), len(same), same[0].name, same[len(same)-1].name, number(c.allowed))
	return t, true
}

// compared is a number beside those that were usual.
type compared struct {
	usual, allowed float64
	unusual        bool
	verdict        string
}

// compareWith holds a number to the median of earlier ones. It may be three times their median distance from it apart, made comparable
// with a standard deviation (1.4826 of what is spread normally), a quarter of the median, or least: no single feast day decides.
func compareWith(value float64, earlier []float64, least float64) compared {
	c := compared{usual: median(earlier), verdict: "as usual"}
	distances := make([]float64, len(earlier))
	for i, n := range earlier {
		distances[i] = math.Abs(n - c.usual)
	}
	c.allowed = max(3*1.4826*median(distances), math.Abs(c.usual)/4, least)
	switch {
	case value < c.usual-c.allowed:
		c.verdict, c.unusual = "fewer than usual", true
	case value > c.usual+c.allowed:
		c.verdict, c.unusual = "more than usual", true
	}
	return c
}

// growthTrend compares the rows that a view gained in the day before the run with those that it gained in runs of the same weekday, from
// what the history holds: so it speaks of views without daily partitions, too, and sees rows that are lost in older ones.
func (p *Past) growthTrend(v report.View, run Run) (report.Trend, bool) {
	const apart = 6 * time.Hour // of two runs a whole number of weeks apart
	if v.FilesUnread > 0 {
		return report.Trend{}, false
	}
	points := slices.DeleteFunc(slices.Clone(p.sizes[viewName{v.Project, v.Name}]), func(s size) bool {
		return s.asOf >= run.AsOf || s.asOf < run.AsOf-(7*weeks+2)*day.Microseconds()
	})
	points = append(points, size{run.AsOf, v.Rows})
	slices.SortStableFunc(points, func(a, b size) int { return cmp.Compare(a.asOf, b.asOf) })
	now, known := gained(points, len(points)-1)
	if !known {
		return report.Trend{}, false
	}
	var same []float64
	from, until := int64(0), int64(0)
	for i := range points[:len(points)-1] {
		ago := time.Duration(run.AsOf-points[i].asOf) * time.Microsecond
		off := ago - ago.Round(7*day)
		if n, known := gained(points, i); known && ago > 3*day && off.Abs() <= apart && (until == 0 || points[i].asOf-until > day.Microseconds()) {
			same = append(same, n)
			until = points[i].asOf
			if from == 0 {
				from = until
			}
		}
	}
	if len(same) < leastWeeks {
		return report.Trend{}, false
	}
	const share = 1000 // of a view's rows nobody counts one more or less
	c := compareWith(now, same, float64(v.Rows)/share)
	t := report.Trend{Measure: "rows_gained", Value: now, Usual: &c.usual, Runs: int64(len(same)), From: timeText(from), Unusual: c.unusual}
	t.Message = fmt.Sprintf("%s rows were gained in the day before, %s: runs of the same weekday had %s (median of %d, %s to %s; up to %s apart is usual)", number(now), c.verdict,
		number(c.usual), len(same), timeText(from), timeText(until), number(c.allowed))
	return t, true
}

// gained are the rows that came in the day before a point, by the point about a day earlier; points are in the order of as_of.
func gained(points []size, i int) (rows float64, known bool) {
	for j := i - 1; j >= 0; j-- {
		switch ago := time.Duration(points[i].asOf-points[j].asOf) * time.Microsecond; {
		case ago > 36*time.Hour:
			return 0, false
		case ago >= 12*time.Hour:
			return float64(points[i].rows-points[j].rows) * float64(day) / float64(ago), true
		}
	}
	return 0, false
}

func number(n float64) string { return words.Number(int64(math.Round(n))) }

func seconds(s float64) string {
	return words.Duration(times.Span(s) * times.Second)
}
