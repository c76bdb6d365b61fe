package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/featureaudit/featureaudit/audit/contract"
	"github.com/featureaudit/featureaudit/audit/report"
)

// TestRequireCases holds the command to the table that the Go and the Python packages are held to.
func TestRequireCases(t *testing.T) {
	files, err := filepath.Glob("../../fixtures/contract/*.json")
	if err != nil || len(files) < 6 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, path := range files {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var cases []requireCase
		if err := json.Unmarshal(raw, &cases); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		for _, c := range cases {
			t.Run(filepath.Base(path)+"/"+c.Name, func(t *testing.T) {
				var stdout, stderr bytes.Buffer
				code := run(t.Context(), c.args(t), strings.NewReader(""), &stdout, &stderr, nil)
				if code != c.Exit {
					t.Fatalf("exit %d, want %d (%s)\n%s%s", code, c.Exit, c.Why, stdout.String(), stderr.String())
				}
				if want := ": " + c.Verdict + ": "; !strings.Contains(stdout.String(), want) || strings.Count(stdout.String(), "\n") != 1 {
					t.Errorf("stdout %q, want one line with %q", stdout.String(), want)
				}
			})
		}
	}
}

type requireCase struct {
	Name, Why, View, Project, Now, Verdict, Base64 string
	MaxAge                                         string `json:"max_age"`
	MaxReportAge                                   string `json:"max_report_age"`
	Accept, Window                                 []string
	Exit                                           int
	File                                           json.RawMessage
	Text                                           *string
}

func (c requireCase) args(t *testing.T) []string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "flags.json")
	raw := []byte(c.File)
	if c.Text != nil {
		raw = []byte(*c.Text)
	}
	if c.Base64 != "" {
		var err error
		if raw, err = base64.StdEncoding.DecodeString(c.Base64); err != nil {
			t.Fatal(err)
		}
	}
	if raw != nil {
		if err := os.WriteFile(path, raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	args := []string{"require", c.View, "--flags", path, "--now", c.Now}
	for flag, value := range map[string]string{"--project": c.Project, "--max-age": c.MaxAge, "--max-report-age": c.MaxReportAge,
		"--accept": strings.Join(c.Accept, ","), "--window": strings.Join(c.Window, "..")} {
		if value != "" {
			args = append(args, flag, value)
		}
	}
	return args
}

// TestRequireByReport trusts a report as far as its flag file.
func TestRequireByReport(t *testing.T) {
	newest, limit, from, until := "2026-11-24T05:00:00Z", 86400.0, "2026-11-01T00:00:00Z", "2026-11-24T00:00:00Z"
	r := report.Report{Schema: report.Schema, AsOf: "2026-11-24T02:00:00Z", Status: report.Complete,
		Views: []report.View{{Name: "clicks", Project: "growth", Owner: "web", Outcome: report.Pass, Rows: 10, NewestEventTime: &newest, CleanFrom: &from, CleanUntil: &until,
			Definition: report.ViewDefinition{TTLSeconds: &limit, TTLDeclared: true}}},
		Results: []report.Result{{Check: "stale-view", View: "clicks", Outcome: report.Pass, Measures: map[string]any{"newest_event_time": newest, "limit_seconds": limit}}},
		Consumers: []report.Consumer{{Name: "churn", Outcome: report.Pass, Views: []report.ConsumerView{{View: "clicks", Outcome: report.Pass, MaxAgeSeconds: new(7200.0), LookbackSeconds: new(86400.0)}}},
			{Name: "slow", Outcome: report.Pass, Views: []report.ConsumerView{{View: "clicks", Outcome: report.Pass, MaxAgeSeconds: new(86400.0), LookbackSeconds: new(604800.0 * 8)}}}},
		Execution: report.Execution{FinishedAt: "2026-11-24T02:04:00Z"}}
	raw, err := complete(r)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "report.json")
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		args []string
		exit int
		out  string
	}{
		"fresh":     {[]string{"clicks", "--max-age", "6h"}, 0, "clicks (owner web): pass: its newest event is 3h old, promised 6h\n"},
		"two views": {[]string{"clicks", "other"}, 3, "clicks (owner web): pass: its newest event is 3h old, promised 1d\nother: unknown: it knows no view \"other\"; it has featureview.growth.clicks\n"},
		"stale wins": {[]string{"other", "clicks", "--max-age", "1h"}, 1, "other: unknown: it knows no view \"other\"; it has featureview.growth.clicks\nclicks (owner " +
			"web): stale: its newest event is 3h old (2026-11-24T05:00:00Z), promised 1h; wait for its feed or restart it, then audit again\n"},
		"a consumer": {[]string{"--consumer", "churn"}, 1, "clicks (owner web): stale: its newest event is 3h old (2026-11-24T05:00:00Z), promised 2h; wait for its feed or restart it, then audit again\n"},
		"a long look back": {[]string{"--consumer", "slow"}, 1, "clicks (owner web): failed: its newest clean run is 23d long (2026-11-01T00:00:00Z to 2026-11-24T00:00:00Z), " +
			"and the consumer reads back 56d; repair what lies before, and audit again\n"},
		"as JSON": {[]string{"clicks", "--format", "json"}, 0, "{\n  \"schema\": \"featureaudit.require/v1\",\n  \"verdict\": \"pass\",\n  \"answers\": [\n    {\n" +
			"      \"view\": \"clicks\",\n      \"verdict\": \"pass\",\n      \"message\": \"clicks (owner web): pass: its newest event is 3h old, promised 1d\",\n" +
			"      \"age_seconds\": 10800,\n      \"limit_seconds\": 86400\n    }\n  ]\n}\n"},
		"an unknown one":    {[]string{"--consumer", "chum"}, 2, ""},
		"an old report":     {[]string{"clicks", "--max-report-age", "5h"}, 3, "clicks (owner web): unknown: last looked at 5h56m ago (2026-11-24T02:04:00Z), and an audit counts for 5h; run the audit again\n"},
		"a training window": {[]string{"clicks", "--window", "2026-11-02..2026-11-20"}, 0, "clicks (owner web): pass: the window 2026-11-02T00:00:00Z to 2026-11-20T00:00:00Z lies in the clean run 2026-11-01T00:00:00Z to 2026-11-24T00:00:00Z\n"},
	} {
		t.Run(name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			args := append([]string{"require", "--report", path, "--now", "2026-11-24T08:00:00Z"}, test.args...)
			if code := run(t.Context(), args, strings.NewReader(""), &stdout, &stderr, nil); code != test.exit || stdout.String() != test.out {
				t.Errorf("exit %d, want %d\n%s\nwant\n%s\n%s", code, test.exit, stdout.String(), test.out, stderr.String())
			}
		})
	}
}

