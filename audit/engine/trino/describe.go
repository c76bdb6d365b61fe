package trino

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/engine"
)

// TableName is the name of a table in its three parts.
type TableName struct{ Catalog, Schema, Table string }

// ParseName reads catalog.schema.table, whose first parts may be left out where the config says them. Parts with dots stand in double quotes.
func ParseName(text, catalog, schema string) (TableName, error) {
	var parts []string
	for rest := text; ; {
		var name string
		if strings.HasPrefix(rest, `"`) {
			name, rest = cutName(rest)
		} else if i := strings.IndexByte(rest, '.'); i >= 0 {
			name, rest = rest[:i], rest[i:]
		} else {
			name, rest = rest, ""
		}
		parts = append(parts, strings.ToLower(name))
		if rest == "" {
			break
		}
		if !strings.HasPrefix(rest, ".") {
			return TableName{}, fmt.Errorf("table %q: want catalog.schema.name", text)
		}
		rest = rest[1:]
	}
	for len(parts) < 3 {
		switch {
		case len(parts) == 2 && catalog != "":
			parts = append([]string{catalog}, parts...)
		case len(parts) == 1 && schema != "":
			parts = append([]string{schema}, parts...)
		default:
			return TableName{}, fmt.Errorf("table %q: want catalog.schema.name, or set engine.trino.catalog and engine.trino.schema", text)
		}
	}
	if len(parts) > 3 || parts[0] == "" || parts[1] == "" || parts[2] == "" {
		return TableName{}, fmt.Errorf("table %q: want catalog.schema.name", text)
	}
	return TableName{parts[0], parts[1], parts[2]}, nil
}

func (n TableName) String() string { return n.Catalog + "." + n.Schema + "." + n.Table }

func (n TableName) quoted() string {
	return quoted(n.Catalog) + "." + quoted(n.Schema) + "." + quoted(n.Table)
}

var locationOf = regexp.MustCompile(`(?m)^\s*(?:external_location|location) = '((?:[^']|'')*)'`)

var partitionsOf = regexp.MustCompile(`(?m)^\s*(?:partitioned_by|partitioning) = ARRAY\[(.*)\],?$`)

// partitionsIn are the columns that partition a table, by the statement that makes it; none of those of which only a bucket, a day or a prefix does.
func partitionsIn(statement string) []string {
	m := partitionsOf.FindStringSubmatch(statement)
	if m == nil {
		return nil
	}
	var columns []string
	for _, text := range strings.Split(m[1], ",") {
		name, ok := strings.CutPrefix(strings.TrimSpace(text), "'")
		if name, closed := strings.CutSuffix(name, "'"); ok && closed && !strings.ContainsAny(name, "'\"()") {
			columns = append(columns, strings.ToLower(name))
		}
	}
	return columns
}

var numbered = regexp.MustCompile(`(?mi)^\s*column_mapping_mode = 'id'`)

// The kinds of catalogs whose tables have versions.
const (
	connectorIceberg = "iceberg"
	connectorDelta   = "delta_lake"
)

// from is the table as a query names it.
func (d *described) from() string { return d.name + d.version }

// pin holds the queries of an order to the version of the table that was listed, whatever is written meanwhile.
func (c *Cluster) pin(ctx context.Context, d *described, o engine.Order) error {
	format := map[string]string{connectorIceberg: "Iceberg", connectorDelta: "Delta"}[d.connector]
	switch tables := o.Survey.Tables; {
	case format == "" && len(tables) == 0:
		return nil
	case format == "":
		return fmt.Errorf("the view's path is the folder of the %s table %s, and %s is a table of a catalog of the kind %s: it shows other files; name a table of a catalog of %s",
			tables[0].Format, tables[0].Root, d.name, d.connector, tables[0].Format)
	case len(tables) != 1 || tables[0].Format != format:
		return fmt.Errorf("%s is a table of %s, whose log says which files and rows count, and the view's path %q is not its folder: leave path out", d.name, format, o.View.Path)
	}
	version := fmt.Sprintf(" FOR VERSION AS OF %d", o.Survey.Tables[0].Version)
	columns, err := c.columnsOf(ctx, asking{view: o.View.Name, step: "describe"}, "SELECT * FROM "+d.name+version+" LIMIT 0")
	if err != nil {
		return err
	}
	same := len(columns) == len(d.columns)
	for name := range columns {
		_, known := d.columns[name]
		same = same && known
	}
	switch {
	case same:
		d.version = version
	case o.View.Table.Declared():
		d.version, d.columns = version, columns
	}
	return nil
}

