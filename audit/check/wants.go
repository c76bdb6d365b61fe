package check

import (
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/model"
)

// Wants are what the checks of a view want of its rows: those that selected says yes to and that no policy turns off. What footers
// alone answer is not scanned for.
func Wants(v model.View, s facts.Survey, selected func(id string) bool) facts.Wants {
	var wants facts.Wants
	for _, c := range Catalogue() {
		if !ReadsRows(c, v, s) || !selected(c.ID) || v.Checks[c.ID].Severity == "off" {
			continue
		}
		switch c.ID {
		case "duplicate-keys":
			wants.Keys = true
		case "null-keys":
			wants.Nulls = true
		case "stale-entities":
			wants.Entities = v.TTL.Effective() && len(v.Entity) > 0
		case "shifted-twins":
			wants.Keys = wants.Keys || TwinsCanBeTold(v)
		case "misfiled-rows", "mixed-zones":
			wants.Times, wants.Events = true, true
			wants.Writers = wants.Writers || c.ID == "mixed-zones"
		default:
			wants.Times = true
		}
	}
	if wants.Entities || wants.Keys {
		wants.Times = true
	}
	return wants
}

// restsOn says whether a check has no verdict where that much of the view is lost.
func (b *brief) restsOn(c Check, lost facts.Lost) bool {
	switch lost {
	case facts.LostRows:
		return ReadsRows(c, b.View, b.Survey)
	case facts.LostKeys:
		return c.ID == "duplicate-keys" || c.ID == "shifted-twins"
	case facts.LostEntities:
		return c.ID == "stale-entities"
	}
	return true
}
