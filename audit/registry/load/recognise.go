package load

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/featureaudit/featureaudit/audit/address"
	"github.com/featureaudit/featureaudit/audit/policy"
	"github.com/featureaudit/featureaudit/audit/registry"
	"github.com/featureaudit/featureaudit/audit/registry/dbt"
	"github.com/featureaudit/featureaudit/audit/registry/feast"
	"github.com/featureaudit/featureaudit/audit/registry/odcs"
	"github.com/featureaudit/featureaudit/audit/registry/prior"
	"github.com/featureaudit/featureaudit/audit/registry/yamldef"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/store"
)

// form is what bytes are recognised as.
type form int

const (
	formOther form = iota + 1
	formProto
	formSQLite
	formDump
	formReport
	formDefinitions
	formViews
	formConfig
	formODCS
	formDBT
	formManifest
	formProject
	formFeatureStore
)

var formWords = map[form]string{
	formProto: "Feast registry", formSQLite: "SQLite", formDump: "registry dump", formReport: "report", formDefinitions: "definitions",
	formViews: "our YAML", formConfig: "featureaudit config", formODCS: "ODCS contract", formDBT: "dbt", formManifest: "dbt manifest",
	formProject: "dbt_project.yml", formFeatureStore: "feature_store.yaml", formOther: "other",
}

func kinds(byForm map[form][]yamldef.File) string {
	var words []string
	for _, f := range slices.Sorted(maps.Keys(byForm)) {
		words = append(words, fmt.Sprintf("%s: %s", formWords[f], byForm[f][0].Name))
	}
	return strings.Join(words, ", ")
}

// recognise says from the bytes what they are. An error says that they are text of a wanted kind that cannot be read.
func recognise(data []byte) (form, error) {
	trimmed := bytes.TrimSpace(bytes.TrimPrefix(data, []byte("\ufeff")))
	switch {
	case len(data) == 0:
		return 0, errors.New("the file is empty (0 bytes): expected definitions")
	case bytes.HasPrefix(data, []byte(feast.SQLiteMagic)):
		return formSQLite, nil
	case bytes.HasPrefix(data, []byte("PAR1")):
		return 0, errors.New("a Parquet file is data, not definitions: name the registry or our YAML (featureaudit run --path audits files without definitions)")
	case bytes.HasPrefix(trimmed, []byte("{")) && json.Valid(trimmed):
		return recogniseJSON(trimmed)
	case !utf8.Valid(data) || bytes.ContainsFunc(data, binary):
		return formProto, nil
	}
	return recogniseYAML(data)
}

// binary says whether a rune stands in no text file. Even a registry without a view has such bytes.
func binary(r rune) bool { return r < ' ' && r != '\n' && r != '\r' && r != '\t' && r != '\f' }

func recogniseJSON(data []byte) (form, error) {
	var top map[string]json.RawMessage
	if err := json.Unmarshal(data, &top); err != nil {
		return 0, fmt.Errorf("not valid JSON: %w", err)
	}
	var schema string
	if raw, ok := top["schema"]; ok && json.Unmarshal(raw, &schema) == nil {
		switch schema {
		case report.Schema:
			return formReport, nil
		case registry.Schema:
			return formDefinitions, nil
		}
		if word := foreignSchema(schema); word != "" {
			return 0, errors.New(word)
		}
		if strings.HasPrefix(schema, "featureaudit.") {
			return 0, fmt.Errorf("a document of %s holds no definitions: expected %s or %s", schema, report.Schema, registry.Schema)
		}
	}
	if feast.LooksLikeDump(slices.Collect(maps.Keys(top))) {
		return formDump, nil
	}
	if kind, _ := dbt.Artifact(dbtSchema(top["metadata"])); kind == "manifest" {
		return formManifest, nil
	} else if kind != "" {
		return 0, fmt.Errorf("a dbt artifact of kind %s holds no definitions: name target/manifest.json", kind)
	}
	if word := foreign(slices.Collect(maps.Keys(top))); word != "" {
		return 0, errors.New(word)
	}
	return recogniseYAML(data)
}

// maxText is the largest YAML file that is parsed.
const maxText = 16 << 20

// recogniseYAML looks at the keys of the top level only.
func recogniseYAML(data []byte) (form, error) {
	if len(data) > maxText {
		return 0, fmt.Errorf("%d bytes of text, expected at most %d: split the definitions over several files", len(data), maxText)
	}
	if word := foreignText(data); word != "" {
		return 0, errors.New(word)
	}
	keys, err := topKeys(data)
	if err != nil {
		return 0, err
	}
	has := func(names ...string) bool {
		return slices.ContainsFunc(names, func(n string) bool { return slices.Contains(keys, n) })
	}
	switch {
	case has("apiVersion", "dataContractSpecification") && has("kind", "id", "schema", "slaProperties"):
		return formODCS, nil
	case has("views") && !has(policy.ConfigKeys()...), has("view") && !has("sources"):
		return formViews, nil
	case has("definitions", "suppress", "consumers", "views"):
		return formConfig, nil
	case has("registry", "provider") && has("project"):
		return formFeatureStore, nil
	case has("name") && has("profile", "model-paths", "source-paths", "config-version", "require-dbt-version"):
		return formProject, nil
	case has("sources", "semantic_models", "models") && !has("views"):
		return formDBT, nil
	}
	if word := foreign(keys); word != "" {
		return 0, errors.New(word)
	}
	return formOther, nil
}

