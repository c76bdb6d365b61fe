//go:build stores

package main

import (
	"reflect"
	"testing"

	"github.com/featureaudit/featureaudit/fixtures"
)

// TestABucketWithALargeRowGroup audits an object of one row group that is read as a copy in small ones, with checksums: it is judged as in much
// memory, the sound one and the one with a flipped bit in a page that is compared only where keys repeat.
func TestABucketWithALargeRowGroup(t *testing.T) {
	b := rent(t, "s3", nil)
	dir, path := largeGroup(t)
	if err := fixtures.AddChecksums(path); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"sound", "damaged"} {
		upload(t, dir, b.at+"/"+name)
		whole, copied := auditWithin(t, "2GB", b.at+"/"+name), auditWithin(t, copiedLimit, b.at+"/"+name)
		if failed := resultOf(t, whole, "unreadable-file").Outcome == "error"; failed != (name == "damaged") {
			t.Errorf("%s: %+v", name, resultOf(t, whole, "unreadable-file"))
		}
		for i, want := range whole.Results {
			if got := copied.Results[i]; !reflect.DeepEqual(got, want) {
				t.Errorf("%s: %s in little memory: %s: %s %v; in much: %s: %s %v", name, want.Check, got.Outcome, got.Message, got.Measures, want.Outcome, want.Message, want.Measures)
			}
		}
		if _, err := fixtures.Damage(path, "amount", 0); err != nil {
			t.Fatal(err)
		}
	}
}
