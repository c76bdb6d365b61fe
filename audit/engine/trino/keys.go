package trino

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/zeebo/xxh3"

	"github.com/featureaudit/featureaudit/audit/engine"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/internal/collect"
	"github.com/featureaudit/featureaudit/audit/internal/keys"
	"github.com/featureaudit/featureaudit/audit/times"
	"github.com/featureaudit/featureaudit/sql"
)

// keysSQL are the values of the query that finds repeated keys.
type keysSQL struct {
	Rows               string
	Group, Hash, Whole string
	KeyNames           string
	Grouped            bool
	// Few is what keys are grouped by that repeat within no groups of once_per: a number that equal keys have in common, and FewHash its hash.
	Few, FewHash string
	// Ranged says that only some files are of partitions that verdicts are wanted for.
	Ranged             bool
	Twins              string
	MaxTwinRows        int
	Buckets            int
	Bucket, BucketMask int
}

// maxTwinRows bounds the rows of a key that are told as copies of each other.
const maxTwinRows = 16

// maxBuckets bounds into how many parts the keys are cut.
const maxBuckets = 1 << 12

// candidate is a hash of a key that repeats, with the number of its rows and the files that hold them, by number modulo 60.
type candidate struct{ hash, rows, files int64 }

// keys finds the keys that repeat, grouped by their real values in the cluster, and judges their rows here.
func (a *asked) keys(ctx context.Context, v *view) error {
	if len(v.key) == 0 || v.knownKeys() {
		return nil
	}
	q, err := a.keysSQL(v, a.where(v))
	if err != nil {
		return err
	}
	a.under = func(where string) (string, error) {
		q, err := a.keysSQL(v, where)
		if err != nil {
			return "", err
		}
		return sql.Trino("keys", q)
	}
	var found []candidate
	paired, single := int64(0), int64(0)
	for {
		found, paired, single, err = a.candidates(ctx, v, q)
		if err == nil {
			break
		}
		if !lacksMemory(err) || q.Buckets >= maxBuckets {
			return err
		}
		q.Buckets *= 8 // by hash in so many queries
	}
	if err := a.judge(ctx, v, found); err != nil {
		return err
	}
	keys := v.rules.SetKeys(paired, single)
	if v.answers.said != nil {
		v.answers.said.Keys, v.answers.said.Compared = keys, len(found) > 0
	}
	return nil
}

func (a *asked) keysSQL(v *view, where string) (keysSQL, error) {
	rows, err := sql.Trino("rows", v.rows(where))
	if err != nil {
		return keysSQL{}, err
	}
	q := keysSQL{Rows: rows, Hash: hashOf(v.key), Whole: whole(v.key), KeyNames: names(v.key), Group: "0", MaxTwinRows: maxTwinRows, Buckets: 1, Few: "key_hash", FewHash: "few"}
	if len(v.key) == 1 && v.key[0].integer {
		q.Few, q.FewHash = v.key[0].groups[0].Name, strings.ReplaceAll(hashOf(v.key), v.key[0].groups[0].Name, "few")
	}
	for _, id := range v.files {
		q.Ranged = q.Ranged || !v.rules.RulesOf(&v.order.Survey.Files[id], "").InRange
	}
	bySource, byPartition := v.rules.Groups()
	q.Grouped = bySource || byPartition
	switch {
	case bySource && byPartition:
		q.Group = "concat(CAST(partition_id AS varchar), ' ', source)"
	case bySource:
		q.Group = "source"
	case byPartition:
		q.Group = "partition_id"
	}
	if offsets := v.rules.TwinOffsets(); q.Grouped && len(offsets) > 0 {
		micros := make([]string, len(offsets))
		for i, seconds := range offsets {
			micros[i] = strconv.FormatInt(seconds*int64(times.Second), 10)
		}
		q.Twins = strings.Join(micros, ",")
	}
	return q, nil
}

// candidates asks for the keys whose rows are to be judged; paired and single count the others, by whether they lie in several groups.
func (a *asked) candidates(ctx context.Context, v *view, q keysSQL) (found []candidate, paired, single int64, err error) {
	q.BucketMask = q.Buckets - 1
	for q.Bucket = range q.Buckets {
		text, err := sql.Trino("keys", q)
		if err != nil {
			return nil, 0, 0, err
		}
		step := a.asking(v, "keys")
		step.part = q.Bucket > 0
		err = a.ask(ctx, v, step, text, func(row []any) error {
			rows, _ := row[3].(int64)
			if hash, is := row[0].(int64); is {
				files, _ := row[4].(int64)
				found = append(found, candidate{hash, rows, files})
				return nil
			}
			several, _ := row[1].(int64)
			one, _ := row[2].(int64)
			paired, single = paired+several, single+one
			return nil
		})
		if err != nil {
			return nil, 0, 0, err
		}
	}
	slices.SortFunc(found, func(x, y candidate) int { return cmp.Compare(x.hash, y.hash) })
	return found, paired, single, nil
}

