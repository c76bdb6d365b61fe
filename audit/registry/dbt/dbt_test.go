package dbt

import (
	"strings"
	"testing"
)

func TestErrorsNameTheLine(t *testing.T) {
	for text, want := range map[string]string{
		"sources:\n  - name: s\n    tables:\n      - name: t\n        freshness: {error_after: {count: 6, period: fortnight}}\n": `d.yml:5: freshness of s.t: error_after: period "fortnight": expected minute, hour or day`,
		"sources:\n  - name: s\n    tables:\n      - name: t\n        freshness: {error_after: {count: x, period: hour}}\n":      `count "x": expected a whole number above 0`,
		"sources:\n  - tables:\n      - name: t\n": "d.yml:3: a source and each of its tables need a name",
		"sources: []\n": "d.yml: it defines no table of a source and no semantic model",
		"sources:\n  - name: s\n    tables: [{name: t, meta: {ttl: soon}}]\n": "meta.ttl of s.t: duration",
	} {
		if _, err := Decode("d.yml", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %s", text, err, want)
		}
	}
}

// TestTheNearestFreshnessCounts: config of the table, the table, config of the source, the source; null switches off.
func TestTheNearestFreshnessCounts(t *testing.T) {
	d, err := Decode("d.yml", []byte(`
sources:
  - name: s
    freshness: {warn_after: {count: 1, period: day}}
    loaded_at_field: "cast(x as timestamp)"
    tables:
      - {name: a}
      - {name: b, freshness: {error_after: {count: 2, period: hour}}, loaded_at_field: at}
      - {name: c, freshness: {error_after: {count: 2, period: hour}}, config: {freshness: {error_after: {count: 3, period: minute}}}}
      - {name: d, config: {freshness: null}, meta: {ttl: 24h, owner: growth}}
`))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []float64{86400, 7200, 180, 0} {
		got := 0.0
		if s := d.Views[i].MaxAgeSeconds; s != nil {
			got = *s
		}
		if got != want {
			t.Errorf("%s: max_age %v, want %v", d.Views[i].Name, got, want)
		}
	}
	if a, b, last := d.Views[0], d.Views[1], d.Views[3]; a.IngestedAt != "" || a.Settings["loaded_at_field"] == "" || b.IngestedAt != "at" || last.Owner != "growth" || *last.TTLSeconds != 86400 {
		t.Errorf("%+v\n%+v\n%+v", a, b, last)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte("sources:\n  - name: s\n    tables: [{name: t}]\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if d, err := Decode("d.yml", data); err == nil && len(d.Views) == 0 {
			t.Error("no view and no error")
		}
	})
}
