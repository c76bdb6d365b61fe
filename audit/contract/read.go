package contract

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Version is the contract version that this package writes, and the only one that it reads.
const Version = 1

// The variants of a flag, which are its values too.
const (
	VariantPass    = "pass"
	VariantWarn    = "warn"
	VariantFail    = "fail"
	VariantUnknown = "unknown"
)

const (
	viewPrefix    = "featureview."
	servicePrefix = "featureservice."
)

// File is a flag file as read: what one audit says about each view.
type File struct {
	flags map[string]flag
}

type flag struct {
	disabled bool
	variant  string
	value    string
	metadata map[string]any
	// problem says why the flag cannot be evaluated, though the file can be read.
	problem string
}

// Parse reads a flag file. It refuses more than flagd does (duplicate keys, nulls, lists, numbers beyond float64,
// targeting, unknown fields of a flag): what two readers could understand differently proves nothing.
func Parse(raw []byte) (File, error) {
	if bytes.HasPrefix(raw, []byte("\xef\xbb\xbf")) {
		return File{}, errors.New("it begins with a byte order mark; write it as plain UTF-8")
	}
	if !utf8.Valid(raw) {
		return File{}, errors.New("it is not UTF-8")
	}
	if len(bytes.TrimSpace(raw)) == 0 {
		return File{}, errors.New("it is empty")
	}
	if err := syntax(raw); err != nil {
		return File{}, err
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	root, err := readValue(dec, "")
	if err != nil {
		return File{}, err
	}
	top, isObject := root.(map[string]any)
	if !isObject {
		return File{}, errors.New("it is no JSON object; expected a flag file with flags")
	}
	flags, isObject := top["flags"].(map[string]any)
	if !isObject {
		return File{}, errors.New("it has no object flags; expected a flag file that featureaudit run --out flagd=PATH wrote")
	}
	shared, err := readMetadata("metadata", top)
	if err != nil {
		return File{}, err
	}
	f := File{flags: make(map[string]flag, len(flags))}
	for _, key := range slices.Sorted(maps.Keys(flags)) {
		if f.flags[key], err = readFlag(key, flags[key], shared); err != nil {
			return File{}, err
		}
	}
	return f, nil
}

func syntax(raw []byte) error {
	var whole json.RawMessage
	err := json.Unmarshal(raw, &whole)
	var at *json.SyntaxError
	if errors.As(err, &at) {
		before := raw[:min(int(at.Offset), len(raw))]
		return fmt.Errorf("no valid JSON in line %d: %w", bytes.Count(before, []byte("\n"))+1, err)
	}
	return err
}

// readValue reads one JSON value; its path is for messages. encoding/json into a struct would let the last of two
// equal keys win and match names whatever their case.
func readValue(dec *json.Decoder, path string) (any, error) {
	token, err := dec.Token()
	if err != nil {
		return nil, err
	}
	switch v := token.(type) {
	case json.Number:
		return readNumber(v, path)
	case json.Delim:
		if v == '[' {
			return readList(dec, path)
		}
		return readObject(dec, path)
	}
	return token, nil
}

func readNumber(n json.Number, path string) (any, error) {
	if whole, err := strconv.ParseInt(n.String(), 10, 64); err == nil {
		return whole, nil
	}
	number, err := n.Float64()
	if err != nil || math.IsInf(number, 0) {
		return nil, fmt.Errorf("%s: %.40s is beyond the numbers that can be read", path, n)
	}
	return number, nil
}

func readList(dec *json.Decoder, path string) (any, error) {
	list := []any{}
	for dec.More() {
		item, err := readValue(dec, path+"[]")
		if err != nil {
			return nil, err
		}
		list = append(list, item)
	}
	_, err := dec.Token()
	return list, err
}

func readObject(dec *json.Decoder, path string) (any, error) {
	object := map[string]any{}
	for dec.More() {
		token, err := dec.Token()
		if err != nil {
			return nil, err
		}
		key, _ := token.(string)
		if _, twice := object[key]; twice {
			return nil, fmt.Errorf("%s: the key %.64q stands twice", cmpPath(path), key)
		}
		if object[key], err = readValue(dec, strings.TrimPrefix(path+"."+key, ".")); err != nil {
			return nil, err
		}
	}
	_, err := dec.Token()
	return object, err
}

func cmpPath(path string) string {
	if path == "" {
		return "top level"
	}
	return path
}

func readMetadata(path string, in map[string]any) (map[string]any, error) {
	value, present := in["metadata"]
	if !present {
		return nil, nil
	}
	metadata, isObject := value.(map[string]any)
	if !isObject {
		return nil, fmt.Errorf("%s is no object", path)
	}
	for _, name := range slices.Sorted(maps.Keys(metadata)) {
		switch metadata[name].(type) {
		case string, bool, int64, float64:
		default:
			return nil, fmt.Errorf("%s.%.64s is null, a list or an object: only text, numbers and booleans have a meaning there", path, name)
		}
	}
	return metadata, nil
}

var flagFields = []string{"state", "variants", "defaultVariant", "metadata"}

func readFlag(key string, value any, shared map[string]any) (flag, error) {
	object, isObject := value.(map[string]any)
	if !isObject {
		return flag{}, fmt.Errorf("flags.%s is no object", key)
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if !slices.Contains(flagFields, name) {
			return flag{}, fmt.Errorf("flags.%s: unexpected field %.64q; a verdict has %s only", key, name, strings.Join(flagFields, ", "))
		}
	}
	state, _ := object["state"].(string)
	if state != "ENABLED" && state != "DISABLED" {
		return flag{}, fmt.Errorf("flags.%s: its state is not ENABLED or DISABLED", key)
	}
	variants, isObject := object["variants"].(map[string]any)
	if !isObject || len(variants) == 0 {
		return flag{}, fmt.Errorf("flags.%s has no variants", key)
	}
	for _, name := range slices.Sorted(maps.Keys(variants)) {
		if _, isText := variants[name].(string); !isText {
			return flag{}, fmt.Errorf("flags.%s: its variant %.64q is no text", key, name)
		}
	}
	own, err := readMetadata("flags."+key+".metadata", object)
	if err != nil {
		return flag{}, err
	}
	f := flag{disabled: state == "DISABLED", metadata: map[string]any{}}
	maps.Copy(f.metadata, shared)
	maps.Copy(f.metadata, own)
	chosen, isText := object["defaultVariant"].(string)
	if !isText {
		f.problem = "it has no defaultVariant"
		return f, nil
	}
	value, known := variants[chosen]
	if !known {
		f.problem = fmt.Sprintf("its defaultVariant %.64q is none of its variants", chosen)
		return f, nil
	}
	f.variant, f.value = chosen, value.(string)
	return f, nil
}

// Key finds the flag of a view: by the flag's own key (featureview.PROJECT.VIEW), by project and view, or without a
// project by the view alone where only one project has it.
func (f File) Key(project, view string) (string, error) {
	candidates := []string{view, viewPrefix + project + "." + view}
	if project == "" {
		candidates[1] = viewPrefix + view
	}
	for _, key := range candidates {
		if _, known := f.flags[key]; known {
			return key, nil
		}
	}
	var keys []string
	short := strings.TrimPrefix(view, viewPrefix)
	for key, one := range f.flags {
		if project == "" && one.metadata["feature_view"] == short {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	switch len(keys) {
	case 0:
		return "", fmt.Errorf("it knows no view %q%s; it has %s", view, inProject(project), f.some())
	case 1:
		return keys[0], nil
	}
	return "", fmt.Errorf("several projects have a view %q (%s): name the project", view, strings.Join(keys, ", "))
}

func inProject(project string) string {
	if project == "" {
		return ""
	}
	return fmt.Sprintf(" of project %q", project)
}

// some names a few of the flags that there are.
func (f File) some() string {
	keys := f.Keys()
	switch {
	case len(keys) == 0:
		return "none at all"
	case len(keys) > 5:
		return fmt.Sprintf("%s and %d more", strings.Join(keys[:5], ", "), len(keys)-5)
	}
	return strings.Join(keys, ", ")
}

// Keys are the keys of all flags, sorted.
func (f File) Keys() []string { return slices.Sorted(maps.Keys(f.flags)) }

// Evidence is what the file says about a view, in the words of an OpenFeature evaluation.
func (f File) Evidence(project, view string) Evidence {
	key, err := f.Key(project, view)
	if err != nil {
		return Evidence{Value: VariantUnknown, Reason: reasonError, Problem: err.Error()}
	}
	one := f.flags[key]
	e := Evidence{Value: one.value, Variant: one.variant, Reason: reasonStatic, Metadata: maps.Clone(one.metadata)}
	switch {
	case one.disabled:
		e.Value, e.Variant, e.Reason, e.Problem = VariantUnknown, "", "DISABLED", "the flag "+key+" is disabled"
	case one.problem != "":
		e.Value, e.Variant, e.Reason, e.Problem = VariantUnknown, "", reasonError, "the flag "+key+" cannot be evaluated: "+one.problem
	}
	return e
}
