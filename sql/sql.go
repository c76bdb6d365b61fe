// Package sql holds the program's SQL as files: facts/ reads data, checks/<id>.sql judges the facts. Values are always
// bound; the texts of checks are constant.
package sql

import (
	"embed"
	"fmt"
	"io/fs"
	"sort"
	"strings"
)

//go:embed checks/*.sql
var checkFiles embed.FS

// Check returns the SQL that judges a check, or an error where the check has none.
func Check(id string) (string, error) {
	text, err := checkFiles.ReadFile("checks/" + id + ".sql")
	if err != nil {
		return "", fmt.Errorf("sql of check %q: %w", id, err)
	}
	return string(text), nil
}

// CheckIDs lists the checks that have SQL, sorted.
func CheckIDs() ([]string, error) {
	names, err := fs.Glob(checkFiles, "checks/*.sql")
	if err != nil {
		return nil, fmt.Errorf("list the sql of checks: %w", err)
	}
	ids := make([]string, 0, len(names))
	for _, name := range names {
		ids = append(ids, strings.TrimSuffix(strings.TrimPrefix(name, "checks/"), ".sql"))
	}
	sort.Strings(ids)
	return ids, nil
}
