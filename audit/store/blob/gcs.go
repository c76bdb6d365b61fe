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

func (gcsCloud) listed(o *gocloud.ListObject) string {
	var attributes storage.ObjectAttrs
	if !o.As(&attributes) {
		return ""
	}
	return strconv.FormatInt(attributes.Generation, 10)
}

func (gcsCloud) looked(a *gocloud.Attributes) string {
	var attributes storage.ObjectAttrs
	if !a.As(&attributes) {
		return ""
	}
	return strconv.FormatInt(attributes.Generation, 10)
}

func (gcsCloud) pinned(mark string, as func(any) bool) error {
	generation, err := strconv.ParseInt(mark, 10, 64)
	if err != nil {
		return err
	}
	var handle **storage.ObjectHandle
	if as(&handle) {
		*handle = (*handle).If(storage.Conditions{GenerationMatch: generation})
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
