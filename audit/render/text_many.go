package render

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/words"
)

// byCause tells of many views what is wrong with them by check, the worst first: what went wrong in 47 views is said once, by the worst
// of them.
func (t *text) byCause() []string {
	top := t.top
	var lines []string
	for i, it := range top {
		if i == maxDetailed {
			t.cut = true
			var rest []string
			for _, further := range top[i:] {
				rest = append(rest, further.Check)
			}
			return append(append(lines, ""), t.names(2, "", "  ", "and "+words.Counted(int64(len(rest)), "more check", "more checks")+": ", rest)...)
		}
		lines = append(lines, t.cause(it)...)
	}
	return lines
}

func (t *text) cause(it TopItem) []string {
	lines := []string{""}
	if len(it.AlsoIn) == 0 {
		owner := ""
		if it.Owner != "" {
			owner = ", owner " + clip(it.Owner, 40)
		}
		lines = append(lines, t.put(3, t.badge(it.Result.Outcome), itemIndent, itemHead(it.Item)+told(" in "+clip(it.View, maxPageName)+owner, it.Says))...)
	} else {
		lines = append(lines, t.put(1, t.badge(it.Result.Outcome), itemIndent, it.Check+" in "+words.Number(int64(1+len(it.AlsoIn)))+" views"+owners(it.Owners))...)
		worst := clip(it.View, maxPageName)
		if told := inBrackets(it.Amount, it.State, it.Known); told != "" {
			worst += told
		}
		lines = append(lines, t.put(2, itemIndent, itemIndent, told(worst, it.Says))...)
		lines = append(lines, t.names(1, itemIndent, itemIndent, "also: ", clipped(it.AlsoIn))...)
	}
	lines = append(lines, t.causes(it.Item)...)
	if n := len(it.Blinds) + len(it.Also); n > 0 {
		lines = append(lines, t.put(1, itemIndent, itemIndent, "because of it "+words.Counted(int64(n), "check", "checks")+" could not look")...)
	}
	return append(lines, t.fix(it.Item)...)
}

// owners says whose views they are; empty where nobody is named.
func owners(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return " (" + words.Plural(int64(len(names)), "owner ", "owners ") + words.Examples(clipped(names)) + ")"
}

func clipped(names []string) []string {
	out := make([]string, len(names))
	for i, name := range names {
		out[i] = clip(name, 40)
	}
	return out
}

// table lists the views that want attention, worst first, in about so many lines.
func (t *text) table(room int) []string {
	const narrowest = 16
	rows := [][]string{{"VIEW", "VERDICT", "OWNER", "WORST FINDING", "ROWS", "NEWEST"}}
	left := 0
	for _, m := range t.all.marks {
		switch {
		case !m.attention():
		case !t.o.Whole && len(rows) > max(leastTableRows, min(maxTableRows, room-3)):
			left++
		default:
			rows = append(rows, tableRow(m))
		}
	}
	if len(rows) == 1 {
		return nil
	}
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], columns(cell))
		}
	}
	others := 0
	for _, w := range widths[1:] {
		others += 2 + w
	}
	widths[0] = min(widths[0], max(narrowest, t.width-others))
	lines := []string{""}
	for _, row := range rows {
		lines = append(lines, tableLines(row, widths)...)
	}
	if left > 0 {
		t.cut = true
		lines = append(lines, "and "+words.Counted(int64(left), "more view", "more views")+" with findings")
	}
	return lines
}

func tableRow(m mark) []string {
	const mostOwner = 16
	found := m.items[0].check
	if m.state != "" {
		found += ", " + Clean(string(m.state))
	}
	if n := len(m.items) - 1; n > 0 {
		found += fmt.Sprintf(" (+%d)", n)
	}
	row := []string{clip(m.name, maxPageName), upper(cmp.Or(m.outcome, m.worst)), m.owner, found, "", ""}
	if columns(m.owner) > mostOwner {
		row[0], row[2] = row[0]+", owner "+clip(m.owner, 40), ""
	}
	if m.key != "" {
		row[4] = words.Number(m.rows)
	}
	if m.age != nil {
		row[5] = words.Seconds(*m.age)
	}
	return row
}

// tableLines is a row; a name that is too long for its column stands in a line of its own.
func tableLines(row []string, widths []int) []string {
	var lines []string
	if columns(row[0]) > widths[0] {
		lines = append(lines, row[0])
		row = slices.Concat([]string{""}, row[1:])
	}
	line := ""
	for i, cell := range row {
		if i > 0 {
			line += "  "
		}
		line += padded(cell, widths[i], i == 4)
	}
	return append(lines, strings.TrimRight(line, " "))
}
