package partition

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/times"
)

// chainNames are the common keys of a chain's components.
var chainNames = map[string][]string{
	"year": {"year", "yyyy", "yr", "y"}, "month": {"month", "mm", "mon", "m"}, "day": {"day", "dd", "d"},
	"hour": {"hour", "hh", "hr", "h"}, "week": {"week", "ww", "wk", "w"},
}

// dateNames are keys that hold dates by convention; so do keys that end like dateEndings. Other keys may hold the
// date of something else (a birthday, a cohort), and must be declared.
var (
	dateNames = []string{"dt", "ds", "date", "day", "d", "hour", "week", "month", "eventdate", "logdate", "partition", "p",
		"datetime", "timestamp", "time", "ts", "snapshot", "asof", "as_of"}
	dateEndings = []string{"_date", "_dt", "_ds", "_day", "_hour", "_week", "_month", "_datetime", "_time", "_ts", "_timestamp"}
)

// Infer reads a time partition (its Columns and Grain) out of the folders that hold a view's files, where there is
// only one way to do so. The note says what was found, or why nothing was though some folders hold dates.
func Infer(dirs []string) (tp model.TimePartition, note string, ok bool) {
	return infer(dirs, model.GrainNone)
}

// Complete adds what a declared time partition leaves out: the Grain of its Columns, or the Columns of its Grain.
func Complete(tp model.TimePartition, dirs []string) (model.TimePartition, string, error) {
	switch {
	case tp.Grain != model.GrainNone && len(tp.Columns) > 0:
		return tp, "", nil
	case len(tp.Columns) > 0:
		grain, ok := grainOf(tp.Columns, dirs)
		if !ok {
			grain, ok = grainOfMost(tp.Columns, dirs)
		}
		if !ok {
			return tp, "", fmt.Errorf("time_partition.grain is not declared and the values of %s are no dates of one grain: want for example %s=2026-11-03; declare time_partition.grain, or correct time_partition.column",
				strings.Join(tp.Columns, "/"), tp.Columns[0])
		}
		tp.Grain = grain
		return tp, fmt.Sprintf("time_partition.grain: %s, by the values of %s=", grain, strings.Join(tp.Columns, "=/")), nil
	}
	found, note, ok := infer(dirs, tp.Grain)
	if !ok && tp.Grain == model.GrainNone {
		return tp, note, fmt.Errorf("time_partition is declared without column and grain, and the paths do not tell them: %s; declare both", orNothing(note))
	}
	if !ok {
		// A grain alone stands for plain dated folders, whose paths are judged one by one.
		return tp, note, nil
	}
	tp.Columns, tp.Grain = found.Columns, found.Grain
	return tp, note, nil
}

func orNothing(note string) string {
	if note == "" {
		return "no folder is named by a date"
	}
	return note
}

// Has says whether every folder carries the hive keys of a time partition.
func Has(tp model.TimePartition, dirs []string) bool {
	for _, dir := range dirs {
		for _, c := range tp.Columns {
			if _, found := segmentOf(dir, c); found == 0 {
				return false
			}
		}
	}
	return len(dirs) > 0 && len(tp.Columns) > 0
}

func infer(dirs []string, want model.Grain) (model.TimePartition, string, bool) {
	if len(dirs) == 0 {
		return model.TimePartition{}, "", false
	}
	tp, note, ok := inferAll(dirs, want)
	if ok && tp.Grain == model.GrainHour || !ok && note != "" && !isShare(note) {
		return tp, note, ok
	}
	finer, found := inferMost(dirs, want, tp.Grain)
	switch {
	case !found:
	case len(finer.strays) == 0:
		// The others are written with short numbers (2026/11/3), which tell no date by themselves.
		if !ok && finer.named > 0.5 {
			return finer.tp, candidateOf(finer.tp).found(), true
		}
	case finer.few():
		return finer.tp, candidateOf(finer.tp).found(), true
	case ok:
		note += "; " + finer.words("the grain is "+string(tp.Grain)+" therefore")
	case 2*len(finer.strays) <= finer.dirs:
		note = finer.words(Move(len(finer.strays)) + ", or declare time_partition")
	}
	return tp, note, ok
}

