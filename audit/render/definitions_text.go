package render

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/featureaudit/featureaudit/audit/registry"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/words"
)

// DefinitionsJSON writes definitions as their own document.
func DefinitionsJSON(w io.Writer, d registry.Definitions, _ Options) error {
	raw, err := d.Marshal()
	if err != nil {
		return err
	}
	_, err = w.Write(report.EscapeHidden(raw))
	return err
}

// DefinitionsText writes for people what was read: a line for each view, then what else there is.
func DefinitionsText(w io.Writer, d registry.Definitions, _ Options) error {
	buf := bufio.NewWriter(w)
	fmt.Fprintf(buf, "%s  %s", Clean(d.Source), Clean(d.Kind))
	if d.Project != "" {
		fmt.Fprintf(buf, ", project %s", Clean(d.Project))
	}
	fmt.Fprintf(buf, ": %s, %s, %s\n\n", words.Counted(int64(len(d.Views)), "view", "views"),
		words.Counted(int64(len(d.Entities)), "entity", "entities"), words.Counted(int64(len(d.FeatureServices)), "feature service", "feature services"))
	tab := tabwriter.NewWriter(buf, 0, 0, 2, ' ', 0)
	if len(d.Views) > 0 {
		fmt.Fprintln(tab, "VIEW\tTTL\tMAX AGE\tEVENT TIME\tINGESTED AT\tKEYS\tFEATURES\tWHERE")
	}
	for _, v := range d.Views {
		fmt.Fprintf(tab, "%s\t%s\t%s\t%s\t%s\t%s\t%d\t%s\n", Clean(v.Name), ttlInWords(v), age(v.MaxAgeSeconds), dash(v.EventTime), dash(v.IngestedAt),
			dash(strings.Join(v.JoinKeys, ", ")), len(v.Features), dash(dataOf(v)))
	}
	if err := tab.Flush(); err != nil {
		return err
	}
	for _, s := range d.FeatureServices {
		names := make([]string, len(s.Views))
		for i, v := range s.Views {
			names[i] = fmt.Sprintf("%s (%d)", v.View, len(v.Features))
		}
		fmt.Fprintf(buf, "\nfeature service %s reads %s", Clean(s.Name), Clean(strings.Join(names, ", ")))
	}
	if len(d.FeatureServices) > 0 {
		fmt.Fprintln(buf)
	}
	for _, u := range d.UnknownFields {
		fmt.Fprintf(buf, "unknown field: %s%s\n", Clean(u.Path), unknownDetail(u))
	}
	for _, n := range d.Notes {
		fmt.Fprintf(buf, "note: %s\n", Clean(n))
	}
	return buf.Flush()
}

// unknownDetail says how large an unknown field is, where it stands, and which key may be meant.
func unknownDetail(u registry.UnknownField) string {
	text := ", " + words.Counted(int64(u.Bytes), "byte", "bytes")
	if u.Location != nil {
		text += fmt.Sprintf(", %s:%d", Clean(u.Location.File), u.Location.Line)
	}
	if u.Near != "" {
		text += ": did you mean " + Clean(u.Near) + "?"
	}
	return text
}

func ttlInWords(v registry.View) string {
	switch {
	case v.Kind == "on_demand_feature_view":
		return "-"
	case v.TTLNever != "":
		return "never: " + Clean(v.TTLNever)
	case v.TTLSeconds == nil:
		return "unset"
	}
	return words.Exact(registry.Seconds(v.TTLSeconds))
}

func age(seconds *float64) string {
	if seconds == nil {
		return "-"
	}
	return words.Exact(registry.Seconds(seconds).Round(time.Millisecond))
}

func dash(text string) string {
	if text == "" {
		return "-"
	}
	return Clean(text)
}

// dataOf is the path of a view's files, its table, or why it has none.
func dataOf(v registry.View) string {
	return cmp.Or(strings.TrimSpace(v.Path+" "+v.Table), v.NoFiles)
}
