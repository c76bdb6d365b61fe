package diff

import (
	"maps"

	"github.com/featureaudit/featureaudit/audit/registry"
	"github.com/featureaudit/featureaudit/audit/words"
)

// warnAfter is the setting that keeps the age at which a format only warns.
const warnAfter = "warn_after"

// warnsAt is what a promise became, or was, whose breach only warns.
type warnsAt float64

func (w warnsAt) String() string {
	return "only a warning at " + words.Exact(registry.Seconds((*float64)(&w)))
}

// promises compares max_age and max_lag, each as what it is: a latency is no age, and an age at which dbt only warns is
// not the one at which it fails.
func (p pairing) promises() {
	if p.kindA != p.kindB {
		p.length(MaxAge, p.a.MaxAgeSeconds, p.b.MaxAgeSeconds)
		p.length(MaxLag, p.a.MaxLagSeconds, p.b.MaxLagSeconds)
		return
	}
	older, newer := promiseOf(p.a), promiseOf(p.b)
	p.length(MaxLag, older.lag, newer.lag)
	switch {
	case older.age != nil && newer.age == nil && newer.warn != nil:
		p.note(Change{Object: MaxAge, Action: Removed, Old: *older.age, New: warnsAt(*newer.warn).String()})
	case older.age == nil && newer.age != nil && older.warn != nil:
		p.note(Change{Object: MaxAge, Action: Added, Old: warnsAt(*older.warn).String(), New: *newer.age})
	case older.age == nil && newer.age == nil:
		p.length(MaxAge, older.warn, newer.warn)
	default:
		p.length(MaxAge, older.age, newer.age)
	}
}

// promise is what a view promises: an age whose breach fails, one whose breach only warns, and a lag; in seconds.
type promise struct{ age, warn, lag *float64 }

func promiseOf(v *registry.View) promise {
	switch v.MaxAgeBy {
	case registry.ByWarnAfter:
		return promise{warn: v.MaxAgeSeconds, lag: v.MaxLagSeconds}
	case registry.ByLatency:
		return promise{lag: v.MaxAgeSeconds}
	}
	return promise{age: v.MaxAgeSeconds, lag: v.MaxLagSeconds}
}

// viewSettings compares the settings, with the age at which it warns among them even where that is its only promise; where
// neither side has another, the promise itself is compared.
func (p pairing) viewSettings() {
	a, b := p.a.Settings, p.b.Settings
	if (p.a.MaxAgeBy == registry.ByWarnAfter) != (p.b.MaxAgeBy == registry.ByWarnAfter) {
		a, b = withWarning(p.a), withWarning(p.b)
	}
	if p.a.SettingsInPart || p.b.SettingsInPart {
		a, b = inPart(a), inPart(b)
	}
	p.texts(Setting, a, b)
}

// inPart are the settings that an older report can say.
func inPart(settings map[string]string) map[string]string {
	said := maps.Clone(settings)
	maps.DeleteFunc(said, func(key, _ string) bool { return !registry.SaidInPart(key) })
	return said
}

func withWarning(v *registry.View) map[string]string {
	if v.MaxAgeBy != registry.ByWarnAfter {
		return v.Settings
	}
	settings := maps.Clone(v.Settings)
	if settings == nil {
		settings = map[string]string{}
	}
	settings[warnAfter] = words.Exact(registry.Seconds(v.MaxAgeSeconds))
	return settings
}
