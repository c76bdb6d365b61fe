package trino

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/featureaudit/featureaudit/audit/engine"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/internal/collect"
	"github.com/featureaudit/featureaudit/audit/times"
)

// rowsSQL are the values of the part that all queries begin with: the rows with their files, sources and times.
type rowsSQL struct {
	// Files are what the cluster is told of each file, by NameBytes of a hash of its name, and Rules what their rows are judged by. Known says
	// that the files have the instant beside at which their rows were known.
	Files, Rules                  string
	NameBytes                     int
	Known                         bool
	Source, Table, Where          string
	Fields                        []string
	SentinelBefore, SentinelAfter int64
	Columns                       []namedSQL
}

type namedSQL struct{ Name, Expression string }

// view is one order under way.
type view struct {
	// turn is held by a step of it but while it waits for the cluster: all else here is for one at a time.
	turn  *sync.Mutex
	order engine.Order
	rules *collect.Elsewhere
	table *described
	paths paths
	files []int32 // those that are read
	// fresh are those of them whose facts are not known, and keeps says that facts are kept of them.
	fresh []int32
	keeps bool
	// answers are of all rows together.
	answers ofAll
	// told and rulesText are what the cluster is told of files and rules, as SQL writes texts; toldKnown has the instants beside at which rows
	// were known.
	told, toldKnown, rulesText string
	// readings are the distinct ways in which times are read, by the file's index of it and the source's name; "" is any other source.
	readings  []reading
	readingOf map[int32]int
	sources   []string
	// seen are the sources of rows that the profile has counted.
	seen    []string
	columns []namedSQL
	source  string
	event   timeSQL
	// key, entity and writer are the parts of identities that the cluster can read.
	key, entity, writer []part
	// text is the event time's own text where it may not parse.
	unparsedText string
	// cut are the conditions by which a value may have been cut to the length that the table declares.
	cut []cutting
	// odd are the schemas whose files the table cannot read, with the reason.
	odd map[int32]refusal
}

// reading is how the files of one schema and partition are read, for each declared source and any other.
type reading struct {
	schema int32
	rules  []collect.RowRules
}

// part is a column of a key, an entity or a writer.
type part struct {
	// groups are the expressions that tell values apart, by name; text is the canonical text of the value, empty for a time, whose
	// first two groups are microseconds and nanoseconds.
	groups  []namedSQL
	text    string
	timed   bool
	integer bool
	null    string
	form    engine.Form
}

// fields are what rows are judged by of what the cluster is told of their file, beside its number and known_by.
var fields = []string{"stale_before", "unreferenced", "part", "part_start", "part_end", "snapshot_end", "partition_id", "filed_by_event", "wanted"}

// cutting is a text column that the table declares shorter than any text.
type cutting struct {
	column, when string
	most         int64
}

// mayCut remembers a text that the table may cut, by its name in the query.
func (v *view) mayCut(column *facts.Column, name string) {
	_, typeText, _ := v.table.reference(*column)
	if most := longest(typeText); most > 0 {
		v.cut = append(v.cut, cutting{column.Path, fmt.Sprintf("length(%s) >= %d", name, most), most})
	}
}

// prepare makes the expressions. A role that the cluster cannot read is refused with the reason.
func (v *view) prepare() error {
	view := v.order.View
	v.sources = []string{""}
	for _, s := range view.Sources {
		v.sources = append(v.sources, s.Name)
	}
	v.readingOf = map[int32]int{}
	for _, id := range v.files {
		file := &v.order.Survey.Files[id]
		rules := v.rules.RulesOf(file, "")
		if _, ok := v.readingOf[file.Schema]; !ok {
			v.readingOf[file.Schema] = len(v.readings)
			r := reading{schema: file.Schema}
			for _, source := range v.sources {
				r.rules = append(r.rules, v.rules.RulesOf(file, source))
			}
			v.readings = append(v.readings, r)
		}
		if len(rules.Own) > 0 {
			v.rules.Refuse("partition_column", fmt.Sprintf("files have a column %q of their own beside the partition of that name, and Trino shows the partition's value in its place: "+
				"whether both agree is not known; run this check with --engine duckdb", rules.Own[0]), 0)
		}
	}
	v.addSource()
	v.addTimes()
	v.addIdentities()
	return v.tell(v.files)
}

