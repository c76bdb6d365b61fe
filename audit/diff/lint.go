package diff

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/policy"
	"github.com/featureaudit/featureaudit/audit/registry"
	"github.com/featureaudit/featureaudit/audit/table"
)

// LintRules are the rules that judge one set of definitions alone. ttl-unset, ttl-absurd and unknown-fields mean what
// the checks of those names mean.
func LintRules() []Rule {
	return []Rule{
		{
			ID: "definitions-empty", Title: "The definitions hold no view.", Training: Error, Serving: Error, Storage: Error,
			Why: "Nothing is promised, so nothing was judged; a registry that lost its views looks like one that was never filled.",
			Fix: "Name the registry or the file that holds the views, or apply them.",
		},
		{
			ID: "ttl-unset", Title: "The definition never expires.", Training: Error, Serving: Error, Storage: Warn,
			Why: "A ttl that is unset, null or 0 makes features of any age look fresh, and nobody decided that.", Fix: "Declare a ttl, or acknowledge it in writing: ttl: {never: reason}.",
		},
		{
			ID: "ttl-absurd", Title: "The ttl is negative, under a second or over 10 years.", Training: Warn, Serving: Warn, Storage: Warn,
			Why: "Such a ttl is a slip of the unit: everything expires at once, or nothing ever does.", Fix: "Write the ttl with its unit (24h, 7d, P1D), or acknowledge that rows never expire: ttl: {never: reason}.",
		},
		{
			ID: "view-without-entity", Title: "The view has no entity.", Training: Warn, Serving: Warn, Storage: Info,
			Why: "Its rows are of nothing in particular: every request gets the same newest row.", Fix: "Name the entity, or approve it under suppress: with a reason.",
		},
		{
			ID: "entity-missing", Title: "The view names an entity that is not registered.", Training: Error, Serving: Error, Storage: Warn,
			Why: "Nobody can tell its join key.", Fix: "Register the entity, or correct its name.",
		},
		{
			ID: "entity-without-join-key", Title: "The entity has no join key.", Training: Error, Serving: Error, Storage: Warn,
			Why: "Features are looked up by the join key.", Fix: "Give the entity join_keys.",
		},
		{
			ID: "join-key-disagrees", Title: "The view's own key columns are not its entities' join keys.", Training: Error, Serving: Error, Storage: Warn,
			Why: "Retrieval joins by what the view stores, and whoever reads the entity asks by another column.", Fix: "Apply the view again.",
		},
		{
			ID: "source-copy-disagrees", Title: "The view's copy of its source differs from the registered one.", Training: Error, Serving: Warn, Storage: Error,
			Why: "Retrieval reads the view's copy; whoever looks at the registered source sees another path or time column.", Fix: "Apply the view again.",
		},
		{
			ID: "event-time-missing", Title: "The view names no event time.", Training: Error, Serving: Warn, Storage: Error,
			Why: "Without it nothing can be joined as of a time, and nothing that depends on time can be judged.", Fix: "Name the event time column.",
		},
		{
			ID: eventTimeNotInFiles, Title: "The event time column is in none of the view's files.", Training: Error, Serving: Error, Storage: Error,
			Why: "Every retrieval fails.", Fix: "Correct the column's name, or the field mapping.",
		},
		{
			ID: "service-names-missing-view", Title: "A feature service names a view that does not exist.", Training: Error, Serving: Error, Storage: None,
			Why: "Whoever reads the service gets an error.", Fix: "Correct the service, or restore the view.",
		},
		{
			ID: "service-names-missing-feature", Title: "A feature service names a feature that its view does not have.", Training: Error, Serving: Error, Storage: None,
			Why: "Whoever reads the service gets an error, or nulls.", Fix: "Correct the service, or restore the feature.",
		},
		{
			ID: "tag-unreadable", Title: "A tag that carries a promise cannot be read.", Training: Warn, Serving: Warn, Storage: Warn,
			Why: "The promise is not audited, and nobody is told.", Fix: `Write a duration such as "24h" or "P1D".`,
		},
		{
			ID: "duplicate-view-name", Title: "Two views have the same name, up to their project or case.", Training: Warn, Serving: Warn, Storage: Warn,
			Why: "Requests, files and findings of the two are taken for each other.", Fix: "Rename one.",
		},
		{
			ID: tableRetention, Title: "The table forgets its versions before its rows expire.", Training: Warn, Serving: None, Storage: Info,
			Why: "A training set as of a time within the ttl cannot be built again: the version that was served then is cleaned up.", Fix: "Keep deleted files and the log as long as the ttl, or approve it under suppress: with a reason.",
		},
		{
			ID: "unknown-fields", Title: "Fields that the reader does not know.", Training: Warn, Serving: Warn, Storage: Warn,
			Why: "They may carry policy that is neither compared nor audited.", Fix: "Correct the spelling, use a release of featureaudit that knows them, or approve them under suppress: with a reason.",
		},
	}
}

