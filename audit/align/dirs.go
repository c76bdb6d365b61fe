package align

import (
	"strings"
	"time"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/partition"
	"github.com/featureaudit/featureaudit/audit/times"
)

// segmentForms are the ways in which a folder writes a part of a date, as layouts of the time package.
var segmentForms = [...]string{"2006-01-02", "20060102", "2006", "01", "1", "02", "2", "15", "2006-01", "200601", "2006-01-02T15", "2006-01-02-15", "2006010215",
	"2006-01-02-15-04", "2006-01-02T15:00", "2006_01_02"}

// folders name the partition of an instant, as the view's own folders are named.
type folders struct {
	layout     partition.Layout
	partitions []facts.Partition
	// forms are the prefix ("dt=") and layout of each folder of a partition; empty where they are not understood.
	forms []segmentForm
}

type segmentForm struct{ prefix, layout string }

func newFolders(layout partition.Layout, partitions []facts.Partition) folders {
	f := folders{layout: layout}
	for _, p := range partitions {
		if p.Dated() && p.Present {
			f.partitions = append(f.partitions, p)
		}
	}
	if len(f.partitions) == 0 {
		return f
	}
	for i := range strings.Split(f.partitions[0].Value, "/") {
		form, found := f.formOf(i)
		if !found {
			f.forms = nil
			return f
		}
		f.forms = append(f.forms, form)
	}
	return f
}

// formOf finds the first form that writes the i-th folder of every partition as it stands.
func (f folders) formOf(i int) (segmentForm, bool) {
	for _, layout := range segmentForms {
		form, fits := segmentForm{layout: layout}, true
		for _, p := range f.partitions {
			parts := strings.Split(p.Value, "/")
			if i >= len(parts) {
				return form, false
			}
			name, value, keyed := strings.Cut(parts[i], "=")
			if !keyed {
				value = name
			} else {
				form.prefix = name + "="
			}
			if f.local(p.Start).Format(layout) != value {
				fits = false
				break
			}
		}
		if fits {
			return form, true
		}
	}
	return segmentForm{}, false
}

func (f folders) local(instant times.Instant) time.Time {
	return f.layout.Zone().Local(instant).Time()
}

// of is the folder of an instant: one that is there, else one named alike. ok is false where no name can be told.
func (f folders) of(instant times.Instant) (value string, ok bool) {
	for _, p := range f.partitions {
		if instant >= p.Start && instant < p.End {
			return p.Value, true
		}
	}
	parts := make([]string, len(f.forms))
	for i, form := range f.forms {
		parts[i] = form.prefix + f.local(instant).Format(form.layout)
	}
	value = strings.Join(parts, "/")
	key, err := f.layout.OfDir(value)
	return value, len(parts) > 0 && err == nil && key.Dated && instant >= key.Start && instant < key.End
}
