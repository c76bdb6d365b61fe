package zone

import (
	"fmt"
	"math"
	"regexp"
	"sort"
	"strconv"
	"time"

	"github.com/featureaudit/featureaudit/audit/times"
)

// The tables hold every transition in these years. Before and after them the nearest offset goes on for ever, which
// only times that no audit judges (sentinels) can see.
const (
	firstYear = 1800
	lastYear  = 2200
)

// maxFixedSeconds is the largest offset of a fixed zone: ISO 8601 cannot say more.
const maxFixedSeconds = 24*3600 - 1

// Transition is one change of a zone's offset.
type Transition struct {
	// UTC is the first instant of the new offset.
	UTC           times.Instant
	Before, After times.Offset
}

// Table holds the offsets of one zone. It is never changed once made, and may be shared.
type Table struct {
	name string
	// utc[i] is the first instant of offset[i]; utc[0] is the beginning of time.
	utc    []times.Instant
	offset []times.Offset
	// local[i] is the first local time that is read with offset[i]: the later of the two local times that the
	// transition shows. Times from oddFrom[i] to local[i] are repeated or skipped, and belong to offset[i-1].
	local   []times.Local
	oddFrom []times.Local
}

var fixedOffset = regexp.MustCompile(`^(?:UTC|GMT)?([+-])(\d{2}):?(\d{2})?$`)

// Load makes the table of an IANA zone ("Asia/Kolkata"), of UTC ("UTC", "Z" or the empty name) or of a fixed offset
// ("+05:30"). The machine's own zone has no name here: a verdict must not depend on where it is reached.
func Load(name string) (*Table, error) {
	switch name {
	case "", "UTC", "Z":
		return tableOf("UTC", nil, 0), nil
	case "Local":
		return nil, fmt.Errorf("time zone %q: it differs from machine to machine; name the zone itself, such as Asia/Kolkata", name)
	}
	if seconds, ok, err := parseFixed(name); ok || err != nil {
		return tableOf(name, nil, seconds), err
	}
	location, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("time zone %q: no such zone in the tz database: want an IANA name such as America/Los_Angeles, UTC, or an offset such as +05:30", name)
	}
	first, transitions := walk(location)
	return tableOf(name, transitions, first), nil
}

func parseFixed(name string) (offset times.Offset, ok bool, err error) {
	m := fixedOffset.FindStringSubmatch(name)
	if m == nil {
		return 0, false, nil
	}
	hours, _ := strconv.Atoi(m[2])
	minutes, _ := strconv.Atoi("0" + m[3])
	seconds := hours*3600 + minutes*60
	if minutes > 59 || seconds > maxFixedSeconds {
		return 0, false, fmt.Errorf("time zone %q: no such offset: want hours below 24 and minutes below 60, such as +05:30", name)
	}
	if m[1] == "-" {
		seconds = -seconds
	}
	return times.Offset(seconds), true, nil
}

// walk lists the changes of offset; changes of the name alone are none.
func walk(location *time.Location) (first times.Offset, transitions []Transition) {
	at := time.Date(firstYear, 1, 1, 0, 0, 0, 0, time.UTC).In(location)
	end := time.Date(lastYear, 1, 1, 0, 0, 0, 0, time.UTC)
	_, before := at.Zone()
	first = times.Offset(before)
	for {
		_, next := at.ZoneBounds()
		if !next.IsZero() && !next.After(at) {
			// On the last day of a leap year Go says that the segment has ended already.
			next = at.Add(24 * time.Hour)
		}
		if next.IsZero() || !next.Before(end) {
			return first, transitions
		}
		if _, after := next.Zone(); after != before {
			transitions = append(transitions, Transition{UTC: times.At(next), Before: times.Offset(before), After: times.Offset(after)})
			before = after
		}
		at = next
	}
}

func tableOf(name string, transitions []Transition, first times.Offset) *Table {
	t := &Table{name: name, utc: []times.Instant{math.MinInt64}, offset: []times.Offset{first},
		local: []times.Local{math.MinInt64}, oddFrom: []times.Local{math.MinInt64}}
	for _, tr := range transitions {
		t.utc = append(t.utc, tr.UTC)
		t.offset = append(t.offset, tr.After)
		t.local = append(t.local, show(tr.UTC, max(tr.Before, tr.After)))
		t.oddFrom = append(t.oddFrom, show(tr.UTC, min(tr.Before, tr.After)))
	}
	return t
}

