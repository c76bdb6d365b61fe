// Package reproduce writes SQL that gives the rows which checks of a view counted, for the DuckDB shell of whoever doubts a finding
// and for the program itself where it fetches them. What the scan does in Go is said here once more, in SQL, so that tests hold the
// two to each other.
package reproduce
