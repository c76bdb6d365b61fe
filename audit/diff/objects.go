package diff

import (
	"strings"

	"github.com/featureaudit/featureaudit/audit/registry"
)

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
			switch b := s.BatchSource; {
			case b == nil:
				m["timestamp_field"], m["created_timestamp_column"] = s.TimestampField, s.CreatedColumn
			case c.complete: // newer releases copy the columns of the source behind a push or stream source
				m["timestamp_field"], m["created_timestamp_column"] = unlike(s.TimestampField, b.TimestampField), unlike(s.CreatedColumn, b.CreatedColumn)
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
	lost := (a.BatchSource == nil) != (b.BatchSource == nil)
	if lost {
		c.changes = append(c.changes, Change{Object: RegisteredData, Action: Changed, Project: b.Project, Name: b.Name + ".batch_source", Old: orNil(describe(a.BatchSource)), New: orNil(describe(b.BatchSource))})
	}
	for _, f := range fieldChanges(a.Fields, b.Fields)[""] {
		if lost && strings.HasPrefix(f.path, "batch_source.") {
			continue
		}
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
