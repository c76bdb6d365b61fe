package partition

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/times"
)

func instant(t testing.TB, text string) times.Instant {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return times.At(at)
}

func text[T times.Instant | times.Local](at T) string {
	return times.Instant(at).Time().Format(time.RFC3339)
}

func layout(t testing.TB, tp model.TimePartition) Layout {
	t.Helper()
	l, err := New(tp)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestOf(t *testing.T) {
	dt := []string{"dt"}
	tests := []struct {
		columns          []string
		grain            model.Grain
		zone             string
		path             string
		value, from, end string
	}{
		{dt, "day", "", "dt=2026-11-03/a.parquet", "dt=2026-11-03", "2026-11-03T00:00:00Z", "2026-11-04T00:00:00Z"},
		{dt, "day", "", "source=batch/dt=20261103/x=1/a.parquet", "dt=20261103", "2026-11-03T00:00:00Z", "2026-11-04T00:00:00Z"},
		{dt, "day", "", "dt=2026-11-03 00%3A00%3A00/a.parquet", "dt=2026-11-03 00%3A00%3A00", "2026-11-03T00:00:00Z", "2026-11-04T00:00:00Z"},
		{dt, "day", "America/Los_Angeles", "dt=2026-11-01/a.parquet", "dt=2026-11-01", "2026-11-01T07:00:00Z", "2026-11-02T08:00:00Z"},
		{dt, "day", "America/Los_Angeles", "dt=2026-03-08/a.parquet", "dt=2026-03-08", "2026-03-08T08:00:00Z", "2026-03-09T07:00:00Z"},
		{dt, "day", "Asia/Kolkata", "dt=2026-11-03/a.parquet", "dt=2026-11-03", "2026-11-02T18:30:00Z", "2026-11-03T18:30:00Z"},
		{dt, "hour", "", "dt=2026-11-03-07/a.parquet", "dt=2026-11-03-07", "2026-11-03T07:00:00Z", "2026-11-03T08:00:00Z"},
		{dt, "hour", "", "dt=2026-11-03T07/a.parquet", "dt=2026-11-03T07", "2026-11-03T07:00:00Z", "2026-11-03T08:00:00Z"},
		{dt, "hour", "", "dt=2026-11-03%2007/a.parquet", "dt=2026-11-03%2007", "2026-11-03T07:00:00Z", "2026-11-03T08:00:00Z"},
		// 01:00 comes twice, 02:00 never.
		{dt, "hour", "America/Los_Angeles", "dt=2026-11-01-01/a.parquet", "dt=2026-11-01-01", "2026-11-01T08:00:00Z", "2026-11-01T10:00:00Z"},
		{dt, "hour", "America/Los_Angeles", "dt=2026-03-08-02/a.parquet", "dt=2026-03-08-02", "2026-03-08T10:00:00Z", "2026-03-08T10:00:00Z"},
		{dt, "week", "", "dt=2026-11-05/a.parquet", "dt=2026-11-05", "2026-11-02T00:00:00Z", "2026-11-09T00:00:00Z"},
		{dt, "week", "", "dt=2026-W45/a.parquet", "dt=2026-W45", "2026-11-02T00:00:00Z", "2026-11-09T00:00:00Z"},
		{dt, "week", "", "dt=2026-W53/a.parquet", "dt=2026-W53", "2026-12-28T00:00:00Z", "2027-01-04T00:00:00Z"},
		{dt, "month", "", "dt=2026-11/a.parquet", "dt=2026-11", "2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z"},
		{dt, "month", "", "dt=202612/a.parquet", "dt=202612", "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"},
		{nil, "month", "", "202612/a.parquet", "202612", "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"},
		{dt, "month", "", "dt=2026-12-01/a.parquet", "dt=2026-12-01", "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"},
		{[]string{"year", "month", "day", "hour"}, "hour", "", "year=2026/month=11/day=03/hour=07/a.parquet", "year=2026/month=11/day=03/hour=07", "2026-11-03T07:00:00Z", "2026-11-03T08:00:00Z"},
		{[]string{"year", "month", "day"}, "day", "", "year=2026/month=1/source=b/day=3/a.parquet", "year=2026/month=1/day=3", "2026-01-03T00:00:00Z", "2026-01-04T00:00:00Z"},
		{[]string{"year", "month", "day"}, "day", "", "year=2026/month=2026-11/day=2026-11-03/a.parquet", "year=2026/month=2026-11/day=2026-11-03", "2026-11-03T00:00:00Z", "2026-11-04T00:00:00Z"},
		{[]string{"dt", "hour"}, "hour", "", "dt=2026-11-03/hour=7/a.parquet", "dt=2026-11-03/hour=7", "2026-11-03T07:00:00Z", "2026-11-03T08:00:00Z"},
		{[]string{"year", "week"}, "week", "", "year=2026/week=45/a.parquet", "year=2026/week=45", "2026-11-02T00:00:00Z", "2026-11-09T00:00:00Z"},
		{nil, "day", "", "2026/11/03/a.parquet", "2026/11/03", "2026-11-03T00:00:00Z", "2026-11-04T00:00:00Z"},
		{nil, "day", "", "batch/2026-11-03/x/a.parquet", "2026-11-03", "2026-11-03T00:00:00Z", "2026-11-04T00:00:00Z"},
		{nil, "hour", "", "batch/2026/11/03/07/a.parquet", "2026/11/03/07", "2026-11-03T07:00:00Z", "2026-11-03T08:00:00Z"},
		{nil, "hour", "", "2026-11-03/07/a.parquet", "2026-11-03/07", "2026-11-03T07:00:00Z", "2026-11-03T08:00:00Z"},
		{nil, "month", "", "2026/11/a.parquet", "2026/11", "2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z"},
		{nil, "week", "", "2026/11/02/a.parquet", "2026/11/02", "2026-11-02T00:00:00Z", "2026-11-09T00:00:00Z"},
	}
	for _, tt := range tests {
		l := layout(t, model.TimePartition{Columns: tt.columns, Grain: tt.grain, Zone: tt.zone})
		key, err := l.Of(tt.path)
		if err != nil {
			t.Errorf("%s: %v", tt.path, err)
			continue
		}
		if key.Value != tt.value || text(key.Start) != tt.from || text(key.End) != tt.end || !key.Dated {
			t.Errorf("%s %s: got %s %s..%s, want %s %s..%s", tt.path, tt.zone, key.Value, text(key.Start), text(key.End), tt.value, tt.from, tt.end)
		}
		if again := l.write(key.civil, key.style); tt.grain != "week" && again != tt.value && tt.value != "dt=2026-11-03 00%3A00%3A00" &&
			tt.value != "year=2026/month=2026-11/day=2026-11-03" {
			t.Errorf("%s is written as %s", tt.value, again)
		}
	}
}

func TestOfDefaultPartition(t *testing.T) {
	key, err := layout(t, model.TimePartition{Columns: []string{"dt"}, Grain: "day"}).Of("dt=__HIVE_DEFAULT_PARTITION__/a.parquet")
	if err != nil || key.Dated || key.Start != times.None || key.End != times.None || key.Value != "dt=__HIVE_DEFAULT_PARTITION__" {
		t.Errorf(`got %+v %v, want err == nil && !(key.Dated) && key.Start == times.None && key.End == times.None && key.Value == "dt=__HIVE_DEFAULT_PARTITION__"`, key, err)
	}
}

func TestOfErrors(t *testing.T) {
	dt := model.TimePartition{Columns: []string{"dt"}, Grain: "day"}
	tests := []struct {
		tp         model.TimePartition
		path, want string
	}{
		{dt, "x/a.parquet", "x/a.parquet: its path has no dt= folder"},
		{dt, "a.parquet", "a.parquet: its path has no dt= folder"},
		{dt, "dt=late/a.parquet", `dt=late/a.parquet: dt is "late"; want a day such as 2026-11-03 or 20261103`},
		{dt, "dt=2026-02-30/a.parquet", `dt is "2026-02-30"`},
		{dt, "dt=2026-11/a.parquet", `dt is "2026-11"`},
		{dt, "dt=202611/a.parquet", `dt is "202611"`},
		{model.TimePartition{Columns: []string{"dt"}, Grain: "month"}, "dt=202613/a.parquet", `dt is "202613"; want a month such as 2026-11 or 202611`},
		{model.TimePartition{Columns: []string{"dt"}, Grain: "month"}, "dt=261103/a.parquet", `dt is "261103"`},
		{dt, "dt=2026-11-03-07/a.parquet", `dt is "2026-11-03-07"`},
		{dt, "dt=2026-11-03/dt=2026-11-04/a.parquet", "stands there 2 times"},
		{dt, "dt=%zz/a.parquet", "two hex digits"},
		{model.TimePartition{Columns: []string{"dt"}, Grain: "week"}, "dt=2026-W54/a.parquet", `dt is "2026-W54"`},
		{model.TimePartition{Columns: []string{"year", "month"}, Grain: "month"}, "year=2026/month=13/a.parquet", `year/month is "2026/13"`},
		{model.TimePartition{Columns: []string{"year", "month"}, Grain: "month"}, "year=26/month=12/a.parquet", `year/month is "26/12"`},
		{model.TimePartition{Grain: "day"}, "x/a.parquet", "its path has no dated folder"},
		{model.TimePartition{Grain: "day"}, "2026/11/03/2026/11/04/a.parquet", "both name a day"},
	}
	for _, tt := range tests {
		_, err := layout(t, tt.tp).Of(tt.path)
		var pe *PathError
		if !errors.As(err, &pe) || !strings.Contains(err.Error(), tt.want) || pe.Path != tt.path {
			t.Errorf("%s: got %v, want %q", tt.path, err, tt.want)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	tests := []struct {
		tp   model.TimePartition
		want string
	}{
		{model.TimePartition{Columns: []string{"dt"}}, `time_partition.grain: ""`},
		{model.TimePartition{Grain: "year"}, `time_partition.grain: "year"`},
		{model.TimePartition{Grain: "day", Zone: "Mars/Base"}, `time_partition.zone: time zone "Mars/Base"`},
		{model.TimePartition{Grain: "day", Columns: []string{"year", "month"}}, "[year, month] are 2 keys for grain day"},
		{model.TimePartition{Grain: "day", Columns: []string{"dt", "dt", "x"}}, `"dt" is empty or named twice`},
	}
	for _, tt := range tests {
		if _, err := New(tt.tp); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("got %v, want %q", err, tt.want)
		}
	}
}

func TestInfer(t *testing.T) {
	tests := []struct {
		dirs    []string
		columns []string
		grain   model.Grain
		note    string
	}{
		{[]string{"dt=2026-11-03", "dt=2026-11-04"}, []string{"dt"}, "day", "partitioned by dt=, grain day"},
		// A stray folder takes the grain from no other.
		{[]string{"dt=2026-11-01", "dt=2026-11-02", "dt=2026-11-31"}, []string{"dt"}, "day", "partitioned by dt=, grain day"},
		{[]string{"dt=2026-11-01", "dt=2026-11-02", "dt=latest"}, []string{"dt"}, "day", ""},
		{[]string{"", "dt=2026-11-01", "dt=2026-11-02"}, []string{"dt"}, "day", ""},
		{append(hoursOf("dt=2026-11-01/hour=%02d"), "dt=2026-11-01/hour=24"), []string{"dt", "hour"}, "hour", "partitioned by dt=/hour=, grain hour"},
		{append(hoursOf("dt=2026-11-01/hour=%d"), "dt=2026-11-01/hour=null", "dt=2026-11-01/hour=-1"), []string{"dt", "hour"}, "hour", ""},
		{append(hoursOf("dt=2026-11-01/hour=%d"), "dt=2026-11-01"), []string{"dt", "hour"}, "hour", ""},
		{append(hoursOf("dt=2026-11-01/hour=%02d"), "dt=2026-11-01/hour=__HIVE_DEFAULT_PARTITION__"), []string{"dt", "hour"}, "hour", ""},
		{append(hoursOf("year=2026/month=11/day=01/hour=%02d"), "year=2026/month=11/day=01/hour=7h"), []string{"year", "month", "day", "hour"}, "hour", ""},
		{append(hoursOf("2026/11/01/%02d"), "2026/11/01/24"), nil, "hour", "partitioned by plain folders such as 2026/11/03/07, grain hour"},
		{append(hoursOf("dt=2026-11-01-%02d"), "dt=2026-11-01"), []string{"dt"}, "hour", ""},
		{[]string{"year=2026/month=11/day=29", "year=2026/month=11/day=30", "year=2026/month=11/day=31"}, []string{"year", "month", "day"}, "day", ""},
		{[]string{"2026-11-01", "2026-11-02", "tmp"}, nil, "day", ""},
		{[]string{"month=202611", "month=202612"}, []string{"month"}, "month", "partitioned by month=, grain month"},
		// Six digits of another key, or of a plain folder, may be any number.
		{[]string{"merchant=202611", "merchant=202612"}, nil, "", "merchant= holds dates but may not be the rows' own: declare time_partition.column if it is"},
		{[]string{"202611", "202612"}, nil, "", ""},
		{[]string{"dt=261103", "dt=261104"}, nil, "", ""},
		// Half a store of another depth is no stray: the grain is that of all, and it is said.
		{append(hoursOf("dt=2026-11-09/hour=%02d"), "dt=2026-11-01", "dt=2026-11-02", "dt=2026-11-03"), []string{"dt"}, "day",
			"partitioned by dt=, grain day; 24 of 27 folders name an hour by dt=/hour=, and dt=2026-11-01, dt=2026-11-02 and dt=2026-11-03 do not: the grain is day therefore"},
		{[]string{"dt=2026-11-01/hour=07", "dt=2026-11-01/hour=24"}, []string{"dt"}, "day",
			"partitioned by dt=, grain day; 1 of 2 folders name an hour by dt=/hour=, and dt=2026-11-01/hour=24 does not: the grain is day therefore"},
		{[]string{"a", "b", "dt=2026-11-01", "dt=2026-11-02", "dt=2026-11-03"}, nil, "", "3 of 5 folders name a date by dt=, and a and b do not: move those, narrow path, or declare time_partition"},
		{[]string{"a", "b", "dt=2026-11-01"}, nil, "", ""},
		{[]string{"dt=2026-11-02", "dt=2026-11-09"}, []string{"dt"}, "day", ""},
		{[]string{"dt=2026-11-03", "dt=__HIVE_DEFAULT_PARTITION__"}, []string{"dt"}, "day", ""},
		{[]string{"source=a/ds=20261103", "source=b/ds=2026-11-04"}, []string{"ds"}, "day", ""},
		{[]string{"event_date=2026-11-03"}, []string{"event_date"}, "day", ""},
		{[]string{"__log_date=2026-11-03"}, []string{"__log_date"}, "day", ""},
		{[]string{"ingest_date=2026-11-03"}, []string{"ingest_date"}, "day", "of: ingested_at"},
		{[]string{"snapshot_date=2026-11-03"}, []string{"snapshot_date"}, "day", "of: snapshot"},
		{[]string{"dt=2026-11-03-07"}, []string{"dt"}, "hour", ""},
		{[]string{"dt=2026-11-03%2000%3A00%3A00"}, []string{"dt"}, "day", ""},
		{[]string{"dt=2026-11-03%2000%3A00%3A00", "dt=2026-11-03%2001%3A00%3A00"}, []string{"dt"}, "hour", ""},
		{[]string{"month=2026-11"}, []string{"month"}, "month", ""},
		{[]string{"week=2026-W45"}, []string{"week"}, "week", ""},
		{[]string{"dt=2026-11-03/hour=07", "dt=2026-11-03/hour=08"}, []string{"dt", "hour"}, "hour", ""},
		{[]string{"year=2026/month=11/day=03/hour=07"}, []string{"year", "month", "day", "hour"}, "hour", ""},
		{[]string{"year=2026/month=1/day=3"}, []string{"year", "month", "day"}, "day", ""},
		{[]string{"year=2026/month=1"}, []string{"year", "month"}, "month", ""},
		{[]string{"year=2026/week=7"}, []string{"year", "week"}, "week", ""},
		{[]string{"year=2026/month=2026-11/day=2026-11-03"}, []string{"day"}, "day", ""},
		{[]string{"2026/11/03", "2026/11/04"}, nil, "day", "partitioned by plain folders such as 2026/11/03"},
		{[]string{"a/2026/11/03/07"}, nil, "hour", ""},
		{[]string{"2026-11-03"}, nil, "day", ""},
		{[]string{"2026-11-03T07"}, nil, "hour", ""},
		{[]string{"2026-11"}, nil, "month", ""},
		{[]string{"2026/11"}, nil, "month", ""},
		{[]string{"2026-W45"}, nil, "week", ""},
		// Nothing is guessed.
		{nil, nil, "", ""},
		{[]string{""}, nil, "", ""},
		{[]string{"year=2026"}, nil, "", ""},
		{[]string{"country=IN"}, nil, "", ""},
		{[]string{"12345678"}, nil, "", ""},
		{[]string{"dt=2026-11-03/event_date=2026-11-04"}, nil, "", "both dt= and event_date= hold dates"},
		{[]string{"birthday=2026-11-03"}, nil, "", "birthday= holds dates but may not be the rows' own"},
		{[]string{"dt=2026-11-03", "dt=2026-11"}, nil, "", ""},
		{[]string{"dt=2026-11-03", "other"}, nil, "", "1 of 2 folders name a date by dt=, and other does not: move that, narrow path, or declare time_partition"},
		{[]string{"2026/11/03", "late"}, nil, "", "1 of 2 folders name a date by plain folders such as 2026/11/03, and late does not"},
		{[]string{"2026/11/03", "2026/11/03/07"}, nil, "", "1 of 2 folders name an hour by plain folders such as 2026/11/03/07, and 2026/11/03 does not"},
		// Other spellings of a period, and of a key, are no strays.
		{[]string{"dt=2026-11-03", "dt=20261104", "dt=2026_11_05", "dt=2026-11-6", "dt=2026%2F11%2F07"}, []string{"dt"}, "day", "partitioned by dt=, grain day"},
		{[]string{"week=2026-W45", "week=2026W46"}, []string{"week"}, "week", "partitioned by week=, grain week"},
		{[]string{"DT=2026-11-03", "dt=2026-11-04"}, []string{"DT"}, "day", "partitioned by DT=, grain day"},
		{[]string{"2026/11/1", "2026/11/01", "2026/11/03"}, nil, "day", "partitioned by plain folders such as 2026/11/03, grain day"},
		{[]string{"2026/1/1", "2026/1/2", "2026/11/03"}, nil, "", "1 of 3 folders name a date of grain day"},
	}
	for _, tt := range tests {
		tp, note, ok := Infer(tt.dirs)
		if ok != (tt.grain != "") || tp.Grain != tt.grain || !slices.Equal(tp.Columns, tt.columns) {
			t.Errorf("%q: got %v %q (%v, %s), want %v %q", tt.dirs, tp.Columns, tp.Grain, ok, note, tt.columns, tt.grain)
		}
		if !strings.Contains(note, tt.note) {
			t.Errorf("%q: note %q, want %q", tt.dirs, note, tt.note)
		}
	}
}

// hoursOf are the folders of a day's hours.
func hoursOf(format string) []string {
	dirs := make([]string, 24)
	for hour := range dirs {
		dirs[hour] = fmt.Sprintf(format, hour)
	}
	return dirs
}

func TestComplete(t *testing.T) {
	tests := []struct {
		tp      model.TimePartition
		dirs    []string
		columns []string
		grain   model.Grain
		err     string
	}{
		{model.TimePartition{Columns: []string{"birthday"}}, []string{"birthday=2026-11-03"}, []string{"birthday"}, "day", ""},
		{model.TimePartition{Columns: []string{"year", "week"}}, []string{"year=2026/week=7"}, []string{"year", "week"}, "week", ""},
		{model.TimePartition{Columns: []string{"dt"}}, []string{"dt=latest", "dt=2026-11-02", "dt=2026-11-03"}, []string{"dt"}, "day", ""},
		{model.TimePartition{Columns: []string{"dt", "hour"}}, append(hoursOf("dt=2026-11-01/hour=%d"), "dt=2026-11-01/hour=24"), []string{"dt", "hour"}, "hour", ""},
		{model.TimePartition{Columns: []string{"dt"}}, []string{"dt=latest", "dt=2026-11-02"}, nil, "", "the values of dt are no dates of one grain"},
		{model.TimePartition{Columns: []string{"dt"}}, []string{"dt=x"}, nil, "", "the values of dt are no dates of one grain"},
		{model.TimePartition{Grain: "week"}, []string{"dt=2026-11-02"}, []string{"dt"}, "week", ""},
		{model.TimePartition{Grain: "day"}, []string{"a/2026/11/02"}, nil, "day", ""},
		{model.TimePartition{Zone: "UTC"}, []string{"dt=2026-11-02"}, []string{"dt"}, "day", ""},
		{model.TimePartition{Zone: "UTC"}, []string{"x"}, nil, "", "no folder is named by a date"},
	}
	for _, tt := range tests {
		tp, _, err := Complete(tt.tp, tt.dirs)
		if tt.err != "" {
			if err == nil || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("%+v: got %v, want %q", tt.tp, err, tt.err)
			}
			continue
		}
		if err != nil || tp.Grain != tt.grain || !slices.Equal(tp.Columns, tt.columns) {
			t.Errorf("%+v: got %+v %v, want err == nil && tp.Grain == tt.grain && slices.Equal(tp.Columns, tt.columns)", tt.tp, tp, err)
		}
	}
}

// calendar lists partitions as "value flags": P present, E expected, O open, A after as_of, R in range.
func calendar(t *testing.T, tp model.TimePartition, dirs []string, asOf string, r Range) ([]string, []string) {
	t.Helper()
	l := layout(t, tp)
	var keys []Key
	for _, d := range dirs {
		k, err := l.OfDir(d)
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, k)
	}
	partitions, notes, err := l.Calendar(keys, instant(t, asOf), r)
	if err != nil {
		t.Fatal(err)
	}
	var rows []string
	for i, p := range partitions {
		if p.ID != int32(i) {
			t.Errorf("ID %d at %d", p.ID, i)
		}
		flags := ""
		for _, f := range []struct {
			on   bool
			name string
		}{{p.Present, "P"}, {p.Expected, "E"}, {p.Open, "O"}, {p.AfterAsOf, "A"}, {p.InRange, "R"}} {
			if f.on {
				flags += f.name
			}
		}
		rows = append(rows, p.Value+" "+flags)
	}
	return rows, notes
}

