package trino

import (
	"fmt"
	"strings"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/internal/collect"
	"github.com/featureaudit/featureaudit/audit/zone"
)

// timeSQL are the expressions of a time: microseconds since 1970 UTC, the nanoseconds beyond them, and what texts and local times have
// beside. An empty one is constant: 0 or false.
type timeSQL struct {
	micros, nanos string
	// there says that a value is there at all, parsed or not.
	there               string
	odd, unparsed       string
	offset, bare, value string
}

// refusal is why the cluster does not read a column, empty where it does; beyond says that no table of it could.
type refusal struct {
	reason string
	beyond bool
}

var noTime = timeSQL{micros: "CAST(NULL AS bigint)", there: "false"}

// timeOf is how the cluster reads a time; the reason says why it does not.
func (d *described) timeOf(read collect.TimeRead) (timeSQL, refusal) {
	if read.Stored == nil {
		return noTime, refusal{}
	}
	ref, typeText, reason := d.reference(*read.Stored)
	if reason != "" {
		return noTime, refusal{reason: reason}
	}
	kind := kindOf(typeText)
	mismatch := func(want string) (timeSQL, refusal) {
		return noTime, refusal{reason: fmt.Sprintf("the table %s declares column %q as %s, and files hold %s: the cluster would read other values than are there; declare it as %s",
			d.name, read.Stored.Path, typeText, read.Stored.TypeText, want)}
	}
	var t timeSQL
	switch read.Encoding {
	case facts.EncodingAware, facts.EncodingNaive, facts.EncodingInt96Aware, facts.EncodingInt96Naive:
		switch kind {
		case kindTimestamp:
		case kindTimestampZone:
			if d.connector == connectorDelta && strings.HasPrefix(typeText, "timestamp(3)") && read.Stored.Unit != "ms" {
				return noTime, refusal{beyond: true, reason: fmt.Sprintf("column %q: Trino shows times of Delta tables in milliseconds, and files hold %s: run this view with --engine duckdb",
					read.Stored.Path, read.Stored.TypeText)}
			}
			ref = fmt.Sprintf("CAST(%s AT TIME ZONE 'UTC' AS timestamp(%s))", ref, map[bool]string{true: "9", false: "6"}[d.precise])
		default:
			return mismatch("timestamp")
		}
		t = timestampSQL(ref, d.precise)
	case facts.EncodingDate:
		if kind != kindDate {
			return mismatch("date")
		}
		t = timeSQL{micros: "date_diff('day', DATE '1970-01-01', " + ref + ") * 86400000000"}
	case facts.EncodingEpoch:
		if unsigned(*read.Stored) {
			return noTime, refusal{beyond: true, reason: unsignedReason(*read.Stored)}
		}
		if kind != kindInteger && kind != kindDouble || (kind == kindDouble) != (read.Stored.Physical == "DOUBLE" || read.Stored.Physical == "FLOAT") {
			return mismatch("bigint")
		}
		if t, reason = epochSQL(ref, kind, read.Unit); reason != "" {
			return noTime, refusal{reason: fmt.Sprintf("column %q: %s", read.Stored.Path, reason)}
		}
	case facts.EncodingTextNaive, facts.EncodingTextOffset:
		if kind != kindText {
			return mismatch("varchar")
		}
		if read.Format != "" {
			return noTime, refusal{beyond: true, reason: fmt.Sprintf("column %q is text in the format %q: on Trino text times are read as RFC 3339 alone; run this view with --engine duckdb", read.Stored.Path, read.Format)}
		}
		const whole = 35 // letters of a time with nanoseconds and an offset
		if most := longest(typeText); most > 0 && most <= whole || strings.HasPrefix(typeText, "char") {
			return noTime, refusal{reason: fmt.Sprintf("the table %s declares column %q as %s: Trino cuts texts to that length, or fills them up; declare it as varchar", d.name, read.Stored.Path, typeText)}
		}
		t = textSQL(ref)
	default:
		return noTime, refusal{reason: fmt.Sprintf("column %q is %s, which is no time", read.Stored.Path, read.Stored.TypeText)}
	}
	t.there = ref + " IS NOT NULL"
	if read.Zone != nil {
		t.inZone(read.Zone)
	}
	return t, refusal{}
}

