package main

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/featureaudit/featureaudit/audit/diff"
	"github.com/featureaudit/featureaudit/audit/registry"
	"github.com/featureaudit/featureaudit/fixtures/registries"
	"github.com/featureaudit/featureaudit/fixtures/schemas"
)

// TestSchemasNameEveryField walks the structs of the documents and their schemas together, both ways.
func TestSchemasNameEveryField(t *testing.T) {
	problems := schemas.CompareFields("diff", reflect.TypeFor[diff.Document](), diff.SchemaJSON())
	problems = append(problems, schemas.CompareFields("definitions", reflect.TypeFor[registry.Definitions](), registry.SchemaJSON())...)
	for _, problem := range problems {
		t.Errorf("schema.json: %s", problem)
	}
}

// documentCommands are commands that write documents of each form, from nothing found to everything said.
var documentCommands = []struct {
	schema string
	args   []string
}{
	{"definitions", []string{"definitions", "old.db", "--format", "json"}},
	{"definitions", []string{"definitions", "new.yaml", "--format", "json"}},
	{"definitions", []string{"definitions", "empty.yaml", "--format", "json"}},
	{"diff", []string{"diff", "old.db", "new.db", "--format", "json"}},
	{"diff", []string{"diff", "old.db", "old.db", "--format", "json"}},
	{"diff", []string{"diff", "old.yaml", "new.yaml", "--config", "approved.yaml", "--for", "serving", "--data", "audit", "--as-of", "2026-11-23", "--format", "json"}},
	{"diff", []string{"diff", "old.db", "new.yaml", "--format", "json"}},
	{"lint", []string{"lint", "old.db", "--format", "json"}},
	{"lint", []string{"lint", "new.yaml", "--config", "approved.yaml", "--format", "json"}},
	{"lint", []string{"lint", "empty.yaml", "--format", "json"}},
}

var documentFiles = map[string]string{
	"old.yaml":      "views:\n  a: {path: a/*.parquet, event_time: ts, entity: [id], ttl: 7d, max_age: 1h, owner: x}\n  b: {path: b/*.parquet, event_time: ts, entity: [id], ttl: 1d}\n",
	"new.yaml":      "views:\n  a: {path: a/*.parquet, event_time: ts, entity: [id], ttl: 1d}\n  c: {path: c/*.parquet, event_time: ts, ttl: {never: static}}\n  d: {path: d/*.parquet}\n",
	"empty.yaml":    "views: {}\n",
	"approved.yaml": "version: 1\nviews: {}\nsuppress:\n  - {check: max-age-removed, view: a, reason: r, owner: o, until: 2127-01-01}\n  - {check: view-removed, reason: r, until: 2020-01-01}\n",
}

func TestDocumentsAreValid(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for name, text := range documentFiles {
		writeTestFile(t, name, []byte(text))
	}
	writeTestFile(t, "old.db", registries.Feast(registries.Options{Views: 5, Features: 3, TTLSeconds: 86400, Unknown: "max_age=1d"}))
	writeTestFile(t, "new.db", registries.Feast(registries.Options{Views: 4, Features: 2}))
	for _, c := range documentCommands {
		validateOutput(t, c.schema, c.args...)
	}
}

func writeTestFile(t *testing.T, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// validateOutput runs a command and holds what it prints to the schema of that name.
func validateOutput(t *testing.T, schema string, args ...string) {
	t.Helper()
	var text, stdout, stderr bytes.Buffer
	if code := run(t.Context(), []string{"schema", schema}, strings.NewReader(""), &text, &stderr, nil); code != exitOK {
		t.Fatalf("schema %s: exit %d: %s", schema, code, stderr.String())
	}
	run(t.Context(), args, strings.NewReader(""), &stdout, &stderr, nil)
	if err := schemas.Validate(text.String(), stdout.Bytes()); err != nil {
		t.Errorf("%s: %v\n%s%s", strings.Join(args, " "), err, stderr.String(), stdout.String())
	}
}

// TestDocumentsOfRealRegistriesAreValid: what releases of Feast wrote, in every layout.
func TestDocumentsOfRealRegistriesAreValid(t *testing.T) {
	material := feastMaterial(t)
	before := filepath.Join(material, "registries", "0.67.0", "before.registry.db")
	for _, pattern := range []string{"registries/*/*.registry.*", "registries/*/*.dump.json", "unknown/*.db", "upgrade/*.db", "odd/*.db"} {
		names, err := filepath.Glob(filepath.Join(material, filepath.FromSlash(pattern)))
		if err != nil || len(names) == 0 {
			t.Fatalf("%s: %d files, %v", pattern, len(names), err)
		}
		for _, name := range names {
			validateOutput(t, "definitions", "definitions", name, "--format", "json")
			validateOutput(t, "diff", "diff", before, name, "--format", "json")
			validateOutput(t, "lint", "lint", name, "--format", "json")
		}
	}
}
