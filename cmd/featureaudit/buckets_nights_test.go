//go:build stores

package main

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/featureaudit/featureaudit/fixtures"
)

// nightlyBucket is a store in a bucket behind a proxy that counts, a file a day, of no two rows of one key.
type nightlyBucket struct {
	rented
	// facts is the address of another bucket.
	facts string
}

const nightlyRows = 9_000

func newNightlyBucket(t *testing.T, scheme string) *nightlyBucket {
	t.Helper()
	n := &nightlyBucket{rented: rent(t, scheme, nil)}
	n.facts = n.Bucket(t, "facts")
	return n
}

func nightlyFile(day int) string { return fmt.Sprintf("dt=2026-11-%02d/a.parquet", day) }

// write uploads the file of a day of November, and gives its size.
func (n *nightlyBucket) write(day int) int64 { return n.writeKeys(day, day) }

// writeKeys uploads keys that are those of a day as the file of another, and gives its size.
func (n *nightlyBucket) writeKeys(day, keys int) int64 {
	n.t.Helper()
	columns := []fixtures.Column{{Name: "id", Type: fixtures.TextType}, {Name: "event_time", Type: fixtures.AwareType}, {Name: "user", Type: fixtures.Int64Type}}
	for i := range nightlyRows {
		for c, v := range []any{fmt.Sprintf("a key of %d: %d", keys, i*7919), time.Date(2026, 11, day, 0, 0, i, 0, time.UTC), int64(i * day % 1013)} {
			columns[c].Values = append(columns[c].Values, v)
		}
	}
	path := filepath.Join(n.t.TempDir(), "a.parquet")
	if err := fixtures.Write(path, fixtures.Table{Columns: columns}, fixtures.Options{RowGroup: 1000 + day, PlainPages: true}); err != nil {
		n.t.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		n.t.Fatal(err)
	}
	n.put(n.at+"/v/"+nightlyFile(day), string(raw))
	return int64(len(raw))
}

// night audits as of a day, and gives the results, but for what only memory can know, and how many files were known and read.
func (n *nightlyBucket) night(day int, more ...string) (text string, known, read float64) {
	n.t.Helper()
	n.Proxy.Forget()
	out := filepath.Join(n.t.TempDir(), "report.json")
	execute(n.t, 0, append([]string{"run", "--path", n.at + "/v", "--event-time", "event_time", "--key", "id", "--entity", "user", "--ttl", "48h", "--as-of", fmt.Sprintf("2026-11-%02d", day),
		"--fail-on", "never", "--out", "json=" + out}, more...)...)
	raw, err := os.ReadFile(out)
	if err != nil {
		n.t.Fatal(err)
	}
	var r map[string]any
	if err := json.Unmarshal(raw, &r); err != nil {
		n.t.Fatal(err)
	}
	execution, _ := r["execution"].(map[string]any)
	known, _ = execution["files_known"].(float64)
	read, _ = execution["files_read"].(float64)
	results, _ := r["results"].([]any)
	results = slices.DeleteFunc(results, func(result any) bool {
		of, _ := result.(map[string]any)
		return of["check"] == "rewritten-partitions"
	})
	indented, err := json.MarshalIndent(results, "", " ")
	if err != nil {
		n.t.Fatal(err)
	}
	return string(indented), known, read
}

// asked are the requests for an object's own bytes or its state since the night began.
func (n *nightlyBucket) asked(object string) []string {
	return slices.DeleteFunc(n.Proxy.Seen(), func(seen string) bool {
		plain, err := url.PathUnescape(seen)
		return err != nil || !strings.Contains(plain, "/v/"+object)
	})
}

// TestANightReadsNothingOfWhatABucketHasStill counts the requests and bytes of nights on a bucket: an object whose mark is known is not asked
// for at all, and what comes is the new one and the listing. Where nothing of an object may be trusted, or its mark is another, it is read.
func TestANightReadsNothingOfWhatABucketHasStill(t *testing.T)       { aNightReadsNothing(t, "s3") }
func TestANightReadsNothingOfWhatABucketHasStillGoogle(t *testing.T) { aNightReadsNothing(t, "gs") }
func TestANightReadsNothingOfWhatABucketHasStillAzure(t *testing.T)  { aNightReadsNothing(t, "azblob") }

