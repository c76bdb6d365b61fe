package trino

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/bits"
	"slices"
	"strconv"
	"strings"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/internal/collect"
	"github.com/featureaudit/featureaudit/audit/times"
	"github.com/featureaudit/featureaudit/sql"
)

// entitiesSQL are the values of the query that judges the newest event of each entity, and samples the rows of writers beside.
type entitiesSQL struct {
	Rows                                              string
	Entities, Writers, AllRows, Expires               bool
	AsOf, Limit, SureBefore, MaybeBefore, AheadAfter  int64
	EntityNames, WholeEntity, EntityHash              string
	WriterNames, WholeWriter, WriterHash, FirstWriter string
	WriterTexts                                       []string
	// Row is what a sample holds of a row.
	Row string
	// Same says that entities and writers are the same columns, so that rows are grouped by both at once; Coded that the rows of a sample say
	// themselves of which source they are.
	Same, Coded       bool
	RowsOfWriter      int
	WriterLimit       int64
	LeastLag, MostLag int64
	Quarter           string
	Near              int
	// Buckets is into how many parts the rows are cut by a hash of their entity or writer, and Bucket the part that is asked for.
	Buckets, Bucket, BucketMask int
	BucketHash                  string
	bins
}

// entitiesSQL makes the values of the query, and says which writers it samples.
func (a *asked) entitiesSQL(v *view, where string) (entitiesSQL, sampling, error) {
	wants := v.rules.Wants()
	e := entitiesSQL{bins: asText, Buckets: 1, Entities: wants.Has(facts.WantEntities) && len(v.entity) > 0, Writers: wants.Has(facts.WantWriters) && len(v.writer) > 0}
	var err error
	if e.Rows, err = sql.Trino("rows", v.rows(where)); err != nil {
		return e, sampling{}, err
	}
	limits := v.rules.EntityLimits()
	e.AsOf = int64(v.order.AsOf)
	if e.Entities {
		e.EntityNames, e.WholeEntity, e.EntityHash, e.Expires, e.Near = names(v.entity), whole(v.entity), hashOf(v.entity), limits.Expires, len(facts.Entities{}.Near)/2
		e.Limit, e.SureBefore, e.MaybeBefore, e.AheadAfter = int64(limits.Limit), spoken(limits.SureBefore), spoken(limits.MaybeBefore), spoken(limits.AheadAfter)
		after := fmt.Sprintf("(newest - %d)", e.Limit)
		e.Quarter = "(" + after + " / 900000000 - if(" + after + " % 900000000 < 0, 1, 0))"
	}
	sampled := v.sampling()
	if e.Writers {
		e.WriterNames, e.WholeWriter, e.WriterHash, e.FirstWriter = names(v.writer), whole(v.writer), hashOf(v.writer), v.writer[0].groups[0].Name
		e.AllRows, e.WriterLimit, e.RowsOfWriter = sampled.all, sampled.limit, facts.MaxRowsOfWriter
		e.Row = sampled.packed.expression(sampled.all, nil)
		e.LeastLag, e.MostLag = facts.LeastLagMinutes*int64(times.Minute), facts.MostLagMinutes*int64(times.Minute)
		for _, p := range v.writer {
			text := p.text
			if p.timed || p.integer {
				text = p.groups[0].Name
			}
			e.WriterTexts = append(e.WriterTexts, text)
		}
	}
	if e.Entities && e.Writers && v.writersAreEntities() {
		e.Same, e.WriterNames, e.WholeWriter, e.FirstWriter, e.WriterHash = true, e.EntityNames, e.WholeEntity, "source", hashOf(v.entity)
		for i, p := range v.entity {
			e.WriterTexts[i] = strings.ReplaceAll(e.WriterTexts[i], v.writer[i].groups[0].Name, p.groups[0].Name)
		}
		if e.Coded = !sampled.all && len(v.seen) <= mostCodes && sampled.packed.fits(len(v.seen)); e.Coded {
			sampled.sources, sampled.packed.sourceBits = v.seen, bitsOf(int64(len(v.seen)-1))
			e.Row, e.RowsOfWriter = sampled.packed.expression(false, v.seen), facts.MaxRowsOfWriter*min(max(len(v.seen), 1), mostShares)
		}
	}
	return e, sampled, nil
}

// writersAreEntities says that the entity is who stamps rows: the same columns, read alike.
func (v *view) writersAreEntities() bool {
	return slices.EqualFunc(v.entity, v.writer, func(a, b part) bool {
		return a.integer == b.integer && a.timed == b.timed && slices.EqualFunc(a.groups, b.groups, func(x, y namedSQL) bool { return x.Expression == y.Expression })
	})
}

