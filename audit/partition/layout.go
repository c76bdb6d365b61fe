package partition

import (
	"errors"
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/times"
	"github.com/featureaudit/featureaudit/audit/zone"
)

// hiveNull is how Hive writes a partition column that is NULL.
const hiveNull = "__HIVE_DEFAULT_PARTITION__"

// Key is the partition that a path lies in.
type Key struct {
	// Value is the part of the path that says so, as it is written there: "dt=2026-11-03", "2026/11/03".
	Value string
	// Start and End bound it, End excluded; both are times.None where it is not Dated.
	Start, End times.Instant
	Dated      bool

	// Stray says that the path names no period of the layout at all.
	Stray bool

	// civil is its beginning in its own calendar.
	civil times.Local
	// style is how it is written.
	style style
}

// Layout reads keys out of paths.
type Layout struct {
	tp    model.TimePartition
	table *zone.Table
}

// PathError says that a path does not carry what the layout expects of every path.
type PathError struct {
	Path string
	// Want names the column or kind of folder, Found the value that it has; Found is empty where there is none.
	Want  string
	Found string
	Hint  string
}

func (e *PathError) Error() string {
	if e.Found == "" {
		return fmt.Sprintf("%s: its path has no %s; %s", e.Path, e.Want, e.Hint)
	}
	return fmt.Sprintf("%s: %s is %q; %s", e.Path, e.Want, e.Found, e.Hint)
}

// New checks a time partition and returns its layout.
func New(tp model.TimePartition) (Layout, error) {
	if _, ok := examples[tp.Grain]; !ok {
		return Layout{}, fmt.Errorf("time_partition.grain: %q: want hour, day, week or month", tp.Grain)
	}
	table, err := zone.Load(tp.Zone)
	if err != nil {
		return Layout{}, fmt.Errorf("time_partition.zone: %w", err)
	}
	for i, c := range tp.Columns {
		if c == "" || slices.Contains(tp.Columns[:i], c) {
			return Layout{}, fmt.Errorf("time_partition.column: %q is empty or named twice: want each hive key once, coarse to fine", c)
		}
	}
	if n := len(tp.Columns); n > 1 && n != chainLength(tp.Grain) && (n != 2 || tp.Grain != model.GrainHour) {
		return Layout{}, fmt.Errorf("time_partition.column: [%s] are %d keys for grain %s: want one that holds %s, or %s",
			strings.Join(tp.Columns, ", "), n, tp.Grain, examples[tp.Grain], chainText(tp.Grain))
	}
	return Layout{tp: tp, table: table}, nil
}

// chainLength is how many components of their own name a period.
func chainLength(grain model.Grain) int {
	switch grain {
	case model.GrainHour:
		return 4
	case model.GrainDay:
		return 3
	default:
		return 2
	}
}

func chainText(grain model.Grain) string {
	switch grain {
	case model.GrainHour:
		return "[year, month, day, hour] or a date and an hour"
	case model.GrainDay:
		return "[year, month, day]"
	case model.GrainWeek:
		return "[year, week]"
	default:
		return "[year, month]"
	}
}

// TimePartition is what the layout was made of.
func (l Layout) TimePartition() model.TimePartition { return l.tp }

// Zone is the table of the partitions' zone.
func (l Layout) Zone() *zone.Table { return l.table }

// Of reads the partition of a file by its path below the view's root. It fails with *PathError.
func (l Layout) Of(file string) (Key, error) {
	dir := path.Dir(file)
	if dir == "." {
		dir = ""
	}
	key, err := l.OfDir(dir)
	var wrong *PathError
	if errors.As(err, &wrong) {
		wrong.Path = file
	}
	return key, err
}

// OfDir is Of for a folder.
func (l Layout) OfDir(dir string) (Key, error) {
	if len(l.tp.Columns) == 0 {
		return l.plain(dir)
	}
	return l.hive(dir)
}

// StrayKey stands for a folder that names no period: a partition without a date, named by what it has of the keys.
func (l Layout) StrayKey(dir string) Key {
	var named []string
	for _, column := range l.tp.Columns {
		if segment, found := segmentOf(dir, column); found > 0 {
			named = append(named, segment)
		}
	}
	key := Key{Value: strings.Join(named, "/"), Start: times.None, End: times.None, Stray: true}
	if key.Value == "" {
		key.Value = dir
	}
	if key.Value == "" {
		key.Value = "."
	}
	return key
}