func TestCalendar(t *testing.T) {
	dt := model.TimePartition{Columns: []string{"dt"}, Grain: "day"}
	with := func(change func(*model.TimePartition)) model.TimePartition {
		tp := dt
		change(&tp)
		return tp
	}
	tests := []struct {
		name string
		tp   model.TimePartition
		dirs []string
		asOf string
		r    Range
		want []string
	}{
		{"a hole, yesterday that never came, an open day and one to come", dt,
			[]string{"dt=2026-11-01", "dt=2026-11-03", "dt=2026-11-06", "dt=2026-11-09", "dt=__HIVE_DEFAULT_PARTITION__"}, "2026-11-06T02:00:00Z", Range{},
			[]string{"dt=2026-11-01 PER", "dt=2026-11-02 ER", "dt=2026-11-03 PER", "dt=2026-11-04 ER", "dt=2026-11-05 ER", "dt=2026-11-06 POR",
				"dt=2026-11-09 POAR", "dt=__HIVE_DEFAULT_PARTITION__ PR"}},
		{"an end at as_of is closed", dt, []string{"dt=2026-11-01"}, "2026-11-03T00:00:00Z", Range{}, []string{"dt=2026-11-01 PER", "dt=2026-11-02 ER"}},
		{"complete_after keeps yesterday open", with(func(tp *model.TimePartition) { tp.CompleteAfter = 6 * time.Hour }),
			[]string{"dt=2026-11-01", "dt=2026-11-02"}, "2026-11-03T02:00:00Z", Range{}, []string{"dt=2026-11-01 PER", "dt=2026-11-02 POR"}},
		{"weekdays", with(func(tp *model.TimePartition) { tp.Expected = model.ExpectWeekdays }),
			[]string{"dt=2026-11-06", "dt=2026-11-07"}, "2026-11-11T00:00:00Z", Range{},
			[]string{"dt=2026-11-06 PER", "dt=2026-11-07 PR", "dt=2026-11-09 ER", "dt=2026-11-10 ER"}},
		{"any", with(func(tp *model.TimePartition) { tp.Expected = model.ExpectAny }),
			[]string{"dt=2026-11-01", "dt=2026-11-05"}, "2026-11-11T00:00:00Z", Range{}, []string{"dt=2026-11-01 PR", "dt=2026-11-05 PR"}},
		{"a range must exist exactly", dt, []string{"dt=2026-11-01", "dt=2026-11-03", "dt=2026-11-09"}, "2026-11-05T00:00:00Z", Range{"2026-11-02", "2026-11-04"},
			[]string{"dt=2026-11-01 P", "dt=2026-11-02 ER", "dt=2026-11-03 PER", "dt=2026-11-04 ER", "dt=2026-11-09 POA"}},
		{"a range of a month, by value", dt, []string{"dt=2026-02-27"}, "2026-03-05T00:00:00Z", Range{"dt=2026-02-26", "2026-02"},
			[]string{"dt=2026-02-26 ER", "dt=2026-02-27 PER", "dt=2026-02-28 ER"}},
		{"a range of an empty view", dt, nil, "2026-11-05T00:00:00Z", Range{"2026-11-02", "2026-11-02"}, []string{"dt=2026-11-02 ER"}},
		{"hours of a day in a range", model.TimePartition{Columns: []string{"dt", "hour"}, Grain: "hour"}, []string{"dt=2026-11-03/hour=22"}, "2026-11-05T00:00:00Z",
			Range{"2026-11-03T21", "2026-11-03"}, []string{"dt=2026-11-03/hour=21 ER", "dt=2026-11-03/hour=22 PER", "dt=2026-11-03/hour=23 ER"}},
		{"a range of instants in a zone", with(func(tp *model.TimePartition) { tp.Zone = "Asia/Kolkata" }), nil, "2026-11-09T00:00:00Z",
			Range{"2026-11-02T20:00:00Z", "2026-11-03T20:00:00Z"}, []string{"dt=2026-11-03 ER", "dt=2026-11-04 ER"}},
		{"no hour that clocks skip", model.TimePartition{Columns: []string{"dt"}, Grain: "hour", Zone: "America/Los_Angeles"},
			[]string{"dt=2026-03-08-01"}, "2026-03-08T11:30:00Z", Range{}, []string{"dt=2026-03-08-01 PER", "dt=2026-03-08-03 ER"}},
		{"short numbers stay short", model.TimePartition{Columns: []string{"year", "month"}, Grain: "month"},
			[]string{"year=2026/month=9", "year=2026/month=12"}, "2027-02-02T00:00:00Z", Range{},
			[]string{"year=2026/month=9 PER", "year=2026/month=10 ER", "year=2026/month=11 ER", "year=2026/month=12 PER", "year=2027/month=1 ER"}},
		{"weeks", model.TimePartition{Columns: []string{"wk"}, Grain: "week"}, []string{"wk=2026-W51", "wk=2026-W53"}, "2027-01-18T00:00:00Z", Range{},
			[]string{"wk=2026-W51 PER", "wk=2026-W52 ER", "wk=2026-W53 PER", "wk=2027-W01 ER", "wk=2027-W02 ER"}},
		{"plain folders", model.TimePartition{Grain: "day"}, []string{"2026/11/03", "2026/11/05"}, "2026-11-06T00:00:00Z", Range{},
			[]string{"2026/11/03 PER", "2026/11/04 ER", "2026/11/05 PER"}},
		{"escapes", model.TimePartition{Columns: []string{"ts"}, Grain: "hour"}, []string{"ts=2026-11-03%2007%3A00%3A00", "ts=2026-11-03%2009%3A00%3A00"}, "2026-11-03T10:00:00Z", Range{},
			[]string{"ts=2026-11-03%2007%3A00%3A00 PER", "ts=2026-11-03%2008%3A00%3A00 ER", "ts=2026-11-03%2009%3A00%3A00 PER"}},
	}
	for _, tt := range tests {
		got, notes := calendar(t, tt.tp, tt.dirs, tt.asOf, tt.r)
		if !slices.Equal(got, tt.want) || len(notes) > 0 {
			t.Errorf("%s:\n got %q\nwant %q\n%q", tt.name, got, tt.want, notes)
		}
	}
}

