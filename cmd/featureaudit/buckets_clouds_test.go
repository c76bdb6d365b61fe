//go:build stores

package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/featureaudit/featureaudit/audit/store/blob"
	"github.com/featureaudit/featureaudit/fixtures"
	"github.com/featureaudit/featureaudit/fixtures/objectstore"
)

// faultyRun is a run of the program over a folder of its own, of which some requests fail.
type faultyRun struct {
	// fault is asked of each request for the folder whose number is n; reads are those for bytes of objects.
	fault func(n int, read bool) objectstore.Answer
	// env is more for the program.
	env  map[string]string
	path string // of the folder, where it is another one
	exit int
	says string
	// retryable is that of the results which say it.
	retryable bool
	// most is how long it may take.
	most time.Duration
}

func always(a objectstore.Answer) func(int, bool) objectstore.Answer {
	return func(int, bool) objectstore.Answer { return a }
}

// reading is a fault of the first so many reads; 0 of all.
func reading(times int, a objectstore.Answer) func(int, bool) objectstore.Answer {
	n := 0
	return func(_ int, read bool) objectstore.Answer {
		if !read {
			return objectstore.Answer{}
		}
		if n++; times > 0 && n > times {
			return objectstore.Answer{}
		}
		return a
	}
}

// halfway is a fault of all requests after the first two reads.
func halfway(a objectstore.Answer) func(int, bool) objectstore.Answer {
	reads := 0
	return func(_ int, read bool) objectstore.Answer {
		if read {
			reads++
		}
		if reads > 2 {
			return a
		}
		return objectstore.Answer{}
	}
}

// faultyRuns are those of every cloud: what passes is read through, and all else has its outcome, says bucket, cause and remedy, and whether another run
// may help.
func faultyRuns() map[string]*faultyRun {
	const minute = 100 * time.Second
	return map[string]*faultyRun{
		"sound":              {exit: 0},
		"500-twice":          {fault: reading(2, objectstore.Answer{Status: 500, Code: "InternalError"}), exit: 0},
		"busy-twice":         {fault: reading(2, objectstore.Answer{Status: 503, Code: "SlowDown"}), exit: 0},
		"reset-twice":        {fault: reading(2, objectstore.Answer{Reset: true}), exit: 0},
		"cut":                {fault: reading(3, objectstore.Answer{Cut: 500}), exit: 0},
		"slow":               {fault: reading(1, objectstore.Answer{Wait: 25 * time.Second}), exit: 0, most: minute},
		"stopping":           {fault: reading(1, objectstore.Answer{Stall: 500}), exit: 0, most: minute},
		"busy":               {fault: always(objectstore.Answer{Status: 503, Code: "SlowDown"}), exit: exitIncomplete, says: "the store kept saying that it is too busy", retryable: true, most: minute},
		"busy-reads":         {fault: reading(0, objectstore.Answer{Status: 429}), exit: exitIncomplete, says: "the store kept saying that it is too busy", retryable: true, most: minute},
		"failing":            {fault: reading(0, objectstore.Answer{Status: 500, Code: "InternalError"}), exit: exitIncomplete, says: "the store kept failing", retryable: true, most: minute},
		"reset":              {fault: always(objectstore.Answer{Reset: true}), exit: exitIncomplete, says: "check the network and the endpoint, and run again", retryable: true, most: minute},
		"cut-always":         {fault: reading(0, objectstore.Answer{Cut: 1}), exit: exitIncomplete, says: "the connection kept breaking before the last byte", retryable: true, most: minute},
		"denied":             {fault: always(objectstore.Answer{Status: 403, Code: "AccessDenied"}), exit: exitIncomplete, says: "the store denies access", retryable: true},
		"denied-reads":       {fault: reading(0, objectstore.Answer{Status: 403, Code: "AccessDenied"}), exit: exitIncomplete, says: "the store denies access", retryable: true},
		"wrong-secret":       {fault: always(objectstore.Answer{Status: 401}), exit: exitFindings, says: "the store does not accept the credentials (401); check which ones this process finds"},
		"expired-halfway":    {fault: halfway(objectstore.Answer{Status: 401}), exit: exitIncomplete, says: "the store does not accept the credentials any more (401); run again with fresh ones", retryable: true},
		"gone":               {fault: reading(0, objectstore.Answer{Status: 404, Code: "NoSuchKey"}), exit: exitIncomplete, says: "it was listed and is gone now", retryable: true},
		"replaced":           {fault: reading(0, objectstore.Answer{Status: 412, Code: "ConditionNotMet"}), exit: exitIncomplete, says: "it was replaced since it was listed; run again when its writer is done", retryable: true},
		"missing-prefix":     {path: "feat/nothing-here/*.parquet", exit: exitIncomplete, says: "no Parquet file matches", retryable: true},
		"missing-bucket":     {path: "feat-is-not/v", exit: exitFindings, says: "there is no such bucket; check its name"},
		"a-request-no-right": {fault: always(objectstore.Answer{Status: 400, Code: "InvalidArgument"}), exit: exitFindings, says: "the store refuses the request"},
	}
}

