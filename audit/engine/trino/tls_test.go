//go:build trino

package trino

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// overTLS is the config of the server's other port, which takes one user with a password and shows a certificate of its own.
func overTLS(t *testing.T) Config {
	t.Helper()
	home := os.Getenv("FEATUREAUDIT_TEST_TRINO_HOME")
	if home == "" {
		t.Fatal("FEATUREAUDIT_TEST_TRINO_HOME is not set: run make test-trino, which starts a server")
	}
	plain, err := url.Parse(os.Getenv("FEATUREAUDIT_TEST_TRINO"))
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(plain.Port())
	if err != nil {
		t.Fatal(err)
	}
	password, err := Secret("password", "", filepath.Join(home, "password"), nil)
	if err != nil || password == "" {
		t.Fatalf("password %q, %v", password, err)
	}
	return Config{URL: "https://" + net.JoinHostPort("127.0.0.1", strconv.Itoa(port+10)), Catalog: "features", Schema: "default", User: "auditor", Password: password,
		CAFile: filepath.Join(home, "ca.pem")}
}

// TestTLSIsVerified: the password goes to the server whose certificate is known, and to no other.
func TestTLSIsVerified(t *testing.T) {
	ask := func(change func(*Config)) error {
		config := overTLS(t)
		change(&config)
		c, err := Open(config)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		got := ""
		err = c.query(t.Context(), asking{view: "v", step: "test"}, "SELECT current_user", func(row []any) error {
			got, _ = row[0].(string)
			return nil
		})
		if err == nil && got != "auditor" {
			t.Errorf("the server takes it for %q, want auditor", got)
		}
		return err
	}
	if err := ask(func(*Config) {}); err != nil {
		t.Errorf("with the certificate and the password: %v", err)
	}
	for name, one := range map[string]struct {
		change func(*Config)
		want   string
		retry  bool
	}{
		"an unknown certificate": {func(c *Config) { c.CAFile = "" }, "certificate", false},
		"another host's name":    {func(c *Config) { c.URL = strings.Replace(c.URL, "127.0.0.1", "ip6-localhost.invalid", 1) }, "does not answer", true},
		"a wrong password":       {func(c *Config) { c.Password = "s3cret" }, "does not take the user and password", false},
		"no password":            {func(c *Config) { c.Password = "" }, "does not take the user and password", false},
	} {
		err := ask(one.change)
		said, _ := err.(*Error)
		if said == nil || !strings.Contains(err.Error(), one.want) || said.Retryable() != one.retry || strings.Contains(err.Error(), "s3cret") || strings.Contains(err.Error(), overTLS(t).Password) {
			t.Errorf("%s: %v, want one that says %q, is retryable: %v, and holds no secret", name, err, one.want, one.retry)
		}
	}
}

// TestResourceGroupsChooseBySourceAndTags: the server's groups take audits apart from all else by both.
func TestResourceGroupsChooseBySourceAndTags(t *testing.T) {
	for source, want := range map[string]string{"": "audits", "featureaudit-nightly": "audits", "notebook": "others"} {
		c := openTest(t, func(config *Config) { config.Source = source })
		mark := fmt.Sprintf("which group %d %q", os.Getpid(), source)
		answers(t, c, "SELECT '"+mark+"'")
		got := answers(t, c, "SELECT array_join(resource_group_id, '.') FROM system.runtime.queries WHERE query = 'SELECT ''"+mark+"'''")
		if len(got) != 1 || got[0][0] != want {
			t.Errorf("the query of source %q is in group %v, want %s", source, got, want)
		}
	}
}
