package model

import "maps"

// DefaultPartition says whether the view's partition columns come from the defaults of a config file, so that a view
// whose paths do not have them is simply not partitioned that way.
func (v View) DefaultPartition() bool {
	return v.Origins["time_partition.column"].Kind == OriginForAll
}

// WithoutDefaultPartition takes back every time_partition key that the defaults gave, as if they had not been written.
// Keys of the view's own stay.
func (v View) WithoutDefaultPartition() View {
	v.Origins = maps.Clone(v.Origins)
	p := &v.TimePartition
	take := func(key string, rest OriginKind, reset func()) {
		name := "time_partition." + key
		if v.Origins[name].Kind != OriginForAll {
			return
		}
		reset()
		delete(v.Origins, name)
		if rest != OriginUnset {
			v.Origins[name] = Origin{Kind: rest}
		}
	}
	take("column", OriginUnset, func() { p.Columns = nil })
	take("grain", OriginUnset, func() { p.Grain = GrainNone })
	take("zone", OriginDefault, func() { p.Zone = "" })
	take("of", OriginDefault, func() { p.Of = OfEventTime })
	take("expected", OriginDefault, func() { p.Expected = ExpectAll })
	take("complete_after", OriginDefault, func() { p.CompleteAfter = 0 })
	return v
}
