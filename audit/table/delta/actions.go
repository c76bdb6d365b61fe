package delta

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/times"
)

// add says that a file is part of the table from a version on. All its fields are known, since one that is not could decide
// which rows count.
type add struct {
	Path             *string            `json:"path"`
	PartitionValues  map[string]*string `json:"partitionValues"`
	Size             *int64             `json:"size"`
	ModificationTime *int64             `json:"modificationTime"`
	DeletionVector   *vector            `json:"deletionVector"`

	DataChange              json.RawMessage `json:"dataChange"`
	Stats                   unread          `json:"stats"`
	StatsParsed             unread          `json:"stats_parsed"`
	PartitionValuesParsed   unread          `json:"partitionValues_parsed"`
	Tags                    unread          `json:"tags"`
	BaseRowID               unread          `json:"baseRowId"`
	DefaultRowCommitVersion unread          `json:"defaultRowCommitVersion"`
	ClusteringProvider      unread          `json:"clusteringProvider"`
}

// unread is a field that is known and of no matter here: a table may have a million of them.
type unread struct{}

// UnmarshalJSON takes anything.
func (*unread) UnmarshalJSON([]byte) error { return nil }

// remove says that a file is no part of the table any more.
type remove struct {
	Path           *string `json:"path"`
	DeletionVector *vector `json:"deletionVector"`

	DeletionTimestamp       json.RawMessage `json:"deletionTimestamp"`
	DataChange              json.RawMessage `json:"dataChange"`
	ExtendedFileMetadata    json.RawMessage `json:"extendedFileMetadata"`
	PartitionValues         json.RawMessage `json:"partitionValues"`
	Size                    json.RawMessage `json:"size"`
	Stats                   json.RawMessage `json:"stats"`
	Tags                    json.RawMessage `json:"tags"`
	BaseRowID               json.RawMessage `json:"baseRowId"`
	DefaultRowCommitVersion json.RawMessage `json:"defaultRowCommitVersion"`
}

// metadata is what the table is: its schema, its partitions, its settings.
type metadata struct {
	ID     string `json:"id"`
	Format *struct {
		Provider string            `json:"provider"`
		Options  map[string]string `json:"options"`
	} `json:"format"`
	SchemaString     *string            `json:"schemaString"`
	PartitionColumns []string           `json:"partitionColumns"`
	Configuration    map[string]*string `json:"configuration"`

	Name        json.RawMessage `json:"name"`
	Description json.RawMessage `json:"description"`
	CreatedTime json.RawMessage `json:"createdTime"`
}

type protocol struct {
	MinReaderVersion *int     `json:"minReaderVersion"`
	MinWriterVersion *int     `json:"minWriterVersion"`
	ReaderFeatures   []string `json:"readerFeatures"`
	WriterFeatures   []string `json:"writerFeatures"`
}

type commitInfo struct {
	Timestamp         *int64 `json:"timestamp"`
	InCommitTimestamp *int64 `json:"inCommitTimestamp"`
}

// sidecar is a file that holds some of the actions of a checkpoint.
type sidecar struct {
	Path        *string `json:"path"`
	SizeInBytes *int64  `json:"sizeInBytes"`
}

type checkpointMetadata struct {
	Version *int64 `json:"version"`
}

// action is one line of the log: one of these is set, or it is of no matter to readers.
type action struct {
	add                *add
	remove             *remove
	metadata           *metadata
	protocol           *protocol
	commitInfo         *commitInfo
	sidecar            *sidecar
	checkpointMetadata *checkpointMetadata
}

// ofNoMatter are the actions that say nothing of which files and rows count.
var ofNoMatter = []string{"txn", "cdc", "domainMetadata"}

// eachAction reads the lines of a file of the log.
func eachAction(data []byte, each func(a action) error) error {
	line := 0
	for len(data) > 0 {
		text, rest, _ := bytes.Cut(data, []byte{'\n'})
		data, line = rest, line+1
		if len(bytes.TrimSpace(text)) == 0 {
			continue
		}
		a, err := readAction(text)
		if err == nil {
			err = each(a)
		}
		if err != nil {
			return fmt.Errorf("line %d: %w", line, err)
		}
	}
	if line == 0 {
		return errors.New("it is empty: want actions as lines of JSON")
	}
	return nil
}

func readAction(text []byte) (a action, err error) {
	var named map[string]json.RawMessage
	if err := json.Unmarshal(text, &named); err != nil {
		return a, fmt.Errorf("want an action as one object of JSON: %w", err)
	}
	for name, raw := range named {
		if string(raw) == "null" {
			delete(named, name)
		}
	}
	if len(named) != 1 {
		return a, fmt.Errorf("want one action, found %d (%s)", len(named), strings.Join(slices.Sorted(maps.Keys(named)), ", "))
	}
	for name, raw := range named {
		switch name {
		case "add":
			a.add, err = strictly[add](raw)
		case "remove":
			a.remove, err = strictly[remove](raw)
		case "metaData":
			a.metadata, err = strictly[metadata](raw)
		case "protocol":
			a.protocol, err = strictly[protocol](raw)
		case "commitInfo":
			a.commitInfo, err = loosely[commitInfo](raw)
		case "sidecar":
			a.sidecar, err = loosely[sidecar](raw)
		case "checkpointMetadata":
			a.checkpointMetadata, err = loosely[checkpointMetadata](raw)
		default:
			if !slices.Contains(ofNoMatter, name) {
				return a, fmt.Errorf("the action %q is not known here: it may decide which rows count", name)
			}
		}
		if err != nil {
			return a, fmt.Errorf("action %s: %w", name, err)
		}
	}
	return a, nil
}

