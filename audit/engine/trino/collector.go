package trino

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/featureaudit/featureaudit/audit/engine"
	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/internal/collect"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/store"
	"github.com/featureaudit/featureaudit/audit/survey"
	"github.com/featureaudit/featureaudit/audit/times"
	"github.com/featureaudit/featureaudit/audit/zone"
)

// Collector has a cluster count the rows of views. It implements engine.Collector.
type Collector struct {
	Cluster *Cluster
	// Store reaches the files whose footers were read.
	Store store.Store
	// Atlas keeps zones that were read; nil reads them anew.
	Atlas *zone.Atlas
	// Facts are those of earlier runs, and take those of this one.
	Facts Facts
}

var _ engine.Collector = Collector{}

// attempts bounds how often a view is counted again because a file of it turned out to be unreadable or to have changed.
const attempts = 20

// Collect implements engine.Collector.
func (c Collector) Collect(ctx context.Context, o engine.Order) (facts.Collection, error) {
	if err := context.Cause(ctx); err != nil {
		return facts.Collection{}, err
	}
	name, err := ParseName(o.View.Table.Trino, c.Cluster.config.Catalog, c.Cluster.config.Schema)
	if err != nil {
		return facts.Collection{}, err
	}
	table, err := c.Cluster.describe(ctx, o.View.Name, name, precise(o))
	if err != nil {
		return facts.Collection{}, err
	}
	if err := c.Cluster.pin(ctx, table, o); err != nil {
		return facts.Collection{}, err
	}
	asked := &asked{Collector: c, name: name, table: table, unread: map[int32]facts.Problem{}}
	for try := 0; ; try++ {
		collection, err := asked.collect(ctx, o)
		if errors.Is(err, collect.ErrForgotten) {
			try-- // less is known each time
			continue
		}
		if !errors.Is(err, errAgain) {
			return collection, err
		}
		if try == attempts+len(o.Survey.Schemas) {
			return facts.Collection{}, fmt.Errorf("%d files of %s failed one after the other: %s", len(asked.unread), o.View.Name, asked.last)
		}
	}
}

// precise says whether a time of the view may have nanoseconds.
func precise(o engine.Order) bool {
	return slices.ContainsFunc(o.Survey.Schemas, func(s facts.Schema) bool {
		return slices.ContainsFunc(s.Columns, func(c facts.Column) bool { return c.Unit == "ns" || c.Physical == "INT96" })
	})
}

// errAgain says that a file was set aside: all is counted once more without it.
var errAgain = errors.New("a file was set aside")

// asked is one order, through all attempts.
type asked struct {
	Collector
	name   TableName
	table  *described
	unread map[int32]facts.Problem
	// last is the problem that was found last.
	last string
	// alone says that the cluster had no memory for two readings at once.
	alone bool
	// beside says that another reading runs beside this one.
	beside bool
	// under makes the text of the query under way for other files: by it the one is found that it fails on.
	under func(where string) (string, error)
}

func (a *asked) collect(ctx context.Context, o engine.Order) (facts.Collection, error) {
	rules, err := collect.NewElsewhere(a.rules().Request(o))
	if err != nil {
		return facts.Collection{}, err
	}
	for id, problem := range a.unread {
		rules.SetAside(id, problem)
	}
	v := a.viewOf(o, rules)
	if len(v.files) == 0 || !rules.Wants().Rows() {
		countNothing(rules)
		return rules.Collection(), nil
	}
	if err := v.prepare(); err != nil {
		return facts.Collection{}, err
	}
	for _, id := range v.files {
		if refused, odd := v.odd[o.Survey.Files[id].Schema]; odd {
			a.setAside(id, facts.Problem{Kind: facts.ProblemUnsupported, Message: refused.reason})
		}
	}
	if len(v.odd) > 0 {
		return facts.Collection{}, errAgain
	}
	if err := a.recall(ctx, v); err != nil {
		return facts.Collection{}, err
	}
	if err := a.steps(ctx, v); err != nil {
		return facts.Collection{}, err
	}
	if changed := a.changed(ctx, v); changed {
		return facts.Collection{}, errAgain
	}
	rules.Remember(v.answers.said)
	return rules.Collection(), nil
}

// countNothing says of no row what is wanted: that there is none is known, and not that nobody looked.
func countNothing(rules *collect.Elsewhere) {
	rules.FinishSlices()
	wants := rules.Wants()
	if wants.Has(facts.WantEntities) {
		rules.SetEntities(facts.Entities{OldestNewest: times.None}, rules.EntityLimits())
	}
	if wants.Has(facts.WantWriters) {
		rules.FinishWriters()
	}
	if wants.Has(facts.WantKeys) {
		rules.SetKeys(0, 0)
	}
}

// step is one reading of the table.
type step struct {
	name  string
	wants facts.Wants
	run   func(*asked, context.Context, *view) error
}

