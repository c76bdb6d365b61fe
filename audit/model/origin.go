package model

import "strings"

// OriginKind says how a config key came to its value.
type OriginKind uint8

// The kinds of origins. OriginUnset is that of a key that nobody has looked at.
const (
	OriginUnset OriginKind = iota
	// OriginWritten: it stands somewhere for this view.
	OriginWritten
	// OriginDefault: nobody wrote it.
	OriginDefault
	// OriginForAll: the defaults of a config file give it to every view. Of a time_partition, of sensitive and of payload it holds only for
	// views whose paths or files have the columns.
	OriginForAll
	// OriginInferred: the paths of files tell it.
	OriginInferred
	// OriginNotInferred: the paths of files do not tell it.
	OriginNotInferred
)

// Origin is where the value of a config key comes from.
type Origin struct {
	Kind OriginKind
	// Place is where it is written: "featureaudit.yaml:12", "flag --ttl", "feast registry data/registry.db". Where it is not inferred,
	// it says why.
	Place string
}

// Written is the origin of a value that stands in a place.
func Written(place string) Origin { return Origin{OriginWritten, place} }

// Set says whether the key has an origin at all.
func (o Origin) Set() bool { return o.Kind != OriginUnset }

// Shared says whether the view has the value for want of one of its own: by default, or from the defaults of a config file.
func (o Origin) Shared() bool { return o.Kind == OriginDefault || o.Kind == OriginForAll }

// The words of origins in a report.
const (
	defaultText     = "default"
	forAllPrefix    = "default ("
	inferredText    = "inferred from paths"
	notInferredText = "not inferred: "
)

// String is the origin as a report writes it.
func (o Origin) String() string {
	switch o.Kind {
	case OriginDefault:
		return defaultText
	case OriginForAll:
		return forAllPrefix + o.Place + ")"
	case OriginInferred:
		return inferredText
	case OriginNotInferred:
		return notInferredText + o.Place
	default:
		return o.Place
	}
}

// parseOrigin reads an origin from a report.
func parseOrigin(text string) Origin {
	if place, forAll := strings.CutPrefix(text, forAllPrefix); forAll {
		return Origin{OriginForAll, strings.TrimSuffix(place, ")")}
	}
	if why, is := strings.CutPrefix(text, notInferredText); is {
		return Origin{OriginNotInferred, why}
	}
	switch text {
	case "":
		return Origin{}
	case defaultText:
		return Origin{Kind: OriginDefault}
	case inferredText:
		return Origin{Kind: OriginInferred}
	}
	return Written(text)
}

// Origins maps a config key ("ttl", "event_time", "time_partition.grain") to where its value comes from.
type Origins map[string]Origin

// Texts are the origins as a report writes them.
func (o Origins) Texts() map[string]string {
	texts := make(map[string]string, len(o))
	for key, origin := range o {
		texts[key] = origin.String()
	}
	return texts
}

// ParseOrigins reads the origins of a report.
func ParseOrigins(texts map[string]string) Origins {
	origins := make(Origins, len(texts))
	for key, text := range texts {
		origins[key] = parseOrigin(text)
	}
	return origins
}
