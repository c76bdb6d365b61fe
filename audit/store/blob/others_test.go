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

// TestGoogleKeepsThePromisesOfAStore runs against fake-gcs-server.
func TestGoogleKeepsThePromisesOfAStore(t *testing.T) {
	parameters := objectstore.StartGCS(t)
	var buckets atomic.Int64
	storetest.Run(t, func(t *testing.T, files map[string]string) (store.Store, string) {
		t.Helper()
		name := fmt.Sprintf("feat-%d", buckets.Add(1))
		objectstore.MakeGCSBucket(t, name)
		s := opened(t, blob.DefaultLimits())
		base := "gs://" + name + "/some/folder"
		if err := s.Check(t.Context(), base+parameters); err != nil {
			t.Fatal(err)
		}
		for file, content := range files {
			if err := s.Write(t.Context(), base+"/"+file, objectstore.Of([]byte(content))); err != nil {
				t.Fatalf("write %s: %v", file, err)
			}
		}
		return s, base
	})
}

// TestAzureKeepsThePromisesOfAStore runs against Azurite.
func TestAzureKeepsThePromisesOfAStore(t *testing.T) {
	objectstore.StartAzure(t)
	var containers atomic.Int64
	storetest.Run(t, func(t *testing.T, files map[string]string) (store.Store, string) {
		t.Helper()
		name := fmt.Sprintf("feat-%d", containers.Add(1))
		objectstore.MakeAzureContainer(t, name)
		s := opened(t, blob.DefaultLimits())
		base := "azblob://" + name + "/some/folder"
		for file, content := range files {
			if err := s.Write(t.Context(), base+"/"+file, objectstore.Of([]byte(content))); err != nil {
				t.Fatalf("write %s: %v", file, err)
			}
		}
		return s, base
	})
}
