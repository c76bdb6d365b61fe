package glob

import "strings"

// Similar is the name that is most like a missing one, empty where none is.
func Similar(names []string, missing string) string {
	best, similar := 3, ""
	if missing == "" {
		return ""
	}
	for _, name := range names {
		if d := distance(name, missing); d < best {
			best, similar = d, name
		}
	}
	return similar
}

// distance counts the letters to add, drop or change between two names, in any case of letters.
func distance(a, b string) int {
	x, y := []rune(strings.ToLower(a)), []rune(strings.ToLower(b))
	row := make([]int, len(y)+1)
	for j := range row {
		row[j] = j
	}
	for i := range x {
		diagonal := row[0]
		row[0] = i + 1
		for j := range y {
			change := diagonal
			if x[i] != y[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(y)]
}
