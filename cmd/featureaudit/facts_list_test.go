package main

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/featureaudit/featureaudit/audit/kept"
)

// TestFactsListNamesViewsThatAreAlike has two views of one path, which share what is known of its files: both are listed.
func TestFactsListNamesViewsThatAreAlike(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "facts")
	if err := kept.Prepare(folder, time.Now()); err != nil {
		t.Fatal(err)
	}
	for _, views := range [][]string{{"clicks", "clicks", "pages"}, {"pages", "clicks", "clicks"}} {
		d, err := kept.Open(t.Context(), folder)
		if err != nil {
			t.Fatal(err)
		}
		for i, view := range views {
			d.Add(d.Number(), &kept.File{View: view, Policy: "p", Path: "/data/" + []string{"a", "b", "c"}[i], Rows: 10, Size: 1000})
		}
		if err := errors.Join(d.Commit(kept.Note{By: "test"}), d.Close()); err != nil {
			t.Fatal(err)
		}
	}
	code, printed := ran(t, "facts", "list", folder)
	if code != exitOK {
		t.Fatalf("exit %d: %s", code, printed)
	}
	for _, want := range []string{"clicks 3 30 3.0 kB", "pages 2 20 2.0 kB"} {
		if !strings.Contains(strings.Join(strings.Fields(printed), " "), want) {
			t.Errorf("facts list prints\n%s\nwant %s", printed, want)
		}
	}
}
