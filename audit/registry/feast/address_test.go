package feast

import (
	"errors"
	"net"
	"strings"
	"testing"
	"time"
)

// TestPostgresAddresses refuses what is wrong with an address for good (no retry helps), without a part of its password.
func TestPostgresAddresses(t *testing.T) {
	for _, c := range []struct{ ref, want string }{
		{"postgres://user:SECRET@PW@127.0.0.1:1/db", "%40"},
		{"postgres://user:SEC/RET@127.0.0.1:1/db", "%2F"},
		{"postgres://user:SEC?RET@127.0.0.1:1/db", "%3F"},
		{"postgres://user:SECRET%zz@127.0.0.1:1/db", "%25"},
		{"postgres://user:SECRET@127.0.0.1:99999/db", `port "99999"`},
		{"postgres://user:SECRET@127.0.0.1:x/db", "a port is a number"},
		{"postgres://user:SECRET@127.0.0.1:1/db?sslmode=bogus", `sslmode "bogus"`},
		{"postgres://user@127.0.0.1:1/db?password=SECRET&connect_timeout=RET", "another setting"},
		{"postgres:user:SECRET@127.0.0.1/db", "expected postgres://"},
		{"POSTGRES:user:SECRET@127.0.0.1/db", "expected postgres://"},
		{"host=127.0.0.1 port=1 password=SECRET dbname=db", "expected postgres://"},
	} {
		if !IsPostgres(c.ref) {
			t.Errorf("%s: not taken for a database", c.ref)
		}
		_, err := DecodePostgres(t.Context(), c.ref)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q in it", c.ref, err, c.want)
			continue
		}
		for _, part := range []string{"SEC", "PW"} {
			if strings.Contains(err.Error(), part) {
				t.Errorf("%s: the error shows %s: %v", c.ref, part, err)
			}
		}
		var retryable interface{ Retryable() bool }
		if errors.As(err, &retryable) {
			t.Errorf("%s: %v is retryable, and no retry can cure it", c.ref, err)
		}
	}
	for _, ref := range []string{"host=web01/dt=2026-11-01/a.parquet", "user=7", "postgres:defs.yaml", "data/postgres.db"} {
		if IsPostgres(ref) {
			t.Errorf("%s is taken for a database", ref)
		}
	}
}

// TestPostgresThatSaysNothing accepts connections and never answers.
func TestPostgresThatSaysNothing(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	begin := time.Now()
	_, err = DecodePostgres(t.Context(), "postgres://u:SECRET@"+listener.Addr().String()+"/db?connect_timeout=1")
	var retryable interface{ Retryable() bool }
	if err == nil || !strings.Contains(err.Error(), "no answer within 1s") || !errors.As(err, &retryable) || strings.Contains(err.Error(), "SECRET") {
		t.Errorf("error %v, want one that a retry may cure and that names the time", err)
	}
	if took := time.Since(begin); took > 20*time.Second {
		t.Errorf("it took %s, want about 1 s", took)
	}
}
