// Package docs holds the longer pages for users, so that `featureaudit help TOPIC` shows what the repository shows.
package docs

import (
	"embed"
	"slices"
	"strings"
)

//go:embed *.md
var pages embed.FS

// Topics are the names of the pages, sorted.
func Topics() []string {
	entries, err := pages.ReadDir(".")
	if err != nil {
		panic("docs: the embedded pages cannot be listed, which is a bug: " + err.Error())
	}
	var topics []string
	for _, e := range entries {
		topics = append(topics, strings.TrimSuffix(e.Name(), ".md"))
	}
	slices.Sort(topics)
	return topics
}

// Page is the Markdown of one topic.
func Page(topic string) (string, bool) {
	if !slices.Contains(Topics(), topic) {
		return "", false
	}
	text, err := pages.ReadFile(topic + ".md")
	return string(text), err == nil
}
