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
	if t, ok := volumeTrend(v); ok {
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
	rows, distances := make([]float64, len(same)), make([]float64, len(same))
	for i, d := range same {
		rows[i] = d.rows
	}
	usual := median(rows)
	for i, d := range same {
		distances[i] = math.Abs(d.rows - usual)
	}
	// 1.4826 median distances are a standard deviation of what is spread normally
	allowed := max(3*1.4826*median(distances), usual/4)
	t := report.Trend{Measure: "rows", Value: newest.rows, Usual: &usual, Runs: int64(len(same)), From: timeText(same[0].at.UnixMicro())}
	verdict := "as usual"
	switch {
	case newest.rows < usual-allowed:
		verdict, t.Unusual = "fewer than usual", true
	case newest.rows > usual+allowed:
		verdict, t.Unusual = "more than usual", true
	}
	t.Message = fmt.Sprintf("%s holds %s rows, %s: the same weekday had %s (median of %d, %s to %s; up to %s apart is usual)", newest.name, number(newest.rows), verdict,
		number(usual), len(same), same[0].name, same[len(same)-1].name, number(allowed))
	return t, true
}

func number(n float64) string { return words.Number(int64(math.Round(n))) }

func seconds(s float64) string {
	return words.Duration(times.Span(s) * times.Second)
}
