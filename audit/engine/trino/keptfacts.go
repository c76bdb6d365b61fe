package trino

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/internal/collect"
	"github.com/featureaudit/featureaudit/audit/kept"
	"github.com/featureaudit/featureaudit/audit/sensitive"
	"github.com/featureaudit/featureaudit/audit/times"
	"github.com/featureaudit/featureaudit/sql"
)

// Facts are what is kept of files from run to run, as collect.Collector has them. What a cluster counted rests on its release and on what it
// was asked beside, so that facts of DuckDB are none of its own.
type Facts struct {
	// Kept is nil where nothing is.
	Kept      *kept.Dir
	Paranoid  bool
	Distrusts func(path string) bool
	Hasher    *sensitive.Hasher
	// Release names what the program itself reads times and zones by, and Stage has the ends of distant files.
	Release string
	Stage   collect.Stage
}

// rules are those of rows, whoever reads them.
func (c Collector) rules() collect.Collector {
	f := c.Facts
	return collect.Collector{Store: c.Store, Atlas: c.Atlas, Stage: f.Stage, Kept: f.Kept, Paranoid: f.Paranoid, Distrusts: f.Distrusts, Hasher: f.Hasher, Release: f.Release}
}

// recall finds the files whose facts are known; all others are counted. Of what is known it is asked only whether the table still shows it.
func (a *asked) recall(ctx context.Context, v *view) error {
	v.fresh = v.files
	if a.Facts.Kept == nil || !v.rules.Wants().Has(facts.WantRows) {
		return nil
	}
	v.keeps = v.rules.Keeps()
	grounds, err := a.grounds(ctx, v)
	if err != nil {
		return err
	}
	v.rules.Recall(grounds)
	sources, err := v.rules.AddKnown()
	if err != nil {
		return err
	}
	for _, source := range sources {
		v.see(source)
	}
	var known []int32
	v.fresh = nil
	for _, id := range v.files {
		if v.rules.Known(id) {
			known = append(known, id)
		} else {
			v.fresh = append(v.fresh, id)
		}
	}
	if len(known) == 0 || v.table.version != "" {
		return nil // a version of a table has the files that were listed
	}
	return a.excuseNil(ctx, v, a.shown(ctx, v, known))
}

// excuseNil is excuse for what may be no error.
func (a *asked) excuseNil(ctx context.Context, v *view, err error) error {
	if err == nil {
		return nil
	}
	return a.excuse(ctx, v, err)
}

// see notes a source of rows.
func (v *view) see(source string) {
	if len(v.seen) <= mostCodes && !slices.Contains(v.seen, source) {
		v.seen = append(v.seen, source)
	}
}

// shown asks which files the table has, and how many rows of each, by their footers alone: a file that is known may be shown no more, and others
// may have come that the view's path does not list.
func (a *asked) shown(ctx context.Context, v *view, known []int32) error {
	a.under = func(where string) (string, error) {
		if where != "" {
			where = " WHERE " + where
		}
		return `SELECT t."$path", count(*) FROM ` + v.table.from() + " t" + where + " GROUP BY 1", nil
	}
	text, err := a.under(a.where(v))
	if err != nil {
		return err
	}
	byPath := map[string]int32{}
	for _, id := range v.files {
		byPath[v.paths.there(v.order.Survey.Files[id].Abs)] = id
	}
	seen, strange := map[int32]int64{}, []string{}
	step := a.asking(v, "files")
	step.table = false // it reads no row
	footers, err := a.Cluster.footersAlone(ctx, v.order.View.Name, a.name.Catalog)
	if err != nil {
		return err
	}
	step.session = strings.Trim(step.session+","+footers, ",")
	err = a.Cluster.query(ctx, step, text, func(row []any) error {
		path, _ := row[0].(string)
		rows, _ := row[1].(int64)
		if id, is := byPath[path]; is {
			seen[id] += rows
		} else {
			strange = append(strange, path)
		}
		return nil
	})
	switch {
	case err != nil:
		return err
	case len(strange) > 0:
		return strangers(v, strange)
	case a.compareRows(v, known, seen):
		return errAgain
	}
	return nil
}

