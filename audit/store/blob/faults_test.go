//go:build stores

package blob_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/featureaudit/featureaudit/audit/store"
	"github.com/featureaudit/featureaudit/audit/store/blob"
	"github.com/featureaudit/featureaudit/fixtures/objectstore"
)

// hasty are limits that a test can wait for.
func hasty() blob.Limits {
	return blob.Limits{Attempts: 5, Request: 300 * time.Millisecond, Idle: 200 * time.Millisecond, Pause: time.Millisecond, MostPause: 4 * time.Millisecond}
}

// content is more than the client reads at once.
func content() []byte { return bytes.Repeat([]byte("0123456789abcdef"), 40_000) }

// planted is a bucket of some cloud with one object, behind a proxy that fails as it is told once the object is there.
type planted struct {
	// bucket is its address, and parameters what follows an address that is the first of it.
	bucket, parameters string
	proxy              *objectstore.Proxy
	server             objectstore.S3
}

// a cloud starts its server.
type cloudOfTest func(t *testing.T, fault func(n int, r *http.Request) objectstore.Answer) planted

func onS3(t *testing.T, fault func(n int, r *http.Request) objectstore.Answer) planted {
	t.Helper()
	server := objectstore.StartS3(t)
	server.Use(t)
	server.Bucket(t, "feat")
	p := planted{bucket: "s3://feat", server: server, proxy: objectstore.Front(t, server.Endpoint, fault)}
	t.Setenv("AWS_ENDPOINT_URL", p.proxy.URL)
	return p.plant(t)
}

func onGoogle(t *testing.T, fault func(n int, r *http.Request) objectstore.Answer) planted {
	t.Helper()
	proxy, parameters := objectstore.StartGCSBehind(t, fault)
	objectstore.MakeGCSBucket(t, "feat")
	return planted{bucket: "gs://feat", parameters: parameters, proxy: proxy}.plant(t)
}

func onAzure(t *testing.T, fault func(n int, r *http.Request) objectstore.Answer) planted {
	t.Helper()
	objectstore.StartAzure(t)
	objectstore.MakeAzureContainer(t, "feat")
	p := planted{bucket: "azblob://feat", proxy: objectstore.Front(t, "http://"+os.Getenv("AZURE_STORAGE_DOMAIN"), fault)}
	t.Setenv("AZURE_STORAGE_DOMAIN", strings.TrimPrefix(p.proxy.URL, "http://"))
	return p.plant(t)
}

// plant writes the object. Nothing fails meanwhile.
func (p planted) plant(t *testing.T) planted {
	t.Helper()
	p.proxy.Pause(true)
	if err := p.opened(t, blob.DefaultLimits()).Write(t.Context(), p.bucket+"/v/a.parquet", objectstore.Of(content())); err != nil {
		t.Fatal(err)
	}
	p.proxy.Pause(false)
	return p
}

