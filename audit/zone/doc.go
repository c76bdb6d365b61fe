// Package zone turns local times into instants by one table of transitions. Engines and Go disagree on times that a
// clock change repeats or skips, so nothing else in the audit converts between local time and UTC: a repeated local
// time is its earlier instant, and a skipped one is shifted forward by the gap.
//
// Tables come from the tz database that Go's time package finds: the system's, else the one that a program embeds by
// importing time/tzdata. Version names it.
package zone
