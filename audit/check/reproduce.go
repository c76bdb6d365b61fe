package check

import (
	"cmp"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/zone"
)

// maxListedFiles is how many files a query names. It names only those that hold what was counted; beyond that it would be
// longer than a shell takes.
const maxListedFiles = 500

// reproduceHead says where a query runs, and shows times as the audit writes them.
const reproduceHead = "-- for the DuckDB shell, in the folder that the view's path starts from (the config's, or where run --path was started)\nSET TimeZone = 'UTC';\n"

// sentinelYear and sentinelYears bound usable event times: earlier ones, and those so many years after as_of, are placeholders.
const (
	sentinelYear  = 1980
	sentinelYears = 10
)

// rowsQuery is SQL that gives exactly the rows that a check counted. What the collector does in Go is said here once more, in
// SQL, so that the two are held to each other by tests.
type rowsQuery struct {
	b *brief
	// counted is what the check counted in a slice.
	counted func(*facts.Slice) int64
	// bad is the condition on a row, by the columns of inner; ok is false where SQL cannot say it for a schema.
	bad func(s facts.Schema) (sql string, ok bool)
	// whole adds files of which every row was counted.
	whole func(facts.File) bool
}

// fileGroup are files that are read alike.
type fileGroup struct {
	schema facts.Schema
	source string
	files  []facts.File
}

// sql is the query; empty where one statement cannot say what the audit did: text times in a format of their own, floats as epochs, names that DuckDB
// takes for others, and more files than a person would read.
func (q rowsQuery) sql() string {
	counted := map[int32]int64{}
	for i := range q.b.Collection.Slices {
		s := &q.b.Collection.Slices[i]
		counted[s.File] += q.counted(s)
	}
	var files, whole []facts.File
	for _, f := range q.b.Survey.Files {
		switch {
		case q.whole != nil && q.whole(f):
			whole = append(whole, f)
		case counted[f.ID] > 0 && q.b.judged(f.Partition):
			files = append(files, f)
		}
	}
	if n := len(files) + len(whole); n == 0 || n > maxListedFiles {
		return ""
	}
	var parts []string
	for _, g := range q.b.groupsOf(files) {
		bad, ok := q.bad(g.schema)
		if !ok {
			return ""
		}
		inner, ok := q.b.inner(g)
		if !ok {
			return ""
		}
		parts = append(parts, fmt.Sprintf("  SELECT filename, file_row_number FROM (\n%s\n  ) WHERE %s", inner, bad))
	}
	if len(whole) > 0 {
		parts = append(parts, fmt.Sprintf("  SELECT filename, file_row_number FROM read_parquet(%s, union_by_name = true, hive_partitioning = false, filename = true, file_row_number = true)", q.b.list(whole)))
	}
	return fmt.Sprintf("%sSELECT %s\nFROM read_parquet(%s, union_by_name = true, hive_partitioning = false, filename = true, file_row_number = true)\nWHERE (filename, file_row_number) IN (\n%s\n)\nORDER BY filename, file_row_number;",
		reproduceHead, q.b.columns(append(files, whole...)), q.b.list(append(files, whole...)), strings.Join(parts, "\n  UNION ALL\n"))
}

// groupsOf sorts files by what decides how their rows are read.
func (b *brief) groupsOf(files []facts.File) []fileGroup {
	var groups []fileGroup
	for _, f := range files {
		schema := b.schema(f)
		if schema == nil {
			continue
		}
		i := slices.IndexFunc(groups, func(g fileGroup) bool { return g.schema.ID == schema.ID && g.source == f.Source })
		if i < 0 {
			i = len(groups)
			groups = append(groups, fileGroup{schema: *schema, source: f.Source})
		}
		groups[i].files = append(groups[i].files, f)
	}
	return groups
}

