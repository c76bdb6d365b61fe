package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/featureaudit/featureaudit/audit/report"
)

// TestAWorkingDirectoryThatIsNoMore: a scheduler starts the audit in a folder that it may not look at, or that was
// removed. Whatever a config with a whole path says is audited all the same.
func TestAWorkingDirectoryThatIsNoMore(t *testing.T) {
	dir := t.TempDir()
	config := twoZones(t, dir, filepath.Join(dir, "store"), "clicks")
	gone := filepath.Join(t.TempDir(), "gone")
	if err := os.Mkdir(gone, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Chdir(gone)
	if err := os.Remove(gone); err != nil {
		t.Fatal(err)
	}
	r := audited(t, config, filepath.Join(dir, "report.json"))
	if r.Status != report.Complete || r.Summary.Files != 1 {
		t.Errorf("status %s, %d files, want the one of the store", r.Status, r.Summary.Files)
	}
	for _, args := range [][]string{{"plan", "--config", config}, {"gate", filepath.Join(dir, "report.json"), "--fail-on", "never"}, {"lint", config, "--fail-on", "never"},
		{"diff", config, config}, {"align", "--config", config, "--report", filepath.Join(dir, "report.json"), "--out-dir", filepath.Join(dir, "copy"), "--accept", "statistical"}} {
		if code, said := ran(t, args...); code != exitOK {
			t.Errorf("%v: exit %d: %s", args, code, said)
		}
	}
}

// TestRequireShowsNoSecret: what require says goes to stdout and into its JSON, and names what it was asked to read.
func TestRequireShowsNoSecret(t *testing.T) {
	for _, address := range []string{"s3://KEY:SECRET@bucket/report.json", "postgres://u:SECRET@h/db", "https://h/x?sig=SECRET"} {
		for _, flag := range []string{"--report", "--flags"} {
			code, said := ran(t, "require", "clicks", flag, address, "--out", "json=-", "--out", "text="+filepath.Join(t.TempDir(), "said"))
			if code != exitIncomplete || strings.Contains(said, "SECRET") || !strings.Contains(said, "xxxxx") {
				t.Errorf("require %s %s: exit %d: %s", flag, address, code, said)
			}
		}
	}
}