// A partition is its interval: however many folders spell it, it is one, shown by the first spelling.
func TestSpellings(t *testing.T) {
	month := model.TimePartition{Columns: []string{"year", "month"}, Grain: "month"}
	day, hour := model.TimePartition{Columns: []string{"dt"}, Grain: "day"}, model.TimePartition{Columns: []string{"dt"}, Grain: "hour"}
	tests := []struct {
		tp   model.TimePartition
		dirs []string
		want []string
		note string
	}{
		{month, []string{"year=2026/month=1", "year=2026/month=01", "year=2026/month=01"}, []string{"year=2026/month=01 PER"},
			"year=2026/month=01 and year=2026/month=1 name the same month: they are one partition, shown as year=2026/month=01"},
		{day, []string{"dt=20260101", "dt=2026-01-01", "dt=2026-01-01 00%3A00%3A00", "region=eu/dt=2026-01-01"}, []string{"dt=2026-01-01 PER"},
			"dt=2026-01-01, dt=2026-01-01 00%3A00%3A00 and dt=20260101 name the same day: they are one partition, shown as dt=2026-01-01"},
		{hour, []string{"dt=2026-01-31T22", "dt=2026-01-31-22", "dt=2026-01-31 22", "dt=2026013122", "dt=2026-01-31-23", "dt=2026-01-31%2023"}, []string{"dt=2026-01-31 22 PER", "dt=2026-01-31%2023 PER"},
			"2 hours stand under several names, such as dt=2026-01-31 22, dt=2026-01-31-22, dt=2026-01-31T22 and 1 more: each is one partition, shown by the first of its names"},
		{model.TimePartition{Columns: []string{"dt", "hour"}, Grain: "hour"}, []string{"dt=2026-01-31/hour=7", "dt=2026-01-31/hour=07", "dt=20260131/hour=7"}, []string{"dt=2026-01-31/hour=07 PER"},
			"dt=2026-01-31/hour=07, dt=2026-01-31/hour=7 and dt=20260131/hour=7 name the same hour: they are one partition, shown as dt=2026-01-31/hour=07"},
		{model.TimePartition{Grain: "day"}, []string{"2026/01/31", "2026-01-31"}, []string{"2026-01-31 PER"},
			"2026-01-31 and 2026/01/31 name the same day: they are one partition, shown as 2026-01-31"},
		{day, []string{"dt=2026-01-31", "dt=__HIVE_DEFAULT_PARTITION__"}, []string{"dt=2026-01-31 PER", "dt=__HIVE_DEFAULT_PARTITION__ PR"}, ""},
	}
	for _, tt := range tests {
		first, last := tt.want[0], tt.want[len(tt.want)-1]
		r := Range{strings.TrimSuffix(first, " PER"), strings.TrimSuffix(last, " PER")}
		if tt.note == "" {
			r = Range{}
		}
		got, notes := calendar(t, tt.tp, tt.dirs, "2026-02-01T00:00:00Z", r)
		if !slices.Equal(got, tt.want) || strings.Join(notes, "\n") != tt.note {
			t.Errorf("%q: got %q %q\nwant %q %q", tt.dirs, got, notes, tt.want, tt.note)
		}
	}
}

