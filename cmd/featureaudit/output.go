package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/pflag"

	"github.com/featureaudit/featureaudit/audit/history"
	"github.com/featureaudit/featureaudit/audit/render"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/store"
)

// output is one --out FORMAT=PATH.
type output struct {
	format string
	// path is absolute; empty for stdout.
	path string
}

// outFlags are --out and --format, which every command that writes something has.
type outFlags struct {
	specs  []string
	format string
	known  formats
}

// formats are those that a command writes, by name and sorted.
type formats struct {
	names []string
	// refused are formats of other commands, with the reason why this one does not write them.
	refused map[string]string
}

// only are the formats of a command whose output is no report.
func only(names ...string) formats { return formats{names: names} }

func (f formats) String() string { return strings.Join(f.names, ", ") }

// add declares the flags for a command that writes these formats.
func (f *outFlags) add(flags *pflag.FlagSet, known formats) {
	f.known = known
	flags.StringArrayVar(&f.specs, "out", nil, "write FORMAT=PATH, or FORMAT=- for stdout (repeatable); formats: "+known.String())
	flags.StringVar(&f.format, "format", "", "short for --out FORMAT=-")
}

// outputs reads what the flags ask for; empty where neither is given.
func (f *outFlags) outputs() ([]output, error) { return parseOutputs(f.specs, f.format, f.known) }

// outputsOr is outputs with a format for stdout where no flag is given.
func (f *outFlags) outputsOr(format string) ([]output, error) {
	if len(f.specs) == 0 && f.format == "" {
		return []output{{format: format}}, nil
	}
	return f.outputs()
}

// parseOutputs reads --out (repeated) and --format, which is short for one more on stdout.
func parseOutputs(specs []string, short string, known formats) ([]output, error) {
	if short != "" {
		specs = append(specs[:len(specs):len(specs)], short+"=-")
	}
	outs := make([]output, 0, len(specs))
	for _, spec := range specs {
		name, path, ok := strings.Cut(spec, "=")
		if !ok || path == "" {
			return nil, usagef("--out %q: expected FORMAT=PATH, or FORMAT=- for stdout; formats: %s", spec, known)
		}
		if reason, other := known.refused[name]; other {
			return nil, usagef("--out %q: %s is not written here: %s; formats: %s", spec, name, reason, known)
		}
		if !slices.Contains(known.names, name) {
			return nil, usagef("--out %q: unknown format %q; formats: %s", spec, name, known)
		}
		out := output{format: name}
		if path != "-" && !isStdout(path) {
			abs, err := absolute(path)
			if err != nil {
				return nil, fmt.Errorf("--out %s: %w", name, err)
			}
			out.path = abs
		}
		if err := out.named(); err != nil {
			return nil, err
		}
		if slices.ContainsFunc(outs, out.collides) {
			return nil, usagef("--out %q: another output goes to the same place; give each its own", spec)
		}
		outs = append(outs, out)
	}
	return outs, nil
}

// absolute is a path of this machine from its root, and the address of an object as it is.
func absolute(path string) (string, error) {
	if inBucket(path) {
		return path, nil
	}
	if err := localOnly(path); err != nil {
		return "", err
	}
	return filepath.Abs(path)
}

// named refuses a file of rows whose name does not say in which form it is to be.
func (o output) named() error {
	if !slices.Contains([]string{duplicatesFormat, rowsFormat, findingsFormat}, o.format) || o.path == "" || special(o.path) {
		return nil
	}
	if extension := o.extension(); extension != ".parquet" && extension != ".csv" {
		return usagef("--out %s=%s: the name must end with .parquet or .csv", o.format, o.path)
	}
	return nil
}

// extension is the ending of the output's name, in lower case.
func (o output) extension() string { return strings.ToLower(filepath.Ext(store.Bare(o.path))) }

// parquet says whether rows are written as Parquet: by the name, and CSV otherwise.
func (o output) parquet() bool { return o.extension() == ".parquet" }

