package local

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// endings are how Parquet files are named; Spark's .snappy.parquet ends so too.
var endings = [...]string{".parquet", ".parq", ".pq"}

// glob is a pattern split at its first wildcard.
type glob struct {
	text string
	root string
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

// parse understands a glob: what exists by that very name is meant by it, even if it looks like a pattern.
func parse(base, text string) (glob, error) {
	full := text
	if !filepath.IsAbs(full) {
		full = filepath.Join(base, full)
	}
	full, err := filepath.Abs(full)
	if err != nil {
		return glob{}, fmt.Errorf("glob %s: %w", text, err)
	}
	if info, err := os.Stat(full); err == nil {
		if info.IsDir() {
			return glob{text: text, root: full}, nil
		}
		name := filepath.Base(full)
		return glob{text: text, root: filepath.Dir(full), pattern: escape(name), exact: true, named: true, unhidden: []string{escape(name)}}, nil
	}
	slashed := filepath.ToSlash(full)
	if !doublestar.ValidatePattern(slashed) {
		return glob{}, fmt.Errorf("glob %s: not a pattern: every [ and { needs its closing mark; want for example data/**/*.parquet", text)
	}
	root, pattern := doublestar.SplitPattern(slashed)
	g := glob{text: text, root: filepath.FromSlash(root), pattern: pattern}
	g.split()
	return g, nil
}

func escape(name string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `{`, `\{`).Replace(name)
}

func (g *glob) split() {
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

// enters says whether a folder can hold matches.
func (g *glob) enters(rel string) bool {
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

// takes says whether a file is matched, and if so whether it is data.
func (g *glob) takes(rel string) (matched, data bool) {
	if g.pattern == "" {
		return true, isParquet(rel)
	}
	if !matches(g.pattern, rel) {
		return false, false
	}
	return true, g.named || isParquet(rel)
}

// Claims says whether a file of this absolute name is, or would be once it is there, among the files that a glob lists as
// data: by the name of its root as it is written and as it is without links.
func Claims(base, text, abs string) (bool, error) {
	g, err := parse(base, text)
	if err != nil {
		return false, err
	}
	roots := []string{g.root}
	if real, err := filepath.EvalSymlinks(g.root); err == nil && real != g.root {
		roots = append(roots, real)
	}
	for _, root := range roots {
		rel, err := filepath.Rel(root, abs)
		if err == nil && filepath.IsLocal(rel) && g.claims(filepath.ToSlash(rel)) {
			return true, nil
		}
	}
	return false, nil
}

func (g *glob) claims(rel string) bool {
	for dir := path.Dir(rel); dir != "."; dir = path.Dir(dir) {
		if g.hides(path.Base(dir)) {
			return false
		}
	}
	_, data := g.takes(rel)
	return data && g.reason(rel) == ""
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

// hides says whether a name is hidden. A hive folder may begin with an underscore: __log_date=2026-03-01.
func (g *glob) hides(name string) bool {
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

// reason is why a file is no data by its name; empty if its name does not say so.
func (g *glob) reason(rel string) string {
	name := path.Base(rel)
	lower := strings.ToLower(name)
	switch {
	case strings.HasSuffix(lower, ".crc"):
		return reasonChecksum
	case strings.HasSuffix(lower, ".tmp"), strings.HasSuffix(lower, ".inprogress"), strings.Contains(lower, ".inprogress."):
		return reasonTemporary
	case !g.hides(name):
		return ""
	case strings.HasPrefix(name, "_"):
		return reasonMarker
	}
	return reasonHidden
}
