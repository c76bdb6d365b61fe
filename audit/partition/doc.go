// Package partition reads dates in paths: which periods of a calendar a view's folders stand for, how long each
// really is in its zone, and which ones the calendar demands.
package partition
