package check

import (
	"fmt"
	"strings"

	"github.com/featureaudit/featureaudit/audit/report"
)

var unreadableFile = Check{
	ID:       "unreadable-file",
	Title:    "A file of the view could not be read.",
	Why:      "Its rows are in no verdict, and in no training set either.",
	Fix:      "Write the file again if its bytes are broken; if rights, network or a running writer are the cause, repair that and run again.",
	Since:    "0.1",
	Scope:    ScopeView,
	Severity: report.SeverityError,
	Evidence: report.Certain,
	Unit:     UnitFiles,
	Needs:    Needs{Files: true},
	judge:    judgeUnreadable,
	nothing:  always("no file in the partitions of the range"),
	bad:      always("could not be read"),
	good:     always("could be read"),
	headline: func(_ *brief, v verdict) string {
		names := make([]string, len(v.findings))
		for i, f := range v.findings {
			names[i] = f.subject.File + ": " + f.message
		}
		const shown = 3
		more := ""
		if len(names) > shown {
			more = fmt.Sprintf(" and %s more", number(int64(len(names)-shown)))
			names = names[:shown]
		}
		return fmt.Sprintf("%s of %s could not be read (%s%s)", number(v.bad), count(v.total, "file"), strings.Join(names, "; "), more)
	},
}

// judgeUnreadable lists what could not be read wherever a verdict is wanted, after as_of too: a broken file is one at any time.
func judgeUnreadable(b *brief) (verdict, error) {
	problems := map[int32]unreadFile{}
	for _, u := range b.unread {
		problems[u.file.ID] = u
	}
	v := verdict{}
	for _, f := range b.Survey.Files {
		if b.leftOut(f) || !b.inRange(f.Partition) {
			continue
		}
		u, unread := problems[f.ID]
		if !unread {
			v.rows = append(v.rows, row{total: 1})
			continue
		}
		v.unable = true
		v.retryable = v.retryable || u.problem.Retryable()
		v.rows = append(v.rows, row{total: 1, bad: 1, message: u.problem.Message,
			subject:  report.Subject{Partition: b.partitionValue(f.Partition), File: f.Path},
			measures: map[string]any{"kind": string(u.problem.Kind), "retryable": u.problem.Retryable()}})
	}
	return v, nil
}
