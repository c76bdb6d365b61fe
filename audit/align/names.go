package align

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/zone"
)

// ErrName says that a view cannot be copied under its name.
var ErrName = errors.New("the name cannot be a folder's")

// ErrCorrection says that a correction is none that an audit makes.
var ErrCorrection = errors.New("the correction is none that can be made")

// Prefix is where a view's files stand below the target: as below base, the config's folder, or where they lie elsewhere in
// a folder of the view's name. It never leads out of the target.
func Prefix(view, base, root string) (string, error) {
	rel, err := filepath.Rel(base, root)
	if err == nil && filepath.IsLocal(rel) {
		return filepath.ToSlash(rel), nil
	}
	return folder(view)
}

// longestName is how many bytes a folder's name may have on the usual file systems.
const longestName = 255

// folder is the one way in which a name from data or definitions becomes a folder: a name that another system would take for
// a path, or that a listing would leave out, is refused.
func folder(name string) (string, error) {
	problem := ""
	switch {
	case name == "":
		problem = "it is empty"
	case len(name) > longestName:
		problem = fmt.Sprintf("it has %d bytes, and a folder's may have %d", len(name), longestName)
	case !utf8.ValidString(name) || strings.IndexFunc(name, report.Hidden) >= 0:
		problem = "it has characters that cannot be seen"
	case strings.ContainsAny(name, `/\`+"\x00:"):
		problem = "it would be a path"
	case strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_"):
		problem = "it begins with a dot or an underscore, and an audit of the copy would leave it out"
	default:
		return name, nil
	}
	return "", fmt.Errorf("%w: the files of view %.80q lie outside of the config's folder, so that they would be copied into a folder of that name, but %s: rename the view", ErrName, name, problem)
}

// checkCorrections refuses shifts that no clock of another zone explains: a report that says so was not written by an audit.
func checkCorrections(o Options) error {
	if len(o.Corrections) == 0 {
		return nil
	}
	real := zone.RealOffsets(0, lastInstant)
	declared, err := zone.OffsetsOf(declaredZones(o.View), 0, lastInstant)
	if err != nil {
		return fmt.Errorf("zones of view %s: %w", o.View.Name, err)
	}
	offsets := map[int64]bool{}
	for _, a := range append(real, declared...) {
		for _, b := range append(real, declared...) {
			offsets[int64(a.Offset-b.Offset)] = true
		}
	}
	for _, c := range o.Corrections {
		switch c.Evidence {
		case report.Certain, report.Arithmetic, report.Statistical:
		default:
			return fmt.Errorf("%w: file %s of view %s: its evidence is %.40q, which this release does not know", ErrCorrection, c.File, o.View.Name, c.Evidence)
		}
		if c.ShiftSeconds != nil && !offsets[*c.ShiftSeconds] {
			return fmt.Errorf("%w: file %s of view %s: a shift of %d seconds is no distance between the clocks of two zones", ErrCorrection, c.File, o.View.Name, *c.ShiftSeconds)
		}
		if (c.LagFromSeconds == nil) != (c.LagToSeconds == nil) {
			return fmt.Errorf("%w: file %s of view %s: its range of lags has one end only", ErrCorrection, c.File, o.View.Name)
		}
	}
	return nil
}

// declaredZones are those that a view names: fixed offsets among them are no zone of the tz database.
func declaredZones(v model.View) []string {
	names := append(slices.Clone(v.Zones), v.Zone, v.EventTime.Zone)
	for _, s := range v.Sources {
		names = append(names, s.Zone, s.EventTime.Zone)
	}
	return slices.DeleteFunc(names, func(name string) bool { return name == "" || name == model.ZoneDevice })
}

// lastInstant is the end of the years whose offsets are known, 2200-01-01 in microseconds.
const lastInstant = 7_258_118_400_000_000
