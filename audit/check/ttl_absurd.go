package check

import (
	"fmt"
	"time"

	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/times"
	"github.com/featureaudit/featureaudit/audit/words"
)

// longestTTL is where a ttl stops being one: ten years of 365.25 days.
const longestTTL = 87660 * time.Hour

var ttlAbsurd = Check{
	ID:       "ttl-absurd",
	Title:    "The ttl is negative, under a second or over 10 years.",
	Why:      "Such a ttl is a slip of the unit: everything expires at once, or nothing ever does.",
	Fix:      "Write the ttl with its unit (24h, 7d, P1D), or acknowledge that rows never expire: ttl: {never: reason}.",
	Since:    "0.1",
	rule:     ttlAbsurdRule,
	Scope:    ScopeView,
	Severity: report.SeverityWarn,
	Evidence: report.Certain,
	Unit:     UnitView,
	judge: func(b *viewEvidence) (verdict, error) {
		ttl := b.View.TTL
		if ttl.Duration == 0 && ttl.Never != "" {
			return verdict{notApplicable: fmt.Sprintf("ttl is never (%s): ttl-absurd has nothing to judge", ttl.Never)}, nil
		}
		if ttl.Duration == 0 {
			return verdict{notApplicable: missingKey("ttl", "ttl-absurd")}, nil
		}
		found := absurdity(ttl.Duration)
		message := fmt.Sprintf("the ttl of %s (%s) is %s", ttlText(ttl.Duration), b.Origin("definition", "ttl"), found)
		return ofView(found != "", message, map[string]any{"ttl_seconds": ttl.Duration.Seconds()}), nil
	},
	bad:  always("has an absurd ttl"),
	good: func(b *viewEvidence) string { return b.ttlInWords() },
	headline: func(_ *viewEvidence, v verdict) string {
		return v.findings[0].message
	},
}

const ttlAbsurdRule = `Bad if ttl < 0, if 0 < ttl < 1s, or if ttl > 87660h (ten years).`

// absurdity says what is wrong with a ttl, or "".
func absurdity(ttl time.Duration) string {
	switch {
	case ttl < 0:
		return "negative: every row is expired at once"
	case ttl < time.Second:
		return "under a second: every row is expired before it is read"
	case ttl > longestTTL:
		return "over 10 years: no row ever expires"
	}
	return ""
}

// ttlText is the ttl in words; Go's own for one under a millisecond, which would read as 0.
func ttlText(ttl time.Duration) string {
	if ttl > 0 && ttl < time.Millisecond {
		return ttl.String()
	}
	return words.Duration(times.SpanOf(ttl))
}
