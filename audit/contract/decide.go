package contract

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/featureaudit/featureaudit/audit/words"
)

// Verdict is what a consumer is told. The zero value is invalid on purpose.
type Verdict string

// The verdicts. Only Pass is good enough; Stale and Failed are proven, Unknown means that nothing is.
const (
	Pass    Verdict = "pass"
	Stale   Verdict = "stale"
	Failed  Verdict = "failed"
	Unknown Verdict = "unknown"
)

// DefaultMaxReportAge is how old an audit may be that a consumer trusts, where it does not say: a nightly run that is
// six hours late.
const DefaultMaxReportAge = 30 * time.Hour

// ClockSkew is how far an instant of the file may lie in the consumer's future before the two clocks disagree.
const ClockSkew = 5 * time.Minute

const (
	reasonStatic = "STATIC"
	reasonCached = "CACHED"
	reasonError  = "ERROR"
)

// Evidence is one evaluation of a view's flag, from our file or from any OpenFeature provider that serves it.
type Evidence struct {
	Value   string
	Variant string
	Reason  string
	// Problem is the error of the evaluation, "" where there was none.
	Problem  string
	Metadata map[string]any
}

// Question is what a consumer asserts of a view.
type Question struct {
	View string
	// MaxAge of the newest event; 0 leaves it to the view's own promise.
	MaxAge time.Duration
	// Accept lists the variants that the consumer takes: pass, warn. Empty means pass alone.
	Accept []string
	// MaxReportAge is how old the audit may be; 0 means DefaultMaxReportAge.
	MaxReportAge time.Duration
	// Lookback is how long the newest clean run of partitions must be; 0 asks for none.
	Lookback time.Duration
	// Now is the consumer's clock.
	Now time.Time
}

// Check says what is wrong with the question itself, nil where nothing is.
func (q Question) Check() error {
	switch {
	case q.View == "":
		return fmt.Errorf("no view is named")
	case q.MaxAge < 0, q.MaxReportAge < 0, q.Lookback < 0:
		return fmt.Errorf("view %s: a limit below 0 can never be kept; give a duration above 0", q.View)
	case q.Now.IsZero():
		return fmt.Errorf("view %s: the instant to judge from is not set", q.View)
	}
	for _, variant := range q.Accept {
		if variant != VariantPass && variant != VariantWarn {
			return fmt.Errorf("view %s: accept %q: expected pass or warn", q.View, variant)
		}
	}
	return nil
}

// Answer is the verdict on one question, with the reason in words.
type Answer struct {
	View    string
	Verdict Verdict
	// Message is one sentence: producer, measured age, promised age and what to do.
	Message string
	// AgeSeconds is the age of the newest event, and LimitSeconds the promise that it was held to; nil where unknown.
	AgeSeconds   *float64
	LimitSeconds *float64
}

// Decide judges a view by the evidence. The order of the rules decides which reason is given: trust in the audit, then
// its verdict, then the age at the instant of asking.
func Decide(e Evidence, q Question) Answer {
	c := newCase(e, q)
	if a, ended := c.trust(); ended {
		return a
	}
	if a, ended := c.variant(); ended {
		return a
	}
	if a, ended := c.age(); ended {
		return a
	}
	if a, ended := c.lookback(); ended {
		return a
	}
	if after := c.text("stale_after"); c.a.LimitSeconds == nil && after != "" {
		return c.end(Pass, "its newest event is %s old, promised until %s", words.WholeSeconds(*c.a.AgeSeconds), after)
	}
	if c.a.LimitSeconds == nil {
		return c.end(Pass, "its newest event is %s old, and its ttl is never: %s", words.WholeSeconds(*c.a.AgeSeconds), c.text("ttl_never"))
	}
	return c.end(Pass, "its newest event is %s old, promised %s", words.WholeSeconds(*c.a.AgeSeconds), words.WholeSeconds(*c.a.LimitSeconds))
}

// DecideWindow judges whether the rows of a training window, from start (included) to end (excluded), are proven clean.
// The verdict of the view as a whole does not matter: an old fault outside the window spoils nothing.
func DecideWindow(e Evidence, q Question, start, end time.Time) Answer {
	c := newCase(e, q)
	if a, ended := c.trust(); ended {
		return a
	}
	from, until, a, ended := c.cleanRun()
	if ended {
		return a
	}
	if !start.Before(from) && !end.After(until) {
		return c.end(Pass, "the window %s to %s lies in the clean run %s to %s", formatInstant(start), formatInstant(end), formatInstant(from), formatInstant(until))
	}
	verdict := Unknown
	if e.Value == VariantFail {
		verdict = Failed
	}
	return c.end(verdict, "the window %s to %s leaves the clean run %s to %s%s; narrow the window, or repair the rest and audit again",
		formatInstant(start), formatInstant(end), formatInstant(from), formatInstant(until), c.findings())
}