// The identity of a period does not hang on the spelling of any folder; in the usual spelling it is the folder itself.
func TestIdentity(t *testing.T) {
	for _, tt := range []struct {
		tp    model.TimePartition
		dirs  []string
		value string
	}{
		{model.TimePartition{Columns: []string{"dt"}, Grain: "day"}, []string{"dt=2026-11-03", "dt=20261103"}, "dt=2026-11-03"},
		{model.TimePartition{Columns: []string{"year", "month", "day"}, Grain: "day"}, []string{"year=2026/month=11/day=3", "year=2026/month=11/day=03"}, "year=2026/month=11/day=03"},
		{model.TimePartition{Columns: []string{"dt", "hour"}, Grain: "hour"}, []string{"dt=2026-11-03/hour=7", "dt=20261103/hour=07"}, "dt=2026-11-03/hour=07"},
		{model.TimePartition{Columns: []string{"wk"}, Grain: "week"}, []string{"wk=2026-W45", "wk=2026-11-04"}, "wk=2026-11-02"},
		{model.TimePartition{Grain: "day"}, []string{"2026-11-03", "2026/11/03"}, "2026/11/03"},
	} {
		for _, dir := range tt.dirs {
			l := layout(t, tt.tp)
			key, err := l.OfDir(dir)
			if err != nil {
				t.Fatal(err)
			}
			partitions, _, err := l.Calendar([]Key{key}, instant(t, "2026-11-10T00:00:00Z"), Range{})
			if err != nil || partitions[0].Identity != tt.value {
				t.Errorf("%s: %+v %v, want %s", dir, partitions[0], err, tt.value)
			}
		}
	}
}

