package contract_test

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/open-feature/go-sdk/openfeature"

	"github.com/featureaudit/featureaudit/audit/contract"
)

const goldenKey = "featureview.growth.clicks"

func golden(t *testing.T) string {
	t.Helper()
	raw, err := os.ReadFile("testdata/written.json")
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// replace puts a file in the place of another in one step, as the program does, with a time that moves backwards.
func replace(t *testing.T, path, text string) {
	t.Helper()
	other := path + ".tmp"
	if err := os.WriteFile(other, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	old := time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)
	if err := os.Chtimes(other, old, old); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(other, path); err != nil {
		t.Fatal(err)
	}
}

func TestProviderFollowsTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "flags.json")
	good := golden(t)
	replace(t, path, good)
	p := contract.NewProvider(path, contract.ProviderOptions{Poll: time.Hour})
	client, err := newClient(t, p)
	if err != nil {
		t.Fatal(err)
	}
	ask := func() (string, openfeature.ErrorCode) {
		d, _ := client.StringValueDetails(t.Context(), goldenKey, contract.VariantUnknown, openfeature.EvaluationContext{})
		return d.Value, d.ErrorCode
	}
	expect := func(step, value string, code openfeature.ErrorCode) {
		t.Helper()
		if got, gotCode := ask(); got != value || gotCode != code {
			t.Errorf("%s: %q %s, want %q %s", step, got, gotCode, value, code)
		}
	}
	expect("at first", "pass", "")
	replace(t, path, strings.Replace(good, `"defaultVariant": "pass"`, `"defaultVariant": "warn"`, 1))
	expect("replaced by an older file", "warn", "")
	replace(t, path, good[:100])
	expect("truncated", "unknown", openfeature.ParseErrorCode)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	expect("gone", "unknown", openfeature.ParseErrorCode)
	replace(t, path, good)
	expect("back again", "pass", "")
}

// TestProviderSendsEvents reads the channel itself: the SDK tells handlers in its own time.
func TestProviderSendsEvents(t *testing.T) {
	path := filepath.Join(t.TempDir(), "flags.json")
	good := golden(t)
	replace(t, path, good)
	audited := instant(t, finished)
	now := audited
	p := contract.NewProvider(path, contract.ProviderOptions{Poll: time.Hour, Now: func() time.Time { return now }})
	if err := p.Init(openfeature.EvaluationContext{}); err != nil {
		t.Fatal(err)
	}
	defer p.Shutdown()
	events := func() []openfeature.EventType {
		p.StringEvaluation(t.Context(), goldenKey, "", nil)
		var got []openfeature.EventType
		for {
			select {
			case e := <-p.EventChannel():
				got = append(got, e.EventType)
			default:
				return got
			}
		}
	}
	for _, step := range []struct {
		name string
		do   func()
		want []openfeature.EventType
	}{
		{"nothing", func() {}, nil},
		{"replaced", func() { replace(t, path, good+"\n") }, []openfeature.EventType{openfeature.ProviderConfigChange}},
		{"old", func() { now = audited.Add(31 * time.Hour) }, []openfeature.EventType{openfeature.ProviderStale}},
		{"still old", func() {}, nil},
		{"broken", func() { replace(t, path, "{") }, []openfeature.EventType{openfeature.ProviderError}},
		{"still broken", func() {}, nil},
		{"repaired", func() { now = audited; replace(t, path, good) }, []openfeature.EventType{openfeature.ProviderReady, openfeature.ProviderConfigChange}},
	} {
		step.do()
		if got := events(); !slices.Equal(got, step.want) {
			t.Errorf("%s: %v, want %v", step.name, got, step.want)
		}
	}
}

// TestProviderWatches sees a change without any evaluation.
func TestProviderWatches(t *testing.T) {
	path := filepath.Join(t.TempDir(), "flags.json")
	replace(t, path, golden(t))
	p := contract.NewProvider(path, contract.ProviderOptions{Poll: time.Millisecond})
	if err := p.Init(openfeature.EvaluationContext{}); err != nil {
		t.Fatal(err)
	}
	defer p.Shutdown()
	replace(t, path, "{")
	if e := <-p.EventChannel(); e.EventType != openfeature.ProviderError || !strings.Contains(e.Message, path) {
		t.Errorf("%+v, want e.EventType == openfeature.ProviderError && strings.Contains(e.Message, path)", e)
	}
}

