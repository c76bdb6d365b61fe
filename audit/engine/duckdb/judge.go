package duckdb

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	driverduckdb "github.com/marcboeker/go-duckdb/v2"

	"github.com/featureaudit/featureaudit/audit/engine"
)

// Judge is an in-memory DuckDB that holds fact tables only. It implements engine.Judge and is used by one goroutine at
// a time, over one pinned connection.
type Judge struct {
	db     *sql.DB
	conn   *sql.Conn
	tables []string
}

var _ engine.Judge = (*Judge)(nil)

// OpenJudge starts the database and closes every door of it: no file, no network, no extension, no changed setting.
// Config.TempDir is not used: a database without files cannot spill, and fact tables are small.
func OpenJudge(ctx context.Context, c Config) (*Judge, error) {
	connector, err := driverduckdb.NewConnector("", func(conn driver.ExecerContext) error { return configureJudge(ctx, conn, c) })
	if err != nil {
		return nil, fmt.Errorf("open in-memory DuckDB for judging: %w", err)
	}
	db := sql.OpenDB(connector)
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open in-memory DuckDB for judging: %w", err), db.Close())
	}
	return &Judge{db: db, conn: conn}, nil
}

func configureJudge(ctx context.Context, conn driver.ExecerContext, c Config) error {
	settings := []string{
		"SET TimeZone = 'UTC'",
		"SET autoinstall_known_extensions = false",
		"SET autoload_known_extensions = false",
		"SET temp_directory = ''",
	}
	if c.Threads > 0 {
		settings = append(settings, "SET threads = "+strconv.Itoa(c.Threads))
	}
	if c.MemoryLimit > 0 {
		settings = append(settings, "SET memory_limit = '"+strconv.FormatInt(c.MemoryLimit, 10)+"B'")
	}
	settings = append(settings, "SET enable_external_access = false", "SET lock_configuration = true")
	for _, setting := range settings {
		if _, err := conn.ExecContext(ctx, setting, nil); err != nil {
			return fmt.Errorf("%s: %w", setting, err)
		}
	}
	return nil
}

// Close ends the database.
func (j *Judge) Close() error { return errors.Join(j.conn.Close(), j.db.Close()) }

// withoutRoom gives an error for want of memory the type of one that another try, with more of it, may cure.
func withoutRoom(err error) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	if !strings.Contains(text, "Out of Memory") && !strings.Contains(text, "bad allocation") && !strings.Contains(text, "Allocation failure") {
		return err
	}
	return engine.ResourceError{Err: fmt.Errorf("%w: %s", ErrMemory, strings.Join(strings.Fields(text), " "))}
}

// Load replaces every table.
func (j *Judge) Load(ctx context.Context, tables []engine.Table) (err error) {
	defer func() { err = withoutRoom(err) }()
	if err := context.Cause(ctx); err != nil {
		return err
	}
	for _, name := range j.tables {
		quoted, err := quoteIdentifier(name)
		if err != nil {
			return err
		}
		if _, err := j.conn.ExecContext(ctx, "DROP TABLE IF EXISTS "+quoted); err != nil {
			return fmt.Errorf("drop fact table %s: %w", name, err)
		}
	}
	j.tables = nil
	for _, table := range tables {
		if err := j.load(ctx, table); err != nil {
			return fmt.Errorf("load fact table %s: %w", table.Name, err)
		}
	}
	return nil
}

func (j *Judge) load(ctx context.Context, table engine.Table) error {
	create, err := createTable(table)
	if err != nil {
		return err
	}
	if _, err := j.conn.ExecContext(ctx, create); err != nil {
		return err
	}
	j.tables = append(j.tables, table.Name)
	return j.conn.Raw(func(raw any) error { return appendRows(ctx, raw, table) })
}

