package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestNoticeNamesWhatIsLinked demands a line of NOTICE for each module of the program, and a licence on each line.
func TestNoticeNamesWhatIsLinked(t *testing.T) {
	notice, err := os.ReadFile("NOTICE")
	if err != nil {
		t.Fatal(err)
	}
	var named []string
	for line := range strings.Lines(string(notice)) {
		if name, licence, ok := strings.Cut(strings.TrimSpace(line), ": "); ok {
			named = append(named, name)
			if licence == "Unknown" {
				t.Errorf("NOTICE: the licence of %s is unknown: read it and say so in .ci/notice.tpl", name)
			}
		}
	}
	out, err := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}}{{end}}{{end}}", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, module := range strings.Fields(string(out)) {
		if !anyWithin(named, module) {
			t.Errorf("NOTICE does not name %s, which the program links: run make notice", module)
		}
	}
}

// anyWithin says whether one of the packages is the module or lies in it.
func anyWithin(packages []string, module string) bool {
	for _, name := range packages {
		if name == module || strings.HasPrefix(name, module+"/") {
			return true
		}
	}
	return false
}
