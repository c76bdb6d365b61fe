package registry

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
)

// Field is one value of a definition that has no place of its own here: what a rule judges as a part of something
// larger (the text of a transformation), or what is only noted when it changes. Every reader may keep such fields.
type Field struct {
	// Path is the place inside the object: "spec.features[amount].description".
	Path string `json:"path"`
	// Part is what the field is a part of; empty for what no rule judges.
	Part string `json:"part,omitempty"`
	// Text is the value where it is text or a number, cut after 2,000 characters.
	Text string `json:"text,omitempty"`
	// Digest tells values apart that Text does not show, or not whole: bytes, long texts, secrets.
	Digest string `json:"digest,omitempty"`
}

// The parts that rules judge.
const (
	PartTransformation = "transformation"
	PartAggregation    = "aggregation"
	PartInputs         = "inputs"
	PartLogging        = "logging"
	PartPrecompute     = "precompute"
	PartPhysicalType   = "physical_type"
)

const maxFieldText = 2000

// TextField is a field of text: a long one is cut, and one that may be a secret is not shown at all.
func TextField(path, part, text string) Field {
	f := Field{Path: path, Part: part, Text: text}
	switch shown := credentials.ReplaceAllString(text, "://...@"); {
	case text != "" && (secret(path) || strings.HasPrefix(text, "{") && secret(text)):
		f.Text, f.Digest = "", ShortDigest([]byte(text))
	case shown != text:
		f.Text, f.Digest = shown, ShortDigest([]byte(text))
	case len(text) > maxFieldText:
		f.Text, f.Digest = strings.ToValidUTF8(text[:maxFieldText], "")+"...", ShortDigest([]byte(text))
	}
	return f
}

// BytesField is a field whose value is no text.
func BytesField(path, part string, raw []byte) Field {
	return Field{Path: path, Part: part, Digest: ShortDigest(raw)}
}

// Value is the field's value in words that differ where the values do.
func (f Field) Value() string {
	switch {
	case f.Digest == "":
		return f.Text
	case f.Text == "":
		return "hidden bytes (" + f.Digest + ")"
	}
	return f.Text + " (" + f.Digest + ")"
}

// credentials are a name and a password in an address.
var credentials = regexp.MustCompile(`://[^/\s:@]*:[^/\s@]*@`)

// secrets are what the last part of a path has where its value may be one.
var secrets = []string{"password", "passwd", "secret", "token", "credential", "connection_str", "private_key", "api_key", "access_key"}

// secret says whether the last part of a path, or any key of a JSON object, sounds like one.
func secret(text string) bool {
	last := strings.ToLower(text)
	if !strings.HasPrefix(last, "{") {
		last = last[strings.LastIndexByte(last, '.')+1:]
	}
	return slices.ContainsFunc(secrets, func(word string) bool { return strings.Contains(last, word) })
}

// Object is an object that no rule judges: a permission, a saved dataset.
type Object struct {
	// What is the word for its kind.
	What    string  `json:"what"`
	Project string  `json:"project,omitempty"`
	Name    string  `json:"name,omitempty"`
	Fields  []Field `json:"fields,omitempty"`
}

func sortFields(fields []Field) {
	slices.SortStableFunc(fields, func(a, b Field) int { return strings.Compare(a.Path, b.Path) })
}

func sortObjects(objects []Object) {
	for _, o := range objects {
		sortFields(o.Fields)
	}
	slices.SortStableFunc(objects, func(a, b Object) int {
		return cmp.Or(strings.Compare(a.What, b.What), strings.Compare(a.Name, b.Name), strings.Compare(a.Project, b.Project))
	})
}
