package main

// int watcher_standard_error(void);
// void watcher_told(void);
import "C"

import "os"

// standardError is where the user reads: descriptor 2 is kept for what the runtime writes when it crashes
// (watcher_linux.c).
func standardError() *os.File {
	if fd := C.watcher_standard_error(); fd != 2 {
		return os.NewFile(uintptr(fd), "/dev/stderr")
	}
	return os.Stderr
}

// end ends the program with an exit code that it means.
func end(code int) {
	C.watcher_told()
	os.Exit(code)
}
