package check

import "testing"

// TestDriftsInWords names a type only where the check compares it: that of the event time is for mixed-encoding.
func TestDriftsInWords(t *testing.T) {
	for want, d := range map[string]drift{
		`"a" is missing`:                {column: "a", change: "missing", expected: "INT64"},
		`"a" (INT64) is new`:            {column: "a", change: "new", found: "INT64"},
		`"event_time" is new`:           {column: "event_time", change: "new"},
		`"a" is INT32 instead of INT64`: {column: "a", change: "type", found: "INT32", expected: "INT64"},
	} {
		if got := driftInWords(d.measures()); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