func topKeys(data []byte) ([]string, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		line, text := policy.SyntaxError(data, err)
		if line > 0 {
			text = fmt.Sprintf("line %d: %s", line, text)
		}
		return nil, fmt.Errorf("neither a registry nor valid YAML or JSON: %s", text)
	}
	if len(doc.Content) == 0 || doc.Content[0].Kind != yaml.MappingNode {
		return nil, nil
	}
	var keys []string
	for i := 0; i+1 < len(doc.Content[0].Content); i += 2 {
		keys = append(keys, doc.Content[0].Content[i].Value)
	}
	return keys, nil
}

// bytes reads what one file holds.
func (l loader) bytes(ctx context.Context, name string, data []byte) (registry.Definitions, error) {
	if path.Ext(name) == ".py" {
		return registry.Definitions{}, wrong{fmt.Errorf("%s: %s", name, python(data))}
	}
	f, err := recognise(data)
	if err != nil {
		return registry.Definitions{}, wrong{fmt.Errorf("%s: %w", name, err)}
	}
	var d registry.Definitions
	switch f {
	case formSQLite:
		return l.sqliteBytes(ctx, name, data)
	case formConfig:
		return l.config(ctx, name, data)
	case formFeatureStore:
		return l.repo(ctx, name)
	case formViews, formODCS, formDBT:
		d, err = l.set(map[form][]yamldef.File{f: {{Name: name, Data: data}}})
		if err != nil {
			return d, wrong{err} // these name the file and the line themselves
		}
		return d, nil
	case formProto:
		d, err = feast.Decode(data)
	case formDump:
		d, err = feast.DecodeJSON(data)
	case formReport:
		d, err = prior.DecodeReport(data)
	case formDefinitions:
		d, err = prior.DecodeDefinitions(data)
	case formProject:
		return l.project(ctx, path.Dir(name), data)
	case formManifest:
		_, version := dbt.Artifact(schemaOf(data))
		if d, err = dbt.DecodeManifest(name, data, version); err != nil {
			return d, wrong{err}
		}
	default:
		err = errors.New(`none of the definitions that are read here: expected a Feast registry (binary, SQLite or registry-dump), a map with "views:", an ODCS contract, dbt sources or a featureaudit report`)
	}
	if err != nil {
		return d, wrong{fmt.Errorf("%s: %w", name, err)}
	}
	return d, nil
}

// set reads text files of one form as one set of definitions.
func (l loader) set(byForm map[form][]yamldef.File) (registry.Definitions, error) {
	for f, files := range byForm {
		switch f {
		case formViews:
			d, err := yamldef.Decode(files, l.options.Parse)
			if isConfig(files) {
				d.Unsaid = nil // it could say all that a config says
			}
			return d, err
		case formODCS:
			return merge(files, odcs.Decode)
		case formDBT:
			return l.dbtFiles(files)
		default:
			return registry.Definitions{}, fmt.Errorf("%s: a %s is read alone: name it", files[0].Name, formWords[f])
		}
	}
	return registry.Definitions{}, errors.New("no file")
}

// isConfig says whether a file with views alone is a whole config too: one that accepts nothing, keeps nothing and has no consumers.
func isConfig(files []yamldef.File) bool {
	if len(files) != 1 {
		return false
	}
	keys, err := topKeys(files[0].Data)
	return err == nil && slices.Contains(keys, "version")
}

// merge decodes files one by one into one set. A view that two files define is an error.
func merge(files []yamldef.File, decode func(name string, data []byte) (registry.Definitions, error)) (registry.Definitions, error) {
	var all registry.Definitions
	seen := map[string]string{}
	for _, f := range files {
		d, err := decode(f.Name, f.Data)
		if err != nil {
			return registry.Definitions{}, err
		}
		for _, v := range d.Views {
			if other, twice := seen[v.Name]; twice {
				return registry.Definitions{}, fmt.Errorf("%s: view %q is also defined in %s: keep one, or rename one", f.Name, v.Name, other)
			}
			seen[v.Name] = f.Name
		}
		all.Kind = d.Kind
		all.Views = append(all.Views, d.Views...)
		all.Notes = append(all.Notes, d.Notes...)
		all.UnknownFields = append(all.UnknownFields, d.UnknownFields...)
		all.Objects = append(all.Objects, d.Objects...)
		all.Ledger = d.Ledger
	}
	all.Finish()
	return all, nil
}

