package verify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/featureaudit/featureaudit/audit/content"
	"github.com/featureaudit/featureaudit/audit/kept"
	"github.com/featureaudit/featureaudit/audit/times"
)

// The tables of a snapshot beside those of content: what views and partitions there are, some of the partitions' files, and what tells
// rows apart.
var (
	viewsTable      = kept.Table{Name: "views", Columns: append([]kept.Column{{Name: "view", Kind: kept.Bytes}, {Name: "root", Kind: kept.Bytes}, {Name: "text", Kind: kept.Bytes}}, kept.Integers("partitions")...)}
	partitionsTable = kept.Table{Name: "partitions", Columns: append([]kept.Column{{Name: "partition", Kind: kept.Bytes}, {Name: "identity", Kind: kept.Bytes}, {Name: "unread", Kind: kept.Bytes},
		{Name: "same", Kind: kept.Bytes}, {Name: "alike", Kind: kept.Bytes}}, kept.Integers("start_us", "end_us", "flags", "rows", "bytes", "files", "listed", "first_row", "keyed_rows")...)}
	listedTable = kept.Table{Name: "listed", Columns: append([]kept.Column{{Name: "path", Kind: kept.Bytes}, {Name: "etag", Kind: kept.Bytes}, {Name: "mask", Kind: kept.Bytes}},
		kept.Integers("size", "mtime_us", "footer", "rows")...)}
	rowsTable = kept.Table{Name: "rows", Columns: kept.Integers("key", "row", "entity"), Dense: true}
)

// maxListed is how many files of a partition a snapshot names. Of a partition with more it has their digests alone: a list of many small files
// would take more than a hundredth of them.
const maxListed = 32

// snapshotNote is what a snapshot says of itself.
type snapshotNote struct {
	kept.Note
	// Snapshot is what the sums in it mean, by which a snapshot is told from other packs.
	Snapshot string `json:"snapshot"`
	WithKeys bool   `json:"with_keys"`
}

// SnapshotWriter writes a snapshot: a pack of kept facts with content in it, as one file. The rows of partitions come first, where there are
// any, then Close writes the rest.
type SnapshotWriter struct {
	pack   *kept.Writer
	number int64
}

// NewSnapshotWriter begins a snapshot under a temporary name: a folder that must not exist.
func NewSnapshotWriter(temporary string) (*SnapshotWriter, error) {
	pack, err := kept.Create(temporary)
	return &SnapshotWriter{pack: pack}, err
}

// Abort removes what was written.
func (s *SnapshotWriter) Abort() error { return s.pack.Abort() }

// Append adds rows to a table. An error stays, and is that of Close.
func (s *SnapshotWriter) Append(t kept.Table, rows kept.Rows) kept.Range {
	n := int64(0)
	switch column := rows[0].(type) {
	case []int64:
		n = int64(len(column))
	case []string:
		n = int64(len(column))
	}
	first, err := s.pack.Append(t, rows)
	if err != nil {
		return kept.Range{} // Close says why
	}
	return kept.Range{First: first, Count: n}
}

// Rows writes rows of a partition, which are sorted, after those that were written before.
func (s *SnapshotWriter) Rows(p *Partition, rows []Row) error {
	at := s.Append(rowsTable, rowColumns(rows))
	if p.rows.Count == 0 {
		p.rows.First = at.First
	}
	p.rows.Count += at.Count
	return s.pack.Err()
}

func rowColumns(rows []Row) kept.Rows {
	columns := [3][]int64{}
	for i := range columns {
		columns[i] = make([]int64, len(rows))
	}
	for i, r := range rows {
		columns[0][i], columns[1][i], columns[2][i] = int64(r.Key), int64(r.Row), int64(r.Entity)
	}
	return kept.Rows{columns[0], columns[1], columns[2]}
}

// Close writes what the views hold, and gives the snapshot as one file to out.
func (s *SnapshotWriter) Close(out io.Writer, side Side, tool string) error {
	for _, v := range side.Views {
		if err := s.view(v); err != nil {
			return errors.Join(err, s.pack.Abort())
		}
	}
	return s.pack.CommitTo(out, snapshotNote{Note: kept.Note{By: tool, AsOf: side.AsOf}, Snapshot: content.Meaning, WithKeys: side.WithKeys})
}

// viewText is what stands in the text of a view.
type viewText struct {
	Owner, Project string
	Definition     json.RawMessage
	Problem        string
	Retryable      bool
	Notes          []string
}

func (s *SnapshotWriter) view(v View) error {
	definition, err := json.Marshal(v.Definition)
	if err != nil {
		return err
	}
	text, err := json.Marshal(viewText{v.Owner, v.Project, definition, v.Problem, v.Retryable, v.Notes})
	if err != nil {
		return err
	}
	s.Append(viewsTable, kept.Rows{[]string{v.Name}, []string{v.root()}, []string{string(text)}, []int64{int64(len(v.Partitions))}})
	for i := range v.Partitions {
		if err := s.partition(&v.Partitions[i]); err != nil {
			return err
		}
	}
	return s.pack.Err()
}

