// Package collect is the only place that reads rows. One scan of each batch of files streams a few canonical columns;
// folding them row by row leaves facts that merge, key runs and newest events. Only the verification of repeated keys
// reads again, and only the rows in question. What a row counts as is decided here and nowhere else.
package collect
