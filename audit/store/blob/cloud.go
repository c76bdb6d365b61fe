//go:build !noclouds

package blob

import (
	"context"

	gocloud "gocloud.dev/blob"

	"github.com/featureaudit/featureaudit/audit/store"
)

// cloud is what differs from one cloud to the next.
type cloud interface {
	// open opens a bucket. It asks nothing of the network but, where need be, for credentials.
	open(ctx context.Context, at location) (*gocloud.Bucket, error)
	// attempt is the context of one request.
	attempt(ctx context.Context) context.Context
	// listed is the mark of an object in a listing, and looked that of one that was looked at alone; they are the same text.
	listed(o *gocloud.ListObject) string
	looked(a *gocloud.Attributes) string
	// pinned makes a read fail where the object is no longer the one of that mark.
	pinned(mark string, as func(any) bool) error
	// read is the mark of what a reader reads, in the same text; empty where the answer does not say.
	read(as func(any) bool) string
	// answers says whether what a reader reads is the range that was asked for of what was listed, as far as the answer says: errOther where it
	// is something else, and errReplaced where it is of another version.
	answers(as func(any) bool, listed store.Entry, from, size int64) error
	// told is what the cloud says of an error: its code, and the status of the answer; empty where there was no answer.
	told(err error) (code string, status int)
}

// clouds are those that are known, by the scheme of their addresses.
func clouds() map[string]cloud {
	return map[string]cloud{"s3": s3Cloud{}, "gs": gcsCloud{}, "azblob": azureCloud{}}
}
