package verify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/zeebo/xxh3"

	"github.com/featureaudit/featureaudit/audit/content"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/kept"
	"github.com/featureaudit/featureaudit/audit/times"
)

// Memory is a folder of kept facts as far as it knows what files hold: sums by file and column, and where snapshots have keys, rows. What it
// says of a file counts while its path, size, time, mark and footer are what they were.
type Memory struct {
	dir *kept.Dir
	// paranoid says that none of it is trusted, and all that is read is kept.
	paranoid bool
	asOf     times.Instant
}

// NewMemory gives what a folder knows to readers, which add what they read to its pack; nil for no folder. As_of is noted beside it.
func NewMemory(dir *kept.Dir, paranoid bool, asOf times.Instant) *Memory {
	if dir == nil {
		return nil
	}
	return &Memory{dir: dir, paranoid: paranoid, asOf: asOf}
}

func (m *Memory) distrust(err error) {
	var damaged kept.DamagedError
	if errors.As(err, &damaged) {
		m.dir.Distrust(damaged)
	}
}

// recall is what is known of the files of one view. Its zero value knows nothing, and keeps nothing.
type recall struct {
	memory *Memory
	view   *Looked
	// policy is what all that is kept rests on, and policies are those under which what is wanted may be known.
	policy   string
	policies []string
	// types are digests of the columns of each schema, as the survey reads them.
	types []string
}

// of gives what is known of a view's files; names are what rows are told apart by, nil where none are wanted. Nothing is known of views with
// sensitive columns: what is said of one row alone would tell its values to whoever guesses them.
func (m *Memory) of(v *Looked, names [][]string) recall {
	if m == nil || len(v.Resolved.Sensitive) > 0 {
		return recall{}
	}
	r := recall{memory: m, view: v}
	for _, schema := range v.Survey.Schemas {
		var columns [][2]string
		for _, c := range schema.Columns {
			if !c.Absent {
				columns = append(columns, [2]string{c.Name, c.TypeText})
			}
		}
		r.types = append(r.types, digest(columns))
	}
	policy := func(names any) string {
		return "content:" + digest(content.Meaning, v.Resolved.Measures, v.apart(), names)
	}
	keyed := policy([][]string{v.Definition.Key, v.Definition.Entity})
	r.policy, r.policies = policy(nil), []string{policy(nil), keyed}
	if names != nil {
		r.policy, r.policies = keyed, []string{keyed}
	}
	return r
}

// digest is one of anything that JSON can hold.
func digest(of ...any) string {
	raw, err := json.Marshal(of)
	if err != nil {
		raw = []byte(fmt.Sprintf("%#v", of))
	}
	return fmt.Sprintf("%x", xxh3.Hash128(raw).Bytes())
}

func (r recall) keeps() bool { return r.memory != nil && !r.memory.dir.Failed() }

// state is what the facts of a file rest on beside its bytes: which of its rows count, and what types its columns are read as.
func (r recall) state(f facts.File) string {
	return digest(r.types[f.Schema], readAs(r.view.Survey, f), f.RowMask)
}

// recalled is a file whose content is known.
type recalled struct {
	facts content.Facts
	file  *kept.File
}

// find gives what is known of a file; false for nothing.
func (r recall) find(f facts.File) (recalled, bool) {
	if r.memory == nil || r.memory.paranoid || f.Problem != nil {
		return recalled{}, false
	}
	for _, policy := range r.policies {
		k := r.memory.dir.Find(policy, f.Abs)
		if k == nil || k.Size != f.Size || k.ModTime != f.ModTime || k.ETag != f.ETag || k.Footer != f.FooterSum || k.State != r.state(f) {
			continue
		}
		found, err := content.Recall(k)
		if err != nil || len(found) != 1 {
			r.memory.distrust(err)
			continue
		}
		for _, one := range found {
			if one.Rows == f.Live() {
				return recalled{one, k}, true
			}
		}
	}
	return recalled{}, false
}

// keep writes down what a file holds; rows are where its rows were written, where they were wanted.
func (r recall) keep(f facts.File, found content.Facts, rows []kept.Range) {
	if !r.keeps() {
		return
	}
	number := r.memory.dir.Number()
	at := content.Keep(r.memory.dir, number, found)
	if len(rows) > 0 {
		at[rowsTable.Name] = rows
	}
	k := &kept.File{View: r.view.Name, Policy: r.policy, State: r.state(f), Path: f.Abs, Size: f.Size, ModTime: f.ModTime, ETag: f.ETag, Footer: f.FooterSum, Rows: f.Rows,
		Start: times.None, End: times.None, AsOf: r.memory.asOf, Holds: r.memory.asOf, Far: times.None, At: at}
	if f.Partition >= 0 {
		p := r.view.Survey.Partitions[f.Partition]
		k.Partition, k.Start, k.End = p.Value, p.Start, p.End
	}
	r.memory.dir.Add(number, k)
}

// eachRow reads the rows of a file that is known.
func (k recalled) eachRow(ctx context.Context, each func(Row) error) error {
	for _, at := range k.file.At[rowsTable.Name] {
		var stopped error
		err := eachRow(ctx, k.file.Pack(), at, func(r Row) {
			if stopped == nil {
				stopped = each(r)
			}
		})
		if err = errors.Join(err, stopped); err != nil {
			return err
		}
	}
	return nil
}
