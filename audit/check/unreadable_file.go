package check

import (
	"fmt"
	"strings"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/words"
)

var unreadableFile = Check{
	ID:           "unreadable-file",
	Title:        "A file of the view could not be read.",
	Why:          "Its rows are in no verdict, and in no training set either.",
	Fix:          "Write the file again if its bytes are broken; rewrite it in a plainer form if it is valid and the engine cannot read it; if rights, network or a running writer are the cause, repair that and run again.",
	Since:        "0.1",
	rule:         unreadableFileRule,
	Scope:        ScopeView,
	Severity:     report.SeverityError,
	Evidence:     report.Certain,
	Unit:         UnitFiles,
	Needs:        Needs{Files: true},
	judge:        judgeUnreadable,
	tellsOfFiles: true,
	nothing:      always("no file in the partitions of the range"),
	bad:          always("could not be read"),
	good:         (*viewEvidence).readInWords,
	measures: func(b *viewEvidence) map[string]any {
		return map[string]any{"checked_pages": b.Collection.CheckedPages}
	},
	headline: func(b *viewEvidence, v verdict) string {
		const shown = 3
		names := make([]string, min(len(v.findings), shown))
		for i, f := range v.findings[:len(names)] {
			names[i] = f.subject.File + ": " + f.message
		}
		more := ""
		if rest := len(v.findings) - len(names); rest > 0 {
			more = fmt.Sprintf(" and %s more", words.Number(int64(rest)))
		}
		files := words.Count(v.total, "file")
		if b.storeFailed() { // whoever may do something about it has to know the bucket
			files += " below " + b.Survey.Root
		}
		return fmt.Sprintf("%s of %s could not be read (%s%s)", words.Number(v.bad), files, strings.Join(names, "; "), more)
	},
}

const unreadableFileRule = `Bad if a file that the view's paths match has a footer or rows that could not
be read, in partitions after as_of as well. The outcome is error; exit 3 where
another try may cure it, else 1. What other checks miss because of it is said
in their results. A view without any file is reported here, too: --missing-view
says whether it is an error, a failure or a warning.`

// storeFailed says that the files lie in a bucket whose store did not give some: no fault of theirs.
func (b *viewEvidence) storeFailed() bool {
	for i := range b.Unread {
		if problem := b.Unread[i].Problem; problem.Retryable() || problem.Kind == facts.ProblemRefused {
			return strings.Contains(b.Survey.Root, "://")
		}
	}
	return false
}

// judgeUnreadable lists what could not be read wherever a verdict is wanted, after as_of too: a broken file is one at any time.
func judgeUnreadable(b *viewEvidence) (verdict, error) {
	problems := make(map[int32]*facts.Problem, len(b.Unread))
	for i := range b.Unread {
		problems[b.Unread[i].File.ID] = &b.Unread[i].Problem
	}
	measures := map[facts.ProblemKind]report.Measures{} // those of a kind are the same for all of its files
	v := verdict{}
	for i := range b.Survey.Files {
		f := &b.Survey.Files[i]
		if b.LeftOut(*f) || !b.InRange(f.Partition) {
			continue
		}
		problem, unread := problems[f.ID]
		if blind := b.Collection.Blind[f.ID]; !unread && len(blind) > 0 {
			v.unable = true
			v.rows = append(v.rows, b.blindRow(*f, blind))
			continue
		}
		if !unread {
			v.good("")
			continue
		}
		v.unable = true
		v.retryable = v.retryable || problem.Retryable()
		if measures[problem.Kind] == nil {
			measures[problem.Kind] = report.Measures{"kind": string(problem.Kind), "retryable": problem.Retryable()}
		}
		v.rows = append(v.rows, row{total: 1, bad: 1, message: problem.Message, measures: measures[problem.Kind],
			subject: report.Subject{Partition: b.PartitionValue(f.Partition), File: f.Path}})
	}
	return v, nil
}

// blindRow is a file some columns of which could not be read when its repeated keys were compared.
func (b *viewEvidence) blindRow(f facts.File, blind []facts.ColumnProblem) row {
	names, messages := make([]string, len(blind)), make([]string, len(blind))
	for i, p := range blind {
		names[i], messages[i] = p.Column, p.Message
	}
	message := messages[0]
	if len(blind) > 1 {
		message = fmt.Sprintf("%s, and so of columns %s", message, words.Examples(names[1:]))
	}
	return row{total: 1, bad: 1, message: message, subject: report.Subject{Partition: b.PartitionValue(f.Partition), File: f.Path},
		measures: map[string]any{"kind": string(blind[0].Kind), "retryable": false, "columns": names}}
}

// readInWords says how much was read: nothing is claimed of a column that nobody needed.
func (b *viewEvidence) readInWords() string {
	text := "could be read"
	if b.Collection.CheckedPages > 0 {
		n := b.Collection.CheckedPages
		text += fmt.Sprintf(", and %s of the columns in use %s", words.Count(n, "page"), words.Plural(n, "agrees with its checksum", "agree with their checksums"))
	}
	if d := b.Collection.Keys; len(b.View.Measures) > 0 && (d == nil || d.RepeatedKeys == 0) {
		why := "no key repeats"
		if d == nil {
			why = "no keys were compared"
		}
		text += fmt.Sprintf("; %s %s not read, since %s", strings.Join(b.View.Measures, ", "), words.Plural(int64(len(b.View.Measures)), "was", "were"), why)
	}
	return text
}
