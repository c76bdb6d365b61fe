//go:build !noclouds

package blob

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// withSoundAnswers has each answer looked at before anything is made of it. The library takes any for one of S3 whose status says that all is well:
// the page of a gateway for an empty list, an object of the page's size, or the proof that something was written.
func withSoundAnswers(stack *middleware.Stack) error {
	return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("SoundAnswers",
		func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
			out, metadata, err := next.HandleInitialize(ctx, in)
			if err == nil {
				err = sound(in.Parameters, out.Result, awsmiddleware.GetRawResponse(metadata))
			}
			return out, metadata, err
		}), middleware.Before)
}

// sound says whether an answer is of the kind that S3 gives to what was asked: errOther where it is none, and errEndless for a list that leads to
// itself.
func sound(asked, answered, raw any) error {
	ok := true
	switch out := answered.(type) {
	case *s3.ListObjectsV2Output:
		return soundList(asked, out)
	case *s3.GetObjectOutput:
		ok = out.ETag != nil || out.LastModified != nil || out.ContentRange != nil
	case *s3.HeadObjectOutput:
		ok = out.ETag != nil || out.LastModified != nil
	case *s3.PutObjectOutput:
		ok = out.ETag != nil
	case *s3.UploadPartOutput:
		ok = out.ETag != nil
	case *s3.CompleteMultipartUploadOutput:
		ok = out.ETag != nil
	default:
		response, is := raw.(*smithyhttp.Response)
		ok = !is || !strings.HasPrefix(response.Header.Get("Content-Type"), "text/html")
	}
	if !ok {
		return errOther
	}
	return nil
}

func soundList(asked any, out *s3.ListObjectsV2Output) error {
	if out.Name == nil && out.KeyCount == nil && out.MaxKeys == nil && out.IsTruncated == nil {
		return errOther
	}
	next := aws.ToString(out.NextContinuationToken)
	if !aws.ToBool(out.IsTruncated) {
		return nil
	}
	in, is := asked.(*s3.ListObjectsV2Input)
	switch {
	case next == "":
		return errOther // it goes on, and does not say where
	case is && next == aws.ToString(in.ContinuationToken):
		return errEndless
	}
	return nil
}
