package duckdb

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	driverduckdb "github.com/marcboeker/go-duckdb/v2"

	"github.com/featureaudit/featureaudit/audit/engine"
)

// Judge is an in-memory DuckDB that holds fact tables only. It implements engine.Judge and is used by one goroutine at
// a time, over one pinned connection.
//
// Tables are made once and stay empty: the rows of a view are written in a transaction that is rolled back for the next view. So the
// catalogue never changes, and a query is parsed and planned once for many views.
type Judge struct {
	db      *sql.DB
	conn    *sql.Conn
	columns map[string][]engine.Column
	// loaded are the tables whose rows the present transaction holds, nil where there is none.
	loaded  []engine.Table
	rows    int
	queries map[string]*planned
}

// planned is a query that was parsed and planned, for about so many rows.
type planned struct {
	statement *driverduckdb.Stmt
	params    []string
	rows      int
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
	return &Judge{db: db, conn: conn, columns: map[string][]engine.Column{}, queries: map[string]*planned{}}, nil
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
func (j *Judge) Close() error { return errors.Join(j.forget(), j.conn.Close(), j.db.Close()) }

// forget closes all planned queries.
func (j *Judge) forget() error {
	var errs []error
	for _, q := range j.queries {
		errs = append(errs, q.statement.Close())
	}
	clear(j.queries)
	return errors.Join(errs...)
}

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

// Load replaces the rows of every table.
func (j *Judge) Load(ctx context.Context, tables []engine.Table) (err error) {
	defer func() { err = withoutRoom(err) }()
	if err := context.Cause(ctx); err != nil {
		return err
	}
	if err := j.end(); err != nil {
		return err
	}
	if err := j.drop(ctx, tables); err != nil {
		return err
	}
	for _, table := range tables {
		if err := j.create(ctx, table); err != nil {
			return fmt.Errorf("load fact table %s: %w", table.Name, err)
		}
	}
	return j.begin(ctx, tables)
}

// begin writes the rows of tables in a transaction of their own.
func (j *Judge) begin(ctx context.Context, tables []engine.Table) error {
	if _, err := j.conn.ExecContext(ctx, "BEGIN"); err != nil {
		return err
	}
	j.loaded, j.rows = tables, 0
	for _, table := range tables {
		rows := 0
		err := j.conn.Raw(func(raw any) (err error) {
			rows, err = appendRows(ctx, raw, table)
			return err
		})
		if err != nil {
			return errors.Join(fmt.Errorf("load fact table %s: %w", table.Name, err), j.end())
		}
		j.rows += rows
	}
	return nil
}

// end takes back the rows that were loaded.
func (j *Judge) end() error {
	if j.loaded == nil {
		return nil
	}
	j.loaded = nil
	// not the caller's context: a cancelled one must not leave the rows of one view to the next
	_, err := j.conn.ExecContext(context.Background(), "ROLLBACK")
	return err
}

// drop takes away the tables that are not among these.
func (j *Judge) drop(ctx context.Context, tables []engine.Table) error {
	for _, name := range slices.Sorted(maps.Keys(j.columns)) {
		if slices.ContainsFunc(tables, func(t engine.Table) bool { return t.Name == name }) {
			continue
		}
		quoted, err := quoteIdentifier(name)
		if err != nil {
			return err
		}
		if err := j.forget(); err != nil {
			return err
		}
		if _, err := j.conn.ExecContext(ctx, "DROP TABLE "+quoted); err != nil {
			return fmt.Errorf("drop fact table %s: %w", name, err)
		}
		delete(j.columns, name)
	}
	return nil
}

// create makes a table that is not there yet, or not with these columns.
func (j *Judge) create(ctx context.Context, table engine.Table) error {
	before, known := j.columns[table.Name]
	if known && slices.Equal(before, table.Columns) {
		return nil
	}
	create, err := createTable(table)
	if err != nil {
		return err
	}
	if err := j.forget(); err != nil {
		return err
	}
	if _, err := j.conn.ExecContext(ctx, create); err != nil {
		return err
	}
	j.columns[table.Name] = table.Columns
	return nil
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
	return "CREATE OR REPLACE TABLE " + name + " (" + strings.Join(columns, ", ") + ")", nil
}

func appendRows(ctx context.Context, raw any, table engine.Table) (rows int, err error) {
	conn, ok := raw.(driver.Conn)
	if !ok {
		return rows, fmt.Errorf("unexpected driver connection %T", raw)
	}
	appender, err := driverduckdb.NewAppenderFromConn(conn, "", table.Name)
	if err != nil {
		return rows, err
	}
	defer func() { err = errors.Join(err, appender.Close()) }()
	values := make([]driver.Value, len(table.Columns))
	for row := range table.Rows {
		if len(row) != len(values) {
			return rows, fmt.Errorf("row of %d values for %d columns", len(row), len(values))
		}
		if err := ctx.Err(); err != nil {
			return rows, err
		}
		for i, value := range row {
			values[i] = value
		}
		if err := appender.AppendRow(values...); err != nil {
			return rows, err
		}
		rows++
	}
	return rows, nil
}

// Query runs one SELECT under the contract of engine.Row.
func (j *Judge) Query(ctx context.Context, sqlText string, params map[string]any) (found []engine.Row, err error) {
	defer func() { err = withoutRoom(err) }()
	// the driver may still run a short query to its end
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	found, err = j.query(ctx, sqlText, params)
	if err == nil || j.loaded == nil {
		return found, err
	}
	// a query that fails ends the transaction: what was loaded is written again for the next one
	tables := j.loaded
	return nil, errors.Join(err, j.end(), j.begin(context.WithoutCancel(ctx), tables))
}

func (j *Judge) query(ctx context.Context, sqlText string, params map[string]any) (found []engine.Row, err error) {
	q, err := j.plan(ctx, sqlText)
	if err != nil {
		return nil, err
	}
	// DuckDB's driver silently accepts values that no parameter asks for
	if given := slices.Sorted(maps.Keys(params)); !slices.Equal(slices.Sorted(slices.Values(q.params)), given) {
		return nil, fmt.Errorf("the query's parameters are %v, the values given are %v", q.params, given)
	}
	args := make([]driver.NamedValue, len(q.params))
	for i, name := range q.params {
		args[i] = driver.NamedValue{Name: name, Ordinal: i + 1, Value: params[name]}
	}
	rows, err := q.statement.QueryContext(ctx, args)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	if err := compareContract(rows); err != nil {
		return nil, err
	}
	return readRows(rows)
}

// readRows reads an answer whose columns are those of the contract.
func readRows(rows driver.Rows) (found []engine.Row, err error) {
	values := make([]driver.Value, 4)
	for {
		switch err := rows.Next(values); {
		case errors.Is(err, io.EOF):
			return found, nil
		case err != nil:
			return nil, err
		}
		var row engine.Row
		var whole [4]bool
		row.Subject, whole[0] = values[0].(string)
		row.RowsTotal, whole[1] = values[1].(int64)
		row.RowsBad, whole[2] = values[2].(int64)
		row.Measures, whole[3] = values[3].(string)
		if whole != [4]bool{true, true, true, true} {
			return nil, fmt.Errorf("row %d: %v: a NULL where the contract of checks wants none", len(found)+1, values)
		}
		found = append(found, row)
	}
}

// tooMany is by how much the rows of a view may outgrow those that a query was planned for: another plan may be better then.
const tooMany = 8

// plan parses and plans a query, if that was not done for as many rows.
func (j *Judge) plan(ctx context.Context, sqlText string) (*planned, error) {
	q := j.queries[sqlText]
	if q != nil && j.rows <= tooMany*q.rows {
		return q, nil
	}
	if q != nil {
		delete(j.queries, sqlText)
		if err := q.statement.Close(); err != nil {
			return nil, err
		}
	}
	q = &planned{rows: max(j.rows, 1)}
	err := j.conn.Raw(func(raw any) (err error) {
		conn, ok := raw.(driver.ConnPrepareContext)
		if !ok {
			return fmt.Errorf("unexpected driver connection %T", raw)
		}
		prepared, err := conn.PrepareContext(ctx, sqlText)
		if err != nil {
			return err
		}
		if q.statement, ok = prepared.(*driverduckdb.Stmt); !ok {
			return fmt.Errorf("unexpected driver statement %T", prepared)
		}
		for i := range q.statement.NumInput() {
			name, err := q.statement.ParamName(i + 1)
			if err != nil {
				return errors.Join(err, q.statement.Close())
			}
			q.params = append(q.params, name)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	j.queries[sqlText] = q
	return q, nil
}

// compareContract refuses a result whose columns or types are not those of engine.Row: a HUGEINT from sum() would
// otherwise be scanned as text, or lose digits.
func compareContract(rows driver.Rows) error {
	types, ok := rows.(driver.RowsColumnTypeDatabaseTypeName)
	if !ok {
		return fmt.Errorf("unexpected driver rows %T", rows)
	}
	want := []string{"subject VARCHAR", "rows_total BIGINT", "rows_bad BIGINT", "measures VARCHAR"}
	got := rows.Columns()
	for i, name := range got {
		got[i] = name + " " + types.ColumnTypeDatabaseTypeName(i)
	}
	if !slices.Equal(got, want) {
		return fmt.Errorf("the query answers (%s), the contract of checks is (%s)", strings.Join(got, ", "), strings.Join(want, ", "))
	}
	return nil
}
