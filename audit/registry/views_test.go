package registry_test

import (
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/registry"
)

func feastView(mapping map[string]string) registry.Definitions {
	ttl := 86400.0
	d := registry.Definitions{
		Kind: registry.KindFeast, Source: "data/registry.db", Root: "/repo",
		Views: []registry.View{{
			Name: "txn", Project: "shop", Kind: model.KindFeatureView, TTLSeconds: &ttl, TTLOnWire: registry.TTLSet,
			EventTime: "event_time", IngestedAt: "ingested_at", Entities: []string{"user"}, JoinKeys: []string{"user_id"}, Path: "data/txn.parquet", Owner: "fraud",
			BatchSource: &registry.DataSource{Name: "s", FieldMapping: mapping, Tags: map[string]string{"event_time.timezone": "Asia/Kolkata"}},
		}},
	}
	d.Finish()
	return d
}

func TestToViews(t *testing.T) {
	got, err := feastView(nil).ToViews()
	if err != nil {
		t.Fatal(err)
	}
	origin := "feast data/registry.db"
	want := model.View{
		Name: "txn", Project: "shop", Kind: model.KindFeatureView, Owner: "fraud", Path: "data/txn.parquet", Root: "/repo",
		EventTime: model.TimeColumn{Column: "event_time"}, IngestedAt: model.TimeColumn{Column: "ingested_at"}, Entity: []string{"user_id"}, Key: []string{},
		TTL: model.TTL{Duration: 24 * time.Hour, OnWire: "set", Explicit: true}, Zone: "Asia/Kolkata",
		Origins: model.ParseOrigins(map[string]string{
			"name": origin, "path": origin, "owner": origin, "event_time": origin, "ingested_at": origin, "entity": origin, "ttl": origin, "zone": origin,
		}),
	}
	if !reflect.DeepEqual(got[0], want) {
		t.Errorf("got  %+v\nwant %+v", got[0], want)
	}
}

// TestToViewsUndoesTheFieldMapping: the files have the columns' own names; what could be either is an error.
func TestToViewsUndoesTheFieldMapping(t *testing.T) {
	views, err := feastView(map[string]string{"ts": "event_time", "uid": "user_id", "amt": "amount"}).ToViews()
	if err != nil {
		t.Fatal(err)
	}
	if v := views[0]; v.EventTime.Column != "ts" || v.Entity[0] != "uid" || v.IngestedAt.Column != "ingested_at" {
		t.Errorf("event time %q, entity %v, ingested at %q", v.EventTime.Column, v.Entity, v.IngestedAt.Column)
	}
	for name, mapping := range map[string]map[string]string{
		"two columns":     {"a": "event_time", "b": "event_time"},
		"renamed as well": {"a": "event_time", "event_time": "other"},
	} {
		_, err := feastView(mapping).ToViews()
		if err == nil || !strings.Contains(err.Error(), `data/registry.db: view "txn": event time "event_time" could be column a or `) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func TestToViewsOfKindsWithoutFiles(t *testing.T) {
	d := feastView(nil)
	d.Views[0].Kind, d.Views[0].NoFiles, d.Views[0].Path = model.KindOnDemandView, "computed at request time", ""
	views, err := d.ToViews()
	if err != nil {
		t.Fatal(err)
	}
	if v := views[0]; v.NoFiles != "computed at request time" || !v.TTL.Declared() {
		t.Errorf("%+v: a view without rows cannot lack a ttl", v)
	}
	d = feastView(nil)
	d.Views[0].Entities, d.Views[0].JoinKeys = []string{"__dummy"}, []string{"__dummy_id"}
	views, err = d.ToViews()
	if err != nil {
		t.Fatal(err)
	}
	if len(views[0].Entity) != 0 {
		t.Errorf("entity %v of a view that has none", views[0].Entity)
	}
}

func TestSecondsClampsAndRounds(t *testing.T) {
	for seconds, want := range map[float64]time.Duration{
		0: 0, 0.5: 500 * time.Millisecond, 21600.5: 6*time.Hour + 500*time.Millisecond, -5: -5 * time.Second, 8640000000: 8640000000 * time.Second, 1e12: math.MaxInt64, -1e12: math.MinInt64,
	} {
		if got := registry.Seconds(&seconds); got != want {
			t.Errorf("%v seconds: %v, want %v", seconds, got, want)
		}
	}
}

func TestFeaturesAreAnObject(t *testing.T) {
	f := registry.FeaturesOf(map[string]string{"b": "INT64", `a"x`: "DOUBLE"})
	raw, err := f.MarshalJSON()
	if err != nil || string(raw) != `{"a\"x":"DOUBLE","b":"INT64"}` {
		t.Fatalf("%s %v, want err == nil && string(raw) == `{\"a\\\"x\":\"DOUBLE\",\"b\":\"INT64\"}`", raw, err)
	}
	var back registry.Features
	if err := back.UnmarshalJSON(raw); err != nil || !reflect.DeepEqual(back, f) {
		t.Errorf("%v %v, want err == nil && reflect.DeepEqual(back, f)", back, err)
	}
}
