package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/featureaudit/featureaudit/audit/render"
)

// A copy grows in a folder beside its target. The folder is known by its name and by a file in it that says whose it is;
// that file is locked for as long as the program lives, so that what a killed one left can be told from what is under way.
const (
	aligningPrefix = ".featureaudit-align-"
	aligningMark   = ".featureaudit-align"
	aligningHead   = "featureaudit align: a copy under way, to be removed where no featureaudit holds a lock on this file\ntarget: "
)

// aligningGrace is how old a folder without a mark must be: a younger one may be about to get it.
const aligningGrace = time.Minute

// aligning is the folder of a copy under way.
type aligning struct {
	path  string
	mark  *os.File
	temps *temporaries
}

// newAligning removes what killed runs left beside a target, and makes a folder of its own.
func newAligning(target string, now time.Time, temps *temporaries) (*aligning, error) {
	parent := filepath.Dir(target)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return nil, fmt.Errorf("make the folder that holds %s: %w", target, err)
	}
	if _, err := removeLeft(parent, now, func(string) bool { return true }); err != nil {
		return nil, err
	}
	path, err := os.MkdirTemp(parent, aligningPrefix)
	if err != nil {
		return nil, fmt.Errorf("make a folder beside %s: %w", target, err)
	}
	temps.add(path, true)
	a := &aligning{path: path, temps: temps}
	if err := a.claim(target); err != nil {
		a.remove()
		return nil, fmt.Errorf("mark the folder %s: %w", path, err)
	}
	return a, nil
}

func (a *aligning) claim(target string) error {
	var err error
	if a.mark, err = os.OpenFile(filepath.Join(a.path, aligningMark), os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600); err != nil {
		return err
	}
	if err := syscall.Flock(int(a.mark.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return err
	}
	_, err = a.mark.WriteString(aligningHead + target + "\n")
	return err
}

// folder is where the copy is written.
func (a *aligning) folder() string { return a.path }

// place moves the finished copy to its target. The mark goes last: without it, nobody could tell whose the folder is.
func (a *aligning) place(_ context.Context, target string) error {
	if err := os.Remove(target); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("put the copy at %s: %w", target, err)
	}
	if err := os.Chmod(a.path, 0o755); err != nil {
		return fmt.Errorf("put the copy at %s: %w", target, err)
	}
	if err := os.Rename(a.path, target); err != nil {
		return fmt.Errorf("put the copy at %s: %w", target, err)
	}
	if err := os.Remove(filepath.Join(target, aligningMark)); err != nil {
		return fmt.Errorf("put the copy at %s: %w", target, err)
	}
	return nil
}

// remove takes the folder away if it still has its own name.
func (a *aligning) remove() {
	_ = os.RemoveAll(a.path) // the next align removes what is left
	a.temps.done(a.path)
	if a.mark != nil {
		_ = a.mark.Close()
	}
}

// cleanAligned removes what killed runs left in a folder, or beside it for it.
func (c *cli) cleanAligned(dir string) error {
	dir = throughLinks(dir)
	removed, err := removeLeft(dir, c.now(), func(string) bool { return true })
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	beside, err := removeLeft(filepath.Dir(dir), c.now(), func(target string) bool { return target == dir })
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, name := range append(removed, beside...) {
		fmt.Fprintf(c.stdout, "removed %s\n", render.Clean(name))
	}
	if len(removed)+len(beside) == 0 {
		fmt.Fprintf(c.stdout, "nothing to remove: no copy that was cut off lies in %s or beside it\n", render.Clean(dir))
	}
	return nil
}

// removeLeft removes the folders of copies that were cut off, of those targets, and names them. What has no mark of ours, or
// one that a living program holds, stays.
func removeLeft(parent string, now time.Time, of func(target string) bool) (removed []string, err error) {
	entries, err := os.ReadDir(parent)
	if err != nil {
		return nil, fmt.Errorf("look for copies that were cut off: %w", err)
	}
	for _, e := range entries {
		path := filepath.Join(parent, e.Name())
		if !e.IsDir() || !strings.HasPrefix(e.Name(), aligningPrefix) {
			continue
		}
		gone, err := removeOne(path, now, of)
		if err != nil {
			return removed, fmt.Errorf("remove the copy %s that was cut off: %w", path, err)
		}
		if gone {
			removed = append(removed, path)
		}
	}
	return removed, nil
}

func removeOne(path string, now time.Time, of func(target string) bool) (bool, error) {
	mark, err := os.OpenFile(filepath.Join(path, aligningMark), os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) {
		info, err := os.Stat(path)
		if err != nil || now.Sub(info.ModTime()) < aligningGrace {
			return false, nil
		}
		return os.Remove(path) == nil, nil // an empty folder only
	}
	if err != nil {
		return false, nil // nothing that we wrote
	}
	defer mark.Close()
	raw, err := io.ReadAll(io.LimitReader(mark, 1<<16))
	target, ours := strings.CutPrefix(string(raw), aligningHead)
	if err != nil || !ours || !of(strings.TrimSuffix(target, "\n")) {
		return false, nil
	}
	if syscall.Flock(int(mark.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil {
		return false, nil // under way
	}
	return true, os.RemoveAll(path)
}
