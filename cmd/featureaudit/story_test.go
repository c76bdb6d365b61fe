package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/featureaudit/featureaudit/audit/diff"
	"github.com/featureaudit/featureaudit/fixtures"
	"github.com/featureaudit/featureaudit/fixtures/registries"
)

// The story: a migration of 47 feature views, whose template drops every ttl, whose import skips the fields that it does not
// know, which makes a number of text of the entity, and takes one view from a backup.
const storyViews = 47

// TestStoryOfTheMigration plays it in each form that definitions are kept in: the pre-flight says all of it, and says it of
// each view.
func TestStoryOfTheMigration(t *testing.T) {
	for _, c := range []struct {
		form          string
		before, after func(t *testing.T, dir string) string
		// diff and lint are the findings that each rule must have.
		diff, lint map[string]int
	}{
		{"feast", storyFeast(false), storyFeast(true),
			map[string]int{"ttl-removed": 47, "unknown-fields-lost": 47, "key-type-changed": 47, "source-path-changed": 1}, map[string]int{"ttl-unset": 47}},
		{"dbt", storyDBT(false), storyDBT(true),
			map[string]int{"ttl-removed": 47, "unknown-fields-lost": 1, "feature-type-changed": 47, "source-changed": 1, "max-age-removed": 47}, map[string]int{"ttl-unset": 47, "view-without-entity": 47}},
		{"odcs", storyODCS(false), storyODCS(true),
			map[string]int{"ttl-removed": 47, "unknown-fields-lost": 1, "feature-type-changed": 47, "source-changed": 1, "max-age-removed": 47}, map[string]int{"ttl-unset": 47, "view-without-entity": 47}},
	} {
		t.Run(c.form, func(t *testing.T) {
			dir := t.TempDir()
			before, after := c.before(t, dir), c.after(t, dir)
			if got := findingsByRule(t, "diff", before, after); !maps.Equal(got, c.diff) {
				t.Errorf("diff found %v, want %v", got, c.diff)
			}
			if got := findingsByRule(t, "lint", after); !maps.Equal(got, c.lint) {
				t.Errorf("lint found %v, want %v", got, c.lint)
			}
			if got := findingsByRule(t, "diff", before, before); len(got) > 0 {
				t.Errorf("without a change diff found %v", got)
			}
		})
	}
}

// findingsByRule counts the findings of a pre-flight that are errors or warnings.
func findingsByRule(t *testing.T, args ...string) map[string]int {
	t.Helper()
	var stdout, stderr bytes.Buffer
	run(t.Context(), append(args, "--format", "json"), strings.NewReader(""), &stdout, &stderr, nil)
	var document diff.Document
	if err := json.Unmarshal(stdout.Bytes(), &document); err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, stderr.String())
	}
	counts := map[string]int{}
	for _, f := range document.Changes {
		if f.Severity == diff.Error || f.Severity == diff.Warn {
			counts[f.Rule]++
		}
	}
	return counts
}

func storyFeast(migrated bool) func(*testing.T, string) string {
	o := registries.Options{Views: storyViews, Features: 2, TTLSeconds: 86400, Unknown: "max_age=1d"}
	if migrated {
		o = registries.Options{Views: storyViews, Features: 2, TextEntity: true, Swapped: 1}
	}
	return storyFile("registry.db", migrated, registries.Feast(o))
}

func storyDBT(migrated bool) func(*testing.T, string) string {
	var b strings.Builder
	b.WriteString("sources:\n  - name: s\n")
	if !migrated {
		b.WriteString("    policy_of_tomorrow: keep\n")
	}
	b.WriteString("    tables:\n")
	for i := range storyViews {
		fmt.Fprintf(&b, "      - name: %s\n", registries.ViewName(i))
		key := "text"
		if !migrated {
			key = "bigint"
			b.WriteString("        meta: {ttl: 24h}\n        freshness: {error_after: {count: 6, period: hour}}\n")
		}
		if migrated && i == 0 {
			b.WriteString("        identifier: v00000_backup\n")
		}
		fmt.Fprintf(&b, "        columns: [{name: user_id, data_type: %s}]\n", key)
	}
	return storyFile("sources.yml", migrated, []byte(b.String()))
}

