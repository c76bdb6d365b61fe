// Package facts holds what an audit knows about data: the listing, the footers, and the summaries that one scan
// leaves behind. Facts merge: the facts of two sets of rows add up to the facts of their union, whatever the order,
// which is what gives parallel scans, bounded memory and verdicts that do not depend on how files are split.
// The package knows no file format and no engine.
package facts
