package feast

import (
	"cmp"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"hash"
	"slices"

	"github.com/featureaudit/featureaudit/audit/registry"
)

// maxRows ends the reading of a table that is no registry's; maxRowBytes of a row that is none.
const (
	maxRows     = 500_000
	maxRowBytes = 64 << 20
)

// sqlTable is one table of the SQL registry that holds definitions.
type sqlTable struct {
	name, key, proto string
	message          string
}

// sqlTables are read in this order. Which of them there are depends on the release; feature_view_version_history is
// not among them since it still shows policies that were dropped.
var sqlTables = []sqlTable{
	{"projects", "project_id", "project_proto", "Project"},
	{"entities", "entity_name", "entity_proto", "Entity"},
	{"data_sources", "data_source_name", "data_source_proto", "DataSource"},
	{"feature_views", "feature_view_name", "feature_view_proto", "FeatureView"},
	{"stream_feature_views", "feature_view_name", "feature_view_proto", "StreamFeatureView"},
	{"on_demand_feature_views", "feature_view_name", "feature_view_proto", "OnDemandFeatureView"},
	{"label_views", "feature_view_name", "feature_view_proto", "LabelView"},
	{"feature_services", "feature_service_name", "feature_service_proto", "FeatureService"},
	{"saved_datasets", "saved_dataset_name", "saved_dataset_proto", "SavedDataset"},
	{"validation_references", "validation_reference_name", "validation_reference_proto", "ValidationReference"},
	{"permissions", "permission_name", "permission_proto", "Permission"},
	{"managed_infra", "infra_name", "infra_proto", "Infra"},
}

// decodeSQL reads the tables that are present of a SQL registry.
func decodeSQL(ctx context.Context, tx *sql.Tx, present []string, quote func(string) string) (registry.Definitions, error) {
	r, err := newReader()
	if err != nil {
		return registry.Definitions{}, err
	}
	c := &content{reader: r}
	digest := sha256.New()
	found := 0
	for _, t := range sqlTables {
		if !slices.Contains(present, t.name) {
			continue
		}
		found++
		if err := c.table(ctx, tx, t, quote, digest); err != nil {
			return registry.Definitions{}, fmt.Errorf("table %s: %w", t.name, err)
		}
	}
	if found == 0 || !slices.Contains(present, "feature_views") {
		return registry.Definitions{}, fmt.Errorf("the database is no Feast registry: it has no table feature_views, but %s", tableList(present))
	}
	d := c.definitions()
	d.Unsaid = unsaidInTables(present)
	d.Digest = "sha256:" + hex.EncodeToString(digest.Sum(nil))
	return d, nil
}

// unsaidInTables are the kinds of objects that have no table here.
func unsaidInTables(present []string) []string {
	unsaid := []string{"request feature view"}
	for _, t := range sqlTables {
		if !slices.Contains(present, t.name) {
			unsaid = append(unsaid, objects()[t.message].what)
		}
	}
	return unsaid
}

func tableList(present []string) string {
	if len(present) == 0 {
		return "no table at all"
	}
	return fmt.Sprintf("%d others such as %q", len(present), clip(present[0]))
}

func (c *content) table(ctx context.Context, tx *sql.Tx, t sqlTable, quote func(string) string, digest hash.Hash) (err error) {
	query := fmt.Sprintf("SELECT %s, project_id, %s FROM %s ORDER BY project_id, %s LIMIT %d",
		quote(t.key), quote(t.proto), quote(t.name), quote(t.key), maxRows+1)
	rows, err := tx.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer func() { err = cmp.Or(err, rows.Close()) }()
	read := objects()[t.message].read
	for n := 1; rows.Next(); n++ {
		if n > maxRows {
			return fmt.Errorf("more than %d rows: expected a registry", maxRows)
		}
		var name, project string
		var proto sql.RawBytes
		if err := rows.Scan(&name, &project, &proto); err != nil {
			return fmt.Errorf("row %d: %w", n, err)
		}
		if len(proto) > maxRowBytes {
			return fmt.Errorf("row %q: %d bytes, expected at most %d", clip(name), len(proto), maxRowBytes)
		}
		fmt.Fprintf(digest, "%s\x00%q\x00%q\x00%d\x00", t.name, project, name, len(proto))
		digest.Write(proto)
		if err := read(c, merged(c.schema[t.message], proto, 0), project); err != nil {
			return fmt.Errorf("row %q of project %q: %w; a column that cuts long values (MySQL's BLOB at 64 KB) does this too", clip(name), clip(project), err)
		}
	}
	return rows.Err()
}
