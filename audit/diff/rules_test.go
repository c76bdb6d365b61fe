package diff_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/featureaudit/featureaudit/audit/diff"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/registry"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/table"
)

func seconds(d time.Duration) *float64 {
	s := d.Seconds()
	return &s
}

// store is a small store in which nothing is wrong.
func store() registry.Definitions {
	day := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	source := registry.DataSource{Name: "txn_source", Project: "shop", Type: "BATCH_FILE", Path: "data/txn.parquet", TimestampField: "event_time", CreatedColumn: "ingested_at", FieldMapping: map[string]string{"amt": "amount"}}
	own, stream := source, registry.DataSource{Name: "txn_stream", Type: "STREAM_KAFKA", Table: "txn", Details: map[string]string{
		"kafka_options.topic": "txn", "kafka_options.watermark_delay_threshold": "5m"}}
	d := registry.Definitions{
		Kind: registry.KindFeast,
		Views: []registry.View{
			{
				Name: "txn", Project: "shop", Kind: model.KindFeatureView, TTLSeconds: seconds(7 * 24 * time.Hour), TTLOnWire: registry.TTLSet,
				MaxAgeSeconds: seconds(6 * time.Hour), MaxLagSeconds: seconds(time.Hour), EventTime: "event_time", IngestedAt: "ingested_at",
				Entities: []string{"user"}, JoinKeys: []string{"user_id"}, Key: []string{"txn_id"}, Path: "data/txn.parquet",
				Features: registry.FeaturesOf(map[string]string{"amount": "DOUBLE", "n": "INT64", "small": "INT32"}),
				Tags:     map[string]string{"team": "fraud"}, Owner: "fraud", Online: true, BatchSource: &own, StreamSource: &stream,
				Materialized: []registry.Interval{{Start: day, End: day.AddDate(0, 0, 1)}, {Start: day.AddDate(0, 0, 1), End: day.AddDate(0, 0, 2)}},
				NewerFields:  map[string]string{"org": "x", "version": "latest"}, EntityColumns: registry.FeaturesOf(map[string]string{"user_id": "INT64"}), Settings: map[string]string{"zone": "UTC"},
				Fields: []registry.Field{
					{Path: "spec.description", Text: "card payments"},
					{Path: "properties[at].physicalType", Part: registry.PartPhysicalType, Text: "timestamptz"},
					{Path: "spec.feature_transformation.user_defined_function.body_text", Part: registry.PartTransformation, Text: "def f(df):\n    return df + 1"},
					{Path: "spec.aggregations[sum(amount)].time_window", Part: registry.PartAggregation, Text: "1h"},
					{Path: "spec.sources[static].feature_view_projection.feature_view_name", Part: registry.PartInputs, Text: "static"},
				},
			},
			{
				Name: "static", Project: "shop", Kind: model.KindFeatureView, Entities: []string{"user"}, JoinKeys: []string{"user_id"}, EventTime: "t", Path: "s.parquet",
				Features: registry.FeaturesOf(map[string]string{"f": "INT64"}), TTLNever: "never changes",
			},
			{
				Name: "loose", Project: "shop", Kind: model.KindFeatureView, Entities: []string{"user"}, JoinKeys: []string{"user_id"}, EventTime: "t", Path: "l.parquet",
				Features: registry.FeaturesOf(map[string]string{"f": "INT64"}),
			},
		},
		Entities:    []registry.Entity{{Name: "user", Project: "shop", JoinKey: "user_id", ValueType: "INT64"}},
		DataSources: []registry.DataSource{source},
		FeatureServices: []registry.FeatureService{{
			Name: "fraud_v1", Project: "shop", Views: []registry.ServiceView{{View: "txn", Features: []string{"amount"}, JoinKeys: map[string]string{"user_id": "payer"}}},
			Fields: []registry.Field{{Path: "spec.logging_config.sample_rate", Part: registry.PartLogging, Text: "1"}},
		}},
		Objects: []registry.Object{{What: "permission", Project: "shop", Name: "readers", Fields: []registry.Field{{Path: "spec.actions", Text: "DESCRIBE"}}}},
		Ledger:  true,

		UnknownFields: []registry.UnknownField{{Path: "spec.9999 in feature view txn", Field: "9999", Bytes: 3, Digest: "aa", View: "txn"}},
	}
	d.Finish()
	return d
}

