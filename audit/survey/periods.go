package survey

import (
	"fmt"
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/partition"
)

// noteTables takes over what is to be said of tables. It fails where the view names a column whose values are not read.
func (p *planner) noteTables() error {
	v := p.view
	used := slices.Concat(v.Entity, v.Key, v.Writer, v.Measures, v.Payload, v.Sensitive, []string{v.EventTime.Column, v.IngestedAt.Column, v.Source.Column})
	for _, t := range p.listing.Tables {
		for _, c := range t.Columns {
			if c.NotRead != "" && slices.ContainsFunc(used, func(name string) bool { return name == c.Name || strings.HasPrefix(name, c.Name+".") }) {
				return fmt.Errorf("column %s of the %s table %s is of the type %s, whose values are not read here: take it out of the view, or audit a copy that has it as text or bytes", c.Name, t.Format, t.Root, c.NotRead)
			}
		}
		p.notes = append(p.notes, t.Notes...)
	}
	return nil
}

// periods are those of the tables that the files are of.
func (p *planner) periods() []facts.TablePeriod {
	var periods []facts.TablePeriod
	for _, t := range p.listing.Tables {
		periods = append(periods, t.Periods...)
	}
	return periods
}

// byPeriods takes the time partition from what a table says of its partition fields: the finest that is a period of the event time, else
// of the ingest time, and that every file has.
func (p *planner) byPeriods(tp model.TimePartition, dirs []string) bool {
	for _, role := range [...]struct {
		time model.TimeColumn
		of   model.PartitionMeaning
	}{{p.view.EventTime, model.OfEventTime}, {p.view.IngestedAt, model.OfIngestedAt}} {
		best, found := facts.TablePeriod{}, false
		for _, one := range p.periods() {
			if !role.time.Declared() || one.Column != role.time.Column || !partition.Has(model.TimePartition{Columns: []string{one.Name}}, dirs) {
				continue
			}
			if !found || finerGrain(one.Grain, best.Grain) {
				best, found = one, true
			}
		}
		if !found {
			continue
		}
		completed := tp
		completed.Columns, completed.Grain = []string{best.Name}, model.Grain(best.Grain)
		if completed.Of == "" {
			completed.Of = role.of
		}
		zone := role.time.Zone
		if zone == "" {
			zone = p.view.Zone
		}
		if completed.Zone == "" && best.Naive && zone != model.ZoneDevice {
			completed.Zone = zone // periods of a wall clock are those of its own zone
		}
		p.notes = append(p.notes, fmt.Sprintf("partitioned by %s=, grain %s, as the table says: %s(%s)", best.Name, best.Grain, best.Grain, best.Column))
		p.origins(tp, completed)
		p.view.TimePartition = withDefaults(completed)
		return true
	}
	return false
}

// finerGrain says whether one grain of periods is finer than another.
func finerGrain(a, b string) bool {
	order := []string{string(model.GrainHour), string(model.GrainDay), string(model.GrainMonth)}
	return slices.Index(order, a) < slices.Index(order, b)
}

// withoutPeriods leaves those out of folders that are periods of no time of the view, dates of something else, and those that only some
// files have, since they were written by another partition spec: their rows lie in no partition, and are not misfiled for that.
func (p *planner) withoutPeriods(dirs []string) []string {
	var others []string
	for _, one := range p.periods() {
		if slices.Contains(others, one.Name) {
			continue
		}
		others = append(others, one.Name)
		if one.Column == p.view.EventTime.Column || one.Column == p.view.IngestedAt.Column {
			p.notes = append(p.notes, fmt.Sprintf("no time partition: files of another partition spec have no %s=, which is %s(%s); have them rewritten (rewrite_data_files), or declare time_partition.column", one.Name, one.Grain, one.Column))
			continue
		}
		p.notes = append(p.notes, fmt.Sprintf("%s= is %s(%s) by the table's word, which is no time of the view: declare time_partition.column if rows belong there", one.Name, one.Grain, one.Column))
	}
	if len(others) == 0 {
		return dirs
	}
	out := make([]string, len(dirs))
	for i, dir := range dirs {
		parts := slices.DeleteFunc(strings.Split(dir, "/"), func(part string) bool {
			name, _, _ := strings.Cut(part, "=")
			return slices.Contains(others, name)
		})
		out[i] = strings.Join(parts, "/")
	}
	slices.Sort(out)
	return slices.Compact(out)
}
