//go:build !linux

package duckdb

// giveBackAtOnce does nothing: the engine has no allocator of its own here.
func giveBackAtOnce() {}

// trimHeap does nothing, for the same reason.
func trimHeap() {}
