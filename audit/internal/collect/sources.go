package collect

import (
	"fmt"
	"slices"
	"sync"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/internal/keys"
)

// sourceNames gives each distinct source a small code, shared by all workers of a view.
type sourceNames struct {
	column string
	mu     sync.Mutex
	names  []string
}

// maxSourceBytes is how long the name of a source may be: it stands in each finding about its rows.
const maxSourceBytes = 16 << 10

// code is the number of a source. More than keys.MaxSources distinct values are an error that names the column, and none of the
// values: a column that is no source may well be one of persons.
func (s *sourceNames) code(name string) (uint8, error) {
	name = facts.SourceText(name)
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.Index(s.names, name); i >= 0 {
		return uint8(i), nil
	}
	if len(name) > maxSourceBytes {
		return 0, fmt.Errorf("column %q has a value of %d bytes, and the name of a source has at most %d: it cannot be the view's source; name a column that says which pipeline wrote a row",
			s.column, len(name), maxSourceBytes)
	}
	if len(s.names) == keys.MaxSources {
		return 0, fmt.Errorf("column %q has more than %d distinct values: it cannot be the view's source; name a column that says which pipeline wrote a row",
			s.column, keys.MaxSources)
	}
	s.names = append(s.names, name)
	return uint8(len(s.names) - 1), nil
}

func (s *sourceNames) name(code uint8) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.names[code]
}
