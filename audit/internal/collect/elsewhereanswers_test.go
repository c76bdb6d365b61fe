package collect

import (
	"reflect"
	"testing"

	"github.com/featureaudit/featureaudit/audit/facts"
)

// TestAnswersComeBackAsTheyWere: every field of what an engine said is there again, and what JSON cannot hold is not kept at all.
func TestAnswersComeBackAsTheyWere(t *testing.T) {
	all := Answers{On: "on", Compared: true,
		Keys: &facts.Duplicates{RowsTotal: 7, RepeatedKeys: 2, UnknownMeasures: []string{"m"}, SurplusMeasures: map[string]string{"m": "1.50"}, SurplusMeasuresOutside: map[string]string{},
			DifferingColumns: map[string]int64{"c": 1}, Writers: []facts.WriterPair{{A: "a", B: "b", Keys: 1}}, Twins: []facts.TwinCount{{A: "a", B: "b", Apart: -3600, First: -1, Last: 4}},
			ByPlace: map[facts.Population]*facts.DuplicatePlace{{Partition: 3, Source: "b"}: {Rows: 1, Surplus: 2}, {Partition: -1}: {Keys: 1}, {Partition: 3, Source: "a"}: {Conflict: 9}}},
		Entities: &facts.Entities{Judged: 5, OldestNewest: -9_000_000_000_000_001, Near: [208]int64{3: 1}},
		Writers: map[string]*facts.WriterSample{"a": {Limit: facts.AllWriters, Rows: []facts.WriterRow{{Writer: 1<<64 - 1, Row: 1<<32 - 1, Arrival: -5, File: 70_000, Lag: -960}, {Writer: 2}}},
			"none": {Limit: 1 << 60}}}
	text, whole := encodeAnswers(all)
	if !whole {
		t.Fatal("answers cannot be kept")
	}
	again, err := decodeAnswers(text)
	if err != nil || !reflect.DeepEqual(again, all) {
		t.Errorf("answers came back as %+v (%v), want %+v", again, err, all)
	}
	if second, _ := encodeAnswers(again); second != text {
		t.Error("equal answers were written as other bytes")
	}
	none := Answers{On: "on"}
	if text, whole = encodeAnswers(none); !whole {
		t.Fatal("no answers cannot be kept")
	}
	if again, err = decodeAnswers(text); err != nil || !reflect.DeepEqual(again, none) {
		t.Errorf("no answers came back as %+v (%v)", again, err)
	}
	all.Keys.DifferingColumns["\xff"] = 1
	if _, whole = encodeAnswers(all); whole {
		t.Error("a name that is no UTF-8 is kept as another")
	}
}
