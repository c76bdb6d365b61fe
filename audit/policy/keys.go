package policy

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/featureaudit/featureaudit/audit/model"
)

// key is one key of a map in the file: all that the reader, the merge and the schema need to know of it.
type key[T any] struct {
	name   string
	doc    string
	schema schema
	read   func(c cursor, t *T)
	// fields are what the key sets; empty for maps with free names (sources, checks), which merge by name.
	fields []field[T]
}

// field is one value that a key sets, under its dotted name below the key ("" for the key itself).
type field[T any] struct {
	sub  string
	copy func(dst, src *T)
	set  func(src *T) bool
}

func names[T any](keys []key[T]) []string {
	list := make([]string, len(keys))
	for i, k := range keys {
		list[i] = k.name
	}
	return list
}

// inner is the scope of what stands below the cursor's key.
func (c cursor) inner() string { return "in " + c.name + " of " + strings.TrimPrefix(c.scope, "in ") }

// --- kinds of keys ---------------------------------------------------------------------------------------------

// ownerKey may be left empty, as `owner:`.
func ownerKey[T any](doc string, at func(*T) *string) key[T] {
	return valueKey("owner", doc, schema{"oneOf": []any{ref("text"), schema{"type": "null"}}}, readOwner, at)
}

func textKey[T any](name, doc string, read func(cursor) (string, bool), at func(*T) *string) key[T] {
	return valueKey(name, doc, ref("text"), read, at)
}

func valueKey[T, V any](name, doc string, s schema, read func(cursor) (V, bool), at func(*T) *V) key[T] {
	return key[T]{
		name: name, doc: doc, schema: s,
		fields: []field[T]{fieldAt("", at)},
		read: func(c cursor, t *T) {
			if v, ok := read(c); ok {
				*at(t) = v
				c.mark()
			}
		},
	}
}

func enumKey[T any, V ~string](name, doc string, words []string, at func(*T) *V) key[T] {
	read := func(c cursor) (V, bool) {
		w, ok := readEnum(c, words)
		return V(w), ok
	}
	return valueKey(name, doc, enumSchema(words), read, at)
}

func durationKey[T any](name, doc string, least time.Duration, at func(*T) *time.Duration) key[T] {
	read := func(c cursor) (time.Duration, bool) { return readDuration(c, least) }
	s := ref("duration")
	if least == 0 {
		s = ref("duration_or_zero")
	}
	return valueKey(name, doc, s, read, at)
}

func columnsKey(name, doc string, at func(*model.View) *[]string) key[model.View] {
	return valueKey(name, doc, ref("columns"), readColumns, at)
}

func zoneKey[T any](name, doc string, device bool, at func(*T) *string) key[T] {
	read := func(c cursor) (string, bool) { return readZone(c, device) }
	return valueKey(name, doc, ref("zone"), read, at)
}

func timeColumnKey[T any](name, doc string, at func(*T) *model.TimeColumn) key[T] {
	return timeKey(name, doc, "time_column", timeColumnKeys, at)
}

// ingestColumnKey is a timeColumnKey that may name the commits of a table as well.
func ingestColumnKey[T any](name, doc string, at func(*T) *model.TimeColumn) key[T] {
	return timeKey(name, doc, "ingest_column", ingestColumnKeys, at)
}

func timeKey[T any](name, doc, def string, keys []key[model.TimeColumn], at func(*T) *model.TimeColumn) key[T] {
	return key[T]{
		name: name, doc: doc, schema: ref(def),
		fields: within(at, keys, "column"),
		read:   func(c cursor, t *T) { readTimeColumn(c, at(t), keys) },
	}
}

func fieldAt[T, V any](sub string, at func(*T) *V) field[T] {
	return field[T]{
		sub:  sub,
		copy: func(dst, src *T) { *at(dst) = clone(*at(src)) },
		set:  func(src *T) bool { return !isZero(*at(src)) },
	}
}

