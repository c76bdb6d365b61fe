package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"

	"github.com/featureaudit/featureaudit/audit/render"
	"github.com/featureaudit/featureaudit/audit/report"
)

// output is one --out FORMAT=PATH.
type output struct {
	format render.Format
	// path is absolute; empty for stdout.
	path string
}

// parseOutputs reads --out (repeated) and --format, which is short for one more on stdout.
func parseOutputs(specs []string, short string) ([]output, error) {
	if short != "" {
		specs = append(specs[:len(specs):len(specs)], short+"=-")
	}
	outs := make([]output, 0, len(specs))
	taken := map[string]bool{}
	for _, spec := range specs {
		name, path, ok := strings.Cut(spec, "=")
		if !ok || path == "" {
			return nil, usagef("--out %q: expected FORMAT=PATH, or FORMAT=- for stdout; formats: %s", spec, formatNames())
		}
		format, ok := render.Lookup(name)
		if !ok {
			return nil, usagef("--out %q: unknown format %q; formats: %s", spec, name, formatNames())
		}
		out := output{format: format}
		if path != "-" {
			abs, err := filepath.Abs(path)
			if err != nil {
				return nil, fmt.Errorf("--out %q: %w", spec, err)
			}
			out.path = abs
		}
		if taken[out.path] {
			return nil, usagef("--out %q: another output goes to the same place; give each its own", spec)
		}
		taken[out.path] = true
		outs = append(outs, out)
	}
	return outs, nil
}

func formatNames() string {
	var names []string
	for _, f := range render.Formats() {
		names = append(names, f.Name)
	}
	return strings.Join(names, ", ")
}

// probe tells before a long run whether the outputs can be written at its end.
func probe(outs []output) error {
	for _, out := range outs {
		if out.path == "" {
			continue
		}
		if info, err := os.Stat(out.path); err == nil && info.IsDir() {
			return usagef("--out %s=%s: that is a directory; name a file in it", out.format.Name, out.path)
		}
		if special(out.path) {
			continue
		}
		f, err := createBeside(out.path)
		if err != nil {
			return outputError(out, err)
		}
		if err := errors.Join(f.Close(), os.Remove(f.Name())); err != nil {
			return outputError(out, err)
		}
	}
	return nil
}

func outputError(out output, err error) error {
	advice := "check the path and the disk"
	switch {
	case errors.Is(err, fs.ErrPermission):
		advice = "give this user the right to write there, or choose another path"
	case errors.Is(err, fs.ErrNotExist):
		advice = "create the directory first, or choose another path"
	}
	return fmt.Errorf("write %s to %s: %w; %s", out.format.Name, out.path, err, advice)
}

// writeOutputs writes every output, whatever becomes of the others.
func (c *cli) writeOutputs(outs []output, r report.Report, o render.Options) error {
	var errs []error
	for _, out := range outs {
		write := func(w io.Writer) error { return out.format.Write(w, r, o) }
		if out.path == "" {
			o := o
			o.Color = c.color()
			if err := out.format.Write(c.stdout, r, o); err != nil {
				errs = append(errs, fmt.Errorf("write %s to stdout: %w", out.format.Name, err))
			}
			continue
		}
		if err := writeFile(out.path, write); err != nil {
			errs = append(errs, outputError(out, err))
		}
	}
	return errors.Join(errs...)
}

// reportPath is where the JSON report goes, empty where it goes to no file.
func reportPath(outs []output) string {
	for _, out := range outs {
		if out.format.Name == "json" && out.path != "" {
			return out.path
		}
	}
	return ""
}

// writeFile replaces a file in one step: readers see the old content or the new, never a part. What is no regular
// file (a device, a pipe) is written to as it is.
func writeFile(path string, write func(io.Writer) error) (err error) {
	if special(path) {
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		return errors.Join(write(f), f.Close())
	}
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	f, err := createBeside(path)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	buf := bufio.NewWriter(f)
	err = write(buf)
	if err == nil {
		err = buf.Flush()
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// createBeside creates a new file in the directory of path, hidden, with the rights that the umask leaves: unlike
// os.CreateTemp's, others must be able to read the result.
func createBeside(path string) (*os.File, error) {
	dir, base := filepath.Split(path)
	for {
		name := filepath.Join(dir, fmt.Sprintf(".%s.%08x.tmp", base, rand.Uint32()))
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
		if !errors.Is(err, fs.ErrExist) {
			return f, err
		}
	}
}

func special(path string) bool {
	info, err := os.Stat(path)
	return err == nil && !info.Mode().IsRegular() && !info.IsDir()
}
