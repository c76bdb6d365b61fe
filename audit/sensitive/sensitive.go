// Package sensitive is the one place that decides how a value of a column leaves the program: as it is, or, where the column is
// declared sensitive, under a name that does not give it away. Every output asks it, and none writes such a value by itself.
package sensitive

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/featureaudit/featureaudit/audit/model"
)

// MinKeyBytes is how long a key must be at least: shorter ones are found by trying.
const MinKeyBytes = 16

// Mask gives hidden values their names, for one run. With a key the name is a keyed hash: the same in every output and in every
// run with that key. Without one the values of each column are numbered in the order in which they are first asked for, which
// callers keep the same for the same input: equal values have equal numbers in all outputs of one run, and in no other.
type Mask struct {
	key []byte

	mu      sync.Mutex
	numbers map[column]map[string]int
}

// column is what values are numbered within.
type column struct{ view, name string }

// New is a mask that hashes with a key, or numbers where the key is empty. A key of fewer than MinKeyBytes bytes is an error.
func New(key []byte) (*Mask, error) {
	if len(key) > 0 && len(key) < MinKeyBytes {
		return nil, fmt.Errorf("a key of %d bytes: expected at least %d, such as those of `head -c 32 /dev/urandom`", len(key), MinKeyBytes)
	}
	return &Mask{key: slices.Clone(key), numbers: map[column]map[string]int{}}, nil
}

// Numbers says that hidden values are numbered, so that their names hold in this run only.
func (m *Mask) Numbers() bool { return m == nil || len(m.key) == 0 }

// KeyID tells keys apart and gives none away: 16 hex digits of a digest. It is empty where values are numbered.
func (m *Mask) KeyID() string {
	if m.Numbers() {
		return ""
	}
	sum := hmac.New(sha256.New, m.key)
	_, _ = io.WriteString(sum, "featureaudit: id of this key") // a hash never fails
	return hex.EncodeToString(sum.Sum(nil)[:8])
}

// hashBytes is how many bytes of a hash are shown: of a billion values no two are likely to share them.
const hashBytes = 16

// Value is how a value of a column of a view may leave the program. A nil mask knows no other name than "(sensitive)".
func (m *Mask) Value(view model.View, name, value string) string {
	if !view.Hides(name) {
		return value
	}
	if m == nil {
		return "(sensitive)"
	}
	if m.Numbers() {
		return fmt.Sprintf("%s #%d", name, m.number(column{view.Name, strings.ToLower(name)}, value))
	}
	sum := hmac.New(sha256.New, m.key)
	_, _ = io.WriteString(sum, value)
	return "hmac-sha256:" + hex.EncodeToString(sum.Sum(nil)[:hashBytes])
}

func (m *Mask) number(of column, value string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	values := m.numbers[of]
	if values == nil {
		values = map[string]int{}
		m.numbers[of] = values
	}
	n, known := values[value]
	if !known {
		n = len(values) + 1
		values[value] = n
	}
	return n
}

// HidesSource says whether the source of a view's rows comes from a sensitive column.
func HidesSource(view model.View) bool {
	return view.Source.Column != "" && view.Hides(view.Source.Column)
}

// Source is how the source of a row of a view may leave the program. No source is none.
func (m *Mask) Source(view model.View, name string) string {
	if name == "" || !HidesSource(view) {
		return name
	}
	return m.Value(view, view.Source.Column, name)
}

// HidesTime says whether an event time of a view, or an ingest time, comes from a sensitive column, its sources' own included.
func HidesTime(view model.View, of func(model.SourcePolicy) model.TimeColumn, ofView model.TimeColumn) bool {
	hides := func(t model.TimeColumn) bool { return t.Declared() && view.Hides(t.Column) }
	return hides(ofView) || slices.ContainsFunc(view.Sources, func(s model.SourcePolicy) bool { return hides(of(s)) })
}

// Suppression is a suppression whose source is named as the views that it applies to name it. One for all views has no name that
// fits each.
func (m *Mask) Suppression(s model.Suppression, views []model.View) model.Suppression {
	if s.Source == "" {
		return s
	}
	for _, v := range views {
		switch {
		case !HidesSource(v):
		case s.View == v.Name:
			s.Source = m.Source(v, s.Source)
			return s
		case s.View == "":
			s.Source = "(sensitive)"
			return s
		}
	}
	return s
}

// Quiet leaves the words out of an error that an engine may have quoted values in, where the view has sensitive columns. What
// the error is stays.
func Quiet(view model.View, err error) error {
	if err == nil || len(view.Sensitive) == 0 {
		return err
	}
	return quiet{err}
}

type quiet struct{ err error }

func (quiet) Error() string {
	return "words left out that may quote sensitive values"
}
func (q quiet) Unwrap() error { return q.err }
