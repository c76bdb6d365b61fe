package diff

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/registry"
)

// Compute lists every difference between two sets of definitions, in a fixed order. It judges nothing: two spellings
// of one meaning (a ttl unset, null or 0; features in another order) are no difference, everything else is.
func Compute(older, newer registry.Definitions) []Change {
	c := &computer{
		compared: comparable(older.Kind, newer.Kind), sameProject: oneProject(older) && oneProject(newer),
		kindA: older.Kind, kindB: newer.Kind,
		used: usage(older, newer), renamed: map[string]string{}, keyTyped: map[identity]bool{},
		complete: older.Ledger && newer.Ledger && older.Kind == newer.Kind, older: registeredOf(older), newer: registeredOf(newer),
		entitiesA: entitiesOf(older), entitiesB: entitiesOf(newer), upgrade: upgradeOf(older, newer),
	}
	c.views(older, newer)
	c.services(older, newer)
	c.entities(older, newer)
	c.dataSources(older, newer)
	c.unknownFields(older, newer)
	c.objects(older, newer)
	slices.SortStableFunc(c.changes, func(a, b Change) int {
		return cmp.Or(strings.Compare(a.View, b.View), strings.Compare(a.Project, b.Project), strings.Compare(string(a.Object), string(b.Object)), strings.Compare(a.Name, b.Name))
	})
	return c.changes
}

// computer collects changes.
type computer struct {
	changes      []Change
	kindA, kindB string
	// compared answers whether both formats can say an object.
	compared func(Object) bool
	// sameProject says that each side has one project only: it is no part of a view's identity then, so that a
	// registry can be compared with definitions that name no project.
	sameProject bool
	used        map[string][]string
	// renamed maps older names of views to newer ones.
	renamed map[string]string
	// complete says that both sides kept all that they know.
	complete bool
	// older and newer find registered sources, entitiesA and entitiesB entities.
	older, newer         registered
	entitiesA, entitiesB map[identity]registry.Entity
	// keyTyped are the entities whose other type is said on the views.
	keyTyped map[identity]bool
	upgrade  upgrade
}

// sayings are the objects that each format can say. What is not listed is said by all.
var expressibleBy = map[Object][]string{
	Kind:            {registry.KindFeast, registry.KindReport},
	MaxLag:          {registry.KindFeast, registry.KindYAML, registry.KindReport, registry.KindODCS},
	EventTime:       {registry.KindFeast, registry.KindYAML, registry.KindReport, registry.KindODCS},
	CreatedColumn:   {registry.KindFeast, registry.KindYAML, registry.KindReport, registry.KindDBT},
	Entities:        {registry.KindFeast},
	JoinKeys:        {registry.KindFeast, registry.KindYAML, registry.KindReport},
	Key:             {registry.KindFeast, registry.KindYAML, registry.KindReport, registry.KindODCS},
	Feature:         {registry.KindFeast, registry.KindODCS},
	Source:          {registry.KindFeast},
	StreamSource:    {registry.KindFeast},
	FieldMapping:    {registry.KindFeast},
	Online:          {registry.KindFeast},
	Materialization: {registry.KindFeast},
	Owner:           {registry.KindFeast, registry.KindYAML, registry.KindReport, registry.KindODCS},
	Tag:             {registry.KindFeast},
	Setting:         {},
	NewerField:      {registry.KindFeast},
	Service:         {registry.KindFeast},
	Entity:          {registry.KindFeast},
	RegisteredData:  {registry.KindFeast},
	UnknownField:    {registry.KindFeast},

	Project: {registry.KindFeast, registry.KindReport}, KeyType: {registry.KindFeast}, SourceName: {registry.KindFeast},
	Transformation: {registry.KindFeast}, Aggregation: {registry.KindFeast}, Inputs: {registry.KindFeast}, Watermark: {registry.KindFeast},
	ServiceAlias: {registry.KindFeast}, ServiceJoinKeys: {registry.KindFeast}, ServiceLogging: {registry.KindFeast},
	ServicePrecompute: {registry.KindFeast}, NotJudged: {},
}

