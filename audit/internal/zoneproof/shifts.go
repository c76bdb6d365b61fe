package zoneproof

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/featureaudit/featureaudit/audit/evidence"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/times"
	"github.com/featureaudit/featureaudit/audit/words"
	"github.com/featureaudit/featureaudit/audit/zone"
)

// Coarse says that over half of all event times are whole quarters of an hour.
func (b *Zones) Coarse() bool {
	on, all := int64(0), int64(0)
	for i := range b.Collection.Slices {
		s := &b.Collection.Slices[i]
		on += s.OnLattice
		all += s.Rows - s.EventNull - s.EventUnparsed - s.EventSentinel
	}
	return 2*on > all
}

// Twin is an offset between two sources that enough keys show.
type Twin struct {
	facts.TwinCount
	// Wrong is the source that stamps local time, offset where its clock is; known is false where either may be.
	wrong  string
	Offset times.Offset
	Known  bool
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

// SupportedTwins are the offsets that pairs of sources show often enough. Within one source every one counts whose
// payload is equal; across sources the key suffices.
func (b *Zones) SupportedTwins() ([]Twin, error) {
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
	var found []Twin
	for _, n := range b.Collection.Keys.Twins {
		t := Twin{TwinCount: n}
		if n.A == n.B && n.PayloadEqual == 0 || n.A != n.B && !supported(n, b.Collection.Keys.Twins, real) {
			continue
		}
		t.blame(real)
		found = append(found, t)
	}
	return found, nil
}

// supported compares an offset's keys with those of the median other offset of the same sources.
func supported(n facts.TwinCount, all []facts.TwinCount, real []zone.RealOffset) bool {
	shown := map[times.Offset]int64{}
	for _, other := range all {
		if other.A == n.A && other.B == n.B {
			shown[other.Apart] = other.Keys
		}
	}
	var others []int64
	for _, o := range real {
		for _, offset := range []times.Offset{o.Offset, -o.Offset} {
			if offset != 0 && offset != n.Apart {
				others = append(others, shown[offset])
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
func (t *Twin) blame(real []zone.RealOffset) {
	zonesAt := func(offset times.Offset) []string {
		i, found := slices.BinarySearchFunc(real, offset, func(o zone.RealOffset, at times.Offset) int { return cmp.Compare(o.Offset, at) })
		if !found {
			return nil
		}
		return real[i].Zones
	}
	ofB, ofA := zonesAt(t.Apart), zonesAt(-t.Apart)
	telling := float64(t.TrueA + t.TrueB)
	switch {
	case telling > 0 && float64(t.TrueA) >= trueShare*telling && ofB != nil:
		t.wrong, t.Offset, t.zones, t.Known, t.by = t.B, t.Apart, ofB, true, "the other copy agrees with its partition and ingest time"
	case telling > 0 && float64(t.TrueB) >= trueShare*telling && ofA != nil:
		t.wrong, t.Offset, t.zones, t.Known, t.by = t.A, -t.Apart, ofA, true, "the other copy agrees with its partition and ingest time"
	case ofA == nil && ofB != nil:
		t.wrong, t.Offset, t.zones, t.Known, t.by = t.B, t.Apart, ofB, true, "no zone has the opposite offset"
	case ofB == nil && ofA != nil:
		t.wrong, t.Offset, t.zones, t.Known, t.by = t.A, -t.Apart, ofA, true, "no zone has the opposite offset"
	}
}

// Copies are those that count as evidence.
func (t Twin) Copies() int64 {
	if t.A == t.B {
		return t.PayloadEqual
	}
	return t.Keys
}

func (t Twin) Subject() report.Subject {
	if t.Known || t.A == t.B {
		return report.Subject{Source: cmp.Or(t.wrong, t.A), Object: zone.OffsetText(t.Apart)}
	}
	return report.Subject{Object: fmt.Sprintf("%s and %s %s", t.A, t.B, zone.OffsetText(t.Apart))}
}

func (t Twin) Words() string {
	apart := words.Duration(max(t.Apart, -t.Apart).Span())
	between := fmt.Sprintf("between %s and %s", evidence.SourceName(t.A), evidence.SourceName(t.B))
	if t.A == t.B {
		between = "within " + evidence.SourceName(t.A)
	}
	text := fmt.Sprintf("%s %s are %s apart", words.Count(t.Copies(), "key"), between, apart)
	switch {
	case t.Known && t.A == t.B:
		text += fmt.Sprintf(": one copy is stamped at %s (%s)", zone.OffsetText(t.Offset), words.Examples(t.zones))
	case t.Known:
		text += fmt.Sprintf(": %s stamps %s (%s), since %s", evidence.SourceName(t.wrong), zone.OffsetText(t.Offset), words.Examples(t.zones), t.by)
	default:
		text += ", and nothing says which copy is true"
	}
	if compared := t.PayloadEqual + t.PayloadDiffers; compared > 0 {
		text += fmt.Sprintf("; payload equal in %s of %s compared", words.Number(t.PayloadEqual), words.Number(compared))
	}
	return text
}

func (t Twin) Measures(b *Zones) map[string]any {
	m := map[string]any{"a": t.A, "b": t.B, "offset_minutes": t.Apart.Minutes(), "keys": t.Copies(), "payload_equal": t.PayloadEqual, "payload_differs": t.PayloadDiffers,
		"payload_compared": t.PayloadEqual + t.PayloadDiffers, "true_a_keys": t.TrueA, "true_b_keys": t.TrueB,
		"first_partition": b.PartitionValue(t.First), "last_partition": b.PartitionValue(t.Last)}
	if t.Known {
		m["wrong_source"], m["wrong_offset_minutes"], m["decided_by"], m["zones"] = t.wrong, t.Offset.Minutes(), t.by, t.zones
	}
	return m
}
