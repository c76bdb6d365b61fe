//go:build !noclouds

package blob

import (
	"context"
	"time"

	gocloud "gocloud.dev/blob"

	"github.com/featureaudit/featureaudit/audit/store"
)

// cloud is what differs from one cloud to the next.
type cloud interface {
	// open opens a bucket. It asks nothing of the network but, where need be, for credentials.
	open(ctx context.Context, at location) (*gocloud.Bucket, error)
	// attempt is the context of one request.
	attempt(ctx context.Context) context.Context
	// asking is a context whose requests are for the key as it is: the libraries write some characters of keys in a way of their own, and find no
	// object that another program has put there.
	asking(ctx context.Context, key string) context.Context
	// prefixed is asking for a list of the keys that begin so.
	prefixed(prefix string, as func(any) bool) error
	// key is that of an object in a listing, as it is.
	key(o *gocloud.ListObject) string
	// listed is the mark of an object in a listing, and look gives that of one that is looked at alone; they are the same text.
	listed(o *gocloud.ListObject) string
	look(ctx context.Context, b *bucket, key string) (looked, error)
	// pinned makes a read one of the key as it is, which fails where the object is no longer the one of that mark; an empty one is of any.
	pinned(b *bucket, key, mark string, as func(any) bool) error
	// written makes a write one of the key as it is.
	written(b *bucket, key string, onlyNew bool, as func(any) bool) error
	// read is the mark of what a reader reads, in the same text; empty where the answer does not say.
	read(as func(any) bool) string
	// answers says whether what a reader reads is the range that was asked for of what was listed, as far as the answer says: errOther where it
	// is something else, and errReplaced where it is of another version.
	answers(as func(any) bool, listed store.Entry, from, size int64) error
	// endUploads ends the uploads of keys that begin so which began before an instant and are not done, and counts them.
	endUploads(ctx context.Context, b *bucket, prefix string, before time.Time) (int, error)
	// told is what the cloud says of an error: its code, and the status of the answer; empty where there was no answer.
	told(err error) (code string, status int)
}

// looked is what a store says of an object that was looked at alone.
type looked struct {
	mark string
	// size is in bytes.
	size    int64
	changed time.Time
}

// lookOf is what the library gives.
func lookOf(ctx context.Context, b *bucket, key string) (looked, error) {
	a, err := b.Attributes(ctx, key)
	if err != nil {
		return looked{}, err
	}
	return looked{unquoted(a.ETag), a.Size, a.ModTime}, nil
}

// asked is what a context has the key by that its requests are for.
type asked struct{}

func withKey(ctx context.Context, key string) context.Context {
	return context.WithValue(ctx, asked{}, key)
}

func keyOf(ctx context.Context) (key string, known bool) {
	key, known = ctx.Value(asked{}).(string)
	return key, known
}

// clouds are those that are known, by the scheme of their addresses.
func clouds() map[string]cloud {
	return map[string]cloud{"s3": s3Cloud{}, "gs": gcsCloud{}, "azblob": azureCloud{}}
}