// tell makes what the cluster is told of some files: it knows no others then.
func (v *view) tell(files []int32) error {
	told := &telling{index: map[string]int64{}, files: map[string][2]int64{}, known: map[string][3]int64{}}
	for _, id := range files {
		file := &v.order.Survey.Files[id]
		told.add(v.paths.there(file.Abs), file, v.readingOf[file.Schema], v.rules.RulesOf(file, ""))
	}
	for _, one := range []struct {
		value any
		into  *string
	}{{told.files, &v.told}, {told.known, &v.toldKnown}, {told.rules, &v.rulesText}} {
		raw, err := json.Marshal(one.value)
		if err != nil {
			return err
		}
		*one.into = literal(string(raw))
	}
	return nil
}

// telling is what the cluster is told of the files, by their short names: what many have in common is said once.
type telling struct {
	files map[string][2]int64
	known map[string][3]int64
	rules [][]any
	index map[string]int64
}

// nameBytes are so many of a hash that no two of a billion files are likely to have the same; a file that is none of the view's would have
// to have that of one to be taken for it, and is found by its number of rows even then.
const nameBytes = 9

// shortName is the hash of a file's name as the cluster writes it.
func shortName(there string) string {
	sum := sha256.Sum256([]byte(there))
	return base64.StdEncoding.EncodeToString(sum[:nameBytes])
}

func (t *telling) add(there string, file *facts.File, reading int, r collect.RowRules) {
	part := 0
	switch {
	case r.Partitioned && r.Dated:
		part = 2
	case r.Partitioned:
		part = 1
	}
	rule := []any{file.Source, reading, instantOrNull(r.Stale.Before), r.Stale.Unreferenced, part, instantOrNull(bound(part, r.Start)), instantOrNull(bound(part, r.End)),
		instantOrNull(r.SnapshotEnd), file.Partition, r.FiledByEvent, r.InRange}
	key := fmt.Sprintf("%q", rule)
	at, known := t.index[key]
	if !known {
		t.rules = append(t.rules, rule)
		at = int64(len(t.rules)) // arrays begin at 1
		t.index[key] = at
	}
	name := shortName(there)
	t.files[name], t.known[name] = [2]int64{int64(file.ID), at}, [3]int64{int64(file.ID), at, int64(r.Limits.KnownBy)}
}

func bound(part int, at times.Instant) times.Instant {
	if part < 2 {
		return times.None
	}
	return at
}

func instantOrNull(at times.Instant) any {
	if !at.Known() {
		return nil
	}
	return int64(at)
}

// column finds a column in the first schema that has it, or in the first whose numbers the cluster takes for others.
func (v *view) column(name string) *facts.Column {
	var first *facts.Column
	for _, r := range v.readings {
		found := v.order.Survey.Schemas[r.schema].Lookup(name)
		switch {
		case found == nil:
		case unsigned(*found):
			return found
		case first == nil:
			first = found
		}
	}
	return first
}

// unsigned says that the cluster takes some numbers of a column for negative ones: the bits of unsigned integers, read as signed.
func unsigned(c facts.Column) bool {
	return c.Unsigned && (c.Physical == "INT64" || c.Width >= 32)
}

func unsignedReason(c facts.Column) string {
	return fmt.Sprintf("column %q is %s, which Trino reads as a signed integer, so that large values become others; run this with --engine duckdb", c.Path, c.TypeText)
}

// refuse says why a role cannot be read.
func (v *view) refuse(role string, r refusal, without facts.Wants) {
	if r.beyond {
		v.rules.Beyond(role, r.reason, without)
		return
	}
	v.rules.Refuse(role, r.reason, without)
}

