//go:build !linux

package main

import "os"

// standardError is where the user reads.
func standardError() *os.File { return os.Stderr }

// end ends the program with an exit code that it means.
func end(code int) { os.Exit(code) }
