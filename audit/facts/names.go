package facts

import (
	"slices"
)

// NameList numbers names, for sets of them that many values hold. The zero value is an empty list.
type NameList struct {
	names []string
	index map[string]int
}

// Names is a set of names of one list: a bit for each. The names of 1,900 columns take 30 kB, and there may be a set for each repeated key.
type Names struct {
	list *NameList
	bits []uint64
}

// NamesOf is a set with a list of its own.
func NamesOf(names ...string) Names {
	var list NameList
	return list.Set(slices.Values(names))
}

// Set is the set of these names, which the list takes up where it does not have them.
func (l *NameList) Set(names func(yield func(string) bool)) Names {
	set := Names{list: l}
	for name := range names {
		i, known := l.index[name]
		if !known {
			if l.index == nil {
				l.index = map[string]int{}
			}
			i = len(l.names)
			l.names, l.index[name] = append(l.names, name), i
		}
		for len(set.bits) <= i/64 {
			set.bits = append(set.bits, 0)
		}
		set.bits[i/64] |= 1 << (i % 64)
	}
	return set
}

// Sorted gives the names, sorted; nil for none.
func (s Names) Sorted() []string {
	var names []string
	for word, bits := range s.bits {
		for i := range 64 {
			if bits&(1<<i) != 0 {
				names = append(names, s.list.names[word*64+i])
			}
		}
	}
	slices.Sort(names)
	return names
}
