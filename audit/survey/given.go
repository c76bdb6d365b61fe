package survey

import (
	"fmt"
	"slices"
	"time"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
)

// givenColumns are those that a role names and a file of a table does not hold, since all its rows have one value of it: the table's log
// has that value.
func givenColumns(file facts.File, s facts.Schema, roles Roles) []facts.Column {
	if file.Table == nil {
		return nil
	}
	var given []facts.Column
	for _, v := range file.Values {
		switch {
		case v.Name == model.CommitColumn:
			if slices.Contains(roles.timeNames(), v.Name) {
				given = append(given, facts.Column{Name: v.Name, Path: v.Name, Physical: "INT64", Logical: "timestamp", Unit: "us", AdjustedToUTC: true, Optional: true, Given: true,
					TypeText: "TIMESTAMP(us, UTC) of the table's log"})
			}
		case s.LookupFold(v.Name) != nil || !slices.Contains(roles.Given, v.Name):
		default:
			given = append(given, facts.Column{Name: v.Name, Path: v.Name, Physical: "BYTE_ARRAY", Logical: "string", Optional: true, Raw: true, Given: true, TypeText: "STRING of the table's log"})
		}
	}
	return given
}

// given are the values of a column that the plan gives, in so many rows of a file.
func given(f facts.File, c facts.Column, rows int, numbers bool) (facts.Values, error) {
	text, known := f.Given(c.Name)
	out := facts.Values{Null: slices.Repeat([]bool{!known}, rows)}
	if !numbers {
		out.Texts = slices.Repeat([]string{text}, rows)
		return out, nil
	}
	at := int64(0)
	if known {
		instant, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			return out, fmt.Errorf("the table's log gives %q: %w", text, err)
		}
		at = instant.UnixMicro()
	}
	out.Ints = slices.Repeat([]int64{at}, rows)
	return out, nil
}
