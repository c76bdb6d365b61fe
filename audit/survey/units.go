package survey

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
)

// epochRanges are 1980 to 2100 in each unit; they do not overlap.
var epochRanges = [...]struct {
	unit     string
	from, to int64
}{
	{"s", 315_532_800, 4_102_444_800},
	{"ms", 315_532_800_000, 4_102_444_800_000},
	{"us", 315_532_800_000_000, 4_102_444_800_000_000},
	{"ns", 315_532_800_000_000_000, 4_102_444_800_000_000_000},
}

// EpochUnit tells the unit of integer times ("s", "ms", "us", "ns") by their magnitude. A bound that is a date
// between 1980 and 2100 in one unit speaks for it, any other bound (0, -1, the largest number) is a sentinel and says
// nothing; ok is false if neither speaks or they contradict each other.
func EpochUnit(min, max int64) (unit string, ok bool) {
	low, high := unitOfOne(min), unitOfOne(max)
	switch {
	case low == "":
		return high, high != ""
	case high == "" || high == low:
		return low, true
	}
	return "", false
}

func unitOfOne(n int64) string {
	for _, r := range epochRanges {
		if n >= r.from && n < r.to {
			return r.unit
		}
	}
	return ""
}

// unitsByColumn counts the files that tell each unit: by schema and column, and by the column alone, which has no schema before it.
type unitsByColumn map[string]map[string]int

func (u unitsByColumn) learn(s facts.Schema) {
	base := ""
	for _, c := range s.Columns {
		if c.EpochUnit == "" {
			continue
		}
		if base == "" {
			base = withoutUnits(s)
		}
		for _, key := range [...]string{base + c.Path, c.Path} {
			if u[key] == nil {
				u[key] = map[string]int{}
			}
			u[key][c.EpochUnit]++
		}
	}
}

// commonest is the unit that most files tell, the coarser one of two that equally many do; "" where none tells.
func (u unitsByColumn) commonest(key string) string {
	unit := ""
	for _, r := range epochRanges {
		if n := u[key][r.unit]; n > 0 && n > u[key][unit] {
			unit = r.unit
		}
	}
	return unit
}

// teach gives columns whose values tell no unit (there are none, or sentinels only) the unit that the other files of their
// schema tell, else that of the view's other files. It
// gives the paths of these columns.
func (u unitsByColumn) teach(s facts.Schema) (adopted []string) {
	if len(u) == 0 {
		return nil
	}
	base := ""
	for i := range s.Columns {
		c := &s.Columns[i]
		if c.EpochUnit != "" || s.Encoding(*c) != facts.EncodingEpoch || c.HasBounds && (unitOfOne(c.Min) != "" || unitOfOne(c.Max) != "") {
			continue
		}
		if base == "" {
			base = withoutUnits(s)
		}
		if c.EpochUnit = cmp.Or(u.commonest(base+c.Path), u.commonest(c.Path)); c.EpochUnit != "" {
			adopted = append(adopted, c.Path)
		}
	}
	return adopted
}

// withoutUnits is a schema's identity apart from the units that magnitudes tell.
func withoutUnits(s facts.Schema) string {
	s.Columns = slices.Clone(s.Columns)
	for i := range s.Columns {
		s.Columns[i].EpochUnit = ""
	}
	return schemaKey(s)
}

// nullType is the type that writers give a column of nothing but NULLs when no schema says better: its rows lack the time.
const nullType = "null"

