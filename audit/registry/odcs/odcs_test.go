package odcs

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func contractWith(sla string) []byte {
	return []byte(`apiVersion: v3.1.0
kind: DataContract
id: x
name: pay
schema:
  - name: t
    properties:
      - {name: b, logicalType: integer, primaryKey: true, primaryKeyPosition: 2}
      - {name: a, logicalType: string, primaryKey: true, primaryKeyPosition: 1}
      - {name: ts, logicalType: timestamp}
slaProperties:
  - ` + sla + "\n")
}

func TestServiceLevels(t *testing.T) {
	for sla, want := range map[string]string{
		"{property: latency, value: 4, unit: d, element: t.ts}":     "max_age 345600 event ts",
		"{property: freshness, value: 24, unit: hours}":             "max_age 86400 event ",
		"{property: freshness, value: PT6H, element: ts}":           "max_age 21600 event ts",
		"{property: latency, value: 0.5, unit: min, element: ts}":   "max_age 30 event ts",
		"{property: latency, value: 5, unit: d, element: other.ts}": "max_age <nil> event ",
		"{property: retention, value: 3, unit: y}":                  "max_age <nil> event  retention 3 y",
		"{property: retention, value: P30D}":                        "max_age <nil> event  retention 30d",
		"{property: frequency, value: 1, unit: d}":                  "max_age <nil> event  frequency 1d",
		"{property: availability, value: 99.9, unit: '%'}":          "max_age <nil> event ",
	} {
		d, err := Decode("c.yaml", contractWith(sla))
		if err != nil {
			t.Errorf("%s: %v", sla, err)
			continue
		}
		v := d.Views[0]
		age := "<nil>"
		if v.MaxAgeSeconds != nil {
			age = fmt.Sprint(*v.MaxAgeSeconds)
		}
		got := "max_age " + age + " event " + v.EventTime
		for _, key := range []string{"retention", "frequency"} {
			if v.Settings[key] != "" {
				got += " " + key + " " + v.Settings[key]
			}
		}
		if got != want || strings.Join(v.Key, ",") != "a,b" {
			t.Errorf("%s: got %s key %v, want %s", sla, got, v.Key, want)
		}
	}
}

func TestErrorsNameTheLine(t *testing.T) {
	for sla, want := range map[string]string{
		"{property: latency, value: 5, unit: m}":      `c.yaml:12: service level latency: unit "m" is minutes to some readers and months to others: write min, or an ISO 8601 duration such as PT30M`,
		"{property: retention, value: 5, unit: m}":    `c.yaml:12: service level retention: unit "m"`,
		"{property: freshness, value: 1, unit: y}":    "c.yaml:12: service level freshness: a y has no fixed length: write it in days (unit: d)",
		"{property: freshness, value: 5}":             `value "5" without a unit: expected an ISO 8601 duration such as PT6H`,
		"{property: freshness, value: soon, unit: d}": `value "soon": expected a number above 0`,
		"{property: freshness, value: 5, unit: xx}":   `unit "xx": expected s, min, h, d or w`,
	} {
		if _, err := Decode("c.yaml", contractWith(sla)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %s", sla, err, want)
		}
	}
	for text, want := range map[string]string{
		"apiVersion: v2.2.2\nkind: DataContract\n":    `c.yaml: apiVersion "v2.2.2": expected v3.x`,
		"dataContractSpecification: 1.2.0\nid: x\n":   "convert it (datacontract export --format odcs)",
		"apiVersion: v3.1.0\nkind: DataContract\n":    "the contract has no schema",
		"apiVersion: v3.1.0\nschema: [{}]\nkind: x\n": "c.yaml:2: an object of the schema has no name",
	} {
		if _, err := Decode("c.yaml", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %s", text, err, want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(contractWith("{property: latency, value: 4, unit: d, element: t.ts}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if d, err := Decode("c.yaml", data); err == nil && len(d.Views) == 0 {
			t.Error("no view and no error")
		}
	})
}

