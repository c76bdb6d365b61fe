//go:build stores

package blob_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/featureaudit/featureaudit/audit/store/blob"
	"github.com/featureaudit/featureaudit/fixtures/objectstore"
)

// TestUploadsThatNobodyEndsAreEnded begins uploads as a program does that is killed in the middle: those below a folder are ended that are old enough, and no
// others.
func TestUploadsThatNobodyEndsAreEnded(t *testing.T) {
	bucket, _ := objectstore.S3Bucket(t, "feat")
	settings, err := config.LoadDefaultConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	client := s3.NewFromConfig(settings, func(o *s3.Options) { o.UsePathStyle = true })
	for _, key := range []string{"facts/kept/packs/000001-0a0b0c0d/keys.parquet", "facts/kept/packs/000002-0a0b0c0d/keys.parquet", "facts/kept-by-another/packs/a"} {
		if _, err := client.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: aws.String("feat"), Key: aws.String(key)}); err != nil {
			t.Fatal(err)
		}
	}
	s := opened(t, blob.DefaultLimits())
	for _, step := range []struct {
		folder string
		before time.Time
		want   int
	}{
		{"/facts/kept", time.Now().Add(-time.Hour), 0},
		{"/facts/none", time.Now().Add(time.Hour), 0},
		{"/facts/kept", time.Now().Add(time.Hour), 2},
		{"/facts/kept", time.Now().Add(time.Hour), 0},
		{"/facts/kept-by-another", time.Now().Add(time.Hour), 1},
	} {
		if ended, err := s.EndUploads(t.Context(), bucket+step.folder, step.before); err != nil || ended != step.want {
			t.Errorf("%s: %d uploads were ended, error %v; want %d", step.folder, ended, err, step.want)
		}
	}
}
