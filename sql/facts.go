package sql

import _ "embed"

// The scans: {columns}, {names} and {rows} are rendered by the engine's adapter from quoted identifiers and numbers, the
// rest is bound. Those by order are for files with a column named file_row_number, beside which the engine numbers no rows.
var (
	//go:embed facts/scan.sql
	Scan string
	//go:embed facts/stream.sql
	Stream string
	//go:embed facts/pick.sql
	Pick string
	//go:embed facts/pick_slice.sql
	PickSlice string
	//go:embed facts/slice.sql
	Slice string
	//go:embed facts/slice_by_order.sql
	SliceByOrder string
	//go:embed facts/fetch.sql
	Fetch string
	//go:embed facts/fetch_by_order.sql
	FetchByOrder string
)
