package align_test

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/featureaudit/featureaudit/audit/align"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/store/local"
	"github.com/featureaudit/featureaudit/fixtures"
)

// shiftOf is a correction of a file by so many hours, for rows of a source ("" for those that have none).
func shiftOf(file, source string, hours int64) report.Correction {
	seconds := hours * 3600
	return report.Correction{View: "clicks", File: file, Source: source, ShiftSeconds: &seconds, Evidence: report.Arithmetic}
}

// optionsOf are those of a copy of the files that lie below a folder.
func optionsOf(t *testing.T, dir string, v model.View, corrections ...report.Correction) align.Options {
	t.Helper()
	v.Name, v.Root = "clicks", dir
	if v.Path == "" {
		v.Path = "**/*.parquet"
	}
	return surveyed(t, align.Options{Store: local.New(), View: v, Corrections: corrections, Dir: filepath.Join(t.TempDir(), "copy")})
}

func write(t *testing.T, file string, o fixtures.Options, columns ...fixtures.Column) {
	t.Helper()
	if err := fixtures.Write(file, fixtures.Table{Columns: columns}, o); err != nil {
		t.Fatal(err)
	}
}

// copied makes a copy that must succeed.
func copied(t *testing.T, o align.Options) align.Done {
	t.Helper()
	done, err := align.Copy(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return done
}

// filesOf are the files below a folder, sorted.
func filesOf(t *testing.T, dir string) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			found = append(found, strings.TrimPrefix(filepath.ToSlash(path), filepath.ToSlash(dir)+"/"))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func at(text string) time.Time {
	instant, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		panic(err)
	}
	return instant
}

// TestEveryKindOfTimeIsReadAndShifted has one row of each kind of time. What stands in the file and what it means are written
// down side by side; the copy must hold the meaning and eight hours, as aware microseconds.
func TestEveryKindOfTimeIsReadAndShifted(t *testing.T) {
	timestamp := func(unit string, utc bool) fixtures.Type {
		return fixtures.Type{Kind: fixtures.Timestamp, Unit: unit, UTC: utc}
	}
	for name, c := range map[string]struct {
		typ     fixtures.Type
		value   any
		event   model.TimeColumn
		zone    string
		writer  string
		instant string
	}{
		"aware ms":                {typ: timestamp("ms", true), value: at("2026-11-03T01:02:03.004Z"), instant: "2026-11-03T01:02:03.004Z"},
		"aware us":                {typ: timestamp("us", true), value: at("2026-11-03T01:02:03.000005Z"), instant: "2026-11-03T01:02:03.000005Z"},
		"aware ns":                {typ: timestamp("ns", true), value: at("2026-11-03T01:02:03.000000999Z"), instant: "2026-11-03T01:02:03Z"},
		"aware whatever the zone": {typ: timestamp("us", true), value: at("2026-11-03T01:02:03Z"), zone: "Asia/Kolkata", instant: "2026-11-03T01:02:03Z"},
		"naive without a zone":    {typ: timestamp("us", false), value: at("2026-11-03T01:02:03Z"), instant: "2026-11-03T01:02:03Z"},
		"naive ms in India":       {typ: timestamp("ms", false), value: at("2026-11-03T01:02:03Z"), zone: "Asia/Kolkata", instant: "2026-11-02T19:32:03Z"},
		"naive ns in summer":      {typ: timestamp("ns", false), value: at("2026-07-03T01:02:03Z"), zone: "America/New_York", instant: "2026-07-03T05:02:03Z"},
		"naive us in winter":      {typ: timestamp("us", false), value: at("2026-12-03T01:02:03Z"), zone: "America/New_York", instant: "2026-12-03T06:02:03Z"},
		"naive, column before view": {typ: timestamp("us", false), value: at("2026-11-03T01:02:03Z"), zone: "Asia/Kolkata",
			event: model.TimeColumn{Zone: "UTC"}, instant: "2026-11-03T01:02:03Z"},
		"naive of devices":    {typ: timestamp("us", false), value: at("2026-11-03T01:02:03Z"), zone: model.ZoneDevice, instant: "2026-11-03T01:02:03Z"},
		"before 1970":         {typ: timestamp("ns", true), value: at("1969-12-31T23:59:59.999999999Z"), instant: "1969-12-31T23:59:59.999999Z"},
		"INT96 of Spark":      {typ: fixtures.Int96Type, value: at("2026-11-03T01:02:03Z"), zone: "Asia/Kolkata", writer: fixtures.CreatedBySpark, instant: "2026-11-03T01:02:03Z"},
		"INT96 of others":     {typ: fixtures.Int96Type, value: at("2026-11-03T01:02:03Z"), zone: "Asia/Kolkata", instant: "2026-11-02T19:32:03Z"},
		"a date":              {typ: fixtures.DateType, value: at("2026-11-03T00:00:00Z"), instant: "2026-11-03T00:00:00Z"},
		"a date in India":     {typ: fixtures.DateType, value: at("2026-11-03T00:00:00Z"), zone: "Asia/Kolkata", instant: "2026-11-02T18:30:00Z"},
		"seconds as declared": {typ: fixtures.Int64Type, value: int64(1_793_667_723), event: model.TimeColumn{Unit: "s"}, zone: "Asia/Kolkata", instant: "2026-11-03T01:02:03Z"},
		"milliseconds":        {typ: fixtures.Int64Type, value: int64(1_793_667_723_004), event: model.TimeColumn{Unit: "ms"}, instant: "2026-11-03T01:02:03.004Z"},
		"seconds of 32 bits":  {typ: fixtures.Int32Type, value: int64(1_793_667_723), event: model.TimeColumn{Unit: "s"}, instant: "2026-11-03T01:02:03Z"},
		"seconds by size":     {typ: fixtures.Int64Type, value: int64(1_793_667_723), instant: "2026-11-03T01:02:03Z"},
	} {
		for _, column := range []string{"event_time", "event.time", "Event Time"} {
			t.Run(name+" as "+column, func(t *testing.T) {
				dir := t.TempDir()
				write(t, filepath.Join(dir, "a.parquet"), fixtures.Options{CreatedBy: c.writer}, fixtures.Column{Name: column, Type: c.typ, Values: []any{c.value, nil}},
					fixtures.Column{Name: "id", Type: fixtures.Int64Type, Values: []any{7, 8}})
				event := c.event
				event.Column = column
				o := optionsOf(t, dir, model.View{EventTime: event, Zone: c.zone}, shiftOf("a.parquet", "", 8))
				if done := copied(t, o); done.Rows != 2 || done.Shifted != 1 || done.Written != 1 {
					t.Errorf("copied %+v, want 2 rows in 1 file, 1 of them shifted", done)
				}
				got := query(t, fmt.Sprintf(`SELECT string_agg(concat_ws(' ', id, epoch_us("%[1]s"), typeof("%[1]s")), ', ' ORDER BY id) FROM read_parquet('%[2]s/a.parquet')`, column, o.Dir))
				want := fmt.Sprintf("7 %d TIMESTAMP WITH TIME ZONE, 8 TIMESTAMP WITH TIME ZONE", at(c.instant).Add(8*time.Hour).UnixMicro())
				if got != want {
					t.Errorf("the copy holds %s, want %s", got, want)
				}
			})
		}
	}
}