// within lifts the fields of a nested map's keys to its owner; the key named main is the short form of the whole.
func within[T, U any](at func(*T) *U, keys []key[U], main string) []field[T] {
	var fields []field[T]
	for _, k := range keys {
		for _, f := range k.fields {
			sub := k.name
			if sub == main {
				sub = ""
			}
			fields = append(fields, field[T]{
				sub:  sub,
				copy: func(dst, src *T) { f.copy(at(dst), at(src)) },
				set:  func(src *T) bool { return f.set(at(src)) },
			})
		}
	}
	return fields
}

// --- the keys of a view ----------------------------------------------------------------------------------------

var (
	units      = []string{"s", "ms", "us", "ns"}
	grains     = []string{string(model.GrainHour), string(model.GrainDay), string(model.GrainWeek), string(model.GrainMonth)}
	meanings   = []string{string(model.OfEventTime), string(model.OfIngestedAt), string(model.OfSnapshot)}
	sequences  = []string{string(model.ExpectAll), string(model.ExpectWeekdays), string(model.ExpectAny)}
	references = []string{
		string(model.ReferencePartitionEnd), string(model.ReferencePartitionStart), string(model.ReferenceIngestedAt), string(model.ReferenceAsOf),
	}
	oncePer      = []string{"source", "partition"}
	tableFormats = []string{model.TableDelta, model.TableIceberg}
	severities   = []string{"error", "warn", "off"}
	verdicts     = []string{"pass", "warn"}
)

// above is the least duration of a key whose 0 would mean that nothing is declared.
const above = time.Nanosecond

var timeColumnKeys = []key[model.TimeColumn]{
	valueKey("column", "The column's name; a dotted name is a struct path unless a column has that exact name.", ref("text"),
		readColumn, func(t *model.TimeColumn) *string { return &t.Column }),
	zoneKey("zone", `The IANA zone that naive values are read in, or "device". It never shifts an aware value.`, true,
		func(t *model.TimeColumn) *string { return &t.Zone }),
	enumKey("unit", "The unit of integer and floating values. Without it the unit is inferred by magnitude.", units,
		func(t *model.TimeColumn) *string { return &t.Unit }),
	textKey("format", "The format of text values: rfc3339 (the default) or a strptime pattern.", readFormat,
		func(t *model.TimeColumn) *string { return &t.Format }),
}

// ingestColumnKeys are those of an ingest time, which the log of a table may say.
var ingestColumnKeys = append(slices.Clip(timeColumnKeys), key[model.TimeColumn]{
	name: "commit", doc: "`true`, of `ingested_at` only, in a table whose rows have no ingest time of their own: the time of the commit that added a row's file. It takes the place of a column.",
	schema: schema{"const": true}, read: readCommit,
})

// readCommit reads commit: true, which is a column of the table's log.
func readCommit(c cursor, t *model.TimeColumn) {
	if c.node.Kind != yaml.ScalarNode || c.node.ShortTag() != "!!bool" || c.node.Value != "true" {
		c.expected("true (or leave it out)")
		return
	}
	t.Column = model.CommitColumn
	c.mark()
}

// readTimeColumn reads a name or a map. The column is always known by the key itself, since that is what a name sets.
func readTimeColumn(c cursor, t *model.TimeColumn, keys []key[model.TimeColumn]) {
	if c.node.Kind != yaml.MappingNode {
		if column, ok := readText(c, "a column name or a map of column, zone, unit and format"); ok {
			t.Column = column
			c.mark()
		}
		return
	}
	scope, named := c.inner(), 0
	for _, e := range c.entries() {
		i := slices.IndexFunc(keys, func(k key[model.TimeColumn]) bool { return k.name == e.name })
		if i < 0 {
			c.with(scope).unknown(e, names(keys))
			continue
		}
		child := c.child(e, scope)
		if e.name == "column" || e.name == "commit" {
			child.key = c.key
			if named++; named > 1 {
				child.fail("column and commit are two ingest times: keep one")
				continue
			}
		}
		keys[i].read(child, t)
	}
	if t.Unit != "" && t.Format != "" {
		c.fail("unit is for numbers and format is for text: keep the one that the column needs")
	}
}

