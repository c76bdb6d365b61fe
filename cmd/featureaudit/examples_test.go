package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/fixtures"
)

// TestExamples audits each example as a user would: the results are those that its author worked out, and the summary is the one
// that stands beside them.
func TestExamples(t *testing.T) {
	examples, err := fixtures.Examples()
	if err != nil {
		t.Fatal(err)
	}
	if len(examples) < 10 {
		t.Errorf("%d examples, want 10 or more", len(examples))
	}
	for _, e := range examples {
		t.Run(e.Name, func(t *testing.T) {
			source, err := filepath.Abs(filepath.Join("..", "..", filepath.FromSlash(e.File)))
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			if err := e.Write(dir); err != nil {
				t.Fatal(err)
			}
			t.Chdir(dir)
			var stdout, stderr bytes.Buffer
			for _, more := range [][]string{{"--out", "json=report.json", "--summary", "none"}, nil} {
				args := append([]string{"run", "--as-of", e.AsOf, "--fail-on", "never", "--log-level", "none"}, more...)
				if code := run(t.Context(), args, strings.NewReader(""), &stdout, &stderr, nil); code != exitOK && code != exitIncomplete {
					t.Fatalf("exit %d, want 0 or 3: %s", code, stderr.String())
				}
			}
			raw, err := os.ReadFile("report.json")
			if err != nil {
				t.Fatal(err)
			}
			var r report.Report
			if err := json.Unmarshal(raw, &r); err != nil {
				t.Fatal(err)
			}
			differences, err := e.Differences(r)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range differences {
				t.Error(d)
			}
			if stdout.String() == e.Summary {
				return
			}
			if !*update {
				t.Fatalf("%s: its summary is not what the program says: run make golden", e.File)
			}
			if os.Getenv("CI") != "" {
				t.Fatal("-update is refused where CI is set: goldens are written by people")
			}
			text, err := os.ReadFile(source)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(source, fixtures.WithSummary(text, stdout.String()), 0o644); err != nil {
				t.Fatal(err)
			}
		})
	}
}
