package main

import (
	"os"
	"regexp"
	"strconv"
	"testing"
)

// TestChangedPagesAreKept reads mappings as the kernel tells of them: pages that differ from the file, in memory or swapped out, would be
// lost if they were given back.
func TestChangedPagesAreKept(t *testing.T) {
	const clean = "00400000-00600000 r--p 00000000 fe:00 1234  /usr/bin/featureaudit\nRss: 40 kB\nAnonymous:             0 kB\nSwap:                  0 kB\nVmFlags: rd mr\n"
	const code = "00600000-00900000 r-xp 00200000 fe:00 1234  /usr/bin/featureaudit\nRss: 40 kB\nAnonymous: 0 kB\nSwap: 0 kB\n"
	const changed = "00600000-00900000 r-xp 00200000 fe:00 1234  /usr/bin/featureaudit\nRss: 40 kB\nAnonymous:             4 kB\nSwap: 0 kB\n"
	const swapped = "00600000-00900000 r-xp 00200000 fe:00 1234  /usr/bin/featureaudit\nRss: 40 kB\nAnonymous: 0 kB\nSwap:     4 kB\n"
	first, second := pageRange{0x400000, 0x600000}, pageRange{0x600000, 0x8ff000}
	for _, c := range []struct {
		smaps string
		r     pageRange
		want  bool
	}{
		{clean + code, first, true}, {clean + code, second, true},
		{clean + changed, first, true}, {clean + changed, second, false}, {clean + swapped, second, false},
		{clean + changed, pageRange{0x500000, 0x700000}, false},
		{clean, second, false}, {"", first, false}, {"not of a kernel\n", first, false},
	} {
		if got := unchanged([]byte(c.smaps), c.r); got != c.want {
			t.Errorf("%x-%x is unchanged: %v, want %v, in\n%s", c.r.from, c.r.to, got, c.want, c.smaps)
		}
	}
}

// TestProgramGivesPagesBack gives all pages of the test binary back while it runs: fewer are resident then, and it runs on.
func TestProgramGivesPagesBack(t *testing.T) {
	pages := programPages()
	if len(pages) < 2 {
		t.Fatalf("%d segments, expected code and constants at least", len(pages))
	}
	before := residentOfFiles(t)
	for range 20 {
		giveBack(pages)
	}
	if after := residentOfFiles(t); after >= before {
		t.Errorf("%d kB of files resident before, %d kB after", before, after)
	}
}

func residentOfFiles(t *testing.T) int {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`RssFile:\s+(\d+) kB`).FindSubmatch(status)
	if found == nil {
		t.Fatal("the status of the process does not tell RssFile")
	}
	kib, err := strconv.Atoi(string(found[1]))
	if err != nil {
		t.Fatal(err)
	}
	return kib
}
