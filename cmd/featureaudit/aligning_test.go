package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestCutOffCopiesAreToldFromAllElse makes every kind of folder that may lie beside a target: only what a program that is
// gone has left is removed.
func TestCutOffCopiesAreToldFromAllElse(t *testing.T) {
	dir := t.TempDir()
	target := filepath.Join(dir, "copy")
	old := time.Now().Add(-time.Hour)
	make := func(name, mark string) string {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Join(path, "store"), 0o700); err != nil {
			t.Fatal(err)
		}
		if mark != "" {
			if err := os.WriteFile(filepath.Join(path, aligningMark), []byte(mark), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		return path
	}
	killed := make(aligningPrefix+"killed", aligningHead+target+"\n")
	foreign := []string{
		make(aligningPrefix+"unmarked", ""), make(aligningPrefix+"other", "something else\n"), make("unlike", aligningHead+target+"\n"),
		make(".featureaudit-align", aligningHead+target+"\n"),
	}
	linked := filepath.Join(dir, aligningPrefix+"linked")
	if err := os.Symlink(make("elsewhere", aligningHead+target+"\n"), linked); err != nil {
		t.Fatal(err)
	}
	empty, young := filepath.Join(dir, aligningPrefix+"empty"), filepath.Join(dir, aligningPrefix+"young")
	for _, path := range []string{empty, young} {
		if err := os.Mkdir(path, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chtimes(empty, old, old); err != nil {
		t.Fatal(err)
	}
	alive, err := newAligning(filepath.Join(dir, "another"), time.Now(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(killed); err == nil {
		t.Error("the next copy beside it left what a killed one had left")
	}
	killed = make(aligningPrefix+"killed", aligningHead+target+"\n")
	other := make(aligningPrefix+"other-target", aligningHead+"/some/other\n")

	var out strings.Builder
	c := &cli{stdout: &out, now: time.Now}
	if err := c.cleanAligned(target); err != nil {
		t.Fatal(err)
	}
	for _, path := range append(slices.Clone(foreign), linked, young, alive.path, other, filepath.Join(dir, "elsewhere", "store")) {
		if _, err := os.Lstat(path); err != nil {
			t.Errorf("%s is gone", path)
		}
	}
	for _, path := range []string{killed, empty} {
		if _, err := os.Lstat(path); err == nil {
			t.Errorf("%s is still there", path)
		}
	}
	if !strings.Contains(out.String(), "removed "+killed+"\n") {
		t.Errorf("said %q", out.String())
	}
	alive.remove()
	if err := c.cleanAligned(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(other); err == nil {
		t.Error("named by its folder, it is still there")
	}
}

func TestFinishedCopyKeepsNoMark(t *testing.T) {
	target := filepath.Join(t.TempDir(), "copy")
	temps := &temporaries{}
	a, err := newAligning(target, time.Now(), temps)
	if err != nil {
		t.Fatal(err)
	}
	if !temps.writing() {
		t.Error("a copy under way is not known to the signals")
	}
	if err := os.WriteFile(filepath.Join(a.path, "f"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := a.place(t.Context(), target); err != nil {
		t.Fatal(err)
	}
	a.remove()
	entries, err := os.ReadDir(target)
	if err != nil || len(entries) != 1 || entries[0].Name() != "f" || temps.writing() {
		t.Errorf("%v, %v, under way %t", entries, err, temps.writing())
	}
}
