package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/featureaudit/featureaudit/audit/engine/duckdb"
	"github.com/featureaudit/featureaudit/audit/render"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/fixtures"
)

// marked is part of every sensitive value of secretStore, numbers included, and of nothing else.
const marked, markedNumber = "SECRET", "77313"

// secretConfig has two views. In people everything is sensitive but the times, and sources have limits of their own, so that
// queries must tell them apart; in texts the event time is sensitive text that does not parse.
const secretConfig = `version: 1
project: shop
defaults: {ttl: 7d}
views:
  people:
    path: people/**/*.parquet
    event_time: event_time
    ingested_at: ingested_at
    source: mail
    sources:
      SECRET-b@x.org: {max_lag: 1m}
      SECRET-gone@x.org: {max_age: 1d}
    entity: [card]
    key: [id]
    measures: [amount]
    payload: [amount, note]
    sensitive: [mail, card, id, amount, note]
  texts:
    path: texts/*.parquet
    event_time: at
    source: who.mail
    key: [id]
    sensitive: [at, who, id]
suppress:
  - {check: source-lag, view: people, source: SECRET-a@x.org, reason: known, owner: ada, until: 2027-01-01}
  - {check: stale-rows, source: SECRET-b@x.org, reason: known, owner: ada, until: 2027-01-01}
consumers:
  - {name: ranking, owner: ada, views: {people: {max_age: 1d}}}
`

