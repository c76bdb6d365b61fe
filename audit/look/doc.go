// Package look looks at feature views: what is there, what the footers say, what the rows hold. A look ends in facts.Evidence, a
// value that is judged elsewhere; nothing here judges.
package look
