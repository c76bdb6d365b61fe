//go:build noclouds

package main

// openBuckets gives no object store: this build has none.
func openBuckets() buckets { return nil }

func bucketSchemes() []string { return nil }
