package policy

import (
	"testing"
	"time"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
)

const starterText = `# yaml-language-server: $schema=./featureaudit.schema.json
# Written by featureaudit init. Lines marked "guess" come from names and types: check them.
# Editors check it once ` + "`featureaudit schema config --out json=featureaudit.schema.json`" + ` has run beside it.
# 3 views, in the order of featureaudit plan.
version: 1
project: growth
views:
  transactions:
    # owner: TEAM             # who answers for it; "gate --owner TEAM" selects by it
    path: data/transactions/**/*.parquet
    event_time: event_time  # guess: named like it, TIMESTAMP(us, UTC)
    ingested_at: {column: created, unit: ms}  # guess: named like it, INT64
    source: {path_segment: 1}
    sources: {batch: {}, streaming: {}}
    entity: [user_id]  # guess: named like it, INT64
    key: [transaction_id]
    time_partition: {column: [year, month], grain: month, complete_after: 1h}  # guess: from the paths
    # ttl: 24h                # until it is set, rows never expire: ttl-unset fails. {never: REASON} acknowledges that
    # max_age: 6h             # how old the newest event may be: what consumers are promised
  "null":
    # owner: TEAM             # who answers for it; "gate --owner TEAM" selects by it
    path: "*.parquet"
    # event_time: COLUMN      # no column stood out; nothing that depends on time is judged without it
    # key: [COLUMN]           # what may not repeat
    # ttl: 24h                # until it is set, rows never expire: ttl-unset fails. {never: REASON} acknowledges that
    # max_age: 6h             # how old the newest event may be: what consumers are promised
  timed:
    # owner: TEAM             # who answers for it; "gate --owner TEAM" selects by it
    path: t/*.parquet
    event_time: ts
    # ingested_at: COLUMN     # when the store got the row; wrong zones and late rows are not found without it
    key: [id]
    # ttl: 24h                # until it is set, rows never expire: ttl-unset fails. {never: REASON} acknowledges that
    # max_age: 6h             # how old the newest event may be: what consumers are promised

# Known findings are accepted for a reason and a while:
# suppress:
#   - {check: ttl-unset, view: NAME, reason: static reference data, owner: TEAM, until: 2027-01-01}
`

