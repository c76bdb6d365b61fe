// Package model holds the definitions that an audit judges by: feature views, their time columns, partitions,
// ttls and promises, as pure values with the origin of each. It knows no file format, no engine and no clock, and
// imports the standard library only.
package model
