package collect

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"maps"
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/internal/keys"
	"github.com/featureaudit/featureaudit/audit/kept"
	"github.com/featureaudit/featureaudit/audit/sensitive"
	"github.com/featureaudit/featureaudit/audit/times"
)

// verifiedTable holds the values of rows whose keys repeat: what each of them is beside another follows from all rows of its key, and is
// concluded anew. Of keys and payload there are images, those of a row's payload one after the other; measures are exact texts.
var verifiedTable = kept.Table{Name: kept.VerifiedName, Columns: append(kept.Integers("file", "row", "source", "event_us", "ingested_us"),
	kept.Column{Name: "key", Kind: kept.Bytes}, kept.Column{Name: "payload", Kind: kept.Bytes}, kept.Column{Name: "measures", Kind: kept.Bytes})}

// verifiedAs is the version of what verified rows hold: raise it with every change of what they mean.
const verifiedAs = 1

// What verified rows may take: of a file a share of its size and a little, as all that is kept but runs, and of the memory of runs a share
// together. Where they are more they are fetched each time.
const (
	verifiedShare       = 100
	verifiedLeast       = 4 << 10
	verifiedMemoryShare = 8
)

// verified are the rows whose values are taken from kept facts, and those that are to be kept. Values are compared by their images then, in
// all rows alike. A nil one does nothing.
type verified struct {
	c *collector
	// policy is what they are kept under, and compared the digest of how they are compared.
	policy, compared string
	hasher           *sensitive.Hasher
	// hides says of each payload column that its images are hidden.
	hidesKey bool
	hides    []bool
	measures int
	files    map[int32]*verifiedFile
	bytes    int64
}

// verifiedFile are rows of one file: those that were known, sorted by their numbers, and those that were fetched.
type verifiedFile struct {
	known, fetched []verifiedRow
	// stored is what those that are to be kept take at most.
	stored int64
	// over says that they are too many to be kept.
	over bool
}

// verifiedRow is a row as it is kept.
type verifiedRow struct {
	number, event, ingested int64
	source                  string
	key, payload, measures  string
	used                    bool
}

// What a row takes beside its texts: in memory, and where it is kept.
const (
	verifiedRowBytes = 160
	storedRowBytes   = 24
)

func (r *verifiedRow) bytes() int64 { return int64(len(r.key) + len(r.payload) + len(r.measures)) }

// newVerified is nil where values are fetched each time: nothing is kept, rows are shown with their keys, the payload is not held, or it
// would be seen in what is kept.
func (v *verifier) newVerified() *verified {
	c := v.c
	if c.captures == nil || c.request.RowsLimit > 0 || v.wide() || c.request.Kept.Failed() {
		return nil
	}
	view := c.roles.view
	k := &verified{c: c, hasher: c.request.Hasher, hidesKey: slices.ContainsFunc(view.Key, view.Hides), measures: len(v.measures),
		hides: make([]bool, len(v.payload)), files: map[int32]*verifiedFile{}}
	hidden := k.hidesKey
	describe := func(columns []payloadColumn) (all []any) {
		for _, p := range columns {
			all = append(all, []any{p.name, p.form, p.numbers, p.mixed})
		}
		return all
	}
	for i, p := range v.payload {
		k.hides[i] = view.Hides(p.name)
		hidden = hidden || k.hides[i]
	}
	if hidden && k.hasher == nil || slices.ContainsFunc(v.measures, func(m payloadColumn) bool { return view.Hides(m.name) }) {
		return nil
	}
	id := ""
	if hidden {
		id = k.hasher.KeyID()
	}
	k.compared = digestOf([]any{verifiedAs, view.Key, describe(v.payload), describe(v.measures), k.hidesKey, k.hides, id})
	k.policy = digestOf([]any{kept.VerifiedName, c.policy, k.compared}) // views of one path that compare other columns keep rows of their own
	return k
}

// of are the rows of a file.
func (k *verified) of(id int32) *verifiedFile {
	f := k.files[id]
	if f == nil {
		f = &verifiedFile{}
		k.files[id] = f
	}
	return f
}

// recall reads what is known of a file's rows. What was kept before the facts of the file, or of it in another state, is not of these rows.
func (k *verified) recall(id int32) (*verifiedFile, error) {
	if f := k.files[id]; f != nil {
		return f, nil
	}
	f, file, facts := k.of(id), &k.c.survey.Files[id], k.c.known[id]
	if facts == nil {
		return f, nil
	}
	known := k.c.request.Kept.Find(k.policy, file.Abs)
	if known == nil || !known.Follows(facts) || known.State != k.state(file) {
		return f, nil
	}
	rows := int64(0)
	for _, r := range known.At[verifiedTable.Name] {
		rows += r.Count
	}
	if most := k.c.request.RunMemory / verifiedMemoryShare; rows*verifiedRowBytes > most-k.bytes {
		return f, nil
	}
	var err error
	if f.known, err = k.read(file, known); err != nil {
		return nil, k.c.forgotten(err)
	}
	for i := range f.known {
		k.bytes += verifiedRowBytes + f.known[i].bytes()
	}
	return f, nil
}