// inner selects of each row what a condition needs: event_read_us and ingested_read_us as the files say, event_us and ingested_us (NULL where not usable), lag_limit_us, source_name,
// and of its file known_by_us, begin_us, end_us, stale_before_us.
func (b *brief) inner(g fileGroup, extra ...string) (string, bool) {
	if !plainNames(g.schema) || b.beyondMicros(g) {
		return "", false
	}
	source, ok := b.sourceSQL(g)
	if !ok {
		return "", false
	}
	event, ok := b.perSource(g, func(s model.SourcePolicy) (string, bool) {
		return b.timeSQL(g.schema, timeOf(s.EventTime, b.View.EventTime), s.Zone, false)
	})
	if !ok {
		return "", false
	}
	ingested, ok := b.perSource(g, func(s model.SourcePolicy) (string, bool) {
		return b.timeSQL(g.schema, timeOf(s.IngestedAt, b.View.IngestedAt), s.Zone, true)
	})
	if !ok {
		return "", false
	}
	limit, _ := b.perSource(g, func(s model.SourcePolicy) (string, bool) {
		if micros, limited := lagLimit(b.View, s); limited {
			return fmt.Sprint(micros), true
		}
		return "NULL::BIGINT", true
	})
	columns := append([]string{"rows.filename", "rows.file_row_number", "files.*", "source_text AS source_name", event + " AS event_read_us", ingested + " AS ingested_read_us",
		b.usable("event_read_us") + " AS event_us", b.usable("ingested_read_us") + " AS ingested_us", limit + " AS lag_limit_us"}, extra...)
	return fmt.Sprintf("    SELECT %s\n    FROM (SELECT *, %s AS source_text FROM read_parquet(%s, hive_partitioning = false, filename = true, file_row_number = true)) AS rows\n    JOIN (VALUES\n%s\n    ) AS files(file_name, file_rank, partition_value, in_range, known_by_us, begin_us, end_us, stale_before_us) ON file_name = rows.filename",
		strings.Join(columns, ", "), source, b.list(g.files), b.fileValues(g.files)), true
}

// beyondMicros says whether an event time in milliseconds lies so far away that DuckDB, which counts in microseconds, fails on it.
func (b *brief) beyondMicros(g fileGroup) bool {
	inMillis := slices.ContainsFunc(eventNames(b.View), func(name string) bool {
		column := g.schema.Lookup(name)
		return column != nil && column.Unit == "ms"
	})
	const farthest = math.MaxInt64 / 1000 * 1000
	return inMillis && slices.ContainsFunc(b.Collection.Slices, func(s facts.Slice) bool {
		// Of a sensitive column the bounds are not kept.
		far := s.EventSentinel > 0 && (s.SentinelMin == facts.NoTime || s.SentinelMin <= -farthest || s.SentinelMax >= farthest)
		return far && slices.ContainsFunc(g.files, func(f facts.File) bool { return f.ID == s.File })
	})
}

// plainNames says whether no column is one that DuckDB adds, or takes for another.
func plainNames(s facts.Schema) bool {
	return !slices.ContainsFunc(s.Columns, func(c facts.Column) bool {
		name := strings.ToLower(c.Name)
		return c.Position != 0 || name == "filename" || name == "file_row_number" || name == "source_text" || name == "rows" || name == "files" ||
			name == "event_read_us" || name == "ingested_read_us"
	})
}

func timeOf(ofSource, ofView model.TimeColumn) model.TimeColumn {
	if ofSource.Declared() {
		return ofSource
	}
	return ofView
}

// sourceSQL is the source of a row as text.
func (b *brief) sourceSQL(g fileGroup) (string, bool) {
	name := b.View.Source.Column
	if g.source != "" || name == "" {
		return b.sourceText(g.source)
	}
	column := g.schema.Lookup(name)
	switch {
	case column == nil:
		return "''", true
	case column.Physical == "BYTE_ARRAY" && column.Logical != "string" && column.Logical != "enum":
		return "", false
	}
	return fmt.Sprintf("coalesce(%s::VARCHAR, '')", columnSQL(*column)), true
}

// sourceText is the name of a source as a literal; false where it is sensitive, and the query would leave the program.
func (b *brief) sourceText(name string) (string, bool) {
	switch {
	case b.Sources == nil || name == "":
		return quoteText(name), true
	case !b.within:
		return "", false
	}
	return quoteText(b.Sources[name]), true
}

