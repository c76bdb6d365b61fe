package main

import (
	"context"
	"time"
)

// tightMemory is the memory limit, in bytes, from which on the program's own pages are few beside it, and are left alone.
const tightMemory = 1 << 30

// residentEvery is how often the resident memory is looked at where the limit is tight, and restBetween how long pages that were given
// back are left alone at least: those that are in use come back by and by, and each costs a fault.
const (
	residentEvery = 50 * time.Millisecond
	restBetween   = 200 * time.Millisecond
)

// giveBackAbove is the share of the limit, in percent, above which pages of the program's file are given back.
const giveBackAbove = 60

// holdResident gives back resident pages of the program's own file, again and again until the context ends, where the process takes more
// than a part of a tight memory limit. Most of them are of what ran once, at its start; a kernel may map whole blocks of up to 2 MiB
// around each page that is used, and counts them as memory of the process: 112 MB before an audit has begun.
func holdResident(ctx context.Context, limit int64) {
	if limit > tightMemory {
		return
	}
	pages := programPages()
	if len(pages) == 0 {
		return
	}
	go func() {
		for {
			wait := residentEvery
			if residentBytes() > limit/100*giveBackAbove {
				giveBack(pages)
				wait = restBetween
			}
			select {
			case <-ctx.Done():
				return
			case <-time.After(wait):
			}
		}
	}()
}

// pageRange is a range of the address space, in bytes, that begins and ends at a page.
type pageRange struct{ from, to uintptr }
