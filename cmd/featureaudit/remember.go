package main

import (
	"context"
	"fmt"
	"io"
	"iter"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/featureaudit/featureaudit/audit/history"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/policy"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/store"
)

// memoryFlags say what a run remembers and what is known.
type memoryFlags struct {
	history string
	baselineFlags
}

func (f *memoryFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.history, "history", "", "remember each run in this folder, and say of every finding whether it is new, worse, continuing, better or resolved (default: history: of the config)")
	f.baselineFlags.add(flags, " (default: baseline: of the config)")
}

// baselineFlags name the findings that are known.
type baselineFlags struct {
	baseline string
	newOnly  bool
}

func (f *baselineFlags) add(flags *pflag.FlagSet, fallback string) {
	flags.StringVar(&f.baseline, "baseline", "", "mark the known findings of this file, which featureaudit baseline writes"+fallback)
	flags.BoolVar(&f.newOnly, "new-only", false, "with a baseline: exit 1 only for findings that are not in it, or have more rows_bad than it says")
}

// memory is what is known of earlier runs and of findings; parts of it are nil where nothing was given.
type memory struct {
	dir string
	// mirror is the folder here where dir is one of a bucket, nil where it is not.
	mirror   *mirror
	past     *history.Past
	baseline *history.Baseline
	newOnly  bool
}

// memory reads what the flags or the config name, before data is read. It refuses a history among the data of a view, and an output
// in the history.
func (c *cli) memory(ctx context.Context, f memoryFlags, p policy.Policy, outs []output, asOf time.Time) (memory, error) {
	var m memory
	var err error
	if m.baseline, err = c.readBaseline(ctx, f.baselineFlags, under(p.Dir, p.Baseline)); err != nil {
		return m, err
	}
	m.newOnly = f.newOnly
	m.dir = f.history
	if m.dir == "" {
		m.dir = under(p.Dir, p.History)
	}
	if m.dir == "" {
		return m, nil
	}
	if m.dir, err = absolute(m.dir); err != nil {
		return m, err
	}
	if err := c.refuseHistory(ctx, m.dir, outs, p.Views, asOf); err != nil {
		return m, err
	}
	folder := m.dir
	if inBucket(m.dir) {
		if m.mirror, err = c.mirror(ctx, m.dir); err != nil {
			return m, fmt.Errorf("history: %w", err)
		}
		folder = m.mirror.dir
	}
	if err := history.Prepare(folder); err != nil {
		return m, m.mirror.told(err)
	}
	m.past, err = history.Open(ctx, folder)
	return m, m.mirror.told(err)
}

// under is a path of the config, from the config's folder, which may be one of a bucket; empty and addresses stay as they are.
func under(dir, path string) string {
	if path == "" || filepath.IsAbs(path) || store.Scheme(path) != "" {
		return path
	}
	return store.Join(dir, path)
}

func (c *cli) refuseHistory(ctx context.Context, dir string, outs []output, views []model.View, asOf time.Time) error {
	file := store.Join(store.Bare(dir), history.PathOf(asOf.UnixMicro()))
	if !inBucket(dir) {
		file = filepath.Join(dir, filepath.FromSlash(history.PathOf(asOf.UnixMicro())))
	}
	example := candidateAt(file)
	for _, v := range views {
		claimed, err := c.dataOf(ctx, v, example)
		if err != nil {
			return err
		}
		if claimed != "" {
			return usagef("--history %s: its files would be data of view %s, by its path %s: choose another folder", dir, v.Name, v.Path)
		}
	}
	for _, out := range outs {
		if out.path != "" && (within(dir, out.path) || inBucket(dir) && strings.HasPrefix(out.path, strings.TrimSuffix(store.Bare(dir), "/")+"/")) {
			return usagef("--out %s=%s: it lies in the history %s, where only runs are kept: choose another path", out.format, out.path, dir)
		}
	}
	return nil
}

