package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/featureaudit/featureaudit/audit/policy"
)

// pathFlags are all flags that take the name of a file or a folder, and whether the address of a bucket is one; those that take none say why.
func pathFlags() map[string]string {
	return map[string]string{
		"after": "", "baseline": "", "before": "", "clean": "", "config": "", "data": "", "expect-rows": "", "facts": "", "flags": "", "history": "", "out": "", "out-dir": "",
		"path": "", "publish-plan": "", "repeat": "", "report": "", "root": "",
		"hash-key-file": "whoever reads the bucket would have the key", "temp-dir": "it is what is written on this machine",
	}
}

// takesPath says by the name of its value whether a flag takes the name of a file or a folder.
func takesPath(flag *pflag.Flag) bool {
	return flag.Value.Type() != "bool" && slices.Contains([]string{"FILE", "DIR", "GLOB", "STATE", "REPORT", "REF", "FORMAT=PATH", "N|FILE"}, valueNames()[flag.Name])
}

// TestEveryPathIsKnown: a new flag or key of the config that takes a path has to be in the table, and with it in what is tried of buckets.
func TestEveryPathIsKnown(t *testing.T) {
	known := pathFlags()
	found := map[string]bool{}
	for _, cmd := range commands() {
		usageOf(cmd).flags.VisitAll(func(flag *pflag.Flag) {
			if _, in := known[flag.Name]; takesPath(flag) != (in && flag.Value.Type() != "bool") {
				t.Errorf("%s --%s takes a path: %v, in the table of this test: %v", cmd.name, flag.Name, takesPath(flag), in)
			}
			found[flag.Name] = true
		})
	}
	for name := range known {
		if !found[name] {
			t.Errorf("no command has --%s any more", name)
		}
	}
	paths := []string{"baseline", "definitions[].ref", "definitions[].root", "facts", "history", "view.path", "view.sources.*.path"}
	none := []string{"definitions", "defaults", "view", "views", "suppress", "version", "view.table", "view.time_partition", "view.source", "view.sources", "view.writer", "view.zones",
		"suppress[].max_rows", "view.table.format", "view.table.name", "view.table.relocated", "view.time_partition.expected_by",
		// files of this machine, as the key of hashed values: whoever reads a bucket would have what is in them
		"engine.trino.ca_file", "engine.trino.password_file", "engine.trino.token_file"}
	word := regexp.MustCompile(`(?i)\b(path|paths|folder|file|files|glob)\b`)
	for name, about := range configKeysOf(t) {
		if word.MatchString(about) && !slices.Contains(paths, name) && !slices.Contains(none, name) && !strings.HasPrefix(name, "view.checks.") {
			t.Errorf("the config's key %s (%s): does it take a path? It is in neither list of this test", name, about)
		}
	}
}

// configKeysOf are the keys of the config with what they mean: by their dotted names, below "view" those of a view.
func configKeysOf(t *testing.T) map[string]string {
	t.Helper()
	var schema map[string]any
	if err := json.Unmarshal(policy.ConfigSchema(policy.ParseOptions{}), &schema); err != nil {
		t.Fatal(err)
	}
	keys := map[string]string{}
	var walk func(prefix string, node any)
	walk = func(prefix string, node any) {
		switch n := node.(type) {
		case []any:
			for _, one := range n {
				walk(prefix, one)
			}
		case map[string]any:
			properties, _ := n["properties"].(map[string]any)
			for name, of := range properties {
				full := strings.TrimPrefix(prefix+"."+name, ".")
				about, _ := of.(map[string]any)["description"].(string)
				keys[full] = about
				walk(full, of)
			}
			walk(prefix, n["oneOf"])
			if items, ok := n["items"]; ok {
				walk(prefix+"[]", items)
			}
			if more, ok := n["additionalProperties"].(map[string]any); ok {
				walk(prefix+".*", more)
			}
		}
	}
	walk("", schema)
	walk("view", schema["$defs"].(map[string]any)["view"])
	for _, want := range []string{"history", "definitions[].root", "view.path", "view.sources.*.path"} {
		if keys[want] == "" {
			t.Fatalf("the schema has no key %s: %v", want, keys)
		}
	}
	return keys
}

