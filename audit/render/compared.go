package render

import (
	"fmt"
	"strings"

	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/words"
)

// states are those of partitions between two states of a view, in the order in which they are told.
var states = []string{"stray", "truncated", "incomplete", "doubled", "shifted", "as expected", "rewritten", "unchanged", "open", "not compared", "not known"}

// comparedPartitions is how many partitions of a state are named.
const comparedPartitions = 3

// comparison says in a line what became of a view's partitions between two states; empty where it has none.
func comparison(v report.View) string {
	byState := map[string][]report.PartitionRows{}
	for _, p := range v.Series {
		byState[p.State] = append(byState[p.State], p)
	}
	var parts []string
	for _, state := range states {
		some := byState[state]
		if len(some) == 0 {
			continue
		}
		parts = append(parts, words.Number(int64(len(some)))+" "+state+examplesOf(state, some))
	}
	if len(parts) == 0 {
		return ""
	}
	return viewName(v.Name) + ": " + strings.Join(parts, ", ")
}

// examplesOf names partitions that were filled or went wrong, with their rows.
func examplesOf(state string, some []report.PartitionRows) string {
	if state == "unchanged" || state == "rewritten" || state == "not compared" || some[0].Partition == "" {
		return ""
	}
	var names []string
	for _, p := range some[:min(len(some), comparedPartitions)] {
		text := clip(Clean(p.Partition), 80)
		switch {
		case p.RowsBefore == nil:
			text += fmt.Sprintf(": %s, new", words.Count(p.Rows, "row"))
		case *p.RowsBefore != p.Rows:
			text += fmt.Sprintf(": %s to %s", words.Number(*p.RowsBefore), words.Count(p.Rows, "row"))
		}
		names = append(names, text)
	}
	if more := len(some) - len(names); more > 0 {
		names = append(names, fmt.Sprintf("%d more", more))
	}
	return " (" + strings.Join(names, "; ") + ")"
}

// kindOfState is the square of a partition between two states.
func kindOfState(p report.PartitionRows) string {
	switch p.State {
	case "stray", "truncated", "doubled", "shifted":
		return "bad"
	case "incomplete":
		if p.Missing {
			return "miss"
		}
		return "thin"
	case "open":
		return "open"
	case "not compared", "not known":
		return "out"
	}
	return "ok"
}
