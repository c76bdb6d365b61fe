package collect

import (
	"fmt"

	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/zone"
)

// zoneTables holds the transition tables of the zones that a view's naive times are read in.
type zoneTables struct {
	atlas *zone.Atlas
	made  map[string]*zone.Table
}

// load gives a zone's table, or nil for UTC. Device-local times are read as UTC: their zone is unknown row by row, and
// every verdict that rests on them says so.
func (z zoneTables) load(name string) (*zone.Table, error) {
	if name == "" || name == "UTC" || name == model.ZoneDevice {
		return nil, nil
	}
	if table, ok := z.made[name]; ok {
		return table, nil
	}
	table, err := z.atlas.Load(name)
	if err != nil {
		return nil, fmt.Errorf("zone %q: %w", name, err)
	}
	z.made[name] = table
	return table, nil
}
