package render

import (
	"strings"
	"unicode"
)

// fill lays words out in lines of at most so many columns, between words only: one that is longer than a line stands whole in a line of
// its own. The first line begins with first, the others with next.
func fill(first, next, value string, width int) []string {
	var lines []string
	line, empty, used := first, true, columns(first)
	for _, word := range strings.Fields(value) {
		takes := columns(word)
		if !empty && used+1+takes > width {
			lines = append(lines, line)
			line, empty, used = next, true, columns(next)
		}
		if !empty {
			line, used = line+" ", used+1
		}
		line, used, empty = line+word, used+takes, false
	}
	return append(lines, strings.TrimRight(line, " "))
}

// fillUpTo is fill in at most so many lines. What does not fit is cut between words and marked, after a whole clause or before a bracket
// where little is lost by it, and cut is true.
func fillUpTo(most int, first, next, value string, width int) (lines []string, cut bool) {
	lines = fill(first, next, value, width)
	if len(lines) <= most {
		return lines, false
	}
	all := strings.Fields(value)
	// As many words as leave room for the mark.
	fits := func(n int) bool {
		return len(fill(first, next, strings.Join(all[:n], " ")+" …", width)) <= most
	}
	n := len(all) - 1
	for n > 1 && !fits(n) {
		n--
	}
	kept := strings.Join(all[:n], " ")
	if i := strings.LastIndex(kept, "; "); i > len(kept)*3/4 {
		kept = kept[:i]
	} else if i := strings.LastIndex(kept, " ("); i > len(kept)*3/4 && strings.Count(kept, "(") > strings.Count(kept, ")") {
		kept = kept[:i]
	}
	return fill(first, next, strings.TrimRight(kept, ",;")+" …", width), true
}

// columns is how many columns of a terminal a text takes: none for colours and for marks that stand on the letter before, two for
// wide letters.
func columns(s string) int {
	n, escape := 0, false
	for _, c := range s {
		switch {
		case escape:
			escape = c != 'm'
		case c == '\x1b':
			escape = true
		case unicode.In(c, unicode.Mn, unicode.Me):
		case wide(c):
			n += 2
		default:
			n++
		}
	}
	return n
}

// wide says whether a letter takes two columns, as those of Chinese, Japanese and Korean do, and pictures.
func wide(c rune) bool {
	switch {
	case c < 0x1100:
		return false
	case c <= 0x115F, c >= 0x2E80 && c <= 0xA4CF, c >= 0xAC00 && c <= 0xD7A3, c >= 0xF900 && c <= 0xFAFF, c >= 0xFE30 && c <= 0xFE6F,
		c >= 0xFF00 && c <= 0xFF60, c >= 0xFFE0 && c <= 0xFFE6, c >= 0x1F300 && c <= 0x1FAFF, c >= 0x20000 && c <= 0x3FFFD:
		return true
	}
	return false
}

// padded is a text filled up to so many columns, on the left of it where right is set.
func padded(s string, width int, right bool) string {
	space := strings.Repeat(" ", max(0, width-columns(s)))
	if right {
		return space + s
	}
	return s + space
}
