package load

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/featureaudit/featureaudit/audit/diff"
)

const wholeConfig = `version: 1
views:
  tx: {path: data/*.parquet, event_time: ts, ttl: 1d}
suppress:
  - {check: stale-rows, view: tx, source: batch, range: 2026-11-01..2026-11-03, max_rows: 5, reason: outage, owner: data, until: 2027-01-01}
consumers:
  - {name: churn, owner: growth, views: {tx: {max_age: 6h, lookback: 7d, accept: [pass, warn]}}}
`

// TestNothingOfAConfigIsSilent changes what a config says beside its views, once each: a wider suppression or a contract
// that is gone is no policy of a view, and yet no "nothing changed".
func TestNothingOfAConfigIsSilent(t *testing.T) {
	const suppression = "suppression stale-rows of tx, source batch, range 2026-11-01..2026-11-03"
	for _, c := range []struct{ old, new, want string }{
		{"reason: outage", "reason: other", "reason in " + suppression},
		{"owner: data", "owner: ops", "owner in " + suppression},
		{"until: 2027-01-01", "until: 2028-01-01", "until in " + suppression},
		{"max_rows: 5", "max_rows: 500", "max_rows in " + suppression},
		{"max_rows: 5, ", "", "max_rows in " + suppression},
		{"suppress:\n  - {check: stale-rows, view: tx, source: batch, range: 2026-11-01..2026-11-03, max_rows: 5, reason: outage, owner: data, until: 2027-01-01}\n", "", suppression},
		{"owner: growth", "owner: ads", "owner in consumer churn"},
		{"max_age: 6h", "max_age: 7h", "views[tx] in consumer churn"},
		{"lookback: 7d", "lookback: 8d", "views[tx] in consumer churn"},
		{"accept: [pass, warn]", "accept: [pass]", "views[tx] in consumer churn"},
		{"accept: [pass, warn]", "accept: [warn, pass]", ""},
		{"consumers:\n  - {name: churn, owner: growth, views: {tx: {max_age: 6h, lookback: 7d, accept: [pass, warn]}}}\n", "", "consumer churn"},
		{"path: data/*.parquet, ", "# a comment\n    path: data/*.parquet, ", ""},
	} {
		other := strings.Replace(wholeConfig, c.old, c.new, 1)
		if other == wholeConfig {
			t.Fatalf("%q is not in the config", c.old)
		}
		dir := put(t, map[string]string{"a.yaml": wholeConfig, "b.yaml": other})
		a, err := Definitions(t.Context(), filepath.Join(dir, "a.yaml"), Options{})
		if err != nil {
			t.Fatal(err)
		}
		b, err := Definitions(t.Context(), filepath.Join(dir, "b.yaml"), Options{})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, change := range diff.Compute(a, b) {
			if change.Object != diff.NotJudged {
				t.Errorf("%s: %+v, want what no rule judges", c.old, change)
			}
			got = append(got, change.Name)
		}
		if strings.Join(got, "; ") != c.want {
			t.Errorf("%s -> %s: %q, want %q", c.old, c.new, got, c.want)
		}
	}
}

// TestFoldersOfTablesAreNamed: a folder that holds a table and no definitions is refused by its format.
func TestFoldersOfTablesAreNamed(t *testing.T) {
	for file, want := range map[string]string{
		"_delta_log/00000000000000000000.json": "a Delta log", "metadata/v1.metadata.json": "Iceberg metadata", "notes.txt": "no feature_store.yaml",
	} {
		_, err := Definitions(t.Context(), put(t, map[string]string{file: "{}"}), Options{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", file, err, want)
		}
	}
}
