package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

const manAbout = `Prints the manual page of a command, or of the whole program, for man. --out-dir writes all pages to a folder.`

func cmdMan(_ context.Context, c *cli, args []string) (int, error) {
	flags := newFlags("man")
	dir := flags.String("out-dir", "", "write the pages of all commands to this folder")
	if err := c.parse(flags, "man [COMMAND] [flags]", manAbout, args); err != nil {
		return 0, err
	}
	if *dir != "" {
		if err := noArguments(flags); err != nil {
			return 0, err
		}
		if err := localOnly(*dir); err != nil {
			return 0, fmt.Errorf("--out-dir: %w", err)
		}
		return exitOK, writeManuals(*dir)
	}
	if flags.NArg() == 0 {
		return exitOK, overallManual(c.stdout)
	}
	name, err := oneArgument(flags, "COMMAND")
	if err != nil {
		return 0, err
	}
	i := slices.IndexFunc(commands(), func(cmd command) bool { return cmd.name == name })
	if i < 0 {
		return 0, usagef("man %q: no such command; expected one of %s", name, strings.Join(commandNames(commands()), ", "))
	}
	return exitOK, manual(c.stdout, commands()[i])
}

func writeManuals(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make the folder of the manual pages: %w", err)
	}
	pages := map[string]func(io.Writer) error{"featureaudit.1": overallManual}
	for _, cmd := range commands() {
		pages["featureaudit-"+cmd.name+".1"] = func(w io.Writer) error { return manual(w, cmd) }
	}
	for name, write := range pages {
		var text strings.Builder
		if err := write(&text); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text.String()), 0o644); err != nil {
			return fmt.Errorf("write a manual page: %w", err)
		}
	}
	return nil
}

// overallManual is featureaudit(1), in the macros of man(7).
func overallManual(w io.Writer) error {
	var text strings.Builder
	title(&text, "featureaudit", "audit an offline feature store")
	text.WriteString(".B featureaudit\nCOMMAND [ARGUMENT...]\n.SH DESCRIPTION\n")
	text.WriteString(roff("featureaudit audits an offline feature store: Parquet files against the definitions that promise their freshness.") + "\n.SH COMMANDS\n")
	for _, cmd := range commands() {
		fmt.Fprintf(&text, ".TP\n.BR featureaudit-%s (1)\n%s\n", roff(cmd.name), roff(cmd.line))
	}
	writeExits(&text, "")
	_, err := io.WriteString(w, text.String())
	return err
}

// manual is the page of one command.
func manual(w io.Writer, cmd command) error {
	page := usageOf(cmd)
	var text strings.Builder
	title(&text, "featureaudit-"+cmd.name, cmd.line)
	fmt.Fprintf(&text, ".B featureaudit\n%s\n.SH DESCRIPTION\n%s\n", roff(page.synopsis), strings.ReplaceAll(roff(fill(page.about, 120)), "\n\n", "\n.PP\n"))
	if page.flags.HasFlags() {
		text.WriteString(".SH OPTIONS\n")
		page.flags.VisitAll(func(f *pflag.Flag) { fmt.Fprintf(&text, ".TP\n.B %s\n%s\n", roff(flagName(f)), roff(flagSays(f))) })
	}
	writeExits(&text, cmd.name)
	text.WriteString(".SH EXAMPLES\n")
	for _, e := range examplesOf(cmd.name) {
		fmt.Fprintf(&text, "%s:\n.PP\n.nf\n    %s\n.fi\n.PP\n", roff(e.says), roff(e.line))
	}
	_, err := io.WriteString(w, text.String())
	return err
}

func title(w io.Writer, name, line string) {
	fmt.Fprintf(w, ".TH %s 1 \"\" \"featureaudit\"\n.SH NAME\n%s \\- %s\n.SH SYNOPSIS\n", strings.ToUpper(roff(name)), roff(name), roff(line))
}

func writeExits(w io.Writer, command string) {
	fmt.Fprint(w, ".SH EXIT STATUS\n")
	for _, m := range exitsOf(command) {
		fmt.Fprintf(w, ".TP\n.B %d\n%s\n", m.code, roff(m.meaning))
	}
}

// roff makes text safe in a manual page: no escape, no hyphen that breaks, no line that reads as a macro.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text)
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}