// addSource says where a row's source stands: in its path, or in a column.
func (v *view) addSource() {
	v.source = "coalesce(t.\"read by\".path_source, '')"
	name := v.order.View.Source.Column
	column := v.column(name)
	if name == "" || column == nil {
		return
	}
	text, refused := v.table.textOf(*column, engine.FormOf(*column))
	if refused.reason != "" {
		v.refuse("source", refused, facts.WantRows)
		return
	}
	v.mayCut(column, "source")
	v.source = "CASE WHEN t.\"read by\".path_source <> '' THEN t.\"read by\".path_source ELSE coalesce(" + text + ", '') END"
}

// addTimes reads event and ingest times, by file and source where they are read in several ways.
func (v *view) addTimes() {
	event := v.choose("event_time", func(r collect.RowRules) collect.TimeRead { return r.Event }, facts.WantRows&^facts.WantNulls)
	ingest := v.choose("ingested_at", func(r collect.RowRules) collect.TimeRead { return r.Ingested }, facts.WantRows&^facts.WantNulls)
	v.event = event
	v.columns = append(v.columns, namedSQL{"e0", event.micros}, namedSQL{"i0", ingest.micros}, namedSQL{"e_odd", flag(event.odd)},
		namedSQL{"e_unparsed", flag(event.unparsed)}, namedSQL{"e_offset", flag(event.offset)}, namedSQL{"e_bare", flag(event.bare)})
	if event.value != "" {
		v.unparsedText = "e_text"
		v.columns = append(v.columns, namedSQL{"e_text", event.value})
	}
}

// choose reads a time in the way of each file and source; one that cannot be read refuses the role.
func (v *view) choose(role string, of func(collect.RowRules) collect.TimeRead, without facts.Wants) timeSQL {
	type way struct {
		reading int
		source  string
		sql     timeSQL
	}
	var ways []way
	var odd []int
	var first refusal
	for i, r := range v.readings {
		for j, rules := range r.rules {
			made, refused := v.table.timeOf(of(rules))
			if refused.reason != "" {
				odd, first = append(odd, i), cmp.Or(first, refused)
				continue
			}
			ways = append(ways, way{i, v.sources[j], made})
		}
	}
	switch {
	case len(odd) > 0 && (len(ways) == 0 || first.beyond):
		v.refuse(role, first, without)
		return noTime
	case len(odd) > 0:
		// a column of a table has one type: files of another cannot be read by it, and the others can
		for _, reading := range odd {
			v.odd[v.readings[reading].schema] = first
		}
	case len(ways) == 0:
		return noTime
	}
	if !differs(ways, ways[0].sql, func(w way) timeSQL { return w.sql }) {
		return ways[0].sql
	}
	pick := func(of func(timeSQL) string, none string) string {
		if !slices.ContainsFunc(ways, func(w way) bool { return of(w.sql) != "" }) {
			return ""
		}
		text := "CASE"
		// a named source goes before any other
		for _, named := range []bool{true, false} {
			for _, w := range ways {
				if (w.source != "") != named {
					continue
				}
				condition := fmt.Sprintf(`t."read by".reading = %d`, w.reading)
				if named {
					condition += " AND " + v.source + " = " + literal(w.source)
				}
				value := of(w.sql)
				if value == "" {
					value = none
				}
				text += " WHEN " + condition + " THEN " + value
			}
		}
		return text + " END"
	}
	return timeSQL{micros: pick(func(t timeSQL) string { return t.micros }, "NULL"), nanos: pick(func(t timeSQL) string { return t.nanos }, "0"),
		there: pick(func(t timeSQL) string { return t.there }, "false"), odd: pick(func(t timeSQL) string { return t.odd }, "false"),
		unparsed: pick(func(t timeSQL) string { return t.unparsed }, "false"), offset: pick(func(t timeSQL) string { return t.offset }, "false"),
		bare: pick(func(t timeSQL) string { return t.bare }, "false"), value: pick(func(t timeSQL) string { return t.value }, "CAST(NULL AS varchar)")}
}

func differs[W any](ways []W, from timeSQL, of func(W) timeSQL) bool {
	return slices.ContainsFunc(ways, func(w W) bool { return of(w) != from })
}

