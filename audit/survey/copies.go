package survey

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"slices"
	"sync"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/store"
)

// headBytes are compared before whole files are: most that look like copies and are none differ in their first pages.
const headBytes = 64 << 10

// Copies finds files that hold the same bytes, and gives for each the first of its kind by path. Only files with rows, all of which count, are
// looked at whose sizes and footers are equal, workers of them at once; one that cannot be read is no copy. The error is the
// context's.
func Copies(ctx context.Context, st store.Store, s facts.Survey, workers int) (map[int32]int32, error) {
	type look struct {
		size int64
		sum  uint64
	}
	candidate := func(f *facts.File) bool { return f.Problem == nil && f.Rows > 0 && f.Deleted == nil }
	alikes := map[look]int32{}
	for i := range s.Files {
		if f := &s.Files[i]; candidate(f) {
			alikes[look{f.Size, f.FooterSum}]++
		}
	}
	var alike []*facts.File
	for i := range s.Files {
		if f := &s.Files[i]; candidate(f) && alikes[look{f.Size, f.FooterSum}] > 1 {
			alike = append(alike, f)
		}
	}
	for _, limit := range []int64{headBytes, 0} {
		sums, err := sumAll(ctx, st, alike, limit, workers)
		if err != nil {
			return nil, err
		}
		alike = repeated(alike, sums)
		if limit == 0 {
			return firsts(alike, sums), nil
		}
	}
	return nil, nil
}

// sumAll hashes the first bytes of files, or all where limit is 0.
func sumAll(ctx context.Context, st store.Store, files []*facts.File, limit int64, workers int) (map[int32][sha256.Size]byte, error) {
	sums := map[int32][sha256.Size]byte{}
	var lock sync.Mutex
	var group sync.WaitGroup
	next := make(chan *facts.File)
	for range max(1, workers) {
		group.Go(func() {
			for f := range next {
				if sum, ok := sumOf(ctx, st, f, limit); ok {
					lock.Lock()
					sums[f.ID] = sum
					lock.Unlock()
				}
			}
		})
	}
	byName := map[string]int32{}
	for _, f := range files {
		byName[f.Abs] = f.ID
	}
	for _, f := range files {
		if _, known := byName[f.SameAs]; !known {
			next <- f
		}
	}
	close(next)
	group.Wait()
	for _, f := range files {
		if sum, ok := sums[byName[f.SameAs]]; ok && f.SameAs != "" {
			sums[f.ID] = sum // another name of the same file needs no second look
		}
	}
	return sums, ctx.Err()
}

func sumOf(ctx context.Context, st store.Store, f *facts.File, limit int64) (sum [sha256.Size]byte, ok bool) {
	object, err := st.Open(ctx, f.Abs)
	if err != nil {
		return sum, false
	}
	defer object.Close()
	size := f.Size
	if limit > 0 {
		size = min(size, limit)
	}
	hash := sha256.New()
	buffer := make([]byte, 256<<10)
	for at := int64(0); at < size; {
		n, err := object.ReadAt(buffer[:min(int64(len(buffer)), size-at)], at)
		if ctx.Err() != nil || n == 0 || err != nil && !errors.Is(err, io.EOF) {
			return sum, false
		}
		hash.Write(buffer[:n])
		at += int64(n)
	}
	return [sha256.Size]byte(hash.Sum(nil)), true
}

// repeated are the files whose sum another has too.
func repeated(files []*facts.File, sums map[int32][sha256.Size]byte) []*facts.File {
	counts := map[[sha256.Size]byte]int{}
	for _, f := range files {
		if sum, ok := sums[f.ID]; ok {
			counts[sum]++
		}
	}
	return slices.DeleteFunc(files, func(f *facts.File) bool {
		sum, ok := sums[f.ID]
		return !ok || counts[sum] < 2
	})
}

// firsts names for each file the first one of its sum, by path; the first itself is its own.
func firsts(files []*facts.File, sums map[int32][sha256.Size]byte) map[int32]int32 {
	first := map[[sha256.Size]byte]int32{}
	of := map[int32]int32{}
	for _, f := range files {
		if _, known := first[sums[f.ID]]; !known {
			first[sums[f.ID]] = f.ID
		}
		of[f.ID] = first[sums[f.ID]]
	}
	return of
}
