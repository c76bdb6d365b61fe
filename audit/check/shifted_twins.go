package check

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/words"
	"github.com/featureaudit/featureaudit/audit/zone"
)

var shiftedTwins = Check{
	ID:        "shifted-twins",
	Title:     "The same key at event times exactly one UTC offset apart.",
	Why:       "Two copies of one event disagree on when it happened by a whole time zone: one of their writers stamps local time.",
	Fix:       "Correct the writer that is named; where none is, compare a few keys with their origin. Correct a copy with featureaudit align.",
	Since:     "0.1",
	rule:      shiftedTwinsRule,
	Scope:     ScopeView,
	Severity:  report.SeverityError,
	Evidence:  report.Arithmetic,
	Unit:      UnitRows,
	Needs:     Needs{Files: true, EventTime: true, Key: true},
	Wants:     facts.WantTimes | facts.WantKeys,
	idle:      func(v model.View) bool { return twinsReason(v) != "" },
	WholeView: true,
	applies:   (*brief).twinsReason,
	judge:     judgeTwins,
	about:     true,
	reproduce: (*brief).reproduceTwins,
	nothing:   always("no row has a whole key"),
	bad:       always("repeat a key one UTC offset away"),
	good:      always("have no copy of their key one UTC offset away"),
	// the facts keep the first and the last partition of the keys only: how many lie between is not known
	headline: func(b *brief, v verdict) string {
		text := fmt.Sprintf("%s of %s (%s) repeat a key one UTC offset away", words.Number(v.bad), words.Count(v.total, "row"), words.Percent(v.bad, v.total))
		switch first, last := b.span(v.findings); {
		case first == "":
			return text
		case first == last:
			return text + " in partition " + first
		default:
			return fmt.Sprintf("%s, from %s to %s", text, first, last)
		}
	},
	detailOfFindings: true,
	detail: func(b *brief, v verdict) string {
		var texts []string
		for _, f := range v.findings {
			texts = append(texts, f.message)
		}
		return strings.Join(texts, "; ")
	},
}

const shiftedTwinsRule = `Of the repeats of a key, those count whose event times lie exactly one UTC
offset apart that was in use between the oldest and the newest event. Across
sources they must lie in one partition or neighbouring ones, with the same
offset in at least 3 keys of one pair of writers and 5 times the support of the
median other offset. Not judged where event_time is part of the key, across
snapshots, and where over half of the event times are quarter hours.`

// twinsReason is why copies of a key cannot be told to be shifted, or "".
func (b *brief) twinsReason() string {
	if reason := twinsReason(b.View); reason != "" {
		return reason
	}
	if b.coarseView() {
		return "over half of the event times are whole quarters of an hour: a clock too coarse to tell an offset"
	}
	return ""
}

func twinsReason(v model.View) string {
	switch {
	case slices.Contains(KeyColumns(v), v.EventTime.Column):
		return "event_time is part of the key, so that no two rows of a key differ in it"
	case isSnapshot(v):
		return "each snapshot restates its keys at times of its own"
	case slices.Contains(v.OncePer, "partition"):
		return "once_per: [partition] lets a key return in each partition, at a time of its own"
	}
	return ""
}

// coarseView says that over half of all event times are whole quarters of an hour.
func (b *brief) coarseView() bool {
	on, all := int64(0), int64(0)
	for i := range b.Collection.Slices {
		s := &b.Collection.Slices[i]
		on += s.OnLattice
		all += s.Rows - s.EventNull - s.EventUnparsed - s.EventSentinel
	}
	return 2*on > all
}

func judgeTwins(b *brief) (verdict, error) {
	d := b.Collection.Keys
	if d == nil && b.noRows() {
		return verdict{}, nil
	}
	if d == nil {
		return verdict{}, errors.New("the scan collected no keys; this is a bug of featureaudit, please report it")
	}
	found, err := b.supportedTwins()
	if err != nil {
		return verdict{}, err
	}
	rest := row{total: d.RowsTotal}
	if b.HasRange {
		rest.total = b.sum(func(s *facts.Slice) int64 { return s.Rows - s.KeyNull })
	}
	var rows []row
	list := []map[string]any{}
	for _, t := range found {
		bad := min(t.keys(), rest.total)
		rest.total -= bad
		measures := t.measures(b)
		list = append(list, measures)
		rows = append(rows, row{subject: t.subject(), total: bad, bad: bad, message: t.words(), measures: measures,
			partitions: slices.DeleteFunc([]string{b.partitionValue(t.First), b.partitionValue(t.Last)}, func(s string) bool { return s == "" })})
	}
	return verdict{rows: append(rows, rest), measures: map[string]any{"twins": list, "counted_by_hash": d.PairedByHash}}, nil
}

// twin is an offset between two sources that enough keys show.
type twin struct {
	facts.TwinCount
	// wrong is the source that stamps local time, offset where its clock is, in seconds; known is false where either may be.
	wrong  string
	offset int32
	known  bool
	// by says how that is known.
	by    string
	zones []string
}

const (
	// A pair of sources must show an offset in leastTwins keys, and in twinFactor times as many as it shows the median other one.
	leastTwins, twinFactor = 3, 5
	// trueShare is the share of the telling keys that must agree on which copy is true.
	trueShare = 0.9
)