func (k *verified) read(file *facts.File, known *kept.File) ([]verifiedRow, error) {
	r := &keptRows{known: known}
	numbers, sources := r.integers(verifiedTable, "row"), r.integers(verifiedTable, "source")
	events, ingests := r.integers(verifiedTable, "event_us"), r.integers(verifiedTable, "ingested_us")
	keyImages, payloads, measures := r.texts(verifiedTable, "key"), r.texts(verifiedTable, "payload"), r.texts(verifiedTable, "measures")
	if r.err != nil {
		return nil, r.err
	}
	rows := make([]verifiedRow, len(numbers))
	for i := range rows {
		rows[i] = verifiedRow{number: numbers[i], source: r.source(sources[i]), event: events[i], ingested: ingests[i],
			key: keyImages[i], payload: payloads[i], measures: measures[i]}
		whole := len(keyImages[i]) == imageBytes && len(payloads[i]) == imageBytes*len(k.hides)
		if _, ok := measuresOf(measures[i], k.measures); r.err == nil && (!whole || !ok || numbers[i] < 0 || numbers[i] >= file.Rows || i > 0 && numbers[i] <= numbers[i-1]) {
			r.err = damaged(known, "the values of row %d of %d", numbers[i], file.Rows)
		}
	}
	return rows, r.err
}

// find is where a row is that is known.
func (f *verifiedFile) find(number int64) (int, bool) {
	return slices.BinarySearchFunc(f.known, number, func(r verifiedRow, number int64) int { return cmp.Compare(r.number, number) })
}

// fill takes the values of rows that are known, and leaves the others to be fetched.
func (k *verified) fill(targets []target) ([]target, error) {
	if k == nil {
		return targets, nil
	}
	left := targets[:0]
	for _, t := range targets {
		f, err := k.recall(t.file.ID)
		if err != nil {
			return nil, err
		}
		numbers, rows := t.numbers[:0], t.rows[:0]
		for i, number := range t.numbers {
			at, is := f.find(number)
			if !is {
				numbers, rows = append(numbers, number), append(rows, t.rows[i])
				continue
			}
			k.take(f, &f.known[at], t.rows[i])
			if err := t.held.add(rowHeader + imageBytes + valueBytes*len(k.hides)); err != nil {
				return nil, err
			}
		}
		if t.numbers, t.rows = numbers, rows; len(numbers) > 0 {
			left = append(left, t)
		}
	}
	return left, nil
}

func (k *verified) take(f *verifiedFile, from *verifiedRow, row *keys.Row) {
	if !from.used {
		from.used = true
		f.stored += storedRowBytes + from.bytes()
	}
	row.Source, row.Event, row.Ingested, row.Key = from.source, from.event, from.ingested, from.key
	row.Payload = make([]keys.Value, len(k.hides))
	for i := range row.Payload {
		row.Payload[i] = shownImage(from.payload[i*imageBytes : (i+1)*imageBytes])
	}
	row.Measures, _ = measuresOf(from.measures, k.measures) // compared when it was read
}

// keep replaces the values of rows that were fetched by their images, and keeps them.
func (k *verified) keep(targets []target) {
	if k == nil {
		return
	}
	for _, t := range targets {
		f := k.of(t.file.ID)
		blind := len(k.c.blind[t.file.ID]) > 0
		for _, row := range t.rows {
			kept := k.shown(row)
			if blind || f.over || !k.c.keptOf(t.file.ID) {
				continue
			}
			size := kept.bytes()
			f.stored, k.bytes = f.stored+storedRowBytes+size, k.bytes+verifiedRowBytes+size
			if f.stored > t.file.Size/verifiedShare+verifiedLeast || k.bytes > k.c.request.RunMemory/verifiedMemoryShare {
				f.over, f.fetched = true, nil
				continue
			}
			f.fetched = append(f.fetched, kept)
		}
	}
}

// keptOf says that facts of a file are known, or gathered to be kept.
func (c *collector) keptOf(id int32) bool { return c.known[id] != nil || c.captures[id] != nil }

// shown replaces the values of a row by their images, and gives it as it is kept.
func (k *verified) shown(row *keys.Row) verifiedRow {
	row.Key = k.image(row.Key, k.hidesKey)
	var payload strings.Builder
	for i := range row.Payload {
		value := &row.Payload[i]
		if value.Unknown {
			continue
		}
		image := nullImage
		if !value.Null {
			image = k.image(value.Text, k.hides[i])
		}
		*value = shownImage(image)
		payload.WriteString(image)
	}
	return verifiedRow{number: row.Number, source: row.Source, event: row.Event, ingested: row.Ingested, key: row.Key, payload: payload.String(),
		measures: measuresText(row.Measures)}
}