// addIdentities reads what tells keys, entities and writers apart.
func (v *view) addIdentities() {
	wants := v.rules.Wants()
	if wants.Has(facts.WantKeys | facts.WantNulls) {
		v.key = v.identity("key", "k", v.rules.Key(), func(r collect.RowRules) []*collect.TimeRead { return r.KeyTimes }, facts.WantKeys|facts.WantNulls)
	}
	if wants.Has(facts.WantEntities) {
		v.entity = v.identity("entity", "n", v.rules.Entity(), func(r collect.RowRules) []*collect.TimeRead { return r.EntityTimes }, facts.WantEntities)
	}
	if wants.Has(facts.WantWriters) {
		v.writer = v.identity("writer", "w", v.rules.Writer(), func(r collect.RowRules) []*collect.TimeRead { return r.WriterTimes }, facts.WantWriters)
	}
	for _, parts := range [][]part{v.key, v.entity, v.writer} {
		for _, p := range parts {
			v.columns = append(v.columns, p.groups...)
		}
	}
}

func (v *view) identity(role, prefix string, columns []collect.Identity, times func(collect.RowRules) []*collect.TimeRead, without facts.Wants) []part {
	var parts []part
	for i, c := range columns {
		name := fmt.Sprintf("%s%d", prefix, i)
		column := v.column(c.Name)
		if column == nil {
			v.rules.Leave(without)
			return nil
		}
		if c.Form.Kind == engine.FormInstant || c.Form.Kind == engine.FormWritten {
			read := v.choose(role, func(r collect.RowRules) collect.TimeRead {
				if at := times(r); i < len(at) && at[i] != nil {
					return *at[i]
				}
				return collect.TimeRead{Stored: column, Encoding: facts.EncodingAware}
			}, without)
			if v.rules.Problem(role) != "" {
				return nil
			}
			p := part{timed: true, form: c.Form, null: name + " IS NULL", groups: []namedSQL{{name, read.micros}}}
			if read.nanos != "" {
				p.groups = append(p.groups, namedSQL{name + "_ns", read.nanos})
			}
			parts = append(parts, p)
			continue
		}
		group, text, refused := v.table.valueOf(*column, c.Form, name)
		if refused.reason != "" {
			v.refuse(role, refused, without)
			return nil
		}
		if c.Form.Kind == engine.FormText {
			v.mayCut(column, name)
		}
		parts = append(parts, part{form: c.Form, integer: len(columns) == 1 && c.Form.Kind == engine.FormInteger, text: text, null: name + " IS NULL", groups: []namedSQL{{name, group}}})
	}
	return parts
}

// whole says that no part of an identity is NULL.
func whole(parts []part) string {
	conditions := make([]string, len(parts))
	for i, p := range parts {
		conditions[i] = "NOT (" + p.null + ")"
	}
	return strings.Join(conditions, " AND ")
}

func names(parts []part) string {
	var all []string
	for _, p := range parts {
		for _, g := range p.groups {
			all = append(all, g.Name)
		}
	}
	return strings.Join(all, ", ")
}

// hashOf is a hash of an identity by which keys are cut into buckets and asked for again; it tells none apart.
func hashOf(parts []part) string {
	var texts []string
	for _, p := range parts {
		for _, g := range p.groups {
			texts = append(texts, "coalesce(CAST("+g.Name+" AS varchar), '')")
		}
	}
	if len(parts) == 1 && parts[0].integer {
		return "from_big_endian_64(xxhash64(to_big_endian_64(" + parts[0].groups[0].Name + ")))"
	}
	text := texts[0]
	if len(texts) > 1 {
		text = "concat(" + strings.Join(texts, ", chr(0), ") + ")"
	}
	return "from_big_endian_64(xxhash64(to_utf8(" + text + ")))"
}

// rows are the values of the part that all queries begin with.
func (v *view) rows(where string) rowsSQL {
	sentinels := v.limits()
	return rowsSQL{Files: v.told, Rules: v.rulesText, NameBytes: nameBytes, Fields: fields, Source: v.source, Table: v.table.from(), Where: where, Columns: v.columns,
		SentinelBefore: int64(sentinels.SentinelBefore), SentinelAfter: int64(sentinels.SentinelAfter)}
}

// limits are those that hold for all rows.
func (v *view) limits() facts.Limits { return v.readings[0].rules[0].Limits }