// readTable reads a map of what is said of a table; the origin of its name on Trino is that of the map, as of the name alone.
func readTable(c cursor, t *model.TableAt) {
	for _, e := range c.entries() {
		i := slices.IndexFunc(tableKeys, func(k key[model.TableAt]) bool { return k.name == e.name })
		if i < 0 {
			c.with(c.inner()).unknown(e, names(tableKeys))
			continue
		}
		child := c.child(e, c.inner())
		if e.name == "trino" {
			child.key = c.key
		}
		tableKeys[i].read(child, t)
	}
}

func (c cursor) with(scope string) cursor {
	c.scope = scope
	return c
}

var timePartitionKeys = []key[model.TimePartition]{
	valueKey("column", "The hive keys that carry the time, coarse to fine: dt, or [year, month, day, hour].", ref("columns"),
		readColumns, func(p *model.TimePartition) *[]string { return &p.Columns }),
	enumKey("grain", "The length of a partition in its zone's calendar. A week begins on Monday.", grains,
		func(p *model.TimePartition) *model.Grain { return &p.Grain }),
	zoneKey("zone", "The IANA zone of the partitions' calendar. Default UTC.", false,
		func(p *model.TimePartition) *string { return &p.Zone }),
	enumKey("of", "What a partition's date says: its rows happened in it (event_time, the default), arrived in it (ingested_at), or restate every entity as of its end (snapshot).",
		meanings, func(p *model.TimePartition) *model.PartitionMeaning { return &p.Of }),
	enumKey("expected", "Which partitions the calendar must hold. Default all.", sequences,
		func(p *model.TimePartition) *model.Expected { return &p.Expected }),
	textKey("expected_by", "For whom each partition must exist: source, view, or a hive key of the paths such as region. Default: each declared source where paths tell the source, else the view.",
		readColumn, func(p *model.TimePartition) *string { return &p.ExpectedBy }),
	durationKey("complete_after", "How long after its end a partition may still grow. Default 0.", 0,
		func(p *model.TimePartition) *time.Duration { return &p.CompleteAfter }),
}

var tableKeys = []key[model.TableAt]{
	textKey("trino", "The table's name on Trino, catalog.schema.name; its parts may be left out that the engine's own catalog and schema say. `table: NAME` is short for it.",
		func(c cursor) (string, bool) {
			return readName(c, "the name of a table, such as lake.features.transactions")
		}, func(t *model.TableAt) *string { return &t.Trino }),
	enumKey("format", "delta or iceberg. Default: what the folder holds.", tableFormats,
		func(t *model.TableAt) *string { return &t.Format }),
	valueKey("version", "The number of a Delta version, or the id of an Iceberg snapshot.", schema{"type": "integer", "minimum": 0},
		func(c cursor) (*int64, bool) {
			n, ok := readInt(c, 0, "the number of a version, 0 or more")
			return &n, ok
		},
		func(t *model.TableAt) **int64 { return &t.Version }),
	valueKey("as_of", "An instant: the version that was the newest then.", ref("text"), readInstant,
		func(t *model.TableAt) *time.Time { return &t.AsOf }),
	textKey("branch", "A branch or tag of an Iceberg table.", readColumn, func(t *model.TableAt) *string { return &t.Branch }),
	textKey("name", "NAMESPACE.TABLE: an Iceberg table in the REST catalog whose address is the path.", readColumn, func(t *model.TableAt) *string { return &t.Name }),
	textKey("warehouse", "The warehouse of that catalog. Default: the catalog's own.", readColumn, func(t *model.TableAt) *string { return &t.Warehouse }),
	valueKey("relocated", "true: an Iceberg table was moved as a whole, and what its metadata names below its old folder lies below path.", schema{"const": true},
		func(c cursor) (bool, bool) {
			if c.node.Kind != yaml.ScalarNode || c.node.ShortTag() != "!!bool" || c.node.Value != "true" {
				c.expected("true (or leave it out)")
				return false, false
			}
			return true, true
		},
		func(t *model.TableAt) *bool { return &t.Relocated }),
}

