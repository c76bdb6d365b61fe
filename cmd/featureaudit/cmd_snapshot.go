package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/spf13/pflag"

	"github.com/featureaudit/featureaudit/audit"
	"github.com/featureaudit/featureaudit/audit/engine"
	"github.com/featureaudit/featureaudit/audit/look"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/times"
	"github.com/featureaudit/featureaudit/audit/verify"
	"github.com/featureaudit/featureaudit/audit/words"
)

const snapshotAbout = `Writes down what the views hold now, so that verify can tell later what changed: by partition a sum over whole rows and one for
each column, which files there are, and the definitions. Every row is read, and no value is kept: a sum does not give it away.
With --with-keys a hash of each row's key, entity and values is kept too, of which somebody who guesses a key can tell that it is there.`

func cmdSnapshot(ctx context.Context, c *cli, args []string) (int, error) {
	started := c.now()
	var f runFlags
	flags := newFlags("snapshot")
	f.definitionFlags.add(flags)
	out := flags.String("out", "", "the file to write")
	withKeys := flags.Bool("with-keys", false, "keep what tells rows added, lost and changed by key: 24 bytes a row")
	flags.StringArrayVar(&f.views, "view", nil, "this view only (repeatable)")
	flags.StringVar(&f.asOf, "as-of", "", "the instant that open partitions are told by: RFC 3339 or a date (default: now)")
	f.facts.addTo(flags, contentFacts, "trust no kept sum, and read all files")
	f.log = addLogFlags(flags)
	f.addLimits(flags)
	if err := c.parse(flags, "snapshot [REF...] --out FILE [flags]", snapshotAbout, args); err != nil {
		return 0, err
	}
	if *out == "" || *out == "-" {
		return 0, usagef("--out: name the file to write, such as --out before.snapshot")
	}
	outs, err := parseOutputs([]string{"snapshot=" + *out}, "", only("snapshot"))
	if err != nil {
		return 0, err
	}
	prog, err := c.progress(f.log)
	if err != nil {
		return 0, err
	}
	f.alone = true
	options, resolved, err := c.runOptions(ctx, f, flags.Args(), started)
	if err != nil {
		return 0, err
	}
	views := selected(options.Views, f.views)
	if err := c.refuseInputs(ctx, outs, views); err != nil {
		return 0, err
	}
	if len(views) == 0 {
		return 0, fmt.Errorf("%w; check the definitions and --view", audit.ErrNothing)
	}
	facts, err := c.contentFacts(ctx, f.facts, resolved, outs, &options, times.At(options.AsOf))
	if err != nil {
		return 0, err
	}
	defer facts.close()
	temporary, err := engineScratch(options.TempDir)
	if err != nil {
		return 0, err
	}
	c.temps.add(temporary, false)
	defer os.RemoveAll(temporary)
	looker, near := c.lookerWithin(options)
	defer near.Close()
	s := snapshotting{looker: looker, held: options.MemoryLimit / 4, memory: facts.memory, asOf: times.At(options.AsOf), withKeys: *withKeys, note: prog.note}
	prog.begin(len(views))
	stop := prog.show(c.stderrTerminal)
	err = s.write(ctx, temporary, views, func(finish func(io.Writer) error) error { return c.writeFile(outs[0].path, finish) })
	stop()
	if cause := context.Cause(ctx); cause != nil {
		return 0, cause
	}
	if err != nil {
		return 0, fmt.Errorf("snapshot: %w", err)
	}
	for _, problem := range slices.Concat(s.problems, facts.commit()) {
		fmt.Fprintf(c.stderr, "featureaudit snapshot: %s\n", cleanLines(problem))
	}
	fmt.Fprintf(c.stdout, "%s of %s in %s, %s: %s\n", words.Count(s.rows, "row"), words.Count(s.files, "file"), words.Count(s.partitions, "partition"), words.Count(int64(len(views)), "view"), cleanLines(*out))
	if known := s.tally.FilesKnown(); known > 0 {
		fmt.Fprintf(c.stdout, "%s of the files %s known and not read again\n", words.Number(known), words.Plural(known, "was", "were"))
	}
	if len(s.problems) > 0 {
		return exitIncomplete, nil
	}
	return exitOK, nil
}

