package check

import (
	"fmt"
	"slices"

	"github.com/featureaudit/featureaudit/audit/evidence"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/words"
)

var duplicateFiles = Check{
	ID:       "duplicate-files",
	Title:    "A file is a copy of another file of the view, byte for byte.",
	Why:      "A load that ran twice counts every row of the file twice, and without a key no other check notices.",
	Fix:      "Remove the copy and make the load idempotent; declare key, so that repeats are found whichever files they lie in.",
	Since:    "0.1",
	rule:     duplicateFilesRule,
	Scope:    ScopeView,
	Severity: report.SeverityWarn,
	Evidence: report.Certain,
	Unit:     UnitFiles,
	Needs:    Needs{Files: true, Footers: true},
	Wants:    facts.WantCopies,
	judge:    judgeDuplicateFiles,
	nothing:  always("no file with a footer"),
	bad:      always("are copies of other files"),
	good:     always("are no copies of each other"),
	applies: func(b *viewEvidence) string {
		if b.keysTell() && len(b.copies()) > 0 {
			return "a key is declared: duplicate-keys counts what the copies repeat, and names them"
		}
		return ""
	},
}

const duplicateFilesRule = `Files of one view that have the same size and the same footer are read and
compared by the SHA-256 of all their bytes. Of those that are equal one is kept,
the first by path; the others are bad. Hard links are named as such. Files
without rows, snapshots and files that once_per allows twice are left out.`

// copied is a file with the one that it is a copy of.
type copied struct{ file, of *facts.File }

// copies are the files that hold the bytes of another, which comes before them by path, where that is a fault. It is none
// where every partition restates the same (a snapshot, or files without event times of their own), or where each source
// carries every row by design.
func (b *viewEvidence) copies() []copied {
	type place struct {
		first     int32
		partition int32
		source    string
	}
	once := b.View.OncePer
	bySource := slices.Contains(once, "source")
	byPartition := evidence.IsSnapshot(b.View) || slices.Contains(once, "partition")
	original := map[place]*facts.File{}
	var found []copied
	for i := range b.Survey.Files {
		f := &b.Survey.Files[i]
		first, alike := b.Survey.CopyOf[f.ID]
		if !alike || !b.Judged(f.Partition) {
			continue
		}
		at := place{first: first, partition: -1}
		if byPartition || !b.holdsEventTime(*f) {
			at.partition = f.Partition
		}
		if bySource {
			at.source = f.Source
		}
		of, known := original[at]
		if !known {
			original[at] = f
			continue
		}
		found = append(found, copied{f, of})
	}
	return found
}

// holdsEventTime says that a file's rows bring an event time of their own.
func (b *viewEvidence) holdsEventTime(f facts.File) bool {
	schema := b.Schema(f)
	return schema != nil && slices.ContainsFunc(evidence.EventNames(b.View), func(name string) bool { return schema.Lookup(name) != nil })
}

func judgeDuplicateFiles(b *viewEvidence) (verdict, error) {
	of := map[int32]*facts.File{}
	for _, c := range b.copies() {
		of[c.file.ID] = c.of
	}
	v := verdict{}
	rows, bytes := int64(0), int64(0)
	for f := range b.Readable(false) {
		original, isCopy := of[f.ID]
		if !isCopy {
			v.good("")
			continue
		}
		rows += f.Live()
		bytes += f.Size
		v.rows = append(v.rows, row{total: 1, bad: 1, subject: report.Subject{Partition: b.PartitionValue(f.Partition), File: f.Path},
			tell: func() (string, report.Measures) { return tellCopy(f, original) }})
	}
	v.measures = map[string]any{"copied_rows": rows, "copied_bytes": bytes}
	return v, nil
}

func tellCopy(f, original *facts.File) (string, report.Measures) {
	what := "a copy of"
	if f.SameAs != "" || original.SameAs != "" {
		what = "the same file on disk as"
	}
	return fmt.Sprintf("is %s %s: its %s %s counted again", what, original.Path, words.Count(f.Live(), "row"), words.Plural(f.Live(), "is", "are")),
		report.Measures{"copy_of": original.Path, "rows": f.Live(), "bytes": f.Size}
}

// copiesInWords is the line on copies in what repeated keys say; empty without any.
func (b *viewEvidence) copiesInWords() string {
	found := b.copies()
	if len(found) == 0 {
		return ""
	}
	return fmt.Sprintf("%s %s of another, byte for byte (%s)", words.Count(int64(len(found)), "file"), words.Plural(int64(len(found)), "is a copy", "are copies"),
		words.ExamplesOf(len(found), func(i int) string { return found[i].file.Path + " of " + found[i].of.Path }))
}
