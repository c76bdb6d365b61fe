package render_test

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/featureaudit/featureaudit/audit/render"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/fixtures/reports"
)

func linesOf(text string) []string { return strings.Split(strings.TrimSuffix(text, "\n"), "\n") }

// fits holds each line to a width: a longer one is a single word that nothing may break, or two where the first begins a list.
func fits(t *testing.T, name, text string, width int) {
	t.Helper()
	for _, line := range linesOf(text) {
		longest := 0
		for _, word := range strings.Fields(line) {
			longest = max(longest, utf8.RuneCountInString(word))
		}
		if n := utf8.RuneCountInString(line); n > width && longest < width-40 {
			t.Errorf("%s at %d columns: a line of %d: %q", name, width, n, line)
		}
	}
}

// TestTextFitsEveryWidth, and is short.
func TestTextFitsEveryWidth(t *testing.T) {
	for name, c := range map[string]struct {
		report report.Report
		most   int
	}{
		"incident":   {incident(), 60},
		"few":        {reports.Large(8, 8, 200), 60},
		"remembered": {reports.Remembered(), 60},
		"many":       {reports.Large(500, 500, 2000), 80},
		"one of 500": {reports.Large(500, 1, 5), 80},
		"hostile":    {reports.Hostile(), 80},
		"all clean":  {reports.Large(500, 0, 0), 8},
	} {
		widths := []int{80, 81, 97, 120, 200}
		if len(c.report.Views) > 100 {
			widths = widths[:1]
		}
		for _, width := range widths {
			short := text(t, c.report, render.Options{Words: catalogue, Width: width})
			fits(t, name, short, width)
			if n := len(linesOf(short)); n > c.most {
				t.Errorf("%s at %d columns: %d lines, want at most %d:\n%s", name, width, n, c.most, short)
			}
			if len(c.report.Views) < 100 {
				fits(t, name+", whole", text(t, c.report, render.Options{Words: catalogue, Width: width, Whole: true}), width)
			}
		}
	}
}

// TestWholeTextLeavesNothingOut: every result that wants attention, its whole sentence, all places that are listed, and why and fix
// of each check once.
func TestWholeTextLeavesNothingOut(t *testing.T) {
	r := reports.Large(30, 30, 900)
	whole := strings.Join(strings.Fields(text(t, r, render.Options{Words: catalogue, Whole: true})), " ")
	for _, v := range r.Views {
		if !strings.Contains(whole, v.Name+", owner "+v.Owner) && v.Owner != "" {
			t.Errorf("%s is missing", v.Name)
		}
	}
	for _, res := range r.Results {
		if res.Outcome != report.Fail {
			continue
		}
		if !strings.Contains(whole, strings.Join(strings.Fields(res.Message), " ")) {
			t.Errorf("%s %s is missing: %s", res.View, res.Check, res.Message)
		}
		for _, f := range res.Findings {
			if !strings.Contains(whole, fmt.Sprintf("%s, source batch (%d", f.Subject.Partition, f.RowsBad)) && f.RowsBad < 1000 {
				t.Errorf("%s %s: %v is missing", res.View, res.Check, f.Subject)
			}
		}
	}
	for _, said := range []string{"Why duplicate-keys matters.", "How to mend duplicate-keys."} {
		if n := strings.Count(whole, said); n != 1 {
			t.Errorf("%q is said %d times, want once", said, n)
		}
	}
}

// TestTextTellsACauseOnce: what went wrong in 47 views is one headline, with the views counted and the fix said once.
func TestTextTellsACauseOnce(t *testing.T) {
	r := reports.Large(60, 0, 0)
	for i := range r.Results {
		if res := &r.Results[i]; res.Check == "ttl-unset" && res.View < "feature_view_0047" {
			res.Outcome, res.Unit, res.RowsTotal, res.RowsBad, res.Message = report.Fail, "view", 1, 1, "the ttl is not set, so that features never expire"
		}
	}
	for i := range r.Views[:47] {
		r.Views[i].Outcome = report.Fail
	}
	r.Summary = r.Summarise()
	got := text(t, r, render.Options{Words: catalogue})
	for _, want := range []string{
		"FAIL  47 checks fail in 60 views, as of 2026-11-23T00:00:00Z\n",
		"  FAIL   ttl-unset in 47 views (owners fraud, growth, payments and 1 more)\n",
		"         feature_view_0000: the ttl is not set, so that features never expire\n",
		"         also: feature_view_0001, feature_view_0002, and 44 more\n",
		"         fix: How to mend ttl-unset\n",
		"\nVIEW               VERDICT  OWNER     WORST FINDING       ROWS  NEWEST\n",
		"feature_view_0003  FAIL     search    ttl-unset      4,938,000  3h\n",
		"and 27 more views with findings\n",
		"PASS  13 views: feature_view_0047, feature_view_0048, feature_view_0049,\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the text lacks %q:\n%s", want, got)
		}
	}
	if n := strings.Count(got, "never expire"); n != 1 {
		t.Errorf("the cause is told %d times, want once", n)
	}
}

// TestTextNamesWhatIsNotJudged: views that neither pass nor fail are named as well.
func TestTextNamesWhatIsNotJudged(t *testing.T) {
	r := incident()
	r.Views = append(r.Views, report.View{Name: "pushed", Outcome: report.NotApplicable}, report.View{Name: "known", Outcome: report.Suppressed})
	got := text(t, r, render.Options{})
	for _, want := range []string{"\nPASS  events\n", "\nSUPPRESSED  known\n", "\nNOT APPLICABLE  pushed\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("the text lacks %q:\n%s", want, got)
		}
	}
}

// TestTextTellsErrorFromFail: what could not be looked at is no finding, and the words say so.
func TestTextTellsErrorFromFail(t *testing.T) {
	got := text(t, incident(), render.Options{})
	for _, want := range []string{"\n  ERROR  future-rows: passes on 59 of 60 files\n         for the same reason could not look: null-keys\n",
		"2 checks could not look because of it: misfiled-rows, schema-drift", "ERROR means that the audit could not look"} {
		if !strings.Contains(got, want) {
			t.Errorf("the text lacks %q:\n%s", want, got)
		}
	}
	if clean := text(t, reports.Large(2, 2, 20), render.Options{}); strings.Contains(clean, "ERROR") {
		t.Errorf("nothing is an error, and the text speaks of it:\n%s", clean)
	}
}

// TestTextSaysHowToSeeTheRest by commands that can be pasted; a name that a shell would take apart is not among them.
func TestTextSaysHowToSeeTheRest(t *testing.T) {
	r := incident()
	if got := text(t, r, render.Options{ReportPath: "reports/r.json"}); !strings.Contains(got, "\none view  featureaudit report reports/r.json --view transactions\n") {
		t.Errorf("got\n%s", got)
	}
	if got := text(t, r, render.Options{}); !strings.Contains(got, "\none view  run with --view transactions --out text=FILE\n") {
		t.Errorf("got\n%s", got)
	}
	for i := range r.Results {
		r.Results[i].View = "a; rm -rf b"
	}
	r.Views = []report.View{{Name: "a; rm -rf b", Outcome: report.Fail}}
	if got := text(t, r, render.Options{ReportPath: "r.json"}); !strings.Contains(got, "report r.json --view NAME\n") {
		t.Errorf("got\n%s", got)
	}
}
