package report

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Clean makes a string from data or definitions harmless on a terminal and in one line: control characters (ANSI
// escapes and newlines among them), bidirectional overrides and invalid bytes are written as escapes.
func Clean(s string) string {
	if harmless(s) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r < utf8.RuneSelf && Hidden(r):
			fmt.Fprintf(&b, `\x%02x`, r)
		case Hidden(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
		i += size
	}
	return b.String()
}

func harmless(s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	return strings.IndexFunc(s, Hidden) < 0
}

// asciiDelete is the last character of ASCII, and the only one after the space that is hidden.
const asciiDelete = 0x7f

// Hidden says whether a rune moves the cursor, changes the direction of text or cannot be seen.
func Hidden(r rune) bool {
	if 0 <= r && r < utf8.RuneSelf {
		return r < ' ' || r == asciiDelete
	}
	return unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp)
}

// EscapeHidden escapes in a JSON document what moves a cursor, turns the direction of text or cannot be seen (C1 controls,
// bidirectional controls and other format characters): to every reader of JSON it stays the same document.
func EscapeHidden(document []byte) []byte {
	hidden := func(r rune) bool { return r > ' ' && Hidden(r) } // what is below is escaped by JSON itself, or is its white space
	if from := pastPlain(document); bytes.IndexFunc(document[from:], hidden) < 0 {
		return document
	}
	out := make([]byte, 0, len(document)+64)
	for _, r := range string(document) {
		switch {
		case !hidden(r):
			out = utf8.AppendRune(out, r)
		case r > 0xffff:
			high, low := (r-0x10000)>>10+0xd800, (r-0x10000)&0x3ff+0xdc00
			out = fmt.Appendf(out, `\u%04x\u%04x`, high, low)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
	}
	return out
}

// pastPlain is where the first byte stands that is not plain ASCII, which most documents do not have: bytes are looked at much faster than runes.
func pastPlain(document []byte) int {
	for i, b := range document {
		if b >= asciiDelete {
			return i
		}
	}
	return len(document)
}
