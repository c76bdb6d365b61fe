package reproduce

import (
	"fmt"
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/engine"
	"github.com/featureaudit/featureaudit/audit/evidence"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/times"
)

// NullKeys gives the rows without a whole key.
func NullKeys(b *Statements) (sql, missing string) {
	files, _, missing := rowsQuery{b: b, counted: func(s *facts.Slice) int64 { return s.KeyNull }}.files()
	if missing != "" {
		return "", missing
	}
	return b.keyed(files, b.nullableSQL, func(inner string, keys []string) string {
		return fmt.Sprintf("  SELECT filename, file_row_number FROM (\n%s\n  ) WHERE %s IS NULL", inner, strings.Join(keys, " IS NULL OR "))
	})
}

// keyPart is the expression of a part of a key, by its name.
type keyPart func(t *textTimes, g fileGroup, name string) (sql, missing string)

// keyed selects rows by what picks them from rows with their keys, which are the columns that pick is given.
func (b *Statements) keyed(files []*facts.File, part keyPart, pick func(inner string, keys []string) string) (sql, missing string) {
	inner, keys, missing := b.keyedUnion(files, part)
	if missing != "" {
		return "", missing
	}
	return b.rowsWhere(files, "", pick(inner, keys)), ""
}

// keyedUnion selects the rows of files as inner does, with the parts of their keys as the columns that it names.
func (b *Statements) keyedUnion(files []*facts.File, part keyPart) (inner string, keys []string, missing string) {
	if missing := b.tooManyOf(files); missing != "" {
		return "", nil, missing
	}
	for i := range evidence.KeyColumns(b.View) {
		keys = append(keys, fmt.Sprintf("key_%d", i+1))
	}
	inner, missing = b.unionOf(files, func(t *textTimes, g fileGroup) ([]namedSQL, string) {
		var parts []namedSQL
		for i, name := range evidence.KeyColumns(b.View) {
			sql, missing := part(t, g, name)
			if missing != "" {
				return nil, missing
			}
			parts = append(parts, namedSQL{sql, keys[i]})
		}
		return parts, ""
	})
	return inner, keys, missing
}

// unionOf is inner of all groups of files, with extra columns by groups.
func (b *Statements) unionOf(files []*facts.File, extra func(*textTimes, fileGroup) ([]namedSQL, string)) (sql, missing string) {
	var parts []string
	for _, g := range b.groupsOf(files) {
		t := &textTimes{}
		columns, missing := extra(t, g)
		if missing != "" {
			return "", missing
		}
		inner, missing := b.inner(g, t, columns...)
		if missing != "" {
			return "", missing
		}
		parts = append(parts, inner)
	}
	return strings.Join(parts, "\n    UNION ALL\n"), ""
}

// nullableSQL is NULL where a part of the key is: a time that does not parse is none.
func (b *Statements) nullableSQL(t *textTimes, g fileGroup, name string) (sql, missing string) {
	column := g.schema.Lookup(name)
	if column == nil {
		return "", "a file has no key column " + name
	}
	if declared, isTime := b.timeNamed(name); isTime {
		return b.sourceTimeSQL(t, g, declared)
	}
	return columnSQL(*column), ""
}

