package check

import (
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
)

// ReadsRows says whether a check's verdict on a view rests on a scan of its rows.
func ReadsRows(c Check, v model.View, s facts.Survey) bool {
	return c.Wants.Rows() && (c.readsRows == nil || c.readsRows(v, s))
}

// alwaysReadsRows says that footers never answer a check.
func (c Check) alwaysReadsRows() bool { return c.Wants.Rows() && c.readsRows == nil }

// WantsOf are what the selected checks want gathered of a view. What footers alone answer is not scanned for.
func WantsOf(v model.View, s facts.Survey, selected func(id string) bool) facts.Wants {
	wants := facts.Wants(0)
	for _, c := range Catalogue() {
		switch {
		case !selected(c.ID), v.Checks[c.ID].Severity == "off", c.idle != nil && c.idle(v):
		case ReadsRows(c, v, s):
			wants |= c.Wants | c.before()
		default:
			wants |= c.Wants & facts.WantCopies
		}
	}
	return wants
}

// before is facts.WantBefore where a verdict on a partition rests on rows of others: it is one on the view as a whole, or sources are
// expected where they were seen before.
func (c Check) before() facts.Wants {
	if c.WholeView || c.readsRows != nil && !c.ownRows {
		return facts.WantBefore
	}
	return 0
}

// restsOn says whether a check has no verdict where that is lost of a view.
func (b *viewEvidence) restsOn(c Check, lost facts.Wants) bool {
	return lost == facts.Everything || c.Wants.Has(lost) && ReadsRows(c, b.View, b.Survey)
}
