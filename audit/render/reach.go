package render

import (
	"slices"

	"github.com/featureaudit/featureaudit/audit/report"
)

// reaches look up what findings of a view touch.
type reaches struct {
	rows, entities      map[string]int64
	services, consumers map[string][]string
}

func newReaches(r report.Report) reaches {
	all := reaches{rows: map[string]int64{}, entities: map[string]int64{}, services: map[string][]string{}, consumers: map[string][]string{}}
	projects := map[string]string{}
	for _, v := range r.Views {
		all.rows[v.Name], projects[v.Name] = v.Rows, v.Project
	}
	for _, res := range r.Results {
		if res.Unit == "entities" {
			all.entities[res.View] = max(all.entities[res.View], res.RowsTotal)
		}
	}
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

func (a reaches) of(res report.Result) Reach {
	return Reach{Amount: amount(res), Rows: a.rows[res.View], Entities: a.entities[res.View], Services: a.services[res.View], Consumers: a.consumers[res.View]}
}