// TestLatencyIsNoFreshness: each service level is what it is, and one that stands in for another says so.
func TestLatencyIsNoFreshness(t *testing.T) {
	for sla, want := range map[string]string{
		"{property: freshness, value: 6, unit: h}\n  - {property: latency, value: 2, unit: h}": "21600 7200 ",
		"{property: freshness, value: 6, unit: h}":                                             "21600 0 ",
		"{property: latency, value: 2, unit: h}":                                               "7200 0 latency",
	} {
		d, err := Decode("c.yaml", contractWith(sla))
		if err != nil {
			t.Fatal(err)
		}
		v := d.Views[0]
		got := fmt.Sprintf("%v %v %s", seconds(v.MaxAgeSeconds), seconds(v.MaxLagSeconds), v.MaxAgeBy)
		if got != want {
			t.Errorf("%s: %s, want %s", sla, got, want)
		}
	}
}

func seconds(s *float64) float64 {
	if s == nil {
		return 0
	}
	return *s
}

// TestNothingIsLost: an element that names no object, misspelt keys, and what is known and not judged are all told.
func TestNothingIsLost(t *testing.T) {
	d, err := Decode("c.yaml", []byte(`apiVersion: v3.1.0
kind: DataContract
id: c1
name: shop
servers:
  - {server: prod, type: s3, format: parquet, location: "s3://b/*.parquet", environment: live}
schema:
  - name: orders
    physicalName: orders_v1
    descripton: typo
    properties:
      - {name: ts, logicalType: timestamp, physicalType: timestamptz, required: true, classification: open}
      - {name: amt, physicalType: "decimal(10,2)", unique: true, clasification: x}
      - {name: s, logicalType: object, properties: [{name: inner, logicalType: string}]}
slaProperties:
  - {property: freshness, value: 6, unit: h, element: order.ts}
  - {property: retention, value: 30, unit: d, element: orders_v1.ts, driver: regulatory}
  - {property: availability, value: 99.9, unit: "%"}
  - {property: frequency, value: 1, unit: d, element: orders.tss}
slaPropertys: []
customProperties:
  - {property: plan, value: gold, valeu: typo}
slaDefaultElement: orders.ts
`))
	if err != nil {
		t.Fatal(err)
	}
	var unknown []string
	for _, u := range d.UnknownFields {
		unknown = append(unknown, fmt.Sprintf("%d %s|%s", u.Location.Line, u.Path, u.Near))
	}
	want := []string{
		"13 clasification in column orders.amt|classification",
		"22 customProperties[plan].valeu in the contract|value",
		"10 descripton in object orders|description",
		`19 slaProperties[frequency].element "orders.tss", which names no column of orders|`,
		`16 slaProperties[freshness].element "order.ts", which names no object of the schema (orders)|`,
		"20 slaPropertys in the contract|slaProperties",
	}
	if !slices.Equal(unknown, want) {
		t.Errorf("unknown\n%s\nwant\n%s", strings.Join(unknown, "\n"), strings.Join(want, "\n"))
	}
	v := d.Views[0]
	if v.MaxAgeSeconds != nil || v.Settings["retention"] != "30d" || v.Settings["properties.ts.required"] != "" || v.Settings["properties[ts].required"] != "true" || v.Settings["properties[amt].unique"] != "true" {
		t.Errorf("max_age %v, settings %v", v.MaxAgeSeconds, v.Settings)
	}
	var fields []string
	for _, f := range append(slices.Clone(v.Fields), d.Objects[0].Fields...) {
		fields = append(fields, f.Path+" "+f.Part+" = "+f.Text)
	}
	wantFields := []string{
		"properties[s].properties[inner].logicalType  = string",
		"properties[ts].classification  = open",
		"properties[ts].physicalType physical_type = timestamptz",
		"customProperties[plan]  = gold",
		"id  = c1",
		"servers[prod].environment  = live",
		"servers[prod].format  = parquet",
		"servers[prod].server  = prod",
		"servers[prod].type  = s3",
		"slaDefaultElement  = orders.ts",
		"slaProperties[availability]  = {property: availability, unit: %, value: 99.9}",
		"slaProperties[frequency].element  = orders.tss",
		"slaProperties[freshness].element  = order.ts",
		"slaProperties[retention].driver  = regulatory",
		"slaProperties[retention].element  = orders_v1.ts",
	}
	if !slices.Equal(fields, wantFields) {
		t.Errorf("fields\n%s\nwant\n%s", strings.Join(fields, "\n"), strings.Join(wantFields, "\n"))
	}
}
