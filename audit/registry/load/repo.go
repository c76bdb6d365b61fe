package load

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/featureaudit/featureaudit/audit/address"
	"github.com/featureaudit/featureaudit/audit/registry"
	"github.com/featureaudit/featureaudit/audit/registry/feast"
)

// featureStore is the file that makes a folder a Feast repository.
const featureStore = "feature_store.yaml"

// feastConfig is what is read of a feature_store.yaml; registry is a path, or a map with one.
type feastConfig struct {
	Project  string    `yaml:"project"`
	Registry yaml.Node `yaml:"registry"`
}

// repo reads the registry that a feature_store.yaml points at.
func (l loader) repo(ctx context.Context, name string) (registry.Definitions, error) {
	data, err := l.place.read(ctx, name)
	if err != nil {
		return registry.Definitions{}, err
	}
	ref, err := l.registryOf(data)
	if err != nil {
		return registry.Definitions{}, wrong{fmt.Errorf("%s: %w", name, err)}
	}
	d, err := l.registered(ctx, name, ref)
	if err != nil {
		return d, err
	}
	if local := l.place.local(name); local != "" {
		if d.Root, err = filepath.Abs(filepath.Dir(local)); err != nil {
			return d, err
		}
	}
	return d, nil
}

func (l loader) registered(ctx context.Context, name, ref string) (registry.Definitions, error) {
	c, inGit := l.place.(commit)
	if inGit && (strings.Contains(ref, "://") || path.IsAbs(ref)) {
		return registry.Definitions{}, wrong{fmt.Errorf("%s: its registry %s is kept elsewhere and holds what is registered now, not what commit %s says; %s", name, address.Redact(ref), short(c.id), applyBoth)}
	}
	if feast.IsPostgres(ref) {
		return l.postgres(ctx, ref)
	}
	if d, known, err := l.fetched(ctx, l.atFeastsServer(ref)); known || err != nil {
		return d, err
	}
	if scheme, rest, ok := strings.Cut(ref, "://"); ok {
		if word, _, _ := strings.Cut(scheme, "+"); word != "sqlite" {
			return registry.Definitions{}, wrong{fmt.Errorf("%s: the registry %s is not read from here: %s", name, address.Redact(ref), elsewhere(scheme))}
		}
		ref, _, _ = strings.Cut(strings.TrimPrefix(rest, "/"), "?") // sqlite:///relative, sqlite:////absolute
	}
	if !path.IsAbs(ref) {
		ref = path.Join(path.Dir(name), ref)
	}
	kind, err := l.place.kind(ctx, ref)
	if err != nil {
		return registry.Definitions{}, err
	}
	if kind != "file" && inGit {
		return registry.Definitions{}, wrong{fmt.Errorf("%s: its registry %s is not in commit %s: registries are seldom kept in git; %s", name, ref, short(c.id), applyBoth)}
	}
	if kind != "file" {
		return registry.Definitions{}, wrong{fmt.Errorf("%s: its registry %s is not there: run feast apply first, or name the registry", name, address.Redact(ref))}
	}
	d, err := l.file(ctx, ref)
	d.Source = ref
	return d, err
}

// atFeastsServer is the address of a registry with the server of S3 that Feast's own variable names, unless it says one itself.
func (l loader) atFeastsServer(ref string) string {
	if l.options.Env == nil || !strings.HasPrefix(strings.ToLower(ref), "s3://") || strings.Contains(ref, "?") {
		return ref
	}
	if endpoint, ok := l.options.Env("FEAST_S3_ENDPOINT_URL"); ok && endpoint != "" {
		return ref + "?endpoint=" + url.QueryEscape(endpoint)
	}
	return ref
}

// applyBoth says how two commits are compared whose registries are not in git.
const applyBoth = "in CI apply both sides and compare the two files: git worktree add BASE $(git merge-base origin/main HEAD), feast apply in the repository of BASE and in this one, " +
	"then featureaudit diff BASE/.../registry.db registry.db; the documentation has the recipe as a script (diff_merge_base.sh)"

// registryOf is the registry's path or address, `data/registry.db` where the file does not say.
func (l loader) registryOf(data []byte) (string, error) {
	var s feastConfig
	if err := yaml.Unmarshal(data, &s); err != nil {
		return "", fmt.Errorf("not valid YAML: %w", err)
	}
	var where string
	switch s.Registry.Kind {
	case 0:
		where = "data/registry.db"
	case yaml.ScalarNode:
		where = s.Registry.Value
	case yaml.MappingNode:
		var m struct {
			Type string `yaml:"registry_type"`
			Path string `yaml:"path"`
		}
		if err := s.Registry.Decode(&m); err != nil {
			return "", fmt.Errorf("line %d: registry: %w", s.Registry.Line, err)
		}
		if m.Type != "" && m.Type != "file" && m.Type != "sql" {
			return "", fmt.Errorf("line %d: registry_type %q is not read: expected file or sql; run feast registry-dump and name its output", s.Registry.Line, m.Type)
		}
		where = m.Path
	}
	if where == "" {
		return "", errors.New("registry: expected a path or a map with a path")
	}
	return l.expand(where)
}

var variable = regexp.MustCompile(`\$\{([A-Za-z_][A-Za-z0-9_]*)\}|\$([A-Za-z_][A-Za-z0-9_]*)`)

// expand fills in the variables of the environment, as Feast does.
func (l loader) expand(text string) (string, error) {
	var missing []string
	out := variable.ReplaceAllStringFunc(text, func(m string) string {
		name := strings.Trim(m, "${}")
		if l.options.Env != nil {
			if value, ok := l.options.Env(name); ok {
				return value
			}
		}
		missing = append(missing, name)
		return m
	})
	if len(missing) > 0 {
		return "", fmt.Errorf("registry: the variable %s is not set: set it, or name the registry itself", strings.Join(missing, ", "))
	}
	return out, nil
}
