package collect

import (
	"encoding/binary"
	"math/bits"

	"github.com/zeebo/xxh3"

	"github.com/featureaudit/featureaudit/audit/engine"
	"github.com/featureaudit/featureaudit/audit/internal/keys"
	"github.com/featureaudit/featureaudit/audit/times"
)

func (f *accumulator) foldNulls(b *engine.Block, from, to int) {
	for row := from; row < to; row++ {
		if f.layout.keyNulls != absent && b.Vectors[f.layout.keyNulls].Ints[row] != 0 || f.oddNull(b, row) {
			f.sources[f.codes[row]].slice.KeyNull++
		}
	}
}

// oddNull says whether a part of the key has no value that the engine does not tell: a time that does not parse is none.
func (f *accumulator) oddNull(b *engine.Block, row int) bool {
	for _, vector := range f.layout.keyTexts {
		if !b.Vectors[vector].Valid(row) {
			return true
		}
	}
	for i, times := 0, f.sources[f.codes[row]].keyTimes; i < len(times); i++ {
		if times[i].read(b, row).status != readOK {
			return true
		}
	}
	return false
}

func (f *accumulator) foldKeys(b *engine.Block, from, to int) error {
	if f.layout.keyHash == absent && len(f.layout.keyTimes) == 0 && len(f.layout.keyTexts) == 0 {
		return nil // the file lacks a key column: said once, for the role
	}
	ordinal := f.base + f.row
	if len(f.layout.keyTimes) == 0 && len(f.layout.keyTexts) == 0 && f.c.request.HashBits == 0 && !f.c.seals.keys && b.Vectors[f.layout.keyHash].Mask == nil {
		hashes := b.Vectors[f.layout.keyHash].Ints[from:to]
		if f.capture != nil {
			f.keepKeys(hashes, f.row, f.codes[from:to], f.events[from:to])
		}
		if f.keys.Narrow() {
			return f.keys.AddHashes(hashes, ordinal)
		}
		return f.keys.AddWide(hashes, ordinal, f.codes[from:to], f.events[from:to])
	}
	for row := from; row < to; row++ {
		hash, ok := f.keyHash(b, row)
		if hash = f.c.weaken(f.c.seals.key(hash)); ok && f.capture != nil {
			f.keepKey(hash, ordinal-f.base, f.codes[row], f.events[row])
		}
		if !ok {
			f.sources[f.codes[row]].slice.KeyNull++
		} else if err := f.keys.Add(hash, uint64(ordinal), uint64(f.codes[row]), f.events[row]); err != nil {
			return err
		}
		ordinal++
	}
	return nil
}

func (f *accumulator) keyHash(b *engine.Block, row int) (uint64, bool) {
	hash := uint64(0)
	if f.layout.keyHash != absent {
		v := &b.Vectors[f.layout.keyHash]
		if !v.Valid(row) {
			return 0, false
		}
		hash = uint64(v.Ints[row])
	}
	for _, vector := range f.layout.keyTexts {
		v := &b.Vectors[vector]
		if !v.Valid(row) {
			return 0, false
		}
		hash = mix(hash, xxh3.Hash(v.Texts.At(row)))
	}
	for i, times := 0, f.sources[f.codes[row]].keyTimes; i < len(times); i++ {
		read := times[i].read(b, row)
		if read.status != readOK {
			return 0, false
		}
		micros := uint64(read.micros)
		if v := &b.Vectors[times[i].vector]; v.Texts == nil && beyond(v.Ints[row], v.PerMicro) {
			hi, lo := nanosOf(v.Ints[row], v.PerMicro)
			micros = hi ^ lo
		}
		hash = mix(hash, micros)
	}
	return hash, true
}

// mix joins a time to a key's hash (the multiply-and-fold step of wyhash).
func mix(hash, value uint64) uint64 {
	hi, lo := bits.Mul64(hash^0xa0761d6478bd642f, value^0xe7037ed1a0b428db)
	return hi ^ lo
}

