package survey

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/partition"
)

const keyExpectedBy = "time_partition.expected_by"

// maxGroups bounds the values of a hive key that partitions are expected by: more are no regions, but keys of rows.
const maxGroups = 1000

// addPresence says in which partitions each source, or each value of time_partition.expected_by, has a folder.
func (p *planner) addPresence(layout partition.Layout) error {
	by := p.view.TimePartition.ExpectedBy
	switch by {
	case model.ExpectedByView:
		return nil
	case "":
	case model.ExpectedBySource:
		told := p.view.Source.Declared() || slices.ContainsFunc(p.view.Sources, func(s model.SourcePolicy) bool { return s.Path != "" })
		if !told && p.view.Origins[keyExpectedBy].Shared() {
			p.view.TimePartition.ExpectedBy = ""
			return nil
		}
		if !told {
			return fmt.Errorf("time_partition.expected_by: source, and view %s declares no source: declare source (a column, or {path_segment: N}), or name the hive key that partitions are expected by", p.view.Name)
		}
	default:
		if p.view.Origins[keyExpectedBy].Shared() && !p.hasKey(by) {
			p.notes = append(p.notes, fmt.Sprintf("the default time_partition.expected_by: %s is left out: not every path has it", by))
			p.view.TimePartition.ExpectedBy = ""
			break
		}
		if err := p.addGroups(by); err != nil {
			return err
		}
	}
	seen := map[facts.Presence]bool{}
	add := func(partition int32, group string, told bool) {
		at := facts.Presence{Partition: partition, Group: group}
		if told && partition >= 0 && !seen[at] {
			seen[at] = true
			p.listing.Presence = append(p.listing.Presence, at)
		}
	}
	for _, f := range p.listing.Files {
		group := cmp.Or(f.Group, f.Source)
		add(f.Partition, group, group != "")
	}
	ids := p.partitionIDs()
	for _, dir := range p.found.dirs {
		key, err := layout.OfDir(dir.path)
		if err != nil {
			continue
		}
		group, told := p.groupOfDir(dir)
		add(ids[key.Value], group, told)
	}
	slices.SortFunc(p.listing.Presence, func(a, b facts.Presence) int {
		return cmp.Or(cmp.Compare(a.Partition, b.Partition), strings.Compare(a.Group, b.Group))
	})
	return nil
}

// hasKey says whether every file lies below a folder of a hive key.
func (p *planner) hasKey(key string) bool {
	return !slices.ContainsFunc(p.listing.Files, func(f facts.File) bool {
		_, ok := keyValue(f, key)
		return !ok && !p.listing.Partitions[f.Partition].Stray
	})
}

// addGroups reads the value of a hive key in each path.
func (p *planner) addGroups(key string) error {
	if slices.Contains(p.view.TimePartition.Columns, key) {
		return fmt.Errorf("time_partition.expected_by: %s carries the time itself: want another hive key of the paths such as region, or source", key)
	}
	values := map[string]bool{}
	for i, f := range p.listing.Files {
		value, ok := keyValue(f, key)
		if !ok && p.listing.Partitions[f.Partition].Stray {
			continue // it is named already
		}
		if !ok {
			return &partition.PathError{Path: f.Path, Want: key + "= folder",
				Hint: "time_partition.expected_by names that key, so that every file lies below one; move the file, or correct expected_by or path"}
		}
		p.listing.Files[i].Group = value
		values[value] = true
	}
	if len(values) > maxGroups {
		return fmt.Errorf("time_partition.expected_by: %s has %d values in the paths: want at most %d; name a coarser key", key, len(values), maxGroups)
	}
	return nil
}

// groupOfDir is the group that a folder belongs to, if its path tells.
func (p *planner) groupOfDir(dir locatedDir) (string, bool) {
	by, n := p.view.TimePartition.ExpectedBy, p.view.Source.PathSegment
	if by != "" && by != model.ExpectedBySource {
		return hiveValue(dir.path, by)
	}
	if dir.source != "" {
		return dir.source, true
	}
	if parts := strings.Split(dir.path, "/"); n > 0 && len(parts) >= n {
		return segmentSource(parts[n-1]), true
	}
	return hiveValue(dir.path, p.view.Source.Column)
}