// TestATimeInsideAStructIsShiftedThere, also beside a column whose own name is the path.
func TestATimeInsideAStructIsShiftedThere(t *testing.T) {
	inside := fixtures.Column{Name: "time", Type: fixtures.NaiveType, Values: []any{at("2026-11-03T01:00:00Z"), nil}}
	group := fixtures.Column{Name: "event", Type: fixtures.Type{Kind: fixtures.Struct}, Fields: []fixtures.Column{inside, {Name: "kind", Type: fixtures.TextType, Values: []any{"a", "b"}}}}
	beside := fixtures.Column{Name: "event.time", Type: fixtures.NaiveType, Values: []any{at("2026-12-24T01:00:00Z"), at("2026-12-24T02:00:00Z")}}
	for name, c := range map[string]struct {
		columns []fixtures.Column
		want    string
	}{
		"a path":                      {[]fixtures.Column{group}, "2026-11-03 09:00:00+00, a, NULL, b"},
		"a name that looks like one":  {[]fixtures.Column{group, beside}, "2026-11-03 01:00:00, a, NULL, b"},
		"the same, the name is first": {[]fixtures.Column{beside, group}, "2026-11-03 01:00:00, a, NULL, b"},
	} {
		dir := t.TempDir()
		write(t, filepath.Join(dir, "a.parquet"), fixtures.Options{}, c.columns...)
		o := optionsOf(t, dir, model.View{EventTime: model.TimeColumn{Column: "event.time"}}, shiftOf("a.parquet", "", 8))
		copied(t, o)
		got := query(t, `SELECT string_agg(concat_ws(', ', coalesce(event.time::VARCHAR, 'NULL'), event.kind), ', ' ORDER BY event.kind) FROM read_parquet('`+o.Dir+`/a.parquet')`)
		if got != c.want {
			t.Errorf("%s: the struct of the copy holds %s, want %s", name, got, c.want)
		}
		if len(c.columns) == 1 {
			continue
		}
		if got, want := query(t, `SELECT min("event.time")::VARCHAR FROM read_parquet('`+o.Dir+`/a.parquet')`), "2026-12-24 09:00:00+00"; got != want {
			t.Errorf("%s: the column of that very name begins at %s, want %s", name, got, want)
		}
	}
}