func txn(d *registry.Definitions) *registry.View {
	return &d.Views[slices.IndexFunc(d.Views, func(v registry.View) bool { return v.Name == "txn" })]
}

func named(d *registry.Definitions, name string) *registry.View {
	return &d.Views[slices.IndexFunc(d.Views, func(v registry.View) bool { return v.Name == name })]
}

// edits make of the store what each rule of Judge is for; the other way round is their undoing.
var edits = map[string]func(d *registry.Definitions){
	"view-removed": func(d *registry.Definitions) {
		d.Views = slices.DeleteFunc(d.Views, func(v registry.View) bool { return v.Name == "loose" })
	},
	"view-added": func(d *registry.Definitions) {
		d.Views = append(d.Views, registry.View{Name: "fresh", Project: "shop", Kind: model.KindFeatureView, Path: "f.parquet"})
	},
	"view-renamed":     func(d *registry.Definitions) { named(d, "loose").Name = "lost" },
	"view-moved":       func(d *registry.Definitions) { txn(d).Project = "elsewhere" },
	"key-type-changed": func(d *registry.Definitions) { d.Entities[0].ValueType = "STRING" },
	"ttl-subsecond":    func(d *registry.Definitions) { txn(d).TTLSeconds = seconds(500 * time.Millisecond) },
	"source-renamed":   func(d *registry.Definitions) { txn(d).BatchSource.Name = "another" },
	"watermark-changed": func(d *registry.Definitions) {
		delete(txn(d).StreamSource.Details, "kafka_options.watermark_delay_threshold")
	},
	"physical-type-narrowed": func(d *registry.Definitions) { setField(txn(d).Fields, "properties[at].physicalType", "timestamp") },
	"physical-type-changed": func(d *registry.Definitions) {
		setField(txn(d).Fields, "properties[at].physicalType", "timestamp with time zone")
	},
	"transformation-changed": func(d *registry.Definitions) {
		setField(txn(d).Fields, "spec.feature_transformation.user_defined_function.body_text", "def f(df):\n    return df - 1")
	},
	"aggregation-changed": func(d *registry.Definitions) {
		setField(txn(d).Fields, "spec.aggregations[sum(amount)].time_window", "1d")
	},
	"inputs-changed": func(d *registry.Definitions) {
		setField(txn(d).Fields, "spec.sources[static].feature_view_projection.feature_view_name", "loose")
	},
	"service-alias-changed":     func(d *registry.Definitions) { d.FeatureServices[0].Views[0].Alias = "payments" },
	"service-join-keys-changed": func(d *registry.Definitions) { d.FeatureServices[0].Views[0].JoinKeys = nil },
	"service-logging-changed":   func(d *registry.Definitions) { d.FeatureServices[0].Fields = nil },
	"service-precompute-changed": func(d *registry.Definitions) {
		d.FeatureServices[0].Fields = append(d.FeatureServices[0].Fields, registry.Field{Path: "spec.precompute_online", Part: registry.PartPrecompute, Text: "true"})
	},
	"not-judged-changed": func(d *registry.Definitions) {
		setField(txn(d).Fields, "spec.description", "other words")
		d.Objects[0].Fields[0].Text = "DELETE"
	},
	"view-kind-changed": func(d *registry.Definitions) { txn(d).Kind = model.KindStreamView },
	"ttl-negative":      func(d *registry.Definitions) { txn(d).TTLSeconds = seconds(-5 * time.Second) },
	"ttl-acknowledged": func(d *registry.Definitions) {
		txn(d).TTLSeconds, txn(d).TTLNever, txn(d).TTLOnWire = nil, "static", registry.TTLAbsent
	},
	"ttl-zeroed": func(d *registry.Definitions) {
		txn(d).TTLSeconds, txn(d).TTLOnWire = seconds(0), registry.TTLZero
	},
	"ttl-removed": func(d *registry.Definitions) {
		txn(d).TTLSeconds, txn(d).TTLOnWire = nil, registry.TTLAbsent
	},
	"ttl-added": func(d *registry.Definitions) {
		named(d, "loose").TTLSeconds = seconds(time.Hour)
	},
	"ttl-loosened":                func(d *registry.Definitions) { txn(d).TTLSeconds = seconds(8 * 24 * time.Hour) },
	"ttl-tightened":               func(d *registry.Definitions) { txn(d).TTLSeconds = seconds(24 * time.Hour) },
	"ttl-acknowledgement-changed": func(d *registry.Definitions) { named(d, "static").TTLNever = "other words" },
	"ttl-acknowledgement-removed": func(d *registry.Definitions) { named(d, "static").TTLNever = "" },
	"ttl-changed":                 func(d *registry.Definitions) { named(d, "loose").TTLSeconds = seconds(-time.Second) },
	"max-age-removed":             func(d *registry.Definitions) { txn(d).MaxAgeSeconds = nil },
	"max-age-loosened":            func(d *registry.Definitions) { txn(d).MaxAgeSeconds = seconds(7 * time.Hour) },
	"max-age-tightened":           func(d *registry.Definitions) { txn(d).MaxAgeSeconds = seconds(5 * time.Hour) },
	"max-age-added":               func(d *registry.Definitions) { named(d, "loose").MaxAgeSeconds = seconds(time.Hour) },
	"max-lag-removed":             func(d *registry.Definitions) { txn(d).MaxLagSeconds = nil },
	"max-lag-loosened":            func(d *registry.Definitions) { txn(d).MaxLagSeconds = seconds(2 * time.Hour) },
	"max-lag-tightened":           func(d *registry.Definitions) { txn(d).MaxLagSeconds = seconds(time.Minute) },
	"max-lag-added":               func(d *registry.Definitions) { named(d, "loose").MaxLagSeconds = seconds(time.Hour) },
	"event-time-changed":          func(d *registry.Definitions) { txn(d).EventTime = "created" },
	"created-column-removed":      func(d *registry.Definitions) { txn(d).IngestedAt = "" },
	"created-column-added":        func(d *registry.Definitions) { named(d, "loose").IngestedAt = "created" },
	"created-column-changed":      func(d *registry.Definitions) { txn(d).IngestedAt = "loaded_at" },
	"entity-changed":              func(d *registry.Definitions) { txn(d).Entities = []string{"card", "user"} },
	"join-key-changed":            func(d *registry.Definitions) { txn(d).JoinKeys = []string{"user_key"} },
	"key-changed":                 func(d *registry.Definitions) { txn(d).Key = nil },
	"feature-removed":             func(d *registry.Definitions) { txn(d).Features = txn(d).Features[1:] },
	"feature-added": func(d *registry.Definitions) {
		txn(d).Features = append(slices.Clone(txn(d).Features), registry.Feature{Name: "z", Type: "INT64"})
	},
	"feature-type-narrowed": func(d *registry.Definitions) { setType(d, "n", "INT32") },
	"feature-type-widened":  func(d *registry.Definitions) { setType(d, "small", "INT64") },
	"feature-type-changed":  func(d *registry.Definitions) { setType(d, "amount", "STRING") },
	"source-changed":        func(d *registry.Definitions) { txn(d).BatchSource.Type = "BATCH_SPARK" },
	"source-path-changed":   func(d *registry.Definitions) { txn(d).Path = "data/other.parquet" },
	"field-mapping-changed": func(d *registry.Definitions) { txn(d).BatchSource.FieldMapping = map[string]string{"amt2": "amount"} },
	"stream-source-removed": func(d *registry.Definitions) { txn(d).StreamSource = nil },
	"stream-source-added": func(d *registry.Definitions) {
		named(d, "loose").StreamSource = &registry.DataSource{Name: "p", Type: "PUSH_SOURCE"}
	},
	"stream-source-changed":     func(d *registry.Definitions) { txn(d).StreamSource.Details["kafka_options.topic"] = "txn2" },
	"tag-changed":               func(d *registry.Definitions) { txn(d).Tags = map[string]string{} },
	"setting-changed":           func(d *registry.Definitions) { txn(d).Settings = map[string]string{"zone": "device"} },
	"online-disabled":           func(d *registry.Definitions) { txn(d).Online = false },
	"online-enabled":            func(d *registry.Definitions) { named(d, "loose").Online = true },
	"materialization-lost":      func(d *registry.Definitions) { txn(d).Materialized, txn(d).MaterializedUntil = nil, nil },
	"materialization-rewritten": func(d *registry.Definitions) { rewrite(d) },
	"materialization-advanced": func(d *registry.Definitions) {
		last := txn(d).Materialized[1]
		txn(d).Materialized = append(slices.Clone(txn(d).Materialized), registry.Interval{Start: last.End, End: last.End.AddDate(0, 0, 1)})
		txn(d).MaterializedUntil = nil
	},
	"newer-fields-lost":      func(d *registry.Definitions) { txn(d).NewerFields = nil },
	"view-disabled":          func(d *registry.Definitions) { txn(d).NewerFields["disabled"] = "true" },
	"newer-fields-changed":   func(d *registry.Definitions) { txn(d).NewerFields["org"] = "y" },
	"owner-removed":          func(d *registry.Definitions) { txn(d).Owner = "" },
	"owner-added":            func(d *registry.Definitions) { named(d, "loose").Owner = "x" },
	"owner-changed":          func(d *registry.Definitions) { txn(d).Owner = "x" },
	"unknown-fields-lost":    func(d *registry.Definitions) { d.UnknownFields = nil },
	"unknown-fields-changed": func(d *registry.Definitions) { d.UnknownFields[0].Digest = "bb" },
	"unknown-fields-present": func(d *registry.Definitions) {
		d.UnknownFields = append(d.UnknownFields, registry.UnknownField{Path: "900 in the registry", Field: "900", Digest: "cc"})
	},
	"service-removed": func(d *registry.Definitions) { d.FeatureServices = nil },
	"service-added": func(d *registry.Definitions) {
		d.FeatureServices = append(d.FeatureServices, registry.FeatureService{Name: "g", Project: "shop"})
	},
	"service-changed": func(d *registry.Definitions) { d.FeatureServices[0].Owner = "x" },
	"service-member-removed": func(d *registry.Definitions) {
		d.FeatureServices[0].Views = nil
	},
	"service-member-added": func(d *registry.Definitions) {
		d.FeatureServices[0].Views = append(d.FeatureServices[0].Views, registry.ServiceView{View: "static", Features: []string{"f"}})
	},
	"entity-definition-changed": func(d *registry.Definitions) { d.Entities[0].Owner = "x" },
	"data-source-changed":       func(d *registry.Definitions) { d.DataSources[0].Path = "elsewhere" },
}

