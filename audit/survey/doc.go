// Package survey says what there is to audit without reading a row: the files and partitions of a view, and what the
// footer of each file states about its schema, writer, size and times.
package survey