func aNightReadsNothing(t *testing.T, scheme string) {
	hashKey := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(hashKey, []byte(strings.Repeat("0123456789abcdef", 4)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, distant := range []bool{false, true} {
		t.Run(fmt.Sprintf("distant=%v", distant), func(t *testing.T) {
			n := newNightlyBucket(t, scheme)
			facts := filepath.Join(t.TempDir(), "kept")
			if distant {
				facts = n.facts + "/kept"
			}
			for day := 1; day <= 6; day++ {
				n.write(day)
			}
			if _, known, read := n.night(7, "--facts", facts); known != 0 || read != 6 {
				t.Fatalf("the first night: %v files known and %v read", known, read)
			}
			fresh := n.write(7)
			want, _, _ := n.night(8)
			got, known, read := n.night(8, "--facts", facts)
			if got != want || known != 6 || read != 1 {
				t.Fatalf("the second night: %v files known and %v read: %s", known, read, firstDifference(want, got))
			}
			for day := 1; day <= 6; day++ {
				if asked := n.asked(nightlyFile(day)); len(asked) > 0 {
					t.Errorf("of day %d was asked: %q", day, asked)
				}
			}
			bytes := n.Proxy.Bytes.Load()
			for _, seen := range n.Proxy.Seen() {
				if strings.Contains(seen, "/facts") {
					bytes = 0 // of the packs beside: the requests tell
				}
			}
			if most := fresh + 64<<10 + 16<<10; bytes > most { // its end is looked at first
				t.Errorf("%d bytes came, want at most the new file of %d with its end, and the listing", bytes, fresh)
			}

			_, known, _ = n.night(8, "--facts", facts, "--paranoid")
			if known != 0 || len(n.asked(nightlyFile(1))) == 0 {
				t.Errorf("a run that trusts nothing knows %v files, and asks for %q", known, n.asked(nightlyFile(1)))
			}

			// the object of the third day is another now
			n.writeKeys(3, 13)
			want, _, _ = n.night(8)
			got, known, read = n.night(8, "--facts", facts)
			if got != want || known != 6 || read != 1 {
				t.Errorf("after a rewrite %v files are known and %v read: %s", known, read, firstDifference(want, got))
			}
			for day := 1; day <= 7; day++ {
				if asked := n.asked(nightlyFile(day)); (len(asked) > 0) != (day == 3) {
					t.Errorf("of day %d was asked after day 3 was written: %q", day, asked)
				}
			}
			// footers have values: those of views with sensitive columns stay where they are
			n.night(8, "--facts", facts+"-more", "--set", "sensitive=user", "--hash-key-file", hashKey)
			if _, known, read = n.night(8, "--facts", facts+"-more", "--set", "sensitive=user", "--hash-key-file", hashKey); known != 7 || read != 0 {
				t.Errorf("with a sensitive column %v files are known and %v read", known, read)
			}
			for day := 1; day <= 7; day++ {
				if asked := n.asked(nightlyFile(day)); len(asked) != 1 {
					t.Errorf("with a sensitive column of day %d was asked %q, want its end", day, asked)
				}
			}

			// another policy: all rows are read, and what is asked for next is nothing again
			n.night(8, "--facts", facts, "--set", "max_lag=1h")
			if _, known, _ = n.night(8, "--facts", facts, "--set", "max_lag=1h"); known != 7 {
				t.Errorf("under another policy %v files are known", known)
			}
			for day := 1; day <= 7; day++ {
				if asked := n.asked(nightlyFile(day)); len(asked) > 0 {
					t.Errorf("under another policy of day %d was asked: %q", day, asked)
				}
			}
		})
	}
}

// TestFactsInABucketThatLoseObjects deletes objects of the facts between nights one by one, as a rule of the bucket does: the report stays that
// of a run that reads all.
func TestFactsInABucketThatLoseObjects(t *testing.T) {
	w := newFactsWorld(t, "s3")
	want, _, files := w.report("--config", w.local)
	w.report("--config", w.local, "--facts", w.facts)
	w.report("--config", w.local, "--facts", w.facts, "--paranoid")
	for round := 0; ; round++ {
		objects := slices.Concat(w.objects("packs/*/*"), w.objects("looks/*/*"))
		if round == 12 {
			break
		}
		lost := objects[round*7%len(objects)]
		if err := os.Remove(filepath.Join(w.folder, lost)); err != nil {
			t.Fatal(err)
		}
		if got, known, read := w.report("--config", w.local, "--facts", w.facts); got != want || known+read != files {
			t.Fatalf("without %s %v files are known and %v read: %s", lost, known, read, firstDifference(want, got))
		}
	}
	execute(t, 0, "facts", "prune", w.facts)
	if got, known, _ := w.report("--config", w.local, "--facts", w.facts); got != want || known != files {
		t.Errorf("after pruning %v files are known, want all: %s", known, firstDifference(want, got))
	}
}
