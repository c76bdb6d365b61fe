//go:build shells

package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// shells are the real shells, each with what makes it take the completion and write its line to the file $LINE at Ctrl-X.
var shells = []struct {
	name, start string
	args        []string
}{
	{"bash", `PS1='ready> '; bind 'set bell-style none'; bind 'set bracketed-paste off'; source <(featureaudit completion bash)
show() { printf '%s' "$READLINE_LINE" > "$LINE"; }; bind -x '"\C-x": show'`, []string{"--noprofile", "--norc", "-i"}},
	{"zsh", `PS1='ready> '; unsetopt zle_bracketed_paste beep; autoload -Uz compinit; compinit -u -D; source <(featureaudit completion zsh)
show() { print -rn -- "$BUFFER" > "$LINE"; }; zle -N show; bindkey '^X' show`, []string{"-f", "-i"}},
	{"fish", `featureaudit completion fish | source
function show; commandline | string collect > $LINE; end; bind \cx show; function fish_prompt; echo 'ready> '; end`, []string{"--no-config", "-i"}},
}

// TestShellsComplete types the beginnings of lines into real shells, presses Tab, and looks at the line that the shell makes of it.
// A shell that is not installed is named by `make test-shells`.
func TestShellsComplete(t *testing.T) {
	binary := realProgram(t)
	for _, shell := range shells {
		if _, err := exec.LookPath(shell.name); err != nil {
			t.Logf("%s is not installed: its completion was not tried", shell.name)
			continue
		}
		t.Run(shell.name, func(t *testing.T) {
			dir := t.TempDir()
			config := "version: 1\nviews:\n  transactions: {path: a}\n  two words: {path: b}\n  größe: {path: c}\n  wow$x: {path: d}\n"
			for name, text := range map[string]string{"featureaudit.yaml": config, "other.yaml": strings.ReplaceAll(config, "transactions", "elsewhere"), "empty report.json": ""} {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			s := openShell(t, shell.name, shell.args, dir, filepath.Dir(binary))
			s.enter(t, shell.start)
			for _, c := range []struct{ typed, want string }{
				{"featureaudit ga", "featureaudit gate "},
				{"featureaudit gate --own", "featureaudit gate --owner "},
				{"featureaudit run --fail-on w", "featureaudit run --fail-on warn "},
				{"featureaudit run --fail-on=w", "featureaudit run --fail-on=warn "},
				{"featureaudit run --view tr", "featureaudit run --view transactions "},
				{"featureaudit run --config other.yaml --view el", "featureaudit run --config other.yaml --view elsewhere "},
				{"featureaudit run --view gr", "featureaudit run --view größe "},
				{"featureaudit run --view tw", `featureaudit run --view two\ words `},
				{"featureaudit run --view=tw", `featureaudit run --view=two\ words `},
				{"featureaudit run --view wo", `featureaudit run --view wow\$x `},
				{`featureaudit run --view two\ w`, `featureaudit run --view two\ words `},
				{`featureaudit run --view "two w`, `featureaudit run --view "two words" `},
				{"featureaudit run --out jso", "featureaudit run --out json="},
				{"featureaudit checks explain ttl-rem", "featureaudit checks explain ttl-removed "},
				{"featureaudit help troub", "featureaudit help troubleshooting "},
				{"featureaudit gate empty", `featureaudit gate empty\ report.json `},
				{"featureaudit run --config=oth", "featureaudit run --config=other.yaml "},
				{"featureaudit run --view transactions --ran", "featureaudit run --view transactions --range "},
				{"featureaudit nothing-begins-so", "featureaudit nothing-begins-so"},
			} {
				if got := s.complete(t, c.typed); strings.TrimRight(got, " \n") != strings.TrimRight(c.want, " ") {
					t.Errorf("%s completes %q to %q, want %q", shell.name, c.typed, got, c.want)
				}
			}
		})
	}
}

// shellSession is an interactive shell on a terminal of its own.
type shellSession struct {
	terminal *os.File
	line     string
}

func openShell(t *testing.T, name string, args []string, dir, path string) shellSession {
	t.Helper()
	terminal, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { terminal.Close() })
	if err := unix.IoctlSetPointerInt(int(terminal.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(int(terminal.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(int(terminal.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 40, Col: 200}); err != nil {
		t.Fatal(err)
	}
	other, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	s := shellSession{terminal: terminal, line: filepath.Join(dir, ".line")}
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + path + ":" + os.Getenv("PATH"), "HOME=" + dir, "LINE=" + s.line, "TERM=xterm", "LANG=C.UTF-8", "LC_ALL=C.UTF-8"}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = other, other, other
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	go io.Copy(io.Discard, terminal) // a full terminal would stop the shell
	return s
}

// enter types a script, each line with its Enter, and waits until the shell obeys.
func (s shellSession) enter(t *testing.T, script string) {
	t.Helper()
	for _, line := range strings.Split(script+"\nprintf started > $LINE", "\n") {
		s.typed(t, line+"\r")
	}
	if got := s.written(t); got != "started" {
		t.Fatalf("the shell writes %q, want \"started\"", got)
	}
}

// complete is the line after Tab. The line is removed again.
func (s shellSession) complete(t *testing.T, line string) string {
	t.Helper()
	s.typed(t, line+"\t")
	s.typed(t, "\x18")
	got := s.written(t)
	s.typed(t, "\x05\x15") // to its end, then away with it
	return got
}

func (s shellSession) typed(t *testing.T, keys string) {
	t.Helper()
	if _, err := s.terminal.WriteString(keys); err != nil {
		t.Fatal(err)
	}
}

// written is what the shell wrote to $LINE; it waits for it, and removes it.
func (s shellSession) written(t *testing.T) string {
	t.Helper()
	for range 400 {
		if text, err := os.ReadFile(s.line); err == nil && len(text) > 0 {
			if err := os.Remove(s.line); err != nil {
				t.Fatal(err)
			}
			return string(text)
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatal("the shell wrote nothing within 20 s")
	return ""
}
