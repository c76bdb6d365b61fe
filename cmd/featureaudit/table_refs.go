package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/registry"
	"github.com/featureaudit/featureaudit/audit/store"
	tables "github.com/featureaudit/featureaudit/audit/table"
)

// tableRef is a version of a table on a command line: TABLE@VERSION, where TABLE is its folder, or TABLE@TIME.
type tableRef struct {
	folder string
	at     model.TableAt
}

var refForm = regexp.MustCompile(`^(.+)@(\d+|\d{4}-\d{2}-\d{2}(?:T[0-9:.]+(?:Z|[+-]\d{2}:\d{2}))?)$`)

// tableRefOf understands TABLE@VERSION; ok is false for what is none: a name that something has, or whose folder nothing has.
func tableRefOf(name string) (ref tableRef, ok bool) {
	m := refForm.FindStringSubmatch(name)
	if m == nil {
		return ref, false
	}
	if !inBucket(name) {
		info, err := os.Stat(m[1])
		if _, taken := os.Stat(name); taken == nil || err != nil || !info.IsDir() {
			return ref, false
		}
	}
	ref.folder = m[1]
	if version, err := strconv.ParseInt(m[2], 10, 64); err == nil {
		ref.at.Version = &version
		return ref, true
	}
	at, err := parseInstant("version", m[2])
	ref.at.AsOf = at
	return ref, err == nil
}

// tableKind is what definitions of a table's own log are called.
const tableKind = "table"

// tableDefinitions are the schema and the properties of a version of a table as definitions of one view: what diff compares.
func (c *cli) tableDefinitions(ctx context.Context, name string, ref tableRef) (registry.Definitions, error) {
	dir, err := os.Getwd()
	if err != nil {
		return registry.Definitions{}, err
	}
	found, err := tables.Read(ctx, c.stores, dir, ref.folder, ref.at)
	if err != nil {
		return registry.Definitions{}, err
	}
	v := registry.View{Name: filepath.Base(filepath.ToSlash(found.Root)), Kind: model.KindFeatureView, Path: store.Bare(ref.folder), Settings: map[string]string{}}
	for _, column := range found.Schema {
		kind := column.Type
		if column.Required {
			kind += " not null"
		}
		v.Features = append(v.Features, registry.Feature{Name: column.Name, Type: kind})
	}
	slices.SortFunc(v.Features, func(a, b registry.Feature) int { return strings.Compare(a.Name, b.Name) })
	for key, value := range found.Settings {
		v.Settings["table."+key] = value
	}
	if len(found.Partitions) > 0 {
		v.Settings["table.partitioned_by"] = strings.Join(found.Partitions, ", ")
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return registry.Definitions{}, err
	}
	d := registry.Definitions{Source: store.Bare(name), Kind: tableKind, Digest: fmt.Sprintf("sha256:%x", sha256.Sum256(raw)), Views: []registry.View{v}, Ledger: true}
	d.Finish()
	return d, nil
}

// atVersion are the views whose table a reference names, at its version: those whose path is its folder, or where one view alone is meant
// that one.
func (c *cli) atVersion(ref tableRef, views []model.View, names []string) ([]model.View, error) {
	root, err := absolute(store.Bare(ref.folder))
	if err != nil {
		return nil, err
	}
	if store.Scheme(ref.folder) != "" {
		root = strings.TrimRight(ref.folder, "/")
	}
	meant := selected(views, names)
	var found []model.View
	for _, v := range meant {
		place := v.Path
		if store.Scheme(place) == "" && !filepath.IsAbs(place) {
			place = store.Join(v.Root, place)
		}
		if strings.TrimRight(filepath.ToSlash(place), "/") == strings.TrimRight(root, "/") {
			v.Table = model.TableAt{Format: v.Table.Format, Version: ref.at.Version, AsOf: ref.at.AsOf}
			found = append(found, v)
		}
	}
	switch {
	case len(found) > 0:
		return found, nil
	case len(meant) == 1:
		v := meant[0]
		v.Root, v.Path, v.Table = root, root, model.TableAt{Format: v.Table.Format, Version: ref.at.Version, AsOf: ref.at.AsOf}
		return []model.View{v}, nil
	}
	return nil, usagef("%s: it is the table of none of the %d views: name one with --view", ref.folder, len(meant))
}

// holdsTable says whether a folder is that of a table.
func (c *cli) holdsTable(ctx context.Context, root string) bool {
	for _, log := range [...]string{"_delta_log", "metadata"} {
		if at, err := c.placed(ctx, store.Join(root, log)); err == nil && at.folder {
			return true
		}
	}
	return false
}