// show is what a clock at an offset shows at an instant.
func show(at times.Instant, offset times.Offset) times.Local {
	return times.Local(at.Add(offset.Span()))
}

// read is the instant at which a clock at an offset shows a local time.
func read(local times.Local, offset times.Offset) times.Instant {
	return times.Instant(local).Add(-offset.Span())
}

// Name is the name that the table was loaded by; UTC for the empty name.
func (t *Table) Name() string { return t.name }

// Transitions lists the changes of offset, oldest first: what another engine needs to convert as this table does.
func (t *Table) Transitions() []Transition {
	transitions := make([]Transition, 0, len(t.utc)-1)
	for i := 1; i < len(t.utc); i++ {
		transitions = append(transitions, Transition{UTC: t.utc[i], Before: t.offset[i-1], After: t.offset[i]})
	}
	return transitions
}

// Instant reads a local time. A repeated local time is its earlier instant and a skipped one is shifted forward by the gap: odd says
// that it was either.
func (t *Table) Instant(local times.Local) (utc times.Instant, odd bool) {
	i := t.localSegment(local)
	odd = i+1 < len(t.local) && local >= t.oddFrom[i+1]
	return read(local, t.offset[i]), odd
}

// localSegment is the last segment that begins at or before a local time.
func (t *Table) localSegment(local times.Local) int {
	return sort.Search(len(t.local), func(i int) bool { return t.local[i] > local }) - 1
}

// Begin is the first instant at which clocks show a local time or a later one. It differs from
// Instant where the local time is skipped: a day whose midnight is skipped begins at the change.
func (t *Table) Begin(local times.Local) times.Instant {
	i := t.localSegment(local)
	utc := read(local, t.offset[i])
	if i+1 < len(t.utc) && utc > t.utc[i+1] {
		return t.utc[i+1]
	}
	return utc
}

// Local is what clocks show at an instant.
func (t *Table) Local(utc times.Instant) times.Local { return show(utc, t.Offset(utc)) }

// Offset is the zone's distance from UTC at an instant.
func (t *Table) Offset(utc times.Instant) times.Offset { return t.offset[t.utcSegment(utc)] }

func (t *Table) utcSegment(utc times.Instant) int {
	return sort.Search(len(t.utc), func(i int) bool { return t.utc[i] > utc }) - 1
}

// Offsets lists the distinct offsets that the zone had between two instants (both included), ascending.
func (t *Table) Offsets(from, to times.Instant) []times.Offset {
	seen := map[times.Offset]bool{}
	for i := t.utcSegment(from); i < len(t.utc) && (t.utc[i] <= to || i == 0); i++ {
		seen[t.offset[i]] = true
	}
	offsets := make([]times.Offset, 0, len(seen))
	for o := range seen {
		offsets = append(offsets, o)
	}
	sort.Slice(offsets, func(i, j int) bool { return offsets[i] < offsets[j] })
	return offsets
}

// Reader reads many local times of one zone; it remembers the segment of the last one. Each goroutine has its own.
type Reader struct {
	table *Table
	// Local times from lo up to hi are not odd and have this offset.
	lo, hi times.Local
	offset times.Span
}

// Reader returns a reader of the table.
func (t *Table) Reader() Reader { return Reader{table: t, lo: 1, hi: 0} }

// Instant is Table.Instant.
func (r *Reader) Instant(local times.Local) (utc times.Instant, odd bool) {
	if local >= r.lo && local < r.hi {
		return times.Instant(local).Add(-r.offset), false
	}
	return r.seek(local)
}

func (r *Reader) seek(local times.Local) (utc times.Instant, odd bool) {
	t := r.table
	i := t.localSegment(local)
	hi := times.Local(math.MaxInt64)
	if i+1 < len(t.local) {
		hi = t.oddFrom[i+1]
	}
	if local < hi {
		r.lo, r.hi, r.offset = t.local[i], hi, t.offset[i].Span()
	}
	return read(local, t.offset[i]), local >= hi && i+1 < len(t.local)
}
