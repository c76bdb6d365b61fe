package survey

import (
	"strings"
	"testing"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
)

// TestRefuse has files of two schemas, email in the second alone, and names columns in each role.
func TestRefuse(t *testing.T) {
	column := func(name string) facts.Column { return facts.Column{Name: name, Path: name} }
	s := facts.Survey{Schemas: []facts.Schema{{ID: 0, Columns: []facts.Column{column("id"), {Name: "user", Path: "user", Nested: true}, {Name: "user", Path: "user.mail"}}},
		{ID: 1, Columns: []facts.Column{column("id"), column("email")}}}}
	s.Files = []facts.File{{ID: 0, Path: "region=eu/a.parquet", Values: facts.PathValues("region=eu/a.parquet"), Schema: 0},
		{ID: 1, Path: "region=us/b.parquet", Values: facts.PathValues("region=us/b.parquet"), Schema: 1}, {ID: 2, Path: "shard=1/c.parquet", Schema: -1}}
	at := model.Origins{"sensitive": model.Written("c.yaml:3")}
	defaults := model.Origins{"sensitive": {Kind: model.OriginForAll, Place: "c.yaml:3"}, "payload": {Kind: model.OriginForAll, Place: "c.yaml:4"}}
	for _, test := range []struct {
		name string
		view model.View
		want string // "key: beginning of the reason", "" for none
	}{
		{"in some files", model.View{Sensitive: []string{"email", "id", "user", "user.mail"}, Payload: []string{"email"}}, ""},
		{"typo", model.View{Sensitive: []string{"id", "emial"}, Origins: at}, `sensitive: column "emial" (sensitive, c.yaml:3) is in none of the 2 files (did you mean "email"?): `},
		{"case", model.View{Sensitive: []string{"EMAIL"}}, `sensitive: column "EMAIL" (sensitive) is in none of the 2 files (did you mean "email"?): `},
		{"field", model.View{Sensitive: []string{"user.name"}}, `sensitive: column "user.name" (sensitive) is in none of the 2 files`},
		{"nothing near", model.View{Sensitive: []string{"telephone"}}, `sensitive: column "telephone" (sensitive) is in none of the 2 files: `},
		{"path", model.View{Sensitive: []string{"region"}}, `sensitive: column "region" (sensitive) is a key of the paths of files (region=)`},
		{"source of the paths", model.View{Source: model.SourceColumn{Column: "region"}}, ""},
		{"source", model.View{Source: model.SourceColumn{Column: "emaill"}}, `source: column "emaill" (source) is in none`},
		{"measures", model.View{Measures: []string{"ids"}}, `measures: column "ids" (measures) is in none of the 2 files (did you mean "id"?)`},
		{"payload", model.View{Payload: []string{"id", "note"}}, `payload: column "note" (payload) is in none`},
		{"defaults of other views", model.View{Sensitive: []string{"telephone"}, Payload: []string{"telephone"}, Origins: defaults}, ""},
		{"typo in defaults", model.View{Sensitive: []string{"emial"}, Origins: defaults}, `sensitive: column "emial" (sensitive, default (c.yaml:3)) is in none`},
		{"near one that is hidden too", model.View{Sensitive: []string{"e_mail", "email"}, Origins: defaults}, ""},
	} {
		var got []string
		for _, r := range Refuse(test.view, s) {
			got = append(got, r.Key+": "+r.Reason)
		}
		if text := strings.Join(got, " | "); !strings.HasPrefix(text, test.want) || test.want == "" && text != "" || len(got) > 1 {
			t.Errorf("%s: %q, want %q", test.name, text, test.want)
		}
	}
	for i := range s.Files {
		s.Files[i].Source = "batch"
	}
	if got := Refuse(model.View{Source: model.SourceColumn{Column: "feed"}}, s); got != nil {
		t.Errorf("the paths say the source: %v", got)
	}
	s.Files = s.Files[2:]
	if got := Refuse(model.View{Sensitive: []string{"telephone"}}, s); got != nil {
		t.Errorf("no file says anything: %v", got)
	}
}