// TestWebAddressesAreRefusedEverywhere: a web server is no store, and each flag, argument and key says what to use in its place.
func TestWebAddressesAreRefusedEverywhere(t *testing.T) {
	dir := t.TempDir()
	config := twoZones(t, dir, filepath.Join(dir, "store"), "clicks")
	report := filepath.Join(dir, "report.json")
	audited(t, config, report)
	at := func(name string) string { return filepath.Join(dir, name) }
	if code, said := ran(t, "run", "--config", config, "--as-of", "2026-11-02", "--facts", at("facts"), "--fail-on", "never"); code != exitOK {
		t.Fatalf("exit %d: %s", code, said)
	}
	views := "version: 1\nviews: {clicks: {path: store/**/*.parquet, entity: [user], event_time: event_time, ttl: "
	for name, ttl := range map[string]string{"day.yaml": "1d}}\n", "week.yaml": "7d}}\n"} {
		if err := os.WriteFile(at(name), []byte(views+ttl), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	base := map[string][]string{
		"align": {"--report", report, "--config", config, "--out-dir", at("copy")}, "baseline": {report}, "definitions": {config}, "diff": {config, config}, "facts": {"list", at("facts")},
		"gate": {report}, "lint": {config}, "man": nil, "plan": {"--config", config}, "report": {report}, "require": {"clicks", "--report", report}, "run": {"--config", config},
		"sample": {at("x.parquet")}, "snapshot": {"--config", config, "--out", at("s")}, "verify": {"--before", report, "--config", config}, "init": {at("store")}, "schema": {"config"}, "checks": nil, "version": nil,
	}
	// what another flag has to say first
	before := map[string][]string{
		"report --history": {"trend", "clicks"}, "report --config": {"trend", "clicks"}, "facts --config": {"check", at("facts")}, "facts --path": {"check", at("facts")},
		"facts --temp-dir": {"check", at("facts"), config}, "facts --hash-key-file": {"check", at("facts"), config},
		"verify --expect-rows": {"--before", report, "--config", config, "--range", "2026-11-01..2026-11-01"},
		"require --flags":      {"clicks"}, "require --config": {"clicks", "--data"}, "require --path": {"clicks", "--data"}, "require --temp-dir": {"clicks", "--data", "--config", config}, "run --path": {}, "plan --path": {},
		"snapshot --path": {"--out", at("s")}, "align --path": {"--report", report, "--out-dir", at("copy")}, "align --clean": {}, "align --hash-key-file": {"--report", report, "--config", config, "--out-dir", at("copy")},
		"verify --path": {"--before", at("store")}, "verify --hash-key-file": {"--before", config, "--config", config}, "facts --out": {"list", at("facts")}, "diff --data": {at("day.yaml"), at("week.yaml")},
		"diff --temp-dir": {at("day.yaml"), at("week.yaml"), "--data", at("store")},
	}
	const address = "https://h.example/x.parquet"
	for _, cmd := range commands() {
		usageOf(cmd).flags.VisitAll(func(flag *pflag.Flag) {
			if !takesPath(flag) {
				return
			}
			args, special := before[cmd.name+" --"+flag.Name]
			if !special {
				args = slices.Clone(base[cmd.name])
			}
			value := address
			if flag.Name == "out" && cmd.name != "baseline" && cmd.name != "sample" && cmd.name != "snapshot" {
				value = outputOf(cmd) + "=" + address
			}
			refuses(t, append(append([]string{cmd.name}, args...), "--"+flag.Name, value))
		})
	}
	for _, args := range [][]string{
		{"run", address}, {"plan", address}, {"definitions", address}, {"lint", address}, {"diff", address, config}, {"diff", config, address}, {"gate", address}, {"report", address},
		{"report", "diff", report, address}, {"baseline", address}, {"sample", address, "--out", at("y.parquet")}, {"init", address}, {"facts", "list", address}, {"snapshot", address, "--out", at("s")},
		{"align", address, "--report", report, "--out-dir", at("copy")},
	} {
		refuses(t, args)
	}
	for _, key := range []string{"history: ADDRESS", "facts: ADDRESS", "baseline: ADDRESS", "definitions: [ADDRESS]", "definitions: [{ref: store.yaml, root: ADDRESS}]",
		"views: {clicks: {path: ADDRESS}}", "views: {clicks: {sources: {a: {path: ADDRESS}}}}"} {
		file := at("keys.yaml")
		text := "version: 1\nviews: {clicks: {path: store/**/*.parquet}}\n" + strings.ReplaceAll(key, "ADDRESS", address) + "\n"
		if strings.HasPrefix(key, "views") {
			text = "version: 1\n" + strings.ReplaceAll(key, "ADDRESS", address) + "\n"
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if code, said := ran(t, "run", "--config", file, "--as-of", "2026-11-02"); code == exitOK || !says(said, "a web server") {
			t.Errorf("%s: exit %d: %s", key, code, said)
		}
	}
}

// says looks for words whatever the lines are broken at.
func says(said, words string) bool {
	return strings.Contains(strings.Join(strings.Fields(said), " "), words)
}

func outputOf(cmd command) string {
	formats := regexp.MustCompile(`formats: (\w[\w-]*)`).FindStringSubmatch(fmt.Sprint(usageOf(cmd).flags.Lookup("out").Usage))
	return formats[1]
}

func refuses(t *testing.T, args []string) {
	t.Helper()
	want := exitUsage
	if args[0] == "require" && !slices.Contains(args, "--out") && !slices.Contains(args, "--data") {
		want = exitIncomplete // it answers that nothing is proven
	}
	code, said := ran(t, args...)
	if code != want || !says(said, "a web server") || !says(said, "s3://") {
		t.Errorf("featureaudit %q: exit %d, want %d and what to use in place of a web server:\n%s", args, code, want, said)
	}
}
