package reproduce

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/engine"
	"github.com/featureaudit/featureaudit/audit/evidence"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/internal/zoneproof"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/times"
	"github.com/featureaudit/featureaudit/audit/words"
)

// maxListedFiles is how many files a query of a report names: those that hold what was counted. Beyond that it would be longer than
// a shell takes. maxFetchedFiles is the same where the program itself asks.
const (
	maxListedFiles  = 500
	maxFetchedFiles = 20_000
)

// reproduceHead says where a query runs, and shows times as the audit writes them.
const reproduceHead = "-- for the DuckDB shell, in the folder that the view's path starts from (the config's, or where run --path was started)\nSET TimeZone = 'UTC';\n"

// addedPrefix begins the names of all columns that queries add to those of the files.
const addedPrefix = "audited_"

// sentinelYear and sentinelYears bound usable event times: earlier ones, and those so many years after as_of, are placeholders.
const (
	sentinelYear  = 1980
	sentinelYears = 10
)

// Statements write SQL that gives the rows which checks of a view counted.
type Statements struct {
	*zoneproof.Zones
	// mostFiles is how many files a query may name.
	mostFiles int
	// root is the folder that the view's path starts from, and "" where files are named by absolute paths.
	root string
	// within says that what is made is for the program itself, which reads the data by it: sources stand in it as they are there.
	within bool
	// large says that values may be of many kilobytes: queries compare their digests, and give the rows by their numbers alone.
	large bool
	// named are the files of the last query that selects rows.
	named []*facts.File
}

// NewStatements writes what stands in a report.
func NewStatements(z *zoneproof.Zones) *Statements {
	return &Statements{Zones: z, mostFiles: maxListedFiles, root: z.View.Root}
}

// NewFetching writes what the program itself runs to fetch rows.
func NewFetching(z *zoneproof.Zones) *Statements {
	large := slices.ContainsFunc(z.Survey.Files, func(f facts.File) bool { return f.RowBytes >= largeRow })
	return &Statements{Zones: z, mostFiles: maxFetchedFiles, within: true, large: large}
}

// largeRow is from how many bytes on rows are fetched in two steps: which they are, and then their values, a few at a time.
const largeRow = 1 << 10

// rowsQuery is SQL that gives exactly the rows that a check counted. What the collector does in Go is said here once more, in
// SQL, so that the two are held to each other by tests.
type rowsQuery struct {
	b *Statements
	// counted is what the check counted in a slice.
	counted func(*facts.Slice) int64
	// bad is the condition on a row, by the columns of inner; missing says why SQL cannot say it for a schema.
	bad func(s facts.Schema) (sql, missing string)
	// whole adds files of which every row was counted.
	whole func(*facts.File) bool
	// listed adds rows of a file by their numbers.
	listed func(*facts.File) []int64
}

// fileGroup are files that are read alike.
type fileGroup struct {
	schema facts.Schema
	source string
	files  []*facts.File
}

// files are those that hold what was counted, and those of which every row was; or why they are too many for a query, which is told
// before they are gathered.
func (q rowsQuery) files() (some, whole []*facts.File, missing string) {
	counted := map[int32]int64{}
	for i := range q.b.Collection.Slices {
		s := &q.b.Collection.Slices[i]
		counted[s.File] += q.counted(s)
	}
	each := func(take func(f *facts.File, whole bool)) {
		for i := range q.b.Survey.Files {
			f := &q.b.Survey.Files[i]
			switch {
			case q.whole != nil && q.whole(f):
				take(f, true)
			case counted[f.ID] > 0 && q.b.Judged(f.Partition):
				take(f, false)
			}
		}
	}
	count, runs := 0, 0
	each(func(f *facts.File, _ bool) {
		count++
		runs += len(deletedRuns(f, maxFetchedRuns))
	})
	if missing := q.b.tooMany(count, runs); missing != "" {
		return nil, nil, missing
	}
	each(func(f *facts.File, all bool) {
		if all {
			whole = append(whole, f)
			return
		}
		some = append(some, f)
	})
	return some, whole, ""
}