// keySQL is a part of the key as it is compared: a time of the view is an instant, to the nanosecond.
func (b *Statements) keySQL(t *textTimes, g fileGroup, name string) (sql, missing string) {
	column := g.schema.Lookup(name)
	if column == nil {
		return "", "a file has no key column " + name
	}
	if column.Raw && !column.Given {
		return "", fmt.Sprintf("key column %s (%s) is compared by the bytes of the files, which an engine cuts", name, column.TypeText)
	}
	cut := fmt.Sprintf("key column %s (%s) is compared to the nanosecond, which SQL cuts", name, column.TypeText)
	encoding := g.schema.Encoding(*column)
	declared, isTime := b.timeNamed(name)
	if !isTime && encoding == facts.EncodingInt96Naive {
		return "", cut
	}
	if !isTime {
		return b.digested(name, *column), ""
	}
	sql, missing = b.sourceTimeSQL(t, g, declared)
	if missing != "" {
		return "", missing
	}
	switch {
	case encoding == facts.EncodingTextNaive, encoding == facts.EncodingInt96Aware, encoding == facts.EncodingInt96Naive, encoding == facts.EncodingAware && column.Unit == "ns":
		return "", cut
	case encoding == facts.EncodingNaive && column.Unit == "ns":
		return fmt.Sprintf("((%s)::HUGEINT * 1000 + epoch_ns(%s) %% 1000)", sql, columnSQL(*column)), ""
	case encoding == facts.EncodingEpoch && sql == epochSQL(*column, columnSQL(*column), "ns") && column.Physical != "DOUBLE":
		return columnSQL(*column) + "::HUGEINT", ""
	case strings.Contains(sql, "// 1000"):
		return "", cut
	}
	return fmt.Sprintf("((%s)::HUGEINT * 1000)", sql), ""
}

// timeNamed is a time column of the view or of a source by its name.
func (b *Statements) timeNamed(name string) (model.TimeColumn, bool) {
	declared := []model.TimeColumn{b.View.EventTime, b.View.IngestedAt}
	for _, s := range b.View.Sources {
		declared = append(declared, s.EventTime, s.IngestedAt)
	}
	i := slices.IndexFunc(declared, func(c model.TimeColumn) bool { return c.Column == name })
	if i < 0 {
		return model.TimeColumn{}, false
	}
	return declared[i], true
}

// sourceTimeSQL reads a time column as each source writes it.
func (b *Statements) sourceTimeSQL(t *textTimes, g fileGroup, declared model.TimeColumn) (sql, missing string) {
	return b.perSource(g, func(s model.SourcePolicy) (string, string) {
		event, ingested := timeOf(s.EventTime, b.View.EventTime), timeOf(s.IngestedAt, b.View.IngestedAt)
		switch declared.Column {
		case event.Column:
			return b.timeSQL(t, g.schema, event, s.Zone, false)
		case ingested.Column:
			return b.timeSQL(t, g.schema, ingested, s.Zone, true)
		}
		return b.timeSQL(t, g.schema, declared, s.Zone, false)
	})
}

// keyedFiles are those whose keys are compared: all that were read and lie before as_of, whatever the range.
func (b *Statements) keyedFiles() []*facts.File {
	var files []*facts.File
	for i := range b.Survey.Files {
		f := &b.Survey.Files[i]
		p, dated := b.Partition(f.Partition)
		if _, failed := b.Collection.Unread[f.ID]; f.Problem != nil || failed || f.Live() == 0 || dated && p.AfterAsOf {
			continue
		}
		files = append(files, f)
	}
	return files
}

// DuplicateKeys gives the surplus rows: all rows of a repeated key but the one that the audit keeps, which is the first
// by ingest time, partition, path and row number. With a range it gives those that lie in it.
func DuplicateKeys(b *Statements) (sql, missing string) {
	once := slices.Clone(b.View.OncePer)
	if evidence.IsSnapshot(b.View) {
		once = append(once, "partition")
	}
	var scopes []string
	for _, scope := range once {
		column, known := map[string]string{"source": "source_name", "partition": "partition_value"}[scope]
		if !known {
			return "", "once_per names " + scope
		}
		scopes = append(scopes, column)
	}
	sql, missing = b.keyed(b.keyedFiles(), b.keySQL, func(inner string, keys []string) string {
		return fmt.Sprintf("  SELECT filename, file_row_number FROM (\n    SELECT *, row_number() OVER (PARTITION BY %s ORDER BY ingested_us NULLS LAST, file_rank, filename, "+
			"file_row_number) AS nth\n    FROM (\n%s\n    ) WHERE %s IS NOT NULL\n  ) WHERE nth > 1 AND in_range",
			strings.Join(append(slices.Clone(keys), scopes...), ", "), inner, strings.Join(keys, " IS NOT NULL AND "))
	})
	if missing == "" {
		return sql, ""
	}
	if b.fetches() {
		return b.keptDuplicates(missing)
	}
	if !strings.Contains(missing, writesRows) {
		missing += writesRows
	}
	return "", missing
}

