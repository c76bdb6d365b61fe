package collect

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/featureaudit/featureaudit/audit/keys"
)

// sourceNames gives each distinct source a small code, shared by all workers of a view.
type sourceNames struct {
	column string
	mu     sync.Mutex
	names  []string
}

// code is the number of a source. More than keys.MaxSources distinct values are an error that names the column, and none of the
// values: a column that is no source may well be one of persons.
func (s *sourceNames) code(name string) (uint8, error) {
	name = textOfSource(name)
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.Index(s.names, name); i >= 0 {
		return uint8(i), nil
	}
	if len(s.names) == keys.MaxSources {
		return 0, fmt.Errorf("column %q has more than %d distinct values: it cannot be the view's source; name a column that says which pipeline wrote a row",
			s.column, keys.MaxSources)
	}
	s.names = append(s.names, name)
	return uint8(len(s.names) - 1), nil
}

// textOfSource is a source as text: bytes that are no UTF-8 are written as \xHH, since a report is text and must tell any two
// sources apart.
func textOfSource(name string) string {
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

func (s *sourceNames) name(code uint8) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.names[code]
}
