package delta

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/featureaudit/featureaudit/audit/store"
	"github.com/featureaudit/featureaudit/audit/times"
)

// Folder is where a table keeps its log.
const Folder = "_delta_log"

// The names of the files of a log.
var (
	commitName     = regexp.MustCompile(`^(\d{20})\.json$`)
	crcName        = regexp.MustCompile(`^(\d{20})\.crc$`)
	compactedName  = regexp.MustCompile(`^(\d{20})\.(\d{20})\.compacted\.json$`)
	classicName    = regexp.MustCompile(`^(\d{20})\.checkpoint\.parquet$`)
	partName       = regexp.MustCompile(`^(\d{20})\.checkpoint\.(\d{10})\.(\d{10})\.parquet$`)
	uuidName2      = regexp.MustCompile(`^(\d{20})\.checkpoint\.[0-9A-Fa-f-]{36}\.(json|parquet)$`)
	lastCheckpoint = "_last_checkpoint"
)

// log is which files a log has.
type log struct {
	files store.Store
	// folder is the log's own.
	folder      string
	commits     map[int64]store.Entry
	compacted   map[int64][]compaction // by their first version, the longest first
	checkpoints map[int64][]checkpointFiles
	sums        map[int64]store.Entry
	hint        *lastCheckpointHint
	// first and last are the least and the greatest version that a commit or a checkpoint has.
	first, last int64
}

type compaction struct {
	store.Entry
	to int64
}

// checkpointFiles are those of one checkpoint: one, or its parts.
type checkpointFiles struct {
	// parts are in order; a missing one is empty.
	parts []store.Entry
	// v2 says that its name has a UUID.
	v2 bool
}

func (c checkpointFiles) missing() int {
	return len(c.parts) - len(slices.DeleteFunc(slices.Clone(c.parts), func(e store.Entry) bool { return e.Abs == "" }))
}

// lastCheckpointHint is the file _last_checkpoint.
type lastCheckpointHint struct {
	Version       *int64 `json:"version"`
	Size          *int64 `json:"size"`
	Parts         *int64 `json:"parts"`
	NumOfAddFiles *int64 `json:"numOfAddFiles"`
}

// openLog sorts the files of a log.
func openLog(ctx context.Context, files store.Store, folder string) (*log, error) {
	entries, err := files.Tree(ctx, folder)
	if err != nil {
		return nil, err
	}
	l := &log{files: files, folder: folder, commits: map[int64]store.Entry{}, compacted: map[int64][]compaction{}, checkpoints: map[int64][]checkpointFiles{}, sums: map[int64]store.Entry{},
		first: -1, last: -1}
	parts := map[[2]int64]checkpointFiles{}
	for _, e := range entries {
		if err := l.sort(ctx, e, parts); err != nil {
			return nil, err
		}
	}
	for key, c := range parts {
		l.checkpoints[key[0]] = append(l.checkpoints[key[0]], c)
	}
	for v := range l.checkpoints {
		// the whole ones first, then by their names, so that the choice is the same every time
		slices.SortFunc(l.checkpoints[v], func(a, b checkpointFiles) int {
			return cmp.Or(cmp.Compare(a.missing(), b.missing()), cmp.Compare(len(a.parts), len(b.parts)), cmp.Compare(a.parts[0].Path, b.parts[0].Path))
		})
		l.saw(v)
	}
	for v := range l.compacted {
		slices.SortFunc(l.compacted[v], func(a, b compaction) int { return cmp.Compare(b.to, a.to) })
	}
	if l.last < 0 {
		return nil, errors.New("its log has no commit and no checkpoint")
	}
	return l, nil
}

func (l *log) saw(version int64) {
	if l.first < 0 || version < l.first {
		l.first = version
	}
	l.last = max(l.last, version)
}

