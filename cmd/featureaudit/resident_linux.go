package main

/*
#define _GNU_SOURCE
#include <link.h>
#include <stdint.h>
#include <sys/mman.h>

enum { most_segments = 8 };

struct segments {
	uintptr_t from[most_segments], to[most_segments];
	int count;
};

// of_program notes the segments of the first object, which is the program itself, that nobody can write to. What is made read-only
// once it was relocated is part of a segment that can be written to, and is left out.
static int of_program(struct dl_phdr_info *object, size_t size, void *to) {
	struct segments *s = to;
	(void)size;
	for (int i = 0; i < object->dlpi_phnum && s->count < most_segments; i++) {
		const ElfW(Phdr) *p = &object->dlpi_phdr[i];
		if (p->p_type != PT_LOAD || (p->p_flags & PF_W) != 0)
			continue;
		s->from[s->count] = object->dlpi_addr + p->p_vaddr;
		s->to[s->count++] = object->dlpi_addr + p->p_vaddr + p->p_filesz;
	}
	return 1;
}

static struct segments program_segments(void) {
	struct segments s = {.count = 0};
	dl_iterate_phdr(of_program, &s);
	return s;
}

// give_back lets go of pages that are as their file has them: each is mapped again once it is used.
static void give_back(uintptr_t from, uintptr_t to) {
	// mapped by 2 MiB they would all be back at once; a kernel that knows no large pages refuses the advice, and needs none
	madvise((void *)from, to - from, MADV_NOHUGEPAGE);
	madvise((void *)from, to - from, MADV_DONTNEED);
}
*/
import "C"

import (
	"bytes"
	"fmt"
	"os"
)

// programPages are the pages of the program's own file that can be let go and read again: code, constants and tables, as far as none of
// them was changed in memory (a loader that relocates code does that, and a debugger).
func programPages() []pageRange {
	smaps, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		return nil
	}
	segments, page := C.program_segments(), uintptr(os.Getpagesize())
	var pages []pageRange
	for i := range int(segments.count) {
		r := pageRange{from: (uintptr(segments.from[i]) + page - 1) &^ (page - 1), to: uintptr(segments.to[i]) &^ (page - 1)}
		if r.from < r.to && unchanged(smaps, r) {
			pages = append(pages, r)
		}
	}
	return pages
}

// unchanged says of a range whether smaps knows it, and no page of its mappings differs from the file.
func unchanged(smaps []byte, r pageRange) bool {
	known, within := false, false
	for line := range bytes.Lines(smaps) {
		var from, to uintptr
		if n, _ := fmt.Sscanf(string(line), "%x-%x ", &from, &to); n == 2 {
			within = from < r.to && r.from < to
			known = known || within
			continue
		}
		var kib int64
		for _, changed := range []string{"Anonymous: %d kB", "Swap: %d kB"} {
			if n, _ := fmt.Sscanf(string(line), changed, &kib); within && n == 1 && kib > 0 {
				return false
			}
		}
	}
	return known
}

func giveBack(pages []pageRange) {
	for _, r := range pages {
		C.give_back(C.uintptr_t(r.from), C.uintptr_t(r.to))
	}
}

// residentBytes is what the process has in memory, 0 where the system does not say.
func residentBytes() int64 {
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	var size, resident int64
	if n, _ := fmt.Sscanf(string(statm), "%d %d", &size, &resident); n != 2 {
		return 0
	}
	return resident * int64(os.Getpagesize())
}