// entities counts entities by their newest event, and samples writers, in one reading of the table.
func (a *asked) entities(ctx context.Context, v *view) error {
	if known, err := a.knownEntities(ctx, v); known || err != nil {
		return err
	}
	e, sampled, err := a.entitiesSQL(v, a.where(v))
	if err != nil || !e.Entities && !e.Writers {
		return err
	}
	limits := v.rules.EntityLimits()
	found, err := a.askEntities(ctx, v, a.asking(v, "entities"), a.where(v), entitiesSQL.apart)
	if err != nil {
		return err
	}
	if e.Entities {
		v.rules.SetEntities(found.total, limits)
	}
	said := v.answers.said
	if said != nil && e.Entities {
		said.Entities = &found.total
	}
	if !e.Writers {
		return nil
	}
	for _, row := range found.writers {
		if err := v.addWriter(row, sampled); err != nil {
			return &ownError{err}
		}
	}
	if writers := v.rules.FinishWriters(); said != nil {
		said.Writers = writers
	}
	return nil
}

// newest is what the cluster says of entities, and its rows about writers.
type newest struct {
	total   facts.Entities
	writers [][]any
}

// askEntities asks about entities and writers in one question. A cluster that has no memory for it is asked about what pieces make of it, each in
// parts by a hash: the entities of all parts together are those of the whole, and so are the writers.
func (a *asked) askEntities(ctx context.Context, v *view, step asking, where string, pieces func(entitiesSQL) []entitiesSQL) (newest, error) {
	for buckets := 1; ; buckets *= 8 {
		found, err := a.entitiesIn(ctx, v, step, where, buckets, pieces)
		if err == nil || !a.needsParts(err) || buckets >= maxBuckets {
			return found, err
		}
	}
}

// needsParts says that a question had no memory, and that this is not for another one beside it.
func (a *asked) needsParts(err error) bool {
	var said *Error
	return lacksMemory(err) && !(a.beside && errors.As(err, &said) && said.Name == "CLUSTER_OUT_OF_MEMORY")
}

// entitiesIn asks in so many parts.
func (a *asked) entitiesIn(ctx context.Context, v *view, step asking, where string, buckets int, pieces func(entitiesSQL) []entitiesSQL) (newest, error) {
	found := newest{total: facts.Entities{OldestNewest: times.None}}
	of := func(where string) ([]entitiesSQL, error) {
		e, _, err := a.entitiesSQL(v, where)
		if e.Buckets, e.BucketMask = buckets, buckets-1; err != nil {
			return nil, err
		}
		return pieces(e), nil
	}
	questions, err := of(where)
	if err != nil {
		return newest{}, err
	}
	for i, e := range questions {
		for e.Bucket = range buckets {
			a.under = func(where string) (string, error) {
				narrow, err := of(where)
				if err != nil {
					return "", err
				}
				narrow[i].Bucket = e.Bucket
				return sql.Trino("entities", narrow[i])
			}
			text, err := sql.Trino("entities", e)
			if err != nil {
				return newest{}, err
			}
			if err := a.ask(ctx, v, step, text, found.adding(e)); err != nil {
				return newest{}, err
			}
			step.part = true
		}
	}
	return found, nil
}

// adding takes the rows of an answer.
func (n *newest) adding(e entitiesSQL) func(row []any) error {
	return func(row []any) error {
		if is, _ := row[0].(bool); is {
			n.writers = append(n.writers, slices.Clone(row))
			return nil
		}
		if err := addEntities(&n.total, row[4+len(e.WriterTexts):], e.Expires); err != nil {
			return &ownError{err}
		}
		return nil
	}
}

// apart is the question as it is, or where it is asked in parts, those about entities and about writers, unless these are the same.
func (e entitiesSQL) apart() []entitiesSQL {
	switch {
	case e.Buckets == 1 || e.Same || !e.Entities || !e.Writers:
		return []entitiesSQL{e.hashed()}
	}
	writers := e
	writers.Entities = false
	return []entitiesSQL{e.alone()[0], writers.hashed()}
}

// alone is the question without its writers.
func (e entitiesSQL) alone() []entitiesSQL {
	e.Writers, e.Same, e.Coded, e.WriterTexts = false, false, false, nil
	return []entitiesSQL{e.hashed()}
}

// hashed says by which hash the rows are cut into parts.
func (e entitiesSQL) hashed() entitiesSQL {
	if e.BucketHash = e.EntityHash; !e.Entities {
		e.BucketHash = e.WriterHash
	}
	return e
}

