package contract_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/open-feature/go-sdk/openfeature"
	"github.com/open-feature/go-sdk/openfeature/isolated"

	"github.com/featureaudit/featureaudit/audit/contract"
	"github.com/featureaudit/featureaudit/audit/policy"
)

// contractCase is one line of fixtures/contract: what a file says, what is asked, and what must be answered. The command
// line and the Python package are held to the same table.
type contractCase struct {
	Name, Why, View, Project string
	Now                      string
	MaxAge                   string `json:"max_age"`
	MaxReportAge             string `json:"max_report_age"`
	Accept                   []string
	Window                   []string
	Verdict                  contract.Verdict
	Exit                     int

	File   json.RawMessage
	Text   *string
	Base64 string
}

func readCases(t *testing.T) map[string]contractCase {
	t.Helper()
	files, err := filepath.Glob("../../fixtures/contract/*.json")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]contractCase{}
	for _, path := range files {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var list []contractCase
		if err := json.Unmarshal(raw, &list); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		group := filepath.Base(path[:len(path)-len(".json")])
		for _, c := range list {
			all[group+"/"+c.Name] = c
		}
	}
	if len(all) < 150 {
		t.Fatalf("%d cases: the table is not whole", len(all))
	}
	return all
}

// write lays the case's flag file into a folder; a case without one leaves the path empty.
func (c contractCase) write(t *testing.T, dir string) string {
	t.Helper()
	path := filepath.Join(dir, "flags.json")
	raw := []byte(c.File)
	switch {
	case c.Text != nil:
		raw = []byte(*c.Text)
	case c.Base64 != "":
		var err error
		if raw, err = base64.StdEncoding.DecodeString(c.Base64); err != nil {
			t.Fatal(err)
		}
	case c.File == nil:
		return path
	}
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func (c contractCase) options(t *testing.T) contract.Options {
	t.Helper()
	now := instant(t, c.Now)
	return contract.Options{Project: c.Project, Accept: c.Accept, MaxAge: duration(t, c.MaxAge), MaxReportAge: duration(t, c.MaxReportAge),
		Now: func() time.Time { return now }}
}

func instant(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := contract.ParseInstant(text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func duration(t *testing.T, text string) time.Duration {
	t.Helper()
	if text == "" {
		return 0
	}
	d, err := policy.ParseDuration(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestCasesByDecision judges every case from the file itself.
func TestCasesByDecision(t *testing.T) {
	exits := map[contract.Verdict]int{contract.Pass: 0, contract.Stale: 1, contract.Failed: 1, contract.Unknown: 3}
	for name, c := range readCases(t) {
		t.Run(name, func(t *testing.T) {
			o := c.options(t)
			q := contract.Question{View: c.View, MaxAge: o.MaxAge, Accept: o.Accept, MaxReportAge: o.MaxReportAge, Now: o.Now()}
			got := contract.Unknown
			message := ""
			if f, err := contract.Read(c.write(t, t.TempDir())); err == nil {
				answer := contract.Decide(f.Evidence(c.Project, c.View), q)
				if len(c.Window) == 2 {
					answer = contract.DecideWindow(f.Evidence(c.Project, c.View), q, instant(t, c.Window[0]), instant(t, c.Window[1]))
				}
				got, message = answer.Verdict, answer.Message
			} else {
				message = err.Error()
			}
			if got != c.Verdict {
				t.Errorf("%s, want %s (%s): %s", got, c.Verdict, c.Why, message)
			}
			if exits[c.Verdict] != c.Exit {
				t.Errorf("verdict %s with exit %d", c.Verdict, c.Exit)
			}
		})
	}
}

// newClient is a client of its own over the provider; the API's shutdown ends both.
func newClient(t *testing.T, p openfeature.FeatureProvider) (openfeature.IClient, error) {
	t.Helper()
	api := isolated.NewAPI()
	err := api.SetProviderAndWait(t.Context(), p)
	t.Cleanup(func() {
		if err := api.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return api.NewClient(), err
}

// TestCasesByRequire judges every case through the OpenFeature SDK.
func TestCasesByRequire(t *testing.T) {
	for name, c := range readCases(t) {
		t.Run(name, func(t *testing.T) {
			client, _ := newClient(t, contract.NewProvider(c.write(t, t.TempDir()), contract.ProviderOptions{Poll: time.Hour}))
			err := requireCase(t, c, client)
			if got := verdictOf(t, err); got != c.Verdict {
				t.Errorf("%s, want %s (%s): %v", got, c.Verdict, c.Why, err)
			}
		})
	}
}

func requireCase(t *testing.T, c contractCase, client openfeature.IClient) error {
	t.Helper()
	if len(c.Window) == 2 {
		return contract.RequireTrainingWindow(t.Context(), client, c.View, instant(t, c.Window[0]), instant(t, c.Window[1]), c.options(t))
	}
	return contract.Require(t.Context(), client, c.View, c.options(t))
}

func verdictOf(t *testing.T, err error) contract.Verdict {
	t.Helper()
	if err == nil {
		return contract.Pass
	}
	var v *contract.Violation
	if !errors.As(err, &v) || !errors.Is(err, contract.ErrContract) {
		t.Fatalf("not a violation: %v", err)
	}
	return v.Answer.Verdict
}

// TestCasesByHook judges every case by a hook on the client, and demands what Finally records.
func TestCasesByHook(t *testing.T) {
	for name, c := range readCases(t) {
		if len(c.Window) > 0 {
			continue
		}
		t.Run(name, func(t *testing.T) {
			client, _ := newClient(t, contract.NewProvider(c.write(t, t.TempDir()), contract.ProviderOptions{Poll: time.Hour}))
			var recorded []contract.Verdict
			client.AddHooks(contract.NewHook(c.options(t), func(a contract.Answer) { recorded = append(recorded, a.Verdict) }))
			key := c.View
			if c.Project != "" {
				key = c.Project + "." + key
			}
			if !slices.ContainsFunc([]string{"featureview.", "featureservice."}, func(p string) bool { return len(key) > len(p) && key[:len(p)] == p }) {
				key = "featureview." + key
			}
			value, err := client.StringValue(context.Background(), key, contract.VariantUnknown, openfeature.EvaluationContext{})
			if (err == nil) != (c.Verdict == contract.Pass) {
				// A disabled flag is no error to the SDK, but the hook still refuses it.
				t.Errorf("error %v for a verdict %s (%s)", err, c.Verdict, c.Why)
			}
			if err != nil && value != contract.VariantUnknown {
				t.Errorf("the SDK answers %q beside the error %v", value, err)
			}
			if want := []contract.Verdict{c.Verdict}; !slices.Equal(recorded, want) {
				t.Errorf("recorded %v, want %v", recorded, want)
			}
		})
	}
}

func TestMessagesSayWhoAndWhatToDo(t *testing.T) {
	now := time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)
	meta := func(changes map[string]any) map[string]any {
		m := map[string]any{"contract_version": int64(1), "audited_at": "2026-11-24T02:00:00Z", "newest_event_time": "2026-11-23T01:00:00Z",
			"ttl_declared": true, "ttl_seconds": int64(259200), "max_age_seconds": int64(86400), "owner": "web", "reasons": "stale-rows,ttl-unset"}
		for name, value := range changes {
			m[name] = value
		}
		return m
	}
	for want, e := range map[string]contract.Evidence{
		"v (owner web): stale: its newest event is 1d7h old (2026-11-23T01:00:00Z), promised 6h; wait for its feed or restart it, then audit again": {Value: "pass",
			Variant: "pass", Reason: "STATIC", Metadata: meta(nil)},
		"v (owner web): failed: the audit of 2026-11-24T02:00:00Z says fail (stale-rows, ttl-unset); its newest event is 1d7h old, promised 6h; see the report, repair it, and audit again": {Value: "fail",
			Variant: "fail", Reason: "STATIC", Metadata: meta(nil)},
		"v (owner web): unknown: last looked at 2d6h ago (2026-11-22T02:00:00Z), and an audit counts for 1d6h; run the audit again": {Value: "pass",
			Variant: "pass", Reason: "STATIC", Metadata: meta(map[string]any{"audited_at": "2026-11-22T02:00:00Z"})},
		`v: unknown: the answer has the reason "DEFAULT", so that no audit stands behind it; register a provider that reads the flag file`: {Value: "pass", Variant: "default-variant", Reason: "DEFAULT"},
	} {
		a := contract.Decide(e, contract.Question{View: "v", MaxAge: 6 * time.Hour, Now: now})
		if a.Message != want {
			t.Errorf("%s\nwant\n%s", a.Message, want)
		}
	}
}

func TestQuestionsThatMakeNoSense(t *testing.T) {
	client, err := newClient(t, openfeature.NoopProvider{})
	if err != nil {
		t.Fatal(err)
	}
	now := func() time.Time { return time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC) }
	for want, o := range map[string]contract.Options{
		"feature contract not kept: view v: options have no clock; set Now to time.Now":                                                    {},
		"feature contract not kept: view v: a limit below 0 can never be kept; give a duration above 0":                                    {Now: now, MaxAge: -time.Hour},
		`feature contract not kept: view v: accept "fail": expected pass or warn`:                                                          {Now: now, Accept: []string{"fail"}},
		`v: unknown: the answer has the reason "DEFAULT", so that no audit stands behind it; register a provider that reads the flag file`: {Now: now},
	} {
		err := contract.Require(t.Context(), client, "v", o)
		if err == nil || err.Error() != want || !errors.Is(err, contract.ErrContract) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	err = contract.RequireTrainingWindow(t.Context(), client, "v", now(), now(), contract.Options{Now: now})
	if err == nil || !errors.Is(err, contract.ErrContract) {
		t.Errorf("an empty window: %v", err)
	}
}

func ExampleRequire() {
	// One client for each purpose keeps this apart from other flags of the program. SetProviderAndWait tells of a file that
	// is missing or broken; Require would refuse then, too.
	provider := contract.NewProvider("testdata/flags.json", contract.ProviderOptions{Now: time.Now})
	if err := openfeature.SetNamedProviderAndWait("features", provider); err != nil {
		fmt.Println(err)
		return
	}
	defer openfeature.Shutdown()
	client := openfeature.NewClient("features")

	// Give time.Now in a program; an example needs a clock that stands.
	clock := func() time.Time { return time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC) }
	err := contract.Require(context.Background(), client, "web_impressions", contract.Options{MaxAge: 6 * time.Hour, Now: clock})
	fmt.Println(err)

	// A hook alone does not stop anybody: the SDK turns its error into the caller's default.
	client.AddHooks(contract.NewHook(contract.Options{MaxAge: 6 * time.Hour, Now: clock}, nil))
	fmt.Println(client.String(context.Background(), "featureview.growth.web_impressions", "pass", openfeature.EvaluationContext{}))
	// Output:
	// web_impressions (owner web): stale: its newest event is 3d6h57m57s old (2026-11-21T01:02:03Z), promised 6h; wait for its feed or restart it, then audit again
	// pass
}
