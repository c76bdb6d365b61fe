// Package report holds the report document, featureaudit.report/v1: the one result of an audit, of which every
// other output is a pure function. It knows no file, no engine and no clock, and imports the standard library only.
package report
