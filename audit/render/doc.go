// Package render writes a report in the formats that people and other programs read. Every format is a pure function
// of the report and of what the caller knows about the reader (colour, width, the catalogue's words): no file, no
// clock, no environment. Whatever a report quotes from data or definitions is hostile until proven harmless.
package render