// valueOf is the expression of a column that equal values have in common, and its canonical text.
func (d *described) valueOf(c facts.Column, form engine.Form, name string) (group, text string, refused refusal) {
	ref, typeText, reason := d.reference(c)
	if reason != "" {
		return "", "", refusal{reason: reason}
	}
	kind := kindOf(typeText)
	fits := func(ok bool) refusal {
		if ok {
			return refusal{}
		}
		return refusal{reason: fmt.Sprintf("the table %s declares column %q as %s, and files hold %s: values of these are not compared alike", d.name, c.Path, typeText, c.TypeText)}
	}
	beyond := func(text string) (string, string, refusal) { return "", "", refusal{text, true} }
	if unsigned(c) {
		return beyond(unsignedReason(c))
	}
	switch form.Kind {
	case engine.FormInteger:
		return "CAST(" + ref + " AS bigint)", "CAST(" + name + " AS varchar)", fits(kind == kindInteger)
	case engine.FormHugeInteger:
		return "CAST(" + ref + " AS decimal(38,0))", "CAST(" + name + " AS varchar)", fits(kind == kindDecimal)
	case engine.FormDecimal:
		if form.Exact {
			return beyond(fmt.Sprintf("column %q is %s: Trino has no decimals of more than 38 digits; run this with --engine duckdb", c.Path, c.TypeText))
		}
		return fmt.Sprintf("CAST(%s AS decimal(38,%d))", ref, form.Scale), "CAST(" + name + " AS varchar)", fits(kind == kindDecimal || kind == kindInteger)
	case engine.FormDouble:
		return "if(CAST(" + ref + " AS double) = 0e0, 0e0, CAST(" + ref + " AS double))", "CAST(" + name + " AS varchar)", fits(kind == kindDouble)
	case engine.FormText:
		if strings.HasPrefix(typeText, "char") {
			return "", "", refusal{reason: fmt.Sprintf("the table %s declares column %q as %s, which Trino fills up with spaces: declare it as varchar", d.name, c.Path, typeText)}
		}
		return "CAST(" + ref + " AS varchar)", name, fits(kind == kindText)
	case engine.FormBytes:
		return "to_hex(" + ref + ")", name, fits(kind == kindBytes)
	case engine.FormUUID:
		if kind == kindUUID {
			return "CAST(" + ref + " AS varchar)", name, refusal{}
		}
		hex := "lower(to_hex(" + ref + "))"
		return "concat(substr(" + hex + ", 1, 8), '-', substr(" + hex + ", 9, 4), '-', substr(" + hex + ", 13, 4), '-', substr(" + hex + ", 17, 4), '-', substr(" + hex + ", 21))", name, fits(kind == kindBytes)
	case engine.FormDate:
		return "CAST(" + ref + " AS varchar)", name, fits(kind == kindDate)
	case engine.FormBool:
		return "CAST(" + ref + " AS varchar)", name, fits(kind == kindBool)
	case engine.FormNull:
		return "CAST(NULL AS varchar)", name, refusal{}
	case engine.FormInstant, engine.FormWritten:
		if kind == kindTimestampZone {
			return "CAST(" + ref + " AT TIME ZONE 'UTC' AS varchar)", name, refusal{}
		}
		return "CAST(" + ref + " AS varchar)", name, fits(kind == kindTimestamp)
	case engine.FormNested:
		return "json_format(CAST(" + ref + " AS json))", name, fits(kind == kindNested)
	default:
		return beyond(fmt.Sprintf("column %q is %s, which Trino does not read; run this with --engine duckdb", c.Path, c.TypeText))
	}
}

// textOf is a column as its canonical text.
func (d *described) textOf(c facts.Column, form engine.Form) (text string, refused refusal) {
	group, _, refused := d.valueOf(c, form, "")
	if refused.reason != "" {
		return "", refused
	}
	switch form.Kind {
	case engine.FormInteger, engine.FormHugeInteger, engine.FormDecimal, engine.FormDouble:
		return "CAST(" + group + " AS varchar)", refusal{}
	default:
		return group, refusal{}
	}
}
