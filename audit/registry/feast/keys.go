package feast

import (
	"cmp"
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/policy"
	"github.com/featureaudit/featureaudit/audit/registry"
)

// keyIndex finds an entity's join key by project and name.
type keyIndex map[[2]string]string

func (c *content) joinKeys() keyIndex {
	index := keyIndex{}
	for _, e := range c.entities {
		index[[2]string{e.Project, e.Name}] = cmp.Or(e.JoinKey, e.Name)
	}
	return index
}

// of are a view's join keys, in the order of its entities. What the view itself stores (since 0.22) is what Feast joins
// by, so it wins where the two disagree; lint says where they do.
func (k keyIndex) of(v view) []string {
	var keys []string
	for _, name := range v.Entities {
		key, ok := k[[2]string{v.Project, name}]
		if !ok && v.legacy {
			key, ok = name, true
		}
		if !ok {
			keys = nil
			break
		}
		keys = append(keys, key)
	}
	stored := make([]string, len(v.EntityColumns))
	for i, f := range v.EntityColumns {
		stored[i] = f.Name
	}
	slices.Sort(stored)
	if sorted := slices.Sorted(slices.Values(keys)); len(stored) > 0 && !slices.Equal(sorted, stored) {
		return stored
	}
	return keys
}

// Tags are the only place where a Feast definition can carry a promise; these are read.
const (
	tagMaxAge = "freshness.max_age"
	tagMaxLag = "freshness.max_lag"
	tagKey    = "dedup.keys"
)

// tagged takes the promises that a view's tags carry. A tag that cannot be read stays a tag: lint says so.
func (c *content) tagged(v *registry.View) {
	v.MaxAgeSeconds = tagSeconds(v.Tags[tagMaxAge])
	v.MaxLagSeconds = tagSeconds(v.Tags[tagMaxLag])
	v.Key = splitNames(v.Tags[tagKey])
}

func tagSeconds(text string) *float64 {
	if text == "" {
		return nil
	}
	d, err := policy.ParseDuration(text)
	if err != nil || d <= 0 {
		return nil
	}
	seconds := d.Seconds()
	return &seconds
}

// splitNames reads a list of columns separated by commas.
func splitNames(text string) []string {
	var names []string
	for name := range strings.SplitSeq(text, ",") {
		if name = strings.TrimSpace(name); name != "" {
			names = append(names, name)
		}
	}
	return names
}
