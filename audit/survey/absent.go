package survey

import (
	"fmt"
	"slices"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/policy"
)

// Columns are what the files of a view hold, as far as their footers tell.
type Columns struct {
	survey   facts.Survey
	readable []*facts.File
	names    []string
}

// ColumnsOf looks at a survey. Files that cannot be read say nothing.
func ColumnsOf(s facts.Survey) Columns {
	c := Columns{survey: s}
	for i := range s.Files {
		if f := &s.Files[i]; f.Schema >= 0 {
			c.readable = append(c.readable, f)
		}
	}
	for _, schema := range s.Schemas {
		for _, column := range schema.Columns {
			c.names = append(c.names, column.Name)
		}
	}
	slices.Sort(c.names)
	c.names = slices.Compact(c.names)
	return c
}

// Files is how many files say what columns they have.
func (c Columns) Files() int { return len(c.readable) }

// Hold says whether a file has a column, in its rows or as a key of its path: the name as it stands, since names that differ in
// the case of letters are others. Where no file says anything, every column is held.
func (c Columns) Hold(name string) bool {
	return len(c.readable) == 0 || c.InPaths(name) != "" ||
		slices.ContainsFunc(c.readable, func(f *facts.File) bool { return c.survey.Schemas[f.Schema].Lookup(name) != nil })
}

// Nearest is the column of the files whose name is most like another, empty where none is.
func (c Columns) Nearest(name string) string { return policy.Nearest(name, c.names) }

// InPaths is the path of the first file below a folder of that hive key, empty where there is none.
func (c Columns) InPaths(name string) string {
	for _, f := range c.readable {
		if f.Says(name) {
			return f.Path
		}
	}
	return ""
}

// Refused is a key of a definition that names columns in vain, with the reason.
type Refused struct{ Key, Reason string }

// Refuse says which keys of a definition name a column that is in no file, and whether a sensitive one stands in the paths of
// files, which every output names. Columns that only some files lack are judged by what needs them.
func Refuse(v model.View, s facts.Survey) []Refused {
	c := ColumnsOf(s)
	var refused []Refused
	for _, key := range []struct {
		name    string
		columns []string
	}{{"sensitive", v.Sensitive}, {"source", []string{v.Source.Column}}, {"measures", v.Measures}, {"payload", v.Payload}} {
		if key.name == "source" && !slices.ContainsFunc(c.readable, func(f *facts.File) bool { return f.Source == "" }) {
			continue // the paths say it
		}
		for _, name := range key.columns {
			if name != "" && !c.Hold(name) && !c.excused(v, key.name, name) {
				refused = append(refused, Refused{key.name, c.missing(v, key.name, name)})
				break
			}
		}
	}
	for _, name := range v.Sensitive {
		if c.InPaths(name) != "" {
			// the path itself would show a value
			refused = append(refused, Refused{"sensitive", fmt.Sprintf("column %q (sensitive%s) is a key of the paths of files (%s=), and every output names files: rename the folders, or take it out of sensitive",
				name, at(v, "sensitive"), name)})
			break
		}
	}
	return refused
}

// excused says that a column is one of the defaults, for the views that have it, and that this view has none that could be meant.
func (c Columns) excused(v model.View, key, name string) bool {
	near := c.Nearest(name)
	return v.Origins[key].Kind == model.OriginForAll && (near == "" || slices.Contains(v.Sensitive, near))
}

func (c Columns) missing(v model.View, key, name string) string {
	hint := ""
	if near := c.Nearest(name); near != "" {
		hint = fmt.Sprintf(" (did you mean %q?)", near)
	}
	return fmt.Sprintf("column %q (%s%s) is in none of the %d files%s: correct its name in the definition, or the files", name, key, at(v, key), c.Files(), hint)
}

// at is where a key of a view is declared, to follow its name.
func at(v model.View, key string) string {
	if origin := v.Origins[key]; origin.Set() {
		return ", " + origin.String()
	}
	return ""
}
