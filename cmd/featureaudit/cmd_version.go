package main

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"strings"
	"text/tabwriter"

	"github.com/featureaudit/featureaudit/audit/engine/duckdb"
	"github.com/featureaudit/featureaudit/audit/render"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/zone"
)

// unreleased is the version of a build that was told none.
const unreleased = "dev"

// version is the release, set by the linker (-X main.version=1.2.3).
var version = unreleased

// versions are the versions that a result depends on.
type versions struct {
	Version string `json:"version"`
	// Commit and Date are those of the commit that was built, where the build knew them.
	Commit string `json:"commit,omitempty"`
	Date   string `json:"date,omitempty"`
	DuckDB string `json:"duckdb"`
	Arrow  string `json:"arrow"`
	TZData string `json:"tzdata"`
	Go     string `json:"go"`
}

func cmdVersion(ctx context.Context, c *cli, args []string) (int, error) {
	flags := newFlags("version")
	var out outFlags
	out.add(flags, only("json", "text"))
	if err := c.parse(flags, "version [flags]", "Prints the versions that a result depends on.", args); err != nil {
		return 0, err
	}
	if err := noArguments(flags); err != nil {
		return 0, err
	}
	outs, err := out.outputsOr("text")
	if err != nil {
		return 0, err
	}
	v := currentVersions(ctx)
	return exitOK, c.writeAll(outs, func(w io.Writer, format string, _ bool) error { return v.write(w, format) })
}

func (v versions) write(w io.Writer, format string) error {
	if format == "json" {
		return render.Line(w, v)
	}
	tab := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(tab, "featureaudit\t%s\n", v.Version)
	if v.Commit != "" {
		fmt.Fprintf(tab, "commit\t%s\ndate\t%s\n", v.Commit, v.Date)
	}
	fmt.Fprintf(tab, "duckdb\t%s\narrow\t%s\ntzdata\t%s\ngo\t%s\n", v.DuckDB, v.Arrow, v.TZData, v.Go)
	return tab.Flush()
}

func currentVersions(ctx context.Context) versions {
	v := versions{Version: version, DuckDB: engineVersion(ctx), Arrow: "unknown", TZData: zone.Version(), Go: runtime.Version()}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	if v.Version == unreleased && strings.HasPrefix(info.Main.Version, "v") {
		v.Version = info.Main.Version // what `go install` built
	}
	for _, setting := range info.Settings {
		switch setting.Key {
		case "vcs.revision":
			v.Commit = setting.Value
		case "vcs.time":
			v.Date = setting.Value
		}
	}
	for _, dep := range info.Deps {
		if dep.Path == "github.com/apache/arrow/go/v17" {
			v.Arrow = dep.Version
		}
	}
	return v
}

// toolVersions are the versions as a report names them.
func toolVersions(ctx context.Context) report.Tool {
	v := currentVersions(ctx)
	return report.Tool{Version: v.Version, DuckDB: v.DuckDB, Arrow: v.Arrow, TZData: v.TZData}
}

// engineVersion is the version of the linked DuckDB.
func engineVersion(ctx context.Context) string {
	version, err := duckdb.Version(ctx)
	if err != nil {
		return "unknown"
	}
	return version
}
