package survey_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/partition"
	"github.com/featureaudit/featureaudit/audit/store/local"
	"github.com/featureaudit/featureaudit/audit/survey"
	"github.com/featureaudit/featureaudit/audit/table"
	"github.com/featureaudit/featureaudit/fixtures"
	"github.com/featureaudit/featureaudit/fixtures/icebergtable"
)

// planned lists an Iceberg table with one file for each spec, in a view with times at and made, and reads its footers.
func planned(t *testing.T, o icebergtable.Options, specs [][]icebergtable.Partition, view model.View, noIDs bool) (facts.Survey, model.View, string, error) {
	t.Helper()
	if o.Fields == nil {
		o.Fields = []icebergtable.Field{{ID: 1, Name: "id", Type: "long"}, {ID: 2, Name: "at", Type: "timestamp"}, {ID: 3, Name: "made", Type: "timestamptz"}}
	}
	o.Partitions = specs[0]
	it, err := icebergtable.New(t.TempDir(), o)
	if err != nil {
		t.Fatal(err)
	}
	noon := time.Date(2026, 11, 3, 12, 0, 0, 0, time.UTC)
	rows := fixtures.Table{Columns: []fixtures.Column{{Name: "id", Type: fixtures.Int64Type, Values: []any{1}}, {Name: "at", Type: fixtures.NaiveType, Values: []any{noon}},
		{Name: "made", Type: fixtures.AwareType, Values: []any{noon}}}}
	for i, spec := range specs {
		if i > 0 {
			if err := it.SetPartitions(spec); err != nil {
				t.Fatal(err)
			}
		}
		values := []any{int(noon.Unix() / 86400), int(noon.Unix() / 3600)}[:len(spec)]
		if err := it.Commit(icebergtable.Change{Add: []icebergtable.File{{Path: "data/" + string(rune('a'+i)) + ".parquet", Rows: rows, Values: values, Spec: i, NoIDs: noIDs}}}); err != nil {
			t.Fatal(err)
		}
	}
	view.Path, view.EventTime.Column, view.IngestedAt.Column = it.Dir, "at", "made"
	listing, resolved, notes, err := survey.Plan(t.Context(), table.For(local.New(), view), view, noon, partition.Range{})
	if err != nil {
		return facts.Survey{}, resolved, "", err
	}
	s, err := survey.Survey(t.Context(), local.New(), listing, survey.RolesOf(resolved), 1, nil)
	return s, resolved, strings.Join(notes, "; "), err
}

// TestTimePartitionsOfATable takes the meaning of a partition field from the table: it is a period of the event time, of the ingest time, or
// of no time of the view.
func TestTimePartitionsOfATable(t *testing.T) {
	by := func(source int, names ...string) []icebergtable.Partition {
		var spec []icebergtable.Partition
		for i, name := range names {
			spec = append(spec, icebergtable.Partition{Source: source, ID: 1000 + i, Name: name, Transform: []string{"day", "hour"}[i]})
		}
		return spec
	}
	other := icebergtable.Options{Fields: []icebergtable.Field{{ID: 1, Name: "id", Type: "long"}, {ID: 2, Name: "at", Type: "timestamp"}, {ID: 3, Name: "created", Type: "timestamptz"}}}
	berlin := model.View{Zone: "Europe/Berlin"}
	for name, test := range map[string]struct {
		options icebergtable.Options
		specs   [][]icebergtable.Partition
		view    model.View
		column  string
		of      model.PartitionMeaning
		zone    string
		note    string
	}{
		"of the event time, by a wall clock": {specs: [][]icebergtable.Partition{by(2, "p")}, view: berlin, column: "p", of: model.OfEventTime, zone: "Europe/Berlin", note: "as the table says: day(at)"},
		"of the ingest time, in UTC":         {specs: [][]icebergtable.Partition{by(3, "p")}, view: berlin, column: "p", of: model.OfIngestedAt, note: "as the table says: day(made)"},
		"the finest":                         {specs: [][]icebergtable.Partition{by(2, "d", "h")}, column: "h", of: model.OfEventTime, note: "grain hour"},
		"of something else":                  {options: other, specs: [][]icebergtable.Partition{by(3, "created_day")}, note: "created_day= is day(created) by the table's word, which is no time of the view"},
		"of some files only":                 {specs: [][]icebergtable.Partition{nil, by(2, "at_day")}, note: "no time partition: files of another partition spec have no at_day="},
	} {
		_, view, notes, err := planned(t, test.options, test.specs, test.view, false)
		got := view.TimePartition
		if err != nil || strings.Join(got.Columns, "") != test.column || got.Of != test.of || got.Zone != test.zone || !strings.Contains(notes, test.note) {
			t.Errorf("%s: %+v, %q, %v", name, got, notes, err)
		}
	}
}

