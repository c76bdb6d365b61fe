// Package feast reads Feast registries without Python: the binary registry.db, the SQL registry in SQLite and
// PostgreSQL, and the JSON of `feast registry-dump`, of every release from 0.10 on.
//
// There is one reader, of protobuf bytes, driven by the table of known fields in schema.txt. JSON is first rewritten as
// those bytes and SQL rows hold them already, so that the three can never disagree about what a field means. Whatever
// the table does not know, at any depth, is kept in a ledger by its path. Nothing is unpickled: the bodies of user
// defined functions are skipped as bytes.
//
// Feast 0.62 to 0.65 with a file registry ignore a ttl that is set to None: `feast apply` prints the change and the
// registry keeps the old ttl. What is read here is what the registry says.
package feast
