// Package load reads definitions from whatever a reference names: it recognises from the bytes what something is and
// hands it to the reader that knows it. It is the one place that knows all readers.
package load

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/featureaudit/featureaudit/audit/address"
	"github.com/featureaudit/featureaudit/audit/policy"
	"github.com/featureaudit/featureaudit/audit/registry"
	"github.com/featureaudit/featureaudit/audit/registry/feast"
	"github.com/featureaudit/featureaudit/audit/registry/yamldef"
	"github.com/featureaudit/featureaudit/audit/store"
)

// Options are what loading may know beside the reference.
type Options struct {
	// Root is the folder that the views' relative paths start from; empty finds it (the nearest feature_store.yaml
	// upwards, else the folder of the definitions).
	Root string
	// Parse says which checks and rules our YAML may name; its zero value accepts any.
	Parse policy.ParseOptions
	// Env looks up the variables that a feature_store.yaml may use; nil knows none.
	Env func(name string) (string, bool)
	// Opened is told the name of each file that is read and of each folder whose files are; nil for none. It may be called from
	// the goroutine that loads only.
	Opened func(name string)
	// Fetch copies the file or the folder of an address to this machine, and gives its name here; empty where it knows no such addresses.
	// Nil knows none.
	Fetch func(ctx context.Context, address string) (local string, err error)
	// TempDir holds what has to become a file for a moment; empty is the system's.
	TempDir string
}

// Definitions reads the definitions that ref names: a file, a folder or a glob of them, a Feast repository, a
// postgres:// address, or REV:PATH in a git repository. Errors name the file and say what was expected.
func Definitions(ctx context.Context, ref string, o Options) (registry.Definitions, error) {
	d, err := dispatch(ctx, ref, o)
	if err != nil {
		return registry.Definitions{}, err
	}
	if d.Source == "" {
		d.Source = ref
	}
	switch {
	case strings.Contains(o.Root, "://"):
		d.Root = o.Root
	case o.Root != "":
		if d.Root, err = filepath.Abs(o.Root); err != nil {
			return registry.Definitions{}, fmt.Errorf("root %s: %w", o.Root, err)
		}
	}
	return d, nil
}

func dispatch(ctx context.Context, ref string, o Options) (registry.Definitions, error) {
	l := loader{options: o, place: disk{opened: o.Opened}}
	if feast.IsPostgres(ref) {
		return l.postgres(ctx, ref)
	}
	if d, known, err := l.fetched(ctx, ref); known || err != nil {
		return d, err
	}
	if scheme, _, ok := strings.Cut(ref, "://"); ok {
		return registry.Definitions{}, wrong{fmt.Errorf("%s: definitions are not read from %s:// addresses: %s", address.Redact(ref), scheme, elsewhere(scheme))}
	}
	if ref == "" {
		return registry.Definitions{}, wrong{errors.New("an empty reference: expected a file, a folder, a postgres:// address or REV:PATH")}
	}
	kind, err := l.place.kind(ctx, ref)
	if err != nil {
		return registry.Definitions{}, err
	}
	if kind != "" {
		return l.at(ctx, filepath.ToSlash(ref), kind)
	}
	if strings.ContainsAny(ref, "*?[{") {
		return l.glob(ctx, ref)
	}
	return l.inGit(ctx, ref)
}

// fetched reads definitions from a bucket; known says that the address is one of a bucket. Relative paths of their views start there.
func (l loader) fetched(ctx context.Context, ref string) (d registry.Definitions, known bool, err error) {
	if l.options.Fetch == nil || !strings.Contains(ref, "://") {
		return d, false, nil
	}
	local, err := l.options.Fetch(ctx, ref)
	if err != nil || local == "" {
		return d, err != nil, err
	}
	bare := store.Bare(ref)
	_, name, _ := strings.Cut(bare, "://")
	name = path.Clean(name)
	here := loader{options: l.options, place: copied{name: name, file: filepath.ToSlash(local)}, depth: l.depth}
	kind, err := here.place.kind(ctx, name)
	if err != nil {
		return d, true, err
	}
	if d, err = here.at(ctx, name, kind); err != nil {
		return d, true, fmt.Errorf("%s: %w", address.Redact(ref), err)
	}
	d.Source, d.Root = bare, strings.TrimSuffix(bare, "/")
	if kind == "file" {
		d.Root = bare[:strings.LastIndexByte(bare, '/')]
	}
	return d, true, nil
}