// Files answers with the names of the columns of a view's files; ok is false where no file could be read.
type Files func(view string) (columns []string, files int, ok bool)

// Tables answers with how long the table of a view keeps its versions; ok is false where the view has none that could be read.
type Tables func(view string) (kept []table.Retention, ok bool)

// Lint judges one set of definitions. Files and Tables may be nil: what needs them is left out then.
func Lint(d registry.Definitions, files Files, tables Tables, p Policy) []Finding {
	l := linter{
		d: d, files: files, tables: tables, tablesRead: map[string]bool{}, policy: p, rules: map[string]Rule{}, registeredEntities: map[identity]registry.Entity{},
		registeredSources: map[identity]registry.DataSource{}, views: map[identity]*registry.View{}, filesRead: map[string]bool{},
	}
	for _, r := range LintRules() {
		l.rules[r.ID] = r
	}
	for _, e := range d.Entities {
		l.registeredEntities[identity{e.Project, e.Name}] = e
	}
	for _, s := range d.DataSources {
		l.registeredSources[identity{s.Project, s.Name}] = s
	}
	for i, v := range d.Views {
		l.views[identity{v.Project, v.Name}] = &d.Views[i]
	}
	if len(d.Views) == 0 {
		l.add("definitions-empty", nil, "views", 0, "%s holds no view: nothing was judged", d.Source)
	}
	used := usage(d)
	for _, v := range d.Views {
		l.users = used[v.Name]
		l.ttl(v)
		l.entities(v)
		l.source(v)
		l.eventTime(v)
		l.tags(v)
		l.retention(v)
	}
	l.users = nil
	l.joinKeys()
	l.services()
	l.names()
	l.unknown()
	return finish(l.findings, p, LintRules(), l.tried)
}

// tried is the scope of the rules: all views, but where files were wanted those whose files could be read.
func (l *linter) tried(rule, view string) bool {
	if rule == eventTimeNotInFiles {
		return l.filesRead[view] || view == "" && len(l.filesRead) > 0
	}
	if rule == tableRetention {
		return l.tablesRead[view] || view == "" && len(l.tablesRead) > 0
	}
	return view == "" || slices.ContainsFunc(l.d.Views, func(v registry.View) bool { return v.Name == view })
}

// identity is a project and a name in it.
type identity [2]string

type linter struct {
	d        registry.Definitions
	files    Files
	policy   Policy
	rules    map[string]Rule
	users    []string
	findings []Finding

	registeredEntities map[identity]registry.Entity
	registeredSources  map[identity]registry.DataSource
	views              map[identity]*registry.View
	// filesRead names the views whose files' columns are known.
	filesRead map[string]bool
	// tables says what tables keep, and tablesRead names the views of which that is known.
	tables     Tables
	tablesRead map[string]bool
}

const (
	eventTimeNotInFiles = "event-time-not-in-files"
	tableRetention      = "table-retention"
)

func (l *linter) add(rule string, v *registry.View, object string, found any, format string, args ...any) {
	r := l.rules[rule]
	f := Finding{
		Rule: rule, Severity: r.Severity(l.policy.For), Object: object, New: found, Consumers: append([]string{}, l.users...),
		Message: fmt.Sprintf(format, args...), Severities: severities(r),
	}
	if v != nil {
		f.View, f.Project, f.Location = v.Name, v.Project, v.Location
		if at, ok := v.Locations[object]; ok {
			f.Location = &at
		}
	}
	l.findings = append(l.findings, f)
}

// longestTTL is where a ttl stops being one: ten years of 365.25 days, in seconds.
const longestTTL = 87660 * 3600

func (l *linter) ttl(v registry.View) {
	if v.Kind == model.KindOnDemandView || v.TTLNever != "" {
		return
	}
	seconds := value(v.TTLSeconds)
	switch {
	case seconds == 0:
		words := map[string]string{registry.TTLZero: "0"}[v.TTLOnWire]
		if words == "" {
			words = "not set"
		}
		l.add("ttl-unset", &v, "ttl", number(v.TTLSeconds), "its ttl is %s, so that its features never expire", words)
	case seconds < 0:
		l.add("ttl-absurd", &v, "ttl", seconds, "its ttl of %s is negative: every row is expired at once", lengthInWords(seconds))
	case seconds < 1:
		l.add("ttl-absurd", &v, "ttl", seconds, "its ttl of %s is under a second: most stores cut it to 0, which never expires", lengthInWords(seconds))
	case seconds > longestTTL:
		l.add("ttl-absurd", &v, "ttl", seconds, "its ttl of %s is over 10 years: no row ever expires", lengthInWords(seconds))
	}
}