func (l Layout) hive(dir string) (Key, error) {
	segments, values := make([]string, len(l.tp.Columns)), make([]string, len(l.tp.Columns))
	for i, column := range l.tp.Columns {
		segment, found := segmentOf(dir, column)
		if found > 1 {
			return Key{}, &PathError{Path: dir, Want: column + "=", Found: segment, Hint: fmt.Sprintf("the key stands there %d times; want it once", found)}
		}
		if found == 0 {
			return Key{}, &PathError{Path: dir, Want: column + "= folder",
				Hint: "every file of a view partitioned by " + column + " lies below one; move the file, or correct time_partition.column or path"}
		}
		raw := segment[len(column)+1:]
		value, err := url.PathUnescape(raw)
		if err != nil {
			return Key{}, &PathError{Path: dir, Want: column, Found: raw, Hint: "want percent signs to be followed by two hex digits"}
		}
		segments[i], values[i] = segment, value
	}
	key := Key{Value: strings.Join(segments, "/"), Start: times.None, End: times.None}
	if slices.Contains(values, hiveNull) {
		return key, nil
	}
	civil, st, ok := readHive(l.tp.Grain, values)
	if !ok {
		return Key{}, &PathError{Path: dir, Want: strings.Join(l.tp.Columns, "/"), Found: strings.Join(values, "/"),
			Hint: fmt.Sprintf("want a %s such as %s; rename the folder, or correct time_partition", l.tp.Grain, examples[l.tp.Grain])}
	}
	st.escaped = strings.Contains(key.Value, "%")
	return l.dated(key, civil, st), nil
}

// segmentOf finds the folder of a hive key, in any case of its letters as engines match it, and how often there is one.
func segmentOf(dir, column string) (segment string, found int) {
	for s := range strings.SplitSeq(dir, "/") {
		if n := len(column); len(s) > n && s[n] == '=' && strings.EqualFold(s[:n], column) {
			segment = s
			found++
		}
	}
	return segment, found
}

// readHive reads the values of all keys: the last one alone if it is a whole period (year=2026/month=2026-11), else
// a date and an hour, else a chain.
func readHive(grain model.Grain, values []string) (times.Local, style, bool) {
	last := len(values) - 1
	if civil, f, ok := parseText(values[last]); ok {
		if civil, ok = settle(civil, f.grain, grain); ok {
			return civil, style{layout: f.layout, whole: true}, true
		}
	}
	if last == 1 && grain == model.GrainHour {
		date, f, ok := parseText(values[0])
		hour, ok2 := parseParts(model.GrainHour, []string{"1970", "1", "1", values[1]})
		return date + hour, style{layout: f.layout, short: isShort(values[1:])}, ok && ok2 && f.grain == model.GrainDay
	}
	if len(values) != chainLength(grain) {
		return 0, style{}, false
	}
	civil, ok := parseParts(grain, values)
	return civil, style{chain: true, short: isShort(values[1:])}, ok
}

// isShort says that a number below ten has no leading zero.
func isShort(parts []string) bool {
	return slices.ContainsFunc(parts, func(p string) bool { return len(p) == 1 })
}

func (l Layout) plain(dir string) (Key, error) {
	var key Key
	parts := strings.Split(dir, "/")
	for i := 0; i < len(parts); {
		civil, st, n := readPlain(l.tp.Grain, parts[i:])
		if n == 0 {
			i++
			continue
		}
		if key.Dated && key.civil != civil {
			return Key{}, &PathError{Path: dir, Want: "dated folder", Found: key.Value + " and " + strings.Join(parts[i:i+n], "/"),
				Hint: "both name a " + string(l.tp.Grain) + "; want one"}
		}
		if !key.Dated {
			key = l.dated(Key{Value: strings.Join(parts[i:i+n], "/")}, civil, st)
		}
		i += n
	}
	if !key.Dated {
		return Key{}, &PathError{Path: dir, Want: "dated folder",
			Hint: fmt.Sprintf("want a %s such as %s or folders such as %s; correct time_partition or path", l.tp.Grain, examples[l.tp.Grain], plainExample(l.tp.Grain))}
	}
	return key, nil
}

