package model

import (
	"maps"
	"strings"
)

// OriginDefaultMark begins the origin of a time_partition key, or of sensitive or payload, that a config file's defaults gave to
// every view: "default (featureaudit.yaml:9)". It holds only for views whose paths or files have its columns.
const OriginDefaultMark = "default ("

// DefaultPartition says whether the view's partition columns come from the defaults of a config file, so that a view
// whose paths do not have them is simply not partitioned that way.
func (v View) DefaultPartition() bool {
	return strings.HasPrefix(v.Origins["time_partition.column"], OriginDefaultMark)
}

// WithoutDefaultPartition takes back every time_partition key that the defaults gave, as if they had not been written.
// Keys of the view's own stay.
func (v View) WithoutDefaultPartition() View {
	v.Origins = maps.Clone(v.Origins)
	p := &v.TimePartition
	take := func(key, rest string, reset func()) {
		name := "time_partition." + key
		if !strings.HasPrefix(v.Origins[name], OriginDefaultMark) {
			return
		}
		reset()
		delete(v.Origins, name)
		if rest != "" {
			v.Origins[name] = rest
		}
	}
	take("column", "", func() { p.Columns = nil })
	take("grain", "", func() { p.Grain = GrainNone })
	take("zone", "default", func() { p.Zone = "" })
	take("of", "default", func() { p.Of = OfEventTime })
	take("expected", "default", func() { p.Expected = ExpectAll })
	take("complete_after", "default", func() { p.CompleteAfter = 0 })
	return v
}