func TestStarter(t *testing.T) {
	text := Starter("growth", []StarterView{
		{
			Name: "transactions", Path: "data/transactions/**/*.parquet", EventTime: model.TimeColumn{Column: "event_time"},
			IngestedAt: model.TimeColumn{Column: "created", Unit: "ms"}, Source: model.SourceColumn{PathSegment: 1},
			Sources: []string{"streaming", "batch"}, Entity: []string{"user_id"}, Key: []string{"transaction_id"},
			TimePartition: model.TimePartition{Columns: []string{"year", "month"}, Grain: model.GrainMonth, CompleteAfter: time.Hour},
			Guesses: map[string]string{
				"event_time": "named like it, TIMESTAMP(us, UTC)", "ingested_at": "named like it, INT64", "entity": "named like it, INT64",
				"time_partition": "from the\npaths",
			},
		},
		{Name: "null", Path: "*.parquet"},
		{Name: "timed", Path: "t/*.parquet", EventTime: model.TimeColumn{Column: "ts"}, Key: []string{"id"}},
	})
	if text != starterText {
		t.Errorf("got\n%s, want text == starterText", text)
	}
	f, err := Parse("featureaudit.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "ingested_at", viewOf(t, f.Views, "transactions").IngestedAt, model.TimeColumn{Column: "created", Unit: "ms"})
	equal(t, "path", viewOf(t, f.Views, "null").Path, "*.parquet")
	if _, err := Parse("f.yaml", []byte(Starter("", nil))); err != nil {
		t.Error("a starter without views: ", err)
	}
}

func TestStarterSurvivesHostileNames(t *testing.T) {
	for _, name := range []string{`"; DROP`, "a\nb", "a: b # c", "123", "true", "~", "2026-11-03", "<<", "*x", "-", "é", "a\u2028b", "{", " x "} {
		text := Starter("", []StarterView{{
			Name: "v", Path: "p", EventTime: model.TimeColumn{Column: name}, Entity: []string{name}, Sources: []string{name},
			Source: model.SourceColumn{Column: name}, Guesses: map[string]string{"event_time": "a " + name + "\r\n  zone: x", "entity": name},
		}})
		f, err := Parse("f.yaml", []byte(text))
		if err != nil {
			t.Errorf("%q: %v\n%s", name, err, text)
			continue
		}
		v := f.Views[0]
		equal(t, "columns", []string{v.EventTime.Column, v.Entity[0], v.Source.Column, v.Sources[0].Name}, []string{name, name, name, name})
	}
}

func TestGuessRoles(t *testing.T) {
	stamp := func(name string) facts.Column {
		return facts.Column{Name: name, Path: name, Physical: "INT64", Logical: "timestamp", TypeText: "TIMESTAMP(us, UTC)"}
	}
	id := func(name string) facts.Column {
		return facts.Column{Name: name, Path: name, Physical: "INT64", TypeText: "INT64"}
	}
	text := func(name string) facts.Column {
		return facts.Column{Name: name, Path: name, Physical: "BYTE_ARRAY", Logical: "string", TypeText: "STRING"}
	}
	one := func(name, why string) Guess { return Guess{[]string{name}, why} }
	cases := []struct {
		name    string
		columns []facts.Column
		want    map[string]Guess
	}{
		{
			"the usual", []facts.Column{id("amount"), stamp("Event_Time"), stamp("ingested_at"), id("user_id"), text("transaction_id"), text("source")},
			map[string]Guess{
				"event_time": one("Event_Time", "named like it, TIMESTAMP(us, UTC)"), "ingested_at": one("ingested_at", "named like it, TIMESTAMP(us, UTC)"),
				"entity": one("user_id", "named like it, INT64"), "key": one("transaction_id", "named like it, STRING"),
				"source": one("source", "named like it, STRING"),
			},
		},
		{
			"Feast's", []facts.Column{stamp("event_timestamp"), stamp("created"), id("driver_id")},
			map[string]Guess{
				"event_time": one("event_timestamp", "named like it, TIMESTAMP(us, UTC)"), "ingested_at": one("created", "named like it, TIMESTAMP(us, UTC)"),
				"entity": one("driver_id", "named like it, INT64"),
			},
		},
		{
			"a loader's", []facts.Column{stamp("when"), stamp("_fivetran_synced"), id("id")},
			map[string]Guess{
				"event_time":  one("when", "the only column of a time type left, TIMESTAMP(us, UTC)"),
				"ingested_at": one("_fivetran_synced", "named like it, TIMESTAMP(us, UTC)"), "key": one("id", "named like it, INT64"),
			},
		},
		{
			"the only ones of their type", []facts.Column{stamp("when"), id("shop_id"), id("id"), id("id")},
			map[string]Guess{
				"event_time": one("when", "the only column of a time type left, TIMESTAMP(us, UTC)"),
				"entity":     one("shop_id", "the only other column that ends in _id, INT64"), "key": one("id", "named like it, INT64"),
			},
		},
		{"nothing is clear", []facts.Column{stamp("a"), stamp("b"), id("x_id"), id("y_id"), id("source")}, map[string]Guess{}},
		{
			"a name with the wrong type", []facts.Column{{Name: "ts", Path: "ts", Physical: "BOOLEAN"}, stamp("user_id"), {Name: "event_time", Path: "event_time", Physical: "GROUP", Nested: true}},
			map[string]Guess{"event_time": one("user_id", "the only column of a time type left, TIMESTAMP(us, UTC)")},
		},
	}
	for _, c := range cases {
		equal(t, c.name, GuessRoles(c.columns), c.want)
	}
}