func plainExample(grain model.Grain) string {
	switch grain {
	case model.GrainHour:
		return "2026/11/03/07"
	case model.GrainMonth:
		return "2026/11"
	case model.GrainWeek:
		return "2026-W45"
	default:
		return "2026/11/03"
	}
}

// readPlain reads a period at the beginning of a list of folders, and says how many of them it took.
func readPlain(grain model.Grain, parts []string) (times.Local, style, int) {
	if civil, f, ok := parseText(parts[0]); ok {
		if settled, ok := settle(civil, f.grain, grain); ok {
			return settled, style{layout: f.layout, whole: true}, 1
		}
		if grain == model.GrainHour && f.grain == model.GrainDay && len(parts) > 1 {
			if hour, ok := parseParts(grain, []string{"1970", "1", "1", parts[1]}); ok {
				return civil + hour, style{layout: f.layout, short: isShort(parts[1:2])}, 2
			}
		}
	}
	n := chainLength(grain)
	if grain == model.GrainWeek {
		// Weeks of plain folders are named by the date of one of their days.
		n = 3
	}
	if len(parts) < n || len(parts[0]) != 4 {
		return 0, style{}, 0
	}
	read := grain
	if grain == model.GrainWeek {
		read = model.GrainDay
	}
	civil, ok := parseParts(read, parts[:n])
	if !ok {
		return 0, style{}, 0
	}
	return floor(civil, grain), style{chain: true, short: isShort(parts[1:n])}, n
}

func (l Layout) dated(key Key, civil times.Local, st style) Key {
	key.Dated, key.civil, key.style = true, civil, st
	key.Start, key.End = l.bounds(civil)
	return key
}

// bounds are the real instants of a period. An hour that clocks skip has no length; one that they repeat has two.
func (l Layout) bounds(civil times.Local) (start, end times.Instant) {
	return l.table.Begin(civil), l.table.Begin(next(civil, l.tp.Grain))
}

// style is how a period is written, so that a missing one is named as its neighbours are.
type style struct {
	// layout is Go's layout of a whole date (empty: an ISO week); chain says that components stand alone.
	layout  string
	chain   bool
	whole   bool
	short   bool
	escaped bool
}

// write is the value of a period in a style.
func (l Layout) write(civil times.Local, st style) string {
	texts := l.texts(civil.Time(), st)
	if len(l.tp.Columns) == 0 {
		return strings.Join(texts, "/")
	}
	segments := make([]string, len(texts))
	columns := l.tp.Columns[len(l.tp.Columns)-len(texts):]
	for i, text := range texts {
		if st.escaped {
			text = strings.NewReplacer("%", "%25", " ", "%20", ":", "%3A", "/", "%2F").Replace(text)
		}
		segments[i] = columns[i] + "=" + text
	}
	return strings.Join(segments, "/")
}

func (l Layout) texts(at time.Time, st style) []string {
	number := func(n int) string {
		if st.short {
			return fmt.Sprint(n)
		}
		return fmt.Sprintf("%02d", n)
	}
	year, week := at.ISOWeek()
	parts := []string{fmt.Sprintf("%04d", at.Year()), number(int(at.Month())), number(at.Day()), number(at.Hour())}
	switch {
	case st.chain && l.tp.Grain == model.GrainWeek && len(l.tp.Columns) > 0:
		return []string{fmt.Sprintf("%04d", year), number(week)}
	case st.chain && l.tp.Grain == model.GrainWeek:
		return parts[:3]
	case st.chain:
		return parts[:chainLength(l.tp.Grain)]
	}
	whole := fmt.Sprintf("%04d-W%02d", year, week)
	if st.layout != "" {
		whole = at.Format(st.layout)
	}
	if st.whole {
		// The coarser keys of year=2026/month=2026-11 are written alone.
		return append(slices.Clone(parts[:max(len(l.tp.Columns)-1, 0)]), whole)
	}
	return []string{whole, number(at.Hour())}
}
