package diff_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/featureaudit/featureaudit/audit/diff"
	"github.com/featureaudit/featureaudit/audit/registry"
)

// said are the findings of a change as "rule message".
func said(older, newer registry.Definitions) []string {
	var list []string
	for _, f := range diff.Classify(diff.Compute(older, newer), diff.Policy{}) {
		list = append(list, strings.TrimPrefix(f.View+": ", ": ")+f.Rule+" "+f.Message)
	}
	return list
}

func changed(edit func(d *registry.Definitions)) registry.Definitions {
	d := store()
	edit(&d)
	d.Finish()
	return d
}

// TestWhatIsSaid: the words of changes that passed in silence, or were called something else.
func TestWhatIsSaid(t *testing.T) {
	day := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		edit func(d *registry.Definitions)
		want []string
	}{
		"a type is said on each view": {func(d *registry.Definitions) { d.Entities[0].ValueType = "STRING" }, []string{
			"loose: key-type-changed its join key user_id went from INT64 to STRING", "static: key-type-changed its join key user_id went from INT64 to STRING",
			"txn: key-type-changed its join key user_id went from INT64 to STRING",
		}},
		"a moved file with another name is one finding": {func(d *registry.Definitions) {
			txn(d).Path, txn(d).BatchSource.Path, txn(d).BatchSource.Name = "data/t2.parquet", "data/t2.parquet", "data/t2.parquet"
		}, []string{"txn: source-path-changed its source's path went from data/txn.parquet to data/t2.parquet"}},
		"a name alone": {func(d *registry.Definitions) { txn(d).BatchSource.Name = "t" }, []string{
			"txn: source-renamed its source is named t now (was txn_source)"}},
		"a table of another kind, with its path": {func(d *registry.Definitions) {
			txn(d).BatchSource.Type, txn(d).Path, txn(d).BatchSource.Path = "BATCH_SNOWFLAKE", "", ""
			txn(d).BatchSource.Details = map[string]string{"snowflake_options.database": "PROD"}
		}, []string{"txn: source-changed its batch source went from path data/txn.parquet, type BATCH_FILE to snowflake_options.database PROD, type BATCH_SNOWFLAKE"}},
		"half a second": {func(d *registry.Definitions) { txn(d).TTLSeconds = seconds(500 * time.Millisecond) }, []string{
			"txn: ttl-subsecond its ttl went from 7d to 500ms: stores that count whole seconds cut it to 0, which never expires"}},
		"half a second where it was unset": {func(d *registry.Definitions) { named(d, "loose").TTLSeconds = seconds(time.Second / 2) }, []string{
			"loose: ttl-subsecond its ttl went from unset to 500ms: stores that count whole seconds cut it to 0, which never expires"}},
		"intervals cut, joined and repeated": {func(d *registry.Definitions) {
			txn(d).Materialized = []registry.Interval{
				{Start: day, End: day.Add(6 * time.Hour)}, {Start: day.Add(3 * time.Hour), End: day.AddDate(0, 0, 2)}, {Start: day, End: day.Add(6 * time.Hour)},
			}
		}, nil},
		"a hole in what was materialised": {func(d *registry.Definitions) {
			txn(d).Materialized = []registry.Interval{{Start: day, End: day.Add(6 * time.Hour)}, {Start: day.Add(7 * time.Hour), End: day.AddDate(0, 0, 2)}}
		}, []string{"txn: materialization-lost lost the record of what was materialised until 2026-11-03T00:00:00Z"}},
		"a view twice in a service, under an alias": {func(d *registry.Definitions) {
			d.FeatureServices[0].Views = append(d.FeatureServices[0].Views, registry.ServiceView{View: "txn", Alias: "seller", Features: []string{"amount"}, JoinKeys: map[string]string{"user_id": "seller"}})
		}, []string{"txn: service-member-added feature service fraud_v1 takes txn:amount now"}},
		"another key is joined": {func(d *registry.Definitions) {
			d.FeatureServices[0].Views[0].JoinKeys = map[string]string{"user_id": "seller"}
		}, []string{"txn: service-join-keys-changed feature service fraud_v1: its join_key_map went from user_id as payer to user_id as seller"}},
		"the line of a function": {func(d *registry.Definitions) {
			setField(txn(d).Fields, "spec.feature_transformation.user_defined_function.body_text", "def f(df):\n    return df * 2")
		}, []string{"txn: transformation-changed its transformation changed: feature_transformation.user_defined_function.body_text from return df + 1 (line 2) to return df * 2"}},
		"a description": {func(d *registry.Definitions) { setField(txn(d).Fields, "spec.description", "all payments") }, []string{
			`txn: not-judged-changed changed and not judged: spec.description, from "card payments" to "all payments"`}},
		"a permission that is gone": {func(d *registry.Definitions) { d.Objects = nil }, []string{
			`not-judged-changed changed and not judged: permission readers, from "readers: spec.actions DESCRIBE" to nothing`}},
		"a project for all": {func(d *registry.Definitions) {
			for i := range d.Views {
				d.Views[i].Project = "new"
			}
			d.Entities[0].Project, d.DataSources[0].Project, d.FeatureServices[0].Project, d.Objects[0].Project = "new", "new", "new", "new"
		}, []string{
			"loose: view-moved moved from shop to new", "static: view-moved moved from shop to new", "txn: view-moved moved from shop to new",
			"data-source-changed registered data source txn_source.project went from shop to new",
			"entity-definition-changed entity user.project went from shop to new",
			`not-judged-changed changed and not judged: project in permission readers, from "shop" to "new"`,
			"service-changed feature service fraud_v1.project: from project shop to project new",
		}},
	} {
		got := said(store(), changed(c.edit))
		if !slices.Equal(got, c.want) {
			t.Errorf("%s:\ngot  %q\nwant %q", name, got, c.want)
		}
	}
}

