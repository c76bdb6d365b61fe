package render

import (
	"fmt"
	"io"
	"strings"

	"github.com/featureaudit/featureaudit/audit/diff"
	"github.com/featureaudit/featureaudit/audit/words"
)

// maxAnnotations is how many annotations of a level GitHub shows for one step.
const maxAnnotations = 10

// DiffGitHub writes annotations for GitHub Actions: the ten worst findings, and how many more there are.
func DiffGitHub(w io.Writer, d diff.Document, _ Options) error {
	var b strings.Builder
	written, left := 0, 0
	for _, f := range d.Changes {
		if f.Suppressed || f.ExplainedBy != "" || f.Severity != diff.Error && f.Severity != diff.Warn {
			continue
		}
		if written == maxAnnotations {
			left++
			continue
		}
		written++
		level := map[diff.Severity]string{diff.Error: "error", diff.Warn: "warning"}[f.Severity]
		properties := []string{"title=" + property("featureaudit "+f.Rule)}
		if f.Location != nil {
			properties = append([]string{"file=" + property(f.Location.File), fmt.Sprintf("line=%d", f.Location.Line)}, properties...)
		}
		fmt.Fprintf(&b, "::%s %s::%s\n", level, strings.Join(properties, ","), data(findingLine(f)))
	}
	if written == 0 && d.Summary.ByRule[diff.NotJudgedRule] > 0 {
		fmt.Fprintf(&b, "::notice title=featureaudit::%s\n", data(d.Summary.Headline))
	}
	if left > 0 {
		fmt.Fprintf(&b, "::notice title=featureaudit::%s\n", data(words.Counted(int64(left), "more finding", "more findings")+" in the report: "+d.Summary.Headline))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// data escapes the message of a workflow command, property a value before it.
func data(text string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(Clean(text))
}

func property(text string) string {
	return strings.NewReplacer(":", "%3A", ",", "%2C").Replace(data(text))
}
