//go:build !noclouds

package blob

import (
	"context"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// withSoundAnswers has each answer looked at before anything is made of it. The library takes any for one of S3 whose status says that all is well:
// the page of a gateway for an empty list, an object of the page's size, or the proof that something was written.
func withSoundAnswers(stack *middleware.Stack) error {
	return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("SoundAnswers",
		func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
			literally(ctx, in.Parameters)
			out, metadata, err := next.HandleInitialize(ctx, in)
			if err == nil {
				err = sound(in.Parameters, out.Result, awsmiddleware.GetRawResponse(metadata))
			}
			return out, metadata, err
		}), middleware.Before)
}

// literally has a request ask for the key as it is, and a list be written in a way that can hold all characters of keys: XML itself cannot.
func literally(ctx context.Context, parameters any) {
	if in, is := parameters.(*s3.ListObjectsV2Input); is {
		in.EncodingType = types.EncodingTypeUrl
		return
	}
	key, known := keyOf(ctx)
	if !known {
		return
	}
	switch in := parameters.(type) {
	case *s3.GetObjectInput:
		in.Key = &key
	case *s3.HeadObjectInput:
		in.Key = &key
	case *s3.PutObjectInput:
		in.Key = &key
	case *s3.DeleteObjectInput:
		in.Key = &key
	case *s3.CreateMultipartUploadInput:
		in.Key = &key
	case *s3.UploadPartInput:
		in.Key = &key
	case *s3.CompleteMultipartUploadInput:
		in.Key = &key
	case *s3.AbortMultipartUploadInput:
		in.Key = &key
	}
}

// decode gives a list its keys as they are, where the server has written them as was asked. Many servers do not, and write what XML can hold.
func decode(out *s3.ListObjectsV2Output) error {
	if out.EncodingType != types.EncodingTypeUrl {
		return nil
	}
	for i := range out.Contents {
		if err := decodeText(out.Contents[i].Key); err != nil {
			return err
		}
	}
	for i := range out.CommonPrefixes {
		if err := decodeText(out.CommonPrefixes[i].Prefix); err != nil {
			return err
		}
	}
	return nil
}

func decodeText(text *string) error {
	if text == nil {
		return nil
	}
	decoded, err := url.QueryUnescape(*text)
	if err != nil {
		return errOther
	}
	*text = decoded
	return nil
}

// sound says whether an answer is of the kind that S3 gives to what was asked: errOther where it is none, and errEndless for a list that leads to
// itself.
func sound(asked, answered, raw any) error {
	ok := true
	switch out := answered.(type) {
	case *s3.ListObjectsV2Output:
		if err := soundList(asked, out); err != nil {
			return err
		}
		return decode(out)
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