// problemOf judges whether the time columns of a file can be read as times.
func problemOf(roles Roles, r reading, f facts.File) *facts.Problem {
	if f.Rows == 0 {
		return nil
	}
	for _, t := range roles.timesOf(f) {
		c := r.schema.Lookup(t.Column)
		if c == nil || c.Logical == nullType {
			continue
		}
		encoding := r.schema.Encoding(*c)
		switch {
		case encoding == facts.EncodingNone:
			return unsupported("time column %q is %s: want a timestamp, a date, text, or a 64-bit number since 1970; name another column, or write it as a timestamp", t.Column, c.TypeText)
		case encoding != facts.EncodingEpoch, c.EpochUnit != "", t.Unit != "":
		case c.HasBounds:
			span := fmt.Sprintf(" from %d to %d", c.Min, c.Max)
			if roles.Hidden[t.Column] || c.Physical == "DOUBLE" && (c.Min <= -int64(maxFloat) || c.Max >= int64(maxFloat)) {
				span = "" // sensitive, or numbers too large to be told
			}
			return unsupported("time column %q holds numbers%s, unit unknown: they are not times between 1980 and 2100 in just one of the units s, ms, us, ns: declare its unit, such as {column: %s, unit: s}", t.Column, span, t.Column)
		case slices.Contains(r.unbounded, c.Path):
			return unsupported("time column %q holds numbers, unit unknown: the footer has no statistics that tell it, and no other file does: declare it, such as {column: %s, unit: ms}", t.Column, t.Column)
		}
	}
	return nil
}

func unsupported(format string, args ...any) *facts.Problem {
	return &facts.Problem{Kind: facts.ProblemUnsupported, Message: fmt.Sprintf(format, args...)}
}

// idle says whether a unit or a format is declared for a column that needs none.
func idle(t model.TimeColumn, encoding facts.Encoding) bool {
	return t.Unit != "" && encoding != facts.EncodingEpoch || t.Format != "" && t.Format != "rfc3339" && encoding != facts.EncodingTextNaive
}

// inFiles counts files in words, with the form of a verb that fits.
func inFiles(n int, one, many string) string {
	if n == 1 {
		return strings.TrimSpace("1 file " + one)
	}
	return strings.TrimSpace(fmt.Sprintf("%d files %s", n, many))
}

func isRead(n int) string {
	if n == 1 {
		return "is read"
	}
	return "are read"
}

// unitNotes names the units that were told by magnitude, and the units and formats that were declared for nothing.
func unitNotes(s facts.Survey, roles Roles) []string {
	var notes []string
	for _, t := range roles.Times {
		files, unused, adopted := map[string]int{}, map[string]int{}, 0
		for _, f := range s.Files {
			if f.Schema < 0 || !slices.Contains(roles.timesOf(f), t) {
				continue
			}
			c := s.Schemas[f.Schema].Lookup(t.Column)
			if c == nil || f.Rows == 0 {
				continue
			}
			switch {
			case c.EpochUnit == "" || c.EpochUnit == t.Unit:
			case !slices.Contains(f.AdoptedUnits, c.Path):
				files[c.EpochUnit]++
			case t.Unit == "":
				adopted++
			}
			if idle(t, s.Schemas[f.Schema].Encoding(*c)) && c.Logical != nullType {
				unused[c.TypeText]++
			}
		}
		if adopted > 0 {
			notes = append(notes, fmt.Sprintf("column %s: %s no number that tells its unit, and %s in the unit of most others", t.Column, inFiles(adopted, "holds", "hold"), isRead(adopted)))
		}
		for _, held := range slices.Sorted(maps.Keys(unused)) {
			notes = append(notes, fmt.Sprintf("column %s: its unit or format is not used in %s, where it is %s: a unit is for numbers, a format for text",
				t.Column, inFiles(unused[held], "", ""), held))
		}
		for _, unit := range slices.Sorted(maps.Keys(files)) {
			if t.Unit != "" {
				notes = append(notes, fmt.Sprintf("column %s: declared as %s, but the numbers of %s look like %s; read as declared", t.Column, t.Unit, inFiles(files[unit], "", ""), unit))
				continue
			}
			notes = append(notes, fmt.Sprintf("column %s: the numbers of %s are read as %s since 1970, by their magnitude", t.Column, inFiles(files[unit], "", ""), unit))
		}
	}
	return notes
}