// elsewhere says what to do with definitions at an address that is not read.
func elsewhere(scheme string) string {
	word, _, _ := strings.Cut(strings.ToLower(scheme), "+")
	switch word {
	case "mysql", "mariadb", "mssql", "snowflake", "oracle":
		return "run feast registry-dump > registry.json where Feast reaches it, and name that file"
	case "http", "https":
		return "copy the file here, or name the bucket that it lies in (s3://, gs:// or azblob://BUCKET/NAME): a web server is no store of files"
	}
	return "copy the file here, or give a postgres:// address"
}

// loader reads from one place.
type loader struct {
	options Options
	place   place
	// depth counts configs that name other definitions.
	depth int
}

func (l loader) postgres(ctx context.Context, ref string) (registry.Definitions, error) {
	d, err := feast.DecodePostgres(ctx, ref)
	if err != nil {
		return d, fmt.Errorf("%s: %w", address.Redact(ref), err)
	}
	d.Source = address.Redact(ref)
	return d, nil
}

// inGit reads REV:PATH.
func (l loader) inGit(ctx context.Context, ref string) (registry.Definitions, error) {
	rev, name, ok := strings.Cut(ref, ":")
	if !ok {
		return registry.Definitions{}, wrong{missing{fmt.Errorf("%s: no such file or folder: expected a registry, our YAML, a Feast repository, a postgres:// address or REV:PATH", address.Redact(ref))}}
	}
	c, known, err := openCommit(ctx, rev)
	if err != nil {
		return registry.Definitions{}, err
	}
	if !known {
		return registry.Definitions{}, wrong{fmt.Errorf("%s: no such file, and git knows no revision %q here: fetch it, or correct the path (actions/checkout: fetch-depth: 0)", address.Redact(ref), address.Redact(rev))}
	}
	if strings.HasPrefix(name, "./") || strings.HasPrefix(name, "../") {
		prefix, err := git(ctx, "rev-parse", "--show-prefix")
		if err != nil {
			return registry.Definitions{}, err
		}
		name = path.Join(strings.TrimSpace(string(prefix)), name)
	}
	l.place = c
	kind, err := c.kind(ctx, name)
	if err != nil {
		return registry.Definitions{}, err
	}
	if kind == "" {
		return registry.Definitions{}, wrong{fmt.Errorf("%s: commit %s has no %s: expected a path from the repository's root (or ./PATH from here)", ref, short(c.id), name)}
	}
	d, err := l.at(ctx, name, kind)
	if err != nil {
		return d, fmt.Errorf("%s: %w", rev, err)
	}
	d.Source = ref
	return d, nil
}

func short(id string) string { return id[:min(12, len(id))] }

func (l loader) at(ctx context.Context, name, kind string) (registry.Definitions, error) {
	if kind == "dir" {
		return l.folder(ctx, name)
	}
	return l.file(ctx, name)
}

func (l loader) glob(ctx context.Context, pattern string) (registry.Definitions, error) {
	names, err := doublestar.FilepathGlob(pattern, doublestar.WithFilesOnly(), doublestar.WithNoHidden(), doublestar.WithFailOnIOErrors())
	if err != nil {
		return registry.Definitions{}, fmt.Errorf("%s: %w", pattern, err)
	}
	if len(names) == 0 {
		return registry.Definitions{}, wrong{fmt.Errorf("%s: the glob matches no file: expected files of definitions", pattern)}
	}
	slices.Sort(names)
	base, _ := doublestar.SplitPattern(filepath.ToSlash(pattern))
	for i, name := range names {
		names[i] = filepath.ToSlash(name)
	}
	return l.many(ctx, base, names)
}

// folder reads a Feast repository, or every YAML file below a folder.
func (l loader) folder(ctx context.Context, dir string) (registry.Definitions, error) {
	repo := path.Join(dir, featureStore)
	kind, err := l.place.kind(ctx, repo)
	if err != nil {
		return registry.Definitions{}, err
	}
	if kind == "file" {
		return l.repo(ctx, repo)
	}
	if kind, err = l.place.kind(ctx, path.Join(dir, dbtProject)); err != nil {
		return registry.Definitions{}, err
	}
	if kind == "file" {
		return l.file(ctx, path.Join(dir, dbtProject))
	}
	if l.options.Opened != nil && l.place.local(dir) != "" {
		l.options.Opened(dir)
	}
	all, err := l.place.files(ctx, dir)
	if err != nil {
		return registry.Definitions{}, err
	}
	names := yamlOnly(all)
	if word := foreignFolder(all); word != "" && len(names) == 0 {
		return registry.Definitions{}, wrong{fmt.Errorf("%s: %s", dir, word)}
	}
	if len(names) == 0 {
		return registry.Definitions{}, wrong{fmt.Errorf("%s: the folder has no feature_store.yaml and no YAML file: expected a Feast repository or our YAML", dir)}
	}
	return l.many(ctx, dir, names)
}

