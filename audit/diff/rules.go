package diff

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Severity is how much a finding weighs. None means that the consumer does not notice.
type Severity string

// The severities.
const (
	Error Severity = "error"
	Warn  Severity = "warn"
	Info  Severity = "info"
	None  Severity = "none"
)

var weights = []Severity{None, Info, Warn, Error}

// atLeast says whether a severity weighs as much as another.
func (s Severity) atLeast(other Severity) bool {
	return slices.Index(weights, s) >= slices.Index(weights, other)
}

func heaviest(list ...Severity) Severity {
	worst := None
	for _, s := range list {
		if s.atLeast(worst) {
			worst = s
		}
	}
	return worst
}

// The consumers that a severity is graded for.
const (
	Training = "training"
	Serving  = "serving"
	Storage  = "storage"
)

// Consumers are the kinds of consumers, in the order of their columns.
func Consumers() []string { return []string{Training, Serving, Storage} }

// Rule is what a change of one kind means.
type Rule struct {
	ID    string
	Title string
	// Object and Actions are the coordinates of the changes that it speaks of; both are empty for rules of Lint.
	Object  Object
	Actions []Action
	// Training, Serving and Storage are what it means to each consumer: building training sets, serving features,
	// keeping the store.
	Training, Serving, Storage Severity
	Why                        string
	Fix                        string
	// match narrows the rule among those of the same coordinates; the first that matches speaks.
	match func(Change) bool
	// text says what changed, in words that follow the view's name.
	text func(Change) string
}

// Severity is the rule's for one consumer, or the heaviest where consumer is empty.
func (r Rule) Severity(consumer string) Severity {
	switch consumer {
	case Training:
		return r.Training
	case Serving:
		return r.Serving
	case Storage:
		return r.Storage
	}
	return heaviest(r.Training, r.Serving, r.Storage)
}

// Rules are the rules of Classify, in the order in which they are tried. A rule's id never changes its meaning.
func Rules() []Rule {
	return slices.Concat(viewRules(), limitRules(), columnRules(), featureRules(), sourceRules(), computedRules(), otherRules(), serviceRules())
}

// RulesOf are the rules that a document of this schema is judged by.
func RulesOf(schema string) []Rule {
	if schema == LintSchema {
		return slices.Concat(LintRules(), ApprovalRules())
	}
	return slices.Concat(Rules(), ApprovalRules())
}

