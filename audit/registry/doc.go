// Package registry holds feature definitions as they were read, from whatever keeps them, before any policy is applied:
// views with their ttls, columns, keys and sources, entities, feature services, and the ledger of what the reader did
// not know. It is the port of the readers below it (feast, yamldef, odcs, dbt, prior), which package load chooses from,
// and imports none of them.
package registry
