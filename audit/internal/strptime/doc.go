// Package strptime reads times out of text by a strptime pattern, exactly or not at all. Each directive of a pattern is
// applied, or checked against the others: two that contradict each other make a text unread, and a directive whose meaning
// would have to be guessed makes the pattern an error.
package strptime
