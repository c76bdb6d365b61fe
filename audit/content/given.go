package content

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
)

// hiveNull is what a folder says for NULL, and so do logs of tables.
const hiveNull = "__HIVE_DEFAULT_PARTITION__"

// given is a column that all rows of a file have one value of, by the folders that the file lies in, or by the log of its table.
type given struct {
	name, text string
	cell       Sum
	// names are the places among the lists of names that it is part of, and cells that among the columns whose cells are asked for.
	names []int
	cells int
}

// pathText is a value of a folder's name as readers take it; null says that it stands for NULL.
func pathText(text string) (plain string, null bool) {
	if decoded, err := url.PathUnescape(text); err == nil {
		text = decoded
	}
	return text, text == hiveNull
}

// givensOf are the columns that the plan gives all rows of a file, apart from those that tell its partition from others: that a row lies
// there is the partition, and no value of it.
func givensOf(f facts.File, leaves []*leaf, apart []string, ask Ask) []given {
	if f.Table != nil && f.Table.Format != "Delta" {
		return nil // an Iceberg file holds all of its columns, and its log names transforms of them
	}
	var all []given
	for _, v := range f.Values {
		text, null := pathText(v.Text)
		if null || v.Name == model.CommitColumn || slices.Contains(apart, v.Name) || slices.ContainsFunc(all, func(g given) bool { return g.name == v.Name }) {
			continue
		}
		if f.Table != nil && slices.ContainsFunc(leaves, func(l *leaf) bool { return l.column == v.Name }) {
			continue
		}
		g := given{name: v.Name, text: text, cells: -1}
		g.cell = hashOf([]byte(text), place{path: topPath(v.Name)}.seed(Bytes))
		if ask.Rows {
			for at, columns := range ask.Names {
				if slices.Contains(columns, v.Name) {
					g.names = append(g.names, at)
				}
			}
			g.cells = slices.Index(ask.Cells, v.Name)
		}
		all = append(all, g)
	}
	return all
}

// fold adds the column's cell to the rows of a window.
func (g given) fold(w *window, into *Column) {
	for row := range w.cells {
		if w.gone != nil && w.gone[row] {
			continue
		}
		w.cells[row] = w.cells[row].Plus(g.cell)
		into.Sum = into.Sum.Plus(g.cell)
		into.Values++
		for _, name := range g.names {
			w.names[name][row] = w.names[name][row].Plus(g.cell)
		}
		if g.cells >= 0 {
			w.word(g.cells, row, g.cell, false, nil)
		}
	}
}

// saidBy is what the cells of a leaf are where they say what the file's folders say of its column; nil where those say nothing of it, or
// nothing that values of its type could say too.
func (l *leaf) saidBy(f facts.File) []byte {
	if f.Table != nil || l.nested {
		return nil
	}
	for _, v := range f.Values {
		if v.Name != l.column {
			continue
		}
		text, null := pathText(v.Text)
		if null {
			return nil
		}
		return l.written(text)
	}
	return nil
}

// written is a text as canonical bytes of the leaf's family; nil where it is no text of it.
func (l *leaf) written(text string) []byte {
	switch l.family {
	case Bytes:
		return append([]byte{}, text...)
	case Integer:
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			return l.integer(nil, n)
		}
	case Boolean:
		switch strings.ToLower(text) {
		case "true":
			return []byte{1}
		case "false":
			return []byte{0}
		}
	case Date:
		for _, layout := range []string{"2006-01-02", "20060102"} {
			if at, err := time.Parse(layout, text); err == nil {
				return l.integer(nil, at.Unix()/86_400)
			}
		}
	default:
	}
	return nil
}
