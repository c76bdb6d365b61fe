package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/featureaudit/featureaudit/audit/check"
	"github.com/featureaudit/featureaudit/audit/diff"
	"github.com/featureaudit/featureaudit/audit/policy"
	"github.com/featureaudit/featureaudit/fixtures"
	"github.com/featureaudit/featureaudit/fixtures/registries"
)

// TestDocumentsAreFresh holds what the documents quote of the program to what the program says.
func TestDocumentsAreFresh(t *testing.T) {
	docs, err := filepath.Abs(filepath.Join("..", "..", "audit", "docs"))
	if err != nil {
		t.Fatal(err)
	}
	for page, quoted := range map[string]struct{ marker, want string }{
		"checks/README.md":     {"checks", linkedTable()},
		"exit-codes.md":        {"exit-codes", exitTable()},
		"reports.md":           {"report", picture(t)},
		"rules.md":             {"rules", diff.ReadmeTable()},
		"definitions-in-ci.md": {"diff", diffPicture(t)},
	} {
		path := filepath.Join(docs, page)
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		fresh(t, path, between(t, page, string(raw), quoted.marker, quoted.want))
	}
	fresh(t, filepath.Join(docs, "config-keys.md"), policy.KeysPage())
	pages := map[string]bool{"README.md": true}
	for _, c := range check.Catalogue() {
		page, err := check.Page(c)
		if err != nil {
			t.Fatal(err)
		}
		pages[c.ID+".md"] = true
		fresh(t, filepath.Join(docs, "checks", c.ID+".md"), page+examplesOfCheck(t, filepath.Join(docs, "..", ".."), c.ID))
	}
	entries, err := os.ReadDir(filepath.Join(docs, "checks"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !pages[e.Name()] {
			t.Errorf("audit/docs/checks/%s is the page of no check: remove it", e.Name())
		}
	}
}

// examplesOfCheck are a small store that the check fails on, and one that it passes, as the cases write them.
func examplesOfCheck(t *testing.T, root, id string) string {
	t.Helper()
	cases, err := fixtures.Cases()
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, kind := range []struct{ name, title string }{{"bad", "A store that it finds something in"}, {"ok", "A store that it finds nothing in"}} {
		shortest, file := "", ""
		for _, c := range cases {
			if c.Check() != id || c.Kind() != kind.name {
				continue
			}
			raw, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(c.File)))
			if err != nil {
				t.Fatal(err)
			}
			if shortest == "" || len(raw) < len(shortest) {
				shortest, file = string(raw), c.File
			}
		}
		if file == "" {
			continue // it judges no store
		}
		fmt.Fprintf(&text, "\n## %s\n\n[%s](../../../%s), written as [cases are](../../../fixtures/cases/README.md):\n\n````text\n%s````\n",
			kind.title, filepath.Base(file), file, shortest)
	}
	return text.String()
}

