package check

import (
	"slices"

	"github.com/featureaudit/featureaudit/audit/report"
)

// identified is what the fingerprint of a finding is made of: its subject in names that last.
func (b *judging) identified(r row) report.Subject {
	s := b.Identity(r.subject)
	if r.lasting != "" {
		s.Object = r.lasting
	}
	return s
}

func (b *judging) fingerprint(c Check, r row) string {
	return Fingerprint(c.ID, b.View.Name, b.identified(r))
}

// joined makes one finding of those that are about the same thing, such as the rows of two writing libraries in one partition of a
// source: what is followed from report to report must stand once in each.
func (b *judging) joined(findings []row) []row {
	at := make(map[report.Subject]int, len(findings))
	out := findings[:0]
	for _, f := range findings {
		key := b.identified(f)
		i, known := at[key]
		if !known {
			at[key] = len(out)
			out = append(out, f)
			continue
		}
		out[i] = join(out[i], f)
	}
	return out
}

func join(a, b row) row {
	a.total, a.bad = a.total+b.total, a.bad+b.bad
	a.partitions = append(slices.Clone(a.partitions), b.partitions...)
	if b.message != "" && b.message != a.message {
		if a.message != "" {
			a.message += "; "
		}
		a.message += b.message
	}
	measures := map[string]any{}
	for name, value := range b.measures {
		measures[name] = value
	}
	for name, value := range a.measures {
		measures[name] = joinMeasure(value, measures[name])
	}
	if len(measures) > 0 {
		a.measures = measures
	}
	return a
}

// joinMeasure adds up counts, and names both of two texts; of anything else it keeps the first.
func joinMeasure(a, b any) any {
	switch x := a.(type) {
	case int64:
		if y, ok := b.(int64); ok {
			return x + y
		}
	case string:
		if y, ok := b.(string); ok && x != y {
			return x + ", " + y
		}
	}
	return a
}

// named gives a result its findings: the worst as such, of all that can be followed the fingerprints with what they count, and all of
// them by name where that is wanted.
func (b *judging) named(c Check, r report.Result, all []row) report.Result {
	r.FindingsTotal = int64(len(all))
	for i, f := range all {
		one := report.Finding{Subject: f.subject, RowsTotal: f.total, RowsBad: f.bad, Fingerprint: b.fingerprint(c, f),
			FingerprintNote: b.fingerprintNote(f.subject), Suppressed: f.suppressed}
		if i < maxFindings {
			one = b.finding(c, r, f)
			r.Findings = append(r.Findings, one)
		}
		if b.NameFindings {
			r.Every = append(r.Every, one)
		}
		follow(&r, one)
	}
	slices.Sort(r.FingerprintsSuppressed)
	return r
}

// follow writes down the fingerprint of a finding, if that can be followed.
func follow(r *report.Result, f report.Finding) {
	if f.FingerprintNote != "" {
		r.FindingsUnfollowed++
		return
	}
	if r.Fingerprints == nil {
		r.Fingerprints = map[string]int64{}
	}
	r.Fingerprints[f.Fingerprint] = f.RowsBad
	if f.Suppressed {
		r.FingerprintsSuppressed = append(r.FingerprintsSuppressed, f.Fingerprint)
	}
}
