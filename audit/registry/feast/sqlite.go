package feast

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	_ "modernc.org/sqlite" // the driver "sqlite", written in Go

	"github.com/featureaudit/featureaudit/audit/registry"
)

// SQLiteMagic is how every SQLite file begins.
const SQLiteMagic = "SQLite format 3\x00"

// DecodeSQLite reads the SQL registry in the SQLite file at path. The file is never written, not even its journal.
func DecodeSQLite(ctx context.Context, path string) (d registry.Definitions, err error) {
	dsn, err := sqliteDSN(path)
	if err != nil {
		return d, err
	}
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return d, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	db.SetMaxOpenConns(1)
	tx, err := db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return d, err
	}
	defer tx.Rollback() //nolint:errcheck // nothing was written
	// Views and virtual tables would run code of the file's author.
	present, err := names(ctx, tx, `SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE 'CREATE TABLE%' ORDER BY name`)
	if err != nil {
		return d, err
	}
	return decodeSQL(ctx, tx, present, quoteIdentifier)
}

// sqliteDSN opens read-only. A file or folder that cannot be written is opened as immutable, because SQLite would have
// to create a journal's index beside it otherwise.
func sqliteDSN(path string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	query := url.Values{"mode": {"ro"}, "_pragma": {"query_only(1)", "trusted_schema(0)", "busy_timeout(5000)"}}
	if _, err := os.Stat(abs + "-wal"); err != nil && !writable(filepath.Dir(abs)) {
		query.Set("immutable", "1")
	}
	return (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: filepath.ToSlash(abs)}).EscapedPath(), RawQuery: query.Encode()}).String(), nil
}

// writable says whether the permission bits allow writing; on a read-only file system the open itself tells.
func writable(dir string) bool {
	info, err := os.Stat(dir)
	return err == nil && info.Mode().Perm()&0o222 != 0
}

func names(ctx context.Context, tx *sql.Tx, query string) (list []string, err error) {
	rows, err := tx.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		if len(list) >= 10_000 {
			return nil, fmt.Errorf("more than 10,000 tables: expected a registry")
		}
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		list = append(list, name)
	}
	return list, rows.Err()
}

// quoteIdentifier quotes a name as both SQLite and PostgreSQL do.
func quoteIdentifier(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
