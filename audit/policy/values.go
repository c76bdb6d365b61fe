package policy

import (
	"fmt"
	"math"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/bmatcuk/doublestar/v4"
	"go.yaml.in/yaml/v3"

	"github.com/featureaudit/featureaudit/audit/internal/strptime"
	"github.com/featureaudit/featureaudit/audit/model"
)

// readText reads non-empty text on one line. A number or a boolean is not taken for text: who means it quotes it.
func readText(c cursor, what string) (string, bool) {
	n := c.node
	if n.Kind != yaml.ScalarNode {
		c.expected(what)
		return "", false
	}
	switch n.ShortTag() {
	case "!!str", "!!timestamp":
	case "!!int", "!!float", "!!bool":
		c.expected(what + `: write it in quotes ("` + shorten(n.Value) + `") if it is meant`)
		return "", false
	default:
		c.expected(what)
		return "", false
	}
	if strings.TrimSpace(n.Value) == "" {
		c.fail("found empty text, expected " + what)
		return "", false
	}
	return n.Value, true
}

// readName reads the name of a thing of ours (not a column, which may be named anything).
func readName(c cursor, what string) (string, bool) {
	text, ok := readText(c, what)
	if ok && strings.ContainsFunc(text, unicode.IsControl) {
		c.expected(what + " without control characters")
		return "", false
	}
	return text, ok
}

// readOwner reads an owner. `owner:` with nothing behind it says that there is none.
func readOwner(c cursor) (string, bool) {
	if isNull(c.node) {
		return "", false
	}
	return readName(c, "the name of a team or a person")
}

// readEnum reads one of a few words.
func readEnum(c cursor, words []string) (string, bool) {
	if c.node.Kind == yaml.ScalarNode && slices.Contains(words, c.node.Value) {
		return c.node.Value, true
	}
	hint := ""
	if c.node.Kind == yaml.ScalarNode {
		hint = strings.TrimSuffix(DidYouMean(c.node.Value, words), " ")
	}
	if hint != "" {
		hint = ": " + hint
	}
	c.expected("one of " + strings.Join(words, ", ") + hint)
	return "", false
}

// readWords reads a text or a list of texts without repeats. An empty list is a value: it takes a default back.
func readWords(c cursor, what string, word func(cursor) (string, bool)) ([]string, bool) {
	switch c.node.Kind {
	case yaml.SequenceNode:
	case yaml.ScalarNode:
		w, ok := word(c)
		return []string{w}, ok
	default:
		c.expected("a " + what + " or a list of them")
		return nil, false
	}
	words, good := []string{}, true
	seen := map[string]bool{}
	for _, n := range c.node.Content {
		if !c.d.spend(n) {
			return nil, false
		}
		e := c.element(n)
		w, ok := word(e)
		if !ok {
			good = false
			continue
		}
		if seen[w] {
			e.fail(fmt.Sprintf("%q is listed twice: list each %s once", w, what))
			good = false
			continue
		}
		seen[w] = true
		words = append(words, w)
	}
	return words, good
}

func readColumn(c cursor) (string, bool) { return readText(c, "a column name") }

func readColumns(c cursor) ([]string, bool) { return readWords(c, "column", readColumn) }

// readDuration reads a duration of at least least.
func readDuration(c cursor, least time.Duration) (time.Duration, bool) {
	d, ok := readAnyDuration(c)
	if !ok {
		return 0, false
	}
	if d < least && least > 0 {
		c.expected("a duration above 0; leave the key out for none")
		return 0, false
	}
	if d < least {
		c.expected("a duration that is not negative")
		return 0, false
	}
	return d, true
}

// readAnyDuration reads a duration, zero and negative ones included.
func readAnyDuration(c cursor) (time.Duration, bool) {
	if c.node.Kind != yaml.ScalarNode || isNull(c.node) {
		c.expected(durationExample)
		return 0, false
	}
	switch c.node.ShortTag() {
	case "!!str", "!!int", "!!float":
	default:
		c.expected(durationExample)
		return 0, false
	}
	d, err := ParseDuration(shorten(c.node.Value))
	if err != nil {
		c.fail(err.Error())
		return 0, false
	}
	return d, true
}

// readZone reads an IANA zone, or "device" where the writers' own local time is a possible answer.
func readZone(c cursor, device bool) (string, bool) {
	what := "an IANA zone such as UTC, Europe/Berlin or America/Los_Angeles"
	if device {
		what += `, or "device"`
	}
	name, ok := readText(c, what)
	if !ok || (device && name == model.ZoneDevice) {
		return name, ok
	}
	if name == model.ZoneDevice {
		c.fail(`"device" is not possible here, expected ` + what)
		return "", false
	}
	// "Local" would be the zone of the machine that runs the audit.
	if _, err := time.LoadLocation(name); err != nil || name == "Local" {
		c.expected(what)
		return "", false
	}
	return name, true
}

// readGlob reads a path pattern. A URL's pattern is what follows its scheme.
func readGlob(c cursor) (string, bool) {
	const what = `a path or glob such as "data/transactions/**/*.parquet"`
	text, ok := readText(c, what)
	if !ok {
		return "", false
	}
	scheme, pattern := cutScheme(text)
	if scheme != "" && strings.Contains(pattern, "@") && !doublestar.ValidatePattern(pattern) {
		c.fail("found an address whose [ or { has no end, expected " + what) // it may hold a password
		return "", false
	}
	if strings.ContainsRune(pattern, 0) || !doublestar.ValidatePattern(pattern) {
		c.expected(what + ": a [ or { in it has no end")
		return "", false
	}
	return text, true
}

