// Package verify compares two states of feature views, before and after a backfill: is it complete, is it correct, and did it touch
// anything else? A state is data as it is now, a snapshot of what it held, or a report, which has counts alone. Nothing is proved
// unchanged but by content sums (audit/content) or by the identity of its files.
package verify