// Coarser is the part of a note of Infer that says which folders keep the grain from being finer, or "".
func Coarser(note string) string {
	i := strings.LastIndex(note, "; ")
	if i < 0 || !strings.HasSuffix(note, " therefore") {
		return ""
	}
	return note[i+len("; "):]
}

// inferAll reads what all folders have in common.
func inferAll(dirs []string, want model.Grain) (model.TimePartition, string, bool) {
	if tp, note, ok := inferHive(dirs, want); ok || note != "" {
		return tp, note, ok
	}
	return inferPlain(dirs, want)
}

// most is a time partition by which most folders are named, and the folders that are not.
type most struct {
	tp     model.TimePartition
	dirs   int
	strays []string
	// keyless strays have no folder of one of its keys at all.
	keyless int
	// named is the share of the folders that name it by themselves.
	named float64
}

// inferMost looks for the time partition that the most folders name, though not all: finer than the grain that all have in common, if
// they have one.
func inferMost(dirs []string, want, common model.Grain) (most, bool) {
	best, named, found := elect(dirs, want, common)
	if !found {
		return most{}, false
	}
	layout, err := New(best)
	if err != nil {
		return most{}, false
	}
	m := most{tp: best, dirs: len(dirs), strays: layout.Strays(dirs), named: named}
	for _, dir := range m.strays {
		if slices.ContainsFunc(best.Columns, func(c string) bool { _, found := segmentOf(dir, c); return found == 0 }) {
			m.keyless++
		}
	}
	return m, true
}

// majority says that more than half of the folders name it.
func (m most) majority() bool { return 2*len(m.strays) < m.dirs }

// maxVoters bounds how many folders of one shape are asked: the others say the same, but for strays, which are found afterwards.
const maxVoters = 64

// elect asks folders one by one what they are named by, and gives what most of them say and the share of all that says so. Folders
// of one shape speak through a few.
func elect(dirs []string, want, common model.Grain) (tp model.TimePartition, share float64, found bool) {
	shapes := map[string][]string{}
	for _, dir := range dirs {
		shape := shapeOf(dir)
		shapes[shape] = append(shapes[shape], dir)
	}
	votes, said := map[string]float64{}, map[string]model.TimePartition{}
	for _, shape := range slices.Sorted(maps.Keys(shapes)) {
		alike := shapes[shape]
		step := (len(alike) + maxVoters - 1) / maxVoters
		voters := (len(alike) + step - 1) / step
		for i := 0; i < len(alike); i += step {
			tp, _, ok := inferAll(alike[i:i+1], want)
			if !ok || common != model.GrainNone && !finer(tp.Grain, common) {
				continue
			}
			name := candidateOf(tp).String() + string(tp.Grain)
			votes[name] += float64(len(alike)) / float64(voters)
			said[name] = tp
		}
	}
	best := ""
	for _, name := range slices.Sorted(maps.Keys(votes)) {
		if votes[name] > votes[best] {
			best = name
		}
	}
	return said[best], votes[best] / float64(len(dirs)), best != ""
}

// shapeOf is a path with every digit alike.
func shapeOf(dir string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return '0'
		}
		return r
	}, dir)
}

// few says that the others are strays and no other half of the store: of folders which lack a key that is one, or a tenth.
func (m most) few() bool { return m.majority() && (m.keyless <= 1 || 10*m.keyless <= m.dirs) }

func (m most) words(then string) string { return StraysInWords(m.tp, m.strays, m.dirs, then) }

// Move is what to do about so many strays.
func Move(strays int) string {
	if strays == 1 {
		return "move that, narrow path"
	}
	return "move those, narrow path"
}

// Strays are the folders among these that name no period of the layout.
func (l Layout) Strays(dirs []string) []string {
	var strays []string
	for _, dir := range dirs {
		if _, err := l.OfDir(dir); err != nil {
			strays = append(strays, dir)
		}
	}
	return strays
}