// sql is the query, or why there is none.
func (q rowsQuery) sql() (sql, missing string) {
	files, whole, missing := q.files()
	if missing != "" {
		return "", missing
	}
	var parts []string
	for _, g := range q.b.groupsOf(files) {
		bad, missing := q.bad(g.schema)
		if missing != "" {
			return "", missing
		}
		inner, missing := q.b.inner(g, &textTimes{})
		if missing != "" {
			return "", missing
		}
		parts = append(parts, fmt.Sprintf("  SELECT filename, file_row_number FROM (\n%s\n  ) WHERE %s", inner, bad))
	}
	if len(whole) > 0 {
		file, number := q.b.rowNames()
		parts = append(parts, fmt.Sprintf("  SELECT %s, %s FROM %s", file, number, q.b.live(whole, q.b.readAll(whole))))
	}
	if q.listed != nil {
		for _, f := range files {
			if rows := q.listed(f); len(rows) > 0 {
				parts = append(parts, q.b.rowsOf(f, rows))
			}
		}
	}
	return q.b.rowsWhere(append(files, whole...), "", strings.Join(parts, "\n  UNION ALL\n")), ""
}

// rowsOf selects rows of a file by their numbers.
func (b *Statements) rowsOf(f *facts.File, rows []int64) string {
	numbers := make([]string, len(rows))
	for i, n := range rows {
		numbers[i] = fmt.Sprint(n)
	}
	return fmt.Sprintf("  SELECT %s, unnest([%s])", quoteText(b.fromConfig(f)), strings.Join(numbers, ", "))
}

// writesRows ends the reason of a query that is missing only in a report.
const writesRows = "; --out rows=PATH writes the rows"

// tooMany says why no query names so many files, or so many runs of their deleted rows.
func (b *Statements) tooMany(files, runs int) string {
	switch {
	case files == 0:
		return "no file that can be read holds them"
	case files > b.mostFiles:
		return b.tooLong(words.Count(int64(files), "file"), b.mostFiles)
	case b.fetches() && runs > maxFetchedRuns:
		return b.tooLong("runs of rows that the table's log takes out", maxFetchedRuns)
	case !b.fetches() && runs > maxListedRows:
		return b.tooLong("runs of rows that the table's log takes out", maxListedRows)
	}
	return ""
}

func (b *Statements) tooLong(what string, most int) string {
	if b.fetches() {
		return fmt.Sprintf("the query would name %s, more than the %s that one query can", what, words.Number(int64(most)))
	}
	return fmt.Sprintf("the query would name %s, more than the %s that fit a report", what, words.Number(int64(most))) + writesRows
}

// tooManyOf is tooMany of files.
func (b *Statements) tooManyOf(files []*facts.File) string {
	runs := 0
	for _, f := range files {
		runs += len(deletedRuns(f, maxFetchedRuns))
	}
	return b.tooMany(len(files), runs)
}

// maxFetchedRuns is how many runs of deleted rows a query names where the program itself asks.
const maxFetchedRuns = 100_000

// deletedRuns are the deleted rows of a file, as first and last of those that follow each other: at most one run more than a number.
func deletedRuns(f *facts.File, most int) (runs [][2]int64) {
	if f.Deleted == nil {
		return nil
	}
	for row := f.Deleted.Next(0); row >= 0 && len(runs) <= most; row = f.Deleted.Next(row + 1) {
		if last := len(runs) - 1; last >= 0 && runs[last][1] == row-1 {
			runs[last][1] = row
			continue
		}
		runs = append(runs, [2]int64{row, row})
	}
	return runs
}

// live is what is read of files, with the columns of rowNames, less the rows that a table's log takes out.
func (b *Statements) live(files []*facts.File, read string) string {
	var parts []string
	for _, f := range files {
		var lists []string
		for _, run := range deletedRuns(f, maxFetchedRuns) {
			lists = append(lists, fmt.Sprintf("range(%d, %d)", run[0], run[1]+1))
		}
		if len(lists) > 0 {
			parts = append(parts, fmt.Sprintf("SELECT %s, unnest(flatten([%s]))", quoteText(b.fromConfig(f)), strings.Join(lists, ", ")))
		}
	}
	if len(parts) == 0 {
		return read
	}
	file, number := b.rowNames()
	return fmt.Sprintf("(SELECT * FROM %s WHERE (%s, %s) NOT IN (%s))", read, file, number, strings.Join(parts, " UNION ALL "))
}

