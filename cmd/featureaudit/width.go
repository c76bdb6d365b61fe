package main

import "strconv"

// The widths within which text is laid out.
const (
	leastWidth = 80
	mostWidth  = 200
)

// width is how many columns text may take: those of $COLUMNS, else of the terminal, within reason. What goes to no terminal is as
// narrow as the narrowest.
func (c *cli) width() int {
	columns, err := strconv.Atoi(c.env["COLUMNS"])
	if err != nil || columns <= 0 {
		columns = 0
		if c.terminal != nil {
			columns = terminalColumns(c.terminal)
		}
	}
	return min(max(columns, leastWidth), mostWidth)
}
