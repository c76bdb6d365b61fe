package strptime

import (
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestFieldsMatchWhatParses changes texts at random, and demands that the expression of a pattern matches those that parse, and
// besides them only days that no calendar has.
func TestFieldsMatchWhatParses(t *testing.T) {
	patterns := map[string][]string{
		"%Y-%m-%d %H:%M:%S":          {"2026-11-03 07:08:09", "2026-1-3 7:8:9", "2026-02-30 07:08:09"},
		"%Y-%m-%dT%H:%M:%S.%f%z":     {"2026-11-03T07:08:09.5+05:30", "2026-11-03T07:08:09.123456789Z", "2026-11-03T07:08:09.1-08"},
		"%Y-%m-%d %H:%M %:z":         {"2026-11-03 07:08 +05:30", "2026-11-03 07:08 Z", "2026-11-03 07:08 +0530"},
		"%Y%m%d%H%M%S%f":             {"20261103070809123456", "202611030708091234567"},
		"%d/%m/%y %I:%M %p":          {"03/11/26 12:59 am", "3/1/69 1:05 PM"},
		"%d-%b-%Y":                   {"03-NOV-2026", "3-november-2026", "03-Mayo-2026"},
		"100%% [%Y] (%B) {%d} \\ %H": {"100% [2026] (May) {3} \\ 7", "100% [2026] (march) {31} \\ 23"},
	}
	const alphabet = "0123456789 :-+.,/TZzapmAPMNové%[]{}"
	rng := rand.New(rand.NewPCG(1, 2))
	for pattern, texts := range patterns {
		compiled, err := Compile(pattern)
		if err != nil {
			t.Fatal(err)
		}
		text, directives, ok := compiled.Fields()
		if !ok {
			t.Errorf("%s has no fields", pattern)
			continue
		}
		expression := regexp.MustCompile(text)
		if expression.NumSubexp() != len(directives) {
			t.Errorf("%s has %d groups for %d directives", text, expression.NumSubexp(), len(directives))
		}
		parsed := 0
		for range 20_000 {
			changed := []byte(texts[rng.IntN(len(texts))])
			for range rng.IntN(3) {
				changed[rng.IntN(len(changed))] = alphabet[rng.IntN(len(alphabet))]
			}
			if rng.IntN(4) == 0 {
				changed = changed[:rng.IntN(len(changed)+1)]
			}
			_, parses := compiled.Parse(changed)
			groups := expression.FindSubmatch(changed)
			if parses {
				parsed++
			}
			if parses != (groups != nil) && (groups == nil || realDay(directives, groups[1:])) {
				t.Errorf("%s by %s: matches %t, parses %t", changed, pattern, groups != nil, parses)
			}
		}
		if parsed < 1000 {
			t.Errorf("%s: only %d texts parse", pattern, parsed)
		}
	}
}

// realDay says whether there is such a day.
func realDay(directives []byte, groups [][]byte) bool {
	year, month, day := int64(0), int64(0), int64(0)
	for i, d := range directives {
		n, _ := strconv.ParseInt(string(groups[i]), 10, 64)
		switch d {
		case 'Y':
			year = n
		case 'y':
			year = 2000 + n
			if n >= 69 {
				year = 1900 + n
			}
		case 'm':
			month = n
		case 'd':
			day = n
		case 'b':
			month = int64(strings.Index("janfebmaraprmayjunjulaugsepoctnovdec", strings.ToLower(string(groups[i][:3])))/3 + 1)
		}
	}
	return int64(midnight(year, month, day).Month()) == month
}

// TestFieldsAreRefused lists patterns that no expression reads as Parse does.
func TestFieldsAreRefused(t *testing.T) {
	for _, pattern := range []string{"%s", "%Y-%j", "%G-W%V-%u", "%Y-%m-%d %Z", "%e.%m.%Y", "%Y %y-%m-%d", "%Y-%m-%d %H %I %p", "%a %Y-%m-%d", "%Y %m %b %d",
		"%d%b%Y%pm %I", "%Y-%m-%d %H:%M%z:", "%Y-%m-%d%t%H", "%d %bx %Y"} {
		compiled, err := Compile(pattern)
		if err != nil {
			continue
		}
		if text, _, ok := compiled.Fields(); ok {
			t.Errorf("%s gives %s", pattern, text)
		}
	}
}