func TestCalendarRefuses(t *testing.T) {
	l := layout(t, model.TimePartition{Columns: []string{"dt"}, Grain: "hour"})
	key, err := l.OfDir("dt=1970-01-01-00")
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := l.Calendar([]Key{key}, instant(t, "2026-11-03T00:00:00Z"), Range{}); err == nil ||
		!strings.Contains(err.Error(), "from dt=1970-01-01-00 on more than 100000 partitions of grain hour") {
		t.Errorf(`got %v, want err != nil && strings.Contains(err.Error(), "from dt=1970-01-01-00 on more than 100000 partitions of grain hour")`, err)
	}
	for r, want := range map[Range]string{
		{"2026-11-04", "2026-11-03"}: "ends before it begins",
		{"soon", "2026-11-03"}:       `range soon..2026-11-03: "soon" is no date`,
		{"2026-11-03", ""}:           `"" is no date`,
	} {
		if _, _, err := l.Calendar(nil, instant(t, "2026-11-03T00:00:00Z"), r); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: got %v, want %q", r, err, want)
		}
	}
}

func TestRangeEnd(t *testing.T) {
	l := layout(t, model.TimePartition{Columns: []string{"dt"}, Grain: "day", Zone: "America/Los_Angeles"})
	end, err := l.RangeEnd(Range{"2026-10-30", "2026-11-01"})
	if err != nil || text(end) != "2026-11-02T08:00:00Z" {
		t.Errorf(`got %s %v, want err == nil && text(end) == "2026-11-02T08:00:00Z"`, text(end), err)
	}
}