func setField(fields []registry.Field, path, text string) {
	for i := range fields {
		if fields[i].Path == path {
			fields[i].Text = text
		}
	}
}

func setType(d *registry.Definitions, name, typ string) {
	txn(d).Features = slices.Clone(txn(d).Features)
	for i, f := range txn(d).Features {
		if f.Name == name {
			txn(d).Features[i].Type = typ
		}
	}
}

func rewrite(d *registry.Definitions) {
	last := txn(d).Materialized[1]
	txn(d).Materialized = []registry.Interval{{Start: last.Start.AddDate(1, 0, 0), End: last.End.AddDate(1, 0, 0)}}
	txn(d).MaterializedUntil = nil
}

// TestEachRuleHasItsCase: each rule is the only one that speaks of the change it is for.
func TestEachRuleHasItsCase(t *testing.T) {
	for _, r := range diff.Rules() {
		edit, ok := edits[r.ID]
		if !ok {
			t.Errorf("rule %s has no case", r.ID)
			continue
		}
		changed := store()
		edit(&changed)
		changed.Finish()
		findings := diff.Classify(diff.Compute(store(), changed), diff.Policy{})
		var got []string
		for _, f := range findings {
			got = append(got, f.Rule)
			if f.Message == "" || f.Fingerprint == "" || f.Severity != r.Severity("") {
				t.Errorf("%s: finding %+v", r.ID, f)
			}
		}
		if !slices.Equal(slices.Compact(got), []string{r.ID}) {
			t.Errorf("%s: its case gives %v", r.ID, got)
		}
		// What is undone is a change as well, and nothing differs from itself.
		if back := diff.Compute(changed, store()); len(back) == 0 {
			t.Errorf("%s: undoing it is no change", r.ID)
		}
		if same := diff.Compute(changed, changed); len(same) != 0 {
			t.Errorf("%s: differs from itself: %v", r.ID, same)
		}
	}
	for id := range edits {
		if _, ok := diff.Find(id); !ok {
			t.Errorf("the case %s has no rule", id)
		}
	}
}

