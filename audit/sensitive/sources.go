package sensitive

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
)

// Names maps the names under which the sources of a view leave the program to those in the data.
type Names map[string]string

// Sources renames the sources of a view whose source is sensitive, in its definition, its survey and its collection, so that
// nothing that judges or writes comes across the values. It gives nil, and changes nothing, where the source is not sensitive.
//
// Numbers go to the declared sources first, in their order, and then to the others in the order of files and rows.
func (m *Mask) Sources(view *model.View, survey *facts.Survey, collection *facts.Collection) Names {
	if !HidesSource(*view) {
		return nil
	}
	r := renamer{mask: m, view: *view, names: Names{}}
	for _, s := range view.Sources {
		r.name(s.Name)
	}
	for _, s := range byAppearance(collection.Slices) {
		r.name(s.Source)
	}
	r.definition(view)
	r.survey(survey)
	r.collection(collection)
	return r.names
}

func byAppearance(all []facts.Slice) []facts.Slice {
	sorted := slices.Clone(all)
	slices.SortStableFunc(sorted, func(a, b facts.Slice) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.FirstRow, b.FirstRow))
	})
	return sorted
}

// renamer renames the sources of one view.
type renamer struct {
	mask *Mask
	// view is the view as it was.
	view  model.View
	names Names
}

func (r renamer) name(source string) string {
	hidden := r.mask.Source(r.view, source)
	r.names[hidden] = source
	return hidden
}

func (r renamer) definition(view *model.View) {
	view.Sources = slices.Clone(view.Sources)
	origins := make(model.Origins, len(view.Origins))
	for key, origin := range view.Origins {
		origins[r.originKey(key)] = origin
	}
	if view.Origins != nil {
		view.Origins = origins
	}
	for i := range view.Sources {
		view.Sources[i].Name = r.name(view.Sources[i].Name)
	}
}

// originKey is the key under which the origin of a source's part is found: sources.NAME, or sources.NAME.PART. Of the names that
// fit, which may hold dots, it is the longest.
func (r renamer) originKey(key string) string {
	const prefix = "sources."
	rest, ok := strings.CutPrefix(key, prefix)
	if !ok {
		return key
	}
	best := ""
	for _, s := range r.view.Sources {
		if (rest == s.Name || strings.HasPrefix(rest, s.Name+".")) && len(s.Name) > len(best) {
			best = s.Name
		}
	}
	if best == "" {
		return key
	}
	return prefix + r.name(best) + strings.TrimPrefix(rest, best)
}

func (r renamer) survey(s *facts.Survey) {
	s.Files = slices.Clone(s.Files)
	for i := range s.Files {
		s.Files[i].Source = r.name(s.Files[i].Source)
	}
	by := r.view.TimePartition.ExpectedBy
	if by != "" && by != model.ExpectedBySource {
		return // the groups are values of a key of the paths
	}
	s.Presence = slices.Clone(s.Presence)
	for i := range s.Presence {
		s.Presence[i].Group = r.name(s.Presence[i].Group)
	}
	slices.SortFunc(s.Presence, func(a, b facts.Presence) int {
		return cmp.Or(cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Group, b.Group))
	})
}

func (r renamer) collection(c *facts.Collection) {
	c.Slices = slices.Clone(c.Slices)
	for i := range c.Slices {
		c.Slices[i].Source = r.name(c.Slices[i].Source)
	}
	slices.SortFunc(c.Slices, func(a, b facts.Slice) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Source, b.Source))
	})
	sources := make([]string, len(c.Sources))
	for i, name := range c.Sources {
		sources[i] = r.name(name)
	}
	slices.Sort(sources)
	c.Sources = sources
	c.Lags, c.Events = renamed(r, c.Lags), renamed(r, c.Events)
	writers := make(map[string]*facts.WriterSample, len(c.Writers))
	for name, sample := range c.Writers {
		writers[r.name(name)] = sample
	}
	if c.Writers != nil {
		c.Writers = writers
	}
	if c.Keys != nil {
		c.Keys = r.duplicates(*c.Keys)
	}
}

func renamed[T any](r renamer, populations map[facts.Population]T) map[facts.Population]T {
	if populations == nil {
		return nil
	}
	out := make(map[facts.Population]T, len(populations))
	for p, value := range populations {
		p.Source = r.name(p.Source)
		out[p] = value
	}
	return out
}

// duplicates keeps the order within a pair of sources, which goes by name.
func (r renamer) duplicates(d facts.Duplicates) *facts.Duplicates {
	d.Writers, d.Twins, d.Rows = slices.Clone(d.Writers), slices.Clone(d.Twins), slices.Clone(d.Rows)
	for i, p := range d.Writers {
		a, b := r.name(p.A), r.name(p.B)
		d.Writers[i].A, d.Writers[i].B = min(a, b), max(a, b)
	}
	slices.SortFunc(d.Writers, func(x, y facts.WriterPair) int { return cmp.Or(cmp.Compare(x.A, y.A), cmp.Compare(x.B, y.B)) })
	for i := range d.Twins {
		t := &d.Twins[i]
		t.A, t.B = r.name(t.A), r.name(t.B)
		if t.A > t.B {
			t.A, t.B, t.Apart, t.TrueA, t.TrueB = t.B, t.A, -t.Apart, t.TrueB, t.TrueA
		}
	}
	slices.SortFunc(d.Twins, func(x, y facts.TwinCount) int {
		return cmp.Or(cmp.Compare(x.A, y.A), cmp.Compare(x.B, y.B), cmp.Compare(x.Apart, y.Apart))
	})
	d.ByPlace = renamed(r, d.ByPlace)
	for i := range d.Rows {
		d.Rows[i].Source = r.name(d.Rows[i].Source)
	}
	return &d
}

// Without drops the sums of sensitive measures, which may be the value of one row, and gives their names, sorted.
func Without(view model.View, d *facts.Duplicates) []string {
	if d == nil {
		return nil
	}
	hidden := func(name string, _ string) bool { return view.Hides(name) }
	var names []string
	for _, sums := range []*map[string]string{&d.SurplusMeasures, &d.SurplusMeasuresOutside} {
		for name := range *sums {
			if view.Hides(name) && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
		*sums = maps.Clone(*sums)
		maps.DeleteFunc(*sums, hidden)
	}
	slices.Sort(names)
	return names
}