// StraysInWords says which of so many folders name no period of a time partition, and what then.
func StraysInWords(tp model.TimePartition, strays []string, dirs int, then string) string {
	named := make([]string, min(len(strays), 3))
	for i := range named {
		named[i] = strays[i]
		if named[i] == "" {
			named[i] = "the folder above them"
		}
	}
	text, verb := named[0], "does"
	if n := len(strays); n > 1 {
		verb = "do"
		text = strings.Join(named[:len(named)-1], ", ") + " and " + named[len(named)-1]
		if n > len(named) {
			text = fmt.Sprintf("%s and %d more", strings.Join(named, ", "), n-len(named))
		}
	}
	period := map[model.Grain]string{model.GrainHour: "an hour", model.GrainDay: "a date", model.GrainWeek: "a week", model.GrainMonth: "a month"}[tp.Grain]
	return fmt.Sprintf("%d of %d folders name %s by %s, and %s %s not: %s", dirs-len(strays), dirs, period, candidateOf(tp), text, verb, then)
}

// candidate is one set of keys that may be the time partition.
type candidate struct {
	columns []string
	grain   model.Grain
}

func candidateOf(tp model.TimePartition) candidate { return candidate{tp.Columns, tp.Grain} }

func (c candidate) String() string {
	if len(c.columns) == 0 {
		return "plain folders such as " + plainExample(c.grain)
	}
	return strings.Join(c.columns, "=/") + "="
}

// found says what the paths tell.
func (c candidate) found() string {
	text := fmt.Sprintf("partitioned by %s, grain %s", c, c.grain)
	if len(c.columns) > 0 {
		text += meaningHint(c)
	}
	return text
}

func inferHive(dirs []string, want model.Grain) (model.TimePartition, string, bool) {
	keys := commonKeys(dirs)
	var dated, doubtful []candidate
	for _, key := range keys {
		grain, ok := grainOf([]string{key}, dirs)
		if !ok || want != model.GrainNone && !reads(grain, want) {
			continue
		}
		if isDateName(key) {
			dated = append(dated, candidate{[]string{key}, grain})
		} else {
			doubtful = append(doubtful, candidate{[]string{key}, grain})
		}
	}
	if c, ok := dateAndHour(keys, dated, dirs); ok {
		dated = []candidate{c}
	}
	dated = withoutCoarser(dated)
	if c, ok := chain(keys, dirs); ok && (len(dated) == 0 || finer(c.grain, dated[0].grain)) {
		dated = []candidate{c}
	}
	switch {
	case len(dated) == 1 && (want == model.GrainNone || reads(dated[0].grain, want)):
		c := dated[0]
		if want != model.GrainNone {
			c.grain = want
		}
		return model.TimePartition{Columns: c.columns, Grain: c.grain}, c.found(), true
	case len(dated) > 1:
		return model.TimePartition{}, fmt.Sprintf("both %s and %s hold dates: declare time_partition.column", dated[0], dated[1]), false
	case len(doubtful) > 0:
		return model.TimePartition{}, fmt.Sprintf("%s holds dates but may not be the rows' own: declare time_partition.column if it is", doubtful[0]), false
	}
	return model.TimePartition{}, "", false
}

// meaningHint asks about keys whose names say that they are no event dates.
func meaningHint(c candidate) string {
	name := strings.ToLower(c.columns[0])
	for _, part := range []string{"ingest", "load", "arriv", "process", "insert", "created", "updated"} {
		if strings.Contains(name, part) {
			return "; its name suggests time_partition.of: ingested_at, which must be declared"
		}
	}
	for _, part := range []string{"snapshot", "asof", "as_of"} {
		if strings.Contains(name, part) {
			return "; its name suggests time_partition.of: snapshot, which must be declared"
		}
	}
	return ""
}

// reads says whether values of one grain may name periods of another.
func reads(grain, want model.Grain) bool {
	return grain == want || grain == model.GrainDay && (want == model.GrainWeek || want == model.GrainMonth)
}

func finer(a, b model.Grain) bool { return rank(a) < rank(b) }

func rank(grain model.Grain) int {
	return slices.Index([]model.Grain{model.GrainHour, model.GrainDay, model.GrainWeek, model.GrainMonth}, grain)
}

