// Package history holds what reports remember: a folder of Parquet files, one for each run with a row for each result and finding;
// what became of each finding since earlier runs; and baselines, the findings that are known. It reads no clock, and trusts no file
// that it did not write itself, as it wrote it.
package history
