package report

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// pictures checks what pictures are made of: series and lag bins that agree with themselves and with what stands beside them.
func pictures(r Report) error {
	for i, v := range r.Views {
		place := fmt.Sprintf("views[%d]", i)
		if err := v.seriesHolds(place, r.Catalogue); err != nil {
			return err
		}
		for _, source := range slices.Sorted(maps.Keys(v.LagBins)) {
			if err := binsHold(fmt.Sprintf("%s.lag_bins.%.80s", place, source), v.LagBins[source], v.SourceLagSeconds[source].Rows); err != nil {
				return err
			}
		}
		for _, source := range slices.Sorted(maps.Keys(v.NewestBySource)) {
			if _, err := time.Parse(time.RFC3339Nano, v.NewestBySource[source]); err != nil {
				return misplaced(fmt.Sprintf("%s.newest_event_time_by_source.%.80s", place, source), "found %.40q, expected an instant", v.NewestBySource[source])
			}
		}
	}
	return nil
}

func (v View) seriesHolds(place string, catalogue []string) error {
	seen := map[string]bool{}
	for i, p := range v.Series {
		at := fmt.Sprintf("%s.series[%d]", place, i)
		if seen[p.Partition] {
			return misplaced(at, "partition %.80q is listed twice", p.Partition)
		}
		seen[p.Partition] = true
		if _, err := time.Parse(time.RFC3339Nano, p.Start); p.Start != "" && err != nil {
			return misplaced(at+".start", "found %.40q, expected an instant", p.Start)
		}
		if p.Rows < 0 {
			return misplaced(at+".rows", "the count %d is negative", p.Rows)
		}
		for _, check := range slices.Sorted(maps.Keys(p.Bad)) {
			switch {
			case p.Bad[check] < 0:
				return misplaced(at+".bad", "the count %d is negative", p.Bad[check])
			case catalogue != nil && !slices.Contains(catalogue, check):
				return misplaced(at+".bad", "check %.80q is not in the report's catalogue", check)
			}
		}
	}
	if v.SeriesLeftOut < 0 {
		return misplaced(place+".series_left_out", "the count %d is negative", v.SeriesLeftOut)
	}
	return nil
}

func binsHold(place string, bins []LagBin, rows int64) error {
	sum := int64(0)
	for i, b := range bins {
		at := fmt.Sprintf("%s[%d]", place, i)
		switch {
		case b.Rows < 0:
			return misplaced(at+".rows", "the count %d is negative", b.Rows)
		case b.FromSeconds >= b.ToSeconds:
			return misplaced(at, "it ends at %v s and begins at %v s", b.ToSeconds, b.FromSeconds)
		case i > 0 && b.FromSeconds < bins[i-1].ToSeconds:
			return misplaced(at, "it begins at %v s, before the end of the bin before it, %v s", b.FromSeconds, bins[i-1].ToSeconds)
		}
		sum += b.Rows
	}
	if sum != rows {
		return misplaced(place, "its bins hold %d rows, and source_lag_seconds says %d", sum, rows)
	}
	return nil
}

// narrowed keeps of the series what the picked checks found.
func (v View) narrowed(keep func(check string) bool) View {
	if len(v.Series) == 0 {
		return v
	}
	v.Series = slices.Clone(v.Series)
	for i := range v.Series {
		p := &v.Series[i]
		p.Bad = maps.Clone(p.Bad)
		maps.DeleteFunc(p.Bad, func(check string, _ int64) bool { return !keep(check) })
		if len(p.Bad) == 0 {
			p.Bad = nil
		}
	}
	return v
}