// withoutCoarser keeps the finest of month=2026-11/day=2026-11-03, whose keys are named as components of one date.
func withoutCoarser(found []candidate) []candidate {
	if len(found) < 2 {
		return found
	}
	finest := found[0]
	for _, c := range found {
		if !isComponent(c.columns[0]) {
			return found
		}
		if finer(c.grain, finest.grain) {
			finest = c
		}
	}
	return []candidate{finest}
}

func isComponent(key string) bool {
	for _, names := range chainNames {
		if slices.Contains(names, strings.ToLower(key)) {
			return true
		}
	}
	return false
}

func isDateName(key string) bool {
	name := strings.ToLower(strings.TrimLeft(key, "_"))
	if slices.Contains(dateNames, name) {
		return true
	}
	for _, doubtful := range []string{"birth", "signup", "cohort", "expir", "start_", "end_", "due_"} {
		if strings.Contains(name, doubtful) {
			return false
		}
	}
	return slices.ContainsFunc(dateEndings, func(e string) bool { return strings.HasSuffix(name, e) })
}

// commonKeys are the hive keys that every folder has exactly once, in the order of the first.
func commonKeys(dirs []string) []string {
	var keys []string
	for s := range strings.SplitSeq(dirs[0], "/") {
		if key, _, ok := strings.Cut(s, "="); ok && key != "" {
			keys = append(keys, key)
		}
	}
	return slices.DeleteFunc(keys, func(key string) bool {
		return slices.ContainsFunc(dirs, func(dir string) bool {
			_, found := segmentOf(dir, key)
			return found != 1
		})
	})
}

// valuesOf are the decoded values of keys in each folder, without folders where one is NULL.
func valuesOf(columns, dirs []string) (rows [][]string, ok bool) {
	for _, dir := range dirs {
		row := make([]string, len(columns))
		for i, column := range columns {
			segment, found := segmentOf(dir, column)
			if found != 1 {
				return nil, false
			}
			value, err := url.PathUnescape(segment[len(column)+1:])
			if err != nil {
				return nil, false
			}
			row[i] = value
		}
		if !slices.Contains(row, hiveNull) {
			rows = append(rows, row)
		}
	}
	return rows, len(rows) > 0
}

// grainOf is the one grain that the values of keys have in all folders.
func grainOf(columns, dirs []string) (model.Grain, bool) {
	rows, ok := valuesOf(columns, dirs)
	if !ok {
		return model.GrainNone, false
	}
	grains := []model.Grain{model.GrainMonth, model.GrainWeek, model.GrainDay, model.GrainHour}
	if len(columns) == 2 && slices.Contains(chainNames["week"], strings.ToLower(columns[1])) {
		// Week 7 could be month 7 by its value.
		grains = []model.Grain{model.GrainWeek}
	}
	for _, grain := range grains {
		if allRead(grain, rows) {
			return grain, true
		}
	}
	return model.GrainNone, false
}

// grainOfMost is the grain that the values of keys have in more than half of the folders.
func grainOfMost(columns, dirs []string) (model.Grain, bool) {
	votes := map[model.Grain]int{}
	for _, dir := range dirs {
		if grain, ok := grainOf(columns, []string{dir}); ok {
			votes[grain]++
		}
	}
	for _, grain := range []model.Grain{model.GrainHour, model.GrainDay, model.GrainWeek, model.GrainMonth} {
		if 2*votes[grain] > len(dirs) {
			return grain, true
		}
	}
	return model.GrainNone, false
}

// allRead says whether all values are written as periods of a grain. Hours that are all midnights are days, but days
// that are all firsts are still days: that a month's data lies under its first is for the user to say.
func allRead(grain model.Grain, rows [][]string) bool {
	for _, values := range rows {
		last := len(values) - 1
		civil, f, ok := parseText(values[last])
		whole := ok && (f.grain == grain || f.grain == model.GrainHour && grain == model.GrainDay && floor(civil, grain) == civil)
		if whole {
			continue
		}
		if last == 0 {
			return false
		}
		if _, _, ok := readHive(grain, values); !ok {
			return false
		}
	}
	return true
}

