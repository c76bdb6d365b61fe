package policy

import "testing"

func TestParseRange(t *testing.T) {
	for text, want := range map[string][2]string{
		"2026-11-01..2026-11-03":       {"2026-11-01", "2026-11-03"},
		"2026-11-01..2026-11-01":       {"2026-11-01", "2026-11-01"},
		"2026-11..2027-01":             {"2026-11", "2027-01"},
		"2026-W45..2026-W53":           {"2026-W45", "2026-W53"}, // 2026 has 53 weeks
		"2026-11-03T07..2026-11-03T23": {"2026-11-03T07", "2026-11-03T23"},
		// What is written as compact folders write it is the same range.
		"20261101..20261103":     {"2026-11-01", "2026-11-03"},
		"2026-11-01..20261103":   {"2026-11-01", "2026-11-03"},
		"2026110307..2026110323": {"2026-11-03T07", "2026-11-03T23"},
	} {
		from, to, err := ParseRange(text)
		if err != nil || from != want[0] || to != want[1] {
			t.Errorf("%s: %s, %s, %v, want err == nil && from == want[0] && to == want[1]", text, from, to, err)
		}
	}
	for _, text := range []string{
		"", "..", "2026-11-01", "2026-11-01..", "2025-W53..2026-W01", "2026-W00..2026-W01", "2026-11-03T24..2026-11-04T00", "2026-13..2027-01",
		"2026-11-01...2026-11-03", "20261301..20261303", "20261101..2026110203", "2026111..2026112", "2026-11-02..2026-11-01", "2026-11..2026-11-03", "2026-1-1..2026-1-2",
	} {
		if from, to, err := ParseRange(text); err == nil {
			t.Errorf("%q is read as %s to %s", text, from, to)
		}
	}
}

func TestCutScheme(t *testing.T) {
	for path, want := range map[string][2]string{
		"s3://bucket/a/**": {"s3://", "bucket/a/**"},
		"data/a":           {"", "data/a"},
		"/data/a":          {"", "/data/a"},
		"://a":             {"", "://a"},
		"a b://c":          {"", "a b://c"},
	} {
		scheme, rest := cutScheme(path)
		if scheme != want[0] || rest != want[1] {
			t.Errorf("%s: %q, %q, want scheme == want[0] && rest == want[1]", path, scheme, rest)
		}
	}
}
