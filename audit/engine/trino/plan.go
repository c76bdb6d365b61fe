package trino

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/featureaudit/featureaudit/audit/engine"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/internal/collect"
	"github.com/featureaudit/featureaudit/sql"
)

// Planned is one query that a look would ask, as the cluster explains it before.
type Planned struct {
	// Step is what it is for.
	Step string `json:"step"`
	// Reads is what the cluster says that it would read, as EXPLAIN (TYPE IO) says it: the tables, and the partitions of them.
	Reads json.RawMessage `json:"reads"`
	// Files and Bytes are those of the view that it would open, by the listing.
	Files int   `json:"files"`
	Bytes int64 `json:"bytes"`
}

// Plan says which queries an order leads to, and what each would read. It counts nothing.
func (c Collector) Plan(ctx context.Context, o engine.Order) ([]Planned, error) {
	name, err := ParseName(o.View.Table.Trino, c.Cluster.config.Catalog, c.Cluster.config.Schema)
	if err != nil {
		return nil, err
	}
	table, err := c.Cluster.describe(ctx, o.View.Name, name, precise(o))
	if err != nil {
		return nil, err
	}
	if err := c.Cluster.pin(ctx, table, o); err != nil {
		return nil, err
	}
	a := &asked{Collector: c, name: name, table: table, unread: map[int32]facts.Problem{}}
	rules, err := collect.NewElsewhere(a.rules().Request(o))
	if err != nil {
		return nil, err
	}
	v := a.viewOf(o, rules)
	if len(v.files) == 0 || !rules.Wants().Rows() {
		return nil, nil
	}
	if err := v.prepare(); err != nil {
		return nil, err
	}
	rules.FinishSlices() // no row was counted: what rests on counts is as of no row
	texts := []struct {
		step string
		text func() (string, error)
	}{{"profile", func() (string, error) { return v.profileText(a.where(v)) }}}
	if rules.Wants().Has(facts.WantEntities | facts.WantWriters) {
		texts = append(texts, struct {
			step string
			text func() (string, error)
		}{"entities", func() (string, error) {
			e, _, err := a.entitiesSQL(v, a.where(v))
			if err != nil {
				return "", err
			}
			return sql.Trino("entities", e)
		}})
	}
	if rules.Wants().Has(facts.WantKeys) && len(v.key) > 0 {
		texts = append(texts, struct {
			step string
			text func() (string, error)
		}{"keys", func() (string, error) {
			q, err := a.keysSQL(v, a.where(v))
			if err != nil {
				return "", err
			}
			return sql.Trino("keys", q)
		}})
	}
	var plan []Planned
	for _, query := range texts {
		text, err := query.text()
		if err != nil {
			return nil, err
		}
		p := Planned{Step: query.step, Files: len(v.files)}
		for _, id := range v.files {
			p.Bytes += o.Survey.Files[id].Size
		}
		explain := a.asking(v, "explain "+query.step)
		explain.table = false
		if err := c.Cluster.query(ctx, explain, "EXPLAIN (TYPE IO, FORMAT JSON) "+text, func(row []any) error {
			said, _ := row[0].(string)
			var read struct {
				Tables json.RawMessage `json:"inputTableColumnInfos"`
			}
			if err := json.Unmarshal([]byte(said), &read); err != nil {
				return &ownError{fmt.Errorf("read what the cluster explains: %w", err)}
			}
			p.Reads = read.Tables
			return nil
		}); err != nil {
			return nil, err
		}
		plan = append(plan, p)
	}
	return plan, nil
}
