package document

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/words"
)

// maxLinks is how many links are named.
const maxLinks = 20

// leftOutNames say what the view's path matched and the audit did not look at, where no rule of names leaves it out, and
// which names of the store are links, with what that means for other readers.
func (b view) leftOutNames() []string {
	var sentences []string
	for _, reason := range slices.Sorted(maps.Keys(b.Survey.Examples)) {
		sentences = append(sentences, ignoredInWords(b.Survey.Examples[reason], b.Survey.Ignored[reason], reason))
	}
	links := b.Survey.Links
	for _, link := range links[:min(len(links), maxLinks)] {
		sentences = append(sentences, b.linkInWords(link))
	}
	if more := len(links) - maxLinks; more > 0 {
		sentences = append(sentences, words.Count(int64(more), "more link"))
	}
	return sentences
}

// ignoredInWords names files of one kind that were not looked at.
func ignoredInWords(names []string, all int64, reason string) string {
	text := strings.Join(names, ", ")
	if more := all - int64(len(names)); more > 0 {
		text += fmt.Sprintf(" and %s more", words.Number(more))
	}
	switch {
	case reason == "link":
		return fmt.Sprintf("%s: %s that %s nowhere, not looked at", text, words.Plural(all, "a link", "links"), words.Plural(all, "leads", "lead"))
	case reason == "name":
		return fmt.Sprintf("%s: Parquet by %s first bytes, left out for %s (a _ or . in front, or the ending of a file that is being written)", text,
			words.Plural(all, "its", "their"), words.Plural(all, "its name", "their names"))
	case reason == "empty":
		return fmt.Sprintf("%s: 0 bytes, not looked at", text)
	case reason == "slash":
		return fmt.Sprintf("%s: the key in the bucket ends in a slash, as that of a folder does, not looked at", text)
	case reason == "other":
		return fmt.Sprintf("%s: no Parquet by name or first bytes, not looked at", text)
	case reason == "named pipe" || reason == "socket" || reason == "device":
		return fmt.Sprintf("%s: %s, not looked at", text, words.Plural(all, "a "+reason, reason+"s"))
	}
	return fmt.Sprintf("%s: %s, not Parquet, not looked at", text, reason)
}

func (b view) linkInWords(link facts.Link) string {
	target := link.Target
	if target == "." {
		target = "the view's root"
	}
	switch {
	case link.Outside:
		return fmt.Sprintf("%s is a link to %s, outside of the view: what is there was audited under this name", link.Path, target)
	case link.Folder && (link.Target == "." || strings.HasPrefix(link.Path+"/", link.Target+"/")):
		return fmt.Sprintf("%s is a link to %s, which holds it: left out; readers that follow links never come to its end, or read its files again", link.Path, target)
	}
	rows := int64(0)
	for _, f := range b.Survey.Files {
		if f.Path == link.Target || link.Folder && strings.HasPrefix(f.Path, link.Target+"/") {
			rows += f.Live()
		}
	}
	return fmt.Sprintf("%s is another name of %s: left out; readers that follow links read its %s twice", link.Path, target, words.Count(rows, "row"))
}
