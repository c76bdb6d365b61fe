package contract

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/featureaudit/featureaudit/audit/report"
)

// flagSchema is flagd's published schema of flag files.
const flagSchema = "https://flagd.dev/schema/v0/flags.json"

// document is the flag file as written.
type document struct {
	Schema   string                 `json:"$schema"`
	Metadata map[string]any         `json:"metadata"`
	Flags    map[string]writtenFlag `json:"flags"`
}

type writtenFlag struct {
	State          string            `json:"state"`
	Variants       map[string]string `json:"variants"`
	DefaultVariant string            `json:"defaultVariant"`
	Metadata       map[string]any    `json:"metadata"`
}

// FlagFile writes a report as a flagd flag file: one flag for each view and each feature service. Values that are not
// known are absent, never null. It is an error if the report does not say when it was finished, or if two views would
// have one key.
func FlagFile(r report.Report) ([]byte, error) {
	audited, err := time.Parse(time.RFC3339Nano, r.Execution.FinishedAt)
	if err != nil {
		return nil, fmt.Errorf("flag file: execution.finished_at is %q, expected an instant: consumers must know when the audit was; run the audit again", r.Execution.FinishedAt)
	}
	doc, err := newDocument(r, audited)
	if err != nil {
		return nil, fmt.Errorf("flag file: %w", err)
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(doc); err != nil {
		return nil, fmt.Errorf("flag file: %w", err)
	}
	return report.EscapeHidden(out.Bytes()), nil
}

func newDocument(r report.Report, audited time.Time) (document, error) {
	shared := map[string]any{"contract_version": Version, "audited_at": formatInstant(audited), "as_of": r.AsOf, "report_id": r.ID}
	doc := document{Schema: flagSchema, Metadata: map[string]any{"flagSetId": "featureaudit", "version": r.AsOf}, Flags: map[string]writtenFlag{}}
	for name, value := range shared {
		doc.Metadata[name] = value
	}
	terms, ofView := make(map[string]viewTerms, len(r.Views)), map[string][]int{}
	for i := range r.Results {
		ofView[r.Results[i].View] = append(ofView[r.Results[i].View], i)
	}
	for _, v := range r.Views {
		t := newTerms(r, v, ofView[v.Name])
		terms[v.Name] = t
		if err := doc.add(flagKey(viewPrefix, v.Project, v.Name), t.variant, shared, t.metadata()); err != nil {
			return doc, err
		}
	}
	services, err := servicesOf(r)
	if err != nil {
		return doc, err
	}
	for _, s := range services {
		variant, metadata := judgeService(s, terms)
		if err := doc.add(flagKey(servicePrefix, s.Project, s.Name), variant, shared, metadata); err != nil {
			return doc, err
		}
	}
	return doc, nil
}

// flagKey names a flag. There is no slash in it of our making: evaluation over HTTP has the key in its path.
func flagKey(prefix, project, name string) string {
	if project == "" {
		return prefix + name
	}
	return prefix + project + "." + name
}

func (d document) add(key, variant string, shared, own map[string]any) error {
	if _, taken := d.Flags[key]; taken {
		return fmt.Errorf("two views or feature services would have the key %q: rename one of them or its project", key)
	}
	for name, value := range shared {
		own[name] = value
	}
	for name, value := range own {
		if number, isFloat := value.(float64); isFloat && (math.IsNaN(number) || math.IsInf(number, 0)) {
			delete(own, name)
		}
	}
	variants := map[string]string{}
	for _, v := range []string{VariantPass, VariantWarn, VariantFail, VariantUnknown} {
		variants[v] = v
	}
	d.Flags[key] = writtenFlag{State: "ENABLED", Variants: variants, DefaultVariant: variant, Metadata: own}
	return nil
}

// viewTerms is what a report says about one view, as far as a contract goes.
type viewTerms struct {
	view    report.View
	results map[string]report.Result
	within  string
	variant string
	reasons []string
}

// newTerms are those of a view, whose results stand at these places of the report's.
func newTerms(r report.Report, v report.View, results []int) viewTerms {
	t := viewTerms{view: v, results: map[string]report.Result{}, within: r.Range}
	for _, i := range results {
		t.results[r.Results[i].Check] = r.Results[i]
	}
	t.variant, t.reasons = t.judge(r)
	return t
}

// judge chooses the variant. A fail stands whatever else could not be seen; anything unproven is unknown, and pass is
// what remains.
func (t viewTerms) judge(r report.Report) (string, []string) {
	reasons := slices.Concat(t.checks(report.Fail), t.checks(report.Error))
	failed, blind := len(t.checks(report.Fail)) > 0, len(t.checks(report.Error)) > 0
	for _, gap := range []struct {
		open bool
		code string
	}{
		{r.Status != report.Complete, "partial_report"},
		{len(t.results) == 0, "not_evaluated"},
		{len(r.Selection.Checks) > 0, "checks_narrowed"},
		{t.view.Rows == 0 || t.view.NewestEventTime == nil, "no_event_time"},
		{!t.view.Definition.TTLDeclared, "ttl_undeclared"},
		{!t.freshnessJudged(), "freshness_not_judged"},
	} {
		if gap.open {
			reasons, blind = append(reasons, gap.code), true
		}
	}
	warned := t.checks(report.Warn)
	reasons = append(reasons, warned...)
	switch {
	case t.noFiles():
		return VariantUnknown, reasons
	case failed:
		return VariantFail, reasons
	case blind:
		return VariantUnknown, reasons
	case len(warned) > 0:
		return VariantWarn, reasons
	}
	return VariantPass, nil
}

// noFiles says that the view should have files and has none: whatever its definition fails, nothing is known of its rows.
func (t viewTerms) noFiles() bool {
	res, known := t.results[report.UnreadableFile]
	return known && t.view.Files == 0 && res.Outcome != report.NotApplicable
}

// checks are the ids with an outcome, sorted; what another finding explains comes only if nothing else has it.
func (t viewTerms) checks(o report.Outcome) []string {
	var causes, explained []string
	for id, res := range t.results {
		switch {
		case res.Weight() != o, res.Advisory && o == report.Warn:
		case res.ExplainedBy != "":
			explained = append(explained, id)
		default:
			causes = append(causes, id)
		}
	}
	if len(causes) == 0 {
		causes = explained
	}
	slices.Sort(causes)
	return causes
}

// freshnessJudged says whether stale-view looked. Only a view that never expires for a written reason, and that promises
// no age, has nothing to look at.
func (t viewTerms) freshnessJudged() bool {
	switch t.results[report.StaleView].Outcome {
	case report.Pass, report.Warn, report.Fail, report.Suppressed:
		return true
	case report.NotApplicable:
		d := t.view.Definition
		return d.TTLNever != "" && d.MaxAgeSeconds == nil && len(d.Sources) == 0
	default:
		return false
	}
}

func (t viewTerms) metadata() map[string]any {
	v, d := t.view, t.view.Definition
	m := map[string]any{"feature_view": v.Name, "ttl_declared": d.TTLDeclared, "rows_audited": v.Rows}
	setText(m, map[string]string{"project": v.Project, "owner": v.Owner, "range": t.within, "ttl_never": d.TTLNever, "reasons": strings.Join(t.reasons, ",")})
	for name, value := range map[string]*string{"newest_event_time": v.NewestEventTime, "oldest_event_time": v.OldestEventTime, "clean_from": v.CleanFrom, "clean_until": v.CleanUntil} {
		if value != nil {
			m[name] = *value
		}
	}
	if d.TimePartition == nil && v.CleanFrom == nil && v.Files > 0 {
		m["partitioned"] = false // why no clean run is among them
	}
	if v.AgeSeconds != nil {
		m["age_seconds"] = *v.AgeSeconds
	}
	for name, value := range map[string]*float64{"max_age_seconds": d.MaxAgeSeconds, "ttl_seconds": d.TTLSeconds} {
		if value != nil && *value > 0 {
			m[name] = *value
		}
	}
	if after, known := t.staleAfter(); known {
		m["stale_after"] = formatInstant(after)
	}
	t.lags(m)
	t.counts(m)
	return m
}

// setText adds the texts that say something, cut to a length that a flag's metadata can carry.
func setText(m map[string]any, texts map[string]string) {
	const longest = 400
	for name, text := range texts {
		if runes := []rune(text); len(runes) > longest {
			text = string(runes[:longest-1]) + "…"
		}
		if text != "" {
			m[name] = text
		}
	}
}

// lags are those of the slowest source.
func (t viewTerms) lags(m map[string]any) {
	p50, p99, known := math.Inf(-1), math.Inf(-1), false
	for _, lag := range t.view.SourceLagSeconds {
		if lag.Rows > 0 {
			p50, p99, known = max(p50, lag.P50), max(p99, lag.P99), true
		}
	}
	if known {
		m["source_lag_p50_seconds"], m["source_lag_p99_seconds"] = p50, p99
	}
}

// counts are what the checks found, absent where they did not look.
func (t viewTerms) counts(m map[string]any) {
	for _, c := range []struct {
		key, check string
		of         func(report.Result) (n any, known bool)
	}{
		{"stale_rows", report.StaleRows, rowsBad},
		{"stale_entities_ratio", report.StaleEntities, shareBad},
		{"mixed_zones", report.MixedZones, rowsBad},
		{"duplicate_keys", report.DuplicateKeys, repeatedKeys},
	} {
		res, looked := t.looked(c.check)
		if n, known := c.of(res); looked && known {
			m[c.key] = n
		}
	}
}

func rowsBad(r report.Result) (any, bool) { return r.RowsBad, true }

func shareBad(r report.Result) (any, bool) {
	return float64(r.RowsBad) / float64(r.RowsTotal), r.RowsTotal > 0
}

func repeatedKeys(r report.Result) (any, bool) {
	n, isNumber := r.Measures.Number("repeated_keys")
	return n, isNumber
}

func (t viewTerms) looked(check string) (report.Result, bool) {
	res, known := t.results[check]
	return res, known && res.Outcome != report.NotApplicable && res.Outcome != report.Error
}

// staleAfter is the instant at which the first of the view's sources breaks its own promise, if nothing new arrives.
func (t viewTerms) staleAfter() (time.Time, bool) {
	res, looked := t.looked(report.StaleView)
	if !looked {
		return time.Time{}, false
	}
	newest, err := ParseInstant(res.Measures.Text("newest_event_time"))
	limit, isNumber := res.Measures.Number("limit_seconds")
	if err != nil || !isNumber || limit <= 0 {
		return time.Time{}, false
	}
	return later(newest, limit), true
}

// endOfPromise is staleAfter, or earlier where max_age or ttl ends before.
func (t viewTerms) endOfPromise() (time.Time, bool) {
	first, known := t.staleAfter()
	if t.view.NewestEventTime == nil {
		return first, known
	}
	newest, err := ParseInstant(*t.view.NewestEventTime)
	if err != nil {
		return first, known
	}
	for _, limit := range []*float64{t.view.Definition.MaxAgeSeconds, t.view.Definition.TTLSeconds} {
		if limit == nil || *limit <= 0 {
			continue
		}
		if end := later(newest, *limit); !known || end.Before(first) {
			first, known = end, true
		}
	}
	return first, known
}

// later adds seconds to an instant; no promise outlives the year 9999, which is where RFC 3339 ends.
func later(t time.Time, s float64) time.Time {
	last := time.Date(9999, time.December, 31, 0, 0, 0, 0, time.UTC)
	if s > secondsBetween(t, last) {
		return last
	}
	whole, fraction := math.Modf(s)
	return time.Unix(t.Unix()+int64(whole), int64(t.Nanosecond())+int64(math.Round(fraction*1e9))).UTC()
}