// cutScheme splits "s3://" off a path.
func cutScheme(path string) (scheme, rest string) {
	i := strings.Index(path, "://")
	if i <= 0 {
		return "", path
	}
	if u, err := url.Parse(path[:i] + "://x"); err != nil || u.Scheme == "" {
		return "", path
	}
	return path[:i+3], path[i+3:]
}

// readDate reads the first instant of a day in UTC.
func readDate(c cursor) (time.Time, bool) {
	const what = "a date such as 2027-01-01"
	if c.node.Kind != yaml.ScalarNode {
		c.expected(what)
		return time.Time{}, false
	}
	t, err := time.Parse(time.DateOnly, c.node.Value)
	if err != nil {
		c.expected(what)
		return time.Time{}, false
	}
	return t, true
}

// readInstant reads an instant with its offset, or a day as its first instant in UTC.
func readInstant(c cursor) (time.Time, bool) {
	if c.node.Kind == yaml.ScalarNode {
		for _, layout := range [...]string{time.RFC3339Nano, time.DateOnly} {
			if t, err := time.Parse(layout, c.node.Value); err == nil {
				return t.UTC(), true
			}
		}
	}
	c.expected("an instant such as 2026-11-03T06:00:00Z, or a date")
	return time.Time{}, false
}

func readInt(c cursor, least int64, what string) (int64, bool) {
	var n int64
	if c.node.Kind != yaml.ScalarNode || c.node.ShortTag() != "!!int" || c.node.Decode(&n) != nil || n < least {
		c.expected(what)
		return 0, false
	}
	return n, true
}

func readFraction(c cursor) (float64, bool) {
	return readNumber(c, "a fraction from 0 to 1, such as 0.001 for 0.1 %", func(f float64) bool { return f >= 0 && f <= 1 })
}

func readRatio(c cursor) (float64, bool) {
	return readNumber(c, "a number above 1, such as 2.5", func(f float64) bool { return f > 1 && !math.IsInf(f, 0) })
}

// readNumber reads a number within some bounds, which what says.
func readNumber(c cursor, what string, within func(float64) bool) (float64, bool) {
	if c.node.Kind != yaml.ScalarNode {
		c.expected(what)
		return 0, false
	}
	switch c.node.ShortTag() {
	case "!!int", "!!float":
	default:
		c.expected(what)
		return 0, false
	}
	f, err := strconv.ParseFloat(c.node.Value, 64)
	if err != nil || math.IsNaN(f) || !within(f) {
		c.expected(what)
		return 0, false
	}
	return f, true
}

// readFormat reads the format of text times.
func readFormat(c cursor) (string, bool) {
	const what = `rfc3339 or a strptime pattern such as "%Y-%m-%d %H:%M:%S"`
	text, ok := readText(c, what)
	switch {
	case !ok, text == "rfc3339":
		return text, ok
	case !strings.Contains(text, "%"):
		c.expected(what)
		return "", false
	}
	if _, err := strptime.Compile(text); err != nil {
		c.fail(fmt.Sprintf("found %q: %v", text, err))
		return "", false
	}
	return text, true
}

// partitionDate are the forms of a partition's date, coarse to fine.
var partitionDates = []struct {
	form   *regexp.Regexp
	layout string
}{
	{regexp.MustCompile(`^\d{4}-\d{2}$`), "2006-01"},
	{regexp.MustCompile(`^\d{4}-\d{2}-\d{2}$`), "2006-01-02"},
	{regexp.MustCompile(`^\d{4}-\d{2}-\d{2}T\d{2}$`), "2006-01-02T15"},
}

var isoWeek = regexp.MustCompile(`^(\d{4})-W(\d{2})$`)

// ParseRange reads a range of partitions, both ends included: "2026-11-01..2026-11-03", with hours
// ("2026-11-03T07"), months ("2026-11") or ISO weeks ("2026-W45") at both ends alike.
func ParseRange(text string) (from, to string, err error) {
	const what = `FROM..TO such as "2026-11-01..2026-11-03", both included`
	from, to, found := strings.Cut(text, "..")
	if !found {
		return "", "", fmt.Errorf("range %q: expected %s; for one partition write it twice", text, what)
	}
	for _, end := range []*string{&from, &to} {
		if *end = dashed(*end); !isPartitionDate(*end) {
			return "", "", fmt.Errorf("range %q: %q is no date: expected %s (or 2026-11, 2026-W45, 2026-11-03T07)", text, *end, what)
		}
	}
	if len(from) != len(to) {
		return "", "", fmt.Errorf("range %q: its ends are of different grains: expected %s", text, what)
	}
	if from > to {
		return "", "", fmt.Errorf("range %q: it ends before it begins: write %q", text, to+".."+from)
	}
	return from, to, nil
}

// compactDate is a date without dashes, as schedulers and folders write it, with an hour or without.
var compactDate = regexp.MustCompile(`^(\d{4})(\d{2})(\d{2})(\d{2})?$`)

// dashed writes a compact date with its dashes; any other text as it is.
func dashed(text string) string {
	m := compactDate.FindStringSubmatch(text)
	switch {
	case m == nil:
		return text
	case m[4] == "":
		return m[1] + "-" + m[2] + "-" + m[3]
	}
	return m[1] + "-" + m[2] + "-" + m[3] + "T" + m[4]
}

func isPartitionDate(text string) bool {
	if m := isoWeek.FindStringSubmatch(text); m != nil {
		year, _ := strconv.Atoi(m[1]) // four digits
		week, _ := strconv.Atoi(m[2])
		// 28 December lies in the last week of its ISO year.
		_, last := time.Date(year, time.December, 28, 0, 0, 0, 0, time.UTC).ISOWeek()
		return week >= 1 && week <= last
	}
	for _, d := range partitionDates {
		if d.form.MatchString(text) {
			_, err := time.Parse(d.layout, text)
			return err == nil
		}
	}
	return false
}