// The periods of a year cover it without gap or overlap, in zones with every kind of clock change.
func TestPeriodsTile(t *testing.T) {
	for _, zone := range []string{"UTC", "America/Los_Angeles", "Asia/Beirut", "Australia/Lord_Howe", "America/Sao_Paulo"} {
		for _, grain := range []model.Grain{"hour", "day", "week", "month"} {
			l := layout(t, model.TimePartition{Columns: []string{"dt"}, Grain: grain, Zone: zone})
			civil := floor(times.Local(instant(t, "2018-01-01T00:00:00Z")), grain)
			until := times.Local(instant(t, "2019-06-01T00:00:00Z"))
			last, _ := l.bounds(civil)
			for civil < until {
				start, end := l.bounds(civil)
				if start != last || end < start {
					t.Fatalf("%s %s: %s..%s after %s", zone, grain, text(start), text(end), text(last))
				}
				last, civil = end, next(civil, grain)
			}
		}
	}
}

func FuzzOf(f *testing.F) {
	for _, s := range []string{"dt=2026-11-03/a", "dt=2026-W45", "2026/11/03/07", "dt=%2", "dt=9999-12-31-23", "dt=0001-01-01", "dt==", "//", "year=2026/month=1/day=3"} {
		f.Add(s)
	}
	var layouts []Layout
	for _, grain := range []model.Grain{"hour", "day", "week", "month"} {
		for _, columns := range [][]string{nil, {"dt"}} {
			l, err := New(model.TimePartition{Columns: columns, Grain: grain, Zone: "America/Los_Angeles"})
			if err != nil {
				f.Fatal(err)
			}
			layouts = append(layouts, l)
		}
	}
	f.Fuzz(func(t *testing.T, path string) {
		for _, l := range layouts {
			key, err := l.OfDir(path)
			if err != nil || !key.Dated {
				continue
			}
			if key.End < key.Start || floor(key.civil, l.tp.Grain) != key.civil {
				t.Fatalf("%q: %s..%s, want key.End >= key.Start && floor(key.civil, l.tp.Grain) == key.civil", path, text(key.Start), text(key.End))
			}
			// What is written in its style is the same period.
			again, err := l.OfDir(l.write(key.civil, key.style))
			if err != nil || again.civil != key.civil {
				t.Fatalf("%q is written as %q: %v", path, l.write(key.civil, key.style), err)
			}
		}
		if tp, _, ok := Infer([]string{path}); ok {
			l, err := New(tp)
			if err != nil {
				t.Fatalf("%q: inferred %+v: %v", path, tp, err)
			}
			if _, err := l.OfDir(path); err != nil {
				t.Fatalf("%q: inferred %+v: %v", path, tp, err)
			}
		}
	})
}

