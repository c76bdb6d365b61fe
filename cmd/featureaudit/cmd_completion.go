package main

import (
	"context"
	_ "embed"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/featureaudit/featureaudit/audit/docs"
	"github.com/featureaudit/featureaudit/audit/policy"
)

const completionAbout = `Prints a script that completes commands, flags and values in a shell. Values include formats, checks, and the views of the config
named on the line.`

//go:embed completion/bash.sh
var completionBash string

//go:embed completion/zsh.sh
var completionZsh string

//go:embed completion/fish.fish
var completionFish string

func cmdCompletion(_ context.Context, c *cli, args []string) (int, error) {
	flags := newFlags("completion")
	if err := c.parse(flags, "completion bash|zsh|fish", completionAbout, args); err != nil {
		return 0, err
	}
	shell, err := oneArgument(flags, "bash|zsh|fish")
	if err != nil {
		return 0, err
	}
	scripts := map[string]string{"bash": completionBash, "zsh": completionZsh, "fish": completionFish}
	script, ok := scripts[shell]
	if !ok {
		return 0, usagef("completion %q: expected bash, zsh or fish", shell)
	}
	_, err = io.WriteString(c.stdout, script)
	return exitOK, err
}

// completeCommand is what the scripts ask: `featureaudit __complete WORD...`, where the last word is the one to complete.
const completeCommand = "__complete"

// complete prints the words that may stand where the last one is, one a line. It prints none where a file name is
// expected: shells complete these better.
func (c *cli) complete(words []string) int {
	if len(words) == 0 {
		words = []string{""}
	}
	last := len(words) - 1
	for _, candidate := range c.candidates(words[:last], words[last]) {
		if strings.HasPrefix(candidate, words[last]) {
			fmt.Fprintln(c.stdout, candidate)
		}
	}
	return exitOK
}

func (c *cli) candidates(before []string, word string) []string {
	if len(before) == 0 {
		return append(commandNames(commands()), "help")
	}
	if before[0] == "help" {
		return append(commandNames(commands()), docs.Topics()...)
	}
	i := slices.IndexFunc(commands(), func(cmd command) bool { return cmd.name == before[0] })
	if i < 0 {
		return nil
	}
	flags := usageOf(commands()[i]).flags
	if flags == nil {
		return nil
	}
	if name, prefix, ok := flagAt(flags, before, word); ok {
		var list []string
		for _, value := range c.valuesOf(name, before, flags) {
			list = append(list, prefix+value)
		}
		return list
	}
	if strings.HasPrefix(word, "-") {
		list := []string{"--help"}
		flags.VisitAll(func(f *pflag.Flag) { list = append(list, "--"+f.Name) })
		return list
	}
	return c.argumentsOf(before)
}

// flagAt says of which flag the word is the value, if it is one, and what of the word stands before the value.
func flagAt(flags *pflag.FlagSet, before []string, word string) (name, prefix string, ok bool) {
	if name, _, ok := strings.Cut(strings.TrimPrefix(word, "--"), "="); ok && strings.HasPrefix(word, "--") {
		return name, "--" + name + "=", true
	}
	previous := before[len(before)-1]
	f := flags.Lookup(strings.TrimPrefix(previous, "--"))
	if !strings.HasPrefix(previous, "--") || f == nil || f.Value.Type() == "bool" {
		return "", "", false
	}
	return f.Name, "", true
}

// valuesOf are the values that a flag may have, where they are known.
func (c *cli) valuesOf(flag string, before []string, flags *pflag.FlagSet) []string {
	switch flag {
	case "view":
		return c.viewsOfLine(before)
	case "check":
		return checkIDs()
	case "fail-on":
		return []string{string(failOnError), string(failOnWarn), string(failOnNever)}
	case "summary":
		return []string{"text", "json", "none"}
	case "for":
		return []string{"training", "serving", "storage"}
	case "log-level":
		return []string{"debug", "info", "warn", "error", "none"}
	case "log-format":
		return []string{"json", "console"}
	case "color":
		return []string{"auto", "always", "never"}
	case "accept":
		return []string{"pass", "warn"}
	case "format", "out":
		_, list, _ := strings.Cut(flags.Lookup("out").Usage, "formats: ")
		names := strings.Split(list, ", ")
		if flag == "format" {
			return names
		}
		for i := range names {
			names[i] += "="
		}
		return names
	}
	return nil
}

// viewsOfLine are the views of the config that the line names, or of the one in this folder. A config that does not read has none:
// the command itself will say what is wrong with it.
func (c *cli) viewsOfLine(before []string) []string {
	path := defaultConfig
	for i, word := range before {
		if value, ok := strings.CutPrefix(word, "--config="); ok {
			path = value
		} else if word == "--config" && i+1 < len(before) {
			path = before[i+1]
		}
	}
	if inBucket(path) {
		return nil // a key that is pressed waits for no network
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	file, err := policy.Parse(path, raw, parseOptions())
	if err != nil {
		return nil
	}
	return viewNames(file.Views)
}

// argumentsOf are the words that a command takes where no flag stands.
func (c *cli) argumentsOf(before []string) []string {
	switch {
	case before[0] == "checks" && len(before) == 1:
		return []string{"explain"}
	case before[0] == "checks" && before[len(before)-1] == "explain":
		return policyIDs()
	case before[0] == "facts" && len(before) == 1:
		return []string{"list", "check", "prune"}
	case before[0] == "completion":
		return []string{"bash", "zsh", "fish"}
	case before[0] == "man":
		return commandNames(commands())
	case before[0] == "schema":
		var names []string
		for _, s := range documentSchemas() {
			names = append(names, s.name)
		}
		return names
	case before[0] == "require":
		return c.viewsOfLine(before)
	}
	return nil
}
