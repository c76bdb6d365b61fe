package check

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/featureaudit/featureaudit/audit/evidence"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/internal/reproduce"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/times"
	"github.com/featureaudit/featureaudit/audit/words"
)

var nullEventTime = Check{
	ID:         "null-event-time",
	Title:      "Rows without a usable event time.",
	Why:        "A point-in-time join cannot place such a row: it is dropped from training, or matched to every moment.",
	Fix:        "Repair the writer that leaves event_time empty; if the values are there, set the column's unit or format in the config.",
	Since:      "0.1",
	Backfilled: true,
	Scope:      ScopeView,
	Severity:   report.SeverityError,
	Evidence:   report.Certain,
	Unit:       UnitRows,
	Needs:      Needs{Files: true, EventTime: true},
	Wants:      facts.WantTimes,
	Fractional: true,
	Query:      true,
	sound: soundRows(func(s *facts.Slice) (total, bad int64) {
		return s.Rows, s.EventNull | s.EventUnparsed | s.EventSentinel
	}),
	reproduce: reproduce.NullEventTimes,
	measures:  func(b *viewEvidence) map[string]any { return b.unusable(nil).measures() },
	bad:       always("have no usable event time"),
	good:      always("have an event time"),
	because: func(b *viewEvidence, bad int64, findings []row) string {
		u := b.unusable(nil)
		if u.rows() != bad {
			// those of the findings at hand alone
			u = b.unusable(func(partition, source string) bool {
				return slices.ContainsFunc(findings, func(f row) bool { return !f.suppressed && f.holds(partition, source) })
			})
		}
		return u.String()
	},
}

// holds says whether a finding of rows is about a partition and a source.
func (r row) holds(partition, source string) bool {
	return source == r.subject.Source && (partition == r.subject.Partition || slices.Contains(r.partitions, partition))
}

// unusableTimes says why rows have no usable event time.
type unusableTimes struct {
	facts.Slice
	// formats are how the texts that do not parse were read, sorted: "RFC 3339" or a pattern.
	formats []string
	// numbers says that some event times are floating numbers, of which NaN is no time.
	numbers bool
	// unnamed says that one of them reads names of zones, and that no zone is declared whose names it knows.
	unnamed bool
}

// unusable gathers why rows have no usable event time; of says which partitions and sources count, nil for all that are judged.
func (b *viewEvidence) unusable(of func(partition, source string) bool) unusableTimes {
	u := unusableTimes{Slice: facts.NewSlice(-1, "")}
	for i := range b.Collection.Slices {
		s := &b.Collection.Slices[i]
		at := b.FilePartition(s.File)
		if !b.Judged(at) || of != nil && !of(b.PartitionValue(at), s.Source) {
			continue
		}
		u.Merge(*s)
		if s.EventUnparsed > 0 {
			u.addFormat(b.View, b.DeclaredSources[s.Source])
		}
	}
	slices.Sort(u.formats)
	u.numbers = slices.ContainsFunc(b.Survey.Schemas, func(schema facts.Schema) bool {
		return slices.ContainsFunc(evidence.EventNames(b.View), func(name string) bool {
			column := schema.Lookup(name)
			return column != nil && column.Physical == "DOUBLE"
		})
	})
	return u
}

func (u *unusableTimes) addFormat(v model.View, s model.SourcePolicy) {
	format := v.EventTime.Format
	if s.EventTime.Declared() {
		format = s.EventTime.Format
	}
	if zone := evidence.DeclaredZone(v, s); strings.Contains(format, "%Z") && (zone == "" || zone == model.ZoneDevice) {
		u.unnamed = true
	}
	name := "by format " + strconv.Quote(format)
	if format == "" || format == "rfc3339" {
		name = "as RFC 3339"
	}
	if !slices.Contains(u.formats, name) {
		u.formats = append(u.formats, name)
	}
}

func (u unusableTimes) rows() int64 { return u.EventNull + u.EventUnparsed + u.EventSentinel }

func (u unusableTimes) measures() map[string]any {
	m := map[string]any{"null_rows": u.EventNull, "unparsed_rows": u.EventUnparsed, "sentinel_rows": u.EventSentinel}
	if u.SentinelMin.Known() {
		m["oldest_sentinel"], m["newest_sentinel"] = sentinelText(u.SentinelMin), sentinelText(u.SentinelMax)
	}
	if u.Unparsed.Known {
		m["unparsed_example"] = shownText(u.Unparsed.Text)
	}
	return m
}

// String names the causes: "1 is NULL; 2 lie before 1980 or more than 10 years after as_of (1970-01-01 to 3018-01-31)".
func (u unusableTimes) String() string {
	var causes []string
	if n := u.EventNull; n > 0 {
		text := words.Number(n) + " " + words.Plural(n, "is", "are") + " NULL"
		if u.numbers {
			text += " or NaN"
		}
		causes = append(causes, text)
	}
	if n := u.EventUnparsed; n > 0 {
		text := fmt.Sprintf("%s %s text that does not parse %s", words.Number(n), words.Plural(n, "is", "are"), strings.Join(u.formats, ", or "))
		if u.Unparsed.Known {
			text += ", such as " + shownText(u.Unparsed.Text)
		}
		if u.unnamed {
			text += " (%Z reads UTC, GMT and Z; for other names of zones set zone, the one whose names they are)"
		}
		causes = append(causes, text)
	}
	if n := u.EventSentinel; n > 0 {
		text := fmt.Sprintf("%s %s before 1980 or more than 10 years after as_of", words.Number(n), words.Plural(n, "lies", "lie"))
		oldest, newest := sentinelText(u.SentinelMin), sentinelText(u.SentinelMax)
		switch {
		case !u.SentinelMin.Known():
		case oldest == newest:
			text += " (" + oldest + ")"
		default:
			text += " (" + oldest + " to " + newest + ")"
		}
		causes = append(causes, text)
	}
	return strings.Join(causes, "; ")
}

// sentinelText is the date of a sentinel. Years that no calendar writes with four digits are as good as any other.
func sentinelText(sentinel times.Instant) string {
	switch at := sentinel.Time(); {
	case at.Year() < 1:
		return "before year 1"
	case at.Year() > 9999:
		return "after year 9999"
	default:
		return at.Format(time.DateOnly)
	}
}

// shownChars is how much of a text is quoted.
const shownChars = 40

// shownText quotes the beginning of a text from data: as it stands where that is plain, else with what is not plain escaped.
func shownText(text string) string {
	short := text
	for utf8.RuneCountInString(short) > shownChars || len(short) == facts.MaxFirstText {
		_, size := utf8.DecodeLastRuneInString(short)
		short = short[:len(short)-size]
	}
	quoted := strconv.Quote(short)
	if plain := quoted == `"`+short+`"`; plain && short != "" && strings.TrimSpace(short) == short {
		quoted = short
	}
	if short != text {
		quoted += "..."
	}
	return quoted
}
