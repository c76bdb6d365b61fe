package policy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/facts"
)

// Guess is a column, or columns, that probably play a role, and why.
type Guess struct {
	Columns []string
	// Why is half a sentence, such as `named "event_time", TIMESTAMP(us, UTC)`.
	Why string
}

// The names that roles usually have, likeliest first, in lower case.
var (
	eventNames = []string{
		"event_timestamp", "event_time", "event_ts", "eventtime", "event_at", "occurred_at", "happened_at", "ts", "timestamp", "time", "datetime",
		"event_date",
	}
	ingestNames = []string{
		"ingested_at", "ingestion_time", "ingestion_timestamp", "ingest_time", "ingest_ts", "created_timestamp", "created_at", "created",
		"loaded_at", "load_time", "inserted_at", "received_at", "arrived_at", "processed_at", "written_at", "_ingested_at", "_loaded_at",
		"ingest_timestamp", "ingested_ts", "load_ts", "load_timestamp", "loaded_ts", "insert_time", "insert_ts", "inserted_ts", "arrival_time", "arrival_ts",
		"received_ts", "_etl_loaded_at", "_airbyte_extracted_at", "_fivetran_synced",
	}
	keyNames = []string{
		"transaction_id", "event_id", "impression_id", "click_id", "order_id", "payment_id", "message_id", "request_id", "record_id", "row_id",
		"uuid", "id",
	}
	entityNames = []string{
		"user_id", "customer_id", "account_id", "driver_id", "member_id", "client_id", "device_id", "merchant_id", "product_id", "item_id", "zipcode",
	}
	sourceNames = []string{"source", "data_source", "source_type", "ingest_source", "source_system", "feed", "origin"}
)

// GuessRoles guesses which columns play the roles "event_time", "ingested_at", "entity", "key" and "source", from their
// names and types. A role that no column clearly has is left out.
func GuessRoles(columns []facts.Column) map[string]Guess {
	columns = flat(columns)
	roles := map[string]Guess{}
	byName := func(role string, names []string, fits func(facts.Column) bool) bool {
		c, ok := firstNamed(columns, names, fits)
		if ok {
			roles[role] = Guess{[]string{c.Name}, fmt.Sprintf("named like it, %s", typeText(c))}
		}
		return ok
	}
	byName("ingested_at", ingestNames, isTime)
	if !byName("event_time", eventNames, isTime) {
		guessOnlyTime(columns, roles)
	}
	byName("key", keyNames, isID)
	if !byName("entity", entityNames, isID) {
		guessOnlyID(columns, roles)
	}
	byName("source", sourceNames, isText)
	return roles
}

// GuessSources finds the hive key among folders whose name says that it holds sources (source=batch), and its values,
// sorted. The key is empty where no folder has one, or not every folder has it.
func GuessSources(dirs []string) (key string, values []string) {
	for _, name := range sourceNames {
		values = nil
		for _, dir := range dirs {
			for _, segment := range strings.Split(dir, "/") {
				if k, value, hive := strings.Cut(segment, "="); hive && k == name {
					values = append(values, value)
				}
			}
		}
		if len(values) > 0 && len(values) == len(dirs) {
			slices.Sort(values)
			return name, slices.Compact(values)
		}
	}
	return "", nil
}

// guessOnlyTime takes the one column of a time type that is no ingest time. Of several none is guessed.
func guessOnlyTime(columns []facts.Column, roles map[string]Guess) {
	var times []facts.Column
	for _, c := range columns {
		if (c.Logical == "timestamp" || c.Physical == "INT96") && !slices.Contains(roles["ingested_at"].Columns, c.Name) {
			times = append(times, c)
		}
	}
	if len(times) == 1 {
		roles["event_time"] = Guess{[]string{times[0].Name}, "the only column of a time type left, " + typeText(times[0])}
	}
}

// guessOnlyID takes the one column that ends in _id and is not the key.
func guessOnlyID(columns []facts.Column, roles map[string]Guess) {
	var ids []facts.Column
	for _, c := range columns {
		name := strings.ToLower(c.Name)
		if strings.HasSuffix(name, "_id") && isID(c) && !slices.Contains(keyNames, name) {
			ids = append(ids, c)
		}
	}
	if len(ids) == 1 {
		roles["entity"] = Guess{[]string{ids[0].Name}, "the only other column that ends in _id, " + typeText(ids[0])}
	}
}

// flat keeps the top-level columns, each name once: a view may have several schemas.
func flat(columns []facts.Column) []facts.Column {
	var list []facts.Column
	for _, c := range columns {
		known := slices.ContainsFunc(list, func(o facts.Column) bool { return o.Name == c.Name })
		if !c.Nested && (c.Path == "" || c.Path == c.Name) && !known {
			list = append(list, c)
		}
	}
	return list
}

func firstNamed(columns []facts.Column, names []string, fits func(facts.Column) bool) (facts.Column, bool) {
	for _, name := range names {
		for _, c := range columns {
			if strings.ToLower(c.Name) == name && fits(c) {
				return c, true
			}
		}
	}
	return facts.Column{}, false
}

// isTime says whether a column can be read as a time at all; its name has said that it is meant as one.
func isTime(c facts.Column) bool {
	switch c.Logical {
	case "timestamp", "date":
		return true
	case "", "int":
		return c.Physical == "INT96" || c.Physical == "INT64" || c.Physical == "INT32" || c.Physical == "DOUBLE" || isText(c)
	}
	return isText(c)
}

func isID(c facts.Column) bool {
	switch c.Logical {
	case "timestamp", "date", "time":
		return false
	}
	return c.Physical == "INT32" || c.Physical == "INT64" || c.Physical == "BYTE_ARRAY" || c.Physical == "FIXED_LEN_BYTE_ARRAY"
}

func isText(c facts.Column) bool {
	return c.Physical == "BYTE_ARRAY" && (c.Logical == "" || c.Logical == "string" || c.Logical == "enum")
}

func typeText(c facts.Column) string {
	if c.TypeText != "" {
		return c.TypeText
	}
	return c.Physical
}