func createTable(table engine.Table) (string, error) {
	name, err := quoteIdentifier(table.Name)
	if err != nil {
		return "", err
	}
	columns := make([]string, len(table.Columns))
	for i, column := range table.Columns {
		quoted, err := quoteIdentifier(column.Name)
		if err != nil {
			return "", err
		}
		columns[i] = quoted + " " + string(column.Type)
	}
	return "CREATE TABLE " + name + " (" + strings.Join(columns, ", ") + ")", nil
}

func appendRows(ctx context.Context, raw any, table engine.Table) (err error) {
	conn, ok := raw.(driver.Conn)
	if !ok {
		return fmt.Errorf("unexpected driver connection %T", raw)
	}
	appender, err := driverduckdb.NewAppenderFromConn(conn, "", table.Name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, appender.Close()) }()
	values := make([]driver.Value, len(table.Columns))
	for row := range table.Rows {
		if len(row) != len(values) {
			return fmt.Errorf("row of %d values for %d columns", len(row), len(values))
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		for i, value := range row {
			values[i] = value
		}
		if err := appender.AppendRow(values...); err != nil {
			return err
		}
	}
	return nil
}

// Query runs one SELECT under the contract of engine.Row.
func (j *Judge) Query(ctx context.Context, sqlText string, params map[string]any) (found []engine.Row, err error) {
	defer func() { err = withoutRoom(err) }()
	// the driver may still run a short query to its end
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	if err := j.compareParams(ctx, sqlText, params); err != nil {
		return nil, err
	}
	args := make([]any, 0, len(params))
	for _, name := range slices.Sorted(maps.Keys(params)) {
		args = append(args, sql.Named(name, params[name]))
	}
	rows, err := j.conn.QueryContext(ctx, sqlText, args...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	if err := compareContract(rows); err != nil {
		return nil, err
	}
	for rows.Next() {
		var row engine.Row
		if err := rows.Scan(&row.Subject, &row.RowsTotal, &row.RowsBad, &row.Measures); err != nil {
			return nil, fmt.Errorf("row %d: %w", len(found)+1, err)
		}
		found = append(found, row)
	}
	return found, rows.Err()
}

// compareParams exists because DuckDB's driver silently accepts values that no parameter asks for.
func (j *Judge) compareParams(ctx context.Context, sqlText string, params map[string]any) error {
	wanted, err := j.paramNames(ctx, sqlText)
	if err != nil {
		return err
	}
	given := slices.Sorted(maps.Keys(params))
	if !slices.Equal(wanted, given) {
		return fmt.Errorf("the query's parameters are %v, the values given are %v", wanted, given)
	}
	return nil
}

func (j *Judge) paramNames(ctx context.Context, sqlText string) (names []string, err error) {
	err = j.conn.Raw(func(raw any) (err error) {
		conn, ok := raw.(driver.ConnPrepareContext)
		if !ok {
			return fmt.Errorf("unexpected driver connection %T", raw)
		}
		prepared, err := conn.PrepareContext(ctx, sqlText)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, prepared.Close()) }()
		statement, ok := prepared.(*driverduckdb.Stmt)
		if !ok {
			return fmt.Errorf("unexpected driver statement %T", prepared)
		}
		for i := range statement.NumInput() {
			name, err := statement.ParamName(i + 1)
			if err != nil {
				return err
			}
			names = append(names, name)
		}
		return nil
	})
	slices.Sort(names)
	return names, err
}

// compareContract refuses a result whose columns or types are not those of engine.Row: a HUGEINT from sum() would
// otherwise be scanned as text, or lose digits.
func compareContract(rows *sql.Rows) error {
	types, err := rows.ColumnTypes()
	if err != nil {
		return err
	}
	want := []string{"subject VARCHAR", "rows_total BIGINT", "rows_bad BIGINT", "measures VARCHAR"}
	got := make([]string, len(types))
	for i, t := range types {
		got[i] = t.Name() + " " + t.DatabaseTypeName()
	}
	if !slices.Equal(got, want) {
		return fmt.Errorf("the query answers (%s), the contract of checks is (%s)", strings.Join(got, ", "), strings.Join(want, ", "))
	}
	return nil
}
