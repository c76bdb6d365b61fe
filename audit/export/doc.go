// Package export writes the rows behind a finding as data: the repeated rows themselves, for whoever removes them.
package export