// steps asks for the profile, and then for all else at once: what that is asked rests on the profile. A cluster that has no memory for both is
// asked for one after the other.
func (a *asked) steps(ctx context.Context, v *view) error {
	profile, entities, keys := step{"profile", facts.WantRows, (*asked).profile}, step{"entities", facts.WantEntities | facts.WantWriters, (*asked).entities}, step{"keys", facts.WantKeys, (*asked).keys}
	turns := [][]step{{profile}, {entities, keys}}
	if a.alone {
		turns = [][]step{{profile}, {entities}, {keys}}
	}
	for i, turn := range turns {
		turn = slices.DeleteFunc(turn, func(s step) bool { return !v.rules.Wants().Has(s.wants) })
		for _, s := range turn {
			if v.order.Progress != nil {
				v.order.Progress("trino "+s.name, 0, 0)
			}
		}
		if err := a.atOnce(ctx, v, turn); err != nil {
			return err
		}
		if i > 0 || len(turn) == 0 {
			continue
		}
		if err := a.recallAnswers(v); err != nil {
			return err
		}
	}
	return nil
}

// atOnce runs some steps, and ends the others when one fails.
func (a *asked) atOnce(ctx context.Context, v *view, some []step) error {
	each, cancel := context.WithCancel(ctx)
	defer cancel()
	own, failed := make([]asked, len(some)), make([]error, len(some))
	var running sync.WaitGroup
	for i, s := range some {
		own[i] = *a // each has a query of its own under way
		own[i].beside = len(some) > 1
		running.Go(func() {
			v.turn.Lock()
			defer v.turn.Unlock()
			if failed[i] = s.run(&own[i], each, v); failed[i] != nil {
				cancel()
			}
		})
	}
	running.Wait()
	var first, ended error
	for i, err := range failed {
		if err == nil {
			continue
		}
		if errors.Is(err, context.Canceled) && ctx.Err() == nil {
			ended = err // since another one has failed
			continue
		}
		if len(some) > 1 && lacksMemory(err) {
			a.alone = true
			return errAgain
		}
		if err = own[i].excuse(ctx, v, err); first == nil || !errors.Is(err, errAgain) {
			first, a.last = err, own[i].last
		}
	}
	return cmp.Or(first, ended)
}

// ask has the cluster answer while others have their turn.
func (a *asked) ask(ctx context.Context, v *view, what asking, text string, each func(row []any) error) error {
	v.turn.Unlock()
	defer v.turn.Lock()
	return a.Cluster.query(ctx, what, text, func(row []any) error {
		v.turn.Lock()
		defer v.turn.Unlock()
		return each(row)
	})
}

// lacksMemory says that the cluster had no memory for a query.
func lacksMemory(err error) bool {
	var said *Error
	return errors.As(err, &said) && strings.Contains(said.Name, "MEMORY")
}

// viewOf is an order with the files that are counted.
func (a *asked) viewOf(o engine.Order, rules *collect.Elsewhere) *view {
	v := &view{turn: &sync.Mutex{}, order: o, rules: rules, table: a.table, paths: pathsOf(a.table.location), odd: map[int32]refusal{}}
	for i := range o.Survey.Files {
		if file := &o.Survey.Files[i]; o.Survey.Counts(file, rules.Wants()) && !rules.Unread(file.ID) {
			v.files = append(v.files, file.ID)
		}
	}
	return v
}

// changed sets aside the files that are no longer what was listed.
func (a *asked) changed(ctx context.Context, v *view) bool {
	found := false
	for _, id := range v.files {
		if problem := survey.Changed(ctx, a.Store, v.order.Survey.Files[id]); problem != nil {
			a.setAside(id, *problem)
			found = true
		}
	}
	return found
}

func (a *asked) setAside(id int32, problem facts.Problem) {
	a.unread[id] = problem
	a.last = problem.Message
}

// excuse finds the file that a query failed on, by its name in the error.
func (a *asked) excuse(ctx context.Context, v *view, err error) error {
	var said *Error
	if !errors.As(err, &said) || said.Type == "USER_ERROR" && !strings.Contains(said.Name, "BAD_DATA") && said.Name != "NOT_SUPPORTED" || said.Type == "" {
		return err
	}
	if said.Type == "INSUFFICIENT_RESOURCES" {
		return err // no file is to blame for what the cluster lacks
	}
	found, length := int32(-1), 0
	for _, id := range v.files {
		there := v.paths.there(v.order.Survey.Files[id].Abs)
		if len(there) > length && strings.Contains(said.Message, there) {
			found, length = id, len(there)
		}
	}
	if found < 0 {
		var culprit error
		if found, culprit = a.hunt(ctx, v); found < 0 {
			return cmp.Or(context.Cause(ctx), err)
		}
		if !errors.As(culprit, &said) {
			return err
		}
	}
	kind := facts.ProblemUnsupported
	switch {
	case strings.HasSuffix(said.Name, "BAD_DATA"), said.Name == "GENERIC_INTERNAL_ERROR":
		kind = facts.ProblemCorrupt
	case said.retry:
		kind = facts.ProblemIO
	}
	a.setAside(found, facts.Problem{Kind: kind, Message: said.Message})
	return errAgain
}

