//go:build !noclouds

package blob

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// EndUploads ends the uploads of objects below a folder that began before an instant and are not done, and counts them. A program that was killed leaves
// them: no list of objects shows them, and S3 keeps the parts that came until somebody ends them. The other clouds let go of them by themselves.
func (s *Store) EndUploads(ctx context.Context, folder string, before time.Time) (int, error) {
	b, at, err := s.at(ctx, folder)
	if err != nil {
		return 0, err
	}
	return b.cloud.endUploads(ctx, b, prefixOf(at.path()), before)
}

func (gcsCloud) endUploads(context.Context, *bucket, string, time.Time) (int, error) { return 0, nil }

func (azureCloud) endUploads(context.Context, *bucket, string, time.Time) (int, error) { return 0, nil }

func (s3Cloud) endUploads(ctx context.Context, b *bucket, prefix string, before time.Time) (int, error) {
	var client *s3.Client
	if !b.As(&client) {
		return 0, errors.New("the library has no client")
	}
	begun, err := b.uploads(ctx, client, prefix)
	if err != nil {
		return 0, err
	}
	ended := 0
	for _, u := range begun {
		key := aws.ToString(u.Key)
		if u.Initiated == nil || !u.Initiated.Before(before) || !strings.HasPrefix(key, prefix) {
			continue
		}
		err := b.try(ctx, b.nameOf(key), func(ctx context.Context) (bool, error) {
			_, err := client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: &b.at.bucket, Key: u.Key, UploadId: u.UploadId})
			return false, err
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return ended, err
		}
		ended++
	}
	return ended, nil
}

// uploads are those below a prefix that are not done, page after page.
func (b *bucket) uploads(ctx context.Context, client *s3.Client, prefix string) (begun []types.MultipartUpload, err error) {
	in := &s3.ListMultipartUploadsInput{Bucket: &b.at.bucket, Prefix: &prefix}
	for {
		var out *s3.ListMultipartUploadsOutput
		if err := b.try(ctx, b.folder("/"+prefix), func(ctx context.Context) (_ bool, err error) {
			out, err = client.ListMultipartUploads(ctx, in)
			return false, err
		}); err != nil {
			return nil, err
		}
		begun = append(begun, out.Uploads...)
		if !aws.ToBool(out.IsTruncated) {
			return begun, nil
		}
		key, id := aws.ToString(out.NextKeyMarker), aws.ToString(out.NextUploadIdMarker)
		if key == aws.ToString(in.KeyMarker) && id == aws.ToString(in.UploadIdMarker) {
			_, err := b.judge(b.folder("/"+prefix), errEndless)
			return nil, err
		}
		in.KeyMarker, in.UploadIdMarker = &key, &id
	}
}