// readBaseline reads the baseline of a flag, or of the config; nil where neither names one.
func (c *cli) readBaseline(ctx context.Context, f baselineFlags, configured string) (*history.Baseline, error) {
	path := f.baseline
	if path == "" {
		path = configured
	}
	if path == "" {
		if f.newOnly {
			return nil, usagef("--new-only: nothing says what is known: name a baseline with --baseline FILE; featureaudit baseline REPORT --out FILE writes one")
		}
		return nil, nil
	}
	c.reads.add(path)
	var b history.Baseline
	var err error
	if inBucket(path) {
		raw, readErr := c.readNamed(ctx, path)
		if readErr != nil {
			return nil, fmt.Errorf("baseline: %w", readErr)
		}
		b, err = history.ParseBaseline(store.Bare(path), raw)
	} else if err = localOnly(path); err == nil {
		b, err = history.LoadBaseline(path)
	}
	if err != nil {
		return nil, usage(err)
	}
	return &b, nil
}

// rank orders findings by what is known of them: what no baseline holds first, then what is new, then what is worse.
func (m memory) rank(asOf time.Time, within string) func(fingerprint string, bad int64) int {
	if m.past == nil && m.baseline == nil {
		return nil
	}
	earlier := func(string, int64) int { return 0 }
	if m.past != nil {
		earlier = m.past.Rank(asOf.UnixMicro(), within)
	}
	knows := func(string, int64) bool { return false }
	if m.baseline != nil {
		knows = m.baseline.Knows(asOf.UnixMicro())
	}
	return func(fingerprint string, bad int64) int {
		n := earlier(fingerprint, bad)
		if knows(fingerprint, bad) {
			n += 10
		}
		return n
	}
}

// tell gives a report what is known of its findings.
func (m memory) tell(r report.Report) (report.Report, error) {
	var err error
	if m.baseline != nil {
		if r, err = m.baseline.Apply(r); err != nil {
			return r, err
		}
	}
	if m.past != nil {
		return m.past.Compare(r)
	}
	return r, nil
}

// tellLong is tell of a long report, a view at a time.
func (m memory) tellLong(l report.Long) (report.Long, error) {
	var err error
	if m.baseline != nil {
		if l, err = m.baseline.ApplyLong(l); err != nil {
			return l, err
		}
	}
	if m.past != nil {
		return m.past.CompareLong(l)
	}
	return l, nil
}

// keep remembers the report of a run. One that is partial is not remembered: what it did not look at would pass for what was not there.
func (m memory) keep(ctx context.Context, f finish, now time.Time) error {
	if m.past == nil || f.report.Status != report.Complete {
		return nil
	}
	rows, err := f.rows()
	if err != nil {
		return err
	}
	if m.mirror == nil {
		return history.Write(ctx, m.dir, rows, now)
	}
	if err := history.Write(ctx, m.mirror.dir, rows, now); err != nil {
		return m.mirror.told(err)
	}
	if err := m.mirror.writeBack(); err != nil {
		return fmt.Errorf("history: %w", err)
	}
	return nil
}

// notes name what of the history was not used.
func (m memory) notes() []string {
	if m.past == nil {
		return nil
	}
	notes := make([]string, len(m.past.NotUsed))
	for i, text := range m.past.NotUsed {
		notes[i] = "history " + m.dir + ": not used: " + text
	}
	return notes
}

// counted are the results that an exit code rests on.
func (m memory) counted(r report.Report) []report.Result {
	if m.newOnly {
		return history.NewOnly(r.Results)
	}
	return r.Results
}

// findingsFormat is the output of the rows that a history keeps of a run.
const findingsFormat = "findings"

// findingRows gives the rows that a history keeps of a report.
type findingRows func() (iter.Seq2[history.Row, error], error)

// writeFindings writes the rows of a report to every output; stdout gets CSV.
func (c *cli) writeFindings(outs []output, of findingRows) error {
	return c.writeEach(outs, func(w io.Writer, out output) error {
		rows, err := of()
		if err != nil {
			return err
		}
		if out.parquet() {
			return history.WriteParquet(w, rows)
		}
		return history.WriteCSV(w, rows)
	})
}
