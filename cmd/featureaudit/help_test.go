package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/featureaudit/featureaudit/audit/docs"
)

// TestHelpIsWhole: each command has examples, each flag that takes a value says what it takes, and no line is too long for a
// terminal of 80 columns but one that holds an example.
func TestHelpIsWhole(t *testing.T) {
	for _, cmd := range commands() {
		page := usageOf(cmd)
		if page.flags == nil {
			t.Errorf("%s declares no flags before it parses them", cmd.name)
			continue
		}
		if n := len(examplesOf(cmd.name)); n < 3 {
			t.Errorf("%s has %d examples, want 3 or more (help_words.go)", cmd.name, n)
		}
		page.flags.VisitAll(func(f *pflag.Flag) {
			if f.Value.Type() != "bool" && valueNames()[f.Name] == "" {
				t.Errorf("%s --%s: what its value is called is missing (valueNames in help.go)", cmd.name, f.Name)
			}
		})
		var text bytes.Buffer
		page.write(&text, leastWidth)
		for _, line := range strings.Split(text.String(), "\n") {
			if len([]rune(line)) > leastWidth && !strings.HasPrefix(line, "  featureaudit ") && !strings.HasPrefix(line, "usage: ") {
				t.Errorf("help %s has a line of %d columns, want %d at most: %s", cmd.name, len([]rune(line)), leastWidth, line)
			}
		}
	}
}

// TestExamplesParse: what the help shows is a line that the program takes.
func TestExamplesParse(t *testing.T) {
	for _, cmd := range commands() {
		flags := usageOf(cmd).flags
		for _, e := range examplesOf(cmd.name) {
			_, rest, ok := strings.Cut(e.line, "featureaudit "+cmd.name+" ")
			if rest == "" && strings.HasSuffix(e.line, "featureaudit "+cmd.name) {
				ok = true
			}
			if !ok {
				t.Errorf("%s: the example %q is of another command", cmd.name, e.line)
				continue
			}
			if end := strings.IndexAny(rest, "|>)"); end >= 0 {
				rest = rest[:end]
			}
			if err := flags.Parse(strings.Fields(strings.ReplaceAll(rest, "'", ""))); err != nil {
				t.Errorf("%s: the example %q: %v", cmd.name, e.line, err)
			}
		}
	}
}

func TestHelpShowsTopics(t *testing.T) {
	if want := []string{"exit-codes", "getting-started", "troubleshooting"}; !containsAll(docs.Topics(), want) {
		t.Fatalf("topics %q, want %q among them", docs.Topics(), want)
	}
	for _, topic := range docs.Topics() {
		if slices.Contains(commandNames(commands()), topic) {
			t.Errorf("audit/docs/%s.md: help %s shows the command, so that nobody finds the page: name it otherwise", topic, topic)
		}
	}
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), []string{"help", "exit-codes"}, strings.NewReader(""), &stdout, &stderr, nil); code != exitOK || !strings.HasPrefix(stdout.String(), "# Exit codes\n") {
		t.Errorf("help exit-codes: exit %d, %q, want 0 and the page", code, stdout.String())
	}
}

func containsAll(list, wanted []string) bool {
	return !slices.ContainsFunc(wanted, func(w string) bool { return !slices.Contains(list, w) })
}

func TestCompletion(t *testing.T) {
	dir := t.TempDir()
	config := filepath.Join(dir, "store.yaml")
	if err := os.WriteFile(config, []byte("version: 1\nviews:\n  transactions: {path: a}\n  web_clicks: {path: b}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		words string
		want  string
	}{
		{"ru", "run"},
		{"run --fail-on ", "error warn never"},
		{"run --fail-on=w", "--fail-on=warn"},
		{"run --config " + config + " --view ", "transactions web_clicks"},
		{"require --config=" + config + " w", "web_clicks"},
		{"run --config nowhere.yaml --view ", ""},
		{"run --check stale-v", "stale-view"},
		{"run --skip-e", "--skip-empty"},
		{"run --skip-empty --log-f", "--log-format"},
		{"run --threads ", ""},
		{"report --format fl", "flagd"},
		{"report --out fl", "flagd="},
		{"checks explain ttl-rem", "ttl-removed"},
		{"help troub", "troubleshooting"},
		{"completion z", "zsh"},
		{"nope ", ""},
	} {
		var stdout, stderr bytes.Buffer
		code := run(t.Context(), append([]string{completeCommand}, strings.Split(c.words, " ")...), strings.NewReader(""), &stdout, &stderr, nil)
		if got := strings.Join(strings.Fields(stdout.String()), " "); code != exitOK || got != c.want || stderr.Len() > 0 {
			t.Errorf("complete %q: exit %d, %q, stderr %q, want 0 and %q", c.words, code, got, stderr.String(), c.want)
		}
	}
}

// TestCompletionScriptIsRead: bash takes the script, and completes with it.
func TestCompletionScriptIsRead(t *testing.T) {
	binary := realProgram(t)
	script := `source <(featureaudit completion bash)
compopt() { :; }
COMP_WORDS=(featureaudit run --fail-on = w); COMP_CWORD=4; _featureaudit; echo "${COMPREPLY[@]}"
COMP_WORDS=(featureaudit gate --own); COMP_CWORD=2; _featureaudit; echo "${COMPREPLY[@]}"`
	cmd := exec.Command("bash", "-c", script)
	cmd.Env = append(os.Environ(), "PATH="+filepath.Dir(binary)+":"+os.Getenv("PATH"))
	out, err := cmd.CombinedOutput()
	if want := "warn\n--owner\n"; err != nil || string(out) != want {
		t.Errorf("bash completes %q (%v), want %q", out, err, want)
	}
}

func TestManualPages(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "man")
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), []string{"man", "--out-dir", dir}, strings.NewReader(""), &stdout, &stderr, nil); code != exitOK {
		t.Fatalf("man --out-dir: exit %d, %s", code, stderr.String())
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != len(commands())+1 {
		t.Fatalf("%d pages, %v, want one for each of %d commands and one for the program", len(entries), err, len(commands()))
	}
	raw, err := os.ReadFile(filepath.Join(dir, "featureaudit-run.1"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`.TH FEATUREAUDIT\-RUN 1`, ".SH OPTIONS\n", `.B \-\-fail\-on SEVERITY`, ".SH EXIT STATUS\n", ".SH EXAMPLES\n"} {
		if !strings.Contains(string(raw), want) {
			t.Errorf("the page of run lacks %q", want)
		}
	}
}