// opened is a store that knows the parameters of the bucket.
func (p planted) opened(t *testing.T, limits blob.Limits) *blob.Store {
	t.Helper()
	s := opened(t, limits)
	if p.parameters != "" {
		if err := s.Know(t.Context(), p.bucket+p.parameters); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// readAll lists the object and reads all of it.
func (p planted) readAll(ctx context.Context, s *blob.Store) ([]byte, error) {
	if _, err := s.List(ctx, "", p.bucket+"/v"); err != nil {
		return nil, err
	}
	o, err := s.Open(ctx, p.bucket+"/v/a.parquet")
	if err != nil {
		return nil, err
	}
	defer o.Close()
	return io.ReadAll(io.NewSectionReader(o, 0, int64(len(content()))))
}

// gets fails the GET of objects, whose number among them is n.
func gets(fault func(n int) objectstore.Answer) func(int, *http.Request) objectstore.Answer {
	var mu sync.Mutex
	n := 0
	return func(_ int, r *http.Request) objectstore.Answer {
		if r.Header.Get("Range") == "" && r.Header.Get("x-ms-range") == "" {
			return objectstore.Answer{}
		}
		mu.Lock()
		defer mu.Unlock()
		n++
		return fault(n)
	}
}

// TestFaultsThatPassAreReadThrough: every byte arrives, whatever went wrong before.
func TestFaultsThatPassAreReadThrough(t *testing.T)       { passing(t, onS3) }
func TestFaultsThatPassAreReadThroughGoogle(t *testing.T) { passing(t, onGoogle) }
func TestFaultsThatPassAreReadThroughAzure(t *testing.T)  { passing(t, onAzure) }

func passing(t *testing.T, on cloudOfTest) {
	t.Helper()
	first := func(times int, a objectstore.Answer) func(int) objectstore.Answer {
		return func(n int) objectstore.Answer {
			if n <= times {
				return a
			}
			return objectstore.Answer{}
		}
	}
	for name, fault := range map[string]func(n int) objectstore.Answer{
		"503 SlowDown on two of three requests": func(n int) objectstore.Answer {
			if n%3 != 0 {
				return objectstore.Answer{Status: 503, Code: "SlowDown"}
			}
			return objectstore.Answer{}
		},
		"500 twice":                  first(2, objectstore.Answer{Status: 500, Code: "InternalError"}),
		"reset twice":                first(2, objectstore.Answer{Reset: true}),
		"a body that stops":          first(3, objectstore.Answer{Stall: 70_000}),
		"a slow first byte":          first(1, objectstore.Answer{Wait: 10 * time.Second}),
		"bodies cut again and again": func(int) objectstore.Answer { return objectstore.Answer{Cut: 70_000} },
		"a page of a gateway": func(n int) objectstore.Answer {
			if n <= 2 && os.Getenv("STORAGE_EMULATOR_HOST") == "" { // Google's library takes it for another version
				return objectstore.Answer{Status: 200, Code: "x"}
			}
			return objectstore.Answer{}
		},
		"a clock that was set meanwhile": func(n int) objectstore.Answer {
			if n == 1 && strings.HasPrefix(os.Getenv("AWS_ENDPOINT_URL"), "http://127") { // a word of S3
				return objectstore.Answer{Status: 403, Code: "RequestTimeTooSkewed"}
			}
			return objectstore.Answer{}
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := on(t, gets(fault))
			got, err := p.readAll(t.Context(), p.opened(t, hasty()))
			if err != nil || !bytes.Equal(got, content()) {
				t.Errorf("%d of %d bytes, error %v", len(got), len(content()), err)
			}
		})
	}
}

// TestFaultsThatStayAreToldApart: each ends soon, says bucket, key, cause and remedy, and whether another run may help.
func TestFaultsThatStayAreToldApart(t *testing.T)       { staying(t, onS3, s3Faults()) }
func TestFaultsThatStayAreToldApartGoogle(t *testing.T) { staying(t, onGoogle, nil) }
func TestFaultsThatStayAreToldApartAzure(t *testing.T)  { staying(t, onAzure, nil) }

// stayingFault is what a store answers, and what is told of it.
type stayingFault struct {
	answer    objectstore.Answer
	kind      store.RemoteKind
	retryable bool
	says      string
}

// s3Faults are those that S3 has words for.
func s3Faults() map[string]stayingFault {
	return map[string]stayingFault{
		"throttled, with S3's word": {objectstore.Answer{Status: 503, Code: "SlowDown"}, store.RemoteFailed, true, "the store kept saying that it is too busy (SlowDown, 503); run again when it is less so"},
		"expired":                   {objectstore.Answer{Status: 400, Code: "ExpiredToken"}, store.RemoteExpired, true, "the credentials have expired (ExpiredToken, 400); run again with fresh ones"},
		"clocks apart":              {objectstore.Answer{Status: 403, Code: "RequestTimeTooSkewed"}, store.RemoteFailed, true, "the clock of this machine and that of the store differ too much (RequestTimeTooSkewed, 403); set the clock"},
		"cut after a byte":          {objectstore.Answer{Cut: 1}, store.RemoteFailed, true, "the connection kept breaking before the last byte"}, // Google's library reads on by itself
		"another region":            {objectstore.Answer{Status: 301, Code: "PermanentRedirect"}, store.RemoteRefused, false, "in another region than the one that was asked (PermanentRedirect, 301); set AWS_REGION"},
	}
}

func staying(t *testing.T, on cloudOfTest, more map[string]stayingFault) {
	t.Helper()
	tests := map[string]stayingFault{
		"throttled":                  {objectstore.Answer{Status: 503}, store.RemoteFailed, true, "the store kept saying that it is too busy"},
		"too many requests":          {objectstore.Answer{Status: 429}, store.RemoteFailed, true, "the store kept saying that it is too busy"},
		"failing":                    {objectstore.Answer{Status: 500, Code: "InternalError"}, store.RemoteFailed, true, "the store kept failing"},
		"stopping":                   {objectstore.Answer{Stall: 300}, store.RemoteFailed, true, "answers kept stopping in the middle, and no more of them came in time; check the network and the endpoint, and run again"},
		"in conflict":                {objectstore.Answer{Status: 409, Code: "Conflict"}, store.RemoteFailed, true, "other writers kept changing it"},
		"reset":                      {objectstore.Answer{Reset: true}, store.RemoteFailed, true, "check the network and the endpoint, and run again"},
		"silent":                     {objectstore.Answer{Wait: time.Minute}, store.RemoteFailed, true, "no answer came in time; check the network and the endpoint, and run again"},
		"denied":                     {objectstore.Answer{Status: 403, Code: "AccessDenied"}, store.RemoteDenied, true, "the store denies access"},
		"expired half-way":           {objectstore.Answer{Status: 401}, store.RemoteExpired, true, "the store does not accept the credentials any more"},
		"gone":                       {objectstore.Answer{Status: 404, Code: "NoSuchKey"}, store.RemoteGone, true, "there is no such object"},
		"a request that is no right": {objectstore.Answer{Status: 400, Code: "InvalidArgument"}, store.RemoteRefused, false, "the store refuses the request"},
	}
	maps.Copy(tests, more)
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p := on(t, gets(func(int) objectstore.Answer { return test.answer }))
			begin := time.Now()
			_, err := p.readAll(t.Context(), p.opened(t, hasty()))
			var remote *store.RemoteError
			if !errors.As(err, &remote) || remote.Kind != test.kind || remote.Retryable() != test.retryable {
				t.Fatalf("error %v (%+v), want kind %s, retryable %v", err, remote, test.kind, test.retryable)
			}
			where := p.bucket + "/v/a.parquet: "
			if strings.Contains(test.says, "in another region") {
				where = p.bucket + ": " // which the bucket is, whatever is asked of it
			}
			if text := err.Error(); !strings.HasPrefix(text, where) || !strings.Contains(text, test.says) {
				t.Errorf("error %q, want bucket, key and %q", text, test.says)
			}
			if took := time.Since(begin); took > 10*time.Second {
				t.Errorf("it took %s", took)
			}
		})
	}
}

