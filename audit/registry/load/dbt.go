package load

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/featureaudit/featureaudit/audit/registry"
	"github.com/featureaudit/featureaudit/audit/registry/dbt"
	"github.com/featureaudit/featureaudit/audit/registry/yamldef"
)

// dbtProject names a folder as a dbt project.
const dbtProject = "dbt_project.yml"

// project reads the YAML below the model paths of a dbt project, whose dbt_project.yml lies in dir.
func (l loader) project(ctx context.Context, dir string, data []byte) (registry.Definitions, error) {
	var p struct {
		Paths   []string  `yaml:"model-paths"`
		Older   []string  `yaml:"source-paths"`
		Sources yaml.Node `yaml:"sources"`
	}
	name := path.Join(dir, dbtProject)
	if err := yaml.Unmarshal(data, &p); err != nil {
		return registry.Definitions{}, wrong{fmt.Errorf("%s: not valid YAML: %s", name, strings.TrimPrefix(err.Error(), "yaml: "))}
	}
	paths := p.Paths
	if len(paths) == 0 {
		paths = p.Older
	}
	if len(paths) == 0 {
		paths = []string{"models"}
	}
	var names []string
	for _, below := range paths {
		files, err := l.place.files(ctx, path.Join(dir, below))
		if err != nil {
			return registry.Definitions{}, err
		}
		names = append(names, yamlOnly(files)...)
	}
	if len(names) == 0 {
		return registry.Definitions{}, wrong{fmt.Errorf("%s: no YAML file below its model paths (%s)", name, strings.Join(paths, ", "))}
	}
	d, err := l.many(ctx, dir, names)
	if err != nil {
		return d, err
	}
	if p.Sources.Kind != 0 {
		d.Notes = append(d.Notes, fmt.Sprintf("%s:%d: sources: of the project configures sources and is not applied here: name target/manifest.json, in which dbt has resolved it", name, p.Sources.Line))
	}
	return d, nil
}

func yamlOnly(files []string) []string {
	return slices.DeleteFunc(slices.Clone(files), func(name string) bool { ext := path.Ext(name); return ext != ".yaml" && ext != ".yml" })
}

// dbtFiles reads the files of a dbt project as one set. Files that define models, tests or macros alone are counted and
// passed over.
func (l loader) dbtFiles(files []yamldef.File) (registry.Definitions, error) {
	var passed []string
	var nothing error
	defining := slices.DeleteFunc(slices.Clone(files), func(f yamldef.File) bool {
		_, err := dbt.Decode(f.Name, f.Data)
		if !errors.Is(err, dbt.ErrNothing) {
			return false
		}
		passed, nothing = append(passed, f.Name), cmp.Or(nothing, err)
		return true
	})
	if len(defining) == 0 {
		return registry.Definitions{}, nothing
	}
	d, err := merge(defining, dbt.Decode)
	if len(passed) > 0 {
		d.Notes = append(d.Notes, passedOver(passed))
	}
	return d, err
}

// passedOver names at most three of the files that define nothing here.
func passedOver(names []string) string {
	text := fmt.Sprintf("%d files define no source and no semantic model and were passed over: ", len(names))
	if len(names) == 1 {
		text = "1 file defines no source and no semantic model and was passed over: "
	}
	text += strings.Join(names[:min(3, len(names))], ", ")
	if more := len(names) - 3; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}
