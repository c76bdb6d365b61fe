package diff

import (
	"github.com/featureaudit/featureaudit/audit/registry"
)

// introduced are the releases that brought the newer fields, as tenths of a minor version.
var introduced = map[string]int{"offline": 500, "batch_source.meta": 620, "enable_validation": 630, "version": 630, "org": 630, "disabled": 640}

// upgrade tells which release each side was written by, as far as its newer fields show it.
type upgrade struct {
	older int
	// newer is the latest release that each field of the newer side shows.
	newer map[string]int
}

func upgradeOf(older, newer registry.Definitions) upgrade {
	u := upgrade{newer: map[string]int{}}
	for _, v := range older.Views {
		for name := range v.NewerFields {
			u.older = max(u.older, introduced[name])
		}
	}
	for _, v := range newer.Views {
		for name := range v.NewerFields {
			u.newer[name] = introduced[name]
		}
	}
	return u
}

// explains says whether a newer release alone may have brought a field: other fields show that it wrote the newer
// side, and none that it wrote the older.
func (u upgrade) explains(name, text string) bool {
	if u.older >= introduced[name] {
		return false
	}
	for other, release := range u.newer {
		if other != name && release >= introduced[name] {
			return true
		}
	}
	return name == "batch_source.meta" || name == "version" && text == "latest" // what every view gets
}