// hunt finds the file that a query fails on whose name no error says, by halves; -1 where no single file does. Its error is the file's.
func (a *asked) hunt(ctx context.Context, v *view) (int32, error) {
	suspects := v.files
	for len(suspects) > 1 {
		half := suspects[:len(suspects)/2]
		if a.fails(ctx, v, half) == nil {
			half = suspects[len(suspects)/2:]
		}
		suspects = half
	}
	if ctx.Err() != nil {
		return -1, nil
	}
	if err := a.fails(ctx, v, suspects); err != nil {
		return suspects[0], err
	}
	return -1, nil
}

// fails counts some files alone, and drops what it counts.
func (a *asked) fails(ctx context.Context, v *view, files []int32) error {
	paths := make([]string, len(files))
	for i, id := range files {
		paths[i] = literal(v.paths.there(v.order.Survey.Files[id].Abs))
	}
	text, err := a.under(a.table.path() + " IN (" + strings.Join(paths, ", ") + ")")
	if err != nil {
		return err
	}
	return a.Cluster.query(ctx, a.asking(v, "hunt for a bad file"), text, func([]any) error { return nil })
}

// where leaves out the files that are not counted: by a value of a partition's column where all files with it are left out, so that the
// cluster does not even list them; else by their names. What this program does not know of stays in, and is found.
func (a *asked) where(v *view) string {
	counted := map[int32]bool{}
	for _, id := range v.files {
		counted[id] = true
	}
	left := map[int32]bool{}
	for i := range v.order.Survey.Files {
		if id := v.order.Survey.Files[i].ID; !counted[id] {
			left[id] = true
		}
	}
	var conditions, files []string
	for _, column := range a.table.partitioned {
		if !valued(column, v.order.Survey.Files, counted) {
			continue // a file of an older layout of the table has rows of several values
		}
		var values []string
		for value, of := range a.table.valuesOf(column, v.order.Survey.Files) {
			if slices.ContainsFunc(of, func(id int32) bool { return counted[id] }) {
				continue
			}
			values = append(values, value)
			for _, id := range of {
				delete(left, id)
			}
		}
		if len(values) > 0 {
			slices.Sort(values)
			name := "t." + quoted(column)
			conditions = append(conditions, "("+name+" IS NULL OR "+name+" NOT IN ("+strings.Join(values, ", ")+"))")
		}
	}
	for i := range v.order.Survey.Files {
		if file := &v.order.Survey.Files[i]; left[file.ID] {
			files = append(files, literal(v.paths.there(file.Abs)))
		}
	}
	if len(files) > 0 {
		conditions = append(conditions, a.table.path()+" NOT IN ("+strings.Join(files, ", ")+")")
	}
	return strings.Join(conditions, " AND ")
}

// valued says that a column has one value in each file that counts.
func valued(column string, files []facts.File, counted map[int32]bool) bool {
	return !slices.ContainsFunc(files, func(f facts.File) bool {
		return counted[f.ID] && !slices.ContainsFunc(f.Values, func(v facts.Value) bool { return strings.EqualFold(v.Name, column) })
	})
}

// valuesOf are the values of a column that partitions the table, as SQL writes them, with the files that have each; none of files whose value
// is no plain one.
func (d *described) valuesOf(column string, files []facts.File) map[string][]int32 {
	found := map[string][]int32{}
	for i := range files {
		at := slices.IndexFunc(files[i].Values, func(v facts.Value) bool { return strings.EqualFold(v.Name, column) })
		if at < 0 {
			continue
		}
		if value, ok := plainValue(files[i].Values[at].Text, d.columns[column]); ok {
			found[value] = append(found[value], files[i].ID)
		}
	}
	return found
}

// plainValue is a partition's value as SQL writes it, if it is one that folders and tables write alike.
func plainValue(text, typeText string) (string, bool) {
	plain := text != "" && !strings.HasPrefix(text, "__") && !strings.ContainsFunc(text, func(r rune) bool {
		return !(r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '-' || r == '_' || r == '.')
	})
	switch kindOf(typeText) {
	case kindText:
		return literal(text), plain && strings.HasPrefix(typeText, "varchar")
	case kindDate:
		_, err := time.Parse(time.DateOnly, text)
		return "DATE " + literal(text), err == nil
	case kindInteger:
		number, err := strconv.ParseInt(text, 10, 32)
		return strconv.FormatInt(number, 10), err == nil
	default:
		return "", false
	}
}

func (a *asked) asking(v *view, step string) asking {
	return asking{view: v.order.View.Name, step: step, session: a.Cluster.session(a.name, a.table), table: true}
}

// byIngest says that rows are filed by when they came.
func byIngest(v model.View) bool { return v.TimePartition.Of == model.OfIngestedAt }
