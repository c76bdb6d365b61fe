package load

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// maxBytes is the largest file of definitions that is read at once.
const maxBytes = 256 << 20

// maxFiles is how many files a folder of definitions may have.
const maxFiles = 20_000

// place is where files of definitions lie: the disk, or one commit of a git repository. Names use slashes.
type place interface {
	// kind answers "file", "dir" or "" for what is not there.
	kind(ctx context.Context, name string) (string, error)
	read(ctx context.Context, name string) ([]byte, error)
	// files lists everything below a folder, sorted, hidden files and folders left out.
	files(ctx context.Context, dir string) ([]string, error)
	// local is the path on the disk of a file, or empty where it has none.
	local(name string) string
}

// disk is the file system.
type disk struct {
	// opened is told what is read; nil for none.
	opened func(name string)
}

func (disk) kind(_ context.Context, name string) (string, error) {
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", nil
	case err != nil:
		return "", err
	case info.IsDir():
		return "dir", nil
	}
	return "file", nil
}

func (d disk) read(_ context.Context, name string) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: not a regular file", name)
	}
	if info.Size() > maxBytes {
		return nil, tooLarge(name, info.Size())
	}
	if d.opened != nil {
		d.opened(name)
	}
	return os.ReadFile(name)
}

func tooLarge(name string, size int64) error {
	return wrong{fmt.Errorf("%s: %d bytes, expected at most %d: these are no definitions", name, size, maxBytes)}
}

func (disk) files(ctx context.Context, dir string) ([]string, error) {
	var list []string
	err := filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		case name != dir && strings.HasPrefix(e.Name(), "."):
			if e.IsDir() {
				return filepath.SkipDir
			}
			return nil
		case e.IsDir():
			return nil
		}
		if list = append(list, filepath.ToSlash(name)); len(list) > maxFiles {
			return tooMany(dir)
		}
		return nil
	})
	slices.Sort(list)
	return list, err
}

func tooMany(dir string) error {
	return wrong{fmt.Errorf("%s: more than %d files: name the folder that holds the definitions alone", dir, maxFiles)}
}

func (disk) local(name string) string { return name }

// commit is the tree of one commit, by names from the repository's root.
type commit struct {
	rev string
	id  string
}

// openCommit finds the commit that rev names. ok is false where git does not know it.
func openCommit(ctx context.Context, rev string) (c commit, ok bool, err error) {
	if rev == "" || strings.HasPrefix(rev, "-") {
		return commit{}, false, nil
	}
	out, err := git(ctx, "rev-parse", "--verify", "--quiet", "--end-of-options", rev+"^{commit}")
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return commit{}, false, nil
	}
	return commit{rev: rev, id: strings.TrimSpace(string(out))}, err == nil, err
}

func (c commit) kind(ctx context.Context, name string) (string, error) {
	o, err := c.object(ctx, name)
	return o.kind, err
}

func (c commit) read(ctx context.Context, name string) ([]byte, error) {
	o, err := c.object(ctx, name)
	switch {
	case err != nil:
		return nil, err
	case o.kind != "file":
		return nil, wrong{fmt.Errorf("%s:%s: not a file of that commit", c.rev, name)}
	case o.size > maxBytes:
		return nil, tooLarge(c.rev+":"+name, o.size)
	}
	return git(ctx, "cat-file", "blob", o.id)
}

// object is what a name of a commit leads to; its kind is empty where nothing stands there.
type object struct {
	kind string
	id   string
	size int64
}

// object finds a name of the commit, through symbolic links inside the repository. What leads out of it is an error that
// says where to.
func (c commit) object(ctx context.Context, name string) (object, error) {
	place := gitPath(name)
	out, err := gitInput(ctx, c.id+":"+place+"\n", "cat-file", "--batch-check", "--follow-symlinks")
	if err != nil {
		return object{}, err
	}
	first, rest, _ := strings.Cut(string(out), "\n")
	words := strings.Fields(first)
	switch {
	case strings.HasPrefix(first, "symlink "):
		return object{}, wrong{fmt.Errorf("%s:%s is a symbolic link out of the repository, to %s: name that", c.rev, name, strings.TrimSpace(rest))}
	case strings.HasPrefix(first, "dangling "), strings.HasPrefix(first, "loop "):
		return object{}, wrong{fmt.Errorf("%s:%s is a symbolic link that leads to nothing in that commit", c.rev, name)}
	case len(words) == 3 && (words[1] == "blob" || words[1] == "tree"):
		size, err := strconv.ParseInt(words[2], 10, 64)
		if err != nil {
			return object{}, fmt.Errorf("git cat-file %s: %q: %w", place, first, err)
		}
		return object{kind: map[string]string{"blob": "file", "tree": "dir"}[words[1]], id: words[0], size: size}, nil
	}
	return object{}, c.submodule(ctx, place)
}

