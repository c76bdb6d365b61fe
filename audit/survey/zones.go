package survey

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"strings"
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
	// a message is its length after a marker, which the oldest writers leave out
	if len(decoded) >= 4 && binary.LittleEndian.Uint32(decoded) == 0xffffffff {
		decoded = decoded[4:]
	}
	if len(decoded) < 4 {
		return
	}
	message := flat(decoded[4:]).root()
	left := maxFlatFields
	fieldZones(message.table(messageHeader).tables(schemaFields), "", zones, &left)
}

// The places of fields in the tables of arrow's format, and the numbers of its types.
const (
	messageHeader = 2
	schemaFields  = 1
	fieldName     = 0
	fieldKind     = 2
	fieldDetails  = 3
	fieldChildren = 5
	stampZone     = 1

	kindTimestamp = 10
	kindStruct    = 13
)

// fieldZones looks at so many fields as are left.
func fieldZones(fields []table, prefix string, zones map[string]string, left *int) {
	for _, f := range fields {
		if *left--; *left < 0 || len(prefix) > maxFlatName {
			return
		}
		name := prefix + f.text(fieldName)
		switch f.byte(fieldKind) {
		case kindTimestamp:
			if zone := f.table(fieldDetails).text(stampZone); zone != "" {
				zones[name] = zone
			}
		case kindStruct:
			fieldZones(f.tables(fieldChildren), name+".", zones, left)
		}
	}
}

// These keep structs that point to themselves from going on for ever.
const (
	maxFlatFields = 10_000
	maxFlatName   = 16 << 10
)
