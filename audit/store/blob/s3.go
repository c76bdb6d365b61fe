//go:build !noclouds

package blob

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/logging"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	gcaws "gocloud.dev/aws"
	gocloud "gocloud.dev/blob"
	"gocloud.dev/blob/s3blob"

	"github.com/featureaudit/featureaudit/audit/store"
)

// s3Cloud is Amazon S3, and what speaks its protocol.
type s3Cloud struct{}

// usualRegion is asked where an endpoint is named and no region is: other servers than Amazon's mostly have one only.
const usualRegion = "us-east-1"

// open follows s3blob.URLOpener, but for three things: requests are tried again by this package alone, the address of a named endpoint
// is written with the bucket behind it, and the library logs nothing.
func (s3Cloud) open(ctx context.Context, at location) (*gocloud.Bucket, error) {
	params := map[string][]string{}
	for name, values := range at.params {
		params[name] = values
	}
	style := ""
	if values := params["use_path_style"]; len(values) > 0 {
		style = values[0]
		if _, err := strconv.ParseBool(style); err != nil {
			return nil, &LocationError{Address: at.root(), Reason: "use_path_style is true or false"}
		}
		delete(params, "use_path_style")
	}
	config, err := gcaws.V2ConfigFromURLParams(ctx, params)
	if err != nil {
		return nil, &LocationError{Address: at.root(), Reason: "its parameters, or the profile that the environment names, are wrong: " + plain(err)}
	}
	config.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
	config.Logger = logging.Nop{}
	if len(params["response_checksum_validation"]) == 0 {
		config.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired // ranges have none
	}
	client, ok := config.HTTPClient.(*awshttp.BuildableClient)
	if config.HTTPClient == nil { // as it is where the environment names no certificates of its own
		client, ok = awshttp.NewBuildableClient(), true
	}
	if ok {
		client = client.WithTransportOptions(func(t *http.Transport) {
			t.MaxIdleConns, t.MaxIdleConnsPerHost = atOnce, atOnce
			t.ResponseHeaderTimeout = answerLimit
		})
		// What leads elsewhere is an answer: the library would follow it without end, with a signature that is of no worth there.
		config.HTTPClient = &http.Client{Transport: client.GetTransport(), CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	// That of the address is kept where the service's options do not show it, and goes before the others.
	endpoints := params["endpoint"]
	if endpoint := s3.NewFromConfig(config).Options().BaseEndpoint; endpoint != nil {
		endpoints = append(endpoints[:len(endpoints):len(endpoints)], *endpoint)
	}
	named := len(endpoints) > 0
	if slices.ContainsFunc(endpoints, func(text string) bool { return !isEndpoint(text) }) {
		return nil, &LocationError{Address: at.root(), Reason: "its endpoint is no address: want for example https://s3.example.com in AWS_ENDPOINT_URL, the profile or the parameter endpoint"}
	}
	if config.Region == "" {
		if !named {
			return nil, &LocationError{Address: at.root(), Reason: "its region is not known: set AWS_REGION, or append ?region=REGION"}
		}
		config.Region = usualRegion
	}
	service := s3.NewFromConfig(config, func(o *s3.Options) {
		o.UsePathStyle = named && style == "" || isTrue(style)
		o.APIOptions = append(o.APIOptions, withSoundAnswers)
	})
	return s3blob.OpenBucket(ctx, service, at.bucket, &s3blob.Options{RequestChecksumCalculation: config.RequestChecksumCalculation})
}

// isEndpoint says whether a request can be made to what is named as a server.
func isEndpoint(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}

func (s3Cloud) attempt(ctx context.Context) context.Context { return ctx }

func (s3Cloud) asking(ctx context.Context, key string) context.Context { return withKey(ctx, key) }

func (s3Cloud) prefixed(prefix string, as func(any) bool) error {
	var in *s3.ListObjectsV2Input
	if as(&in) && prefix != "" {
		in.Prefix = aws.String(prefix)
	}
	return nil
}

func (s3Cloud) key(o *gocloud.ListObject) string {
	var object types.Object
	if !o.As(&object) {
		return o.Key
	}
	return aws.ToString(object.Key)
}

func isTrue(text string) bool {
	value, err := strconv.ParseBool(text)
	return err == nil && value
}

func (s3Cloud) listed(o *gocloud.ListObject) string {
	var object types.Object
	if !o.As(&object) {
		return ""
	}
	return unquoted(aws.ToString(object.ETag))
}

func (s3Cloud) look(ctx context.Context, b *bucket, key string) (looked, error) {
	return lookOf(ctx, b, key)
}

func unquoted(etag string) string { return strings.Trim(etag, `"`) }

func (s3Cloud) pinned(_ *bucket, _, mark string, as func(any) bool) error {
	var in *s3.GetObjectInput
	if mark != "" && as(&in) {
		in.IfMatch = aws.String(`"` + mark + `"`)
	}
	return nil
}

func (s3Cloud) written(*bucket, string, bool, func(any) bool) error { return nil }

func (s3Cloud) read(as func(any) bool) string {
	var out s3.GetObjectOutput
	if !as(&out) {
		return ""
	}
	return unquoted(aws.ToString(out.ETag))
}

// answers compares times too where the store gives objects no mark.
func (s3Cloud) answers(as func(any) bool, listed store.Entry, from, size int64) error {
	var out s3.GetObjectOutput
	if !as(&out) {
		return nil
	}
	if listed.ETag == "" && out.LastModified != nil && out.LastModified.Unix() != listed.ModTime/1_000_000 {
		return errReplaced
	}
	return isRange(out.ContentRange, out.ContentLength, listed, from, size)
}

func (s3Cloud) told(err error) (code string, status int) {
	var api smithy.APIError
	if errors.As(err, &api) {
		code = api.ErrorCode()
	}
	var answer *smithyhttp.ResponseError
	if errors.As(err, &answer) {
		status = answer.HTTPStatusCode()
	}
	return code, status
}
