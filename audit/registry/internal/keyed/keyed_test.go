package keyed

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

const testShapes = `
top: name! kind- note child>child children>child open>open
  wide
child: name! value deep>child
open: ttl! *
`

// TestWalk: every key is judged, bookkeeping, noted or unknown, and none is lost.
func TestWalk(t *testing.T) {
	root, twice, err := Parse("a.yml", []byte(`
name: n
kind: k
note: &shared {b: 2, a: 1}
wide: *shared
child: {name: c, value: [1, null, x]}
children:
  - {name: d, value: ~, valu: 1}
  - {value: 3, deep: {value: 4}}
open: {ttl: 1h, anything: 5}
nam: typo
note: last
`))
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{`a.yml:4: the key "note" stands twice in one map: the last one counts`}; !slices.Equal(twice, want) {
		t.Errorf("twice: %q, want %q", twice, want)
	}
	l := ParseShapes(testShapes).Walk(root, "top", "a.yml", "the file")
	var noted []string
	for _, f := range l.Noted {
		noted = append(noted, f.Path+" = "+f.Text)
	}
	want := []string{"wide = {a: 1, b: 2}", "child.value = [1, null, x]", "children[d].value = null", "children[1].value = 3", "children[1].deep.value = 4", "open.anything = 5", "note = last"}
	if !slices.Equal(noted, want) {
		t.Errorf("noted\n%s\nwant\n%s", strings.Join(noted, "\n"), strings.Join(want, "\n"))
	}
	var unknown []string
	for _, u := range l.Unknown {
		unknown = append(unknown, fmt.Sprintf("%s:%d near %s", u.Path, u.Location.Line, u.Near))
	}
	if want := []string{"children[d].valu in the file:8 near value", "nam in the file:11 near name"}; !slices.Equal(unknown, want) {
		t.Errorf("unknown %q, want %q", unknown, want)
	}
}

// TestLayoutIsNoChange: the same value is written alike however it is laid out.
func TestLayoutIsNoChange(t *testing.T) {
	for _, text := range []string{"{a: 1, b: [x, y]}", "b:\n  - x\n  - y # why\na: 1\n", "b: ['x', \"y\"]\na: 1", `{"b": ["x", "y"], "a": 1}`} {
		root, _, err := Parse("a.yml", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if got, want := Canonical(root), "{a: 1, b: [x, y]}"; got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

// TestAliasesThatHoldThemselves must end.
func TestAliasesThatHoldThemselves(t *testing.T) {
	root, _, err := Parse("a.yml", []byte("child: &a\n  name: x\n  deep: *a\n"))
	if err != nil {
		return // refused is as good
	}
	ParseShapes(testShapes).Walk(root, "top", "a.yml", "the file")
	Canonical(root)
}

// TestAnchorsThatStandForTooMuch are refused before anything is written out: twenty lines would fill any memory.
func TestAnchorsThatStandForTooMuch(t *testing.T) {
	laugh := func(lines int) string {
		text := "a:\n  - &a0 [x, y]\n"
		for i := range lines {
			text += fmt.Sprintf("  - &a%d [*a%d, *a%d]\n", i+1, i, i)
		}
		return text
	}
	for name, c := range map[string]struct {
		text    string
		refused bool
	}{"few": {laugh(10), false}, "too many": {laugh(40), true}, "itself": {"a: &a [1, *a]\n", true}, "the same twice": {"a: &a {x: 1}\nb: *a\nc: *a\n", false}} {
		_, _, err := Parse("f.yml", []byte(c.text))
		if refused := err != nil; refused != c.refused {
			t.Errorf("%s: %v, want refused == c.refused", name, err)
		}
	}
}
