//go:build !noclouds

package main

import "github.com/featureaudit/featureaudit/audit/store/blob"

// openBuckets gives the object stores, and the schemes of their addresses. Nobody is asked before the first address.
func openBuckets() (buckets, []string) { return blob.New(blob.DefaultLimits()), blob.Schemes() }
