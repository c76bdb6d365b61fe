package keys

import (
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/times"
)

// Row is a candidate with its real values.
type Row struct {
	Hash uint64
	// File and Number say where the row stands; Source is its source's name.
	File   int32
	Number int64
	Source string
	// Key is the canonical key: equal keys have equal text.
	Key string
	// Event and Ingested are microseconds UTC, or times.None.
	Event, Ingested int64
	// Payload are its values, or Wide what they are to those of the other rows of its group, and Sum an image of all of them.
	Payload  []Value
	Wide     *Wide
	Sum      Image
	Measures []Value
}

// Value is a payload value in canonical text.
type Value struct {
	Null bool
	// Floating says that a measure is a double, of which Text is the shortest decimal.
	Floating bool
	// Unknown says that it could not be read: it neither equals nor differs from any other.
	Unknown bool
	Text    string
}

// Measure is a column that a repeat double-counts. Floating values are summed as exact binary fractions, others as decimals;
// the sum is floating if one of its values is.
type Measure struct {
	Name     string
	Floating bool
}

// Classifier decides the class of repeated keys and sums what they double-count.
type Classifier struct {
	payload  []string
	measures []Measure
	offsets  []int64
	// coarse says that the clock cannot tell an offset: every difference of event times is a conflict.
	coarse  bool
	surplus []sum
	// outside are the sums of rows that are not counted.
	outside []sum
}

// NewClassifier takes rows with these payload and measure columns. Offsets are seconds that two event times of one key
// may differ by as shifted twins.
func NewClassifier(payload []string, measures []Measure, offsets []int64, coarse bool) *Classifier {
	j := &Classifier{payload: payload, measures: measures, offsets: offsets, coarse: coarse, surplus: newSums(measures), outside: newSums(measures)}
	return j
}

func newSums(measures []Measure) []sum {
	sums := make([]sum, len(measures))
	for i, measure := range measures {
		sums[i].floating = measure.Floating
		sums[i].exact.SetPrec(exactBits)
	}
	return sums
}

// Verdict is what the rows of one key are to each other.
type Verdict struct {
	Class   facts.DuplicateClass
	Differs []string
	// Resolvable: a point-in-time join keeps one row, since one of them alone was ingested last.
	Resolvable bool
	// FanOut is how many rows such a join returns beyond one.
	FanOut int64
}

// Group judges the rows of one key, the row kept first, and adds the measures of the others to the surplus: to that outside
// where they are not counted.
func (j *Classifier) Group(rows []Row, counted func(Row) bool) Verdict {
	v := Verdict{Class: facts.Replay}
	unknown := false
	for i, name := range j.payload {
		differs, all := differIn(rows, i)
		if differs {
			v.Differs = append(v.Differs, name)
		}
		unknown = unknown || !all
	}
	var events eventTimes
	for _, row := range rows {
		events.add(row.Event)
	}
	shifted, odd := j.eventDifferences(events)
	v.classify(unknown, shifted, odd)
	last := rows[0].Ingested
	for _, row := range rows {
		last = max(last, row.Ingested)
	}
	ties := int64(0)
	for _, row := range rows {
		if row.Ingested == last {
			ties++
		}
	}
	v.resolve(last, ties)
	for _, row := range rows[1:] {
		sums := j.surplus
		if !counted(row) {
			sums = j.outside
		}
		for i := range j.measures {
			sums[i].add(row.Measures[i])
		}
	}
	return v
}

// classify concludes from what the rows differ in.
func (v *Verdict) classify(unknown, shifted, odd bool) {
	switch {
	case unknown:
		v.Class = facts.UnknownClass
	case len(v.Differs) > 0 || odd:
		v.Class = facts.Conflict
	case shifted:
		v.Class = facts.ShiftedTwin
	}
	if odd {
		v.Differs = append(v.Differs, "event_time")
	}
}

// resolve concludes from how many rows were ingested last.
func (v *Verdict) resolve(last, ties int64) {
	v.Resolvable = last != times.None && ties == 1
	v.FanOut = ties - 1
}

// differIn says whether any two of the rows' known values of a payload column differ, and whether all are known.
func differIn(rows []Row, column int) (differs, all bool) {
	if wide := rows[0].Wide; wide != nil {
		return wide.Differs(column), true
	}
	return differ(rows, func(r Row) Value { return r.Payload[column] })
}

// differ says whether any two of the known values differ, and whether all are known.
func differ(rows []Row, value func(Row) Value) (differs, all bool) {
	var first Value
	known := 0
	for _, row := range rows {
		v := value(row)
		if v.Unknown {
			continue
		}
		if known == 0 {
			first = v
		}
		known++
		differs = differs || v != first
	}
	return differs, known == len(rows)
}

// eventTimes are the different event times of rows.
type eventTimes struct {
	distinct []int64
	// many says that there are more than a day has offsets: they cannot all be offsets of each other.
	many bool
}

// maxEventTimes is how many different event times are told apart.
const maxEventTimes = 100

