//go:build stores

package blob_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/featureaudit/featureaudit/audit/store"
	"github.com/featureaudit/featureaudit/audit/store/blob"
	"github.com/featureaudit/featureaudit/fixtures/objectstore"
)

// failing is a fault that a test sets anew.
type failing struct {
	mu    sync.Mutex
	fault func(n int, r *http.Request) objectstore.Answer
	n     int
}

func (f *failing) set(fault func(n int, r *http.Request) objectstore.Answer) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fault, f.n = fault, 0
}

func (f *failing) answer(_ int, r *http.Request) objectstore.Answer {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.n++
	if f.fault == nil {
		return objectstore.Answer{}
	}
	return f.fault(f.n, r)
}

// asksOf are the questions that are put to a store.
func asksOf(p planted) map[string]func(t *testing.T, s *blob.Store) error {
	return map[string]func(t *testing.T, s *blob.Store) error{
		"list": func(t *testing.T, s *blob.Store) error { _, err := s.List(t.Context(), "", p.bucket+"/v"); return err },
		"tree": func(t *testing.T, s *blob.Store) error { _, err := s.Tree(t.Context(), p.bucket+"/v"); return err },
		"look": func(t *testing.T, s *blob.Store) error {
			_, err := s.Stat(t.Context(), p.bucket+"/v/a.parquet")
			return err
		},
		"write": func(t *testing.T, s *blob.Store) error {
			return s.Write(t.Context(), p.bucket+"/w", objectstore.Of([]byte("x")))
		},
		"create": func(t *testing.T, s *blob.Store) error {
			_, err := s.Create(t.Context(), p.bucket+"/c", []byte("x"))
			return err
		},
		"large": func(t *testing.T, s *blob.Store) error {
			return s.Write(t.Context(), p.bucket+"/l", objectstore.Of(bytes.Repeat([]byte("x"), 12<<20)))
		},
	}
}

// TestAPageForPeopleIsNoAnswer: what a gateway says to people, with a status that says that all is well, is no empty list, no object and no proof that
// something was written. Another run may help.
func TestAPageForPeopleIsNoAnswer(t *testing.T)       { pageForPeople(t, onS3) }
func TestAPageForPeopleIsNoAnswerGoogle(t *testing.T) { pageForPeople(t, onGoogle) }
func TestAPageForPeopleIsNoAnswerAzure(t *testing.T)  { pageForPeople(t, onAzure) }

func pageForPeople(t *testing.T, on cloudOfTest) {
	t.Helper()
	var f failing
	p := on(t, f.answer)
	limits := hasty()
	limits.Request = 10 * time.Second
	for name, ask := range asksOf(p) {
		f.set(func(int, *http.Request) objectstore.Answer { return objectstore.Answer{Page: true} })
		err := ask(t, p.opened(t, limits))
		var remote *store.RemoteError
		if !errors.As(err, &remote) || !remote.Retryable() || !strings.HasPrefix(err.Error(), p.bucket) || !strings.Contains(err.Error(), "it kept answering with something else than was asked for") {
			t.Errorf("%s: error %v, want that something else answers", name, err)
		}
		f.set(func(n int, _ *http.Request) objectstore.Answer { return objectstore.Answer{Page: n == 1} })
		if err := ask(t, p.opened(t, limits)); err != nil {
			t.Errorf("%s: error %v where the second answer is the store's", name, err)
		}
	}
}

// TestAListThatDoesNotEnd gives the same place to go on at again and again, or none where there is more: neither is the whole list.
func TestAListThatDoesNotEnd(t *testing.T) {
	var f failing
	p := onS3(t, f.answer)
	more, next := []byte("<IsTruncated>true</IsTruncated>"), regexp.MustCompile(`<NextContinuationToken>.*</NextContinuationToken>`)
	for name, test := range map[string]struct {
		token func(page int) string
		says  string
	}{
		"the same place": {func(int) string { return "<NextContinuationToken>v/a</NextContinuationToken>" }, "its list of objects has no end"},
		"two in turns": {func(page int) string {
			return fmt.Sprintf("<NextContinuationToken>v/%d</NextContinuationToken>", page%2)
		}, "its list of objects has no end"},
		"no place is said": {func(int) string { return "" }, "it kept answering with something else"},
	} {
		f.set(func(n int, r *http.Request) objectstore.Answer {
			if q := r.URL.Query(); q.Get("max-keys") == "1" || q.Get("prefix") != "v/" {
				return objectstore.Answer{}
			}
			return objectstore.Answer{Edit: func(_ http.Header, body []byte) []byte {
				body = next.ReplaceAll(body, nil)
				// pages are full, so that no library asks for more by itself
				entry := []byte("<Contents><Key>v/a.parquet</Key><Size>640000</Size><ETag>&quot;a&quot;</ETag><LastModified>2026-11-20T00:00:00.000Z</LastModified></Contents>")
				full := append(bytes.Repeat(entry, 999), []byte("</ListBucketResult>")...)
				body = bytes.ReplaceAll(body, []byte("</ListBucketResult>"), full)
				return bytes.ReplaceAll(body, []byte("<IsTruncated>false</IsTruncated>"), append(more, test.token(n)...))
			}}
		})
		begin := time.Now()
		_, err := p.opened(t, hasty()).List(t.Context(), "", p.bucket+"/v")
		var remote *store.RemoteError
		if !errors.As(err, &remote) || !remote.Retryable() || !strings.Contains(err.Error(), test.says) || time.Since(begin) > 10*time.Second {
			t.Errorf("%s: error %v after %s, want %q", name, err, time.Since(begin), test.says)
		}
	}
}

