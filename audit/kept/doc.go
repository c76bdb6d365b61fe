// Package kept is facts on disk: packs of Parquet tables that are written once, checked whenever they are read, and never changed.
//
// A pack is a folder with one Parquet file for each table and a manifest, which is written last and says how every byte of the others
// must be: a checksum for each block of a file. A block is compared before any of it is decoded, so that damage is an error and
// never a wrong value. Packs come from Create and are read by OpenPack; a folder of them, with what looks made, is a Dir. A snapshot
// of views is a pack too, with other tables beside those of content, which CommitTo makes one file of.
//
// Of each pack of a Dir there is a mark beside, so that one is missed which somebody else removed.
//
// Tables are described by Table: columns of 64-bit integers, which are stored as differences, and of texts. No value is ever NULL.
// Rows of a table are addressed by their number in it, from 0, over all of its row groups: whoever writes rows is told where they
// begin, and notes that in a table of its own (as the table "files" of a Dir does).
//
// The package knows nothing of checks, views or engines.
package kept