// TestRequireFailsClosed asks for what is not there.
func TestRequireFailsClosed(t *testing.T) {
	broken := filepath.Join(t.TempDir(), "broken.json")
	if err := os.WriteFile(broken, []byte(`{"schema": "other/v1"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		args []string
		exit int
	}{
		{[]string{"v", "--report", "no-such-report.json"}, 3},
		{[]string{"v", "--report", broken}, 3},
		{[]string{"v", "--flags", "no-such-file.json"}, 3},
		{[]string{"--consumer", "churn", "--report", "no-such-report.json"}, 3},
		{[]string{"v"}, 2},
		{[]string{"--flags", broken}, 2},
		{[]string{"v", "--flags", broken, "--report", broken}, 2},
		{[]string{"v", "--flags", broken, "--max-age", "0"}, 2},
		{[]string{"v", "--flags", broken, "--max-age", "-1h"}, 2},
		{[]string{"v", "--flags", broken, "--max-age", "6"}, 2},
		{[]string{"v", "--flags", broken, "--accept", "fail"}, 2},
		{[]string{"v", "--flags", broken, "--now", "yesterday"}, 2},
		{[]string{"v", "--flags", broken, "--window", "2026-11-02..2026-11-02"}, 2},
		{[]string{"v", "--data", "--window", "2026-11-02..2026-11-03"}, 2},
		{[]string{"v", "--data", "--config", "no-such-config.yaml"}, 2},
		{[]string{"--consumer", "churn", "--max-age", "1h", "--flags", broken}, 2},
	} {
		var stdout, stderr bytes.Buffer
		if code := run(t.Context(), append([]string{"require"}, test.args...), strings.NewReader(""), &stdout, &stderr, nil); code != test.exit {
			t.Errorf("%v: exit %d, want %d\n%s%s", test.args, code, test.exit, stdout.String(), stderr.String())
		}
	}
}

// TestRequireByEnvironment takes the flag file from FEATUREAUDIT_FLAGS.
func TestRequireByEnvironment(t *testing.T) {
	path, err := filepath.Abs("../../audit/contract/testdata/flags.json")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := contract.Read(path); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	now := time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC).Format(time.RFC3339)
	if code := run(t.Context(), []string{"require", "web_impressions", "--now", now}, strings.NewReader(""), &stdout, &stderr, []string{"FEATUREAUDIT_FLAGS=" + path}); code != 0 {
		t.Errorf("exit %d\n%s%s", code, stdout.String(), stderr.String())
	}
}
