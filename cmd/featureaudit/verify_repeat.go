package main

import (
	"strconv"

	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/verify"
)

// describe is what the report says of the verification: enough to repeat it from any folder.
func (f verifyFlags) describe(o *verify.Options) report.Verification {
	v := report.Verification{Before: compared(o.Before), After: compared(o.After), ExpectRange: f.expectRange}
	add := func(name, value string) {
		if value != "" {
			v.Arguments = append(v.Arguments, "--"+name, value)
		}
	}
	abs := func(path string) string {
		if path == "" {
			return ""
		}
		if full, err := absolute(path); err == nil {
			return full
		}
		return path
	}
	add("before", abs(f.before))
	add("after", abs(f.after))
	add("config", abs(f.config))
	add("path", abs(f.path))
	add("name", f.name)
	add("event-time", f.eventTime)
	add("ingested-at", f.ingestedAt)
	add("ttl", f.ttl)
	for _, value := range f.key {
		add("key", value)
	}
	for _, value := range f.entity {
		add("entity", value)
	}
	for _, value := range f.set {
		add("set", value)
	}
	for _, value := range f.views {
		add("view", value)
	}
	for _, value := range f.tolerance {
		add("tolerance", value)
	}
	add("range", f.span)
	add("expect-range", f.expectRange)
	if _, err := strconv.ParseInt(f.expectRows, 10, 64); err == nil {
		add("expect-rows", f.expectRows)
	} else {
		add("expect-rows", abs(f.expectRows))
	}
	if f.path == "" && f.config == "" && f.after == "" {
		add("config", abs(defaultConfig))
	}
	return v
}

func compared(in verify.Input) report.Compared {
	one := report.Compared{Kind: string(in.Kind), Name: in.Name}
	switch {
	case in.Snapshot != nil:
		one.AsOf = in.Snapshot.AsOf.Time().Format("2006-01-02T15:04:05.999999Z07:00")
	case in.Report != nil:
		one.AsOf = in.Report.AsOf.Time().Format("2006-01-02T15:04:05.999999Z07:00")
	}
	return one
}

// verifiedBy are the content sums that a report proved, by view and partition: those of what was filled.
func verifiedBy(r report.Report) map[string]map[string]string {
	sums := map[string]map[string]string{}
	for _, v := range r.Views {
		sums[v.Name] = map[string]string{}
		for _, p := range v.Series {
			if p.Content != "" {
				sums[v.Name][p.Partition] = p.Content
			}
		}
	}
	return sums
}
