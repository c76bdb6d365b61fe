//go:build !linux

package main

// programPages is none: what is resident of the program's file is left to the system.
func programPages() []pageRange { return nil }

func residentBytes() int64 { return 0 }

func giveBack([]pageRange) {}