// TestSecondsBelowOneAreNever: whoever repairs such a ttl gives the view its first.
func TestSecondsBelowOneAreNever(t *testing.T) {
	older := changed(func(d *registry.Definitions) { txn(d).TTLSeconds = seconds(time.Second / 2) })
	want := []string{"txn: ttl-added has a ttl of 7d, where stores cut 500ms to 0, which never expires"}
	if got := said(older, store()); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestHeadlines: that nothing changed is said only of the same bytes, and what no rule judges is counted.
func TestHeadlines(t *testing.T) {
	document := func(older, newer registry.Definitions) diff.Document {
		return diff.NewDocument(diff.DiffSchema, diff.SideOf(older), diff.SideOf(newer), diff.Classify(diff.Compute(older, newer), diff.Policy{}))
	}
	a, b := store(), store()
	a.Digest, b.Digest = "sha256:1", "sha256:1"
	if got := document(a, b).Summary.Headline; got != "no policy change: nothing changed" {
		t.Errorf("the same bytes: %q", got)
	}
	b.Digest = "sha256:2"
	if got := document(a, b).Summary.Headline; got != "no policy change" {
		t.Errorf("other bytes: %q", got)
	}
	edits["not-judged-changed"](&b)
	if got := document(a, b).Summary.Headline; got != "no policy change; 2 changes not judged" {
		t.Errorf("two changes: %q", got)
	}
	txn(&b).BatchSource.Name = "t"
	if got := document(a, b).Summary.Headline; got != "no policy change; 2 changes not judged; 1 note" {
		t.Errorf("two changes and a note: %q", got)
	}
}

// TestDocumentsWithoutALedger: definitions that an older release wrote down say nothing of what it passed over.
func TestDocumentsWithoutALedger(t *testing.T) {
	older := changed(func(d *registry.Definitions) {
		d.Ledger, d.Objects = false, nil
		for i := range d.Views {
			d.Views[i].Fields = nil
		}
		txn(d).StreamSource.Details = nil
		d.FeatureServices[0].Fields, d.FeatureServices[0].Views[0].JoinKeys = nil, nil
	})
	if got := said(older, store()); len(got) > 0 {
		t.Errorf("got %q, want len(got) <= 0", got)
	}
}