// lintEdits make of the store what each rule of Lint is for.
var lintEdits = map[string]func(d *registry.Definitions){
	"ttl-unset": func(*registry.Definitions) {}, // loose
	"definitions-empty": func(d *registry.Definitions) {
		d.Views, d.FeatureServices = nil, nil
	},
	"ttl-absurd": func(d *registry.Definitions) { txn(d).TTLSeconds = seconds(100 * 365 * 24 * time.Hour) },
	"view-without-entity": func(d *registry.Definitions) {
		txn(d).Entities, txn(d).JoinKeys = []string{"__dummy"}, []string{"__dummy_id"}
	},
	"entity-missing": func(d *registry.Definitions) { txn(d).Entities = []string{"ghost"} },
	"entity-without-join-key": func(d *registry.Definitions) {
		d.Entities = append(d.Entities, registry.Entity{Name: "x", Project: "shop"})
	},
	"join-key-disagrees": func(d *registry.Definitions) {
		txn(d).EntityColumns = registry.FeaturesOf(map[string]string{"other": "INT64"})
	},
	"source-copy-disagrees": func(d *registry.Definitions) { txn(d).BatchSource.TimestampField = "x" },
	"event-time-missing":    func(d *registry.Definitions) { txn(d).EventTime = "" },
	"event-time-not-in-files": func(*registry.Definitions) {
	},
	"service-names-missing-view":    func(d *registry.Definitions) { d.FeatureServices[0].Views[0].View = "ghost" },
	"service-names-missing-feature": func(d *registry.Definitions) { d.FeatureServices[0].Views[0].Features = []string{"ghost"} },
	"tag-unreadable":                func(d *registry.Definitions) { txn(d).Tags["freshness.max_age"] = "soon" },
	"duplicate-view-name": func(d *registry.Definitions) {
		v := *named(d, "static")
		v.Name = "Static"
		d.Views = append(d.Views, v)
	},
	"table-retention": func(*registry.Definitions) {}, // txn, by what its table keeps
	"unknown-fields":  func(*registry.Definitions) {}, // txn
}

