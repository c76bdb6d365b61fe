package render_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/featureaudit/featureaudit/audit/render"
	"github.com/featureaudit/featureaudit/audit/report"
)

func TestTextSaysWhatIsKnownAndWhatTends(t *testing.T) {
	r := incident()
	r.Baseline = &report.Baseline{Entries: 9, Known: 7, Exceeded: 1, Expired: 2}
	r.Views[1].Trends = []report.Trend{{Message: "as usual"}, {Message: "expires soon", On: "2026-11-26T00:00:00Z"}}
	var buf bytes.Buffer
	if err := render.Text(&buf, r, render.Options{}); err != nil {
		t.Fatal(err)
	}
	text := strings.Join(strings.Fields(buf.String()), " ")
	for _, want := range []string{"7 findings are held by the baseline, 1 has more rows than it says, 2 entries are past their end", "trends: transactions: expires soon"} {
		if !strings.Contains(text, want) {
			t.Errorf("the text lacks %q:\n%s", want, buf.String())
		}
	}
	if strings.Contains(buf.String(), "as usual") {
		t.Error("the text says what is as usual")
	}
}
