package main

import (
	"context"
	"errors"
	"slices"

	"github.com/featureaudit/featureaudit/audit"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/store"
	"github.com/featureaudit/featureaudit/audit/verify"
)

// narrowed is a store that lists some files only.
type narrowed struct {
	store.Store
	keep map[string]bool
}

// AtOnce implements store.Distant.
func (n narrowed) AtOnce(abs string) int { return store.AtOnce(n.Store, abs) }

// List lists those of the files that are kept.
func (n narrowed) List(ctx context.Context, base, glob string) (store.Listing, error) {
	l, err := n.Store.List(ctx, base, glob)
	l.Entries = slices.DeleteFunc(l.Entries, func(e store.Entry) bool { return !n.keep[e.Abs] })
	return l, err
}

// auditFiles runs the checks of an audit that tell what a backfill may bring over some files of a view.
func auditFiles(ctx context.Context, limits audit.Options, o *verify.Options, view model.View, keep map[string]bool) (verify.Audited, error) {
	options := limits
	options.Views, options.SelectChecks, options.Mask = []model.View{view}, verify.AuditChecks(), o.Mask
	options.AsOf, options.AsOfGiven, options.NameFindings, options.Uncovered = o.AsOf.Time(), true, true, true
	options.Adapters.Store = narrowed{options.Adapters.Store, keep}
	done, err := runAudit(ctx, options)
	if errors.Is(err, audit.ErrNothing) {
		err = nil
	}
	all := verify.Audited{Report: done.Report, Uncovered: map[string]verify.Uncovered{}}
	for _, u := range done.Uncovered {
		if u.Missing != "" {
			all.UncoveredMissing = u.Missing
			continue
		}
		all.Uncovered[u.Path] = verify.Uncovered{InNone: u.InNone, Late: u.Late, Ahead: u.Ahead}
	}
	return all, err
}
