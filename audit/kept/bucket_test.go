//go:build stores

package kept

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/featureaudit/featureaudit/audit/store"
	"github.com/featureaudit/featureaudit/audit/store/blob"
	"github.com/featureaudit/featureaudit/audit/times"
	"github.com/featureaudit/featureaudit/fixtures/objectstore"
)

func TestPacksInS3(t *testing.T) {
	bucket, _ := objectstore.S3Bucket(t, "feat")
	packsInABucket(t, bucket+"/some/facts")
}

func TestPacksInGoogle(t *testing.T) {
	bucket, parameters := objectstore.GoogleBucket(t, "feat")
	packsInABucket(t, bucket+"/some/facts"+parameters)
}

func TestPacksInAzure(t *testing.T) {
	packsInABucket(t, objectstore.AzureBucket(t, "feat")+"/some/facts")
}

// counted counts the objects that are opened, and lets none be read from once it is told so.
type counted struct {
	*blob.Store
	mu     sync.Mutex
	opened []string
	gone   bool
}

func (c *counted) Open(ctx context.Context, abs string) (store.Object, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.opened = append(c.opened, abs); c.gone {
		return nil, &store.RemoteError{Kind: store.RemoteFailed, Name: abs, Cause: "the store kept failing", Remedy: "run again"}
	}
	return c.Store.Open(ctx, abs)
}