func TestProviderLeavesNothingBehind(t *testing.T) {
	path := filepath.Join(t.TempDir(), "flags.json")
	replace(t, path, golden(t))
	before := runtime.NumGoroutine()
	for range 20 {
		p := contract.NewProvider(path, contract.ProviderOptions{Poll: time.Millisecond})
		for range 2 { // twice is once
			if err := p.Init(openfeature.EvaluationContext{}); err != nil {
				t.Fatal(err)
			}
		}
		p.Shutdown()
		p.Shutdown()
	}
	if after := runtime.NumGoroutine(); after > before {
		t.Errorf("%d goroutines, %d before", after, before)
	}
}

func TestProviderTellsWhatIsWrongAtTheStart(t *testing.T) {
	_, err := newClient(t, contract.NewProvider(filepath.Join(t.TempDir(), "none.json"), contract.ProviderOptions{Poll: time.Hour}))
	if err == nil || !strings.Contains(err.Error(), "none.json: no such file or directory; write it with featureaudit run --out flagd=PATH") {
		t.Errorf("a missing file: %v", err)
	}
	path := filepath.Join(t.TempDir(), "flags.json")
	replace(t, path, "{\n  \"flags\": {,}\n}")
	if _, err := newClient(t, contract.NewProvider(path, contract.ProviderOptions{Poll: time.Hour})); err == nil || !strings.Contains(err.Error(), "no valid JSON in line 2") {
		t.Errorf("a broken file: %v", err)
	}
}

func TestProviderRefusesOtherTypes(t *testing.T) {
	client, err := newClient(t, contract.NewProvider("testdata/written.json", contract.ProviderOptions{Poll: time.Hour}))
	if err != nil {
		t.Fatal(err)
	}
	none := openfeature.EvaluationContext{}
	if d, err := client.BooleanValueDetails(t.Context(), goldenKey, true, none); err == nil || d.ErrorCode != openfeature.TypeMismatchCode {
		t.Errorf("boolean: %+v, %v", d, err)
	}
	if d, err := client.FloatValueDetails(t.Context(), goldenKey, 1, none); err == nil || d.ErrorCode != openfeature.TypeMismatchCode {
		t.Errorf("float: %+v, %v", d, err)
	}
	if d, err := client.IntValueDetails(t.Context(), goldenKey, 1, none); err == nil || d.ErrorCode != openfeature.TypeMismatchCode {
		t.Errorf("int: %+v, %v", d, err)
	}
	if d, err := client.ObjectValueDetails(t.Context(), goldenKey, nil, none); err == nil || d.ErrorCode != openfeature.TypeMismatchCode {
		t.Errorf("object: %+v, %v", d, err)
	}
	if d, err := client.StringValueDetails(t.Context(), "featureview.growth.click", "unknown", none); err == nil || d.ErrorCode != openfeature.FlagNotFoundCode {
		t.Errorf("an unknown view: %+v, %v", d, err)
	}
}

// TestHookLeavesOtherFlagsAlone: a hook on the whole API must not stop a checkout flag.
func TestHookLeavesOtherFlagsAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "flags.json")
	replace(t, path, strings.ReplaceAll(golden(t), goldenKey, "checkout"))
	client, err := newClient(t, contract.NewProvider(path, contract.ProviderOptions{Poll: time.Hour}))
	if err != nil {
		t.Fatal(err)
	}
	client.AddHooks(contract.NewHook(contract.Options{Now: time.Now}, func(a contract.Answer) { t.Errorf("recorded %+v", a) }))
	if value, err := client.StringValue(t.Context(), "checkout", "unknown", openfeature.EvaluationContext{}); value != "pass" || err != nil {
		t.Errorf(`%q, %v, want value == "pass" && err == nil`, value, err)
	}
}
