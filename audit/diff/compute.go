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
var sayings = map[Object][]string{
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
		kinds, limited := sayings[o]
		return older == newer || !limited || slices.Contains(kinds, older) && slices.Contains(kinds, newer)
	}
}

// NotCompared are the objects that one of two formats cannot say.
func NotCompared(older, newer string) []string {
	compared := comparable(older, newer)
	var list []string
	for _, o := range slices.Sorted(maps.Keys(sayings)) {
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

// columns compares the times and the keys. A report and our YAML name them as the files do; a report of older releases
// does not hold those of views without files.
func (p pairing) columns() {
	a, b := p.a, p.b
	if a.NoFiles != "" && a.EventTime == "" && p.kindA == registry.KindReport || b.NoFiles != "" && b.EventTime == "" && p.kindB == registry.KindReport {
		return
	}
	if p.kindA != p.kindB {
		a, b = inFiles(p.kindA, a), inFiles(p.kindB, b)
	}
	p.text(EventTime, "", a.EventTime, b.EventTime)
	if a.EventTime == b.EventTime && p.kindA == p.kindB {
		p.text(EventTime, "", cmp.Or(a.StreamEventTime, a.EventTime), cmp.Or(b.StreamEventTime, b.EventTime))
	}
	p.text(CreatedColumn, "", a.IngestedAt, b.IngestedAt)
	p.list(Entities, real(a.Entities), real(b.Entities))
	p.list(JoinKeys, real(a.JoinKeys), real(b.JoinKeys))
	p.keyTypes()
	if p.complete {
		p.storedKeys()
	}
}

// real are the names without those that Feast makes up for a view that has no entity, which releases write in several ways.
func real(names []string) []string {
	if !slices.ContainsFunc(names, registry.MadeUp) {
		return names
	}
	return slices.DeleteFunc(slices.Clone(names), registry.MadeUp)
}

// storedKeys notes the key columns that a view stores on one side only: without them newer releases join wrongly.
// Releases before 0.22 store none.
func (p pairing) storedKeys() {
	for _, key := range union(columnNames(p.a), columnNames(p.b)) {
		before, had := p.a.EntityColumns.Type(key)
		after, has := p.b.EntityColumns.Type(key)
		joined := slices.Contains(p.a.JoinKeys, key) == slices.Contains(p.b.JoinKeys, key)
		if had == has || !joined || registry.MadeUp(key) {
			continue
		}
		p.note(Change{Object: NotJudged, Action: action(had, has), Name: "spec.entity_columns[" + key + "]", Old: orNil(before), New: orNil(after),
			ByUpgrade: has && len(p.a.EntityColumns) == 0})
	}
}

func columnNames(v *registry.View) map[string]bool {
	m := map[string]bool{}
	for _, f := range v.EntityColumns {
		m[f.Name] = true
	}
	return m
}

// inFiles is a view of a registry with its columns named as its files name them.
func inFiles(kind string, v *registry.View) *registry.View {
	if kind != registry.KindFeast {
		return v
	}
	named := *v
	named.EventTime, named.IngestedAt, named.JoinKeys = v.InFiles()
	return &named
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
		change.ByUpgrade = o == NewerField && change.Action == Added && p.upgrade.explains(name)
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

func (p pairing) sources() {
	p.batchSource()
	p.streamSource()
	var mappingA, mappingB map[string]string
	if p.a.BatchSource != nil {
		mappingA = p.a.BatchSource.FieldMapping
	}
	if p.b.BatchSource != nil {
		mappingB = p.b.BatchSource.FieldMapping
	}
	if !maps.Equal(mappingA, mappingB) {
		p.note(Change{Object: FieldMapping, Action: Changed, Old: maps.Clone(mappingA), New: maps.Clone(mappingB)})
	}
}

// batchSource compares where the rows lie. A source that moved is one change: of its path, or with its other settings.
// Feast names a source by its path unless told otherwise, so that a name alone is said only where nothing else is.
func (p pairing) batchSource() {
	a, b := p.a.BatchSource, p.b.BatchSource
	if a != nil && b != nil && p.a.Path == p.b.Path && a.Name == b.Name && sameRows(*a, *b) {
		return
	}
	if a == nil || b == nil || !p.compared(Source) {
		p.text(SourcePath, "", p.a.Path, p.b.Path)
		if (a == nil) != (b == nil) {
			p.text(Source, "", describe(a), describe(b))
		}
		return
	}
	before, after := p.settings(a), p.settings(b)
	if p.complete {
		p.text(Watermark, "batch", a.Details[watermark], b.Details[watermark])
	}
	if named, now := a.Details[configuredName], b.Details[configuredName]; named != now && a.Name == b.Name && p.complete {
		p.text(NotJudged, "spec.batch_source."+configuredName, cmp.Or(named, a.Name), cmp.Or(now, b.Name))
	}
	if maps.Equal(before, after) {
		p.text(SourcePath, "", p.a.Path, p.b.Path)
		if p.a.Path == p.b.Path {
			p.sourceName("", a, b)
		}
		return
	}
	before["path"], after["path"] = p.a.Path, p.b.Path
	old, new := differing(before, after)
	p.note(Change{Object: Source, Action: Changed, Old: old, New: new})
}

// sourceName notes another name that the releases of both sides wrote.
func (p pairing) sourceName(name string, a, b *registry.DataSource) {
	if a.Name != "" && b.Name != "" {
		p.changed(SourceName, name, a.Name, b.Name)
	}
}

// configuredName is the name that custom sources keep in their configuration too.
const configuredName = "custom_options.configuration.name"

const watermark = "kafka_options.watermark_delay_threshold"

// settings are what decides which rows a source has, but for its path.
func (p pairing) settings(s *registry.DataSource) map[string]string {
	m := map[string]string{"type": s.Type, "date_partition_column": s.DatePartitionColumn}
	if !p.complete {
		m["table"] = s.Table
		return m
	}
	for path, text := range s.Details {
		if path != watermark && path != configuredName {
			m[path] = text
		}
	}
	return m
}

// differing puts in words those settings that are not the same.
func differing(a, b map[string]string) (old, new any) {
	var before, after []string
	for _, name := range union(a, b) {
		if a[name] == b[name] {
			continue
		}
		if a[name] != "" {
			before = append(before, name+" "+a[name])
		}
		if b[name] != "" {
			after = append(after, name+" "+b[name])
		}
	}
	return orNil(strings.Join(before, ", ")), orNil(strings.Join(after, ", "))
}

func (p pairing) streamSource() {
	a, b := p.a.StreamSource, p.b.StreamSource
	if a == nil || b == nil {
		p.text(StreamSource, "", describe(a), describe(b))
		return
	}
	before, after := p.streamSettings(a), p.streamSettings(b)
	if a.Name == "" || b.Name == "" { // a release that did not write names yet
		delete(before, "name")
		delete(after, "name")
	}
	if !maps.Equal(before, after) {
		old, new := differing(before, after)
		p.note(Change{Object: StreamSource, Action: Changed, Old: old, New: new})
	} else if before["name"] == "" {
		p.sourceName("stream", a, b)
	}
	if p.complete {
		p.text(Watermark, "", a.Details[watermark], b.Details[watermark])
	}
}

// streamSettings are what decides what comes from a stream. A push source is called by its name.
func (p pairing) streamSettings(s *registry.DataSource) map[string]string {
	m := p.settings(s)
	if !p.complete {
		m["name"] = s.Name
		return m
	}
	m["path"] = s.Path
	m["timestamp_field"], m["created_timestamp_column"] = s.TimestampField, s.CreatedColumn
	if s.Type == "PUSH_SOURCE" {
		m["name"] = s.Name
		if b := s.BatchSource; b != nil { // newer releases copy its columns
			m["timestamp_field"], m["created_timestamp_column"] = unlike(s.TimestampField, b.TimestampField), unlike(s.CreatedColumn, b.CreatedColumn)
		}
	}
	for from, to := range s.FieldMapping {
		m["field_mapping."+from] = to
	}
	return m
}

// unlike is a text that is no copy of another.
func unlike(text, original string) string {
	if text == original {
		return ""
	}
	return text
}

// describe is a source in words.
func describe(s *registry.DataSource) string {
	if s == nil {
		return ""
	}
	return strings.Join(strings.Fields(s.Type+" "+s.Name+" "+s.Table), " ")
}

// keyTypes compares the types of the join keys: those that the view stores, and those of its entities.
func (p pairing) keyTypes() {
	if !p.compared(KeyType) {
		return
	}
	if slices.Equal(p.a.EntityColumns, p.b.EntityColumns) && p.sameEntities() {
		return
	}
	ofA, ofB := typesByKey(p.a, p.entitiesA), typesByKey(p.b, p.entitiesB)
	for _, key := range union(ofA, ofB) {
		own, ownNow := typeIn(p.a.EntityColumns, key), typeIn(p.b.EntityColumns, key)
		entity, entityNow := ofA[key].ValueType, ofB[key].ValueType
		switch {
		case known(own) && known(ownNow) && own != ownNow:
			p.note(Change{Object: KeyType, Action: Changed, Name: key, Old: own, New: ownNow})
		case known(entity) && known(entityNow) && entity != entityNow:
			p.note(Change{Object: KeyType, Action: Changed, Name: key, Old: entity, New: entityNow})
		default:
			if own != ownNow && slices.Contains(p.a.JoinKeys, key) && slices.Contains(p.b.JoinKeys, key) && own != "" && ownNow != "" {
				p.note(Change{Object: NotJudged, Action: Changed, Name: "spec.entity_columns[" + key + "].value_type", Old: own, New: ownNow})
			}
			continue
		}
		if e := ofB[key]; known(entity) && known(entityNow) && entity != entityNow {
			p.keyTyped[identity{e.Project, e.Name}] = true
		}
	}
}

// sameEntities says whether the view's entities are of the same types on both sides.
func (p pairing) sameEntities() bool {
	return slices.EqualFunc(p.a.Entities, p.b.Entities, func(x, y string) bool {
		e, f := p.entitiesA[identity{p.a.Project, x}], p.entitiesB[identity{p.b.Project, y}]
		return e.JoinKey == f.JoinKey && e.ValueType == f.ValueType
	})
}

// known says whether a type was written at all.
func known(typ string) bool { return typ != "" && typ != "INVALID" }

func typeIn(columns registry.Features, key string) string {
	typ, _ := columns.Type(key)
	return typ
}

// typesByKey are the entities of a view by join key; a key whose entity is not known has none.
func typesByKey(v *registry.View, entities map[identity]registry.Entity) map[string]registry.Entity {
	m := map[string]registry.Entity{}
	for _, f := range v.EntityColumns {
		m[f.Name] = registry.Entity{}
	}
	for _, name := range v.Entities {
		if e, ok := entities[identity{v.Project, name}]; ok {
			m[cmp.Or(e.JoinKey, e.Name)] = e
		}
	}
	return m
}

func entitiesOf(d registry.Definitions) map[identity]registry.Entity {
	m := map[identity]registry.Entity{}
	for _, e := range d.Entities {
		m[identity{e.Project, e.Name}] = e
	}
	return m
}

// introduced are the releases that brought the newer fields, as tenths of a minor version.
var introduced = map[string]int{"offline": 500, "batch_source.meta": 620, "enable_validation": 630, "version": 630, "org": 630, "disabled": 640}

// upgrade tells which release each side was written by, as far as its newer fields show it.
type upgrade struct {
	older int
	// newer is the latest release that each field of the newer side shows.
	newer map[string]int
}

func upgradeOf(older, newer registry.Definitions) upgrade {
	u := upgrade{newer: map[string]int{}}
	for _, v := range older.Views {
		for name := range v.NewerFields {
			u.older = max(u.older, introduced[name])
		}
	}
	for _, v := range newer.Views {
		for name := range v.NewerFields {
			u.newer[name] = introduced[name]
		}
	}
	return u
}

// explains says whether a newer release alone may have brought a field: other fields show that it wrote the newer
// side, and none that it wrote the older.
func (u upgrade) explains(name string) bool {
	if u.older >= introduced[name] {
		return false
	}
	for other, release := range u.newer {
		if other != name && release >= introduced[name] {
			return true
		}
	}
	return name == "batch_source.meta" || name == "version"
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

func (c *computer) entities(older, newer registry.Definitions) {
	registeredObjects(c, Entity, older.Entities, newer.Entities,
		func(e registry.Entity) (string, string) { return e.Project, e.Name },
		func(e registry.Entity) map[string]string {
			m := map[string]string{"join_key": e.JoinKey, "value_type": e.ValueType, "owner": e.Owner}
			if c.keyTyped[identity{e.Project, e.Name}] {
				delete(m, "value_type") // said on each view
			}
			return m
		},
		func(a, b registry.Entity) { c.objectFields("entity", b.Project, b.Name, a.Fields, b.Fields) })
}

func (c *computer) dataSources(older, newer registry.Definitions) {
	registeredObjects(c, RegisteredData, older.DataSources, newer.DataSources,
		func(s registry.DataSource) (string, string) { return s.Project, s.Name },
		func(s registry.DataSource) map[string]string {
			m := map[string]string{"type": s.Type, "path": s.Path, "table": s.Table, "owner": s.Owner}
			if s.BatchSource == nil { // of a push or stream source, releases fill these in differently
				m["timestamp_field"], m["created_timestamp_column"] = s.TimestampField, s.CreatedColumn
			}
			for from, to := range s.FieldMapping {
				m["field_mapping."+from] = to
			}
			if !c.complete {
				return m
			}
			delete(m, "table") // the details have it
			m["date_partition_column"] = s.DatePartitionColumn
			for path, text := range s.Details {
				m[path] = text
			}
			return m
		},
		func(a, b registry.DataSource) { c.sourceFields(a, b) })
}

// sourceFields compares what has no place of its own in a registered source. The source behind it is registered too.
func (c *computer) sourceFields(a, b registry.DataSource) {
	if !c.complete {
		return
	}
	for _, f := range fieldChanges(a.Fields, b.Fields)[""] {
		if path, ok := strings.CutPrefix(f.path, "batch_source."); f.path == "owner" ||
			ok && c.older.behind(a, path, f.old) && c.newer.behind(b, path, f.new) {
			continue
		}
		c.changes = append(c.changes, Change{Object: RegisteredData, Action: Changed, Project: b.Project, Name: b.Name + "." + f.path, Old: f.old, New: f.new})
	}
}

// registeredObjects compares registered objects field by field; more compares what fields does not hold.
func registeredObjects[T any](c *computer, o Object, older, newer []T, id func(T) (project, name string), fields func(T) map[string]string, more func(a, b T)) {
	if !c.compared(o) {
		return
	}
	index := func(list []T) map[string]T {
		m := map[string]T{}
		for _, x := range list {
			project, name := id(x)
			if name != "" {
				m[c.identity(project, name)] = x
			}
		}
		return m
	}
	before, after := index(older), index(newer)
	for _, key := range union(before, after) {
		a, had := before[key]
		b, has := after[key]
		if had != has {
			x := a
			if has {
				x = b
			}
			project, name := id(x)
			change := Change{Object: o, Action: action(had, has), Project: project, Name: name}
			if had {
				change.Old = name
			} else {
				change.New = name
			}
			c.changes = append(c.changes, change)
			continue
		}
		project, name := id(b)
		if was, _ := id(a); was != project && was != "" && project != "" {
			c.changes = append(c.changes, Change{Object: o, Action: Changed, Project: project, Name: name + ".project", Old: was, New: project})
		}
		more(a, b)
		fa, fb := fields(a), fields(b)
		for _, f := range union(fa, fb) {
			if fa[f] != fb[f] {
				c.changes = append(c.changes, Change{Object: o, Action: Changed, Project: project, Name: name + "." + f, Old: orNil(fa[f]), New: orNil(fb[f])})
			}
		}
	}
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
