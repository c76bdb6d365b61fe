//go:build !noclouds

package blob

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"os"
	"strconv"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob"
	azureBlob "github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
	gocloud "gocloud.dev/blob"
	"gocloud.dev/blob/azureblob"

	"github.com/featureaudit/featureaudit/audit/store"
)

// azureCloud is Azure Blob Storage. A bucket is a container there.
type azureCloud struct{}

func (azureCloud) open(ctx context.Context, at location) (*gocloud.Bucket, error) {
	wrong := func(err error) error {
		return &LocationError{Address: at.root(), Reason: "its storage account is not known, or a parameter is wrong (" + plain(err) + "): set AZURE_STORAGE_ACCOUNT, or append ?storage_account=NAME"}
	}
	options := azureblob.NewDefaultServiceURLOptions()
	for name, values := range at.params {
		var err error
		switch value := values[0]; name {
		case "domain":
			options.StorageDomain = value
		case "protocol":
			options.Protocol = value
		case "storage_account":
			options.AccountName = value
		case "cdn":
			options.IsCDN, err = strconv.ParseBool(value)
		case "localemu":
			options.IsLocalEmulator, err = strconv.ParseBool(value)
		}
		if err != nil {
			return nil, wrong(err)
		}
	}
	service, err := azureblob.NewServiceURL(options)
	if err != nil {
		return nil, wrong(err)
	}
	client, err := azureClient(string(service), at.bucket)
	if err != nil {
		return nil, errWithoutCredentials
	}
	return azureblob.OpenBucket(ctx, client, nil)
}

// azureClient follows azureblob.NewDefaultClient, but for two things: requests are for keys as they are, and as many connections are kept as there
// are requests at once.
func azureClient(service, name string) (*container.Client, error) {
	at, err := url.Parse(service)
	if err != nil {
		return nil, err
	}
	at = at.JoinPath(name)
	transport, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return nil, errors.New("the default transport was replaced")
	}
	transport = transport.Clone()
	transport.MaxIdleConns, transport.MaxIdleConnsPerHost, transport.ResponseHeaderTimeout = atOnce, atOnce, answerLimit
	literal := &literalKeys{}
	options := &container.ClientOptions{ClientOptions: azcore.ClientOptions{PerCallPolicies: []policy.Policy{literal}, Transport: &http.Client{Transport: transport}}}
	client, err := clientWith(options, at.String(), name)
	if err != nil {
		return nil, err
	}
	literal.container, err = url.Parse(client.URL())
	return client, err
}

// clientWith makes a client with what the environment gives, in the order of azureblob.
func clientWith(options *container.ClientOptions, at, name string) (*container.Client, error) {
	account, key, connection := os.Getenv("AZURE_STORAGE_ACCOUNT"), os.Getenv("AZURE_STORAGE_KEY"), cmp.Or(os.Getenv("AZURE_STORAGE_CONNECTION_STRING"), os.Getenv("AZURE_STORAGEBLOB_CONNECTIONSTRING"))
	switch {
	case account != "" && key != "":
		credential, err := container.NewSharedKeyCredential(account, key)
		if err != nil {
			return nil, err
		}
		return container.NewClientWithSharedKeyCredential(at, credential, options)
	case os.Getenv("AZURE_STORAGE_SAS_TOKEN") != "": // a part of the address
		return container.NewClientWithNoCredential(at, options)
	case connection != "":
		return container.NewClientFromConnectionString(connection, name, options)
	}
	credential, err := azidentity.NewDefaultAzureCredential(nil)
	if err != nil {
		return nil, err
	}
	return container.NewClient(at, credential, options)
}

// literalKeys has requests ask for keys as they are, in the container of that address, which nothing asks for before it is set.
type literalKeys struct{ container *url.URL }

// Do implements policy.Policy.
func (l *literalKeys) Do(r *policy.Request) (*http.Response, error) {
	if key, known := keyOf(r.Raw().Context()); known {
		u := r.Raw().URL
		u.Path, u.RawPath = l.container.Path+"/"+key, l.container.EscapedPath()+"/"+url.PathEscape(key)
	}
	return r.Next()
}

func (azureCloud) asking(ctx context.Context, key string) context.Context { return withKey(ctx, key) }

func (azureCloud) prefixed(prefix string, as func(any) bool) error {
	var options *container.ListBlobsHierarchyOptions
	if as(&options) {
		options.Prefix = &prefix
	}
	return nil
}

func (azureCloud) key(o *gocloud.ListObject) string {
	var item container.BlobItem
	if !o.As(&item) || item.Name == nil {
		return o.Key
	}
	return *item.Name
}

func (azureCloud) written(*bucket, string, bool, func(any) bool) error { return nil }

// attempt keeps the library from trying again by itself.
func (azureCloud) attempt(ctx context.Context) context.Context {
	return policy.WithRetryOptions(ctx, policy.RetryOptions{MaxRetries: -1})
}

func (azureCloud) listed(o *gocloud.ListObject) string {
	var item container.BlobItem
	if !o.As(&item) || item.Properties == nil || item.Properties.ETag == nil {
		return ""
	}
	return unquoted(string(*item.Properties.ETag))
}

func (azureCloud) look(ctx context.Context, b *bucket, key string) (looked, error) {
	return lookOf(ctx, b, key)
}

func (azureCloud) pinned(_ *bucket, _, mark string, as func(any) bool) error {
	var options *azblob.DownloadStreamOptions
	if mark != "" && as(&options) {
		etag := azcore.ETag(`"` + mark + `"`)
		options.AccessConditions = &azureBlob.AccessConditions{ModifiedAccessConditions: &azureBlob.ModifiedAccessConditions{IfMatch: &etag}}
	}
	return nil
}

func (azureCloud) read(as func(any) bool) string {
	var response azblob.DownloadStreamResponse
	if !as(&response) || response.ETag == nil {
		return ""
	}
	return unquoted(string(*response.ETag))
}

func (azureCloud) answers(as func(any) bool, listed store.Entry, from, size int64) error {
	var response azblob.DownloadStreamResponse
	if !as(&response) {
		return nil
	}
	return isRange(response.ContentRange, response.ContentLength, listed, from, size)
}

func (azureCloud) told(err error) (code string, status int) {
	var answer *azcore.ResponseError
	if errors.As(err, &answer) {
		return answer.ErrorCode, answer.StatusCode
	}
	return "", 0
}
