package diff

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/registry"
)

func (c *computer) services(older, newer registry.Definitions) {
	if !c.compared(Service) {
		return
	}
	index := func(list []registry.FeatureService) map[string]registry.FeatureService {
		m := map[string]registry.FeatureService{}
		for _, s := range list {
			m[c.identity(s.Project, s.Name)] = s
		}
		return m
	}
	before, after := index(older.FeatureServices), index(newer.FeatureServices)
	for _, key := range union(before, after) {
		a, had := before[key]
		b, has := after[key]
		switch {
		case !has:
			c.changes = append(c.changes, Change{Object: Service, Action: Removed, Project: a.Project, Name: a.Name, Old: members(a)})
		case !had:
			c.changes = append(c.changes, Change{Object: Service, Action: Added, Project: b.Project, Name: b.Name, New: members(b)})
		default:
			c.members(a, b)
		}
	}
}

// members are a service's features as view:feature; a view of which it takes nothing by name stands alone.
func members(s registry.FeatureService) []string {
	list := []string{}
	for _, v := range s.Views {
		if len(v.Features) == 0 {
			list = append(list, v.View)
		}
		for _, f := range v.Features {
			list = append(list, v.View+":"+f)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

func (c *computer) members(a, b registry.FeatureService) {
	pairs, removed, added := pairMembers(a.Views, b.Views)
	for _, p := range pairs {
		c.memberPair(a, b, p[0], p[1])
	}
	for _, v := range removed {
		for _, m := range members(registry.FeatureService{Views: []registry.ServiceView{v}}) {
			c.member(a, v, m, Change{Action: Removed, Old: m})
		}
	}
	for _, v := range added {
		for _, m := range members(registry.FeatureService{Views: []registry.ServiceView{v}}) {
			c.member(b, v, m, Change{Action: Added, New: m})
		}
	}
	if a.Project != b.Project && a.Project != "" && b.Project != "" {
		c.changes = append(c.changes, Change{Object: Service, Action: Changed, Project: b.Project, Name: b.Name + ".project", Old: "project " + a.Project, New: "project " + b.Project})
	}
	if a.Owner != b.Owner {
		c.changes = append(c.changes, Change{Object: Service, Action: Changed, Project: b.Project, Name: b.Name, Old: "owner " + a.Owner, New: "owner " + b.Owner})
	}
	c.serviceFields(a, b)
}

func (c *computer) serviceFields(a, b registry.FeatureService) {
	if !c.complete {
		return
	}
	changes := fieldChanges(a.Fields, b.Fields)
	for _, part := range []string{registry.PartLogging, registry.PartPrecompute} {
		if list := changes[part]; len(list) > 0 {
			change := parted(partObjects[part], list)
			change.Project, change.Name, change.UsedBy = b.Project, b.Name, []string{b.Name}
			c.changes = append(c.changes, change)
		}
	}
	both := func(f registry.Field) bool { // what belongs to a view that came or went is said of that view
		rest, ok := strings.CutPrefix(f.Path, "spec.features[")
		takes := func(s registry.FeatureService) bool {
			return slices.ContainsFunc(s.Views, func(v registry.ServiceView) bool {
				return strings.HasPrefix(rest, v.View+"]") || strings.HasPrefix(rest, v.View+"#")
			})
		}
		return !ok || takes(a) && takes(b)
	}
	c.objectFields("feature service", b.Project, b.Name, only(a.Fields, both), only(b.Fields, both))
}

func only(fields []registry.Field, keep func(registry.Field) bool) []registry.Field {
	return slices.DeleteFunc(slices.Clone(fields), func(f registry.Field) bool { return !keep(f) })
}

// pairMembers finds what a service takes from one view on both sides. It may take a view several times, under other
// names; what is left of such a view on both sides is the same one under another alias.
func pairMembers(a, b []registry.ServiceView) (pairs [][2]registry.ServiceView, removed, added []registry.ServiceView) {
	taken := make([]bool, len(b))
	match := func(v registry.ServiceView, same func(w registry.ServiceView) bool) bool {
		for i, w := range b {
			if !taken[i] && w.View == v.View && same(w) {
				taken[i] = true
				pairs = append(pairs, [2]registry.ServiceView{v, w})
				return true
			}
		}
		return false
	}
	var left, rest []registry.ServiceView
	for _, v := range a {
		if !match(v, func(w registry.ServiceView) bool {
			return aliasOf(v) == aliasOf(w) && maps.Equal(v.JoinKeys, w.JoinKeys) && slices.Equal(v.Features, w.Features)
		}) {
			left = append(left, v)
		}
	}
	for _, v := range left {
		if !match(v, func(w registry.ServiceView) bool { return aliasOf(v) == aliasOf(w) }) {
			rest = append(rest, v)
		}
	}
	for _, v := range rest {
		if !match(v, func(registry.ServiceView) bool { return true }) {
			removed = append(removed, v)
		}
	}
	for i, w := range b {
		if !taken[i] {
			added = append(added, w)
		}
	}
	return pairs, removed, added
}

// aliasOf is the name by which a service's columns are called.
func aliasOf(v registry.ServiceView) string { return cmp.Or(v.Alias, v.View) }

func (c *computer) memberPair(s, t registry.FeatureService, a, b registry.ServiceView) {
	before := members(registry.FeatureService{Views: []registry.ServiceView{a}})
	after := members(registry.FeatureService{Views: []registry.ServiceView{b}})
	for _, m := range before {
		if _, ok := slices.BinarySearch(after, m); !ok {
			c.member(s, a, m, Change{Action: Removed, Old: m})
		}
	}
	for _, m := range after {
		if _, ok := slices.BinarySearch(before, m); !ok {
			c.member(t, b, m, Change{Action: Added, New: m})
		}
	}
	if aliasOf(a) != aliasOf(b) {
		c.member(t, b, b.View, Change{Object: ServiceAlias, Action: Changed, Old: aliasOf(a), New: aliasOf(b)})
	}
	if c.complete && !maps.Equal(a.JoinKeys, b.JoinKeys) {
		c.member(t, b, aliasOf(b), Change{Object: ServiceJoinKeys, Action: Changed, Old: maps.Clone(a.JoinKeys), New: maps.Clone(b.JoinKeys)})
	}
}

func (c *computer) member(s registry.FeatureService, v registry.ServiceView, member string, change Change) {
	change.Object = cmp.Or(change.Object, ServiceMember)
	change.View, change.Project, change.Name = v.View, s.Project, s.Name+"."+member
	change.UsedBy = []string{s.Name}
	c.changes = append(c.changes, change)
}
