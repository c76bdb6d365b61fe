package zone

import (
	"bufio"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// The tz database that a release of Go embeds by time/tzdata. A test compares it with the release's own sources.
const (
	embeddedGo      = "go1.26"
	embeddedVersion = "2025c"
)

// unknownVersion is the answer where a database does not say what it is.
const unknownVersion = "unknown"

// systemDirs is where the time package looks before it falls back on an embedded database, in its order.
var systemDirs = [...]string{"/usr/share/zoneinfo", "/usr/share/lib/zoneinfo", "/usr/lib/locale/TZ", "/etc/zoneinfo"}

// Version is the release of the tz database that Load reads, such as "2025b", or "unknown" where that database does
// not say. Like the time package it asks $ZONEINFO, then the system, then what is embedded.
func Version() string {
	if dir := os.Getenv("ZONEINFO"); dir != "" {
		return versionOf(dir)
	}
	for _, dir := range systemDirs {
		if _, err := os.Stat(filepath.Join(dir, "UTC")); err == nil {
			return versionOf(dir)
		}
	}
	if runtime.Version() == embeddedGo || strings.HasPrefix(runtime.Version(), embeddedGo+".") {
		return embeddedVersion
	}
	return unknownVersion
}

// versionOf reads what distributions leave in a zoneinfo directory: "# version 2025b" or a bare +VERSION file.
func versionOf(dir string) string {
	for _, name := range []string{"tzdata.zi", "+VERSION"} {
		if v := firstLine(filepath.Join(dir, name)); v != "" {
			return strings.TrimSpace(strings.TrimPrefix(v, "# version"))
		}
	}
	return unknownVersion
}

func firstLine(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	line := bufio.NewScanner(f)
	line.Scan()
	return line.Text()
}
