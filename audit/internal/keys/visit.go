package keys

import (
	"context"
	"sync"
)

// Visits are what entities are shown to, by workers goroutines: each function must be safe for concurrent use by workers of another number.
type Visits struct {
	// Each gets the newest instant of every entity, once.
	Each func(worker int, newest int64)
	// Alone gets every entity with its newest instant before those of Beside are added; nil for none.
	Alone func(worker int, id EntityID, newest int64)
	// Beside are further instants, of the same rows, width and span; nil for none.
	Beside *Newest
}

// densePart is how many places of the array are visited at once.
const densePart = 1 << 17

// Visit shows every entity once, part by part. Nothing is left then.
func (n *Newest) Visit(ctx context.Context, workers int, v Visits) error {
	jobs, errs := make(chan func(worker int) error), make(chan error, max(1, workers))
	var running sync.WaitGroup
	for worker := range max(1, workers) {
		running.Go(func() {
			for job := range jobs {
				if err := job(worker); err != nil {
					errs <- err
					for range jobs { // nobody else waits for it
					}
					return
				}
			}
		})
	}
	dense, beside := n.takeDense(), v.Beside.takeDense()
	for from := 0; from < max(len(dense), len(beside)) && ctx.Err() == nil; from += densePart {
		jobs <- func(worker int) error {
			n.visitDense(worker, from, dense, beside, v)
			return nil
		}
	}
	for index := range n.parts {
		if ctx.Err() != nil {
			break
		}
		jobs <- func(worker int) error { return n.visitPart(index, worker, v) }
	}
	close(jobs)
	running.Wait()
	select {
	case err := <-errs:
		return err
	default:
		return context.Cause(ctx)
	}
}

// takeDense gives the array, which is not held any more.
func (n *Newest) takeDense() []int64 {
	if n == nil {
		return nil
	}
	dense := n.dense
	n.budget.held.Add(-int64(len(dense)) * 8)
	n.dense = nil
	return dense
}

func (n *Newest) visitDense(worker, from int, dense, beside []int64, v Visits) {
	alone, further := partOf(dense, from), partOf(beside, from)
	for i, instant := range alone {
		if instant == empty {
			continue
		}
		if v.Alone != nil {
			v.Alone(worker, EntityID{Lo: uint64(n.span.First + int64(from+i))}, instant)
		}
		if further == nil {
			v.Each(worker, instant)
		}
	}
	for i, instant := range further {
		if alone != nil {
			instant = max(instant, alone[i])
		}
		if instant != empty {
			v.Each(worker, instant)
		}
	}
}

func partOf(dense []int64, from int) []int64 {
	if from >= len(dense) {
		return nil
	}
	return dense[from:min(from+densePart, len(dense))]
}

func (n *Newest) visitPart(index, worker int, v Visits) error {
	part, stride := &n.parts[index], n.stride()
	if err := n.whole(part); err != nil {
		return err
	}
	for i := 0; v.Alone != nil && i < len(part.table.slots); i += stride {
		slot := part.table.slots[i : i+stride]
		newest := int64(slot[stride-1])
		if newest == empty {
			continue
		}
		id := EntityID{Lo: slot[0]}
		if n.wide {
			id.Hi = slot[1]
		}
		v.Alone(worker, id, newest)
	}
	if v.Beside != nil {
		further := &v.Beside.parts[index]
		if err := v.Beside.whole(further); err != nil {
			return err
		}
		part.table.addAll(further.table.words(stride), stride)
		further.table = newestTable{}
	}
	for i := stride - 1; i < len(part.table.slots); i += stride {
		if newest := int64(part.table.slots[i]); newest != empty {
			v.Each(worker, newest)
		}
	}
	part.table = newestTable{}
	return nil
}

// whole brings back what was spilled of a part.
func (n *Newest) whole(part *newestPart) error {
	var words []uint64
	for _, e := range part.extents {
		var err error
		if words, err = n.budget.read(e, words[:0]); err != nil {
			return err
		}
		part.table.addAll(words, n.stride())
	}
	part.extents = nil
	return nil
}
