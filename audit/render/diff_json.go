package render

import (
	"encoding/json"
	"io"

	"github.com/featureaudit/featureaudit/audit/diff"
)

// DiffJSON writes the document as indented JSON with a final newline.
func DiffJSON(w io.Writer, d diff.Document, _ Options) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(d)
}
