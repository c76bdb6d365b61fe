package content

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/featureaudit/featureaudit/audit/kept"
)

// The tables that hold facts of content in packs, of a file in a folder of kept facts and of a partition in a snapshot: one row of the first
// for the rows themselves, one of the second for each of their columns.
var (
	sumsTable = kept.Table{Name: "contents", Columns: append([]kept.Column{{Name: "sum", Kind: kept.Bytes}}, kept.Integers("file", "rows")...)}
	// A column's types are quoted, with a blank between.
	columnsTable = kept.Table{Name: "columns", Columns: append([]kept.Column{{Name: "column", Kind: kept.Bytes}, {Name: "types", Kind: kept.Text}, {Name: "total", Kind: kept.Text}, {Name: "sum", Kind: kept.Bytes}},
		kept.Integers("file", "values", "timed", "low_us", "high_us", "center")...)}
)

// Meaning names what the sums of this release mean; those of another are not compared with them.
const Meaning = "content-sums/2"

// Appender takes rows of a table, and says where they stand.
type Appender interface {
	Append(t kept.Table, rows kept.Rows) kept.Range
}

// Keep writes facts, those of the file or partition of a number, and gives where they stand.
func Keep(to Appender, number int64, f Facts) map[string][]kept.Range {
	at := map[string][]kept.Range{sumsTable.Name: {to.Append(sumsTable, kept.Rows{[]string{string(f.Sum.Bytes())}, []int64{number}, []int64{f.Rows}})}}
	if len(f.Columns) == 0 {
		return at
	}
	texts, wholes := make([][]string, 4), make([][]int64, 6)
	for _, c := range f.Columns {
		total, timed := "", int64(0)
		if c.Total != nil {
			total = c.Total.Text()
		}
		if c.Timed {
			timed = 1
		}
		for i, text := range []string{c.Name, quoted(c.Types), total, string(c.Sum.Bytes())} {
			texts[i] = append(texts[i], text)
		}
		for i, n := range []int64{number, c.Values, timed, c.Low, c.High, c.Center} {
			wholes[i] = append(wholes[i], n)
		}
	}
	rows := kept.Rows{}
	for _, column := range texts {
		rows = append(rows, column)
	}
	for _, column := range wholes {
		rows = append(rows, column)
	}
	at[columnsTable.Name] = []kept.Range{to.Append(columnsTable, rows)}
	return at
}

// Stored gives columns of the rows that Keep wrote, and perhaps others after them.
type Stored interface {
	Integers(table, column string) ([]int64, error)
	Texts(table, column string) ([]string, error)
}

// stored reads columns; the first error stays.
type stored struct {
	Stored
	err error
}

func (s *stored) integers(t kept.Table, column string) []int64 {
	if s.err != nil {
		return nil
	}
	var values []int64
	values, s.err = s.Integers(t.Name, column)
	return values
}

func (s *stored) texts(t kept.Table, column string) []string {
	if s.err != nil {
		return nil
	}
	var values []string
	values, s.err = s.Texts(t.Name, column)
	return values
}

// Recall reads the facts that Keep wrote, by their numbers.
func Recall(from Stored) (map[int64]Facts, error) {
	s := stored{Stored: from}
	found := map[int64]Facts{}
	numbers, rows, sums := s.integers(sumsTable, "file"), s.integers(sumsTable, "rows"), s.texts(sumsTable, "sum")
	for i, sum := range sums {
		if len(sum) != sumBytes {
			return nil, fmt.Errorf("a sum of %d bytes, where %d are expected", len(sum), sumBytes)
		}
		found[numbers[i]] = Facts{Rows: rows[i], Sum: SumOf([]byte(sum))}
	}
	names, types, totals, columnSums := s.texts(columnsTable, "column"), s.texts(columnsTable, "types"), s.texts(columnsTable, "total"), s.texts(columnsTable, "sum")
	of, values, timed := s.integers(columnsTable, "file"), s.integers(columnsTable, "values"), s.integers(columnsTable, "timed")
	low, high, center := s.integers(columnsTable, "low_us"), s.integers(columnsTable, "high_us"), s.integers(columnsTable, "center")
	if s.err != nil {
		return nil, s.err
	}
	shared := map[string][]string{}
	for i, name := range names {
		f, known := found[of[i]]
		if !known || len(columnSums[i]) != sumBytes {
			return nil, errors.New("a column without a sum, or of nothing that has rows")
		}
		c := Column{Name: name, Types: shared[types[i]], Values: values[i], Sum: SumOf([]byte(columnSums[i])), Low: low[i], High: high[i], Center: center[i], Timed: timed[i] != 0}
		if c.Types == nil {
			var err error
			if c.Types, err = unquoted(types[i]); err != nil {
				return nil, err
			}
			shared[types[i]] = c.Types
		}
		if totals[i] != "" {
			total, err := ParseTotal(totals[i])
			if err != nil {
				return nil, err
			}
			c.Total = &total
		}
		f.Columns = append(f.Columns, c)
		found[of[i]] = f
	}
	return found, nil
}

// quoted writes texts as one: each as Go quotes it, with a blank between, so that any bytes come back.
func quoted(texts []string) string {
	var all []string
	for _, text := range texts {
		all = append(all, strconv.Quote(text))
	}
	return strings.Join(all, " ")
}

func unquoted(list string) ([]string, error) {
	texts := []string{}
	for rest := list; rest != ""; {
		first, err := strconv.QuotedPrefix(rest)
		if err != nil {
			return nil, fmt.Errorf("types %q: %w", list, err)
		}
		text, err := strconv.Unquote(first)
		if err != nil {
			return nil, fmt.Errorf("types %q: %w", list, err)
		}
		texts, rest = append(texts, text), strings.TrimPrefix(rest[len(first):], " ")
	}
	return texts, nil
}
