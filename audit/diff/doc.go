// Package diff compares definitions. Compute lists every difference, total and without judgement; Classify gives each the
// rule that speaks of it, with a severity for each kind of consumer. Lint applies rules to one set of definitions alone.
// Rules share their names with the checks of an audit, so that one suppression speaks of both.
package diff
