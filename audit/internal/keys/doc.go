// Package keys finds repeated keys exactly, and the newest event of each entity, in bounded memory.
//
// Every row leaves a 64-bit hash of its key and its place (file and row) in a run; runs are partitioned by the top bits
// of the hash, spill to one unlinked file when the budget is used up, and each part is probed on its own. Equal hashes
// are candidates only: the real keys of the candidates, and of nothing else, are then fetched by row number and
// compared, so no collision is ever a finding, and no repeat is ever lost, since equal keys have equal hashes.
package keys
