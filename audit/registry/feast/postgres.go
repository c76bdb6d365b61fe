package feast

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/featureaudit/featureaudit/audit/address"
	"github.com/featureaudit/featureaudit/audit/registry"
)

// connectWithin is how long reaching a database may take, all its hosts together, where the address sets no
// connect_timeout.
const connectWithin = 10 * time.Second

// IsPostgres says whether a reference is meant as a PostgreSQL database: the address that libpq or SQLAlchemy write, or
// something so like it that it is nothing else. DecodePostgres says what is wrong with the latter.
func IsPostgres(ref string) bool { return postgresURL(ref) != "" || mistypedPostgres.MatchString(ref) }

// mistypedPostgres is an address without its slashes, or libpq's list of settings.
var mistypedPostgres = regexp.MustCompile(`(?i)^\s*(postgres(ql)?(\+\w+)?:.*@|(host|hostaddr|dbname|user|port|password|service)\s*=\s*\S+\s+\w+\s*=)`)

// postgresURL is the reference as the driver takes it: SQLAlchemy names its own driver in the scheme.
func postgresURL(ref string) string {
	scheme, rest, ok := strings.Cut(ref, "://")
	name, _, _ := strings.Cut(strings.ToLower(scheme), "+")
	if ok && (name == "postgres" || name == "postgresql") {
		return "postgres://" + rest
	}
	return ""
}

// postgresConfig reads an address. Its errors say what to write and hold nothing of the address but its host.
func postgresConfig(ref string) (*pgx.ConnConfig, error) {
	const form = "expected postgres://USER@HOST:PORT/DATABASE?NAME=VALUE, the password after the user and a colon, or in PGPASSWORD"
	target := postgresURL(ref)
	if target == "" {
		return nil, errors.New("not the address of a database: " + form)
	}
	authority, rest, _ := strings.Cut(strings.TrimPrefix(target, "postgres://"), "/")
	path, _, _ := strings.Cut(rest, "?")
	if strings.Count(authority, "@") > 1 || strings.ContainsAny(authority, "?# ") || strings.Contains(path, "@") {
		return nil, errors.New("its user or password holds one of @ / ? # or a blank: write that as %40 %2F %3F %23 %20; " + form)
	}
	parsed, err := url.Parse(target)
	if err != nil {
		return nil, errors.New("not a valid URL: a % that is no escape is written as %25, and a port is a number; " + form)
	}
	if _, err := url.ParseQuery(parsed.RawQuery); err != nil {
		return nil, errors.New("not a valid URL: after the ? stand NAME=VALUE, with & between them, and a % that is no escape is written as %25")
	}
	config, err := pgx.ParseConfig(target)
	if err != nil {
		return nil, fmt.Errorf("not a valid address: port %q, sslmode %q or another setting is none that PostgreSQL knows; %s",
			parsed.Port(), parsed.Query().Get("sslmode"), form)
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = connectWithin
	}
	return config, nil
}

// DecodePostgres reads the SQL registry in a PostgreSQL database, in one read-only transaction.
func DecodePostgres(ctx context.Context, ref string) (d registry.Definitions, err error) {
	config, err := postgresConfig(ref)
	if err != nil {
		return d, err
	}
	db := stdlib.OpenDB(*config)
	defer func() { err = errors.Join(err, db.Close()) }()
	db.SetMaxOpenConns(1)
	connection, err := reach(ctx, db, config.ConnectTimeout)
	if err != nil {
		return d, err
	}
	defer connection.Close()
	tx, err := connection.BeginTx(ctx, &sql.TxOptions{ReadOnly: true, Isolation: sql.LevelRepeatableRead})
	if err != nil {
		return d, unreachable{fmt.Errorf("begin to read: %s", oneLine(err))}
	}
	defer tx.Rollback() //nolint:errcheck // nothing was written
	present, err := names(ctx, tx, `SELECT table_name FROM information_schema.tables WHERE table_type = 'BASE TABLE' AND table_schema = current_schema() ORDER BY table_name`)
	if err != nil {
		return d, err
	}
	return decodeSQL(ctx, tx, present, quoteIdentifier)
}

// reach connects within the time that a connection may take: a server that accepts and says nothing must not hold a run.
func reach(ctx context.Context, db *sql.DB, within time.Duration) (*sql.Conn, error) {
	limited, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	connection, err := db.Conn(limited)
	switch {
	case err == nil:
		return connection, nil
	case limited.Err() != nil && ctx.Err() == nil:
		return nil, unreachable{fmt.Errorf("connect: no answer within %s: is this the right host and port? ?connect_timeout=SECONDS waits longer", within)}
	}
	return nil, unreachable{fmt.Errorf("connect: %s", oneLine(err))}
}

// unreachable is an error that another try may cure.
type unreachable struct{ error }

// Retryable marks the error.
func (unreachable) Retryable() bool { return true }

func (u unreachable) Unwrap() error { return u.error }

// oneLine is the text of a driver's error in one line, without the secrets of an address that it quotes.
func oneLine(err error) string {
	return strings.Join(strings.Fields(address.Text(err.Error())), " ")
}
