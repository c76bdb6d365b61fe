package reproduce

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/internal/strptime"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/times"
)

// textTimes are the text columns that a query reads times from. Each is taken apart once, before expressions speak of it.
type textTimes struct {
	// texts are NULL where they do not parse; clocks give the local microseconds, and the seconds east of UTC or NULL.
	texts, clocks []string
}

// from adds the parsed times to what a query reads from.
func (t *textTimes) from(source string) string {
	if len(t.texts) == 0 {
		return source
	}
	return fmt.Sprintf("(SELECT *, %s\n      FROM (SELECT *, %s\n      FROM %s))", strings.Join(t.clocks, ",\n        "), strings.Join(t.texts, ",\n        "), source)
}

// add gives the names of the local time and of the offset of a text column.
func (t *textTimes) add(column facts.Column, format string) (local, offset, missing string) {
	var clock func(text string) (local, offset string)
	expression := rfc3339
	if format == "" || format == "rfc3339" {
		clock = rfc3339SQL
	} else {
		pattern, err := strptime.Compile(format)
		if err != nil {
			return "", "", err.Error()
		}
		own, directives, ok := pattern.Fields()
		if !ok {
			return "", "", fmt.Sprintf("SQL does not read every text of column %s as format %q does", column.Path, format)
		}
		expression = own
		clock = func(text string) (string, string) { return patternSQL(text, own, directives) }
	}
	text := columnSQL(column)
	if column.Logical != "string" && column.Logical != "enum" && column.Logical != "json" {
		text = "TRY(decode(" + text + "))"
	} else {
		text += "::VARCHAR"
	}
	text = fmt.Sprintf("CASE WHEN regexp_full_match(%s, %s) THEN %s END", text, quoteText(expression), text)
	n := slices.IndexFunc(t.texts, func(have string) bool { return strings.HasPrefix(have, text+" AS ") })
	if n < 0 {
		n = len(t.texts)
		name := fmt.Sprintf("%stext_%d", addedPrefix, n+1)
		local, offset := clock(name)
		t.texts = append(t.texts, text+" AS "+name)
		t.clocks = append(t.clocks, fmt.Sprintf("%s AS %slocal_%d, %s AS %soffset_%d", local, addedPrefix, n+1, offset, addedPrefix, n+1))
	}
	return fmt.Sprintf("%slocal_%d", addedPrefix, n+1), fmt.Sprintf("%soffset_%d", addedPrefix, n+1), ""
}

// rfc3339 matches what the audit reads as RFC 3339: any fraction, an offset or none. That there is such a day is left to a cast.
const rfc3339 = "^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ](?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:[.,][0-9]+)?(?:[Zz]|[+-](?:[01][0-9]|2[0-3])(?::?[0-5][0-9])?)?$"

func rfc3339SQL(text string) (local, offset string) {
	local = clockSQL(fmt.Sprintf("substr(%s, 1, 10)", text), fmt.Sprintf("substr(%s, 12, 2)::BIGINT", text), fmt.Sprintf("substr(%s, 15, 2)", text),
		fmt.Sprintf("substr(%s, 18, 2)", text), fmt.Sprintf("regexp_extract(%s, '[.,]([0-9]+)', 1)", text))
	return local, offsetSQL(fmt.Sprintf("regexp_extract(%s, '([Zz]|[+-][0-9]{2}(:?[0-9]{2})?)$', 1)", text))
}

// patternSQL reads a text by the fields of a pattern.
func patternSQL(text, expression string, directives []byte) (local, offset string) {
	field := func(names, absent string) string {
		for i, d := range directives {
			if strings.IndexByte(names, d) >= 0 {
				return fmt.Sprintf("regexp_extract(%s, %s, %d)", text, quoteText(expression), i+1)
			}
		}
		return absent
	}
	year := field("Y", "")
	if year == "" {
		short := field("y", "")
		year = fmt.Sprintf("(CASE WHEN %s::BIGINT < 69 THEN '20' ELSE '19' END || %s)", short, short)
	}
	month := field("m", "")
	if month == "" {
		month = fmt.Sprintf("((strpos('janfebmaraprmayjunjulaugsepoctnovdec', lower(left(%s, 3))) + 2) // 3)::VARCHAR", field("b", ""))
	}
	hour := field("H", "0") + "::BIGINT"
	if half := field("p", ""); half != "" {
		hour = fmt.Sprintf("(%s::BIGINT %% 12 + CASE WHEN lower(%s) = 'pm' THEN 12 ELSE 0 END)", field("I", ""), half)
	}
	date := fmt.Sprintf("concat(%s, '-', lpad(%s, 2, '0'), '-', lpad(%s, 2, '0'))", year, month, field("d", ""))
	local = clockSQL(date, hour, field("M", "'0'"), field("S", "'0'"), field("f", "''"))
	if offset := field("z", ""); offset != "" {
		return local, offsetSQL(offset)
	}
	return local, "NULL::BIGINT"
}

// clockSQL is NULL where the text that it is made from is, and where there is no such day.
func clockSQL(date, hour, minute, second, fraction string) string {
	return fmt.Sprintf("epoch_us(TRY_CAST(%s AS DATE)::TIMESTAMP) + ((%s * 60 + %s::BIGINT) * 60 + %s::BIGINT) * 1000000 + rpad(%s, 6, '0')::BIGINT", date, hour, minute, second, fraction)
}