func storyODCS(migrated bool) func(*testing.T, string) string {
	var b strings.Builder
	b.WriteString("apiVersion: v3.1.0\nkind: DataContract\nid: growth\nname: growth\n")
	if !migrated {
		b.WriteString("policyOfTomorrow: keep\n")
	}
	b.WriteString("schema:\n")
	for i := range storyViews {
		table, key := registries.ViewName(i), "string"
		if !migrated {
			key = "integer"
		} else if i == 0 {
			table += "_backup"
		}
		fmt.Fprintf(&b, "  - name: %s\n    physicalName: %s\n    properties: [{name: user_id, logicalType: %s}]\n", registries.ViewName(i), table, key)
		if !migrated {
			b.WriteString("    customProperties: [{property: ttl, value: 24h}]\n")
		}
	}
	if !migrated {
		b.WriteString("slaProperties: [{property: freshness, value: 6, unit: h}]\n")
	}
	return storyFile("contract.yaml", migrated, []byte(b.String()))
}

func storyFile(name string, migrated bool, raw []byte) func(*testing.T, string) string {
	return func(t *testing.T, dir string) string {
		t.Helper()
		path := filepath.Join(dir, map[bool]string{false: "before-", true: "after-"}[migrated]+name)
		if err := os.WriteFile(path, raw, 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
}

// TestStoryOfTheMorningAfter audits the migrated store, whose rows are three days old: its consumers are told, by the flag
// file and by require, that none of its views is to be trusted.
func TestStoryOfTheMorningAfter(t *testing.T) {
	dir := t.TempDir()
	asOf := time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)
	for i := range storyViews {
		at := asOf.Add(-72 * time.Hour)
		table := fixtures.Table{Columns: []fixtures.Column{
			{Name: "user_id", Type: fixtures.Int64Type, Values: []any{1, 2}},
			{Name: "event_timestamp", Type: fixtures.AwareType, Values: []any{at, at.Add(time.Second)}},
			{Name: "created", Type: fixtures.AwareType, Values: []any{at.Add(time.Minute), at.Add(time.Minute)}},
		}}
		for _, folder := range []string{"data", "backup"} {
			if err := fixtures.Write(filepath.Join(dir, folder, registries.ViewName(i)+".parquet"), table, fixtures.Options{Modified: asOf.Add(-time.Hour)}); err != nil {
				t.Fatal(err)
			}
		}
	}
	before, after := storyFeast(false)(t, dir), storyFeast(true)(t, dir)
	for _, c := range []struct {
		name, registry string
		view, check    string
		require        int
	}{
		// with its ttl a view says itself that it is dead; without, that nobody decided when it would be
		{"before", before, "v00007", "stale-view", exitFindings},
		{"after", after, "v00007", "ttl-unset", exitFindings},
	} {
		t.Run(c.name, func(t *testing.T) {
			report, flags := filepath.Join(dir, c.name+".json"), filepath.Join(dir, c.name+".flags.json")
			var stdout, stderr bytes.Buffer
			code := run(t.Context(), []string{"run", c.registry, "--as-of", asOf.Format(time.RFC3339), "--out", "json=" + report, "--out", "flagd=" + flags, "--summary", "none", "--log-level", "error"},
				strings.NewReader(""), &stdout, &stderr, nil)
			if code != exitFindings {
				t.Fatalf("exit %d, want %d: %s", code, exitFindings, stderr.String())
			}
			var failing []string
			for _, r := range readJSON(t, report).Results {
				if r.View == c.view && r.Outcome == "fail" {
					failing = append(failing, r.Check)
				}
			}
			if !slices.Contains(failing, c.check) {
				t.Errorf("%s fails %v, want %s among them", c.view, failing, c.check)
			}
			for _, trust := range [][]string{{"--report", report}, {"--flags", flags}} {
				stdout.Reset()
				code := run(t.Context(), append([]string{"require", c.view, "--max-report-age", "10000d"}, trust...), strings.NewReader(""), &stdout, &stderr, nil)
				if code != c.require {
					t.Errorf("require %s: exit %d, want %d: %s%s", trust[0], code, c.require, stdout.String(), stderr.String())
				}
			}
		})
	}
}
