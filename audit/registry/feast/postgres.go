package feast

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"

	"github.com/featureaudit/featureaudit/audit/registry"
)

// IsPostgres says whether a reference is the address of a PostgreSQL database, as libpq or SQLAlchemy write it.
func IsPostgres(ref string) bool { return postgresURL(ref) != "" }

// postgresURL is the reference as the driver takes it: SQLAlchemy names its own driver in the scheme.
func postgresURL(ref string) string {
	scheme, rest, ok := strings.Cut(ref, "://")
	if name, _, _ := strings.Cut(scheme, "+"); ok && (name == "postgres" || name == "postgresql") {
		return "postgres://" + rest
	}
	return ""
}

// DecodePostgres reads the SQL registry in a PostgreSQL database, in one read-only transaction.
func DecodePostgres(ctx context.Context, ref string) (d registry.Definitions, err error) {
	db, err := sql.Open("pgx", postgresURL(ref))
	if err != nil {
		return d, fmt.Errorf("%s: %s", Redact(ref), withoutPassword(err))
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	db.SetMaxOpenConns(1)
	tx, err := db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true, Isolation: sql.LevelRepeatableRead})
	if err != nil {
		return d, unreachable{fmt.Errorf("connect: %s", withoutPassword(err))}
	}
	defer tx.Rollback() //nolint:errcheck // nothing was written
	present, err := names(ctx, tx, `SELECT table_name FROM information_schema.tables WHERE table_type = 'BASE TABLE' AND table_schema = current_schema() ORDER BY table_name`)
	if err != nil {
		return d, err
	}
	return decodeSQL(ctx, tx, present, quoteIdentifier)
}

// unreachable is an error that another try may cure.
type unreachable struct{ error }

// Retryable marks the error.
func (unreachable) Retryable() bool { return true }

func (u unreachable) Unwrap() error { return u.error }

// Redact is a reference without its password.
func Redact(ref string) string {
	u, err := url.Parse(ref)
	if err != nil {
		scheme, _, _ := strings.Cut(ref, "://")
		return scheme + "://..."
	}
	query := u.Query()
	for _, key := range []string{"password", "sslpassword", "passfile"} {
		if query.Has(key) {
			query.Set(key, "xxxxx")
			u.RawQuery = query.Encode()
		}
	}
	return u.Redacted()
}

var passwordInError = regexp.MustCompile(`(?i)(password=\S*|://[^@\s]*@)`)

// withoutPassword is the text of a driver's error in one line; it may quote the address.
func withoutPassword(err error) string {
	return strings.Join(strings.Fields(passwordInError.ReplaceAllString(err.Error(), "...")), " ")
}