// The flags of a partition.
const (
	flagPresent = 1 << iota
	flagOpen
	flagExpected
	flagKnown
	flagRetryable
	flagBlind
)

func (p *Partition) flags() (flags int64) {
	for i, is := range []bool{p.Present, p.Open, p.Expected, p.Known, p.Retryable, p.blind} {
		if is {
			flags |= 1 << i
		}
	}
	return flags
}

func (s *SnapshotWriter) partition(p *Partition) error {
	unread := ""
	if len(p.Unread) > 0 {
		raw, err := json.Marshal(p.Unread)
		if err != nil {
			return err
		}
		unread = string(raw)
	}
	listed := p.Files
	if len(listed) > maxListed {
		listed = nil
	}
	same, alike := p.digests()
	texts, whole := []string{p.Value, p.Identity, unread, same, alike}, []int64{int64(p.Start), int64(p.End), p.flags(), p.Rows, p.Bytes, int64(p.FileCount()), int64(len(listed)), p.rows.First, p.rows.Count}
	s.Append(partitionsTable, oneRow(texts, whole))
	for _, f := range listed {
		s.Append(listedTable, oneRow([]string{f.Path, f.ETag, f.Mask}, []int64{f.Size, int64(f.ModTime), int64(f.FooterSum), f.Rows}))
	}
	held := p.Content
	if !p.Known {
		held = content.Facts{}
		for _, c := range p.Columns {
			held.Columns = append(held.Columns, content.Column{Name: c.Name, Types: c.Types})
		}
	}
	content.Keep(s, s.number, held)
	s.number++
	return nil
}

func oneRow(texts []string, wholes []int64) kept.Rows {
	var rows kept.Rows
	for _, text := range texts {
		rows = append(rows, []string{text})
	}
	for _, n := range wholes {
		rows = append(rows, []int64{n})
	}
	return rows
}

// SnapshotFile is a snapshot that was read; its rows stay in the file.
type SnapshotFile struct {
	Side
	pack *kept.Pack
}

// ReadSnapshot reads all of a snapshot but its rows, from a file of a size in bytes that stays readable while the snapshot is used.
func ReadSnapshot(name string, from io.ReaderAt, size int64) (SnapshotFile, error) {
	pack, err := kept.OpenFile(name, from, size)
	if err != nil {
		return SnapshotFile{}, notASnapshot(name, err)
	}
	return snapshotOf(name, pack)
}

// OpenSnapshot reads all of a snapshot that was unpacked into a folder but its rows.
func OpenSnapshot(folder string) (SnapshotFile, error) {
	pack, err := kept.OpenPack(folder)
	if err != nil {
		return SnapshotFile{}, notASnapshot(folder, err)
	}
	return snapshotOf(folder, pack)
}

func notASnapshot(name string, err error) error {
	return fmt.Errorf("snapshot %s: %s; expected a file that `featureaudit snapshot --out` wrote", name, kept.Reason(err))
}

func snapshotOf(name string, pack *kept.Pack) (SnapshotFile, error) {
	var note snapshotNote
	if err := pack.Note(&note); err != nil || note.Snapshot == "" {
		return SnapshotFile{}, notASnapshot(name, errors.New("it is a pack of kept facts, and no snapshot"))
	}
	if note.Snapshot != content.Meaning {
		return SnapshotFile{}, notASnapshot(name, fmt.Errorf("its sums are of %s, and this release compares %s", note.Snapshot, content.Meaning))
	}
	s := SnapshotFile{Side: Side{Kind: Snapshot, Name: name, AsOf: note.AsOf, WithKeys: note.WithKeys}, pack: pack}
	if err := s.read(); err != nil {
		return SnapshotFile{}, notASnapshot(name, err)
	}
	return s, nil
}

// whole reads whole columns of a pack's tables.
type whole struct{ *kept.Pack }

func (w whole) Integers(table, column string) ([]int64, error) {
	if w.Len(table) == 0 {
		return nil, nil
	}
	return w.Pack.Integers(table, column, 0, w.Len(table))
}

func (w whole) Texts(table, column string) ([]string, error) {
	if w.Len(table) == 0 {
		return nil, nil
	}
	return w.Pack.Texts(table, column, 0, w.Len(table))
}

// columns reads all columns of a table.
func (w whole) columns(t kept.Table) (texts map[string][]string, wholes map[string][]int64, err error) {
	texts, wholes = map[string][]string{}, map[string][]int64{}
	for _, c := range t.Columns {
		if c.Kind == kept.Integer {
			wholes[c.Name], err = w.Integers(t.Name, c.Name)
		} else {
			texts[c.Name], err = w.Texts(t.Name, c.Name)
		}
		if err != nil {
			return nil, nil, err
		}
	}
	return texts, wholes, nil
}

