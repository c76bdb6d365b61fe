package report

import "math"

// Measures are the numbers and texts by which a result or a finding says more than its counts, by name. A report holds
// them as JSON: a number that was set as one type may come back as another, so that they are read by these methods, and
// never by an assertion of the type. What is not there, or is of another kind, reads as not known.
type Measures map[string]any

// Number is a finite number, whole or not.
func (m Measures) Number(name string) (n float64, known bool) {
	switch v := m[name].(type) {
	case float64:
		return v, !math.IsNaN(v) && !math.IsInf(v, 0)
	case int64:
		return float64(v), true
	case int:
		return float64(v), true
	}
	return 0, false
}

// Count is a whole number, exact.
func (m Measures) Count(name string) (n int64, known bool) { return whole(m[name]) }

// Add adds to a count, which begins at 0.
func (m Measures) Add(name string, n int64) {
	before, _ := m.Count(name)
	m[name] = before + n
}

// Text is a text, empty where it is not known.
func (m Measures) Text(name string) string {
	text, _ := m[name].(string)
	return text
}

// Is says whether a measure is true.
func (m Measures) Is(name string) bool {
	said, _ := m[name].(bool)
	return said
}

// Counts is a list of whole numbers; not known where one of them is none.
func (m Measures) Counts(name string) (list []int64, known bool) {
	switch v := m[name].(type) {
	case []int64:
		return v, true
	case []any:
		list = make([]int64, len(v))
		for i := range v {
			if list[i], known = whole(v[i]); !known {
				return nil, false
			}
		}
		return list, true
	}
	return nil, false
}

// Objects is a list of objects, each with measures of its own. Elements that are no object are left out.
func (m Measures) Objects(name string) []Measures {
	var list []Measures
	switch v := m[name].(type) {
	case []Measures:
		return v
	case []map[string]any:
		for _, one := range v {
			list = append(list, one)
		}
	case []any:
		for _, one := range v {
			if object, is := one.(map[string]any); is {
				list = append(list, object)
			}
		}
	}
	return list
}

// whole reads a whole number that a float64 or an int64 holds.
func whole(value any) (int64, bool) {
	const beyond = 1 << 63
	switch v := value.(type) {
	case int64:
		return v, true
	case int:
		return int64(v), true
	case float64:
		if v != math.Trunc(v) || v < -beyond || v >= beyond {
			return 0, false
		}
		return int64(v), true
	}
	return 0, false
}