// The rows of repeated keys are judged in portions: so many hashes in one question, and so many rows held at once.
const (
	portionHashes = 10_000
	rowBytes      = 1 << 10
	leastRows     = 10_000
	// mostPaths is how many letters the names of files may take that rows are fetched from: beyond, all files are read, since a cluster takes
	// no longer questions.
	mostPaths = 200_000
)

// judge fetches the rows of the candidates, a portion at a time, and judges each key among them.
func (a *asked) judge(ctx context.Context, v *view, found []candidate) error {
	most := max(v.order.Room.Runs/2/rowBytes, leastRows)
	mostHashes := portionHashes
	for from := 0; from < len(found); {
		to, rows, files := from, int64(0), int64(0)
		for ; to < len(found) && to-from < mostHashes && (to == from || rows+found[to].rows <= most); to++ {
			rows, files = rows+found[to].rows, files|found[to].files
		}
		err := a.portion(ctx, v, found[from:to], files, rows > most)
		if tooLong(err) && to-from > 1 {
			mostHashes = (to - from) / 2
			continue
		}
		if err != nil {
			return err
		}
		from = to
	}
	return nil
}

// portion fetches the rows of some hashes from the files that may hold them. Those of a crowd are judged one by one, and not held.
func (a *asked) portion(ctx context.Context, v *view, some []candidate, files int64, crowded bool) error {
	f := v.fetching()
	var paths []string
	for _, id := range v.files {
		if files>>(uint(id)%60)&1 == 1 {
			paths = append(paths, literal(v.paths.there(v.order.Survey.Files[id].Abs)))
		}
	}
	hashes := make([]string, len(some))
	for i, c := range some {
		hashes[i] = strconv.FormatInt(c.hash, 10)
	}
	a.under = func(where string) (string, error) {
		with := v.rows(where)
		with.Columns = append(slices.Clone(with.Columns), f.columns...)
		rows, err := sql.Trino("rows", with)
		if err != nil {
			return "", err
		}
		return sql.Trino("rows_of_keys", struct {
			Rows, Hash, Whole, Hashes string
			Fetched                   []string
		}{rows, hashOf(v.key), whole(v.key), strings.Join(hashes, ", "), f.texts})
	}
	where := a.table.path() + " IN (" + strings.Join(paths, ", ") + ")"
	if len(where) > mostPaths {
		where = a.where(v)
	}
	text, err := a.under(where)
	if err != nil {
		return err
	}
	var held []keys.Row
	crowd := v.rules.NewCrowd()
	err = a.ask(ctx, v, a.asking(v, "rows of keys"), text, func(row []any) error {
		if made := f.row(v, row); crowded {
			crowd.Add(made)
		} else {
			held = append(held, made)
		}
		return nil
	})
	if err != nil {
		return err
	}
	crowd.Finish()
	v.hideTies(held)
	v.rules.AddRepeats(held)
	return nil
}

// tooLong says that the cluster takes no questions of so many letters.
func tooLong(err error) bool {
	var said *Error
	return errors.As(err, &said) && said.Name == "QUERY_TEXT_TOO_LARGE"
}

// hideTies makes measures unknown where they depend on which row of a key is kept, and nothing but its place in its file, which the cluster
// does not know, says which that is.
func (v *view) hideTies(rows []keys.Row) {
	type group struct {
		key, source string
		partition   int32
	}
	bySource, byPartition := v.rules.Groups()
	first := map[group][]int{}
	for i := range rows {
		g := group{key: rows[i].Key}
		if bySource {
			g.source = rows[i].Source
		}
		if byPartition {
			g.partition = v.order.Survey.Files[rows[i].File].Partition
		}
		switch c := v.rules.CompareKept(rows[i], rows[max(0, firstOf(first[g]))]); {
		case len(first[g]) == 0 || c < 0:
			first[g] = []int{i}
		case c == 0:
			first[g] = append(first[g], i)
		}
	}
	for _, tied := range first {
		for m := range rows[tied[0]].Measures {
			value := rows[tied[0]].Measures[m]
			if !slices.ContainsFunc(tied, func(i int) bool { return rows[i].Measures[m] != value }) {
				continue
			}
			for _, i := range tied {
				rows[i].Measures[m].Unknown = true
			}
		}
	}
}

func firstOf(tied []int) int {
	if len(tied) == 0 {
		return -1
	}
	return tied[0]
}

