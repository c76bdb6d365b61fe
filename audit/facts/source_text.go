package facts

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// SourceText is a source as text: bytes that are no UTF-8 are written as \xHH, since a report is text and must tell any two
// sources apart.
func SourceText(name string) string {
	if utf8.ValidString(name) {
		return name
	}
	var text strings.Builder
	for i := 0; i < len(name); {
		r, size := utf8.DecodeRuneInString(name[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&text, `\x%02X`, name[i])
		case r == '\\':
			text.WriteString(`\\`)
		default:
			text.WriteRune(r)
		}
		i += size
	}
	return text.String()
}
