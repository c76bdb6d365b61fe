package audit_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/featureaudit/featureaudit/fixtures"
)

// shownFile is a file of the worked example: its name in a line of its own, and its content in a block below.
var shownFile = regexp.MustCompile("(?m)^`([^`\n]+)`\n\n```[a-z]*\n((?s:.*?))```$")

type shown struct{ name, content string }

// workedExample are the files that CONTRIBUTING.md adds a check by: the check, and then its cases.
func workedExample(t *testing.T) []shown {
	t.Helper()
	text, err := os.ReadFile("../.github/CONTRIBUTING.md")
	if err != nil {
		t.Fatal(err)
	}
	var files []shown
	for _, m := range shownFile.FindAllStringSubmatch(string(text), -1) {
		files = append(files, shown{m[1], m[2]})
	}
	if len(files) != 4 {
		t.Fatalf("%d files are shown, want the check and 3 cases", len(files))
	}
	return files
}

// TestTheWorkedExampleIsOfToday compiles the check of CONTRIBUTING.md among the others and reads its cases. make test-contributing
// follows it to its end.
func TestTheWorkedExampleIsOfToday(t *testing.T) {
	files := workedExample(t)
	for _, file := range files[1:] {
		if _, err := fixtures.ParseCase(file.name, []byte(file.content)); err != nil {
			t.Errorf("CONTRIBUTING.md: %v", err)
		}
	}
	dir := t.TempDir()
	code, overlay := filepath.Join(dir, "check.go"), filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(code, []byte(files[0].content), 0o600); err != nil {
		t.Fatal(err)
	}
	place, err := filepath.Abs(filepath.Join("..", filepath.FromSlash(files[0].name)))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(map[string]map[string]string{"Replace": {place: code}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(overlay, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("go", "build", "-overlay", overlay, module+"/audit/check").CombinedOutput()
	if err != nil {
		t.Errorf("the check of CONTRIBUTING.md does not compile any more: %v\n%s", err, strings.ReplaceAll(string(out), code, ".github/CONTRIBUTING.md"))
	}
}
