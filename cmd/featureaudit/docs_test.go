package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/featureaudit/featureaudit/audit/check"
	"github.com/featureaudit/featureaudit/audit/policy"
	"github.com/featureaudit/featureaudit/fixtures"
)

// TestReadmeIsFresh holds the tables of the README to what the program knows.
func TestReadmeIsFresh(t *testing.T) {
	path := filepath.Join("..", "..", "README.md")
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text := string(raw)
	for marker, want := range map[string]string{"checks": check.ReadmeTable(), "exit-codes": exitTable(), "report": picture(t)} {
		text = between(t, text, marker, want)
	}
	if text == string(raw) {
		return
	}
	if !*update {
		t.Fatal("README.md: its report, table of checks or exit codes is not what the program says: run make golden")
	}
	if os.Getenv("CI") != "" {
		t.Fatal("-update is refused where CI is set: goldens are written by people")
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// between replaces what stands between <!-- marker --> and <!-- /marker -->.
func between(t *testing.T, text, marker, want string) string {
	t.Helper()
	head, rest, ok := strings.Cut(text, fmt.Sprintf("<!-- %s -->\n", marker))
	_, tail, closed := strings.Cut(rest, fmt.Sprintf("<!-- /%s -->", marker))
	if !ok || !closed {
		t.Fatalf("README.md: the markers of %s are missing", marker)
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

// TestReadmeConfigIsAudited holds the README's example to the config's own reader.
func TestReadmeConfigIsAudited(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(raw), "```yaml\n")
	example, _, closed := strings.Cut(rest, "```\n")
	if !ok || !closed {
		t.Fatal("README.md: the example of a config is missing")
	}
	file, err := policy.Parse("README.md", []byte(example), parseOptions())
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

// picture is what the program really says about the incident, cut after its worst view.
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
	views := strings.Split(strings.TrimSpace(stdout.String()), "\n\n")
	return fmt.Sprintf("```text\n%s\n\n%s\n\n...\n\n%s\n```\n", views[0], views[1], views[len(views)-1])
}