// packsInABucket lets eight runs add a pack each to one folder of a bucket at once: none loses what another kept, the last word on a file
// counts, blocks come once, and pruning merges them and leaves nothing else.
func packsInABucket(t *testing.T, address string) {
	t.Helper()
	bucket := &counted{Store: blob.New(blob.DefaultLimits())}
	t.Cleanup(func() {
		if err := bucket.Close(); err != nil {
			t.Error(err)
		}
	})
	scratch := t.TempDir()
	in := func(limit int64) Folder { return InBucket(t.Context(), bucket, address, scratch, limit) }
	add := func(i, size int) {
		d, err := in(1 << 30).Open(t.Context())
		if err != nil {
			t.Error(err)
			return
		}
		f := aFile(fmt.Sprintf("s3://data/%d", i), int64(size))
		number := d.Number()
		a := make([]int64, 300_000)
		for row := range a {
			a[row] = int64(i*1_000_000 + row)
		}
		f.At = map[string][]Range{"numbers": {d.Append(numbersTable, Rows{a, a})}}
		d.Add(number, f)
		d.Looks().Remember(fmt.Sprint("view ", i), times.Instant(size), []Seen{{Path: fmt.Sprint(i), Size: int64(size)}}, nil)
		if err := errors.Join(d.Commit(Note{By: "test", AsOf: times.Instant(size)}), d.Looks().Commit("test", times.Instant(size)), d.Close()); err != nil {
			t.Error(err)
		}
	}
	var running sync.WaitGroup
	for i := range 8 {
		running.Go(func() { add(i, 1) })
	}
	running.Wait()
	add(0, 2)
	known := func(limit int64) (requests int) {
		t.Helper()
		bucket.opened = nil
		d, err := in(limit).Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for i := range 8 {
			want := int64(1)
			if i == 0 {
				want = 2
			}
			f := d.Find("p", fmt.Sprintf("s3://data/%d", i))
			if f == nil || f.Size != want {
				t.Fatalf("file %d is %+v, want size %d; not used: %q", i, f, want, d.NotUsed())
			}
			for _, column := range []string{"a", "b"} {
				values, err := f.Integers("numbers", column)
				if err != nil || len(values) != 300_000 || values[0] != int64(i*1_000_000) || values[299_999] != int64(i*1_000_000+299_999) {
					t.Fatalf("file %d: %d values, %v", i, len(values), err)
				}
			}
			if k, err := d.Looks().Known(fmt.Sprint("view ", i)); err != nil || k.Last != times.Instant(want) || len(k.Files) != 1 {
				t.Errorf("view %d was looked at %v, %v; want %d", i, k, err, want)
			}
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
		return len(bucket.opened)
	}
	n := known(1 << 30)
	if distinct := len(slices.Compact(slices.Sorted(slices.Values(bucket.opened)))); n > 2*distinct {
		t.Errorf("%d requests for %d objects of at most 3 blocks, want at most two each", n, distinct)
	}
	known(0) // without room for copies
	done, err := in(1<<30).Prune(t.Context(), time.Now().Add(-time.Hour), time.Now(), "test")
	if err != nil || done.Kept != 8 || done.Replaced != 1 || done.Removed == 0 || done.After >= done.Before {
		t.Errorf("%+v, %v; want 8 files kept and 1 replaced", done, err)
	}
	known(1 << 30)
	stock, err := in(1 << 30).Take(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range stock {
		if err := s.Check(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if objects, err := bucket.Tree(t.Context(), address); err != nil || !slices.ContainsFunc(objects, func(e store.Entry) bool { return strings.HasSuffix(e.Path, "/manifest.json") }) {
		t.Errorf("%d objects, %v", len(objects), err)
	}

	// a store that fails once facts are read costs them, and is named
	d, err := in(1 << 30).Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	bucket.gone = true
	_, err = d.Find("p", "s3://data/3").Integers("numbers", "a")
	var damaged DamagedError
	if !errors.As(err, &damaged) || !strings.Contains(err.Error(), "the store kept failing; run again") {
		t.Fatalf("a store that fails is told as %v", err)
	}
	d.Distrust(damaged)
	if d.Find("p", "s3://data/3") != nil || len(d.NotUsed()) != 1 {
		t.Errorf("the file is known still; not used: %q", d.NotUsed())
	}
	if left, err := os.ReadDir(scratch); err != nil || len(left) > 0 {
		t.Errorf("%d files are left in the scratch folder, %v", len(left), err)
	}
}

// TestAPackInS3IsThatOfAFolder writes the same facts to a folder and to a bucket: the objects have the files' names and
// bytes, but for the pack's own name in its manifest.
func TestAPackInS3IsThatOfAFolder(t *testing.T) {
	_, server := objectstore.S3Bucket(t, "feat")
	bucket := blob.New(blob.DefaultLimits())
	t.Cleanup(func() {
		if err := bucket.Close(); err != nil {
			t.Error(err)
		}
	})
	local := filepath.Join(t.TempDir(), "facts")
	if err := Prepare(local, time.Now()); err != nil {
		t.Fatal(err)
	}
	for _, folder := range []Folder{Local(local), InBucket(t.Context(), bucket, "s3://feat/facts/", t.TempDir(), 1<<20)} {
		d, err := folder.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		d.Add(d.Number(), aFile("a", 1))
		if err := errors.Join(d.Commit(Note{By: "test"}), d.Close()); err != nil {
			t.Fatal(err)
		}
	}
	files := func(folder string) map[string]string {
		names, err := filepath.Glob(filepath.Join(folder, packsFolder, "*", "*"))
		if err != nil {
			t.Fatal(err)
		}
		all := map[string]string{}
		for _, name := range names {
			raw, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if filepath.Base(name) == manifestName {
				raw = withoutPackName(t, raw, filepath.Base(filepath.Dir(name)))
			}
			all[filepath.Base(name)] = string(raw)
		}
		return all
	}
	if here, there := files(local), files(filepath.Join(server.Folder, "feat", "facts")); len(here) != 2 || !reflect.DeepEqual(here, there) {
		t.Errorf("the folder has %d files and the bucket %d objects, or they differ", len(here), len(there))
	}
}

// withoutPackName is a manifest that does not say the name of its pack, which must be this one.
func withoutPackName(t *testing.T, raw []byte, pack string) []byte {
	t.Helper()
	m, err := parseManifest(raw)
	if err != nil {
		t.Fatal(err)
	}
	if m.Pack != pack {
		t.Errorf("the manifest of the pack %s says that it is %s", pack, m.Pack)
	}
	m.Pack = ""
	if raw, err = m.marshal(); err != nil {
		t.Fatal(err)
	}
	return raw
}
