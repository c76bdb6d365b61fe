package policy

import (
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/model"
)

// merge lets every key that src sets, as its Origins say, win over dst. Maps merge key by key.
func merge(dst *model.View, src model.View) {
	from := src.Origins
	if dst.Origins == nil {
		dst.Origins = model.Origins{}
	}
	for _, k := range viewKeys {
		mergeFields(dst, &src, k.fields, k.name, dst.Origins, from)
	}
	mergeSources(dst, src)
	mergeChecks(dst, src)
	// Origins of what is no key of the file (a registry's tags, say) are kept as they are.
	for _, key := range slices.Sorted(maps.Keys(from)) {
		if _, known := dst.Origins[key]; !known {
			dst.Origins[key] = from[key]
		}
	}
}

// mergeFields copies the fields that are set: by their own origin, or by that of the whole map if they are not zero.
func mergeFields[T any](dst, src *T, fields []field[T], name string, to, from model.Origins) {
	for _, f := range fields {
		key := name
		if f.sub != "" {
			key = name + "." + f.sub
		}
		origin, set := from[key]
		if !set && f.sub != "" && f.set(src) {
			origin, set = from[name]
		}
		if set {
			f.copy(dst, src)
			to[key] = origin
		}
	}
}

func mergeSources(dst *model.View, src model.View) {
	for _, s := range src.Sources {
		i, found := slices.BinarySearchFunc(dst.Sources, s.Name, func(d model.SourcePolicy, name string) int { return strings.Compare(d.Name, name) })
		if !found {
			dst.Sources = slices.Insert(dst.Sources, i, model.SourcePolicy{Name: s.Name})
		}
		name := "sources." + s.Name
		if origin, set := src.Origins[name]; set {
			dst.Origins[name] = origin
		}
		for _, k := range sourceKeys {
			mergeFields(&dst.Sources[i], &s, k.fields, name+"."+k.name, dst.Origins, src.Origins)
		}
	}
}

func mergeChecks(dst *model.View, src model.View) {
	for _, id := range slices.Sorted(maps.Keys(src.Checks)) {
		theirs, ours := src.Checks[id], dst.Checks[id]
		name := "checks." + id
		if origin, set := src.Origins[name]; set {
			dst.Origins[name] = origin
		}
		for _, k := range checkKeys {
			mergeFields(&ours, &theirs, k.fields, name+"."+k.name, dst.Origins, src.Origins)
		}
		if dst.Checks == nil {
			dst.Checks = map[string]model.CheckPolicy{}
		}
		dst.Checks[id] = ours
	}
}

// asDefaults rewrites the origins of a file's defaults so that a time_partition of theirs, and their lists of columns, can be told
// from a view's own: they hold only where a view has the columns, which the survey sees and this does not.
func asDefaults(v model.View) model.View {
	v.Origins = maps.Clone(v.Origins)
	for key, origin := range v.Origins {
		if strings.HasPrefix(key, "time_partition.") || key == "sensitive" || key == "payload" {
			v.Origins[key] = model.Origin{Kind: model.OriginForAll, Place: origin.String()}
		}
	}
	return v
}

// clone copies a value so that views share no memory.
func clone[V any](v V) V {
	rv := reflect.ValueOf(&v).Elem()
	switch rv.Kind() {
	case reflect.Slice:
		if !rv.IsNil() {
			rv.Set(reflect.AppendSlice(reflect.MakeSlice(rv.Type(), 0, rv.Len()), rv))
		}
	case reflect.Pointer:
		if !rv.IsNil() {
			p := reflect.New(rv.Type().Elem())
			p.Elem().Set(rv.Elem())
			rv.Set(p)
		}
	}
	return v
}

func isZero[V any](v V) bool { return reflect.ValueOf(&v).Elem().IsZero() }
