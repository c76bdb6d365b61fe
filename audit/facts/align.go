package facts

import (
	"encoding/json"
	"slices"
)

// AlignMarkKey is the key of a Parquet file's metadata under which align says what it did.
const AlignMarkKey = "featureaudit.align"

// AlignMark is what align says in the metadata of a file that it wrote.
type AlignMark struct {
	// Added are the columns that it added: they are derived from others, and no payload.
	Added []string `json:"added"`
	// Report is the id of the report whose corrections were made; empty where there is none.
	Report string `json:"report,omitempty"`
}

// Marshal is the value under AlignMarkKey.
func (m AlignMark) Marshal() (string, error) {
	raw, err := json.Marshal(m)
	return string(raw), err
}

// AddedByAlign are the columns that a file's metadata says align added; none where the value is no mark.
func AddedByAlign(value string) []string {
	var m AlignMark
	if err := json.Unmarshal([]byte(value), &m); err != nil {
		return nil
	}
	return slices.DeleteFunc(m.Added, func(name string) bool { return name == "" })
}