func TestABucketThatFails(t *testing.T) {
	server := objectstore.StartS3(t)
	server.Use(t)
	server.Bucket(t, "feat")
	throughTheProgram(t, "s3://", "", func(fault func(int, *http.Request) objectstore.Answer) {
		t.Setenv("AWS_ENDPOINT_URL", objectstore.Front(t, server.Endpoint, fault).URL)
	}, map[string]*faultyRun{
		"wrong-secret":    {env: map[string]string{"AWS_SECRET_ACCESS_KEY": "planted-secret-that-is-wrong"}, exit: exitFindings, says: "the store does not accept the credentials (SignatureDoesNotMatch, 403)"},
		"expired-halfway": {fault: halfway(objectstore.Answer{Status: 400, Code: "ExpiredToken"}), exit: exitIncomplete, says: "the credentials have expired (ExpiredToken, 400); run again with fresh ones", retryable: true},
		"clocks-apart": {fault: reading(0, objectstore.Answer{Status: 403, Code: "RequestTimeTooSkewed"}), exit: exitIncomplete, says: "the clock of this machine and that of the store differ too much (RequestTimeTooSkewed, 403); set the clock",
			retryable: true, most: 100 * time.Second},
	})
}

func TestABucketOfGoogleThatFails(t *testing.T) {
	throughTheProgram(t, "gs://", "?anonymous=true", func(fault func(int, *http.Request) objectstore.Answer) {
		objectstore.StartGCSBehind(t, fault)
		objectstore.MakeGCSBucket(t, "feat")
	}, map[string]*faultyRun{
		"cut-always": {fault: reading(0, objectstore.Answer{Cut: 1}), exit: 0, most: 100 * time.Second}, // its library reads on by itself, a byte at a time
	})
}

func TestABucketOfAzureThatFails(t *testing.T) {
	objectstore.StartAzure(t)
	objectstore.MakeAzureContainer(t, "feat")
	throughTheProgram(t, "azblob://", "", func(fault func(int, *http.Request) objectstore.Answer) {
		proxy := objectstore.Front(t, "http://"+os.Getenv("AZURE_STORAGE_DOMAIN"), fault)
		t.Setenv("AZURE_STORAGE_DOMAIN", strings.TrimPrefix(proxy.URL, "http://"))
	}, map[string]*faultyRun{
		"wrong-secret": {env: map[string]string{"AZURE_STORAGE_KEY": "cGxhbnRlZC1zZWNyZXQtdGhhdC1pcy13cm9uZw=="}, exit: exitFindings, says: "the store accept"},
		"clocks-apart": {fault: always(objectstore.Answer{Status: 403, Code: "AuthenticationFailed"}), exit: exitFindings, says: "the store does not accept the credentials (AuthenticationFailed, 403)"},
	})
}

