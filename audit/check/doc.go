// Package check is the catalogue, and judges: a check is data and a pure function from facts and policy to rows under
// one contract, SQL over fact tables where it is a query and Go where it is an algorithm. It sees no data file and no
// clock. Each check has its own file, named after it.
package check