// TestColumnsByNumbersAndNames reads files that have no numbers by the table's mapping of names, and refuses what it would read wrongly.
func TestColumnsByNumbersAndNames(t *testing.T) {
	renamed := []icebergtable.Field{{ID: 1, Name: "key", Type: "long"}, {ID: 2, Name: "at", Type: "timestamp"}, {ID: 3, Name: "made", Type: "timestamptz"}}
	mapping := map[string]string{"schema.name-mapping.default": `[{"field-id": 1, "names": ["id", "key"]}, {"field-id": 2, "names": ["at"]}, {"field-id": 3, "names": ["made"]}]`}
	none := [][]icebergtable.Partition{nil}
	s, _, _, err := planned(t, icebergtable.Options{Fields: renamed, Properties: mapping}, none, model.View{}, true)
	if err != nil || s.Files[0].Problem != nil || s.Schemas[0].Lookup("key") == nil || s.Schemas[0].Lookup("key").StoredName != "id" {
		t.Errorf("by names: %+v, %v", s.Files, err)
	}
	s, _, _, err = planned(t, icebergtable.Options{}, none, model.View{}, true)
	if err != nil || s.Files[0].Problem == nil || !strings.Contains(s.Files[0].Problem.Message, "its columns have no numbers (field ids)") {
		t.Errorf("without names: %+v, %v", s.Files, err)
	}
	more := append(slices.Clone(renamed), icebergtable.Field{ID: 4, Name: "n", Type: "long", Default: 7})
	more[0].Name = "id"
	for role, view := range map[string]model.View{"payload": {Payload: []string{"n"}}, "key": {Key: []string{"id", "n"}}, "entity": {Entity: []string{"n"}}, "measures": {Measures: []string{"n"}},
		"source": {Source: model.SourceColumn{Column: "n"}}, "writer": {Writer: []string{"n"}}} {
		s, _, _, err = planned(t, icebergtable.Options{Format: 3, Fields: more}, none, view, false)
		if err != nil || s.Files[0].Problem != nil {
			t.Fatalf("a default of a column of the %s: %+v, %v", role, s.Files, err)
		}
		if n := s.Schemas[0].Lookup("n"); n == nil || !n.Absent || n.Fill != "7" || n.Physical != "INT64" || len(s.Notes) > 0 {
			t.Errorf("a default of a column of the %s: %+v, %q", role, n, s.Notes)
		}
	}
	wrong := append(slices.Clone(renamed), icebergtable.Field{ID: 4, Name: "n", Type: "long", Default: "seven"})
	s, _, _, err = planned(t, icebergtable.Options{Format: 3, Fields: wrong}, none, model.View{Entity: []string{"n"}}, false)
	if err != nil || s.Files[0].Problem == nil || !strings.Contains(s.Files[0].Problem.Message, `it has no column "n", and the table says that it reads as "seven" there (initial-default)`) {
		t.Errorf("a default that is none of its type: %+v, %v", s.Files, err)
	}
	s, _, _, err = planned(t, icebergtable.Options{Format: 3, Fields: more}, none, model.View{Key: []string{"id"}}, false)
	note := "column n is not in 1 of 1 files, where the table says that it reads as another value than NULL (initial-default): it was left out where rows or schemas are compared"
	if err != nil || s.Files[0].Problem != nil || !slices.Equal(s.Notes, []string{note}) {
		t.Errorf("a default that nothing uses: %+v, %q, %v", s.Files, s.Notes, err)
	}
	more[3] = icebergtable.Field{ID: 4, Name: "shape", Type: "geometry"}
	_, _, notes, err := planned(t, icebergtable.Options{Format: 3, Fields: more}, none, model.View{}, false)
	if err != nil || !strings.Contains(notes, "column shape of the table is of the type geometry, which is not read here: it was left out") {
		t.Errorf("a shape: %q, %v", notes, err)
	}
	_, _, _, err = planned(t, icebergtable.Options{Format: 3, Fields: more}, none, model.View{Payload: []string{"shape"}}, false)
	if err == nil || !strings.Contains(err.Error(), "is of the type geometry, whose values are not read here: take it out of the view") {
		t.Errorf("a shape as payload: %v", err)
	}
}

