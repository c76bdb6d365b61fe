// Package blob is the store of objects in a bucket: Amazon S3 and what speaks its protocol, Google Cloud Storage, Azure Blob Storage.
// It is the only importer of gocloud.dev and of the clouds' own libraries. Credentials are found by each cloud's own chain, and by
// nothing else. A build with the tag noclouds has none of it.
package blob
