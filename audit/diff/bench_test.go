package diff_test

import (
	"testing"

	"github.com/featureaudit/featureaudit/audit/diff"
	"github.com/featureaudit/featureaudit/audit/registry/feast"
	"github.com/featureaudit/featureaudit/fixtures/registries"
)

// BenchmarkDiff10k reads and compares two registries of 10,000 views with 50 features each, of which 100 differ.
func BenchmarkDiff10k(b *testing.B) {
	o := registries.Options{Views: 10_000, Features: 50, TTLSeconds: 86400}
	old := registries.Feast(o)
	o.Changed = 100
	changed := registries.Feast(o)
	b.ReportAllocs()
	b.SetBytes(int64(len(old) + len(changed)))
	for b.Loop() {
		older, err := feast.Decode(old)
		if err != nil {
			b.Fatal(err)
		}
		newer, err := feast.Decode(changed)
		if err != nil {
			b.Fatal(err)
		}
		// Each changed view: a longer ttl and a feature of another type.
		if findings := diff.Classify(diff.Compute(older, newer), diff.Policy{}); len(findings) != 200 {
			b.Fatalf("%d findings, want 200", len(findings))
		}
	}
}
