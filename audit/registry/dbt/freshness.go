package dbt

import (
	"fmt"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/featureaudit/featureaudit/audit/registry"
	"github.com/featureaudit/featureaudit/audit/registry/internal/keyed"
	"github.com/featureaudit/featureaudit/audit/words"
)

// thresholds are the ages at which `dbt source freshness` warns and fails, in seconds; nil is none.
type thresholds struct {
	warn, fail *float64
	filter     string
	line       int
}

// freshness reads the promise of a table: each threshold of its own block, else the source's (dbt merges them one by
// one). A block that is null switches all off, a threshold that is null itself.
func (r *reader) freshness(v *registry.View, b blocks) error {
	own, source := freshnessBlock(b[0], b[1]), freshnessBlock(b[2], b[3])
	if keyed.IsNull(own) {
		return nil
	}
	var t thresholds
	for _, block := range []*yaml.Node{source, own} {
		if block == nil || keyed.IsNull(block) {
			continue
		}
		if block.Kind != yaml.MappingNode {
			return fmt.Errorf("%s:%d: freshness of %s: expected {warn_after: {count, period}, error_after: {count, period}}", r.file, block.Line, v.Name)
		}
		if err := t.merge(block); err != nil {
			return fmt.Errorf("%s:%d: freshness of %s: %w", r.file, block.Line, v.Name, err)
		}
	}
	t.promise(r.file, v)
	return nil
}

// freshnessBlock is the block of one level: config wins over the older place.
func freshnessBlock(config, plain *yaml.Node) *yaml.Node {
	if block := keyed.Value(config, "freshness"); block != nil {
		return block
	}
	return keyed.Value(plain, "freshness")
}

// promise writes the thresholds into a view. The one at which dbt fails is the promise; where dbt only warns, the view
// says so, and beside a failing one the warning is a setting.
func (t thresholds) promise(file string, v *registry.View) {
	if t.filter != "" {
		v.Settings["freshness.filter"] = t.filter
	}
	switch {
	case t.fail != nil:
		v.MaxAgeSeconds = t.fail
		if t.warn != nil {
			v.Settings["warn_after"] = words.Exact(registry.Seconds(t.warn))
		}
	case t.warn != nil:
		v.MaxAgeSeconds, v.MaxAgeBy = t.warn, registry.ByWarnAfter
	default:
		return
	}
	v.Locations["max_age"] = registry.Location{File: file, Line: t.line}
}

// merge puts a nearer block over what is there.
func (t *thresholds) merge(block *yaml.Node) error {
	for _, side := range []struct {
		key  string
		into **float64
	}{{"warn_after", &t.warn}, {"error_after", &t.fail}} {
		value := keyed.Value(block, side.key)
		switch {
		case value == nil:
		case keyed.IsNull(value):
			*side.into = nil
		default:
			seconds, err := period(value)
			if err != nil {
				return fmt.Errorf("%s: %w", side.key, err)
			}
			if seconds != nil {
				*side.into = seconds
				t.line = value.Line
			}
		}
	}
	if filter := keyed.Value(block, "filter"); filter != nil {
		t.filter = keyed.Text(filter)
	}
	return nil
}

var periods = map[string]time.Duration{"minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}

// period reads {count, period}. Without either it says nothing, as dbt takes it.
func period(n *yaml.Node) (*float64, error) {
	count, word := keyed.Value(n, "count"), keyed.Value(n, "period")
	if n.Kind == yaml.MappingNode && blank(count) && blank(word) {
		return nil, nil
	}
	unit, ok := periods[keyed.Text(word)]
	if !ok {
		return nil, fmt.Errorf("period %q: expected minute, hour or day", keyed.Text(word))
	}
	var number int64
	if count == nil || slices.Contains([]string{"!!bool", "!!null"}, count.ShortTag()) || count.Decode(&number) != nil || number <= 0 || number > 1e7 {
		return nil, fmt.Errorf("count %q: expected a whole number above 0", keyed.Text(count))
	}
	seconds := float64(number) * unit.Seconds()
	return &seconds, nil
}

func blank(n *yaml.Node) bool { return n == nil || keyed.IsNull(n) }
