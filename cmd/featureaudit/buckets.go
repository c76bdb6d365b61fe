//go:build !noclouds

package main

import "github.com/featureaudit/featureaudit/audit/store/blob"

// openBuckets gives the object stores. Nobody is asked before the first address.
func openBuckets() buckets { return blob.New(blob.DefaultLimits()) }

// bucketSchemes are those of the addresses of buckets.
func bucketSchemes() []string { return blob.Schemes() }
