//go:build stores

package blob_test

import (
	"bytes"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/featureaudit/featureaudit/audit/store/blob"
	"github.com/featureaudit/featureaudit/fixtures/objectstore"
)

// TestS3CreatesOnce, TestGoogleCreatesOnce and TestAzureCreatesOnce: of many who create an object at once one alone has, and what it wrote
// stays; once it is deleted, it can be created again.
func TestS3CreatesOnce(t *testing.T) {
	bucket, _ := objectstore.S3Bucket(t, "feat")
	createsOnce(t, bucket)
}

func TestGoogleCreatesOnce(t *testing.T) {
	bucket, parameters := objectstore.GoogleBucket(t, "feat")
	createsOnce(t, bucket, parameters)
}

func TestAzureCreatesOnce(t *testing.T) {
	createsOnce(t, objectstore.AzureBucket(t, "feat"))
}

func createsOnce(t *testing.T, bucket string, parameters ...string) {
	t.Helper()
	s := opened(t, blob.DefaultLimits())
	name := bucket + "/locks/night of the 3rd"
	if len(parameters) > 0 {
		if err := s.Check(t.Context(), bucket+"/locks"+parameters[0]); err != nil {
			t.Fatal(err)
		}
	}
	for round := range 2 {
		var winners atomic.Int64
		winner := make([]bool, 12)
		var group sync.WaitGroup
		for i := range winner {
			group.Go(func() {
				created, err := s.Create(t.Context(), name, fmt.Appendf(nil, "round %d, writer %d", round, i))
				if err != nil {
					t.Errorf("round %d, writer %d: %v", round, i, err)
				}
				if winner[i] = created; created {
					winners.Add(1)
				}
			})
		}
		group.Wait()
		if winners.Load() != 1 {
			t.Fatalf("round %d: %d of 12 have created it, want one", round, winners.Load())
		}
		o, err := s.Open(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(io.NewSectionReader(o, 0, 1000))
		if err != nil {
			t.Fatal(err)
		}
		for i, won := range winner {
			if want := fmt.Appendf(nil, "round %d, writer %d", round, i); won != bytes.Equal(got, want) {
				t.Errorf("writer %d: it has created the object: %v, which holds %q", i, won, got)
			}
		}
		if err := s.Delete(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
}
