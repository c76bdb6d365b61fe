//go:build !unix

package main

import "os"

// terminalColumns is how many columns a terminal has; it is not asked on this system.
func terminalColumns(*os.File) int { return 0 }