// rowsWhere selects whole rows of files by what picks their file names and numbers; note is a comment of its own, or "".
func (b *Statements) rowsWhere(files []*facts.File, note, picked string) string {
	file, number := b.rowNames()
	if note != "" {
		note = "-- " + note + "\n"
	}
	b.named = files
	if b.large {
		return fmt.Sprintf("%s%sSELECT DISTINCT file, number\nFROM (\n%s\n) AS picked(file, number)\nORDER BY file, number;", note, reproduceHead, picked)
	}
	selected := b.columns(files)
	if b.fetches() {
		selected = strings.Join(append([]string{file, number}, b.roleTexts(files)...), ", ")
	}
	return fmt.Sprintf("%s%sSELECT %s\nFROM %s\nWHERE (%s, %s) IN (\n%s\n)\nORDER BY %s, %s;", note, reproduceHead, selected, b.readAll(files), file, number, picked, file, number)
}

// columns are those of the rows that DuckDB can show: all but what could not be read in one of the files.
func (b *Statements) columns(files []*facts.File) string {
	var blind []string
	for _, f := range files {
		for _, problem := range b.Collection.Blind[f.ID] {
			name := problem.Column
			if schema := b.Schema(*f); schema != nil && schema.Lookup(name) != nil {
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

// rowNames are the columns that say a row's file and its number in the file: DuckDB's own, where no file has such a column itself.
func (b *Statements) rowNames() (file, number string) {
	file, number = "filename", "file_row_number"
	for _, s := range b.Survey.Schemas {
		for _, c := range s.Columns {
			if strings.EqualFold(c.Name, "filename") {
				file = addedPrefix + "file"
			}
			if strings.EqualFold(c.Name, "file_row_number") {
				number = addedPrefix + "row"
			}
		}
	}
	return file, number
}

// readAll reads files of any schemas as one table. What they hold in types that no type holds alike comes as text.
func (b *Statements) readAll(files []*facts.File) string {
	groups := b.groupsOf(files)
	mixed := mixedColumns(groups)
	if len(mixed) == 0 {
		return b.read(files, "union_by_name = true, ", "")
	}
	parts := make([]string, len(groups))
	for i, g := range groups {
		var names, texts []string
		for _, c := range g.schema.Columns {
			name := quoteName(c.Name)
			if mixed[strings.ToLower(c.Name)] && c.Position == 0 && !c.Absent && !slices.Contains(names, name) {
				names = append(names, name)
				texts = append(texts, fmt.Sprintf("%s::VARCHAR AS %s", name, name))
			}
		}
		replaced := ""
		if len(texts) > 0 {
			replaced = " REPLACE (" + strings.Join(texts, ", ") + ")"
		}
		parts[i] = fmt.Sprintf("  SELECT *%s FROM %s", replaced, b.read(g.files, "", ""))
	}
	return "(\n" + strings.Join(parts, "\n  UNION ALL BY NAME\n") + "\n)"
}

// fetches says that the program itself runs the query, for the columns with a role.
func (b *Statements) fetches() bool { return b.mostFiles == maxFetchedFiles }

// mixedColumns are the top-level columns, in small letters, that files hold in types of more than one class.
func mixedColumns(groups []fileGroup) map[string]bool {
	classes, mixed := map[string]string{}, map[string]bool{}
	for _, g := range groups {
		for _, c := range g.schema.Columns {
			name, class := strings.ToLower(c.Name), typeClass(c)
			if have, seen := classes[name]; seen && have != class && c.Position == 0 {
				mixed[name] = true
			}
			classes[name] = class
		}
	}
	return mixed
}

// typeClass is the same for types of which each value has a place in one of them.
func typeClass(c facts.Column) string {
	switch {
	case c.Nested || c.Path != c.Name:
		return "nested"
	case c.Logical == "string", c.Logical == "enum", c.Logical == "json":
		return "text"
	case c.Physical == "INT96", c.Logical == "timestamp" && !c.AdjustedToUTC:
		return "timestamp"
	case c.Logical == "timestamp":
		return "instant"
	case isWhole(c):
		return "integer"
	case c.Physical == "FLOAT", c.Physical == "DOUBLE":
		return "float"
	}
	return c.TypeText
}

// read is what a query reads files from, with the columns of rowNames.
func (b *Statements) read(files []*facts.File, options, columns string) string {
	file, number := b.rowNames()
	named := "true"
	if file != "filename" {
		named = quoteText(file)
	}
	text := fmt.Sprintf("read_parquet(%s, %shive_partitioning = false, filename = %s", b.list(files), options, named)
	if number == "file_row_number" {
		return b.withGiven(files, text+", file_row_number = true)"+columns)
	}
	// the files have a column of that name: rows are counted off, in the order in which they stand
	return b.withGiven(files, fmt.Sprintf("(SELECT * EXCLUDE (audited_place), audited_place - min(audited_place) OVER (PARTITION BY %s) AS %s FROM (SELECT *, row_number() OVER () AS audited_place FROM %s)%s))",
		file, number, text, columns))
}

// withGiven adds the columns to what is read of files that a table's log says in their place.
func (b *Statements) withGiven(files []*facts.File, read string) string {
	var names []string
	for _, g := range b.groupsOf(files) {
		for _, c := range g.schema.Columns {
			if c.Given && !slices.Contains(names, c.Name) {
				names = append(names, c.Name)
			}
		}
	}
	if len(names) == 0 {
		return read
	}
	rows := make([]string, len(files))
	for i, f := range files {
		values := []string{quoteText(b.fromConfig(f))}
		for _, name := range names {
			kind, value := "VARCHAR", "NULL"
			if name == model.CommitColumn {
				kind = "TIMESTAMPTZ"
			}
			if text, known := f.Given(name); known {
				value = quoteText(text)
			}
			values = append(values, value+"::"+kind)
		}
		rows[i] = "(" + strings.Join(values, ", ") + ")"
	}
	file, _ := b.rowNames()
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = quoteName(name)
	}
	return fmt.Sprintf("(SELECT * EXCLUDE (audited_given) FROM %s JOIN (VALUES %s) AS given(audited_given, %s) ON audited_given = %s)", read, strings.Join(rows, ", "), strings.Join(quoted, ", "), file)
}

// groupsOf sorts files by what decides how their rows are read.
func (b *Statements) groupsOf(files []*facts.File) []fileGroup {
	var groups []fileGroup
	for _, f := range files {
		schema := b.Schema(*f)
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

// inner selects of each row what a condition needs: event_us and ingested_us (NULL where not usable), is_placeholder (an event time
// that is none), lag_limit_us, source_name, and of its file known_by_us, begin_us, end_us, stale_before_us. Extra columns are
// expressions by the columns of the files and the texts in t, with their names.
func (b *Statements) inner(g fileGroup, t *textTimes, extra ...namedSQL) (sql, missing string) {
	if b.beyondMicros(g) {
		return "", "times in milliseconds lie beyond what DuckDB can read: the query would end with an error"
	}
	if missing := refusedNames(g.schema); missing != "" {
		return "", missing
	}
	if missing := b.hiddenFill(g.schema); missing != "" {
		return "", missing
	}
	source, missing := b.sourceSQL(g)
	if missing != "" {
		return "", missing
	}
	event, missing := b.perSource(g, func(s model.SourcePolicy) (string, string) {
		return b.timeSQL(t, g.schema, timeOf(s.EventTime, b.View.EventTime), s.Zone, false)
	})
	if missing != "" {
		return "", missing
	}
	ingested, missing := b.perSource(g, func(s model.SourcePolicy) (string, string) {
		return b.timeSQL(t, g.schema, timeOf(s.IngestedAt, b.View.IngestedAt), s.Zone, true)
	})
	if missing != "" {
		return "", missing
	}
	limit, missing := b.perSource(g, func(s model.SourcePolicy) (string, string) {
		if micros, limited := evidence.LagLimit(b.View, s); limited {
			return fmt.Sprint(micros), ""
		}
		return "NULL::BIGINT", ""
	})
	if missing != "" {
		return "", missing
	}
	file, number := b.rowNames()
	read := []string{file + " AS audited_path", number + " AS audited_number", "audited_source", event + " AS audited_event", ingested + " AS audited_ingest",
		limit + " AS audited_limit"}
	names := []string{"audited_path AS filename", "audited_number AS file_row_number", "files.*", "audited_source AS source_name",
		usableSQL(b, "audited_event") + " AS event_us", "audited_event IS NOT NULL AND event_us IS NULL AS is_placeholder",
		usableSQL(b, "audited_ingest") + " AS ingested_us", "audited_limit AS lag_limit_us"}
	for _, e := range extra {
		read = append(read, e.sql+" AS "+addedPrefix+e.name)
		names = append(names, addedPrefix+e.name+" AS "+e.name)
	}
	return fmt.Sprintf("    SELECT %s\n    FROM (SELECT %s\n      FROM %s)\n    JOIN (VALUES\n%s\n    ) AS files(file_name, file_rank, partition_value, in_range, known_by_us, begin_us, end_us, stale_before_us) ON file_name = audited_path",
		strings.Join(names, ", "), strings.Join(read, ", "), t.from(fmt.Sprintf("(SELECT *, %s AS audited_source FROM %s)", source, b.readGroup(g))), b.fileValues(g.files)), ""
}

// namedSQL is an expression with its name.
type namedSQL struct{ sql, name string }

// readGroup reads files of one schema. Columns whose names DuckDB takes for others go by their positions.
func (b *Statements) readGroup(g fileGroup) string {
	last := int32(0)
	for _, c := range g.schema.Columns {
		last = max(last, c.Position)
	}
	if last == 0 {
		return b.live(g.files, b.read(g.files, "", ""))
	}
	names := make([]string, last)
	for i := range names {
		names[i] = positionName(int32(i + 1))
	}
	return b.live(g.files, b.read(g.files, "", " AS audited_read("+strings.Join(names, ", ")+")"))
}

func positionName(position int32) string { return fmt.Sprintf("%sp%d", addedPrefix, position) }

// refusedNames says which column has a name that queries give to columns of their own, or "".
func refusedNames(s facts.Schema) string {
	for _, c := range s.Columns {
		if strings.HasPrefix(strings.ToLower(c.Name), addedPrefix) {
			return fmt.Sprintf("column %s begins with %s, as the query's own columns do", c.Name, addedPrefix)
		}
	}
	return ""
}

func timeOf(ofSource, ofView model.TimeColumn) model.TimeColumn {
	if ofSource.Declared() {
		return ofSource
	}
	return ofView
}

// sourceSQL is the source of a row as text.
func (b *Statements) sourceSQL(g fileGroup) (sql, missing string) {
	name := b.View.Source.Column
	if g.source != "" || name == "" {
		if g.source != "" && b.Sources != nil && !b.within {
			return "", b.hiddenSource()
		}
		return b.sourceText(g.source), ""
	}
	column := g.schema.Lookup(name)
	switch {
	case column == nil:
		return "''", ""
	case column.Physical == "BYTE_ARRAY" && column.Logical != "string" && column.Logical != "enum":
		return "", fmt.Sprintf("sources are told by column %s, which holds raw bytes", name)
	}
	return fmt.Sprintf("coalesce(%s::VARCHAR, '')", columnSQL(*column)), ""
}

// perSource is an expression that may differ by the source of a row.
func (b *Statements) perSource(g fileGroup, of func(model.SourcePolicy) (sql, missing string)) (sql, missing string) {
	if g.source != "" {
		return of(b.DeclaredSources[g.source])
	}
	common, missing := of(model.SourcePolicy{})
	if missing != "" {
		return "", missing
	}
	var cases []string
	for _, s := range b.View.Sources {
		own, missing := of(s)
		if missing != "" {
			return "", missing
		}
		if own != common {
			cases = append(cases, fmt.Sprintf("WHEN %s THEN %s", b.sourceText(s.Name), own))
		}
	}
	if len(cases) == 0 {
		return common, ""
	}
	if missing := b.hiddenSource(); missing != "" {
		return "", missing
	}
	return fmt.Sprintf("CASE audited_source %s ELSE %s END", strings.Join(cases, " "), common), ""
}

// sourceText is a source as a literal, as the files have it: where it is sensitive the facts know it by another name.
func (b *Statements) sourceText(name string) string {
	if b.Sources != nil && name != "" {
		return quoteText(b.Sources[name])
	}
	return quoteText(name)
}

// hiddenFill says that no query may have what files read as that lack a sensitive column, or "".
func (b *Statements) hiddenFill(s facts.Schema) string {
	at := slices.IndexFunc(s.Columns, func(c facts.Column) bool { return c.Absent && c.Filled && b.View.Hides(c.Path) })
	if at < 0 || b.within {
		return ""
	}
	return fmt.Sprintf("the query would have to have the default of column %s, which is sensitive", s.Columns[at].Path)
}

// hiddenSource says that no query may name a source, or "".
func (b *Statements) hiddenSource() string {
	if name := b.View.Source.Column; name != "" && b.View.Hides(name) && !b.within {
		return fmt.Sprintf("the query would have to name sources, and column %s is sensitive", name)
	}
	return ""
}

// beyondMicros says whether an event time in milliseconds lies so far away that DuckDB, which counts in microseconds, fails on it.
func (b *Statements) beyondMicros(g fileGroup) bool {
	inMillis := slices.ContainsFunc(evidence.EventNames(b.View), func(name string) bool {
		column := g.schema.Lookup(name)
		return column != nil && column.Unit == "ms"
	})
	const farthest = math.MaxInt64 / 1000 * 1000
	if !inMillis {
		return false
	}
	far := map[int32]bool{}
	for i := range b.Collection.Slices {
		// Of a sensitive column the bounds are not kept.
		if s := &b.Collection.Slices[i]; s.EventSentinel > 0 && (s.SentinelMin == times.None || s.SentinelMin <= -farthest || s.SentinelMax >= farthest) {
			far[s.File] = true
		}
	}
	return slices.ContainsFunc(g.files, func(f *facts.File) bool { return far[f.ID] })
}

// fileValues are what the partition and the policy say of each file.
func (b *Statements) fileValues(files []*facts.File) string {
	late := map[int32]bool{}
	for _, s := range b.Collection.Slices {
		late[s.File] = late[s.File] || s.FutureAsOf+s.AfterAsOf > 0
	}
	lines := make([]string, len(files))
	for i, f := range files {
		begin, end, stale := "NULL::BIGINT", "NULL::BIGINT", "NULL::BIGINT"
		p, dated := b.Partition(f.Partition)
		if dated && p.Dated() {
			begin, end = fmt.Sprint(p.Start), fmt.Sprint(p.End)
		}
		if before, judged := facts.ExpiredBefore(b.View, b.PartitionOf(f.Partition), b.AsOf); judged {
			stale = fmt.Sprint(before)
		}
		// The file's own time stands in the report only where a row's verdict rests on it: a copy of the same files is the same input.
		knownBy := times.Instant(math.MaxInt64)
		if late[f.ID] {
			knownBy = max(b.AsOf, f.ModTime).Add(times.SpanOf(b.View.Tolerance))
		}
		lines[i] = fmt.Sprintf("      (%s, %d, %s, %t, %d, %s, %s, %s)", quoteText(b.fromConfig(f)), f.Partition, quoteText(p.Value), b.InRange(f.Partition),
			knownBy, begin, end, stale)
	}
	return strings.Join(lines, ",\n")
}

// fromConfig is a file's path from where the view's own path starts; the address of an object stays whole.
func (b *Statements) fromConfig(f *facts.File) string {
	if b.root == "" || filepath.IsAbs(b.View.Path) || !filepath.IsAbs(f.Abs) {
		return f.Abs
	}
	if rel, err := filepath.Rel(b.root, f.Abs); err == nil {
		return rel
	}
	return f.Abs
}

// list names files for read_parquet, which takes every name for a pattern.
func (b *Statements) list(files []*facts.File) string {
	names := make([]string, len(files))
	for i, f := range files {
		names[i] = quotePattern(b.fromConfig(f))
	}
	return "[" + strings.Join(names, ", ") + "]"
}

// quotePattern is a name as read_parquet takes it for this name alone.
func quotePattern(s string) string {
	return quoteText(strings.NewReplacer("*", "[*]", "?", "[?]", "[", "[[]").Replace(s))
}

// QuotedNames are the ways in which SQL that fetches rows writes the name of a file: as it is, and as a pattern.
func QuotedNames(abs string) []string {
	return slices.Compact([]string{quoteText(abs), quotePattern(abs)})
}

func quoteText(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

func quoteName(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }

// columnSQL names a column or a field of a struct.
func columnSQL(c facts.Column) string {
	if c.Absent {
		return engine.Constant(c)
	}
	name := quoteName(c.Name)
	if c.Position > 0 {
		name = positionName(c.Position)
	}
	parts := []string{name}
	if !c.Nested && c.Path != c.Name {
		stored := c.Stored()
		for _, field := range strings.Split(strings.TrimPrefix(stored.Path, stored.Name+"."), ".") {
			parts = append(parts, quoteName(field))
		}
	}
	return strings.Join(parts, ".")
}
