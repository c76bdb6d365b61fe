package render

import (
	"io"
	"strings"

	"github.com/featureaudit/featureaudit/audit/report"
)

// What Slack takes at most: 50 blocks, 150 characters of a header and 3,000 of a section, escapes included.
const (
	slackHeader  = 150
	slackSection = 3000
	// slackText is what is shown of one text: each of its characters may become five.
	slackText = 500
)

type slackMessage struct {
	Text   string       `json:"text"`
	Blocks []slackBlock `json:"blocks"`
}

type slackBlock struct {
	Type string `json:"type"`
	// Text is that of headers and sections, Elements those of contexts.
	Text     *slackString  `json:"text,omitempty"`
	Elements []slackString `json:"elements,omitempty"`
}

type slackString struct {
	Type string `json:"type"`
	Text string `json:"text"`
	// Verbatim keeps Slack from making links and mentions of names.
	Verbatim bool `json:"verbatim,omitempty"`
}

// Slack writes the digest of a report as the payload of one message; nothing at all where there is nothing to tell.
func Slack(w io.Writer, r report.Report, o Options) error {
	return digested(w, tellingOf(r, o.Words, maxNames), o, writeSlack)
}

// SlackOfLong is Slack of a long report, whose views are looked at one at a time.
func SlackOfLong(w io.Writer, l report.Long, o Options) error {
	return digestedLong(w, l, o, writeSlack)
}

func writeSlack(w io.Writer, d digest, o Options) error {
	title := clip(d.Title, slackHeader)
	m := slackMessage{Text: slackEscape(title), Blocks: []slackBlock{{Type: "header", Text: &slackString{Type: "plain_text", Text: title}}}}
	section := func(text string) {
		m.Blocks = append(m.Blocks, slackBlock{Type: "section", Text: &slackString{Type: "mrkdwn", Text: clip(text, slackSection), Verbatim: true}})
	}
	if d.Note != "" {
		section(slackEscape(clip(d.Note, slackText)))
	}
	for _, it := range d.Items {
		text := "*" + it.News.String() + "* " + slackEscape(clip(it.Head, 150))
		if it.Says != "" {
			text += "\n" + slackEscape(clip(it.Says, 280))
		}
		if it.Past != "" {
			text += "\n" + slackEscape(clip(it.Past, 150))
		}
		section(text)
	}
	end := slackEscape(d.rest(len(d.Items)))
	if d.URL != "" {
		end += "\n<" + slackURL(d.URL) + "|Open the report>"
	}
	section(end)
	return encode(w, m, "  ")
}

// slackEscape keeps text from being markup: Slack itself names these three characters, and the others are its formatting.
func slackEscape(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "*", "∗", "~", "∼", "`", "'").Replace(text)
}

func slackURL(url string) string {
	return strings.NewReplacer("&", "&amp;", "<", "%3C", ">", "%3E", "|", "%7C").Replace(url)
}