// fresh holds a file to what it should say, or writes it with -update.
func fresh(t *testing.T, path, want string) {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err == nil && string(raw) == want {
		return
	}
	if !*update {
		t.Errorf("%s is not what the program says: run make golden", path)
		return
	}
	if os.Getenv("CI") != "" {
		t.Fatal("-update is refused where CI is set: goldens are written by people")
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}

// linkedTable is the catalogue as a table whose names lead to the pages of the checks.
func linkedTable() string {
	return regexp.MustCompile("(?m)^\\| `([a-z-]+)` ").ReplaceAllString(check.ReadmeTable(), "| [`$1`]($1.md) ")
}

// between replaces what stands between <!-- marker --> and <!-- /marker -->.
func between(t *testing.T, page, text, marker, want string) string {
	t.Helper()
	head, rest, ok := strings.Cut(text, fmt.Sprintf("<!-- %s -->\n", marker))
	_, tail, closed := strings.Cut(rest, fmt.Sprintf("<!-- /%s -->", marker))
	if !ok || !closed {
		t.Fatalf("%s: the markers of %s are missing", page, marker)
	}
	return fmt.Sprintf("%s<!-- %s -->\n%s<!-- /%s -->%s", head, marker, want, marker, tail)
}

func exitTable() string {
	var b strings.Builder
	b.WriteString("| code | meaning |\n|---|---|\n")
	for _, m := range exitMeanings() {
		fmt.Fprintf(&b, "| %d | %s |\n", m.code, m.meaning)
	}
	return b.String()
}

// TestThePythonPackageIsOfThisRelease: it is versioned with the program, whose newest release heads the changelog.
func TestThePythonPackageIsOfThisRelease(t *testing.T) {
	changelog, err := os.ReadFile(filepath.Join("..", "..", "CHANGELOG.md"))
	if err != nil {
		t.Fatal(err)
	}
	release := regexp.MustCompile(`(?m)^## \[(\d+\.\d+\.\d+)\]`).FindSubmatch(changelog)
	project, err := os.ReadFile(filepath.Join("..", "..", "audit", "contract", "python", "pyproject.toml"))
	if err != nil {
		t.Fatal(err)
	}
	version := regexp.MustCompile(`(?m)^version = "(.*)"$`).FindSubmatch(project)
	if release == nil || version == nil || string(release[1]) != string(version[1]) {
		t.Errorf("the newest release of the changelog is %q, and pyproject.toml says %q", release, version)
	}
}

// TestConfigByExampleResolves holds the example that the config's page begins with to the config's own reader.
func TestConfigByExampleResolves(t *testing.T) {
	_, rest, ok := strings.Cut(documents(t)[filepath.Join("..", "..", "audit", "docs", "config.md")], "```yaml\n")
	example, _, closed := strings.Cut(rest, "```\n")
	if !ok || !closed {
		t.Fatal("config.md: the example of a config is missing")
	}
	file, err := policy.Parse("config.md", []byte(example), parseOptions())
	if err != nil {
		t.Fatal(err)
	}
	p, err := file.Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Views) != 1 || p.Views[0].Name != "transactions" || len(p.Notes) > 0 {
		t.Errorf("the example resolves to %d views with notes %q", len(p.Views), p.Notes)
	}
}

// picture is what the program really says about the incident.
func picture(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	expected, err := fixtures.Incident(dir)
	if err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	args := []string{"run", "--config", filepath.Join(dir, "featureaudit.yaml"), "--as-of", expected.AsOf, "--log-level", "none"}
	if code := run(context.Background(), args, strings.NewReader(""), &stdout, &stderr, nil); code != exitFindings {
		t.Fatalf("the audit of the incident ends with exit %d, want 1:\n%s", code, stderr.String())
	}
	if n := strings.Count(stdout.String(), "\n"); n > 60 {
		t.Errorf("the summary of the incident takes %d lines, want at most 60", n)
	}
	return fmt.Sprintf("```text\n%s```\n", stdout.String())
}

// diffPicture is what diff really says of two registries between which 47 views lost their ttl, cut in the middle.
func diffPicture(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, ttl := range map[string]int64{"before.db": 86400, "after.db": 0} {
		raw := registries.Feast(registries.Options{Views: 47, Features: 2, TTLSeconds: ttl})
		if err := os.WriteFile(filepath.Join(dir, name), raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	var stdout, stderr bytes.Buffer
	if code := run(context.Background(), []string{"diff", "before.db", "after.db"}, strings.NewReader(""), &stdout, &stderr, []string{"COLUMNS=100"}); code != exitFindings {
		t.Fatalf("diff of the incident ends with exit %d, want 1:\n%s", code, stderr.String())
	}
	lines := strings.Split(strings.TrimSpace(stdout.String()), "\n")
	if len(lines) != 4+47+5 {
		t.Fatalf("diff of the incident prints %d lines, want 56:\n%s", len(lines), stdout.String())
	}
	return fmt.Sprintf("```text\n%s\n      ...\n%s\n```\n", strings.Join(lines[:6], "\n"), strings.Join(lines[50:], "\n"))
}

// documents are what users read beside the README.
func documents(t *testing.T) map[string]string {
	t.Helper()
	pages, err := filepath.Glob(filepath.Join("..", "..", "audit", "docs", "*.md"))
	if err != nil || len(pages) == 0 {
		t.Fatalf("%d pages of documentation, %v", len(pages), err)
	}
	checks, err := filepath.Glob(filepath.Join("..", "..", "audit", "docs", "checks", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	pages = append(pages, checks...)
	pages = append(pages, filepath.Join("..", "..", "README.md"), filepath.Join("..", "airflow", "README.md"),
		filepath.Join("..", "..", "audit", "contract", "python", "README.md"))
	texts := map[string]string{}
	for _, page := range pages {
		raw, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		texts[page] = string(raw)
	}
	return texts
}

// TestDocumentsNameWhatIsThere: each flag is one of the program's, each link leads to a file.
func TestDocumentsNameWhatIsThere(t *testing.T) {
	known := map[string]bool{"--help": true}
	for _, command := range commands() {
		var stdout, stderr bytes.Buffer
		if code := run(t.Context(), []string{"help", command.name}, strings.NewReader(""), &stdout, &stderr, nil); code != exitOK {
			t.Fatalf("help %s: exit %d", command.name, code)
		}
		for _, flag := range regexp.MustCompile(`--[a-z][a-z-]+`).FindAllString(stdout.String(), -1) {
			known[flag] = true
		}
	}
	ours := regexp.MustCompile("(?m)(?:featureaudit [a-z]+ |`)[^`\n]*?--[a-z][^`\n]*")
	flag := regexp.MustCompile(`(?:^|[ \x60(])(--[a-z][a-z-]+)`)
	link := regexp.MustCompile(`\]\(([^)#:]+)\)`)
	for page, text := range documents(t) {
		for _, words := range ours.FindAllString(text, -1) {
			if strings.Contains(words, "git ") {
				continue
			}
			for _, m := range flag.FindAllStringSubmatch(words, -1) {
				if !known[m[1]] {
					t.Errorf("%s: %s is no flag of any command: %s", page, m[1], words)
				}
			}
		}
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), filepath.FromSlash(m[1]))); err != nil {
				t.Errorf("%s: the link %s leads nowhere: %v", page, m[1], err)
			}
		}
	}
}