// judged is one case on its way to an answer.
type judged struct {
	e Evidence
	q Question
	a Answer
}

func newCase(e Evidence, q Question) *judged {
	return &judged{e: e, q: q, a: Answer{View: q.View}}
}

func (c *judged) end(v Verdict, format string, args ...any) Answer {
	c.a.Verdict = v
	owner := ""
	if name := c.text("owner"); name != "" {
		owner = " (owner " + name + ")"
	}
	c.a.Message = c.q.View + owner + ": " + string(v) + ": " + fmt.Sprintf(format, args...)
	return c.a
}

func (c *judged) text(name string) string {
	text, _ := c.e.Metadata[name].(string)
	return text
}

// trust asks whether the evidence is one: a real evaluation of a contract that we know, from a recent audit.
func (c *judged) trust() (Answer, bool) {
	switch {
	case c.e.Problem != "":
		return c.end(Unknown, "%s", c.e.Problem), true
	case c.e.Reason != reasonStatic && c.e.Reason != reasonCached:
		return c.end(Unknown, "the answer has the reason %q, so that no audit stands behind it; register a provider that reads the flag file", c.e.Reason), true
	}
	if version, isNumber := asNumber(c.e.Metadata["contract_version"]); !isNumber || version != Version {
		return c.end(Unknown, "its contract_version is %v, expected %d; use the featureaudit that wrote the file", show(c.e.Metadata, "contract_version"), Version), true
	}
	audited, err := c.instant("audited_at")
	if err != nil {
		return c.end(Unknown, "%v; audit again", err), true
	}
	limit := c.q.MaxReportAge
	if limit == 0 {
		limit = DefaultMaxReportAge
	}
	age := secondsBetween(audited, c.q.Now)
	switch {
	case age < -ClockSkew.Seconds():
		return c.end(Unknown, "it was audited at %s, %s ahead of now (%s): the clocks disagree", formatInstant(audited), words.WholeSeconds(-age), formatInstant(c.q.Now)), true
	case age > limit.Seconds():
		return c.end(Unknown, "last looked at %s ago (%s), and an audit counts for %s; run the audit again", words.WholeSeconds(age), formatInstant(audited), words.WholeSeconds(limit.Seconds())), true
	}
	if c.e.Variant != c.e.Value || !slices.Contains([]string{VariantPass, VariantWarn, VariantFail, VariantUnknown}, c.e.Value) {
		return c.end(Unknown, "its value is %.40q (variant %.40q), expected pass, warn, fail or unknown", c.e.Value, c.e.Variant), true
	}
	return Answer{}, false
}

// variant asks what the audit found.
func (c *judged) variant() (Answer, bool) {
	accept := c.q.Accept
	if len(accept) == 0 {
		accept = []string{VariantPass}
	}
	switch {
	case c.e.Value == VariantUnknown:
		return c.end(Unknown, "the audit of %s could not judge it%s; see the report", c.text("audited_at"), c.findings()), true
	case !slices.Contains(accept, c.e.Value):
		return c.end(Failed, "the audit of %s says %s%s%s; see the report, repair it, and audit again", c.text("audited_at"), c.e.Value, c.findings(), c.ageInWords()), true
	}
	if c.e.Metadata["ttl_declared"] != true {
		return c.end(Unknown, "no ttl is declared for it, so that nobody decided when it expires; declare one, or ttl: {never: reason}"), true
	}
	return Answer{}, false
}

func (c *judged) findings() string {
	if reasons := c.text("reasons"); reasons != "" {
		return " (" + strings.ReplaceAll(reasons, ",", ", ") + ")"
	}
	return ""
}

// ageInWords adds the age to an answer that does not rest on it.
func (c *judged) ageInWords() string {
	newest, err := c.instant("newest_event_time")
	if err != nil {
		return ""
	}
	age := secondsBetween(newest, c.q.Now)
	c.a.AgeSeconds = &age
	text := "; its newest event is " + words.WholeSeconds(age) + " old"
	if limit, problem := c.limit(); problem == "" && limit != nil {
		c.a.LimitSeconds = limit
		text += ", promised " + words.WholeSeconds(*limit)
	}
	return text
}

