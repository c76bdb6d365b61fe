package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/spf13/pflag"

	"github.com/featureaudit/featureaudit/audit/address"
	"github.com/featureaudit/featureaudit/audit/docs"
	"github.com/featureaudit/featureaudit/audit/policy"
	"github.com/featureaudit/featureaudit/audit/render"
)

// cli is what every command works with: the streams, the environment and the only clock of the program.
type cli struct {
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer
	env    map[string]string
	now    func() time.Time
	// reads is what the command reads, so that it writes none of it.
	reads *inputs
	// temps is what it is writing under a name for the moment.
	temps *temporaries
	// stores are where files may lie, and atEnd removes what was copied here of them.
	stores stores
	ending sync.Mutex
	atEnd  []func()
	// copies are the files here of objects that were read as a whole, by their addresses.
	copies map[string]string

	// inspect takes what a command says of itself, in place of running it; nil for a run.
	inspect func(usagePage)

	// stdoutTerminal and stderrTerminal decide on colour and on the progress bar.
	stdoutTerminal bool
	stderrTerminal bool
	// colorWhen is --color: auto, always or never.
	colorWhen string
	// terminal is stdout where that is one, to be asked for its width; else nil.
	terminal *os.File
}

// command is one subcommand. Its run returns the exit code; an error is printed and decides the code itself (codeOf).
type command struct {
	name string
	// line is the one-line help.
	line string
	run  func(ctx context.Context, c *cli, args []string) (int, error)
}

// commands is the dispatch table, sorted by name.
func commands() []command {
	return []command{
		{"align", "write a corrected copy of views whose times are stamped in several zones", cmdAlign},
		{"baseline", "write the findings of a report as a baseline of known ones", cmdBaseline},
		{"checks", "list the checks, or explain one", cmdChecks},
		{"completion", "print a script that completes commands, flags and values in a shell", cmdCompletion},
		{"definitions", "print the definitions that a registry or a file holds", cmdDefinitions},
		{"diff", "compare two sets of definitions and judge what changed", cmdDiff},
		{"facts", "list, check or prune a folder of kept facts", cmdFacts},
		{"gate", "turn a report into an exit code", cmdGate},
		{"init", "write a starter config from what is on disk", cmdInit},
		{"lint", "judge one set of definitions alone", cmdLint},
		{"man", "print a manual page", cmdMan},
		{"plan", "show what would be audited, without reading data", cmdPlan},
		{"report", "write a report again in other formats", cmdReport},
		{"require", "assert that features are fresh and sound, before training or serving", cmdRequire},
		{"run", "audit feature views and write the report", cmdRun},
		{"sample", "copy the form of a Parquet file without its values, to show a fault to others", cmdSample},
		{"schema", "print the JSON Schema of the report or the config", cmdSchema},
		{"snapshot", "write down what views hold, for verify to compare with later", cmdSnapshot},
		{"verify", "compare views before and after a backfill: complete, correct, isolated?", cmdVerify},
		{"version", "print the versions that a result depends on", cmdVersion},
	}
}

// run is the whole program: arguments and streams in, exit code out.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer, environ []string) int {
	c := &cli{
		stdin: stdin, stdout: &closableWriter{w: stdout}, stderr: bestEffortWriter{stderr}, env: environment(environ), now: time.Now, reads: &inputs{}, temps: temporariesOf(ctx), stores: newStores(),
		stdoutTerminal: isTerminal(stdout), stderrTerminal: isTerminal(stderr),
	}
	if f, ok := stdout.(*os.File); ok && c.stdoutTerminal {
		c.terminal = f
	}
	if len(args) == 0 {
		c.help(c.stderr)
		return exitUsage
	}
	switch args[0] {
	case "help", "--help", "-h":
		if len(args) == 1 {
			c.help(c.stdout)
			return exitOK
		}
		return c.helpOn(args[1])
	case completeCommand:
		return c.complete(args[1:])
	case "--version":
		args = []string{"version"}
	}
	table := commands()
	i := slices.IndexFunc(table, func(cmd command) bool { return cmd.name == args[0] })
	if i < 0 {
		names := commandNames(table)
		fmt.Fprintf(c.stderr, "featureaudit: unknown command %q: %sexpected one of %s; see featureaudit help\n", render.Clean(args[0]),
			policy.DidYouMean(args[0], names), strings.Join(names, ", "))
		return exitUsage
	}
	defer c.end()
	running, ended := context.WithCancel(ctx)
	defer ended()
	code, err := table[i].run(running, c, args[1:])
	switch {
	case errors.Is(err, pflag.ErrHelp):
		return exitOK
	case err != nil:
		fmt.Fprintf(c.stderr, "featureaudit %s: %s\n", args[0], cleanLines(address.Text(err.Error())))
		return codeOf(ctx, err)
	}
	return code
}

// later does something at the end of the command. Sides of a diff are read at once.
func (c *cli) later(do func()) {
	c.ending.Lock()
	defer c.ending.Unlock()
	c.atEnd = append(c.atEnd, do)
}

// end lets go of what the command has used.
func (c *cli) end() {
	for _, do := range c.atEnd {
		do()
	}
	c.stores.close()
}

// cleanLines makes text from arguments, data and definitions harmless on a terminal, and keeps its lines.
func cleanLines(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = render.Clean(line)
	}
	return strings.Join(lines, "\n")
}

func commandNames(table []command) []string {
	names := make([]string, len(table))
	for i, cmd := range table {
		names[i] = cmd.name
	}
	return names
}