// perSource is an expression that may differ by the source of a row.
func (b *brief) perSource(g fileGroup, of func(model.SourcePolicy) (string, bool)) (string, bool) {
	if g.source != "" {
		return of(b.bySource[g.source])
	}
	common, ok := of(model.SourcePolicy{})
	if !ok {
		return "", false
	}
	var cases []string
	for _, s := range b.View.Sources {
		own, ok := of(s)
		if !ok {
			return "", false
		}
		if own != common {
			name, ok := b.sourceText(s.Name)
			if !ok {
				return "", false
			}
			cases = append(cases, fmt.Sprintf("WHEN %s THEN %s", name, own))
		}
	}
	if len(cases) == 0 {
		return common, true
	}
	return fmt.Sprintf("CASE source_text %s ELSE %s END", strings.Join(cases, " "), common), true
}

// timeSQL reads a time column as microseconds UTC.
func (b *brief) timeSQL(s facts.Schema, declared model.TimeColumn, ofSource string, ingested bool) (string, bool) {
	if !declared.Declared() {
		return "NULL::BIGINT", true
	}
	column := s.Lookup(declared.Column)
	if column == nil || column.Logical == "null" {
		return "NULL::BIGINT", true
	}
	name := columnSQL(*column)
	switch s.Encoding(*column) {
	case facts.EncodingAware, facts.EncodingInt96Aware:
		// Some releases of DuckDB have a type of nanoseconds in UTC, which epoch_us does not take.
		return fmt.Sprintf("epoch_us(%s::TIMESTAMPTZ)", name), true
	case facts.EncodingNaive, facts.EncodingInt96Naive, facts.EncodingDate:
		return b.localSQL(fmt.Sprintf("epoch_us(%s::TIMESTAMP)", name), cmp.Or(declared.Zone, ofSource, b.View.Zone), ingested)
	case facts.EncodingTextNaive, facts.EncodingTextOffset:
		if declared.Format != "" && declared.Format != "rfc3339" || column.Logical != "string" && column.Logical != "enum" {
			return "", false
		}
		return b.textSQL(name, cmp.Or(declared.Zone, ofSource, b.View.Zone), ingested)
	case facts.EncodingEpoch:
		if column.Physical == "DOUBLE" {
			return "", false
		}
		switch cmp.Or(declared.Unit, column.EpochUnit) {
		case "s":
			return fmt.Sprintf("(%s::HUGEINT * 1000000)", name), true
		case "ms":
			return fmt.Sprintf("(%s::HUGEINT * 1000)", name), true
		case "us":
			return fmt.Sprintf("%s::HUGEINT", name), true
		case "ns":
			return fmt.Sprintf("(%s::HUGEINT // 1000)", name), true
		}
	}
	return "", false
}

// rfc3339 is what is read of text without a format, as a pattern of DuckDB: the day of the month is left to its cast.
const rfc3339 = `\d{4}-\d{2}-\d{2}[Tt ]([01]\d|2[0-3]):[0-5]\d:[0-5]\d([.,]\d+)?([Zz]|[+-]([01]\d|2[0-3])(:?[0-5]\d)?)?`

// textSQL reads text as RFC 3339. DuckDB's own cast takes other forms too, and drops some offsets.
func (b *brief) textSQL(name, zone string, ingested bool) (string, bool) {
	clock := fmt.Sprintf("(epoch_us(try_cast(substr(%[1]s, 1, 10) || ' ' || substr(%[1]s, 12, 8) AS TIMESTAMP)) + "+
		"try_cast(rpad(regexp_extract(substr(%[1]s, 20), '[.,](\\d{1,6})', 1), 6, '0') AS BIGINT))", name)
	local, ok := b.localSQL(clock, zone, ingested)
	if !ok {
		return "", false
	}
	offset := fmt.Sprintf("regexp_extract(substr(%s, 20), '[-+Zz].*')", name)
	return fmt.Sprintf("CASE WHEN NOT regexp_full_match(%[1]s, '%[2]s') THEN NULL WHEN %[3]s = '' THEN %[4]s WHEN %[3]s IN ('Z', 'z') THEN %[5]s "+
		"ELSE %[5]s - (%[3]s[1] || '1')::BIGINT * 1000000 * (3600 * try_cast(substr(%[3]s, 2, 2) AS BIGINT) + CASE WHEN length(%[3]s) > 3 THEN 60 * try_cast(right(%[3]s, 2) AS BIGINT) ELSE 0 END) END",
		name, rfc3339, offset, local, clock), true
}