func strictly[T any](raw []byte) (*T, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	v := new(T)
	return v, d.Decode(v)
}

func loosely[T any](raw []byte) (*T, error) {
	v := new(T)
	return v, json.Unmarshal(raw, v)
}

// logical names a file of the table: a path with the vector of its deleted rows, never the path alone.
type logical struct{ path, vector string }

// state is the table after some versions.
type state struct {
	live     map[logical]*add
	metadata *metadata
	protocol *protocol
	// named are the decoded paths of all files that some version names.
	named map[string]bool
	// from is the first version that was replayed: 0, or the one after a checkpoint.
	from int64
}

func newState() *state {
	return &state{live: map[logical]*add{}, named: map[string]bool{}}
}

// change is what one version does. Removals come before additions, whatever their order in its file: a version takes a file out
// and puts it back with other deleted rows.
type change struct {
	adds     []logicalAdd
	removes  []logical
	metadata *metadata
	protocol *protocol
	// at is the commit time in microseconds UTC.
	at int64
	// compacted says that it sums several versions up: it may remove files that some of them added.
	compacted bool
}

type logicalAdd struct {
	logical
	*add
}

func readChange(data []byte) (c change, err error) {
	c.at = times.None
	err = eachAction(data, func(a action) error { return c.take(a) })
	return c, err
}

func (c *change) take(a action) error {
	switch {
	case a.add != nil:
		key, err := a.add.key()
		if err != nil {
			return fmt.Errorf("action add: %w", err)
		}
		c.adds = append(c.adds, logicalAdd{key, a.add})
	case a.remove != nil:
		if a.remove.Path == nil {
			return errors.New("action remove: it has no path")
		}
		path, err := decodePath(*a.remove.Path)
		if err != nil {
			return fmt.Errorf("action remove: %w", err)
		}
		c.removes = append(c.removes, logical{path, a.remove.DeletionVector.id()})
	case a.metadata != nil:
		if c.metadata != nil {
			return errors.New("a second action metaData in one version")
		}
		c.metadata = a.metadata
	case a.protocol != nil:
		if c.protocol != nil {
			return errors.New("a second action protocol in one version")
		}
		c.protocol = a.protocol
	case a.commitInfo != nil:
		at := a.commitInfo.InCommitTimestamp
		if at == nil {
			at = a.commitInfo.Timestamp
		}
		if at != nil {
			c.at = *at * 1000
		}
	case a.sidecar != nil:
		return errors.New("action sidecar: only checkpoints have them")
	}
	return nil
}

// key checks what an add must have.
func (a *add) key() (logical, error) {
	switch {
	case a.Path == nil:
		return logical{}, errors.New("it has no path")
	case a.PartitionValues == nil:
		return logical{}, fmt.Errorf("%s has no partitionValues", *a.Path)
	case a.Size == nil || *a.Size < 0:
		return logical{}, fmt.Errorf("%s has no size", *a.Path)
	case a.ModificationTime == nil:
		return logical{}, fmt.Errorf("%s has no modificationTime", *a.Path)
	case a.DeletionVector != nil && a.DeletionVector.Cardinality == nil:
		return logical{}, fmt.Errorf("the deletion vector of %s has no cardinality", *a.Path)
	}
	path, err := decodePath(*a.Path)
	return logical{path, a.DeletionVector.id()}, err
}

// apply brings the table to the next version.
func (s *state) apply(c change) error {
	added := map[logical]bool{}
	for _, a := range c.adds {
		if added[a.logical] {
			return fmt.Errorf("it adds %s twice", a.path)
		}
		added[a.logical] = true
	}
	for _, key := range c.removes {
		if added[key] {
			return fmt.Errorf("it adds and removes %s with the same deleted rows", key.path)
		}
		if s.live[key] == nil && !c.compacted {
			return fmt.Errorf("it removes %s%s, which is no part of the version before", key.path, withVector(key.vector))
		}
		delete(s.live, key)
		s.named[key.path] = true
	}
	for _, a := range c.adds {
		s.live[a.logical] = a.add
		s.named[a.path] = true
	}
	if c.metadata != nil {
		s.metadata = c.metadata
	}
	if c.protocol != nil {
		s.protocol = c.protocol
	}
	return nil
}

func withVector(id string) string {
	if id == "" {
		return ""
	}
	return " with the deletion vector " + id
}