func (c *cli) help(w io.Writer) {
	fmt.Fprint(w, "featureaudit audits an offline feature store: Parquet files against the definitions that promise their freshness.\n\n")
	fmt.Fprint(w, "usage: featureaudit COMMAND [ARGUMENT...]\n\ncommands:\n")
	tab := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, cmd := range commands() {
		fmt.Fprintf(tab, "  %s\t%s\n", cmd.name, cmd.line)
	}
	tab.Flush()
	fmt.Fprint(w, "\nexit codes:\n")
	var rows [][2]string
	for _, m := range exitMeanings() {
		rows = append(rows, [2]string{fmt.Sprint(m.code), m.meaning})
	}
	twoColumns(w, rows, c.width())
	fmt.Fprintf(w, "\n`featureaudit help COMMAND` explains one command, `featureaudit help TOPIC` shows a page:\n%s\n", fill(strings.Join(docs.Topics(), ", "), c.width()))
}

// parse parses a command's flags. --help prints the usage on stdout and answers pflag.ErrHelp; anything wrong is a usageError.
func (c *cli) parse(flags *pflag.FlagSet, synopsis, about string, args []string) error {
	flags.SetOutput(io.Discard)
	flags.Usage = func() {}
	flags.StringVar(&c.colorWhen, "color", "auto", "colour text on stdout: auto (on a terminal), always or never")
	page := usagePage{name: flags.Name(), synopsis: synopsis, about: about, flags: flags}
	if c.inspect != nil {
		c.inspect(page)
		return pflag.ErrHelp
	}
	err := flags.Parse(args)
	if errors.Is(err, pflag.ErrHelp) {
		page.write(c.stdout, c.width())
		return pflag.ErrHelp
	}
	if err != nil {
		return usagef("%w%s; see featureaudit %s --help", err, likelyFlag(flags, err), flags.Name())
	}
	if err := oneOf("color", c.colorWhen, "auto", "always", "never"); err != nil {
		return err
	}
	return noEmptyFlags(flags)
}

// noEmptyFlags refuses flags that were given without a text: a scheduler's template that renders to nothing must not
// mean the default, such as now for --as-of or everything for --owner.
func noEmptyFlags(flags *pflag.FlagSet) error {
	var empty error
	flags.Visit(func(f *pflag.Flag) {
		blank := f.Value.Type() == "string" && f.Value.String() == ""
		if list, ok := f.Value.(pflag.SliceValue); ok {
			blank = slices.Contains(list.GetSlice(), "")
		}
		if blank && empty == nil {
			empty = usagef("--%s: found empty text: give it a value, or leave the flag out", f.Name)
		}
	})
	return empty
}

// newFlags is an empty flag set that keeps the order in which flags are declared.
func newFlags(name string) *pflag.FlagSet {
	flags := pflag.NewFlagSet(name, pflag.ContinueOnError)
	flags.SortFlags = false
	return flags
}

// noArguments refuses arguments that a command does not take.
func noArguments(flags *pflag.FlagSet) error {
	if flags.NArg() == 0 {
		return nil
	}
	return usagef("unexpected argument %q: %s takes flags only", flags.Arg(0), flags.Name())
}

// oneArgument is the single argument of a command, by the name that its usage gives it.
func oneArgument(flags *pflag.FlagSet, name string) (string, error) {
	switch flags.NArg() {
	case 0:
		return "", usagef("%s is missing: usage featureaudit %s %s", name, flags.Name(), name)
	case 1:
		return flags.Arg(0), nil
	}
	hint := expanded(flags.Args())
	if hint != "" {
		hint = "; " + hint
	}
	return "", usagef("unexpected argument %q after %s %q: %s takes one%s", flags.Arg(1), name, flags.Arg(0), flags.Name(), hint)
}

// oneOf checks a flag that takes one word of a fixed set.
func oneOf(flag, value string, words ...string) error {
	if slices.Contains(words, value) {
		return nil
	}
	return usagef("--%s %q: expected %s", flag, value, orList(words))
}

// orList writes words as "a, b or c".
func orList(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// environment turns NAME=VALUE lines into a map; the last of a name wins.
func environment(environ []string) map[string]string {
	env := make(map[string]string, len(environ))
	for _, line := range environ {
		name, value, _ := strings.Cut(line, "=")
		env[name] = value
	}
	return env
}

// color says whether text on stdout may carry colours: --color decides, then NO_COLOR and FORCE_COLOR, each where it is set and not
// empty (no-color.org, force-color.org), then whether stdout is a terminal.
func (c *cli) color() bool {
	switch {
	case c.colorWhen == "always":
		return true
	case c.colorWhen == "never", c.env["NO_COLOR"] != "":
		return false
	case c.env["FORCE_COLOR"] != "":
		return true
	}
	return c.stdoutTerminal && c.env["TERM"] != "dumb"
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && isatty.IsTerminal(f.Fd())
}

// closableWriter takes a reader that went away (`| head`) for one that has read enough. Other errors are kept.
type closableWriter struct {
	w      io.Writer
	closed bool
}

func (c *closableWriter) Write(p []byte) (int, error) {
	if c.closed {
		return len(p), nil
	}
	n, err := c.w.Write(p)
	if errors.Is(err, syscall.EPIPE) || errors.Is(err, io.ErrClosedPipe) {
		c.closed = true
		return len(p), nil
	}
	return n, err
}

// bestEffortWriter swallows every error: what cannot be logged must not stop an audit.
type bestEffortWriter struct{ w io.Writer }

func (d bestEffortWriter) Write(p []byte) (int, error) {
	_, _ = d.w.Write(p)
	return len(p), nil
}
