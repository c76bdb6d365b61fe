package collect

import (
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/kept"
	"github.com/featureaudit/featureaudit/audit/times"
)

// Answers are what an engine said of all rows of a view together, which no facts of single files add up to. They are kept for exactly the files that
// they are of.
type Answers struct {
	// On is the digest of the questions.
	On string
	// Keys is nil where they were not asked for. Compared says that rows of repeated keys were fetched.
	Keys     *facts.Duplicates
	Compared bool
	// Entities are nil where they were not asked for.
	Entities *facts.Entities
	// Writers is nil where no sample was asked for.
	Writers map[string]*facts.WriterSample
}

// storedAnswers are answers as JSON has them: a map by places is a list there, and the rows of a sample are bytes.
type storedAnswers struct {
	Answers
	Keys    *storedKeys
	Writers map[string]storedSample
}

type storedSample struct {
	Limit uint64
	Rows  []byte
}

// storedWriter are the bytes of a row of a sample: of its writer, its hash, its arrival, its file and its lag.
const storedWriter = 8 + 4 + 4 + 4 + 2

func encodeSample(s *facts.WriterSample) storedSample {
	stored := storedSample{Limit: s.Limit, Rows: make([]byte, 0, len(s.Rows)*storedWriter)}
	for _, r := range s.Rows {
		b := binary.LittleEndian.AppendUint64(stored.Rows, r.Writer)
		b = binary.LittleEndian.AppendUint32(b, r.Row)
		b = binary.LittleEndian.AppendUint32(b, uint32(r.Arrival))
		b = binary.LittleEndian.AppendUint32(b, uint32(r.File))
		stored.Rows = binary.LittleEndian.AppendUint16(b, uint16(r.Lag))
	}
	return stored
}

func decodeSample(stored storedSample) (*facts.WriterSample, error) {
	if len(stored.Rows)%storedWriter != 0 {
		return nil, fmt.Errorf("%d bytes of a sample of writers, want a multiple of %d", len(stored.Rows), storedWriter)
	}
	s := &facts.WriterSample{Limit: stored.Limit}
	for b := stored.Rows; len(b) > 0; b = b[storedWriter:] {
		s.Rows = append(s.Rows, facts.WriterRow{Writer: binary.LittleEndian.Uint64(b), Row: binary.LittleEndian.Uint32(b[8:]), Arrival: int32(binary.LittleEndian.Uint32(b[12:])),
			File: int32(binary.LittleEndian.Uint32(b[16:])), Lag: int16(binary.LittleEndian.Uint16(b[20:]))})
	}
	return s, nil
}

type storedKeys struct {
	facts.Duplicates
	ByPlace []storedPlace
}

type storedPlace struct {
	facts.Population
	facts.DuplicatePlace
}

func encodeAnswers(a Answers) (string, bool) {
	stored := storedAnswers{Answers: a}
	if a.Writers != nil {
		stored.Writers = map[string]storedSample{}
	}
	for source, sample := range a.Writers {
		stored.Writers[source] = encodeSample(sample)
	}
	if a.Keys != nil {
		stored.Keys = &storedKeys{Duplicates: *a.Keys, ByPlace: []storedPlace{}}
		for at, place := range a.Keys.ByPlace {
			stored.Keys.ByPlace = append(stored.Keys.ByPlace, storedPlace{at, *place})
		}
		slices.SortFunc(stored.Keys.ByPlace, func(x, y storedPlace) int {
			return cmp.Or(cmp.Compare(x.Partition, y.Partition), strings.Compare(x.Source, y.Source), strings.Compare(x.Writer, y.Writer))
		})
	}
	raw, err := json.Marshal(stored)
	if err != nil {
		return "", false
	}
	// a text that JSON cannot hold would come back as another
	again, err := decodeAnswers(string(raw))
	return string(raw), err == nil && reflect.DeepEqual(again, withoutRoom(a))
}