// submodule is an error where a name lies in another repository, which this commit only points at.
func (c commit) submodule(ctx context.Context, place string) error {
	for dir := place; dir != "" && dir != "."; dir = path.Dir(dir) {
		out, err := git(ctx, "ls-tree", "--full-tree", c.id, "--", dir)
		if err != nil {
			return err
		}
		if strings.HasPrefix(string(out), "160000 ") {
			return wrong{fmt.Errorf("%s:%s lies in the submodule %s, another repository: name it there, or a path of a checkout", c.rev, place, dir)}
		}
	}
	return nil
}

func (c commit) files(ctx context.Context, dir string) ([]string, error) {
	args := []string{"ls-tree", "-r", "-z", "--full-tree", "--name-only", c.id}
	if dir = gitPath(dir); dir != "" {
		args = append(args, "--", dir+"/")
	}
	out, err := git(ctx, args...)
	if err != nil {
		return nil, err
	}
	var list []string
	for name := range strings.SplitSeq(strings.TrimSuffix(string(out), "\x00"), "\x00") {
		if name == "" || slices.ContainsFunc(strings.Split(name, "/"), func(s string) bool { return strings.HasPrefix(s, ".") }) {
			continue
		}
		if list = append(list, name); len(list) > maxFiles {
			return nil, tooMany(c.rev + ":" + dir)
		}
	}
	slices.Sort(list)
	return list, nil
}

func (commit) local(string) string { return "" }

// gitPath is a name as git writes it: no leading or trailing slash, the root is empty.
func gitPath(name string) string {
	name = path.Clean(name)
	if name == "." {
		return ""
	}
	return strings.TrimPrefix(name, "/")
}

// git runs git and returns what it prints. Its messages are in English whatever the locale.
func git(ctx context.Context, args ...string) ([]byte, error) { return gitInput(ctx, "", args...) }

// gitInput is git with something on its standard input.
func gitInput(ctx context.Context, input string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Stdin = strings.NewReader(input)
	cmd.Env = append(os.Environ(), "LC_ALL=C", "GIT_OPTIONAL_LOCKS=0", "GIT_TERMINAL_PROMPT=0")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if errors.Is(err, exec.ErrNotFound) {
		return nil, wrong{errors.New("git is not installed here: a reference of the form REV:PATH needs it")}
	}
	if err != nil {
		return nil, fmt.Errorf("git %s: %w: %s", args[0], err, strings.TrimSpace(stderr.String()))
	}
	return stdout.Bytes(), nil
}

// MergeBase is the commit at which the current branch left rev. An error of a shallow clone says what to fetch.
func MergeBase(ctx context.Context, rev string) (string, error) {
	if strings.HasPrefix(rev, "-") {
		return "", wrong{fmt.Errorf("%q is no revision", rev)}
	}
	shallow, err := git(ctx, "rev-parse", "--is-shallow-repository")
	if err != nil {
		return "", wrong{err}
	}
	hint := "fetch it first: git fetch origin"
	if strings.TrimSpace(string(shallow)) == "true" {
		hint = "this is a shallow clone: fetch its history first (actions/checkout: fetch-depth: 0; elsewhere: git fetch --unshallow)"
	}
	if _, ok, err := openCommit(ctx, rev); err != nil || !ok {
		return "", wrong{fmt.Errorf("git knows no revision %q: %s", rev, hint)}
	}
	out, err := git(ctx, "merge-base", rev, "HEAD")
	if err != nil {
		return "", wrong{fmt.Errorf("%q and HEAD have no common commit here: %s", rev, hint)}
	}
	return strings.TrimSpace(string(out)), nil
}

// copied is a file or a folder of a bucket that was copied here: its names are those in the bucket, which begins them.
type copied struct {
	name, file string
	disk       disk
}

func (c copied) here(name string) string { return c.file + strings.TrimPrefix(name, c.name) }

func (c copied) kind(ctx context.Context, name string) (string, error) {
	if name != c.name && !strings.HasPrefix(name, c.name+"/") {
		return "", nil // only what was named was copied
	}
	return c.disk.kind(ctx, c.here(name))
}

func (c copied) read(ctx context.Context, name string) ([]byte, error) {
	return c.disk.read(ctx, c.here(name))
}

func (c copied) files(ctx context.Context, dir string) ([]string, error) {
	names, err := c.disk.files(ctx, c.here(dir))
	for i := range names {
		names[i] = c.name + strings.TrimPrefix(names[i], c.file)
	}
	return names, err
}

func (copied) local(string) string { return "" }
