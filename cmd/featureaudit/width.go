package main

import "strconv"

// The widths within which text is laid out.
const (
	leastWidth = 80
	mostWidth  = 200
)

// width is how many columns help may take: those of textWidth, else as few as the narrowest terminal has.
func (c *cli) width() int { return max(c.textWidth(), leastWidth) }

// textWidth is how many columns stdout has: $COLUMNS, else what the terminal says, within reason; 0 where there is neither, so that
// each format keeps its own.
func (c *cli) textWidth() int {
	columns, err := strconv.Atoi(c.env["COLUMNS"])
	if err != nil || columns <= 0 {
		columns = 0
		if c.terminal != nil {
			columns = terminalColumns(c.terminal)
		}
	}
	if columns <= 0 {
		return 0
	}
	return min(max(columns, leastWidth), mostWidth)
}