// offsetSQL reads Z, +hh:mm, +hhmm or +hh as seconds east of UTC; NULL for "".
func offsetSQL(text string) string {
	return fmt.Sprintf("CASE WHEN %[1]s IN ('Z', 'z') THEN 0 WHEN %[1]s != '' THEN (CASE WHEN left(%[1]s, 1) = '-' THEN -60 ELSE 60 END) * "+
		"(substr(%[1]s, 2, 2)::BIGINT * 60 + CASE WHEN length(%[1]s) > 3 THEN right(%[1]s, 2)::BIGINT ELSE 0 END) END", text)
}

// timeSQL reads a time column as microseconds UTC.
func (b *Statements) timeSQL(t *textTimes, s facts.Schema, declared model.TimeColumn, ofSource string, ingested bool) (sql, missing string) {
	if !declared.Declared() {
		return "NULL::BIGINT", ""
	}
	column := s.Lookup(declared.Column)
	if column == nil {
		return "NULL::BIGINT", ""
	}
	name, zoneName := columnSQL(*column), cmp.Or(declared.Zone, ofSource, b.View.Zone)
	switch s.Encoding(*column) {
	case facts.EncodingAware, facts.EncodingInt96Aware:
		// newer engines have a type of its own for nanoseconds in UTC, which has no such function
		return fmt.Sprintf("epoch_us(%s::TIMESTAMPTZ)", name), ""
	case facts.EncodingNaive, facts.EncodingInt96Naive:
		return b.localSQL(fmt.Sprintf("epoch_us(%s::TIMESTAMP)", name), zoneName, ingested)
	case facts.EncodingDate:
		// a date may lie beyond all timestamps: it is no event then
		return b.localSQL(fmt.Sprintf("epoch_us(TRY_CAST(%s AS TIMESTAMP))", name), zoneName, ingested)
	case facts.EncodingEpoch:
		if sql := epochSQL(*column, name, cmp.Or(declared.Unit, column.EpochUnit)); sql != "" {
			return sql, ""
		}
		return "", fmt.Sprintf("no unit of column %s is known", column.Path)
	case facts.EncodingTextNaive, facts.EncodingTextOffset:
		local, offset, missing := t.add(*column, declared.Format)
		if missing != "" {
			return "", missing
		}
		instant, missing := b.localSQL(local, zoneName, ingested)
		if missing != "" {
			return "", missing
		}
		return fmt.Sprintf("CASE WHEN %s IS NULL THEN %s ELSE %s - %s * 1000000 END", offset, instant, local, offset), ""
	default:
		return "", fmt.Sprintf("column %s (%s) is read by other means than SQL", column.Path, column.TypeText)
	}
}

// epochSQL reads a number of units since 1970, "" where the unit is none. Floats are rounded to microseconds as the scan does it.
func epochSQL(c facts.Column, name, unit string) string {
	if c.Physical == "DOUBLE" {
		scale := map[string]string{"s": "1000000", "ms": "1000", "us": "1", "ns": "0.001"}[unit]
		if scale == "" {
			return ""
		}
		return fmt.Sprintf("(CASE WHEN NOT isnan(%s) THEN greatest(least(round(%s * %s), 9.2e18::DOUBLE), -9.2e18::DOUBLE)::BIGINT END)", name, name, scale)
	}
	switch unit {
	case "s":
		return fmt.Sprintf("(%s::HUGEINT * 1000000)", name)
	case "ms":
		return fmt.Sprintf("(%s::HUGEINT * 1000)", name)
	case "us":
		return fmt.Sprintf("%s::HUGEINT", name)
	case "ns":
		return fmt.Sprintf("(%s::HUGEINT // 1000)", name)
	}
	return ""
}

// localSQL reads a local time in a zone. The clock changes of the data's own years are written out, since engines do not agree
// on times that occur twice or never.
func (b *Statements) localSQL(local, name string, ingested bool) (sql, missing string) {
	if name == "" || name == "UTC" || name == model.ZoneDevice {
		return local, ""
	}
	table, err := b.Atlas.Load(name)
	if err != nil {
		return "", err.Error()
	}
	const margin = 48 * times.Hour
	from, to := b.AsOf, b.AsOf
	for _, s := range b.Collection.Slices {
		low, high := s.EventMin, s.EventMax
		if ingested {
			low, high = s.IngestedMin, s.IngestedMax
		}
		if low.Known() {
			from, to = min(from, low), max(to, high)
		}
	}
	offset := fmt.Sprint(int64(table.Offset(from.Add(-margin)).Span()))
	var cases []string
	for _, t := range table.Transitions() {
		if t.UTC >= from.Add(-margin) && t.UTC <= to.Add(margin) {
			begins := t.UTC.Add(max(t.Before, t.After).Span())
			cases = append(cases, fmt.Sprintf("WHEN %s >= %d THEN %d", local, begins, t.After.Span()))
		}
	}
	slices.Reverse(cases)
	if len(cases) > 0 {
		offset = fmt.Sprintf("CASE %s ELSE %s END", strings.Join(cases, " "), offset)
	}
	return fmt.Sprintf("(%s::HUGEINT - %s)", local, offset), ""
}

// usableSQL is NULL for what is no event: a placeholder.
func usableSQL(b *Statements, instant string) string {
	first := time.Date(sentinelYear, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro()
	last := b.AsOf.Time().AddDate(sentinelYears, 0, 0).UnixMicro()
	return fmt.Sprintf("CASE WHEN %s BETWEEN %d AND %d THEN %s END", instant, first, last, instant)
}
