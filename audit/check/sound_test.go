package check

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/featureaudit/featureaudit/audit/evidence"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
)

// TestSoundIsWhatSQLSays holds the verdicts that are given without an engine to those of the SQL, on views and facts of all kinds: where one is
// given, the SQL counts as much and nothing bad; where none is, the SQL counts something bad, or judges a snapshot.
func TestSoundIsWhatSQLSays(t *testing.T) {
	given, bad := map[string]int{}, map[string]int{}
	for seed := range uint64(160) {
		s := randomStore(rand.New(rand.NewPCG(seed, 19)))
		soundAndSQL(t, fmt.Sprintf("seed %d", seed), s.Input, given, bad)
	}
	for _, c := range Catalogue() {
		if c.sound != nil && (given[c.ID] < 10 || bad[c.ID] < 10) {
			t.Errorf("%s: %d verdicts were given without SQL, and %d by SQL, want 10 of each at least: the stores are not varied", c.ID, given[c.ID], bad[c.ID])
		}
	}
}

// soundAndSQL compares both verdicts of each check of a view that is asked, whatever stands in its way, and counts those of either kind.
func soundAndSQL(t *testing.T, name string, in evidence.Input, given, bad map[string]int) {
	t.Helper()
	b := newJudging(in)
	for _, c := range Catalogue() {
		if c.sound == nil {
			continue
		}
		sound, ok := c.sound(b.viewEvidence)
		said, err := b.query(t.Context(), openJudge(t), c)
		if err != nil {
			t.Fatalf("%s: %s: %v", name, c.ID, err)
		}
		wantTotal, wantBad := counted(said)
		total, none := counted(sound)
		switch {
		case !ok && wantBad == 0 && leftToSQL(c, b):
		case !ok && wantBad == 0:
			t.Errorf("%s: %s: the SQL counts nothing bad of %d, and is asked", name, c.ID, wantTotal)
		case !ok:
			bad[c.ID]++
		case total != wantTotal || none != 0 || wantBad != 0:
			t.Errorf("%s: %s: %d of %d are bad without SQL, and %d of %d by SQL", name, c.ID, none, total, wantBad, wantTotal)
		case wantTotal > 0:
			given[c.ID]++
		}
		if ok && c.ID == staleView.ID {
			for i := range said.rows {
				if err := said.rows[i].parse(); err != nil {
					t.Fatal(err)
				}
			}
			if !slices.EqualFunc(sound.rows, said.rows, func(x, y row) bool { return reflect.DeepEqual(x, y) }) {
				t.Errorf("%s: %s: without SQL\n%+v\nby SQL\n%+v", name, c.ID, sound.rows, said.rows)
			}
		}
	}
}

// leftToSQL says that a verdict is asked of SQL even where nothing is bad: that on snapshots, and that on a declared source without a name.
func leftToSQL(c Check, b *judging) bool {
	_, nameless := b.DeclaredSources[""]
	return c.ID == staleRows.ID && evidence.IsSnapshot(b.View) || c.ID == staleView.ID && nameless
}

func counted(v verdict) (total, bad int64) {
	for _, r := range v.rows {
		total, bad = total+r.total, bad+r.bad
	}
	return total, bad
}

// randomStore is a view whose facts are well for the most part.
func randomStore(random *rand.Rand) *store {
	v := dailyView()
	rarely := func(n int) bool { return random.IntN(n) == 0 }
	v.TimePartition.Of = []model.PartitionMeaning{"", model.OfEventTime, model.OfEventTime, model.OfIngestedAt, model.OfSnapshot}[random.IntN(5)]
	v.TTL.Duration = []time.Duration{0, 48 * time.Hour, 36*time.Hour + 7*time.Microsecond, 300 * time.Hour}[random.IntN(4)]
	v.MaxAge = []time.Duration{0, 0, 50 * time.Hour, 30 * time.Hour, time.Nanosecond}[random.IntN(5)]
	sources := []string{"batch", "live", "", `a "quoted" ünicode` + "\n"}
	for _, name := range append(slices.Clone(sources), "never seen") {
		if rarely(3) {
			s := model.SourcePolicy{Name: name, MaxAge: []time.Duration{0, 40 * time.Hour, 90 * time.Hour}[random.IntN(3)], MaxLag: []time.Duration{0, time.Hour}[random.IntN(2)]}
			if rarely(3) {
				s.Until = time.Date(2026, 11, 5+random.IntN(9), 0, 0, 0, 0, time.UTC)
			}
			v.Sources = append(v.Sources, s)
		}
	}
	if rarely(5) {
		v.TimePartition = model.TimePartition{}
	}
	s := newStore(v)
	days := 1 + random.IntN(11)
	if v.TimePartition.Declared() {
		s.days("2026-11-01", days)
	}
	for i := range s.Survey.Partitions {
		p := &s.Survey.Partitions[i]
		p.Present, p.InRange, p.Expected = !rarely(30), !rarely(8), p.Expected && !rarely(20)
	}
	for i := range int32(days) {
		if !v.TimePartition.Declared() {
			i = -1
		}
		if i >= 0 && (!s.Survey.Partitions[i].Present || rarely(30)) {
			continue
		}
		s.file(i, int64([]int{0, 1, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000}[random.IntN(10)]), func(f *facts.File, slice *facts.Slice) {
			if rarely(12) {
				f.Problem = &facts.Problem{Kind: facts.ProblemCorrupt}
			}
			slice.Source = sources[random.IntN(len(sources))]
			rot(random, slice)
		})
	}
	return s
}

// rot spoils a slice now and then, each of its counts by itself.
func rot(random *rand.Rand, s *facts.Slice) {
	if s.Rows < 2 {
		return
	}
	for _, count := range []*int64{&s.EventNull, &s.EventUnparsed, &s.EventSentinel, &s.IngestedOnly, &s.KeyNull, &s.FutureIngested, &s.FutureAsOf, &s.Stale,
		&s.StaleUnreferenced, &s.MisfiledBefore, &s.MisfiledAfter, &s.MisfiledUndated, &s.OwnColumnDiffers, &s.LagOver} {
		if random.IntN(30) == 0 {
			*count = 1 + random.Int64N(90)
		}
	}
	switch random.IntN(12) {
	case 0:
		s.NewestKnown = facts.NewSlice(0, "").NewestKnown
	case 1:
		s.NewestKnown -= 100 * hour
	case 2:
		s.NewestKnown += 123456
	}
}
