package iceberg

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"

	"github.com/featureaudit/featureaudit/audit/store"
)

// The numbers of the fields that are read. All other fields that the format knows say nothing of which rows count.
const (
	idStatus, idSnapshot, idDataFile, idSequence = 0, 1, 2, 3
	idPath, idFormat, idPartition, idRecords     = 100, 101, 102, 103
	idSize, idLower, idUpper, idKey              = 104, 125, 128, 131
	idContent, idEquality                        = 134, 135
	idReferenced, idOffset, idLength             = 143, 144, 145

	idManifestPath, idManifestLength, idManifestSpec, idManifestSnapshot = 500, 501, 502, 503
	idAdded, idExisting, idDeleted, idSummaries                          = 504, 505, 506, 507
	idContainsNull, idSummaryLower, idSummaryUpper                       = 509, 510, 511
	idAddedRows, idExistingRows                                          = 512, 513
	idManifestSequence, idLeastSequence, idManifestContent, idListKey    = 515, 516, 517, 519
)

// knownEntries and knownLists are the fields that versions 1 to 3 of the format have, by number and by name. One that is not known is
// refused: it may be one more kind of deletion.
var (
	knownEntries = map[int]string{idStatus: "status", idSnapshot: "snapshot_id", idDataFile: "data_file", idSequence: "sequence_number", 4: "file_sequence_number",
		idPath: "file_path", idFormat: "file_format", idPartition: "partition", idRecords: "record_count", idSize: "file_size_in_bytes", 105: "block_size_in_bytes",
		106: "file_ordinal", 107: "sort_columns", 108: "column_sizes", 109: "value_counts", 110: "null_value_counts", 137: "nan_value_counts", 111: "distinct_counts",
		idLower: "lower_bounds", idUpper: "upper_bounds", idKey: "key_metadata", 132: "split_offsets", idContent: "content", idEquality: "equality_ids",
		140: "sort_order_id", 142: "first_row_id", idReferenced: "referenced_data_file", idOffset: "content_offset", idLength: "content_size_in_bytes"}
	knownLists = map[int]string{idManifestPath: "manifest_path", idManifestLength: "manifest_length", idManifestSpec: "partition_spec_id", idManifestSnapshot: "added_snapshot_id",
		idAdded: "added_files_count", idExisting: "existing_files_count", idDeleted: "deleted_files_count", idSummaries: "partitions", idAddedRows: "added_rows_count",
		idExistingRows: "existing_rows_count", 514: "deleted_rows_count", idManifestSequence: "sequence_number", idLeastSequence: "min_sequence_number",
		idManifestContent: "content", idListKey: "key_metadata", 520: "first_row_id"}
	wantedEntries = set(idStatus, idSnapshot, idSequence, idPath, idFormat, idPartition, idRecords, idSize, idLower, idUpper, idKey, idContent, idEquality, idReferenced, idOffset, idLength)
	wantedLists   = set(idManifestPath, idManifestLength, idManifestSpec, idManifestSnapshot, idAdded, idExisting, idDeleted, idSummaries, idAddedRows, idExistingRows,
		idManifestSequence, idLeastSequence, idManifestContent, idListKey)
)

func set(ids ...int) map[int]bool {
	out := map[int]bool{}
	for _, id := range ids {
		out[id] = true
	}
	return out
}

// What a file holds, and what became of it.
const (
	contentData     = 0
	contentPosition = 1
	contentEquality = 2

	statusExisting = 0
	statusAdded    = 1
	statusDeleted  = 2
)

// manifest is a line of a manifest list.
type manifest struct {
	path                    string
	length                  int64
	spec                    int
	snapshot                int64
	deletes                 bool
	sequence, least         int64
	added, existing         int64
	deleted                 int64
	addedRows, existingRows int64
	summaries               []any
	// bare is one of the oldest tables, of which nothing is known but its path.
	bare bool
}

// entry is a file that counts in a snapshot: data, or rows that were deleted.
type entry struct {
	path, format string
	content      int
	sequence     int64
	snapshot     int64
	rows, size   int64
	spec         int
	partition    []pair
	// scope names the spec and the values of the partition.
	scope      string
	equality   []int
	referenced string
	offset     int64
	length     int64
	onlyOf     string
}

// number reads a whole number of a row; ok is false where it is not there.
func (p *plan) number(row []any, id int) (n int64, ok bool) {
	n, ok = p.value(row, id).(int64)
	return n, ok
}

func (p *plan) numberOr(row []any, id int, other int64) int64 {
	if n, ok := p.number(row, id); ok {
		return n
	}
	return other
}

