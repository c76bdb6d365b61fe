package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/featureaudit/featureaudit/audit/check"
)

// TestReadmeIsFresh holds the tables of the README to what the program knows.
func TestReadmeIsFresh(t *testing.T) {
	path := filepath.Join("..", "..", "README.md")
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text := string(raw)
	for marker, want := range map[string]string{"checks": check.ReadmeTable(), "exit-codes": exitTable()} {
		text = between(t, text, marker, want)
	}
	if text == string(raw) {
		return
	}
	if !*update {
		t.Fatal("README.md: its table of checks or exit codes is not what the program says: run make golden")
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
