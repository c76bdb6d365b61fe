package look

import (
	"slices"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
)

// newestOnly narrows a listing to the files of the newest partition that has any and does not begin after as_of. Without
// partitions, and with declared sources (each of which may end in another partition), the view is looked at as a whole. Verdicts on
// the other partitions are not wanted.
func newestOnly(v model.View, l facts.Listing) facts.Listing {
	if len(v.Sources) > 0 {
		return l
	}
	newest := int32(-1)
	for _, p := range l.Partitions {
		if p.Dated() && p.Files > 0 && !p.AfterAsOf {
			newest = p.ID
		}
	}
	if newest < 0 {
		return l
	}
	l.Files = slices.DeleteFunc(slices.Clone(l.Files), func(f facts.File) bool { return f.Partition != newest })
	for i := range l.Files {
		l.Files[i].ID = int32(i)
	}
	l.Partitions = slices.Clone(l.Partitions)
	for i := range l.Partitions {
		l.Partitions[i].InRange = l.Partitions[i].ID == newest
	}
	return l
}
