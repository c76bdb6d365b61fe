package facts_test

import (
	"testing"

	"github.com/featureaudit/featureaudit/audit/facts"
)

// TestWhichRowsCount: those of the range, and others only where a verdict rests on them; none after as_of.
func TestWhichRowsCount(t *testing.T) {
	s := facts.Survey{Listing: facts.Listing{Partitions: []facts.Partition{{ID: 0}, {ID: 1, InRange: true}, {ID: 2, InRange: true, AfterAsOf: true}, {ID: 3, AfterAsOf: true}}}}
	for partition, want := range map[int32][2]bool{-1: {true, true}, 0: {false, true}, 1: {true, true}, 2: {false, false}, 3: {false, false}} {
		f := facts.File{Partition: partition, Rows: 1}
		for _, wants := range []facts.Wants{facts.WantTimes, facts.WantEvents, facts.WantNulls, facts.WantCopies} {
			if got := s.Counts(&f, wants); got != want[0] {
				t.Errorf("rows of partition %d count for %b: %v, want %v", partition, wants, got, want[0])
			}
		}
		for _, wants := range []facts.Wants{facts.WantBefore, facts.WantKeys, facts.WantEntities, facts.WantWriters} {
			if got := s.Counts(&f, facts.WantTimes|wants); got != want[1] {
				t.Errorf("rows of partition %d count for %b, which is of all rows: %v, want %v", partition, wants, got, want[1])
			}
		}
	}
	if s.Counts(&facts.File{Partition: 1, Rows: 1, Schema: -1}, facts.Everything) || s.Counts(&facts.File{Partition: 1}, facts.Everything) {
		t.Error("rows of a file without a footer, or without rows, count")
	}
}
