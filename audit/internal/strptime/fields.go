package strptime

import (
	"regexp"
	"strings"
)

// Fields says the pattern as a regular expression (RE2) that matches a whole text, with one group for each of the directives that
// it lists, in their order. Each group takes the values that the directive may have; what only a calendar knows (31 April) is left
// to the caller. It is false where an expression would not read every text as Parse does: directives that say a thing twice, weeks,
// days of the year, names of zones, and numbers padded with spaces.
func (p *Pattern) Fields() (expression string, directives []byte, ok bool) {
	var text strings.Builder
	text.WriteString("^")
	for i, s := range p.steps {
		if s.directive == 0 || s.directive == '%' {
			continue
		}
		from := 0
		if i > 0 {
			from = p.previous(i) + 1
		}
		text.WriteString(p.literals(from, i))
		group := s.group()
		if group == "" || strings.IndexByte(string(directives), s.sameAs()) >= 0 || p.runsOn(i) {
			return "", nil, false
		}
		text.WriteString("(" + group + ")")
		directives = append(directives, s.sameAs())
	}
	text.WriteString(p.literals(p.previous(len(p.steps))+1, len(p.steps)) + "$")
	has := func(one string) bool { return strings.ContainsAny(string(directives), one) }
	both := has("Y") && has("y") || has("m") && has("b") || has("H") && has("I") || has("p") && !has("I")
	return text.String(), directives, !both && has("Yy") && has("mb") && has("d")
}

// previous is the last directive before a step, or -1.
func (p *Pattern) previous(step int) int {
	for i := step - 1; i >= 0; i-- {
		if d := p.steps[i].directive; d != 0 && d != '%' {
			return i
		}
	}
	return -1
}

// literals are the texts from one step up to another, as an expression.
func (p *Pattern) literals(from, to int) string {
	var text []byte
	for _, s := range p.steps[from:to] {
		if s.directive == '%' {
			s.literal = '%'
		}
		text = append(text, s.literal)
	}
	return regexp.QuoteMeta(string(text))
}

// sameAs is the directive itself, or the one that is read alike.
func (s step) sameAs() byte {
	switch s.directive {
	case 'B', 'h':
		return 'b'
	case 'P':
		return 'p'
	}
	return s.directive
}

// group is the expression of what a directive takes, "" where there is none.
func (s step) group() string {
	padded, inexact := "", "?"
	if s.exact {
		inexact = padded
	}
	switch s.sameAs() {
	case 'Y':
		return "[0-9]{4}"
	case 'y':
		return "[0-9]{2}"
	case 'm':
		return "0" + inexact + "[1-9]|1[0-2]"
	case 'd':
		return "0" + inexact + "[1-9]|[12][0-9]|3[01]"
	case 'H':
		return "[01]" + inexact + "[0-9]|2[0-3]"
	case 'I':
		return "0" + inexact + "[1-9]|1[0-2]"
	case 'M', 'S':
		return "[0-5]" + inexact + "[0-9]"
	case 'f':
		if s.exact {
			return "[0-9]{6}"
		}
		return "[0-9]+"
	case 'b':
		return anyName(months[:])
	case 'p':
		return anyName(halves[:])
	case 'z':
		minutes := "(?::?[0-5][0-9])?"
		if s.colon {
			minutes = ":[0-5][0-9]"
		}
		return "[Zz]|[+-](?:[01][0-9]|2[0-3])" + minutes
	}
	return ""
}

// anyName takes each name, whole or by its first three letters, in capitals or small letters.
func anyName(names []string) string {
	var all []string
	for _, name := range names {
		for _, length := range [...]int{len(name), min(len(name), 3)} {
			var letters strings.Builder
			for _, c := range strings.ToLower(name[:length]) {
				letters.WriteString("[" + strings.ToUpper(string(c)) + string(c) + "]")
			}
			all = append(all, letters.String())
		}
	}
	return strings.Join(all, "|")
}

// runsOn says that what follows a name or an offset may be taken for a part of it.
func (p *Pattern) runsOn(i int) bool {
	if i+1 == len(p.steps) {
		return false
	}
	next := p.steps[i+1]
	letter := next.directive == 0 && (next.literal|0x20) >= 'a' && (next.literal|0x20) <= 'z'
	named := next.directive != 0 && next.directive != '%' && !p.digits(i+1)
	switch p.steps[i].sameAs() {
	case 'b', 'p':
		return letter || named
	case 'z':
		return p.digits(i+1) || next.directive == 0 && next.literal == ':' || named
	}
	return false
}