// localSQL reads a local time in a zone. The clock changes of the data's own years are written out, since engines do not agree
// on times that occur twice or never.
func (b *brief) localSQL(local, name string, ingested bool) (string, bool) {
	if name == "" || name == "UTC" || name == model.ZoneDevice {
		return local, true
	}
	table, err := zone.Load(name)
	if err != nil {
		return "", false
	}
	const margin = int64(48 * time.Hour / time.Microsecond)
	from, to := b.AsOf, b.AsOf
	for _, s := range b.Collection.Slices {
		low, high := s.EventMin, s.EventMax
		if ingested {
			low, high = s.IngestedMin, s.IngestedMax
		}
		if low != facts.NoTime {
			from, to = min(from, low), max(to, high)
		}
	}
	offset := fmt.Sprint(int64(table.Offset(from-margin)) * 1_000_000)
	var cases []string
	for _, t := range table.Transitions() {
		if t.UTC >= from-margin && t.UTC <= to+margin {
			begins := t.UTC + int64(max(t.Before, t.After))*1_000_000
			cases = append(cases, fmt.Sprintf("WHEN %s >= %d THEN %d", local, begins, int64(t.After)*1_000_000))
		}
	}
	slices.Reverse(cases)
	if len(cases) > 0 {
		offset = fmt.Sprintf("CASE %s ELSE %s END", strings.Join(cases, " "), offset)
	}
	return fmt.Sprintf("(%s - %s)", local, offset), true
}

