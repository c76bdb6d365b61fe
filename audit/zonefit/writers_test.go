package zonefit

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/times"
	"github.com/featureaudit/featureaudit/fixtures/zonemix"
)

func askStore(each func(give func(zonemix.Row))) WriterEstimate {
	sample := zonemix.NewSample()
	each(sample.Add)
	sample.Settle(facts.MaxWriterRows)
	return AskWriters(WriterInput{Rows: sample.Rows, Courses: realCourses()})
}

func ofPlan(p zonemix.Plan, seed uint64) WriterEstimate {
	return askStore(func(give func(zonemix.Row)) { p.Each(seed, 12_000, give) })
}

func groupOffsets(groups []WriterGroup) []int32 {
	var offsets []int32
	for _, g := range groups {
		offsets = append(offsets, int32(g.East))
	}
	return offsets
}

// TestWritersAtAnOffsetAreFound plants offsets under every kind of lag: those found are the planted ones, and their
// writers are writers who stamp local time.
func TestWritersAtAnOffsetAreFound(t *testing.T) {
	for i, lag := range zonemix.Lags() {
		p := zonemix.Plan{Lag: lag, PerWriter: 12, Planted: []zonemix.Share{{Offset: pacific, Of: 0.05}, {Offset: india, Of: 0.1}}}
		local := map[uint64]bool{}
		e := askStore(func(give func(zonemix.Row)) {
			p.Each(uint64(i), 12_000, func(r zonemix.Row) {
				local[r.Writer] = r.Offset != 0
				give(r)
			})
		})
		if !e.Conclusive || !slices.Equal(groupOffsets(e.Groups), []int32{pacific, india}) {
			t.Errorf("%s: %v %q %v, want e.Told && slices.Equal(groupOffsets(e.Groups), []int32{pacific, india})", lag.Name, e.Conclusive, e.Why, groupOffsets(e.Groups))
			continue
		}
		for k, share := range []float64{0.05, 0.1} {
			g := e.Groups[k]
			if g.Share < share/1.6 || g.Share > share*1.6 || g.Days < zonemix.Days {
				t.Errorf("%s: share %.3f of %.3f on %d days", lag.Name, g.Share, share, g.Days)
			}
			for _, member := range g.Members {
				if !local[member] {
					t.Errorf("%s: writer %d does not stamp local time", lag.Name, member)
				}
			}
		}
	}
}

// TestHonestWritersAreNotAccused asks every kind of honest store that anything in it can tell.
func TestHonestWritersAreNotAccused(t *testing.T) {
	for _, kind := range zonemix.HonestKinds() {
		if kind.Undecidable {
			continue
		}
		for seed := range uint64(2) {
			e := askStore(func(give func(zonemix.Row)) { kind.Each(seed, 12_000, give) })
			if len(e.Groups) > 0 {
				t.Errorf("%s, seed %d: %v", kind.Name, seed, groupOffsets(e.Groups))
			}
		}
	}
}

// TestADelayThatHoldsNearlyAlways tells writers who are prompt whenever nobody of them is late from those who travel.
func TestADelayThatHoldsNearlyAlways(t *testing.T) {
	told := 0
	for _, kind := range zonemix.HonestKinds() {
		if !strings.HasPrefix(kind.Name, "a gateway") || !strings.Contains(kind.Name, ", but ") || strings.Contains(kind.Name, "weekend") {
			continue
		}
		for seed := range uint64(3) {
			e := askStore(func(give func(zonemix.Row)) { kind.Each(seed, 20_000, give) })
			if !e.Conclusive || len(e.Refused) != 1 || len(e.Groups) != 0 {
				t.Fatalf("%s, seed %d: %v, and refused %v", kind.Name, seed, groupOffsets(e.Groups), groupOffsets(e.Refused))
			}
			if e.Refused[0].Why == "its writers were prompt at the times when nobody of them was late" {
				told++
			}
		}
	}
	if told < 9 {
		t.Errorf("%d of 12 stores by the rows of what is left of the time", told)
	}
	for i, lag := range zonemix.Lags() {
		for name, p := range map[string]zonemix.Plan{"travel": {Travellers: 0.3}, "rest on a day": {IdleDay: true, Retries: 0.1, RetryHours: 8}, "sleep at night": {Awake: true, Travellers: 0.3}} {
			p.Lag, p.PerWriter, p.Planted = lag, 12, []zonemix.Share{{Offset: pacific, Of: 0.1}}
			if e := ofPlan(p, uint64(i)); !slices.Equal(groupOffsets(e.Groups), []int32{pacific}) {
				t.Errorf("writers who %s, %s: %v, and refused %v", name, lag.Name, groupOffsets(e.Groups), groupOffsets(e.Refused))
			}
		}
	}
}

