package main

import (
	"fmt"
	"time"

	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/policy"
)

// parseInstant reads an instant: RFC 3339 with or without fractions and with any offset, or a date, which is its own
// start in UTC.
func parseInstant(flag, text string) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return t.UTC(), nil
	}
	if t, err := time.Parse(time.DateOnly, text); err == nil {
		return t, nil
	}
	return time.Time{}, usagef("--%s %q: expected an RFC 3339 instant such as 2026-11-23T02:00:00Z or 2026-11-23T07:30:00.5+05:30, or a date such as 2026-11-23", flag, text)
}

// span is --range: partition dates of one grain, both included.
type span struct {
	from, to string
}

func parseRange(text string) (span, error) {
	from, to, err := policy.ParseRange(text)
	if err != nil {
		return span{}, usagef("--range: %w", err)
	}
	return span{from: from, to: to}, nil
}

// periodEnd is the first instant after a partition date in a zone's calendar.
func periodEnd(date string, in *time.Location) (time.Time, error) {
	var year, week int
	if n, _ := fmt.Sscanf(date, "%4d-W%2d", &year, &week); n == 2 {
		return weekStart(year, week, in).AddDate(0, 0, 7), nil
	}
	for _, l := range []struct {
		layout string
		next   func(time.Time) time.Time
	}{
		{"2006-01", func(t time.Time) time.Time { return t.AddDate(0, 1, 0) }},
		{"2006-01-02", func(t time.Time) time.Time { return t.AddDate(0, 0, 1) }},
		{"2006-01-02T15", func(t time.Time) time.Time { return t.Add(time.Hour) }},
	} {
		if t, err := time.ParseInLocation(l.layout, date, in); err == nil {
			return l.next(t), nil
		}
	}
	return time.Time{}, usagef("--range: %q is no partition date", date)
}

// weekStart is the Monday of an ISO week: the first week of a year holds its 4th of January.
func weekStart(year, week int, in *time.Location) time.Time {
	fourth := time.Date(year, time.January, 4, 0, 0, 0, 0, in)
	monday := (int(fourth.Weekday()) + 6) % 7
	return fourth.AddDate(0, 0, 7*(week-1)-monday)
}

// end is the instant at which the last partition of the range has ended in every zone that a view's partitions are cut in.
func (s span) end(views []model.View) (time.Time, error) {
	zones := map[string]bool{"UTC": len(views) == 0}
	for _, v := range views {
		zones[v.TimePartition.Zone] = true
	}
	var last time.Time
	for name, wanted := range zones {
		if !wanted {
			continue
		}
		zone, err := time.LoadLocation(name)
		if err != nil {
			return time.Time{}, usagef("time_partition.zone %q: %w", name, err)
		}
		end, err := periodEnd(s.to, zone)
		if err != nil {
			return time.Time{}, err
		}
		if end.After(last) {
			last = end.UTC()
		}
	}
	return last, nil
}