var sourceKeys = []key[model.SourcePolicy]{
	valueKey("path", "A glob of this source's own files, relative to the config file.", ref("text"), readGlob,
		func(s *model.SourcePolicy) *string { return &s.Path }),
	timeColumnKey("event_time", "How this source writes the event time.", func(s *model.SourcePolicy) *model.TimeColumn { return &s.EventTime }),
	ingestColumnKey("ingested_at", "How this source writes the ingest time.", func(s *model.SourcePolicy) *model.TimeColumn { return &s.IngestedAt }),
	zoneKey("zone", `The IANA zone of this source's naive times, or "device" where its writers stamp their own local time.`, true,
		func(s *model.SourcePolicy) *string { return &s.Zone }),
	durationKey("max_age", "How old this source's newest event may be.", above, func(s *model.SourcePolicy) *time.Duration { return &s.MaxAge }),
	durationKey("max_lag", "How late after its event time a row of this source may arrive.", above,
		func(s *model.SourcePolicy) *time.Duration { return &s.MaxLag }),
	valueKey("until", "The day (UTC) from which on the source is retired and no longer expected to be fresh.", ref("date"), readDate,
		func(s *model.SourcePolicy) *time.Time { return &s.Until }),
}

// checkKeys are the keys that a check may have; which of them it has is the catalogue's to say.
var checkKeys = []key[model.CheckPolicy]{
	enumKey("severity", "error, warn, or off for a check that is not wanted.", severities,
		func(p *model.CheckPolicy) *string { return &p.Severity }),
	valueKey("max_fraction", "The fraction of a finding's rows that may be bad, 0 to 1.",
		schema{"type": "number", "minimum": 0, "maximum": 1},
		func(c cursor) (*float64, bool) { f, ok := readFraction(c); return &f, ok },
		func(p *model.CheckPolicy) **float64 { return &p.MaxFraction }),
	valueKey("min_rows", "The least number of rows that a fraction is judged on, or the floor of thin-partitions.",
		schema{"type": "integer", "minimum": 0},
		func(c cursor) (*int64, bool) {
			n, ok := readInt(c, 0, "a whole number of rows, 0 or more")
			return &n, ok
		},
		func(p *model.CheckPolicy) **int64 { return &p.MinRows }),
	valueKey("max_rows", "The most rows of a closed partition, for thick-partitions.",
		schema{"type": "integer", "minimum": 1},
		func(c cursor) (*int64, bool) {
			n, ok := readInt(c, 1, "a whole number of rows, 1 or more")
			return &n, ok
		},
		func(p *model.CheckPolicy) **int64 { return &p.MaxRows }),
	valueKey("max_ratio", "How many times the usual number of rows a closed partition may hold, for thick-partitions; above 1.",
		schema{"type": "number", "exclusiveMinimum": 1},
		func(c cursor) (*float64, bool) { f, ok := readRatio(c); return &f, ok },
		func(p *model.CheckPolicy) **float64 { return &p.MaxRatio }),
	valueKey("must_see", "The share of rows at another offset that a pass of mixed-zones must be able to see, above 0.",
		schema{"type": "number", "exclusiveMinimum": 0, "maximum": 1},
		func(c cursor) (*float64, bool) {
			f, ok := readFraction(c)
			if ok && f == 0 {
				c.expected("a fraction above 0 and up to 1, such as 0.05 for 5 %")
				return nil, false
			}
			return &f, ok
		},
		func(p *model.CheckPolicy) **float64 { return &p.MustSee }),
}