// keptDuplicates gives the surplus rows that the scan kept for export, by their numbers.
func (b *Statements) keptDuplicates(otherwise string) (sql, missing string) {
	numbers := map[int32][]int64{}
	for _, r := range b.Collection.Keys.Rows {
		if !r.Kept && b.InRange(b.FilePartition(r.File)) {
			numbers[r.File] = append(numbers[r.File], r.Row)
		}
	}
	var files []*facts.File
	var parts []string
	for i := range b.Survey.Files {
		f := &b.Survey.Files[i]
		if rows := numbers[f.ID]; len(rows) > 0 {
			slices.Sort(rows)
			files = append(files, f)
			parts = append(parts, b.rowsOf(f, rows))
		}
	}
	if len(files) == 0 {
		return "", otherwise
	}
	if missing := b.tooManyOf(files); missing != "" {
		return "", missing
	}
	return b.rowsWhere(files, "", strings.Join(parts, "\n  UNION ALL\n")), ""
}

// maxTwinRows is how many rows of one key are compared with each other: a key of more rows is no pair of copies.
const maxTwinRows = 16

// ShiftedTwins gives one copy of each key that stands twice, an offset apart: the wrong one, else the later one or that of the
// second source.
func ShiftedTwins(b *Statements) (sql, missing string) {
	found, err := b.SupportedTwins()
	if err != nil {
		return "", err.Error()
	}
	for _, t := range found {
		if t.A == t.B && t.PayloadDiffers+t.PayloadEqual != t.Keys {
			return "", "copies within one source count where their payload is equal, and not all of them were compared"
		}
		if t.A == t.B && t.PayloadDiffers > 0 {
			return "", "copies within one source count where their payload is equal, which SQL does not compare as the audit does"
		}
	}
	if b.View.Source.Column != "" {
		if missing := b.hiddenSource(); missing != "" {
			return "", missing
		}
	}
	sql, missing = b.keyed(b.keyedFiles(), b.keySQL, func(inner string, keys []string) string {
		same := make([]string, len(keys))
		for i, key := range keys {
			same[i] = fmt.Sprintf("a.%s = b.%s", key, key)
		}
		var picked []string
		for _, t := range found {
			side := "b"
			if t.Known && t.Offset != t.Apart {
				side = "a"
			}
			near := "abs(a.file_rank - b.file_rank) <= 1"
			if t.A == t.B {
				near = "true"
			}
			picked = append(picked, fmt.Sprintf("  SELECT filename, file_row_number FROM (\n    SELECT %[1]s.filename, %[1]s.file_row_number, row_number() OVER (PARTITION BY %[2]s ORDER BY %[1]s.filename, %[1]s.file_row_number) AS nth\n"+
				"    FROM keyed AS a JOIN keyed AS b ON %[3]s AND b.event_us - a.event_us = %[4]d AND %[5]s\n    WHERE a.source_name = %[6]s AND b.source_name = %[7]s AND a.copies <= %[8]d AND a.any_in_range\n  ) WHERE nth = 1",
				side, "a."+strings.Join(keys, ", a."), strings.Join(same, " AND "), t.Apart.Span(), near, b.sourceText(t.A), b.sourceText(t.B), maxTwinRows))
		}
		each := strings.Join(keys, ", ")
		return fmt.Sprintf("  WITH keyed AS MATERIALIZED (\n    SELECT *, count(*) OVER (PARTITION BY %s) AS copies, bool_or(in_range) OVER (PARTITION BY %s) AS any_in_range\n    FROM (\n%s\n    ) WHERE %s IS NOT NULL\n  )\n%s",
			each, each, inner, strings.Join(keys, " IS NOT NULL AND "), strings.Join(picked, "\n  UNION ALL\n"))
	})
	if missing != "" {
		return "", missing
	}
	return "-- one copy of each key: the one that is stamped wrongly, where that is known. A row that is a copy of two others counts twice and stands here once\n" + sql, ""
}