// TestEachLintRuleHasItsCase: the store has one view without a ttl and one unknown field; each case adds its own finding alone.
func TestEachLintRuleHasItsCase(t *testing.T) {
	files := func(view string) ([]string, int, bool) {
		columns, ok := map[string][]string{"txn": {"event_time", "x", "amt"}, "static": {"t"}}[view]
		return columns, 2, ok
	}
	for _, r := range diff.LintRules() {
		edit, ok := lintEdits[r.ID]
		if !ok {
			t.Errorf("rule %s has no case", r.ID)
			continue
		}
		d, asked, tables := store(), diff.Files(files), diff.Tables(nil)
		if r.ID == "table-retention" {
			tables = func(view string) ([]table.Retention, bool) {
				return []table.Retention{{Setting: "delta.logRetentionDuration", Text: "interval 1 minute", For: time.Minute}}, view == "txn"
			}
		}
		edit(&d)
		d.Finish()
		if r.ID == "event-time-not-in-files" {
			asked = func(view string) ([]string, int, bool) { return []string{"other"}, 3, view == "txn" }
		}
		got := map[string]bool{}
		for _, f := range diff.Lint(d, asked, tables, diff.Policy{}) {
			got[f.Rule] = true
		}
		want := map[string]bool{"ttl-unset": true, "unknown-fields": true, r.ID: true}
		if r.ID == "definitions-empty" {
			delete(want, "ttl-unset") // there is no view left that could be without
		}
		if !maps.Equal(got, want) {
			t.Errorf("%s: its case gives %v", r.ID, slices.Sorted(maps.Keys(got)))
		}
	}
}

// TestUsers: who reads what is removed is named, and where nobody does the finding says so.
func TestUsers(t *testing.T) {
	d := store()
	txn(&d).Features = registry.Features{}
	findings := diff.Classify(diff.Compute(store(), d), diff.Policy{Consumers: []model.Consumer{{Name: "churn", Views: []model.ConsumerView{{View: "loose"}}}}})
	var messages []string
	for _, f := range findings {
		messages = append(messages, f.Message+" "+strings.Join(f.Consumers, ","))
	}
	want := []string{
		"has no feature amount any more (DOUBLE) fraud_v1",
		"has no feature n any more (INT64); no feature service and no consumer contract uses it ",
		"has no feature small any more (INT32); no feature service and no consumer contract uses it ",
	}
	if !slices.Equal(messages, want) {
		t.Errorf("got %q\nwant %q", messages, want)
	}
}