var viewKeys = []key[model.View]{
	ownerKey("The team that answers for the view; copied to results, and what gate --owner selects.",
		func(v *model.View) *string { return &v.Owner }),
	{
		name: "path", doc: "The view's Parquet files: a glob (** * ? [] {a,b}), a directory or a file, relative to the config file.", schema: ref("text"),
		// A relative path means nothing without the folder it starts from, so they travel together.
		fields: []field[model.View]{{
			copy: func(dst, src *model.View) { dst.Path, dst.Root, dst.NoFiles = src.Path, src.Root, "" },
			set:  func(src *model.View) bool { return src.Path != "" },
		}},
		read: func(c cursor, v *model.View) {
			if path, ok := readGlob(c); ok {
				v.Path = path
				c.mark()
			}
		},
	},
	timeColumnKey("event_time", "When a row happened: a column, or a map that says how to read it.", func(v *model.View) *model.TimeColumn { return &v.EventTime }),
	ingestColumnKey("ingested_at", "When the store got the row: a column, or a map that says how to read it.", func(v *model.View) *model.TimeColumn { return &v.IngestedAt }),
	{
		name: "source", doc: "Where a row's source (batch, streaming) comes from: a column, or {path_segment: N} for the Nth folder below the fixed part of the path.",
		schema: schema{"oneOf": []any{ref("text"), schema{
			"type": "object", "additionalProperties": false, "required": []any{"path_segment"},
			"properties": schema{"path_segment": schema{"type": "integer", "minimum": 1}},
		}}},
		fields: []field[model.View]{fieldAt("", func(v *model.View) *model.SourceColumn { return &v.Source })},
		read:   func(c cursor, v *model.View) { readSource(c, &v.Source) },
	},
	{
		name: "sources", doc: "The sources that get verdicts of their own, each with what it overrides.",
		schema: schema{"type": "object", "additionalProperties": objectSchema(sourceKeys)},
		read:   readSources,
	},
	columnsKey("entity", "The columns that identify what the features are of.", func(v *model.View) *[]string { return &v.Entity }),
	columnsKey("writer", "The columns that say who stamped a row's times, such as a device. Default: the entity.", func(v *model.View) *[]string { return &v.Writer }),
	columnsKey("key", "The columns of which no two rows may agree. Default: entity and event time, as a warning.", func(v *model.View) *[]string { return &v.Key }),
	valueKey("once_per", "A key may appear once for each of these: source, partition.",
		listOf(enumSchema(oncePer)),
		func(c cursor) ([]string, bool) {
			return readWords(c, "word", func(c cursor) (string, bool) { return readEnum(c, oncePer) })
		},
		func(v *model.View) *[]string { return &v.OncePer }),
	columnsKey("measures", "The columns whose sum a repeated row would inflate.", func(v *model.View) *[]string { return &v.Measures }),
	columnsKey("payload", "The columns in which replayed rows must agree. Default: all but key, times, source and partition columns.", func(v *model.View) *[]string { return &v.Payload }),
	columnsKey("sensitive", "Columns whose values leave the program hashed or numbered, never as they are.", func(v *model.View) *[]string { return &v.Sensitive }),
	{
		name: "ttl", doc: "How long a row stays valid after its event time. 0 or null never expires and is a finding; {never: reason} acknowledges it.",
		schema: ref("ttl"),
		fields: []field[model.View]{fieldAt("", func(v *model.View) *model.TTL { return &v.TTL })},
		read:   func(c cursor, v *model.View) { readTTL(c, &v.TTL) },
	},
	durationKey("max_age", "How old the newest event may be: what consumers are promised.", above, func(v *model.View) *time.Duration { return &v.MaxAge }),
	durationKey("max_lag", "How late after its event time a row may arrive.", above, func(v *model.View) *time.Duration { return &v.MaxLag }),
	durationKey("tolerance", "How far after its ingest time an event time may lie before its row is a future row. Default 5m.", 0,
		func(v *model.View) *time.Duration { return &v.Tolerance }),
	durationKey("rewrites", "How far back closed partitions are rewritten by design; what changes in older ones is a finding of rewritten-partitions.", above,
		func(v *model.View) *time.Duration { return &v.Rewrites }),
	zoneKey("zone", `The IANA zone of naive times, or "device". Default UTC.`, true, func(v *model.View) *string { return &v.Zone }),
	valueKey("zones", "The zones whose offsets zone evidence may propose. Default: every offset in use at the time.", ref("zones"),
		func(c cursor) ([]string, bool) {
			return readWords(c, "zone", func(c cursor) (string, bool) { return readZone(c, false) })
		},
		func(v *model.View) *[]string { return &v.Zones }),
	enumKey("reference", "The instant that stale-rows measures a row's age at. Default: partition_end where there is a time partition.", references,
		func(v *model.View) *model.Reference { return &v.Reference }),
	{
		name: "table", doc: "Which version of a table is audited, where path is the folder of a Delta or Iceberg table (default: the newest); as a name alone, the table on Trino.",
		schema: schema{"oneOf": []any{ref("text"), objectSchema(tableKeys)}},
		fields: within(func(v *model.View) *model.TableAt { return &v.Table }, tableKeys, "trino"),
		read: func(c cursor, v *model.View) {
			if c.node.Kind == yaml.ScalarNode && c.node.ShortTag() == "!!str" {
				if name, ok := readName(c, "the name of a table, such as lake.features.transactions"); ok {
					v.Table.Trino = name
					c.mark()
				}
				return
			}
			if !c.isMap(`a map such as {version: 12}, or the name of a table on Trino`) {
				return
			}
			readTable(c, &v.Table)
			if v.Table.Named() > 1 {
				c.fail("version, as_of and branch each name a version of the table: keep one of them")
			}
		},
	},
	{
		name: "time_partition", doc: "How the view's paths carry time. What is not said is inferred from the paths.",
		schema: objectSchema(timePartitionKeys),
		fields: within(func(v *model.View) *model.TimePartition { return &v.TimePartition }, timePartitionKeys, ""),
		read: func(c cursor, v *model.View) {
			if c.isMap(`a map such as {column: dt, grain: day}`) {
				readMap(c.with(c.inner()), timePartitionKeys, &v.TimePartition)
			}
		},
	},
	{
		name: "checks", doc: "What is asked of a check for this view, by check id.",
		schema: schema{"type": "object", "additionalProperties": objectSchema(checkKeys)},
		read:   readChecks,
	},
}

