package audit_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/featureaudit/featureaudit/audit/check"
)

// mostIDFiles is how many files may name checks, besides the files that have the name of a check, which name that one.
const mostIDFiles = 5

// TestChecksAreNamedInFewFiles counts the files that decide something by the id of a check. What a check is like is said in its
// own file, and asked of its entry in the catalogue by all others.
func TestChecksAreNamedInFewFiles(t *testing.T) {
	names := map[string]string{} // the names in code of each id: the id itself, the variable of the check, a constant
	for _, c := range check.Catalogue() {
		names[c.ID] = c.ID
		names["check."+camel(c.ID)+".ID"] = c.ID
	}
	files := goFiles(t, "..")
	for path, file := range files {
		for name, id := range constants(file, names) {
			names[filepath.Base(filepath.Dir(path))+"."+name] = id
		}
	}
	var others []string
	for path, file := range files {
		room := filepath.Base(filepath.Dir(path))
		foreign := slices.DeleteFunc(namedIn(file, room, names), func(id string) bool {
			return filepath.Base(path) == strings.ReplaceAll(id, "-", "_")+".go"
		})
		if len(foreign) > 0 {
			others = append(others, path+": "+strings.Join(foreign, " "))
		}
	}
	slices.Sort(others)
	if len(others) > mostIDFiles {
		t.Errorf("%d files name checks that are not their own, and at most %d may: give the entry of the check a field that says what is asked here\n%s",
			len(others), mostIDFiles, strings.Join(others, "\n"))
	}
}

// camel is the variable of a check.
func camel(id string) string {
	words := strings.Split(id, "-")
	for i, w := range words[1:] {
		words[i+1] = strings.ToUpper(w[:1]) + w[1:]
	}
	return strings.Join(words, "")
}

// goFiles are the files of the program, without tests and what tests alone use.
func goFiles(t *testing.T, root string) map[string]*ast.File {
	t.Helper()
	files := map[string]*ast.File{}
	for _, house := range []string{"audit", "cmd", "sql"} {
		err := filepath.WalkDir(filepath.Join(root, house), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			files[path], err = parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// constants are the constants of a file that are ids, by name.
func constants(file *ast.File, ids map[string]string) map[string]string {
	found := map[string]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Names) != len(spec.Values) {
			return true
		}
		for i, value := range spec.Values {
			if id := ids[literal(value)]; id != "" {
				found[spec.Names[i].Name] = id
			}
		}
		return true
	})
	return found
}

func literal(n ast.Node) string {
	l, ok := n.(*ast.BasicLit)
	if !ok || l.Kind != token.STRING {
		return ""
	}
	text, _ := strconv.Unquote(l.Value)
	return text
}

// namedIn are the ids that a file of a package names, sorted.
func namedIn(file *ast.File, room string, names map[string]string) []string {
	var ids []string
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BasicLit:
			ids = append(ids, names[literal(n)])
		case *ast.Ident:
			ids = append(ids, names[room+"."+n.Name])
		case *ast.SelectorExpr:
			if left, ok := n.X.(*ast.Ident); ok {
				ids = append(ids, names[left.Name+"."+n.Sel.Name], names[room+"."+left.Name+"."+n.Sel.Name])
			}
		}
		return true
	})
	slices.Sort(ids)
	return slices.DeleteFunc(slices.Compact(ids), func(id string) bool { return id == "" })
}
