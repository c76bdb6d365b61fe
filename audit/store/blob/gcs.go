//go:build !noclouds

package blob

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"cloud.google.com/go/storage"
	gocloud "gocloud.dev/blob"
	"gocloud.dev/blob/gcsblob"
	"gocloud.dev/gcp"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/google"
	"google.golang.org/api/googleapi"

	"github.com/featureaudit/featureaudit/audit/store"
)

// gcsCloud is Google Cloud Storage. The mark of an object is its generation.
type gcsCloud struct{}

// open follows gcsblob.URLOpener, but for two things: requests are tried again by this package alone, and missing credentials are an error.
func (gcsCloud) open(ctx context.Context, at location) (*gocloud.Bucket, error) {
	transport, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return nil, errors.New("the default transport was replaced")
	}
	transport = transport.Clone()
	transport.MaxIdleConns, transport.MaxIdleConnsPerHost, transport.ResponseHeaderTimeout = atOnce, atOnce, answerLimit
	client := gcp.NewAnonymousHTTPClient(transport)
	if !isTrue(at.params.Get("anonymous")) {
		credentials, err := gcp.DefaultCredentialsWithParams(ctx, google.CredentialsParams{UniverseDomain: at.params.Get("universe_domain")})
		if err != nil {
			return nil, errWithoutCredentials
		}
		if client, err = gcp.NewHTTPClient(transport, credentials.TokenSource); err != nil {
			return nil, err
		}
	}
	bucket, err := gcsblob.OpenBucket(ctx, client, at.bucket, &gcsblob.Options{})
	if err != nil {
		return nil, err
	}
	var beneath *storage.Client
	if bucket.As(&beneath) {
		beneath.SetRetry(storage.WithPolicy(storage.RetryNever))
	}
	return bucket, nil
}

func (gcsCloud) attempt(ctx context.Context) context.Context { return ctx }

// asking leaves it to the other methods: each kind of request is for an object of its own there.
func (gcsCloud) asking(ctx context.Context, _ string) context.Context { return ctx }

func (gcsCloud) prefixed(prefix string, as func(any) bool) error {
	var query *storage.Query
	if as(&query) {
		query.Prefix = prefix
	}
	return nil
}

func (gcsCloud) key(o *gocloud.ListObject) string {
	var attributes storage.ObjectAttrs
	if !o.As(&attributes) {
		return o.Key
	}
	return attributes.Name
}

func (gcsCloud) listed(o *gocloud.ListObject) string {
	var attributes storage.ObjectAttrs
	if !o.As(&attributes) {
		return ""
	}
	return strconv.FormatInt(attributes.Generation, 10)
}

func (gcsCloud) look(ctx context.Context, b *bucket, key string) (looked, error) {
	object, err := objectOf(b, key)
	if err != nil {
		return looked{}, err
	}
	a, err := object.Attrs(ctx)
	if err != nil {
		return looked{}, err
	}
	return looked{strconv.FormatInt(a.Generation, 10), a.Size, a.Updated}, nil
}

// objectOf is what requests for a key are made to.
func objectOf(b *bucket, key string) (*storage.ObjectHandle, error) {
	var client *storage.Client
	if !b.As(&client) {
		return nil, errors.New("the library has no client")
	}
	return client.Bucket(b.at.bucket).Object(key), nil
}

func (gcsCloud) pinned(b *bucket, key, mark string, as func(any) bool) error {
	object, err := objectOf(b, key)
	if err != nil {
		return err
	}
	if mark != "" {
		generation, err := strconv.ParseInt(mark, 10, 64)
		if err != nil {
			return err
		}
		object = object.If(storage.Conditions{GenerationMatch: generation})
	}
	var handle **storage.ObjectHandle
	if as(&handle) {
		*handle = object
	}
	return nil
}

func (gcsCloud) written(b *bucket, key string, onlyNew bool, as func(any) bool) error {
	object, err := objectOf(b, key)
	if err != nil {
		return err
	}
	if onlyNew {
		object = object.If(storage.Conditions{DoesNotExist: true})
	}
	var handle **storage.ObjectHandle
	if as(&handle) {
		*handle = object
	}
	return nil
}

func (gcsCloud) read(as func(any) bool) string {
	var reader *storage.Reader
	if !as(&reader) || reader.Attrs.Generation == 0 {
		return ""
	}
	return strconv.FormatInt(reader.Attrs.Generation, 10)
}

// answers leaves it to the library, which looks at where the answer begins.
func (gcsCloud) answers(func(any) bool, store.Entry, int64, int64) error { return nil }

func (gcsCloud) told(err error) (code string, status int) {
	var token *oauth2.RetrieveError
	if errors.As(err, &token) {
		return "AuthenticationFailed", 0
	}
	var answer *googleapi.Error
	if !errors.As(err, &answer) {
		return "", 0
	}
	if len(answer.Errors) > 0 {
		code = answer.Errors[0].Reason
	}
	return code, answer.Code
}
