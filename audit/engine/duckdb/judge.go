package duckdb

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unsafe"

	"github.com/marcboeker/go-duckdb/mapping"

	"github.com/featureaudit/featureaudit/audit/engine"
)

// Judge is an in-memory DuckDB that holds fact tables only. It implements engine.Judge and is used by one goroutine at
// a time, over one connection.
//
// Tables are made once and stay empty: the rows of a view are written in a transaction that is rolled back for the next view. So the
// catalogue never changes, and a query is parsed and planned once for many views.
type Judge struct {
	db      mapping.Database
	conn    connection
	columns map[string][]engine.Column
	// loaded are the tables whose rows the present transaction holds, nil where there is none; rows is how many.
	loaded  []engine.Table
	rows    int
	queries map[string]*planned
}

// planned is a query that was parsed and planned, for about so many rows.
type planned struct {
	statement mapping.PreparedStatement
	// params are the names of its parameters, by position.
	params []string
	rows   int
}

var _ engine.Judge = (*Judge)(nil)

// OpenJudge starts a database that judges, and confines it. Config.TempDir is not used: a database without files cannot spill, and fact
// tables are small.
func OpenJudge(ctx context.Context, c Config) (*Judge, error) {
	j, err := StartJudge(ctx)
	if err != nil {
		return nil, err
	}
	if err := j.Confine(c.Threads, c.MemoryLimit); err != nil {
		return nil, errors.Join(err, j.Close())
	}
	return j, nil
}

// StartJudge starts a database and closes the doors of it: no file, no network, no extension. It is confined before it is used.
func StartJudge(ctx context.Context) (*Judge, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	j := &Judge{columns: map[string][]engine.Column{}, queries: map[string]*planned{}}
	if mapping.Open(":memory:", &j.db) == mapping.StateError {
		return nil, errors.New("open in-memory DuckDB for judging")
	}
	if mapping.Connect(j.db, &j.conn.conn) == mapping.StateError {
		mapping.Close(&j.db)
		return nil, errors.New("connect to in-memory DuckDB for judging")
	}
	err := j.set(
		"SET TimeZone = 'UTC'",
		"SET autoinstall_known_extensions = false",
		"SET autoload_known_extensions = false",
		"SET temp_directory = ''",
		// A plan is used for the rows of other views too, and of a table without rows the engine knows that its texts have no bytes and its numbers no bits.
		"SET disabled_optimizers = 'statistics_propagation,compressed_materialization'",
		"SET enable_external_access = false")
	if err != nil {
		return nil, errors.Join(err, j.Close())
	}
	return j, nil
}

// Confine bounds the engine to so many threads and bytes, after which no setting can be changed. 0 leaves DuckDB's own default.
func (j *Judge) Confine(threads int, memory int64) error {
	var settings []string
	if threads > 0 {
		settings = append(settings, "SET threads = "+strconv.Itoa(threads))
	}
	if memory > 0 {
		settings = append(settings, "SET memory_limit = '"+strconv.FormatInt(memory, 10)+"B'")
	}
	return j.set(append(settings, "SET lock_configuration = true")...)
}

func (j *Judge) set(settings ...string) error {
	for _, setting := range settings {
		if err := j.conn.exec(setting); err != nil {
			return fmt.Errorf("%s: %w", setting, err)
		}
	}
	return nil
}

// Close ends the database.
func (j *Judge) Close() error {
	j.forget()
	mapping.Disconnect(&j.conn.conn)
	mapping.Close(&j.db)
	return nil
}

// forget drops all planned queries.
func (j *Judge) forget() {
	for _, q := range j.queries {
		mapping.DestroyPrepare(&q.statement)
	}
	clear(j.queries)
}

// Load replaces the rows of every table.
func (j *Judge) Load(ctx context.Context, tables []engine.Table) (err error) {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	if err := j.end(); err != nil {
		return err
	}
	if err := j.drop(tables); err != nil {
		return err
	}
	if len(tables) == 0 {
		return nil
	}
	for _, table := range tables {
		if err := j.create(table); err != nil {
			return fmt.Errorf("load fact table %s: %w", table.Name, err)
		}
	}
	return j.begin(ctx, tables)
}

