package policy

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "write what Parse says into testdata/errors.txtar")

// testChecks stand for the catalogue.
var testChecks = []string{"duplicate-keys", "null-keys", "stale-rows", "suppression-unused", "ttl-unset", "unknown-fields", "view-removed"}

// testOptions are those checks with their parameters; the others are of no view.
var testOptions = ParseOptions{Checks: testChecks, Parameters: map[string][]string{
	"duplicate-keys": {"severity", "max_fraction", "min_rows"}, "null-keys": {"severity", "max_fraction", "min_rows"},
	"stale-rows": {"severity", "max_fraction", "min_rows"}, "ttl-unset": {"severity"},
}}

func TestParseErrors(t *testing.T) {
	const path = "testdata/errors.txtar"
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(archive.Files); i += 2 {
		name := strings.TrimSuffix(archive.Files[i].Name, ".yaml")
		if archive.Files[i+1].Name != name+".err" {
			t.Fatalf("%s is followed by %s", archive.Files[i].Name, archive.Files[i+1].Name)
		}
		t.Run(name, func(t *testing.T) {
			_, err := Parse("f.yaml", archive.Files[i].Data, testOptions)
			if err == nil {
				t.Fatal("no error")
			}
			got := err.Error() + "\n"
			if *update {
				archive.Files[i+1].Data = []byte(got)
				return
			}
			if want := string(archive.Files[i+1].Data); got != want {
				t.Errorf("got\n%swant\n%s", got, want)
			}
		})
	}
	if *update {
		if err := os.WriteFile(path, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