// supportedTwins are the offsets that pairs of sources show often enough. Within one source every one counts whose
// payload is equal; across sources the key suffices.
func (b *brief) supportedTwins() ([]twin, error) {
	if b.Collection.Keys == nil || len(b.Collection.Keys.Twins) == 0 {
		return nil, nil
	}
	from, to, spanned := b.eventSpan()
	if !spanned {
		return nil, nil
	}
	real, err := b.admissibleOffsets(from, to)
	if err != nil {
		return nil, err
	}
	var found []twin
	for _, n := range b.Collection.Keys.Twins {
		t := twin{TwinCount: n}
		if n.A == n.B && n.PayloadEqual == 0 || n.A != n.B && !supported(n, b.Collection.Keys.Twins, real) {
			continue
		}
		t.blame(real)
		found = append(found, t)
	}
	return found, nil
}

// supported compares an offset's keys with those of the median other offset of the same sources.
func supported(n facts.TwinCount, all []facts.TwinCount, real []zone.Offset) bool {
	shown := map[int64]int64{}
	for _, other := range all {
		if other.A == n.A && other.B == n.B {
			shown[other.Seconds] = other.Keys
		}
	}
	var others []int64
	for _, o := range real {
		for _, seconds := range []int64{int64(o.Seconds), -int64(o.Seconds)} {
			if seconds != 0 && seconds != n.Seconds {
				others = append(others, shown[seconds])
			}
		}
	}
	slices.Sort(others)
	median := int64(0)
	if len(others) > 0 {
		median = others[len(others)/2]
	}
	return n.Keys >= leastTwins && n.Keys >= twinFactor*median
}

// blame says which copy is wrong: the one that disagrees with its partition or ingest time, else the one whose clock
// would be where no zone is.
func (t *twin) blame(real []zone.Offset) {
	zonesAt := func(seconds int64) []string {
		i, found := slices.BinarySearchFunc(real, int32(seconds), func(o zone.Offset, s int32) int { return cmp.Compare(o.Seconds, s) })
		if !found {
			return nil
		}
		return real[i].Zones
	}
	ofB, ofA := zonesAt(t.Seconds), zonesAt(-t.Seconds)
	telling := float64(t.TrueA + t.TrueB)
	switch {
	case telling > 0 && float64(t.TrueA) >= trueShare*telling && ofB != nil:
		t.wrong, t.offset, t.zones, t.known, t.by = t.B, int32(t.Seconds), ofB, true, "the other copy agrees with its partition and ingest time"
	case telling > 0 && float64(t.TrueB) >= trueShare*telling && ofA != nil:
		t.wrong, t.offset, t.zones, t.known, t.by = t.A, int32(-t.Seconds), ofA, true, "the other copy agrees with its partition and ingest time"
	case ofA == nil && ofB != nil:
		t.wrong, t.offset, t.zones, t.known, t.by = t.B, int32(t.Seconds), ofB, true, "no zone has the opposite offset"
	case ofB == nil && ofA != nil:
		t.wrong, t.offset, t.zones, t.known, t.by = t.A, int32(-t.Seconds), ofA, true, "no zone has the opposite offset"
	}
}

// keys are those that count as evidence.
func (t twin) keys() int64 {
	if t.A == t.B {
		return t.PayloadEqual
	}
	return t.Keys
}

func (t twin) subject() report.Subject {
	if t.known || t.A == t.B {
		return report.Subject{Source: cmp.Or(t.wrong, t.A), Object: zone.OffsetText(int32(t.Seconds))}
	}
	return report.Subject{Object: fmt.Sprintf("%s and %s %s", t.A, t.B, zone.OffsetText(int32(t.Seconds)))}
}

func (t twin) words() string {
	apart := words.Duration(max(t.Seconds, -t.Seconds) * 1_000_000)
	between := fmt.Sprintf("between %s and %s", named(t.A), named(t.B))
	if t.A == t.B {
		between = "within " + named(t.A)
	}
	text := fmt.Sprintf("%s %s are %s apart", words.Count(t.keys(), "key"), between, apart)
	switch {
	case t.known && t.A == t.B:
		text += fmt.Sprintf(": one copy is stamped at %s (%s)", zone.OffsetText(t.offset), words.Examples(t.zones))
	case t.known:
		text += fmt.Sprintf(": %s stamps %s (%s), since %s", named(t.wrong), zone.OffsetText(t.offset), words.Examples(t.zones), t.by)
	default:
		text += ", and nothing says which copy is true"
	}
	if compared := t.PayloadEqual + t.PayloadDiffers; compared > 0 {
		text += fmt.Sprintf("; payload equal in %s of %s compared", words.Number(t.PayloadEqual), words.Number(compared))
	}
	return text
}

// named is a source for people: rows may have none.
func named(source string) string {
	if source == "" {
		return "the view"
	}
	return source
}

func (t twin) measures(b *brief) map[string]any {
	m := map[string]any{"a": t.A, "b": t.B, "offset_minutes": t.Seconds / 60, "keys": t.keys(), "payload_equal": t.PayloadEqual, "payload_differs": t.PayloadDiffers,
		"payload_compared": t.PayloadEqual + t.PayloadDiffers, "true_a_keys": t.TrueA, "true_b_keys": t.TrueB,
		"first_partition": b.partitionValue(t.First), "last_partition": b.partitionValue(t.Last)}
	if t.known {
		m["wrong_source"], m["wrong_offset_minutes"], m["decided_by"], m["zones"] = t.wrong, int64(t.offset/60), t.by, t.zones
	}
	return m
}
