package check

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/featureaudit/featureaudit/audit/evidence"
	"github.com/featureaudit/featureaudit/audit/internal/facttables"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/sql"
)

func TestCatalogueIsSortedAndWhole(t *testing.T) {
	catalogue := Catalogue()
	if !slices.IsSortedFunc(catalogue, func(a, b Check) int { return strings.Compare(a.ID, b.ID) }) {
		t.Error("the catalogue is not sorted by id")
	}
	seen := map[string]bool{}
	for _, c := range catalogue {
		if seen[c.ID] {
			t.Errorf("%s: the id is used twice", c.ID)
		}
		seen[c.ID] = true
		for name, text := range map[string]string{"Title": c.Title, "Why": c.Why, "Fix": c.Fix} {
			if !strings.HasSuffix(text, ".") {
				t.Errorf("%s: %s %q does not end with a period", c.ID, name, text)
			}
		}
		if c.Since == "" || c.Unit == "" || c.bad == nil || c.good == nil {
			t.Errorf("%s: Since, Unit, bad and good must be set", c.ID)
		}
		if c.Scope != ScopeView && c.Scope != ScopeRun {
			t.Errorf("%s: scope %d", c.ID, c.Scope)
		}
		if c.Severity != report.SeverityError && c.Severity != report.SeverityWarn {
			t.Errorf("%s: severity %q", c.ID, c.Severity)
		}
		if c.Evidence != report.Certain && c.Evidence != report.Arithmetic && c.Evidence != report.Statistical {
			t.Errorf("%s: evidence %q", c.ID, c.Evidence)
		}
		ways := 0
		for _, has := range []bool{c.Query, c.judge != nil, c.judgeRun != nil} {
			if has {
				ways++
			}
		}
		if ways != 1 {
			t.Errorf("%s: judged in %d ways, wants exactly one of SQL, Go and the run's Go", c.ID, ways)
		}
		if found, ok := Lookup(c.ID); !ok || found.ID != c.ID {
			t.Errorf("Lookup(%q) finds %q", c.ID, found.ID)
		}
	}
	if _, ok := Lookup("no-such-check"); ok {
		t.Error("Lookup finds what is not there")
	}
}

func TestEveryQueryHasItsFileAndEveryFileItsCheck(t *testing.T) {
	files, err := sql.CheckIDs()
	if err != nil {
		t.Fatal(err)
	}
	var queries []string
	for _, c := range Catalogue() {
		if c.Query {
			queries = append(queries, c.ID)
		}
	}
	if !slices.Equal(files, queries) {
		t.Errorf("files of sql/checks: %v\nchecks with Query:   %v", files, queries)
	}
}

var (
	comment   = regexp.MustCompile(`--[^\n]*`)
	parameter = regexp.MustCompile(`\$([a-z_]+)`)
	forbidden = regexp.MustCompile(`(?i)\b(now|today|random|uuid|current_[a-z]+|get_current_[a-z]+|read_[a-z]+|parquet_[a-z]+|glob|getenv|getvariable|query|query_table|nextval)\s*\(|` +
		`\b(current_date|current_time|current_timestamp)\b|\b(attach|copy|install|load|pragma|set)\s`)
)

func TestQueriesKeepTheContract(t *testing.T) {
	judge := openJudge(t)
	for _, c := range Catalogue() {
		if !c.Query {
			continue
		}
		text, err := sql.Check(c.ID)
		if err != nil {
			t.Fatal(err)
		}
		code := comment.ReplaceAllString(text, "")
		if found := forbidden.FindString(code); found != "" {
			t.Errorf("%s: its SQL uses %q: a check sees no file and no clock", c.ID, found)
		}
		if !strings.Contains(code[strings.LastIndex(code, "FROM"):], "ORDER BY") {
			t.Errorf("%s: its SQL has no final ORDER BY", c.ID)
		}
		if !strings.HasPrefix(text, "-- ") {
			t.Errorf("%s: its SQL does not begin with a comment that says what a row is", c.ID)
		}
		var names, declared []string
		for _, match := range parameter.FindAllStringSubmatch(code, -1) {
			names = append(names, match[1])
		}
		for _, p := range c.Params {
			declared = append(declared, p.Name)
		}
		slices.Sort(names)
		slices.Sort(declared)
		if names = slices.Compact(names); !slices.Equal(names, declared) {
			t.Errorf("%s: its SQL asks for %v, its Params declare %v", c.ID, names, declared)
		}
		if !strings.Contains(tablesInWords(text), "policy: ") {
			t.Errorf("%s: explain names no table that it reads", c.ID)
		}
		// On empty tables the adapter still compares the columns and their types, and at least one row must come.
		b := newViewEvidence(evidence.Input{})
		if err := judge.Load(t.Context(), facttables.Of(b.Index)); err != nil {
			t.Fatal(err)
		}
		params := map[string]any{}
		if c.params != nil {
			params = c.params(b)
		}
		rows, err := judge.Query(t.Context(), text, params)
		if err != nil || len(rows) == 0 {
			t.Errorf("%s: %d rows on empty tables, %v", c.ID, len(rows), err)
		}
		for _, r := range rows {
			if r.RowsTotal != 0 || r.RowsBad != 0 {
				t.Errorf("%s: %+v on empty tables", c.ID, r)
			}
		}
	}
}

func TestTablesAreDocumented(t *testing.T) {
	for _, table := range facttables.Of(evidence.NewIndex(healthy(dailyView()).Input)) {
		if table.Doc == "" {
			t.Errorf("table %s has no doc", table.Name)
		}
		for _, c := range table.Columns {
			if c.Doc == "" {
				t.Errorf("column %s.%s has no doc", table.Name, c.Name)
			}
		}
		for row := range table.Rows {
			if len(row) != len(table.Columns) {
				t.Fatalf("table %s: %d values for %d columns", table.Name, len(row), len(table.Columns))
			}
		}
	}
}

func TestExplainSaysEverything(t *testing.T) {
	for _, c := range Catalogue() {
		text, err := Explain(c)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{c.ID, c.Title, c.Why, c.Fix, c.Since, "severity (severity, default " + string(c.Severity)} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: explain leaves out %q", c.ID, want)
			}
		}
		if c.Query != strings.Contains(text, "SELECT") {
			t.Errorf("%s: Query is %v, and explain says\n%s", c.ID, c.Query, text)
		}
		if c.Query == (c.rule != "") {
			t.Errorf("%s: Query is %v, and its rule in words is %q", c.ID, c.Query, c.rule)
		}
	}
	thin, _ := Lookup("thin-partitions")
	text, err := Explain(thin)
	if err != nil {
		t.Fatal(err)
	}
	if want := "min_rows (integer, default 10 % of the median of 14 earlier partitions)"; !strings.Contains(text, want) {
		t.Errorf("explain leaves out %q:\n%s", want, text)
	}
	empty, _ := Lookup("empty-partitions")
	text, err = Explain(empty)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"presence: One row for each time partition", "files_unread"} {
		if !strings.Contains(text, want) {
			t.Errorf("explain leaves out %q:\n%s", want, text)
		}
	}
}

func TestReadmeTable(t *testing.T) {
	table := ReadmeTable()
	if lines := strings.Count(table, "\n"); lines != len(Catalogue())+2 {
		t.Errorf("%d lines for %d checks", lines, len(Catalogue()))
	}
	if !strings.Contains(table, "| `ttl-unset` | error | view | The definition never expires. |\n") {
		t.Error(table)
	}
}
