package trino

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strconv"

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
	EntityNames, WholeEntity                          string
	WriterNames, WholeWriter, WriterHash, FirstWriter string
	WriterTexts                                       []string
	RowHash                                           string
	RowsOfWriter                                      int
	WriterLimit                                       int64
	LeastLag, MostLag                                 int64
	Quarter                                           string
	Near                                              int
}

// entitiesSQL makes the values of the query, and says which writers it samples.
func (a *asked) entitiesSQL(v *view) (entitiesSQL, sampling, error) {
	wants := v.rules.Wants()
	e := entitiesSQL{Entities: wants.Has(facts.WantEntities) && len(v.entity) > 0, Writers: wants.Has(facts.WantWriters) && len(v.writer) > 0}
	var err error
	if e.Rows, err = sql.Trino("rows", v.rows(a.where(v))); err != nil {
		return e, sampling{}, err
	}
	limits := v.rules.EntityLimits()
	e.AsOf = int64(v.order.AsOf)
	if e.Entities {
		e.EntityNames, e.WholeEntity, e.Expires, e.Near = names(v.entity), whole(v.entity), limits.Expires, len(facts.Entities{}.Near)/2
		e.Limit, e.SureBefore, e.MaybeBefore, e.AheadAfter = int64(limits.Limit), spoken(limits.SureBefore), spoken(limits.MaybeBefore), spoken(limits.AheadAfter)
		after := fmt.Sprintf("(newest - %d)", e.Limit)
		e.Quarter = "(" + after + " / 900000000 - if(" + after + " % 900000000 < 0, 1, 0))"
	}
	sampled := v.sampling()
	if e.Writers {
		e.WriterNames, e.WholeWriter, e.WriterHash, e.FirstWriter = names(v.writer), whole(v.writer), hashOf(v.writer), v.writer[0].groups[0].Name
		e.AllRows, e.WriterLimit, e.RowsOfWriter = sampled.all, sampled.limit, facts.MaxRowsOfWriter
		e.RowHash = "bitwise_and(from_big_endian_64(xxhash64(to_utf8(concat(CAST(e AS varchar), ' ', CAST(i AS varchar))))), 4294967295)"
		e.LeastLag, e.MostLag = facts.LeastLagMinutes*int64(times.Minute), facts.MostLagMinutes*int64(times.Minute)
		for _, p := range v.writer {
			text := p.text
			if p.timed || p.integer {
				text = p.groups[0].Name
			}
			e.WriterTexts = append(e.WriterTexts, text)
		}
	}
	return e, sampled, nil
}

// entities counts entities by their newest event, and samples writers, in one reading of the table.
func (a *asked) entities(ctx context.Context, v *view) error {
	e, sampled, err := a.entitiesSQL(v)
	if err != nil || !e.Entities && !e.Writers {
		return err
	}
	limits, total := v.rules.EntityLimits(), facts.Entities{OldestNewest: times.None}
	text, err := sql.Trino("entities", e)
	if err != nil {
		return err
	}
	err = a.Cluster.query(ctx, a.asking(v, "entities"), text, func(row []any) error {
		if is, _ := row[0].(bool); is {
			if err := v.addWriter(row, sampled); err != nil {
				return &ownError{err}
			}
			return nil
		}
		if err := addEntities(&total, row[4+len(e.WriterTexts):], e.Expires); err != nil {
			return &ownError{err}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if e.Entities {
		v.rules.SetEntities(total, limits)
	}
	if e.Writers {
		v.rules.FinishWriters()
	}
	return nil
}

// spoken is an instant that SQL can say: the least and the greatest stand for all.
func spoken(at times.Instant) int64 {
	return max(int64(at), -math.MaxInt64)
}

func addEntities(total *facts.Entities, row []any, expires bool) error {
	number := func(i int) int64 { n, _ := row[i].(int64); return n }
	total.Judged, total.OnlyAfter = number(0), number(1)
	if oldest, ok := row[2].(int64); ok {
		total.OldestNewest = times.Instant(oldest)
	}
	if !expires {
		return nil
	}
	total.Stale, total.StaleEverywhere, total.StaleSomewhere = number(3), number(4), number(5)
	near, _, err := histogram(row[6])
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
}

// sampling takes all rows where a sample may hold them, else so many writers as fill one.
func (v *view) sampling() sampling {
	rows := int64(0)
	for _, id := range v.files {
		rows += v.order.Survey.Files[id].Live()
	}
	if rows <= facts.MaxWriterRows {
		return sampling{all: true, share: 1}
	}
	// were each row its writer's only one, this share would fill the sample; of busy writers it holds fewer rows than it may, and never
	// more come here than the sample has room for
	share := min(1, float64(facts.MaxWriterRows)/float64(rows))
	limit := int64(math.MinInt64) + int64(share*math.MaxUint64/2)*2
	if share >= 1 {
		limit = math.MaxInt64
	}
	return sampling{limit: limit, share: share}
}

func (v *view) addWriter(row []any, s sampling) error {
	source, _ := row[1].(string)
	hash, _ := row[2].(int64)
	text, _ := row[3].(string)
	var read [][4]int64
	if err := json.Unmarshal([]byte(text), &read); err != nil {
		return fmt.Errorf("read a sample of the cluster: %w", err)
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
	rows := make([]collect.WriterTimes, len(read))
	for i, r := range read {
		rows[i] = collect.WriterTimes{Row: uint32(r[0]), File: int32(r[1]), Event: times.Instant(r[2]), Ingested: times.Instant(r[3])}
	}
	if s.all {
		v.rules.AddWriterRows(source, parts, rows)
		return nil
	}
	v.rules.AddHashedRows(source, parts, uint64(hash)^1<<63, s.bound(), rows)
	return nil
}

// bound is the hash below which all writers are asked for, as facts.WriterSample has it.
func (s sampling) bound() uint64 {
	if s.share >= 1 {
		return facts.AllWriters
	}
	return uint64(s.limit) ^ 1<<63
}