func (t *eventTimes) add(event int64) {
	if t.many || slices.Contains(t.distinct, event) {
		return
	}
	t.distinct = append(t.distinct, event)
	t.many = len(t.distinct) > maxEventTimes
}

// eventDifferences says whether some difference is a real offset, and whether some is neither 0 nor one.
func (j *Classifier) eventDifferences(events eventTimes) (shifted, odd bool) {
	if events.many {
		return false, true
	}
	distinct := events.distinct
	for i, a := range distinct {
		for _, b := range distinct[i+1:] {
			if a == times.None || b == times.None || j.coarse || !j.isOffset(a-b) {
				odd = true
				continue
			}
			shifted = true
		}
	}
	return shifted, odd
}

func (j *Classifier) isOffset(micros int64) bool {
	if micros%int64(times.Second) != 0 {
		return false
	}
	seconds := micros / int64(times.Second)
	return slices.Contains(j.offsets, seconds) || slices.Contains(j.offsets, -seconds)
}

// Surplus is the exact total of each measure over all counted rows but the kept ones, as decimal text, and Outside over those
// that are not counted. Both leave out the measures of Unknown.
func (j *Classifier) Surplus() map[string]string { return j.totals(j.surplus) }

// Outside is the surplus that is not counted.
func (j *Classifier) Outside() map[string]string { return j.totals(j.outside) }

func (j *Classifier) totals(sums []sum) map[string]string {
	totals := map[string]string{}
	for i, measure := range j.measures {
		if !j.unknown(i) {
			totals[measure.Name] = sums[i].text()
		}
	}
	return totals
}

// Unknown names the measures of which some surplus value could not be read, sorted.
func (j *Classifier) Unknown() []string {
	var names []string
	for i, measure := range j.measures {
		if j.unknown(i) {
			names = append(names, measure.Name)
		}
	}
	slices.Sort(names)
	return names
}

// unknown says whether some surplus value of a measure could not be read, counted or not.
func (j *Classifier) unknown(i int) bool { return j.surplus[i].unknown || j.outside[i].unknown }

// sum adds decimal text exactly: integers and decimals as scaled integers, floating values as exact binary fractions
// that are rounded once, at the end. The order of the rows cannot change it.
type sum struct {
	scaled   big.Int
	scale    int
	floating bool
	// partly says that some value was floating.
	partly  bool
	exact   big.Float
	special float64
	unknown bool
}

// exactBits holds any sum of finite doubles without rounding: 1074 + 1024 bits, and room for 2^60 of them.
const exactBits = 2200

func (s *sum) add(v Value) {
	s.unknown = s.unknown || v.Unknown
	if v.Null || v.Unknown {
		return
	}
	if !s.floating && !v.Floating {
		s.addDecimal(v.Text)
		return
	}
	s.partly = true
	f, err := strconv.ParseFloat(v.Text, 64)
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
		s.special += f
		return
	}
	s.exact.Add(&s.exact, new(big.Float).SetFloat64(f))
}

// merge adds another sum.
func (s *sum) merge(o *sum) {
	s.unknown, s.partly = s.unknown || o.unknown, s.partly || o.partly
	s.special += o.special
	s.exact.Add(&s.exact, &o.exact)
	s.addScaled(new(big.Int).Set(&o.scaled), o.scale)
}

func (s *sum) addDecimal(text string) {
	whole, fraction, _ := strings.Cut(text, ".")
	digits, ok := new(big.Int).SetString(whole+fraction, 10)
	if !ok {
		return
	}
	s.addScaled(digits, len(fraction))
}

// addScaled adds digits of which so many are behind the point. It may change them.
func (s *sum) addScaled(digits *big.Int, scale int) {
	if scale > s.scale {
		s.scaled.Mul(&s.scaled, pow10(scale-s.scale))
		s.scale = scale
	}
	s.scaled.Add(&s.scaled, digits.Mul(digits, pow10(s.scale-scale)))
}

func pow10(n int) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }

// rational is the exact sum of all values that are numbers.
func (s *sum) rational() *big.Rat {
	total := new(big.Rat).SetFrac(&s.scaled, pow10(s.scale))
	if exact, _ := s.exact.Rat(nil); exact != nil {
		total.Add(total, exact)
	}
	return total
}

func (s *sum) text() string {
	if s.floating || s.partly {
		rounded, _ := s.rational().Float64()
		return strconv.FormatFloat(rounded+s.special, 'g', -1, 64)
	}
	digits := s.scaled.String()
	if s.scale == 0 {
		return digits
	}
	negative := strings.HasPrefix(digits, "-")
	digits = strings.TrimPrefix(digits, "-")
	if len(digits) <= s.scale {
		digits = strings.Repeat("0", s.scale-len(digits)+1) + digits
	}
	text := digits[:len(digits)-s.scale] + "." + digits[len(digits)-s.scale:]
	if negative {
		text = "-" + text
	}
	return text
}