func comparable(older, newer string) func(Object) bool {
	return func(o Object) bool {
		kinds, limited := expressibleBy[o]
		return older == newer || !limited || slices.Contains(kinds, older) && slices.Contains(kinds, newer)
	}
}

// NotCompared are the objects that one of two formats cannot say.
func NotCompared(older, newer string) []string {
	compared := comparable(older, newer)
	var list []string
	for _, o := range slices.Sorted(maps.Keys(expressibleBy)) {
		if !compared(o) {
			list = append(list, string(o))
		}
	}
	return list
}

func oneProject(d registry.Definitions) bool {
	for _, v := range d.Views {
		if v.Project != d.Views[0].Project {
			return false
		}
	}
	return true
}

// usage lists the feature services that read a view ("view") and a feature ("view\x00feature").
func usage(sides ...registry.Definitions) map[string][]string {
	used := map[string][]string{}
	add := func(key, service string) {
		if !slices.Contains(used[key], service) {
			used[key] = append(used[key], service)
		}
	}
	for _, d := range sides {
		for _, s := range d.FeatureServices {
			for _, v := range s.Views {
				add(v.View, s.Name)
				for _, f := range v.Features {
					add(v.View+"\x00"+f, s.Name)
				}
			}
		}
	}
	for _, services := range used {
		slices.Sort(services)
	}
	return used
}

