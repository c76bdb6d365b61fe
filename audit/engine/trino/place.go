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
	scheme, rest, _ := strings.Cut(table.location, ":")
	switch scheme {
	case "file", "local":
		v.Path = "/" + strings.TrimLeft(rest, "/")
	case "s3", "s3a", "s3n":
		v.Path = "s3:" + rest
	case "gs":
		v.Path = table.location
	default:
		return v, fmt.Errorf("the files of table %s lie under %q, which this program does not read: write path, the place where the same files can be read (a mounted folder or a bucket)", name, table.location)
	}
	v.Path = strings.TrimRight(v.Path, "/")
	return v, nil
}