// TestInstantsStayInstants: INT96 says by its writer's name what it means, which the copy must not take from a column that it keeps.
func TestInstantsStayInstants(t *testing.T) {
	for writer, aware := range map[string]bool{fixtures.CreatedBySpark: true, "": false} {
		dir := t.TempDir()
		write(t, filepath.Join(dir, "a.parquet"), fixtures.Options{CreatedBy: writer}, fixtures.Column{Name: "event_time", Type: fixtures.NaiveType, Values: []any{at("2026-11-03T01:00:00Z")}},
			fixtures.Column{Name: "ingested_at", Type: fixtures.Int96Type, Values: []any{at("2026-11-03T01:00:30Z")}})
		o := optionsOf(t, dir, model.View{EventTime: model.TimeColumn{Column: "event_time", Zone: "UTC"}, IngestedAt: model.TimeColumn{Column: "ingested_at"}, Zone: "Asia/Kolkata"},
			shiftOf("a.parquet", "", 8))
		copied(t, o)
		again := optionsOf(t, o.Dir, o.View)
		if got := again.Survey.Schemas[0].Int96Aware; got != aware {
			t.Errorf("written by %q: ingested_at of the copy is an instant: %v, want %v as in the original", writer, got, aware)
		}
	}
}

// TestMovedRowsGoWhereTheirFolderStands: other folders of the path may hold the same text.
func TestMovedRowsGoWhereTheirFolderStands(t *testing.T) {
	for file, want := range map[string]string{
		"from_dt=2026-11-03/dt=2026-11-03/a.parquet":   "from_dt=2026-11-03/dt=2026-11-04/a-from-dt-2026-11-03.parquet",
		"dt=2026-11-03/from_dt=2026-11-03x/a.parquet":  "dt=2026-11-04/from_dt=2026-11-03x/a-from-dt-2026-11-03.parquet",
		"dt=2026-11-03/a-dt=2026-11-03.snappy.parquet": "dt=2026-11-04/a-dt=2026-11-03.snappy-from-dt-2026-11-03.parquet",
	} {
		dir := t.TempDir()
		write(t, filepath.Join(dir, file), fixtures.Options{}, fixtures.Column{Name: "event_time", Type: fixtures.NaiveType, Values: []any{at("2026-11-03T20:00:00Z")}})
		o := optionsOf(t, dir, model.View{EventTime: model.TimeColumn{Column: "event_time"},
			TimePartition: model.TimePartition{Columns: []string{"dt"}, Grain: model.GrainDay, Of: model.OfEventTime}}, shiftOf(file, "", 8))
		done := copied(t, o)
		if got := filesOf(t, o.Dir); done.Moved != 1 || !slices.Equal(got, []string{want}) {
			t.Errorf("%s: %d rows moved, to %q; want 1, to %s", file, done.Moved, got, want)
		}
	}
}

// TestSourcesOfOneFile has rows of three sources in one file: each has its own zone and its own corrections.
func TestSourcesOfOneFile(t *testing.T) {
	dir := t.TempDir()
	eight := at("2026-11-03T08:00:00Z")
	write(t, filepath.Join(dir, "a.parquet"), fixtures.Options{RowGroup: 2}, fixtures.Column{Name: "event_time", Type: fixtures.NaiveType, Values: []any{eight, eight, eight, eight, nil}},
		fixtures.Column{Name: "source", Type: fixtures.TextType, Values: []any{"india", "la", "utc", nil, "la"}})
	v := model.View{EventTime: model.TimeColumn{Column: "event_time"}, Source: model.SourceColumn{Column: "source"},
		Sources: []model.SourcePolicy{{Name: "india", Zone: "Asia/Kolkata"}, {Name: "la", EventTime: model.TimeColumn{Column: "event_time", Zone: "America/Los_Angeles"}}}}
	o := optionsOf(t, dir, v, shiftOf("a.parquet", "la", 8), shiftOf("a.parquet", "utc", -3))
	if done := copied(t, o); done.Shifted != 2 || done.Rows != 5 {
		t.Errorf("copied %+v, want 5 rows, 2 of them shifted", done)
	}
	got := query(t, `SELECT string_agg(concat_ws(' ', coalesce(source, '-'), coalesce(strftime(event_time, '%d %H:%M'), 'none')), ', ' ORDER BY source NULLS FIRST, event_time NULLS LAST) FROM read_parquet('`+o.Dir+`/a.parquet')`)
	if want := "- 03 08:00, india 03 02:30, la 04 00:00, la none, utc 03 05:00"; got != want {
		t.Errorf("the copy holds %s, want %s", got, want)
	}
	v.Sources[1].EventTime.Column = "device_time"
	_, err := align.Copy(t.Context(), optionsOf(t, dir, v, shiftOf("a.parquet", "la", 8)))
	if err == nil || !strings.Contains(err.Error(), `one of its sources reads event_time in a way of its own (column "device_time")`) {
		t.Errorf("a source with a column of its own: error %v, want one that names the column", err)
	}
}

