package sensitive

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
)

func masks(t *testing.T) (keyed, numbered *Mask) {
	t.Helper()
	keyed, err := New([]byte("0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	if numbered, err = New(nil); err != nil {
		t.Fatal(err)
	}
	return keyed, numbered
}

func TestShortKeysAreRefused(t *testing.T) {
	for n, ok := range map[int]bool{0: true, 1: false, 15: false, 16: true, 64: true} {
		if _, err := New(make([]byte, n)); (err == nil) != ok {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}

func TestValue(t *testing.T) {
	keyed, numbered := masks(t)
	v := model.View{Name: "clicks", Sensitive: []string{"card", "user"}}
	for _, test := range []struct {
		mask                *Mask
		column, value, want string
	}{
		// printf 7 | openssl dgst -sha256 -hmac 0123456789abcdef, its first 32 digits
		{keyed, "card", "7", "hmac-sha256:f69cf4852626eee19b92af564b9413e4"},
		{keyed, "user.email", "7", "hmac-sha256:f69cf4852626eee19b92af564b9413e4"},
		{keyed, "CARD", "7", "hmac-sha256:f69cf4852626eee19b92af564b9413e4"},
		{keyed, "cards", "7", "7"},
		{numbered, "card", "7", "card #1"},
		{numbered, "card", "", "card #2"},
		{numbered, "card", "7", "card #1"},
		{numbered, "user.email", "7", "user.email #1"},
		{numbered, "amount", "7", "7"},
		{nil, "card", "7", "(sensitive)"},
		{nil, "amount", "7", "7"},
	} {
		if got := test.mask.Value(v, test.column, test.value); got != test.want {
			t.Errorf("%s %q: %q, want %q", test.column, test.value, got, test.want)
		}
	}
	other := v
	other.Name = "orders"
	if got := numbered.Value(other, "card", "9"); got != "card #1" {
		t.Errorf("another view has numbers of its own: %q", got)
	}
}

func TestKeyIDTellsKeysApart(t *testing.T) {
	keyed, numbered := masks(t)
	second, err := New([]byte("0123456789abcdeg"))
	if err != nil {
		t.Fatal(err)
	}
	if len(keyed.KeyID()) != 16 || keyed.KeyID() == second.KeyID() || numbered.KeyID() != "" || (*Mask)(nil).KeyID() != "" {
		t.Errorf(`%q %q %q, want len(keyed.KeyID()) == 16 && keyed.KeyID() != second.KeyID() && numbered.KeyID() == "" && (*Mask)(nil).KeyID() == ""`, keyed.KeyID(), second.KeyID(), numbered.KeyID())
	}
}

// TestSourcesLeaveNoName renames the sources of everything that an audit knows of a view, and demands that no name of the data is
// left anywhere in it.
func TestSourcesLeaveNoName(t *testing.T) {
	_, numbered := masks(t)
	at := func(source string) facts.Population { return facts.Population{Partition: 1, Source: source} }
	view := model.View{Name: "v", Source: model.SourceColumn{Column: "mail"}, Sensitive: []string{"mail"},
		Sources: []model.SourcePolicy{{Name: "SECRET.b"}, {Name: "SECRET.b.zone"}},
		Origins: model.ParseOrigins(map[string]string{"ttl": "c:1", "sources.SECRET.b": "c:2", "sources.SECRET.b.max_age": "c:3", "sources.SECRET.b.zone.zone": "c:4"})}
	survey := facts.Survey{Listing: facts.Listing{Files: []facts.File{{ID: 0, Source: "SECRET.b"}, {ID: 1}},
		Presence: []facts.Presence{{Partition: 0, Group: "SECRET.b"}}}}
	collection := facts.Collection{
		Slices:  []facts.Slice{{File: 1, Source: "SECRETa", FirstRow: 7}, {File: 1, Source: "SECRETz", FirstRow: 3}, {File: 1, FirstRow: 9}},
		Sources: []string{"", "SECRETa", "SECRETz"},
		Lags:    map[facts.Population]*facts.LagHistogram{at("SECRETa"): nil}, Events: map[facts.Population]*facts.EventHistogram{at("SECRETz"): nil},
		Writers: map[string]*facts.WriterSample{"SECRETa": nil},
		Keys: &facts.Duplicates{Writers: []facts.WriterPair{{A: "SECRETa", B: "SECRETz", Keys: 5}},
			Twins:   []facts.TwinCount{{A: "SECRETa", B: "SECRETz", Apart: 3600, TrueA: 2, TrueB: 1}},
			ByPlace: map[facts.Population]*facts.DuplicatePlace{at("SECRETa"): nil}, Rows: []facts.DuplicateRow{{Source: "SECRETz"}, {}}},
	}
	before := *collection.Keys
	names := numbered.Sources(&view, &survey, &collection)
	// the declared ones come first, then by row: z before a
	for hidden, real := range map[string]string{"mail #1": "SECRET.b", "mail #2": "SECRET.b.zone", "mail #3": "SECRETz", "mail #4": "SECRETa"} {
		if names[hidden] != real {
			t.Errorf("%s is %q, want %q", hidden, names[hidden], real)
		}
	}
	wantOrigins := model.ParseOrigins(map[string]string{"ttl": "c:1", "sources.mail #1": "c:2", "sources.mail #1.max_age": "c:3", "sources.mail #2.zone": "c:4"})
	if !reflect.DeepEqual(view.Origins, wantOrigins) {
		t.Errorf("origins %v", view.Origins)
	}
	for name, got := range map[string]any{
		"sources": view.Sources[0].Name + view.Sources[1].Name, "file": survey.Files[0].Source + "|" + survey.Files[1].Source, "presence": survey.Presence[0].Group,
		"slices": []string{collection.Slices[0].Source, collection.Slices[1].Source, collection.Slices[2].Source}, "seen": collection.Sources,
		"pairs": collection.Keys.Writers[0], "rows": collection.Keys.Rows[0].Source + "|" + collection.Keys.Rows[1].Source,
	} {
		want := map[string]any{"sources": "mail #1mail #2", "file": "mail #1|", "presence": "mail #1", "slices": []string{"", "mail #3", "mail #4"},
			"seen": []string{"", "mail #3", "mail #4"}, "pairs": facts.WriterPair{A: "mail #3", B: "mail #4", Keys: 5}, "rows": "mail #3|"}[name]
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	// the pair changed its order, and its offset the sign
	if twin := collection.Keys.Twins[0]; twin.A != "mail #3" || twin.B != "mail #4" || twin.Apart != -3600 || twin.TrueA != 1 || twin.TrueB != 2 {
		t.Errorf(`%+v, want twin.A == "mail #3" && twin.B == "mail #4" && twin.Apart == -3600 && twin.TrueA == 1 && twin.TrueB == 2`, twin)
	}
	if _, ok := collection.Lags[at("mail #4")]; !ok || len(collection.Lags) != 1 {
		t.Errorf("lags %v", collection.Lags)
	}
	if before.Twins[0].A != "SECRETa" {
		t.Error("what was given changed")
	}
	if plain := (model.View{Name: "v", Source: model.SourceColumn{Column: "feed"}, Sensitive: []string{"mail"}}); numbered.Sources(&plain, &survey, &collection) != nil {
		t.Error("a source that is not sensitive was renamed")
	}
}

func TestSuppressionsNameNoSource(t *testing.T) {
	keyed, _ := masks(t)
	views := []model.View{{Name: "plain", Source: model.SourceColumn{Column: "feed"}},
		{Name: "v", Source: model.SourceColumn{Column: "mail"}, Sensitive: []string{"mail"}}}
	for _, test := range []struct{ view, want string }{{"plain", "7"}, {"v", "hmac-sha256:f69cf4852626eee19b92af564b9413e4"}, {"", "(sensitive)"}, {"none", "7"}} {
		if got := keyed.Suppression(model.Suppression{View: test.view, Source: "7"}, views).Source; got != test.want {
			t.Errorf("view %q: %q, want %q", test.view, got, test.want)
		}
	}
}

func TestSumsOfSensitiveMeasuresAreLeftOut(t *testing.T) {
	d := facts.Duplicates{SurplusMeasures: map[string]string{"amount": "12", "clicks": "3"}, SurplusMeasuresOutside: map[string]string{"amount": "1"}}
	left := Without(model.View{Sensitive: []string{"amount"}}, &d)
	if !reflect.DeepEqual(left, []string{"amount"}) || !reflect.DeepEqual(d.SurplusMeasures, map[string]string{"clicks": "3"}) || len(d.SurplusMeasuresOutside) != 0 {
		t.Errorf(`%v, %+v, want reflect.DeepEqual(left, []string{"amount"}) && reflect.DeepEqual(d.SurplusMeasures, map[string]string{"clicks": "3"}) && len(d.SurplusMeasuresOutside) == 0`, left, d)
	}
}

func TestQuietErrorsKeepWhatTheyAre(t *testing.T) {
	cause := errors.New("could not convert 'SECRET' to INT32")
	if err := Quiet(model.View{Sensitive: []string{"a"}}, cause); strings.Contains(err.Error(), "SECRET") || !errors.Is(err, cause) {
		t.Errorf(`%v, want !(strings.Contains(err.Error(), "SECRET")) && errors.Is(err, cause)`, err)
	}
	if err := Quiet(model.View{}, cause); !errors.Is(err, cause) || err.Error() != cause.Error() {
		t.Errorf("%v, want errors.Is(err, cause) && err.Error() == cause.Error()", err)
	}
}

func TestHidesTime(t *testing.T) {
	of := func(s model.SourcePolicy) model.TimeColumn { return s.EventTime }
	v := model.View{EventTime: model.TimeColumn{Column: "ts"}, MaxAge: time.Hour}
	if HidesTime(v, of, v.EventTime) {
		t.Error("nothing is sensitive")
	}
	v.Sensitive = []string{"own"}
	v.Sources = []model.SourcePolicy{{Name: "a", EventTime: model.TimeColumn{Column: "own"}}}
	if !HidesTime(v, of, v.EventTime) {
		t.Error("the time of a source is sensitive")
	}
}