func ExampleInfer() {
	tp, note, ok := Infer([]string{"year=2026/month=11/day=03/hour=07", "year=2026/month=11/day=03/hour=08"})
	fmt.Println(tp.Columns, tp.Grain, ok)
	fmt.Println(note)
	// Output:
	// [year month day hour] hour true
	// partitioned by year=/month=/day=/hour=, grain hour
}

// TestSpellingsOfOnePeriod reads all that name one period as that, and names a missing one as its neighbours are named.
func TestSpellingsOfOnePeriod(t *testing.T) {
	for _, tt := range []struct {
		tp       model.TimePartition
		dirs     []string
		neighbor string
		missing  string
	}{
		{model.TimePartition{Columns: []string{"dt"}, Grain: model.GrainDay}, []string{"dt=2026-11-03", "dt=20261103", "dt=2026_11_03", "dt=2026-11-3", "DT=2026-11-03", "dt=2026%2F11%2F03"}, "dt=2026%2F11%2F05", "dt=2026%2F11%2F04"},
		{model.TimePartition{Columns: []string{"dt"}, Grain: model.GrainDay}, []string{"dt=2026_11_03"}, "dt=2026_11_05", "dt=2026_11_04"},
		{model.TimePartition{Columns: []string{"week"}, Grain: model.GrainWeek}, []string{"week=2026-W45", "week=2026W45"}, "week=2026-W47", "week=2026-W46"},
	} {
		l, err := New(tt.tp)
		if err != nil {
			t.Fatal(err)
		}
		var keys []Key
		for _, dir := range append(slices.Clone(tt.dirs), tt.neighbor) {
			key, err := l.OfDir(dir)
			if err != nil {
				t.Fatal(err)
			}
			keys = append(keys, key)
		}
		partitions, _, err := l.Calendar(keys, times.Instant(time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC).UnixMicro()), Range{})
		if err != nil {
			t.Fatal(err)
		}
		if len(partitions) < 3 || partitions[0].Start != keys[0].Start || partitions[1].Value != tt.missing || partitions[1].Present || partitions[2].Value != tt.neighbor {
			t.Errorf("%q: got %+v, want len(partitions) >= 3 && partitions[0].Start == keys[0].Start && partitions[1].Value == tt.missing && !(partitions[1].Present)"+
				" && partitions[2].Value == tt.neighbor", tt.dirs, partitions[:min(3, len(partitions))])
		}
	}
}
