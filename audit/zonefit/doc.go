// Package zonefit estimates which writers stamp local time, from nothing but the lag between event time and ingest time.
// AskWriters asks who wrote the rows, and proves an offset; Fit looks at the shape of all lags, and only asks a question.
//
// A writer at UTC+05:30 whose naive times are read as UTC makes each lag 5 h 30 min shorter, one at UTC-08:00 makes it
// 8 h longer. So the lags of a source whose writers disagree are one shape, repeated at the offsets of their zones. The
// largest population is found first; its shape is then looked for at every admissible offset, on top of a straight
// background, and at the quarter hours that are no zone's offset, which say how much of the same comes by chance.
//
// Everything here is a pure function of histograms. What the lags are too spread to tell is said, with their spread.
package zonefit
