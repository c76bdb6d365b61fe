package render

import (
	"io"

	"github.com/featureaudit/featureaudit/audit/report"
)

// pagerDutySummary is how many characters PagerDuty takes of a summary.
const pagerDutySummary = 1024

// pagerDutyEvent is an event of the Events API v2, but for routing_key: it is a secret, and whoever sends the event adds it.
type pagerDutyEvent struct {
	EventAction string            `json:"event_action"`
	DedupKey    string            `json:"dedup_key"`
	Payload     *pagerDutyPayload `json:"payload,omitempty"`
	Client      string            `json:"client"`
	ClientURL   string            `json:"client_url,omitempty"`
	Links       []pagerDutyLink   `json:"links,omitempty"`
}

type pagerDutyPayload struct {
	Summary   string           `json:"summary"`
	Source    string           `json:"source"`
	Severity  string           `json:"severity"`
	Timestamp string           `json:"timestamp"`
	Component string           `json:"component,omitempty"`
	Class     string           `json:"class"`
	Details   pagerDutyDetails `json:"custom_details"`
}

type pagerDutyDetails struct {
	Note  string          `json:"note,omitempty"`
	Items []pagerDutyItem `json:"items"`
	Rest  string          `json:"rest"`
}

type pagerDutyItem struct {
	State string `json:"state"`
	What  string `json:"what"`
	Says  string `json:"says,omitempty"`
	Past  string `json:"past,omitempty"`
}

type pagerDutyLink struct {
	Href string `json:"href"`
	Text string `json:"text"`
}

// PagerDuty writes the digest of a report as one event; nothing at all where there is nothing to tell. All nights of a project and an
// owner are one incident, by its dedup_key: it is triggered while something is open, and resolved when nothing is.
func PagerDuty(w io.Writer, r report.Report, o Options) error {
	return digested(w, tellingOf(r, o.Words, maxNames), o, writePagerDuty)
}

// PagerDutyOfLong is PagerDuty of a long report, whose views are looked at one at a time.
func PagerDutyOfLong(w io.Writer, l report.Long, o Options) error {
	return digestedLong(w, l, o, writePagerDuty)
}

func writePagerDuty(w io.Writer, d digest, o Options) error {
	e := pagerDutyEvent{EventAction: "trigger", DedupKey: d.Key, Client: "featureaudit", ClientURL: d.URL}
	if d.URL != "" {
		e.Links = []pagerDutyLink{{Href: d.URL, Text: "the report"}}
	}
	if d.Open == 0 {
		e.EventAction = "resolve"
	}
	severity := map[report.Outcome]string{report.Fail: "error", report.Error: "error", report.Warn: "warning"}[d.Worst]
	if severity == "" {
		severity = "info"
	}
	summary := d.Title + ": " + d.Items[0].Head
	if d.Items[0].Says != "" {
		summary += ": " + d.Items[0].Says
	}
	p := pagerDutyPayload{Summary: clip(summary, pagerDutySummary), Source: "featureaudit", Severity: severity, Timestamp: d.AsOf, Component: clip(Clean(o.Owner), 100), Class: "data quality",
		Details: pagerDutyDetails{Note: d.Note, Rest: d.rest(len(d.Items))}}
	for _, it := range d.Items {
		p.Details.Items = append(p.Details.Items, pagerDutyItem{State: it.News.String(), What: clip(it.Head, 300), Says: clip(it.Says, 500), Past: clip(it.Past, 300)})
	}
	e.Payload = &p
	return encode(w, e, "  ")
}
