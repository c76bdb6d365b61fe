package model

import (
	"maps"
	"testing"
)

// TestOriginsAreReadAsTheyAreWritten holds the words of a report, which diff reads again.
func TestOriginsAreReadAsTheyAreWritten(t *testing.T) {
	want := Origins{
		"written": Written("featureaudit.yaml:12"), "default": {Kind: OriginDefault}, "for_all": {OriginForAll, "default (odd).yaml:9"},
		"inferred": {Kind: OriginInferred}, "not_inferred": {OriginNotInferred, "no folder names a date"}, "flag": Written("flag --ttl"), "unset": {},
	}
	texts := map[string]string{
		"written": "featureaudit.yaml:12", "default": "default", "for_all": "default (default (odd).yaml:9)",
		"inferred": "inferred from paths", "not_inferred": "not inferred: no folder names a date", "flag": "flag --ttl", "unset": "",
	}
	if got := want.Texts(); !maps.Equal(got, texts) {
		t.Errorf("origins are written as %q, want %q", got, texts)
	}
	if got := ParseOrigins(texts); !maps.Equal(got, want) {
		t.Errorf("they are read as %v, want %v", got, want)
	}
	for key, shared := range map[string]bool{"written": false, "default": true, "for_all": true, "inferred": false, "not_inferred": false, "unset": false} {
		if want[key].Shared() != shared {
			t.Errorf("%s: Shared is %v, want %v", key, want[key].Shared(), shared)
		}
	}
}
