package render

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/featureaudit/featureaudit/audit/report"
)

// Clean makes a string from data or definitions harmless on a terminal and in one line, as report.Clean does.
func Clean(s string) string { return report.Clean(s) }

// encode writes a value as JSON with a final newline; what no terminal should see stands as escapes.
func encode(w io.Writer, v any, indent string) error {
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", indent)
	if err := enc.Encode(v); err != nil {
		return err
	}
	_, err := w.Write(report.EscapeHidden(text.Bytes()))
	return err
}

// Document writes a value as indented JSON, for people as well.
func Document(w io.Writer, v any) error { return encode(w, v, "  ") }

// Line writes a value as one compact line of JSON.
func Line(w io.Writer, v any) error { return encode(w, v, "") }

// clip shortens a string to at most n runes, the last of which is then an ellipsis.
func clip(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	runes := []rune(s)
	return strings.TrimRight(string(runes[:n-1]), " ") + "…"
}