// grounds is the digest of what facts of files rest on of the cluster and of the question: all of its text but for what it says of as_of and
// of each file, of which facts say themselves whether it changes them, and the types that the table declares.
func (a *asked) grounds(ctx context.Context, v *view) (string, error) {
	release, err := a.Cluster.release(ctx, v.order.View.Name)
	if err != nil {
		return "", err
	}
	p, err := v.profileSQL()
	if err != nil {
		return "", err
	}
	p.AsOf, p.EventBin, p.Bounds = 0, 0, nil
	rows := v.rows("")
	rows.Files, rows.Rules, rows.SentinelAfter, rows.Table = "", "", 0, v.table.name
	if p.Rows, err = sql.Trino("rows", rows); err != nil {
		return "", err
	}
	text, err := sql.Trino("profile", p)
	if err != nil {
		return "", err
	}
	on := []string{engineName, release, text, v.table.connector, a.asking(v, "").session}
	for _, column := range slices.Sorted(maps.Keys(v.table.columns)) {
		if strings.Contains(text, "t."+quoted(column)) {
			on = append(on, column, v.table.columns[column])
		}
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%q", on))
	return engineName + " " + release + " " + hex.EncodeToString(sum[:]), nil
}

const engineName = "Trino"

// release is that of the cluster.
func (c *Cluster) release(ctx context.Context, view string) (release string, err error) {
	c.mu.Lock()
	release = c.version
	c.mu.Unlock()
	if release != "" {
		return release, nil
	}
	err = c.query(ctx, asking{view: view, step: "describe"}, "SELECT version()", func(row []any) error {
		release, _ = row[0].(string)
		return nil
	})
	if err != nil {
		return "", err
	}
	c.mu.Lock()
	c.version = release
	c.mu.Unlock()
	return release, nil
}

// smallFiles is the property of a catalog that says up to which size files are read as a whole.
const smallFiles = ".parquet_small_file_threshold"

// footersAlone is the session in which a catalog reads of small files, too, no more than a query needs; empty where it does not know how.
func (c *Cluster) footersAlone(ctx context.Context, view, catalog string) (session string, err error) {
	c.mu.Lock()
	session, known := c.footers[catalog]
	c.mu.Unlock()
	if known {
		return session, nil
	}
	err = c.query(ctx, asking{view: view, step: "describe"}, "SHOW SESSION LIKE "+literal(catalog+smallFiles), func(row []any) error {
		if name, _ := row[0].(string); name == catalog+smallFiles {
			session = name + "=0B"
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	c.mu.Lock()
	c.footers[catalog] = session
	c.mu.Unlock()
	return session, nil
}

// portionFiles is how many files of a view one question names that is about some of its files alone.
const portionFiles = 1000

// profileTexts are the questions of the profile: one of all files, or those of the files that are not known.
func (a *asked) profileTexts(v *view) ([]string, error) {
	if len(v.fresh) == len(v.files) {
		text, err := v.profileText(a.where(v))
		return []string{text}, err
	}
	var texts []string
	for some := range slices.Chunk(v.fresh, portionFiles) {
		narrow := *v
		if err := narrow.tell(some); err != nil {
			return nil, err
		}
		text, err := narrow.profileText(a.only(v, some))
		if err != nil {
			return nil, err
		}
		texts = append(texts, text)
	}
	return texts, nil
}

// only is the condition of some files: by the values of partitions' columns, so that the cluster lists no other partition, and by their names.
func (a *asked) only(v *view, some []int32) string {
	files, paths := make([]facts.File, len(some)), make([]string, len(some))
	for i, id := range some {
		files[i] = v.order.Survey.Files[id]
		paths[i] = literal(v.paths.there(files[i].Abs))
	}
	var conditions []string
	for _, column := range a.table.partitioned {
		values, count := a.table.valuesOf(column, files), 0
		for _, of := range values {
			count += len(of)
		}
		if count == len(files) {
			conditions = append(conditions, "t."+quoted(column)+" IN ("+strings.Join(slices.Sorted(maps.Keys(values)), ", ")+")")
		}
	}
	return strings.Join(append(conditions, a.table.path()+" IN ("+strings.Join(paths, ", ")+")"), " AND ")
}

// farBounds are the first event and ingest times of rows that lie beyond what can be a time: later, they can be one.
func farBounds(after int64) []string {
	return []string{fmt.Sprintf("min(if(e0 > %d, e0))", after), fmt.Sprintf("min(if(i0 > %d, i0))", after)}
}

// noteFar notes the far times of a row of the profile, where facts are kept.
func (v *view) noteFar(row []any, by classes) {
	file, _ := row[1].(int64)
	for at := len(boundsOfRows); at < len(by.bounds); at++ {
		if far, ok := row[rowsAt+1+at].(int64); ok {
			v.rules.Far(int32(file), times.Instant(far))
		}
	}
}