// TestSuppressions: an approval counts for its rule and view, until its date.
func TestSuppressions(t *testing.T) {
	d := store()
	edits["ttl-removed"](&d)
	until := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		s    model.Suppression
		asOf time.Time
		want bool
	}{
		{model.Suppression{Check: "ttl-removed", Reason: "r", Until: until}, until.Add(-time.Second), true},
		{model.Suppression{Check: "ttl-removed", Reason: "r", Until: until}, until, false},
		{model.Suppression{Check: "ttl-removed", View: "txn", Reason: "r"}, until, true},
		{model.Suppression{Check: "ttl-removed", View: "other", Reason: "r"}, until, false},
		{model.Suppression{Check: "ttl-zeroed", Reason: "r"}, until, false},
		{model.Suppression{Check: "ttl-removed", RangeFrom: "2026-11-01", RangeTo: "2026-11-02", Reason: "r"}, until, false},
	} {
		f := diff.Classify(diff.Compute(store(), d), diff.Policy{Suppressions: []model.Suppression{c.s}, AsOf: c.asOf})
		if f[0].Rule != "ttl-removed" || f[0].Suppressed != c.want {
			t.Errorf("%+v at %s: %+v, want suppressed %v", c.s, c.asOf, f, c.want)
		}
	}
}

func without(d registry.Definitions, view string) registry.Definitions {
	d.Views = slices.DeleteFunc(slices.Clone(d.Views), func(v registry.View) bool { return v.Name == view })
	return d
}

