package collect

import "github.com/featureaudit/featureaudit/audit/kept"

// keepKeys takes the hashes of rows that follow each other, from the row number first on, for what is kept of the file at hand.
func (f *accumulator) keepKeys(hashes []int64, first int64, sources []uint8, events []int64) {
	narrow := f.c.narrow()
	if f.keptKeys == nil {
		f.keptKeys = f.c.request.Kept.NewPacker(chosen(narrow, keysTable, wideKeysTable), "row", chosen(narrow, "hash", ""))
	}
	for done := 0; done < len(hashes); {
		room := f.keptKeys.Room(len(hashes) - done)
		n := len(room[0])
		if narrow {
			shifted := room[0][:n]
			for i, hash := range hashes[done : done+n] {
				shifted[i] = int64(uint64(hash) >> keptHashShift)
			}
		} else {
			copy(room[0], hashes[done:])
			for i, source := range sources[done : done+n] {
				room[2][i] = int64(source)
			}
			copy(room[3], events[done:])
		}
		f.capture.place(f.keptKeys.Fill(n, first+int64(done)))
		done += n
	}
}

// keepKey is keepKeys for one row.
func (f *accumulator) keepKey(hash uint64, row int64, source uint8, event int64) {
	one, code, at := [1]int64{int64(hash)}, [1]uint8{source}, [1]int64{event}
	f.keepKeys(one[:], row, code[:], at[:])
}

// endKeys ends the keys of the file at hand.
func (f *accumulator) endKeys() {
	if f.capture != nil && f.keptKeys != nil {
		f.capture.place(f.keptKeys.Rest())
	}
}

// place takes where keys of the file were written to.
func (k *capture) place(at kept.Range, written bool) {
	if !written {
		return
	}
	k.placing.Lock()
	defer k.placing.Unlock()
	k.keyRanges = append(k.keyRanges, at)
}
