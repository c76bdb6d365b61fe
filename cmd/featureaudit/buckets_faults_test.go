//go:build stores

package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/featureaudit/featureaudit/fixtures/objectstore"
)

// TestABucketIsNamedOnceInAMessage: what cannot be read is told by its address, once, whatever it was to be.
func TestABucketIsNamedOnceInAMessage(t *testing.T) {
	server := objectstore.StartS3(t)
	server.Use(t)
	server.Bucket(t, "feat")
	proxy := objectstore.Front(t, server.Endpoint, func(int, *http.Request) objectstore.Answer {
		return objectstore.Answer{Status: 403, Code: "AccessDenied"}
	})
	t.Setenv("AWS_ENDPOINT_URL", proxy.URL)
	const at = "s3://feat/x"
	for _, args := range [][]string{{"gate", at}, {"report", at}, {"baseline", at}, {"report", "diff", at, at}, {"require", "v", "--report", at}, {"require", "v", "--flags", at},
		{"run", "--config", at}, {"run", at}, {"lint", at}, {"run", "--path", "data", "--baseline", at}, {"report", "trend", "v", "--history", at},
		{"run", "--path", "data", "--out", "json=" + at}} {
		cmd := program(t, args...)
		printed, _ := cmd.CombinedOutput()
		if n := strings.Count(string(printed), at); n != 1 || !says(string(printed), "the store denies access") || cmd.ProcessState.ExitCode() != exitIncomplete {
			t.Errorf("featureaudit %q: exit %d, the address stands %d times in\n%s", args, cmd.ProcessState.ExitCode(), n, printed)
		}
	}
}