// imageBytes is the size of an image.
const imageBytes = 16

// nullImage is that of NULL.
var nullImage = strings.Repeat("\x00", imageBytes)

func shownImage(image string) keys.Value {
	if image == nullImage {
		return keys.Value{Null: true}
	}
	return keys.Value{Text: image}
}

// image is a hash of a text that nobody finds a second text of.
func (k *verified) image(text string, hidden bool) string {
	sum := sha256.Sum256([]byte(text))
	if hidden {
		low, high := k.hasher.Sum(sensitive.RoleValue, binary.LittleEndian.Uint64(sum[:]), binary.LittleEndian.Uint64(sum[8:]))
		binary.LittleEndian.PutUint64(sum[:], low)
		binary.LittleEndian.PutUint64(sum[8:], high)
	}
	return string(sum[:imageBytes])
}

// measuresText writes measures as one text: of each a letter, the length of its text, and it.
func measuresText(measures []keys.Value) string {
	var all []byte
	for _, m := range measures {
		kind := byte('d')
		switch {
		case m.Null:
			kind = 'n'
		case m.Floating:
			kind = 'f'
		}
		all = append(binary.AppendUvarint(append(all, kind), uint64(len(m.Text))), m.Text...)
	}
	return string(all)
}

// measuresOf takes so many measures apart.
func measuresOf(text string, count int) ([]keys.Value, bool) {
	measures := make([]keys.Value, count)
	rest := []byte(text)
	for i := range measures {
		if len(rest) == 0 {
			return nil, false
		}
		length, n := binary.Uvarint(rest[1:])
		if n <= 0 || length > uint64(len(rest)-1-n) {
			return nil, false
		}
		measures[i] = keys.Value{Null: rest[0] == 'n', Floating: rest[0] == 'f', Text: string(rest[1+n : 1+n+int(length)])}
		rest = rest[1+n+int(length):]
	}
	return measures, len(rest) == 0
}

// state is what verified rows of a file rest on, beside the file itself and the policy.
func (k *verified) state(file *facts.File) string {
	return digestOf([]any{k.compared, k.c.keepState(file)})
}

// remember keeps the rows of files that some were fetched of. A file that was read again, and had some, has those of now or none: what was
// known of it is not said any more.
func (k *verified) remember(remembered []rememberedFile) {
	if k == nil {
		return
	}
	files := map[int32]*facts.File{}
	for _, r := range remembered {
		if f := k.files[r.ID]; f != nil && len(f.fetched) > 0 || k.c.request.Kept.Find(k.policy, r.Abs) != nil {
			files[r.ID] = r.File
		}
	}
	for id := range k.c.known {
		if f := k.files[id]; f != nil && len(f.fetched) > 0 {
			files[id] = &k.c.survey.Files[id]
		}
	}
	for _, id := range slices.Sorted(maps.Keys(files)) {
		k.rememberFile(files[id], k.of(id))
	}
}

func (k *verified) rememberFile(file *facts.File, f *verifiedFile) {
	d := k.c.request.Kept
	number := d.Number()
	known := k.c.keptFile(file, k.policy, k.state(file))
	rows := f.fetched
	for i := range f.known {
		if f.known[i].used {
			rows = append(rows, f.known[i])
		}
	}
	slices.SortFunc(rows, func(a, b verifiedRow) int { return cmp.Compare(a.number, b.number) })
	rows = slices.CompactFunc(rows, func(a, b verifiedRow) bool { return a.number == b.number })
	wholes, texts := make([][]int64, 5), make([][]string, 3)
	for _, r := range rows {
		for i, n := range []int64{number, r.number, int64(slices.Index(known.Sources, r.source)), r.event, r.ingested} {
			wholes[i] = append(wholes[i], n)
		}
		for i, text := range []string{r.key, r.payload, r.measures} {
			texts[i] = append(texts[i], text)
		}
	}
	known.At[verifiedTable.Name] = []kept.Range{}
	if len(rows) > 0 {
		known.At[verifiedTable.Name] = []kept.Range{d.Append(verifiedTable, kept.Rows{wholes[0], wholes[1], wholes[2], wholes[3], wholes[4], texts[0], texts[1], texts[2]})}
	}
	d.Add(number, known)
}

// keptFile is what tells a file, without what is known of it.
func (c *collector) keptFile(file *facts.File, policy, state string) *kept.File {
	known := &kept.File{View: c.roles.view.Name, Policy: policy, State: state, Path: file.Abs, Size: file.Size, ModTime: file.ModTime, ETag: file.ETag,
		Footer: file.FooterSum, Rows: file.Rows, Start: times.None, End: times.None, AsOf: c.clock.asOf, Holds: times.None, Far: times.None,
		Sources: c.names.names, At: map[string][]kept.Range{}}
	if file.Partition >= 0 {
		p := c.survey.Partitions[file.Partition]
		known.Partition, known.Start, known.End = p.Value, p.Start, p.End
	}
	return known
}