// addLimits declares what a command may use.
func (f *runFlags) addLimits(flags *pflag.FlagSet) {
	f.addMemory(flags)
	addStageLimit(flags, &f.stage)
	flags.IntVar(&f.threads, "threads", 0, "threads to scan with (default: the CPU quota)")
}

// addMemory declares what memory a command may use.
func (f *runFlags) addMemory(flags *pflag.FlagSet) {
	flags.StringVar(&f.memory, "memory-limit", "", "memory of the whole process: 512MB, 2GiB or 70% (default: 70% of the cgroup's or the machine's)")
	flags.StringVar(&f.tempDir, "temp-dir", "", "where to spill what does not fit into memory (default: $TMPDIR, else the system's)")
}

// selected are the views of these names, all without any; views that have no files are left out.
func selected(views []model.View, names []string) []model.View {
	return slices.DeleteFunc(slices.Clone(views), func(v model.View) bool { return v.NoFiles != "" || len(names) > 0 && !slices.Contains(names, v.Name) })
}

// lookerWithin looks at files and footers within what options allow. What is left of the memory is the program's: no engine reads beside it.
// Files in buckets are read through copies within the stage limit.
func (c *cli) lookerWithin(o audit.Options) (*look.Looker, io.Closer) {
	room := audit.StageRoom(o.StageLimit, o.TempDir) / 4 * 3 // kept facts in a bucket have the rest
	near := verify.NewNearby(c.stores, o.TempDir, room)
	return &look.Looker{Store: near, Room: engine.Room{Workers: max(1, o.Threads)}}, near
}

// snapshotting is a snapshot being written.
type snapshotting struct {
	looker *look.Looker
	// held is what rows under way may take, in bytes.
	held     int64
	memory   *verify.Memory
	asOf     times.Instant
	withKeys bool
	note     func(look.Progress)

	tally                   verify.Tally
	rows, files, partitions int64
	problems                []string
}

// write writes the snapshot under a temporary name, and hands it over when all of it is known.
func (s *snapshotting) write(ctx context.Context, temporary string, views []model.View, hand func(finish func(io.Writer) error) error) error {
	out, err := verify.NewSnapshotWriter(temporary)
	if err != nil {
		return err
	}
	side := verify.Side{Kind: verify.Snapshot, AsOf: s.asOf, WithKeys: s.withKeys}
	for _, v := range views {
		found, err := s.view(ctx, v, out)
		if err != nil {
			return errors.Join(err, out.Abort())
		}
		side.Views = append(side.Views, found)
	}
	return hand(func(w io.Writer) error { return out.Close(w, side, version) })
}

func (s *snapshotting) view(ctx context.Context, v model.View, out *verify.SnapshotWriter) (verify.View, error) {
	found, err := verify.LookAt(ctx, s.looker, v, look.Window{AsOf: s.asOf.Time()})
	if err != nil {
		return verify.View{}, err
	}
	if found.Problem != "" {
		s.problems = append(s.problems, fmt.Sprintf("view %s: %s", v.Name, found.Problem))
	}
	reader := verify.Reader{Store: s.looker.Store, Workers: s.looker.Room.Workers, Memory: s.memory, Held: s.held, Tally: &s.tally, Progress: verify.Progress(v.Name, found.Rows(), s.note)}
	if s.withKeys {
		err = reader.ContentWithRows(ctx, &found, out)
	} else {
		err = reader.Content(ctx, &found, func(verify.Partition) bool { return true })
	}
	if err != nil {
		return verify.View{}, err
	}
	s.note(look.Progress{View: v.Name, Step: "judge"})
	for _, p := range found.Partitions {
		s.rows, s.files = s.rows+p.Rows, s.files+int64(len(p.Files))
		if p.Present {
			s.partitions++
		}
		for _, unread := range p.Unread {
			s.problems = append(s.problems, fmt.Sprintf("view %s: %s; nothing is kept of its partition", v.Name, unread))
		}
	}
	return found.View, nil
}