// secretStore writes the data of secretConfig: repeats of many kinds, late, future and misfiled rows, a source in another zone.
func secretStore(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	aware := func(name string) fixtures.Column { return fixtures.Column{Name: name, Type: fixtures.AwareType} }
	text := func(name string) fixtures.Column { return fixtures.Column{Name: name, Type: fixtures.TextType} }
	for day := 1; day <= 3; day++ {
		columns := []fixtures.Column{aware("event_time"), aware("ingested_at"), text("mail"), text("id"), text("card"), {Name: "amount", Type: fixtures.Int64Type}, text("note")}
		for i := range 240 {
			happened := time.Date(2026, 11, day, 1, 0, 0, 0, time.UTC).Add(time.Duration(i) * 300 * time.Second)
			stamped, arrived := happened, happened.Add(time.Duration(5+i%40)*time.Second)
			mail := []string{"SECRET-z@x.org", "SECRET-a@x.org", "SECRET-b@x.org"}[i%3]
			var id any = fmt.Sprintf("SECRETid-%d-%d", day, i-i%2)
			switch {
			case mail == "SECRET-b@x.org":
				stamped = happened.Add(-8 * time.Hour)
			case i%50 == 3:
				stamped = happened.Add(400 * 24 * time.Hour)
			case i%50 == 4:
				id = nil
			}
			for c, value := range []any{stamped, arrived, mail, id, fmt.Sprintf("SECRETcard-%d", i%7), int64(77313000 + i%5), "SECRETnote"} {
				columns[c].Values = append(columns[c].Values, value)
			}
		}
		path := filepath.Join(dir, "people", fmt.Sprintf("dt=2026-11-%02d", day), "a.parquet")
		if err := fixtures.Write(path, fixtures.Table{Columns: columns}, fixtures.Options{Modified: time.Date(2026, 11, 4, 0, 0, 0, 0, time.UTC)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(filepath.Join(dir, "texts"), 0o755); err != nil {
		t.Fatal(err)
	}
	query(t, fmt.Sprintf("COPY (SELECT 'SECRETtime-' || i AS at, {'mail': 'SECRET' || i %% 3} AS who, 'SECRETid' AS id FROM range(40) t(i)) TO '%s/texts/a.parquet'", dir))
	for name, content := range map[string]string{"featureaudit.yaml": secretConfig, "key": "0123456789abcdef0123456789abcdef"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func database(t *testing.T) *duckdb.Database {
	t.Helper()
	db, err := duckdb.Open(duckdb.Config{Threads: 1, MemoryLimit: 256 << 20})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return db
}

// query gives all rows of a statement as text.
func query(t *testing.T, sql string) []string {
	t.Helper()
	var rows []string
	if err := database(t).Select(t.Context(), sql, func(row []*string) bool {
		var texts []string
		for _, value := range row {
			if value != nil {
				texts = append(texts, *value)
			}
		}
		rows = append(rows, strings.Join(texts, "|"))
		return true
	}); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return rows
}

// secretRun audits secretStore with every output there is, and gives the folder of the outputs and all that was said.
func secretRun(t *testing.T, dir string, args ...string) (out, said string) {
	t.Helper()
	out = t.TempDir()
	args = append([]string{"run", "--config", filepath.Join(dir, "featureaudit.yaml"), "--as-of", "2026-11-05", "--samples", "3", "--log-level", "debug",
		"--fail-on", "never", "--summary", "text"}, args...)
	names := []string{"json=report.json", "text=report.txt", "summary=summary.json", "flagd=flags.json", "duplicates=repeats.csv", "duplicates=repeats.parquet",
		"rows=rows.csv", "rows=rows.parquet"}
	for _, f := range render.Formats() {
		if f.Report != nil && !slices.ContainsFunc(names, func(name string) bool { return strings.HasPrefix(name, f.Name+"=") }) {
			names = append(names, f.Name+"="+f.Name+".out")
		}
	}
	for _, name := range names {
		format, file, _ := strings.Cut(name, "=")
		args = append(args, "--out", format+"="+filepath.Join(out, file))
	}
	code, said := ran(t, args...)
	if code != 0 {
		t.Fatalf("exit %d: %s", code, said)
	}
	return out, said
}

// TestSensitiveValuesStayInside plants a mark in every sensitive value and looks for it in all that the program writes and says.
func TestSensitiveValuesStayInside(t *testing.T) {
	dir := secretStore(t)
	for name, args := range map[string][]string{"numbered": nil, "hashed": {"--hash-key-file", filepath.Join(dir, "key")}} {
		t.Run(name, func(t *testing.T) {
			out, said := secretRun(t, dir, args...)
			texts := map[string]string{"stdout and stderr": said}
			for _, file := range []string{"report.json", "report.txt", "summary.json", "flags.json", "repeats.csv", "rows.csv"} {
				raw, err := os.ReadFile(filepath.Join(out, file))
				if err != nil {
					t.Fatal(err)
				}
				texts[file] = string(raw)
			}
			for _, file := range []string{"repeats.parquet", "rows.parquet"} {
				texts[file] = strings.Join(query(t, fmt.Sprintf("SELECT * FROM (SELECT columns(*)::VARCHAR FROM '%s')", filepath.Join(out, file))), "\n")
			}
			_, texts["report"] = ran(t, "report", filepath.Join(out, "report.json"))
			_, texts["gate"] = ran(t, "gate", filepath.Join(out, "report.json"), "--out", "text=-")
			_, texts["plan"] = ran(t, "plan", "--config", filepath.Join(dir, "featureaudit.yaml"))
			_, texts["align"] = ran(t, append([]string{"align", "--config", filepath.Join(dir, "featureaudit.yaml"), "--report", filepath.Join(out, "report.json"),
				"--out-dir", filepath.Join(out, "copy")}, args...)...)
			for _, name := range slices.Sorted(keysOf(texts)) {
				if text := texts[name]; strings.Contains(text, marked) || strings.Contains(text, markedNumber) {
					at := max(strings.Index(text, marked), strings.Index(text, markedNumber))
					t.Errorf("%s shows a sensitive value: ...%s...", name, text[max(0, at-300):min(len(text), at+80)])
				}
				if text := texts[name]; len(text) < 100 {
					t.Errorf("%s says next to nothing: %q", name, text)
				}
			}
			checkSecretReport(t, filepath.Join(out, "report.json"), name == "hashed")
			checkSameNames(t, out, texts)
			again, _ := secretRun(t, dir, append(args, "--threads", "1")...)
			if a, b := withoutExecution(t, filepath.Join(out, "report.json")), withoutExecution(t, filepath.Join(again, "report.json")); a != b {
				t.Error("the same input gave another report")
			}
		})
	}
}

func keysOf(m map[string]string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for key := range m {
			if !yield(key) {
				return
			}
		}
	}
}

func withoutExecution(t *testing.T, path string) string {
	t.Helper()
	r := readJSON(t, path)
	r.Execution = report.Execution{}
	raw, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// checkSecretReport demands that findings are there at all, that they name sources, and that those with a number are not followed.
func checkSecretReport(t *testing.T, path string, hashed bool) {
	t.Helper()
	r := readJSON(t, path)
	if (r.HashKeyID != "") != hashed {
		t.Errorf("key id %q", r.HashKeyID)
	}
	found, named := map[string]bool{}, 0
	for _, res := range r.Results {
		if len(res.Findings) > 0 {
			found[res.View+" "+res.Check] = true
		}
		for _, f := range res.Findings {
			if f.Subject.Source == "" {
				continue
			}
			named++
			if (f.FingerprintNote == "") != hashed || strings.HasPrefix(f.Subject.Source, "hmac-sha256:") != hashed {
				t.Errorf("%s: source %s, note %q", res.Check, f.Subject.Source, f.FingerprintNote)
			}
		}
		if strings.Contains(res.Reproduce, "CASE source_text") {
			t.Errorf("%s: the query names sources: %s", res.Check, res.Reproduce)
		}
	}
	for _, want := range []string{"people duplicate-keys", "people mixed-zones", "people source-lag", "people null-keys", "people future-rows", "texts null-event-time", "texts duplicate-keys"} {
		if !found[want] {
			t.Errorf("no finding of %s; there are %v", want, found)
		}
	}
	if named < 10 {
		t.Errorf("%d findings name a source", named)
	}
}

// checkSameNames demands that a row has the same names in every output: its source and key in repeats and rows, and those of the
// samples among them.
func checkSameNames(t *testing.T, out string, texts map[string]string) {
	t.Helper()
	lines := func(file string) [][]string {
		all, err := csv.NewReader(strings.NewReader(texts[file])).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		return all[1:]
	}
	type place struct{ view, file, row string }
	type names struct{ ID, Mail string }
	repeats, ids := map[place]names{}, map[string]bool{}
	for _, line := range lines("repeats.csv") {
		n := names{Mail: line[8]}
		if err := json.Unmarshal([]byte(line[1]), &n); err != nil {
			t.Fatal(err)
		}
		repeats[place{line[0], line[4], line[5]}] = n
		ids[n.ID] = true
	}
	compared := 0
	for _, line := range lines("rows.csv") {
		have, both := repeats[place{line[0], line[2], line[3]}]
		if !both || line[0] != "people" {
			continue
		}
		var n names
		if err := json.Unmarshal([]byte(line[4]), &n); err != nil {
			t.Fatal(err)
		}
		compared++
		if n != have {
			t.Fatalf("%v: %v in rows, %v in repeats", line[:4], n, have)
		}
	}
	if compared < 50 {
		t.Errorf("%d rows are in both", compared)
	}
	for _, res := range readJSON(t, filepath.Join(out, "report.json")).Results {
		if res.Check != "duplicate-keys" || res.View != "people" {
			continue
		}
		examples, _ := res.Findings[0].Measures["example_keys"].([]any)
		if len(examples) == 0 {
			t.Errorf("no examples: %v", res.Findings[0].Measures)
		}
		for _, e := range examples {
			// a number says the column too: "id #7"; a hash stands behind its name
			text := fmt.Sprint(e)
			if !ids[text] && !ids[strings.Trim(strings.TrimPrefix(text, "id "), `"`)] {
				t.Errorf("example %q is none of the repeats'", e)
			}
		}
	}
}

// TestAlignKnowsHashedSources corrects the rows of a source that the report has by its hash, and refuses where it cannot tell.
func TestAlignKnowsHashedSources(t *testing.T) {
	dir := secretStore(t)
	config, key := filepath.Join(dir, "featureaudit.yaml"), filepath.Join(dir, "key")
	numbered, _ := secretRun(t, dir, "--view", "people")
	hashed, _ := secretRun(t, dir, "--view", "people", "--hash-key-file", key)
	other := filepath.Join(dir, "other")
	if err := os.WriteFile(other, []byte("another key of 27 bytes here"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		report string
		args   []string
		code   int
		said   string
	}{
		{numbered, nil, 2, "the report numbers its values"},
		{numbered, []string{"--hash-key-file", key}, 2, "the report numbers its values"},
		{hashed, nil, 2, "give that key with --hash-key-file"},
		{hashed, []string{"--hash-key-file", other}, 2, "give that key with --hash-key-file"},
		// 80 rows a day of the source that stamps 8 hours early
		{hashed, []string{"--hash-key-file", key}, 0, "240 rows shifted"},
	} {
		code, said := ran(t, append([]string{"align", "--config", config, "--report", filepath.Join(test.report, "report.json"), "--accept", "statistical",
			"--out-dir", filepath.Join(t.TempDir(), "copy")}, test.args...)...)
		if code != test.code || !strings.Contains(said, test.said) {
			t.Errorf("%v: exit %d, want %d with %q: %s", test.args, code, test.code, test.said, said)
		}
	}
}

// TestHashKeyFiles are refused where others could read the key, or would have it with the data.
func TestHashKeyFiles(t *testing.T) {
	dir := secretStore(t)
	write := func(name, content string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	const sound = "0123456789abcdef"
	write("people/key", sound, 0o600)
	if err := os.Symlink(filepath.Join(dir, "people", "key"), filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ path, said string }{
		{write("group", sound, 0o640), "its mode is 0640"},
		{write("all", sound, 0o604), "its mode is 0604"},
		{write("short", sound[1:], 0o600), "a key of 15 bytes"},
		{write("empty", "", 0o600), "it is empty"},
		{write("long", strings.Repeat(sound, 5000), 0o600), "that is no key"},
		{filepath.Join(dir, "people", "key"), "among the data of view people"},
		{filepath.Join(dir, "people", "dt=2026-11-01", "a.parquet"), "among the data of view people"},
		{filepath.Join(dir, "link"), "among the data of view people"},
		{filepath.Join(dir, "none"), "no such file"},
		{dir, "no regular file"},
		{"s3://bucket/key", "--hash-key-file"},
	} {
		code, said := ran(t, "run", "--config", filepath.Join(dir, "featureaudit.yaml"), "--as-of", "2026-11-05", "--hash-key-file", test.path)
		if code != 2 || !strings.Contains(said, test.said) || strings.Contains(said, sound) {
			t.Errorf("%s: exit %d, want 2 with %q: %s", test.path, code, test.said, said)
		}
	}
	kept := write("kept", sound, 0o400)
	code, said := ran(t, "run", "--config", filepath.Join(dir, "featureaudit.yaml"), "--as-of", "2026-11-05", "--hash-key-file", kept, "--out", "json="+kept)
	if raw, err := os.ReadFile(kept); code != 2 || err != nil || string(raw) != sound {
		t.Errorf("exit %d, the key is %q now (%v): %s", code, raw, err, said)
	}
}

// TestColumnsInNoFileAreErrors mistypes each key that names columns: nothing may be written of what should have been hidden.
func TestColumnsInNoFileAreErrors(t *testing.T) {
	dir := secretStore(t)
	for _, test := range []struct{ name, old, new, said string }{
		{"typo", "sensitive: [mail, card", "sensitive: [mail, crad", `column "crad" (sensitive, `},
		{"another case", "sensitive: [mail, card", "sensitive: [MAIL, card", `in none of the 3 files (did you mean "mail"?)`},
		{"payload", "payload: [amount, note]", "payload: [amount, notes]", `column "notes" (payload, `},
		{"measures", "measures: [amount]", "measures: [amuont]", `column "amuont" (measures, `},
		{"source", "source: mail", "source: mial", `column "mial" (source, `},
		{"defaults", "defaults: {ttl: 7d}", "defaults: {ttl: 7d, sensitive: [mial, nowhere]}", ""},
		{"a key of the paths", "sensitive: [mail, card", "sensitive: [dt, mail, card", `column "dt" (sensitive, `},
	} {
		t.Run(test.name, func(t *testing.T) {
			text := strings.Replace(secretConfig, test.old, test.new, 1)
			if test.name == "defaults" {
				// a view of its own list is not asked for those of the defaults
				text = strings.Replace(text, "    sensitive: [mail, card, id, amount, note]\n", "", 1)
				test.said = `column "mial" (sensitive, default (`
			}
			if text == secretConfig {
				t.Fatal("nothing was mistyped")
			}
			config := filepath.Join(dir, "mistyped.yaml")
			if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			out := filepath.Join(t.TempDir(), "report.json")
			repeats := filepath.Join(t.TempDir(), "repeats.csv")
			code, said := ran(t, "run", "--config", config, "--as-of", "2026-11-05", "--view", "people", "--samples", "3", "--out", "json="+out, "--out", "duplicates="+repeats)
			if code == 0 {
				t.Errorf("exit 0: %s", said)
			}
			told := false
			for _, res := range readJSON(t, out).Results {
				told = told || res.Outcome == report.Error && strings.Contains(res.Message, test.said) && !res.Retryable
			}
			if !told {
				t.Errorf("no result says %q: %s", test.said, said)
			}
			raw, err := os.ReadFile(repeats)
			if err != nil || strings.Contains(said+string(raw), marked+"id") {
				t.Errorf("a value was shown: %s%s (%v)", said, raw, err)
			}
		})
	}
}

// TestOneValueHasOneName has a repeated key of every type: its parts have the same names among the repeats and among the rows.
func TestOneValueHasOneName(t *testing.T) {
	dir := t.TempDir()
	parts := map[string]string{"i": "7::INTEGER", "u": "9223372036854775808::UBIGINT", "s": "'é x'", "dec": "1.50::DECIMAL(10,2)", "day": "DATE '2026-11-01'",
		"naive": "TIMESTAMP '2026-11-01 01:02:03.4'", "aware": "TIMESTAMPTZ '2026-11-01 01:02:03+00'", "nanos": "'2026-11-01 01:02:03.000000001'::TIMESTAMP_NS",
		"bytes": "'ab\\xFF'::BLOB", "yes": "true", "f": "1.5::DOUBLE", "clock": "TIME '01:02:03'", "uuid": "uuid '6ba7b810-9dad-11d1-80b4-00c04fd430c8'"}
	var selected []string
	names := slices.Sorted(keysOf(parts))
	for _, name := range names {
		selected = append(selected, parts[name]+" AS "+name)
	}
	query(t, fmt.Sprintf("COPY (SELECT CASE WHEN n < 2 THEN TIMESTAMPTZ '2026-11-01 01:00:00+00' END AS event_time, %s FROM range(3) t(n)) TO '%s/a.parquet'", strings.Join(selected, ", "), dir))
	config, list := filepath.Join(dir, "featureaudit.yaml"), strings.Join(names, ", ")
	text := fmt.Sprintf("version: 1\nviews:\n  v: {path: '*.parquet', event_time: event_time, key: [%s], sensitive: [%s], ttl: 7d}\n", list, list)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	out := t.TempDir()
	code, said := ran(t, "run", "--config", config, "--as-of", "2026-11-02", "--out", "duplicates="+filepath.Join(out, "repeats.csv"), "--out", "rows="+filepath.Join(out, "rows.csv"), "--fail-on", "never")
	if code != 0 {
		t.Fatalf("exit %d: %s", code, said)
	}
	read := func(file, column string) map[string]string {
		values := map[string]string{}
		rows := query(t, fmt.Sprintf("SELECT %s FROM '%s' LIMIT 1", column, filepath.Join(out, file)))
		if len(rows) == 0 {
			t.Fatalf("no rows in %s: %s", file, said)
		}
		if err := json.Unmarshal([]byte(rows[0]), &values); err != nil {
			t.Fatalf("%q: %v", rows, err)
		}
		return values
	}
	repeat, row := read("repeats.csv", "key"), read("rows.csv", `"values"`)
	for _, name := range names {
		if want := name + " #1"; repeat[name] != want || row[name] != want {
			t.Errorf("%s: %q among the repeats and %q among the rows, want %q", name, repeat[name], row[name], want)
		}
	}
}