// TestAFileThatChangesIsNotCopied: its rows would be of no version of it.
func TestAFileThatChangesIsNotCopied(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "a.parquet")
	times := func(n int) fixtures.Column {
		c := fixtures.Column{Name: "event_time", Type: fixtures.NaiveType}
		for i := range n {
			c.Values = append(c.Values, at("2026-11-03T01:00:00Z").Add(time.Duration(i)*time.Minute))
		}
		return c
	}
	write(t, file, fixtures.Options{}, times(2))
	for name, rows := range map[string]int{"longer": 2000, "shorter": 0} {
		write(t, file, fixtures.Options{}, times(2))
		o := optionsOf(t, dir, model.View{EventTime: model.TimeColumn{Column: "event_time"}}, shiftOf("a.parquet", "", 8))
		write(t, file, fixtures.Options{}, times(rows))
		if _, err := align.Copy(t.Context(), o); err == nil || !strings.Contains(err.Error(), "copy a.parquet: it changed during the run") {
			t.Errorf("%s: error %v, want one that says that the file changed", name, err)
		}
	}
}

// TestSourcesThatAreNoText go by the name that a report gives to their bytes; a source that no row has is an error, and no silence.
func TestSourcesThatAreNoText(t *testing.T) {
	dir := t.TempDir()
	one := at("2026-11-03T01:00:00Z")
	write(t, filepath.Join(dir, "a.parquet"), fixtures.Options{}, fixtures.Column{Name: "event_time", Type: fixtures.NaiveType, Values: []any{one, one, one}},
		fixtures.Column{Name: "source", Type: fixtures.TextType, Values: []any{"\xffeed", "feed", `back\slash`}})
	v := model.View{EventTime: model.TimeColumn{Column: "event_time"}, Source: model.SourceColumn{Column: "source"}}
	o := optionsOf(t, dir, v, shiftOf("a.parquet", `\xFFeed`, 8), shiftOf("a.parquet", `back\slash`, 3))
	if done := copied(t, o); done.Shifted != 2 {
		t.Errorf("%d rows shifted, want 2: those of the sources that the corrections name", done.Shifted)
	}
	_, err := align.Copy(t.Context(), optionsOf(t, dir, v, shiftOf("a.parquet", "other", 8)))
	if !errors.Is(err, align.ErrCorrection) || !strings.Contains(err.Error(), `copy a.parquet: the correction is none that can be made: the report corrects rows of source "other" in it, and it has none`) {
		t.Errorf("a source that no row has: error %v, want one that names it", err)
	}
}

// TestTheNewColumnIsAlone refuses files that have a column that readers may take for the new one.
func TestTheNewColumnIsAlone(t *testing.T) {
	lag := fixtures.Column{Name: "source_lag", Type: fixtures.FloatType, Values: []any{1.0}}
	upper, group := lag, fixtures.Column{Name: "source_lag", Type: fixtures.Type{Kind: fixtures.Struct}, Fields: []fixtures.Column{{Name: "x", Type: fixtures.Int64Type, Values: []any{1}}}}
	upper.Name = "Source_Lag"
	for name, taken := range map[string]fixtures.Column{"the same": lag, "in capitals": upper, "a struct": group} {
		dir := t.TempDir()
		write(t, filepath.Join(dir, "a.parquet"), fixtures.Options{}, fixtures.Column{Name: "event_time", Type: fixtures.NaiveType, Values: []any{at("2026-11-03T01:00:00Z")}}, taken)
		_, err := align.Copy(t.Context(), optionsOf(t, dir, model.View{EventTime: model.TimeColumn{Column: "event_time"}}, shiftOf("a.parquet", "", 8)))
		if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("it has a column %q already", taken.Name)) {
			t.Errorf("%s: error %v, want one that names %s", name, err, taken.Name)
		}
	}
}

