package render_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/featureaudit/featureaudit/audit/render"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/fixtures/reports"
)

func htmlPage(t *testing.T, r report.Report) string {
	t.Helper()
	var buf bytes.Buffer
	if err := render.HTML(&buf, r, render.Options{Words: catalogue}); err != nil {
		t.Fatal(err)
	}
	return buf.String()
}

var (
	tagRule       = regexp.MustCompile(`<(/?)([a-zA-Z][a-zA-Z0-9]*)((?:\s+[a-zA-Z-]+(?:="[^"]*")?)*)\s*(/?)>`)
	attributeRule = regexp.MustCompile(`([a-zA-Z-]+)="([^"]*)"`)
)

// element is a tag of a page with its attributes.
type element struct {
	name       string
	attributes map[string]string
}

// elements reads a page tag by tag, and fails where one is not closed, or where something else begins with a bracket.
func elements(t *testing.T, page string) []element {
	t.Helper()
	page = strings.TrimPrefix(page, "<!DOCTYPE html>\n")
	for _, verbatim := range []string{"style", "script"} {
		from, to := strings.Index(page, "<"+verbatim+">"), strings.Index(page, "</"+verbatim+">")
		page = page[:from+len(verbatim)+2] + page[to:]
	}
	void := []string{"meta", "input", "br"}
	var all []element
	var open []string
	rest := 0
	for _, m := range tagRule.FindAllStringSubmatchIndex(page, -1) {
		if text := page[rest:m[0]]; strings.ContainsAny(text, "<>") {
			t.Fatalf("a bracket that is no tag: %.200q", text)
		}
		rest = m[1]
		name := page[m[4]:m[5]]
		if m[2] != m[3] {
			if len(open) == 0 || open[len(open)-1] != name {
				t.Fatalf("</%s> closes %v: %.200q", name, open, page[max(0, m[0]-150):m[1]])
			}
			open = open[:len(open)-1]
			continue
		}
		e := element{name, map[string]string{}}
		for _, a := range attributeRule.FindAllStringSubmatch(page[m[6]:m[7]], -1) {
			e.attributes[a[1]] = html.UnescapeString(a[2])
		}
		all = append(all, e)
		if m[8] == m[9] && !slices.Contains(void, name) {
			open = append(open, name)
		}
	}
	if len(open) > 0 || strings.ContainsAny(page[rest:], "<>") {
		t.Fatalf("not closed: %v, then %.200q", open, page[rest:])
	}
	return all
}

// TestHTMLHoldsTogether: tags are closed, names stand once, links lead somewhere, and nothing is loaded from elsewhere.
func TestHTMLHoldsTogether(t *testing.T) {
	for name, r := range map[string]report.Report{"incident": incident(), "clean": reports.Large(3, 0, 0), "large": reports.Large(20, 10, 100), "hostile": reports.Hostile(), "remembered": reports.Remembered(),
		"empty": {AsOf: "x"}, "spoilt": hostileReport()} {
		page := htmlPage(t, r)
		ids := map[string]bool{}
		for _, e := range elements(t, page) {
			if id := e.attributes["id"]; id != "" {
				if ids[id] || strings.ContainsAny(id, " \t\n<>\"'") {
					t.Errorf("%s: the id %q stands twice, or cannot be linked to", name, id)
				}
				ids[id] = true
			}
			for attribute := range e.attributes {
				if strings.HasPrefix(attribute, "on") || slices.Contains([]string{"src", "style", "srcdoc", "action", "formaction"}, attribute) {
					t.Errorf("%s: <%s %s>", name, e.name, attribute)
				}
			}
			if slices.Contains([]string{"script", "style"}, e.name) && len(e.attributes) > 0 || slices.Contains([]string{"link", "img", "iframe", "object", "embed", "base"}, e.name) {
				t.Errorf("%s: <%s>", name, e.name)
			}
		}
		for _, e := range elements(t, page) {
			if href := e.attributes["href"]; href != "" && !(strings.HasPrefix(href, "#") && ids[href[1:]]) {
				t.Errorf("%s: the link %q leads nowhere", name, href)
			}
		}
		if c := acting(strings.ReplaceAll(page, "\n", "")); c != "" {
			t.Errorf("%s holds %s", name, c)
		}
	}
}

// TestHTMLPolicyAllowsItsOwnTextsAlone: the hashes are those of what stands between the tags.
func TestHTMLPolicyAllowsItsOwnTextsAlone(t *testing.T) {
	page := htmlPage(t, reports.Hostile())
	between := func(name string) string {
		_, rest, _ := strings.Cut(page, "<"+name+">")
		text, _, _ := strings.Cut(rest, "</"+name+">")
		sum := sha256.Sum256([]byte(text))
		return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	want := fmt.Sprintf("default-src 'none'; style-src %s; script-src %s; img-src data:; base-uri 'none'; form-action 'none'", between("style"), between("script"))
	for _, e := range elements(t, page) {
		if e.attributes["http-equiv"] == "Content-Security-Policy" {
			if e.attributes["content"] != want {
				t.Errorf("the policy is %s, want %s", e.attributes["content"], want)
			}
			return
		}
	}
	t.Error("the page has no policy")
}

// TestHTMLStaysSmall at the sizes that it is promised for.
func TestHTMLStaysSmall(t *testing.T) {
	for _, c := range []struct{ views, findings, most int }{{50, 500, 2_000_000}, {500, 5000, 12_000_000}} {
		if size := len(htmlPage(t, reports.Large(c.views, c.views, c.findings))); size > c.most {
			t.Errorf("%d views with %d findings take %d bytes, want at most %d", c.views, c.findings, size, c.most)
		}
	}
}

// TestHTMLShowsEveryFinding: each result that wants attention, and each subject that is listed, can be linked to.
func TestHTMLShowsEveryFinding(t *testing.T) {
	r := reports.Large(20, 10, 100)
	items, subjects, quiet := 0, 0, 0
	for _, id := range []string{"view.feature_view_0003", "view.feature_view_0003.duplicate-keys", "finding.feature_view_0003-duplicate-keys-0"} {
		if !strings.Contains(htmlPage(t, r), `id="`+id+`"`) {
			t.Errorf("nothing is called %s", id)
		}
	}
	for _, e := range elements(t, htmlPage(t, r)) {
		id := e.attributes["id"]
		switch {
		case e.attributes["data-c"] != "":
			items++
		case strings.HasPrefix(id, "finding."):
			subjects++
		case e.name == "li" && strings.HasPrefix(id, "view."):
			quiet++
		}
	}
	if items != 50 || subjects != 100 || quiet != 10 {
		t.Errorf("%d results, %d subjects and %d clear views, want 50, 100 and 10", items, subjects, quiet)
	}
}
