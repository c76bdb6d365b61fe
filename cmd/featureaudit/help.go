package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/featureaudit/featureaudit/audit/docs"
	"github.com/featureaudit/featureaudit/audit/policy"
)

// usagePage is what a command says of itself: its own words and its flags.
type usagePage struct {
	name     string
	synopsis string
	about    string
	flags    *pflag.FlagSet
}

// usageOf is what a command would print with --help. Nothing of it is run: a command declares its flags before it parses them.
func usageOf(cmd command) usagePage {
	page := usagePage{name: cmd.name}
	c := &cli{stdout: io.Discard, stderr: io.Discard, reads: &inputs{}, now: time.Now, inspect: func(p usagePage) { page = p }}
	_, _ = cmd.run(context.Background(), c, nil)
	return page
}

// write prints the page, no line longer than the width where words allow it.
func (p usagePage) write(w io.Writer, width int) {
	fmt.Fprintf(w, "usage: featureaudit %s\n\n%s\n", p.synopsis, fill(p.about, width))
	if examples := examplesOf(p.name); len(examples) > 0 {
		fmt.Fprint(w, "\nexamples:\n")
		for _, e := range examples {
			fmt.Fprintf(w, "  # %s\n  %s\n", e.says, e.line)
		}
	}
	if p.flags.HasFlags() {
		fmt.Fprint(w, "\nflags:\n")
		var rows [][2]string
		p.flags.VisitAll(func(f *pflag.Flag) { rows = append(rows, [2]string{flagName(f), flagSays(f)}) })
		twoColumns(w, rows, width)
	}
	fmt.Fprint(w, "\nexit codes:\n")
	var rows [][2]string
	for _, m := range exitsOf(p.name) {
		rows = append(rows, [2]string{fmt.Sprint(m.code), m.meaning})
	}
	twoColumns(w, rows, width)
}

// flagName is a flag as it is written: with the name of its value, where it takes one.
func flagName(f *pflag.Flag) string {
	if f.Value.Type() == "bool" {
		return "--" + f.Name
	}
	return "--" + f.Name + " " + valueNames()[f.Name]
}

// flagSays is the help of a flag, its default at the end.
func flagSays(f *pflag.Flag) string {
	if zero := []string{"", "[]", "0", "false"}; slices.Contains(zero, f.DefValue) || strings.Contains(f.Usage, "(default") {
		return f.Usage
	}
	return fmt.Sprintf("%s (default %s)", f.Usage, f.DefValue)
}

// valueNames says what a flag takes, for each flag that takes a value.
func valueNames() map[string]string {
	return map[string]string{
		"accept": "VERDICT", "as-of": "TIME", "baseline": "FILE", "check": "ID", "clean": "DIR", "color": "WHEN", "config": "FILE", "consumer": "NAME", "data": "REF",
		"engine": "ENGINE", "entity": "COLUMNS", "event-time": "COLUMN", "facts": "DIR", "fail-on": "SEVERITY", "flags": "FILE", "for": "READER", "format": "FORMAT",
		"hash-key-file": "FILE", "history": "DIR", "ingested-at": "COLUMN", "keep": "DURATION", "key": "COLUMNS", "log-format": "FORMAT", "log-level": "LEVEL", "lookback": "DURATION",
		"max-age": "DURATION", "max-report-age": "DURATION", "memory-limit": "SIZE", "missing-view": "WHAT", "name": "NAME", "now": "TIME",
		"after": "STATE", "before": "STATE", "expect-range": "A..B", "expect-rows": "N|FILE", "publish-plan": "FILE", "repeat": "REPORT", "tolerance": "COLUMN=NUMBER",
		"out": "FORMAT=PATH", "out-dir": "DIR", "owner": "NAME", "path": "GLOB", "project": "NAME", "range": "A..B", "remind": "DURATION", "report": "FILE", "report-url": "URL",
		"root": "DIR", "rows": "N", "groups": "N", "rows-limit": "N", "sample": "SHARE", "samples": "N", "set": "KEY=VALUE", "stage-limit": "SIZE", "summary": "FORMAT", "temp-dir": "DIR", "threads": "N",
		"trino-catalog": "NAME", "trino-password-env": "VARIABLE", "trino-schema": "NAME", "trino-url": "URL", "trino-user-env": "VARIABLE", "ttl": "DURATION", "view": "NAME", "window": "START..END",
	}
}

// twoColumns writes rows of two columns. Where the first is long, the second begins on a line of its own.
func twoColumns(w io.Writer, rows [][2]string, width int) {
	const longest = 26
	left := 0
	for _, row := range rows {
		if n := len([]rune(row[0])); n <= longest {
			left = max(left, n)
		}
	}
	margin := strings.Repeat(" ", left+4)
	for _, row := range rows {
		text := strings.ReplaceAll(fill(row[1], width-len(margin)), "\n", "\n"+margin)
		if len([]rune(row[0])) > left {
			fmt.Fprintf(w, "  %s\n%s%s\n", row[0], margin, text)
			continue
		}
		fmt.Fprintf(w, "  %-*s  %s\n", left, row[0], text)
	}
}

// fill breaks paragraphs into lines of at most the width, at spaces only. Lines of a paragraph are joined first.
func fill(text string, width int) string {
	var paragraphs []string
	for _, paragraph := range strings.Split(text, "\n\n") {
		var lines []string
		line := ""
		for _, word := range strings.Fields(paragraph) {
			switch {
			case line == "":
				line = word
			case len([]rune(line))+1+len([]rune(word)) <= width:
				line += " " + word
			default:
				lines, line = append(lines, line), word
			}
		}
		paragraphs = append(paragraphs, strings.Join(append(lines, line), "\n"))
	}
	return strings.Join(paragraphs, "\n\n")
}

// helpOn writes the help on a command or on a topic, which is a page of the documentation.
func (c *cli) helpOn(word string) int {
	if i := slices.IndexFunc(commands(), func(cmd command) bool { return cmd.name == word }); i >= 0 {
		usageOf(commands()[i]).write(c.stdout, c.width())
		return exitOK
	}
	if page, ok := docs.Page(word); ok {
		fmt.Fprint(c.stdout, page)
		return exitOK
	}
	known := append(commandNames(commands()), docs.Topics()...)
	fmt.Fprintf(c.stderr, "featureaudit help: no command and no topic %q: %scommands: %s; topics: %s\n", cleanLines(word),
		policy.DidYouMean(word, known), strings.Join(commandNames(commands()), ", "), strings.Join(docs.Topics(), ", "))
	return exitUsage
}