// foldEntities keeps the newest event of each row's entity. A snapshot restates an entity as of its end.
func (f *accumulator) foldEntities(b *engine.Block, from, to int) error {
	if !f.allNormal || f.policy.snapshotEnd.Known() {
		f.restate(from, to)
	}
	instants := f.events[from:to]
	if f.c.seals.entities || len(f.layout.entityText) > 0 {
		return f.foldWideEntities(b, from, to)
	}
	if f.layout.entityInt != absent && b.Vectors[f.layout.entityInt].Mask == nil {
		return f.addIntegers(b.Vectors[f.layout.entityInt].Ints[from:to], instants)
	}
	f.integers, f.instants = f.integers[:0], f.instants[:0]
	for row := from; row < to; row++ {
		switch {
		case f.layout.entityInt == absent || !b.Vectors[f.layout.entityInt].Valid(row):
			f.sources[f.codes[row]].slice.EntityNull++
		case f.events[row] != times.None:
			f.integers, f.instants = append(f.integers, b.Vectors[f.layout.entityInt].Ints[row]), append(f.instants, f.events[row])
		}
	}
	return f.addIntegers(f.integers, f.instants)
}

// addIntegers keeps the newest events of entities that are told by an integer.
func (f *accumulator) addIntegers(ids, instants []int64) error {
	switch {
	case f.capture == nil:
	case f.capture.ordered:
		f.keepEntities(ids, instants)
	default:
		f.capture.addEntities(ids, nil, instants)
	}
	if f.newest == nil {
		return nil // they come from what is captured
	}
	return f.newest.AddIntegers(ids, instants)
}

// foldWideEntities keeps the newest events of entities that are told by a hash.
func (f *accumulator) foldWideEntities(b *engine.Block, from, to int) error {
	f.ids, f.instants = f.ids[:0], f.instants[:0]
	for row := from; row < to; row++ {
		id, ok := f.wideEntity(b, row)
		if !ok {
			f.sources[f.codes[row]].slice.EntityNull++
			continue
		}
		if f.events[row] != times.None {
			f.ids, f.instants = append(f.ids, id), append(f.instants, f.events[row])
		}
	}
	if f.capture != nil {
		f.capture.addWide(f.ids, f.instants)
	}
	return f.newest.AddWide(f.ids, f.instants)
}

// restate turns event times into what they say of an entity. No normal row lies after as_of.
func (f *accumulator) restate(from, to int) {
	for row, instant := range f.events[from:to] {
		switch {
		case f.policy.snapshotEnd.Known():
			instant = int64(f.policy.snapshotEnd)
		case times.Instant(instant) > f.c.clock.asOf:
			instant = keys.Absent
		}
		f.buffer[from+row] = instant
	}
	f.events = f.buffer
}

type entityID = keys.EntityID

// wideEntity is the identity of a row's entity as a hash, which may be known from its writer.
func (f *accumulator) wideEntity(b *engine.Block, row int) (id entityID, ok bool) {
	switch {
	case f.layout.entityWrites:
		return f.identities[row], f.identified[row]
	case len(f.layout.entityText) > 0:
		id, ok = f.textIdentity(b, f.layout.entityText, row)
	case f.layout.entityInt != absent && b.Vectors[f.layout.entityInt].Valid(row):
		id, ok = entityID{Lo: uint64(b.Vectors[f.layout.entityInt].Ints[row])}, true
	}
	if ok && f.c.seals.entities {
		id = f.sealed.identity(f.c.seals.hasher, id)
	}
	return id, ok
}

func (f *accumulator) textIdentity(b *engine.Block, columns []int, row int) (entityID, bool) {
	if len(columns) == 1 && columns[0] >= 0 {
		v := &b.Vectors[columns[0]]
		if !v.Valid(row) {
			return entityID{}, false
		}
		h := xxh3.Hash128(v.Texts.At(row))
		return entityID{Lo: h.Lo, Hi: h.Hi}, true
	}
	f.scratch = f.scratch[:0]
	for _, index := range columns {
		if index < 0 {
			read := f.sources[f.codes[row]].identityTimes[-index-1].read(b, row)
			if read.status != readOK {
				return entityID{}, false
			}
			f.scratch = binary.AppendVarint(f.scratch, read.micros)
			continue
		}
		v := &b.Vectors[index]
		if !v.Valid(row) {
			return entityID{}, false
		}
		text := v.Texts.At(row)
		// the length in front keeps ('a', 'bc') apart from ('ab', 'c')
		f.scratch = binary.AppendUvarint(f.scratch, uint64(len(text)))
		f.scratch = append(f.scratch, text...)
	}
	h := xxh3.Hash128(f.scratch)
	return entityID{Lo: h.Lo, Hi: h.Hi}, true
}
