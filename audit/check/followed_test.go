package check

import (
	"reflect"
	"testing"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/report"
)

// thirty is a store with a finding of null-keys in each of 30 partitions, of 1 to 30 rows.
func thirty() *store {
	s := newStore(dailyView())
	s.days("2026-10-01", 30)
	for i := range int32(30) {
		s.file(i, 1000, func(_ *facts.File, slice *facts.Slice) { slice.KeyNull = int64(i) + 1 })
	}
	return s
}

func TestFingerprintsAreThoseOfAllFindings(t *testing.T) {
	s := thirty()
	s.Suppressions = []model.Suppression{{Check: "null-keys", Reason: "known", RangeFrom: "2026-10-03", RangeTo: "2026-10-03"}}
	if r := s.of(t, "null-keys"); len(r.Fingerprints) != 30 || len(r.Every) != 0 || len(r.Findings) != maxFindings || r.FindingsTotal != 30 {
		t.Errorf("%d fingerprints of %d findings, %d of them shown and %d kept, want 30, 30, 20 and none: nobody asked for their names",
			len(r.Fingerprints), r.FindingsTotal, len(r.Findings), len(r.Every))
	}
	s.NameFindings = true
	r := s.of(t, "null-keys")
	if len(r.Fingerprints) != 30 || len(r.Every) != 30 || r.FindingsUnfollowed != 0 {
		t.Fatalf("%d fingerprints and %d not followed of %d findings", len(r.Fingerprints), r.FindingsUnfollowed, r.FindingsTotal)
	}
	for i, p := range s.Survey.Partitions {
		if bad := r.Fingerprints[Fingerprint("null-keys", "clicks", report.Subject{Partition: p.Value, Source: "batch"})]; bad != int64(i)+1 {
			t.Errorf("%s has %d, want %d", p.Value, bad, i+1)
		}
	}
	if want := []string{Fingerprint("null-keys", "clicks", report.Subject{Partition: "dt=2026-10-03", Source: "batch"})}; !reflect.DeepEqual(r.FingerprintsSuppressed, want) {
		t.Errorf("accepted: %v, want %v", r.FingerprintsSuppressed, want)
	}
}

func TestFingerprintsLastFromNightToNight(t *testing.T) {
	first := thirty().of(t, "null-keys").Fingerprints
	s := thirty()
	s.AsOf += day
	s.days("2026-10-31", 2)
	s.file(30, 1000, func(_ *facts.File, slice *facts.Slice) { slice.KeyNull = 5 })
	second := s.of(t, "null-keys").Fingerprints
	for fingerprint, bad := range first {
		if second[fingerprint] != bad {
			t.Errorf("%s of %d rows has %d on the second night", fingerprint, bad, second[fingerprint])
		}
	}
	if len(second) != 31 {
		t.Errorf("%d findings on the second night, want 31", len(second))
	}
}

func TestRankShowsWhatIsNewFirst(t *testing.T) {
	s := thirty()
	known := Fingerprint("null-keys", "clicks", report.Subject{Partition: "dt=2026-10-02", Source: "batch"})
	s.Rank = func(fingerprint string, bad int64) int {
		if fingerprint == known && bad == 2 {
			return 0
		}
		return 1
	}
	r := s.of(t, "null-keys")
	if got := []int64{r.Findings[0].RowsBad, r.Findings[1].RowsBad, r.Findings[19].RowsBad}; !reflect.DeepEqual(got, []int64{2, 30, 12}) || r.RowsBad != 465 {
		t.Errorf("the findings count %v, want the one of two rows first, and then the worst", got)
	}
}

func TestFindingsOfOneThingAreOne(t *testing.T) {
	b := newJudging(newStore(dailyView()).Input)
	at := report.Subject{Partition: "dt=2026-10-02", Source: "batch"}
	got := b.joined([]row{
		{subject: at, total: 10, bad: 3, message: "at UTC-08:00", measures: map[string]any{"writer": "spark", "keys": int64(2)}},
		{subject: report.Subject{Source: "batch"}, total: 1, bad: 1},
		{subject: at, total: 5, bad: 4, message: "at UTC+09:00", measures: map[string]any{"writer": "arrow", "keys": int64(1)}},
	})
	want := []row{
		{subject: at, total: 15, bad: 7, message: "at UTC-08:00; at UTC+09:00", measures: map[string]any{"writer": "spark, arrow", "keys": int64(3)}},
		{subject: report.Subject{Source: "batch"}, total: 1, bad: 1},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}

func TestSuppressionIsFollowedWhereverItStands(t *testing.T) {
	of := func(origin string) report.Result {
		s := model.Suppression{Check: "null-keys", View: "clicks", Reason: "known", Origin: origin}
		for _, r := range JudgeRun(RunInput{Suppressions: []model.Suppression{s}, Results: []report.Result{{Check: "null-keys", View: "clicks", Outcome: report.Pass}}}) {
			if r.Check == "suppression-unused" {
				return r
			}
		}
		return report.Result{}
	}
	a, b := of("featureaudit.yaml:12"), of("featureaudit.yaml:14")
	if a.Outcome != report.Warn || len(a.Fingerprints) != 1 || !reflect.DeepEqual(a.Fingerprints, b.Fingerprints) {
		t.Errorf("%s %v in line 12, %v in line 14", a.Outcome, a.Fingerprints, b.Fingerprints)
	}
}
