// Package policy reads featureaudit.yaml and the flags that stand in for it, strictly: what is not known, not
// readable or not possible is an error that names its place, and every value that remains knows where it came from.
//
// The keys of the file are data (keys.go): the reader, the merge of defaults, definitions and views, the flag --set
// and the JSON Schema are all made from that one table, so they cannot disagree.
package policy
