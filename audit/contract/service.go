package contract

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/featureaudit/featureaudit/audit/report"
)

// servicesOf are the feature services of all definitions, sorted by key, each once.
func servicesOf(r report.Report) ([]report.FeatureService, error) {
	byKey := map[string]report.FeatureService{}
	var services []report.FeatureService
	for _, d := range r.Definitions {
		for _, s := range d.FeatureServices {
			s.Views = slices.Sorted(slices.Values(s.Views))
			key := flagKey(servicePrefix, s.Project, s.Name)
			known, twice := byKey[key]
			if twice && !slices.Equal(known.Views, s.Views) {
				return nil, fmt.Errorf("feature service %q is defined twice with different views (%s; %s in %s): rename or remove one",
					s.Name, strings.Join(known.Views, ", "), strings.Join(s.Views, ", "), d.Source)
			}
			if !twice {
				byKey[key] = s
				services = append(services, s)
			}
		}
	}
	slices.SortFunc(services, func(a, b report.FeatureService) int {
		return cmp.Or(cmp.Compare(a.Project, b.Project), cmp.Compare(a.Name, b.Name))
	})
	return services, nil
}

// worstFirst orders variants for a set of views: a proven fault first, then what nobody knows.
var worstFirst = []string{VariantFail, VariantUnknown, VariantWarn, VariantPass}

// judgeService is the worst of a service's views: as old as its oldest view, and stale as soon as the first of them is.
// The limits of single views are not carried over: beside the age of another view they would say something wrong.
func judgeService(s report.FeatureService, terms map[string]viewTerms) (string, map[string]any) {
	m := map[string]any{"feature_service": s.Name, "ttl_declared": len(s.Views) > 0}
	variants, reasons := []string{}, []string{}
	var times serviceTimes
	limited := false
	for _, name := range s.Views {
		t, audited := terms[name]
		if !audited {
			variants, reasons, times.unknown = append(variants, VariantUnknown), append(reasons, name+":not_audited"), true
			continue
		}
		variants = append(variants, t.variant)
		for _, reason := range t.reasons {
			reasons = append(reasons, name+":"+reason)
		}
		if !t.view.Definition.TTLDeclared {
			m["ttl_declared"] = false
		}
		times.add(t)
		_, promised := t.endOfPromise()
		limited = limited || promised
	}
	if !limited && m["ttl_declared"] == true {
		m["ttl_never"] = "every view of it, each for its own reason"
	}
	setText(m, map[string]string{"project": s.Project, "reasons": strings.Join(reasons, ",")})
	times.into(m)
	for _, variant := range worstFirst {
		if slices.Contains(variants, variant) {
			return variant, m
		}
	}
	return VariantUnknown, m
}

// serviceTimes are the instants of a service: the least favourable of its views.
type serviceTimes struct {
	newest, staleAfter, cleanFrom, cleanUntil time.Time
	// unknown and unclean say that some view lacks its newest event or its clean run.
	unknown, unclean bool
}

func (s *serviceTimes) add(t viewTerms) {
	if newest, known := instantAt(t.view.NewestEventTime); known {
		s.newest = earlier(s.newest, newest)
	} else {
		s.unknown = true
	}
	if end, known := t.endOfPromise(); known {
		s.staleAfter = earlier(s.staleAfter, end)
	}
	from, hasFrom := instantAt(t.view.CleanFrom)
	until, hasUntil := instantAt(t.view.CleanUntil)
	if !hasFrom || !hasUntil {
		s.unclean = true
		return
	}
	if from.After(s.cleanFrom) {
		s.cleanFrom = from
	}
	s.cleanUntil = earlier(s.cleanUntil, until)
}

func (s *serviceTimes) into(m map[string]any) {
	if !s.unknown && !s.newest.IsZero() {
		m["newest_event_time"] = formatInstant(s.newest)
	}
	if !s.staleAfter.IsZero() {
		m["stale_after"] = formatInstant(s.staleAfter)
	}
	if !s.unknown && !s.unclean && s.cleanFrom.Before(s.cleanUntil) {
		m["clean_from"], m["clean_until"] = formatInstant(s.cleanFrom), formatInstant(s.cleanUntil)
	}
}

func instantAt(text *string) (time.Time, bool) {
	if text == nil {
		return time.Time{}, false
	}
	t, err := ParseInstant(*text)
	return t, err == nil
}

// earlier is the earlier of two instants, where the zero time stands for none yet.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}