func throughTheProgram(t *testing.T, scheme, parameters string, front func(func(int, *http.Request) objectstore.Answer), more map[string]*faultyRun) {
	t.Helper()
	runs := faultyRuns()
	for name, run := range more {
		runs[name] = run
	}
	var mu sync.Mutex
	asked := map[string]int{}
	armed := false
	front(func(_ int, r *http.Request) objectstore.Answer {
		mu.Lock()
		defer mu.Unlock()
		whole, err := url.PathUnescape(r.URL.String())
		_, after, is := strings.Cut(whole, "case-")
		if err != nil || !is || !armed {
			return objectstore.Answer{}
		}
		name := after[:strings.IndexAny(after+"/", "/&. ")]
		run := runs[name]
		if run == nil || run.fault == nil {
			return objectstore.Answer{}
		}
		asked[name]++
		return run.fault(asked[name], r.Header.Get("Range") != "" || r.Header.Get("x-ms-range") != "")
	})
	s := blob.New(blob.DefaultLimits())
	defer s.Close()
	if err := s.Know(t.Context(), scheme+"feat"+parameters); err != nil {
		t.Fatal(err)
	}
	for name := range runs {
		for day := 1; day <= 3; day++ {
			if err := s.Write(t.Context(), fmt.Sprintf("%sfeat/case-%s/dt=2026-11-%02d/a.parquet", scheme, name, day), objectstore.Of(smallFile(t, day))); err != nil {
				t.Fatal(err)
			}
		}
	}
	mu.Lock()
	armed = true
	mu.Unlock()
	var group sync.WaitGroup
	for name, run := range runs {
		group.Go(func() { run.try(t, name, scheme, parameters) })
	}
	group.Wait()
}

func smallFile(t *testing.T, day int) []byte {
	t.Helper()
	columns := []fixtures.Column{{Name: "id", Type: fixtures.TextType}, {Name: "event_time", Type: fixtures.AwareType}}
	for i := range 2000 {
		columns[0].Values = append(columns[0].Values, fmt.Sprintf("%d of %d", i, day))
		columns[1].Values = append(columns[1].Values, time.Date(2026, 11, day, 0, 0, i, 0, time.UTC))
	}
	path := filepath.Join(t.TempDir(), "a.parquet")
	if err := fixtures.Write(path, fixtures.Table{Columns: columns}, fixtures.Options{}); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// names is what an error has to name of a path: all of it but where it says that the bucket is not there.
func (f *faultyRun) names(path string) string {
	if strings.Contains(f.says, "no such bucket") {
		path, _, _ = strings.Cut(path, "/")
	}
	return path
}

// try runs the program. It is called side by side with others.
func (f *faultyRun) try(t *testing.T, name, scheme, parameters string) {
	path := f.path
	if path == "" {
		path = "feat/case-" + name
	}
	out := filepath.Join(t.TempDir(), "report.json")
	cmd := program(t, "run", "--path", scheme+path+parameters, "--event-time", "event_time", "--key", "id", "--ttl", "240h", "--as-of", "2026-11-04", "--fail-on", "error", "--log-level", "debug", "--out", "json="+out)
	cmd.Env = os.Environ()
	for variable, value := range f.env {
		cmd.Env = append(cmd.Env, variable+"="+value)
	}
	begin := time.Now()
	printed, _ := cmd.CombinedOutput()
	if code := cmd.ProcessState.ExitCode(); code != f.exit {
		t.Errorf("%s: exit %d, want %d\n%s", name, code, f.exit, printed)
		return
	}
	if most := max(f.most, 30*time.Second); time.Since(begin) > most {
		t.Errorf("%s: it took %s, want no more than %s", name, time.Since(begin), most)
	}
	if strings.Contains(string(printed), "planted-secret") {
		t.Errorf("%s: the secret is told\n%s", name, printed)
	}
	raw, err := os.ReadFile(out)
	if err != nil {
		t.Errorf("%s: %v\n%s", name, err, printed)
		return
	}
	var r struct {
		Views []struct {
			Rows int64 `json:"rows"`
		} `json:"views"`
		Results []struct {
			Outcome   string `json:"outcome"`
			Message   string `json:"message"`
			Retryable bool   `json:"retryable"`
		} `json:"results"`
	}
	if err := json.Unmarshal(raw, &r); err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	if f.exit == 0 {
		if len(r.Views) != 1 || r.Views[0].Rows != 6000 {
			t.Errorf("%s: %+v, want 6000 rows", name, r.Views)
		}
		return
	}
	told, named := 0, false
	for _, result := range r.Results {
		if result.Outcome != "error" {
			continue
		}
		told++
		named = named || strings.Contains(result.Message, scheme+f.names(path)) && strings.Contains(result.Message, f.says)
		if result.Retryable != f.retryable {
			t.Errorf("%s: retryable %v, want %v: %s", name, result.Retryable, f.retryable, result.Message)
			return
		}
	}
	if told == 0 || !named {
		t.Errorf("%s: no result says that it could not look, with %q and %q\n%s", name, scheme+f.names(path), f.says, printed)
	}
}
