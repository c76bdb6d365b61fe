package policy

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/words"
)

// StarterView is what is known of a view when its first config is written.
type StarterView struct {
	Name string
	// Path is the glob relative to the config file.
	Path       string
	EventTime  model.TimeColumn
	IngestedAt model.TimeColumn
	Source     model.SourceColumn
	// Sources are the names of sources that were seen, if any.
	Sources       []string
	Entity        []string
	Key           []string
	TimePartition model.TimePartition
	// Naive says that event times carry no zone in the files, so that they are read as UTC until one is declared.
	Naive bool
	// Guesses says of a key ("event_time", "time_partition") why its value was chosen; keys without one are facts.
	Guesses map[string]string
}

// Starter writes the text of a first config file for these views, in their order, with every guess marked and what
// only people can know left as a comment. Parse accepts it.
func Starter(project string, views []StarterView) string {
	var b strings.Builder
	b.WriteString("# yaml-language-server: $schema=./featureaudit.schema.json\n")
	b.WriteString("# Written by featureaudit init. Lines marked \"guess\" come from names and types: check them.\n")
	b.WriteString("# Editors check it once `featureaudit schema config --out json=featureaudit.schema.json` has run beside it.\n")
	fmt.Fprintf(&b, "# %s, in the order of featureaudit plan.\n", ViewCount(len(views)))
	b.WriteString("version: 1\n")
	if project != "" {
		fmt.Fprintf(&b, "project: %s\n", scalar(project))
	}
	if len(views) == 0 {
		b.WriteString("views: {}\n")
		return b.String()
	}
	b.WriteString("views:\n")
	for _, v := range views {
		v.write(&b)
	}
	b.WriteString(`
# Known findings are accepted for a reason and a while:
# suppress:
#   - {check: ttl-unset, view: NAME, reason: static reference data, owner: TEAM, until: 2027-01-01}
`)
	return b.String()
}

// ViewCount is "1 view" or "2 views".
func ViewCount(n int) string {
	if n == 1 {
		return "1 view"
	}
	return strconv.Itoa(n) + " views"
}

func (v StarterView) write(b *strings.Builder) {
	line := func(key, value string) {
		if value == "" {
			return
		}
		text := "    " + key + ": " + value
		if why := v.Guesses[key]; why != "" {
			text += "  # guess: " + oneLine(why)
		}
		b.WriteString(text + "\n")
	}
	fmt.Fprintf(b, "  %s:\n", scalar(v.Name))
	b.WriteString("    # owner: TEAM             # who answers for it; \"gate --owner TEAM\" selects by it\n")
	line("path", scalarOrNone(v.Path))
	line("event_time", timeColumn(v.EventTime))
	if !v.EventTime.Declared() {
		b.WriteString("    # event_time: COLUMN      # no column stood out; nothing that depends on time is judged without it\n")
	}
	if v.Naive {
		b.WriteString("    # zone: UTC               # event_time has no zone: it is read as UTC. Name the one that it is in, or say UTC\n")
	}
	line("ingested_at", timeColumn(v.IngestedAt))
	if v.EventTime.Declared() && !v.IngestedAt.Declared() {
		b.WriteString("    # ingested_at: COLUMN     # when the store got the row; wrong zones and late rows are not found without it\n")
	}
	if v.Source.PathSegment > 0 {
		line("source", fmt.Sprintf("{path_segment: %d}", v.Source.PathSegment))
	} else {
		line("source", scalarOrNone(v.Source.Column))
	}
	if len(v.Sources) > 0 {
		line("sources", sourceList(v.Sources))
	}
	line("entity", list(v.Entity))
	line("key", list(v.Key))
	if len(v.Key) == 0 {
		b.WriteString("    # key: [COLUMN]           # what may not repeat\n")
	}
	line("time_partition", timePartition(v.TimePartition))
	b.WriteString("    # ttl: 24h                # until it is set, rows never expire: ttl-unset fails. {never: REASON} acknowledges that\n")
	b.WriteString("    # max_age: 6h             # how old the newest event may be: what consumers are promised\n")
}

func timeColumn(t model.TimeColumn) string {
	if t.Zone == "" && t.Unit == "" && t.Format == "" {
		return scalarOrNone(t.Column)
	}
	return flow([]pair{{"column", t.Column}, {"zone", t.Zone}, {"unit", t.Unit}, {"format", t.Format}})
}

func timePartition(p model.TimePartition) string {
	if !p.Declared() && len(p.Columns) == 0 {
		return ""
	}
	var parts []string
	switch len(p.Columns) {
	case 0:
	case 1:
		parts = append(parts, "column: "+scalar(p.Columns[0]))
	default:
		parts = append(parts, "column: "+list(p.Columns))
	}
	for _, word := range []pair{{"grain", string(p.Grain)}, {"zone", p.Zone}, {"of", string(p.Of)}, {"expected", string(p.Expected)}} {
		if word.value != "" {
			parts = append(parts, word.name+": "+scalar(word.value))
		}
	}
	if p.CompleteAfter > 0 {
		parts = append(parts, "complete_after: "+words.Exact(p.CompleteAfter))
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

type pair struct{ name, value string }

func flow(pairs []pair) string {
	var parts []string
	for _, p := range pairs {
		if p.value != "" {
			parts = append(parts, p.name+": "+scalar(p.value))
		}
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

func sourceList(names []string) string {
	set := map[string]bool{}
	for _, n := range names {
		set[n] = true
	}
	var parts []string
	for _, n := range slices.Sorted(maps.Keys(set)) {
		parts = append(parts, scalar(n)+": {}")
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

func list(words []string) string {
	if len(words) == 0 {
		return ""
	}
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = scalar(w)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

func scalarOrNone(text string) string {
	if text == "" {
		return ""
	}
	return scalar(text)
}

// plain is what needs no quotes anywhere in YAML, if it is not read as something else than text.
var plain = regexp.MustCompile(`^[A-Za-z0-9_./][A-Za-z0-9_./*-]*$`)

// scalar writes text so that YAML reads the same text back.
func scalar(text string) string {
	n := yaml.Node{Kind: yaml.ScalarNode, Value: text}
	if plain.MatchString(text) && n.ShortTag() == "!!str" {
		return text
	}
	return strconv.QuoteToASCII(text)
}

// oneLine keeps a comment a comment.
func oneLine(text string) string {
	return strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\u0085' || r == '\u2028' || r == '\u2029' }), " ")
}
