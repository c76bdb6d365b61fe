package main

import (
	"os"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/featureaudit/featureaudit/fixtures/registries"
)

// feastRegistry writes a binary Feast registry: feast FILE [views=N] [features=N] [ttl=SECONDS] [unknown=TEXT] [changed=N].
func feastRegistry(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: feast FILE [KEY=VALUE...]")
	}
	o := registries.Options{Views: 1, Features: 2}
	for _, arg := range args[1:] {
		key, value, _ := strings.Cut(arg, "=")
		if key == "unknown" {
			o.Unknown = value
			continue
		}
		n, err := strconv.Atoi(value)
		ts.Check(err)
		switch key {
		case "views":
			o.Views = n
		case "features":
			o.Features = n
		case "ttl":
			o.TTLSeconds = int64(n)
		case "changed":
			o.Changed = n
		default:
			ts.Fatalf("feast: unknown key %q", key)
		}
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), registries.Feast(o), 0o600))
}
