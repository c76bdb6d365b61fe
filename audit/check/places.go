package check

import (
	"github.com/featureaudit/featureaudit/audit/document"
)

// placeBad counts the bad rows of a verdict by partition, in those that the report shows, before anything of them is accepted.
func (b *judging) placeBad(rows []row) (map[string]int64, error) {
	var places map[string]int64
	for i := range rows {
		r := &rows[i]
		if r.bad == 0 {
			continue
		}
		if err := b.parse(r); err != nil {
			return nil, err
		}
		if !b.shows(r.subject.Partition) {
			continue
		}
		if places == nil {
			places = map[string]int64{}
		}
		places[r.subject.Partition] += r.bad
	}
	return places, nil
}

func badByPartition(drafts []draftResult) document.BadByPartition {
	all := document.BadByPartition{}
	for _, o := range drafts {
		for partition, bad := range o.places {
			if all[partition] == nil {
				all[partition] = map[string]int64{}
			}
			all[partition][o.result.Check] += bad
		}
	}
	return all
}

// shows says whether a partition is one of those that series gives.
func (b *judging) shows(partition string) bool {
	if b.shown == nil {
		b.shown = map[string]bool{}
		parts, _ := document.NewestPartitions(b.Index)
		for _, p := range parts {
			b.shown[p.Value] = true
		}
	}
	return b.shown[partition]
}