// usable is NULL for what is no event: a placeholder.
func (b *brief) usable(instant string) string {
	first := time.Date(sentinelYear, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro()
	last := time.UnixMicro(b.AsOf).UTC().AddDate(sentinelYears, 0, 0).UnixMicro()
	return fmt.Sprintf("CASE WHEN %s BETWEEN %d AND %d THEN %s END", instant, first, last, instant)
}

// fileValues are what the partition and the policy say of each file.
func (b *brief) fileValues(files []facts.File) string {
	late := map[int32]bool{}
	for _, s := range b.Collection.Slices {
		late[s.File] = late[s.File] || s.FutureAsOf+s.AfterAsOf > 0
	}
	lines := make([]string, len(files))
	for i, f := range files {
		begin, end, stale := "NULL::BIGINT", "NULL::BIGINT", "NULL::BIGINT"
		p, dated := b.partition(f.Partition)
		if dated && p.Dated() {
			begin, end = fmt.Sprint(p.Start), fmt.Sprint(p.End)
		}
		if before, judged := b.expiredBefore(p, dated && p.Dated()); judged {
			stale = fmt.Sprint(before)
		}
		// The file's own time stands in the report only where a row's verdict rests on it: a copy of the same files is the same input.
		knownBy := int64(math.MaxInt64)
		if late[f.ID] {
			knownBy = max(b.AsOf, f.ModTime) + b.View.Tolerance.Microseconds()
		}
		lines[i] = fmt.Sprintf("      (%s, %d, %s, %t, %d, %s, %s, %s)", quoteText(b.fromConfig(f)), f.Partition, quoteText(p.Value), b.inRange(f.Partition),
			knownBy, begin, end, stale)
	}
	return strings.Join(lines, ",\n")
}

// expiredBefore is the instant before which a row of a partition had expired at the reference; false where the row's own ingest
// time is the reference, or there is none.
func (b *brief) expiredBefore(p facts.Partition, dated bool) (int64, bool) {
	ttl := b.View.TTL.Duration.Microseconds()
	reference := b.View.StaleReference()
	switch {
	case reference == model.ReferenceAsOf:
		return b.AsOf - ttl, true
	case reference == model.ReferencePartitionStart && dated:
		return p.Start - ttl, true
	case reference == model.ReferencePartitionEnd && dated:
		return min(p.End, b.AsOf) - max(ttl, p.End-p.Start), true
	}
	return 0, false
}

// fromConfig is a file's path from where the view's own path starts.
func (b *brief) fromConfig(f facts.File) string {
	if b.View.Root == "" || filepath.IsAbs(b.View.Path) {
		return f.Abs
	}
	if rel, err := filepath.Rel(b.View.Root, f.Abs); err == nil {
		return rel
	}
	return f.Abs
}

// columns are those of the rows that DuckDB can show: all but what could not be read in one of the files.
func (b *brief) columns(files []facts.File) string {
	var blind []string
	for _, f := range files {
		for _, problem := range b.Collection.Blind[f.ID] {
			name := problem.Column
			if schema := b.schema(f); schema != nil && schema.Lookup(name) != nil {
				name = schema.Lookup(name).Name
			}
			if name = quoteName(name); !slices.Contains(blind, name) {
				blind = append(blind, name)
			}
		}
	}
	if len(blind) == 0 {
		return "*"
	}
	slices.Sort(blind)
	return "* EXCLUDE (" + strings.Join(blind, ", ") + ")"
}

// list names files for read_parquet, which takes every name for a pattern.
func (b *brief) list(files []facts.File) string {
	names := make([]string, len(files))
	for i, f := range files {
		names[i] = quoteText(strings.NewReplacer("*", "[*]", "?", "[?]", "[", "[[]").Replace(b.fromConfig(f)))
	}
	return "[" + strings.Join(names, ", ") + "]"
}

func quoteText(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

func quoteName(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }

// columnSQL names a column or a field of a struct.
func columnSQL(c facts.Column) string {
	parts := []string{quoteName(c.Name)}
	if !c.Nested && c.Path != c.Name {
		for _, field := range strings.Split(strings.TrimPrefix(c.Path, c.Name+"."), ".") {
			parts = append(parts, quoteName(field))
		}
	}
	return strings.Join(parts, ".")
}

// isFuture and isJudged are conditions by the columns of inner.
func (b *brief) isFuture() string {
	tolerance := b.View.Tolerance.Microseconds()
	return fmt.Sprintf("coalesce(event_us > ingested_us + %d, false) OR coalesce(ingested_us > known_by_us, false) AND (event_us IS NOT NULL OR event_read_us IS NULL) OR ingested_us IS NULL AND coalesce(event_us > known_by_us, false)", tolerance)
}

func (b *brief) isJudged() string {
	return fmt.Sprintf("event_us IS NOT NULL AND (event_us <= %d OR %s)", b.AsOf, b.isFuture())
}

// anySchema is a condition that is the same for every schema.
func anySchema(sql string) func(facts.Schema) (string, bool) {
	return func(facts.Schema) (string, bool) { return sql, true }
}

func (b *brief) reproduceNullEvents() string {
	return rowsQuery{b: b, counted: func(s *facts.Slice) int64 { return s.EventNull + s.EventUnparsed + s.EventSentinel }, bad: anySchema("event_us IS NULL")}.sql()
}

func (b *brief) reproduceFuture() string {
	return rowsQuery{b: b, counted: func(s *facts.Slice) int64 { return s.FutureIngested + s.FutureAsOf }, bad: anySchema(b.isFuture()),
		whole: func(f facts.File) bool {
			p, dated := b.partition(f.Partition)
			return dated && p.InRange && p.AfterAsOf && f.Problem == nil && f.Rows > 0 && f.ModTime < b.AsOf
		}}.sql()
}

func (b *brief) reproduceLate() string {
	return rowsQuery{b: b, counted: func(s *facts.Slice) int64 { return s.LagOver },
		bad: anySchema(fmt.Sprintf("(%s) AND ingested_us - event_us > lag_limit_us", b.isJudged()))}.sql()
}

func (b *brief) reproduceStale() string {
	if isSnapshot(b.View) {
		return ""
	}
	stale := "event_us < stale_before_us"
	if b.View.StaleReference() == model.ReferenceIngestedAt {
		stale = fmt.Sprintf("ingested_us - event_us > %d", b.View.TTL.Duration.Microseconds())
	}
	return rowsQuery{b: b, counted: func(s *facts.Slice) int64 { return s.Stale }, bad: anySchema(fmt.Sprintf("(%s) AND %s", b.isJudged(), stale))}.sql()
}

func (b *brief) reproduceMisfiled() string {
	outside := func(instant string) string {
		return fmt.Sprintf("(begin_us IS NULL OR %s < begin_us OR %s >= end_us)", instant, instant)
	}
	judged, bad := b.isJudged(), outside("event_us")
	switch meaning(b.View) {
	case model.OfSnapshot:
		bad = "(begin_us IS NULL OR event_us >= end_us)"
	case model.OfIngestedAt:
		judged = fmt.Sprintf("(%s OR event_read_us IS NULL AND ingested_us IS NOT NULL)", judged)
		bad = fmt.Sprintf("CASE WHEN ingested_us IS NULL THEN (begin_us IS NULL OR event_us >= end_us) ELSE %s END", outside("ingested_us"))
	}
	return rowsQuery{b: b, counted: func(s *facts.Slice) int64 {
		return s.MisfiledBefore + s.MisfiledAfter + s.MisfiledUndated + s.OwnColumnDiffers
	},
		bad: func(s facts.Schema) (string, bool) {
			own := slices.ContainsFunc(b.View.TimePartition.Columns, func(name string) bool { return s.LookupFold(name) != nil })
			return fmt.Sprintf("(%s) AND %s", judged, bad), !own
		}}.sql()
}

func (b *brief) reproduceNullKeys() string {
	q := rowsQuery{b: b, counted: func(s *facts.Slice) int64 { return s.KeyNull }, bad: anySchema("key_is_null")}
	return q.keyed()
}

// keyed is the query of rows whose key has a NULL.
func (q rowsQuery) keyed() string {
	var files []facts.File
	counted := map[int32]int64{}
	for i := range q.b.Collection.Slices {
		counted[q.b.Collection.Slices[i].File] += q.counted(&q.b.Collection.Slices[i])
	}
	for _, f := range q.b.Survey.Files {
		if counted[f.ID] > 0 && q.b.judged(f.Partition) {
			files = append(files, f)
		}
	}
	if len(files) == 0 || len(files) > maxListedFiles {
		return ""
	}
	var parts []string
	for _, g := range q.b.groupsOf(files) {
		nulls := make([]string, 0, len(KeyColumns(q.b.View)))
		for _, name := range KeyColumns(q.b.View) {
			sql, ok := q.b.keySQL(g.schema, name)
			if !ok {
				return ""
			}
			nulls = append(nulls, sql+" IS NULL")
		}
		if !plainNames(g.schema) {
			return ""
		}
		parts = append(parts, fmt.Sprintf("  SELECT filename, file_row_number FROM read_parquet(%s, hive_partitioning = false, filename = true, file_row_number = true)\n  WHERE %s",
			q.b.list(g.files), strings.Join(nulls, " OR ")))
	}
	return fmt.Sprintf("%sSELECT %s\nFROM read_parquet(%s, union_by_name = true, hive_partitioning = false, filename = true, file_row_number = true)\nWHERE (filename, file_row_number) IN (\n%s\n)\nORDER BY filename, file_row_number;",
		reproduceHead, q.b.columns(files), q.b.list(files), strings.Join(parts, "\n  UNION ALL\n"))
}

// keySQL is a part of the key as it is compared: a time of the view is an instant.
func (b *brief) keySQL(s facts.Schema, name string) (string, bool) {
	column := s.Lookup(name)
	if column == nil || column.Raw {
		return "", false // what the engine cuts is compared by the bytes of the files
	}
	if name != b.View.EventTime.Column && name != b.View.IngestedAt.Column {
		return columnSQL(*column), s.Encoding(*column) != facts.EncodingInt96Naive
	}
	declared := b.View.EventTime
	if name != declared.Column {
		declared = b.View.IngestedAt
	}
	if slices.ContainsFunc(b.View.Sources, func(s model.SourcePolicy) bool {
		return s.Zone != "" || s.EventTime.Declared() || s.IngestedAt.Declared()
	}) {
		return "", false
	}
	micros, ok := b.timeSQL(s, declared, "", declared == b.View.IngestedAt)
	encoding, name := s.Encoding(*column), columnSQL(*column)
	below := "0" // what the value has beyond its microseconds, in nanoseconds, since repeats are verified to the nanosecond
	switch {
	case encoding == facts.EncodingTextNaive, encoding == facts.EncodingTextOffset:
		below = fmt.Sprintf("rpad(regexp_extract(substr(%s, 20), '[.,]\\d{6}(\\d{1,3})', 1), 3, '0')::BIGINT", name)
	case encoding == facts.EncodingInt96Naive, encoding == facts.EncodingAware && column.Unit == "ns":
		return "", false // DuckDB cuts them
	case encoding == facts.EncodingNaive && column.Unit == "ns":
		below = fmt.Sprintf("(epoch_ns(%s) %% 1000 + 1000) %% 1000", name)
	}
	return fmt.Sprintf("(%s)::HUGEINT * 1000 + %s", micros, below), ok
}

// reproduceDuplicates gives the surplus rows: all rows of a repeated key but the one that the audit keeps, which is the first
// by ingest time, partition, path and row number. With a range it gives those that lie in it.
func (b *brief) reproduceDuplicates() string {
	var files []facts.File
	for _, f := range b.Survey.Files {
		p, dated := b.partition(f.Partition)
		if _, failed := b.Collection.Unread[f.ID]; f.Problem != nil || failed || f.Rows == 0 || dated && p.AfterAsOf {
			continue
		}
		files = append(files, f)
	}
	if len(files) == 0 || len(files) > maxListedFiles {
		return ""
	}
	once := slices.Clone(b.View.OncePer)
	if isSnapshot(b.View) {
		once = append(once, "partition")
	}
	groups := make([]string, 0, len(KeyColumns(b.View))+len(once))
	filters := make([]string, 0, len(KeyColumns(b.View)))
	for i := range KeyColumns(b.View) {
		groups = append(groups, fmt.Sprintf("key_%d", i+1))
		filters = append(filters, fmt.Sprintf("key_%d IS NOT NULL", i+1))
	}
	for _, scope := range once {
		column, known := map[string]string{"source": "source_name", "partition": "partition_value"}[scope]
		if !known {
			return ""
		}
		groups = append(groups, column)
	}
	var parts []string
	for _, g := range b.groupsOf(files) {
		extra := make([]string, 0, len(KeyColumns(b.View)))
		for i, name := range KeyColumns(b.View) {
			sql, ok := b.keySQL(g.schema, name)
			if !ok {
				return ""
			}
			extra = append(extra, fmt.Sprintf("%s AS key_%d", sql, i+1))
		}
		inner, ok := b.inner(g, extra...)
		if !ok {
			return ""
		}
		parts = append(parts, inner)
	}
	return fmt.Sprintf("%sSELECT %s\nFROM read_parquet(%s, union_by_name = true, hive_partitioning = false, filename = true, file_row_number = true)\nWHERE (filename, file_row_number) IN (\n  SELECT filename, file_row_number FROM (\n    SELECT *, row_number() OVER (PARTITION BY %s ORDER BY ingested_us NULLS LAST, file_rank, filename, file_row_number) AS nth\n    FROM (\n%s\n    ) WHERE %s\n  ) WHERE nth > 1 AND in_range\n)\nORDER BY filename, file_row_number;",
		reproduceHead, b.columns(files), b.list(files), strings.Join(groups, ", "), strings.Join(parts, "\n    UNION ALL\n"), strings.Join(filters, " AND "))
}