// TestApprovals: an approval that ended is a finding, as is one that matches nothing where it could have.
func TestApprovals(t *testing.T) {
	until := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	feast, yaml := store(), store()
	yaml.Kind = registry.KindYAML
	gone := store()
	edits["ttl-removed"](&gone)
	for name, c := range map[string]struct {
		s            model.Suppression
		older, newer registry.Definitions
		want         []string
	}{
		"ended": {
			model.Suppression{Check: "ttl-removed", View: "txn", Until: until}, feast, gone,
			[]string{"ttl-removed lost its ttl of 7d: its features never expire now", "suppression-expired the suppression of ttl-removed in view txn ended on 2027-01-01T00:00:00Z (why)"},
		},
		"ended, of a view that is elsewhere": {
			model.Suppression{Check: "ttl-removed", View: "elsewhere", Until: until}, feast, feast,
			[]string{"suppression-expired the suppression of ttl-removed in view elsewhere ended on 2027-01-01T00:00:00Z (why)"},
		},
		"unused": {
			model.Suppression{Check: "ttl-removed", View: "txn"}, feast, feast,
			[]string{"suppression-unused the suppression of ttl-removed in view txn matches no finding (why)"},
		},
		"unused, of all views": {
			model.Suppression{Check: "ttl-removed"}, feast, feast, []string{"suppression-unused the suppression of ttl-removed matches no finding (why)"},
		},
		"used":                                   {model.Suppression{Check: "ttl-removed", Until: until.Add(1)}, feast, gone, nil},
		"of a view that was not compared":        {model.Suppression{Check: "ttl-removed", View: "elsewhere"}, feast, feast, nil},
		"of what one format cannot say":          {model.Suppression{Check: "online-disabled", View: "txn"}, yaml, feast, nil},
		"of data":                                {model.Suppression{Check: "ttl-removed", View: "txn", Source: "batch"}, feast, feast, nil},
		"of a check that only an audit judges":   {model.Suppression{Check: "stale-rows", View: "txn", Until: until}, feast, feast, nil},
		"of a rule that only lint tries":         {model.Suppression{Check: "entity-missing", View: "txn", Until: until}, feast, feast, nil},
		"of a view that only the older side has": {model.Suppression{Check: "ttl-removed", View: "loose"}, feast, without(feast, "loose"), []string{"suppression-unused the suppression of ttl-removed in view loose matches no finding (why)"}},
	} {
		c.s.Reason, c.s.Origin = "why", "a.yaml:7"
		var got []string
		for _, f := range diff.Classify(diff.Compute(c.older, c.newer), diff.Policy{Suppressions: []model.Suppression{c.s}, AsOf: until, Tried: diff.Compared(c.older, c.newer)}) {
			if !f.Suppressed && f.Rule != "view-removed" && f.Rule != "unknown-fields-lost" {
				got = append(got, f.Rule+" "+f.Message)
			}
			if strings.HasPrefix(f.Rule, "suppression-") && (f.Object != "a.yaml:7" || *f.Location != registry.Location{File: "a.yaml", Line: 7} || f.Fingerprint == "") {
				t.Errorf(`%s: got %+v, want !strings.HasPrefix(f.Rule, "suppression-") || f.Object == "a.yaml:7" && *f.Location == registry.Location{File: "a.yaml", Line: 7} && f.Fingerprint != ""`, name, f)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s:\ngot  %q\nwant %q", name, got, c.want)
		}
	}
}

// TestApprovalsOfLint: a rule that needs files was tried only where they could be read.
func TestApprovalsOfLint(t *testing.T) {
	files := func(view string) ([]string, int, bool) { return []string{"event_time", "t"}, 1, view == "txn" }
	for view, want := range map[string]bool{"txn": true, "static": false, "": true, "elsewhere": false} {
		s := model.Suppression{Check: "event-time-not-in-files", View: view, Reason: "why"}
		got := false
		for _, f := range diff.Lint(store(), files, nil, diff.Policy{Suppressions: []model.Suppression{s}}) {
			got = got || f.Rule == "suppression-unused"
		}
		if got != want {
			t.Errorf("view %q: unused %v, want %v", view, got, want)
		}
	}
}

// TestData: what a changed ttl does to the store, from the reports that judged either ttl.
func TestData(t *testing.T) {
	audited := func(ttl time.Duration, stale int64) report.Report {
		return report.Report{
			AsOf:    "2026-11-23T00:00:00Z",
			Views:   []report.View{{Name: "txn", Definition: report.ViewDefinition{TTLSeconds: seconds(ttl)}}},
			Results: []report.Result{{Check: "stale-entities", View: "txn", Measures: map[string]any{"entities": 2_000_000.0, "stale_entities": float64(stale)}}},
		}
	}
	week, day := audited(7*24*time.Hour, 5_993), audited(24*time.Hour, 200_000)
	blind := audited(24*time.Hour, 3)
	blind.Results[0].Outcome, blind.Results[0].Reason = report.Error, "1 of 60 files could not be read"
	for _, c := range []struct {
		edit string
		data diff.Reports
		want string
	}{
		{"ttl-tightened", diff.Reports{week, day}, "its ttl went from 7d to 1d; 7d -> 1d makes 194,007 of 2,000,000 entities null"},
		{"ttl-tightened", diff.Reports{week, audited(24*time.Hour, 5_993)}, "its ttl went from 7d to 1d; 7d -> 1d changes no entity: 5,993 of 2,000,000 are null either way"},
		{"ttl-tightened", diff.Reports{day}, "its ttl went from 7d to 1d; 7d -> 1d leaves 200,000 of 2,000,000 entities null"},
		{"ttl-tightened", diff.Reports{week}, "its ttl went from 7d to 1d; 7d -> 1d: 5,993 of 2,000,000 entities were null before"},
		{"ttl-removed", diff.Reports{week}, "lost its ttl of 7d: its features never expire now; 7d -> unset serves 5,993 of 2,000,000 entities that were null"},
		{"ttl-tightened", diff.Reports{}, "its ttl went from 7d to 1d; the data at hand does not say what that does to the store: look at it with --data audit, or give a report that was audited with this ttl"},
		{"ttl-tightened", diff.Reports{blind}, "its ttl went from 7d to 1d; what that does to the store is not known: 1 of 60 files could not be read"},
		{"ttl-negative", diff.Reports{blind}, "its ttl went from 7d to -5s; what that does to the store is not known: stores disagree on what a negative ttl is"},
	} {
		d := store()
		edits[c.edit](&d)
		f := diff.Classify(diff.Compute(store(), d), diff.Policy{Data: c.data})
		if len(f) != 1 || f[0].Message != c.want {
			t.Errorf("%s: %+v\nwant %s", c.edit, f, c.want)
		}
	}
}
