package duckdb

/*
#include <stdint.h>
#include <stdio.h>
#include <stddef.h>

// The allocator that DuckDB brings along on Linux (jemalloc, man jemalloc: mallctl); absent where it was built without.
extern int duckdb_je_mallctl(const char *name, void *old, size_t *oldlen, void *new, size_t newlen) __attribute__((weak));

// The C library's own allocator, where it has one that can give memory back.
extern int malloc_trim(size_t pad) __attribute__((weak));

static void trim_heap(void) {
	if (malloc_trim != NULL)
		malloc_trim(0);
}

static void set_decay(const char *name) {
	ptrdiff_t now = 0;
	duckdb_je_mallctl(name, NULL, NULL, &now, sizeof now);
}

static void give_back_at_once(void) {
	if (duckdb_je_mallctl == NULL)
		return;
	set_decay("arenas.dirty_decay_ms");
	set_decay("arenas.muzzy_decay_ms");
	unsigned arenas = 0;
	size_t size = sizeof arenas;
	if (duckdb_je_mallctl("arenas.narenas", &arenas, &size, NULL, 0) != 0)
		return;
	for (unsigned i = 0; i < arenas; i++) {
		char name[64];
		snprintf(name, sizeof name, "arena.%u.dirty_decay_ms", i);
		set_decay(name);
		snprintf(name, sizeof name, "arena.%u.muzzy_decay_ms", i);
		set_decay(name);
	}
}
*/
import "C"

// giveBackAtOnce lets the system have what the engine frees: its allocator keeps it for ten seconds otherwise, beyond the engine's
// limit, since it may be needed again.
func giveBackAtOnce() { C.give_back_at_once() }

// trimHeap lets the system have what the engine freed of the C library's memory.
func trimHeap() { C.trim_heap() }
