package survey

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/internal/pages"
	"github.com/featureaudit/featureaudit/audit/store"
)

// Place is where a column chunk lies in its file, in bytes, and the index of its row group.
type Place struct {
	Group        int
	Offset, Size int64
	// Empty says that it holds no value. There may be a dictionary, which an engine reads with the rows that lie beside.
	Empty bool
}

// Places gives the footer of a file, with the eight bytes behind it, and the places of the chunks of columns: of every leaf of a struct, a list or a
// map that one of them is a part of, for an engine may read all of it. What a footer places wrongly is left out: to read it fails
// as it does where nobody asked for places.
func Places(ctx context.Context, st store.Store, f facts.File, columns []facts.Column) (footer Place, chunks []Place, err error) {
	object, err := st.Open(ctx, f.Abs)
	if err != nil {
		return Place{}, nil, fmt.Errorf("open %s: %w", f.Path, err)
	}
	defer object.Close()
	data, problem := readTail(object, f)
	if problem != nil {
		return Place{}, nil, ProblemError{*problem}
	}
	size := int64(len(data)) + 8
	footer = Place{Offset: f.Size - size, Size: size}
	var tops []facts.Column
	for _, c := range columns {
		c = c.Stored() // a table may have another name for it than its file
		if !slices.ContainsFunc(tops, func(t facts.Column) bool { return t.Path == c.Name }) {
			tops = append(tops, facts.Column{Path: c.Name})
		}
	}
	_, found, err := chunksOf(data, f, tops)
	if err != nil {
		return Place{}, nil, fmt.Errorf("the footer of %s does not decode: %w", f.Path, err)
	}
	for _, c := range found {
		if !c.encrypted && (c.Values > 0 || c.Size > 0) && inData(c, f.Size) {
			chunks = append(chunks, Place{Group: c.group, Offset: c.Offset, Size: min(c.Size+pages.Slack, footer.Offset-c.Offset), Empty: c.Values == 0})
		}
	}
	return footer, chunks, nil
}

// ProblemError is a file that cannot be read, as an error.
type ProblemError struct{ facts.Problem }

func (e ProblemError) Error() string { return e.Message }

// ProblemOf is what an error of a store says of a file.
func ProblemOf(err error) *facts.Problem {
	var known ProblemError
	if errors.As(err, &known) {
		return &known.Problem
	}
	return openProblem(err)
}
