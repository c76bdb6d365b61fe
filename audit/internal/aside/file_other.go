//go:build !linux

package aside

// file keeps nothing: texts stay in memory here.
type file struct{}

func (*file) keep(_, text string) (string, error) { return text, nil }

func (*file) looked(int) {}

func (*file) close() error { return nil }
