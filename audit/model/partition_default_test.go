package model

import (
	"reflect"
	"testing"
	"time"
)

func TestWithoutDefaultPartition(t *testing.T) {
	v := View{
		TimePartition: TimePartition{
			Columns: []string{"dt"}, Grain: GrainDay, Zone: "Asia/Tokyo", Of: OfSnapshot, Expected: ExpectAny, CompleteAfter: time.Hour,
		},
		Origins: ParseOrigins(map[string]string{
			"ttl": "f.yaml:3", "time_partition.column": "default (f.yaml:2)", "time_partition.grain": "default (f.yaml:2)",
			"time_partition.zone": "default (f.yaml:2)", "time_partition.of": "default (f.yaml:2)", "time_partition.expected": "default (f.yaml:2)",
			"time_partition.complete_after": "f.yaml:9",
		}),
	}
	if !v.DefaultPartition() {
		t.Error("the columns are those of the defaults")
	}
	got := v.WithoutDefaultPartition()
	want := View{
		TimePartition: TimePartition{Of: OfEventTime, Expected: ExpectAll, CompleteAfter: time.Hour},
		Origins: ParseOrigins(map[string]string{
			"ttl": "f.yaml:3", "time_partition.zone": "default", "time_partition.of": "default", "time_partition.expected": "default",
			"time_partition.complete_after": "f.yaml:9",
		}),
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("\n got %+v\nwant %+v", got, want)
	}
	if got.DefaultPartition() || !v.DefaultPartition() {
		t.Error("the copy has no default partition any more, the original still has")
	}
}