// files reads whole files of a store.
type files struct {
	store.Store
}

// mostFile bounds the files of metadata that are read whole.
const mostFile = 1 << 30

// read reads a file; want is its size, -1 where nothing says it.
func (f files) read(ctx context.Context, abs string, want int64) ([]byte, error) {
	e, err := f.Stat(ctx, abs)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%s is not there", abs)
	case err != nil:
		return nil, fmt.Errorf("read %s: %w", abs, err)
	case want >= 0 && e.Size != want:
		return nil, fmt.Errorf("%s has %d bytes, and its list says %d: it is damaged", abs, e.Size, want)
	case e.Size > mostFile:
		return nil, fmt.Errorf("%s has %d bytes, and at most %d are read", abs, e.Size, int64(mostFile))
	}
	object, err := f.Open(ctx, abs)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", abs, err)
	}
	defer object.Close()
	data := make([]byte, e.Size)
	if n, err := object.ReadAt(data, 0); err != nil && (!errors.Is(err, io.EOF) || n < len(data)) {
		return nil, fmt.Errorf("read %s: %w", abs, err)
	}
	return data, nil
}

// manifests reads the manifest list of a snapshot.
func (t *table) manifests(ctx context.Context, s *snapshot) ([]manifest, error) {
	if s.KeyID != nil {
		return nil, fmt.Errorf("snapshot %d is encrypted (key-id), and the audit has no keys: audit a copy that is not", *s.ID)
	}
	if s.ManifestList == "" {
		list := make([]manifest, len(s.Manifests))
		for i, path := range s.Manifests {
			list[i] = manifest{path: path, length: -1, bare: true}
		}
		return list, nil
	}
	abs, _, err := t.places.name(s.ManifestList)
	if err != nil {
		return nil, err
	}
	data, err := t.files.read(ctx, abs, -1)
	if err != nil {
		return nil, err
	}
	list, err := readList(data, s)
	if err != nil {
		return nil, fmt.Errorf("manifest list %s: %w", s.ManifestList, err)
	}
	return list, t.checkList(list, s)
}

func readList(data []byte, s *snapshot) ([]manifest, error) {
	c, err := (&layout{wanted: wantedLists, known: knownLists}).open(data)
	if err != nil {
		return nil, err
	}
	if of, ok := c.meta["snapshot-id"]; ok && string(of) != strconv.FormatInt(*s.ID, 10) {
		return nil, fmt.Errorf("it is that of snapshot %s: the metadata or the list is damaged", of)
	}
	var list []manifest
	err = c.each(func(row []any) error {
		p := c.record
		if key := p.value(row, idListKey); key != nil {
			return errors.New("a manifest of it is encrypted (key_metadata), and the audit has no keys: audit a copy that is not")
		}
		m := manifest{snapshot: p.numberOr(row, idManifestSnapshot, noSnapshot), sequence: p.numberOr(row, idManifestSequence, 0), least: p.numberOr(row, idLeastSequence, 0),
			added: p.numberOr(row, idAdded, -1), existing: p.numberOr(row, idExisting, -1), deleted: p.numberOr(row, idDeleted, -1),
			addedRows: p.numberOr(row, idAddedRows, -1), existingRows: p.numberOr(row, idExistingRows, -1)}
		var hasPath, hasLength, hasSpec bool
		m.path, hasPath = p.value(row, idManifestPath).(string)
		m.length, hasLength = p.number(row, idManifestLength)
		spec, hasSpec := p.number(row, idManifestSpec)
		if !hasPath || !hasLength || !hasSpec {
			return errors.New("a manifest of it has no path, length or partition spec: it is damaged")
		}
		m.spec = int(spec)
		switch content := p.numberOr(row, idManifestContent, 0); content {
		case 0:
		case 1:
			m.deletes = true
		default:
			return fmt.Errorf("a manifest of it has the content %d, want 0 (data) or 1 (deletes)", content)
		}
		m.summaries, _ = p.value(row, idSummaries).([]any)
		list = append(list, m)
		return nil
	})
	return list, err
}