// sort puts one file where it belongs. What lies deeper are sidecars, and files of other names are none of the format's.
func (l *log) sort(ctx context.Context, e store.Entry, parts map[[2]int64]checkpointFiles) error {
	number := func(text string) int64 {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return -1 // beyond 64 bits
		}
		return n
	}
	name := e.Path
	if m := commitName.FindStringSubmatch(name); m != nil {
		l.commits[number(m[1])] = e
		l.saw(number(m[1]))
	}
	if m := crcName.FindStringSubmatch(name); m != nil {
		l.sums[number(m[1])] = e
	}
	if m := compactedName.FindStringSubmatch(name); m != nil {
		l.compacted[number(m[1])] = append(l.compacted[number(m[1])], compaction{e, number(m[2])})
	}
	if m := classicName.FindStringSubmatch(name); m != nil {
		l.checkpoints[number(m[1])] = append(l.checkpoints[number(m[1])], checkpointFiles{parts: []store.Entry{e}})
	}
	if m := uuidName2.FindStringSubmatch(name); m != nil {
		l.checkpoints[number(m[1])] = append(l.checkpoints[number(m[1])], checkpointFiles{parts: []store.Entry{e}, v2: true})
	}
	if m := partName.FindStringSubmatch(name); m != nil {
		version, part, of := number(m[1]), number(m[2]), number(m[3])
		if part < 1 || part > of || of > mostParts {
			return fmt.Errorf("%s/%s: part %d of %d of a checkpoint", l.folder, name, part, of)
		}
		key := [2]int64{version, of}
		if parts[key].parts == nil {
			parts[key] = checkpointFiles{parts: make([]store.Entry, of)}
		}
		parts[key].parts[part-1] = e
	}
	if name == lastCheckpoint {
		data, err := l.read(ctx, e)
		if err != nil {
			return err
		}
		l.hint = &lastCheckpointHint{}
		if err := json.Unmarshal(data, l.hint); err != nil {
			return fmt.Errorf("%s does not decode (%w): the log is damaged", name, err)
		}
		if l.hint.Version == nil {
			return fmt.Errorf("%s does not say which version the last checkpoint is of: the log is damaged", name)
		}
	}
	return nil
}

// mostParts bounds the parts of a checkpoint that are believed.
const mostParts = 100_000

// read gives a whole file of the log.
func (l *log) read(ctx context.Context, e store.Entry) ([]byte, error) {
	object, err := l.files.Open(ctx, e.Abs)
	if err != nil {
		return nil, &store.AccessError{Path: e.Abs, Err: err}
	}
	defer object.Close()
	data := make([]byte, e.Size)
	if n, err := object.ReadAt(data, 0); n < len(data) && len(data) > 0 {
		return nil, fmt.Errorf("read %s: %w", e.Abs, err)
	}
	if n, err := object.ReadAt(make([]byte, 1), e.Size); n > 0 || err != nil && !errors.Is(err, io.EOF) {
		return nil, errors.Join(fmt.Errorf("read %s: it grew while it was read", e.Abs), err)
	}
	return data, nil
}

// version is what the log holds of a commit.
func (l *log) version(ctx context.Context, v int64) (change, error) {
	e := l.commits[v]
	data, err := l.read(ctx, e)
	if err != nil {
		return change{}, err
	}
	c, err := readChange(data)
	if err != nil {
		return change{}, fmt.Errorf("version %d: %s: %w", v, path.Join(Folder, e.Path), err)
	}
	if c.at == times.None {
		c.at = e.ModTime
	}
	return c, nil
}

// replay brings the table to a version: from the newest checkpoint that is not younger, or from the first commit.
func (l *log) replay(ctx context.Context, target int64) (*state, error) {
	s, from, err := l.begin(ctx, target)
	if err != nil {
		return nil, err
	}
	for v := from; v <= target; v++ {
		c, to, err := l.step(ctx, v, target)
		if err != nil {
			return nil, err
		}
		if err := s.apply(c); err != nil {
			return nil, fmt.Errorf("version %d: %w: the log is damaged", v, err)
		}
		v = to
	}
	return s, l.checkSum(ctx, s, target)
}