func TestAWholeSourceByItsWriters(t *testing.T) {
	east := ofPlan(zonemix.Plan{Lag: zonemix.Lags()[1], PerWriter: 12, Planted: []zonemix.Share{{Offset: india, Of: 2}}}, 1)
	if !east.Conclusive || !slices.Equal(groupOffsets(east.Groups), []int32{india}) || east.Home != 0 || !east.Anchored {
		t.Errorf("east: %v %q %v, %d at home", east.Conclusive, east.Why, groupOffsets(east.Groups), east.Home)
	}
	west := ofPlan(zonemix.Plan{Lag: zonemix.Lags()[1], PerWriter: 12, Planted: []zonemix.Share{{Offset: pacific, Of: 2}}}, 1)
	if west.Conclusive || len(west.Groups) != 0 || west.Why != "even the promptest writers are 480 min late, or stamp at an offset of so much" {
		t.Errorf("west: %v %q %v", west.Conclusive, west.Why, groupOffsets(west.Groups))
	}
	nobody := ofPlan(zonemix.Plan{Lag: zonemix.Lags()[1], PerWriter: 12, Planted: []zonemix.Share{{Offset: pacific, Of: 0.4}, {Offset: -18000, Of: 0.4}, {Offset: tokyo, Of: 1}}}, 1)
	if !nobody.Conclusive || !slices.Equal(groupOffsets(nobody.Groups), []int32{pacific, -18000, tokyo}) || nobody.Home != 0 {
		t.Errorf("nobody at UTC: %v %q %v", nobody.Conclusive, nobody.Why, groupOffsets(nobody.Groups))
	}
}

func TestClocksThatChangeAreFollowed(t *testing.T) {
	e := ofPlan(zonemix.Plan{Lag: zonemix.Lags()[1], PerWriter: 12, Stepping: true, Planted: []zonemix.Share{{Offset: -14400, Of: 0.1}}}, 3)
	if !e.Conclusive || !slices.Equal(groupOffsets(e.Groups), []int32{-18000, -14400}) {
		t.Fatalf("%v %q %v, want e.Told && slices.Equal(groupOffsets(e.Groups), []int32{-18000, -14400})", e.Conclusive, e.Why, groupOffsets(e.Groups))
	}
	if e.Groups[0].Days > 3 || e.Groups[1].Days < 5 {
		t.Errorf("%d days after the change, %d before", e.Groups[0].Days, e.Groups[1].Days)
	}
}

func TestWhoeverIsNotTheWriterTellsNothing(t *testing.T) {
	e := ofPlan(zonemix.Plan{Lag: zonemix.Lags()[1], PerWriter: 12, NoWriters: true, Planted: []zonemix.Share{{Offset: pacific, Of: 0.2}}}, 1)
	if len(e.Groups) != 0 {
		t.Errorf("%v, want len(e.Groups) == 0", groupOffsets(e.Groups))
	}
	if with, prompt := e.Witnesses(times.Offset(pacific)); with == 0 || float64(prompt) < 0.9*float64(with) {
		t.Errorf("%d of %d have prompt rows", prompt, with)
	}
}

func TestTooFewRowsAWriter(t *testing.T) {
	e := ofPlan(zonemix.Plan{Lag: zonemix.Lags()[1], PerWriter: 0.3, Planted: []zonemix.Share{{Offset: pacific, Of: 0.2}}}, 1)
	if e.Conclusive || e.Why != "few rows a writer" {
		t.Errorf(`%v %q, want !(e.Told) && e.Why == "few rows a writer"`, e.Conclusive, e.Why)
	}
	if e := AskWriters(WriterInput{}); e.Conclusive || e.Rows != 0 {
		t.Errorf("no rows: %+v", e)
	}
}

// TestAskWritersBearsAnything asks rows that make no sense, against courses of zones 26 hours apart.
func TestAskWritersBearsAnything(t *testing.T) {
	courses := []Course{{Offsets: []int32{0}}, {Offsets: []int32{-26 * 60}}, {Offsets: []int32{26 * 60}}, {Offsets: []int32{-26 * 60, 26 * 60}, Begins: []int32{5000}}}
	for seed := range uint64(30) {
		r := rand.New(rand.NewPCG(seed, 9))
		s := facts.WriterSample{Limit: facts.AllWriters}
		for range 1 + r.IntN(3000) {
			s.Rows = append(s.Rows, facts.WriterRow{Writer: 1 + r.Uint64N(1+r.Uint64N(80)), Row: r.Uint32(), Arrival: r.Int32N(10_000),
				Lag: int16(facts.LeastLagMinutes + r.IntN(facts.MostLagMinutes-facts.LeastLagMinutes))})
		}
		for range 400 {
			lag := [...]int16{facts.LeastLagMinutes, facts.MostLagMinutes - 1}[seed%2]
			s.Rows = append(s.Rows, facts.WriterRow{Writer: 100 + r.Uint64N(40), Row: r.Uint32(), Arrival: r.Int32N(10_000), Lag: lag})
		}
		s.Settle(facts.MaxWriterRows)
		in := WriterInput{Rows: s.Rows, Courses: courses}
		if first, second := fmt.Sprint(AskWriters(in)), fmt.Sprint(AskWriters(in)); first != second {
			t.Fatalf("seed %d: %s\nthen %s", seed, first, second)
		}
	}
}