// timestampSQL counts exactly, at any distance from 1970: a double holds the microseconds of a day, and not those since 1970. date_diff in
// milliseconds would cut, and to_unixtime of far times round.
func timestampSQL(ref string, precise bool) timeSQL {
	days := "date_diff('day', DATE '1970-01-01', CAST(" + ref + " AS date))"
	inDay := "to_unixtime(date_add('day', -" + days + ", " + ref + "))"
	if !precise {
		// from 1930 to 2040 a double holds the microseconds since 1970 to within half of one, which is several times as fast
		return timeSQL{micros: "CASE WHEN " + ref + " BETWEEN TIMESTAMP '1930-01-01 00:00:00' AND TIMESTAMP '2040-01-01 00:00:00' THEN CAST(round(to_unixtime(" + ref + ") * 1e6) AS bigint) ELSE " +
			days + " * 86400000000 + CAST(round(" + inDay + " * 1e6) AS bigint) END"}
	}
	nanos := "CAST(round(" + inDay + " * 1e9) AS bigint)"
	return timeSQL{micros: days + " * 86400000000 + " + nanos + " / 1000", nanos: nanos + " % 1000"}
}

// epochSQL counts numbers of a unit. What no 64 bits of microseconds hold is as far as they go; fractions of microseconds are rounded
// down, as times that say their unit are.
func epochSQL(ref string, kind typeKind, unit string) (timeSQL, string) {
	if kind == kindDouble {
		scale := map[string]string{"s": "1e6", "ms": "1e3", "us": "1e0", "ns": "1e-3"}[unit]
		if scale == "" {
			return noTime, "no unit is known of its numbers: set unit"
		}
		value := "CAST(" + ref + " AS double)"
		return timeSQL{micros: "CASE WHEN NOT is_nan(" + value + ") THEN CAST(greatest(least(round(" + value + " * " + scale + "), 9.2e18), -9.2e18) AS bigint) END"}, ""
	}
	value := "CAST(" + ref + " AS bigint)"
	switch unit {
	case "us":
		return timeSQL{micros: "greatest(" + value + ", -9223372036854775807)"}, ""
	case "ns":
		return timeSQL{micros: "CAST(floor(CAST(" + value + " AS decimal(19,0)) / DECIMAL '1000.0') AS bigint)", nanos: "((" + value + " % 1000) + 1000) % 1000"}, ""
	case "s", "ms":
		by, most := "1000000", "9223372036854"
		if unit == "ms" {
			by, most = "1000", "9223372036854775"
		}
		return timeSQL{micros: "greatest(least(" + value + ", " + most + "), -" + most + ") * " + by}, ""
	}
	return noTime, "no unit is known of its numbers: set unit"
}

// rfc3339 is what texts of times look like.
const rfc3339 = `^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[Tt ]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.,][0-9]+)?([Zz]|[+-]([01][0-9]|2[0-3])(:?[0-5][0-9])?)?\z`

