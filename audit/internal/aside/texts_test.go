package aside

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestTextsAreKept keeps texts of all lengths, some longer than what is mapped at once, and finds them as they were.
func TestTextsAreKept(t *testing.T) {
	dir := t.TempDir()
	texts := In(dir, 5000) // the first of them stay in memory
	var want, got []string
	for _, length := range []int{0, 1, small, small + 1, 4095, 4096, 4097, 1 << 20, chunk + 1, 3, 100_000, chunk, 70_000} {
		text := strings.Repeat(fmt.Sprintf("%07d", length), length/7+1)[:length]
		kept, err := texts.Keep(text)
		if err != nil {
			t.Fatal(err)
		}
		want, got = append(want, text), append(got, kept)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("a text of %d bytes came back as one of %d: %.20q", len(want[i]), len(got[i]), got[i])
		}
	}
	for i := range want {
		for j := range want {
			if c := texts.Compare(got[i], got[j]); c != strings.Compare(want[i], want[j]) {
				t.Errorf("texts of %d and %d bytes compare as %d", len(want[i]), len(want[j]), c)
			}
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("the folder has %v (%v)", left, err)
	}
	if err := texts.Close(); err != nil {
		t.Error(err)
	}
}

// TestNothingIsKeptWithoutAFolder leaves texts where they are, and names a folder that cannot be written to.
func TestNothingIsKeptWithoutAFolder(t *testing.T) {
	long := strings.Repeat("x", 1000)
	for _, texts := range []*Texts{nil, {}} {
		if kept, err := texts.Keep(long); kept != long || err != nil {
			t.Errorf("%.10s (%v)", kept, err)
		}
		if err := texts.Close(); err != nil {
			t.Error(err)
		}
	}
	if kept, err := In("/nowhere", 1000).Keep(long); kept != long || err != nil {
		t.Errorf("memory has room for it: %.10s (%v)", kept, err)
	}
	if _, err := In("/nowhere", 999).Keep(long); err == nil || !strings.Contains(err.Error(), "/nowhere") || !strings.Contains(err.Error(), "--temp-dir") {
		t.Errorf("a folder that is not there: %v", err)
	}
}
