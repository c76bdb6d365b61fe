package verify

import (
	"context"
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/report"
)

// Planned is what would be read of one side of a view.
type Planned struct {
	View, Side string
	// Partitions are those to read, Of all that are there.
	Partitions, Of, Files int
	Rows, Bytes           int64
	Problem               string
}

// Plan says from footers alone what a verification would read.
func Plan(ctx context.Context, o *Options) ([]Planned, error) {
	r := run{Options: o}
	var plans []Planned
	for _, name := range r.names() {
		before, data, err := r.look(ctx, r.Before, name)
		if err != nil {
			return nil, err
		}
		after, now, err := r.look(ctx, r.After, name)
		if err != nil {
			return nil, err
		}
		v := &comparedView{before: before, after: after}
		must, err := r.mustRead(v)
		if err != nil {
			after.Problem = err.Error()
		}
		for _, side := range []struct {
			name   string
			view   View
			looked *Looked
		}{{"before", before, data}, {"after", after, now}} {
			p := Planned{View: name, Side: side.name, Problem: side.view.Problem}
			for _, part := range side.view.Partitions {
				if !part.Present {
					continue
				}
				p.Of++
				if side.looked != nil && must(part) {
					p.Partitions, p.Files = p.Partitions+1, p.Files+len(part.Files)
					p.Rows, p.Bytes = p.Rows+part.Rows, p.Bytes+part.Bytes
				}
			}
			plans = append(plans, p)
		}
	}
	return plans, nil
}

// PublishPlan lists which files of after replace which of before, a line each of view, partition, action, file of after, file of before.
// Partitions that are not as expected are held back.
func PublishPlan(ctx context.Context, o *Options, done report.Report) ([][]string, error) {
	r := run{Options: o}
	var lines [][]string
	for _, v := range done.Views {
		before, _, err := r.look(ctx, r.Before, v.Name)
		if err != nil {
			return nil, err
		}
		after, _, err := r.look(ctx, r.After, v.Name)
		if err != nil {
			return nil, err
		}
		for _, p := range v.Series {
			state := State(p.State)
			if state == Unchanged || state == Uncompared || state == Pending {
				continue
			}
			action := "hold"
			if held := len(p.Bad) > 0; !held && (state == AsExpected || state == Rewritten) {
				action = "publish"
			}
			lines = append(lines, fileLines(v.Name, p.Partition, action, filesIn(before, p.Partition), filesIn(after, p.Partition))...)
		}
	}
	return lines, nil
}

func filesIn(v View, partition string) []string {
	var names []string
	for _, p := range v.Partitions {
		if p.Value != partition {
			continue
		}
		for _, f := range p.Files {
			names = append(names, f.Abs)
		}
	}
	slices.Sort(names)
	return names
}

// fileLines puts files of one name side by side; what has no other is added or removed.
func fileLines(view, partition, action string, before, after []string) [][]string {
	base := func(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }
	var lines [][]string
	used := map[string]bool{}
	for _, a := range after {
		i := slices.IndexFunc(before, func(b string) bool { return base(b) == base(a) })
		line := []string{view, partition, action + " (new)", a, ""}
		if i >= 0 && !used[before[i]] {
			used[before[i]] = true
			line[2], line[4] = action+" (replaces)", before[i]
		}
		lines = append(lines, line)
	}
	for _, b := range before {
		if !used[b] {
			lines = append(lines, []string{view, partition, action + " (removes)", "", b})
		}
	}
	return lines
}
