// Package contract is what consumers assert before they train or serve: the flag file that carries the verdicts of one
// audit, one decision over it (Decide), and the OpenFeature provider, hook and Require that ask for it.
//
// The decision fails closed. Only a recent audit that found the view well, a newest event younger than every limit and
// clocks that agree make a Pass; whatever is missing, malformed or contradictory is Unknown.
package contract