// withoutRoom is an answer without the room in which samples were sorted.
func withoutRoom(a Answers) Answers {
	writers := a.Writers
	if writers == nil {
		return a
	}
	a.Writers = map[string]*facts.WriterSample{}
	for source, sample := range writers {
		a.Writers[source] = &facts.WriterSample{Rows: sample.Rows, Limit: sample.Limit}
		if len(sample.Rows) == 0 {
			a.Writers[source].Rows = nil
		}
	}
	return a
}

func decodeAnswers(text string) (Answers, error) {
	var stored storedAnswers
	if err := json.Unmarshal([]byte(text), &stored); err != nil {
		return Answers{}, err
	}
	a := stored.Answers
	if stored.Writers != nil {
		a.Writers = map[string]*facts.WriterSample{}
	}
	for source, sample := range stored.Writers {
		var err error
		if a.Writers[source], err = decodeSample(sample); err != nil {
			return Answers{}, err
		}
	}
	if stored.Keys != nil {
		a.Keys = &stored.Keys.Duplicates
		a.Keys.ByPlace = map[facts.Population]*facts.DuplicatePlace{}
		for _, p := range stored.Keys.ByPlace {
			a.Keys.ByPlace[p.Population] = &p.DuplicatePlace
		}
	}
	return a, nil
}

// answersName is the name of the list that has a view's answers.
func (c *collector) answersName() string { return digestOf([]string{"answers", c.listName()}) }

// togetherKept says that answers of all rows may be kept: they have hashes of writers, and no row by name.
func (c *collector) togetherKept() bool {
	return c.captures != nil && len(c.roles.view.Sensitive) == 0 && c.request.RowsLimit == 0
}

// Answers are what is known of all rows together: of the very files that are counted, each of which must be known, and on the same questions.
// It is nil where nothing is, or not all of it. An error of ErrForgotten is no fault of the data.
func (e *Elsewhere) Answers(on string) (*Answers, error) {
	c := e.c
	if !c.togetherKept() {
		return nil, nil
	}
	list, err := c.request.Kept.List(c.answersName())
	if err != nil {
		return nil, c.forgotten(err)
	}
	if list == nil {
		return nil, nil
	}
	at, same := 0, true
	c.eachWanted(func(file *facts.File) {
		known := c.known[file.ID]
		same = same && known != nil && at < len(list.Covered) && list.Covers(at, known)
		at++
	})
	if !same || at != len(list.Covered) {
		return nil, nil
	}
	a, err := decodeAnswers(list.Answers)
	if err != nil || a.On != on {
		return nil, nil
	}
	return &a, nil
}

// UseKeys takes keys that are known.
func (e *Elsewhere) UseKeys(known *facts.Duplicates) { e.c.collection.Keys = known }

// UseWriters takes a sample that is known.
func (e *Elsewhere) UseWriters(known map[string]*facts.WriterSample) { e.c.collection.Writers = known }

// NewestIn is the newest instant that a row of a file can stand for.
func (e *Elsewhere) NewestIn() map[int32]times.Instant {
	c, newest := e.c, map[int32]times.Instant{}
	for _, s := range c.collection.Slices {
		file := &c.survey.Files[s.File]
		at, known := newest[s.File]
		if !known {
			at = times.None
		}
		at = max(at, s.EventMax)
		if end := c.filePolicyOf(file).snapshotEnd; end != times.None {
			at = max(at, end)
		}
		newest[s.File] = at
	}
	return newest
}

// rememberAnswers keeps answers of files that are known or remembered, all of them.
func (c *collector) rememberAnswers(a Answers, remembered []rememberedFile) {
	if !c.togetherKept() {
		return
	}
	text, whole := encodeAnswers(a)
	if !whole {
		return
	}
	fresh := map[int32]*rememberedFile{}
	for i := range remembered {
		fresh[remembered[i].ID] = &remembered[i]
	}
	list := kept.List{Answers: text}
	c.eachWanted(func(file *facts.File) {
		switch r := fresh[file.ID]; {
		case c.known[file.ID] != nil:
			list.Covered = append(list.Covered, *c.known[file.ID])
		case r != nil:
			list.Covered = append(list.Covered, *c.keptFile(r.File, c.policy, r.state))
		default:
			whole = false
		}
	})
	if whole {
		c.request.Kept.SetList(c.answersName(), list)
	}
}