// RuleIDs are the ids of the rules of Classify and Lint, sorted: what a suppression may name beside the checks.
func RuleIDs() []string {
	var ids []string
	for _, r := range slices.Concat(Rules(), LintRules(), ApprovalRules()) {
		ids = append(ids, r.ID)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// Find is the rule of that id.
func Find(id string) (Rule, bool) {
	all := slices.Concat(Rules(), LintRules(), ApprovalRules())
	i := slices.IndexFunc(all, func(r Rule) bool { return r.ID == id })
	if i < 0 {
		return Rule{}, false
	}
	return all[i], true
}

const approve = "Restore it, or approve the change under suppress: with a reason."

func viewRules() []Rule {
	return []Rule{
		{
			ID: "view-removed", Title: "A feature view was removed.", Object: View, Actions: one(Removed), Training: Error, Serving: Error, Storage: Warn,
			Why: "Its readers fail or, worse, get nulls; its files stay behind, and nobody audits them any more.", Fix: approve,
			text: func(Change) string { return "is gone" },
		},
		{
			ID: "view-added", Title: "A feature view was added.", Object: View, Actions: one(Added), Training: Info, Serving: Info, Storage: Info,
			Why: "Nothing reads it yet.", Fix: "Nothing to do; lint judges it on its own.",
			text: func(Change) string { return "is new" },
		},
		{
			ID: "view-renamed", Title: "A feature view was renamed; its content is the same.", Object: View, Actions: one(Renamed), Training: Error, Serving: Error, Storage: Info,
			Why: "Names are how models ask for features: who asks by the old name gets nothing, and the online store starts empty under the new one.",
			Fix: "Keep the old name until its readers have moved, or approve the change under suppress: with a reason.",
			text: func(c Change) string {
				return "was named " + inWords(c.Old) + " (the same keys, features and source)"
			},
		},
		{
			ID: "view-moved", Title: "A feature view moved to another project.", Object: Project, Actions: one(Changed), Training: Error, Serving: Error, Storage: Info,
			Why:  "Features are asked for within a project, and the online store's tables are named after it: readers of the old one find nothing.",
			Fix:  "Keep the view in its old project until its readers have moved, or approve the change under suppress: with a reason.",
			text: func(c Change) string { return "moved " + fromToWords(c) },
		},
		{
			ID: "view-kind-changed", Title: "A feature view changed its kind (batch, stream, on demand).", Object: Kind, Actions: one(Changed), Training: Warn, Serving: Error, Storage: Warn,
			Why: "Batch, stream and on-demand views are computed and stored in different ways.", Fix: approve,
			text: fromTo("its kind went"),
		},
	}
}

func limitRules() []Rule {
	zero := func(c Change) bool { return c.New == 0.0 }
	acknowledged := func(side func(Change) any) func(Change) bool {
		return func(c Change) bool {
			text, ok := side(c).(string)
			return ok && strings.HasPrefix(text, neverPrefix)
		}
	}
	older, newer := func(c Change) any { return c.Old }, func(c Change) any { return c.New }
	between := func(v any) bool {
		s, ok := v.(float64)
		return ok && s > 0 && s < 1
	}
	negative := func(c Change) bool {
		s, ok := c.New.(float64)
		return ok && s < 0
	}
	rules := []Rule{
		{
			ID: "ttl-subsecond", Title: "The ttl went below a second, which many stores cut to 0: never.", Object: TTL, Actions: []Action{Added, Lengthened, Shortened},
			match: func(c Change) bool { return between(c.New) }, Training: Error, Serving: Error, Storage: Warn,
			Why: "SQL offline stores and the Go server count whole seconds: they read such a ttl as 0, and features of any age count as fresh.", Fix: "Write a ttl of a second or more, with its unit.",
			text: func(c Change) string {
				return "its ttl went " + fromToWords(c) + ": stores that count whole seconds cut it to 0, which never expires"
			},
		},
		{
			ID: "ttl-negative", Title: "The ttl became negative.", Object: TTL, Actions: one(Removed), match: negative, Training: Error, Serving: Error, Storage: Warn,
			Why: "Every row is expired at once: training sets and models get nothing but nulls.", Fix: "Write the ttl with its unit, such as 24h.",
			text: fromTo("its ttl went"),
		},
		{
			ID: "ttl-acknowledged", Title: "The ttl was replaced by {never: reason}.", Object: TTL, Actions: one(Removed), match: acknowledged(newer), Training: Warn, Serving: Warn, Storage: Info,
			Why: "Rows that used to expire no longer do. Somebody decided so and wrote down why.", Fix: "Check the reason.",
			text: fromTo("its ttl went"),
		},
		{
			ID: "ttl-zeroed", Title: "The ttl became 0, which never expires.", Object: TTL, Actions: one(Removed), match: zero, Training: Error, Serving: Error, Storage: Warn,
			Why: "With a ttl of 0 features of any age count as fresh. It is what a template or an SDK writes when it drops a ttl.",
			Fix: "Restore the ttl; if it should never expire, write ttl: {never: reason}.",
			text: func(c Change) string {
				return "lost its ttl of " + lengthInWords(c.Old) + ": it is 0 now, which never expires"
			},
		},
		{
			ID: "ttl-removed", Title: "The ttl was removed, so nothing expires.", Object: TTL, Actions: one(Removed), Training: Error, Serving: Error, Storage: Warn,
			Why: "Without a ttl features of any age count as fresh, and the definition does not show whether anybody decided that.",
			Fix: "Restore the ttl; if it should never expire, write ttl: {never: reason}.",
			text: func(c Change) string {
				return "lost its ttl of " + lengthInWords(c.Old) + ": its features never expire now"
			},
		},
		{
			ID: "ttl-added", Title: "A view that never expired now has a ttl.", Object: TTL, Actions: []Action{Added, Lengthened},
			match: func(c Change) bool { return c.Action == Added || between(c.Old) }, Training: Warn, Serving: Warn, Storage: Info,
			Why: "Rows older than the ttl become null where they were values.", Fix: "Check with --data how many entities that are.",
			text: func(c Change) string {
				if c.Action == Lengthened {
					return "has a ttl of " + lengthInWords(c.New) + ", where stores cut " + lengthInWords(c.Old) + " to 0, which never expires"
				}
				return "has a ttl of " + lengthInWords(c.New) + " where it never expired"
			},
		},
		{
			ID: "ttl-loosened", Title: "The ttl is longer.", Object: TTL, Actions: one(Lengthened), Training: Error, Serving: Error, Storage: Warn,
			Why: "Features that were too old yesterday are served today.", Fix: approve,
			text: fromTo("its ttl went"),
		},
		{
			ID: "ttl-tightened", Title: "The ttl is shorter.", Object: TTL, Actions: one(Shortened), Training: Warn, Serving: Warn, Storage: Info,
			Why: "Rows between the two lengths become null, in training sets too; less history is materialised.", Fix: "Check with --data how many entities that are.",
			text: fromTo("its ttl went"),
		},
		{
			ID: "ttl-acknowledgement-changed", Title: "The reason why a view never expires changed.", Object: TTL, Actions: one(Changed),
			match: func(c Change) bool { return acknowledged(older)(c) && acknowledged(newer)(c) }, Training: Info, Serving: Info, Storage: Info,
			Why: "Nothing expires, before and after.", Fix: "Nothing to do.", text: fromTo("its ttl went"),
		},
		{
			ID: "ttl-acknowledgement-removed", Title: "The reason for \"never expires\" was removed.", Object: TTL, Actions: one(Changed), match: acknowledged(older), Training: Warn, Serving: Warn, Storage: Warn,
			Why: "Nobody can see any more why nothing expires.", Fix: "Write ttl: {never: reason} again, or a ttl.", text: fromTo("its ttl went"),
		},
		{
			ID: "ttl-changed", Title: "The ttl changed and expires nothing, or everything, before and after.", Object: TTL, Actions: one(Changed), Training: Warn, Serving: Warn, Storage: Info,
			Why: "A ttl that is unset, never or negative went to another of these.", Fix: "Write the ttl with its unit, such as 24h.", text: fromTo("its ttl went"),
		},
	}
	for _, l := range []struct {
		id, words, why string
		object         Object
	}{
		{"max-age", "the promised age (max_age)", "Consumers rely on it: nobody is told any more when the view is too old.", MaxAge},
		{"max-lag", "the promised lag (max_lag)", "Rows that arrive too late are no longer reported.", MaxLag},
	} {
		rules = append(rules,
			Rule{
				ID: l.id + "-removed", Title: "A promise was removed: " + l.words + ".", Object: l.object, Actions: one(Removed), Training: Warn, Serving: Error, Storage: Info, Why: l.why, Fix: approve,
				text: func(c Change) string {
					if warning, only := c.New.(string); only {
						return "lost " + l.words + " of " + lengthInWords(c.Old) + ", at which a check failed: it is " + warning + " now"
					}
					return "lost " + l.words + " of " + lengthInWords(c.Old)
				},
			},
			Rule{
				ID: l.id + "-loosened", Title: "A promise became weaker: " + l.words + ".", Object: l.object, Actions: one(Lengthened), Training: Warn, Serving: Error, Storage: Info,
				Why: "Data that broke the promise yesterday keeps it today.", Fix: approve, text: fromTo(l.words + " went"),
			},
			Rule{
				ID: l.id + "-tightened", Title: "A promise became stronger: " + l.words + ".", Object: l.object, Actions: one(Shortened), Training: Info, Serving: Info, Storage: Warn,
				Why: "Data that kept the promise yesterday may break it tonight.", Fix: "Check with the next audit that the store keeps it.", text: fromTo(l.words + " went"),
			},
			Rule{
				ID: l.id + "-added", Title: "A promise was added: " + l.words + ".", Object: l.object, Actions: one(Added), Training: Info, Serving: Info, Storage: Info,
				Why: "The audit judges it from now on.", Fix: "Nothing to do.",
				text: func(c Change) string {
					if warning, only := c.Old.(string); only {
						return "has " + l.words + " of " + lengthInWords(c.New) + " now, where it was " + warning
					}
					return "has " + l.words + " of " + lengthInWords(c.New) + " now"
				},
			},
		)
	}
	return rules
}

func columnRules() []Rule {
	return []Rule{
		changes(EventTime, "event-time", "event time column", Error, Error, Warn,
			"Which rows are in the past of a training example, and what is fresh, hangs on this column.", approve),
		changes(Entities, "entity", "entities", Error, Error, Warn,
			"What the features are of changed: lookups and joins by the old entities find nothing.", approve),
		changes(JoinKeys, "join-key", "join keys", Error, Error, Warn,
			"Features are looked up by these columns: with others nothing joins, or the wrong rows do.",
			"Keep the column's name (a field mapping can rename it), or approve the change under suppress: with a reason."),
		{
			ID: "key-type-changed", Title: "The type of a join key changed.", Object: KeyType, Actions: one(Changed), Training: Error, Serving: Error, Storage: Warn,
			Why:  "Keys are compared and stored by type: look-ups with one type find nothing of the other, and joins fail or match nothing.",
			Fix:  "Keep the type, or give the entity another name and move its readers.",
			text: func(c Change) string { return "its join key " + c.Name + " went " + fromToWords(c) },
		},
		changes(Key, "key", "declared key", Warn, None, Warn, "It decides which rows count as repeated.", approve),
		{
			ID: "created-column-removed", Title: "The created column was removed.", Object: CreatedColumn, Actions: one(Removed), Training: Error, Serving: Warn, Storage: Warn,
			Why: "It breaks ties between rows of one key and time: without it training sets get several rows, or any one of them.", Fix: approve,
			text: func(c Change) string {
				return "has no created column any more (was " + inWords(c.Old) + ")"
			},
		},
		{
			ID: "created-column-added", Title: "A created column was added.", Object: CreatedColumn, Actions: one(Added), Training: Info, Serving: Info, Storage: Info,
			Why: "Ties between rows are broken by it from now on.", Fix: "Nothing to do.",
			text: func(c Change) string { return "has a created column now: " + inWords(c.New) },
		},
		{
			ID: "created-column-changed", Title: "The created column changed.", Object: CreatedColumn, Actions: one(Changed), Training: Warn, Serving: Warn, Storage: Info,
			Why: "Ties between rows are broken by another clock.", Fix: approve, text: fromTo("its created column went"),
		},
	}
}

// changes is the rule of something that is set, replaced or taken away with the same weight.
func changes(o Object, id, words string, training, serving, storage Severity, why, fix string) Rule {
	return Rule{
		ID: id + "-changed", Title: "The " + words + " changed.", Object: o, Actions: anyChange, Training: training, Serving: serving, Storage: storage, Why: why, Fix: fix,
		text: fromTo("its " + words + " went"),
	}
}

// anyChange are the actions of rules that do not care for the direction.
var anyChange = []Action{Changed, Removed, Added}

func one(a Action) []Action { return []Action{a} }

func featureRules() []Rule {
	return []Rule{
		{
			ID: "feature-removed", Title: "A feature was removed.", Object: Feature, Actions: one(Removed), Training: Error, Serving: Error, Storage: Info,
			Why: "Models that were trained with it get nulls or errors.", Fix: approve,
			text: func(c Change) string { return "has no feature " + c.Name + " any more (" + inWords(c.Old) + ")" },
		},
		{
			ID: "feature-added", Title: "A feature was added.", Object: Feature, Actions: one(Added), Training: Info, Serving: Info, Storage: Info,
			Why: "Nothing reads it yet.", Fix: "Nothing to do.",
			text: func(c Change) string { return "has a feature " + c.Name + " now (" + inWords(c.New) + ")" },
		},
		{
			ID: "feature-type-narrowed", Title: "A feature's type holds fewer values.", Object: Feature, Actions: one(Narrowed), Training: Error, Serving: Error, Storage: Warn,
			Why: "Values that do not fit are cut, or fail.", Fix: "Keep the wider type, or add a feature under a new name.",
			text: func(c Change) string { return "its feature " + c.Name + " went " + fromToWords(c) },
		},
		{
			ID: "feature-type-widened", Title: "A feature's type holds more values.", Object: Feature, Actions: one(Widened), Training: Warn, Serving: Warn, Storage: Info,
			Why: "Readers that are strict about types may refuse it.", Fix: "Check the readers.",
			text: func(c Change) string { return "its feature " + c.Name + " went " + fromToWords(c) },
		},
		{
			ID: "feature-type-changed", Title: "The type of a feature changed.", Object: Feature, Actions: one(Changed), Training: Error, Serving: Error, Storage: Warn,
			Why: "Models that were trained with one type are fed another.", Fix: "Add a feature under a new name instead.",
			text: func(c Change) string { return "its feature " + c.Name + " went " + fromToWords(c) },
		},
	}
}

func sourcePathRule() Rule {
	r := changes(SourcePath, "source-path", "source's path", Warn, Info, Error,
		"The rows come from other files: history, zones and keys may differ, and a mistyped path has none.", "Audit the new path, then approve the change under suppress: with a reason.")
	path := r.text
	r.text = func(c Change) string {
		if c.Name != "" {
			return "its source's " + c.Name + " went " + fromToWords(c)
		}
		return path(c)
	}
	return r
}

func sourceRules() []Rule {
	return []Rule{
		changes(Source, "source", "batch source", Warn, Info, Error,
			"The rows come from elsewhere: history, zones and keys may differ.", "Audit the new source, then approve the change under suppress: with a reason."),
		sourcePathRule(),
		{
			ID: "source-renamed", Title: "A source was renamed; nothing else about it changed.", Object: SourceName, Actions: one(Changed), Training: Info, Serving: Info, Storage: Info,
			Why: "The rows are the same.", Fix: "Nothing to do.",
			text: func(c Change) string {
				return strings.TrimSpace("its "+c.Name) + " source is named " + inWords(c.New) + " now (was " + inWords(c.Old) + ")"
			},
		},
		changes(FieldMapping, "field-mapping", "field mapping", Error, Error, Warn, "A feature is read from another column, or from none.", approve),
		{
			ID: "stream-source-removed", Title: "The stream source was removed.", Object: StreamSource, Actions: one(Removed), Training: Info, Serving: Error, Storage: Warn,
			Why: "What was seconds old is now as old as the last batch.", Fix: approve,
			text: func(c Change) string {
				return "has no stream source any more (was " + inWords(c.Old) + ")"
			},
		},
		{
			ID: "stream-source-added", Title: "A stream source was added.", Object: StreamSource, Actions: one(Added), Training: Warn, Serving: Info, Storage: Warn,
			Why: "Batch and stream may both carry a row, and stamp it in different zones.", Fix: "Declare source, sources: and once_per for the audit.",
			text: func(c Change) string { return "has a stream source now: " + inWords(c.New) },
		},
		{
			ID: "stream-source-changed", Title: "The stream source changed.", Object: StreamSource, Actions: one(Changed), Training: Info, Serving: Error, Storage: Warn,
			Why: "Live values come from elsewhere.", Fix: approve, text: fromTo("its stream source went"),
		},
		{
			ID: "watermark-changed", Title: "The watermark of the stream changed.", Object: Watermark, Actions: anyChange, Training: Warn, Serving: Warn, Storage: Info,
			Why: "It decides how late a row may come and still count.", Fix: approve, text: fromTo("its watermark went"),
		},
	}
}

// computedRules are about how values are computed: they change under the same name.
func computedRules() []Rule {
	return []Rule{
		{
			ID: "physical-type-narrowed", Title: "A column's physical type holds less.", Object: PhysicalType, Actions: one(Changed), match: losesValues, Training: Error, Serving: Error, Storage: Error,
			Why: "A zone, digits or letters are lost: a time without its zone is another instant to each reader.", Fix: "Keep the wider type, or add a column under a new name.",
			text: parts("its physical types hold less"),
		},
		{
			ID: "physical-type-changed", Title: "The physical type of a column changed.", Object: PhysicalType, Actions: anyChange, Training: Warn, Serving: Warn, Storage: Warn,
			Why: "Readers that are strict about types may refuse it.", Fix: "Check the readers.",
			text: parts("its physical types changed"),
		},
		{
			ID: "transformation-changed", Title: "The transformation changed.", Object: Transformation, Actions: anyChange, Training: Warn, Serving: Warn, Storage: Warn,
			Why: "Values change under the same name: models that were trained with the old ones are fed others.", Fix: "Add features under new names, or train again and approve the change under suppress: with a reason.",
			text: parts("its transformation changed"),
		},
		{
			ID: "aggregation-changed", Title: "An aggregation, its window or its tiles changed.", Object: Aggregation, Actions: anyChange, Training: Warn, Serving: Warn, Storage: Warn,
			Why: "Values change under the same name: a sum over an hour is no sum over a day.", Fix: "Add features under new names, or train again and approve the change under suppress: with a reason.",
			text: parts("its aggregations changed"),
		},
		{
			ID: "inputs-changed", Title: "The view is computed from other inputs.", Object: Inputs, Actions: anyChange, Training: Warn, Serving: Warn, Storage: Warn,
			Why: "Values change under the same name, and whoever asks may have to send other request data.", Fix: approve,
			text: parts("its inputs changed"),
		},
	}
}

func otherRules() []Rule {
	return []Rule{
		{
			ID: "tag-changed", Title: "A tag changed.", Object: Tag, Actions: anyChange, Training: Info, Serving: Info, Storage: Info,
			Why: "Tags carry promises and ownership where a definition has no other place; tags that featureaudit reads have rules of their own.", Fix: "Check who reads the tag.",
			text: func(c Change) string { return "its tag " + c.Name + " went " + fromToWords(c) },
		},
		{
			ID: "setting-changed", Title: "A key of the audit's policy changed.", Object: Setting, Actions: anyChange, Training: Warn, Serving: Warn, Storage: Warn,
			Why: "It decides how the view is read and judged.", Fix: approve,
			text: func(c Change) string { return "its " + c.Name + " went " + fromToWords(c) },
		},
		{
			ID: "online-disabled", Title: "The view is no longer served online.", Object: Online, Actions: one(Removed), Training: None, Serving: Error, Storage: Info,
			Why: "Online values stop being written and go stale.", Fix: approve, text: func(Change) string { return "is not online any more" },
		},
		{
			ID: "online-enabled", Title: "The view is served online.", Object: Online, Actions: one(Added), Training: None, Serving: Info, Storage: Info,
			Why: "Its values are written to the online store from now on.", Fix: "Materialise it before it is read.", text: func(Change) string { return "is online now" },
		},
		{
			ID: "materialization-lost", Title: "The record of what was materialised was removed.", Object: Materialization, Actions: one(Removed), Training: None, Serving: Warn, Storage: Error,
			Why: "The next incremental run starts from the ttl, or a year back, and writes over what is there.", Fix: "Restore the registry's intervals, or materialise the range again.",
			text: func(c Change) string {
				return "lost the record of what was materialised until " + inWords(c.Old)
			},
		},
		{
			ID: "materialization-rewritten", Title: "The record of what was materialised was rewritten.", Object: Materialization, Actions: one(Changed), Training: None, Serving: Warn, Storage: Warn,
			Why: "Some intervals are gone and others new: part of the history may not be online.", Fix: "Check the intervals.", text: fromTo("its materialised end went"),
		},
		{
			ID: "materialization-advanced", Title: "More was materialised.", Object: Materialization, Actions: one(Added), Training: None, Serving: Info, Storage: Info,
			Why: "A run of materialize did this.", Fix: "Nothing to do.",
			text: func(c Change) string { return "was materialised until " + inWords(c.New) },
		},
		{
			ID: "newer-fields-lost", Title: "Fields that newer releases write were removed.", Object: NewerField, Actions: one(Removed), Training: Error, Serving: Error, Storage: Error,
			Why: "A client of an older release that runs materialize or apply rewrites each view that it touches and erases what it does not know.",
			Fix: "Restore the registry, and pin one Feast release in every image that opens it.",
			text: func(c Change) string {
				return "lost " + c.Name + " (was " + inWords(c.Old) + "), as a client of an older release erases it"
			},
		},
		{
			ID: "view-disabled", Title: "The view was switched off.", Object: NewerField, Actions: one(Added), match: func(c Change) bool { return c.Name == "disabled" && c.New == "true" },
			Training: Error, Serving: Error, Storage: Warn, Why: "A disabled view is not computed and not served.", Fix: approve, text: func(Change) string { return "is disabled now" },
		},
		{
			ID: "newer-fields-changed", Title: "A field that only newer releases write changed.", Object: NewerField, Actions: []Action{Changed, Added},
			match: func(c Change) bool { return !c.ByUpgrade }, Training: Warn, Serving: Warn, Storage: Warn,
			Why: "Such fields switch validation and offline writes, or name the owner's organisation.", Fix: approve,
			text: func(c Change) string { return "its " + c.Name + " went " + fromToWords(c) },
		},
		{
			ID: "owner-removed", Title: "The owner was removed.", Object: Owner, Actions: one(Removed), Training: Info, Serving: Warn, Storage: Warn,
			Why: "Nobody answers for its findings.", Fix: "Name a team.", text: func(c Change) string { return "lost its owner (was " + inWords(c.Old) + ")" },
		},
		{
			ID: "owner-added", Title: "The view has an owner.", Object: Owner, Actions: one(Added), Training: Info, Serving: Info, Storage: Info,
			Why: "Somebody answers for its findings.", Fix: "Nothing to do.", text: func(c Change) string { return "has an owner now: " + inWords(c.New) },
		},
		{
			ID: "owner-changed", Title: "The owner changed.", Object: Owner, Actions: one(Changed), Training: Info, Serving: Info, Storage: Info,
			Why: "Somebody else answers for its findings.", Fix: "Check that they know.", text: fromTo("its owner went"),
		},
		{
			ID: "unknown-fields-lost", Title: "Unknown fields were removed.", Object: UnknownField, Actions: one(Removed), Training: Error, Serving: Error, Storage: Error,
			Why: "They may have carried policy. An import that skips what it does not know silently loses them.", Fix: "Import again with a release that knows them, or approve the loss under suppress: with a reason.",
			text: func(c Change) string { return "lost the unknown field " + c.Name + ", " + inWords(c.Old) },
		},
		{
			ID: "unknown-fields-present", Title: "New unknown fields.", Object: UnknownField, Actions: one(Added), Training: Warn, Serving: Warn, Storage: Warn,
			Why: "They may carry policy that is neither compared nor audited.", Fix: "Correct the spelling, or use a release of featureaudit that knows them.",
			text: func(c Change) string { return "has a new unknown field " + c.Name + ", " + inWords(c.New) },
		},
		{
			ID: "unknown-fields-changed", Title: "The value of an unknown field changed.", Object: UnknownField, Actions: one(Changed), Training: Warn, Serving: Warn, Storage: Warn,
			Why: "It may carry policy.", Fix: "Use a release of featureaudit that knows it.",
			text: func(c Change) string {
				return "has another value in the unknown field " + c.Name + ": " + inWords(c.Old) + " before, " + inWords(c.New) + " now"
			},
		},
	}
}

func serviceRules() []Rule {
	rules := []Rule{
		{
			ID: "service-removed", Title: "A feature service was removed.", Object: Service, Actions: one(Removed), Training: Error, Serving: Error, Storage: Info,
			Why: "Models ask for features by its name.", Fix: approve, text: func(c Change) string { return "feature service " + c.Name + " is gone" },
		},
		{
			ID: "service-added", Title: "A feature service was added.", Object: Service, Actions: one(Added), Training: Info, Serving: Info, Storage: Info,
			Why: "Nothing reads it yet.", Fix: "Nothing to do.", text: func(c Change) string { return "feature service " + c.Name + " is new" },
		},
		{
			ID: "service-changed", Title: "A feature service changed.", Object: Service, Actions: one(Changed), Training: Info, Serving: Info, Storage: Info,
			Why: "Somebody else answers for it.", Fix: "Check that they know.", text: func(c Change) string { return "feature service " + c.Name + ": " + fromToWords(c) },
		},
		{
			ID: "service-member-removed", Title: "A feature service lost a feature.", Object: ServiceMember, Actions: one(Removed), Training: Error, Serving: Error, Storage: None,
			Why: "The model that reads the service gets one input fewer.", Fix: approve,
			text: func(c Change) string {
				return "feature service " + serviceOf(c) + " does not take " + inWords(c.Old) + " any more"
			},
		},
		{
			ID: "service-member-added", Title: "A feature service takes one more feature.", Object: ServiceMember, Actions: one(Added), Training: Info, Serving: Info, Storage: None,
			Why: "The model that reads the service gets one input more.", Fix: "Check that it was trained with it.",
			text: func(c Change) string { return "feature service " + serviceOf(c) + " takes " + inWords(c.New) + " now" },
		},
	}
	rules = append(rules,
		Rule{
			ID: "service-alias-changed", Title: "A feature service changed its name for a view.", Object: ServiceAlias, Actions: one(Changed), Training: Error, Serving: Error, Storage: None,
			Why: "Its columns are named after the alias: whoever reads them by the old names finds nothing.", Fix: approve,
			text: func(c Change) string {
				return "feature service " + serviceOf(c) + " calls it " + inWords(c.New) + " now (was " + inWords(c.Old) + ")"
			},
		},
		Rule{
			ID: "service-join-keys-changed", Title: "A feature service changed the columns that it joins a view by.", Object: ServiceJoinKeys, Actions: one(Changed), Training: Error, Serving: Error, Storage: None,
			Why: "Another key is joined: the same names carry the values of other entities.", Fix: approve,
			text: func(c Change) string {
				return "feature service " + serviceOf(c) + ": its join_key_map went " + fromToWords(c)
			},
		},
		Rule{
			ID: "service-logging-changed", Title: "What a feature service logs changed.", Object: ServiceLogging, Actions: anyChange, Training: Warn, Serving: Warn, Storage: Warn,
			Why: "Logs of served features are what training and monitoring are built from.", Fix: approve,
			text: func(c Change) string { return "feature service " + c.Name + ": " + parts("its logging changed")(c) },
		},
		Rule{
			ID: "service-precompute-changed", Title: "A feature service starts or stops being computed in advance.", Object: ServicePrecompute, Actions: anyChange, Training: None, Serving: Warn, Storage: Info,
			Why: "Values computed in advance are as old as the last run, and their ttl is judged elsewhere.", Fix: approve,
			text: func(c Change) string {
				return "feature service " + c.Name + ": " + parts("its online values changed")(c)
			},
		},
		Rule{
			ID: NotJudgedRule, Title: "Something changed that no rule judges.", Object: NotJudged, Actions: anyChange, match: func(c Change) bool { return !c.ByUpgrade }, Training: Info, Serving: Info, Storage: Info,
			Why: "It is shown so that nothing changes unseen; people must judge what it means.", Fix: "Read the change.",
			text: func(c Change) string { return "changed and not judged: " + c.Name + ", " + fromToWords(c) },
		},
	)
	for _, o := range []struct {
		object Object
		id     string
		words  string
		title  string
	}{{Entity, "entity-definition", "entity", "An entity changed."}, {RegisteredData, "data-source", "registered data source", "A registered data source changed."}} {
		rules = append(rules, Rule{
			ID: o.id + "-changed", Title: o.title, Object: o.object, Actions: anyChange, Training: Info, Serving: Info, Storage: Info,
			Why: "What it does to each view is a finding of that view.", Fix: "See the views.",
			text: func(c Change) string { return o.words + " " + c.Name + " went " + fromToWords(c) },
		})
	}
	return rules
}

// NotJudgedRule is the rule of what no other rule judges.
const NotJudgedRule = "not-judged-changed"

// parts says of several fields what changed: of a few in words, of a long text where it differs first.
func parts(words string) func(Change) string {
	return func(c Change) string {
		before, _ := c.Old.(map[string]string)
		after, _ := c.New.(map[string]string)
		var list []string
		for _, path := range union(before, after) {
			old, new := firstDifference(before[path], after[path])
			list = append(list, path+" from "+inWords(old)+" to "+inWords(new))
		}
		if n := len(list); n > 4 {
			list = append(list[:3], fmt.Sprintf("and %d more", n-3))
		}
		return words + ": " + strings.Join(list, "; ")
	}
}

// firstDifference is the first line that differs, with its number where there are several.
func firstDifference(a, b string) (string, string) {
	if a == "" || b == "" || !strings.Contains(a+b, "\n") {
		return clipped(a), clipped(b)
	}
	before, after := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range max(len(before), len(after)) {
		var x, y string
		if i < len(before) {
			x = before[i]
		}
		if i < len(after) {
			y = after[i]
		}
		if x != y {
			return fmt.Sprintf("%s (line %d)", clipped(strings.TrimSpace(x)), i+1), clipped(strings.TrimSpace(y))
		}
	}
	return clipped(a), clipped(b)
}

func clipped(text string) string {
	if len(text) > 160 {
		return strings.ToValidUTF8(text[:160], "") + "..."
	}
	return text
}

func serviceOf(c Change) string {
	name, _, _ := strings.Cut(c.Name, ".")
	if len(c.UsedBy) == 1 {
		return c.UsedBy[0]
	}
	return name
}

func fromTo(words string) func(Change) string {
	return func(c Change) string { return words + " " + fromToWords(c) }
}

// ReadmeTable is every rule of diff and lint as a Markdown table, sorted by name.
func ReadmeTable() string {
	var text strings.Builder
	text.WriteString("| rule | of | training | serving | storage | says |\n|---|---|---|---|---|---|\n")
	rows := map[string]string{}
	for _, group := range []struct {
		command string
		rules   []Rule
	}{{"diff", Rules()}, {"lint", LintRules()}, {"both", ApprovalRules()}} {
		for _, r := range group.rules {
			rows[r.ID] = fmt.Sprintf("| `%s` | %s | %s | %s | %s | %s |\n", r.ID, group.command, r.Training, r.Serving, r.Storage, r.Title)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(rows)) {
		text.WriteString(rows[id])
	}
	return text.String()
}
