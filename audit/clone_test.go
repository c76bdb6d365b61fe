package audit_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestACloneIsEnough reads the tests themselves: none leaves itself out for want of something, and none names a file outside
// the repository. What needs more than Go and a C++ compiler has a target of its own in the Makefile, and a build tag.
func TestACloneIsEnough(t *testing.T) {
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range testFiles(t, root) {
		if filepath.Ext(path) == ".txtar" {
			for _, problem := range scriptProblems(t, path) {
				t.Errorf("%s: %s", path, problem)
			}
			continue
		}
		for _, problem := range testProblems(t, root, path) {
			t.Error(problem)
		}
	}
}

// testFiles are the tests in Go and the scripts of the command line.
func testFiles(t *testing.T, root string) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && (path == filepath.Join(root, "build") || strings.HasPrefix(e.Name(), ".")):
			return filepath.SkipDir
		case strings.HasSuffix(path, "_test.go"), strings.HasSuffix(filepath.Dir(path), filepath.FromSlash("testdata/script")):
			found = append(found, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(found) < 150 {
		t.Fatalf("%d tests and scripts below %s, want 150 at least: the walk misses them", len(found), root)
	}
	return found
}

// scriptProblems are the lines of a script that leave it out.
func scriptProblems(t *testing.T, path string) []string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var problems []string
	for i, line := range strings.Split(string(text), "\n") {
		if words := strings.Fields(line); slices.Contains(words[:min(len(words), 2)], "skip") {
			problems = append(problems, "line "+strconv.Itoa(i+1)+" skips the script: bring along what it needs")
		}
	}
	return problems
}

func testProblems(t *testing.T, root, path string) []string {
	t.Helper()
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var problems []string
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			if name := method(n); slices.Contains([]string{"Skip", "Skipf", "SkipNow"}, name) {
				problems = append(problems, fset.Position(n.Pos()).String()+": "+name+": a test that leaves itself out is green and says nothing: bring along "+
					"what it needs (fixtures/), name the system in the file's name (_linux_test.go), or give it a target and a build tag")
			}
			if named := joined(n); outside(root, path, named) {
				problems = append(problems, fset.Position(n.Pos()).String()+": "+named+" lies outside the repository: copy what the test needs into fixtures/")
			}
		case *ast.BasicLit:
			if text, err := strconv.Unquote(n.Value); err == nil && n.Kind == token.STRING && outside(root, path, text) {
				problems = append(problems, fset.Position(n.Pos()).String()+": "+text+" lies outside the repository: copy what the test needs into fixtures/")
			}
		}
		return true
	})
	return problems
}

// method is the name of the method that is called, such as Skip.
func method(call *ast.CallExpr) string {
	selector, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	return selector.Sel.Name
}

// joined is the path that filepath.Join makes of its leading literals.
func joined(call *ast.CallExpr) string {
	if method(call) != "Join" {
		return ""
	}
	var parts []string
	for _, argument := range call.Args {
		literal, ok := argument.(*ast.BasicLit)
		if !ok || literal.Kind != token.STRING {
			break
		}
		text, err := strconv.Unquote(literal.Value)
		if err != nil {
			break
		}
		parts = append(parts, text)
	}
	return filepath.Join(parts...)
}

// hostileName is what tests try to make the program write to.
const hostileName = "../../../escape"

// outside says whether a name that climbs, as seen from the folder of the test, leads out of the repository.
func outside(root, path, name string) bool {
	if !strings.HasPrefix(name, "../") || name == hostileName || strings.ContainsAny(name, " \n:") {
		return false
	}
	relative, err := filepath.Rel(root, filepath.Join(filepath.Dir(path), filepath.FromSlash(name)))
	return err == nil && !filepath.IsLocal(relative)
}

// TestFeastFilesAreFew: what others wrote is kept for what only they can show, and a clone stays small.
func TestFeastFilesAreFew(t *testing.T) {
	const most = 2_500_000
	var bytes int64
	err := filepath.WalkDir(filepath.FromSlash("../fixtures/feast"), func(_ string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		bytes += info.Size()
		return nil
	})
	if err != nil || bytes == 0 || bytes > most {
		t.Errorf("fixtures/feast holds %d bytes (error %v), want some, and %d at most", bytes, err, most)
	}
}
