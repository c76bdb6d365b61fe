package render

import (
	"cmp"
	"io"

	"github.com/featureaudit/featureaudit/audit/report"
)

// odcsContract is a contract of the Open Data Contract Standard, v3.1.0, that holds what was checked.
type odcsContract struct {
	APIVersion string       `json:"apiVersion"`
	Kind       string       `json:"kind"`
	ID         string       `json:"id"`
	Name       string       `json:"name"`
	Version    string       `json:"version"`
	Status     string       `json:"status"`
	Schema     []odcsObject `json:"schema"`
	SLA        []odcsSLA    `json:"slaProperties,omitempty"`
}

type odcsObject struct {
	Name         string         `json:"name"`
	PhysicalName string         `json:"physicalName,omitempty"`
	LogicalType  string         `json:"logicalType"`
	Quality      []odcsQuality  `json:"quality"`
	Properties   []odcsProperty `json:"customProperties"`
}

type odcsQuality struct {
	Name           string         `json:"name"`
	Type           string         `json:"type"`
	Engine         string         `json:"engine"`
	Implementation string         `json:"implementation"`
	Description    string         `json:"description"`
	Dimension      string         `json:"dimension"`
	Severity       string         `json:"severity"`
	Unit           string         `json:"unit"`
	Properties     []odcsProperty `json:"customProperties"`
}

type odcsProperty struct {
	Property string `json:"property"`
	Value    any    `json:"value"`
}

type odcsSLA struct {
	Property string  `json:"property"`
	Value    float64 `json:"value"`
	Unit     string  `json:"unit"`
	Element  string  `json:"element"`
}

// ODCS writes what was checked as the quality rules of a contract of ODCS v3.1.0. The standard has no place for results: each stands in
// the custom properties of its rule (outcome, rowsTotal, rowsBad, message). The promised age of a view is its latency.
func ODCS(w io.Writer, r report.Report, o Options) error {
	doc := odcsContract{APIVersion: "v3.1.0", Kind: "DataContract", ID: runID(r), Name: "featureaudit", Version: cmp.Or(Clean(r.AsOf), "0"), Status: "active", Schema: []odcsObject{}}
	for _, v := range NewOutline(r, o.Words).Views {
		if v.View.Name == "" {
			continue
		}
		object := odcsObject{Name: v.Name, PhysicalName: Clean(v.View.Definition.Path), LogicalType: "object", Quality: []odcsQuality{},
			Properties: []odcsProperty{{"outcome", string(v.View.Outcome)}, {"rows", v.View.Rows}}}
		if v.Owner != "" {
			object.Properties = append(object.Properties, odcsProperty{"owner", v.Owner})
		}
		for _, item := range v.All {
			if item.Result.Outcome != report.NotApplicable {
				object.Quality = append(object.Quality, odcsQualityOf(item))
			}
		}
		doc.Schema = append(doc.Schema, object)
		if age := v.View.Definition.MaxAgeSeconds; age != nil {
			doc.SLA = append(doc.SLA, odcsSLA{Property: "latency", Value: *age, Unit: "s", Element: v.Name + "." + cmp.Or(Clean(v.View.Definition.EventTime), "event_time")})
		}
	}
	return Document(w, doc)
}

func odcsQualityOf(item Item) odcsQuality {
	res := item.Result
	properties := []odcsProperty{{"outcome", string(res.Outcome)}, {"rowsTotal", res.RowsTotal}, {"rowsBad", res.RowsBad}, {"message", item.Says}}
	if res.State != "" {
		properties = append(properties, odcsProperty{"state", string(res.State)}, odcsProperty{"since", Clean(res.Since)})
	}
	return odcsQuality{Name: item.Check, Type: "custom", Engine: "featureaudit", Implementation: item.Check, Description: cmp.Or(item.Why, item.Check),
		Dimension: cmp.Or(res.Dimension(), "conformity"), Severity: string(res.Severity), Unit: res.Unit,
		Properties: properties}
}