// spoken is an instant that SQL can say: the least and the greatest stand for all.
func spoken(at times.Instant) int64 {
	return max(int64(at), -math.MaxInt64)
}

// addEntities adds what the cluster says of some entities.
func addEntities(total *facts.Entities, row []any, expires bool) error {
	number := func(i int) int64 { n, _ := row[i].(int64); return n }
	total.Judged += number(0)
	total.OnlyAfter += number(1)
	if oldest, ok := row[2].(int64); ok {
		total.OldestNewest = total.OldestNewest.Earlier(times.Instant(oldest))
	}
	if !expires {
		return nil
	}
	total.Stale += number(3)
	total.StaleEverywhere += number(4)
	total.StaleSomewhere += number(5)
	near, _, err := histogram(row[6], 0)
	for quarter, n := range near {
		total.Near[int(quarter)+len(total.Near)/2] += n
	}
	return err
}

// sampling says which writers' rows are asked for.
type sampling struct {
	// all: every row of every writer.
	all bool
	// limit is the signed hash below which writers are asked for otherwise, and share the share of all hashes.
	limit int64
	share float64
	// sources are those that the rows themselves name, by their place here; nil where rows are grouped by their sources.
	sources []string
	// packed says how the rows come.
	packed packing
}

// Rows of a sample name up to so many sources, and up to so many sources have room for all the rows that one may keep of a writer.
const (
	mostCodes  = 200
	mostShares = 8
)

// sampling takes all rows where a sample may hold them, else so many writers as fill one.
func (v *view) sampling() sampling {
	rows, bytes := int64(0), int64(0)
	for _, id := range v.files {
		rows += v.order.Survey.Files[id].Live()
		bytes += v.order.Survey.Files[id].Size
	}
	if rows <= facts.MaxWriterRows {
		return sampling{all: true, share: 1}
	}
	// were each row its writer's only one, this share would fill the sample; of busy writers it holds fewer rows than it may, and never
	// more come here than the sample has room for
	packed := v.packing()
	most := min(facts.MaxWriterRows, max(leastSample, bytes/200/packed.text()))
	share := min(1, float64(most)/float64(rows))
	limit := int64(math.MinInt64) + int64(share*math.MaxUint64/2)*2
	if share >= 1 {
		limit = math.MaxInt64
	}
	return sampling{limit: limit, share: share, packed: packed}
}

// leastSample is how many rows of writers are asked for of small views: what the zone checks tell rests on them.
const leastSample = 6000

// packing is how a row of a sample comes: bytes of the hash of its times, and its file, the minute of its arrival since the first one, the minutes
// of its lag from facts.LeastLagMinutes on and, where rows name it, its source, as one number. Where all rows come, they are their file, their
// event time, and their lag in microseconds from there on.
type packing struct {
	fileBits, arrivalBits, sourceBits int
	// first is the minute of the first arrival.
	first int64
}

const (
	hashBytes  = 3
	lagBits    = 13
	wholeBytes = 3 + 7 + 5
	// widestArrival is how many bits the minutes of any arrival take, and mostBits those of a number.
	widestArrival, mostBits = 26, 63
)

// packing goes by the arrivals that the profile found.
func (v *view) packing() packing {
	first, last := int64(math.MaxInt64), int64(0)
	for _, slice := range v.rules.Collection().Slices {
		if slice.IngestedMin.Known() && slice.IngestedMax.Known() {
			first, last = min(first, int64(slice.IngestedMin)/int64(times.Minute)), max(last, int64(slice.IngestedMax)/int64(times.Minute))
		}
	}
	p := packing{fileBits: bitsOf(int64(len(v.order.Survey.Files) - 1)), arrivalBits: widestArrival}
	if first <= last {
		p.first, p.arrivalBits = first, bitsOf(last-first)
	}
	return p
}

func bitsOf(most int64) int { return bits.Len64(uint64(max(most, 0))) }

// fits says whether a row's number has room for one of so many sources.
func (p packing) fits(sources int) bool {
	return p.fileBits+p.arrivalBits+lagBits+bitsOf(int64(sources-1)) <= mostBits
}

// bytes are those of a row, without its hash.
func (p packing) bytes() int {
	return (p.fileBits + p.arrivalBits + lagBits + p.sourceBits + 7) / 8
}

// text is about what a row takes on its way here, with its share of what is said of its writer.
func (p packing) text() int64 { return int64(hashBytes+p.bytes())*4/3 + 4 }

