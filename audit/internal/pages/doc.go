// Package pages walks the pages of Parquet column chunks by their own headers, and compares each page with the checksum that
// it brings: the CRC of its header, or the one that ends a gzip stream. It decodes no value. Neither the engine nor the
// reader of footers looks at these sums, so that a flipped bit would be read as another value.
package pages