// retention compares what the view's table keeps with its ttl: the shortest counts.
func (l *linter) retention(v registry.View) {
	if l.tables == nil || v.NoFiles != "" {
		return
	}
	kept, ok := l.tables(v.Name)
	if !ok {
		return
	}
	l.tablesRead[v.Name] = true
	var shortest *table.Retention
	for i, r := range kept {
		if r.Problem != "" {
			l.add(tableRetention, &v, "table."+r.Setting, r.Text, "its table says %s = %q, which cannot be read: %s", r.Setting, r.Text, r.Problem)
		} else if shortest == nil || r.For < shortest.For {
			shortest = &kept[i]
		}
	}
	ttl := value(v.TTLSeconds)
	if shortest == nil || ttl <= shortest.For.Seconds() {
		return
	}
	said := "says " + shortest.Setting + " = " + shortest.Text
	if shortest.Default {
		said = "has no " + shortest.Setting + ", whose default is " + shortest.Text
	}
	l.add(tableRetention, &v, "table."+shortest.Setting, shortest.Text, "its table %s: older versions are cleaned up, and rows live for %s (ttl)", said, lengthInWords(ttl))
}

func (l *linter) entities(v registry.View) {
	if v.Kind == model.KindOnDemandView {
		return
	}
	if v.Entityless() {
		if len(v.Key) == 0 || l.d.Kind == registry.KindFeast {
			l.add("view-without-entity", &v, "entity", nil, "it has no entity")
		}
		return
	}
	if l.d.Kind != registry.KindFeast {
		return
	}
	var want []string
	for _, name := range v.Entities {
		e, ok := l.registeredEntities[identity{v.Project, name}]
		if !ok {
			l.add("entity-missing", &v, "entities", name, "its entity %s is not registered", name)
			return
		}
		want = append(want, e.JoinKey)
	}
	if got := featureNames(v.EntityColumns); len(got) > 0 && !slices.Equal(sorted(want), got) {
		l.add("join-key-disagrees", &v, "join_keys", got, "it joins by %s, and its entities by %s", strings.Join(got, ", "), strings.Join(want, ", "))
	}
}

func featureNames(list registry.Features) []string {
	names := make([]string, len(list))
	for i, f := range list {
		names[i] = f.Name
	}
	return names
}

func (l *linter) joinKeys() {
	for _, e := range l.d.Entities {
		if e.JoinKey == "" {
			l.add("entity-without-join-key", nil, "entity."+e.Name, nil, "entity %s has no join key", e.Name)
		}
	}
}

// source compares the view's copies of its sources with the registered ones of the same name.
func (l *linter) source(v registry.View) {
	for _, own := range []*registry.DataSource{v.BatchSource, v.StreamSource} {
		if own == nil || own.Name == "" {
			continue
		}
		registered, ok := l.registeredSources[identity{v.Project, own.Name}]
		if !ok {
			registered, ok = l.registeredSources[identity{"", own.Name}]
		}
		if !ok {
			continue // registries of old releases hold no sources of their own
		}
		if diffs := disagreements(*own, registered); len(diffs) > 0 {
			l.add("source-copy-disagrees", &v, "source", diffs, "its copy of source %s disagrees with the registered one: %s", own.Name, strings.Join(diffs, "; "))
		}
	}
}

func disagreements(own, registered registry.DataSource) []string {
	var list []string
	for i, f := range []struct{ name, own, registered string }{
		{"type", own.Type, registered.Type}, {"path", own.Path, registered.Path}, {"table", own.Table, registered.Table},
		{"timestamp_field", own.TimestampField, registered.TimestampField}, {"created_timestamp_column", own.CreatedColumn, registered.CreatedColumn},
	} {
		if i > 2 && own.BatchSource != nil {
			break // of a push or stream source, releases fill in the columns differently
		}
		if f.own != f.registered {
			list = append(list, fmt.Sprintf("%s %s, registered %s", f.name, inWords(f.own), inWords(f.registered)))
		}
	}
	if own.BatchSource == nil {
		for _, path := range union(own.Details, registered.Details) {
			if a, b := own.Details[path], registered.Details[path]; a != b && !inTable(path) {
				list = append(list, fmt.Sprintf("%s %s, registered %s", path, inWords(a), inWords(b)))
			}
		}
	}
	if !maps.Equal(own.FieldMapping, registered.FieldMapping) {
		list = append(list, fmt.Sprintf("field_mapping %s, registered %s", inWords(own.FieldMapping), inWords(registered.FieldMapping)))
	}
	return list
}

