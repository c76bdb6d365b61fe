package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/featureaudit/featureaudit/audit/render"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/fixtures"
)

// incidentReport audits the planted incident.
func incidentReport(t *testing.T) report.Report {
	t.Helper()
	dir := t.TempDir()
	planted, err := fixtures.Incident(dir)
	if err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	out := filepath.Join(dir, "report.json")
	run(t.Context(), []string{"run", "--config", filepath.Join(dir, "featureaudit.yaml"), "--as-of", planted.AsOf, "--out", "json=" + out, "--summary", "none"},
		strings.NewReader(""), &stdout, &stderr, nil)
	raw, err := os.ReadFile(out)
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	r, err := report.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestSeriesAddsUp: the partitions of a view hold its rows, and what checks of partitions found in it.
func TestSeriesAddsUp(t *testing.T) {
	r := incidentReport(t)
	found := map[[2]string]int64{}
	for _, v := range r.Views {
		rows := int64(0)
		for _, p := range v.Series {
			rows += p.Rows
			for check, bad := range p.Bad {
				found[[2]string{v.Name, check}] += bad
			}
			if lost := v.Name == "transactions" && p.Partition == "dt=2026-11-10"; p.Missing != lost {
				t.Errorf("%s %s: missing is %v", v.Name, p.Partition, p.Missing)
			}
		}
		if len(v.Series) != 14 || rows != v.Rows {
			t.Errorf("%s: %d partitions of %d rows, want 14 of %d", v.Name, len(v.Series), rows, v.Rows)
		}
		for source, lag := range v.SourceLagSeconds {
			of := int64(0)
			for _, bin := range v.LagBins[source] {
				of += bin.Rows
			}
			if of != lag.Rows {
				t.Errorf("%s: the lag bins of %q hold %d rows, want %d", v.Name, source, of, lag.Rows)
			}
		}
	}
	for _, res := range r.Results {
		// stale-view and ttl-unset are of the whole view, shifted twins of pairs of sources
		switch got := found[[2]string{res.View, res.Check}]; res.Check {
		case "stale-view", "ttl-unset", "shifted-twins":
			if got != 0 {
				t.Errorf("%s %s: %d in partitions", res.View, res.Check, got)
			}
		default:
			if got != res.RowsBad {
				t.Errorf("%s %s: %d in partitions, want %d", res.View, res.Check, got, res.RowsBad)
			}
		}
	}
	for place, want := range map[[2]string]int64{{"transactions", "duplicate-keys"}: 840, {"transactions", "missing-partitions"}: 1, {"sessions", "misfiled-rows"}: 40} {
		if found[place] != want {
			t.Errorf("%s: %d, want %d", place, found[place], want)
		}
	}
}

// TestNoKeyValueLeaves: whatever the format, no value of a key or an entity is in it unless samples are asked for.
func TestNoKeyValueLeaves(t *testing.T) {
	keys := regexp.MustCompile(`tx-\d\d-\d{5}`)
	for samples, shown := range map[string]bool{"0": false, "3": true} {
		dir := t.TempDir()
		planted, err := fixtures.Incident(dir)
		if err != nil {
			t.Fatal(err)
		}
		args := []string{"run", "--config", filepath.Join(dir, "featureaudit.yaml"), "--as-of", planted.AsOf, "--samples", samples, "--summary", "none", "--log-level", "none"}
		out := map[string]string{}
		for _, f := range render.Formats() {
			if f.Report != nil {
				out[f.Name] = filepath.Join(dir, f.Name+".out")
				args = append(args, "--out", f.Name+"="+out[f.Name])
			}
		}
		var stdout, stderr bytes.Buffer
		run(t.Context(), args, strings.NewReader(""), &stdout, &stderr, nil)
		for name, path := range out {
			raw, err := os.ReadFile(path)
			if err != nil {
				t.Fatalf("%v\n%s", err, stderr.String())
			}
			found := keys.Find(raw)
			if !shown && found != nil || shown && name == "json" && found == nil {
				t.Errorf("--samples %s, %s: %q", samples, name, found)
			}
		}
	}
}