// isStdout says whether a path is another name of stdout. It is written as such: by its path, a file that stdout was
// redirected to would be replaced, and what else goes to stdout lost.
func isStdout(path string) bool {
	return slices.Contains([]string{"/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"}, filepath.Clean(path))
}

// collides says whether two outputs go to one place, by its name, through links, or by another name of the same file.
// What is written to the null device is lost either way.
func (o output) collides(other output) bool {
	if o.path == os.DevNull || other.path == os.DevNull {
		return false
	}
	return o.path == other.path || o.path != "" && other.path != "" && samePlace(o.path, other.path)
}

// reportFormats are those that the report of an audit is written in.
func reportFormats() formats {
	f := sharedFormats(func(f render.Format) bool { return f.Report != nil })
	f.names = append(f.names, findingsFormat)
	slices.Sort(f.names)
	for _, name := range []string{duplicatesFormat, rowsFormat} {
		f.refused[name] = "its rows are read from the data, which only featureaudit run looks at"
	}
	return f
}

// verifyFormats are those of verify, which looks at data too.
func verifyFormats() formats {
	f := reportFormats()
	delete(f.refused, rowsFormat)
	f.names = append(f.names, rowsFormat)
	slices.Sort(f.names)
	return f
}

// diffFormats are those that diff and lint write.
func diffFormats() formats {
	f := sharedFormats(func(f render.Format) bool { return f.Diff != nil })
	for _, name := range []string{duplicatesFormat, rowsFormat} {
		f.refused[name] = "its rows are read from the data by featureaudit run"
	}
	f.refused[findingsFormat] = "it holds the findings of an audit of data, a row each: use json"
	return f
}

// sharedFormats are those of the one registry that write a document, and why the others do not.
func sharedFormats(writes func(render.Format) bool) formats {
	f := formats{refused: map[string]string{}}
	for _, one := range render.Formats() {
		if writes(one) {
			f.names = append(f.names, one.Name)
		} else {
			f.refused[one.Name] = one.Lacks
		}
	}
	return f
}

// hasStdout says whether one of the outputs goes to stdout.
func hasStdout(outs []output) bool {
	return slices.ContainsFunc(outs, func(out output) bool { return out.path == "" })
}

