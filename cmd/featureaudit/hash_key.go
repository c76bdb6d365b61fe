package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/sensitive"
)

// addHashKey declares the flag of the key that sensitive values are hashed with.
func addHashKey(flags *pflag.FlagSet, path *string) {
	flags.StringVar(path, "hash-key-file", "", "hash sensitive values with the key in this file (16 bytes or more, mode 0600, outside of the data), so that they have the same names in each run (default: they are numbered)")
}

// maxKeyBytes bounds what is taken for a key: a longer file is something else.
const maxKeyBytes = 64 << 10

// mask is what names sensitive values: by the key in a file, or by numbers without one. A key that others could read, that lies
// among the data of a view, or that is no file is refused: whoever has it finds the values by trying.
func (c *cli) mask(ctx context.Context, path string, views []model.View) (*sensitive.Mask, error) {
	if path == "" {
		return sensitive.New(nil)
	}
	if err := localOnly(path); err != nil {
		return nil, fmt.Errorf("--hash-key-file: %w", err)
	}
	holdsKey := candidateAt(path)
	for _, v := range views {
		file, err := c.dataOf(ctx, v, holdsKey)
		if err != nil {
			return nil, err
		}
		if file == "" && v.NoFiles == "" {
			file = belowRoot(v, path)
		}
		if file != "" {
			return nil, usagef("--hash-key-file %s: it lies among the data of view %s (%s): whoever reads the data would have the key too; keep it elsewhere", path, v.Name, v.Path)
		}
	}
	c.reads.add(path)
	key, err := readKey(path)
	if err != nil {
		return nil, fmt.Errorf("--hash-key-file %s: %w", path, err)
	}
	m, err := sensitive.New(key)
	if err != nil {
		return nil, usagef("--hash-key-file %s: %w", path, err)
	}
	return m, nil
}

// readKey reads a key, all bytes of the file as they are. The file that is read is the one that was looked at.
func readKey(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, usage(err)
	}
	if !info.Mode().IsRegular() {
		return nil, usagef("it is no regular file: write the key into one") // and opening a pipe would wait
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, usage(err)
	}
	defer f.Close()
	if info, err = f.Stat(); err != nil {
		return nil, err
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return nil, usagef("its mode is %04o: others could read the key; chmod 0600 it", mode)
	}
	key, err := io.ReadAll(io.LimitReader(f, maxKeyBytes+1))
	switch {
	case err != nil:
		return nil, err
	case len(key) > maxKeyBytes:
		return nil, usagef("it has over %d bytes: that is no key", maxKeyBytes)
	case len(key) == 0:
		return nil, usagef("it is empty: expected at least %d bytes, such as those of `head -c 32 /dev/urandom`", sensitive.MinKeyBytes)
	}
	return key, nil
}

// belowRoot is the folder of a view's data that a file lies below, where it is a folder of its own; empty where it lies elsewhere.
func belowRoot(v model.View, path string) string {
	globs := []string{v.Path}
	for _, s := range v.Sources {
		globs = append(globs, s.Path)
	}
	for _, glob := range globs {
		folder := fixedFolder(glob)
		if info, err := os.Stat(fromRoot(v, glob)); glob != "" && err == nil && info.IsDir() {
			folder = glob
		}
		if folder == "" {
			continue // all of the config's folder
		}
		if folder = fromRoot(v, folder); within(folder, path) {
			return folder
		}
	}
	return ""
}

func fromRoot(v model.View, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(v.Root, path)
}

// fixedFolder is the folder that all matches of a pattern lie below; empty where the pattern names none.
func fixedFolder(glob string) string {
	var fixed []string
	segments := strings.Split(filepath.ToSlash(glob), "/")
	for _, segment := range segments[:len(segments)-1] {
		if strings.ContainsAny(segment, "*?[{") {
			break
		}
		fixed = append(fixed, segment)
	}
	if folder := filepath.Clean(strings.Join(fixed, "/")); folder != "." {
		return folder
	}
	return ""
}