// numberOf gives a row a number by what it holds, since the cluster has no numbers of rows: which of several that nothing else tells apart
// is kept depends on nothing else then. Those of the first source by name come first.
func (f *fetching) numberOf(row *keys.Row) int64 {
	sum := xxh3.New()
	for _, values := range [][]keys.Value{row.Measures, row.Payload} {
		for _, value := range values {
			_, _ = fmt.Fprintf(sum, "%t%d:%s", value.Null, len(value.Text), value.Text)
		}
	}
	source, _ := slices.BinarySearch(f.sources, row.Source)
	return int64(source)<<sumBits | int64((sum.Sum64()^uint64(row.Event))>>(64-sumBits))
}

// sumBits are those of a row's number that its values make: its source's place among all of them, fewer than keys.MaxSources, has the others.
const sumBits = 55

// fetching says what is fetched of the rows of repeated keys, and where each value stands.
type fetching struct {
	columns []namedSQL
	texts   []string
	// key are the places of the key's parts, two for a time with nanoseconds; payload and measures those of the others, -1 where the cluster
	// does not have the column.
	key               []keyPlace
	payload, measures []int
	floating          []bool
	// sources are those of all rows, sorted.
	sources []string
}

type keyPlace struct {
	at, nanos int
	timed     bool
	form      engine.FormKind
}

func (v *view) fetching() fetching {
	f := fetching{sources: v.rules.SourceNames()}
	add := func(expression string) int {
		f.texts = append(f.texts, expression)
		return len(f.texts) - 1
	}
	for _, p := range v.key {
		place := keyPlace{timed: p.timed, nanos: -1, form: p.form.Kind}
		switch {
		case p.timed:
			place.at = add(p.groups[0].Name)
			if len(p.groups) > 1 {
				place.nanos = add(p.groups[1].Name)
			}
		default:
			place.at = add(p.text)
		}
		f.key = append(f.key, place)
	}
	column := func(role string, c collect.Compared, name string) int {
		stored := v.column(c.Name)
		if stored == nil {
			return -1
		}
		group, text, refused := v.table.valueOf(*stored, c.Form, name)
		if _, typeText, _ := v.table.reference(*stored); refused.reason == "" && c.Form.Kind == engine.FormText && longest(typeText) > 0 {
			refused.reason = fmt.Sprintf("the table %s declares column %q as %s: Trino cuts longer texts without a word; declare it as varchar", v.table.name, c.Name, typeText)
		}
		if refused.reason != "" {
			v.rules.Refuse(role, refused.reason, 0)
			return -1
		}
		f.columns = append(f.columns, namedSQL{name, group})
		return add(text)
	}
	for i, c := range v.rules.Payload() {
		f.payload = append(f.payload, column("payload", c, fmt.Sprintf("p%d", i)))
	}
	for i, c := range v.rules.Measures() {
		f.measures = append(f.measures, column("surplus", c, fmt.Sprintf("m%d", i)))
		f.floating = append(f.floating, c.Form.Kind == engine.FormDouble)
	}
	return f
}

// row makes a candidate of what the cluster says of a row.
func (f *fetching) row(v *view, row []any) keys.Row {
	const before = 5 // hash, file, source and both times
	time := func(value any) int64 {
		if micros, ok := value.(int64); ok {
			return v.rules.Instant(micros)
		}
		return times.None
	}
	hash, _ := row[0].(int64)
	file, _ := row[1].(int64)
	source, _ := row[2].(string)
	made := keys.Row{Hash: uint64(hash), File: int32(file), Source: facts.SourceText(source), Event: time(row[3]), Ingested: time(row[4])}
	parts := make([]string, len(f.key))
	for i, p := range f.key {
		switch value := row[before+p.at].(type) {
		case int64:
			nanos := int64(0)
			if p.nanos >= 0 {
				nanos, _ = row[before+p.nanos].(int64)
			}
			parts[i] = collect.KeyTime(value, nanos)
		case string:
			parts[i] = shown(value, p.form)
		}
	}
	made.Key = collect.KeyOf(parts)
	value := func(at int) keys.Value {
		if at < 0 {
			return keys.Value{Unknown: true}
		}
		text, ok := row[before+at].(string)
		return keys.Value{Null: !ok, Text: text}
	}
	made.Payload = make([]keys.Value, len(f.payload))
	for i, at := range f.payload {
		made.Payload[i] = value(at)
	}
	made.Measures = make([]keys.Value, len(f.measures))
	for i, at := range f.measures {
		made.Measures[i] = value(at)
		made.Measures[i].Floating = f.floating[i]
	}
	made.Number = f.numberOf(&made)
	return made
}

// shown is a value as this program shows it.
func shown(text string, form engine.FormKind) string {
	if form != engine.FormDouble {
		return text
	}
	number, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return text
	}
	written := strconv.FormatFloat(number, 'g', -1, 64)
	if !strings.ContainsAny(written, ".eIN") {
		written += ".0"
	}
	return strings.ToLower(written)
}
