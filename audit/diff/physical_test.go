package diff

import "testing"

func TestNarrower(t *testing.T) {
	for _, c := range []struct {
		before, after string
		want          bool
	}{
		{"timestamptz", "timestamp", true}, {"timestamp", "timestamptz", false}, {"TIMESTAMP WITH TIME ZONE", "TIMESTAMP", true}, {"timestamp_tz", "timestamp_ntz", true},
		{"timestamp_ntz(9)", "timestamp_ntz(6)", true}, {"datetimeoffset", "datetime2", true}, {"timestamptz", "timestamp with time zone", false},
		{"decimal(10,2)", "decimal(8,2)", true}, {"decimal(10,2)", "numeric(12,2)", false}, {"decimal(10,2)", "decimal(12,4)", false}, {"decimal(10,2)", "decimal(11,4)", true},
		{"decimal(10,2)", "decimal(10,1)", true}, {"number(38)", "number(18)", true},
		{"bigint", "int", true}, {"int", "bigint", false}, {"integer", "int4", false}, {"double", "real", true}, {"float4", "double precision", false},
		{"varchar(20)", "varchar(10)", true}, {"varchar", "varchar(10)", true}, {"varchar(10)", "text", false}, {"string", "varchar(5)", true},
		{"struct<a:int>", "struct<a:bigint>", false}, {"", "int", false}, {"geometry", "geography", false},
	} {
		if got := narrower(c.before, c.after); got != c.want {
			t.Errorf("%s to %s: narrower %t, want %t", c.before, c.after, got, c.want)
		}
	}
}
