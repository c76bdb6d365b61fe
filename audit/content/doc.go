// Package content says what rows hold in a few bytes: a sum of 128 bits over whole rows, and one for each column, that do not
// depend on the order of rows, on files, row groups, pages, encodings, codecs or writers. Two sets of rows with equal sums are the
// same rows, each as many times. What is summed is written down, with examples, in docs/content-sums.md.
package content