// StaleEntities gives the newest row of each entity that has expired.
func StaleEntities(b *Statements) (sql, missing string) {
	files := b.keyedFiles()
	if missing := b.tooManyOf(files); missing != "" {
		return "", missing
	}
	entities := make([]string, len(b.View.Entity))
	for i := range entities {
		entities[i] = fmt.Sprintf("entity_%d", i+1)
	}
	inner, missing := b.unionOf(files, func(_ *textTimes, g fileGroup) ([]namedSQL, string) {
		var parts []namedSQL
		for i, name := range b.View.Entity {
			sql, missing := b.entitySQL(g.schema, name)
			if missing != "" {
				return nil, missing
			}
			parts = append(parts, namedSQL{sql, entities[i]})
		}
		return parts, ""
	})
	if missing != "" {
		return "", missing
	}
	newest := fmt.Sprintf("CASE WHEN event_us <= %d THEN event_us END", b.AsOf)
	if evidence.IsSnapshot(b.View) {
		newest = fmt.Sprintf("CASE WHEN end_us IS NOT NULL THEN least(end_us, %d) ELSE %s END", b.AsOf, newest)
	}
	return b.rowsWhere(files, "the newest row of each entity that has expired", fmt.Sprintf("  SELECT filename, file_row_number FROM (\n    SELECT *, row_number() OVER "+
		"(PARTITION BY %s ORDER BY newest_us DESC, file_rank DESC, filename, file_row_number) AS nth\n    FROM (SELECT *, %s AS newest_us FROM (\n%s\n    )) WHERE newest_us IS NOT NULL AND %s IS NOT NULL\n  ) WHERE nth = 1 AND newest_us < %d",
		strings.Join(entities, ", "), newest, inner, strings.Join(entities, " IS NOT NULL AND "), b.AsOf.Add(b.ProvedShift().Span()-times.SpanOf(b.View.TTL.Duration)))), ""
}

// entitySQL is a part of an entity as it is compared.
func (b *Statements) entitySQL(s facts.Schema, name string) (sql, missing string) {
	column := s.Lookup(name)
	switch {
	case column == nil:
		return "NULL", ""
	case column.Raw && !column.Given, name == b.View.EventTime.Column, name == b.View.IngestedAt.Column, column.Nested, column.Physical == "FLOAT", column.Physical == "DOUBLE":
		return "", fmt.Sprintf("entity column %s (%s) is compared by other means than SQL", name, column.TypeText)
	}
	for _, other := range b.Survey.Schemas {
		if c := other.Lookup(name); c != nil && c.TypeText != column.TypeText && !(isWhole(*c) && isWhole(*column)) {
			return "", fmt.Sprintf("entity column %s has two types, %s and %s", name, column.TypeText, c.TypeText)
		}
	}
	return b.digested(name, *column), ""
}

// digested is a column as it is compared: its digest where values may be large, so that no query has to hold all of them. Of a column of
// several forms, the values are compared.
func (b *Statements) digested(name string, c facts.Column) string {
	kind := engine.FormOf(c).Kind
	if !b.large || kind != engine.FormText && kind != engine.FormBytes {
		return columnSQL(c)
	}
	for _, s := range b.Survey.Schemas {
		if other := s.Lookup(name); other != nil && engine.FormOf(*other).Kind != kind {
			return columnSQL(c)
		}
	}
	return "sha256(" + columnSQL(c) + ")"
}

// isWhole says whether a column holds whole numbers.
func isWhole(c facts.Column) bool {
	return (c.Physical == "INT32" || c.Physical == "INT64") && (c.Logical == "" || c.Logical == "int")
}