func readSource(c cursor, s *model.SourceColumn) {
	if c.node.Kind != yaml.MappingNode {
		if column, ok := readText(c, "a column name or {path_segment: N}"); ok {
			*s = model.SourceColumn{Column: column}
			c.mark()
		}
		return
	}
	scope := c.inner()
	entries := c.entries()
	for _, e := range entries {
		if e.name != "path_segment" {
			c.with(scope).unknown(e, []string{"path_segment"})
			continue
		}
		n, ok := readInt(c.child(e, scope), 1, "the number of a folder below the fixed part of the path, 1 for the first")
		if ok && n <= 1000 {
			*s = model.SourceColumn{PathSegment: int(n)}
			c.mark()
		} else if ok {
			c.child(e, scope).fail("found " + strconv.FormatInt(n, 10) + ", expected at most 1000")
		}
	}
	if len(entries) == 0 {
		c.expected("a column name or {path_segment: N}")
	}
}

func readSources(c cursor, v *model.View) {
	if !c.isMap("a map of source names, such as {batch: {max_age: 30h}, streaming: {}}") {
		return
	}
	for _, e := range c.with(c.inner()).entries() {
		s := c.child(e, c.scope)
		s.name = "sources." + e.name
		if !s.isMap("a map of " + strings.Join(names(sourceKeys), ", ") + "; {} for none") {
			continue
		}
		policy := model.SourcePolicy{Name: e.name}
		s.mark()
		readMap(s.with(s.inner()), sourceKeys, &policy)
		v.Sources = append(v.Sources, policy)
	}
	slices.SortFunc(v.Sources, func(a, b model.SourcePolicy) int { return strings.Compare(a.Name, b.Name) })
}

func readTTL(c cursor, t *model.TTL) {
	switch {
	case isNull(c.node):
		*t = model.TTL{OnWire: "absent"}
		c.mark()
	case c.node.Kind == yaml.MappingNode:
		readNever(c, t)
	case c.node.Kind == yaml.SequenceNode:
		c.expected(durationExample + ", or {never: reason}")
	case c.node.ShortTag() == "!!str" && slices.Contains(neverWords, strings.ToLower(strings.TrimSpace(c.node.Value))):
		c.expected("{never: REASON}: that rows never expire is acknowledged with its reason, as in ttl: {never: static reference data}")
	default:
		d, ok := readAnyDuration(c)
		if !ok {
			return
		}
		*t = model.TTL{Duration: d, OnWire: "set", Explicit: true}
		if d == 0 {
			t.OnWire = "zero"
		}
		c.mark()
	}
}

