package duckdb

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/marcboeker/go-duckdb/mapping"
)

// Config bounds a database.
type Config struct {
	Threads int
	// MemoryLimit in bytes; 0 leaves DuckDB's own default.
	MemoryLimit int64
	// TempDir is where DuckDB spills; empty turns spilling off.
	TempDir string
}

// What the engine frees is given back at once, which takes time, below its limits of tightMemory (that of a process which may take about
// 430 MB), and of ampleMemory where values are large.
const (
	tightMemory = 160 << 20
	ampleMemory = 1 << 30
)

// Database is one in-memory DuckDB and its idle connections. It is safe for concurrent use.
type Database struct {
	db    mapping.Database
	limit int64
	mu    sync.Mutex
	idle  []*connection
	// busy are the connections in use, and opened the files that were read since they were forgotten.
	busy, opened int
}

// manyFiles is from how many files on the engine is made to forget which it has read: it keeps a kilobyte of each until its end, in
// a cache that is turned off.
const manyFiles = 1000

// ExpectLargeValues tells that values of many kilobytes will be read: what the engine frees between them adds up to more than its limit
// where its allocator keeps it.
func (d *Database) ExpectLargeValues() {
	if d.limit > 0 && d.limit < ampleMemory {
		giveBackAtOnce()
	}
}

// Resize gives the engine another memory limit, in bytes, and so many threads. No query may be running.
func (d *Database) Resize(memory int64, threads int) error {
	c, err := d.acquire()
	if err != nil {
		return err
	}
	defer d.release(c)
	d.limit = memory
	return errors.Join(c.exec("SET memory_limit = '"+strconv.FormatInt(memory, 10)+"B'"), c.exec("SET threads = "+strconv.Itoa(max(1, threads))))
}

// Version asks the linked DuckDB for its version, such as "v1.4.1". The bindings' own call frees memory that is not its own.
func Version(ctx context.Context) (string, error) {
	row, err := RunSQL(ctx, 1, 0, "SELECT version()")
	if err != nil {
		return "", fmt.Errorf("ask DuckDB for its version: %w", err)
	}
	return row[0], nil
}

// Open starts an in-memory database that judges in UTC, loads no extension and follows no environment variable.
func Open(c Config) (*Database, error) {
	settings := map[string]string{
		"TimeZone":                     "UTC",
		"autoinstall_known_extensions": "false",
		"autoload_known_extensions":    "false",
		"preserve_insertion_order":     "true",
		"enable_external_file_cache":   "false", // files are read once, and the system has a cache of them
		"allocator_flush_threshold":    "8MB",
		"temp_directory":               c.TempDir,
	}
	if c.Threads > 0 {
		settings["threads"] = strconv.Itoa(c.Threads)
	}
	if c.MemoryLimit > 0 {
		settings["memory_limit"] = strconv.FormatInt(c.MemoryLimit, 10) + "B"
	}
	var config mapping.Config
	if mapping.CreateConfig(&config) == mapping.StateError {
		return nil, errors.New("create DuckDB config")
	}
	defer mapping.DestroyConfig(&config)
	for name, value := range settings {
		if name == "TimeZone" {
			continue // set on each connection: it is a setting of the session
		}
		if mapping.SetConfig(config, name, value) == mapping.StateError {
			return nil, fmt.Errorf("DuckDB setting %s = %q was refused", name, value)
		}
	}
	d := &Database{limit: c.MemoryLimit}
	var message string
	if mapping.OpenExt(":memory:", &d.db, config, &message) == mapping.StateError {
		said, _, _ := strings.Cut(message, "\n") // advice on settings that nobody can make here follows
		return nil, fmt.Errorf("open in-memory DuckDB: %s", said)
	}
	if c.MemoryLimit > 0 && c.MemoryLimit < tightMemory {
		giveBackAtOnce()
	}
	if err := d.prepare(); err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

// prepare makes known what all connections need.
func (d *Database) prepare() error {
	c, err := d.acquire()
	if err != nil {
		return err
	}
	defer d.release(c)
	return registerReceiver(c)
}

// Close ends the database. All connections must have been given back.
func (d *Database) Close() {
	for _, c := range d.idle {
		mapping.Disconnect(&c.conn)
	}
	d.idle = nil
	mapping.Close(&d.db)
}

type connection struct {
	conn mapping.Connection
	// caching says that footers are kept from one query to the next, which pays for slices of one file only.
	caching bool
	// opened is how many files its queries named since it was given back last.
	opened int
}

func (d *Database) acquire() (*connection, error) {
	d.mu.Lock()
	if n := len(d.idle); n > 0 {
		c := d.idle[n-1]
		d.idle = d.idle[:n-1]
		d.busy++
		d.mu.Unlock()
		return c, nil
	}
	d.busy++
	d.mu.Unlock()
	c, err := d.connect()
	if err != nil {
		d.mu.Lock()
		d.busy--
		d.mu.Unlock()
	}
	return c, err
}

func (d *Database) connect() (*connection, error) {
	c := &connection{}
	if mapping.Connect(d.db, &c.conn) == mapping.StateError {
		return nil, errors.New("connect to in-memory DuckDB")
	}
	if err := c.exec("SET TimeZone = 'UTC'"); err != nil {
		mapping.Disconnect(&c.conn)
		return nil, err
	}
	return c, nil
}

func (c *connection) cacheFooters() error {
	if c.caching {
		return nil
	}
	c.caching = true
	return c.exec("SET parquet_metadata_cache = true")
}

// release gives a connection back, whose results are destroyed.
func (d *Database) release(c *connection) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.opened += c.opened
	c.opened = 0
	d.busy--
	d.idle = append(d.idle, c)
	if d.busy > 0 || d.opened < manyFiles {
		return
	}
	// no query is running, and none begins before this ends: nothing holds on to what is forgotten
	d.opened = 0
	if c.exec("SET enable_external_file_cache = false") == nil {
		trimHeap()
	}
}

