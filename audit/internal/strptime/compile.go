package strptime

import (
	"fmt"
	"slices"
	"strings"
)

// Pattern is a compiled pattern. It is never changed once made, and may be shared.
type Pattern struct {
	steps []step
}

// step reads one directive, or the literal byte where directive is 0.
type step struct {
	directive byte
	literal   byte
	// exact says that a number has all its digits: a number stands right beside it, so that nothing else tells where it ends.
	exact bool
	// colon says that an offset has a colon.
	colon bool
}

// composed are the directives that stand for others, the same in all dialects.
var composed = map[byte]string{'F': "%Y-%m-%d", 'D': "%m/%d/%y", 'T': "%H:%M:%S", 'X': "%H:%M:%S", 'R': "%H:%M", 'r': "%I:%M:%S %p", 'v': "%e-%b-%Y"}

// simple are the directives that are read from the text themselves.
const simple = "YyCmdejHkIlMSfpPbBhaAwuUWVGszZt%"

// refused are the directives that dialects read in different ways, with what to write.
var refused = map[byte]string{
	'c': "its order differs from program to program: write the parts that the text has, such as %a %b %e %H:%M:%S %Y",
	'x': "it is 11/03/26 in C and 2026-11-03 in DuckDB: write what the text has, %m/%d/%y or %Y-%m-%d",
	'+': "programs differ on what it stands for: write the parts that the text has, such as %a %b %e %H:%M:%S %Z %Y",
	'g': "it is a year of weeks in C and milliseconds in DuckDB: write %f for a fraction of any length, or %G for the year of weeks",
	'n': "it is white space in C and nanoseconds in DuckDB: write a space, or %f for a fraction of any length",
	'i': "milliseconds have no directive of their own: write %f, which reads a fraction of any length",
	'L': "milliseconds have no directive of their own: write %f, which reads a fraction of any length",
	'N': "nanoseconds have no directive of their own: write %f, which reads a fraction of any length",
	'E': "other calendars are not read: write the directive without E",
	'O': "other digits are not read: write the directive without O",
	'_': "a number is read with its zeros or without, and %e, %k and %l with a space: leave the flag out",
	'0': "a number is read with its zeros or without: leave the flag out",
	'^': "names are read in capitals or small letters alike: leave the flag out",
	'#': "names are read in capitals or small letters alike: leave the flag out",
}

// Compile reads a pattern. An error names the directive that cannot be applied, or what the pattern leaves open, and says
// what to write.
func Compile(pattern string) (*Pattern, error) {
	p := &Pattern{}
	if err := p.add(pattern); err != nil {
		return nil, err
	}
	for i := range p.steps {
		p.steps[i].exact = p.digits(i-1) || p.digits(i+1)
	}
	return p, p.complete()
}

// digits says whether a step reads digits.
func (p *Pattern) digits(i int) bool {
	if i < 0 || i >= len(p.steps) {
		return false
	}
	s := p.steps[i]
	return s.directive == 0 && s.literal >= '0' && s.literal <= '9' || s.directive != 0 && strings.IndexByte("YyCmdejHkIlMSfwuUWVGs", s.directive) >= 0
}

func (p *Pattern) add(pattern string) error {
	for i := 0; i < len(pattern); i++ {
		if pattern[i] != '%' {
			p.steps = append(p.steps, step{literal: pattern[i]})
			continue
		}
		i++
		rest := pattern[i:]
		colon := strings.HasPrefix(rest, ":z")
		if colon || len(rest) > 1 && rest[0] == '-' && strings.IndexByte("mdHIMSjy", rest[1]) >= 0 {
			i++ // a number without its zeros is read anyway
			rest = rest[1:]
		}
		if rest == "" {
			return fmt.Errorf("a single %% ends it: write %%%% for a per cent sign, or the directive that is missing")
		}
		if whole, found := composed[rest[0]]; found {
			if err := p.add(whole); err != nil {
				return err
			}
			continue
		}
		if strings.IndexByte(simple, rest[0]) < 0 {
			return unknown(rest)
		}
		p.steps = append(p.steps, step{directive: rest[0], colon: colon})
	}
	return nil
}

func unknown(rest string) error {
	if why, found := refused[rest[0]]; found {
		return fmt.Errorf("%%%c cannot be applied: %s", rest[0], why)
	}
	name := []rune(rest)[0]
	return fmt.Errorf("%%%c is no directive that can be applied: want those of %s", name,
		"%Y %y %C %m %b %B %d %e %j %H %k %I %l %M %S %f %p %z %:z %Z %s %a %A %u %w %G %V %U %W %F %T %D %R %r %v %X %t %%")
}

// NamesZone says whether the pattern reads the name of a zone (%Z).
func (p *Pattern) NamesZone() bool { return p.has("Z") }

func (p *Pattern) has(directives string) bool {
	return slices.ContainsFunc(p.steps, func(s step) bool { return s.directive != 0 && strings.IndexByte(directives, s.directive) >= 0 })
}

// complete says what a pattern leaves open: what it does not say would have to be guessed.
func (p *Pattern) complete() error {
	if p.has("s") {
		for _, s := range p.steps {
			if s.directive != 0 && strings.IndexByte("sft%", s.directive) < 0 {
				return fmt.Errorf("%%s is the whole instant, and %%%c would say a part of it again: keep one of them", s.directive)
			}
		}
		return nil
	}
	weekday := p.has("aAuw")
	switch {
	case p.has("G") && p.has("V") && weekday:
	case p.has("G") && p.has("V") && !p.has("Yy"):
		return fmt.Errorf("it names a week and no day, so that no instant can be told: add %%u")
	case !p.has("Yy"):
		return fmt.Errorf("it names no year, so that no instant can be told: add %%Y")
	case p.has("mbBh") && p.has("de"), p.has("j"), p.has("UW") && weekday:
	case p.has("V") && !p.has("G"):
		return fmt.Errorf("%%V is a week of the year of weeks: write %%G in place of %%Y, and %%u for the day")
	case p.has("VUW"):
		return fmt.Errorf("it names a week and no day, so that no instant can be told: add %%u")
	default:
		return fmt.Errorf("it names no day, so that no instant can be told: add %%m and %%d")
	}
	switch {
	case p.has("pP") && !p.has("HkIl"):
		return fmt.Errorf("%%p is half a day of an hour that it does not name: add %%I")
	case p.has("Il") && !p.has("pPHk"):
		return fmt.Errorf("%%I is an hour of half a day, and nothing says of which half: add %%p, or write %%H")
	case p.has("M") && !p.has("HkIl"):
		return fmt.Errorf("it names minutes and no hour: add %%H")
	case p.has("S") && !p.has("M"):
		return fmt.Errorf("it names seconds and no minutes: add %%M")
	case p.has("f") && !p.has("S"):
		return fmt.Errorf("it names a fraction and no seconds: add %%S")
	}
	return nil
}
