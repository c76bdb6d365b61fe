// Package align writes a copy of a view's files whose event times are comparable: shifted by the corrections of a report,
// aware UTC in microseconds, each row in the partition of its corrected time, with the lag of each row beside it.
//
// Files are copied column chunk by column chunk with their levels, so that every other column keeps its type, its nested
// values and its place, whatever they are. What was written is read back and compared with what was read, row by row.
// Nothing is ever changed in place.
package align