// step is the change of a version, or of several up to one where a compaction stands for commits that are gone.
func (l *log) step(ctx context.Context, v, target int64) (change, int64, error) {
	if _, ok := l.commits[v]; ok {
		c, err := l.version(ctx, v)
		return c, v, err
	}
	for _, c := range l.compacted[v] {
		if c.to > target || c.to < v {
			continue
		}
		data, err := l.read(ctx, c.Entry)
		if err != nil {
			return change{}, v, err
		}
		sum, err := readChange(data)
		if err != nil {
			return change{}, v, fmt.Errorf("%s: %w", path.Join(Folder, c.Path), err)
		}
		sum.compacted = true
		return sum, c.to, nil
	}
	return change{}, v, fmt.Errorf("its log has a gap: the commit of version %d is not there (%s/%020d.json), so that what version %d holds is not known", v, Folder, v, target)
}

// whole says why the log's end may be missing: another file of it speaks of a later version.
func (l *log) whole() error {
	if l.hint != nil && *l.hint.Version > l.last {
		return fmt.Errorf("its log ends with version %d, and %s/%s names a checkpoint of version %d: the end of the log is not there", l.last, Folder, lastCheckpoint, *l.hint.Version)
	}
	if v := slices.Max(append(slices.Collect(maps.Keys(l.sums)), -1)); v > l.last {
		return fmt.Errorf("its log ends with version %d, and it has a checksum of a later version (%020d.crc): the end of the log is not there", l.last, v)
	}
	return nil
}

// begin is the table where the replay starts, and the first version to replay.
func (l *log) begin(ctx context.Context, target int64) (*state, int64, error) {
	if l.hint != nil && *l.hint.Version <= target && len(l.checkpoints[*l.hint.Version]) == 0 {
		return nil, 0, fmt.Errorf("the checkpoint of version %d is not there, and %s/%s names it: the log is damaged", *l.hint.Version, Folder, lastCheckpoint)
	}
	versions := slices.Sorted(maps.Keys(l.checkpoints))
	slices.Reverse(versions)
	for _, v := range versions {
		if v > target {
			continue
		}
		c := l.checkpoints[v][0]
		if missing := c.missing(); missing > 0 {
			return nil, 0, fmt.Errorf("the checkpoint of version %d is not whole: %d of its %d parts are not there", v, missing, len(c.parts))
		}
		s, err := l.checkpoint(ctx, v, c)
		if err != nil {
			return nil, 0, fmt.Errorf("checkpoint of version %d: %w", v, err)
		}
		s.from = v + 1
		return s, s.from, nil
	}
	if _, ok := l.commits[0]; !ok && len(l.compacted[0]) == 0 {
		return nil, 0, fmt.Errorf("its log begins with version %d, and no checkpoint says what version %d held before it: older versions were cleaned up, or the log has a gap", l.first, target)
	}
	return newState(), 0, nil
}

// sum is what the checksum file of a version says of it.
type sum struct {
	NumFiles       *int64 `json:"numFiles"`
	TableSizeBytes *int64 `json:"tableSizeBytes"`
}

// checkSum compares the table with the checksum file of its version, where it has one.
func (l *log) checkSum(ctx context.Context, s *state, version int64) error {
	e, ok := l.sums[version]
	if !ok {
		return nil
	}
	data, err := l.read(ctx, e)
	if err != nil {
		return err
	}
	said := sum{}
	if err := json.Unmarshal(data, &said); err != nil {
		return fmt.Errorf("%s/%s does not decode (%w): the log is damaged", Folder, e.Path, err)
	}
	bytes := int64(0)
	for _, a := range s.live {
		bytes += *a.Size
	}
	if said.NumFiles != nil && *said.NumFiles != int64(len(s.live)) || said.TableSizeBytes != nil && *said.TableSizeBytes != bytes {
		return fmt.Errorf("version %d has %d files of %d bytes by its log, and others by its checksum (%s): the log is damaged", version, len(s.live), bytes, strings.TrimSpace(string(data[:min(len(data), 200)])))
	}
	return nil
}
