package survey

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/ipc"
)

// zonesOf reads the zone names that arrow and pandas leave beside the schema, by column path. They never change a
// value, so metadata that does not decode is as good as none.
func zonesOf(f footer) map[string]string {
	zones := map[string]string{}
	if strings.Contains(f.pandas, `"timezone"`) {
		pandasZones(f.pandas, zones)
	}
	if f.arrow != "" {
		arrowZones(f.arrow, zones)
	}
	return zones
}

func pandasZones(text string, zones map[string]string) {
	var meta struct {
		Columns []struct {
			Name      any    `json:"name"`
			FieldName string `json:"field_name"`
			Metadata  any    `json:"metadata"`
		} `json:"columns"`
	}
	if err := json.Unmarshal([]byte(text), &meta); err != nil {
		return
	}
	for _, c := range meta.Columns {
		details, _ := c.Metadata.(map[string]any)
		zone, _ := details["timezone"].(string)
		name := c.FieldName
		if name == "" {
			name, _ = c.Name.(string)
		}
		if zone != "" && name != "" {
			zones[name] = zone
		}
	}
}

func arrowZones(text string, zones map[string]string) {
	decoded, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		decoded, err = base64.RawStdEncoding.DecodeString(text)
	}
	if err != nil {
		return
	}
	reader, err := ipc.NewReader(bytes.NewReader(decoded))
	if err != nil {
		return
	}
	defer reader.Release()
	fieldZones(reader.Schema().Fields(), "", zones)
}

func fieldZones(fields []arrow.Field, prefix string, zones map[string]string) {
	for _, f := range fields {
		switch t := f.Type.(type) {
		case *arrow.TimestampType:
			if t.TimeZone != "" {
				zones[prefix+f.Name] = t.TimeZone
			}
		case *arrow.StructType:
			fieldZones(t.Fields(), prefix+f.Name+".", zones)
		}
	}
}