// TestDocumentsShowLinesThatParse: each line of a shell that the documents show is one that the program takes.
func TestDocumentsShowLinesThatParse(t *testing.T) {
	read := 0
	for page, text := range documents(t) {
		for _, block := range strings.Split(text, "```sh\n")[1:] {
			script, _, closed := strings.Cut(block, "```")
			if !closed {
				t.Fatalf("%s: a block has no end", page)
			}
			for _, line := range strings.Split(strings.ReplaceAll(script, "\\\n", " "), "\n") {
				words := strings.Fields(strings.NewReplacer("'", "", `"`, "").Replace(line))
				if len(words) < 2 || !strings.HasSuffix(words[0], "featureaudit") {
					continue
				}
				i := slices.IndexFunc(commands(), func(cmd command) bool { return cmd.name == words[1] })
				if i < 0 {
					t.Errorf("%s: %s: no such command", page, line)
					continue
				}
				if end := slices.IndexFunc(words, func(w string) bool { return w == "#" || w == "|" || w == ">" || w == "&&" }); end > 0 {
					words = words[:end]
				}
				if err := usageOf(commands()[i]).flags.Parse(words[2:]); err != nil {
					t.Errorf("%s: %s: %v", page, line, err)
				}
				read++
			}
		}
	}
	if read < 10 {
		t.Errorf("%d lines were read, want 10 or more", read)
	}
}

// TestDocumentsShowWhatIsRead: each example of YAML is what the config's own reader takes.
func TestDocumentsShowWhatIsRead(t *testing.T) {
	read := 0
	for page, text := range documents(t) {
		for _, block := range strings.Split(text, "```yaml\n")[1:] {
			example, _, closed := strings.Cut(block, "```")
			if !closed {
				t.Fatalf("%s: an example has no end", page)
			}
			if !strings.HasPrefix(example, "version:") {
				example = "version: 1\n" + example
			}
			if _, err := policy.Parse(page, []byte(example), parseOptions()); err != nil {
				t.Error(err)
			}
			read++
		}
	}
	if read < 3 {
		t.Errorf("%d examples were read, want 3 or more", read)
	}
}

// TestDocumentsNameKeysThatAreRead: each row of the tags and references that the config's page lists is one that counts.
func TestDocumentsNameKeysThatAreRead(t *testing.T) {
	text := documents(t)[filepath.Join("..", "..", "audit", "docs", "config.md")]
	for _, word := range []string{"partition_end", "ingested_at", "partition_start", "as_of"} {
		if !strings.Contains(text, "| `"+word+"`") {
			t.Errorf("reference: %s is not in the table", word)
		}
		if _, err := policy.Parse("f.yaml", []byte("version: 1\nviews: {a: {path: x, reference: "+word+"}}"), parseOptions()); err != nil {
			t.Error(err)
		}
	}
}