// TestAnswersThatLeadElsewhereAreNotFollowed: there a signature is of no worth, and one that leads to itself has no end.
func TestAnswersThatLeadElsewhereAreNotFollowed(t *testing.T) {
	var f failing
	p := onS3(t, f.answer)
	f.set(func(int, *http.Request) objectstore.Answer { return objectstore.Answer{Elsewhere: true} })
	before := p.proxy.Requests.Load()
	_, err := p.opened(t, hasty()).List(t.Context(), "", p.bucket+"/v")
	var remote *store.RemoteError
	if !errors.As(err, &remote) || remote.Retryable() || !strings.Contains(err.Error(), "in another region than the one that was asked") || p.proxy.Requests.Load() != before+1 {
		t.Errorf("error %v after %d requests", err, p.proxy.Requests.Load()-before)
	}
}

// TestVersionsWithoutAMarkAreToldApart: a store that gives no ETag is asked for the size and the time that it listed.
func TestVersionsWithoutAMarkAreToldApart(t *testing.T) {
	var f failing
	p := onS3(t, f.answer)
	etag := regexp.MustCompile(`<ETag>[^<]*</ETag>`)
	f.set(func(int, *http.Request) objectstore.Answer {
		return objectstore.Answer{Edit: func(h http.Header, body []byte) []byte {
			h.Del("ETag")
			return etag.ReplaceAll(body, nil)
		}}
	})
	if got, err := p.readAll(t.Context(), p.opened(t, hasty())); err != nil || !bytes.Equal(got, content()) {
		t.Errorf("%d bytes, error %v", len(got), err)
	}
	for name, edit := range map[string]func(http.Header){
		"another time": func(h http.Header) { h.Set("Last-Modified", "Mon, 02 Nov 2026 10:00:00 GMT") },
		"another size": func(h http.Header) {
			h.Set("Content-Range", strings.Replace(h.Get("Content-Range"), "/640000", "/640001", 1))
		},
	} {
		f.set(func(_ int, r *http.Request) objectstore.Answer {
			return objectstore.Answer{Edit: func(h http.Header, body []byte) []byte {
				h.Del("ETag")
				if r.Header.Get("Range") != "" {
					edit(h)
				}
				return etag.ReplaceAll(body, nil)
			}}
		})
		_, err := p.readAll(t.Context(), p.opened(t, hasty()))
		var remote *store.RemoteError
		if !errors.As(err, &remote) || remote.Kind != store.RemoteChanged {
			t.Errorf("%s: error %v, want that it was replaced", name, err)
		}
	}
}

// TestAStoreThatIsDownIsNotAskedForEachObjectAllOver: where requests are given up one after the other, each other is made once, until one succeeds.
func TestAStoreThatIsDownIsNotAskedForEachObjectAllOver(t *testing.T) {
	var f failing
	p := onS3(t, f.answer)
	s := p.opened(t, hasty())
	o, err := s.Open(t.Context(), p.bucket+"/v/a.parquet")
	if err != nil {
		t.Fatal(err)
	}
	f.set(func(int, *http.Request) objectstore.Answer { return objectstore.Answer{Status: 503} })
	piece := make([]byte, 10)
	read := func() (requests int64, err error) {
		before := p.proxy.Requests.Load()
		_, err = o.ReadAt(piece, 0)
		return p.proxy.Requests.Load() - before, err
	}
	for i := range 20 {
		want := int64(hasty().Attempts)
		if i >= 16 {
			want = 1
		}
		if made, err := read(); err == nil || made != want {
			t.Fatalf("object %d: %d requests, error %v; want %d", i, made, err, want)
		}
	}
	f.set(nil)
	if made, err := read(); err != nil || made != 1 {
		t.Fatalf("%d requests, error %v; want one that succeeds", made, err)
	}
	f.set(func(int, *http.Request) objectstore.Answer { return objectstore.Answer{Status: 503} })
	if made, _ := read(); made != int64(hasty().Attempts) {
		t.Errorf("%d requests after one that succeeded, want %d", made, hasty().Attempts)
	}
}