// TestWhatIsWrongIsSaidOnce: no retry makes up for wrong credentials or a bucket that is not there, and no secret is told.
func TestWhatIsWrongIsSaidOnce(t *testing.T) {
	proxy := onS3(t, nil).proxy
	for name, test := range map[string]struct {
		env       map[string]string
		glob      string
		retryable bool
		says      string
	}{
		"wrong secret": {map[string]string{"AWS_SECRET_ACCESS_KEY": "planted-secret-that-is-wrong"}, "s3://feat/v", false,
			"s3://feat/v: the store does not accept the credentials (SignatureDoesNotMatch, 403); check which ones this process finds"},
		"unknown key":     {map[string]string{"AWS_ACCESS_KEY_ID": "AKIANOBODY"}, "s3://feat/v", false, "the store does not accept the credentials"},
		"missing bucket":  {nil, "s3://feet/v", false, "s3://feet: there is no such bucket; check its name"},
		"missing prefix":  {nil, "s3://feat/w/*.parquet", true, `no Parquet file matches s3://feat/w/*.parquet: s3://feat has no "w", did you mean "v"; check the path and its wildcards`},
		"no credentials":  {map[string]string{"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}, "s3://feat/v", false, "no credentials were found; give them as the cloud's own tools read them"},
		"unknown profile": {map[string]string{"AWS_PROFILE": "nobody"}, "s3://feat/v", false, "wrong"},
		"odd parameter":   {nil, "s3://feat/v?secret_access_key=planted-secret", false, `unknown parameter "secret_access_key": known are anonymous, `},
		"another region":  {nil, "s3://feat/v?region=eu-west-1", false, "s3://feat: the bucket is in another region than the one that was asked (AuthorizationHeaderMalformed, 400); set AWS_REGION"},
	} {
		t.Run(name, func(t *testing.T) {
			for variable, value := range test.env {
				t.Setenv(variable, value)
			}
			before := proxy.Requests.Load()
			_, err := opened(t, hasty()).List(t.Context(), "", test.glob)
			var say interface{ Retryable() bool }
			if !errors.As(err, &say) || say.Retryable() != test.retryable || !strings.Contains(err.Error(), test.says) {
				t.Errorf("error %v, want %q, retryable %v", err, test.says, test.retryable)
			}
			if err != nil && strings.Contains(err.Error(), "planted-secret") {
				t.Errorf("error %v tells a secret", err)
			}
			if made := proxy.Requests.Load() - before; !test.retryable && made > 1 {
				t.Errorf("%d requests, want one at most", made)
			}
		})
	}
}

// TestAnAnswerOfOtherBytesIsNotTaken: where an answer does not say of which bytes it is, it may be the beginning of the object, as of a gateway that
// takes no heed of ranges. All of an object is taken for what it is.
func TestAnAnswerOfOtherBytesIsNotTaken(t *testing.T)      { unsaid(t, onS3) }
func TestAnAnswerOfOtherBytesIsNotTakenAzure(t *testing.T) { unsaid(t, onAzure) }

func unsaid(t *testing.T, on cloudOfTest) {
	t.Helper()
	p := on(t, gets(func(int) objectstore.Answer { return objectstore.Answer{Unsaid: true} }))
	s := p.opened(t, hasty())
	o, err := s.Open(t.Context(), p.bucket+"/v/a.parquet")
	if err != nil {
		t.Fatal(err)
	}
	var remote *store.RemoteError
	if _, err := o.ReadAt(make([]byte, 1000), 5000); !errors.As(err, &remote) || !remote.Retryable() || !strings.Contains(err.Error(), "it kept answering with something else than was asked for") {
		t.Errorf("a range: error %v", err)
	}
	all := make([]byte, len(content()))
	if _, err := o.ReadAt(all, 0); err != nil || !bytes.Equal(all, content()) {
		t.Errorf("the whole object: error %v", err)
	}
}

// TestALookTellsAsMuchAsAListing: what is asked for one object alone, as a config or a report is, gets an answer without a body, of which the status
// alone is known; what is told is what a listing would have said.
func TestALookTellsAsMuchAsAListing(t *testing.T) {
	var mu sync.Mutex
	var answer objectstore.Answer
	onS3(t, func(int, *http.Request) objectstore.Answer {
		mu.Lock()
		defer mu.Unlock()
		return answer
	})
	for name, test := range map[string]struct {
		env    map[string]string
		answer objectstore.Answer
		key    string
		kind   store.RemoteKind
		says   string
	}{
		"wrong secret": {env: map[string]string{"AWS_SECRET_ACCESS_KEY": "planted-secret-that-is-wrong"}, key: "/v/a.parquet", kind: store.RemoteRefused,
			says: "s3://feat/v/a.parquet: the store does not accept the credentials (SignatureDoesNotMatch, 403)"},
		"missing bucket":  {key: "-is-not/v/a.parquet", kind: store.RemoteRefused, says: "s3://feat-is-not: there is no such bucket"},
		"missing object":  {key: "/v/b.parquet", kind: store.RemoteGone, says: "s3://feat/v/b.parquet: there is no such object"},
		"expired":         {answer: objectstore.Answer{Status: 400, Code: "ExpiredToken"}, key: "/v/a.parquet", kind: store.RemoteExpired, says: "s3://feat/v/a.parquet: the credentials have expired (ExpiredToken, 400)"},
		"denied":          {answer: objectstore.Answer{Status: 403, Code: "AccessDenied"}, key: "/v/a.parquet", kind: store.RemoteDenied, says: "s3://feat/v/a.parquet: the store denies access"},
		"clocks apart":    {answer: objectstore.Answer{Status: 403, Code: "RequestTimeTooSkewed"}, key: "/v/a.parquet", kind: store.RemoteFailed, says: "s3://feat/v/a.parquet: the clock of this machine and that of the store differ too much"},
		"another region":  {answer: objectstore.Answer{Status: 301, Code: "PermanentRedirect"}, key: "/v/a.parquet", kind: store.RemoteRefused, says: "in another region"},
		"unknown account": {answer: objectstore.Answer{Status: 403, Code: "InvalidAccessKeyId"}, key: "/v/a.parquet", kind: store.RemoteRefused, says: "the store does not accept the credentials (InvalidAccessKeyId, 403)"},
	} {
		t.Run(name, func(t *testing.T) {
			for variable, value := range test.env {
				t.Setenv(variable, value)
			}
			mu.Lock()
			answer = test.answer
			mu.Unlock()
			var remote *store.RemoteError
			if _, err := opened(t, hasty()).Stat(t.Context(), "s3://feat"+test.key); !errors.As(err, &remote) || remote.Kind != test.kind || !strings.HasPrefix(err.Error(), "s3://feat") || !strings.Contains(err.Error(), test.says) {
				t.Errorf("error %v, want %q, kind %s", err, test.says, test.kind)
			}
		})
	}
}

// TestAnObjectThatIsReplacedIsNotMixed: what was listed is read, or nothing.
func TestAnObjectThatIsReplacedIsNotMixed(t *testing.T)       { replaced(t, onS3) }
func TestAnObjectThatIsReplacedIsNotMixedGoogle(t *testing.T) { replaced(t, onGoogle) }
func TestAnObjectThatIsReplacedIsNotMixedAzure(t *testing.T)  { replaced(t, onAzure) }

func replaced(t *testing.T, on cloudOfTest) {
	t.Helper()
	p := on(t, nil)
	s := p.opened(t, hasty())
	if _, err := s.List(t.Context(), "", p.bucket+"/v"); err != nil {
		t.Fatal(err)
	}
	o, err := s.Open(t.Context(), p.bucket+"/v/a.parquet")
	if err != nil {
		t.Fatal(err)
	}
	half := make([]byte, 1000)
	if _, err := o.ReadAt(half, 0); err != nil {
		t.Fatal(err)
	}
	other := bytes.Repeat([]byte("x"), len(content()))
	if err := p.opened(t, hasty()).Write(t.Context(), p.bucket+"/v/a.parquet", objectstore.Of(other)); err != nil {
		t.Fatal(err)
	}
	var remote *store.RemoteError
	if _, err := o.ReadAt(half, 1000); !errors.As(err, &remote) || remote.Kind != store.RemoteChanged {
		t.Errorf("a read of the replaced object: %v, want that it was replaced", err)
	}
	now, err := s.Stat(t.Context(), p.bucket+"/v/a.parquet")
	if err != nil {
		t.Fatal(err)
	}
	if o, err = s.Open(t.Context(), now.Abs); err != nil {
		t.Fatal(err)
	}
	if _, err := o.ReadAt(half, 1000); err != nil || string(half) != strings.Repeat("x", len(half)) {
		t.Errorf("a read after another look: %v, %q", err, half[:10])
	}
	if err := p.opened(t, hasty()).Delete(t.Context(), p.bucket+"/v/a.parquet"); err != nil {
		t.Fatal(err)
	}
	if _, err := o.ReadAt(half, 0); !errors.Is(err, fs.ErrNotExist) && !(strings.HasPrefix(p.bucket, "azblob") && errors.As(err, &remote) && remote.Kind == store.RemoteChanged) {
		t.Errorf("a read of the deleted object: %v, want fs.ErrNotExist", err)
	}
}

// TestListsMoreThanAPage lists 2,100 objects, which the server gives a thousand at a time.
func TestListsMoreThanAPage(t *testing.T)       { pages(t, onS3) }
func TestListsMoreThanAPageGoogle(t *testing.T) { pages(t, onGoogle) }
func TestListsMoreThanAPageAzure(t *testing.T)  { pages(t, onAzure) }

func pages(t *testing.T, on cloudOfTest) {
	t.Helper()
	p := on(t, nil)
	s := p.opened(t, blob.DefaultLimits())
	var group sync.WaitGroup
	for worker := range 16 {
		group.Go(func() {
			for i := worker; i < 2100; i += 16 {
				if err := s.Write(t.Context(), fmt.Sprintf(p.bucket+"/many/dt=2026-11-%02d/%04d.parquet", i%30+1, i), objectstore.Of([]byte("x"))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	before := len(p.proxy.Seen())
	l, err := s.List(t.Context(), "", p.bucket+"/many/**/*.parquet")
	if err != nil || len(l.Entries) != 2100 || len(l.Dirs) != 30 {
		t.Fatalf("%d objects in %d folders, error %v; want 2,100 in 30", len(l.Entries), len(l.Dirs), err)
	}
	pages, one := 0, regexp.MustCompile(`(max-keys|maxResults|maxresults)=1(&| |$)`)
	for _, request := range p.proxy.Seen()[before:] {
		if strings.Contains(request, "prefix=many%2F") && !one.MatchString(request) {
			pages++
		}
	}
	if pages != 3 {
		t.Errorf("%d pages, want 3: %q", pages, p.proxy.Seen()[before:])
	}
}

// TestACancelledReadEndsAtOnce does so in the middle of an answer that does not come.
func TestACancelledReadEndsAtOnce(t *testing.T) {
	p := onS3(t, gets(func(int) objectstore.Answer { return objectstore.Answer{Wait: time.Minute} }))
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(200*time.Millisecond, cancel)
	begin := time.Now()
	if _, err := p.readAll(ctx, opened(t, blob.DefaultLimits())); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("it took %s", took)
	}
}

// TestWhatIsNotThereGoogle and TestWhatIsNotThereAzure: a bucket and a folder that are not there are told apart, and a wrong key of Azure is refused.
func TestWhatIsNotThereGoogle(t *testing.T) { notThere(t, onGoogle) }

func TestWhatIsNotThereAzure(t *testing.T) {
	notThere(t, onAzure)
	t.Setenv("AZURE_STORAGE_KEY", "cGxhbnRlZC1zZWNyZXQtdGhhdC1pcy13cm9uZw==")
	_, err := opened(t, hasty()).List(t.Context(), "", "azblob://feat/v")
	var remote *store.RemoteError
	if !errors.As(err, &remote) || remote.Retryable() || strings.Contains(err.Error(), "cGxhbnRlZC") {
		t.Errorf("a wrong key: %v, want that no retry helps", err)
	}
}

func notThere(t *testing.T, on cloudOfTest) {
	t.Helper()
	p := on(t, nil)
	var remote *store.RemoteError
	_, err := opened(t, hasty()).List(t.Context(), "", strings.Replace(p.bucket, "feat", "feet", 1)+"/v"+p.parameters)
	if !errors.As(err, &remote) || remote.Kind != store.RemoteRefused || !strings.Contains(err.Error(), "there is no such bucket") {
		t.Errorf("a missing bucket: %v", err)
	}
	var none *store.NoMatchError
	if _, err := p.opened(t, hasty()).List(t.Context(), "", p.bucket+"/w/*.parquet"); !errors.As(err, &none) || none.Missing != "w" {
		t.Errorf("a missing folder: %v", err)
	}
}
