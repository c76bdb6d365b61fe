package feast

import "strconv"

// enums are the names of enumerated values by number.
var enums = map[string]map[int]string{
	"ValueType": {
		0: "INVALID", 1: "BYTES", 2: "STRING", 3: "INT32", 4: "INT64", 5: "DOUBLE", 6: "FLOAT", 7: "BOOL", 8: "UNIX_TIMESTAMP",
		11: "BYTES_LIST", 12: "STRING_LIST", 13: "INT32_LIST", 14: "INT64_LIST", 15: "DOUBLE_LIST", 16: "FLOAT_LIST", 17: "BOOL_LIST",
		18: "UNIX_TIMESTAMP_LIST", 19: "NULL", 20: "MAP", 21: "MAP_LIST", 22: "BYTES_SET", 23: "STRING_SET", 24: "INT32_SET",
		25: "INT64_SET", 26: "DOUBLE_SET", 27: "FLOAT_SET", 28: "BOOL_SET", 29: "UNIX_TIMESTAMP_SET", 32: "JSON", 33: "JSON_LIST",
		34: "STRUCT", 35: "STRUCT_LIST", 36: "UUID", 37: "TIME_UUID", 38: "UUID_LIST", 39: "TIME_UUID_LIST", 40: "UUID_SET",
		41: "TIME_UUID_SET", 42: "VALUE_LIST", 43: "VALUE_SET", 44: "DECIMAL", 45: "DECIMAL_LIST", 46: "DECIMAL_SET",
		47: "SCALAR_MAP", 48: "ZONED_TIMESTAMP",
	},
	"SourceType": {
		0: "INVALID", 1: "BATCH_FILE", 2: "BATCH_BIGQUERY", 3: "STREAM_KAFKA", 4: "STREAM_KINESIS", 5: "BATCH_REDSHIFT",
		6: "CUSTOM_SOURCE", 7: "REQUEST_SOURCE", 8: "BATCH_SNOWFLAKE", 9: "PUSH_SOURCE", 10: "BATCH_TRINO", 11: "BATCH_SPARK",
		12: "BATCH_ATHENA", 13: "BATCH_ICEBERG",
	},
	"PermissionType": {
		0: "FEATURE_VIEW", 1: "ON_DEMAND_FEATURE_VIEW", 2: "BATCH_FEATURE_VIEW", 3: "STREAM_FEATURE_VIEW", 4: "ENTITY",
		5: "FEATURE_SERVICE", 6: "DATA_SOURCE", 7: "VALIDATION_REFERENCE", 8: "SAVED_DATASET", 9: "PERMISSION", 10: "PROJECT",
		11: "LABEL_VIEW",
	},
	"PermissionAction": {
		0: "CREATE", 1: "DESCRIBE", 2: "UPDATE", 3: "DELETE", 4: "READ_ONLINE", 5: "READ_OFFLINE", 6: "WRITE_ONLINE", 7: "WRITE_OFFLINE",
	},
	"State":          {0: "STATE_UNSPECIFIED", 1: "CREATED", 2: "GENERATED", 3: "MATERIALIZING", 4: "AVAILABLE_ONLINE"},
	"ConflictPolicy": {0: "LAST_WRITE_WINS", 1: "LABELER_PRIORITY", 2: "MAJORITY_VOTE"},
}

// enumName is the name of an enumerated value; one that is not known is its number.
func enumName(enum string, number uint64) string {
	if number <= 1<<20 {
		if name, ok := enums[enum][int(number)]; ok {
			return name
		}
	}
	return strconv.FormatUint(number, 10)
}

// enumNumber is the number of a name of an enumeration that is listed.
func enumNumber(enum, name string) (int, bool) {
	for number, n := range enums[enum] {
		if n == name {
			return number, true
		}
	}
	return 0, false
}
