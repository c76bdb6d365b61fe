package keys

import (
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
)

// TestWideJudgesAsHeldRowsAreJudged compares groups whose payload is held with the same ones whose payload is folded, some columns at
// a time: texts that are equal, that differ in their last byte, that are long, empty or NULL.
func TestWideJudgesAsHeldRowsAreJudged(t *testing.T) {
	const columns, width = 70, 9
	texts := []Value{{Null: true}, {Text: ""}, {Text: "a"}, {Text: "a\x00"}, {Text: strings.Repeat("b", 14)}, {Text: strings.Repeat("b", 15)}, {Text: strings.Repeat("b", 15) + "c"},
		{Text: strings.Repeat("long", 1000)}, {Text: strings.Repeat("long", 999) + "lonG"}}
	names := make([]string, columns)
	for i := range names {
		names[i] = string(rune('A' + i))
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		held := make([]Row, 2+rng.IntN(3))
		same := make([]Value, columns)
		for c := range same {
			same[c] = texts[rng.IntN(len(texts))]
		}
		for i := range held {
			held[i].Payload = append([]Value(nil), same...)
			for range rng.IntN(3) {
				held[i].Payload[rng.IntN(columns)] = texts[rng.IntN(len(texts))]
			}
		}
		wide := NewWide(columns)
		folded := make([]Row, len(held))
		for from := 0; from < columns; from += width {
			for i, row := range held {
				var images []Image
				for _, value := range row.Payload[from:min(from+width, columns)] {
					images = append(images, ImageOf(value))
					folded[i].Sum = folded[i].Sum.Join(images[len(images)-1])
				}
				folded[i].Wide = wide
				wide.Add(from, images)
			}
		}
		all := func(Row) bool { return true }
		want, got := NewClassifier(names, nil, nil, false).Group(held, all), NewClassifier(names, nil, nil, false).Group(folded, all)
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("folded %+v, held %+v", got, want)
		}
		for i := range held {
			for j := range held {
				if equal := reflect.DeepEqual(held[i].Payload, held[j].Payload); equal != (folded[i].Sum == folded[j].Sum) {
					t.Fatalf("rows %d and %d: equal %v, their sums say %v", i, j, equal, !equal)
				}
			}
		}
	}
}
