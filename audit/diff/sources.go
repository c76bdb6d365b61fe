package diff

import (
	"cmp"
	"maps"
	"strings"

	"github.com/featureaudit/featureaudit/audit/registry"
)

func (p pairing) sources() {
	p.batchSource()
	p.text(SourcePath, "table", p.a.Table, p.b.Table)
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