// begin writes the rows of tables in a transaction of their own.
func (j *Judge) begin(ctx context.Context, tables []engine.Table) error {
	if err := j.conn.exec("BEGIN"); err != nil {
		return err
	}
	j.loaded, j.rows = tables, 0
	for _, table := range tables {
		rows, err := j.append(ctx, table)
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
	return j.conn.exec("ROLLBACK")
}

// drop takes away the tables that are not among these.
func (j *Judge) drop(tables []engine.Table) error {
	for _, name := range slices.Sorted(maps.Keys(j.columns)) {
		if slices.ContainsFunc(tables, func(t engine.Table) bool { return t.Name == name }) {
			continue
		}
		quoted, err := quoteIdentifier(name)
		if err != nil {
			return err
		}
		j.forget()
		if err := j.conn.exec("DROP TABLE " + quoted); err != nil {
			return fmt.Errorf("drop fact table %s: %w", name, err)
		}
		delete(j.columns, name)
	}
	return nil
}

// create makes a table that is not there yet, or not with these columns.
func (j *Judge) create(table engine.Table) error {
	before, known := j.columns[table.Name]
	if known && slices.Equal(before, table.Columns) {
		return nil
	}
	create, err := createTable(table)
	if err != nil {
		return err
	}
	j.forget()
	if err := j.conn.exec(create); err != nil {
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

// append writes the rows of a table, a chunk of the engine's size at a time.
func (j *Judge) append(ctx context.Context, table engine.Table) (rows int, err error) {
	types := make([]mapping.LogicalType, len(table.Columns))
	for i, column := range table.Columns {
		types[i] = mapping.CreateLogicalType(typeOf(column.Type))
		defer mapping.DestroyLogicalType(&types[i])
	}
	chunk := mapping.CreateDataChunk(types)
	defer mapping.DestroyDataChunk(&chunk)
	w := chunkWriter{columns: table.Columns, chunk: chunk, size: int(mapping.VectorSize())}
	for row := range table.Rows {
		if w.appender.Ptr == nil {
			if mapping.AppenderCreate(j.conn.conn, "", table.Name, &w.appender) == mapping.StateError {
				return 0, errors.Join(queryError(mapping.AppenderError(w.appender)), w.close())
			}
			w.begin()
		}
		if err := cmp.Or(ctx.Err(), w.add(row)); err != nil {
			return 0, errors.Join(err, w.close())
		}
		rows++
	}
	if w.appender.Ptr == nil {
		return 0, nil
	}
	return rows, errors.Join(w.flush(), w.close())
}

func typeOf(t engine.ColumnType) mapping.Type {
	switch t {
	case engine.BigInt:
		return mapping.TypeBigInt
	case engine.Boolean:
		return mapping.TypeBoolean
	default:
		return mapping.TypeVarchar
	}
}

// chunkWriter fills chunks in the engine's own memory.
type chunkWriter struct {
	appender mapping.Appender
	columns  []engine.Column
	chunk    mapping.DataChunk
	size     int
	rows     int
	vectors  []vectorWriter
}

// vectorWriter is one column of a chunk.
type vectorWriter struct {
	vector   mapping.Vector
	data     unsafe.Pointer
	validity unsafe.Pointer
}

// begin looks up where the chunk's columns are.
func (w *chunkWriter) begin() {
	w.rows, w.vectors = 0, w.vectors[:0]
	for i := range w.columns {
		vector := mapping.DataChunkGetVector(w.chunk, mapping.IdxT(i))
		mapping.VectorEnsureValidityWritable(vector)
		w.vectors = append(w.vectors, vectorWriter{vector, mapping.VectorGetData(vector), mapping.VectorGetValidity(vector)})
	}
}

func (w *chunkWriter) add(row []any) error {
	if len(row) != len(w.vectors) {
		return fmt.Errorf("row of %d values for %d columns", len(row), len(w.vectors))
	}
	for i, value := range row {
		if err := w.vectors[i].set(w.rows, w.columns[i], value); err != nil {
			return err
		}
	}
	if w.rows++; w.rows == w.size {
		return w.flush()
	}
	return nil
}

// set writes one value; nil is NULL.
func (v vectorWriter) set(row int, column engine.Column, value any) error {
	if value == nil {
		unsafe.Slice((*uint64)(v.validity), row>>6+1)[row>>6] &^= 1 << (uint(row) & 63)
		return nil
	}
	switch value := value.(type) {
	case int64:
		if column.Type == engine.BigInt {
			unsafe.Slice((*int64)(v.data), row+1)[row] = value
			return nil
		}
	case bool:
		if column.Type == engine.Boolean {
			unsafe.Slice((*bool)(v.data), row+1)[row] = value
			return nil
		}
	case string:
		if column.Type == engine.Varchar {
			mapping.VectorAssignStringElementLen(v.vector, mapping.IdxT(row), []byte(value))
			return nil
		}
	}
	return fmt.Errorf("column %s is %s, and the value is a %T", column.Name, column.Type, value)
}

// flush hands a chunk over and begins the next.
func (w *chunkWriter) flush() error {
	if w.rows == 0 {
		return nil
	}
	mapping.DataChunkSetSize(w.chunk, mapping.IdxT(w.rows))
	if mapping.AppendDataChunk(w.appender, w.chunk) == mapping.StateError {
		return queryError(mapping.AppenderError(w.appender))
	}
	mapping.DataChunkReset(w.chunk)
	w.begin()
	return nil
}

func (w *chunkWriter) close() error {
	var err error
	if mapping.AppenderClose(w.appender) == mapping.StateError {
		err = queryError(mapping.AppenderError(w.appender))
	}
	mapping.AppenderDestroy(&w.appender)
	return err
}

// Query runs one SELECT under the contract of engine.Row.
func (j *Judge) Query(ctx context.Context, sqlText string, params map[string]any) (found []engine.Row, err error) {
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
	q, err := j.plan(sqlText)
	if err != nil {
		return nil, err
	}
	// DuckDB silently accepts values that no parameter asks for
	wanted, given := slices.Sorted(slices.Values(q.params)), slices.Sorted(maps.Keys(params))
	if !slices.Equal(wanted, given) {
		return nil, fmt.Errorf("the query's parameters are %v, the values given are %v", wanted, given)
	}
	for _, name := range given {
		if err := bind(q.statement, name, params[name]); err != nil {
			return nil, err
		}
	}
	result, err := j.conn.execute(ctx, q.statement)
	if err != nil {
		return nil, err
	}
	defer mapping.DestroyResult(result)
	if err := compareContract(result); err != nil {
		return nil, err
	}
	return readRows(result)
}

// readRows reads an answer whose columns are those of the contract.
func readRows(result *mapping.Result) (found []engine.Row, err error) {
	var subjects, measures stringTexts
	err = eachChunk(result, func(columns []chunkColumn, rows int) error {
		subject, total, bad, measure := columns[0].vector(rows, &subjects), columns[1].vector(rows, nil), columns[2].vector(rows, nil), columns[3].vector(rows, &measures)
		for row := range rows {
			if !subject.Valid(row) || !total.Valid(row) || !bad.Valid(row) || !measure.Valid(row) {
				return fmt.Errorf("row %d has a NULL, which the contract of checks does not know", len(found)+1)
			}
			found = append(found, engine.Row{Subject: string(subject.Texts.At(row)), RowsTotal: total.Ints[row], RowsBad: bad.Ints[row], Measures: string(measure.Texts.At(row))})
		}
		return nil
	})
	return found, err
}

// tooMany is by how much the rows of a view may outgrow those that a query was planned for: another plan may be better then.
const tooMany = 8

// plan parses and plans a query, if that was not done for as many rows.
func (j *Judge) plan(sqlText string) (*planned, error) {
	q := j.queries[sqlText]
	if q != nil && j.rows <= tooMany*q.rows {
		return q, nil
	}
	if q != nil {
		mapping.DestroyPrepare(&q.statement)
		delete(j.queries, sqlText)
	}
	q = &planned{rows: max(j.rows, 1)}
	if mapping.Prepare(j.conn.conn, sqlText, &q.statement) == mapping.StateError {
		err := queryError(mapping.PrepareError(q.statement))
		mapping.DestroyPrepare(&q.statement)
		return nil, err
	}
	for i := range mapping.NParams(q.statement) {
		q.params = append(q.params, mapping.ParameterName(q.statement, i+1))
	}
	j.queries[sqlText] = q
	return q, nil
}

// contract are the columns of engine.Row.
var contract = [...]struct {
	name string
	kind mapping.Type
}{{"subject", mapping.TypeVarchar}, {"rows_total", mapping.TypeBigInt}, {"rows_bad", mapping.TypeBigInt}, {"measures", mapping.TypeVarchar}}

// compareContract refuses a result whose columns or types are not those of engine.Row: a HUGEINT from sum() would
// otherwise be read as another number.
func compareContract(result *mapping.Result) error {
	names := map[mapping.Type]string{mapping.TypeVarchar: "VARCHAR", mapping.TypeBigInt: "BIGINT", mapping.TypeHugeInt: "HUGEINT", mapping.TypeInteger: "INTEGER",
		mapping.TypeDouble: "DOUBLE", mapping.TypeDecimal: "DECIMAL", mapping.TypeBoolean: "BOOLEAN"}
	var got, want []string
	for _, c := range contract {
		want = append(want, c.name+" "+names[c.kind])
	}
	for i := range mapping.ColumnCount(result) {
		kind := mapping.ColumnType(result, i)
		got = append(got, mapping.ColumnName(result, i)+" "+cmp.Or(names[kind], fmt.Sprintf("type %d", kind)))
	}
	if !slices.Equal(got, want) {
		return fmt.Errorf("the query answers (%s), the contract of checks is (%s)", strings.Join(got, ", "), strings.Join(want, ", "))
	}
	return nil
}
