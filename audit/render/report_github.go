package render

import (
	"fmt"
	"io"
	"strings"

	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/words"
)

// ReportGitHub writes annotations for GitHub Actions: the ten worst findings of each level, and how many more there are. They point at
// no line: what is wrong stands in data.
func ReportGitHub(w io.Writer, r report.Report, o Options) error {
	return tellingOf(r, o.Words, maxNames).github(w)
}

// ReportGitHubOfLong is ReportGitHub of a long report, whose views are looked at one at a time.
func ReportGitHubOfLong(w io.Writer, l report.Long, o Options) error {
	t, err := tellingOfLong(l, o.Words, maxNames)
	if err != nil {
		return err
	}
	return t.github(w)
}

func (t telling) github(w io.Writer) error {
	var b strings.Builder
	written, left := map[string]int{}, 0
	for v, err := range t.views(mark.attention) {
		if err != nil {
			return err
		}
		for _, item := range v.Items {
			level := "error"
			if item.Result.Outcome == report.Warn {
				level = "warning"
			}
			if written[level]++; written[level] > maxAnnotations {
				left++
				continue
			}
			fmt.Fprintf(&b, "::%s title=%s::%s\n", level, property("featureaudit "+item.View+" "+item.Check), data(clip(item.Says, maxMessageRunes)+inBrackets(item.State, item.Known)))
		}
	}
	if left > 0 || len(written) == 0 {
		text := t.Headline
		if left > 0 {
			text = words.Counted(int64(left), "more finding", "more findings") + " in the report: " + text
		}
		fmt.Fprintf(&b, "::notice title=featureaudit::%s\n", data(text))
	}
	_, err := io.WriteString(w, b.String())
	return err
}
