package render

import (
	"bytes"
	"io"

	"github.com/featureaudit/featureaudit/audit/report"
)

// teamsBytes is what is written at most: Teams takes messages of 28 KB with all that it adds itself.
const teamsBytes = 26_000

// teamsText is what is shown of one text, in characters.
const teamsText = 300

type teamsMessage struct {
	Type        string            `json:"type"`
	Attachments []teamsAttachment `json:"attachments"`
}

type teamsAttachment struct {
	ContentType string    `json:"contentType"`
	Content     teamsCard `json:"content"`
}

type teamsCard struct {
	Schema  string        `json:"$schema"`
	Type    string        `json:"type"`
	Version string        `json:"version"`
	Body    []teamsBlock  `json:"body"`
	Actions []teamsAction `json:"actions,omitempty"`
}

// teamsBlock is a RichTextBlock: its runs of text are shown as they are, where a TextBlock would take them for Markdown.
type teamsBlock struct {
	Type      string     `json:"type"`
	Separator bool       `json:"separator,omitempty"`
	Inlines   []teamsRun `json:"inlines"`
}

type teamsRun struct {
	Type   string `json:"type"`
	Text   string `json:"text"`
	Weight string `json:"weight,omitempty"`
	Size   string `json:"size,omitempty"`
	Color  string `json:"color,omitempty"`
}

type teamsAction struct {
	Type  string `json:"type"`
	Title string `json:"title"`
	URL   string `json:"url"`
}

// Teams writes the digest of a report as a message with one adaptive card; nothing at all where there is nothing to tell. Items are left
// out, the least urgent first, until it is small enough.
func Teams(w io.Writer, r report.Report, o Options) error {
	return digested(w, tellingOf(r, o.Words, maxNames), o, writeTeams)
}

// TeamsOfLong is Teams of a long report, whose views are looked at one at a time.
func TeamsOfLong(w io.Writer, l report.Long, o Options) error {
	return digestedLong(w, l, o, writeTeams)
}

func writeTeams(w io.Writer, d digest, o Options) error {
	for shown := len(d.Items); shown > 0; shown-- {
		var text bytes.Buffer
		if err := encode(&text, teamsOf(d, shown), ""); err != nil {
			return err
		}
		if text.Len() <= teamsBytes || shown == 1 {
			_, err := w.Write(text.Bytes())
			return err
		}
	}
	return nil
}

func teamsOf(d digest, shown int) teamsMessage {
	run := func(text, weight, color string) teamsRun {
		return teamsRun{Type: "TextRun", Text: clip(text, teamsText), Weight: weight, Color: color}
	}
	block := func(separator bool, runs ...teamsRun) teamsBlock {
		return teamsBlock{Type: "RichTextBlock", Separator: separator, Inlines: runs}
	}
	head := run(d.Title, "bolder", "")
	head.Size = "large"
	card := teamsCard{Schema: "http://adaptivecards.io/schemas/adaptive-card.json", Type: "AdaptiveCard", Version: "1.4", Body: []teamsBlock{block(false, head)}}
	if d.Note != "" {
		card.Body = append(card.Body, block(false, run(d.Note, "", "warning")))
	}
	colors := map[news]string{newsNew: "attention", newsWorse: "attention", newsFound: "attention", newsDue: "warning", newsResolved: "good"}
	for _, it := range d.Items[:shown] {
		card.Body = append(card.Body, block(true, run(it.News.String()+" ", "bolder", colors[it.News]), run(it.Head, "bolder", "")))
		for _, more := range []string{it.Says, it.Past} {
			if more != "" {
				card.Body = append(card.Body, block(false, run(more, "", "")))
			}
		}
	}
	card.Body = append(card.Body, block(true, run(d.rest(shown), "", "")))
	if d.URL != "" {
		card.Actions = []teamsAction{{Type: "Action.OpenUrl", Title: "Open the report", URL: d.URL}}
	}
	return teamsMessage{Type: "message", Attachments: []teamsAttachment{{ContentType: "application/vnd.microsoft.card.adaptive", Content: card}}}
}
