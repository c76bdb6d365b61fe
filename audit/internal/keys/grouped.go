package keys

import (
	"cmp"
	"math/bits"
	"slices"
)

// record is a wide entry as it lies in a run.
type record [wideStride]uint64

// grouped counts what a grouping pairs, and gives only the entries of hashes that repeat within one group, ordered by hash
// and ordinal. Most of the store may be paired: the part is put in order once, and read from end to end.
func (p *prober) grouped(r *Runs, index int) ([]Entry, Probed) {
	records := p.ordered(r.bits)
	var candidates []Entry
	var probed Probed
	for start := 0; start < len(records); {
		end := start + 1
		for end < len(records) && records[end][0] == records[start][0] {
			end++
		}
		probed.Distinct++
		if end == start+1 {
			if p.counted == nil || p.counted(r.entry(index, records[start][:])) {
				probed.Single++
			}
		} else if p.pairedRun(r, index, records[start:end]) {
			if p.counted == nil || slices.ContainsFunc(p.run, p.counted) {
				probed.Paired++
				probed.PairedRows += int64(end - start)
			}
		} else {
			candidates = append(candidates, p.run...)
		}
		start = end
	}
	return candidates, probed
}

// bucketRecords is how many records a bucket holds on average: few enough to be sorted by insertion.
const bucketRecords = 4

// ordered sorts a part's records by hash and ordinal: into buckets by the bits below those of the part, then each bucket by
// itself.
func (p *prober) ordered(partBits uint) []record {
	shift := 64 - max(uint(bits.Len(uint(p.n/bucketRecords))), 1)
	buckets := 1 << (64 - shift)
	p.starts = sized(p.starts, buckets+1)
	clear(p.starts)
	for _, chunk := range p.chunks {
		for i := 0; i < len(chunk); i += wideStride {
			p.starts[chunk[i]<<partBits>>shift+1]++
		}
	}
	for b := range buckets {
		p.starts[b+1] += p.starts[b]
	}
	if cap(p.records) < p.n {
		p.records = make([]record, p.n)
	}
	sorted := p.records[:p.n]
	for _, chunk := range p.chunks {
		for i := 0; i < len(chunk); i += wideStride {
			next := &p.starts[chunk[i]<<partBits>>shift]
			sorted[*next] = record(chunk[i : i+wideStride])
			*next++
		}
	}
	// each start has moved to its bucket's end
	start := uint32(0)
	for _, end := range p.starts[:buckets] {
		sortRecords(sorted[start:end])
		start = end
	}
	return sorted
}

// sortRecords sorts few records by insertion, and many, whose hashes must be alike, in general.
func sortRecords(records []record) {
	if len(records) > 8*bucketRecords {
		slices.SortFunc(records, func(a, b record) int {
			return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a.ordinal(), b.ordinal()))
		})
		return
	}
	for i := 1; i < len(records); i++ {
		moving, at := records[i], i
		for ; at > 0 && moving.before(&records[at-1]); at-- {
			records[at] = records[at-1]
		}
		records[at] = moving
	}
}

func (e *record) ordinal() uint64 { return e[1] & (1<<ordinalBits - 1) }

func (e *record) before(o *record) bool {
	return e[0] < o[0] || e[0] == o[0] && e.ordinal() < o.ordinal()
}

// pairedRun says whether each row of a hash is of another group, and tells of its pairs then. The rows are in run.
func (p *prober) pairedRun(r *Runs, index int, records []record) bool {
	p.run, p.groups = p.run[:0], p.groups[:0]
	sameEvent := true
	for i := range records {
		entry := r.entry(index, records[i][:])
		p.run = append(p.run, entry)
		p.groups = append(p.groups, p.grouping(entry))
		sameEvent = sameEvent && records[i][2] == records[0][2]
	}
	if !distinct(p.groups) {
		return false
	}
	if p.pairs != nil && !sameEvent {
		p.pairs(p.run)
	}
	return true
}

// distinct says whether no value comes twice. It may sort them.
func distinct(values []uint64) bool {
	if len(values) == 2 {
		return values[0] != values[1]
	}
	slices.Sort(values)
	return len(slices.Compact(values)) == len(values)
}