// expression is that of a row.
func (p packing) expression(all bool, sources []string) string {
	lag := fmt.Sprintf("(i - e + %d)", -facts.LeastLagMinutes*int64(times.Minute))
	if all {
		return "concat(substr(to_big_endian_64(file), 6), substr(to_big_endian_64(e), 2), substr(to_big_endian_64(" + lag + "), 4))"
	}
	// what is written meanwhile may have come at another time: it must not be taken for another file
	arrival := fmt.Sprintf("greatest(least(i / %d - %d, %d), 0)", int64(times.Minute), p.first, int64(1)<<p.arrivalBits-1)
	number := fmt.Sprintf("(file * %d + %s) * %d + %s / %d", int64(1)<<p.arrivalBits, arrival, 1<<lagBits, lag, int64(times.Minute))
	if p.sourceBits > 0 {
		code := "CASE source"
		for i, source := range sources {
			code += fmt.Sprintf(" WHEN %s THEN %d", literal(source), i)
		}
		number = fmt.Sprintf("(%s) * %d + %s END", number, 1<<p.sourceBits, code)
	}
	return fmt.Sprintf("concat(substr(xxhash64(concat(to_big_endian_64(e), to_big_endian_64(i))), %d), substr(to_big_endian_64(%s), %d))", 9-hashBytes, number, 9-p.bytes())
}

// readSample reads the rows of a sample, by their sources: all are of the one that is named, where they do not say so themselves.
func readSample(text, source string, s sampling) (map[string][]collect.WriterTimes, error) {
	raw, err := base64.StdEncoding.DecodeString(text)
	p, size := s.packed, hashBytes+s.packed.bytes()
	if s.all {
		size = wholeBytes
	}
	if err != nil || len(raw)%size != 0 {
		return nil, fmt.Errorf("read a sample of the cluster: %d bytes, want a multiple of %d: %w", len(raw), size, err)
	}
	number := func(bytes []byte) (n int64) {
		for _, b := range bytes {
			n = n<<8 | int64(b)
		}
		return n
	}
	rows := map[string][]collect.WriterTimes{}
	for ; len(raw) > 0; raw = raw[size:] {
		least := facts.LeastLagMinutes * int64(times.Minute)
		if s.all {
			event := times.Instant(number(raw[3:10]))
			rows[source] = append(rows[source], collect.WriterTimes{File: int32(number(raw[:3])), Event: event, Ingested: event + times.Instant(number(raw[10:15])+least)})
			continue
		}
		packed := number(raw[hashBytes:size])
		take := func(width int) int64 {
			value := packed & (1<<width - 1)
			packed >>= width
			return value
		}
		of := source
		if len(s.sources) > 0 {
			code := take(p.sourceBits)
			if code >= int64(len(s.sources)) {
				return nil, fmt.Errorf("read a sample of the cluster: a row of source number %d of %d", code, len(s.sources))
			}
			of = s.sources[code]
		}
		lag := take(lagBits)*int64(times.Minute) + least
		ingested := (take(p.arrivalBits) + p.first) * int64(times.Minute)
		rows[of] = append(rows[of], collect.WriterTimes{Row: uint32(number(raw[:hashBytes])) << 8, File: int32(packed), Event: times.Instant(ingested - lag), Ingested: times.Instant(ingested)})
	}
	return rows, nil
}

func (v *view) addWriter(row []any, s sampling) error {
	source, _ := row[1].(string)
	hash, _ := row[2].(int64)
	text, _ := row[3].(string)
	bySource, err := readSample(text, source, s)
	if err != nil {
		return err
	}
	parts := make([]collect.WriterPart, len(v.writer))
	for i, p := range v.writer {
		switch value := row[4+i].(type) {
		case int64:
			parts[i] = collect.WriterPart{Int: value, Integer: p.integer, Timed: p.timed, Text: strconv.FormatInt(value, 10)}
		case string:
			parts[i] = collect.WriterPart{Text: value}
		}
	}
	for _, source := range slices.Sorted(maps.Keys(bySource)) {
		if s.all {
			v.rules.AddWriterRows(source, parts, bySource[source])
			continue
		}
		v.rules.AddHashedRows(source, parts, uint64(hash)^1<<63, s.bound(), bySource[source])
	}
	return nil
}

// bound is the hash below which all writers are asked for, as facts.WriterSample has it.
func (s sampling) bound() uint64 {
	if s.share >= 1 {
		return facts.AllWriters
	}
	return uint64(s.limit) ^ 1<<63
}
