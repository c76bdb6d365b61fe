package render

import (
	"slices"

	"github.com/featureaudit/featureaudit/audit/report"
)

// reaches look up who reads a view.
type reaches struct{ services, consumers map[string][]string }

func newReaches(r report.Report) reaches {
	all := reaches{services: map[string][]string{}, consumers: map[string][]string{}}
	for _, d := range r.Definitions {
		for _, s := range d.FeatureServices {
			for _, view := range s.Views {
				all.services[view] = append(all.services[view], Clean(s.Name))
			}
		}
	}
	for _, c := range r.Consumers {
		for _, v := range c.Views {
			all.consumers[v.View] = append(all.consumers[v.View], Clean(c.Name))
		}
	}
	for _, names := range []map[string][]string{all.services, all.consumers} {
		for view := range names {
			slices.Sort(names[view])
			names[view] = slices.Compact(names[view])
		}
	}
	return all
}

// within is what the findings of a view touch, but for their own amount.
func (a reaches) within(one report.ViewResults) Reach {
	reach := Reach{Rows: one.View.Rows, Services: a.services[one.View.Name], Consumers: a.consumers[one.View.Name]}
	for _, res := range one.Results {
		if res.Unit == "entities" {
			reach.Entities = max(reach.Entities, res.RowsTotal)
		}
	}
	return reach
}