// TestCopyEqualsACountInPlainGo makes files of many rows whose right copy is worked out beside them: by source, range of lags,
// zone and partition. It compares every row.
func TestCopyEqualsACountInPlainGo(t *testing.T) {
	kolkata := time.FixedZone("", 19800)
	for seed := range 6 {
		dir := t.TempDir()
		from, to := float64(3600), float64(9*3600)
		laggards := shiftOf("", "b", 3)
		laggards.LagFromSeconds, laggards.LagToSeconds = &from, &to
		var corrections []report.Correction
		var want []string
		for day, date := range []string{"2026-11-03", "2026-11-04"} {
			file := "dt=" + date + "/a.parquet"
			var ids, events, ingested, sources []any
			for i := range 500 {
				n := int64(i*2654435761+seed*97+day*13) % 86400
				shown := at(date + "T00:00:00Z").Add(time.Duration(n) * time.Second)            // on a clock in India
				meant := time.Date(2026, 11, shown.Day(), 0, 0, int(n), 0, kolkata)             // what it means
				arrived := meant.Add(time.Duration(i%20)*30*time.Minute + 500*time.Millisecond) // up to 9.5 hours later
				source := []string{"a", "b", "c"}[(i+seed)%3]
				lag := arrived.Sub(meant)
				corrected := meant
				switch {
				case source == "a":
					corrected = meant.Add(-8 * time.Hour)
				case source == "b" && lag.Seconds() >= from && lag.Seconds() < to:
					corrected = meant.Add(3 * time.Hour)
				}
				id := fmt.Sprintf("%s-%03d", date, i)
				ids, sources, ingested = append(ids, id), append(sources, source), append(ingested, arrived)
				if i%50 == 7 {
					events = append(events, nil)
					want = append(want, fmt.Sprintf("%s|%s|none|none|%s", id, source, date))
					continue
				}
				events = append(events, shown)
				want = append(want, fmt.Sprintf("%s|%s|%d|%.1f|%s", id, source, corrected.UnixMicro(), arrived.Sub(corrected).Seconds(), corrected.In(kolkata).Format(time.DateOnly)))
			}
			write(t, filepath.Join(dir, file), fixtures.Options{RowGroup: 100 + 37*seed, PagesV2: seed%2 == 0, PageBytes: int64(100 * seed)},
				fixtures.Column{Name: "id", Type: fixtures.TextType, Values: ids}, fixtures.Column{Name: "source", Type: fixtures.TextType, Values: sources},
				fixtures.Column{Name: "event_time", Type: fixtures.NaiveType, Values: events}, fixtures.Column{Name: "ingested_at", Type: fixtures.AwareType, Values: ingested})
			late := laggards
			late.File = file
			corrections = append(corrections, shiftOf(file, "a", -8), late)
		}
		o := optionsOf(t, dir, model.View{EventTime: model.TimeColumn{Column: "event_time"}, IngestedAt: model.TimeColumn{Column: "ingested_at"}, Zone: "Asia/Kolkata",
			Source:        model.SourceColumn{Column: "source"},
			TimePartition: model.TimePartition{Columns: []string{"dt"}, Grain: model.GrainDay, Of: model.OfEventTime, Zone: "Asia/Kolkata"}}, corrections...)
		if done := copied(t, o); done.Rows != int64(len(want)) || done.Files != 2 {
			t.Errorf("seed %d: copied %+v, want %d rows of 2 files", seed, done, len(want))
		}
		got := strings.Split(query(t, `SELECT string_agg(concat_ws('|', id, source, coalesce(epoch_us(event_time)::VARCHAR, 'none'), coalesce(printf('%.1f', source_lag), 'none'), dt::VARCHAR), chr(10) ORDER BY id)
			FROM read_parquet('`+o.Dir+`/**/*.parquet', hive_partitioning = true)`), "\n")
		slices.Sort(want)
		for i := range min(len(got), len(want)) {
			if got[i] != want[i] {
				t.Fatalf("seed %d: the copy holds %s, want %s", seed, got[i], want[i])
			}
		}
		if len(got) != len(want) {
			t.Errorf("seed %d: the copy holds %d rows, want %d", seed, len(got), len(want))
		}
	}
}