// many reads several files as one set. They must be of one kind.
func (l loader) many(ctx context.Context, dir string, names []string) (registry.Definitions, error) {
	byForm := map[form][]yamldef.File{}
	var notes []string
	for _, name := range names {
		data, err := l.place.read(ctx, name)
		if err != nil {
			return registry.Definitions{}, err
		}
		f, err := recognise(data)
		if err != nil {
			return registry.Definitions{}, wrong{fmt.Errorf("%s: %w", name, err)}
		}
		byForm[f] = append(byForm[f], yamldef.File{Name: name, Data: data})
	}
	if len(names) == 1 {
		return l.file(ctx, names[0])
	}
	for _, f := range byForm[formOther] {
		if len(byForm[formDBT]) == 0 {
			return registry.Definitions{}, wrong{fmt.Errorf("%s: none of the definitions that are read here: expected a map with \"views:\", an ODCS contract or dbt sources; name the files if it does not belong to them", f.Name)}
		}
		notes = append(notes, f.Name+" defines no source and no semantic model: left out")
	}
	delete(byForm, formOther)
	if len(byForm) != 1 {
		return registry.Definitions{}, wrong{fmt.Errorf("%s: its files are of several kinds (%s): name those of one kind", dir, kinds(byForm))}
	}
	d, err := l.set(byForm)
	if err != nil {
		return d, wrong{err}
	}
	d.Digest = digestOf(byForm)
	d.Notes = append(d.Notes, notes...)
	if l.place.local("x") != "" {
		if d.Root, err = filepath.Abs(dir); err != nil {
			return d, err
		}
	}
	return d, nil
}

// file reads one file.
func (l loader) file(ctx context.Context, name string) (registry.Definitions, error) {
	if path.Base(name) == featureStore {
		return l.repo(ctx, name)
	}
	if local := l.place.local(name); local != "" && isSQLite(local) {
		return l.sqlite(ctx, local)
	}
	data, err := l.place.read(ctx, name)
	if err != nil {
		return registry.Definitions{}, err
	}
	d, err := l.bytes(ctx, name, data)
	if err != nil {
		return d, err
	}
	if d.Digest == "" {
		d.Digest = registry.Digest(data)
	}
	if d.Root == "" {
		d.Root, err = l.root(ctx, name)
	}
	return d, err
}

// root is the nearest folder upwards with a feature_store.yaml, else the folder of the file.
func (l loader) root(ctx context.Context, name string) (string, error) {
	local := l.place.local(name)
	if local == "" {
		return "", nil
	}
	abs, err := filepath.Abs(local)
	if err != nil {
		return "", err
	}
	for dir := filepath.Dir(abs); ; dir = filepath.Dir(dir) {
		if kind, err := l.place.kind(ctx, filepath.Join(dir, featureStore)); err == nil && kind == "file" {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return filepath.Dir(abs), nil
		}
	}
}

func isSQLite(name string) bool {
	if info, err := os.Stat(name); err != nil || !info.Mode().IsRegular() {
		return false // opening a pipe would wait for its writer
	}
	f, err := os.Open(name)
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, len(feast.SQLiteMagic))
	n, err := f.Read(head)
	return err == nil && string(head[:n]) == feast.SQLiteMagic
}

func (l loader) sqlite(ctx context.Context, name string) (registry.Definitions, error) {
	if l.options.Opened != nil {
		l.options.Opened(name)
	}
	d, err := feast.DecodeSQLite(ctx, name)
	if err != nil {
		return d, wrong{fmt.Errorf("%s: %w", name, err)}
	}
	d.Root, err = l.root(ctx, filepath.ToSlash(name))
	return d, err
}

// sqliteBytes reads a database that is no file yet, because it lies in a commit.
func (l loader) sqliteBytes(ctx context.Context, name string, data []byte) (d registry.Definitions, err error) {
	dir, err := os.MkdirTemp(l.options.TempDir, "featureaudit-")
	if err != nil {
		return d, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	file := filepath.Join(dir, "registry.sqlite")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		return d, err
	}
	d, err = feast.DecodeSQLite(ctx, file)
	if err != nil {
		return d, wrong{fmt.Errorf("%s: %w", name, err)}
	}
	return d, nil
}