// TestADefaultLeavesAColumnOut compares no column that some files lack, where the table says that it reads as another value than NULL there.
func TestADefaultLeavesAColumnOut(t *testing.T) {
	fields := []icebergtable.Field{{ID: 1, Name: "id", Type: "long"}, {ID: 2, Name: "note", Type: "string"}}
	it, err := icebergtable.New(t.TempDir(), icebergtable.Options{Format: 3, Fields: fields})
	if err != nil {
		t.Fatal(err)
	}
	id := fixtures.Column{Name: "id", Type: fixtures.Int64Type, Values: []any{1, 2}}
	for i, columns := range [][]fixtures.Column{{id}, {id, {Name: "n", Type: fixtures.Int64Type, Values: []any{7, 8}}}} {
		err = it.Commit(icebergtable.Change{Add: []icebergtable.File{{Path: string(rune('a'+i)) + ".parquet", Rows: fixtures.Table{Columns: columns}}}})
		if err == nil && i == 0 {
			err = it.SetFields(append(fields, icebergtable.Field{ID: 3, Name: "n", Type: "long", Default: 7}))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	view := model.View{Path: it.Dir, Key: []string{"id"}}
	listing, resolved, _, err := survey.Plan(t.Context(), table.For(local.New(), view), view, time.UnixMilli(icebergtable.Start), partition.Range{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := survey.Survey(t.Context(), local.New(), listing, survey.RolesOf(resolved), 1, nil)
	if err != nil || s.Files[0].Problem != nil || s.Files[1].Problem != nil || s.Schemas[s.Files[1].Schema].Lookup("n") != nil || s.Files[0].Schema != s.Files[1].Schema || len(s.Notes) != 1 {
		t.Errorf("%+v, %q, %v", s.Files, s.Notes, err)
	}
	if err := survey.Refresh(t.Context(), local.New(), &s, 1, survey.RolesOf(resolved)); err != nil || s.Files[1].Schema != s.Files[0].Schema {
		t.Errorf("read again: %+v, %v", s.Files[1], err)
	}
}

// TestRowsOfTheLogAreThoseOfTheFooter refuses a file that has other rows than its manifest says: it, or the manifest, is another one.
func TestRowsOfTheLogAreThoseOfTheFooter(t *testing.T) {
	for counted, want := range map[int64]string{3: "", 2: "it has 3 rows by its footer, and the table's log says 2", 4: "the table's log says 4", 0: "the table's log says 0"} {
		dir := t.TempDir()
		it, err := icebergtable.New(dir, icebergtable.Options{Fields: []icebergtable.Field{{ID: 1, Name: "id", Type: "long"}}})
		rows := fixtures.Table{Columns: []fixtures.Column{{Name: "id", Type: fixtures.Int64Type, Values: []any{1, 2, 3}}}}
		if err == nil {
			err = fixtures.Write(dir+"/a.parquet", rows, fixtures.Options{})
		}
		if err == nil {
			err = it.Commit(icebergtable.Change{Add: []icebergtable.File{{Path: "a.parquet", There: true, Count: counted, IDs: map[string]int32{"id": 1}}}})
		}
		if err != nil {
			t.Fatal(err)
		}
		view := model.View{Path: dir}
		listing, resolved, _, err := survey.Plan(t.Context(), table.For(local.New(), view), view, time.UnixMilli(icebergtable.Start), partition.Range{})
		if err != nil {
			t.Fatal(err)
		}
		s, err := survey.Survey(t.Context(), local.New(), listing, survey.RolesOf(resolved), 1, nil)
		if problem := s.Files[0].Problem; err != nil || (problem != nil) != (want != "") || problem != nil && (problem.Kind != facts.ProblemCorrupt || !strings.Contains(problem.Message, want)) {
			t.Errorf("%d by the manifest: %+v, %v", counted, problem, err)
		}
	}
}

// TestPlacesOfColumnsAreThoseOfTheFile tells two files of a table apart that differ only in where a column lies that the table dropped: columns of
// other names are read by their places.
func TestPlacesOfColumnsAreThoseOfTheFile(t *testing.T) {
	fields := []icebergtable.Field{{ID: 1, Name: "key", Type: "long"}, {ID: 2, Name: "at", Type: "timestamp"}}
	it, err := icebergtable.New(t.TempDir(), icebergtable.Options{Fields: fields})
	if err != nil {
		t.Fatal(err)
	}
	noon := time.Date(2026, 11, 3, 12, 0, 0, 0, time.UTC)
	id := fixtures.Column{Name: "id", Type: fixtures.Int64Type, Values: []any{1}}
	gone := fixtures.Column{Name: "gone", Type: fixtures.Int64Type, Values: []any{2}}
	at := fixtures.Column{Name: "at", Type: fixtures.NaiveType, Values: []any{noon}}
	var files []icebergtable.File
	for name, columns := range map[string][]fixtures.Column{"data/a.parquet": {gone, id, at}, "data/b.parquet": {id, gone, at}} {
		files = append(files, icebergtable.File{Path: name, Rows: fixtures.Table{Columns: columns}, IDs: map[string]int32{"id": 1, "at": 2, "gone": 9}})
	}
	if err := it.Commit(icebergtable.Change{Add: files}); err != nil {
		t.Fatal(err)
	}
	view := model.View{Path: it.Dir, EventTime: model.TimeColumn{Column: "at"}, Key: []string{"key"}}
	listing, resolved, _, err := survey.Plan(t.Context(), table.For(local.New(), view), view, noon, partition.Range{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := survey.Survey(t.Context(), local.New(), listing, survey.RolesOf(resolved), 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range s.Files {
		want := int32(1)
		if strings.HasSuffix(f.Path, "a.parquet") {
			want = 2
		}
		if f.Problem != nil || s.Schemas[f.Schema].Lookup("key").Position != want {
			t.Errorf("%s: %+v, and the key is column %d of it, not %d", f.Path, f.Problem, s.Schemas[f.Schema].Lookup("key").Position, want)
		}
	}
}