// age asks how old the newest event is now, not at the time of the audit.
func (c *judged) age() (Answer, bool) {
	newest, err := c.instant("newest_event_time")
	if err != nil {
		return c.end(Unknown, "%v; without it no age is known", err), true
	}
	age := secondsBetween(newest, c.q.Now)
	if age < -ClockSkew.Seconds() {
		return c.end(Unknown, "its newest event is at %s, %s ahead of now (%s): the clocks disagree", formatInstant(newest), words.WholeSeconds(-age), formatInstant(c.q.Now)), true
	}
	c.a.AgeSeconds = &age
	limit, problem := c.limit()
	if problem != "" {
		return c.end(Unknown, "%s; audit again", problem), true
	}
	c.a.LimitSeconds = limit
	_, dated := c.e.Metadata["stale_after"]
	if limit == nil && !dated && c.text("ttl_never") == "" {
		return c.end(Unknown, "nothing limits its age: give max_age, or declare max_age or ttl for the view"), true
	}
	if limit != nil && age > *limit {
		return c.end(Stale, "its newest event is %s old (%s), promised %s; wait for its feed or restart it, then audit again", words.WholeSeconds(age), formatInstant(newest), words.WholeSeconds(*limit)), true
	}
	if !dated {
		return Answer{}, false
	}
	after, err := c.instant("stale_after")
	if err != nil {
		return c.end(Unknown, "%v; audit again", err), true
	}
	if c.q.Now.After(after) {
		return c.end(Stale, "a part of it is older than promised since %s (the newest event of all is %s old); restart that feed, then audit again", formatInstant(after), words.WholeSeconds(age)), true
	}
	return Answer{}, false
}

// limit is the strictest of what the view promises and the consumer asks, nil where neither says anything.
func (c *judged) limit() (*float64, string) {
	var limit *float64
	if c.q.MaxAge > 0 {
		asked := c.q.MaxAge.Seconds()
		limit = &asked
	}
	for _, name := range []string{"max_age_seconds", "ttl_seconds"} {
		value, present := c.e.Metadata[name]
		if !present {
			continue
		}
		promised, isNumber := asNumber(value)
		if !isNumber || promised <= 0 {
			return nil, fmt.Sprintf("its %s is %v, expected a number above 0", name, show(c.e.Metadata, name))
		}
		if limit == nil || promised < *limit {
			limit = &promised
		}
	}
	return limit, ""
}

// lookback asks whether the newest clean run is as long as the consumer reads back.
func (c *judged) lookback() (Answer, bool) {
	if c.q.Lookback == 0 {
		return Answer{}, false
	}
	from, until, a, ended := c.cleanRun()
	if ended {
		return a, true
	}
	if length := secondsBetween(from, until); length < c.q.Lookback.Seconds() {
		return c.end(Failed, "its newest clean run is %s long (%s to %s), and the consumer reads back %s; repair what lies before, and audit again",
			words.WholeSeconds(length), formatInstant(from), formatInstant(until), words.WholeSeconds(c.q.Lookback.Seconds())), true
	}
	return Answer{}, false
}

func (c *judged) cleanRun() (from, until time.Time, a Answer, ended bool) {
	_, proven := c.e.Metadata["clean_from"]
	if partitioned, said := c.e.Metadata["partitioned"].(bool); said && !partitioned && !proven {
		return from, until, c.end(Unknown, "it has no time partitions, so that no window of it can be proven clean: declare its time_partition and audit again, or require the view as a whole"), true
	}
	for _, bound := range []struct {
		name string
		into *time.Time
	}{{"clean_from", &from}, {"clean_until", &until}} {
		t, err := c.instant(bound.name)
		if err != nil {
			return from, until, c.end(Unknown, "%v: no run of its partitions is proven clean", err), true
		}
		*bound.into = t
	}
	if !from.Before(until) {
		return from, until, c.end(Unknown, "its clean_from %s is not before its clean_until %s", formatInstant(from), formatInstant(until)), true
	}
	return from, until, Answer{}, false
}

func (c *judged) instant(name string) (time.Time, error) {
	value, present := c.e.Metadata[name]
	if !present {
		return time.Time{}, fmt.Errorf("its %s is missing", name)
	}
	text, isText := value.(string)
	if !isText {
		return time.Time{}, fmt.Errorf("its %s is %v, expected an instant", name, value)
	}
	t, err := ParseInstant(text)
	if err != nil {
		return time.Time{}, fmt.Errorf("its %s %w", name, err)
	}
	return t, nil
}

// asNumber takes what providers make of a JSON number; a boolean is none, and neither is what is not finite.
func asNumber(value any) (float64, bool) {
	switch n := value.(type) {
	case int64:
		return float64(n), true
	case int:
		return float64(n), true
	case float64:
		return n, !math.IsNaN(n) && !math.IsInf(n, 0)
	}
	return 0, false
}

func show(metadata map[string]any, name string) any {
	value, present := metadata[name]
	if !present {
		return "missing"
	}
	if text, isText := value.(string); isText {
		return fmt.Sprintf("%.40q", text)
	}
	return value
}