// textSQL reads RFC 3339, with an offset or none, any fraction cut to microseconds.
func textSQL(ref string) timeSQL {
	text := "CAST(" + ref + " AS varchar)"
	day := "try(CAST(substr(" + text + ", 1, 10) AS date))"
	parsed := "(regexp_like(" + text + ", " + literal(rfc3339) + ") AND " + day + " IS NOT NULL)"
	number := func(from, length int) string {
		return fmt.Sprintf("CAST(substr(%s, %d, %d) AS bigint)", text, from, length)
	}
	fraction := "CAST(rpad(substr(coalesce(regexp_extract(" + text + ", '^.{19}[.,]([0-9]+)', 1), ''), 1, 6), 6, '0') AS bigint)"
	zone := "regexp_extract(" + text + ", '([+-])([0-9]{2}):?([0-9]{2})?\\z', %d)"
	// a day in front of nothing looks like an offset: the first 19 letters have none
	zone = strings.ReplaceAll(zone, text, "substr("+text+", 20)")
	offset := "CASE WHEN " + fmt.Sprintf(zone, 1) + " IS NULL THEN 0 ELSE (CAST(" + fmt.Sprintf(zone, 2) + " AS bigint) * 3600 + CAST(coalesce(" + fmt.Sprintf(zone, 3) +
		", '0') AS bigint) * 60) * if(" + fmt.Sprintf(zone, 1) + " = '-', -1000000, 1000000) END"
	micros := "(date_diff('day', DATE '1970-01-01', " + day + ") * 86400 + " + number(12, 2) + " * 3600 + " + number(15, 2) + " * 60 + " + number(18, 2) + ") * 1000000 + " + fraction + " - " + offset
	hasOffset := "regexp_like(" + text + ", '([Zz]|[+-][0-9]{2}(:?[0-9]{2})?)\\z') AND length(" + text + ") > 19 AND regexp_like(substr(" + text + ", 20), '[Zz+-]')"
	return timeSQL{
		micros:   "CASE WHEN " + parsed + " THEN " + micros + " END",
		nanos:    "CASE WHEN " + parsed + " THEN CAST(rpad(substr(coalesce(regexp_extract(" + text + ", '^.{19}[.,][0-9]{6}([0-9]+)', 1), ''), 1, 3), 3, '0') AS bigint) END",
		unparsed: "(" + ref + " IS NOT NULL AND NOT coalesce(" + parsed + ", false))",
		offset:   "coalesce(" + parsed + " AND " + hasOffset + ", false)",
		bare:     "coalesce(" + parsed + " AND NOT (" + hasOffset + "), false)",
		value:    text,
	}
}

// inZone reads local times by the table that this program reads them by: a repeated one is the earlier instant, a skipped one is shifted by
// the gap. The cluster's own rules are not asked.
func (t *timeSQL) inZone(z *zone.Table) {
	transitions := z.Transitions()
	local := t.micros
	if len(transitions) == 0 {
		t.micros = shifted(t, local, fmt.Sprint(int64(z.Offset(0).Span())))
		return
	}
	starts, odds, offsets := make([]string, len(transitions)), make([]string, len(transitions)), make([]string, len(transitions)+1)
	offsets[0] = fmt.Sprint(int64(transitions[0].Before.Span()))
	for i, tr := range transitions {
		starts[i] = fmt.Sprintf("%de0", int64(tr.UTC.Add(max(tr.Before, tr.After).Span())))
		odds[i] = fmt.Sprint(int64(tr.UTC.Add(min(tr.Before, tr.After).Span())))
		offsets[i+1] = fmt.Sprint(int64(tr.After.Span()))
	}
	segment := "width_bucket(CAST(" + local + " AS double), ARRAY[" + strings.Join(starts, ",") + "]) + 1"
	offset := "element_at(ARRAY[" + bigints(offsets) + "], " + segment + ")"
	odd := "coalesce(" + local + " >= element_at(ARRAY[" + bigints(odds) + "], " + segment + "), false)"
	if t.offset != "" {
		odd = "(NOT " + t.offset + " AND " + odd + ")"
	}
	t.odd = odd
	t.micros = shifted(t, local, offset)
}

// shifted is a local time less its offset, where it has none of its own.
func shifted(t *timeSQL, local, offset string) string {
	if t.offset != "" {
		return "CASE WHEN " + t.offset + " THEN " + local + " ELSE (" + local + ") - " + offset + " END"
	}
	return "(" + local + ") - " + offset
}

func bigints(numbers []string) string {
	texts := make([]string, len(numbers))
	for i, n := range numbers {
		texts[i] = "BIGINT '" + n + "'"
	}
	return strings.Join(texts, ",")
}

// flag is a condition that may be constant.
func flag(condition string) string {
	if condition == "" {
		return "false"
	}
	return condition
}
