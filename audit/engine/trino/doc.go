// Package trino has a Trino cluster count the rows of a view where they are: SQL of its own asks for sums, histograms and the rows of
// repeated keys, and the rules of audit/internal/collect make of the answers what they would make of the rows. It is the only importer
// of trino-go-client.
package trino
