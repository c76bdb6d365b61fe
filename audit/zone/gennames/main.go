// Command gennames writes the list of zone names that zone evidence may propose: every zone of the tz database that
// Go's sources hold, one line for each distinct zone with all of its names.
package main

import (
	"archive/zip"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "gennames:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("%d arguments: expected the path of the list to write", len(args))
	}
	out, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return fmt.Errorf("go env GOROOT: %w", err)
	}
	dir := filepath.Join(strings.TrimSpace(string(out)), "lib", "time")
	text, err := list(dir)
	if err != nil {
		return err
	}
	return os.WriteFile(args[0], []byte(text), 0o644)
}

var release = regexp.MustCompile(`(?m)^DATA=(\S+)`)

// list is the file's text, made from the lib/time folder of a Go release.
func list(dir string) (string, error) {
	script, err := os.ReadFile(filepath.Join(dir, "update.bash"))
	if err != nil {
		return "", err
	}
	version := release.FindSubmatch(script)
	if version == nil {
		return "", fmt.Errorf("%s/update.bash: no line DATA=<release of tzdata>", dir)
	}
	names, err := namesByContent(filepath.Join(dir, "zoneinfo.zip"))
	if err != nil {
		return "", err
	}
	var lines []string
	for _, same := range names {
		slices.Sort(same)
		lines = append(lines, strings.Join(same, " "))
	}
	slices.Sort(lines)
	return fmt.Sprintf("# tzdata %s: one zone a line, with all of its names. Written by go generate ./audit/zone; do not edit.\n%s\n",
		version[1], strings.Join(lines, "\n")), nil
}

// namesByContent groups the names of one zone: those whose data are the same bytes.
func namesByContent(path string) (map[string][]string, error) {
	archive, err := zip.OpenReader(path)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	defer archive.Close()
	names := map[string][]string{}
	for _, entry := range archive.File {
		// Factory is the zone of a machine that nobody has set up
		if strings.HasSuffix(entry.Name, "/") || entry.Name == "Factory" {
			continue
		}
		content, err := read(entry)
		if err != nil {
			return nil, fmt.Errorf("read %s of %s: %w", entry.Name, path, err)
		}
		names[content] = append(names[content], entry.Name)
	}
	return names, nil
}

func read(entry *zip.File) (string, error) {
	r, err := entry.Open()
	if err != nil {
		return "", err
	}
	defer r.Close()
	content, err := io.ReadAll(r)
	return string(content), err
}
