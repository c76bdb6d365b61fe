package iceberg

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"strconv"

	"github.com/featureaudit/featureaudit/audit/table/internal/rowset"
)

const (
	puffinMagic  = "PFA1"
	vectorKind   = "deletion-vector-v1"
	vectorMagic  = "\xd1\xd3\x39\x64"
	puffinPacked = 1
)

// puffin is a file of blobs with its footer.
type puffin struct {
	data  []byte
	Blobs []blob `json:"blobs"`
}

type blob struct {
	Type             string            `json:"type"`
	Offset           int64             `json:"offset"`
	Length           int64             `json:"length"`
	CompressionCodec *string           `json:"compression-codec"`
	Properties       map[string]string `json:"properties"`
}

// openPuffin reads a file of blobs, once.
func (d *deletions) openPuffin(ctx context.Context, e entry) (*puffin, error) {
	if p := d.puffins[e.path]; p != nil {
		return p, nil
	}
	abs, _, err := d.table.places.name(e.path)
	if err != nil {
		return nil, err
	}
	data, err := d.table.files.read(ctx, abs, e.size)
	if err != nil {
		return nil, err
	}
	p, err := readPuffin(data)
	if err == nil {
		d.puffins[e.path] = p
	}
	return p, err
}

// readPuffin reads the footer: magic, JSON, its length, flags, magic.
func readPuffin(data []byte) (*puffin, error) {
	const end = 12
	if len(data) < 2*len(puffinMagic)+end || string(data[:4]) != puffinMagic || string(data[len(data)-4:]) != puffinMagic {
		return nil, errors.New("it is no Puffin file, which begins and ends with PFA1: it is damaged")
	}
	length := int64(int32(binary.LittleEndian.Uint32(data[len(data)-end:])))
	flags := data[len(data)-8 : len(data)-4]
	begin := int64(len(data)) - end - length
	switch {
	case flags[0] == puffinPacked && flags[1]|flags[2]|flags[3] == 0:
		return nil, errors.New("its footer is compressed, which is not read here: have the deletion vectors written again")
	case flags[0]|flags[1]|flags[2]|flags[3] != 0:
		return nil, fmt.Errorf("its flags are % x, which are not known here: it is damaged", flags)
	case length < 0 || begin < 8 || string(data[begin-4:begin]) != puffinMagic:
		return nil, errors.New("its footer does not begin with PFA1: it is damaged")
	}
	p := &puffin{data: data}
	if err := json.NewDecoder(bytes.NewReader(data[begin : begin+length])).Decode(p); err != nil {
		return nil, fmt.Errorf("its footer does not decode: %w", err)
	}
	return p, nil
}

// load reads a deletion vector: its length, magic number and bitmap, and the checksum of both.
func (d *deletions) load(ctx context.Context, e entry) (*rowset.Set, error) {
	p, err := d.openPuffin(ctx, e)
	if err != nil {
		return nil, err
	}
	if e.offset+e.length > int64(len(p.data)) || e.length < 12 {
		return nil, fmt.Errorf("its manifest says %d bytes at %d of a file of %d: it is damaged", e.length, e.offset, len(p.data))
	}
	if err := p.check(e); err != nil {
		return nil, err
	}
	data := p.data[e.offset : e.offset+e.length]
	body, sum := data[4:len(data)-4], binary.BigEndian.Uint32(data[len(data)-4:])
	switch {
	case int64(binary.BigEndian.Uint32(data)) != int64(len(body)):
		return nil, fmt.Errorf("it says %d bytes and has %d: it is damaged", binary.BigEndian.Uint32(data), len(body))
	case string(body[:4]) != vectorMagic:
		return nil, fmt.Errorf("its magic number is % x: it is damaged", body[:4])
	case crc32.ChecksumIEEE(body) != sum:
		return nil, fmt.Errorf("its checksum is %08x, and it says %08x: it is damaged", crc32.ChecksumIEEE(body), sum)
	}
	return rowset.Read(body[4:])
}

// check holds what a manifest says of a vector to the footer of its file.
func (p *puffin) check(e entry) error {
	for _, b := range p.Blobs {
		if b.Offset != e.offset || b.Length != e.length {
			continue
		}
		switch {
		case b.Type != vectorKind:
			return fmt.Errorf("it is a blob of the type %q, want %s: its manifest or its file is damaged", b.Type, vectorKind)
		case b.CompressionCodec != nil:
			return fmt.Errorf("it is compressed by %s, which the format does not allow", *b.CompressionCodec)
		case b.Properties["referenced-data-file"] != e.referenced:
			return fmt.Errorf("its file says that it is of %q: its manifest or its file is damaged", b.Properties["referenced-data-file"])
		case b.Properties["cardinality"] != strconv.FormatInt(e.rows, 10):
			return fmt.Errorf("its file says %q rows, and its manifest %d: one of them is damaged", b.Properties["cardinality"], e.rows)
		}
		return nil
	}
	return fmt.Errorf("its file has no blob of %d bytes at %d: its manifest or its file is damaged", e.length, e.offset)
}
