//go:build stores

package blob_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/featureaudit/featureaudit/audit/store"
	"github.com/featureaudit/featureaudit/audit/store/blob"
	"github.com/featureaudit/featureaudit/audit/store/storetest"
	"github.com/featureaudit/featureaudit/fixtures/objectstore"
)

// opened is a store that is closed with the test.
func opened(t *testing.T, limits blob.Limits) *blob.Store {
	t.Helper()
	s := blob.New(limits)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// TestS3KeepsThePromisesOfAStore runs against a real server.
func TestS3KeepsThePromisesOfAStore(t *testing.T) {
	server := objectstore.StartS3(t)
	server.Use(t)
	var buckets atomic.Int64
	storetest.Run(t, func(t *testing.T, files map[string]string) (store.Store, string) {
		t.Helper()
		name := fmt.Sprintf("feat-%d", buckets.Add(1))
		server.Bucket(t, name)
		s := opened(t, blob.DefaultLimits())
		base := "s3://" + name + "/some/folder"
		for file, content := range files {
			if err := s.Write(t.Context(), base+"/"+file, objectstore.Of([]byte(content))); err != nil {
				t.Fatalf("write %s: %v", file, err)
			}
		}
		return s, base
	})
}