// checkList holds the manifests of a snapshot to what the metadata says of the snapshots that added them.
func (t *table) checkList(list []manifest, s *snapshot) error {
	seen := map[string]bool{}
	for _, m := range list {
		by := t.meta.snapshot(m.snapshot)
		switch {
		case seen[m.path]:
			return fmt.Errorf("snapshot %d lists the manifest %s twice: the list is damaged", *s.ID, m.path)
		case m.sequence > s.sequence():
			return fmt.Errorf("manifest %s has the sequence number %d, and snapshot %d has %d: the list is damaged", m.path, m.sequence, *s.ID, s.sequence())
		case by != nil && by.sequence() != m.sequence && by.sequence() > 0 && m.sequence > 0:
			return fmt.Errorf("manifest %s has the sequence number %d, and its snapshot %d has %d: the list is damaged", m.path, m.sequence, m.snapshot, by.sequence())
		case m.sequence > 0 && by == nil && t.bySequence[m.sequence] != nil:
			return fmt.Errorf("manifest %s has the sequence number of snapshot %d, and is said to be of %d: the list is damaged", m.path, *t.bySequence[m.sequence].ID, m.snapshot)
		}
		seen[m.path] = true
	}
	return nil
}

// entries reads the files of a manifest that count.
func (t *table) entries(ctx context.Context, m manifest) ([]entry, error) {
	abs, _, err := t.places.name(m.path)
	if err != nil {
		return nil, err
	}
	data, err := t.files.read(ctx, abs, m.length)
	if err != nil {
		return nil, err
	}
	list, err := t.readManifest(data, m)
	if err != nil {
		return nil, fmt.Errorf("manifest %s: %w", m.path, err)
	}
	return list, nil
}

func (t *table) readManifest(data []byte, m manifest) ([]entry, error) {
	c, err := t.layout.open(data)
	if err != nil {
		return nil, err
	}
	if err := t.checkHeader(c.meta, &m); err != nil {
		return nil, err
	}
	spec := t.meta.spec(m.spec)
	if spec == nil {
		return nil, fmt.Errorf("its partition spec %d is not in the metadata: one of them is damaged", m.spec)
	}
	scopes := map[string]string{}
	var list []entry
	var counted tally
	err = c.each(func(row []any) error {
		status, ok := c.record.number(row, idStatus)
		if !ok || status < statusExisting || status > statusDeleted {
			return fmt.Errorf("a file has the status %d, want 0 to 2: it is damaged", status)
		}
		e, err := t.entry(c.record, row, m, int(status), spec)
		if err != nil {
			return err
		}
		counted.add(int(status), e.rows)
		if status == statusDeleted {
			return nil
		}
		if e.scope, err = scopeOf(spec, e.partition); err != nil {
			return fmt.Errorf("%s: %w", e.path, err)
		}
		if same, ok := scopes[e.scope]; ok {
			e.scope = same
		}
		scopes[e.scope] = e.scope
		list = append(list, e)
		return nil
	})
	if err == nil && !m.bare {
		err = counted.compare(m)
	}
	return list, err
}

// tally counts the entries of a manifest.
type tally struct{ files, rows [3]int64 }

func (c *tally) add(status int, rows int64) {
	c.files[status]++
	c.rows[status] += rows
}

// compare holds a manifest to what its list says of it.
func (c *tally) compare(m manifest) error {
	for _, said := range []struct {
		name       string
		said, have int64
	}{{"added files", m.added, c.files[statusAdded]}, {"existing files", m.existing, c.files[statusExisting]}, {"deleted files", m.deleted, c.files[statusDeleted]},
		{"added rows", m.addedRows, c.rows[statusAdded]}, {"existing rows", m.existingRows, c.rows[statusExisting]}} {
		if said.said >= 0 && said.said != said.have {
			return fmt.Errorf("it has %d %s, and its list says %d: one of them is damaged", said.have, said.name, said.said)
		}
	}
	return nil
}

// checkHeader holds the header of a manifest to its list and to the metadata.
func (t *table) checkHeader(meta map[string][]byte, m *manifest) error {
	if m.bare {
		m.spec = 0
		if id, ok := meta["partition-spec-id"]; ok {
			n, err := strconv.Atoi(string(id))
			if err != nil {
				return fmt.Errorf("its header says the partition spec %q: it is damaged", id)
			}
			m.spec = n
		}
	}
	if id, ok := meta["partition-spec-id"]; ok && string(id) != strconv.Itoa(m.spec) {
		return fmt.Errorf("its header says the partition spec %s, and its list %d: one of them is damaged", id, m.spec)
	}
	if content, ok := meta["content"]; ok && (string(content) == "deletes") != m.deletes {
		return fmt.Errorf("its header says %q, and its list otherwise: one of them is damaged", content)
	}
	text, ok := meta["partition-spec"]
	spec := t.meta.spec(m.spec)
	if !ok || spec == nil {
		return nil
	}
	var fields []partitionField
	if err := json.Unmarshal(text, &fields); err != nil { // some writers put the whole spec there
		var whole partitionSpec
		if again := json.Unmarshal(text, &whole); again != nil {
			return fmt.Errorf("the partition spec in its header does not decode: %w", err)
		}
		fields = whole.Fields
	}
	if !sameSpec(fields, spec.Fields) {
		return fmt.Errorf("the partition spec %d in its header is not that of the metadata: one of them is damaged", m.spec)
	}
	return nil
}

