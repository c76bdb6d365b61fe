package trino

import (
	"context"
	"fmt"
	"strings"

	"github.com/featureaudit/featureaudit/audit/model"
)

// Place gives a view that names a table alone the path of the table's folder, where this program reads files. A view with a path, or
// without a table, stays as it is.
func (c *Cluster) Place(ctx context.Context, v model.View) (model.View, error) {
	if v.Table.Trino == "" || v.Path != "" {
		return v, nil
	}
	name, err := ParseName(v.Table.Trino, c.config.Catalog, c.config.Schema)
	if err != nil {
		return v, err
	}
	table, err := c.describe(ctx, v.Name, name, false)
	if err != nil {
		return v, err
	}
	at := table.location
	if table.connector == connectorIceberg {
		// the catalog alone knows which of the metadata files counts
		if at, err = c.metadata(ctx, v.Name, name); err != nil {
			return v, err
		}
	}
	if v.Path = here(at); v.Path == "" {
		return v, fmt.Errorf("the files of table %s lie under %q, which this program does not read: write path, the place where the same files can be read (a mounted folder or a bucket)", name, at)
	}
	return v, nil
}

// Folder is the folder of a view's table as this program's store knows it; empty where the table does not say, or this program does not read there.
func (c *Cluster) Folder(ctx context.Context, v model.View) (string, error) {
	name, err := ParseName(v.Table.Trino, c.config.Catalog, c.config.Schema)
	if err != nil {
		return "", err
	}
	table, err := c.describe(ctx, v.Name, name, false)
	if err != nil {
		return "", err
	}
	return here(table.location), nil
}

// here is a place of the cluster as this program's store knows it, empty where it is none of its kinds.
func here(location string) string {
	scheme, rest, _ := strings.Cut(location, ":")
	switch scheme {
	case "file", "local":
		return "/" + strings.Trim(rest, "/")
	case "s3", "s3a", "s3n":
		return "s3:" + strings.TrimRight(rest, "/")
	case "gs":
		return strings.TrimRight(location, "/")
	}
	return ""
}