func (c *connection) exec(query string) error {
	var result mapping.Result
	defer mapping.DestroyResult(&result)
	if mapping.Query(c.conn, query, &result) == mapping.StateError {
		return resultError(&result)
	}
	return nil
}

// bindings are the named values of a query: int64, string or []string.
type bindings map[string]any

// query runs one statement and gives its whole result; the caller destroys it. A cancelled context interrupts it.
func (c *connection) query(ctx context.Context, text string, values bindings) (*mapping.Result, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	var statement mapping.PreparedStatement
	defer mapping.DestroyPrepare(&statement)
	if mapping.Prepare(c.conn, text, &statement) == mapping.StateError {
		return nil, queryError(mapping.PrepareError(statement))
	}
	if got := int(mapping.NParams(statement)); got != len(values) {
		return nil, fmt.Errorf("query has %d parameters, %d values were given", got, len(values))
	}
	for name, value := range values {
		if err := bind(statement, name, value); err != nil {
			return nil, err
		}
	}
	return c.execute(ctx, statement)
}

// execute runs a statement whose parameters are bound. A cancelled context interrupts it.
func (c *connection) execute(ctx context.Context, statement mapping.PreparedStatement) (*mapping.Result, error) {
	interrupted := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		mapping.Interrupt(c.conn)
		close(interrupted)
	})
	result := &mapping.Result{}
	state := mapping.ExecutePrepared(statement, result)
	if !stop() {
		<-interrupted // else it might hit the connection's next query, or its end
	}
	if state == mapping.StateError {
		err := resultError(result)
		mapping.DestroyResult(result)
		if cause := context.Cause(ctx); cause != nil {
			return nil, cause
		}
		return nil, err
	}
	return result, nil
}

func bind(statement mapping.PreparedStatement, name string, value any) error {
	var index mapping.IdxT
	if mapping.BindParameterIndex(statement, &index, name) == mapping.StateError {
		return fmt.Errorf("query has no parameter $%s", name)
	}
	bound, err := createValue(value)
	if err != nil {
		return fmt.Errorf("parameter $%s: %w", name, err)
	}
	defer mapping.DestroyValue(&bound)
	if mapping.BindValue(statement, index, bound) == mapping.StateError {
		return fmt.Errorf("parameter $%s was refused", name)
	}
	return nil
}

func createValue(value any) (mapping.Value, error) {
	switch v := value.(type) {
	case nil:
		return mapping.CreateNullValue(), nil
	case bool:
		return mapping.CreateBool(v), nil
	case float64:
		return mapping.CreateDouble(v), nil
	case int64:
		return mapping.CreateInt64(v), nil
	case string:
		if !utf8.ValidString(v) {
			return mapping.Value{}, fmt.Errorf("%q is not UTF-8", v) // DuckDB would end the process
		}
		return mapping.CreateVarcharLength(v, mapping.IdxT(len(v))), nil
	case []string:
		if !slices.ContainsFunc(v, func(s string) bool { return !utf8.ValidString(s) }) {
			return createList(v), nil
		}
		return mapping.Value{}, fmt.Errorf("%q are not UTF-8", v)
	}
	return mapping.Value{}, fmt.Errorf("no binding for %T", value)
}

func createList(texts []string) mapping.Value {
	varchar := mapping.CreateLogicalType(mapping.TypeVarchar)
	defer mapping.DestroyLogicalType(&varchar)
	items := make([]mapping.Value, len(texts))
	for i, text := range texts {
		items[i] = mapping.CreateVarcharLength(text, mapping.IdxT(len(text)))
		defer mapping.DestroyValue(&items[i])
	}
	return mapping.CreateListValue(varchar, items)
}

// RunSQL runs one statement on a fresh database and gives the first row as text; benchmarks measure their floor with it.
func RunSQL(ctx context.Context, threads int, memory int64, query string) ([]string, error) {
	d, err := Open(Config{Threads: threads, MemoryLimit: memory})
	if err != nil {
		return nil, err
	}
	defer d.Close()
	c, err := d.acquire()
	if err != nil {
		return nil, err
	}
	defer d.release(c)
	result, err := c.query(ctx, query, nil)
	if err != nil {
		return nil, err
	}
	defer mapping.DestroyResult(result)
	var row []string
	err = eachChunk(result, func(columns []chunkColumn, rows int) error {
		for i := range columns {
			if row == nil || len(row) < len(columns) {
				row = append(row, columns[i].render(0))
			}
		}
		return nil
	})
	return row, err
}
