package main

import (
	"context"

	"github.com/featureaudit/featureaudit/audit"
	"github.com/featureaudit/featureaudit/audit/kept"
	"github.com/featureaudit/featureaudit/audit/policy"
	"github.com/featureaudit/featureaudit/audit/times"
	"github.com/featureaudit/featureaudit/audit/verify"
)

// contentFacts is what --facts does for what files hold.
const contentFacts = "keep the content sums of files in this folder, or in that of a bucket, and read only files that changed since (default: facts: of the config)"

// factsOfContent is a folder of kept facts as far as it knows what files hold.
type factsOfContent struct {
	dir      *kept.Dir
	memory   *verify.Memory
	asOf     times.Instant
	paranoid bool
}

// contentFacts opens the folder of kept facts for what files hold; without one nothing is known or kept.
func (c *cli) contentFacts(ctx context.Context, f factsFlags, p policy.Policy, outs []output, options *audit.Options, asOf times.Instant) (factsOfContent, error) {
	dir, err := c.factsIn(ctx, f, p, outs, options)
	return factsOfContent{dir, verify.NewMemory(dir, f.paranoid, asOf), asOf, f.paranoid}, err
}

// commit keeps what was read, and says what of the folder was not trusted or not written.
func (f factsOfContent) commit() []string {
	if f.dir == nil {
		return nil
	}
	notes := f.dir.NotUsed()
	if err := f.dir.Commit(kept.Note{By: version, AsOf: f.asOf, Paranoid: f.paranoid}); err != nil {
		notes = append(notes, err.Error())
	}
	return notes
}

// close gives up what was not committed.
func (f factsOfContent) close() {
	if f.dir != nil {
		_ = f.dir.Close() // what could not be removed is tidied by a later run
	}
}
