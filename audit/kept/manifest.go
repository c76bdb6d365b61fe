package kept

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/zeebo/xxh3"
)

// Format is the identifier and version of what packs hold and mean. Facts of another format are not used.
const Format = "featureaudit.facts/v1"

const formatStem = "featureaudit.facts/"

const (
	manifestStem = "manifest"
	manifestName = manifestStem + ".json"
)

// blockBytes is how much of a file one checksum is of.
const blockBytes = 1 << 20

// manifest says what a pack is.
type manifest struct {
	Format string `json:"format"`
	// Pack is the name that it was made with, and has: its number says which packs are newer. It is empty in those of earlier releases, and of one file.
	Pack string `json:"pack,omitempty"`
	// Note is for whoever wrote the pack.
	Note   json.RawMessage `json:"note,omitempty"`
	Tables []tableManifest `json:"tables"`
}

type tableManifest struct {
	Name    string           `json:"name"`
	Columns []columnManifest `json:"columns"`
	Dense   bool             `json:"dense,omitempty"`
	Rows    int64            `json:"rows"`
	Bytes   int64            `json:"bytes"`
	// Sums are of the blocks of the file, 16 bytes each in hex.
	Sums []string `json:"sums"`
}

type columnManifest struct {
	Name string `json:"name"`
	Kind Kind   `json:"kind"`
}

// sealed is a manifest with the digest of its bytes.
type sealed struct {
	Manifest json.RawMessage `json:"manifest"`
	Digest   string          `json:"digest"`
}

func (m manifest) marshal() ([]byte, error) {
	raw, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	out, err := json.Marshal(sealed{Manifest: raw, Digest: digestOf(raw)})
	return append(out, '\n'), err
}

func digestOf(raw []byte) string {
	sum := sha256.Sum256(raw)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// otherFormatError is of a whole manifest that another program or release wrote.
type otherFormatError struct{ error }

// parseManifest is of bytes that may be damaged, foreign, or of another release.
func parseManifest(raw []byte) (manifest, error) {
	var s sealed
	var m manifest
	if err := json.Unmarshal(raw, &s); err != nil {
		return m, fmt.Errorf("its manifest is no JSON (%w)", err)
	}
	if digestOf(s.Manifest) != s.Digest {
		return m, errors.New("its manifest does not agree with its digest")
	}
	var format struct{ Format string }
	if err := json.Unmarshal(s.Manifest, &format); err != nil || !strings.HasPrefix(format.Format, formatStem) {
		return m, otherFormatError{errors.New("its manifest is not one of featureaudit")}
	}
	if format.Format != Format {
		return m, otherFormatError{fmt.Errorf("it is of the format %s, and this release reads %s", format.Format, Format)}
	}
	if err := json.Unmarshal(s.Manifest, &m); err != nil {
		return m, fmt.Errorf("its manifest does not parse (%w)", err)
	}
	return m, nil
}

// sumOf is the checksum of a block.
func sumOf(block []byte) string {
	sum := xxh3.Hash128(block).Bytes()
	return hex.EncodeToString(sum[:])
}

func (t tableManifest) table() Table {
	table := Table{Name: t.Name, Dense: t.Dense, Columns: make([]Column, len(t.Columns))}
	for i, c := range t.Columns {
		table.Columns[i] = Column(c)
	}
	return table
}

// summer writes a file and sums up its blocks.
type summer struct {
	write func([]byte) (int, error)
	block xxh3.Hasher
	// filled is how much of the block at hand was written, and bytes that of the file.
	filled, bytes int64
	sums          []string
}

// Tell is how many bytes were written.
func (s *summer) Tell() int64 { return s.bytes }

func (s *summer) Write(p []byte) (int, error) {
	n, err := s.write(p)
	s.bytes += int64(n)
	for rest := p[:n]; len(rest) > 0; {
		take := min(int64(len(rest)), blockBytes-s.filled)
		_, _ = s.block.Write(rest[:take]) // never fails
		if s.filled, rest = s.filled+take, rest[take:]; s.filled == blockBytes {
			s.close()
		}
	}
	return n, err
}

// close ends the last block.
func (s *summer) close() {
	if s.filled > 0 {
		sum := s.block.Sum128().Bytes()
		s.sums, s.filled = append(s.sums, hex.EncodeToString(sum[:])), 0
		s.block.Reset()
	}
}
