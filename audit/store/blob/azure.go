//go:build !noclouds

package blob

import (
	"context"
	"errors"
	"strconv"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
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
	client, err := azureblob.NewDefaultClient(service, azureblob.ContainerName(at.bucket))
	if err != nil {
		return nil, errWithoutCredentials
	}
	return azureblob.OpenBucket(ctx, client, nil)
}

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

func (azureCloud) looked(a *gocloud.Attributes) string { return unquoted(a.ETag) }

func (azureCloud) pinned(mark string, as func(any) bool) error {
	var options *azblob.DownloadStreamOptions
	if as(&options) {
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
