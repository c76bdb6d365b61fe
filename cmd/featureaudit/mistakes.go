package main

import (
	"context"
	"errors"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/featureaudit/featureaudit/audit/address"
	"github.com/featureaudit/featureaudit/audit/policy"
	"github.com/featureaudit/featureaudit/audit/store"
)

// likelyFlag is `: did you mean "--as-of"?` for a flag that is not there, where one is near, else "".
func likelyFlag(flags *pflag.FlagSet, err error) string {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) {
		return ""
	}
	var known []string
	flags.VisitAll(func(f *pflag.Flag) { known = append(known, f.Name) })
	known = append(known, "help")
	written := unknown.GetSpecifiedName()
	if group := unknown.GetSpecifiedShortnames(); group != "" {
		written = group // -path, as other programs write it
	}
	name, _, _ := strings.Cut(written, "=")
	best := policy.Nearest(strings.ReplaceAll(name, "_", "-"), known)
	if best == "" {
		return ""
	}
	return `: did you mean "--` + best + `"?`
}

// expanded says what a shell made of a glob that was not quoted: several names of files where one was expected. It is ""
// where that cannot be the cause.
func expanded(names []string) string {
	if len(names) < 2 {
		return ""
	}
	for _, name := range names {
		if info, err := os.Stat(name); err != nil || info.IsDir() {
			return ""
		}
	}
	same, extension := true, filepath.Ext(names[0])
	for _, name := range names[1:] {
		same = same && filepath.Dir(name) == filepath.Dir(names[0])
		if filepath.Ext(name) != extension {
			extension = ""
		}
	}
	glob := path.Join(filepath.ToSlash(sharedFolder(names)), "**/*"+extension)
	if same {
		glob = path.Join(filepath.ToSlash(filepath.Dir(names[0])), "*"+extension)
	}
	return "the shell has expanded a glob, it seems: quote the glob, as in '" + glob + "'"
}

// sharedFolder is the deepest folder that holds all names.
func sharedFolder(names []string) string {
	shared := filepath.Dir(names[0])
	for _, name := range names[1:] {
		for shared != "." && shared != "/" && !strings.HasPrefix(filepath.Dir(name)+"/", shared+"/") {
			shared = filepath.Dir(shared)
		}
	}
	return shared
}

// isParquet says whether a file or an object begins as Parquet does.
func (c *cli) isParquet(ctx context.Context, name string) bool {
	return string(c.firstBytes(ctx, name, 4)) == "PAR1"
}

// localOnly refuses an address where a file or folder of this machine is expected. What is an address by its look, and
// a file by that very name, is the file.
func localOnly(path string) error {
	if _, err := os.Lstat(path); err == nil {
		return nil
	}
	if len(bucketSchemes()) == 0 && slices.Contains([]string{"s3", "gs", "azblob"}, store.Scheme(path)) {
		return usagef("%s: this program was built without object stores (the tag noclouds): take one that has them, or copy or mount the files", address.Redact(path))
	}
	return usage(store.Addressed(path))
}

// readable refuses an address that no store here reads, where data are expected.
func (s stores) readable(path string) error {
	if s.distant(path) {
		return usage(s.buckets.Valid(path))
	}
	return localOnly(path)
}
