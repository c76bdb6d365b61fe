//go:build !linux

package keys

import "os"

func openWithoutName(dir string) (*os.File, error) { return openUnlinked(dir) }