// describe asks what a table has. Precise asks for times to the nanosecond.
func (c *Cluster) describe(ctx context.Context, view string, name TableName, precise bool) (*described, error) {
	connector, err := c.connector(ctx, view, name.Catalog)
	if err != nil {
		return nil, err
	}
	d := &described{name: name.quoted(), connector: connector, columns: map[string]string{}, precise: precise && connector == "hive"}
	a := asking{view: view, step: "describe", session: c.session(name, d)}
	err = c.query(ctx, a, "SHOW COLUMNS FROM "+d.name, func(row []any) error {
		column, _ := row[0].(string)
		d.columns[column], _ = row[1].(string)
		if extra, _ := row[2].(string); strings.Contains(extra, "partition key") {
			d.partitioned = append(d.partitioned, column)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	err = c.query(ctx, a, "SHOW CREATE TABLE "+d.name, func(row []any) error {
		text, _ := row[0].(string)
		if m := locationOf.FindStringSubmatch(text); m != nil {
			d.location = strings.ReplaceAll(m[1], "''", "'")
		}
		d.numbered = numbered.MatchString(text)
		for _, column := range partitionsIn(text) {
			if d.columns[column] != "" && !slices.Contains(d.partitioned, column) {
				d.partitioned = append(d.partitioned, column)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if d.location != "" || d.connector == connectorIceberg {
		return d, nil
	}
	// a managed table does not say where it lies: one of its files does
	err = c.query(ctx, a, `SELECT "$path" FROM `+d.name+" LIMIT 1", func(row []any) error {
		file, _ := row[0].(string)
		d.location = folderOf(file, d.partitioned)
		return nil
	})
	return d, err
}

// folderOf is the folder of a table, by one of its files: the one that holds the folders of its partitions.
func folderOf(file string, partitioned []string) string {
	folders := strings.Split(file, "/")
	folders = folders[:len(folders)-1]
	if len(partitioned) == 0 {
		return strings.Join(folders, "/")
	}
	first := partitioned[0] + "="
	for at, folder := range slices.Backward(folders) {
		if len(folder) >= len(first) && strings.EqualFold(folder[:len(first)], first) {
			return strings.Join(folders[:at], "/")
		}
	}
	return strings.Join(folders, "/")
}

// session sets how the catalog reads times: without it, Hive rounds to milliseconds.
func (c *Cluster) session(name TableName, d *described) string {
	switch {
	case d.connector != "hive":
		return ""
	case d.precise:
		return name.Catalog + ".timestamp_precision=NANOSECONDS"
	}
	return name.Catalog + ".timestamp_precision=MICROSECONDS"
}

// metadata is the file that holds the newest metadata of an Iceberg table, as the catalog knows it; empty where it does not say.
func (c *Cluster) metadata(ctx context.Context, view string, name TableName) (file string, err error) {
	history := TableName{name.Catalog, name.Schema, name.Table + "$metadata_log_entries"}
	err = c.query(ctx, asking{view: view, step: "describe"}, "SELECT max_by(file, timestamp) FROM "+history.quoted(), func(row []any) error {
		file, _ = row[0].(string)
		return nil
	})
	return file, err
}

// connector is the kind of a catalog.
func (c *Cluster) connector(ctx context.Context, view, catalog string) (string, error) {
	c.mu.Lock()
	known := c.connectors[catalog]
	c.mu.Unlock()
	if known != "" {
		return known, nil
	}
	err := c.query(ctx, asking{view: view, step: "describe"}, "SELECT connector_name FROM system.metadata.catalogs WHERE catalog_name = "+literal(catalog), func(row []any) error {
		known, _ = row[0].(string)
		return nil
	})
	if err == nil && known == "" {
		err = &Error{Type: "USER_ERROR", Name: "CATALOG_NOT_FOUND", Message: fmt.Sprintf("Trino at %s has no catalog %q: correct engine.trino.catalog or the view's table", c.config.URL, catalog)}
	}
	if err != nil {
		return "", err
	}
	c.mu.Lock()
	c.connectors[catalog] = known
	c.mu.Unlock()
	return known, nil
}