func digestOf(byForm map[form][]yamldef.File) string {
	var buf bytes.Buffer
	for _, f := range slices.Sorted(maps.Keys(byForm)) {
		for _, file := range byForm[f] {
			fmt.Fprintf(&buf, "%q %s\n", path.Base(file.Name), registry.Digest(file.Data))
		}
	}
	return registry.Digest(buf.Bytes())
}

// config reads a whole config of ours as what it would audit: its views over those of its definitions.
func (l loader) config(ctx context.Context, name string, data []byte) (registry.Definitions, error) {
	if l.depth > 0 {
		return registry.Definitions{}, wrong{fmt.Errorf("%s: a config that another config names as definitions: name its definitions themselves", name)}
	}
	f, err := policy.Parse(name, data, l.options.Parse)
	if err != nil {
		return registry.Definitions{}, wrong{err}
	}
	l.depth++
	var all registry.Definitions
	base := yamldef.FromViews(nil)
	base.Ledger = true
	for _, def := range f.Definitions {
		d, err := l.reference(ctx, name, def)
		if err != nil {
			return registry.Definitions{}, fmt.Errorf("%s: %w", def.Origin, err)
		}
		all.Views = append(all.Views, d.Views...)
		base.Entities = append(base.Entities, d.Entities...)
		base.DataSources = append(base.DataSources, d.DataSources...)
		base.FeatureServices = append(base.FeatureServices, d.FeatureServices...)
		base.UnknownFields = append(base.UnknownFields, d.UnknownFields...)
		base.Objects = append(base.Objects, d.Objects...)
		base.Ledger = base.Ledger && d.Ledger
	}
	base.Objects = append(base.Objects, yamldef.Objects(*f)...)
	views, err := all.ToViews()
	if err != nil {
		return registry.Definitions{}, wrong{err}
	}
	p, err := f.Resolve(views)
	if err != nil {
		return registry.Definitions{}, wrong{err}
	}
	resolved := yamldef.FromViews(p.Views)
	keepRegistered(resolved.Views, all.Views)
	base.Views, base.Project, base.Notes = resolved.Views, p.Project, p.Notes
	base.Finish()
	return base, nil
}

// keepRegistered gives views back what a registry knows of them and a config cannot say.
func keepRegistered(views, registered []registry.View) {
	byName := map[string]registry.View{}
	for _, v := range registered {
		byName[v.Name] = v
	}
	for i := range views {
		v := &views[i]
		def, ok := byName[v.Name]
		if !ok {
			continue
		}
		v.Entities, v.EntityColumns, v.Features, v.Tags, v.Online = def.Entities, def.EntityColumns, def.Features, def.Tags, def.Online
		v.BatchSource, v.StreamSource = def.BatchSource, def.StreamSource
		v.Materialized, v.NewerFields = def.Materialized, def.NewerFields
	}
}

// reference reads one entry of a config's `definitions:`.
func (l loader) reference(ctx context.Context, config string, def policy.DefinitionRef) (registry.Definitions, error) {
	if feast.IsPostgres(def.Ref) {
		return l.postgres(ctx, def.Ref)
	}
	if d, known, err := l.fetched(ctx, def.Ref); known || err != nil {
		return d, err
	}
	if err := store.Addressed(def.Ref); err != nil {
		return registry.Definitions{}, wrong{fmt.Errorf("definitions %w", err)}
	}
	name := def.Ref
	if !path.IsAbs(name) {
		name = path.Join(path.Dir(config), name)
	}
	kind, err := l.place.kind(ctx, name)
	if err != nil {
		return registry.Definitions{}, err
	}
	if kind == "" {
		return registry.Definitions{}, wrong{fmt.Errorf("definitions %s: no such file or folder", address.Redact(def.Ref))}
	}
	return l.at(ctx, name, kind)
}

// python says what to do with definitions that are code.
func python(data []byte) string {
	const how = `write the views as our YAML: {views: {NAME: {path: GLOB, event_time: COLUMN, entity: [COLUMN], ttl: 24h, max_age: 6h}}}`
	for _, lib := range []struct{ module, word string }{
		{"tecton", "Tecton"}, {"hsfs", "Hopsworks"}, {"hopsworks", "Hopsworks"}, {"featureform", "Featureform"}, {"databricks", "Databricks"},
	} {
		if bytes.Contains(data, []byte("import "+lib.module)) || bytes.Contains(data, []byte("from "+lib.module)) {
			return lib.word + " keeps its definitions in no open stored format, and Python is not run here: " + how
		}
	}
	if bytes.Contains(data, []byte("feast")) {
		return "Python is not run here: run feast apply (or feast registry-dump) and name the registry, or the folder of feature_store.yaml"
	}
	return "Python is not run here: name the registry that it writes, or " + how
}