// dateAndHour finds dt=2026-11-03/hour=07.
func dateAndHour(keys []string, dated []candidate, dirs []string) (candidate, bool) {
	for _, c := range dated {
		if c.grain != model.GrainDay {
			continue
		}
		for _, key := range keys {
			columns := []string{c.columns[0], key}
			if !slices.Contains(chainNames["hour"], strings.ToLower(key)) {
				continue
			}
			if rows, ok := valuesOf(columns, dirs); ok && allRead(model.GrainHour, rows) {
				return candidate{columns, model.GrainHour}, true
			}
		}
	}
	return candidate{}, false
}

// chain finds year=2026/month=11/day=03/hour=07 and its beginnings, and year=2026/week=45.
func chain(keys, dirs []string) (candidate, bool) {
	named := func(component string) string {
		for _, key := range keys {
			if slices.Contains(chainNames[component], strings.ToLower(key)) {
				return key
			}
		}
		return ""
	}
	year := named("year")
	if year == "" {
		return candidate{}, false
	}
	columns := []string{year}
	if week := named("week"); week != "" && named("month") == "" {
		return chainOf(append(columns, week), model.GrainWeek, dirs)
	}
	for _, component := range []string{"month", "day", "hour"} {
		key := named(component)
		if key == "" {
			break
		}
		columns = append(columns, key)
	}
	grains := []model.Grain{model.GrainNone, model.GrainNone, model.GrainMonth, model.GrainDay, model.GrainHour}
	return chainOf(columns, grains[len(columns)], dirs)
}

func chainOf(columns []string, grain model.Grain, dirs []string) (candidate, bool) {
	rows, ok := valuesOf(columns, dirs)
	if !ok || grain == model.GrainNone || !allRead(grain, rows) {
		return candidate{}, false
	}
	return candidate{columns, grain}, true
}

// Plain folders are taken for dates only in these years: four or eight digits may mean anything.
var plausibleFrom, plausibleTo = times.Local(0), times.LocalOf(time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC))

func inferPlain(dirs []string, want model.Grain) (model.TimePartition, string, bool) {
	grains := []model.Grain{model.GrainHour, model.GrainDay, model.GrainWeek, model.GrainMonth}
	if want != model.GrainNone {
		grains = []model.Grain{want}
	}
	for _, grain := range grains {
		dated := countPlain(grain, dirs)
		switch {
		case dated == 0:
		case dated == len(dirs):
			return model.TimePartition{Grain: grain}, candidate{grain: grain}.found(), true
		default:
			return model.TimePartition{}, fmt.Sprintf("%d of %d folders name a date of grain %s"+shareAdvice, dated, len(dirs), grain), false
		}
	}
	return model.TimePartition{}, "", false
}

// shareAdvice ends the note on folders of which only some are dated.
const shareAdvice = ": declare time_partition, or narrow path"

// isShare says that a note tells only how many folders are dated, and not why no way to read them was chosen.
func isShare(note string) bool { return strings.HasSuffix(note, shareAdvice) }

// countPlain counts the folders that name exactly one period of a grain in the writing that is common for it.
func countPlain(grain model.Grain, dirs []string) int {
	l := Layout{tp: model.TimePartition{Grain: grain}}
	n := 0
	for _, dir := range dirs {
		parts := strings.Split(dir, "/")
		for i := range parts {
			civil, st, took := readPlain(l.tp.Grain, parts[i:])
			if took > 0 && !st.short && civil >= plausibleFrom && civil < plausibleTo && (st.chain || natural(grain, parts[i])) {
				n++
				break
			}
		}
	}
	return n
}

// natural says that a folder is written at the grain itself, or is the date above an hour. A folder of six digits alone may be any number.
func natural(grain model.Grain, part string) bool {
	civil, f, ok := parseText(part)
	return ok && f.layout != compactMonth && (f.grain == grain || f.grain == model.GrainDay && grain == model.GrainHour ||
		f.grain == model.GrainHour && grain == model.GrainDay && floor(civil, grain) == civil)
}
