// Command featureaudit audits an offline feature store: it reads Parquet files and feature definitions, and says
// what is stale, repeated, missing or stamped in the wrong time zone. Run it without arguments for its commands.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // the verdicts must not depend on the zones that a machine happens to have
)

func main() {
	// A scheduler closes our stderr the moment it sends SIGTERM, and `| head` closes stdout: neither may end the
	// program before its report is written.
	signal.Ignore(syscall.SIGPIPE)
	ctx := withSignals(context.Background(), end)
	end(run(ctx, os.Args[1:], os.Stdin, os.Stdout, standardError(), os.Environ()))
}