func sameSpec(a, b []partitionField) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		x, y := a[i], b[i]
		if x.Transform != y.Transform || x.SourceID != nil && y.SourceID != nil && *x.SourceID != *y.SourceID || x.FieldID != nil && y.FieldID != nil && *x.FieldID != *y.FieldID {
			return false
		}
	}
	return true
}

// entry reads one file of a manifest.
func (t *table) entry(p *plan, row []any, m manifest, status int, spec *partitionSpec) (entry, error) {
	e := entry{spec: m.spec, content: int(p.numberOr(row, idContent, contentData)), offset: p.numberOr(row, idOffset, -1), length: p.numberOr(row, idLength, -1)}
	var ok [4]bool
	e.path, ok[0] = p.value(row, idPath).(string)
	e.format, ok[1] = p.value(row, idFormat).(string)
	e.rows, ok[2] = p.number(row, idRecords)
	e.size, ok[3] = p.number(row, idSize)
	if ok != [4]bool{true, true, true, true} || e.path == "" || e.rows < 0 || e.size < 0 {
		return entry{}, errors.New("a file has no path, format, record_count or file_size_in_bytes: it is damaged")
	}
	if status == statusDeleted {
		return e, nil
	}
	if (e.content == contentData) == m.deletes || e.content < contentData || e.content > contentEquality {
		return entry{}, fmt.Errorf("%s has the content %d, which does not belong into a manifest of its kind: it is damaged", e.path, e.content)
	}
	if p.value(row, idKey) != nil {
		return entry{}, fmt.Errorf("%s is encrypted (key_metadata), and the audit has no keys: audit a copy that is not", e.path)
	}
	e.partition, _ = p.value(row, idPartition).([]pair)
	e.referenced, _ = p.value(row, idReferenced).(string)
	if ids, ok := p.value(row, idEquality).([]any); ok {
		for _, id := range ids {
			n, _ := id.(int64)
			e.equality = append(e.equality, int(n))
		}
	}
	var err error
	if e.sequence, err = sequenceOf(p, row, m, status); err != nil {
		return entry{}, fmt.Errorf("%s: %w", e.path, err)
	}
	e.snapshot = p.numberOr(row, idSnapshot, m.snapshot)
	if status == statusAdded && m.snapshot != noSnapshot && !m.bare && e.snapshot != m.snapshot && m.sequence > 0 {
		return entry{}, fmt.Errorf("%s was added by snapshot %d, and its manifest is of %d: one of them is damaged", e.path, e.snapshot, m.snapshot)
	}
	if err := checkSummaries(spec, e.partition, m.summaries); err != nil {
		return entry{}, fmt.Errorf("%s: %w", e.path, err)
	}
	if m.deletes {
		e.onlyOf = onlyPath(p, row)
		return e, nil
	}
	return e, t.checkBounds(spec, e.partition, func(column int) (low, high []byte) {
		return boundOf(p, row, idLower, column), boundOf(p, row, idUpper, column)
	})
}

// sequenceOf is the data sequence number of a file, which those that were added take from their manifest.
func sequenceOf(p *plan, row []any, m manifest, status int) (int64, error) {
	n, ok := p.number(row, idSequence)
	switch {
	case !ok && (status == statusAdded || m.sequence == 0):
		return m.sequence, nil
	case !ok:
		return 0, errors.New("it is no new file and has no sequence number: its manifest is damaged")
	case n > m.sequence && !m.bare || n < 0:
		return 0, fmt.Errorf("it has the sequence number %d, and its manifest %d: one of them is damaged", n, m.sequence)
	case n < m.least:
		return 0, fmt.Errorf("it has the sequence number %d, and the least of its manifest is %d: one of them is damaged", n, m.least)
	}
	return n, nil
}

// boundOf finds the bound of a column by its number, nil where there is none.
func boundOf(p *plan, row []any, id, column int) []byte {
	found, _ := p.value(row, id).([]bound)
	for _, b := range found {
		if b.column == column {
			return b.value
		}
	}
	return nil
}

// onlyPath is the data file that all rows of a file of positions are of; empty where its bounds do not say.
func onlyPath(p *plan, row []any) string {
	low, high := boundOf(p, row, idLower, idPositionPath), boundOf(p, row, idUpper, idPositionPath)
	if low != nil && bytes.Equal(low, high) {
		return string(low)
	}
	return ""
}
