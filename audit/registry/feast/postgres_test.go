//go:build postgres

// These tests need a PostgreSQL server of their own: make test-postgres.

package feast

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// TestDecodePostgres runs a server of its own, copies every SQLite registry into a schema of it, and reads them there.
func TestDecodePostgres(t *testing.T) {
	e := readExpected(t)
	url := startPostgres(t)
	for i, name := range slices.Sorted(maps.Keys(e.Registries)) {
		if !strings.HasSuffix(name, ".sqlite") {
			continue
		}
		t.Run(name, func(t *testing.T) {
			schema := fmt.Sprintf("r%d", i)
			copyTables(t, filepath.Join(testdata, name), url, schema)
			d, err := DecodePostgres(t.Context(), url+"?search_path="+schema)
			if err != nil {
				t.Fatal(err)
			}
			check(t, d, e.Registries[name])
			file, err := DecodeSQLite(t.Context(), filepath.Join(testdata, name))
			if err != nil {
				t.Fatal(err)
			}
			if d.Digest != file.Digest {
				t.Errorf("digest %s, in SQLite %s: the same rows must have the same digest", d.Digest, file.Digest)
			}
		})
	}
	t.Run("no registry", func(t *testing.T) {
		_, err := DecodePostgres(t.Context(), url+"?search_path=pg_toast")
		if err == nil || !strings.Contains(err.Error(), "the database is no Feast registry: it has no table feature_views, but no table at all") {
			t.Errorf("error %v", err)
		}
	})
	t.Run("no server", func(t *testing.T) {
		_, err := DecodePostgres(t.Context(), "postgresql+psycopg://user:secret@127.0.0.1:1/x")
		var retryable interface{ Retryable() bool }
		if err == nil || strings.Contains(err.Error(), "secret") || !errors.As(err, &retryable) {
			t.Errorf("error %v: expected one that may be cured by a retry, without the password", err)
		}
	})
}

// startPostgres starts a server in a temporary folder and stops it with the test.
func startPostgres(t *testing.T) string {
	t.Helper()
	initdb, err := exec.LookPath("initdb")
	if err != nil {
		found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb") // the pattern is well formed
		if len(found) == 0 {
			t.Fatal("no PostgreSQL server is installed here (initdb): install one, as .ci/run does")
		}
		initdb = found[len(found)-1]
	}
	if initdb, err = filepath.EvalSymlinks(initdb); err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "featureaudit-pg-") // short: it holds a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	as := unprivileged(t, dir)
	runAs(t, as, dir, initdb, "-D", filepath.Join(dir, "data"), "-U", "feast", "-A", "trust", "-E", "UTF8", "--no-sync")
	port := freePort(t)
	ctl := filepath.Join(filepath.Dir(initdb), "pg_ctl")
	runAs(t, as, dir, ctl, "-D", filepath.Join(dir, "data"), "-w", "-l", filepath.Join(dir, "log"), "-o", fmt.Sprintf("-F -p %d -k %s -c listen_addresses=127.0.0.1", port, dir), "start")
	t.Cleanup(func() { runAs(t, as, dir, ctl, "-D", filepath.Join(dir, "data"), "-m", "immediate", "stop") })
	return fmt.Sprintf("postgres://feast@127.0.0.1:%d/postgres", port)
}

// unprivileged is whom the server runs as: it refuses to run as root.
func unprivileged(t *testing.T, dir string) *syscall.Credential {
	t.Helper()
	if os.Getuid() != 0 {
		return nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.Atoi(u.Uid)
		if err != nil {
			t.Fatal(err)
		}
		gid, err := strconv.Atoi(u.Gid)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(dir, uid, gid); err != nil {
			t.Fatal(err)
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	}
	t.Fatal("PostgreSQL refuses to run as root, and there is neither a user postgres nor nobody")
	return nil
}

func runAs(t *testing.T, as *syscall.Credential, dir, name string, args ...string) {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "HOME="+dir, "LC_ALL=C")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: as}
	log, err := os.CreateTemp(t.TempDir(), "log") // a pipe would stay open in the server
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Run(); err != nil {
		text, _ := os.ReadFile(log.Name()) // only for the message
		t.Fatalf("%s %s: %v\n%s", filepath.Base(name), strings.Join(args, " "), err, text)
	}
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// copyTables copies all tables of a SQLite file into a schema, with the types that SQLAlchemy gives them.
func copyTables(t *testing.T, file, url, schema string) {
	t.Helper()
	from, err := sql.Open("sqlite", "file:"+file+"?mode=ro&immutable=1")
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	to, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	defer to.Close()
	exec := func(query string, args ...any) {
		t.Helper()
		if _, err := to.Exec(query, args...); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
	}
	exec("CREATE SCHEMA " + schema)
	rows, err := from.Query(`SELECT name, sql FROM sqlite_master WHERE type = 'table'`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var name, ddl string
		if err := rows.Scan(&name, &ddl); err != nil {
			t.Fatal(err)
		}
		ddl = strings.Replace(ddl, "CREATE TABLE "+name, "CREATE TABLE "+schema+"."+name, 1)
		exec(strings.ReplaceAll(ddl, "BLOB", "BYTEA"))
		copyRows(t, from, exec, name, schema)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
}

func copyRows(t *testing.T, from *sql.DB, exec func(string, ...any), table, schema string) {
	t.Helper()
	rows, err := from.Query("SELECT * FROM " + table)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	marks := make([]string, len(columns))
	for i := range marks {
		marks[i] = "$" + strconv.Itoa(i+1)
	}
	for rows.Next() {
		values := make([]any, len(columns))
		targets := make([]any, len(columns))
		for i := range values {
			targets[i] = &values[i]
		}
		if err := rows.Scan(targets...); err != nil {
			t.Fatal(err)
		}
		for i, v := range values {
			if raw, ok := v.([]byte); ok {
				values[i] = bytes.Clone(raw)
			}
		}
		exec(fmt.Sprintf("INSERT INTO %s.%s VALUES (%s)", schema, table, strings.Join(marks, ", ")), values...)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
}
