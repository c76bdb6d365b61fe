package diff

import (
	"cmp"
	"slices"

	"github.com/featureaudit/featureaudit/audit/registry"
)

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
