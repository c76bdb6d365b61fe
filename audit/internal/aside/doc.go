// Package aside keeps texts that are too many or too long for memory: values of rows that are written when all is done.
package aside
