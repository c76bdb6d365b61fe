package check

import (
	"fmt"

	"github.com/featureaudit/featureaudit/audit/report"
)

var ttlUnset = Check{
	ID:       "ttl-unset",
	Title:    "The definition never expires.",
	Why:      "A ttl that is unset, null or 0 makes features of any age look fresh, and nobody decided that.",
	Fix:      "Declare a ttl, or acknowledge it in writing: ttl: {never: reason}.",
	Since:    "0.1",
	rule:     ttlUnsetRule,
	Scope:    ScopeView,
	Severity: report.SeverityError,
	Evidence: report.Certain,
	Unit:     UnitView,
	judge: func(b *viewEvidence) (verdict, error) {
		// A negative ttl is written, and ttl-absurd says what is wrong with it.
		unset := b.View.TTL.Never == "" && b.View.TTL.Duration == 0
		return ofView(unset, "the ttl is "+b.ttlOnWire()+", so that features never expire", map[string]any{"on_wire": b.View.TTL.OnWire}), nil
	},
	bad:  always("has no ttl"),
	good: func(b *viewEvidence) string { return b.ttlInWords() },
	headline: func(_ *viewEvidence, v verdict) string {
		return v.findings[0].message
	},
}

const ttlUnsetRule = `Bad if the ttl is not set, null or 0, and no {never: reason} says why.`

func (b *viewEvidence) ttlOnWire() string {
	at := b.Origin("", "ttl")
	if at != "" {
		at = " (" + at + ")"
	}
	switch b.View.TTL.OnWire {
	case "zero":
		return "0" + at
	case "set":
		return "set to 0" + at
	}
	return "not set" + at
}

func (b *viewEvidence) ttlInWords() string {
	if b.View.TTL.Never != "" {
		return fmt.Sprintf("the ttl is never, for a reason: %s", b.View.TTL.Never)
	}
	return "the ttl is " + ttlText(b.View.TTL.Duration)
}

// ofView is the verdict on a definition as a whole.
func ofView(bad bool, message string, measures map[string]any) verdict {
	r := row{total: 1, message: message}
	if bad {
		r.bad = 1
	}
	return verdict{rows: []row{r}, measures: measures}
}
