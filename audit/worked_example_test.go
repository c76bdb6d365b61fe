//go:build contributing

// This test compiles a copy of the repository, which takes minutes: make test-contributing.

package audit_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestTheWorkedExampleWorks does in a copy of the repository what CONTRIBUTING.md tells who adds a check.
func TestTheWorkedExampleWorks(t *testing.T) {
	dir := t.TempDir()
	copyRepository(t, dir)
	for _, file := range workedExample(t) {
		path := filepath.Join(dir, filepath.FromSlash(file.name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(file.content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	catalogue := filepath.Join(dir, "audit/check/catalogue.go")
	lines, err := os.ReadFile(catalogue)
	if err != nil {
		t.Fatal(err)
	}
	added := strings.Replace(string(lines), "\t\tzoneUndeclared,\n", "\t\tviewWithoutOwner,\n\t\tzoneUndeclared,\n", 1)
	if err := os.WriteFile(catalogue, []byte(added), 0o644); err != nil {
		t.Fatal(err)
	}
	follows(t, dir, "go", "vet", "./audit/check")
	follows(t, dir, "go", "test", "./audit/check", "-run", "TestCatalogueIsSortedAndWhole|TestExplainSaysEverything")
	out := follows(t, dir, "go", "test", "-v", "./audit", "-run", "TestEveryCheckHasCases|TestCases/view-without-owner")
	if n := strings.Count(out, "--- PASS: TestCases/view-without-owner/"); n != 3 {
		t.Errorf("%d cases of the new check passed, want 3\n%s", n, out)
	}
	if out := follows(t, dir, "go", "run", "./cmd/featureaudit", "checks"); !strings.Contains(out, "view-without-owner") {
		t.Errorf("featureaudit checks does not list it:\n%s", out)
	}
}

// copyRepository copies what git knows or would add.
func copyRepository(t *testing.T, dir string) {
	t.Helper()
	list := exec.Command("git", "ls-files", "-co", "--exclude-standard", "-z")
	list.Dir = ".."
	names, err := list.Output()
	if err != nil {
		t.Fatalf("git ls-files: %v", err)
	}
	for _, name := range strings.Split(strings.TrimSuffix(string(names), "\x00"), "\x00") {
		raw, err := os.ReadFile(filepath.Join("..", name))
		if os.IsNotExist(err) {
			continue // removed, and not committed yet
		}
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, raw, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// follows runs a step of the example, and gives what it printed.
func follows(t *testing.T, dir string, args ...string) string {
	t.Helper()
	step := exec.Command(args[0], args[1:]...)
	step.Dir = dir
	out, err := step.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}
