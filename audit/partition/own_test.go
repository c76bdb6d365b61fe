package partition

import (
	"testing"

	"github.com/featureaudit/featureaudit/audit/model"
)

// TestAgrees compares what files hold in their own copy of a partition column with the folder, by meaning.
func TestAgrees(t *testing.T) {
	day := model.TimePartition{Columns: []string{"dt"}, Grain: "day"}
	chain := model.TimePartition{Columns: []string{"year", "month", "day"}, Grain: "day"}
	hours := model.TimePartition{Columns: []string{"year", "month", "day", "hour"}, Grain: "hour"}
	pair := model.TimePartition{Columns: []string{"dt", "hour"}, Grain: "hour"}
	shanghai, pacific := day, day
	shanghai.Zone, pacific.Zone = "Asia/Shanghai", "America/Los_Angeles"
	for _, tt := range []struct {
		tp          model.TimePartition
		dir, column string
		yes, no     []string
	}{
		{day, "dt=2026-11-03", "dt",
			[]string{"2026-11-03", "20261103", "20261103.0", "2.0261103e7", " 2026-11-03 ", "2026-11-03T00:00:00Z", "2026-11-03T23:59:59.999999Z", "2026-11-03 00:00:00", "2026-11-03 00:00:00 UTC",
				"2026-11-03 10:00:00+00", "2026-11-03T10:00:00+0000", "2026-11-03T00:00:00+05:30", "2026/11/03", "2026-11-03-07", "2026-11-03T07", "1793664000", "1793700000123", "1793700000123456", "20261103T101112Z"},
			[]string{"", "2026-11-04", "20261104", "2026-11", "2026-W45", "2026-11-04T00:00:00Z", "2026-11-02T23:59:59Z", "2026-11-03T23:00:00-05:00", "3", "-1", "NaN", "true", "1793750400", "2026-11-03T25:00:00Z", "9223372036854775807"}},
		{chain, "year=2026/month=11/day=03", "day",
			[]string{"3", "03", "3.0", "3.00", "2026-11-03", "20261103", "2026-11-03T12:00:00Z"}, []string{"4", "0", "33", "3.5", "-3", "2026-11-04", ""}},
		{chain, "year=2026/month=11/day=3", "MONTH", []string{"11", "11.0", "2026-11", "2026-11-01", "2026-11-30T10:00:00Z"}, []string{"1", "12", "2026-12", "2026-10-31"}},
		{chain, "year=2026/month=11/day=3", "year", []string{"2026", "2026.0", "2026-01-01", "2026-11-03"}, []string{"26", "2025", "2027-01-01"}},
		{hours, "year=2026/month=11/day=03/hour=07", "hour", []string{"7", "07", "7.0", "2026-11-03T07", "2026-11-03T07:59:59Z", "2026110307"}, []string{"8", "24", "2026-11-03T08:00:00Z", "2026-11-03"}},
		{pair, "dt=2026-11-03/hour=07", "dt", []string{"2026-11-03", "20261103", "2026-11-03T00:00:00Z", "2026-11-03T07"}, []string{"2026-11-04"}},
		{pair, "dt=2026-11-03/hour=07", "hour", []string{"7", "7.0"}, []string{"6"}},
		{model.TimePartition{Columns: []string{"wk"}, Grain: "week"}, "wk=2026-W45", "wk", []string{"2026-11-02", "2026-11-08", "2026-W45", "20261104", "2026-11-08T23:00:00Z"}, []string{"2026-11-09", "2026-11-01", "2026-W46", "45"}},
		{model.TimePartition{Columns: []string{"year", "week"}, Grain: "week"}, "year=2026/week=45", "week", []string{"45", "45.0", "2026-11-02"}, []string{"44", "2026-11-09"}},
		{model.TimePartition{Columns: []string{"m"}, Grain: "month"}, "m=2026-11", "m", []string{"2026-11", "2026-11-30", "20261115"}, []string{"2026-12-01", "11"}},
		{shanghai, "dt=2026-11-03", "dt", []string{"2026-11-03", "2026-11-02T16:00:00Z", "2026-11-03T00:00:00Z", "2026-11-03 23:00:00", "2026-11-03T00:00:00+08:00"}, []string{"2026-11-03T16:00:00Z", "2026-11-02T15:59:59Z"}},
		// midnight UTC is how many writers mark a date
		{pacific, "dt=2026-11-03", "dt", []string{"2026-11-03T00:00:00Z", "2026-11-04T07:59:59Z"}, []string{"2026-11-03T01:00:00Z", "2026-11-04T08:00:00Z"}},
	} {
		l := layout(t, tt.tp)
		key, err := l.OfDir(tt.dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, value := range tt.yes {
			if !l.Agrees(key.Start, tt.column, value) {
				t.Errorf("%s %s: %s = %q should agree", tt.dir, tt.tp.Zone, tt.column, value)
			}
		}
		for _, value := range tt.no {
			if l.Agrees(key.Start, tt.column, value) {
				t.Errorf("%s %s: %s = %q should not agree", tt.dir, tt.tp.Zone, tt.column, value)
			}
		}
	}
}

func TestKeyBounds(t *testing.T) {
	l := layout(t, model.TimePartition{Columns: []string{"dt"}, Grain: "day", Zone: "Asia/Shanghai"})
	key, err := l.OfDir("dt=2026-11-03")
	if err != nil {
		t.Fatal(err)
	}
	b, ok := l.KeyBounds(key.Start, "DT")
	if !ok || text(b.CivilStart) != "2026-11-03T00:00:00Z" || text(b.CivilEnd) != "2026-11-04T00:00:00Z" || text(b.Start) != "2026-11-02T16:00:00Z" || text(b.End) != "2026-11-03T16:00:00Z" {
		t.Errorf("%+v %v", b, ok)
	}
	for _, tt := range []struct {
		at          string
		aware, want bool
	}{
		{"2026-11-03T00:00:00Z", false, true}, {"2026-11-03T23:59:59Z", false, true}, {"2026-11-04T00:00:00Z", false, false}, {"2026-11-02T16:00:00Z", false, false},
		{"2026-11-02T16:00:00Z", true, true}, {"2026-11-03T15:59:59Z", true, true}, {"2026-11-03T16:00:00Z", true, false}, {"2026-11-03T00:00:00Z", true, true},
	} {
		if got := b.Holds(int64(instant(t, tt.at)), tt.aware); got != tt.want {
			t.Errorf("%s aware=%v: %v", tt.at, tt.aware, got)
		}
	}
	if _, ok := l.KeyBounds(key.Start, "region"); ok {
		t.Error("region is no key of the layout")
	}
}