// neverWords are what people write for a ttl that never ends.
var neverWords = []string{"never", "none", "null", "nil", "off", "no", "inf", "infinite", "infinity", "forever", "unlimited"}

func readNever(c cursor, t *model.TTL) {
	scope := c.inner()
	entries := c.entries()
	for _, e := range entries {
		if e.name != "never" {
			c.with(scope).unknown(e, []string{"never"})
			continue
		}
		if reason, ok := readText(c.child(e, scope), "the reason why rows never expire"); ok {
			*t = model.TTL{Never: reason, OnWire: "absent", Explicit: true}
			c.mark()
		}
	}
	if len(entries) == 0 {
		c.expected("a duration or {never: reason}")
	}
}

func readChecks(c cursor, v *model.View) {
	if !c.isMap("a map of check ids, such as {stale-rows: {severity: warn}}") {
		return
	}
	for _, e := range c.with(c.inner()).entries() {
		keys, known := c.d.keysOf(e.key, e.name, c.scope)
		if !known {
			continue
		}
		s := c.child(e, c.scope)
		s.name = "checks." + e.name
		if !s.isMap("a map of " + strings.Join(names(keys), ", ") + ", such as {severity: off}") {
			continue
		}
		policy := model.CheckPolicy{}
		s.mark()
		readCheck(s.with(s.inner()), e.name, keys, &policy)
		if v.Checks == nil {
			v.Checks = map[string]model.CheckPolicy{}
		}
		v.Checks[e.name] = policy
	}
}

// keysOf are the keys that a check of a view has below "checks". A check that no view can set is a problem at the node.
func (d *decoder) keysOf(n *yaml.Node, id, scope string) (keys []key[model.CheckPolicy], known bool) {
	if d.parameters == nil {
		return checkKeys, d.knownCheck(n, id, scope)
	}
	if words, ok := d.parameters[id]; ok {
		return only(checkKeys, words), true
	}
	if slices.Contains(d.checks, id) {
		d.add(n.Line, n.Column, fmt.Sprintf("%q %s: it is judged for no view alone, so that a view cannot set it; expected one of %s; suppress: may name it",
			id, scope, strings.Join(slices.Sorted(maps.Keys(d.parameters)), ", ")))
		return nil, false
	}
	d.unknownCheck(n, id, scope, slices.Sorted(maps.Keys(d.parameters)))
	return nil, false
}

// only keeps the keys with these names.
func only[T any](keys []key[T], words []string) []key[T] {
	return slices.DeleteFunc(slices.Clone(keys), func(k key[T]) bool { return !slices.Contains(words, k.name) })
}

func readCheck(c cursor, id string, keys []key[model.CheckPolicy], p *model.CheckPolicy) {
	for _, e := range c.entries() {
		if i := slices.IndexFunc(keys, func(k key[model.CheckPolicy]) bool { return k.name == e.name }); i >= 0 {
			keys[i].read(c.child(e, c.scope), p)
			continue
		}
		known := strings.Join(names(keys), ", ")
		switch {
		case slices.Contains(names(checkKeys), e.name):
			c.d.add(e.key.Line, e.key.Column, fmt.Sprintf("unknown key %q %s: other checks have it, %s does not; known keys: %s", e.name, c.scope, id, known))
		default:
			c.d.add(e.key.Line, e.key.Column, fmt.Sprintf(`unknown key %q %s: %sknown keys: %s; "severity: off" turns the check off`,
				shorten(e.name), c.scope, DidYouMean(e.name, names(keys)), known))
		}
	}
}

// knownCheck judges a check id where the ids are known, and complains at the node.
func (d *decoder) knownCheck(n *yaml.Node, id, scope string) bool {
	if d.checks == nil || slices.Contains(d.checks, id) {
		return true
	}
	d.unknownCheck(n, id, scope, d.checks)
	return false
}

func (d *decoder) unknownCheck(n *yaml.Node, id, scope string, known []string) {
	d.add(n.Line, n.Column, "unknown check "+strconv.Quote(shorten(id))+" "+scope+": "+DidYouMean(id, known)+`"featureaudit checks" lists them`)
}