var errIncomplete = errors.New("its tables do not belong together")

func (s *SnapshotFile) read() error {
	from := whole{s.pack}
	views, counts, err := from.columns(viewsTable)
	if err != nil {
		return err
	}
	partitions, err := readPartitions(from)
	if err != nil {
		return err
	}
	for i, name := range views["view"] {
		var text viewText
		if err := json.Unmarshal([]byte(views["text"][i]), &text); err != nil {
			return err
		}
		n := counts["partitions"][i]
		if n < 0 || n > int64(len(partitions)) {
			return errIncomplete
		}
		v := View{Name: name, Root: views["root"][i], Owner: text.Owner, Project: text.Project, Problem: text.Problem, Retryable: text.Retryable, Notes: text.Notes, Partitions: slices.Clone(partitions[:n])}
		partitions = partitions[n:]
		if err := json.Unmarshal(text.Definition, &v.Definition); err != nil {
			return err
		}
		for _, p := range v.Partitions {
			for at := range p.Files {
				p.Files[at].Abs = v.Root + p.Files[at].Path
			}
		}
		s.Views = append(s.Views, v)
	}
	if len(partitions) > 0 {
		return errIncomplete
	}
	return nil
}

// readPartitions reads all partitions, in the order that they were written in.
func readPartitions(from whole) ([]Partition, error) {
	texts, wholes, err := from.columns(partitionsTable)
	if err != nil {
		return nil, err
	}
	files, err := readListed(from)
	if err != nil {
		return nil, err
	}
	contents, err := content.Recall(from)
	if err != nil {
		return nil, err
	}
	partitions := make([]Partition, len(texts["partition"]))
	for i, value := range texts["partition"] {
		flags, listed, held := wholes["flags"][i], wholes["listed"][i], contents[int64(i)]
		if listed < 0 || listed > int64(len(files)) {
			return nil, errIncomplete
		}
		p := Partition{Value: value, Identity: texts["identity"][i], Start: times.Instant(wholes["start_us"][i]), End: times.Instant(wholes["end_us"][i]),
			Present: flags&flagPresent != 0, Open: flags&flagOpen != 0, Expected: flags&flagExpected != 0, Known: flags&flagKnown != 0, Retryable: flags&flagRetryable != 0, blind: flags&flagBlind != 0,
			Rows: wholes["rows"][i], Bytes: wholes["bytes"][i], Files: files[:listed:listed], unlisted: wholes["files"][i] - listed, same: texts["same"][i], alike: texts["alike"][i],
			rows: kept.Range{First: wholes["first_row"][i], Count: wholes["keyed_rows"][i]}}
		files = files[listed:]
		for _, c := range held.Columns {
			if len(c.Types) == 0 {
				continue // the folders of the files say it
			}
			p.Columns = append(p.Columns, ColumnType{Name: c.Name, Types: c.Types})
		}
		if p.Known {
			p.Content = held
		}
		if text := texts["unread"][i]; text != "" {
			if err := json.Unmarshal([]byte(text), &p.Unread); err != nil {
				return nil, err
			}
		}
		partitions[i] = p
	}
	return partitions, nil
}

func readListed(from whole) ([]File, error) {
	texts, wholes, err := from.columns(listedTable)
	if err != nil {
		return nil, err
	}
	files := make([]File, len(texts["path"]))
	for i, path := range texts["path"] {
		files[i] = File{Path: path, ETag: texts["etag"][i], Mask: texts["mask"][i], Rows: wholes["rows"][i], Size: wholes["size"][i],
			ModTime: times.Instant(wholes["mtime_us"][i]), FooterSum: uint64(wholes["footer"][i])}
	}
	return files, nil
}

// chunkRows is how many rows are held before they are written, and how many are read at once.
const chunkRows = 1 << 19

// rowsOf reads the rows of a partition that fall to a part, sorted.
func (s SnapshotFile) rowsOf(ctx context.Context, p Partition, want part) ([]Row, error) {
	var rows []Row
	err := eachRow(ctx, s.pack, p.rows, func(r Row) {
		if want.holds(r) {
			rows = append(rows, r)
		}
	})
	slices.SortFunc(rows, Row.compare)
	return rows, err
}

// eachRow reads rows of a pack.
func eachRow(ctx context.Context, pack *kept.Pack, at kept.Range, each func(Row)) error {
	for done := int64(0); done < at.Count; done += chunkRows {
		if cause := context.Cause(ctx); cause != nil {
			return cause
		}
		var columns [3][]int64
		for i, c := range rowsTable.Columns {
			var err error
			if columns[i], err = pack.Integers(rowsTable.Name, c.Name, at.First+done, min(chunkRows, at.Count-done)); err != nil {
				return err
			}
		}
		for i := range columns[0] {
			each(Row{uint64(columns[0][i]), uint64(columns[1][i]), uint64(columns[2][i])})
		}
	}
	return nil
}