// probe tells before a long run whether the outputs can be written at its end.
func (c *cli) probe(ctx context.Context, outs []output) error {
	for _, out := range outs {
		if out.path == "" {
			continue
		}
		if inBucket(out.path) {
			if err := c.stores.buckets.Valid(out.path); err != nil {
				return usagef("--out %s: %w", out.format, err)
			}
			if err := c.stores.buckets.Check(ctx, out.path); err != nil {
				return fmt.Errorf("write %s: %w", out.format, err)
			}
			continue
		}
		info, err := os.Stat(out.path)
		switch {
		case err == nil && info.IsDir():
			return usagef("--out %s=%s: that is a directory; name a file in it", out.format, out.path)
		case errors.Is(err, syscall.ELOOP):
			return usagef("--out %s=%s: its links lead in a circle; name a file", out.format, out.path)
		case err == nil && info.Mode()&os.ModeDevice != 0 && info.Mode()&os.ModeCharDevice == 0, err == nil && info.Mode()&os.ModeSocket != 0:
			return usagef("--out %s=%s: that is a disk or a socket; name a file, a pipe or a terminal", out.format, out.path)
		}
		if special(out.path) {
			continue
		}
		f, err := createBeside(throughLinks(out.path))
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
	if inBucket(out.path) {
		return fmt.Errorf("write %s: %w", out.format, err)
	}
	advice := "check the path and the disk"
	switch {
	case errors.Is(err, fs.ErrPermission):
		advice = "give this user the right to write there, or choose another path"
	case errors.Is(err, fs.ErrNotExist):
		advice = "create the directory first, or choose another path"
	}
	return fmt.Errorf("write %s to %s: %w; %s", out.format, out.path, err, advice)
}

// writeAll writes every output, whatever becomes of the others. write gets the format, and whether it may use colours.
func (c *cli) writeAll(outs []output, write func(w io.Writer, format string, color bool) error) error {
	return c.writeEach(outs, func(w io.Writer, out output) error { return write(w, out.format, out.path == "" && c.color()) })
}

// writeEach is writeAll for what depends on where it goes.
func (c *cli) writeEach(outs []output, write func(w io.Writer, out output) error) error {
	var errs []error
	for _, out := range outs {
		if out.path == "" {
			if err := write(c.stdout, out); err != nil {
				errs = append(errs, fmt.Errorf("write %s to stdout: %w", out.format, err))
			}
			continue
		}
		err := c.writeFile(out.path, func(w io.Writer) error { return write(w, out) })
		if err != nil {
			errs = append(errs, outputError(out, err))
		}
	}
	return errors.Join(errs...)
}

// writeReport writes a report to every output.
func (c *cli) writeReport(outs []output, r report.Report, o render.Options) error {
	var findings, others []output
	for _, out := range outs {
		if out.format == findingsFormat {
			findings = append(findings, out)
			continue
		}
		others = append(others, out)
	}
	return errors.Join(c.writeFindings(findings, func() (iter.Seq2[history.Row, error], error) { return history.Rows(r) }), c.writeAll(others, func(w io.Writer, format string, color bool) error {
		f, _ := render.Lookup(format)
		return f.Report(w, r, c.optionsFor(w, o, color))
	}))
}

// optionsFor are the options of an output: a file has everything, and stdout lines that fit it.
func (c *cli) optionsFor(w io.Writer, o render.Options, color bool) render.Options {
	o.Color = color
	if w == c.stdout {
		o.Width = c.textWidth()
	} else {
		o.Whole = true
	}
	return o
}

// reportPath is where the JSON report goes, empty where it goes to no file.
func reportPath(outs []output) string {
	for _, out := range outs {
		if out.format == "json" && out.path != "" {
			return out.path
		}
	}
	return ""
}

// writeFile replaces a file in one step: readers see the old content or the new, never a part. A link is followed, and
// what it points at is replaced. What is no regular file (a device, a pipe) is written to as it is.
func (c *cli) writeFile(path string, write func(io.Writer) error) (err error) {
	if inBucket(path) {
		return c.writeObject(path, write)
	}
	if special(path) {
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		buf := bufio.NewWriter(f) // it keeps the first error, which some writers of formats pass over
		if err = write(buf); err == nil {
			err = buf.Flush()
		}
		return errors.Join(err, f.Close())
	}
	path = throughLinks(path)
	f, err := createBeside(path)
	if err != nil {
		return err
	}
	c.temps.add(f.Name(), true)
	defer c.temps.done(f.Name())
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

// objectLimit is how long an object may take to be written: an interrupted run writes its report too.
const objectLimit = 5 * time.Minute

// leastRate is what a connection is expected to move at least, in bytes a second: a large object has so much more time.
const leastRate = 1 << 20

// writeObject writes a file of this machine first, so that the object is written whole or not at all, and again where that fails.
func (c *cli) writeObject(name string, write func(io.Writer) error) (err error) {
	f, err := os.CreateTemp("", "featureaudit-*")
	if err != nil {
		return err
	}
	c.temps.add(f.Name(), true)
	defer func() {
		err = errors.Join(err, f.Close(), os.Remove(f.Name()))
		c.temps.done(f.Name())
	}()
	buf := bufio.NewWriter(f)
	if err := write(buf); err != nil {
		return err
	}
	if err := buf.Flush(); err != nil {
		return err
	}
	size, err := f.Seek(0, io.SeekCurrent)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), objectLimit+time.Duration(size/leastRate)*time.Second)
	defer cancel()
	return c.stores.buckets.Write(ctx, name, func() io.Reader { return io.NewSectionReader(f, 0, size) })
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
