// Package glob says what the names of a glob mean: which folders it leads into, which files it matches, and which of those are no
// data by their names. The rules are the same in every store.
package glob

import (
	"fmt"
	"path"
	"path/filepath"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/featureaudit/featureaudit/audit/store"
)

// endings are how Parquet files are named; Spark's .snappy.parquet ends so too.
var endings = [...]string{".parquet", ".parq", ".pq"}

// Glob is a pattern split at its first wildcard.
type Glob struct {
	// Text is the pattern as it was written, Root the absolute name of the folder before its first wildcard.
	Text string
	Root string
	// pattern is relative to root; empty means all Parquet files below root.
	pattern string
	// folders are the pattern's leading parts that each match one folder, up to a ** or a brace that spans folders.
	folders []string
	// exact says that files lie len(folders)+1 deep, since no part of the pattern spans folders.
	exact bool
	// named says that the last part of the pattern names its files, so that their ending is no matter.
	named bool
	// unhidden are the parts of the pattern that begin with a dot or an underscore: what they match is not hidden.
	unhidden []string
}

// Kind is what a name leads to.
type Kind int

// The kinds of names.
const (
	Nothing Kind = iota
	File
	Folder
)

// Parse understands a glob, a relative one from base: what exists by that very name is meant by it, even if it looks like a
// pattern. Its error says what is no pattern.
func Parse(base, text string, kind func(abs string) Kind) (Glob, error) {
	full := text
	if !filepath.IsAbs(full) {
		full = filepath.Join(base, full)
	}
	full, err := filepath.Abs(full)
	if err != nil {
		return Glob{}, fmt.Errorf("glob %s: %w", text, err)
	}
	switch kind(full) {
	case Folder:
		return Glob{Text: text, Root: full}, nil
	case File:
		name := filepath.Base(full)
		return Glob{Text: text, Root: filepath.Dir(full), pattern: escape(name), exact: true, named: true, unhidden: []string{escape(name)}}, nil
	case Nothing:
	}
	slashed := filepath.ToSlash(full)
	if !doublestar.ValidatePattern(slashed) {
		return Glob{}, fmt.Errorf("glob %s: not a pattern: every [ and { needs its closing mark; want for example data/**/*.parquet", text)
	}
	root, pattern := doublestar.SplitPattern(slashed)
	g := Glob{Text: text, Root: filepath.FromSlash(root), pattern: pattern}
	g.split()
	return g, nil
}

func escape(name string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `{`, `\{`).Replace(name)
}

func (g *Glob) split() {
	parts := strings.Split(g.pattern, "/")
	last := parts[len(parts)-1]
	g.named = strings.Trim(last, "*?") != ""
	for _, p := range parts {
		if strings.HasPrefix(p, "_") || strings.HasPrefix(p, ".") {
			g.unhidden = append(g.unhidden, p)
		}
	}
	for _, p := range parts[:len(parts)-1] {
		if strings.Contains(p, "**") || strings.Count(p, "{") != strings.Count(p, "}") {
			return
		}
		g.folders = append(g.folders, p)
	}
	g.exact = !strings.Contains(last, "**") && strings.Count(last, "{") == strings.Count(last, "}")
}

// Enters says whether a folder can hold matches.
func (g *Glob) Enters(rel string) bool {
	parts := strings.Split(rel, "/")
	if g.exact && len(parts) > len(g.folders) {
		return false
	}
	for i, p := range parts[:min(len(parts), len(g.folders))] {
		if !matches(g.folders[i], p) {
			return false
		}
	}
	return true
}

// matches is for patterns that are valid.
func matches(pattern, name string) bool {
	ok, err := doublestar.Match(pattern, name)
	return err == nil && ok
}

// Takes says whether a file is matched, and if so whether it is data.
func (g *Glob) Takes(rel string) (matched, data bool) {
	if g.pattern == "" {
		return true, isParquet(rel)
	}
	if !matches(g.pattern, rel) {
		return false, false
	}
	return true, g.named || isParquet(rel)
}

// Claims says whether a file of this name below the root is, or would be once it is there, listed as data.
func (g *Glob) Claims(rel string) bool {
	for dir := path.Dir(rel); dir != "."; dir = path.Dir(dir) {
		if g.Hides(path.Base(dir)) {
			return false
		}
	}
	_, data := g.Takes(rel)
	return data && g.Reason(rel) == ""
}

func isParquet(name string) bool {
	lower := strings.ToLower(name)
	for _, e := range endings {
		if strings.HasSuffix(lower, e) {
			return true
		}
	}
	return false
}

// Hides says whether a name is hidden. A hive folder may begin with an underscore: __log_date=2026-03-01.
func (g *Glob) Hides(name string) bool {
	if !strings.HasPrefix(name, ".") && (!strings.HasPrefix(name, "_") || strings.Contains(name, "=")) {
		return false
	}
	for _, p := range g.unhidden {
		if matches(p, name) {
			return false
		}
	}
	return true
}

// Reason is why a file is no data by its name; empty if its name does not say so.
func (g *Glob) Reason(rel string) string {
	name := path.Base(rel)
	lower := strings.ToLower(name)
	switch {
	case strings.HasSuffix(lower, ".crc"):
		return store.IgnoredChecksum
	case strings.HasSuffix(lower, ".tmp"), strings.HasSuffix(lower, ".inprogress"), strings.Contains(lower, ".inprogress."):
		return store.IgnoredTemporary
	case !g.Hides(name):
		return ""
	case strings.HasPrefix(name, "_"):
		return store.IgnoredMarker
	}
	return store.IgnoredHidden
}
