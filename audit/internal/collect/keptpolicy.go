package collect

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/featureaudit/featureaudit/audit/engine"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/kept"
	"github.com/featureaudit/featureaudit/audit/model"
)

// gathered is the version of what a scan leaves behind of a file: raise it with every change of what its facts mean.
const gathered = 1

// restsOn is the table of what facts of a file rest on among the keys of a view: what is not here changes no fact, or is counted anew
// from facts each time. A key that a scan begins to go by needs a line here.
var restsOn = []struct {
	key string
	of  func(v model.View) any
}{
	{"event_time", func(v model.View) any { return v.EventTime }},
	{"ingested_at", func(v model.View) any { return v.IngestedAt }},
	{"source", func(v model.View) any { return v.Source }},
	{"sources", func(v model.View) any { return rowSources(v) }},
	{"zone", func(v model.View) any { return v.Zone }},
	{"entity", func(v model.View) any { return v.Entity }},
	{"writer", func(v model.View) any { return v.Writer }},
	{"key", func(v model.View) any { return v.KeyColumns() }},
	{"once_per", func(v model.View) any { return v.OncePer }},
	{"sensitive", func(v model.View) any { return v.Sensitive }},
	{"ttl", func(v model.View) any { return v.TTL.Duration }},
	{"max_lag", func(v model.View) any { return v.MaxLag }},
	{"tolerance", func(v model.View) any { return v.Tolerance }},
	{"reference", func(v model.View) any { return v.StaleReference() }},
	{"time_partition", func(v model.View) any {
		p := v.TimePartition
		return []any{p.Columns, p.Grain, p.Zone, p.Of}
	}},
}

// rowSources are the parts of declared sources that rows are read and judged by.
func rowSources(v model.View) []any {
	var all []any
	for _, s := range v.Sources {
		all = append(all, []any{s.Name, s.EventTime, s.IngestedAt, s.Zone, s.MaxLag})
	}
	return all
}

// keepPolicy is the digest of all that the facts of every file of the view rest on: the releases, the policy, what is wanted, and the
// forms that the survey found that all files share.
func (c *collector) keepPolicy() string {
	r := &c.roles
	rests := map[string]any{}
	for _, line := range restsOn {
		rests[line.key] = line.of(r.view)
	}
	zones := map[string]string{}
	for name, table := range r.zones.made {
		zones[name] = fmt.Sprintf("%v", *table)
	}
	return digestOf(map[string]any{"format": kept.Format, "gathered": gathered, "release": c.request.Release, "view": rests, "zones": zones,
		"wants": r.wants &^ facts.WantBefore, "wide": len(c.oncePer()) > 0, "key_forms": r.keyForms, "entity_forms": r.entityForms, "writer_forms": r.writerForms,
		"hash_bits": c.request.HashBits, "seals": c.seals.digest()})
}

// keepState is the digest of what the facts of one file rest on beside its bytes and the policy: how the survey has its columns read,
// which may follow from other files, and its place.
func (c *collector) keepState(file *facts.File) string {
	l := c.layouts[file.Schema]
	state := map[string]any{"layout": c.layoutDigest(l), "source": file.Source, "values": file.Values, "mask": file.RowMask, "rows": file.Rows}
	if file.Partition >= 0 {
		p := c.survey.Partitions[file.Partition]
		state["partition"] = []any{p.Start, p.End, p.Stray}
	}
	return digestOf(state)
}

// layoutDigest is that of how the files of a schema are read.
func (c *collector) layoutDigest(l *layout) string {
	if known, ok := c.layoutDigests[l.schema.ID]; ok {
		return known
	}
	column := func(column facts.Column) facts.Column {
		column.Min, column.Max, column.HasBounds = 0, 0, false // over all files of the schema: they decide the unit only, which is in it
		return column
	}
	var parts []any
	add := func(p engine.Part) { parts = append(parts, column(p.Column), p.Form, p.Missing) }
	for _, s := range l.selects {
		parts = append(parts, s.Kind, s.Unit)
		for _, p := range s.Parts {
			add(p)
		}
	}
	for _, raw := range l.raws {
		parts = append(parts, "raw", raw.vector, column(raw.column), raw.numbers)
	}
	for _, t := range timeColumns(c.roles.view) {
		encoding := facts.EncodingNone
		if found := l.schema.Lookup(t.Column); found != nil {
			encoding = l.schema.Encoding(*found)
		}
		at, read := l.times[t]
		parts = append(parts, t, encoding, at, read)
	}
	for _, k := range append(append([]keyTime{}, l.keyTimes...), l.identityTimes...) {
		parts = append(parts, k.column, k.written)
	}
	for _, own := range l.own {
		parts = append(parts, own.name, own.vector, own.timed, own.aware)
	}
	parts = append(parts, l.source, l.keyHash, l.keyTexts, l.keyNulls, l.entityInt, l.entityText, l.writerInt, l.writerText, l.filedByEvent)
	digest := digestOf(parts)
	c.layoutDigests[l.schema.ID] = digest
	return digest
}

func digestOf(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("collect: a digest of what has no JSON: %v", err)) // plain values only
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:16])
}
