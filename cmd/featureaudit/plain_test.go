package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"
)

const acts = "a\x1b[31mb\ac\u202ed\u009be"

func acting(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r)) })
}

// TestArgumentsStayText gives every command arguments that act on a terminal: none comes out as it is.
func TestArgumentsStayText(t *testing.T) {
	dir := t.TempDir()
	kept := filepath.Join(dir, acts+".json")
	raw, err := complete(sampleReport())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(kept, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{acts}, {acts, "--help"}, {"run", "--" + acts}, {"run", acts}, {"run", "--config", acts}, {"run", "--path", acts}, {"run", "--as-of", acts}, {"run", "--range", acts + "..x"},
		{"run", "--out", acts}, {"run", "--out", "json=" + acts + "/x"}, {"run", "--path", acts, "--set", acts + "=1"}, {"run", "--memory-limit", acts}, {"run", "--fail-on", acts}, {"gate", acts}, {"gate", kept, "--view", acts},
		{"gate", kept, "--summary", "json"}, {"gate", kept, "--max-report-age", acts}, {"gate", kept, "--out", "text=" + kept}, {"report", acts, acts}, {"report", kept, "--format", acts},
		{"require", acts, "--report", kept}, {"require", acts, "--report", acts}, {"require", acts, "--flags", acts}, {"require", acts, "--report", kept, "--format", "json"},
		{"diff", acts, kept}, {"diff", kept, kept, "--data", acts}, {"lint", acts}, {"definitions", acts}, {"plan", "--path", acts}, {"plan", acts},
		{"align", "--report", kept, "--out-dir", acts}, {"align", "--clean", filepath.Join(dir, acts)}, {"checks", "explain", acts}, {"schema", acts}, {"init", acts}, {"version", acts},
	} {
		var out bytes.Buffer
		run(t.Context(), args, strings.NewReader(""), &out, &out, nil)
		if acting(out.String()) || out.Len() == 0 {
			t.Errorf("%q says %q", args, out.String())
		}
	}
}

func TestLogsStayText(t *testing.T) {
	for _, format := range []string{"json", "console"} {
		var out bytes.Buffer
		c := &cli{now: func() time.Time { return time.Time{} }, env: map[string]string{}}
		level := "debug"
		log, err := c.logger(&out, logFlags{format: &format, level: &level})
		if err != nil {
			t.Fatal(err)
		}
		log.Warn().Str("view", acts).Str(acts, "x").Err(errors.New(acts)).Msg(acts + "\nforged")
		if acting(out.String()) || strings.Count(out.String(), "\n") != 1 {
			t.Errorf("%s: got %q, want !acting(out.String()) && strings.Count(out.String(), \"\\n\") == 1", format, out.String())
		}
		var event map[string]any
		if format == "json" && (json.Unmarshal(out.Bytes(), &event) != nil || event["view"] != acts) {
			t.Errorf("%s: the event is another: %q", format, out.String())
		}
	}
}
