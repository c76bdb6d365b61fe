package odcs

import (
	"fmt"
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
