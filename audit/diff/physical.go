package diff

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// losesValues says whether some column of a change of physical types holds less than it did: a zone is lost, digits, or
// letters.
func losesValues(c Change) bool {
	older, _ := c.Old.(map[string]string)
	newer, _ := c.New.(map[string]string)
	for path, before := range older {
		if after, ok := newer[path]; ok && narrower(before, after) {
			return true
		}
	}
	return false
}

// sizedType is a type's name and its numbers: decimal(10,2), varchar(20).
var sizedType = regexp.MustCompile(`^([a-z0-9_ ]+?)\s*(?:\(\s*(\d+)\s*(?:,\s*(-?\d+)\s*)?\))?$`)

// physicalWidths are the types of whole and of floating numbers, from the narrowest to the widest.
var physicalWidths = [][]string{
	{"tinyint", "smallint", "int2", "integer", "int", "int4", "bigint", "int8", "int64", "long"},
	{"half", "float16", "real", "float4", "float32", "float", "double", "double precision", "float8", "float64"},
}

// same are names of one type, each after the first by another product.
var same = map[string]string{
	"numeric": "decimal", "number": "decimal", "int2": "smallint", "int": "integer", "int4": "integer", "int8": "bigint", "int64": "bigint", "long": "bigint",
	"float16": "half", "float4": "real", "float32": "real", "float": "real", "double precision": "double", "float8": "double", "float64": "double",
	"character varying": "varchar", "nvarchar": "varchar", "string": "varchar", "text": "varchar", "char": "varchar", "character": "varchar",
}

func narrower(before, after string) bool {
	a, b := strings.ToLower(strings.TrimSpace(before)), strings.ToLower(strings.TrimSpace(after))
	if zoned(a) != zoned(b) && timed(a) {
		return zoned(a)
	}
	x, y := sizedType.FindStringSubmatch(a), sizedType.FindStringSubmatch(b)
	if x == nil || y == nil {
		return false
	}
	from, to := canonicalType(x[1]), canonicalType(y[1])
	for _, order := range physicalWidths {
		i, j := slices.Index(order, from), slices.Index(order, to)
		if i >= 0 && j >= 0 {
			return j < i
		}
	}
	if from != to {
		return false
	}
	if from == "decimal" {
		return x[2] != "" && y[2] != "" && (whole(y[2])-whole(y[3]) < whole(x[2])-whole(x[3]) || whole(y[3]) < whole(x[3]))
	}
	return y[2] != "" && (x[2] == "" || whole(y[2]) < whole(x[2]))
}

func canonicalType(name string) string {
	if to, ok := same[name]; ok {
		return to
	}
	return name
}

// whole is a number that a type is written with; none, and one that no type has, is 0.
func whole(text string) int {
	n, _ := strconv.Atoi(text)
	return n
}

func timed(name string) bool { return strings.Contains(name, "time") }

// zoned says whether a type of times keeps the instant, and not a wall clock alone.
func zoned(name string) bool {
	return strings.Contains(name, "timestamptz") || strings.Contains(name, "timetz") || strings.Contains(name, "with time zone") || strings.Contains(name, "with local time zone") ||
		strings.Contains(name, "datetimeoffset") || strings.Contains(name, "_tz") || strings.Contains(name, "_ltz")
}
