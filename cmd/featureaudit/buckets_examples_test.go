//go:build stores

package main

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/featureaudit/featureaudit/audit/store/blob"
	"github.com/featureaudit/featureaudit/fixtures"
	"github.com/featureaudit/featureaudit/fixtures/objectstore"
)

// TestTheExampleOfABucketRuns runs the arguments of the example for Kubernetes as they stand there, but for the folders of its pod.
func TestTheExampleOfABucketRuns(t *testing.T) {
	server := objectstore.StartS3(t)
	server.Use(t)
	server.Bucket(t, "reports")
	_, remote, asOf := incident(t, server)
	text, err := os.ReadFile(filepath.Join("..", "..", "audit", "docs", "examples", "bucket.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(string(text), "              args:\n")
	list, _, _ = strings.Cut(list, "              env:\n")
	var args []string
	for _, arg := range regexp.MustCompile(`(?m)^ +- (\S+)$`).FindAllStringSubmatch(list, -1) {
		args = append(args, strings.NewReplacer("/config/featureaudit.yaml", remote, "/scratch", t.TempDir()).Replace(arg[1]))
	}
	if len(args) < 6 || args[0] != "run" {
		t.Fatalf("the example has the arguments %q", args)
	}
	execute(t, 1, append(args, "--as-of", asOf)...)
	for _, name := range []string{"night.json", "night.html"} {
		if _, err := os.Stat(filepath.Join(server.Folder, "reports", name)); err != nil {
			t.Error(err)
		}
	}
}

// TestABucketOfAzureTellsNoSecret audits a container, writes to it, and asks with a wrong key: the key, a token and what is like them in an
// address stand in no output, log, report or history.
func TestABucketOfAzureTellsNoSecret(t *testing.T) {
	objectstore.StartAzure(t)
	objectstore.MakeAzureContainer(t, "feat")
	dir := t.TempDir()
	if _, err := fixtures.Incident(dir); err != nil {
		t.Fatal(err)
	}
	upload(t, filepath.Join(dir, "data", "sessions"), "azblob://feat/sessions")
	secrets := []string{"planted-secret", os.Getenv("AZURE_STORAGE_KEY"), "SECRET"}
	clean := func(what, text string) {
		t.Helper()
		for _, secret := range secrets {
			if strings.Contains(text, secret) {
				t.Errorf("%s holds %q:\n%s", what, secret, text)
			}
		}
	}
	audit := []string{"run", "--path", "azblob://feat/sessions", "--event-time", "event_time", "--entity", "user_id", "--ttl", "7d", "--as-of", "2026-11-20", "--fail-on", "never", "--log-level", "debug"}
	clean("the log", execute(t, 0, append(audit, "--out", "json=azblob://feat/out/r.json", "--history", "azblob://feat/history")...))
	s := blob.New(blob.DefaultLimits())
	t.Cleanup(func() { s.Close() })
	objects, err := s.Tree(t.Context(), "azblob://feat")
	if err != nil {
		t.Fatal(err)
	}
	written := 0
	for _, o := range objects {
		if strings.HasPrefix(o.Path, "out/") || strings.HasPrefix(o.Path, "history/") {
			written++
			f, err := s.Open(t.Context(), o.Abs)
			if err != nil {
				t.Fatal(err)
			}
			raw := make([]byte, o.Size)
			if _, err := f.ReadAt(raw, 0); err != nil {
				t.Fatal(err)
			}
			clean(o.Path, string(raw))
		}
	}
	if written < 2 {
		t.Errorf("%d objects were written, want a report and a run", written)
	}
	t.Setenv("AZURE_STORAGE_KEY", base64.StdEncoding.EncodeToString([]byte("planted-secret-that-is-wrong")))
	secrets = append(secrets, os.Getenv("AZURE_STORAGE_KEY"))
	clean("what is told of a wrong key", execute(t, 0, audit...))
	for _, address := range []string{"azblob://feat/x?sig=SECRET", "azblob://key:SECRET@feat/x", "azblob://feat/x?account_key=SECRET", "gs://key:SECRET@feat/x", "s3://feat/x?endpoint=http://u:SECRET@127.0.0.1:1"} {
		code, said := ran(t, "run", "--path", address, "--as-of", "2026-11-20", "--log-level", "debug", "--out", "json=-", "--check", "unreadable-file")
		if code == exitOK {
			t.Errorf("%s: exit 0: %s", address, said)
		}
		clean(address, said)
	}
}