func (c *computer) users(names ...string) []string {
	var list []string
	for _, name := range names {
		list = append(list, c.used[name]...)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

func (c *computer) identity(project, name string) string {
	if c.sameProject {
		return name
	}
	return project + "\x00" + name
}

func (c *computer) views(older, newer registry.Definitions) {
	index := func(views []registry.View) map[string][]int {
		m := make(map[string][]int, len(views))
		for i, v := range views {
			key := c.identity(v.Project, v.Name)
			m[key] = append(m[key], i) // several kinds may share a name
		}
		return m
	}
	before, after := index(older.Views), index(newer.Views)
	var removed, added []*registry.View
	for i := range older.Views {
		v := &older.Views[i]
		key := c.identity(v.Project, v.Name)
		n := slices.Index(before[key], i)
		if n >= len(after[key]) {
			removed = append(removed, v)
			continue
		}
		c.pair(v, &newer.Views[after[key][n]])
	}
	for i := range newer.Views {
		v := &newer.Views[i]
		key := c.identity(v.Project, v.Name)
		if slices.Index(after[key], i) >= len(before[key]) {
			added = append(added, v)
		}
	}
	c.unpaired(c.moved(removed, added))
}

// moved pairs the views that are the same in another project; the rest stays unpaired.
func (c *computer) moved(removed, added []*registry.View) (gone, fresh []*registry.View) {
	same := func(list []*registry.View, v *registry.View) []*registry.View {
		var found []*registry.View
		for _, x := range list {
			if x.Name == v.Name && x.Project != v.Project && contentOf(*x) == contentOf(*v) && contentOf(*v) != "" {
				found = append(found, x)
			}
		}
		return found
	}
	paired := map[*registry.View]bool{}
	for _, v := range removed {
		if to := same(added, v); len(to) == 1 && len(same(removed, to[0])) == 1 {
			paired[v], paired[to[0]] = true, true
			c.pair(v, to[0])
		}
	}
	left := func(list []*registry.View) []*registry.View {
		return slices.DeleteFunc(list, func(v *registry.View) bool { return paired[v] })
	}
	return left(removed), left(added)
}

// unpaired finds the views that were only renamed, by their content; the rest was removed and added.
func (c *computer) unpaired(removed, added []*registry.View) {
	before, after := byContent(removed), byContent(added)
	for _, v := range removed {
		content := contentOf(*v)
		if len(before[content]) != 1 || len(after[content]) != 1 || content == "" {
			c.note(v, v, Change{Object: View, Action: Removed, Old: v.Name, UsedBy: c.users(v.Name)})
			continue
		}
		now := after[content][0]
		c.renamed[v.Name] = now.Name
		c.note(v, now, Change{Object: View, Action: Renamed, Old: v.Name, New: now.Name, UsedBy: c.users(v.Name, now.Name)})
		c.pair(v, now)
	}
	for _, v := range added {
		content := contentOf(*v)
		if len(before[content]) != 1 || len(after[content]) != 1 || content == "" {
			c.note(v, v, Change{Object: View, Action: Added, New: v.Name, UsedBy: c.users(v.Name)})
		}
	}
}

func byContent(views []*registry.View) map[string][]*registry.View {
	m := map[string][]*registry.View{}
	for _, v := range views {
		m[contentOf(*v)] = append(m[contentOf(*v)], v)
	}
	return m
}

// contentOf is what makes a view the same one under another name: kind, keys, features and where its rows are. It is
// empty for a view with too little of it.
func contentOf(v registry.View) string {
	where := v.Path
	if v.BatchSource != nil {
		where = cmp.Or(where, v.BatchSource.Table)
		if where == "" && len(v.BatchSource.Details) > 0 {
			where = fmt.Sprint(v.BatchSource.Details)
		}
	}
	if where == "" && len(v.Features) == 0 {
		return ""
	}
	return fmt.Sprintf("%s %q %q %q %q", v.Kind, sorted(v.JoinKeys), v.Features, where, v.EventTime)
}

func (c *computer) note(older, newer *registry.View, change Change) {
	change.View, change.Project = newer.Name, newer.Project
	if change.Location == nil {
		change.Location = cmp.Or(newer.Location, older.Location)
	}
	c.changes = append(c.changes, change)
}

// pair compares a view on both sides, key by key.
func (c *computer) pair(a, b *registry.View) {
	p := pairing{computer: c, a: a, b: b}
	p.changed(Kind, "", string(a.Kind), string(b.Kind))
	if a.Project != "" && b.Project != "" {
		p.changed(Project, "", a.Project, b.Project)
	}
	p.ttl()
	p.promises()
	p.columns()
	p.list(Key, a.Key, b.Key)
	p.features()
	p.sources()
	if a.Online != b.Online && c.compared(Online) {
		p.note(Change{Object: Online, Action: action(a.Online, b.Online), Old: a.Online, New: b.Online})
	}
	p.materialized()
	p.text(Owner, "", a.Owner, b.Owner)
	p.texts(Tag, a.Tags, b.Tags)
	p.viewSettings()
	p.texts(NewerField, a.NewerFields, b.NewerFields)
	p.fields()
}

// action is what happened to something that was there, or is there.
func action(before, after bool) Action {
	switch {
	case before && !after:
		return Removed
	case after && !before:
		return Added
	}
	return Changed
}

type pairing struct {
	*computer
	a, b *registry.View
}

// keys are the keys of our YAML that objects are written as.
var keys = map[Object]string{JoinKeys: "entity"}

func (p pairing) note(change Change) {
	if !p.compared(change.Object) {
		return
	}
	key := cmp.Or(keys[change.Object], string(change.Object))
	if change.Object == Setting {
		key = change.Name
	}
	for _, locations := range []map[string]registry.Location{p.b.Locations, p.a.Locations} {
		if l, ok := locations[key]; ok && change.Location == nil && (change.New != nil || p.b.Location == nil) {
			change.Location = &l
		}
	}
	if change.UsedBy == nil && change.Object != Feature { // a feature has users of its own, or none
		change.UsedBy = p.users(p.a.Name, p.b.Name)
	}
	p.computer.note(p.a, p.b, change)
}

func (p pairing) text(o Object, name, a, b string) {
	if a == b {
		return
	}
	p.note(Change{Object: o, Action: action(a != "", b != ""), Name: name, Old: orNil(a), New: orNil(b)})
}

// changed is text that both sides have.
func (p pairing) changed(o Object, name, a, b string) {
	if a != b {
		p.note(Change{Object: o, Action: Changed, Name: name, Old: a, New: b})
	}
}

func orNil(text string) any {
	if text == "" {
		return nil
	}
	return text
}

func (p pairing) texts(o Object, a, b map[string]string) {
	for _, name := range union(a, b) {
		before, had := a[name]
		after, has := b[name]
		if had == has && before == after {
			continue
		}
		change := Change{Object: o, Action: action(had, has), Name: name}
		if had {
			change.Old = before
		}
		if has {
			change.New = after
		}
		change.ByUpgrade = o == NewerField && change.Action == Added && p.upgrade.explains(name, after)
		p.note(change)
	}
}

func union[V any](a, b map[string]V) []string {
	names := make([]string, 0, len(a)+len(b))
	for name := range a {
		names = append(names, name)
	}
	for name := range b {
		if _, ok := a[name]; !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// list compares sets of names: their order means nothing.
func (p pairing) list(o Object, a, b []string) {
	before, after := sorted(a), sorted(b)
	if slices.Equal(before, after) {
		return
	}
	change := Change{Object: o, Action: action(len(a) > 0, len(b) > 0)}
	if len(a) > 0 {
		change.Old = before
	}
	if len(b) > 0 {
		change.New = after
	}
	p.note(change)
}

func sorted(list []string) []string {
	if slices.IsSorted(list) {
		return list
	}
	return slices.Sorted(slices.Values(list))
}

// length compares durations. Nothing is longer than any.
func (p pairing) length(o Object, a, b *float64) {
	if p := [2]float64{value(a), value(b)}; p[0] == p[1] {
		return
	}
	change := Change{Object: o, Action: action(a != nil, b != nil), Old: number(a), New: number(b)}
	if change.Action == Changed {
		change.Action = Lengthened
		if *b < *a {
			change.Action = Shortened
		}
	}
	p.note(change)
}

func value(seconds *float64) float64 {
	if seconds == nil {
		return 0
	}
	return *seconds
}

func number(seconds *float64) any {
	if seconds == nil {
		return nil
	}
	return *seconds
}

// ttl compares what two ttls mean. Unset, null and 0 are one meaning, and how they are spelled is no difference.
func (p pairing) ttl() {
	if p.a.Kind == model.KindOnDemandView || p.b.Kind == model.KindOnDemandView {
		return // it keeps no rows that could expire
	}
	a, b := value(p.a.TTLSeconds), value(p.b.TTLSeconds)
	if p.a.TTLNever != "" || p.b.TTLNever != "" {
		p.never(a, b)
		return
	}
	if a == b {
		return
	}
	change := Change{Object: TTL, Action: action(a > 0, b > 0), Old: number(p.a.TTLSeconds), New: number(p.b.TTLSeconds)}
	if a > 0 && b > 0 {
		change.Action = Lengthened
		if b < a {
			change.Action = Shortened
		}
	}
	p.note(change)
}

// neverPrefix begins the text of an acknowledged never.
const neverPrefix = "never: "

// never compares ttls of which at least one is an acknowledged never.
func (p pairing) never(a, b float64) {
	if p.a.TTLNever == p.b.TTLNever {
		return
	}
	change := Change{Object: TTL, Action: action(a > 0, b > 0), Old: number(p.a.TTLSeconds), New: number(p.b.TTLSeconds)}
	if p.a.TTLNever != "" {
		change.Old = neverPrefix + p.a.TTLNever
	}
	if p.b.TTLNever != "" {
		change.New = neverPrefix + p.b.TTLNever
	}
	p.note(change)
}

func (p pairing) features() {
	a, b := p.a.Features, p.b.Features
	for i, j := 0, 0; i < len(a) || j < len(b); {
		switch {
		case j == len(b) || i < len(a) && a[i].Name < b[j].Name:
			p.feature(a[i].Name, Change{Action: Removed, Old: a[i].Type})
			i++
		case i == len(a) || b[j].Name < a[i].Name:
			p.feature(b[j].Name, Change{Action: Added, New: b[j].Type})
			j++
		default:
			if a[i].Type != b[j].Type {
				p.feature(a[i].Name, Change{Action: typeAction(a[i].Type, b[j].Type), Old: a[i].Type, New: b[j].Type})
			}
			i, j = i+1, j+1
		}
	}
}

func (p pairing) feature(name string, change Change) {
	change.Object, change.Name = Feature, name
	change.UsedBy = p.users(p.a.Name+"\x00"+name, p.b.Name+"\x00"+name)
	p.note(change)
}

// widths order the types of which one holds every value of the other.
var widths = [][]string{{"INT32", "INT64"}, {"FLOAT", "DOUBLE"}, {"INT32", "DOUBLE"}, {"INT32_LIST", "INT64_LIST"}, {"FLOAT_LIST", "DOUBLE_LIST"}, {"INT32_LIST", "DOUBLE_LIST"}}

func typeAction(a, b string) Action {
	for _, w := range widths {
		switch {
		case w[0] == a && w[1] == b:
			return Widened
		case w[0] == b && w[1] == a:
			return Narrowed
		}
	}
	return Changed
}

// materialized compares what was materialised, as a union: how it is cut into intervals means nothing.
func (p pairing) materialized() {
	a, b := unionOf(p.a.Materialized), unionOf(p.b.Materialized)
	if slices.EqualFunc(a, b, sameInterval) {
		return
	}
	change := Change{Object: Materialization, Action: Changed, Old: until(p.a), New: until(p.b)}
	lost, gained := without(a, b), without(b, a)
	switch {
	case lost == 0:
		change.Action = Added
	case gained == 0:
		change.Action = Removed
	}
	p.note(change)
}

// unionOf joins the intervals that overlap or touch; they are sorted by their start. Empty ones cover nothing.
func unionOf(list []registry.Interval) []registry.Interval {
	var out []registry.Interval
	for _, x := range list {
		if !x.End.After(x.Start) {
			continue
		}
		if n := len(out); n > 0 && !x.Start.After(out[n-1].End) {
			if x.End.After(out[n-1].End) {
				out[n-1].End = x.End
			}
			continue
		}
		out = append(out, x)
	}
	return out
}

func sameInterval(x, y registry.Interval) bool { return x.Start.Equal(y.Start) && x.End.Equal(y.End) }

// without counts the intervals of a that b does not cover.
func without(a, b []registry.Interval) int {
	n := 0
	for _, x := range a {
		if !slices.ContainsFunc(b, func(y registry.Interval) bool { return !y.Start.After(x.Start) && !y.End.Before(x.End) }) {
			n++
		}
	}
	return n
}

func until(v *registry.View) any {
	if v.MaterializedUntil == nil {
		return nil
	}
	return v.MaterializedUntil.UTC().Format(time.RFC3339Nano)
}

// unknownFields compares the ledgers by path.
func (c *computer) unknownFields(older, newer registry.Definitions) {
	if !c.compared(UnknownField) {
		return
	}
	before, after := c.ledger(older), c.ledger(newer)
	for _, path := range union(before, after) {
		a, b := before[path], after[path]
		if reflect.DeepEqual(a.digests, b.digests) {
			continue
		}
		change := Change{Object: UnknownField, Action: action(len(a.digests) > 0, len(b.digests) > 0), View: cmp.Or(b.view, a.view), Name: path, Location: cmp.Or(b.location, a.location)}
		change.Old, change.New = a.size(), b.size()
		change.UsedBy = c.users(a.view, b.view)
		c.changes = append(c.changes, change)
	}
}

// entry is what stands unknown at one path.
type entry struct {
	view    string
	bytes   int
	digests []string
	// near is the known key that may be meant, location where the field stands; of text alone.
	near     string
	location *registry.Location
}

func (e entry) size() any {
	if len(e.digests) == 0 {
		return nil
	}
	text := fmt.Sprintf("%d bytes (%s)", e.bytes, strings.Join(e.digests, ", "))
	if e.near != "" {
		text += ", did you mean " + e.near + "?"
	}
	return text
}

func (c *computer) ledger(d registry.Definitions) map[string]entry {
	ledger := map[string]entry{}
	for _, u := range d.UnknownFields {
		path, view := u.Path, u.View
		if now, ok := c.renamed[view]; ok && view != "" {
			path, view = strings.TrimSuffix(path, view)+now, now
		}
		e := ledger[path]
		e.view, e.near, e.location = view, u.Near, cmp.Or(e.location, u.Location)
		e.bytes += u.Bytes
		e.digests = append(e.digests, u.Digest)
		ledger[path] = e
	}
	return ledger
}
