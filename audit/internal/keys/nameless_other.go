//go:build !linux

package keys

import "os"

func openNameless(dir string) (*os.File, error) { return openUnlinked(dir) }
