package survey

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/internal/pages"
	"github.com/featureaudit/featureaudit/audit/store"
)

// chunk is one leaf of one row group, as the footer places it.
type chunk struct {
	pages.Chunk
	leaf      int
	group     int
	encrypted bool
}

// lastCodec is the last compression that the format numbers: LZ4_RAW.
const lastCodec = 7

// probedLeaves is how many leaves of a file are asked whether their pages bring checksums, beside those with a role:
// a writer gives all pages a checksum or none.
const probedLeaves = 32

// summed says whether any of the chunks brings checksums. All of the first row group are asked, and one of each other: a
// row group may come from another writer where files were joined, a column does not.
func summed(object io.ReaderAt, chunks []chunk) (bool, error) {
	r := pages.NewReader()
	if slices.ContainsFunc(chunks, func(c chunk) bool { return c.Codec == pages.CodecGzip }) {
		return true, nil
	}
	last := 0
	for _, c := range chunks {
		if c.group > 0 && c.group == last {
			continue
		}
		last = c.group
		if found, err := r.Summed(object, c.Chunk); found || err != nil {
			return found, err
		}
	}
	return false, nil
}

// misplaced says what is wrong with chunks whatever their pages hold: a place outside of the file, a key that the audit does
// not have, a compression without a name.
func misplaced(c chunk, name string, size int64) *facts.Problem {
	switch {
	case c.encrypted:
		return &facts.Problem{Kind: facts.ProblemEncrypted, Message: fmt.Sprintf("its column %q is encrypted: the audit has no keys; audit a decrypted copy", name)}
	case c.Values == 0:
		return nil
	case !inData(c, size):
		return &facts.Problem{Kind: facts.ProblemCorrupt, Message: fmt.Sprintf("its footer places column %q of row group %d at bytes %d to %d and the file has %d: it was cut or joined wrongly; write the file again",
			name, c.group, c.Offset, c.Offset+c.Size, size)}
	}
	return nil
}

// inData says whether a chunk lies between the magic bytes and the footer of a file of so many bytes.
func inData(c chunk, size int64) bool {
	return c.Offset >= int64(len(magic)) && c.Size >= 0 && c.Offset+c.Size <= size-8
}

// Pages compares every page of columns of a file with the checksum that it brings: the CRC of its header, else the sum at
// the end of a gzip stream, in the row groups that are wanted; nil wants all. It gives how many pages have one, and what is wrong by column, one problem each, in the order
// asked for. What the system refuses is left to who reads the rows. The error is the context's.
func Pages(ctx context.Context, st store.Store, f facts.File, columns []facts.Column, wanted func(group int) bool) (checked int64, problems []facts.ColumnProblem, err error) {
	object, err := st.Open(ctx, f.Abs)
	if err != nil {
		return 0, nil, ctx.Err()
	}
	defer object.Close()
	data, problem := readTail(object, f)
	if problem != nil {
		return 0, nil, ctx.Err()
	}
	leaves, chunks, err := chunksOf(data, f, columns)
	if err != nil {
		return 0, nil, ctx.Err()
	}
	r := pages.NewReader()
	for i, column := range columns {
		n, problem, err := checkColumn(ctx, r, object, f, column.Path, slices.DeleteFunc(slices.Clone(chunks), func(c chunk) bool {
			return !slices.Contains(leaves[i], c.leaf) || wanted != nil && !wanted(c.group)
		}))
		if err != nil {
			return checked, problems, err
		}
		checked += n
		if problem != nil {
			problems = append(problems, facts.ColumnProblem{Column: column.Path, Problem: *problem})
		}
	}
	return checked, problems, nil
}

// chunksOf gives the leaves of each column, and their chunks.
func chunksOf(data []byte, f facts.File, columns []facts.Column) (leaves [][]int, chunks []chunk, err error) {
	decoded, err := decode(data, func(head footer) (wants, error) {
		root, err := treeOf(head.elements)
		if err != nil {
			return wants{}, err
		}
		paths := leafPaths(root)
		var all []int
		for _, c := range columns {
			var own []int
			c = c.Stored()
			for leaf, path := range paths {
				if path == c.Path || strings.HasPrefix(path, c.Path+".") {
					own = append(own, leaf)
				}
			}
			leaves, all = append(leaves, own), append(all, own...)
		}
		return wants{chunks: all}, nil
	})
	return leaves, decoded.chunks, err
}

// leafPaths are the paths of all leaves, in file order.
func leafPaths(root node) []string {
	var paths []string
	var walk func(n node, path string)
	walk = func(n node, path string) {
		if n.leaf >= 0 {
			paths = append(paths, path)
		}
		for _, kid := range n.kids {
			walk(kid, path+"."+kid.name)
		}
	}
	for _, kid := range root.kids {
		walk(kid, kid.name)
	}
	return paths
}

// checkColumn walks the chunks of one column.
func checkColumn(ctx context.Context, r *pages.Reader, object io.ReaderAt, f facts.File, name string, chunks []chunk) (checked int64, problem *facts.Problem, err error) {
	for _, c := range chunks {
		if problem := misplaced(c, name, f.Size); problem != nil {
			return checked, problem, nil
		}
		found, err := r.Summed(object, c.Chunk)
		if err == nil && found {
			var n int64
			n, err = r.Check(ctx, object, c.Chunk)
			checked += n
		}
		var fault *pages.Fault
		switch {
		case ctx.Err() != nil:
			return checked, nil, context.Cause(ctx)
		case errors.As(err, &fault):
			return checked, &facts.Problem{Kind: facts.ProblemCorrupt, Message: fmt.Sprintf("a page of column %q (row group %d, byte %d) %s: its values are not those that were written; write the file again",
				name, c.group, fault.Offset, fault.What)}, nil
		case err != nil:
			return checked, openProblem(err), nil
		}
	}
	return checked, nil, nil
}
