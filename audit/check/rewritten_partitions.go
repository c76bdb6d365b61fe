package check

import (
	"fmt"
	"strings"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/times"
	"github.com/featureaudit/featureaudit/audit/words"
)

var rewrittenPartitions = Check{
	ID:        "rewritten-partitions",
	Title:     "Closed partitions whose files changed since they were last looked at.",
	Why:       "A stray backfill rewrites days that nobody asked it for, and every test of the day it was asked for is green.",
	Fix:       "Ask who ran a job over these partitions, and compare them with what was there before; where a writer rewrites recent ones by design, set rewrites.",
	Since:     "0.2",
	rule:      rewrittenPartitionsRule,
	Scope:     ScopeView,
	Severity:  report.SeverityWarn,
	Evidence:  report.Certain,
	Unit:      UnitPartitions,
	Needs:     Needs{Files: true, Footers: true, TimePartition: true},
	advisory:  true,
	Remembers: true,
	applies: func(b *viewEvidence) string {
		switch s := b.Since; {
		case s == nil:
			return "no earlier look is remembered: --facts DIR remembers which files there are"
		case s.Unread != "":
			return "what earlier looks found cannot be read: " + s.Unread
		case !s.Last.Known():
			return "this is the first look that is remembered: there is nothing to compare with"
		}
		return ""
	},
	judge:   judgeRewrittenPartitions,
	nothing: always("no partition was closed at the last look"),
	bad:     always("were rewritten after they were closed"),
	good:    always("have the files that they had"),
}

const rewrittenPartitionsRule = `The files of each partition that was closed at the last look with the same
--facts DIR are compared with those of that look: a file that is gone, one that
is new, or one of another size or footer makes it a rewritten partition. A file
that was only touched is the same. Partitions that come after the newest one of
that look are late, or new, and not rewritten. It is told of for seven days from
the run that saw it first. Partitions that ended less than rewrites before that
are rewritten by design, and are not told of.`

func judgeRewrittenPartitions(b *viewEvidence) (verdict, error) {
	v, seen := verdict{}, map[string]bool{}
	files, before, after, byDesign := int64(0), int64(0), int64(0), int64(0)
	for _, r := range b.Since.Rewritten {
		seen[r.Identity] = true
		if b.View.Rewrites > 0 && r.End > r.FirstSeen.Add(-times.SpanOf(b.View.Rewrites)) {
			byDesign++
			v.rows = append(v.rows, row{total: 1})
			continue
		}
		files, before, after = files+r.Changed+r.Gone+r.Added, before+r.RowsBefore, after+r.RowsAfter
		v.rows = append(v.rows, row{total: 1, bad: 1, subject: report.Subject{Partition: r.Value}, message: rewrittenInWords(r),
			measures: map[string]any{"files_changed": r.Changed, "files_gone": r.Gone, "files_new": r.Added, "rows_before": r.RowsBefore, "rows_after": r.RowsAfter,
				"first_seen": words.Instant(r.FirstSeen)}})
	}
	partitions := int64(len(v.rows)) - byDesign
	for _, interval := range b.Since.Closed {
		if !seen[interval] {
			v.rows = append(v.rows, row{total: 1})
		}
	}
	v.measures = map[string]any{"partitions": partitions, "files": files, "rows_before": before, "rows_after": after, "by_design": byDesign,
		"last_look": words.Instant(b.Since.Last)}
	return v, nil
}

// rewrittenInWords says what happened to a partition.
func rewrittenInWords(r facts.Rewritten) string {
	var parts []string
	for _, part := range []struct {
		files int64
		what  string
	}{{r.Changed, "changed"}, {r.Gone, "gone"}, {r.Added, "new"}} {
		if part.files > 0 {
			parts = append(parts, fmt.Sprintf("%s %s %s", words.Count(part.files, "file"), words.Plural(part.files, "is", "are"), part.what))
		}
	}
	rows := words.Count(r.RowsAfter, "row") + ", as many as before"
	if r.RowsAfter != r.RowsBefore {
		rows = fmt.Sprintf("%s where there were %s", words.Count(r.RowsAfter, "row"), words.Number(r.RowsBefore))
	}
	return fmt.Sprintf("%s: %s; first seen as of %s", strings.Join(parts, ", "), rows, words.Instant(r.FirstSeen))
}