func (l *linter) eventTime(v registry.View) {
	if v.NoFiles != "" || v.Kind == model.KindOnDemandView {
		return
	}
	if v.EventTime == "" {
		l.add("event-time-missing", &v, "event_time", nil, "it names no event time")
		return
	}
	if l.files == nil {
		return
	}
	columns, files, ok := l.files(v.Name)
	if !ok {
		return
	}
	l.filesRead[v.Name] = true
	if slices.Contains(columns, v.EventTime) {
		return
	}
	if first, _, dotted := strings.Cut(v.EventTime, "."); dotted && slices.Contains(columns, first) {
		return
	}
	if v.BatchSource != nil {
		for from, to := range v.BatchSource.FieldMapping {
			if to == v.EventTime && slices.Contains(columns, from) {
				return
			}
		}
	}
	l.add(eventTimeNotInFiles, &v, "event_time", v.EventTime, "its event time %s is in none of its %d files, whose columns are %s", v.EventTime, files, someOf(columns))
}

// inTable says whether a setting of a source is said by its table already.
func inTable(path string) bool {
	return strings.HasSuffix(path, ".table") || strings.HasSuffix(path, ".topic") || strings.HasSuffix(path, ".stream_name")
}

func someOf(names []string) string {
	if len(names) > 12 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:12], ", "), len(names)-12)
	}
	return strings.Join(names, ", ")
}

// promiseTags are the tags that carry a duration.
var promiseTags = []string{"freshness.max_age", "freshness.max_lag"}

// keyTag names the columns that may not repeat.
const keyTag = "dedup.keys"

func (l *linter) tags(v registry.View) {
	for _, tag := range promiseTags {
		text, ok := v.Tags[tag]
		if !ok {
			continue
		}
		if d, err := policy.ParseDuration(text); err != nil || d <= 0 {
			l.add("tag-unreadable", &v, "tags."+tag, text, "its tag %s is %q, expected a duration above 0", tag, text)
		}
	}
	if l.d.Kind != registry.KindFeast {
		return
	}
	known := append(slices.Clone(promiseTags), keyTag)
	for _, tag := range slices.Sorted(maps.Keys(v.Tags)) {
		family, _, _ := strings.Cut(tag, ".")
		if (family == "freshness" || family == "dedup") && !slices.Contains(known, tag) {
			l.add("tag-unreadable", &v, "tags."+tag, v.Tags[tag], "its tag %s is none that is read: %sread are %s", tag, policy.DidYouMean(tag, known), strings.Join(known, ", "))
		}
	}
}

func (l *linter) services() {
	for _, s := range l.d.FeatureServices {
		for _, member := range s.Views {
			v, ok := l.views[identity{s.Project, member.View}]
			if !ok {
				l.add("service-names-missing-view", nil, "feature_services."+s.Name+"."+member.View, member.View, "feature service %s names view %s, which does not exist", s.Name, member.View)
				continue
			}
			for _, f := range member.Features {
				if _, ok := v.Features.Type(f); !ok {
					l.add("service-names-missing-feature", v, "feature_services."+s.Name+"."+f, f, "feature service %s names its feature %s, which does not exist", s.Name, f)
				}
			}
		}
	}
}

func (l *linter) names() {
	byName := map[string][]registry.View{}
	for _, v := range l.d.Views {
		name := strings.ToLower(v.Name)
		byName[name] = append(byName[name], v)
	}
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		group := byName[name]
		if len(group) < 2 {
			continue
		}
		var words []string
		for _, v := range group {
			words = append(words, strings.TrimPrefix(v.Project+"/"+v.Name, "/"))
		}
		l.add("duplicate-view-name", &group[0], "name", words, "its name is shared: %s", strings.Join(words, ", "))
	}
}

func (l *linter) unknown() {
	byName := map[string]*registry.View{}
	for i := range l.d.Views {
		v := &l.d.Views[i]
		byName[v.Name] = v
	}
	for _, u := range l.d.UnknownFields {
		v := byName[u.View]
		near := ""
		if u.Near != "" {
			near = ": did you mean " + u.Near + "?"
		}
		l.add("unknown-fields", v, "unknown_fields."+u.Path, u.Field, "field %s is not known (%d bytes)%s", u.Path, u.Bytes, near)
		if u.Location != nil {
			l.findings[len(l.findings)-1].Location = u.Location
		}
	}
}
