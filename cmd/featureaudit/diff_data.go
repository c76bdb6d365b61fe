package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/featureaudit/featureaudit/audit"
	"github.com/featureaudit/featureaudit/audit/diff"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/policy"
	"github.com/featureaudit/featureaudit/audit/registry"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/store"
)

// dataAudit is the word of --data that asks for an audit of the files of OLD.
const dataAudit = "audit"

// dataLook is what --data is asked about: the ttls, in seconds by view, before and after.
type dataLook struct {
	older, newer registry.Definitions
	old, new     map[string]float64
	asOf         time.Time
	// outs are what is written in the end.
	outs []output
	// within is what the audits may use.
	within runFlags
}

// dataFound is what --data knows. Missing is what could not be looked at though a retry may cure it: the findings
// are written all the same, and the exit code says that they are not complete.
type dataFound struct {
	reports diff.Reports
	missing error
}

// data reads the reports and audits the files that --data names.
func (c *cli) data(ctx context.Context, names []string, look dataLook) (dataFound, error) {
	found := dataFound{reports: diff.Reports{}}
	for _, name := range names {
		if name != dataAudit && c.namesReport(ctx, name) {
			r, err := c.readReport(ctx, name)
			if err == nil {
				err = c.refuseInputs(ctx, look.outs, nil)
			}
			if err != nil {
				return found, err
			}
			found.reports = append(found.reports, r)
			continue
		}
		audited, err := c.auditTTLs(ctx, name, look)
		if err != nil {
			return found, err
		}
		found.reports = append(found.reports, audited...)
		found.missing = cmp.Or(found.missing, notLookedAt(name, audited))
	}
	return found, nil
}

// notLookedAt is the first result that a retry may cure.
func notLookedAt(name string, audited []report.Report) error {
	for _, one := range audited {
		for _, r := range one.Results {
			if r.Outcome == report.Error && r.Retryable {
				return fmt.Errorf("--data %s: view %s: %s", name, r.View, cmp.Or(r.Reason, r.Message))
			}
		}
	}
	return nil
}

// namesReport tells a report from definitions: by its bytes, or where there are none that can be read by its name.
func (c *cli) namesReport(ctx context.Context, name string) bool {
	if name == "-" {
		return true
	}
	named := filepath.Ext(store.Bare(name)) == ".json"
	if info, err := os.Stat(name); !inBucket(name) && (err != nil || !info.Mode().IsRegular()) {
		return named // what is read from a pipe is gone
	}
	if head := c.firstBytes(ctx, name, 64); inBucket(name) && !bytes.HasPrefix(bytes.TrimLeft(head, " \t\r\n"), []byte("{")) {
		return named
	}
	raw, err := c.readHere(ctx, name)
	var head struct {
		Schema string `json:"schema"`
	}
	if err != nil || json.Unmarshal(raw, &head) != nil {
		return named
	}
	return strings.HasPrefix(head.Schema, "featureaudit.report/")
}

// auditTTLs audits the entities of the views whose ttl changed: once by the old ttls, once by the new.
func (c *cli) auditTTLs(ctx context.Context, name string, look dataLook) ([]report.Report, error) {
	if len(look.old)+len(look.new) == 0 {
		return nil, nil
	}
	views, err := c.dataViews(ctx, name, look)
	if err != nil {
		return nil, err
	}
	if err := c.refuseInputs(ctx, look.outs, views); err != nil {
		return nil, err
	}
	var reports []report.Report
	for _, ttls := range []map[string]float64{look.old, look.new} {
		chosen := withTTLs(views, ttls)
		if len(chosen) == 0 {
			continue
		}
		r, err := c.auditEntities(ctx, chosen, look)
		if err != nil {
			return nil, fmt.Errorf("--data %s: %w", name, err)
		}
		reports = append(reports, r)
	}
	return reports, nil
}

// dataViews are the views, resolved, whose files --data looks at.
func (c *cli) dataViews(ctx context.Context, name string, look dataLook) ([]model.View, error) {
	if name != dataAudit {
		loaded, err := c.load(ctx, definitionFlags{}, []string{name})
		return loaded.Views, err
	}
	d := look.older
	d.Views = look.changed()
	// definitions in a commit lie in no folder; their files are where the newer side's are
	if d.Root = cmp.Or(d.Root, look.newer.Root); d.Root == "" {
		return nil, usagef("--data %s: neither %s nor %s lies in a folder that relative paths could start from: name a config or a registry on disk with --data REF", name, look.older.Source, look.newer.Source)
	}
	views, err := d.ToViews()
	if err != nil {
		return nil, usagef("--data %s: %w", name, err)
	}
	dir, err := os.Getwd()
	if err != nil {
		return nil, fmt.Errorf("working directory: %w", err)
	}
	p, err := (&policy.File{Dir: dir}).Resolve(views)
	if err != nil {
		return nil, usagef("--data %s: %w", name, err)
	}
	return p.Views, nil
}

// changed are the views whose ttl changed: as OLD has them, or NEW where OLD does not know that name.
func (l dataLook) changed() []registry.View {
	var views []registry.View
	seen := map[string]bool{}
	for _, d := range []registry.Definitions{l.older, l.newer} {
		for _, v := range d.Views {
			if (l.old[v.Name] > 0 || l.new[v.Name] > 0) && !seen[v.Name] {
				seen[v.Name] = true
				views = append(views, v)
			}
		}
	}
	return views
}

// withTTLs are the views that have one of the ttls, each with its own.
func withTTLs(views []model.View, ttls map[string]float64) []model.View {
	var chosen []model.View
	for _, v := range views {
		seconds, ok := ttls[v.Name]
		if !ok {
			continue
		}
		v.TTL = model.TTL{Duration: registry.Seconds(&seconds), OnWire: registry.TTLSet, Explicit: true}
		v.Checks = nil // how severe its findings are is not asked here
		chosen = append(chosen, v)
	}
	return chosen
}

// auditEntities counts the entities that have no row younger than their view's ttl. What could not be looked at is in
// the report, with its reason.
func (c *cli) auditEntities(ctx context.Context, views []model.View, look dataLook) (report.Report, error) {
	return c.auditAside(ctx, look.within, audit.Options{Views: views, SelectChecks: report.EntityChecks(), AsOf: look.asOf.UTC().Truncate(time.Microsecond), AsOfGiven: true})
}
