package render

import (
	"io"

	"github.com/featureaudit/featureaudit/audit/diff"
)

// DiffJSON writes the document as indented JSON with a final newline.
func DiffJSON(w io.Writer, d diff.Document, _ Options) error {
	return Document(w, d)
}
